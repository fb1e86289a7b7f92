// SPDX-License-Identifier: EUPL-1.2
// sifting.h - mailboxes in which urgent letters come first or repeats are merged: looked at
// before they are sent.
//
// Only where more than one letter waits: a mailbox that keeps up is not looked into. While
// letters are taken out of their turn, a commit, the lane rests. Thread: event loop.
#ifndef EDGE_SIFTING_H
#define EDGE_SIFTING_H

#include "edge/broker.h"

// sifting_look looks at what waits and was not looked at. False: the lane rests until that is
// answered, or status says that its letters cannot be read. ret_through: what may be sent,
// 0: all.
NODISCARD enum vg_status sifting_look(struct broker *broker, struct lane *lane,
                                      uint64_t *ret_through, bool *ret_rests);
void sifting_answered(struct broker *broker, const struct command *command);

#endif
