// SPDX-License-Identifier: EUPL-1.2
// door.h - one ROUTER socket with CURVE, driven by the event loop.
//
// Receives whole messages of one frame, within a budget per turn, and sends without ever
// waiting. Who the sender is was decided by ZAP (edge/zap.h): his routing id is ours, not
// his. Thread: event loop.
#ifndef EDGE_DOOR_H
#define EDGE_DOOR_H

#include <event2/event.h>
#include <sys/socket.h>

#include "base/why.h"
#include "edge/arrivals.h"

enum {
    ROUTE_LEN = 17,       // 'K', key id, connection, random: edge/zap.h
    DOOR_SECRET_LEN = 32, // a CURVE secret key
    DOOR_ENDPOINT_LEN = 128,
};

#define DOOR_DOMAIN "vigie" // the ZAP domain of every door

struct door;

// The other end of a connection, as far as it can be found again to end it.
struct far_end {
    int fd; // libzmq's; -1: not known
    struct sockaddr_storage address;
};

// A message as it came in. Everything is borrowed during the call.
struct door_message {
    struct bytes route;
    struct bytes payload;
    const char *user_id; // "" when there is none
    int fd;
    bool
        one_part; // false: there were more or fewer frames than one; payload is the first
};

typedef void (*door_message_fn)(struct door *door, const struct door_message *message,
                                void *arg);
typedef void (*door_turn_fn)(void *arg); // the last call of each turn

struct door_options {
    void *zmq; // context
    struct event_base *base;
    const char *name;     // for the log
    const char *endpoint; // tcp://address:port; port *: any free one
    const uint8_t *secret;
    size_t message_bytes_max;
    door_message_fn message;
    door_turn_fn turn;
    void *arg;
};

// door_open binds; the ZAP handler must be there. Gives: door_close.
// Returns VG_OK or VG_BAD_SETTINGS with the endpoint and the system's words.
NODISCARD enum vg_status door_open(const struct door_options *options,
                                   struct door **ret_door, struct why *why);
// door_close lets what was sent leave for up to two seconds, in the background.
void door_close(struct door **door);

const char *door_endpoint(const struct door *door); // as bound, with its real port
const char *door_name(const struct door *door);
struct arrivals *door_arrivals(struct door *door); // who has not said anything yet

enum door_sent {
    DOOR_SENT, // handed to ZeroMQ; only an answer proves more
    DOOR_FULL, // the peer does not read: try again later
    DOOR_GONE, // there is no such peer any more
};

// door_send sends one frame to one peer. Copies: frame. Blocks: no.
NODISCARD enum door_sent door_send(struct door *door, struct bytes route,
                                   struct bytes frame);

// door_settle must be the last thing done to a door in every callback of the loop: a send
// may have swallowed the edge that announces what has come in.
void door_settle(struct door *door);

// far_end_of remembers the other end of a connection.
struct far_end far_end_of(int fd);
// far_end_is_there says whether the descriptor still leads there.
bool far_end_is_there(const struct far_end *far_end);
// far_end_shut ends it, if the descriptor still leads there. Its peer reconnects.
bool far_end_shut(const struct far_end *far_end);
// far_end_print writes "192.0.2.1:4711", or "?".
void far_end_print(const struct far_end *far_end, char *ret_text, size_t size);

#endif
