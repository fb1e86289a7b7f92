// SPDX-License-Identifier: EUPL-1.2
// Goal: a mailbox is told of once at 80 % and once at 100 %, and calm again below 70 % only.
// Method: numbers on both sides of each bound, after each level.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "values/limits.h"

#include <cmocka.h>

static void
is_told_of_on_the_way_up_and_calm_below_seventy(void **state)
{
    (void)state;
    assert_int_equal(level_of(799, 1000, LIMITS_CALM), LIMITS_CALM);
    assert_int_equal(level_of(800, 1000, LIMITS_CALM), LIMITS_WARNED);
    assert_int_equal(level_of(999, 1000, LIMITS_WARNED), LIMITS_WARNED);
    assert_int_equal(level_of(1000, 1000, LIMITS_WARNED), LIMITS_FULL);
    assert_int_equal(level_of(1000, 1000, LIMITS_CALM), LIMITS_FULL);
    assert_int_equal(level_of(700, 1000, LIMITS_FULL), LIMITS_FULL);
    assert_int_equal(level_of(700, 1000, LIMITS_WARNED), LIMITS_WARNED);
    assert_int_equal(level_of(699, 1000, LIMITS_FULL), LIMITS_CALM);
    assert_int_equal(level_of(699, 1000, LIMITS_WARNED), LIMITS_CALM);
}

static void
holds_for_the_smallest_and_the_largest_limit_and_without_one(void **state)
{
    (void)state;
    assert_int_equal(level_of(0, 1, LIMITS_CALM), LIMITS_CALM);
    assert_int_equal(level_of(1, 1, LIMITS_CALM), LIMITS_FULL);
    assert_int_equal(level_of(UINT64_MAX / 10 * 8 + 8, UINT64_MAX, LIMITS_CALM),
                     LIMITS_WARNED);
    assert_int_equal(level_of(UINT64_MAX / 10 * 7 - 8, UINT64_MAX, LIMITS_FULL),
                     LIMITS_CALM);
    assert_int_equal(level_of(UINT64_MAX, 0, LIMITS_FULL), LIMITS_CALM);
}

static void
the_fullest_counts(void **state)
{
    struct limits limits = {.messages = 10, .bytes = 1000};

    (void)state;
    assert_int_equal(limits_level(&limits, &(struct fill){8, 0, 0}, LIMITS_CALM),
                     LIMITS_WARNED);
    assert_int_equal(limits_level(&limits, &(struct fill){0, 1000, 0}, LIMITS_CALM),
                     LIMITS_FULL);
    assert_int_equal(limits_level(&limits, &(struct fill){6, 700, 0}, LIMITS_FULL),
                     LIMITS_FULL);
    assert_int_equal(limits_level(&limits, &(struct fill){6, 600, 0}, LIMITS_FULL),
                     LIMITS_CALM);
}

static void
age_counts_like_messages_and_bytes(void **state)
{
    const uint64_t day_s = 24 * 60 * 60;
    struct limits limits = {.messages = 10, .age_days = 90};

    (void)state;
    assert_int_equal(
        limits_level(&limits, &(struct fill){1, 1, 72 * day_s - 1}, LIMITS_CALM),
        LIMITS_CALM);
    assert_int_equal(limits_level(&limits, &(struct fill){1, 1, 72 * day_s}, LIMITS_CALM),
                     LIMITS_WARNED);
    assert_int_equal(
        limits_level(&limits, &(struct fill){1, 1, 90 * day_s}, LIMITS_WARNED),
        LIMITS_FULL);
    assert_int_equal(limits_level(&limits, &(struct fill){1, 1, 63 * day_s}, LIMITS_FULL),
                     LIMITS_FULL);
    assert_int_equal(limits_level(&limits, &(struct fill){0, 0, 0}, LIMITS_FULL),
                     LIMITS_CALM);
}

static void
own_limits_go_before_the_defaults_one_by_one(void **state)
{
    struct limits defaults = {1, 2, 3, 4};
    struct limits own = {.bytes = 20, .attempts = 40};
    struct limits limits = limits_or(&own, &defaults);

    (void)state;
    assert_int_equal(limits.messages, 1);
    assert_int_equal(limits.bytes, 20);
    assert_int_equal(limits.age_days, 3);
    assert_int_equal(limits.attempts, 40);
    assert_string_equal(limits_level_name(LIMITS_FULL), "full");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_told_of_on_the_way_up_and_calm_below_seventy),
        cmocka_unit_test(holds_for_the_smallest_and_the_largest_limit_and_without_one),
        cmocka_unit_test(the_fullest_counts),
        cmocka_unit_test(age_counts_like_messages_and_bytes),
        cmocka_unit_test(own_limits_go_before_the_defaults_one_by_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
