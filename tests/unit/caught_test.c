// SPDX-License-Identifier: EUPL-1.2
// Goal: who got what after its time is remembered until it goes with its record, and no longer.
// Method: a real store in a fresh folder, looked at after the commit and after reopening.
#include "store/caught.h"

#include "../fresh_store.h"

static const struct mailbox_id A = {7}, B = {9};

static void
put(struct txn *txn, uint64_t ticket, struct mailbox_id mailbox)
{
    struct caught_row row = {.ticket = ticket * 10, .request = ticket + 1};

    assert_int_equal(caught_put(txn, ticket, mailbox, &row), VG_OK);
}

static bool
add(uint64_t ticket, struct mailbox_id mailbox, const struct caught_row *row, void *arg)
{
    uint64_t *sum = arg;

    assert_int_equal(row->ticket, ticket * 10);
    *sum = *sum * 100 + ticket * 10 + mailbox.number;
    return *sum < 1000000;
}

static uint64_t
rows(struct fresh_store *fresh, uint64_t from)
{
    struct txn *txn = fresh_store_read(fresh);
    uint64_t sum = 0;

    assert_int_equal(caught_each(txn, from, add, &sum), VG_OK);
    store_abort(&txn);
    return sum;
}

static void
a_row_is_there_after_the_commit(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_write(fresh);

    put(txn, 2, B);
    put(txn, 2, A);
    put(txn, 1, A);
    fresh_store_commit(&txn);
    fresh_store_reopen(fresh);
    assert_int_equal(rows(fresh, 0), 172729);
    assert_int_equal(rows(fresh, 2), 2729);
}

static void
trimming_takes_the_front_and_a_walk_can_end(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_write(fresh);

    for (uint64_t ticket = 1; ticket <= 5; ticket++) {
        put(txn, ticket, A);
    }
    fresh_store_commit(&txn);
    assert_int_equal(rows(fresh, 0), 17273747); // the fifth was not asked for
    txn = fresh_store_write(fresh);
    assert_int_equal(caught_trim(txn, 3), VG_OK);
    fresh_store_commit(&txn);
    assert_int_equal(rows(fresh, 0), 4757);
}

static void
a_row_of_another_length_is_seen(void **state)
{
    struct fresh_store *fresh = *state;
    static const uint8_t key[12] = {0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 7};
    uint64_t sum = 0;
    struct txn *txn;

    fresh_store_put_raw(fresh, "caught", key, sizeof key, "short", 5);
    fresh_store_open(fresh);
    txn = fresh_store_write(fresh);
    assert_int_equal(caught_each(txn, 0, add, &sum), VG_STORE_BROKEN);
    assert_int_equal(caught_trim(txn, 9), VG_STORE_BROKEN);
    store_abort(&txn);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_store_test(a_row_is_there_after_the_commit),
        fresh_store_test(trimming_takes_the_front_and_a_walk_can_end),
        fresh_store_test(a_row_of_another_length_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
