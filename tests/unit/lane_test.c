// SPDX-License-Identifier: EUPL-1.2
// Goal: every mailbox has one lane for ever, and its rates settle on what really happens.
// Method: mailboxes of both kinds; seconds that are told, not waited for.
#include "edge/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
count_lane(struct lane *lane, void *arg)
{
    uint64_t *sum = arg;

    *sum += lane->mailbox;
}

static void
gives_each_mailbox_one_lane_for_ever(void **state)
{
    AUTO(lanes_free) struct lanes *lanes = lanes_new();
    uint32_t extra = MAILBOX_EXTRA_FIRST + 3;
    struct lane *lane = lanes_at(lanes, 1);
    struct lane *far = lanes_at(lanes, extra);
    uint64_t sum = 0;
    (void)state;

    assert_null(lanes_find(lanes, 2));
    assert_null(lanes_find(lanes, 100000));
    assert_null(lanes_find(lanes, MAILBOX_EXTRA_FIRST));
    for (uint32_t i = 1; i <= 5000; i++) {
        assert_int_equal(lanes_at(lanes, i)->mailbox, i);
    }
    assert_ptr_equal(lanes_at(lanes, 1), lane); // though the table grew
    assert_ptr_equal(lanes_find(lanes, extra), far);
    lanes_each(lanes, count_lane, &sum);
    assert_int_equal(sum, UINT64_C(5000) * 5001 / 2 + extra);
}

static void
has_no_work_when_nobody_has_it_open(void **state)
{
    AUTO(lanes_free) struct lanes *lanes = lanes_new();
    struct lane *lane = lanes_at(lanes, 1);
    (void)state;

    lane->last = 100;
    assert_false(lane_has_work(lane));
}

static void
rates_settle_on_what_happens(void **state)
{
    AUTO(lanes_free) struct lanes *lanes = lanes_new();
    struct lane *lane = lanes_at(lanes, 1);
    (void)state;

    for (int second = 0; second < 100; second++) {
        lane->last += 500;
        lane->acknowledged += 200;
        lanes_tick(lanes);
    }
    assert_true(lane->in.per_second > 499 && lane->in.per_second < 501);
    assert_true(lane->out.per_second > 199 && lane->out.per_second < 201);
    for (int second = 0; second < 200; second++) {
        lanes_tick(lanes);
    }
    assert_true(lane->in.per_second == 0); // and it ends at nothing, not near it
    assert_true(lane->out.per_second == 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_each_mailbox_one_lane_for_ever),
        cmocka_unit_test(has_no_work_when_nobody_has_it_open),
        cmocka_unit_test(rates_settle_on_what_happens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
