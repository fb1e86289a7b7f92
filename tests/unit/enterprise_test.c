// SPDX-License-Identifier: EUPL-1.2
// Goal: an enterprise is named by a number of the public register, and by nothing else.
// Method: the published examples in each written form, and each rule broken alone.
#include "values/enterprise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum vg_status
parse(const char *text, struct enterprise *ret_enterprise)
{
    return enterprise_parse(text, strlen(text), ret_enterprise, NULL);
}

static void
reads_the_published_numbers_in_each_form(void **state)
{
    static const struct {
        const char *text;
        uint64_t number;
    } good[] = {
        {"0403019261", 403019261}, {"403019261", 403019261}, {"0403.019.261", 403019261},
        {"0428759497", 428759497}, {"428759497", 428759497}, {"0428.759.497", 428759497},
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct enterprise enterprise = {0};

        assert_int_equal(parse(good[i].text, &enterprise), VG_OK);
        assert_int_equal(enterprise.number, good[i].number);
        enterprise.number = 0;
        assert_int_equal(enterprise_check(good[i].number, &enterprise, NULL), VG_OK);
        assert_int_equal(enterprise.number, good[i].number);
    }
}

static void
refuses_wrong_check_digits(void **state)
{
    struct enterprise enterprise = {7};
    struct why why;
    (void)state;

    assert_int_equal(enterprise_parse("0431150351", 10, &enterprise, &why),
                     VG_BAD_ENTERPRISE);
    assert_string_equal(why.text, "the check digits of 0431150351 do not fit");
    assert_int_equal(enterprise.number, 7);

    // Of the hundred pairs of check digits, one fits.
    for (uint64_t check = 0; check < 100; check++) {
        assert_int_equal(enterprise_check(UINT64_C(403019200) + check, &enterprise, NULL),
                         check == 61 ? VG_OK : VG_BAD_ENTERPRISE);
    }
}

static void
the_first_digit_is_zero_or_one(void **state)
{
    struct enterprise enterprise;
    uint64_t first_eight = 10000000;
    (void)state;

    assert_int_equal(
        enterprise_check(first_eight * 100 + 97 - first_eight % 97, &enterprise, NULL),
        VG_OK);
    assert_int_equal(enterprise.number / UINT64_C(1000000000), 1);
    first_eight = 20000000;
    assert_int_equal(
        enterprise_check(first_eight * 100 + 97 - first_eight % 97, &enterprise, NULL),
        VG_BAD_ENTERPRISE);
    assert_int_equal(enterprise_check(UINT64_MAX, &enterprise, NULL), VG_BAD_ENTERPRISE);
}

static void
check_digits_run_from_01_to_97(void **state)
{
    struct enterprise enterprise;
    (void)state;

    // 97 times something: nothing is left over, and that is written 97.
    assert_int_equal(enterprise_check(UINT64_C(97) * 50000 * 100 + 97, &enterprise, NULL),
                     VG_OK);
    assert_int_equal(enterprise_check(UINT64_C(97) * 50000 * 100, &enterprise, NULL),
                     VG_BAD_ENTERPRISE);
    assert_int_equal(enterprise_check(0, &enterprise, NULL), VG_BAD_ENTERPRISE);
}

static void
refuses_every_other_written_form(void **state)
{
    static const char *const wrong[] = {"",
                                        "04030192",
                                        "00403019261",
                                        "BE0403019261",
                                        "0403 019 261",
                                        "0403.019261",
                                        "403.019.261",
                                        "0403-019-261",
                                        "040301926x",
                                        " 0403019261",
                                        "0403019261 "};
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct enterprise enterprise = {7};

        assert_int_equal(parse(wrong[i], &enterprise), VG_BAD_ENTERPRISE);
        assert_int_equal(enterprise.number, 7);
    }
}

static void
prints_ten_digits(void **state)
{
    char text[ENTERPRISE_TEXT_LEN];
    (void)state;

    enterprise_print((struct enterprise){403019261}, text);
    assert_string_equal(text, "0403019261");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_published_numbers_in_each_form),
        cmocka_unit_test(refuses_wrong_check_digits),
        cmocka_unit_test(the_first_digit_is_zero_or_one),
        cmocka_unit_test(check_digits_run_from_01_to_97),
        cmocka_unit_test(refuses_every_other_written_form),
        cmocka_unit_test(prints_ten_digits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
