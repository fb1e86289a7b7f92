// SPDX-License-Identifier: EUPL-1.2
// walks.h - questions whose answer is a walk over the whole directory (flow/holdings.h), looked
// for beside the loop's other work: one slice of half a millisecond in a turn, whoever
// waits takes his turn, and no view of the store is held between two.
// Thread: event loop.
#ifndef EDGE_WALKS_H
#define EDGE_WALKS_H

#include "edge/broker.h"
#include "flow/holdings.h"

enum {
    WALKS_MAX = 64, // under way at a time
    // A walk for a connection ends after so many persons: it asks on, others come in between,
    // and no answer takes longer than clients wait.
    WALK_PERSONS_MAX = 1000000,
};

struct walk;

// Called once, in a turn of the loop, when a walk has ended or failed; it must end it.
typedef void (*walk_done_fn)(struct broker *broker, struct walk *walk);

struct walk {
    struct walk *next;
    struct holdings *holdings;
    enum vg_status status;
    bool whole; // not only WALK_PERSONS_MAX
    walk_done_fn done;
    // Before each slice; NULL: nobody wants to know. False: nobody waits, and it was ended.
    bool (*goes_on)(struct walk *walk);
    // the asker's own words
    uint64_t session;
    uint64_t request;
    uint64_t ticket;
    void *context;
};

// walks_begin puts a copy of a walk into the queue, its holdings new. Gives: walk_end, also from
// outside before it is done. NULL: too many are under way.
struct walk *walks_begin(struct broker *broker, const struct walk *walk,
                         const struct holdings_question *question);
void walk_end(struct broker *broker, struct walk **walk);

// walks_go_on looks at the next slice. In a turn of its own.
void walks_go_on(struct broker *broker);
// walks_close ends all.
void walks_close(struct broker *broker);

#endif
