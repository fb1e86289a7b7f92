// SPDX-License-Identifier: EUPL-1.2
// Goal: no block is trusted whose checksum was not seen to hold. Method: numbers near to and
// far from one another, also those that share a bit, are added, dropped and asked for.
#include "store/trusted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

static void
remembers_what_was_added_and_nothing_else(void **state)
{
    (void)state;
    struct trusted trusted = {0};

    assert_false(trusted_has(&trusted, 0));
    trusted_drop(&trusted, 5);
    trusted_add(&trusted, 1000);
    trusted_add(&trusted, 3); // an older one, later
    for (uint64_t number = 0; number < 5000; number++) {
        assert_int_equal(trusted_has(&trusted, number), number == 3 || number == 1000);
    }
    trusted_drop(&trusted, 3);
    assert_false(trusted_has(&trusted, 3));
    assert_true(trusted_has(&trusted, 1000));
    trusted_free(&trusted);
    assert_false(trusted_has(&trusted, 1000));
}

static void
a_bit_speaks_of_one_block_only(void **state)
{
    (void)state;
    struct trusted trusted = {0};
    uint64_t first = 77, last = first + TRUSTED_BLOCKS - 1;

    trusted_add(&trusted, first);
    trusted_add(&trusted, last);
    assert_true(trusted_has(&trusted, first));
    assert_false(
        trusted_has(&trusted, first + TRUSTED_BLOCKS)); // its bit, not its number
    trusted_add(&trusted, last + 2);
    assert_false(trusted_has(&trusted, first)); // too long ago
    assert_false(trusted_has(&trusted, first + TRUSTED_BLOCKS));
    assert_true(trusted_has(&trusted, last));
    trusted_add(&trusted, first); // is not remembered, and takes nobody's place
    assert_false(trusted_has(&trusted, first));
    assert_false(trusted_has(&trusted, first + TRUSTED_BLOCKS));
    trusted_free(&trusted);
}

// A transaction of a store that has run for years begins far up, and is used once.
static void
the_first_one_costs_no_way_to_it(void **state)
{
    (void)state;
    clock_t begin = clock();

    for (int i = 0; i < 2000; i++) { // each way would take some milliseconds
        struct trusted trusted = {0};

        trusted_add(&trusted, TRUSTED_BLOCKS - 1);
        assert_true(trusted_has(&trusted, TRUSTED_BLOCKS - 1));
        assert_false(trusted_has(&trusted, TRUSTED_BLOCKS - 2));
        trusted_free(&trusted);
    }
    assert_true(clock() - begin < 4 * CLOCKS_PER_SEC);
}

static void
a_leap_forgets_everything(void **state)
{
    (void)state;
    struct trusted trusted = {0};

    for (uint64_t number = 1; number < 300; number++) {
        trusted_add(&trusted, number);
    }
    trusted_add(&trusted, UINT64_MAX);
    assert_true(trusted_has(&trusted, UINT64_MAX));
    for (uint64_t number = 0; number < 300; number++) {
        assert_false(trusted_has(&trusted, number));
        assert_false(trusted_has(&trusted, UINT64_MAX - TRUSTED_BLOCKS + 1 + number));
    }
    trusted_free(&trusted);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remembers_what_was_added_and_nothing_else),
        cmocka_unit_test(a_bit_speaks_of_one_block_only),
        cmocka_unit_test(the_first_one_costs_no_way_to_it),
        cmocka_unit_test(a_leap_forgets_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
