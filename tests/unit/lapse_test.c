// SPDX-License-Identifier: EUPL-1.2
// Goal: what is due on a day follows from days alone.
// Method: the days of the shipped catalogue; each end is asked on every day of two months,
// with walks that skip days at random: one warning and one last word, never another one.
#include "rules/lapse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct catalogue *catalogue;

static int
open_catalogue(void **state)
{
    static char text[CATALOGUE_BYTES_MAX];
    static struct faults faults;
    FILE *file = fopen(SOURCE_DIR "/deploy/catalogue.yaml", "r");
    size_t len;

    (void)state;
    assert_non_null(file);
    len = fread(text, 1, sizeof text, file);
    fclose(file);
    catalogue = catalogue_parse(text, len, &faults);
    assert_non_null(catalogue);
    return 0;
}

static int
close_catalogue(void **state)
{
    (void)state;
    catalogue_free(&catalogue);
    return 0;
}

static struct integration
until(uint16_t quality, struct day end)
{
    return (struct integration){7, SECTOR_CPAS, quality, end.number - 20, end.number};
}

static void
the_shipped_days_leave_time_and_no_more(void **state)
{
    static const struct {
        uint16_t quality;
        uint16_t days;
    } expected[] = {{1, 14},  {2, 30},  {7, 60}, {12, 30}, {20, 14},
                    {21, 60}, {30, 30}, {31, 7}, {40, 14}};
    const struct quality *quality;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        quality = catalogue_quality(catalogue, SECTOR_CPAS, expected[i].quality);
        assert_true(quality->warns);
        assert_int_equal(quality->warn_days, expected[i].days);
    }
    for (size_t i = 0; (quality = catalogue_quality_at(catalogue, i)) != NULL; i++) {
        assert_int_equal(quality->warns,
                         quality->sector == SECTOR_CPAS && quality->code != 11);
    }
}

static void
one_warning_and_one_last_word(void **state)
{
    struct day end = day_of(2026, 12, 31);
    uint32_t seed = 1;

    (void)state;
    for (int round = 0; round < 200; round++) {
        struct lapse_walk walk = {.through = {end.number - 100}};
        struct integration one = until(round % 2 == 0 ? 31 : 1, end);
        int32_t warned_on = 0;
        int ends = 0;
        int ended = 0;

        lapse_plan(catalogue, &walk);
        for (size_t i = 0; i < walk.days_len; i++) {
            walk.days[i].before = walk.days[i].days;
        }
        for (int32_t day = end.number - 60; day < end.number + 30; day++) {
            enum lapse lapse;

            seed = seed * 1103515245 + 12345;
            if ((seed >> 16) % 4 == 0) {
                continue; // nothing ran
            }
            walk.day.number = day;
            lapse = lapse_of(catalogue, &walk, &one, 1, 0);
            ends += lapse == LAPSE_ENDS;
            ended += lapse == LAPSE_ENDED;
            warned_on = lapse == LAPSE_ENDS ? day : warned_on;
            lapse_finish(&walk);
            lapse_plan(catalogue, &walk);
        }
        assert_int_equal(ends, 1);
        assert_int_equal(ended, 1);
        assert_in_range(end.number - warned_on, 1, round % 2 == 0 ? 7 : 14);
    }
}

static void
the_first_walk_tells_what_is_near(void **state)
{
    struct day today = day_of(2026, 11, 20);
    struct lapse_walk walk = {.day = today, .through = DAY_EVER};
    static const struct {
        int days;
        enum lapse lapse;
    } rows[] = {{-2, LAPSE_NOTHING},
                {-1, LAPSE_ENDED},
                {0, LAPSE_ENDS},
                {14, LAPSE_ENDS},
                {15, LAPSE_NOTHING}};

    (void)state;
    lapse_plan(catalogue, &walk);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct integration one = until(1, day_add_days(today, rows[i].days));

        assert_int_equal(lapse_of(catalogue, &walk, &one, 1, 0), rows[i].lapse);
    }
}

static void
other_sectors_and_no_end_are_never_told(void **state)
{
    struct day today = day_of(2026, 11, 20);
    struct lapse_walk walk = {.day = today, .through = DAY_EVER};
    struct integration other = until(1, today);
    struct integration ever = until(21, DAY_FOREVER);

    (void)state;
    other.sector = 10;
    ever.begin = 0;
    lapse_plan(catalogue, &walk);
    assert_int_equal(lapse_of(catalogue, &walk, &other, 1, 0), LAPSE_NOTHING);
    assert_int_equal(lapse_of(catalogue, &walk, &ever, 1, 0), LAPSE_NOTHING);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_days_leave_time_and_no_more),
        cmocka_unit_test(one_warning_and_one_last_word),
        cmocka_unit_test(the_first_walk_tells_what_is_near),
        cmocka_unit_test(other_sectors_and_no_end_are_never_told),
    };

    return cmocka_run_group_tests(tests, open_catalogue, close_catalogue);
}
