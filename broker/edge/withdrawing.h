// SPDX-License-Identifier: EUPL-1.2
// withdrawing.h - notifications that were cancelled before they were sent, in mailboxes that
// want neither: kept back while the writer takes both out (flow/withdraw.h).
//
// Surely not sent is what lies above the newest number sent since the start, and above the
// newest that was there at the start: what an earlier process sent nobody knows. In between
// the lane goes on with letters before the pair. Thread: event loop.
#ifndef EDGE_WITHDRAWING_H
#define EDGE_WITHDRAWING_H

#include "edge/broker.h"

enum { WITHDRAWING_MAX = 1000 }; // of a mailbox at a time; more are delivered

// withdrawing_take proposes to withdraw the pairs that a batch names. Ask before anything is
// delivered after that batch.
void withdrawing_take(struct broker *broker, const struct batch *batch);
void withdrawing_answered(struct broker *broker, const struct command *command);

// withdrawing_limit lowers what a lane may send (0: all) below the pairs on their way out;
// ret_rests: nothing.
void withdrawing_limit(const struct lane *lane, uint64_t *through, bool *ret_rests);

#endif
