// SPDX-License-Identifier: EUPL-1.2
// Goal: what names an integration and an institution is read strictly and written alike.
// Method: all thousand qualities; codes at their limits.
#include "values/integration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
an_integration_has_its_period(void **state)
{
    struct integration integration = {
        .institution = 1,
        .sector = SECTOR_CPAS,
        .quality = 2,
        .begin = day_of(2026, 1, 1).number,
        .end = INT32_MAX,
    };
    struct period period = integration_period(integration);
    (void)state;

    assert_false(period_has(period, day_of(2025, 12, 31)));
    assert_true(period_has(period, day_of(2026, 1, 1)));
    assert_true(period_has(period, DAY_FOREVER));
}

static void
every_quality_reads_back_as_printed(void **state)
{
    (void)state;
    for (uint16_t quality = 0; quality < 1000; quality++) {
        char text[QUALITY_TEXT_LEN];
        char expected[8];
        uint16_t again = 1000;

        quality_print(quality, text);
        snprintf(expected, sizeof expected, "%03u", (unsigned)quality);
        assert_string_equal(text, expected);
        assert_int_equal(quality_parse(text, strlen(text), &again, NULL), VG_OK);
        assert_int_equal(again, quality);
    }
}

static void
prints_even_what_no_quality_can_be(void **state)
{
    char text[QUALITY_TEXT_LEN];
    (void)state;

    quality_print(1000, text);
    assert_string_equal(text, "???");
    quality_print(UINT16_MAX, text);
    assert_string_equal(text, "???");
}

static void
a_quality_may_be_written_short(void **state)
{
    uint16_t quality = 0;
    (void)state;

    assert_int_equal(quality_parse("1", 1, &quality, NULL), VG_OK);
    assert_int_equal(quality, 1);
    assert_int_equal(quality_parse("21", 2, &quality, NULL), VG_OK);
    assert_int_equal(quality, 21);
}

static void
refuses_what_is_no_quality(void **state)
{
    static const char *const wrong[] = {"",   "0001", "1000", "x",  "-1",
                                        "+1", " 1",   "1 ",   "1.0"};
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        uint16_t quality = 7;
        struct why why;

        assert_int_equal(quality_parse(wrong[i], strlen(wrong[i]), &quality, &why),
                         VG_UNKNOWN_QUALITY);
        assert_string_equal(why.text, "a quality is one to three digits");
        assert_int_equal(quality, 7);
    }
}

static void
allows_the_codes_of_institutions(void **state)
{
    static const char *const good[] = {
        "RN", "ONSS", "CPAS-21004", "A", "0", "-", "ABCDEFGHIJKLMNOPQRSTUVW"};
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(institution_code_check(good[i], NULL), VG_OK);
    }
}

static void
refuses_other_codes(void **state)
{
    static const char *const wrong[] = {
        "",     "rn",          "CPAS 21004", "CPAS_1",
        "RN\n", "\xc3\x89TAT", "CPAS/1",     "ABCDEFGHIJKLMNOPQRSTUVWX"};
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct why why;

        assert_int_equal(institution_code_check(wrong[i], &why), VG_MALFORMED);
        assert_string_equal(why.text,
                            "an institution's code is 1 to 23 of A-Z, 0-9 and '-'");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_integration_has_its_period),
        cmocka_unit_test(every_quality_reads_back_as_printed),
        cmocka_unit_test(prints_even_what_no_quality_can_be),
        cmocka_unit_test(a_quality_may_be_written_short),
        cmocka_unit_test(refuses_what_is_no_quality),
        cmocka_unit_test(allows_the_codes_of_institutions),
        cmocka_unit_test(refuses_other_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
