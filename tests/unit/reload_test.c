// SPDX-License-Identifier: EUPL-1.2
// Goal: a changed file counts, before the doors open or while the broker runs, and a wrong
// one changes nothing.
// Method: a real broker; copies of the shipped catalogue and small settings files.
#include "edge/reload.h"

#include "world.h"

// A copy of the catalogue with one line more.
static void
copy_changed(struct world *world, char ret_path[128])
{
    FILE *from = fopen(world->settings.catalogue_file, "r");
    FILE *to = fopen(scratch_file(&world->scratch, "catalogue.yaml", ret_path), "w");
    int letter;

    assert_non_null(from);
    assert_non_null(to);
    while ((letter = fgetc(from)) != EOF) {
        fputc(letter, to);
    }
    fputs("# changed\n", to);
    fclose(from);
    fclose(to);
}

static void
a_changed_catalogue_file_is_in_force_before_the_doors_open(void **state)
{
    struct world *world = *state;
    struct txn *txn = NULL;
    struct meta meta;
    char path[128];

    copy_changed(world, path);
    world_stop(world);
    snprintf(world->settings.catalogue_file, SETTING_TEXT_LEN, "%s", path);
    world_start(world);
    assert_int_equal(store_read(world->broker->store, &txn, NULL), VG_OK);
    assert_int_equal(meta_get(txn, &meta, NULL), VG_OK);
    assert_int_equal(meta.catalogue, 2);
    store_abort(&txn);
    world_stop(world);
    world_start(world); // the same again is no news
    assert_int_equal(store_read(world->broker->store, &txn, NULL), VG_OK);
    assert_int_equal(meta_get(txn, &meta, NULL), VG_OK);
    assert_int_equal(meta.catalogue, 2);
    store_abort(&txn);
}

static void
reloads_a_changed_catalogue_while_it_runs(void **state)
{
    struct world *world = *state;
    const struct catalogue *before = world->broker->catalogue;
    char path[128];
    FILE *to;

    copy_changed(world, path);
    broker_reload(world->broker);
    assert_int_equal(world->broker->proposed, 0); // nothing has changed
    snprintf(world->settings.catalogue_file, SETTING_TEXT_LEN, "%s", path);
    broker_reload(world->broker);
    WORLD_UNTIL(world, world->broker->catalogue != before);

    to = fopen(path, "a");
    assert_non_null(to);
    fputs("nonsense: true\n", to);
    fclose(to);
    before = world->broker->catalogue;
    broker_reload(world->broker);
    WORLD_UNTIL(world, world->broker->proposed == 0);
    assert_ptr_equal(world->broker->catalogue, before); // a wrong one changes nothing
}

static void
takes_over_settings_that_may_change(void **state)
{
    struct world *world = *state;
    char path[128];
    FILE *file = fopen(scratch_file(&world->scratch, "vigied.yaml", path), "w");

    assert_non_null(file);
    fputs("window_messages: 77\nheartbeat_ms: 1234\n", file);
    fclose(file);
    reload_settings(world->broker); // no file was named: nothing happens
    world->broker->settings_path = path;
    reload_settings(world->broker);
    assert_int_equal(world->settings.window_messages, 77);
    assert_int_equal(world->settings.heartbeat_ms, 1234);
    assert_true(world->settings.test_persons); // not one of those

    file = fopen(path, "w");
    assert_non_null(file);
    fputs("window_messages: 88\nnonsense: 1\n", file);
    fclose(file);
    reload_settings(world->broker);
    assert_int_equal(world->settings.window_messages, 77); // a wrong file changes nothing
    world->broker->settings_path = NULL;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)
        IN_A_WORLD(a_changed_catalogue_file_is_in_force_before_the_doors_open),
        IN_A_WORLD(reloads_a_changed_catalogue_while_it_runs),
        IN_A_WORLD(takes_over_settings_that_may_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
