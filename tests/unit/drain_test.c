// SPDX-License-Identifier: EUPL-1.2
// Goal: a stop loses no answer: what is queued is answered, members may still acknowledge,
// newcomers are told to come back.
// Method: a real broker on loopback is drained with work in every place; the disk is asked
// afterwards.
#include "edge/drain.h"

#include "world.h"

static void
answers_what_is_queued_before_it_ends(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer stranger;
    uint64_t refused = metrics.handshakes_refused;
    Vigie__V1__ToClient *message;

    world_integrate(world, world->cpas_1);
    for (uint64_t i = 0; i < 20; i++) {
        peer_publish(&source, 1 + 50 * i, 50);
    }
    WORLD_UNTIL(world, sessions_first(world->broker->sessions)->published == 1000);
    broker_drain(world->broker);
    broker_drain(world->broker); // twice is once
    stranger = peer_open(world, world->broker->sources, &world->source);
    assert_int_equal(broker_run(world->broker), 0);
    assert_int_equal(world->broker->proposed, 0);
    assert_int_equal(world_last_number(world, 1), 1000);

    size_t published = 0;
    size_t goodbyes = 0;

    while (published < 20 || goodbyes < 1) {
        zmq_msg_t frame;
        int patience_ms = WORLD_PATIENCE_MS;

        zmq_setsockopt(source.socket, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
        zmq_msg_init(&frame);
        assert_true(zmq_msg_recv(&frame, source.socket, 0) > 0);
        message = vigie__v1__to_client__unpack(NULL, zmq_msg_size(&frame),
                                               zmq_msg_data(&frame));
        published += message->message_case == VIGIE__V1__TO_CLIENT__MESSAGE_PUBLISHED;
        goodbyes += message->message_case == VIGIE__V1__TO_CLIENT__MESSAGE_GOODBYE;
        vigie__v1__to_client__free_unpacked(message, NULL);
        zmq_msg_close(&frame);
    }
    // Whoever comes now is told to come back later.
    WORLD_UNTIL(world, metrics.handshakes_refused > refused);
    peer_close(&source);
    peer_close(&stranger);
}

static void
waits_for_what_members_still_acknowledge(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);

    world_integrate(world, world->cpas_1);
    peer_subscribe(&member, 0, 10);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    peer_publish(&source, 1, 2);
    peer_expect_published(&source, 2);
    assert_int_equal(peer_take(&member, 0, 2), 0);
    broker_drain(world->broker);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_GOODBYE);
    peer_acknowledge(&member, 0, 2);
    assert_int_equal(broker_run(world->broker), 0);
    assert_int_equal(world_row(world, world->cpas_1).acknowledged, 2);
    peer_close(&source);
    peer_close(&member);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)
        IN_A_WORLD(answers_what_is_queued_before_it_ends),
        IN_A_WORLD(waits_for_what_members_still_acknowledge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
