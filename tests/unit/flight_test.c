// SPDX-License-Identifier: EUPL-1.2
// Goal: what is on its way is found by number, in order, whoever comes and goes where.
// Method: seeded random comings and goings against a table of which numbers are there.
#include "flow/flight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { NUMBERS = 300, STEPS = 20000 };

static struct in_flight
item_of(uint64_t number)
{
    return (struct in_flight){.number = number, .size = (uint32_t)number * 3};
}

static void
assert_agrees(const struct flight *flight, const bool *there)
{
    const struct in_flight *item = flight_first(flight);
    size_t len = 0;

    for (uint64_t number = 0; number < NUMBERS; number++) {
        if (!there[number]) {
            assert_null(flight_find(flight, number));
            continue;
        }
        len++;
        assert_non_null(item);
        assert_int_equal(item->number, number);
        assert_int_equal(item->size, number * 3);
        assert_ptr_equal(flight_find(flight, number), item);
        item = flight_next(flight, item);
    }
    assert_null(item);
    assert_int_equal(flight->len, len);
}

static void
nothing_is_found_where_nothing_is(void **state)
{
    struct flight flight = {0};

    (void)state;
    assert_null(flight_first(&flight));
    assert_null(flight_from(&flight, 0));
    assert_null(flight_find(&flight, 1));
    flight_free(&flight);
    flight_free(&flight);
}

static void
from_gives_the_first_with_at_least_the_number(void **state)
{
    struct flight flight = {0};
    struct in_flight items[] = {item_of(3), item_of(9), item_of(5)};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        flight_add(&flight, &items[i]);
    }
    assert_int_equal(flight_from(&flight, 3)->number, 3);
    assert_int_equal(flight_from(&flight, 4)->number, 5);
    assert_int_equal(flight_from(&flight, 6)->number, 9);
    assert_null(flight_from(&flight, 10));
    flight_free(&flight);
}

static void
agrees_with_a_table_after_any_comings_and_goings(void **state)
{
    struct flight flight = {0};
    bool there[NUMBERS] = {false};
    uint32_t seed = 7;

    (void)state;
    for (int step = 0; step < STEPS; step++) {
        seed = seed * 1664525u + 1013904223u;

        uint64_t number = (seed >> 8) % NUMBERS;
        struct in_flight item = item_of(number);

        if (seed >> 30 == 0 && flight.len > 0) {
            there[flight_from(&flight, 0)->number] = false;
            flight_pop(&flight);
        } else if (there[number]) {
            flight_remove(&flight, flight_find(&flight, number));
            there[number] = false;
        } else {
            flight_add(&flight, &item);
            there[number] = true;
        }
        if (step % 16 == 0) {
            assert_agrees(&flight, there);
        }
    }
    flight_free(&flight);
}

// As a mailbox that keeps up: the memory stays small.
static void
a_queue_that_moves_on_stays_small(void **state)
{
    struct flight flight = {0};

    (void)state;
    for (uint64_t number = 1; number <= 100000; number++) {
        struct in_flight item = item_of(number);

        flight_add(&flight, &item);
        if (number > 50) {
            assert_int_equal(flight_first(&flight)->number, number - 50);
            flight_pop(&flight);
        }
    }
    assert_true(flight.size < 500);
    flight_free(&flight);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_found_where_nothing_is),
        cmocka_unit_test(from_gives_the_first_with_at_least_the_number),
        cmocka_unit_test(agrees_with_a_table_after_any_comings_and_goings),
        cmocka_unit_test(a_queue_that_moves_on_stays_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
