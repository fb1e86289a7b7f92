// SPDX-License-Identifier: EUPL-1.2
// reception.h - the first steps of every message: who is it from, may he come in by this
// door, and at which desk is his kind of message read? Thread: event loop.
#ifndef EDGE_RECEPTION_H
#define EDGE_RECEPTION_H

#include "edge/broker.h"
#include "wire/wire.h"

enum { SESSIONS_PER_KEY_MAX = 256 };

// One message of a session that is ready. The frame is borrowed; body views into it.
struct post {
    struct bytes frame;
    struct bytes body;
};

// A desk may end the session: nothing of it may be touched afterwards.
typedef void (*desk_fn)(struct broker *broker, struct session *session,
                        const struct post *post);

// Where one kind of message is read, and the roles that may send it: one of these bits is
// needed. A kind without a row is nobody's at this door.
struct desk {
    desk_fn take;
    uint32_t roles;
};

// What one door takes, beside Hello and Heartbeat.
struct desks {
    const char *door;
    uint32_t roles;                         // one of these bits is needed to come in
    struct desk desk[TO_BROKER_REWIND + 1]; // by kind
};

// reception_take handles one message that came in by a door.
void reception_take(struct broker *broker, const struct desks *desks, struct door *door,
                    const struct door_message *message);

#endif
