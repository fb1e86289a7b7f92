// SPDX-License-Identifier: EUPL-1.2
// Goal: a whole directory is taken over from one stream, and a stream with mistakes is
// refused with all of them named.
// Method: streams written into a fresh folder, loaded, and the store opened again to look.
#include "edge/load_directory.h"

#include "image/image.h"
#include "scratch.h"
#include "store/check.h"
#include "store/person.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PART = 32768 }; // persons of a commit

struct scene {
    char folder[96];
    char path[128];
    FILE *stream;
    struct settings settings;
    char *text;
    size_t len;
    struct inspect_output output;
};

static int
setup(void **state)
{
    struct scene *scene = xcalloc(1, sizeof *scene);

    scratch_folder(scene->folder, sizeof scene->folder);
    snprintf(scene->path, sizeof scene->path, "%s/image", scene->folder);
    scene->stream = fopen(scene->path, "wb");
    assert_non_null(scene->stream);
    strcpy(scene->settings.store_path, scene->folder);
    strcpy(scene->settings.catalogue_file, SOURCE_DIR "/deploy/catalogue.yaml");
    scene->settings.map_bytes = UINT64_C(1) << 30;
    scene->settings.test_persons = true;
    scene->output.out = scene->output.wrong = open_memstream(&scene->text, &scene->len);
    *state = scene;
    return 0;
}

static int
teardown(void **state)
{
    struct scene *scene = *state;
    char command[128];

    fclose(scene->output.out);
    free(scene->text);
    snprintf(command, sizeof command, "rm -rf '%s'", scene->folder);
    assert_int_equal(system(command), 0);
    free(scene);
    return 0;
}

static void
put(struct scene *scene, const void *bytes, size_t len)
{
    assert_int_equal(fwrite(bytes, 1, len, scene->stream), len);
}

static void
put_institutions(struct scene *scene, const char *sector)
{
    struct image_head head = {IMAGE_MAGIC, 2, 0};
    struct image_institution institutions[2] = {{"ONSS", "ONSS", 1, 0},
                                                {"CPAS-A", "", 1, 0}};

    strcpy(institutions[1].sector, sector);
    put(scene, &head, sizeof head);
    put(scene, institutions, sizeof institutions);
}

// Of some 300,000, ascending.
static uint64_t
number_of(int index)
{
    int day = index / 900;

    return niss_make(1950, 61 + day / 28, 1 + day % 28, 1 + index % 900).number;
}

static void
put_person(struct scene *scene, uint64_t niss, uint32_t quality, uint32_t begin)
{
    struct image_person person = {niss, 2, 0};
    struct image_row rows[2] = {{1, quality, begin, 0}, {0, 1, 20200101, 20991231}};

    put(scene, &person, sizeof person);
    put(scene, rows, sizeof rows);
}

static void
put_end(struct scene *scene)
{
    struct image_person end = {0};

    put(scene, &end, sizeof end);
}

static int
load(struct scene *scene)
{
    int code;

    if (scene->stream != NULL) {
        fclose(scene->stream);
        scene->stream = NULL;
    }
    code = load_directory(&scene->settings, scene->path, &scene->output);
    fflush(scene->output.out);
    return code;
}

static uint64_t
persons_on_disk(struct scene *scene)
{
    struct store_options options = {.path = scene->folder, .map_bytes = 1 << 30};
    AUTO(store_close) struct store *store = NULL;
    struct check_report report;

    assert_int_equal(store_open(&options, &store, NULL), VG_OK);
    assert_int_equal(store_check(store, &report, NULL, NULL, NULL), VG_OK);
    assert_int_equal(report.faults.total, 0);
    assert_int_equal(report.integrations, 2 * report.persons);
    return report.persons;
}

static void
a_directory_is_loaded_and_another_part_may_follow(void **state)
{
    struct scene *scene = *state;

    put_institutions(scene, "CPAS");
    put_person(scene, number_of(1), 2, 20260101);
    put_person(scene, number_of(2), 2, 20260101);
    put_end(scene);
    assert_int_equal(load(scene), INSPECT_GOOD);
    assert_non_null(strstr(scene->text, "2 persons, 4 integrations loaded"));
    assert_int_equal(persons_on_disk(scene), 2);

    scene->stream = fopen(scene->path, "wb");
    put_institutions(scene, "CPAS"); // known by now
    put_person(scene, number_of(3), 2, 20260101);
    put_end(scene);
    assert_int_equal(load(scene), INSPECT_GOOD);
    assert_int_equal(persons_on_disk(scene), 3);
    assert_int_equal(load(scene), INSPECT_BAD); // the same once more
    assert_int_equal(persons_on_disk(scene), 3);
}

static void
rows_in_any_order_are_put_in_theirs_and_joined(void **state)
{
    struct scene *scene = *state;
    struct image_person head = {number_of(1), 4, 0};
    struct image_row rows[] = {{1, 2, 20260601, 20260630},
                               {1, 2, 20260501, 20260531},
                               {1, 1, 20260501, 20260601},
                               {0, 1, 20200101, 20991231}};
    struct store_options options = {.path = scene->folder, .map_bytes = 1 << 30};
    AUTO(store_close) struct store *store = NULL;
    struct txn *txn = NULL;
    struct person person;

    put_institutions(scene, "CPAS");
    put(scene, &head, sizeof head);
    put(scene, rows, sizeof rows);
    put_end(scene);
    assert_int_equal(load(scene), INSPECT_GOOD);
    assert_non_null(strstr(scene->text, "1 persons, 3 integrations loaded"));
    assert_int_equal(store_open(&options, &store, NULL), VG_OK);
    assert_int_equal(store_read(store, &txn, NULL), VG_OK);
    assert_int_equal(person_get(txn, (struct niss){number_of(1)}, &person), VG_OK);
    assert_int_equal(person.len, 3);
    assert_int_equal(person.integrations[0].institution, 1); // ONSS: the lower sector
    assert_int_equal(person.integrations[1].quality, 1);
    assert_int_equal(person.integrations[2].quality, 2);
    assert_int_equal(person.integrations[2].end - person.integrations[2].begin, 60);
    store_abort(&txn);
}

static void
put_persons(struct scene *scene, int from, int to)
{
    for (int i = from; i < to; i++) {
        put_person(scene, number_of(i), 2, 20260101);
    }
}

// More than two parts, so that each of the two in memory is used again.
static void
all_parts_of_a_large_one_are_there(void **state)
{
    struct scene *scene = *state;

    put_institutions(scene, "CPAS");
    put_persons(scene, 0, 2 * PART + 100);
    put_end(scene);
    assert_int_equal(load(scene), INSPECT_GOOD);
    assert_non_null(strstr(scene->text, "65636 persons, 131272 integrations loaded"));
    assert_int_equal(persons_on_disk(scene), 2 * PART + 100);
}

static void
parts_before_one_that_is_refused_stay(void **state)
{
    struct scene *scene = *state;

    put_institutions(scene, "CPAS");
    put_persons(scene, 0, PART);
    put_persons(scene, 7, 8); // before all those
    put_persons(scene, PART, 2 * PART);
    put_end(scene);
    assert_int_equal(load(scene), INSPECT_BAD);
    assert_non_null(strstr(scene->text, "32768 persons were loaded before"));
    assert_non_null(strstr(scene->text, "person 1 of this part"));
    assert_int_equal(persons_on_disk(scene), PART);
}

static void
the_last_part_may_be_the_one_that_is_refused(void **state)
{
    struct scene *scene = *state;

    put_institutions(scene, "CPAS");
    put_persons(scene, 0, PART);
    put_persons(scene, 7, 8);
    put_end(scene);
    assert_int_equal(load(scene), INSPECT_BAD);
    assert_non_null(strstr(scene->text, "person 1 of this part"));
    assert_int_equal(persons_on_disk(scene), PART);
}

static void
what_was_read_before_a_mistake_is_committed(void **state)
{
    struct scene *scene = *state;

    put_institutions(scene, "CPAS");
    put_persons(scene, 0, PART + 1);
    put_person(scene, number_of(PART + 1), 999, 20260101);
    assert_int_equal(load(scene), INSPECT_BAD); // and cut short
    assert_non_null(strstr(scene->text, "person 32770: quality"));
    assert_non_null(strstr(scene->text, "cut short after person 32770"));
    assert_non_null(strstr(scene->text, "32768 persons were loaded before"));
    assert_int_equal(persons_on_disk(scene), PART);
}

static void
every_mistake_is_named_with_the_place_of_its_person(void **state)
{
    struct scene *scene = *state;

    put_institutions(scene, "CPAS");
    put_person(scene, number_of(1), 999, 20260101);
    put_person(scene, number_of(2) + 1, 2, 20260101);
    put_person(scene, number_of(3), 2, 20261301);
    put_end(scene);
    assert_int_equal(load(scene), INSPECT_BAD);
    assert_non_null(strstr(scene->text, "person 1: quality"));
    assert_non_null(strstr(scene->text, "person 2: "));
    assert_non_null(strstr(scene->text, "person 3: begin"));
    assert_null(strstr(scene->text, "50610100")); // whole numbers are told to nobody
    assert_int_equal(persons_on_disk(scene), 0);
}

static void
a_stream_cut_short_anywhere_is_refused(void **state)
{
    struct scene *scene = *state;
    long len;

    put_institutions(scene, "CPAS");
    put_person(scene, number_of(1), 2, 20260101);
    put_end(scene);
    len = ftell(scene->stream);
    fclose(scene->stream);
    scene->stream = NULL;
    for (long cut = len - 1; cut >= 0; cut -= 7) {
        assert_int_equal(truncate(scene->path, cut), 0);
        assert_int_equal(load(scene), INSPECT_BAD);
    }
    assert_non_null(strstr(scene->text, "cut short after person 1"));
    assert_int_equal(persons_on_disk(scene), 0);
}

static void
what_is_no_directory_or_names_no_sector_is_refused(void **state)
{
    struct scene *scene = *state;

    put_institutions(scene, "CIRCUS");
    put_end(scene);
    assert_int_equal(load(scene), INSPECT_BAD);
    assert_non_null(strstr(scene->text, "no sector \"CIRCUS\""));
    scene->stream = fopen(scene->path, "wb");
    fprintf(scene->stream, "a letter to somebody, long enough");
    assert_int_equal(load(scene), INSPECT_BAD);
    assert_non_null(strstr(scene->text, "not a directory"));
}

static void
fictitious_persons_need_their_switch(void **state)
{
    struct scene *scene = *state;

    scene->settings.test_persons = false;
    put_institutions(scene, "CPAS");
    put_person(scene, number_of(1), 2, 20260101);
    put_end(scene);
    assert_int_equal(load(scene), INSPECT_BAD);
    assert_non_null(strstr(scene->text, "person 1: "));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_directory_is_loaded_and_another_part_may_follow,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(rows_in_any_order_are_put_in_theirs_and_joined,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(all_parts_of_a_large_one_are_there, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(parts_before_one_that_is_refused_stay, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_last_part_may_be_the_one_that_is_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_read_before_a_mistake_is_committed,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            every_mistake_is_named_with_the_place_of_its_person, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stream_cut_short_anywhere_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            what_is_no_directory_or_names_no_sector_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(fictitious_persons_need_their_switch, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
