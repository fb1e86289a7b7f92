// SPDX-License-Identifier: EUPL-1.2
// Goal: every number that a public register may give out is read, and no other.
// Method: the published examples, valid and invalid, then the rules one by one. Numbers
// made here are fictitious (month + 60), except where a rule is about the others.
#include "values/niss.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { YEAR_NOW = 2026 };

struct example {
    const char *text;
    enum niss_kind kind;
    struct niss_birth birth;
    int is_woman;
};

static const struct example examples[] = {
    {"42012205181", NISS_REGISTER, {1942, 1, 22}, 0},
    {"93051822361", NISS_REGISTER, {1993, 5, 18}, 0},
    {"66041066660", NISS_REGISTER, {1966, 4, 10}, 1},
    {"85073003328", NISS_REGISTER, {1985, 7, 30}, 0},
    {"17073003384", NISS_REGISTER, {2017, 7, 30}, 0},
    {"75060898009", NISS_REGISTER, {1975, 6, 8}, 1},
    {"85073500107", NISS_REGISTER, {1985, 7, 0}, 0}, // day 35
    {"00000100166", NISS_REGISTER, {1900, 0, 0}, 0},
    {"00000100195", NISS_REGISTER, {2000, 0, 0}, 0},
    {"00000000128", NISS_REGISTER, {2000, 0, 0}, 0},
    {"00010000135", NISS_REGISTER, {2000, 1, 0}, 0},
    {"98472899765", NISS_BIS, {1998, 7, 28}, 0},
    {"01490700185", NISS_BIS, {2001, 9, 7}, 0},
    {"75460898095", NISS_BIS, {1975, 6, 8}, 1},
    {"75260898052", NISS_BIS_SEX_UNKNOWN, {1975, 6, 8}, -1},
    {"85473500193", NISS_BIS, {1985, 7, 0}, 0},
    {"00400100155", NISS_BIS, {1900, 0, 0}, 0},
    {"00400100184", NISS_BIS, {2000, 0, 0}, 0},
    {"88222999936", NISS_BIS_SEX_UNKNOWN, {1988, 2, 29}, -1},
    {"08222999934", NISS_BIS_SEX_UNKNOWN, {2008, 2, 29}, -1},
    {"66641066692", NISS_FICTITIOUS, {1966, 4, 10}, 1},
};

static enum vg_status
parse(const char *text, struct niss *ret_niss, struct why *why)
{
    return niss_parse(text, strlen(text), YEAR_NOW, ret_niss, why);
}

// Refused for this reason, and the result is left alone.
static void
assert_refused(const char *text, const char *reason)
{
    struct niss niss = {7};
    struct why why = {""};

    assert_int_equal(parse(text, &niss, &why), VG_BAD_NISS);
    assert_non_null(strstr(why.text, reason));
    assert_null(strstr(why.text, text)); // never a whole number in a log
    assert_int_equal(niss.number, 7);
    assert_int_equal(parse(text, &niss, NULL), VG_BAD_NISS);
}

static void
reads_the_published_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        const struct example *example = &examples[i];
        struct niss niss = {0};

        assert_int_equal(parse(example->text, &niss, NULL), VG_OK);
        assert_int_equal(niss.number, strtoull(example->text, NULL, 10));
        assert_int_equal(niss_kind(niss), example->kind);
        assert_int_equal(niss_birth(niss).year, example->birth.year);
        assert_int_equal(niss_birth(niss).month, example->birth.month);
        assert_int_equal(niss_birth(niss).day, example->birth.day);
        assert_int_equal(niss_is_woman(niss), example->is_woman);
    }
}

static void
reads_them_in_all_written_forms_and_as_integers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        const char *text = examples[i].text;
        uint64_t number = strtoull(text, NULL, 10);
        struct niss dotted = {0};
        struct niss spaced = {0};
        struct niss integer = {0};
        char form[16];

        snprintf(form, sizeof form, "%.2s.%.2s.%.2s-%.3s.%.2s", text, text + 2, text + 4,
                 text + 6, text + 9);
        assert_int_equal(parse(form, &dotted, NULL), VG_OK);
        assert_int_equal(dotted.number, number);
        snprintf(form, sizeof form, "%.6s %.3s %.2s", text, text + 6, text + 9);
        assert_int_equal(parse(form, &spaced, NULL), VG_OK);
        assert_int_equal(spaced.number, number);
        assert_int_equal(niss_check(number, YEAR_NOW, &integer, NULL), VG_OK);
        assert_int_equal(integer.number, number);
    }
}

static void
refuses_the_published_wrong_numbers(void **state)
{
    (void)state;
    assert_refused("12345678901", "check digits");
    assert_refused("66041066601", "check digits");
    assert_refused("66041066600", "check digits");
    assert_refused("85133000105", "month 13");
    assert_refused("85533000191", "month 53");
    assert_refused("85333000148", "month 33");
}

static void
refuses_every_other_written_form(void **state)
{
    static const char *const wrong[] = {
        "",
        "6664106669",
        "666410666921",
        " 66641066692",
        "66641066692 ",
        "6664106669x",
        "66.64.10 666 92",
        "66-64-10-666-92",
        "66.64.10-666-92",
        "66.64.10.666.92",
        "666410-666-92",
        "666410 666.92",
        "66641 0666 92",
        "+6641066692",
        "-6641066692",
        "66 64 10 666 92",
        "\xd9\xa6\xd9\xa6\xd9\xa6\xd9\xa4\xd9\xa1\xd9\xa0", // Arabic digits
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct niss niss = {7};
        struct why why = {""};

        assert_int_equal(parse(wrong[i], &niss, &why), VG_BAD_NISS);
        assert_non_null(strstr(why.text, "eleven digits"));
        assert_int_equal(niss.number, 7);
    }
}

static void
reads_no_further_than_it_is_told(void **state)
{
    struct niss niss = {0};
    (void)state;

    assert_int_equal(niss_parse("66641066692999", 11, YEAR_NOW, &niss, NULL), VG_OK);
    assert_int_equal(niss.number, UINT64_C(66641066692));
    assert_int_equal(niss_parse("66641066692\0", 12, YEAR_NOW, &niss, NULL), VG_BAD_NISS);
}

static void
refuses_integers_that_are_no_number(void **state)
{
    static const uint64_t wrong[] = {
        0,
        1,
        97,                     // the check digits of nothing at all
        UINT64_C(100000000000), // twelve digits
        UINT64_C(166641066692), // twelve digits that end in a good number
        UINT64_C(66641066693),  // one beside
        UINT64_C(66641066691),
        UINT64_MAX,
        UINT64_C(1) << 63,
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct niss niss = {7};

        assert_int_equal(niss_check(wrong[i], YEAR_NOW, &niss, NULL), VG_BAD_NISS);
        assert_int_equal(niss.number, 7);
    }
}

static void
refuses_births_in_the_future(void **state)
{
    struct niss of_2027 = niss_make(2027, 61, 1, 1);
    struct niss of_2026 = niss_make(2026, 61, 1, 1);
    struct niss of_1927 = niss_make(1927, 61, 1, 1);
    struct niss niss;
    struct why why;
    (void)state;

    assert_int_equal(niss_check(of_2027.number, 2026, &niss, &why), VG_BAD_NISS);
    assert_string_equal(why.text, "the person number says born in 2027, after 2026");
    assert_int_equal(niss_check(of_2027.number, 2027, &niss, NULL), VG_OK);
    assert_int_equal(niss_check(of_2026.number, 2026, &niss, NULL), VG_OK);
    assert_int_equal(niss_check(of_1927.number, 2026, &niss, NULL), VG_OK);
    assert_int_equal(niss_check(niss_make(2000, 61, 1, 1).number, 1999, &niss, NULL),
                     VG_BAD_NISS);
}

static void
exactly_one_pair_of_check_digits_fits_each_century(void **state)
{
    (void)state;
    for (uint64_t first_nine = 661; first_nine < UINT64_C(1000000000);
         first_nine += 999983) { // a prime: all kinds of numbers
        uint64_t as_1900 = 97 - first_nine % 97;
        uint64_t as_2000 = 97 - (UINT64_C(2000000000) + first_nine) % 97;
        int month = (int)(first_nine / 100000 % 100);
        int serial = (int)(first_nine % 1000);
        bool issued = month >= 20 || (serial >= 1 && serial <= 998);
        bool possible = month % 20 <= 12 && month < 80 && issued;

        assert_int_not_equal(as_1900, as_2000);
        for (uint64_t check = 0; check < 100; check++) {
            bool fits = possible && (check == as_1900 || check == as_2000);
            struct niss niss;
            enum vg_status status =
                niss_check(first_nine * 100 + check, 2099, &niss, NULL);

            assert_int_equal(status, fits ? VG_OK : VG_BAD_NISS);
            if (fits) {
                assert_int_equal(niss_birth(niss).year / 100, check == as_1900 ? 19 : 20);
            }
        }
    }
}

// With a month as written, and the check digits right.
static enum vg_status
check_month(int month)
{
    uint64_t first_nine = UINT64_C(900000001) + (uint64_t)month * 100000;
    struct niss niss;

    return niss_check(first_nine * 100 + 97 - first_nine % 97, YEAR_NOW, &niss, NULL);
}

static void
four_kinds_have_thirteen_months_each(void **state)
{
    (void)state;
    for (int month = 0; month < 100; month++) {
        bool possible = (month <= 12) || (month >= 20 && month <= 32) ||
                        (month >= 40 && month <= 52) || (month >= 60 && month <= 72);

        assert_int_equal(check_month(month), possible ? VG_OK : VG_BAD_NISS);
    }
}

static void
the_register_does_not_issue_serials_000_and_999(void **state)
{
    static const int serials[] = {0, 999};
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(serials); i++) {
        uint64_t first_nine = UINT64_C(900101000) + (uint64_t)serials[i];
        uint64_t number = first_nine * 100 + 97 - first_nine % 97;
        struct niss bis = niss_make(1990, 41, 1, serials[i]);
        struct niss niss;
        struct why why;

        assert_int_equal(niss_check(number, YEAR_NOW, &niss, &why), VG_BAD_NISS);
        assert_non_null(strstr(why.text, "does not issue serial"));
        assert_int_equal(niss_check(bis.number, YEAR_NOW, &niss, NULL), VG_OK);
        assert_int_equal(niss_is_woman(niss), -1);
    }
}

static void
makes_numbers_that_read_back(void **state)
{
    static const int months[] = {60, 61, 62, 66, 72};
    static const int years[] = {1900, 1925, 1999, 2000, 2026, 2099};
    (void)state;

    for (size_t year = 0; year < ARRAY_LEN(years); year++) {
        for (size_t month = 0; month < ARRAY_LEN(months); month++) {
            for (int day = 0; day <= 28; day += 7) {
                int serial = (int)(year * 150 + month * 10) + day;
                struct niss made = niss_make(years[year], months[month], day, serial);
                struct niss niss;

                assert_int_equal(niss_check(made.number, 2099, &niss, NULL), VG_OK);
                assert_int_equal(niss_kind(niss), NISS_FICTITIOUS);
                assert_int_equal(niss_birth(niss).year, years[year]);
                assert_int_equal(niss_birth(niss).month, months[month] - 60);
                assert_int_equal(niss_birth(niss).day, months[month] == 60 ? 0 : day);
                assert_int_equal(niss.number / 100 % 1000, serial);
            }
        }
    }
}

static void
makes_the_published_numbers(void **state)
{
    (void)state;
    assert_int_equal(niss_make(1966, 64, 10, 666).number, UINT64_C(66641066692));
    assert_int_equal(niss_make(1966, 4, 10, 666).number, UINT64_C(66041066660));
    assert_int_equal(niss_make(2017, 7, 30, 33).number, UINT64_C(17073003384));
    assert_int_equal(niss_make(1975, 26, 8, 980).number, UINT64_C(75260898052));
    assert_int_equal(niss_make(2000, 40, 1, 1).number, UINT64_C(400100184));
}

static void
a_day_beyond_the_end_of_its_month_says_nothing(void **state)
{
    (void)state;
    assert_int_equal(niss_birth(niss_make(2000, 62, 29, 1)).day, 29); // a leap year
    assert_int_equal(niss_birth(niss_make(1900, 62, 29, 1)).day, 0);  // none
    assert_int_equal(niss_birth(niss_make(1999, 62, 29, 1)).day, 0);
    assert_int_equal(niss_birth(niss_make(1999, 64, 30, 1)).day, 30);
    assert_int_equal(niss_birth(niss_make(1999, 64, 31, 1)).day, 0);
    assert_int_equal(niss_birth(niss_make(1999, 64, 99, 1)).day, 0);
    assert_int_equal(niss_birth(niss_make(1999, 64, 0, 1)).day, 0);
    assert_int_equal(niss_birth(niss_make(1999, 60, 15, 1)).day, 0); // of which month?
}

static void
the_serial_tells_the_sex(void **state)
{
    (void)state;
    assert_int_equal(niss_is_woman(niss_make(1990, 61, 1, 1)), 0);
    assert_int_equal(niss_is_woman(niss_make(1990, 61, 1, 2)), 1);
    assert_int_equal(niss_is_woman(niss_make(1990, 61, 1, 997)), 0);
    assert_int_equal(niss_is_woman(niss_make(1990, 61, 1, 998)), 1);
    assert_int_equal(niss_is_woman(niss_make(1990, 21, 1, 2)), -1);
    assert_int_equal(niss_is_woman(niss_make(1990, 41, 1, 2)), 1);
}

static void
shows_two_digits_in_logs_and_eleven_in_answers(void **state)
{
    char text[NISS_MASK_LEN];
    (void)state;

    niss_mask(niss_make(1966, 64, 10, 666), text);
    assert_string_equal(text, "66*********");
    niss_print(niss_make(1966, 64, 10, 666), text);
    assert_string_equal(text, "66641066692");
    niss_mask(niss_make(2000, 60, 0, 1), text);
    assert_string_equal(text, "00*********");
    niss_print((struct niss){UINT64_C(400100184)}, text);
    assert_string_equal(text, "00400100184");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_published_numbers),
        cmocka_unit_test(reads_them_in_all_written_forms_and_as_integers),
        cmocka_unit_test(refuses_the_published_wrong_numbers),
        cmocka_unit_test(refuses_every_other_written_form),
        cmocka_unit_test(reads_no_further_than_it_is_told),
        cmocka_unit_test(refuses_integers_that_are_no_number),
        cmocka_unit_test(refuses_births_in_the_future),
        cmocka_unit_test(exactly_one_pair_of_check_digits_fits_each_century),
        cmocka_unit_test(four_kinds_have_thirteen_months_each),
        cmocka_unit_test(the_register_does_not_issue_serials_000_and_999),
        cmocka_unit_test(makes_numbers_that_read_back),
        cmocka_unit_test(makes_the_published_numbers),
        cmocka_unit_test(a_day_beyond_the_end_of_its_month_says_nothing),
        cmocka_unit_test(the_serial_tells_the_sex),
        cmocka_unit_test(shows_two_digits_in_logs_and_eleven_in_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
