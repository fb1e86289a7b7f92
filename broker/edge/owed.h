// SPDX-License-Identifier: EUPL-1.2
// owed.h - acknowledgements, refusals and deferrals that the store had no room for, proposed
// again until it has.
//
// The member's window was freed when it spoke, and nobody says no to it: so the broker owes
// it the mark. When it ends before, the letters come again, numbered.
// Thread: event loop.
#ifndef EDGE_OWED_H
#define EDGE_OWED_H

#include "edge/broker.h"

enum { OWED_MAX = 100000 }; // some 100 MB; more are not kept, and that is logged

// owed_keep takes over what a refused one says. False: there are too many.
NODISCARD bool owed_keep(struct broker *broker, struct command *command);

// owed_propose proposes all of them again, at most once a second.
void owed_propose(struct broker *broker);

void owed_free(struct broker *broker);

#endif
