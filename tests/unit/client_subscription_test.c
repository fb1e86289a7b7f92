// SPDX-License-Identifier: EUPL-1.2
// Goal: each mailbox is found by its number, however many there are, and the default one by
// 0 as well.
// Method: the table alone.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "subscription.h"

enum { MANY = 700 };

static void
many_are_found_by_number(void **state)
{
    struct vg_subscriptions subscriptions = {0};

    (void)state;
    for (uint32_t mailbox = 1; mailbox <= MANY; mailbox++) {
        assert_non_null(vg_subscriptions_add(&subscriptions, mailbox * 3));
    }
    for (uint32_t mailbox = 1; mailbox <= MANY; mailbox++) {
        struct vg_subscription *found =
            vg_subscriptions_find(&subscriptions, mailbox * 3);

        assert_non_null(found);
        assert_int_equal(found->mailbox, mailbox * 3);
        assert_null(vg_subscriptions_find(&subscriptions, mailbox * 3 + 1));
    }
    vg_subscriptions_end(&subscriptions);
}

static void
one_that_is_removed_is_gone_and_the_others_stay(void **state)
{
    struct vg_subscriptions subscriptions = {0};

    (void)state;
    for (uint32_t mailbox = 1; mailbox <= MANY; mailbox++) {
        assert_non_null(vg_subscriptions_add(&subscriptions, mailbox));
    }
    for (uint32_t mailbox = 2; mailbox <= MANY; mailbox += 2) {
        struct vg_subscription *found = vg_subscriptions_find(&subscriptions, mailbox);

        vg_subscriptions_list(&subscriptions, found);
        vg_subscriptions_remove(&subscriptions, found);
    }
    assert_int_equal(subscriptions.len, MANY / 2);
    assert_int_equal(subscriptions.with_news_len, 0);
    for (uint32_t mailbox = 1; mailbox <= MANY; mailbox++) {
        struct vg_subscription *found = vg_subscriptions_find(&subscriptions, mailbox);

        assert_true((found != NULL) == (mailbox % 2 == 1));
    }
    vg_subscriptions_end(&subscriptions);
}

static void
the_default_one_has_two_names(void **state)
{
    struct vg_subscriptions subscriptions = {0};
    struct vg_subscription *unnamed;

    (void)state;
    assert_null(vg_subscriptions_find(&subscriptions, 0));
    assert_non_null(vg_subscriptions_add(&subscriptions, 7));
    unnamed = vg_subscriptions_add(&subscriptions, 0);
    assert_ptr_equal(vg_subscriptions_find(&subscriptions, 0), unnamed);
    vg_subscriptions_name(&subscriptions, unnamed, 9);
    assert_ptr_equal(vg_subscriptions_find(&subscriptions, 0), unnamed);
    assert_ptr_equal(vg_subscriptions_find(&subscriptions, 9), unnamed);
    vg_subscriptions_end(&subscriptions);
}

static void
the_first_that_waits_is_the_first_that_was_asked_for(void **state)
{
    struct vg_subscriptions subscriptions = {0};
    struct vg_subscription *first;
    struct vg_subscription *second;

    (void)state;
    assert_null(vg_subscriptions_waiting(&subscriptions));
    first = vg_subscriptions_add(&subscriptions, 9);
    second = vg_subscriptions_add(&subscriptions, 2);
    assert_ptr_equal(vg_subscriptions_waiting(&subscriptions), first);
    first->open = true;
    assert_ptr_equal(vg_subscriptions_waiting(&subscriptions), second);
    second->open = true;
    assert_null(vg_subscriptions_waiting(&subscriptions));
    vg_subscriptions_end(&subscriptions);
}

static void
news_is_listed_once(void **state)
{
    struct vg_subscriptions subscriptions = {0};
    struct vg_subscription *only = vg_subscriptions_add(&subscriptions, 1);

    (void)state;
    for (int i = 0; i < 100; i++) {
        vg_subscriptions_list(&subscriptions, only);
    }
    assert_int_equal(subscriptions.with_news_len, 1);
    vg_subscriptions_end(&subscriptions);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_are_found_by_number),
        cmocka_unit_test(one_that_is_removed_is_gone_and_the_others_stay),
        cmocka_unit_test(the_default_one_has_two_names),
        cmocka_unit_test(the_first_that_waits_is_the_first_that_was_asked_for),
        cmocka_unit_test(news_is_listed_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
