// SPDX-License-Identifier: EUPL-1.2
// Goal: the loop walks once when a new day begins in Brussels, and not again; its letters
// are delivered like any other.
// Method: a real broker on loopback under a clock that is set forward; the walk is asked
// for, not waited for.
#include "edge/lapsing.h"

#include "passing_clock.h"
#include "world.h"

static bool
is_walked_for(struct world *world, struct day day)
{
    lapsing_watch(world->broker, clock_now());
    return world->broker->lapsing.done && world->broker->lapsing.day == day.number &&
           !world->broker->lapsing.proposed;
}

static void
once_a_day_and_delivered(void **state)
{
    struct world *world = *state;
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    struct day today = day_in_brussels(clock_now());
    struct day end = day_add_months(today, 2);
    uint64_t warned = metrics.lapses_warned;
    uint64_t ended = metrics.lapses_ended;
    uint64_t commands;

    world_integrate(world, world->cpas_1);
    WORLD_UNTIL(world, is_walked_for(world, today));
    assert_int_equal(metrics.lapses_warned, warned);
    commands = metrics.commands;
    lapsing_watch(world->broker, clock_now());
    assert_false(world->broker->lapsing.proposed); // done for today
    assert_int_equal(metrics.commands, commands);

    passed_us = (end.number - 14 - today.number) * DAY_US;
    WORLD_UNTIL(world, is_walked_for(world, day_add_days(end, -14)));
    assert_int_equal(metrics.lapses_warned, warned + 1);
    peer_subscribe(&member, 0, 100);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    peer_take(&member, 0, 1);
    passed_us = (end.number + 1 - today.number) * DAY_US;
    WORLD_UNTIL(world, is_walked_for(world, day_add_days(end, 1)));
    assert_int_equal(metrics.lapses_warned, warned + 1);
    assert_int_equal(metrics.lapses_ended, ended + 1);
    peer_take(&member, 1, 2);
    peer_close(&member);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(once_a_day_and_delivered, world_open,
                                        world_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
