// SPDX-License-Identifier: EUPL-1.2
// Goal: what was withdrawn is remembered by ticket and mailbox until it goes with its record.
// Method: a real store in a fresh folder, looked at after the commit and after reopening.
#include "store/withdrawn.h"

#include "../fresh_store.h"

static const struct mailbox_id A = {7}, B = {9};

static void
put(struct txn *txn, uint64_t ticket, struct mailbox_id mailbox)
{
    struct withdrawn_row row = {.other = ticket * 10, .number = 3, .time_us = 5};

    assert_int_equal(withdrawn_put(txn, ticket, mailbox, &row), VG_OK);
}

static bool
add(uint64_t ticket, struct mailbox_id mailbox, const struct withdrawn_row *row,
    void *arg)
{
    uint64_t *sum = arg;

    assert_int_equal(row->other, ticket * 10);
    *sum = *sum * 100 + ticket * 10 + mailbox.number;
    return *sum < 1000000;
}

static uint64_t
rows(struct fresh_store *fresh)
{
    struct txn *txn = fresh_store_read(fresh);
    uint64_t sum = 0;

    assert_int_equal(withdrawn_each(txn, add, &sum), VG_OK);
    store_abort(&txn);
    return sum;
}

static void
a_row_is_there_after_the_commit_and_for_its_mailbox_alone(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_write(fresh);
    struct withdrawn_row row;

    put(txn, 2, B);
    put(txn, 2, A);
    put(txn, 1, A);
    fresh_store_commit(&txn);
    fresh_store_reopen(fresh);
    assert_int_equal(rows(fresh), 172729);
    txn = fresh_store_read(fresh);
    assert_int_equal(withdrawn_get(txn, 1, A, &row), VG_OK);
    assert_int_equal(row.other, 10);
    assert_int_equal(row.number, 3);
    assert_int_equal(row.time_us, 5);
    assert_int_equal(withdrawn_get(txn, 1, B, &row), VG_NOT_FOUND);
    assert_int_equal(withdrawn_get(txn, 3, A, &row), VG_NOT_FOUND);
    store_abort(&txn);
}

static void
trimming_takes_the_front(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_write(fresh);

    for (uint64_t ticket = 1; ticket <= 3; ticket++) {
        put(txn, ticket, A);
    }
    assert_int_equal(withdrawn_trim(txn, 2), VG_OK);
    fresh_store_commit(&txn);
    assert_int_equal(rows(fresh), 37);
    txn = fresh_store_write(fresh);
    assert_int_equal(withdrawn_trim(txn, 9), VG_OK);
    assert_int_equal(withdrawn_trim(txn, 9), VG_OK); // nothing is left
    fresh_store_commit(&txn);
    assert_int_equal(rows(fresh), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_store_test(a_row_is_there_after_the_commit_and_for_its_mailbox_alone),
        fresh_store_test(trimming_takes_the_front),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
