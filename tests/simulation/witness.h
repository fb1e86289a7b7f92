// SPDX-License-Identifier: EUPL-1.2
// witness.h - stands at the doors and reads every frame in the order in which the broker
// sees and says it: windows are kept, letters come in order, once on each connection, none
// is passed over that nobody has acknowledged, none comes again that was. Which session has
// a mailbox open is asked of the loop; everything else is counted here.
#ifndef SIMULATION_WITNESS_H
#define SIMULATION_WITNESS_H

#include "model.h"
#include "network.h"

// A mailbox as it was opened last.
struct watched {
    uint32_t mailbox;
    uint64_t session;
    uint64_t window_messages;
    uint64_t window_bytes;
    uint64_t sent;      // newest number on this session
    uint64_t sent_ever; // in this life of the broker
    uint64_t given;     // newest number that the loop gave to earlier sessions
    uint64_t in_flight; // messages
    uint64_t flight_bytes;
    uint8_t *marks; // by number: what was done with it
    size_t marks_size;
    uint64_t tainted; // a session of which an acknowledgement was refused
    bool touched;     // by the frame that is looked at
    bool muddled;     // letters of an earlier opening were still to be sent
};

// An acknowledgement that was taken, and whose command is not applied yet.
struct acknowledging {
    uint64_t session;
    struct buffer frame;
};

struct witness {
    struct model *model;
    struct broker *broker; // the one that lives now
    struct watched watched[BOXES_MAX];
    size_t watched_len;
    struct acknowledging *pending; // in the order of their commands
    size_t pending_len;
    size_t pending_size;
    // counted for the report
    uint64_t delivered, takeovers;
};

// witness_begin watches a broker that has just been opened; the last one is forgotten.
void witness_begin(struct witness *witness, struct model *model, struct broker *broker);
void witness_end(struct witness *witness);

// witness_before and witness_after enclose what the loop does with a frame from a client.
struct expected {
    uint32_t kind;
    struct watched *watched;
    uint64_t owner; // session that has the mailbox open
    uint64_t sent;  // to it
    size_t proposed;
    bool asks; // for something that was not acknowledged before
    struct hot_acknowledge acknowledge;
};
void witness_before(struct witness *witness, uint64_t session, struct bytes frame,
                    struct expected *ret_expected);
void witness_after(struct witness *witness, uint64_t session, struct bytes frame,
                   const struct expected *expected);

// witness_sent reads what the broker says.
void witness_sent(struct witness *witness, uint64_t session, struct bytes frame);

// witness_not_taken: the connection is gone, or takes nothing at present.
void witness_not_taken(struct witness *witness, struct bytes frame);

// witness_applied gives the acknowledgements of a batch their frames, for the model.
void witness_applied(struct witness *witness, struct batch *batch);

#endif
