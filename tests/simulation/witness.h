// SPDX-License-Identifier: EUPL-1.2
// witness.h - stands at the doors and reads every frame in the order in which the broker
// sees and says it: windows are kept, letters come in order, once on each connection, none
// is passed over untold, none comes again that was acknowledged, none about a person comes
// while an earlier one about him is held. Which session has a mailbox open, and after which
// letter it begins, is asked of the loop; everything else is counted here.
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
    uint64_t tainted; // a session of which an acknowledgement found no room
    int64_t opened_us;
    bool short_of_gaps; // not all that should come first could be taken out
    bool apart;         // not all that says the same anew could be merged
    uint64_t looked;    // up to here letters were looked at before this turn, at least
    uint64_t unmerged;  // up to here letters were looked at without that rule
    uint64_t unhurried; // likewise, without urgent ones first
    bool touched;       // by the frame that is looked at
    bool muddled;       // what is in its outbox, or was, cannot be told from here
};

struct witness {
    struct model *model;
    struct broker *broker; // the one that lives now
    struct watched watched[BOXES_MAX];
    size_t watched_len;
    // When the loop looked last at the rules of all mailboxes, and before that: a turn may
    // begin with what it knew before.
    int64_t looked_us, looked_before_us;
    uint64_t unwanted[INSTITUTIONS_MAX]; // that the model knew of at the beginning
    uint64_t merged[BOXES_MAX];          // likewise, by place of the mailbox
    // counted for the report
    uint64_t delivered, takeovers, tried;
};

// witness_begin watches a broker that has just been opened; the last one is forgotten.
void witness_begin(struct witness *witness, struct model *model, struct broker *broker);
void witness_end(struct witness *witness);

// witness_paces: the loop looks at the rules of all mailboxes in the turn that begins;
// witness_paced: that turn is over.
void witness_paces(struct witness *witness);
void witness_paced(struct witness *witness);

// witness_before and witness_after enclose what the loop does with a frame from a client.
struct expected {
    uint32_t kind;
    struct watched *watched;
    uint64_t owner; // session that has the mailbox open
    uint64_t sent;  // to it
    size_t proposed;
    bool asks; // for something that was not acknowledged before
    struct hot_acknowledge acknowledge;
    uint64_t refused; // letter
    bool park;
};
void witness_before(struct witness *witness, uint64_t session, struct bytes frame,
                    struct expected *ret_expected);
void witness_after(struct witness *witness, uint64_t session, struct bytes frame,
                   const struct expected *expected);

// witness_sent reads what the broker says.
void witness_sent(struct witness *witness, uint64_t session, struct bytes frame);

// witness_not_taken: the connection is gone, or takes nothing at present.
void witness_not_taken(struct witness *witness, struct bytes frame);

// witness_applied looks at a batch before the model follows: it acknowledges nothing that
// nobody asked for.
void witness_applied(struct witness *witness, const struct batch *batch);

// witness_look_at_counts: the loop knows all that the model knows, also what is counted.
void witness_look_at_counts(const struct witness *witness);

// witness_look: nothing is on its way to the writer or back, so all is done that members
// asked for.
void witness_look(struct witness *witness);

#endif
