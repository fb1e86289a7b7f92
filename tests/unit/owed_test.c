// SPDX-License-Identifier: EUPL-1.2
// Goal: an acknowledgement that the store had no room for is kept as soon as there is room,
// without the member saying it again, and nobody's window is lost over it.
// Method: a real broker on loopback over an LMDB that answers "full" for a while.
#include "edge/owed.h"

#include "world.h"

static struct peer
member_with(struct world *world, uint64_t letters)
{
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);

    world_integrate(world, world->cpas_1);
    peer_publish(&source, 1, letters);
    peer_expect_published(&source, letters);
    peer_close(&source);
    peer_subscribe(&member, 0, 2);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    assert_int_equal(peer_take(&member, 0, 2), 0);
    return member;
}

static void
is_kept_when_there_is_room_again(void **state)
{
    struct world *world = *state;
    struct peer member = member_with(world, 5);

    atomic_store(&world_is_full, true);
    peer_acknowledge(&member, 0, 2);
    WORLD_UNTIL(world, world->broker->owed_len == 1);
    assert_int_equal(world_row(world, world->cpas_1).acknowledged, 0);
    assert_int_equal(peer_take(&member, 2, 4),
                     0); // its window is free, without a refusal
    peer_acknowledge(&member, 0, 4);
    WORLD_UNTIL(world, world->broker->owed_len == 2);

    atomic_store(&world_is_full, false);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged == 4);
    WORLD_UNTIL(world, world->broker->proposed == 0);
    assert_int_equal(world->broker->owed_len, 0);
    peer_close(&member);
}

static void
whoever_takes_over_meanwhile_begins_after_it(void **state)
{
    struct world *world = *state;
    struct peer first = member_with(world, 3);
    struct peer second = peer_enter(world, world->broker->members, &world->member);

    atomic_store(&world_is_full, true);
    peer_acknowledge(&first, 0, 2);
    WORLD_UNTIL(world, world->broker->owed_len == 1);
    peer_subscribe(&second, 0, 10);
    peer_expect(&second, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    (void)peer_take(&second, 2, 3);
    atomic_store(&world_is_full, false);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged == 2);
    peer_close(&first);
    peer_close(&second);
}

static void
what_is_owed_at_the_end_comes_again(void **state)
{
    struct world *world = *state;
    struct peer member = member_with(world, 2);

    atomic_store(&world_is_full, true);
    peer_acknowledge(&member, 0, 2);
    WORLD_UNTIL(world, world->broker->owed_len == 1);
    peer_close(&member);
    world_stop(world);
    atomic_store(&world_is_full, false);
    world_start(world);
    member = peer_enter(world, world->broker->members, &world->member);
    peer_subscribe(&member, 0, 10);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    assert_int_equal(peer_take(&member, 0, 2), 0);
    peer_close(&member);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test)                                                                 \
    cmocka_unit_test_setup_teardown(test, world_open_fillable, world_close)
        IN_A_WORLD(is_kept_when_there_is_room_again),
        IN_A_WORLD(whoever_takes_over_meanwhile_begins_after_it),
        IN_A_WORLD(what_is_owed_at_the_end_comes_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
