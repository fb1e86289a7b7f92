// SPDX-License-Identifier: EUPL-1.2
// Goal: sources wait as long as there is any reason, hear of it once, and hear its end once.
// Method: a real broker on loopback; reasons are switched on and off by hand.
#include "edge/block.h"

#include "world.h"

static void
expect_blocked(struct peer *peer, enum vg_status status)
{
    Vigie__V1__ToClient *message =
        peer_receive(peer, VIGIE__V1__TO_CLIENT__MESSAGE_BLOCKED);

    assert_int_equal(message->blocked->fault->status, status);
    assert_true(strlen(message->blocked->fault->sentence) > 10);
    vigie__v1__to_client__free_unpacked(message, NULL);
}

static void
two_reasons_are_told_once_and_the_end_of_both(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct why why;

    block_set(world->broker, BLOCKED_DISK, true);
    block_set(world->broker, BLOCKED_ROOM, true);
    block_set(world->broker, BLOCKED_DISK, false);
    assert_int_equal(block_status(world->broker, &why), VG_STORE_FULL);
    assert_int_equal(metrics.blocked, 1);
    block_set(world->broker, BLOCKED_ROOM, false);
    assert_int_equal(block_status(world->broker, &why), VG_OK);
    assert_int_equal(metrics.blocked, 0);
    expect_blocked(&source, VG_BUSY);
    peer_expect(&source, VIGIE__V1__TO_CLIENT__MESSAGE_RESUMED);
    peer_publish(&source, 1, 1);
    peer_expect_published(&source, 1); // and nothing stood between
    peer_close(&source);
}

static void
whoever_comes_later_is_told_too_and_members_are_not(void **state)
{
    struct world *world = *state;
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    struct peer late;

    block_set(world->broker, BLOCKED_ROOM, true);
    late = peer_enter(world, world->broker->sources, &world->source);
    expect_blocked(&late, VG_STORE_FULL);
    peer_subscribe(&member, 0, 10);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    peer_close(&late);
    peer_close(&member);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)
        IN_A_WORLD(two_reasons_are_told_once_and_the_end_of_both),
        IN_A_WORLD(whoever_comes_later_is_told_too_and_members_are_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
