// SPDX-License-Identifier: EUPL-1.2
// Goal: the loop lets old bodies go by itself and goes on delivering what still waits; a
// fold that the loop has not taken holds retention back, and so does an export that is asked
// for and was not made.
// Method: a real broker on loopback whose replay window is set to nothing: what was kept is
// old at once; or years pass. Slices are asked for, not waited for.
#include "edge/retention.h"

#include "edge/damage.h"

#include "edge/export.h"
#include "passing_clock.h"
#include "world.h"

#include <sodium.h>

enum { HOUR_MS = 3600 * 1000 };

static struct meta
meta_of(struct world *world)
{
    struct meta meta;

    broker_rest_txn(world->broker);
    assert_int_equal(meta_get(broker_txn(world->broker), &meta, NULL), VG_OK);
    broker_rest_txn(world->broker);
    return meta;
}

// The next second brings a fold and a slice.
static void
ask_for_a_slice(struct world *world)
{
    if (!world->broker->retention.proposed) {
        world->broker->retention.next_ms = 0;
    }
}

// Counted with the answer.
static bool
are_erased(struct world *world, uint64_t blocks)
{
    ask_for_a_slice(world);
    return metrics.blocks_erased >= blocks;
}

static void
old_bodies_go_and_what_waits_stays(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    uint64_t blocks = metrics.blocks_erased;
    uint64_t moved = metrics.letters_moved;

    world_integrate(world, world->cpas_1);
    peer_subscribe(&member, 0, 100);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    peer_publish(&source, 1, 5);
    peer_expect_published(&source, 5);
    peer_take(&member, 0, 5);
    peer_acknowledge(&member, world->cpas_1, 3);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged == 3);
    world->settings.replay_days = 0;
    WORLD_UNTIL(world, are_erased(world, blocks + 1));
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
    retention_watch(broker, clock_ms() + HOUR_MS);
    assert_true(broker->retention.proposed);
    retention_watch(broker, clock_ms() + HOUR_MS); // one at a time
    WORLD_UNTIL(world, !broker->retention.proposed);
    assert_true(metrics.commands > commands);
    assert_int_equal(metrics.blocks_erased, blocks);
    assert_int_equal(meta_of(world).first_block, 1);
    peer_close(&source);
}

// What a folder of exports says after commit `commit` was written to it.
static void
write_mark(struct world *world, const char *folder, uint64_t commit)
{
    char path[SETTING_TEXT_LEN + 16], hash[2 * HASH_LEN + 1];
    struct buffer record = {0};
    struct journal_head head;
    FILE *file;

    broker_rest_txn(world->broker);
    assert_int_equal(
        journal_read(broker_txn(world->broker), commit, &record, &head, NULL), VG_OK);
    broker_rest_txn(world->broker);
    snprintf(path, sizeof path, "%s/exported", folder);
    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%llu %s\n", (unsigned long long)commit,
            sodium_bin2hex(hash, sizeof hash, head.hash.at, HASH_LEN));
    fclose(file);
    buffer_free(&record);
}

static bool
first_commit_is(struct world *world, uint64_t commit)
{
    ask_for_a_slice(world);
    return meta_of(world).first_commit == commit;
}

static void
the_journal_waits_for_its_export(void **state)
{
    struct world *world = *state;
    struct settings *settings = &world->settings;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    char path[128];

    world_integrate(world, world->cpas_1);
    peer_publish(&source, 1, 1);
    peer_expect_published(&source, 1);
    peer_close(&source);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).folded == 1);

    snprintf(settings->journal_export_dir, sizeof settings->journal_export_dir, "%s",
             world->scratch.path);
    passed_us = 3 * 366 * DAY_US;
    WORLD_UNTIL(world, first_commit_is(world, 1) && metrics.journal_unexported == 1);
    assert_non_null(strstr(world->broker->retention.told_export.text, "24 months"));
    write_mark(world, world->scratch.path, 2);
    WORLD_UNTIL(world, first_commit_is(world, 3));
    WORLD_UNTIL(world, first_commit_is(world, 3) && metrics.journal_unexported == 1);
    assert_true(meta_of(world).erased_commit > 3); // and not for want of age
    settings->journal_export_dir[0] = 0;
    WORLD_UNTIL(world, !first_commit_is(world, 3) && metrics.journal_unexported == 0);
    unlink(scratch_file(&world->scratch, "exported", path));
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

static void
what_stops_the_index_by_person_is_a_damage(void **state)
{
    struct world *world = *state;
    struct command command = {.kind = COMMAND_EXPIRE};
    const struct damage *damage;

    why_set(&command.expire.unindexed, "commit 7: its hash does not hold");
    retention_answered(world->broker, &command);
    retention_answered(world->broker, &command); // every ten seconds: told once
    assert_int_equal(damages_len(world->broker->damages), 1);
    assert_int_equal(metrics.damaged, 1);
    damage = damages_at(world->broker->damages, 0);
    assert_int_equal(damage->mailbox, 0);
    assert_non_null(strstr(damage->why.text, "commit 7: its hash does not hold"));
    assert_non_null(strstr(damage->why.text, "the index by person stops there"));
    assert_int_equal(metrics.retention_stuck, 0); // nothing else is held up
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test)                                                                 \
    cmocka_unit_test_setup_teardown(test, world_open_hurried, world_close)
        IN_A_WORLD(old_bodies_go_and_what_waits_stays),
        IN_A_WORLD(a_fold_that_was_not_taken_holds_it_back),
        IN_A_WORLD(the_journal_waits_for_its_export),
        IN_A_WORLD(damage_is_told_until_it_is_gone),
        IN_A_WORLD(what_stops_the_index_by_person_is_a_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
