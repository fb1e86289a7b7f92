// SPDX-License-Identifier: EUPL-1.2
// Goal: acknowledgements go with the next command, or soon alone, in their order, and a
// broker that ends takes them along.
// Method: a world with a source and a member; the timer is taken out of the loop where a test
// must see them wait. The commits and the mailbox's row on the disk are looked at.
#include "edge/ride.h"

#include "world.h"

enum { LETTERS_MAX = RIDE_MAX, ROUNDS = 40 };

static struct peer
member_with(struct world *world, uint64_t letters)
{
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);

    event_del(world->broker->second); // what it proposes would take them along
    world_integrate(world, world->cpas_1);
    for (uint64_t i = 0; i < letters; i += 100) {
        peer_publish(&source, i + 1, letters - i < 100 ? letters - i : 100);
        peer_expect_published(&source, letters - i < 100 ? letters : i + 100);
    }
    peer_close(&source);
    peer_subscribe(&member, 0, LETTERS_MAX);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    assert_int_equal(peer_take(&member, 0, letters), 0);
    WORLD_UNTIL(world, world->broker->proposed == 0);
    return member;
}

static void
wait_for_ever(struct world *world)
{
    WORLD_UNTIL(world, world->broker->riding.len == 1);
    event_del(world->broker->riding.timer);
}

static void
goes_with_the_next_command(void **state)
{
    struct world *world = *state;
    struct peer member = member_with(world, 3);
    uint64_t commits = world->broker->last_commit;

    peer_acknowledge(&member, 0, 1);
    wait_for_ever(world);
    peer_acknowledge(&member, 0, 2);
    WORLD_UNTIL(world, world->broker->riding.len == 2);
    assert_int_equal(world->broker->proposed, 2);
    assert_int_equal(world_row(world, world->cpas_1).acknowledged, 0);

    world_integrate(world, world->cpas_2);
    assert_int_equal(world->broker->last_commit, commits + 1);
    assert_int_equal(world->broker->riding.len, 0);
    assert_int_equal(world_row(world, world->cpas_1).acknowledged, 2);
    peer_close(&member);
}

// Proposed one after the other they are one batch as well, unless the writer takes the first
// before the second is there: once in a while, so often enough is tried.
static void
is_never_in_a_commit_of_its_own(void **state)
{
    struct world *world = *state;
    struct peer member = member_with(world, ROUNDS);
    uint64_t commits = world->broker->last_commit;

    for (uint64_t i = 1; i <= ROUNDS; i++) {
        peer_acknowledge(&member, 0, i);
        wait_for_ever(world);
        world_integrate(world, i % 2 == 0 ? world->cpas_1 : world->cpas_2);
        assert_int_equal(world->broker->last_commit, commits + i);
        assert_int_equal(world_row(world, world->cpas_1).acknowledged, i);
    }
    peer_close(&member);
}

static void
goes_alone_when_nothing_else_does(void **state)
{
    struct world *world = *state;
    struct peer member = member_with(world, 2);

    peer_acknowledge(&member, 0, 2);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged == 2);
    assert_int_equal(world->broker->riding.len, 0);
    peer_close(&member);
}

static void
no_more_wait_than_a_thousand(void **state)
{
    struct world *world = *state;
    struct peer member = member_with(world, LETTERS_MAX);

    peer_acknowledge(&member, 0, 1);
    wait_for_ever(world);
    for (uint64_t i = 2; i <= LETTERS_MAX; i++) {
        peer_acknowledge(&member, 0, i);
        WORLD_UNTIL(world, world->broker->riding.len == i % LETTERS_MAX);
    }
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged == LETTERS_MAX);
    peer_close(&member);
}

static void
a_broker_that_ends_takes_them_along(void **state)
{
    struct world *world = *state;
    struct peer member = member_with(world, 2);

    peer_acknowledge(&member, 0, 2);
    wait_for_ever(world);
    peer_close(&member);
    world_stop(world);
    world_start(world);
    assert_int_equal(world_row(world, world->cpas_1).acknowledged, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)
        IN_A_WORLD(goes_with_the_next_command),
        IN_A_WORLD(is_never_in_a_commit_of_its_own),
        IN_A_WORLD(goes_alone_when_nothing_else_does),
        IN_A_WORLD(no_more_wait_than_a_thousand),
        IN_A_WORLD(a_broker_that_ends_takes_them_along),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
