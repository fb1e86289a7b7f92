// SPDX-License-Identifier: EUPL-1.2
// levels.h - mailboxes that fill up and empty, and all of them together: told in the log,
// the metrics and to the institution's sessions when it changes, and once. Thread: event
// loop.
//
// A mailbox at its limit keeps its letters, in their order, and holds up nobody else:
// sources do not hear of it, and what it holds above its limit does not count. They wait
// only when all mailboxes together, each counted up to its limit, hold
// waiting_messages_max letters.
#ifndef EDGE_LEVELS_H
#define EDGE_LEVELS_H

#include "edge/broker.h"

// levels_open begins, when the lanes know what waits.
void levels_open(struct broker *broker);

// levels_take tells what a batch has changed.
void levels_take(struct broker *broker, const struct batch *batch);

// levels_look sees how old the oldest letters are, of some mailboxes in turn, against the
// settings as they are now. Call it once a second.
void levels_look(struct broker *broker, struct instant now);

// levels_tell tells a session how a mailbox stands that it has just opened; nothing when
// it is calm. False when the session is gone.
bool levels_tell(struct broker *broker, struct session *session, uint32_t mailbox);

// settings_limits gives the limits of mailboxes that have none of their own.
struct limits settings_limits(const struct settings *settings);

#endif
