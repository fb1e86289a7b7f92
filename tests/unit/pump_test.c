// SPDX-License-Identifier: EUPL-1.2
// Goal: whatever was sent is read, in turns of a bounded size, though sending on the same
// socket swallows ZeroMQ's edges.
// Method: a pair of sockets inside the process, many more messages than one turn takes.
#include "edge/pump.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include <cmocka.h>

enum { MESSAGES = 5000 };

struct world {
    struct event_base *base;
    void *zmq;
    void *ours;
    void *theirs;
    struct pump *pump;
    unsigned received;
    unsigned in_turn;
    unsigned most_in_turn;
    unsigned turns;
    unsigned wanted;
};

static bool
receive(void *arg, size_t *ret_bytes)
{
    struct world *world = arg;
    char bytes[8];
    int len = zmq_recv(world->ours, bytes, sizeof bytes, ZMQ_DONTWAIT);

    if (len < 0) {
        return false;
    }
    *ret_bytes = (size_t)len;
    world->received++;
    world->in_turn++;
    // A send works through the mailbox, and so takes away the edge of what has come.
    assert_true(zmq_send(world->ours, "x", 1, ZMQ_DONTWAIT) == 1);
    return true;
}

static void
end_turn(void *arg)
{
    struct world *world = arg;

    if (world->in_turn > world->most_in_turn) {
        world->most_in_turn = world->in_turn;
    }
    world->in_turn = 0;
    world->turns++;
    if (world->received == world->wanted) {
        event_base_loopbreak(world->base);
    }
}

static void
open_world(struct world *world)
{
    struct pump_options options = {
        .receive = receive, .receive_arg = world, .turn = end_turn, .turn_arg = world};
    int none = 0;

    memset(world, 0, sizeof *world);
    world->base = event_base_new();
    world->zmq = zmq_ctx_new();
    world->ours = zmq_socket(world->zmq, ZMQ_PAIR);
    world->theirs = zmq_socket(world->zmq, ZMQ_PAIR);
    zmq_setsockopt(world->ours, ZMQ_SNDHWM, &none, sizeof none);
    zmq_setsockopt(world->theirs, ZMQ_SNDHWM, &none, sizeof none);
    zmq_setsockopt(world->ours, ZMQ_RCVHWM, &none, sizeof none);
    zmq_setsockopt(world->theirs, ZMQ_RCVHWM, &none, sizeof none);
    zmq_setsockopt(world->ours, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(world->theirs, ZMQ_LINGER, &none, sizeof none);
    assert_int_equal(zmq_bind(world->ours, "inproc://pump"), 0);
    assert_int_equal(zmq_connect(world->theirs, "inproc://pump"), 0);
    options.base = world->base;
    options.socket = world->ours;
    assert_int_equal(pump_open(&options, &world->pump, NULL), VG_OK);
}

static void
close_world(struct world *world)
{
    pump_close(&world->pump);
    assert_null(world->pump);
    pump_close(&world->pump);
    zmq_close(world->ours);
    zmq_close(world->theirs);
    zmq_ctx_term(world->zmq);
    event_base_free(world->base);
}

static void
run_until(struct world *world, unsigned wanted)
{
    struct timeval patience = {20, 0};

    world->wanted = wanted;
    event_base_loopexit(world->base, &patience);
    event_base_dispatch(world->base);
    assert_int_equal(world->received, wanted);
}

static void
reads_everything_in_bounded_turns(void **state)
{
    struct world world;
    (void)state;

    open_world(&world);
    for (int i = 0; i < MESSAGES; i++) {
        assert_int_equal(zmq_send(world.theirs, "1234", 4, 0), 4);
    }
    run_until(&world, MESSAGES);
    assert_int_equal(world.most_in_turn, PUMP_MESSAGES_PER_TURN);
    assert_true(world.turns >= MESSAGES / PUMP_MESSAGES_PER_TURN);
    close_world(&world);
}

static void
settling_finds_what_a_send_has_hidden(void **state)
{
    struct world world;
    (void)state;

    open_world(&world);
    assert_int_equal(zmq_send(world.theirs, "1", 1, 0), 1);
    // Eats the edge: the descriptor will not become readable for that message.
    assert_int_equal(zmq_send(world.ours, "x", 1, ZMQ_DONTWAIT), 1);
    pump_settle(world.pump);
    run_until(&world, 1);
    close_world(&world);
}

static void
reads_what_came_before_it_watched(void **state)
{
    struct world world;
    struct pump_options options;
    (void)state;

    open_world(&world);
    pump_close(&world.pump);
    assert_int_equal(zmq_send(world.theirs, "1", 1, 0), 1);
    assert_int_equal(zmq_send(world.ours, "x", 1, ZMQ_DONTWAIT), 1);
    options = (struct pump_options){
        .base = world.base,
        .socket = world.ours,
        .receive = receive,
        .receive_arg = &world,
        .turn = end_turn,
        .turn_arg = &world,
    };
    assert_int_equal(pump_open(&options, &world.pump, NULL), VG_OK);
    run_until(&world, 1);
    close_world(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_everything_in_bounded_turns),
        cmocka_unit_test(settling_finds_what_a_send_has_hidden),
        cmocka_unit_test(reads_what_came_before_it_watched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
