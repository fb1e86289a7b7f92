// SPDX-License-Identifier: EUPL-1.2
// Goal: the bytes of a file come in order, each once, however they are asked for.
// Method: a file of numbers, longer than what is read at once, in takes of every size; a
// file that ends in the middle of one, none, a folder.
#include "edge/intake.h"

#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { NUMBERS = 200000 };

static char folder[96];
static char path[128];

static int
setup(void **state)
{
    FILE *file;
    (void)state;

    scratch_folder(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/numbers", folder);
    file = fopen(path, "wb");
    assert_non_null(file);
    for (uint64_t i = 0; i < NUMBERS; i++) {
        assert_int_equal(fwrite(&i, sizeof i, 1, file), 1);
    }
    return fclose(file);
}

static int
teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

// Takes as many numbers, which must be the next ones.
static void
take_numbers(struct intake *intake, uint64_t *next, size_t count)
{
    const void *at = NULL;

    assert_int_equal(intake_take(intake, count * sizeof *next, &at, NULL), VG_OK);
    assert_int_equal((uintptr_t)at % sizeof *next, 0);
    for (size_t i = 0; i < count; i++) {
        uint64_t number;

        memcpy(&number, (const uint8_t *)at + i * sizeof number, sizeof number);
        assert_int_equal(number, *next);
        *next += 1;
    }
}

static void
every_byte_comes_once_and_in_order(void **state)
{
    AUTO(intake_close) struct intake *intake = NULL;
    const void *at = NULL;
    uint64_t next = 0;
    (void)state;

    assert_int_equal(intake_open(path, &intake, NULL), VG_OK);
    for (size_t count = 0; next + count <= NUMBERS; count = (count + 1) % 900) {
        take_numbers(intake, &next, count);
    }
    take_numbers(intake, &next, NUMBERS - next);
    assert_int_equal(intake_take(intake, 1, &at, NULL), VG_NOT_FOUND);
}

static void
the_largest_take_fits_wherever_it_begins(void **state)
{
    AUTO(intake_close) struct intake *intake = NULL;
    uint64_t next = 0;
    (void)state;

    assert_int_equal(intake_open(path, &intake, NULL), VG_OK);
    while (next + 1 + INTAKE_TAKE_MAX / sizeof next <= NUMBERS) {
        take_numbers(intake, &next, 1);
        take_numbers(intake, &next, INTAKE_TAKE_MAX / sizeof next);
    }
    assert_true(next > NUMBERS / 2);
}

static void
a_file_that_ends_within_a_take_gives_nothing_of_it(void **state)
{
    AUTO(intake_close) struct intake *intake = NULL;
    const void *at = NULL;
    uint64_t next = 0;
    (void)state;

    assert_int_equal(truncate(path, 5 * sizeof next + 3), 0);
    assert_int_equal(intake_open(path, &intake, NULL), VG_OK);
    take_numbers(intake, &next, 4);
    assert_int_equal(intake_take(intake, 2 * sizeof next, &at, NULL), VG_NOT_FOUND);
    assert_null(at);
    take_numbers(intake, &next, 1); // it is still there
}

static void
what_cannot_be_opened_or_read_is_told(void **state)
{
    AUTO(intake_close) struct intake *intake = NULL;
    const void *at = NULL;
    struct why why = {{0}};
    (void)state;

    assert_int_equal(intake_open("/nowhere/numbers", &intake, &why), VG_BAD_FILE);
    assert_non_null(strstr(why.text, "cannot open it: No such file"));
    assert_null(intake);
    assert_int_equal(intake_open(folder, &intake, NULL), VG_OK);
    assert_int_equal(intake_take(intake, 1, &at, &why), VG_BAD_FILE);
    assert_non_null(strstr(why.text, "reading failed: Is a directory"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_byte_comes_once_and_in_order, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_largest_take_fits_wherever_it_begins, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_file_that_ends_within_a_take_gives_nothing_of_it, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_opened_or_read_is_told, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
