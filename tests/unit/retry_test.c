// SPDX-License-Identifier: EUPL-1.2
// Goal: pauses grow as the document says, never beyond the longest, and end at the limit.
// Method: the written series, and the edges of the rule.
#include "rules/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
pauses_double_plus_one_up_to_three_hours(void **state)
{
    const struct retry_rule defaults = {0};
    static const uint64_t seconds[] = {1,   3,    7,    15,   31,   63,    127,   255,
                                       511, 1023, 2047, 4095, 8191, 10800, 10800, 10800};

    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(seconds); i++) {
        assert_int_equal(retry_pause_ms(&defaults, i + 1), seconds[i] * 1000);
    }
    assert_int_equal(retry_pause_ms(&defaults, UINT32_MAX), RETRY_LONGEST_MS);
}

static void
a_rule_of_its_own_counts(void **state)
{
    const struct retry_rule rule = {.first_ms = 20, .longest_ms = 100, .attempts = 3};

    (void)state;
    assert_int_equal(retry_pause_ms(&rule, 1), 20);
    assert_int_equal(retry_pause_ms(&rule, 2), 60);
    assert_int_equal(retry_pause_ms(&rule, 3), 100);
    assert_false(retry_is_over(&rule, 2));
    assert_true(retry_is_over(&rule, 3));
}

static void
sixteen_refusals_are_enough(void **state)
{
    const struct retry_rule defaults = {0};

    (void)state;
    assert_false(retry_is_over(&defaults, 15));
    assert_true(retry_is_over(&defaults, 16));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_double_plus_one_up_to_three_hours),
        cmocka_unit_test(a_rule_of_its_own_counts),
        cmocka_unit_test(sixteen_refusals_are_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
