// SPDX-License-Identifier: EUPL-1.2
// Goal: persons looked up together are those that person_get gives one by one, whatever the
// tree looks like and whatever the transaction has changed; and a walker that differs from
// the library is never asked again.
// Method: directories of several depths in a real store, with rows of every length; every
// person, its neighbours and strangers are walked and compared, few and many at once. For the distrust, the
// library is made to answer something else.
#include "store/person_walk.h"

#include "../fresh_store.h"
#include "store/lmdb_calls.h"

enum { LONG_ROW = 300, STEP = 97 };

// Fictitious: month 61 of 1940, and the serial numbers as they come.
static struct niss
number_of(size_t i)
{
    return (struct niss){UINT64_C(40610100000) + i * STEP};
}

static size_t
row_len(size_t i, size_t rows_max)
{
    return i % 1000 == 7 ? LONG_ROW : 1 + i * 31 % rows_max;
}

static void
fill(struct fresh_store *fresh, size_t persons, size_t rows_max)
{
    static struct integration integrations[LONG_ROW];
    struct txn *txn = fresh_store_write(fresh);

    for (size_t i = 0; i < persons; i++) {
        size_t len = row_len(i, rows_max);

        for (size_t row = 0; row < len; row++) {
            integrations[row] = (struct integration){.institution = (uint32_t)(i + 1),
                                                     .quality = (uint16_t)(row + 1),
                                                     .begin = 20000,
                                                     .end = 21000};
        }
        assert_int_equal(person_put(txn, number_of(i), integrations, len), VG_OK);
        if (i % 500 == 3) {
            assert_int_equal(person_replace(txn, number_of(i), number_of(i + 1)), VG_OK);
        }
    }
    fresh_store_commit(&txn);
}

static void
assert_as_the_library(struct txn *txn, const struct walked *walked, uint64_t number)
{
    struct person expected, person;

    assert_int_equal(person_get(txn, (struct niss){number}, &expected), VG_OK);
    assert_int_equal(person_walked(txn, walked, (struct niss){number}, &person), VG_OK);
    assert_int_equal(person.len, expected.len);
    assert_int_equal(person.replaced_by.number, expected.replaced_by.number);
    if (person.len > 0) {
        assert_memory_equal(person.integrations, expected.integrations,
                            person.len * sizeof *person.integrations);
    }
}

// Walks everybody, so many at a time, each between two strangers; gives how many were found
// without the library.
static size_t
walk_all(struct txn *txn, size_t persons, size_t at_a_time)
{
    static struct walked walked[WALK_MAX];
    static uint64_t numbers[WALK_MAX];
    size_t known = 0;

    for (size_t i = 0; i < persons;) {
        size_t len = 0;

        while (len + 3 <= at_a_time && i < persons) {
            // In an order that is nobody's.
            uint64_t number = number_of(i * 7919 % persons).number;

            numbers[len++] = number - 1;
            numbers[len++] = number;
            numbers[len++] = i % 2 == 0 ? number + 1 : number * 2;
            i++;
        }
        person_walk(txn, numbers, len, walked);
        for (size_t j = 0; j < len; j++) {
            assert_as_the_library(txn, &walked[j], numbers[j]);
            known += walked[j].known;
        }
    }
    return known;
}

static void
a_directory_of_any_depth_is_walked_as_the_library_reads_it(void **state)
{
    static const size_t sizes[] = {1, 2, 19, 400, 60000};
    struct fresh_store *fresh = *state;

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct txn *txn;
        size_t known;

        fill(fresh, sizes[i], 40);
        txn = fresh_store_read(fresh);
        known = walk_all(txn, sizes[i], i % 2 == 0 ? WALK_MAX : 700);
        // All but the long rows, which the library reads.
        assert_in_range(known, sizes[i] * 3 - sizes[i] / 1000 - 1, sizes[i] * 3);
        store_abort(&txn);
    }
}

static void
an_empty_directory_follows_nobody(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_read(fresh);

    walk_all(txn, 10, 10);
    store_abort(&txn);
}

static void
what_the_transaction_changes_is_seen_though_it_was_walked_before(void **state)
{
    static struct walked walked[300];
    struct fresh_store *fresh = *state;
    struct integration integration = {.institution = 9, .quality = 2, .end = 30000};
    uint64_t numbers[300];
    struct txn *txn;

    fill(fresh, 1000, 5);
    txn = fresh_store_write(fresh);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        numbers[i] = number_of(i).number;
    }
    person_walk(txn, numbers, ARRAY_LEN(numbers), walked);
    assert_int_equal(person_put(txn, number_of(10), &integration, 1), VG_OK);
    assert_int_equal(person_put(txn, number_of(11), NULL, 0), VG_OK);
    assert_int_equal(person_replace(txn, number_of(12), number_of(13)), VG_OK);
    assert_true(walked[10].known && walked[11].known && walked[12].known);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        assert_as_the_library(txn, &walked[i], numbers[i]);
    }
    // And walked again, within the same transaction and in the next one.
    person_walk(txn, numbers, ARRAY_LEN(numbers), walked);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        assert_as_the_library(txn, &walked[i], numbers[i]);
    }
    fresh_store_commit(&txn);
    txn = fresh_store_write(fresh);
    assert_true(walk_all(txn, 1000, 700) > 2900);
    store_abort(&txn);
}

static void
what_was_found_for_another_number_is_not_believed(void **state)
{
    struct fresh_store *fresh = *state;
    uint64_t number = number_of(20).number;
    struct walked walked;
    struct person person;
    struct txn *txn;

    fill(fresh, 100, 5);
    txn = fresh_store_read(fresh);
    person_walk(txn, &number, 1, &walked);
    assert_true(walked.known);
    assert_int_equal(person_walked(txn, &walked, number_of(21), &person), VG_OK);
    assert_int_equal(person.integrations[0].institution, 22);
    assert_int_equal(person_walked(txn, NULL, number_of(21), &person), VG_OK);
    assert_int_equal(person.integrations[0].institution, 22);
    store_abort(&txn);
}

// ---- the library says something else ----

static bool lying;

static int
lying_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value)
{
    int rc = lmdb_own_calls.get(txn, dbi, key, value);

    if (lying && rc == 0 && key->mv_size == sizeof(uint64_t)) {
        value->mv_size -= sizeof(struct integration);
    }
    return rc;
}

static void
a_walker_that_differs_from_the_library_is_not_asked_again(void **state)
{
    static struct walked walked[50];
    struct fresh_store *fresh = *state;
    struct lmdb_calls calls = lmdb_own_calls;
    uint64_t numbers[50];
    struct txn *txn;

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        numbers[i] = number_of(500 + i).number;
    }
    fill(fresh, 1000, 5);
    txn = fresh_store_read(fresh);
    person_walk(txn, numbers, ARRAY_LEN(numbers), walked);
    assert_true(walked[5].known);
    calls.get = lying_get;
    lying = true;
    store_use_calls(&calls);
    for (int round = 0; round < 20;
         round++) { // one of them is the sample, which may be short
        numbers[0] = number_of(500 + (size_t)round).number;
        person_walk(txn, numbers, ARRAY_LEN(numbers), walked);
    }
    lying = false;
    store_use_calls(NULL);
    person_walk(txn, numbers, ARRAY_LEN(numbers), walked);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        assert_false(walked[i].known);
        assert_as_the_library(txn, &walked[i], numbers[i]);
    }
    store_abort(&txn);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_store_test(a_directory_of_any_depth_is_walked_as_the_library_reads_it),
        fresh_store_test(an_empty_directory_follows_nobody),
        fresh_store_test(
            what_the_transaction_changes_is_seen_though_it_was_walked_before),
        fresh_store_test(what_was_found_for_another_number_is_not_believed),
        fresh_store_test(a_walker_that_differs_from_the_library_is_not_asked_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
