// SPDX-License-Identifier: EUPL-1.2
// Goal: what was corrected is remembered until its record goes, and no longer.
// Method: a real store in a fresh folder, looked at after the commit and after reopening.
#include "store/correction.h"

#include "../fresh_store.h"

#include <endian.h>

static void
put(struct txn *txn, uint64_t ticket, uint64_t by)
{
    struct correction_row row = {.by = by, .act = CORRECTION_REPLACES};

    assert_int_equal(correction_put(txn, ticket, &row), VG_OK);
}

static bool
add_ticket(uint64_t ticket, const struct correction_row *row, void *arg)
{
    uint64_t *sum = arg;

    assert_true(row->by > ticket);
    *sum = *sum * 10 + ticket;
    return true;
}

static uint64_t
tickets(struct fresh_store *fresh)
{
    struct txn *txn = fresh_store_read(fresh);
    uint64_t sum = 0;

    assert_int_equal(corrections_each(txn, add_ticket, &sum), VG_OK);
    store_abort(&txn);
    return sum;
}

static void
a_row_is_there_after_the_commit(void **state)
{
    struct fresh_store *fresh = *state;
    struct correction_row row;
    struct txn *txn = fresh_store_write(fresh);

    put(txn, 3, 9);
    fresh_store_commit(&txn);
    fresh_store_reopen(fresh);
    txn = fresh_store_read(fresh);
    assert_int_equal(correction_get(txn, 3, &row), VG_OK);
    assert_int_equal(row.by, 9);
    assert_int_equal(row.act, CORRECTION_REPLACES);
    assert_int_equal(correction_get(txn, 9, &row), VG_NOT_FOUND);
    store_abort(&txn);
}

static void
trimming_takes_the_front_and_nothing_else(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_write(fresh);

    for (uint64_t ticket = 1; ticket <= 5; ticket++) {
        put(txn, ticket, ticket + 1);
    }
    fresh_store_commit(&txn);
    assert_int_equal(tickets(fresh), 12345);
    txn = fresh_store_write(fresh);
    assert_int_equal(corrections_trim(txn, 3), VG_OK);
    fresh_store_commit(&txn);
    assert_int_equal(tickets(fresh), 45);
    txn = fresh_store_write(fresh);
    assert_int_equal(corrections_trim(txn, 0), VG_OK);
    assert_int_equal(corrections_trim(txn, 9), VG_OK);
    assert_int_equal(corrections_trim(txn, 9), VG_OK); // none is left
    fresh_store_commit(&txn);
    assert_int_equal(tickets(fresh), 0);
}

static void
a_row_of_another_length_is_seen(void **state)
{
    struct fresh_store *fresh = *state;
    uint64_t key = htobe64(4), sum = 0;
    struct txn *txn;

    store_close(&fresh->store);
    fresh_store_put_raw(fresh, "corrections", &key, sizeof key, "short", 5);
    fresh_store_open(fresh);
    txn = fresh_store_write(fresh);
    assert_int_equal(corrections_each(txn, add_ticket, &sum), VG_STORE_BROKEN);
    assert_int_equal(corrections_trim(txn, 9), VG_STORE_BROKEN);
    store_abort(&txn);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_store_test(a_row_is_there_after_the_commit),
        fresh_store_test(trimming_takes_the_front_and_nothing_else),
        fresh_store_test(a_row_of_another_length_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
