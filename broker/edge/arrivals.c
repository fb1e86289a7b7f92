// SPDX-License-Identifier: EUPL-1.2
#include "edge/arrivals.h"

#include "edge/clock.h"
#include "edge/door.h"
#include "edge/metrics.h"
#include "edge/pump.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <zmq.h>

enum { EVENT_LEN = 6, ENDPOINT_LEN = 64 };

struct arrival {
    struct arrival *next; // in the order of coming
    struct arrival *previous;
    struct far_end far_end;
    int64_t accepted_ms;
};

struct arrivals {
    void *door;
    void *monitor; // hears what happens to the door's connections
    struct pump *pump;
    struct arrival *first;
    struct arrival *last;
    size_t len;
    size_t max;
    struct arrival **by_fd;
    size_t by_fd_len;
};

// ---- the list ----

static struct arrival *
find(const struct arrivals *arrivals, int fd)
{
    return fd < 0 || (size_t)fd >= arrivals->by_fd_len ? NULL : arrivals->by_fd[fd];
}

static void
forget(struct arrivals *arrivals, struct arrival *arrival)
{
    if (arrival == NULL) {
        return;
    }
    arrivals->by_fd[arrival->far_end.fd] = NULL;
    *(arrival->previous == NULL ? &arrivals->first : &arrival->previous->next) =
        arrival->next;
    *(arrival->next == NULL ? &arrivals->last : &arrival->next->previous) =
        arrival->previous;
    arrivals->len--;
    metrics.arrivals--;
    free(arrival);
}

static void
grow_by_fd(struct arrivals *arrivals, size_t fd)
{
    size_t len = 2 * fd + 64;

    arrivals->by_fd = realloc(arrivals->by_fd, len * sizeof(struct arrival *));
    CHECK(arrivals->by_fd != NULL);
    memset(arrivals->by_fd + arrivals->by_fd_len, 0,
           (len - arrivals->by_fd_len) * sizeof(struct arrival *));
    arrivals->by_fd_len = len;
}

static void
end(struct arrivals *arrivals, struct arrival *arrival)
{
    metrics.arrivals_ended++;
    (void)far_end_shut(&arrival->far_end);
    forget(arrivals, arrival);
}

static void
add(struct arrivals *arrivals, int fd)
{
    struct far_end far_end = far_end_of(fd);
    struct arrival *arrival;

    forget(arrivals, find(arrivals, fd));
    if (far_end.fd < 0) {
        return; // gone already
    }
    if ((size_t)fd >= arrivals->by_fd_len) {
        grow_by_fd(arrivals, (size_t)fd);
    }
    arrival = xcalloc(1, sizeof *arrival);
    arrival->far_end = far_end;
    arrival->accepted_ms = clock_ms();
    arrival->previous = arrivals->last;
    *(arrivals->last == NULL ? &arrivals->first : &arrivals->last->next) = arrival;
    arrivals->last = arrival;
    arrivals->by_fd[fd] = arrival;
    metrics.arrivals++;
    if (++arrivals->len > arrivals->max) {
        end(arrivals, arrivals->first);
    }
}

// ---- what the monitor says ----

static void
take_event(struct arrivals *arrivals, const uint8_t bytes[EVENT_LEN])
{
    uint16_t event;
    int32_t fd;

    memcpy(&event, bytes, sizeof event);
    memcpy(&fd, bytes + sizeof event, sizeof fd);
    if (event == ZMQ_EVENT_ACCEPTED) {
        add(arrivals, fd);
    } else {
        forget(arrivals, find(arrivals, fd));
    }
}

// An event is a number and a value, then our own endpoint.
static bool
receive_event(void *arg, size_t *ret_bytes)
{
    struct arrivals *arrivals = arg;
    uint8_t bytes[EVENT_LEN];
    char endpoint[ENDPOINT_LEN];
    int len = zmq_recv(arrivals->monitor, bytes, sizeof bytes, ZMQ_DONTWAIT);

    *ret_bytes = 0;
    if (len < 0) {
        return false;
    }
    (void)zmq_recv(arrivals->monitor, endpoint, sizeof endpoint, 0);
    if (len == EVENT_LEN) {
        take_event(arrivals, bytes);
    }
    return true;
}

// What is on its way is older than the message or the question that brings us here.
static void
catch_up(struct arrivals *arrivals)
{
    size_t bytes;

    while (receive_event(arrivals, &bytes)) {
    }
    pump_settle(arrivals->pump);
}

// ---- life ----

static bool
watch_door(struct arrivals *arrivals, void *zmq)
{
    char endpoint[ENDPOINT_LEN];
    uint64_t name;
    int none = 0;

    // A name of its own: ZeroMQ gives a closed monitor's back later, from another thread.
    randombytes_buf(&name, sizeof name);
    snprintf(endpoint, sizeof endpoint, "inproc://arrivals-%" PRIx64, name);
    // Without a limit: ZeroMQ's own thread would wait for us at it.
    arrivals->monitor = zmq_socket(zmq, ZMQ_PAIR);
    return arrivals->monitor != NULL &&
           zmq_setsockopt(arrivals->monitor, ZMQ_RCVHWM, &none, sizeof none) == 0 &&
           zmq_setsockopt(arrivals->monitor, ZMQ_LINGER, &none, sizeof none) == 0 &&
           zmq_socket_monitor(arrivals->door, endpoint,
                              ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED) == 0 &&
           zmq_connect(arrivals->monitor, endpoint) == 0;
}

enum vg_status
arrivals_open(void *zmq, struct event_base *base, void *socket,
              struct arrivals **ret_arrivals, struct why *why)
{
    struct arrivals *arrivals = xcalloc(1, sizeof *arrivals);
    struct pump_options pump = {
        .base = base, .receive = receive_event, .receive_arg = arrivals};
    enum vg_status status;

    arrivals->door = socket;
    arrivals->max = arrivals_max();
    if (watch_door(arrivals, zmq)) {
        pump.socket = arrivals->monitor;
        status = pump_open(&pump, &arrivals->pump, why);
    } else {
        status = fail(why, VG_BAD_SETTINGS, "cannot watch the connections: %s",
                      zmq_strerror(errno));
    }
    if (status != VG_OK) {
        arrivals_close(&arrivals);
        return status;
    }
    *ret_arrivals = arrivals;
    return VG_OK;
}

void
arrivals_close(struct arrivals **arrivals)
{
    struct arrivals *ended = *arrivals;

    if (ended == NULL) {
        return;
    }
    pump_close(&ended->pump);
    (void)zmq_socket_monitor(ended->door, NULL, 0);
    if (ended->monitor != NULL) {
        zmq_close(ended->monitor);
    }
    while (ended->first != NULL) {
        forget(ended, ended->first);
    }
    free(ended->by_fd);
    free(ended);
    *arrivals = NULL;
}

// ---- verbs ----

void
arrivals_spoke(struct arrivals *arrivals, int fd)
{
    catch_up(arrivals);
    forget(arrivals, find(arrivals, fd));
}

size_t
arrivals_end_silent(struct arrivals *arrivals, int64_t now_ms)
{
    size_t ended = 0;

    catch_up(arrivals);
    while (arrivals->first != NULL &&
           now_ms - arrivals->first->accepted_ms >= ARRIVAL_MS) {
        end(arrivals, arrivals->first);
        ended++;
    }
    return ended;
}

size_t
arrivals_end_all(struct arrivals *arrivals)
{
    return arrivals_end_silent(arrivals, INT64_MAX);
}

size_t
arrivals_len(const struct arrivals *arrivals)
{
    return arrivals->len;
}

size_t
arrivals_max(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / 2 > ARRIVALS_MAX) {
        return ARRIVALS_MAX;
    }
    return (size_t)(limit.rlim_cur / 2);
}
