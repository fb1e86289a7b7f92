// SPDX-License-Identifier: EUPL-1.2
#include "edge/pump.h"

#include <errno.h>
#include <stdlib.h>
#include <zmq.h>

enum { PUMP_MAGIC = 0x70756d70 };

struct pump {
    uint32_t magic;
    struct pump_options options;
    struct event *readable;
    struct event *again;
};

// Also makes ZeroMQ work through what its threads have sent it.
static bool
has_input(const struct pump *pump)
{
    uint32_t events = 0;
    size_t len = sizeof events;

    if (zmq_getsockopt(pump->options.socket, ZMQ_EVENTS, &events, &len) != 0) {
        return errno == EINTR; // not known: look again
    }
    return (events & ZMQ_POLLIN) != 0;
}

void
pump_settle(struct pump *pump)
{
    static const struct timeval at_once = {0, 0};

    if (has_input(pump) && !evtimer_pending(pump->again, NULL)) {
        CHECK(evtimer_add(pump->again, &at_once) == 0);
    }
}

static void
turn(evutil_socket_t fd, short what, void *arg)
{
    struct pump *pump = arg;
    size_t total = 0;
    (void)fd;
    (void)what;

    CHECK(pump->magic == PUMP_MAGIC);
    (void)has_input(pump);
    for (int i = 0; i < PUMP_MESSAGES_PER_TURN && total < PUMP_BYTES_PER_TURN; i++) {
        size_t bytes = 0;

        if (!pump->options.receive(pump->options.receive_arg, &bytes)) {
            break;
        }
        total += bytes;
    }
    if (pump->options.turn != NULL) {
        pump->options.turn(pump->options.turn_arg);
    }
    pump_settle(pump);
}

enum vg_status
pump_open(const struct pump_options *options, struct pump **ret_pump, struct why *why)
{
    struct pump *pump = xcalloc(1, sizeof *pump);
    int fd = -1;
    size_t len = sizeof fd;

    pump->magic = PUMP_MAGIC;
    pump->options = *options;
    if (zmq_getsockopt(options->socket, ZMQ_FD, &fd, &len) == 0) {
        pump->readable = event_new(options->base, fd, EV_READ | EV_PERSIST, turn, pump);
        pump->again = evtimer_new(options->base, turn, pump);
    }
    if (pump->readable == NULL || pump->again == NULL ||
        event_add(pump->readable, NULL) != 0) {
        pump_close(&pump);
        return fail(why, VG_NO_MEMORY, "the event loop does not take a ZeroMQ socket");
    }
    pump_settle(pump); // something may have come before the loop watched
    *ret_pump = pump;
    return VG_OK;
}

void
pump_close(struct pump **pump)
{
    if (*pump == NULL) {
        return;
    }
    if ((*pump)->readable != NULL) {
        event_free((*pump)->readable);
    }
    if ((*pump)->again != NULL) {
        event_free((*pump)->again);
    }
    free(*pump);
    *pump = NULL;
}
