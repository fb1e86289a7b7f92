// SPDX-License-Identifier: EUPL-1.2
// Goal: what vigied says of files and stores is right in words and as JSON, and its exit code
// with it.
// Method: good and bad files and a real store in a fresh folder; the output read back.
#include "edge/inspect.h"

#include "scratch.h"
#include "store/store.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct told {
    char folder[96];
    char *text;
    size_t len;
    struct inspect_output output;
};

static int
setup(void **state)
{
    struct told *told = calloc(1, sizeof *told);

    scratch_folder(told->folder, sizeof told->folder);
    told->output.out = open_memstream(&told->text, &told->len);
    told->output.wrong = told->output.out;
    *state = told;
    return 0;
}

static int
teardown(void **state)
{
    struct told *told = *state;
    char command[128];

    fclose(told->output.out);
    free(told->text);
    snprintf(command, sizeof command, "rm -rf '%s'", told->folder);
    assert_int_equal(system(command), 0);
    free(told);
    return 0;
}

static const char *
write_file(struct told *told, const char *name, const char *text)
{
    static char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", told->folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static json_t *
said(struct told *told)
{
    json_t *object;

    fflush(told->output.out);
    object = json_loadb(told->text, told->len, 0, NULL);
    assert_non_null(object);
    return object;
}

static void
names_each_mistake_of_settings_with_its_line(void **state)
{
    struct told *told = *state;
    const char *path = write_file(told, "s.yaml", "store_path: store\nnonsense: 1\n");
    json_t *object;
    json_t *fault;

    told->output.json = true;
    assert_int_equal(inspect_settings(path, &told->output), INSPECT_BAD);
    object = said(told);
    assert_true(json_is_false(json_object_get(object, "good")));
    fault = json_array_get(json_object_get(object, "faults"), 0);
    assert_int_equal(json_integer_value(json_object_get(fault, "line")), 2);
    assert_string_equal(json_string_value(json_object_get(fault, "name")),
                        "BAD_SETTINGS");
    assert_non_null(
        strstr(json_string_value(json_object_get(fault, "sentence")), "nonsense"));
    json_decref(object);
}

static void
finds_the_shipped_files_good(void **state)
{
    struct told *told = *state;

    assert_int_equal(inspect_settings(SOURCE_DIR "/deploy/vigied.yaml", &told->output),
                     INSPECT_GOOD);
    assert_int_equal(
        inspect_catalogue(SOURCE_DIR "/deploy/catalogue.yaml", &told->output),
        INSPECT_GOOD);
    fflush(told->output.out);
    assert_non_null(strstr(told->text, "catalogue.yaml: good"));
}

static void
says_that_a_file_is_not_there(void **state)
{
    struct told *told = *state;
    json_t *object;

    told->output.json = true;
    assert_int_equal(inspect_catalogue("/nowhere/catalogue.yaml", &told->output),
                     INSPECT_BAD);
    object = said(told);
    assert_int_equal(json_array_size(json_object_get(object, "faults")), 1);
    json_decref(object);
}

static void
counts_what_a_store_holds(void **state)
{
    struct told *told = *state;
    struct settings settings;
    struct store_options options = {.path = settings.store_path, .create = true};
    struct store *store = NULL;
    json_t *object;

    settings_defaults(&settings);
    settings.map_bytes = 64 << 20;
    options.map_bytes = settings.map_bytes;
    snprintf(settings.store_path, sizeof settings.store_path, "%s", told->folder);
    told->output.json = true;
    assert_int_equal(inspect_store(&settings, &told->output), INSPECT_BAD); // none yet
    rewind(told->output.out);
    assert_int_equal(store_open(&options, &store, NULL), VG_OK);
    store_close(&store);
    assert_int_equal(inspect_store(&settings, &told->output), INSPECT_GOOD);
    object = said(told);
    assert_true(json_is_true(json_object_get(object, "good")));
    assert_int_equal(json_integer_value(json_object_get(object, "commits")), 0);
    json_decref(object);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_each_mistake_of_settings_with_its_line,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(finds_the_shipped_files_good, setup, teardown),
        cmocka_unit_test_setup_teardown(says_that_a_file_is_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(counts_what_a_store_holds, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
