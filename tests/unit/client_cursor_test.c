// SPDX-License-Identifier: EUPL-1.2
// Goal: no notification is lost, given twice or acknowledged unasked, whatever order they
// are done in and wherever a connection breaks.
// Method: the cursor alone; one long run against a plain set of numbers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cursor.h"

static struct vg_cursor
joined(uint64_t acknowledged, uint64_t last, uint64_t waiting)
{
    struct vg_cursor cursor = {0};

    vg_cursor_join(&cursor, acknowledged, last, waiting);
    return cursor;
}

// What the broker would be told now; all of it.
static void
expect_told(struct vg_cursor *cursor, uint64_t through, const uint64_t *alone, size_t len)
{
    uint64_t told_through;
    uint64_t told[16];

    assert_true(vg_cursor_has_news(cursor));
    assert_int_equal(vg_cursor_tell(cursor, &told_through, told, 16), len);
    assert_int_equal(told_through, through);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(told[i], alone[i]);
    }
    assert_false(vg_cursor_has_news(cursor));
}

static enum vg_arrival
arrive(struct vg_cursor *cursor, uint64_t number)
{
    bool good;
    enum vg_arrival arrival = vg_cursor_arrive(cursor, number, &good);

    assert_true(good);
    return arrival;
}

static void
starts_after_what_is_acknowledged(void **state)
{
    struct vg_cursor cursor = joined(7, 9, 2);

    (void)state;
    assert_int_equal(arrive(&cursor, 7), VG_ARRIVAL_REPEAT);
    assert_int_equal(arrive(&cursor, 8), VG_ARRIVAL_NEW);
    assert_int_equal(arrive(&cursor, 9), VG_ARRIVAL_NEW);
    assert_int_equal(arrive(&cursor, 10), VG_ARRIVAL_NEW);
    assert_int_equal(arrive(&cursor, 12), VG_ARRIVAL_GAP);
    assert_int_equal(cursor.seen, 10);
    vg_cursor_end(&cursor);
}

static void
done_in_order_only_moves_through(void **state)
{
    struct vg_cursor cursor = joined(0, 0, 0);

    (void)state;
    assert_false(vg_cursor_has_news(&cursor));
    for (uint64_t number = 1; number <= 1000; number++) {
        assert_int_equal(arrive(&cursor, number), VG_ARRIVAL_NEW);
        assert_true(vg_cursor_done(&cursor, number));
    }
    assert_int_equal(cursor.through, 1000);
    expect_told(&cursor, 1000, NULL, 0);
    assert_int_equal(cursor.ranges_len, 0);
    assert_int_equal(cursor.alone_len, 0);
    vg_cursor_end(&cursor);
}

static void
one_done_alone_waits_for_those_before_it(void **state)
{
    struct vg_cursor cursor = joined(0, 0, 0);

    (void)state;
    for (uint64_t number = 1; number <= 5; number++) {
        assert_int_equal(arrive(&cursor, number), VG_ARRIVAL_NEW);
    }
    assert_true(vg_cursor_done(&cursor, 3));
    assert_true(vg_cursor_done(&cursor, 4));
    assert_true(vg_cursor_done(&cursor, 3));
    assert_int_equal(cursor.through, 0);
    assert_int_equal(cursor.ranges_len, 1);
    expect_told(&cursor, 0, (const uint64_t[]){3, 4}, 2);

    vg_cursor_done_through(&cursor, 2);
    assert_int_equal(cursor.through, 4);
    assert_int_equal(cursor.ranges_len, 0);
    expect_told(&cursor, 4, NULL, 0);
    vg_cursor_end(&cursor);
}

static void
what_through_has_passed_is_not_told_alone(void **state)
{
    struct vg_cursor cursor = joined(0, 0, 0);

    (void)state;
    for (uint64_t number = 1; number <= 5; number++) {
        assert_int_equal(arrive(&cursor, number), VG_ARRIVAL_NEW);
    }
    assert_true(vg_cursor_done(&cursor, 2));
    assert_true(vg_cursor_done(&cursor, 5));
    assert_true(vg_cursor_done(&cursor, 1));
    expect_told(&cursor, 2, (const uint64_t[]){5}, 1);
    vg_cursor_end(&cursor);
}

// The broker refuses what it has not sent on the same connection.
static void
a_new_connection_is_told_when_the_number_comes_again(void **state)
{
    struct vg_cursor cursor = joined(0, 0, 0);

    (void)state;
    for (uint64_t number = 1; number <= 6; number++) {
        assert_int_equal(arrive(&cursor, number), VG_ARRIVAL_NEW);
    }
    vg_cursor_done_through(&cursor, 2);
    assert_true(vg_cursor_done(&cursor, 4));
    assert_true(vg_cursor_done(&cursor, 6));
    expect_told(&cursor, 2, (const uint64_t[]){4, 6}, 2);

    vg_cursor_join(&cursor, 1, 6, 5); // the last acknowledgement was lost
    assert_false(vg_cursor_has_news(&cursor));
    assert_int_equal(arrive(&cursor, 2), VG_ARRIVAL_REPEAT);
    expect_told(&cursor, 2, NULL, 0);
    // Seen, done or not: neither comes to the application again.
    assert_int_equal(arrive(&cursor, 3), VG_ARRIVAL_REPEAT);
    assert_false(vg_cursor_has_news(&cursor));
    assert_true(vg_cursor_done(&cursor, 5)); // done before it comes again
    assert_false(vg_cursor_has_news(&cursor));
    assert_int_equal(arrive(&cursor, 4), VG_ARRIVAL_REPEAT);
    expect_told(&cursor, 2, (const uint64_t[]){4}, 1);
    assert_int_equal(arrive(&cursor, 4), VG_ARRIVAL_REPEAT); // told once is enough
    assert_false(vg_cursor_has_news(&cursor));
    vg_cursor_done_through(&cursor, 3);
    assert_int_equal(cursor.through, 6);
    expect_told(&cursor, 4, NULL, 0); // all the broker may hear now
    assert_int_equal(arrive(&cursor, 5), VG_ARRIVAL_REPEAT);
    assert_int_equal(arrive(&cursor, 6), VG_ARRIVAL_REPEAT);
    expect_told(&cursor, 6, NULL, 0);
    assert_int_equal(arrive(&cursor, 7), VG_ARRIVAL_NEW);
    vg_cursor_end(&cursor);
}

static void
a_connection_that_has_it_all_needs_no_word(void **state)
{
    struct vg_cursor cursor = joined(0, 0, 0);

    (void)state;
    assert_int_equal(arrive(&cursor, 1), VG_ARRIVAL_NEW);
    assert_true(vg_cursor_done(&cursor, 1));
    vg_cursor_join(&cursor, 1, 1, 0);
    assert_false(vg_cursor_has_news(&cursor));
    vg_cursor_end(&cursor);
}

static void
a_backlog_may_lack_what_was_done_alone_before(void **state)
{
    // 11 to 20 are the backlog; two of these were done alone by an earlier program.
    struct vg_cursor cursor = joined(10, 20, 8);

    (void)state;
    assert_int_equal(arrive(&cursor, 11), VG_ARRIVAL_NEW);
    assert_int_equal(arrive(&cursor, 13), VG_ARRIVAL_NEW); // 12
    assert_int_equal(arrive(&cursor, 15), VG_ARRIVAL_NEW); // 14
    assert_int_equal(arrive(&cursor, 17), VG_ARRIVAL_GAP); // and no more
    assert_true(vg_cursor_done(&cursor, 11));
    assert_int_equal(cursor.through, 12);
    assert_true(vg_cursor_done(&cursor, 13));
    assert_int_equal(cursor.through, 14);
    assert_int_equal(cursor.alone_len, 0);
    vg_cursor_end(&cursor);
}

static void
the_broker_may_have_gone_further(void **state)
{
    struct vg_cursor cursor = joined(0, 0, 0);

    (void)state;
    for (uint64_t number = 1; number <= 4; number++) {
        assert_int_equal(arrive(&cursor, number), VG_ARRIVAL_NEW);
    }
    assert_true(vg_cursor_done(&cursor, 3));
    vg_cursor_join(&cursor, 9, 12, 3); // another program acknowledged up to 9
    assert_int_equal(cursor.through, 9);
    assert_int_equal(cursor.ranges_len, 0);
    assert_int_equal(arrive(&cursor, 9), VG_ARRIVAL_REPEAT);
    assert_int_equal(arrive(&cursor, 10), VG_ARRIVAL_NEW);
    vg_cursor_end(&cursor);
}

static void
numbers_that_are_named_are_passed_over(void **state)
{
    struct vg_cursor cursor = joined(0, 0, 0);

    (void)state;
    assert_true(vg_cursor_pass(&cursor, 3, 4)); // before 1 and 2 have come
    assert_int_equal(arrive(&cursor, 1), VG_ARRIVAL_NEW);
    assert_int_equal(arrive(&cursor, 2), VG_ARRIVAL_NEW);
    assert_int_equal(arrive(&cursor, 5), VG_ARRIVAL_NEW);
    assert_true(vg_cursor_done(&cursor, 1));
    assert_true(vg_cursor_done(&cursor, 2));
    assert_int_equal(cursor.through, 4);
    assert_int_equal(arrive(&cursor, 7), VG_ARRIVAL_GAP); // 6 was not named
    assert_true(vg_cursor_pass(&cursor, 6, 6));
    assert_int_equal(arrive(&cursor, 7), VG_ARRIVAL_NEW);
    assert_true(vg_cursor_pass(&cursor, 5, 5)); // one that had come, and is held now
    assert_int_equal(cursor.through, 6);
    expect_told(&cursor, 6, NULL, 0);
    assert_int_equal(cursor.passed_len, 0);
    vg_cursor_end(&cursor);
}

static void
a_named_hole_is_not_counted_twice(void **state)
{
    struct vg_cursor cursor = joined(0, 4, 3); // one of 1 to 4 has left

    (void)state;
    assert_true(vg_cursor_pass(&cursor, 2, 2));
    assert_int_equal(arrive(&cursor, 1), VG_ARRIVAL_NEW);
    assert_int_equal(arrive(&cursor, 3), VG_ARRIVAL_NEW);
    assert_int_equal(arrive(&cursor, 5), VG_ARRIVAL_GAP);
    vg_cursor_end(&cursor);
}

// ---- against a set ----

enum { NUMBERS = 400, ROUNDS = 200 };

static uint64_t
through_of(const bool done[NUMBERS + 1])
{
    uint64_t through = 0;

    while (through < NUMBERS && done[through + 1]) {
        through++;
    }
    return through;
}

static void
check_against_set(const struct vg_cursor *cursor, const bool done[NUMBERS + 1])
{
    bool rebuilt[NUMBERS + 1] = {false};

    for (uint64_t number = 1; number <= cursor->through; number++) {
        rebuilt[number] = true;
    }
    for (size_t i = 0; i < cursor->ranges_len; i++) {
        assert_true(cursor->ranges[i].first > cursor->through + 1);
        assert_true(i == 0 || cursor->ranges[i].first > cursor->ranges[i - 1].last + 1);
        for (uint64_t number = cursor->ranges[i].first; number <= cursor->ranges[i].last;
             number++) {
            rebuilt[number] = true;
        }
    }
    assert_int_equal(cursor->through, through_of(done));
    assert_memory_equal(rebuilt, done, sizeof rebuilt);
}

static void
any_order_ends_in_the_same_set(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct vg_cursor cursor = joined(0, 0, 0);
        bool done[NUMBERS + 1] = {false};

        srand(round);
        for (uint64_t number = 1; number <= NUMBERS; number++) {
            assert_int_equal(arrive(&cursor, number), VG_ARRIVAL_NEW);
        }
        for (int i = 0; i < NUMBERS; i++) {
            uint64_t number = 1 + (uint64_t)rand() % NUMBERS;

            if (rand() % 100 == 0) {
                vg_cursor_done_through(&cursor, number);
                memset(done + 1, true, number);
            } else {
                assert_true(vg_cursor_done(&cursor, number));
                done[number] = true;
            }
            done[0] = false;
            check_against_set(&cursor, done);
        }
        vg_cursor_end(&cursor);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_after_what_is_acknowledged),
        cmocka_unit_test(done_in_order_only_moves_through),
        cmocka_unit_test(one_done_alone_waits_for_those_before_it),
        cmocka_unit_test(what_through_has_passed_is_not_told_alone),
        cmocka_unit_test(a_new_connection_is_told_when_the_number_comes_again),
        cmocka_unit_test(a_connection_that_has_it_all_needs_no_word),
        cmocka_unit_test(a_backlog_may_lack_what_was_done_alone_before),
        cmocka_unit_test(the_broker_may_have_gone_further),
        cmocka_unit_test(numbers_that_are_named_are_passed_over),
        cmocka_unit_test(a_named_hole_is_not_counted_twice),
        cmocka_unit_test(any_order_ends_in_the_same_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
