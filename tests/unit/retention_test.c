// SPDX-License-Identifier: EUPL-1.2
// Goal: the loop lets old bodies go by itself and goes on delivering what still waits; a
// fold that the loop has not taken holds retention back.
// Method: a real broker on loopback whose replay window is set to nothing: what was kept is
// old at once. Slices are asked for, not waited for.
#include "edge/retention.h"

#include "world.h"

static struct meta
meta_of(struct world *world)
{
    struct meta meta;

    broker_rest_txn(world->broker);
    assert_int_equal(meta_get(broker_txn(world->broker), &meta, NULL), VG_OK);
    broker_rest_txn(world->broker);
    return meta;
}

// Folds and slices until those commits are done with.
static bool
is_erased_through(struct world *world, uint64_t commit)
{
    if (!world->broker->retention.proposed) {
        world->broker->retention.next_ms = 0;
    }
    return meta_of(world).erased_commit >= commit;
}

static void
old_bodies_go_and_what_waits_stays(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    uint64_t blocks = metrics.blocks_erased;
    uint64_t moved = metrics.letters_moved;
    uint64_t commit;

    world_integrate(world, world->cpas_1);
    peer_subscribe(&member, 0, 100);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    peer_publish(&source, 1, 5);
    peer_expect_published(&source, 5);
    peer_take(&member, 0, 5);
    peer_acknowledge(&member, world->cpas_1, 3);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged == 3);
    commit = world->broker->last_commit;
    world->settings.replay_days = 0;
    WORLD_UNTIL(world, is_erased_through(world, commit));
    assert_true(metrics.blocks_erased > blocks);
    assert_true(metrics.letters_moved >= moved + 2);
    assert_true(meta_of(world).first_block > 1);
    peer_close(&member);

    member = peer_enter(world, world->broker->members, &world->member);
    peer_subscribe(&member, 0, 100);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    peer_take(&member, 3, 5);
    peer_acknowledge(&member, world->cpas_1, 5);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged == 5);
    peer_publish(&source, 6, 1);
    peer_expect_published(&source, 6);
    peer_take(&member, 5, 6);
    peer_close(&member);
    peer_close(&source);
}

static void
a_fold_that_was_not_taken_holds_it_back(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct broker *broker = world->broker;
    uint64_t blocks = metrics.blocks_erased;
    uint64_t commands;

    world_integrate(world, world->cpas_1);
    peer_publish(&source, 1, 5);
    peer_expect_published(&source, 5);
    WORLD_UNTIL(world, meta_of(world).folded_commit >= 1 && !broker->fold_wanted &&
                           !broker->fold_proposed);
    world->settings.replay_days = 0;
    retention_folded(broker, 1);
    commands = metrics.commands;
    retention_watch(broker, INT64_MAX);
    assert_true(broker->retention.proposed);
    retention_watch(broker, INT64_MAX); // one at a time
    WORLD_UNTIL(world, !broker->retention.proposed);
    assert_true(metrics.commands > commands);
    assert_int_equal(metrics.blocks_erased, blocks);
    assert_int_equal(meta_of(world).first_block, 1);
    peer_close(&source);
}

static void
damage_is_told_until_it_is_gone(void **state)
{
    struct world *world = *state;
    struct command command = {.kind = COMMAND_EXPIRE};

    command.expire.stuck = true;
    why_set(&command.expire.why, "block 7: its checksum does not hold");
    retention_answered(world->broker, &command);
    assert_int_equal(metrics.retention_stuck, 1);
    assert_string_equal(world->broker->retention.told.text, command.expire.why.text);
    command.expire.stuck = false;
    retention_answered(world->broker, &command);
    assert_int_equal(metrics.retention_stuck, 0);
    assert_string_equal(world->broker->retention.told.text, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)
        IN_A_WORLD(old_bodies_go_and_what_waits_stays),
        IN_A_WORLD(a_fold_that_was_not_taken_holds_it_back),
        IN_A_WORLD(damage_is_told_until_it_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
