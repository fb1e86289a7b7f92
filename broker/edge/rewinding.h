// SPDX-License-Identifier: EUPL-1.2
// rewinding.h - a member goes back: the search, the line in the journal, his answer. Sending
// is delivery's (edge/delivery.c), by flow/rewind.h.
//
// Nothing is sent again before the journal says on disk who asked for it. Thread: event loop.
#ifndef EDGE_REWINDING_H
#define EDGE_REWINDING_H

#include "edge/broker.h"

// rewinding_begin searches for what to send again on a lane that is open; a rewind that was
// under way there ends. The session is told Rewound or Refused later.
void rewinding_begin(struct broker *broker, struct lane *lane, struct rewind_goal goal);

// rewinding_search does one slice of every search, and comes back in the next turn while
// one is left.
void rewinding_search(struct broker *broker);

// rewinding_answered begins to send, once the journal has it.
void rewinding_answered(struct broker *broker, const struct command *command);

#endif
