// SPDX-License-Identifier: EUPL-1.2
// twin.h - a copy of the store from some moment, or an empty one, brought forward by the
// journal of the store that lives: it must become the same store.
#ifndef SIMULATION_TWIN_H
#define SIMULATION_TWIN_H

#include "node.h"

struct twin {
    char path[96]; // "": there is none
    uint64_t commit;
    // counted for the report
    uint64_t replayed; // commits
};

// twin_copy takes a copy of the file as it lies there; an earlier one goes. empty: of a store
// in which nothing has happened yet.
void twin_copy(struct twin *twin, const struct node *node, bool empty);

// twin_follow replays what the node's store has done since, lets the model compare all, and
// removes the twin.
void twin_follow(struct twin *twin, struct node *node);
void twin_end(struct twin *twin);

#endif
