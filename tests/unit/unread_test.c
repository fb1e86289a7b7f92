// SPDX-License-Identifier: EUPL-1.2
// Goal: a mailbox that nobody reads is told of before its letters are parked, and the source
// of what was parked learns it: at once when it is connected, and whenever it comes in; no
// other source does, and nobody learns whose mailbox it is.
// Method: a real broker on loopback, under a clock of our own that lets months pass.
#include "edge/unread.h"

#include "edge/retention.h"
#include "passing_clock.h"
#include "world.h"

// ---- what happens ----

// Five mutations wait in two mailboxes, and are filed.
static void
leave_unread(struct world *world)
{
    struct peer source = peer_enter(world, world->broker->sources, &world->source);

    world_integrate(world, world->cpas_1);
    world_integrate(world, world->cpas_2);
    peer_publish(&source, 1, 5);
    peer_expect_published(&source, 5);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).folded == 5 &&
                           world_row(world, world->cpas_2).folded == 5);
    peer_close(&source);
}

// True once they are parked.
static bool
are_parked(struct world *world)
{
    if (!world->broker->retention.proposed) {
        world->broker->retention.next_ms = 0;
    }
    return world_row(world, world->cpas_1).parked == 5 &&
           world_row(world, world->cpas_2).parked == 5;
}

static void
expect_report(struct peer *source, struct world *world)
{
    Vigie__V1__ToClient *message =
        peer_receive(source, VIGIE__V1__TO_CLIENT__MESSAGE_UNDELIVERED);
    const Vigie__V1__Undelivered *undelivered = message->undelivered;

    assert_int_equal(undelivered->n_mutations, 5);
    assert_false(undelivered->more);
    for (size_t i = 0; i < 5; i++) {
        const Vigie__V1__UndeliveredMutation *one = undelivered->mutations[i];

        assert_int_equal(one->ticket, undelivered->mutations[0]->ticket + i);
        assert_string_equal(one->flow, "notifyPerson");
        assert_string_equal(one->recipient, "");
        assert_string_equal(one->reason, "unread for 90 days");
        assert_true(one->kept_at + 90 * (uint64_t)DAY_US <= one->since);
    }
    assert_int_equal(world_row(world, world->cpas_1).parked, 5);
    vigie__v1__to_client__free_unpacked(message, NULL);
}

static void
the_source_is_told_what_was_parked(void **state)
{
    struct world *world = *state;
    struct peer source, other;

    leave_unread(world);
    passed_us = 91 * DAY_US;
    source = peer_enter(world, world->broker->sources, &world->source);
    assert_true(peer_hears_nothing(&source));
    WORLD_UNTIL(world, are_parked(world));
    expect_report(&source, world);
    assert_int_equal(metrics.letters_unread, 10);
    peer_close(&source);
    source = peer_enter(world, world->broker->sources, &world->source);
    expect_report(&source, world);
    peer_close(&source);

    world_key(world, COMMAND_ADD_KEY, &world->stranger, world->cpas_2, ROLE_SOURCE);
    other = peer_enter(world, world->broker->sources, &world->stranger);
    assert_true(peer_hears_nothing(&other));
    peer_close(&other);
}

static void
drop_all(struct world *world, uint32_t mailbox)
{
    struct command *command = command_new(COMMAND_DROP_PARKED, NULL, 0);

    command->parked.mailbox = mailbox;
    command->parked.reason = bytes_of("the office has closed");
    command->parked.numbers = xcalloc(5, sizeof *command->parked.numbers);
    command->parked.numbers_len = 5;
    for (uint64_t i = 0; i < 5; i++) {
        command->parked.numbers[i] = i + 1;
    }
    assert_int_equal(world_do(world, command), VG_OK);
}

static void
what_a_hand_has_dealt_with_is_not_told_again(void **state)
{
    struct world *world = *state;
    struct peer source;

    leave_unread(world);
    passed_us = 91 * DAY_US;
    WORLD_UNTIL(world, are_parked(world));
    drop_all(world, world->cpas_1);
    drop_all(world, world->cpas_2);
    source = peer_enter(world, world->broker->sources, &world->source);
    assert_true(peer_hears_nothing(&source));
    peer_close(&source);
}

static void
nothing_is_parked_when_that_is_the_setting(void **state)
{
    struct world *world = *state;
    uint64_t moved = metrics.letters_moved;

    world->settings.unread_park_days = 0;
    leave_unread(world);
    passed_us = 1000 * DAY_US;
    WORLD_UNTIL(world, are_parked(world) || metrics.letters_moved == moved + 10);
    assert_int_equal(world_row(world, world->cpas_1).parked, 0);
}

// One round of looking at all mailboxes.
static uint64_t
look_around(struct world *world)
{
    world->broker->unread = (struct unread_round){.next = 0};
    unread_watch(world->broker);
    broker_rest_txn(world->broker);
    return metrics.mailboxes_unread;
}

static void
a_mailbox_is_warned_of_once_a_day(void **state)
{
    struct world *world = *state;
    struct lane *lane;
    int64_t told_us;

    leave_unread(world);
    lane = lanes_at(world->broker->lanes, world->cpas_1);
    passed_us = 29 * DAY_US;
    assert_int_equal(look_around(world), 0);
    assert_int_equal(lane->unread_told_us, 0);
    passed_us = 30 * DAY_US;
    assert_int_equal(look_around(world), 2);
    told_us = lane->unread_told_us;
    assert_true(told_us > 0);
    passed_us += DAY_US / 2;
    assert_int_equal(look_around(world), 2);
    assert_true(lane->unread_told_us == told_us);
    passed_us += DAY_US;
    assert_int_equal(look_around(world), 2);
    assert_true(lane->unread_told_us > told_us);
    world->settings.unread_warn_days = 0;
    assert_int_equal(look_around(world), 0);
}

static int
open_today(void **state)
{
    passed_us = 0;
    return world_open_hurried(state);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, open_today, world_close)
        IN_A_WORLD(the_source_is_told_what_was_parked),
        IN_A_WORLD(what_a_hand_has_dealt_with_is_not_told_again),
        IN_A_WORLD(nothing_is_parked_when_that_is_the_setting),
        IN_A_WORLD(a_mailbox_is_warned_of_once_a_day),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
