// SPDX-License-Identifier: EUPL-1.2
#include "edge/door.h"

#include "edge/pump.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

// Debian's header hides it, its library has it: without a ZAP handler nobody gets in.
#define ZAP_ENFORCE_DOMAIN 93

enum {
    CURVE_OVERHEAD = 33,
    SEND_FRAMES_MAX = 128, // per peer, in ZeroMQ's own queue
    RECEIVE_FRAMES_MAX = 1000,
    HANDSHAKE_MS = 3000,
    DEAD_PEER_MS = 30000,
    LINGER_MS = 2000,
    BACKLOG = 1024,
};

struct door {
    struct door_options options;
    void *socket;
    struct pump *pump;
    struct arrivals *arrivals;
    char name[16];
    char endpoint[DOOR_ENDPOINT_LEN];
};

// ---- receiving ----

// Frames beyond the two we speak are read and thrown away, so that the next message begins
// with its first one.
static void
discard_rest(struct door *door, zmq_msg_t *message)
{
    while (zmq_msg_more(message) && zmq_msg_recv(message, door->socket, 0) >= 0) {
    }
}

static void
hand_over(struct door *door, zmq_msg_t *route, zmq_msg_t *payload, bool one_part)
{
    const char *user_id = zmq_msg_gets(payload, "User-Id");
    struct door_message message = {
        .route = {zmq_msg_data(route), zmq_msg_size(route)},
        .payload = {zmq_msg_data(payload), zmq_msg_size(payload)},
        .user_id = user_id == NULL ? "" : user_id,
        .fd = zmq_msg_get(payload, ZMQ_SRCFD),
        .one_part = one_part,
    };

    door->options.message(door, &message, door->options.arg);
}

static bool
receive_message(void *arg, size_t *ret_bytes)
{
    struct door *door = arg;
    zmq_msg_t route;
    zmq_msg_t payload;
    bool received;

    zmq_msg_init(&route);
    zmq_msg_init(&payload);
    received = zmq_msg_recv(&route, door->socket, ZMQ_DONTWAIT) >= 0;
    if (received && zmq_msg_more(&route)) {
        received = zmq_msg_recv(&payload, door->socket, 0) >= 0;
    }
    if (received) {
        bool one_part = !zmq_msg_more(&payload);

        *ret_bytes = zmq_msg_size(&payload);
        hand_over(door, &route, &payload, one_part);
        discard_rest(door, &payload);
    }
    zmq_msg_close(&route);
    zmq_msg_close(&payload);
    return received;
}

// ---- life ----

struct number_option {
    int option;
    int value;
};

static bool
set_options(struct door *door, const struct door_options *options)
{
    const struct number_option numbers[] = {
        {ZMQ_ROUTER_MANDATORY, 1},        {ZMQ_SNDHWM, SEND_FRAMES_MAX},
        {ZMQ_RCVHWM, RECEIVE_FRAMES_MAX}, {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
        {ZMQ_TCP_MAXRT, DEAD_PEER_MS},    {ZMQ_LINGER, LINGER_MS},
        {ZMQ_BACKLOG, BACKLOG},           {ZMQ_CURVE_SERVER, 1},
        {ZAP_ENFORCE_DOMAIN, 1},
    };
    int64_t bytes_max = (int64_t)options->message_bytes_max + CURVE_OVERHEAD;

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        if (zmq_setsockopt(door->socket, numbers[i].option, &numbers[i].value,
                           sizeof numbers[i].value) != 0) {
            return false;
        }
    }
    return zmq_setsockopt(door->socket, ZMQ_MAXMSGSIZE, &bytes_max, sizeof bytes_max) ==
               0 &&
           zmq_setsockopt(door->socket, ZMQ_CURVE_SECRETKEY, options->secret,
                          DOOR_SECRET_LEN) == 0 &&
           zmq_setsockopt(door->socket, ZMQ_ZAP_DOMAIN, DOOR_DOMAIN,
                          strlen(DOOR_DOMAIN)) == 0;
}

static enum vg_status
bind_socket(struct door *door, const struct door_options *options, struct why *why)
{
    size_t len = sizeof door->endpoint;
    enum vg_status status;

    door->socket = zmq_socket(options->zmq, ZMQ_ROUTER);
    if (door->socket == NULL || !set_options(door, options)) {
        return fail(why, VG_BAD_SETTINGS, "%s: ZeroMQ does not take our options: %s",
                    options->name, zmq_strerror(errno));
    }
    status =
        arrivals_open(options->zmq, options->base, door->socket, &door->arrivals, why);
    if (status != VG_OK) {
        return status;
    }
    if (zmq_bind(door->socket, options->endpoint) != 0) {
        return fail(why, VG_BAD_SETTINGS, "%s: cannot listen at \"%s\": %s",
                    options->name, options->endpoint, zmq_strerror(errno));
    }
    if (zmq_getsockopt(door->socket, ZMQ_LAST_ENDPOINT, door->endpoint, &len) != 0) {
        return fail(why, VG_BAD_SETTINGS, "%s: no endpoint: %s", options->name,
                    zmq_strerror(errno));
    }
    return VG_OK;
}

enum vg_status
door_open(const struct door_options *options, struct door **ret_door, struct why *why)
{
    struct door *door = xcalloc(1, sizeof *door);
    struct pump_options pump = {
        .base = options->base,
        .receive = receive_message,
        .receive_arg = door,
        .turn = options->turn,
        .turn_arg = options->arg,
    };
    enum vg_status status;

    door->options = *options;
    snprintf(door->name, sizeof door->name, "%s", options->name);
    status = bind_socket(door, options, why);
    if (status == VG_OK) {
        pump.socket = door->socket;
        status = pump_open(&pump, &door->pump, why);
    }
    door->options.secret = NULL; // the caller's; ZeroMQ has its copy
    if (status != VG_OK) {
        door_close(&door);
        return status;
    }
    *ret_door = door;
    return VG_OK;
}

void
door_close(struct door **door)
{
    if (*door == NULL) {
        return;
    }
    pump_close(&(*door)->pump);
    arrivals_close(&(*door)->arrivals);
    if ((*door)->socket != NULL) {
        zmq_close((*door)->socket);
    }
    free(*door);
    *door = NULL;
}

const char *
door_endpoint(const struct door *door)
{
    return door->endpoint;
}

const char *
door_name(const struct door *door)
{
    return door->name;
}

struct arrivals *
door_arrivals(struct door *door)
{
    return door->arrivals;
}

// ---- sending ----

enum door_sent
door_send(struct door *door, struct bytes route, struct bytes frame)
{
    // Only the first part can fail: what happens to a peer after it is not told.
    if (zmq_send(door->socket, route.at, route.len, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
        return errno == EHOSTUNREACH ? DOOR_GONE : DOOR_FULL;
    }
    (void)zmq_send(door->socket, frame.at, frame.len, ZMQ_DONTWAIT);
    return DOOR_SENT;
}

void
door_settle(struct door *door)
{
    pump_settle(door->pump);
}

// ---- the other end ----

struct far_end
far_end_of(int fd)
{
    struct far_end far_end = {.fd = fd};
    socklen_t len = sizeof far_end.address;

    if (fd < 0 || getpeername(fd, (struct sockaddr *)&far_end.address, &len) != 0) {
        memset(&far_end, 0, sizeof far_end);
        far_end.fd = -1;
    }
    return far_end;
}

bool
far_end_is_there(const struct far_end *far_end)
{
    struct far_end now = far_end_of(far_end->fd);

    return now.fd >= 0 &&
           memcmp(&now.address, &far_end->address, sizeof now.address) == 0;
}

bool
far_end_shut(const struct far_end *far_end)
{
    // The number may lead to somebody else by now. Never close: it is a library's.
    return far_end_is_there(far_end) && shutdown(far_end->fd, SHUT_RDWR) == 0;
}

void
far_end_print(const struct far_end *far_end, char *ret_text, size_t size)
{
    char host[64];
    char port[16];

    if (far_end->fd < 0 ||
        getnameinfo((const struct sockaddr *)&far_end->address, sizeof far_end->address,
                    host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        snprintf(ret_text, size, "?");
        return;
    }
    snprintf(ret_text, size, "%s:%s", host, port);
}
