// SPDX-License-Identifier: EUPL-1.2
// Goal: a mailbox gets nothing in its quiet hours and between two digests, and all of it, in
// its order, when they are over; nobody else waits.
// Method: a real broker on loopback under a clock that is set forward; the second's tick is
// called, not waited for. Times of day are made around the clock's own.
#include "edge/pacing.h"

#include "passing_clock.h"
#include "world.h"

#define MINUTE_US (DAY_US / DAY_MINUTES)

static uint16_t
minute_from_now(int minutes)
{
    return (uint16_t)((minute_in_brussels(clock_now()) + minutes + DAY_MINUTES) %
                      DAY_MINUTES);
}

static void
set_times(struct world *world, struct mailbox_rules rules)
{
    struct command *command = command_new(COMMAND_SET_RULES, NULL, 0);

    command->set_rules = (struct set_rules_command){
        .mailbox = world->cpas_1, .named = RULES_QUIET | RULES_DIGEST, .rules = rules};
    assert_int_equal(world_do(world, command), VG_OK);
}

static struct peer
follower(struct world *world)
{
    struct peer member = peer_enter(world, world->broker->members, &world->member);

    world_integrate(world, world->cpas_1);
    peer_subscribe(&member, 0, 100);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    return member;
}

static void
publish(struct world *world, struct peer *source, uint64_t first, size_t len)
{
    peer_publish(source, first, len);
    peer_expect_published(source, first + len - 1);
    WORLD_UNTIL(world, world->broker->first_delivery == NULL);
}

static void
done_with(struct world *world, struct peer *member, uint64_t before, uint64_t through)
{
    peer_take(member, before, through);
    peer_acknowledge(member, world->cpas_1, through);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged == through);
}

static uint64_t
sent(const struct world *world)
{
    return lanes_at(world->broker->lanes, world->cpas_1)->sent_through;
}

static void
nothing_comes_in_quiet_hours_and_all_of_it_after_them(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = follower(world);

    publish(world, &source, 1, 1);
    done_with(world, &member, 0, 1);
    set_times(world, (struct mailbox_rules){.quiet_from = minute_from_now(-10),
                                            .quiet_to = minute_from_now(60)});
    publish(world, &source, 2, 3);
    pacing_tick(world->broker);
    assert_int_equal(sent(world), 1);
    assert_int_equal(world_row(world, world->cpas_1).last, 4);

    // Whoever connects in between gets nothing either.
    peer_close(&member);
    member = peer_enter(world, world->broker->members, &world->member);
    peer_subscribe(&member, 0, 100);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    assert_int_equal(sent(world), 1);

    passed_us = 61 * MINUTE_US;
    pacing_tick(world->broker);
    peer_take(&member, 1, 4);
    passed_us = 0;
    peer_close(&member);
    peer_close(&source);
}

static void
a_digest_brings_what_came_before_its_time(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = follower(world);

    set_times(world,
              (struct mailbox_rules){.digest = (uint16_t)(minute_from_now(30) + 1)});
    publish(world, &source, 1, 2);
    assert_int_equal(sent(world), 0);
    passed_us = 31 * MINUTE_US;
    pacing_tick(world->broker);
    done_with(world, &member, 0, 2);
    publish(world, &source, 3, 1); // for tomorrow
    pacing_tick(world->broker);
    assert_int_equal(sent(world), 2);

    // A broker that starts again holds back the same.
    peer_close(&member);
    peer_close(&source);
    world_stop(world);
    world_start(world);
    member = peer_enter(world, world->broker->members, &world->member);
    peer_subscribe(&member, 0, 100);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    pacing_tick(world->broker);
    assert_int_equal(sent(world), 0); // none on any connection since the start
    passed_us += DAY_US;
    pacing_tick(world->broker);
    peer_take(&member, 2, 3);
    passed_us = 0;
    peer_close(&member);
}

static void
rules_that_are_lifted_count_at_once(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = follower(world);

    set_times(world, (struct mailbox_rules){.quiet_from = minute_from_now(-10),
                                            .quiet_to = minute_from_now(60)});
    publish(world, &source, 1, 2);
    assert_int_equal(sent(world), 0);
    assert_int_equal(world->broker->paced, 1);
    set_times(world, (struct mailbox_rules){.digest = 0});
    assert_int_equal(world->broker->paced, 0);
    peer_take(&member, 0, 2);
    peer_close(&member);
    peer_close(&source);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test)                                                                 \
    cmocka_unit_test_setup_teardown(test, world_open_hurried, world_close)
        IN_A_WORLD(nothing_comes_in_quiet_hours_and_all_of_it_after_them),
        IN_A_WORLD(a_digest_brings_what_came_before_its_time),
        IN_A_WORLD(rules_that_are_lifted_count_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
