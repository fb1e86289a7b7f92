// SPDX-License-Identifier: EUPL-1.2
// pacing.h - mailboxes with quiet hours or a digest: when they may be filled.
//
// The letters lie where they lie. What a lane may push is looked at when it is opened, when
// rules change, and every second. Thread: event loop.
#ifndef EDGE_PACING_H
#define EDGE_PACING_H

#include "edge/broker.h"

// pacing_open looks at one lane that is about to be filled.
void pacing_open(struct broker *broker, struct lane *lane);
// pacing_changed looks at all, after institutions or mailboxes have changed.
void pacing_changed(struct broker *broker);
// pacing_tick looks at those that have times; call it once a second.
void pacing_tick(struct broker *broker);

#endif
