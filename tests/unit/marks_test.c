// SPDX-License-Identifier: EUPL-1.2
// Goal: the mark and the ranges above it say exactly which letters have left, in whichever
// order they leave.
// Method: a mailbox of forty letters, marks and single letters drawn from fixed seeds, held
// against a list of ticks; the ranges are read from the disk again each time.
#include "flow/marks.h"

#include "../fresh_store.h"

enum { LETTERS = 40, ROUNDS = 300 };

static const struct mailbox_id box = {5};

static uint64_t
size_of(uint64_t number)
{
    return 10 + number % 7;
}

static uint64_t
bytes_through(uint64_t number)
{
    uint64_t bytes = 0;

    for (uint64_t i = 1; i <= number; i++) {
        bytes += size_of(i);
    }
    return bytes;
}

static uint64_t
draw(uint64_t *seed, uint64_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (*seed >> 33) % below;
}

static void
assert_ticks(const struct marks *marks, const bool *left)
{
    uint64_t waiting = 0, bytes = 0, mark = 0;

    while (mark < LETTERS && left[mark + 1]) {
        mark++;
    }
    for (uint64_t i = 1; i <= LETTERS; i++) {
        waiting += !left[i];
        bytes += left[i] ? 0 : size_of(i);
    }
    assert_int_equal(marks->row->acknowledged, mark);
    assert_int_equal(mailbox_waiting(marks->row), waiting);
    assert_int_equal(mailbox_bytes_waiting(marks->row), bytes);
    for (size_t i = 0; i < marks->len; i++) {
        assert_true(marks->ranges[i].first >
                    (i == 0 ? mark : marks->ranges[i - 1].last) + 1);
    }
}

static void
leave_at_random(struct fresh_store *fresh, uint64_t seed)
{
    struct mailbox_row row = {.last = LETTERS, .bytes_total = bytes_through(LETTERS)};
    bool left[LETTERS + 2] = {false};

    for (int round = 0; round < ROUNDS / 10; round++) {
        struct txn *txn = fresh_store_write(fresh);
        struct marks marks;
        uint64_t number = 1 + draw(&seed, LETTERS);

        assert_int_equal(marks_load(txn, box, &row, &marks), VG_OK);
        if (draw(&seed, 8) == 0) {
            marks_move(&marks, number / 2, bytes_through(number / 2));
            for (uint64_t i = 1; i <= number / 2; i++) {
                left[i] = true;
            }
        } else {
            struct acknowledge_single single = {number, bytes_through(number),
                                                (uint32_t)size_of(number)};

            assert_int_equal(marks_single(&marks, &single),
                             left[number] ? MARK_KNOWN : MARK_NEW);
            left[number] = true;
        }
        assert_ticks(&marks, left);
        assert_int_equal(marks_keep(txn, box, &marks), VG_OK);
        fresh_store_commit(&txn);
    }
}

static void
whatever_leaves_in_whichever_order(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct fresh_store *fresh = *state;
        struct txn *txn = fresh_store_write(fresh);

        assert_int_equal(ranges_put(txn, box, NULL, 0), VG_OK);
        fresh_store_commit(&txn);
        leave_at_random(fresh, seed);
    }
}

static void
gaps_have_a_limit(void **state)
{
    struct fresh_store *fresh = *state;
    struct mailbox_row row = {.last = 10000, .bytes_total = 10000};
    struct txn *txn = fresh_store_write(fresh);
    struct marks marks;

    assert_int_equal(marks_load(txn, box, &row, &marks), VG_OK);
    for (uint64_t i = 0; i < RANGES_MAX; i++) {
        struct acknowledge_single single = {2 + 2 * i, 2 + 2 * i, 1};

        assert_int_equal(marks_single(&marks, &single), MARK_NEW);
    }
    assert_int_equal(marks_single(&marks, &(struct acknowledge_single){9999, 9999, 1}),
                     MARK_NO_ROOM);
    assert_int_equal(marks_single(&marks, &(struct acknowledge_single){3, 3, 1}),
                     MARK_NEW); // it closes a gap
    store_abort(&txn);
}

// A mailbox full of gaps must still be emptied from the front, letter by letter.
static void
the_letter_after_the_mark_needs_no_range(void **state)
{
    struct fresh_store *fresh = *state;
    struct mailbox_row row = {.last = 10000, .bytes_total = 10000};
    struct txn *txn = fresh_store_write(fresh);
    struct marks marks;

    assert_int_equal(marks_load(txn, box, &row, &marks), VG_OK);
    for (uint64_t i = 0; i < RANGES_MAX; i++) {
        struct acknowledge_single single = {3 + 2 * i, 3 + 2 * i, 1};

        assert_int_equal(marks_single(&marks, &single), MARK_NEW);
    }
    assert_int_equal(marks_single(&marks, &(struct acknowledge_single){1, 1, 1}),
                     MARK_NEW);
    assert_int_equal(row.acknowledged, 1);
    assert_int_equal(row.bytes_acknowledged, 1);
    assert_int_equal(row.acknowledged_beyond, RANGES_MAX);
    assert_int_equal(marks_single(&marks, &(struct acknowledge_single){2, 2, 1}),
                     MARK_NEW); // and with it the first range
    assert_int_equal(row.acknowledged, 3);
    assert_int_equal(marks.len, RANGES_MAX - 1);
    store_abort(&txn);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_store_test(whatever_leaves_in_whichever_order),
        fresh_store_test(gaps_have_a_limit),
        fresh_store_test(the_letter_after_the_mark_needs_no_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
