// SPDX-License-Identifier: EUPL-1.2
// Goal: who fills up or is not read is told, once on the way up and once on the way down,
// and nobody else; sources wait only when all mailboxes together are full, of which one
// alone is never the reason.
// Method: a real broker on loopback, a mailbox with a limit of ten letters; the disk and the
// metrics are asked as well.
#include "edge/levels.h"

#include "world.h"

static void
set_messages_max(struct world *world, uint32_t mailbox, uint64_t max)
{
    struct command *command = command_new(COMMAND_SET_LIMITS, NULL, 0);

    command->set_limits = (struct set_limits_command){
        .mailbox = mailbox, .named = LIMIT_MESSAGES, .limits = {.messages = max}};
    assert_int_equal(world_do(world, command), VG_OK);
}

static void
expect_notice(struct peer *peer, uint32_t mailbox, enum limits_level level)
{
    Vigie__V1__ToClient *message =
        peer_receive(peer, VIGIE__V1__TO_CLIENT__MESSAGE_NOTICE);

    assert_int_equal(message->notice->mailbox, mailbox);
    assert_int_equal(message->notice->level, level);
    assert_true(strlen(message->notice->sentence) > 10);
    vigie__v1__to_client__free_unpacked(message, NULL);
}

static void
publish(struct peer *source, uint64_t first, size_t len)
{
    peer_publish(source, first, len);
    peer_expect_published(source, first + len - 1);
}

static void
a_mailbox_that_fills_up_is_told_of_once(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    struct peer neighbour = peer_enter(world, world->broker->members, &world->neighbour);
    struct peer late;

    world_integrate(world, world->cpas_1);
    set_messages_max(world, world->cpas_1, 10);
    publish(&source, 1, 7);
    publish(&source, 8, 1);
    expect_notice(&member, world->cpas_1, LIMITS_WARNED);
    publish(&source, 9, 1);
    assert_int_equal(metrics.mailboxes_warned, 1);
    publish(&source, 10, 1);
    expect_notice(&member, world->cpas_1, LIMITS_FULL);
    assert_int_equal(metrics.mailboxes_warned, 0);
    assert_int_equal(metrics.mailboxes_full, 1);
    assert_int_equal(lanes_at(world->broker->lanes, world->cpas_1)->level, LIMITS_FULL);
    assert_true(peer_hears_nothing(&neighbour));

    late = peer_enter(world, world->broker->members, &world->member);
    peer_subscribe(&late, 0, 100);
    peer_expect(&late, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    expect_notice(&late, world->cpas_1, LIMITS_FULL);
    assert_int_equal(peer_take(&late, 0, 10), 0);
    peer_acknowledge(&late, 0, 3);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged == 3);
    assert_true(peer_hears_nothing(&late)); // 7 of 10: not yet
    peer_acknowledge(&late, 0, 4);
    expect_notice(&late, world->cpas_1, LIMITS_CALM);
    assert_int_equal(metrics.mailboxes_full, 0);
    peer_close(&source);
    peer_close(&member);
    peer_close(&neighbour);
    peer_close(&late);
}

static void
a_limit_that_changes_counts_at_once(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct lane *lane = lanes_at(world->broker->lanes, world->cpas_1);

    world_integrate(world, world->cpas_1);
    publish(&source, 1, 8);
    assert_int_equal(lane->level, LIMITS_CALM);
    set_messages_max(world, world->cpas_1, 8);
    assert_int_equal(lane->level, LIMITS_FULL);
    set_messages_max(world, world->cpas_1, 0);
    assert_int_equal(lane->level, LIMITS_CALM);
    peer_close(&source);
}

static void
a_letter_that_nobody_reads_is_told_of_by_its_age(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    struct lane *lane = lanes_at(world->broker->lanes, world->cpas_1);
    struct instant now = clock_now();
    const int64_t day_us = INT64_C(24) * 60 * 60 * 1000000;

    world_integrate(world, world->cpas_1);
    publish(&source, 1, 1);
    levels_look(world->broker, (struct instant){now.us + 71 * day_us});
    assert_int_equal(lane->level, LIMITS_CALM);
    levels_look(world->broker, (struct instant){now.us + 73 * day_us});
    assert_int_equal(lane->level, LIMITS_WARNED);
    assert_int_equal(lanes_at(world->broker->lanes, world->cpas_2)->level, LIMITS_CALM);
    expect_notice(&member, world->cpas_1, LIMITS_WARNED);
    peer_close(&source);
    peer_close(&member);
}

static void
one_mailbox_alone_makes_nobody_wait(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);

    world_integrate(world, world->cpas_1);
    world->settings.waiting_messages_max = 10;
    set_messages_max(world, world->cpas_1, 5);
    publish(&source, 1, 20);
    assert_int_equal(world_row(world, world->cpas_1).last, 20);
    assert_int_equal(world->broker->waiting, 5);
    publish(&source, 21, 1);
    set_messages_max(world, world->cpas_1, 0);
    assert_int_equal(world->broker->waiting, 21);
    peer_expect(&source, VIGIE__V1__TO_CLIENT__MESSAGE_BLOCKED);
    peer_close(&source);
}

static void
sources_wait_when_all_mailboxes_together_are_full(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    struct peer late;
    Vigie__V1__ToClient *message;

    world_integrate(world, world->cpas_1);
    world->settings.waiting_messages_max = 10;
    publish(&source, 1, 9);
    assert_int_equal(metrics.waiting, 9);
    publish(&source, 10, 3); // decided before it was known
    message = peer_receive(&source, VIGIE__V1__TO_CLIENT__MESSAGE_BLOCKED);
    assert_int_equal(message->blocked->fault->status, VG_BUSY);
    assert_non_null(strstr(message->blocked->fault->sentence, "12 letters"));
    vigie__v1__to_client__free_unpacked(message, NULL);
    late = peer_enter(world, world->broker->sources, &world->source);
    peer_expect(&late, VIGIE__V1__TO_CLIENT__MESSAGE_BLOCKED);
    peer_publish(&late, 13, 1);
    message = peer_receive(&late, VIGIE__V1__TO_CLIENT__MESSAGE_PUBLISHED);
    assert_int_equal(message->published->through, 12);
    assert_int_equal(message->published->results[0]->fault->status, VG_BUSY);
    vigie__v1__to_client__free_unpacked(message, NULL);
    assert_int_equal(world_last_number(world, 1), 12);

    peer_subscribe(&member, 0, 100);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    assert_int_equal(peer_take(&member, 0, 12), 0);
    peer_acknowledge(&member, 0, 5);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged == 5);
    assert_true(peer_hears_nothing(&source)); // 7 of 10
    peer_acknowledge(&member, 0, 6);
    peer_expect(&source, VIGIE__V1__TO_CLIENT__MESSAGE_RESUMED);
    peer_expect(&late, VIGIE__V1__TO_CLIENT__MESSAGE_RESUMED);
    publish(&late, 13, 1);
    peer_close(&source);
    peer_close(&member);
    peer_close(&late);
}

static void
what_waits_is_counted_again_after_a_restart(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);

    world_integrate(world, world->cpas_1);
    publish(&source, 1, 7);
    peer_close(&source);
    world_stop(world);
    world->settings.waiting_messages_max = 7;
    world_start(world);
    assert_int_equal(world->broker->waiting, 7);
    set_messages_max(world, world->cpas_1, 7);
    world_stop(world);
    world_start(world);
    assert_int_equal(lanes_at(world->broker->lanes, world->cpas_1)->level, LIMITS_FULL);
    source = peer_enter(world, world->broker->sources, &world->source);
    peer_expect(&source, VIGIE__V1__TO_CLIENT__MESSAGE_BLOCKED);
    peer_close(&source);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)
        IN_A_WORLD(a_mailbox_that_fills_up_is_told_of_once),
        IN_A_WORLD(a_limit_that_changes_counts_at_once),
        IN_A_WORLD(a_letter_that_nobody_reads_is_told_of_by_its_age),
        IN_A_WORLD(one_mailbox_alone_makes_nobody_wait),
        IN_A_WORLD(sources_wait_when_all_mailboxes_together_are_full),
        IN_A_WORLD(what_waits_is_counted_again_after_a_restart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
