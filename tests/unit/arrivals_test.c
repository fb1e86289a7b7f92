// SPDX-License-Identifier: EUPL-1.2
// Goal: a connection that says nothing is known, can be ended, and does not stay for ever;
// one that speaks is left alone.
// Method: a ROUTER on loopback; plain sockets that say nothing, a DEALER that does.
#include "edge/arrivals.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include <cmocka.h>

#include "edge/clock.h"

enum {
    PATIENCE_MS = 20000,
    STEP_US = 2000,
    FLOOD = 140,
    FLOOD_DESCRIPTORS = 256,
    TIMES_AGAIN = 100
};

struct world {
    struct event_base *base;
    struct event *step;
    void *zmq;
    void *router;
    char endpoint[128];
    struct sockaddr_in address;
    struct arrivals *arrivals;
};

static void
wake(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

static void
open_arrivals(struct world *world)
{
    size_t len = sizeof world->endpoint;
    int port;

    world->router = zmq_socket(world->zmq, ZMQ_ROUTER);
    assert_int_equal(
        arrivals_open(world->zmq, world->base, world->router, &world->arrivals, NULL),
        VG_OK);
    assert_int_equal(zmq_bind(world->router, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(
        zmq_getsockopt(world->router, ZMQ_LAST_ENDPOINT, world->endpoint, &len), 0);
    assert_int_equal(sscanf(world->endpoint, "tcp://127.0.0.1:%d", &port), 1);
    world->address = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
}

static int
open_world(void **state)
{
    struct world *world = xcalloc(1, sizeof *world);
    struct timeval step = {0, STEP_US};

    world->base = event_base_new();
    world->step = event_new(world->base, -1, EV_PERSIST, wake, NULL);
    event_add(world->step, &step);
    world->zmq = zmq_ctx_new();
    open_arrivals(world);
    *state = world;
    return 0;
}

static int
close_world(void **state)
{
    struct world *world = *state;

    arrivals_close(&world->arrivals);
    zmq_close(world->router);
    zmq_ctx_term(world->zmq);
    event_free(world->step);
    event_base_free(world->base);
    free(world);
    return 0;
}

#define UNTIL(world, truth)                                                              \
    do {                                                                                 \
        int64_t end_ms = clock_ms() + PATIENCE_MS;                                       \
        while (!(truth) && clock_ms() < end_ms) {                                        \
            event_base_loop((world)->base, EVLOOP_ONCE);                                 \
        }                                                                                \
        assert_true(truth);                                                              \
    } while (0)

// A connection that says nothing.
static int
connect_silent(struct world *world)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(
        connect(fd, (struct sockaddr *)&world->address, sizeof world->address), 0);
    return fd;
}

// Reads what ZeroMQ greets with, until it ends.
static bool
is_ended(int fd)
{
    char bytes[256];
    ssize_t len;

    do {
        len = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    } while (len > 0);
    return len == 0 || errno == ECONNRESET;
}

static void
knows_who_has_said_nothing(void **state)
{
    struct world *world = *state;
    int first = connect_silent(world);
    int second = connect_silent(world);

    UNTIL(world, arrivals_len(world->arrivals) == 2);
    close(first); // gone by himself
    UNTIL(world, arrivals_len(world->arrivals) == 1);
    assert_false(is_ended(second));
    close(second);
    UNTIL(world, arrivals_len(world->arrivals) == 0);
}

static void
ends_them_all_at_once(void **state)
{
    struct world *world = *state;
    int first = connect_silent(world);
    int second = connect_silent(world);

    UNTIL(world, arrivals_len(world->arrivals) == 2);
    assert_int_equal(arrivals_end_all(world->arrivals), 2);
    assert_int_equal(arrivals_len(world->arrivals), 0);
    UNTIL(world, is_ended(first) && is_ended(second));
    close(first);
    close(second);
}

static void
ends_those_that_are_silent_too_long(void **state)
{
    struct world *world = *state;
    int64_t before_ms = clock_ms();
    int silent = connect_silent(world);

    UNTIL(world, arrivals_len(world->arrivals) == 1);
    assert_int_equal(arrivals_end_silent(world->arrivals, before_ms + ARRIVAL_MS - 1), 0);
    assert_int_equal(arrivals_end_silent(world->arrivals, clock_ms() + ARRIVAL_MS), 1);
    UNTIL(world, is_ended(silent));
    close(silent);
}

static void
leaves_alone_who_has_spoken(void **state)
{
    struct world *world = *state;
    void *dealer = zmq_socket(world->zmq, ZMQ_DEALER);
    zmq_msg_t part;
    int fd = -1;
    int len = -1;
    int none = 0;

    zmq_setsockopt(dealer, ZMQ_LINGER, &none, sizeof none);
    assert_int_equal(zmq_connect(dealer, world->endpoint), 0);
    assert_int_equal(zmq_send(dealer, "one", 3, 0), 3);
    zmq_msg_init(&part);
    do { // the routing id, then the message
        assert_true(zmq_msg_recv(&part, world->router, 0) >= 0);
        fd = zmq_msg_get(&part, ZMQ_SRCFD);
    } while (zmq_msg_more(&part));
    zmq_msg_close(&part);

    // No turn of the loop has been since: it must know of the connection all the same.
    arrivals_spoke(world->arrivals, fd);
    assert_int_equal(arrivals_end_all(world->arrivals), 0);
    assert_int_equal(zmq_send(dealer, "two", 3, 0), 3);
    UNTIL(world, (len = zmq_recv(world->router, NULL, 0, ZMQ_DONTWAIT)) >= 0);
    arrivals_spoke(world->arrivals, -1); // of nobody: nothing happens
    zmq_close(dealer);
}

static void
a_flood_pushes_itself_out(void **state)
{
    struct world *world = *state;
    struct rlimit limit;
    struct rlimit low;
    int silent[FLOOD];
    int ended = 0;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = FLOOD_DESCRIPTORS;
    arrivals_close(&world->arrivals);
    zmq_close(world->router);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    open_arrivals(world);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int i = 0; i < FLOOD; i++) {
        silent[i] = connect_silent(world);
        UNTIL(world,
              arrivals_len(world->arrivals) ==
                  (size_t)(i < FLOOD_DESCRIPTORS / 2 ? i + 1 : FLOOD_DESCRIPTORS / 2));
    }
    UNTIL(world, is_ended(silent[FLOOD - FLOOD_DESCRIPTORS / 2 - 1])); // the oldest ones
    for (int i = 0; i < FLOOD; i++) {
        ended += is_ended(silent[i]);
        close(silent[i]);
    }
    assert_int_equal(ended, FLOOD - FLOOD_DESCRIPTORS / 2);
}

static void
watches_again_at_once(void **state)
{
    struct world *world = *state;

    for (int i = 0; i < TIMES_AGAIN; i++) {
        arrivals_close(&world->arrivals);
        assert_int_equal(
            arrivals_open(world->zmq, world->base, world->router, &world->arrivals, NULL),
            VG_OK);
    }
    close(connect_silent(world));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
        IN_A_WORLD(knows_who_has_said_nothing),
        IN_A_WORLD(ends_them_all_at_once),
        IN_A_WORLD(ends_those_that_are_silent_too_long),
        IN_A_WORLD(leaves_alone_who_has_spoken),
        IN_A_WORLD(a_flood_pushes_itself_out),
        IN_A_WORLD(watches_again_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
