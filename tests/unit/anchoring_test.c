// SPDX-License-Identifier: EUPL-1.2
// Goal: with a key the broker signs its journal once in each day of Brussels, also when it was
// not running at midnight, and not again after a restart; without one it signs nothing.
// Method: a real broker on loopback under a clock that is set forward; each anchor is read from
// the disk and held against the record that it names.
#include "edge/anchoring.h"

#include "passing_clock.h"
#include "store/anchors.h"
#include "world.h"

static uint32_t
today(void)
{
    return day_number(day_in_brussels(clock_now()));
}

static void
write_key(struct world *world)
{
    char *path = world->settings.anchor_key_file;
    char file[128];

    snprintf(path, SETTING_TEXT_LEN, "%s",
             scratch_file(&world->scratch, "anchor.key", file));
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    fputs("secret: 9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60\n",
          out);
    fclose(out);
    assert_int_equal(chmod(path, 0600), 0);
}

static void
restart(struct world *world)
{
    world_stop(world);
    world_start(world);
}

static bool
is_signed(struct world *world)
{
    anchoring_watch(world->broker, clock_now());
    return world->broker->anchoring.day == today() && !world->broker->anchoring.proposed;
}

// Signed by our key, of the record that the journal has.
static struct anchor
read_anchor(struct world *world)
{
    AUTO(buffer_free) struct buffer record = {0};
    struct journal_head head;
    struct anchor anchor;
    struct txn *txn = NULL;

    assert_int_equal(store_read(world->broker->store, &txn, NULL), VG_OK);
    assert_int_equal(anchor_last(txn, &anchor), VG_OK);
    assert_int_equal(journal_read(txn, anchor.commit, &record, &head, NULL), VG_OK);
    store_abort(&txn);
    assert_true(anchor_holds(&anchor));
    assert_int_equal(anchor.key[0], 0xd7);
    assert_memory_equal(anchor.hash, head.hash.at, sizeof anchor.hash);
    assert_int_equal(anchor.day, today());
    return anchor;
}

static void
once_a_day_and_after_days_without_a_broker(void **state)
{
    struct world *world = *state;
    struct anchor first, second;
    uint64_t commands;

    write_key(world);
    restart(world);
    WORLD_UNTIL(world, is_signed(world));
    first = read_anchor(world);
    commands = metrics.commands;
    anchoring_watch(world->broker, clock_now());
    assert_false(world->broker->anchoring.proposed); // done for today
    restart(world);
    anchoring_watch(world->broker, clock_now());
    assert_false(world->broker->anchoring.proposed);
    assert_int_equal(metrics.commands, commands);

    passed_us += DAY_US;
    WORLD_UNTIL(world, is_signed(world));
    second = read_anchor(world);
    assert_true(second.commit > first.commit);
    world_stop(world);
    passed_us += 3 * DAY_US;
    world_start(world);
    WORLD_UNTIL(world, is_signed(world));
    assert_true(read_anchor(world).commit > second.commit);
}

static void
nothing_is_signed_without_a_key(void **state)
{
    struct world *world = *state;
    struct faults faults = {0};
    FILE *file;

    snprintf(world->settings.anchor_key_file, SETTING_TEXT_LEN,
             "/nonexistent/anchor.key");
    restart(world);
    anchoring_watch(world->broker, clock_now());
    assert_false(world->broker->anchoring.proposed);
    assert_false(world->broker->anchoring.signs);

    write_key(world); // there, but no key: that is a mistake, not a choice
    file = fopen(world->settings.anchor_key_file, "w");
    assert_non_null(file);
    fputs("secret: none\n", file);
    fclose(file);
    world_stop(world);
    assert_int_equal(broker_open(&world->settings, &world->broker, &faults),
                     VG_BAD_SETTINGS);
    assert_non_null(strstr(faults.fault[0].why.text, "64 hexadecimal digits"));
    world->settings.anchor_key_file[0] = 0;
    world_start(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(once_a_day_and_after_days_without_a_broker,
                                        world_open, world_close),
        cmocka_unit_test_setup_teardown(nothing_is_signed_without_a_key, world_open,
                                        world_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
