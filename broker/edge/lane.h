// SPDX-License-Identifier: EUPL-1.2
// lane.h - a mailbox as the event loop sees it: who has it open, how far he is, how fast it
// fills and empties.
//
// One session at a time: whoever opens a mailbox takes it over, because a client that
// reconnects must not wait until its dead connection is noticed. Thread: event loop.
#ifndef EDGE_LANE_H
#define EDGE_LANE_H

#include "flow/outflow.h"
#include "flow/rewind.h"

struct session;

// A pair that is about to be withdrawn: nothing is sent from its first letter on.
struct withdrawing {
    struct withdrawing *next;
    uint64_t first;
};

// Messages per second, over about the last ten seconds.
struct rate {
    uint64_t seen; // the counter's value at the last tick
    double per_second;
};

// Its next letter is damaged: nothing more is sent, what was sent can be acknowledged.
enum lane_stop {
    LANE_GOES,
    LANE_STOPS,
    LANE_STOPPED
}; // STOPS: its member is not told yet

struct lane {
    uint32_t mailbox;
    struct session *session; // that has it open, NULL: nobody
    struct outflow *outflow; // its own; NULL with session
    struct rewind *rewind;   // rests the outflow while it sends; NULL: none
    uint64_t rewind_id;
    uint64_t last; // newest number in the mailbox
    uint64_t
        found; // the newest there was at the start: an earlier broker may have sent it
    uint64_t sent_through; // newest number sent on any connection since the start
    uint64_t mark;         // acknowledged up to here by any session, perhaps in the queue
    uint64_t delivered;    // since the start, repeats included
    uint64_t acknowledged; // messages' worth, since the start
    uint64_t withdrawn;    // with their cancellations, since the start
    uint64_t unwanted;     // not made, since the start: its institution wants none of it
    uint64_t merged;       // into later ones, since the start
    struct fill fill;      // what waits; age as last looked at
    uint64_t counted;      // of it in broker->waiting
    enum limits_level level; // that was told last
    int64_t delivered_us;    // moment of the last delivery, 0: none yet
    int64_t acknowledged_us; // moment of the last acknowledgement, 0: none yet
    int64_t unread_told_us;  // when its oldest letter was last warned of, 0: never
    struct rate in;          // posted
    struct rate out;         // acknowledged
    // of the session's lists
    struct lane *next;
    struct lane *next_ready;
    int64_t hold_back_us; // struct outflow_view; as last looked at (edge/pacing.h)
    struct withdrawing *withdrawing; // pairs on their way out (edge/withdrawing.h)
    uint64_t sifted; // looked at for urgent ones and repeats up to here (edge/sifting.h)
    bool urgent_first;  // as last looked at (edge/pacing.h)
    bool merge_repeats; // the same
    bool stands;        // struct outflow_view; the same
    bool sifting;       // letters are taken out of their turn: nothing is sent meanwhile
    bool due;           // a held letter's moment has come
    bool ready;         // stands in the list of those with something to send
    enum lane_stop stop;
};

struct lanes;

// Gives: lanes_free, after the last session has closed its lanes.
struct lanes *lanes_new(void);
void lanes_free(struct lanes **lanes);

// lanes_find gives a mailbox's lane, NULL when it was never looked at.
struct lane *lanes_find(const struct lanes *lanes, uint32_t mailbox);
// lanes_at gives it, made when it is new (then last must be filled in). The pointer is good
// for the life of the lanes.
struct lane *lanes_at(struct lanes *lanes, uint32_t mailbox);

// lane_is_rewound says whether letters are sent again now, before the others.
bool lane_is_rewound(const struct lane *lane);

// lane_has_work says whether there is something to send and window for it.
bool lane_has_work(const struct lane *lane);

// lanes_tick renews the rates; call it once a second.
void lanes_tick(struct lanes *lanes);

// lanes_each calls back for every lane that was ever made.
typedef void (*lane_fn)(struct lane *lane, void *arg);
void lanes_each(struct lanes *lanes, lane_fn each, void *arg);

#endif
