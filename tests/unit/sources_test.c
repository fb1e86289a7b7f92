// SPDX-License-Identifier: EUPL-1.2
// Goal: a source is answered when its mutations are on disk, is held to its window, and
// every limit has its own error.
// Method: a real broker on loopback; after each answer the disk is asked as well.
#include "edge/sources.h"

#include "world.h"

static void
answers_when_the_mutations_are_on_disk(void **state)
{
    struct world *world = *state;
    struct peer peer = peer_enter(world, world->broker->sources, &world->source);
    Vigie__V1__ToClient *message;

    world_integrate(world, world->cpas_1);
    peer_publish(&peer, 1, 3);
    message = peer_receive(&peer, VIGIE__V1__TO_CLIENT__MESSAGE_PUBLISHED);
    assert_int_equal(message->published->first_number, 1);
    assert_int_equal(message->published->through, 3);
    assert_true(message->published->ticket_first > 0);
    assert_int_equal(message->published->n_results, 0);
    vigie__v1__to_client__free_unpacked(message, NULL);
    assert_int_equal(world_last_number(world, 1), 3);
    assert_int_equal(world_row(world, world->cpas_1).last, 3);
    peer_close(&peer);
}

static void
tells_the_last_number(void **state)
{
    struct world *world = *state;
    struct peer peer = peer_enter(world, world->broker->sources, &world->source);
    Vigie__V1__ToBroker question = VIGIE__V1__TO_BROKER__INIT;
    Vigie__V1__LastNumber last_number = VIGIE__V1__LAST_NUMBER__INIT;
    Vigie__V1__ToClient *message;

    peer_publish(&peer, 1, 5);
    peer_expect_published(&peer, 5);
    last_number.producer = 1;
    question.message_case = VIGIE__V1__TO_BROKER__MESSAGE_LAST_NUMBER;
    question.last_number = &last_number;
    peer_send(&peer, &question);
    message = peer_receive(&peer, VIGIE__V1__TO_CLIENT__MESSAGE_LAST_NUMBER_IS);
    assert_int_equal(message->last_number_is->number, 5);
    vigie__v1__to_client__free_unpacked(message, NULL);
    assert_int_equal(sessions_first(world->broker->sessions)->requests, 0);
    peer_close(&peer);
}

// How much is unanswered is set, not waited for: the writer may be quick.
static void
refuses_beyond_the_window_once_and_then_cuts_off(void **state)
{
    struct world *world = *state;
    struct session *session;
    struct peer peer;

    world->settings.window_messages = 10;
    peer = peer_enter(world, world->broker->sources, &world->source);
    session = sessions_first(world->broker->sessions);
    session->unanswered_messages = 8;
    peer_publish(&peer, 1, 3);
    peer_expect_refused(&peer, VG_WINDOW);
    peer_publish(&peer, 1, 2);
    peer_expect_published(&peer, 2); // just inside
    assert_int_equal(session->unanswered_messages, 8);
    peer_publish(&peer, 3, 3);
    WORLD_UNTIL(world, world_sessions(world) == 0);
    assert_int_equal(world_last_number(world, 1), 2); // what was refused is not on disk
    peer_close(&peer);
}

static void
the_window_counts_bytes_as_well(void **state)
{
    struct world *world = *state;
    struct session *session;
    struct peer peer = peer_enter(world, world->broker->sources, &world->source);

    session = sessions_first(world->broker->sessions);
    session->unanswered_messages = 1;
    session->unanswered_bytes = world->settings.window_bytes - 10;
    peer_publish(&peer, 1, 1);
    peer_expect_refused(&peer, VG_WINDOW);
    assert_int_equal(world_last_number(world, 1), 0);
    peer_close(&peer);
}

static void
gives_the_window_back_with_each_answer(void **state)
{
    struct world *world = *state;
    struct peer peer;

    world->settings.window_messages = 10;
    peer = peer_enter(world, world->broker->sources, &world->source);
    for (uint64_t number = 1; number < 200; number += 10) {
        peer_publish(&peer, number, 10);
        peer_expect_published(&peer, number + 9);
    }

    const struct session *session = sessions_first(world->broker->sessions);

    assert_int_equal(session->unanswered_messages, 0);
    assert_int_equal(session->unanswered_bytes, 0);
    assert_int_equal(session->published, 200);
    peer_close(&peer);
}

static void
one_publish_alone_may_be_larger_than_the_window(void **state)
{
    struct world *world = *state;
    struct peer peer;

    world->settings.window_messages = 10;
    peer = peer_enter(world, world->broker->sources, &world->source);
    peer_publish(&peer, 1, 500);
    peer_expect_published(&peer, 500);
    peer_close(&peer);
}

static void
limits_the_mutations_of_one_publish(void **state)
{
    struct world *world = *state;
    struct peer peer = peer_enter(world, world->broker->sources, &world->source);

    peer_publish(&peer, 1, HOT_MUTATIONS_MAX + 1);
    peer_expect_refused(&peer, VG_TOO_MANY);
    peer_publish(&peer, 1, HOT_MUTATIONS_MAX);
    peer_expect_published(&peer, HOT_MUTATIONS_MAX);
    assert_int_equal(world_last_number(world, 1), HOT_MUTATIONS_MAX);
    peer_close(&peer);
}

static void
refuses_a_body_that_is_no_publish(void **state)
{
    struct world *world = *state;
    struct peer peer = peer_enter(world, world->broker->sources, &world->source);
    const uint8_t nonsense[] = {0x1a, 0x03, 0x1a, 0x7f, 0x00}; // a mutation cut short

    peer_send_bytes(&peer, nonsense, sizeof nonsense);
    peer_expect_refused(&peer, VG_MALFORMED);
    assert_int_equal(world_last_number(world, 1), 0);
    peer_close(&peer);
}

static void
takes_nothing_new_while_it_drains(void **state)
{
    struct world *world = *state;
    struct peer peer = peer_enter(world, world->broker->sources, &world->source);

    broker_drain(world->broker);
    peer_expect(&peer, VIGIE__V1__TO_CLIENT__MESSAGE_GOODBYE);
    peer_publish(&peer, 1, 1);
    peer_expect_refused(&peer, VG_DRAINING);
    assert_int_equal(world_last_number(world, 1), 0);
    peer_close(&peer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)
        IN_A_WORLD(answers_when_the_mutations_are_on_disk),
        IN_A_WORLD(tells_the_last_number),
        IN_A_WORLD(refuses_beyond_the_window_once_and_then_cuts_off),
        IN_A_WORLD(the_window_counts_bytes_as_well),
        IN_A_WORLD(gives_the_window_back_with_each_answer),
        IN_A_WORLD(one_publish_alone_may_be_larger_than_the_window),
        IN_A_WORLD(limits_the_mutations_of_one_publish),
        IN_A_WORLD(refuses_a_body_that_is_no_publish),
        IN_A_WORLD(takes_nothing_new_while_it_drains),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
