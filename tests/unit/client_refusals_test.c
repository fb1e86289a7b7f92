// SPDX-License-Identifier: EUPL-1.2
// Goal: until the broker has confirmed a refusal, neither its letter nor a later one about
// the same person counts as done.
// Method: the lists alone, letter by letter.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "refusals.h"

enum { SOMEBODY = 11, SOMEBODY_ELSE = 12 };

static void
refuse(struct vg_refusals *refusals, uint64_t number, uint64_t subject, uint32_t attempt,
       bool park)
{
    struct vg_pending pending = {
        .number = number, .subject = subject, .attempt = attempt, .park = park};

    assert_true(vg_refusals_add(refusals, &pending));
}

static void
later_ones_about_the_same_person_are_held(void **state)
{
    struct vg_refusals refusals = {0};

    (void)state;
    refuse(&refusals, 5, SOMEBODY, 0, false);
    assert_true(vg_refusals_hold(&refusals, 6, SOMEBODY));
    assert_false(vg_refusals_hold(&refusals, 4, SOMEBODY));
    assert_false(vg_refusals_hold(&refusals, 6, SOMEBODY_ELSE));
    vg_refusals_settle(&refusals, 5, 5);
    assert_false(vg_refusals_hold(&refusals, 6, SOMEBODY));
    refuse(&refusals, 7, SOMEBODY, 0, true); // parked: it lets others pass
    assert_false(vg_refusals_hold(&refusals, 8, SOMEBODY));
    vg_refusals_end(&refusals);
}

static void
nothing_is_done_with_across_an_open_refusal(void **state)
{
    struct vg_refusals refusals = {0};

    (void)state;
    assert_true(vg_refusals_limit(&refusals) == UINT64_MAX);
    refuse(&refusals, 9, SOMEBODY, 0, false);
    refuse(&refusals, 5, SOMEBODY_ELSE, 0, true);
    refuse(&refusals, 2, SOMEBODY, 3, false); // it came out of turn
    assert_true(vg_numbers_add(&refusals.withheld, 7));
    assert_int_equal(vg_refusals_limit(&refusals), 4);
    vg_refusals_settle(&refusals, 5, 5);
    assert_int_equal(vg_refusals_limit(&refusals), 6);
    vg_refusals_settle(&refusals, 6, 8);
    assert_int_equal(vg_refusals_limit(&refusals), 8);
    vg_refusals_end(&refusals);
}

static void
a_lost_connection_keeps_what_will_come_again_in_its_turn(void **state)
{
    struct vg_refusals refusals = {0};

    (void)state;
    refuse(&refusals, 5, SOMEBODY, 0, false);
    refuse(&refusals, 2, SOMEBODY_ELSE, 1, false);
    assert_true(vg_numbers_add(&refusals.withheld, 6));
    assert_true(vg_numbers_add(&refusals.tried, 3));
    assert_true(vg_numbers_add(&refusals.done, 4));
    vg_refusals_lost(&refusals);
    assert_non_null(vg_refusals_find(&refusals, 5));
    assert_null(vg_refusals_find(&refusals, 2));
    assert_true(vg_numbers_have(&refusals.withheld, 6));
    assert_int_equal(refusals.tried.len, 0);
    assert_int_equal(refusals.done.len, 0);
    vg_refusals_end(&refusals);
}

static void
a_number_is_taken_once(void **state)
{
    struct vg_numbers numbers = {0};

    (void)state;
    for (uint64_t number = 1; number <= 100; number++) {
        assert_true(vg_numbers_add(&numbers, number));
        assert_true(vg_numbers_add(&numbers, number)); // there already
    }
    assert_int_equal(numbers.len, 100);
    assert_true(vg_numbers_take(&numbers, 50));
    assert_false(vg_numbers_take(&numbers, 50));
    assert_false(vg_numbers_have(&numbers, 50));
    assert_true(vg_numbers_have(&numbers, 100));
    struct vg_refusals refusals = {.tried = numbers};
    vg_refusals_end(&refusals);
}

static void
a_person_and_an_enterprise_are_never_the_same(void **state)
{
    const struct vg_notification person = {.niss = 66641066692};
    const struct vg_notification enterprise = {.enterprise = 66641066692};

    (void)state;
    assert_int_not_equal(vg_subject_of(&person), vg_subject_of(&enterprise));
    assert_int_equal(vg_subject_of(&person), 66641066692);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_ones_about_the_same_person_are_held),
        cmocka_unit_test(nothing_is_done_with_across_an_open_refusal),
        cmocka_unit_test(a_lost_connection_keeps_what_will_come_again_in_its_turn),
        cmocka_unit_test(a_number_is_taken_once),
        cmocka_unit_test(a_person_and_an_enterprise_are_never_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
