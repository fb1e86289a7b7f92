// SPDX-License-Identifier: EUPL-1.2
#include "link.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "address.h"
#include "context.h"
#include "error.h"

enum {
    // ZeroMQ keeps unread frames of a lost connection only while it means to connect
    // again.
    RECONNECT_MS_NEVER = 24 * 3600 * 1000,
    FRAME_BYTES_MAX = 64 * 1024 * 1024,
};

// What ZAP says in its status: 400 a key that nobody knows, 500 a revoked one, 300 later.
enum { ZAP_UNKNOWN = 400, ZAP_REVOKED = 500 };

enum {
    EVENTS_WANTED = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED |
                    ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                    ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                    ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
};

// ---- the sockets ----

static bool
set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool
set_text(void *socket, int option, const char *text)
{
    return zmq_setsockopt(socket, option, text, strlen(text) + 1) == 0;
}

static bool
set_keys(void *dealer, const struct vg_address *address)
{
    return set_text(dealer, ZMQ_CURVE_SERVERKEY, address->broker_public) &&
           set_text(dealer, ZMQ_CURVE_PUBLICKEY, address->own_public) &&
           set_text(dealer, ZMQ_CURVE_SECRETKEY, address->own_secret);
}

// No limit on what is received: a full queue and a lost link together abort the process
// (libzmq 4.3.4). The window we grant is the limit. No heartbeats of ZeroMQ's: ours.
static bool
set_options(void *dealer)
{
    int64_t frame_bytes_max = FRAME_BYTES_MAX;

    return set_int(dealer, ZMQ_RCVHWM, 0) && set_int(dealer, ZMQ_SNDHWM, 0) &&
           set_int(dealer, ZMQ_LINGER, 0) &&
           set_int(dealer, ZMQ_RECONNECT_IVL, RECONNECT_MS_NEVER) &&
           set_int(dealer, ZMQ_HANDSHAKE_IVL, VG_ATTEMPT_MS) &&
           set_int(dealer, ZMQ_CONNECT_TIMEOUT, VG_ATTEMPT_MS) &&
           zmq_setsockopt(dealer, ZMQ_MAXMSGSIZE, &frame_bytes_max,
                          sizeof frame_bytes_max) == 0;
}

// The consumer is connected, without a limit, before the first event: otherwise the
// library's I/O thread would wait for it.
static void *
open_monitor(void *context, void *dealer)
{
    static atomic_uint_fast64_t names;
    char name[64];
    void *monitor = zmq_socket(context, ZMQ_PAIR);

    (void)snprintf(name, sizeof name, "inproc://vigie-monitor-%llu",
                   (unsigned long long)atomic_fetch_add(&names, 1));
    if (monitor == NULL || !set_int(monitor, ZMQ_RCVHWM, 0) ||
        !set_int(monitor, ZMQ_LINGER, 0) ||
        zmq_socket_monitor(dealer, name, EVENTS_WANTED) != 0 ||
        zmq_connect(monitor, name) != 0) {
        if (monitor != NULL) {
            (void)zmq_close(monitor);
        }
        return NULL;
    }
    return monitor;
}

static bool
watch_socket(int epoll_fd, void *socket, int *ret_fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    size_t size = sizeof *ret_fd;

    return zmq_getsockopt(socket, ZMQ_FD, ret_fd, &size) == 0 &&
           epoll_ctl(epoll_fd, EPOLL_CTL_ADD, *ret_fd, &event) == 0;
}

void
vg_link_close(struct vg_link *link, int linger_ms)
{
    if (link->dealer_fd >= 0) {
        (void)epoll_ctl(link->epoll_fd, EPOLL_CTL_DEL, link->dealer_fd, NULL);
    }
    if (link->monitor_fd >= 0) {
        (void)epoll_ctl(link->epoll_fd, EPOLL_CTL_DEL, link->monitor_fd, NULL);
    }
    if (link->dealer != NULL) {
        (void)zmq_socket_monitor(link->dealer, NULL, 0);
        (void)set_int(link->dealer, ZMQ_LINGER, linger_ms);
        (void)zmq_close(link->dealer);
    }
    if (link->monitor != NULL) {
        (void)zmq_close(link->monitor);
    }
    link->dealer = NULL;
    link->monitor = NULL;
    link->dealer_fd = -1;
    link->monitor_fd = -1;
}

static enum vg_status
open_sockets(struct vg_link *link, const struct vg_address *address,
             struct vg_error *error)
{
    void *dealer = zmq_socket(link->context, ZMQ_DEALER);

    link->dealer = dealer;
    if (dealer == NULL || !set_options(dealer)) {
        return vg_fail(error, VG_NO_MEMORY, "no socket: %s", zmq_strerror(errno));
    }
    if (!set_keys(dealer, address)) {
        return vg_fail(error, VG_MALFORMED, "one of the three keys is not a CURVE key");
    }
    // Names would be asked for in vain where there is no IPv6.
    if (strchr(address->endpoint, '[') != NULL) {
        (void)set_int(dealer, ZMQ_IPV6, 1);
    }
    link->monitor = open_monitor(link->context, dealer);
    if (link->monitor == NULL) {
        return vg_fail(error, VG_NO_MEMORY, "no monitor: %s", zmq_strerror(errno));
    }
    if (zmq_connect(dealer, address->endpoint) != 0) {
        return vg_fail(error, VG_MALFORMED, "endpoint %s: %s", address->endpoint,
                       zmq_strerror(errno));
    }
    if (!watch_socket(link->epoll_fd, dealer, &link->dealer_fd) ||
        !watch_socket(link->epoll_fd, link->monitor, &link->monitor_fd)) {
        return vg_fail(error, VG_NO_MEMORY, "no descriptor: %s", zmq_strerror(errno));
    }
    return VG_OK;
}

// ---- life ----

enum vg_status
vg_link_init(struct vg_link *link, struct vg_error *error)
{
    *link = (struct vg_link){.dealer_fd = -1, .monitor_fd = -1};
    link->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    link->context = vg_context_take();
    if (link->epoll_fd < 0 || link->context == NULL) {
        return vg_fail(error, VG_NO_MEMORY, "no memory or descriptor: %s",
                       strerror(errno));
    }
    return VG_OK;
}

void
vg_link_end(struct vg_link *link)
{
    vg_link_close(link, 0);
    if (link->context != NULL) {
        vg_context_return();
    }
    if (link->epoll_fd >= 0) {
        (void)close(link->epoll_fd);
    }
    *link = (struct vg_link){.epoll_fd = -1, .dealer_fd = -1, .monitor_fd = -1};
}

enum vg_status
vg_link_open(struct vg_link *link, const struct vg_address *address,
             struct vg_error *error)
{
    enum vg_status status = open_sockets(link, address, error);

    if (status != VG_OK) {
        vg_link_close(link, 0);
    }
    return status;
}

// ---- frames and events ----

bool
vg_link_send(struct vg_link *link, zmq_msg_t *frame)
{
    if (zmq_msg_send(frame, link->dealer, ZMQ_DONTWAIT) < 0) {
        (void)zmq_msg_close(frame);
        return false;
    }
    return true;
}

bool
vg_link_receive(struct vg_link *link, zmq_msg_t *ret_frame)
{
    return link->dealer != NULL &&
           zmq_msg_recv(ret_frame, link->dealer, ZMQ_DONTWAIT) >= 0;
}

static enum vg_link_event
event_of(uint16_t number, uint32_t value)
{
    switch (number) {
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        return value == ZAP_UNKNOWN   ? VG_LINK_KEY_UNKNOWN
               : value == ZAP_REVOKED ? VG_LINK_KEY_REVOKED
                                      : VG_LINK_KEY_LATER;
    case ZMQ_EVENT_CONNECT_RETRIED:
        return VG_LINK_NOBODY;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        return VG_LINK_NO_HANDSHAKE;
    case ZMQ_EVENT_DISCONNECTED:
        return VG_LINK_LOST;
    default:
        return VG_LINK_QUIET;
    }
}

// An event is two frames: number and value, then the endpoint.
enum vg_link_event
vg_link_event(struct vg_link *link)
{
    enum vg_link_event event = VG_LINK_QUIET;
    uint8_t head[6];
    char endpoint[8];
    uint16_t number;
    uint32_t value;

    while (event == VG_LINK_QUIET && link->monitor != NULL &&
           zmq_recv(link->monitor, head, sizeof head, ZMQ_DONTWAIT) >= 0) {
        (void)zmq_recv(link->monitor, endpoint, sizeof endpoint, ZMQ_DONTWAIT);
        memcpy(&number, head, sizeof number);
        memcpy(&value, head + sizeof number, sizeof value);
        event = event_of(number, value);
    }
    return event;
}

static bool
has_input(void *socket)
{
    uint32_t events = 0;
    size_t size = sizeof events;

    if (socket == NULL) {
        return false;
    }
    if (zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) != 0) {
        return errno == EINTR; // look again
    }
    return (events & ZMQ_POLLIN) != 0;
}

bool
vg_link_has_input(const struct vg_link *link)
{
    return has_input(link->dealer) || has_input(link->monitor);
}
