// SPDX-License-Identifier: EUPL-1.2
// Goal: a catalogue file becomes a command when it says something else than what is in
// force, and its mistakes come with their lines.
// Method: a real store in a fresh folder; the shipped catalogue and changed copies of it.
#include "edge/catalogue_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scratch.h"

#define SHIPPED SOURCE_DIR "/deploy/catalogue.yaml"

struct world {
    struct scratch scratch;
    struct store *store;
};

static int
open_world(void **state)
{
    struct world *world = xcalloc(1, sizeof *world);
    struct store_options options = {.map_bytes = 64 << 20, .create = true};

    world->scratch = scratch_make();
    options.path = world->scratch.path;
    assert_int_equal(store_open(&options, &world->store, NULL), VG_OK);
    *state = world;
    return 0;
}

static int
close_world(void **state)
{
    struct world *world = *state;

    store_close(&world->store);
    scratch_end(&world->scratch);
    free(world);
    return 0;
}

static struct command *
news(struct world *world, const char *path)
{
    struct command *command = NULL;
    struct txn *txn = NULL;

    assert_int_equal(store_read(world->store, &txn, NULL), VG_OK);
    assert_int_equal(catalogue_file_news(path, txn, &command, NULL), VG_OK);
    store_abort(&txn);
    return command;
}

static void
put_in_force(struct world *world, const struct command *command)
{
    struct catalogue_row row = {.version = 7};
    struct meta meta;
    struct txn *txn = NULL;

    assert_int_equal(store_write(world->store, &txn, NULL), VG_OK);
    assert_int_equal(catalogue_put(txn, &row,
                                   (const char *)command->load_catalogue.text.at,
                                   command->load_catalogue.text.len),
                     VG_OK);
    assert_int_equal(meta_get(txn, &meta, NULL), VG_OK);
    meta.catalogue = 7;
    assert_int_equal(meta_put(txn, &meta), VG_OK);
    assert_int_equal(store_commit(&txn, NULL), VG_OK);
}

static void
is_news_until_it_is_in_force(void **state)
{
    struct world *world = *state;
    AUTO(buffer_free) struct buffer text = {0};
    struct command *command = news(world, SHIPPED);
    char path[128];
    FILE *file;

    assert_non_null(command); // nothing is in force yet
    assert_int_equal(command->kind, COMMAND_LOAD_CATALOGUE);
    assert_int_equal(catalogue_file_read(SHIPPED, &text, NULL), VG_OK);
    assert_int_equal(command->load_catalogue.text.len, text.len);
    assert_memory_equal(command->load_catalogue.text.at, text.at, text.len);
    put_in_force(world, command);
    command_free(&command);
    assert_null(news(world, SHIPPED));

    file = fopen(scratch_file(&world->scratch, "other.yaml", path), "w");
    assert_non_null(file);
    fwrite(text.at, 1, text.len, file);
    fputs("# one more line\n", file);
    fclose(file);
    command = news(world, path);
    assert_non_null(command);
    command_free(&command);
}

static void
says_every_mistake_with_its_line(void **state)
{
    struct world *world = *state;
    struct faults faults = {0};
    char path[128];
    FILE *file = fopen(scratch_file(&world->scratch, "wrong.yaml", path), "w");

    assert_non_null(file);
    fputs("sectors: []\nnonsense: 1\n", file);
    fclose(file);
    assert_int_equal(catalogue_file_check(path, &faults), VG_BAD_CATALOGUE);
    assert_true(faults.len > 0);
    assert_true(faults.fault[0].line > 0);
    memset(&faults, 0, sizeof faults);
    assert_int_equal(catalogue_file_check(SHIPPED, &faults), VG_OK);
    assert_int_equal(faults.total, 0);
}

static void
says_when_there_is_no_file_or_too_much_of_it(void **state)
{
    struct world *world = *state;
    AUTO(buffer_free) struct buffer text = {0};
    struct faults faults = {0};
    struct why why;
    char path[128];
    FILE *file;

    assert_int_equal(catalogue_file_read("/nonexistent.yaml", &text, &why), VG_BAD_FILE);
    assert_non_null(strstr(why.text, "/nonexistent.yaml"));
    assert_int_equal(catalogue_file_check("/nonexistent.yaml", &faults), VG_BAD_FILE);
    assert_int_equal(faults.len, 1);
    file = fopen(scratch_file(&world->scratch, "large.yaml", path), "w");
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), CATALOGUE_BYTES_MAX + 1), 0);
    fclose(file);
    assert_int_equal(catalogue_file_read(path, &text, &why), VG_TOO_LARGE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_news_until_it_is_in_force),
        cmocka_unit_test(says_every_mistake_with_its_line),
        cmocka_unit_test(says_when_there_is_no_file_or_too_much_of_it),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
