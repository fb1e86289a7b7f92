// SPDX-License-Identifier: EUPL-1.2
// arrivals.h - the connections of one door that nothing has come from yet.
//
// ZeroMQ shows a connection with its first message and not before. One that stops half-way
// through the handshake, or completes it and says nothing, would be nobody's: it would
// outlive its key, and cost memory for as long as it likes. The socket's monitor tells of
// each descriptor that was accepted or given up, so that the silent ones can be ended too.
//
// Whoever stays silent for ARRIVAL_MS is ended; beyond arrivals_max the oldest one is, so
// that a flood of them pushes itself out and not the client that says Hello at once. Whoever
// is ended without fault connects again by himself. Thread: event loop.
#ifndef EDGE_ARRIVALS_H
#define EDGE_ARRIVALS_H

#include <event2/event.h>

#include "base/why.h"

enum { ARRIVAL_MS = 10 * 1000, ARRIVALS_MAX = 8192 };

struct arrivals;

// arrivals_open begins to watch a socket, before it is bound. Keeps: socket.
// Gives: arrivals_close, before the socket is closed.
NODISCARD enum vg_status arrivals_open(void *zmq, struct event_base *base, void *socket,
                                       struct arrivals **ret_arrivals, struct why *why);
void arrivals_close(struct arrivals **arrivals);

// arrivals_spoke takes a connection off the list: its first message is here.
void arrivals_spoke(struct arrivals *arrivals, int fd);

// arrivals_end_silent ends those that have been silent for ARRIVAL_MS at this moment of
// clock_ms; arrivals_end_all ends every one. Both return how many.
size_t arrivals_end_silent(struct arrivals *arrivals, int64_t now_ms);
size_t arrivals_end_all(struct arrivals *arrivals);

size_t arrivals_len(const struct arrivals *arrivals);
// arrivals_max: ARRIVALS_MAX, or half the descriptors that this process may have.
size_t arrivals_max(void);

#endif
