// SPDX-License-Identifier: EUPL-1.2
// Goal: no connection of the administrators' port stays without asking, and a crowd of them
// keeps nobody out.
// Method: an evhttp server on loopback; plain sockets that send half a request, or a whole
// one, in the test's own loop.
#include "edge/visitors.h"

#include "edge/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 20000, STEP_US = 2000 };

struct world {
    struct event_base *base;
    struct event *step;
    struct evhttp *server;
    struct sockaddr_in address;
    struct visitors *visitors;
    int asked;
};

static void
wake(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

static void
answer(struct evhttp_request *request, void *arg)
{
    struct world *world = arg;

    visitors_asked(world->visitors, request);
    world->asked++;
    evhttp_send_reply(request, 200, NULL, NULL);
}

static int
open_world(void **state)
{
    struct world *world = xcalloc(1, sizeof *world);
    struct timeval step = {0, STEP_US};
    struct evhttp_bound_socket *bound;
    socklen_t len = sizeof world->address;

    world->base = event_base_new();
    world->step = event_new(world->base, -1, EV_PERSIST, wake, NULL);
    event_add(world->step, &step);
    world->server = evhttp_new(world->base);
    evhttp_set_gencb(world->server, answer, world);
    world->visitors = visitors_open(world->base, world->server);
    bound = evhttp_bind_socket_with_handle(world->server, "127.0.0.1", 0);
    assert_non_null(bound);
    assert_int_equal(getsockname(evhttp_bound_socket_get_fd(bound),
                                 (struct sockaddr *)&world->address, &len),
                     0);
    *state = world;
    return 0;
}

static int
close_world(void **state)
{
    struct world *world = *state;

    evhttp_free(world->server);
    visitors_close(&world->visitors);
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

static int
visit(struct world *world, const char *words)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(
        connect(fd, (struct sockaddr *)&world->address, sizeof world->address), 0);
    assert_int_equal(send(fd, words, strlen(words), 0), strlen(words));
    return fd;
}

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
ends_who_never_finishes_his_request(void **state)
{
    struct world *world = *state;
    int half = visit(world, "GET / HTT");
    int silent = visit(world, "");
    int whole = visit(world, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    int64_t came_ms;

    UNTIL(world, visitors_len(world->visitors) == 3 && world->asked == 1);
    came_ms = clock_ms(); // none of them has asked since
    UNTIL(world, clock_ms() > came_ms + 10);
    assert_int_equal(send(whole, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, 0), 27);
    assert_int_equal(send(half, "P", 1, 0), 1); // a letter is no request
    UNTIL(world, world->asked == 2);
    visitors_end_slow(world->visitors, came_ms + VISITOR_MS + 5);
    UNTIL(world, is_ended(half) && is_ended(silent));
    assert_false(is_ended(whole));
    assert_int_equal(visitors_len(world->visitors), 1);
    close(half);
    close(silent);
    close(whole);
}

static void
forgets_who_has_gone(void **state)
{
    struct world *world = *state;
    int gone = visit(world, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

    UNTIL(world, world->asked == 1 && is_ended(gone));
    close(gone);
    visitors_end_slow(world->visitors, clock_ms());
    assert_int_equal(visitors_len(world->visitors), 0);
}

static void
a_crowd_keeps_nobody_out(void **state)
{
    struct world *world = *state;
    int crowd[VISITORS_MAX + 100];
    int ended = 0;

    for (size_t i = 0; i < ARRAY_LEN(crowd); i++) {
        crowd[i] = visit(world, "GET / ");
        event_base_loop(world->base, EVLOOP_NONBLOCK); // the queue before it is short
    }
    int guest = visit(world, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

    UNTIL(world, world->asked == 1 && is_ended(guest));
    UNTIL(world, visitors_len(world->visitors) <= VISITORS_MAX);
    for (size_t i = 0; i < ARRAY_LEN(crowd); i++) {
        ended += is_ended(crowd[i]);
        close(crowd[i]);
    }
    assert_true(ended >= 100);
    close(guest);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
        IN_A_WORLD(ends_who_never_finishes_his_request),
        IN_A_WORLD(forgets_who_has_gone),
        IN_A_WORLD(a_crowd_keeps_nobody_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
