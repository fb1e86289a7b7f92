// SPDX-License-Identifier: EUPL-1.2
// broker_internal.h - what the parts of the broker's loop have in common: putting it together
// and taking it apart (broker.c), its turns (turns.c), what it sends (sending.c).
#ifndef EDGE_BROKER_INTERNAL_H
#define EDGE_BROKER_INTERNAL_H

#include "edge/broker.h"

// broker_of gives the broker that a callback was registered with.
static inline struct broker *
broker_of(void *arg)
{
    struct broker *broker = arg;

    CHECK(broker->magic == BROKER_MAGIC);
    return broker;
}

// turns_open makes the loop, its timers and the ZeroMQ context; nothing wakes it yet.
NODISCARD enum vg_status turns_open(struct broker *broker, struct why *why);

// turns_take_answers lets the writer, which runs, wake the loop.
NODISCARD enum vg_status turns_take_answers(struct broker *broker, struct why *why);

// turns_start begins with the turns that come by the clock.
void turns_start(struct broker *broker);

// turns_close ends what wakes the loop, however far it was opened; the loop itself stays.
void turns_close(struct broker *broker);

// sending_go_on sends what peers did not read before.
void sending_go_on(struct broker *broker);

#endif
