// SPDX-License-Identifier: EUPL-1.2
// Goal: a held letter's row comes back as it was written, in order, also by whom it is
// about; parked ones are about nobody; a row of another drawing is refused.
// Method: rows in a real store, opened again; neighbours at both ends of the table; rows
// damaged behind the store's back.
#include "store/held.h"

#include "../fresh_store.h"

static const struct mailbox_id box = {7};

static struct held_row
some_row(uint64_t number, uint64_t subject, enum held_state state)
{
    struct held_row row = {.head = {.letter = {.number = number,
                                               .body = number << 16,
                                               .bytes_through = number * 100,
                                               .size = 100,
                                               .quality = 2},
                                    .subject = subject,
                                    .due_us = 5,
                                    .since_us = 4,
                                    .attempts = 3,
                                    .actor = 9,
                                    .state = (uint16_t)state}};

    row.head.reason_len =
        (uint16_t)snprintf(row.reason, sizeof row.reason, "no %d", (int)number);
    return row;
}

static void
put(struct fresh_store *fresh, struct mailbox_id mailbox, const struct held_row *row)
{
    struct txn *txn = fresh_store_write(fresh);

    assert_int_equal(held_put(txn, mailbox, row), VG_OK);
    fresh_store_commit(&txn);
}

static enum vg_status
about(struct fresh_store *fresh, uint64_t subject, uint64_t from, uint64_t *ret_number,
      enum held_state *ret_state)
{
    struct txn *txn = fresh_store_read(fresh);
    enum vg_status status = held_about(txn, box, subject, from, ret_number, ret_state);

    store_abort(&txn);
    return status;
}

static void
comes_back_as_it_was_written(void **state)
{
    struct fresh_store *fresh = *state;
    struct held_row row = some_row(3, 77, HELD_RETRY), read;
    struct txn *txn;

    memset(row.reason, 'x', HELD_REASON_MAX);
    row.head.reason_len = HELD_REASON_MAX;
    put(fresh, box, &row);
    fresh_store_reopen(fresh);
    txn = fresh_store_read(fresh);
    assert_int_equal(held_get(txn, box, 3, &read), VG_OK);
    assert_memory_equal(&read.head, &row.head, sizeof row.head);
    assert_string_equal(read.reason, row.reason);
    assert_int_equal(held_get(txn, box, 2, &read), VG_NOT_FOUND);
    assert_int_equal(held_get(txn, (struct mailbox_id){8}, 3, &read), VG_NOT_FOUND);
    store_abort(&txn);
}

static void
the_first_about_somebody_is_found(void **state)
{
    struct fresh_store *fresh = *state;
    struct held_row rows[] = {
        some_row(5, 77, HELD_BEHIND),
        some_row(3, 77, HELD_RETRY),
        some_row(4, 78, HELD_RETRY),
        some_row(1, 77, HELD_PARKED),
        some_row(2, HELD_ENTERPRISE | 77, HELD_RETRY),
    };
    enum held_state found = HELD_GONE;
    uint64_t number = 0;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        put(fresh, box, &rows[i]);
    }
    put(fresh, (struct mailbox_id){6}, &rows[3]);
    put(fresh, (struct mailbox_id){8}, &rows[1]);
    assert_int_equal(about(fresh, 77, 0, &number, &found), VG_OK);
    assert_int_equal(number, 3);
    assert_int_equal(found, HELD_RETRY);
    assert_int_equal(about(fresh, 77, 4, &number, &found), VG_OK);
    assert_int_equal(number, 5);
    assert_int_equal(found, HELD_BEHIND);
    assert_int_equal(about(fresh, 77, 6, &number, &found), VG_NOT_FOUND);
    assert_int_equal(about(fresh, 79, 0, &number, &found), VG_NOT_FOUND);

    rows[1].head.state = HELD_PARKED; // now it lets others pass
    put(fresh, box, &rows[1]);
    assert_int_equal(about(fresh, 77, 0, &number, &found), VG_OK);
    assert_int_equal(number, 5);
}

static void
a_person_is_found_under_any_of_his_numbers(void **state)
{
    struct fresh_store *fresh = *state;
    const struct held_row rows[] = {
        some_row(5, 77, HELD_BEHIND),
        some_row(4, 78, HELD_RETRY),
        some_row(3, HELD_ENTERPRISE | 79, HELD_RETRY),
        some_row(2, 80, HELD_RETRY),
    };
    enum held_state found = HELD_GONE;
    struct subjects subjects;
    uint64_t number = 0;
    struct txn *txn;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        put(fresh, box, &rows[i]);
    }
    txn = fresh_store_write(fresh);
    assert_int_equal(person_replace(txn, (struct niss){77}, (struct niss){78}), VG_OK);
    assert_int_equal(person_replace(txn, (struct niss){78}, (struct niss){79}), VG_OK);
    fresh_store_commit(&txn);
    for (uint64_t subject = 77; subject <= 79; subject++) {
        assert_int_equal(about(fresh, subject, 0, &number, &found), VG_OK);
        assert_int_equal(number, 4);
        assert_int_equal(found, HELD_RETRY);
        assert_int_equal(about(fresh, subject, 5, &number, &found), VG_OK);
        assert_int_equal(number, 5);
        assert_int_equal(about(fresh, subject, 6, &number, &found), VG_NOT_FOUND);
    }
    assert_int_equal(about(fresh, HELD_ENTERPRISE | 79, 0, &number, &found), VG_OK);
    assert_int_equal(number, 3); // an enterprise is no person

    txn = fresh_store_read(fresh);
    assert_int_equal(subjects_of(txn, 78, &subjects), VG_OK);
    assert_int_equal(subjects.len, 3);
    assert_true(subjects_have(&subjects, 77) && subjects_have(&subjects, 79));
    assert_false(subjects_have(&subjects, 80));
    assert_int_equal(subjects_of(txn, 0, &subjects), VG_OK);
    assert_int_equal(subjects.len, 1);
    store_abort(&txn);
}

struct walk {
    uint32_t mailboxes[8];
    uint64_t numbers[8];
    size_t len;
};

static bool
note(struct mailbox_id mailbox, const struct held_row *row, void *arg)
{
    struct walk *walk = arg;

    walk->mailboxes[walk->len] = mailbox.number;
    walk->numbers[walk->len++] = row->head.letter.number;
    return walk->len < 3;
}

static void
all_are_walked_in_order(void **state)
{
    static const uint32_t mailboxes[] = {UINT32_MAX, 0, 7};
    struct fresh_store *fresh = *state;
    struct held_row row = some_row(300, 1, HELD_RETRY), next;
    struct mailbox_id mailbox;
    struct walk walk = {.len = 0};
    struct txn *txn;

    for (size_t i = 0; i < ARRAY_LEN(mailboxes); i++) {
        put(fresh, (struct mailbox_id){mailboxes[i]}, &row);
    }
    row = some_row(2, 1, HELD_PARKED);
    put(fresh, box, &row);
    txn = fresh_store_read(fresh);
    assert_int_equal(held_each(txn, note, &walk), VG_OK);
    assert_int_equal(walk.len, 3);
    assert_int_equal(walk.mailboxes[0], 0);
    assert_int_equal(walk.mailboxes[1], 7);
    assert_int_equal(walk.numbers[1], 2);
    assert_int_equal(walk.numbers[2], 300);
    assert_int_equal(held_next(txn, box, 3, &mailbox, &next), VG_OK);
    assert_int_equal(mailbox.number, 7);
    assert_int_equal(next.head.letter.number, 300);
    assert_int_equal(
        held_next(txn, (struct mailbox_id){UINT32_MAX}, 301, &mailbox, &next),
        VG_NOT_FOUND);
    store_abort(&txn);
}

static void
an_erased_one_is_gone_everywhere(void **state)
{
    struct fresh_store *fresh = *state;
    struct held_row row = some_row(3, 77, HELD_RETRY);
    enum held_state found;
    uint64_t number, rows = 9;
    struct txn *txn;

    put(fresh, box, &row);
    txn = fresh_store_write(fresh);
    assert_int_equal(held_erase(txn, box, 3), VG_OK);
    assert_int_equal(held_erase(txn, box, 3), VG_OK);
    fresh_store_commit(&txn);
    assert_int_equal(about(fresh, 77, 0, &number, &found), VG_NOT_FOUND);
    txn = fresh_store_read(fresh);
    assert_int_equal(held_get(txn, box, 3, &row), VG_NOT_FOUND);
    assert_int_equal(held_subjects_len(txn, &rows), VG_OK);
    assert_int_equal(rows, 0);
    store_abort(&txn);
}

static void
its_body_may_move(void **state)
{
    struct fresh_store *fresh = *state;
    struct held_row row = some_row(3, 77, HELD_PARKED), read;
    struct txn *txn;

    put(fresh, box, &row);
    txn = fresh_store_write(fresh);
    assert_int_equal(held_move_body(txn, box, 3, 99), VG_OK);
    assert_int_equal(held_move_body(txn, box, 4, 99), VG_NOT_FOUND);
    fresh_store_commit(&txn);
    txn = fresh_store_read(fresh);
    assert_int_equal(held_get(txn, box, 3, &read), VG_OK);
    assert_int_equal(read.head.letter.body, 99);
    read.head.letter.body = row.head.letter.body;
    assert_memory_equal(&read.head, &row.head, sizeof row.head);
    assert_string_equal(read.reason, row.reason);
    store_abort(&txn);
}

static void
a_row_of_another_drawing_is_refused(void **state)
{
    static const uint8_t key[] = {0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 3};
    struct fresh_store *fresh = *state;
    struct held_row row = some_row(3, 77, HELD_RETRY), read;
    struct txn *txn;

    put(fresh, box, &row);
    fresh_store_flip(fresh, "held", key, sizeof key, 0); // the letter's number
    txn = fresh_store_read(fresh);
    assert_int_equal(held_get(txn, box, 3, &read), VG_STORE_BROKEN);
    store_abort(&txn);
    fresh_store_put_raw(fresh, "held", key, sizeof key, &row.head, sizeof row.head - 1);
    fresh_store_open(fresh);
    txn = fresh_store_read(fresh);
    assert_int_equal(held_get(txn, box, 3, &read), VG_STORE_BROKEN);
    store_abort(&txn);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_store_test(comes_back_as_it_was_written),
        fresh_store_test(the_first_about_somebody_is_found),
        fresh_store_test(a_person_is_found_under_any_of_his_numbers),
        fresh_store_test(all_are_walked_in_order),
        fresh_store_test(an_erased_one_is_gone_everywhere),
        fresh_store_test(its_body_may_move),
        fresh_store_test(a_row_of_another_drawing_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
