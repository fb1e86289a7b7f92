// SPDX-License-Identifier: EUPL-1.2
// delivery.h - sends what lies in open mailboxes, as far as windows allow, everybody in
// turn.
//
// A session's turn is one frame: a share of each of its mailboxes that has something, so
// that one full mailbox holds up no other. When a turn of the loop has sent its share, the
// rest goes on in the next one. Thread: event loop.
#ifndef EDGE_DELIVERY_H
#define EDGE_DELIVERY_H

#include "edge/broker.h"

enum {
    DELIVERY_SHARE_BYTES = 64 << 10,  // of one mailbox in one frame
    DELIVERY_FRAME_BYTES = 256 << 10, // of one session in its turn
    DELIVERY_TURN_BYTES = 2 << 20,    // of all in one turn of the loop
};

// delivery_note says that a mailbox may have something to send, or window again.
void delivery_note(struct broker *broker, struct lane *lane);

// delivery_resume lets a session that reads again have its turn.
void delivery_resume(struct broker *broker, struct session *session);

// delivery_forget takes a session out of the queue: it is about to end.
void delivery_forget(struct broker *broker, struct session *session);

// delivery_run serves the sessions that wait, and asks for another turn of the loop when
// it could not serve them all.
void delivery_run(struct broker *broker);

#endif
