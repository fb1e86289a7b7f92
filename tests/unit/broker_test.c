// SPDX-License-Identifier: EUPL-1.2
// Goal: the broker is ready only when everything is, says what is wrong with all of it when
// it is not.
// Method: a real broker is opened and closed over one folder; settings are spoiled one by
// one.
#include "edge/broker.h"

#include "world.h"

static enum vg_status
open_spoiled(struct world *world, struct faults *faults)
{
    struct broker *broker = NULL;
    enum vg_status status = broker_open(&world->settings, &broker, faults);

    assert_null(broker);
    return status;
}

static void
says_in_a_file_where_it_listens(void **state)
{
    struct world *world = *state;
    char path[128];
    char text[512] = {0};
    FILE *file = fopen(scratch_file(&world->scratch, "vigied.ready", path), "r");

    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_non_null(strstr(text, door_endpoint(world->broker->sources)));
    assert_non_null(strstr(text, door_endpoint(world->broker->members)));
    assert_non_null(strstr(text, world->broker_key.public_text));
    assert_null(strstr(text, world->broker_key.secret_text));
    world_stop(world);
    assert_int_not_equal(access(path, F_OK), 0);
    world_start(world);
}

static void
says_what_keeps_it_from_starting(void **state)
{
    struct world *world = *state;
    struct settings good = world->settings;
    struct faults faults = {0};

    // The store is open already, in this process.
    assert_int_equal(open_spoiled(world, &faults), VG_STORE_IN_USE);
    assert_int_equal(faults.fault[0].status, VG_STORE_IN_USE);
    world_stop(world);

    memset(&faults, 0, sizeof faults);
    snprintf(world->settings.key_file, SETTING_TEXT_LEN, "/nonexistent/key");
    assert_int_equal(open_spoiled(world, &faults), VG_BAD_FILE);
    assert_non_null(strstr(faults.fault[0].why.text, "/nonexistent/key"));

    world->settings = good;
    memset(&faults, 0, sizeof faults);
    snprintf(world->settings.sources_endpoint, SETTING_TEXT_LEN, "tcp://nowhere");
    assert_int_equal(open_spoiled(world, &faults), VG_BAD_SETTINGS);
    assert_non_null(strstr(faults.fault[0].why.text, "tcp://nowhere"));

    world->settings = good;
    memset(&faults, 0, sizeof faults);
    snprintf(world->settings.catalogue_file, SETTING_TEXT_LEN, "%s", good.key_file);
    assert_int_equal(open_spoiled(world, &faults), VG_BAD_CATALOGUE);
    assert_true(faults.len > 0);

    world->settings = good;
    world_start(world);
}

// The file's length after some commands.
static uint64_t
file_bytes(struct world *world, int commands)
{
    struct store_room room;

    for (int i = 0; i < commands; i++) {
        struct command *command = command_new(COMMAND_LAST_NUMBER, NULL, 0);

        assert_int_equal(world_do(world, command), VG_OK);
    }
    assert_int_equal(store_room(world->broker->store, &room), VG_OK);
    return room.file_bytes;
}

static void
makes_room_ahead_as_its_settings_say(void **state)
{
    struct world *world = *state;
    uint64_t before;

    world_stop(world);
    world->settings.ahead_bytes = 8 << 20;
    world->settings.disk_reserve_bytes = UINT64_C(1) << 61; // no disk has that
    world_start(world);
    before = file_bytes(world, 20);
    assert_in_range(before, 1, 8 << 20);
    world_stop(world);
    world->settings.disk_reserve_bytes = 0;
    world_start(world);
    WORLD_UNTIL(world, file_bytes(world, 0) >= before + (8 << 20));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)
        IN_A_WORLD(says_in_a_file_where_it_listens),
        IN_A_WORLD(says_what_keeps_it_from_starting),
        IN_A_WORLD(makes_room_ahead_as_its_settings_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
