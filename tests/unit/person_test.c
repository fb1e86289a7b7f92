// SPDX-License-Identifier: EUPL-1.2
// Goal: a person's integrations are found by number, in order, and a replaced number leads
// to the one that stayed.
// Method: a real store in a fresh folder, opened again, against a plain array filled from
// a fixed seed; rows damaged behind the store's back. Fictitious persons only.
#include "store/person.h"

#include "../failing_lmdb.h"
#include "../fresh_store.h"

enum { PERSONS = 500 };

static struct niss
person_number(int i)
{
    return niss_make(1940 + i % 80, 60 + 1 + i % 12, 1 + i % 28, 1 + i);
}

static struct integration
some_integration(int i)
{
    return (struct integration){.institution = (uint32_t)i + 1,
                                .sector = SECTOR_CPAS,
                                .quality = (uint16_t)(i % 9 + 1),
                                .begin = 20000 + i,
                                .end = INT32_MAX};
}

static void
put_some(struct txn *txn, struct niss niss, int first, size_t len)
{
    struct integration integrations[64];

    assert_in_range(len, 0, ARRAY_LEN(integrations));
    for (size_t i = 0; i < len; i++) {
        integrations[i] = some_integration(first + (int)i);
    }
    assert_int_equal(person_put(txn, niss, integrations, len), VG_OK);
}

static void
assert_some(struct txn *txn, struct niss niss, int first, size_t len)
{
    struct person person;

    assert_int_equal(person_get(txn, niss, &person), VG_OK);
    assert_int_equal(person.len, len);
    assert_int_equal(person.replaced_by.number, 0);
    for (size_t i = 0; i < len; i++) {
        struct integration expected = some_integration(first + (int)i);

        assert_memory_equal(&person.integrations[i], &expected, sizeof expected);
    }
}

static void
a_number_nobody_follows_is_an_empty_person(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_read(fresh);

    assert_some(txn, person_number(1), 0, 0);
    store_abort(&txn);
}

static void
persons_changed_at_random_are_as_a_plain_array_says(void **state)
{
    struct fresh_store *fresh = *state;
    size_t lens[PERSONS] = {0};
    int firsts[PERSONS] = {0};
    uint32_t seed = 17;
    struct txn *txn = NULL;

    for (int i = 0; i < 5000; i++) {
        seed = seed * 1664525u + 1013904223u;

        int who = (int)((seed >> 8) % PERSONS);

        if (txn == NULL) {
            txn = fresh_store_write(fresh);
        }
        firsts[who] = i;
        lens[who] = (seed >> 20) % 4 == 0 ? 0 : (seed >> 24) % 40;
        put_some(txn, person_number(who), i, lens[who]);
        if (i % 100 == 99) {
            fresh_store_commit(&txn);
        }
    }
    fresh_store_reopen(fresh);
    txn = fresh_store_read(fresh);
    for (int i = 0; i < PERSONS; i++) {
        assert_some(txn, person_number(i), firsts[i], lens[i]);
    }
    store_abort(&txn);
}

static void
many_integrations_fit_in_one_person(void **state)
{
    struct fresh_store *fresh = *state;
    static struct integration many[4000];
    struct person person;
    struct txn *txn = fresh_store_write(fresh);

    for (int i = 0; i < 4000; i++) {
        many[i] = some_integration(i);
    }
    assert_int_equal(person_put(txn, person_number(1), many, 4000), VG_OK);
    assert_int_equal(person_get(txn, person_number(1), &person), VG_OK); // its own write
    assert_int_equal(person.len, 4000);
    fresh_store_commit(&txn);
    fresh_store_reopen(fresh);
    txn = fresh_store_read(fresh);
    assert_int_equal(person_get(txn, person_number(1), &person), VG_OK);
    assert_int_equal(person.len, 4000);
    assert_memory_equal(person.integrations, many, sizeof many);
    store_abort(&txn);
}

static void
a_replaced_number_leads_to_the_other_and_follows_nobody(void **state)
{
    struct fresh_store *fresh = *state;
    struct niss old = person_number(1), new = person_number(2);
    struct person person;
    struct txn *txn = fresh_store_write(fresh);

    put_some(txn, old, 5, 3);
    put_some(txn, new, 9, 2);
    assert_int_equal(person_replace(txn, old, new), VG_OK);
    fresh_store_commit(&txn);
    fresh_store_reopen(fresh);
    txn = fresh_store_read(fresh);
    assert_int_equal(person_get(txn, old, &person), VG_OK);
    assert_int_equal(person.replaced_by.number, new.number);
    assert_int_equal(person.len, 0);
    assert_null(person.integrations);
    assert_some(txn, new, 9, 2);
    store_abort(&txn);
}

static void
a_number_knows_those_it_replaced_in_order(void **state)
{
    struct fresh_store *fresh = *state;
    struct niss former[FORMER_MAX];
    struct txn *txn = fresh_store_write(fresh);
    size_t len = 99;

    assert_int_equal(person_former(txn, person_number(0), former, &len), VG_OK);
    assert_int_equal(len, 0);
    for (int i = FORMER_MAX; i > 0; i--) {
        assert_int_equal(person_replace(txn, person_number(i), person_number(0)), VG_OK);
    }
    fresh_store_commit(&txn);
    fresh_store_reopen(fresh);
    txn = fresh_store_read(fresh);
    assert_int_equal(person_former(txn, person_number(0), former, &len), VG_OK);
    assert_int_equal(len, FORMER_MAX);
    for (int i = 0; i < FORMER_MAX; i++) {
        assert_int_equal(former[i].number, person_number(FORMER_MAX - i).number);
    }
    assert_int_equal(person_former(txn, person_number(1), former, &len), VG_OK);
    assert_int_equal(len, 0);
    store_abort(&txn);
}

static void
former_numbers_of_a_strange_length_are_broken(void **state)
{
    static const size_t lens[] = {1, 7, 12, 8 * FORMER_MAX + 8};
    struct fresh_store *fresh = *state;
    struct niss former[FORMER_MAX];
    uint8_t bytes[8 * FORMER_MAX + 8] = {0};
    uint8_t key[8];
    size_t len = 0;

    for (size_t i = 0; i < sizeof key; i++) {
        key[i] = (uint8_t)(person_number(0).number >> (56 - 8 * i));
    }
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        fresh_store_put_raw(fresh, "replaced", key, sizeof key, bytes, lens[i]);
        fresh_store_open(fresh);

        struct txn *txn = fresh_store_read(fresh);

        assert_int_equal(person_former(txn, person_number(0), former, &len),
                         VG_STORE_BROKEN);
        store_abort(&txn);
    }
}

struct seen {
    uint64_t last;
    size_t len;
    size_t integrations;
    size_t replaced;
    size_t stop_after;
};

static bool
see(struct niss niss, const struct person *person, void *arg)
{
    struct seen *seen = arg;

    assert_true(niss.number > seen->last);
    seen->last = niss.number;
    seen->len++;
    seen->integrations += person->len;
    seen->replaced += person->replaced_by.number != 0;
    return seen->len != seen->stop_after;
}

static void
all_are_seen_once_in_order_of_number(void **state)
{
    struct fresh_store *fresh = *state;
    struct seen seen = {.len = 0};
    struct seen some = {.stop_after = 7};
    struct txn *txn = fresh_store_write(fresh);

    assert_int_equal(person_each(txn, (struct niss){0}, see, &seen), VG_OK);
    assert_int_equal(seen.len, 0);
    for (int i = 0; i < PERSONS; i++) {
        put_some(txn, person_number(i * 7 % PERSONS), i, 2);
    }
    assert_int_equal(person_replace(txn, person_number(3), person_number(4)), VG_OK);
    put_some(txn, person_number(5), 0, 0); // the row goes
    fresh_store_commit(&txn);
    txn = fresh_store_read(fresh);
    assert_int_equal(person_each(txn, (struct niss){0}, see, &seen), VG_OK);
    assert_int_equal(seen.len, PERSONS - 1);
    assert_int_equal(seen.integrations, (PERSONS - 2) * 2);
    assert_int_equal(seen.replaced, 1);
    assert_int_equal(person_each(txn, (struct niss){0}, see, &some), VG_OK);
    assert_int_equal(some.len, 7);
    store_abort(&txn);
}

static void
rows_are_aligned_whatever_lies_beside_them(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_write(fresh);

    for (int i = 0; i < PERSONS; i++) {
        if (i % 3 == 0) {
            assert_int_equal(person_replace(txn, person_number(i), person_number(i + 1)),
                             VG_OK);
        } else {
            put_some(txn, person_number(i), i, (size_t)i % 50 + 1);
        }
    }
    for (int i = 0; i < PERSONS; i++) {
        struct person person;

        assert_int_equal(person_get(txn, person_number(i), &person), VG_OK);
        assert_int_equal((uintptr_t)person.integrations % 8, 0);
    }
    store_abort(&txn);
}

static void
a_row_of_a_strange_length_is_broken(void **state)
{
    static const size_t lens[] = {1, 7, 12, 17, 24, 40};
    struct fresh_store *fresh = *state;
    struct niss niss = person_number(1);
    uint8_t bytes[64] = {0};
    struct seen seen = {.len = 0};

    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct person person;

        fresh_store_put_raw(fresh, "persons", &niss.number, 8, bytes, lens[i]);
        fresh_store_open(fresh);

        struct txn *txn = fresh_store_read(fresh);

        assert_int_equal(person_get(txn, niss, &person), VG_STORE_BROKEN);
        assert_int_equal(person_each(txn, (struct niss){0}, see, &seen), VG_STORE_BROKEN);
        store_abort(&txn);
    }
    assert_int_equal(seen.len, 0);
}

static void
what_lmdb_answers_is_passed_on(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_write(fresh);
    struct person person;
    struct integration integration = some_integration(1);
    struct seen seen = {.len = 0};

    put_some(txn, person_number(1), 1, 1);
    put_some(txn, person_number(2), 2, 1);
    fresh_store_commit(&txn);
    txn = fresh_store_write(fresh);
    lmdb_fail("put", 1, MDB_MAP_FULL);
    assert_int_equal(person_put(txn, person_number(1), &integration, 1), VG_STORE_FULL);
    store_abort(&txn);
    txn = fresh_store_write(fresh);
    lmdb_fail("del", 1, MDB_MAP_FULL);
    assert_int_equal(person_put(txn, person_number(1), NULL, 0), VG_STORE_FULL);
    store_abort(&txn);
    txn = fresh_store_write(fresh);
    lmdb_fail("put", 1, MDB_CORRUPTED);
    assert_int_equal(person_replace(txn, person_number(1), person_number(3)),
                     VG_STORE_BROKEN);
    store_abort(&txn);
    txn = fresh_store_read(fresh);
    lmdb_fail("get", 1, MDB_CORRUPTED);
    assert_int_equal(person_get(txn, person_number(1), &person), VG_STORE_BROKEN);
    lmdb_fail("cursor_open", 1, ENOMEM);
    assert_int_equal(person_each(txn, (struct niss){0}, see, &seen), VG_NO_MEMORY);
    lmdb_fail("cursor_get", 2, MDB_CORRUPTED);
    assert_int_equal(person_each(txn, (struct niss){0}, see, &seen), VG_STORE_BROKEN);
    assert_true(lmdb_heal());
    assert_int_equal(seen.len, 1);
    assert_some(txn, person_number(1), 1, 1);
    store_abort(&txn);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_store_test(a_number_nobody_follows_is_an_empty_person),
        fresh_store_test(persons_changed_at_random_are_as_a_plain_array_says),
        fresh_store_test(many_integrations_fit_in_one_person),
        fresh_store_test(a_replaced_number_leads_to_the_other_and_follows_nobody),
        fresh_store_test(a_number_knows_those_it_replaced_in_order),
        fresh_store_test(former_numbers_of_a_strange_length_are_broken),
        fresh_store_test(all_are_seen_once_in_order_of_number),
        fresh_store_test(rows_are_aligned_whatever_lies_beside_them),
        fresh_store_test(a_row_of_a_strange_length_is_broken),
        fresh_store_test(what_lmdb_answers_is_passed_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
