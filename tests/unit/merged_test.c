// SPDX-License-Identifier: EUPL-1.2
// Goal: which letter stands for which is remembered until it goes with its record.
// Method: a real store in a fresh folder, looked at after the commit and after reopening.
#include "store/merged.h"

#include "../fresh_store.h"

static const struct mailbox_id A = {7}, B = {9};

static void
put(struct txn *txn, uint64_t ticket, struct mailbox_id mailbox, uint64_t into,
    uint32_t len)
{
    struct merged_row row = {.head = {.into = into, .len = len}};

    for (uint32_t i = 0; i < len; i++) {
        row.tickets[i] = ticket * 1000 + i;
    }
    assert_int_equal(merged_put(txn, ticket, mailbox, &row), VG_OK);
}

static bool
add(uint64_t ticket, struct mailbox_id mailbox, const struct merged_row *row, void *arg)
{
    uint64_t *sum = arg;

    (void)row;
    *sum = *sum * 100 + ticket * 10 + mailbox.number;
    return *sum < 1000000;
}

static uint64_t
rows(struct fresh_store *fresh, uint64_t from)
{
    struct txn *txn = fresh_store_read(fresh);
    uint64_t sum = 0;

    assert_int_equal(merged_each(txn, from, add, &sum), VG_OK);
    store_abort(&txn);
    return sum;
}

static void
a_row_is_there_after_the_commit(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_write(fresh);
    struct merged_row row;

    put(txn, 2, B, 3, 0);
    put(txn, 3, B, 0, MERGED_MAX);
    put(txn, 3, A, 0, 1);
    fresh_store_commit(&txn);
    fresh_store_reopen(fresh);
    assert_int_equal(rows(fresh, 0), 293739);
    assert_int_equal(rows(fresh, 3), 3739);
    txn = fresh_store_read(fresh);
    assert_int_equal(merged_get(txn, 2, B, &row), VG_OK);
    assert_int_equal(row.head.into, 3);
    assert_int_equal(row.head.len, 0);
    assert_int_equal(merged_get(txn, 3, B, &row), VG_OK);
    assert_int_equal(row.head.len, MERGED_MAX);
    assert_int_equal(row.tickets[MERGED_MAX - 1], 3000 + MERGED_MAX - 1);
    assert_int_equal(merged_get(txn, 2, A, &row), VG_NOT_FOUND);
    store_abort(&txn);
}

static void
trimming_takes_the_front_and_a_walk_can_end(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_write(fresh);

    for (uint64_t ticket = 1; ticket <= 5; ticket++) {
        put(txn, ticket, A, 0, (uint32_t)ticket);
    }
    fresh_store_commit(&txn);
    assert_int_equal(rows(fresh, 0), 17273747); // the fifth was not asked for
    txn = fresh_store_write(fresh);
    assert_int_equal(merged_trim(txn, 3), VG_OK);
    fresh_store_commit(&txn);
    assert_int_equal(rows(fresh, 0), 4757);
}

static void
a_row_of_another_length_is_seen(void **state)
{
    struct fresh_store *fresh = *state;
    static const uint8_t key[12] = {0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 7};
    static const struct merged_head lies = {.len = 2};
    struct merged_row row;
    uint64_t sum = 0;
    struct txn *txn;

    fresh_store_put_raw(fresh, "merged", key, sizeof key, &lies, sizeof lies);
    fresh_store_open(fresh);
    txn = fresh_store_read(fresh);
    assert_int_equal(merged_get(txn, 1, A, &row), VG_STORE_BROKEN);
    assert_int_equal(merged_each(txn, 0, add, &sum), VG_STORE_BROKEN);
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
