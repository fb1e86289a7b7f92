// SPDX-License-Identifier: EUPL-1.2
// ride.h - acknowledgements wait a moment for something that is committed anyway.
//
// Nobody waits for them: the member's window was freed when it spoke. Committed at once they
// would keep the disk busy while the next mutation waits for it. So they go with the next
// command, before it, or RIDE_MS later alone. When the broker dies in between, those letters
// come again, as they would have when it died just before the commit.
// Thread: event loop.
#ifndef EDGE_RIDE_H
#define EDGE_RIDE_H

#include "edge/broker.h"

enum { RIDE_MS = 10, RIDE_MAX = 1000 }; // of so many none waits any longer

// ride_add takes an acknowledgement; it counts as proposed. Takes: command.
void ride_add(struct broker *broker, struct command **command);

// ride_with proposes those that wait, in their order, and then a command: in one batch, unless
// it is full before. broker_propose calls it. Takes: command.
void ride_with(struct broker *broker, struct command **command);
// ride_end proposes those that wait.
void ride_end(struct broker *broker);

void ride_free(struct broker *broker);

#endif
