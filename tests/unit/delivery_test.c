// SPDX-License-Identifier: EUPL-1.2
// Goal: notifications go out in order, within the window, everybody in turn, and not at all
// to those who do not read; a reconnect loses nothing.
// Method: a real broker on loopback; members with small windows, large backlogs or closed
// eyes.
#include "edge/delivery.h"

#include "world.h"

static void
publish_all(struct peer *source, uint64_t first, size_t len, size_t value_len)
{
    while (len > 0) {
        size_t some = len < 200 ? len : 200;

        peer_publish_values(source, first, some, value_len);
        first += some;
        len -= some;
        peer_expect_published(source, first - 1);
    }
}

static void
open_mailbox(struct peer *member, uint32_t window_messages)
{
    peer_subscribe(member, 0, window_messages);
    peer_expect(member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
}

static void
sends_no_more_than_the_window(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);

    world_integrate(world, world->cpas_1);
    open_mailbox(&member, 5);
    publish_all(&source, 1, 12, 20);
    assert_int_equal(peer_take(&member, 0, 5), 0);
    peer_heartbeat(&member, 1);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_HEARTBEAT); // and no sixth before
    peer_acknowledge(&member, 0, 2);
    assert_int_equal(peer_take(&member, 5, 7), 0);
    peer_acknowledge(&member, 0, 7);
    assert_int_equal(peer_take(&member, 7, 12), 0);
    peer_acknowledge(&member, 0, 12);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged == 12);
    assert_int_equal(metrics.delivered, 12);
    assert_int_equal(lanes_find(world->broker->lanes, world->cpas_1)->delivered, 12);
    peer_close(&source);
    peer_close(&member);
}

// More than one frame, more than one turn of the loop, more than one row of the backlog.
static void
delivers_a_large_backlog_whole_and_in_order(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    enum { LETTERS = 4000 };

    world_integrate(world, world->cpas_1);
    publish_all(&source, 1, LETTERS, 1000);
    WORLD_UNTIL(world, tails_bytes(world->broker->tails) == 0); // the fold has run
    open_mailbox(&member, 1000000);
    assert_int_equal(peer_take(&member, 0, LETTERS), 0);
    peer_acknowledge(&member, 0, LETTERS);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged == LETTERS);
    peer_close(&source);
    peer_close(&member);
}

static void
one_who_does_not_read_holds_up_nobody(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer stuck = peer_enter(world, world->broker->members, &world->member);
    struct peer other = peer_enter(world, world->broker->members, &world->neighbour);
    enum { LETTERS = 2000 };

    world_integrate(world, world->cpas_1);
    world_integrate(world, world->cpas_2);
    open_mailbox(&stuck, 1000000);
    open_mailbox(&other, 1000000);
    publish_all(&source, 1, LETTERS, 100);
    // `stuck` never looks at its socket again.
    assert_int_equal(peer_take(&other, 0, LETTERS), 0);
    peer_acknowledge(&other, 0, LETTERS);
    WORLD_UNTIL(world, world_row(world, world->cpas_2).acknowledged == LETTERS);
    assert_int_equal(world_row(world, world->cpas_1).acknowledged, 0);
    peer_close(&source);
    peer_close(&stuck);
    peer_close(&other);
}

static void
after_a_reconnect_it_goes_on_behind_what_was_acknowledged(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);

    world_integrate(world, world->cpas_1);
    open_mailbox(&member, 100);
    publish_all(&source, 1, 10, 20);
    assert_int_equal(peer_take(&member, 0, 10), 0);
    peer_acknowledge(&member, 0, 4);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged == 4);
    peer_close(&member);

    member = peer_enter(world, world->broker->members, &world->member);
    open_mailbox(&member, 100);
    assert_int_equal(peer_take(&member, 4, 10), 6); // all of them had been sent before
    publish_all(&source, 11, 2, 20);
    assert_int_equal(peer_take(&member, 10, 12), 0);
    peer_close(&source);
    peer_close(&member);
}

static void
after_a_restart_nothing_is_lost(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member;

    world_integrate(world, world->cpas_1);
    publish_all(&source, 1, 300, 20);
    peer_close(&source);
    world_stop(world);
    world_start(world);
    member = peer_enter(world, world->broker->members, &world->member);
    source = peer_enter(world, world->broker->sources, &world->source);
    open_mailbox(&member, 1000);
    assert_int_equal(peer_take(&member, 0, 300), 0);
    publish_all(&source, 301, 1, 20);
    assert_int_equal(peer_take(&member, 300, 301), 0);
    peer_close(&source);
    peer_close(&member);
}

// The window in bytes: each notification is larger than half of it.
static void
a_letter_larger_than_the_window_still_goes_alone(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;
    Vigie__V1__Subscribe subscribe = VIGIE__V1__SUBSCRIBE__INIT;

    world_integrate(world, world->cpas_1);
    subscribe.window_messages = 1000;
    subscribe.window_bytes = 65536;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_SUBSCRIBE;
    message.subscribe = &subscribe;
    peer_send(&member, &message);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    publish_all(&source, 1, 40, 4000);

    uint64_t got = 0;

    while (got < 40) {
        Vigie__V1__ToClient *frame =
            peer_receive(&member, VIGIE__V1__TO_CLIENT__MESSAGE__NOT_SET);

        assert_true(frame->n_notifications <= 16); // 65,536 bytes hold sixteen
        got += frame->n_notifications;
        peer_acknowledge(&member, 0, got);
        vigie__v1__to_client__free_unpacked(frame, NULL);
    }
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged == 40);
    peer_close(&source);
    peer_close(&member);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test)                                                                 \
    cmocka_unit_test_setup_teardown(test, world_open_hurried, world_close)
        IN_A_WORLD(sends_no_more_than_the_window),
        IN_A_WORLD(delivers_a_large_backlog_whole_and_in_order),
        IN_A_WORLD(one_who_does_not_read_holds_up_nobody),
        IN_A_WORLD(after_a_reconnect_it_goes_on_behind_what_was_acknowledged),
        IN_A_WORLD(after_a_restart_nothing_is_lost),
        IN_A_WORLD(a_letter_larger_than_the_window_still_goes_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
