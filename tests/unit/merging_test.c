// SPDX-License-Identifier: EUPL-1.2
// Goal: on the day of a merger the loop carries it out by itself, ends the sessions of those
// merged and tells their keys where to go, and moves what they left.
// Method: a real broker on loopback; the day passes by a clock that is moved on; everything is
// waited for.
#include "edge/merging.h"

#include "passing_clock.h"
#include "world.h"

static void
plan(struct world *world, uint32_t from, uint32_t into, int days)
{
    struct command *command = command_new(COMMAND_MERGE, NULL, 0);
    struct day day = day_add_days(day_in_brussels(clock_now()), days);

    command->merge = (struct merge_command){{from}, 1, into, day};
    assert_int_equal(world_do(world, command), VG_OK);
}

static bool
is_merged(const struct world *world, uint32_t institution)
{
    return roster_successor(world->broker->roster, institution) != institution;
}

static void
keys_are_told_where_to_go_and_letters_move(void **state)
{
    struct world *world = *state;
    uint32_t into = world_institution(world, "CPAS-NEW", 17);
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);

    world_integrate(world, world->cpas_1);
    peer_subscribe(&member, 0, 100);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    peer_publish(&source, 1, 3);
    peer_expect_published(&source, 3);
    peer_take(&member, 0, 3);
    plan(world, world->cpas_1, into, 0);
    peer_expect_refused(&member, VG_MOVED);
    peer_close(&member);
    assert_true(is_merged(world, world->cpas_1));
    WORLD_UNTIL(world,
                world_row(world, into).last == 3 && !world->broker->merging.wanted);
    assert_int_equal(world_row(world, world->cpas_1).acknowledged, 3);
    peer_publish(&source, 4, 1);
    peer_expect_published(&source, 4);
    WORLD_UNTIL(world, world_row(world, into).last == 4);

    member = peer_open(world, world->broker->members, &world->member);
    peer_hello(&member);
    peer_expect_refused(&member, VG_MOVED);
    peer_close(&member);
    peer_close(&source);
}

static void
its_day_comes_also_when_nobody_publishes(void **state)
{
    struct world *world = *state;
    uint32_t into = world_institution(world, "CPAS-NEW", 17);
    uint64_t commands;

    plan(world, world->cpas_1, into, 1);
    WORLD_UNTIL(world, !world->broker->merging.wanted);
    assert_false(is_merged(world, world->cpas_1));
    commands = metrics.commands;
    merging_watch(world->broker); // nothing is due
    assert_false(world->broker->merging.proposed);
    assert_int_equal(metrics.commands, commands);
    passed_us = DAY_US;
    WORLD_UNTIL(world, is_merged(world, world->cpas_1));
    passed_us = 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test)                                                                 \
    cmocka_unit_test_setup_teardown(test, world_open_hurried, world_close)
        IN_A_WORLD(keys_are_told_where_to_go_and_letters_move),
        IN_A_WORLD(its_day_comes_also_when_nobody_publishes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
