// SPDX-License-Identifier: EUPL-1.2
// zap.h - who gets in: answers ZeroMQ's authentication requests from the key table.
//
// A valid key gets a routing id of ours, so that nobody can choose or take over one
// (edge/session.h tells of an exception):
//   'K' | key id (4, big-endian) | connection (8, big-endian, from 1) | random (4)
// and its public key in hexadecimal as User-Id. An unknown key is told 400, a revoked one
// 500: both end that client's attempts. While the broker is stopping everybody is told
// 300, "come back later". Thread: event loop.
#ifndef EDGE_ZAP_H
#define EDGE_ZAP_H

#include <event2/event.h>

#include "edge/keys.h"

struct zap;

// zap_open answers at inproc://zeromq.zap.01; it must be there before any door and go after
// them. Keeps: keys. Gives: zap_close.
NODISCARD enum vg_status zap_open(void *zmq, struct event_base *base,
                                  const struct keys *keys, struct zap **ret_zap,
                                  struct why *why);
void zap_close(struct zap **zap);

// zap_set_later tells everybody to come back later.
void zap_set_later(struct zap *zap, bool later);

#endif
