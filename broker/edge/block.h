// SPDX-License-Identifier: EUPL-1.2
// block.h - why sources must wait, and telling them: Blocked when the first reason comes,
// Resumed when the last one goes. Thread: event loop.
//
// It is advice. Only BLOCKED_ROOM and BLOCKED_WAITING also make the writer refuse what is published.
#ifndef EDGE_BLOCK_H
#define EDGE_BLOCK_H

#include "edge/broker.h"

// block_set switches one reason on or off and tells the sources what changed for them.
void block_set(struct broker *broker, enum blocked_reason reason, bool on);

// block_status says how it stands: VG_OK, or the first reason's status and sentence.
enum vg_status block_status(const struct broker *broker, struct why *why);

// block_tell tells one session what it has not been told yet; others than sources are
// told nothing. The session may be gone afterwards.
void block_tell(struct broker *broker, struct session *session);

#endif
