// SPDX-License-Identifier: EUPL-1.2
// Goal: a share of the histogram is what a sorted array says, to one part in thirty-two.
// Method: the same values go into both, spread over all orders of magnitude.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "histogram.h"

enum { VALUES = 20000 };

static const double shares[] = {0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999};

static int
by_value(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

// From one to a thousand million, each order of magnitude as often as the others.
static uint64_t
draw(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);

    uint64_t bits = *seed >> 33;

    return (bits & 0x3FFFFFFF) >> (*seed >> 59) % 30;
}

static void
assert_same_as_sorted(const struct histogram *histogram, uint64_t *values, size_t len)
{
    qsort(values, len, sizeof *values, by_value);
    assert_int_equal(histogram->total, len);
    assert_int_equal(histogram->max, values[len - 1]);
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        uint64_t exact = values[(size_t)(shares[i] * (double)len)];
        uint64_t said = histogram_at(histogram, shares[i]);

        assert_in_range(said, exact - exact / 32, exact);
    }
}

static void
shares_are_those_of_a_sorted_array(void **state)
{
    static uint64_t values[VALUES];
    static struct histogram histogram;
    uint64_t seed = 1;

    (void)state;
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = draw(&seed);
        histogram_add(&histogram, values[i]);
    }
    assert_same_as_sorted(&histogram, values, VALUES);
}

static void
small_values_are_exact(void **state)
{
    static struct histogram histogram;

    (void)state;
    for (uint64_t us = 0; us < 64; us++) { // two by two from 64 on
        histogram_add(&histogram, us);
    }
    for (uint64_t us = 0; us < 64; us++) {
        assert_int_equal(histogram_at(&histogram, (double)us / 64), us);
    }
}

static void
merging_is_as_if_all_had_gone_into_one(void **state)
{
    static uint64_t values[VALUES];
    static struct histogram one;
    static struct histogram two;
    static struct histogram all;
    uint64_t seed = 7;

    (void)state;
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = draw(&seed);
        histogram_add(i % 3 == 0 ? &one : &two, values[i]);
        histogram_add(&all, values[i]);
    }
    histogram_merge(&one, &two);
    assert_memory_equal(&one, &all, sizeof all);
    assert_same_as_sorted(&one, values, VALUES);
}

static void
merging_keeps_the_longest_of_either(void **state)
{
    static struct histogram small;
    static struct histogram large;

    (void)state;
    histogram_add(&small, 3);
    histogram_add(&large, 3000);
    histogram_merge(&large, &small);
    assert_int_equal(large.max, 3000);
    histogram_merge(&small, &large);
    assert_int_equal(small.max, 3000);
    assert_int_equal(small.total, 3);
}

static void
the_whole_and_the_enormous_end_at_the_longest(void **state)
{
    static struct histogram histogram;

    (void)state;
    assert_int_equal(histogram_at(&histogram, 0.5), 0);
    histogram_add(&histogram, 10);
    histogram_add(&histogram, UINT64_MAX);
    assert_int_equal(histogram_at(&histogram, 1), UINT64_MAX);
    assert_int_equal(histogram_at(&histogram, 0), 10);
    assert_true(histogram_at(&histogram, 0.5) > UINT64_C(1) << 43); // the last bucket
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_those_of_a_sorted_array),
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(merging_is_as_if_all_had_gone_into_one),
        cmocka_unit_test(merging_keeps_the_longest_of_either),
        cmocka_unit_test(the_whole_and_the_enormous_end_at_the_longest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
