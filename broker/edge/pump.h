// SPDX-License-Identifier: EUPL-1.2
// pump.h - one ZeroMQ socket driven by the event loop, fair and without a missed edge.
//
// ZeroMQ's descriptor says that something changed, not that there is something to read; any
// call on the socket may swallow that news. So whoever touched a socket settles it before
// going back to the loop, and a socket with more than one turn's worth goes on in the next
// turn, by a timer of zero, so that the others come in between.
// Thread: event loop.
#ifndef EDGE_PUMP_H
#define EDGE_PUMP_H

#include <event2/event.h>

#include "base/why.h"

enum { PUMP_MESSAGES_PER_TURN = 256, PUMP_BYTES_PER_TURN = 1 << 20 };

struct pump;

// Receives one whole message without waiting; false when there was none. ret_bytes: its
// size.
typedef bool (*pump_receive_fn)(void *arg, size_t *ret_bytes);
// Called once at the end of each turn, whatever came.
typedef void (*pump_turn_fn)(void *arg);

struct pump_options {
    struct event_base *base;
    void *socket;
    pump_receive_fn receive;
    void *receive_arg;
    pump_turn_fn turn; // NULL: nothing to do
    void *turn_arg;
};

// pump_open begins to watch the socket. Keeps: socket. Gives: pump_close, before the socket
// is closed.
NODISCARD enum vg_status pump_open(const struct pump_options *options,
                                   struct pump **ret_pump, struct why *why);
void pump_close(struct pump **pump);

// pump_settle makes sure that what has come in will be read.
void pump_settle(struct pump *pump);

#endif
