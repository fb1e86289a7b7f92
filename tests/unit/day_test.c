// SPDX-License-Identifier: EUPL-1.2
// Goal: a day is the same day everywhere: on the wire, in the store, in Brussels.
// Method: the C library's calendar and its Europe/Brussels are the second opinion over
// centuries; the edges (summer time, midnight, month ends) stand here by hand.
#include "values/day.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define SECOND_US INT64_C(1000000)
#define DAY_SECONDS INT64_C(86400)

static struct day
day_from(const char *text)
{
    struct day day = {0};

    assert_int_equal(day_parse(text, strlen(text), &day, NULL), VG_OK);
    return day;
}

static void
assert_day(struct day day, const char *text)
{
    char printed[DAY_TEXT_LEN];

    day_print(day, printed);
    assert_string_equal(printed, text);
}

static struct instant
instant_of(int year, int month, int day, int hour, int minute, int second)
{
    int64_t seconds = day_of(year, month, day).number * DAY_SECONDS + hour * 3600 +
                      minute * 60 + second;

    return (struct instant){seconds * SECOND_US};
}

static void
counts_days_like_the_c_library(void **state)
{
    (void)state;
    for (int32_t number = -719161; number < 2932896; number++) {
        struct day day = {number};
        int year;
        int month;
        int day_of_month;

        day_parts(day, &year, &month, &day_of_month);
        if (number % 97 == 0 || (number > 0 && number < 40000)) {
            time_t seconds = (time_t)number * DAY_SECONDS;
            struct tm parts;

            assert_non_null(gmtime_r(&seconds, &parts));
            assert_int_equal(year, parts.tm_year + 1900);
            assert_int_equal(month, parts.tm_mon + 1);
            assert_int_equal(day_of_month, parts.tm_mday);
        }
        if (day_of(year, month, day_of_month).number != number) {
            fail_msg("day %d does not come back", number);
        }
    }
}

static void
knows_the_leap_years(void **state)
{
    (void)state;
    assert_true(day_exists(2000, 2, 29));
    assert_true(day_exists(2024, 2, 29));
    assert_false(day_exists(1900, 2, 29));
    assert_false(day_exists(2026, 2, 29));
    assert_false(day_exists(2100, 2, 29));
    assert_true(day_exists(2026, 2, 28));
    assert_false(day_exists(2000, 2, 30));
    assert_false(day_exists(2026, 4, 31));
    assert_true(day_exists(2026, 12, 31));
    assert_false(day_exists(2026, 12, 32));
    assert_false(day_exists(2026, 13, 1));
    assert_false(day_exists(2026, 0, 1));
    assert_false(day_exists(2026, 1, 0));
    assert_false(day_exists(0, 1, 1));
    assert_false(day_exists(10000, 1, 1));
    assert_false(day_exists(2026, -1, -1));
}

static void
reads_and_writes_days(void **state)
{
    static const char *const good[] = {"1970-01-01", "0001-01-02", "9999-12-30",
                                       "2024-02-29", "1899-12-31", "2026-11-20"};
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_day(day_from(good[i]), good[i]);
    }
    assert_int_equal(day_from("1970-01-01").number, 0);
    assert_int_equal(day_from("1969-12-31").number, -1);
    assert_int_equal(day_from("2000-03-01").number, 11017);
}

static void
refuses_what_is_no_day(void **state)
{
    static const char *const wrong[] = {
        "",           "2026-11-2",  "2026-11-200", "2026/11/20",  "20261120",
        "2026-11-00", "2026-00-00", "2026-02-29",  "2026-13-01",  "0000-01-01",
        "2026-11-3x", "20-11-2026", " 2026-11-20", "2026-11-20 ", "-026-11-20",
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct day day = {7};

        assert_int_equal(day_parse(wrong[i], strlen(wrong[i]), &day, NULL), VG_BAD_DATE);
        assert_int_equal(day.number, 7);
    }

    struct day day;
    struct why why;

    assert_int_equal(day_parse("2026-02-29", 10, &day, &why), VG_BAD_DATE);
    assert_string_equal(why.text, "there is no day 2026-02-29");
}

static void
for_ever_and_since_ever_are_the_ends_of_the_calendar(void **state)
{
    struct day day;
    (void)state;

    assert_day(DAY_FOREVER, "9999-12-31");
    assert_day(DAY_EVER, "0001-01-01");
    assert_int_equal(day_from("9999-12-31").number, DAY_FOREVER.number);
    assert_int_equal(day_from("0001-01-01").number, DAY_EVER.number);
    assert_int_equal(day_of(9999, 12, 31).number, DAY_FOREVER.number);
    assert_int_equal(day_number(DAY_FOREVER), 99991231);
    assert_int_equal(day_number(DAY_EVER), 0);
    assert_int_equal(day_from_number(99991231, &day, NULL), VG_OK);
    assert_int_equal(day.number, DAY_FOREVER.number);
    assert_true(day_from("9999-12-30").number < DAY_FOREVER.number);
    assert_true(day_from("0001-01-02").number > DAY_EVER.number);
}

static void
any_stored_number_prints_within_its_bounds(void **state)
{
    static const int32_t strange[] = {INT32_MIN + 1, -1000000000, 1000000000,
                                      INT32_MAX - 1};
    static const char *const printed[] = {"0001-01-01", "0001-01-01", "9999-12-31",
                                          "9999-12-31"};
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(strange); i++) {
        assert_day((struct day){strange[i]}, printed[i]);
    }
}

static void
numbers_are_yyyymmdd(void **state)
{
    static const uint32_t wrong[] = {0,        1,        20260000, 20261100,  20261131,
                                     20261301, 20260229, 20260001, 100000101, UINT32_MAX};
    struct day day;
    (void)state;

    assert_int_equal(day_number(day_of(2026, 11, 20)), 20261120);
    assert_int_equal(day_number(day_of(1066, 10, 14)), 10661014);
    assert_int_equal(day_from_number(20261120, &day, NULL), VG_OK);
    assert_day(day, "2026-11-20");
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        day.number = 7;
        assert_int_equal(day_from_number(wrong[i], &day, NULL), VG_BAD_DATE);
        assert_int_equal(day.number, 7);
    }
}

static void
months_later_end_on_the_last_day_there_is(void **state)
{
    (void)state;
    assert_day(day_add_months(day_of(2026, 1, 31), 1), "2026-02-28");
    assert_day(day_add_months(day_of(2024, 1, 31), 1), "2024-02-29");
    assert_day(day_add_months(day_of(2026, 1, 31), 2), "2026-03-31");
    assert_day(day_add_months(day_of(2026, 3, 31), -1), "2026-02-28");
    assert_day(day_add_months(day_of(2026, 8, 31), 1), "2026-09-30");
    assert_day(day_add_months(day_of(2026, 12, 15), 1), "2027-01-15");
    assert_day(day_add_months(day_of(2026, 1, 15), -1), "2025-12-15");
    assert_day(day_add_months(day_of(2026, 11, 30), 3), "2027-02-28");
    assert_day(day_add_months(day_of(2026, 11, 20), 0), "2026-11-20");
    assert_day(day_add_years(day_of(2024, 2, 29), 1), "2025-02-28");
    assert_day(day_add_years(day_of(2024, 2, 29), 4), "2028-02-29");
    assert_day(day_add_years(day_of(2026, 11, 20), 5), "2031-11-20");
    assert_day(day_add_years(day_of(2026, 11, 20), -100), "1926-11-20");
    assert_day(day_add_days(day_of(2024, 2, 28), 1), "2024-02-29");
    assert_day(day_add_days(day_of(2026, 2, 28), 1), "2026-03-01");
    assert_day(day_add_days(day_of(2026, 1, 1), -1), "2025-12-31");
    assert_day(day_add_days(day_of(2026, 12, 1), 45), "2027-01-15");
}

static void
adding_keeps_for_ever_and_never_leaves_the_calendar(void **state)
{
    static const int amounts[] = {0, 1, -1, 100000, -100000, INT32_MAX, INT32_MIN};
    struct day day = day_of(2026, 11, 20);
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(amounts); i++) {
        int amount = amounts[i];

        assert_int_equal(day_add_days(DAY_FOREVER, amount).number, INT32_MAX);
        assert_int_equal(day_add_months(DAY_FOREVER, amount).number, INT32_MAX);
        assert_int_equal(day_add_years(DAY_FOREVER, amount).number, INT32_MAX);
        assert_int_equal(day_add_days(DAY_EVER, amount).number, INT32_MIN);
        assert_int_equal(day_add_months(DAY_EVER, amount).number, INT32_MIN);
        assert_int_equal(day_add_years(DAY_EVER, amount).number, INT32_MIN);
    }
    assert_int_equal(day_add_days(day, INT32_MAX).number, DAY_FOREVER.number);
    assert_int_equal(day_add_days(day, INT32_MIN).number, DAY_EVER.number);
    assert_int_equal(day_add_months(day, INT32_MAX).number, DAY_FOREVER.number);
    assert_int_equal(day_add_months(day, INT32_MIN).number, DAY_EVER.number);
    assert_int_equal(day_add_years(day, INT32_MAX).number, DAY_FOREVER.number);
    assert_int_equal(day_add_years(day, INT32_MIN).number, DAY_EVER.number);
    assert_day(day_add_years(day, 9999 - 2026), "9999-11-20");
    assert_int_equal(day_add_years(day, 9999 - 2025).number, DAY_FOREVER.number);
    assert_day(day_add_years(day, -2025), "0001-11-20");
    assert_int_equal(day_add_years(day, -2026).number, DAY_EVER.number);
    assert_int_equal(day_add_days(day_of(9999, 12, 30), 1).number, DAY_FOREVER.number);
    assert_int_equal(day_add_days(day_of(1, 1, 2), -1).number, DAY_EVER.number);
}

static void
midnight_in_brussels_is_an_hour_or_two_early(void **state)
{
    (void)state;
    // winter: one hour ahead
    assert_day(day_in_brussels(instant_of(2026, 1, 10, 22, 59, 59)), "2026-01-10");
    assert_day(day_in_brussels(instant_of(2026, 1, 10, 23, 0, 0)), "2026-01-11");
    // summer: two hours
    assert_day(day_in_brussels(instant_of(2026, 7, 10, 21, 59, 59)), "2026-07-10");
    assert_day(day_in_brussels(instant_of(2026, 7, 10, 22, 0, 0)), "2026-07-11");
    // the last microsecond of a year
    struct instant new_year = instant_of(2026, 12, 31, 23, 0, 0);

    assert_day(day_in_brussels((struct instant){new_year.us - 1}), "2026-12-31");
    assert_day(day_in_brussels(new_year), "2027-01-01");
    assert_day(day_in_brussels((struct instant){0}), "1970-01-01");
    assert_day(day_in_brussels((struct instant){-1}), "1970-01-01");
    assert_day(day_in_brussels((struct instant){-3601 * SECOND_US}), "1969-12-31");
}

static void
the_clocks_change_on_the_last_sundays_of_march_and_october(void **state)
{
    (void)state;
    // 2026-03-29: the evening before is still winter, the evening itself summer.
    assert_day(day_in_brussels(instant_of(2026, 3, 28, 22, 30, 0)), "2026-03-28");
    assert_day(day_in_brussels(instant_of(2026, 3, 28, 23, 0, 0)), "2026-03-29");
    assert_day(day_in_brussels(instant_of(2026, 3, 29, 0, 59, 59)), "2026-03-29");
    assert_day(day_in_brussels(instant_of(2026, 3, 29, 1, 0, 0)), "2026-03-29");
    assert_day(day_in_brussels(instant_of(2026, 3, 29, 21, 59, 59)), "2026-03-29");
    assert_day(day_in_brussels(instant_of(2026, 3, 29, 22, 0, 0)), "2026-03-30");
    // 2026-10-25: the evening before is still summer, the evening itself winter.
    assert_day(day_in_brussels(instant_of(2026, 10, 24, 21, 59, 59)), "2026-10-24");
    assert_day(day_in_brussels(instant_of(2026, 10, 24, 22, 0, 0)), "2026-10-25");
    assert_day(day_in_brussels(instant_of(2026, 10, 25, 1, 0, 0)), "2026-10-25");
    assert_day(day_in_brussels(instant_of(2026, 10, 25, 22, 0, 0)), "2026-10-25");
    assert_day(day_in_brussels(instant_of(2026, 10, 25, 22, 59, 59)), "2026-10-25");
    assert_day(day_in_brussels(instant_of(2026, 10, 25, 23, 0, 0)), "2026-10-26");
    // The rule began in 1996; before, all is winter.
    assert_day(day_in_brussels(instant_of(1996, 3, 31, 22, 30, 0)), "1996-04-01");
    assert_day(day_in_brussels(instant_of(1995, 7, 10, 22, 30, 0)), "1995-07-10");
    assert_day(day_in_brussels(instant_of(1969, 7, 10, 22, 30, 0)), "1969-07-10");
    // The 31st is itself a Sunday: 2024-03-31 and 2027-10-31.
    assert_day(day_in_brussels(instant_of(2024, 3, 30, 22, 30, 0)), "2024-03-30");
    assert_day(day_in_brussels(instant_of(2024, 3, 31, 22, 30, 0)), "2024-04-01");
    assert_day(day_in_brussels(instant_of(2027, 10, 30, 22, 30, 0)), "2027-10-31");
    assert_day(day_in_brussels(instant_of(2027, 10, 31, 22, 30, 0)), "2027-10-31");
}

static void
the_clock_in_brussels_jumps_at_one_utc(void **state)
{
    (void)state;
    assert_int_equal(minute_in_brussels(instant_of(2026, 3, 29, 0, 59, 59)), 60 + 59);
    assert_int_equal(minute_in_brussels(instant_of(2026, 3, 29, 1, 0, 0)), 3 * 60);
    assert_int_equal(minute_in_brussels(instant_of(2026, 10, 25, 0, 59, 59)),
                     2 * 60 + 59);
    assert_int_equal(minute_in_brussels(instant_of(2026, 10, 25, 1, 0, 0)), 2 * 60);
    assert_int_equal(minute_in_brussels(instant_of(2026, 1, 1, 22, 59, 59)), 24 * 60 - 1);
    assert_int_equal(minute_in_brussels(instant_of(2026, 1, 1, 23, 0, 0)), 0);
    assert_int_equal(minute_in_brussels((struct instant){-1}), 59);
}

static void
agrees_with_the_time_zone_database(void **state)
{
    struct tm parts;
    time_t july = 1783000000; // 2026-07-02
    (void)state;

    setenv("TZ", "Europe/Brussels", 1);
    tzset();
    localtime_r(&july, &parts);
    if (parts.tm_gmtoff != 7200) {
        skip(); // tzdata is not installed
    }
    // Every half hour from 1996 to 2037.
    for (time_t at = 820454400; at < 2145916800; at += 1800) {
        struct day day = day_in_brussels((struct instant){at * SECOND_US});
        int year;
        int month;
        int day_of_month;

        localtime_r(&at, &parts);
        day_parts(day, &year, &month, &day_of_month);
        if (year != parts.tm_year + 1900 || month != parts.tm_mon + 1 ||
            day_of_month != parts.tm_mday) {
            fail_msg("%lld is %d-%d-%d, not %d-%d-%d", (long long)at,
                     parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, year, month,
                     day_of_month);
        }
        assert_int_equal(minute_in_brussels((struct instant){at * SECOND_US}),
                         parts.tm_hour * 60 + parts.tm_min);
    }
}

static void
moments_print_to_the_microsecond(void **state)
{
    char text[INSTANT_TEXT_LEN];
    (void)state;

    instant_print((struct instant){instant_of(2026, 11, 20, 9, 30, 0).us + 123456}, text);
    assert_string_equal(text, "2026-11-20T09:30:00.123456Z");
    instant_print((struct instant){0}, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
    instant_print((struct instant){-1}, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
    instant_print((struct instant){instant_of(2024, 2, 29, 23, 59, 59).us + 1}, text);
    assert_string_equal(text, "2024-02-29T23:59:59.000001Z");
}

static void
moments_beyond_the_calendar_stay_in_it(void **state)
{
    char text[INSTANT_TEXT_LEN];
    (void)state;

    instant_print((struct instant){INT64_MAX}, text);
    assert_memory_equal(text, "9999-12-31T", 11);
    assert_int_equal(strlen(text), INSTANT_TEXT_LEN - 1);
    instant_print((struct instant){INT64_MIN}, text);
    assert_memory_equal(text, "0001-01-01T", 11);
    assert_int_equal(strlen(text), INSTANT_TEXT_LEN - 1);
    assert_int_equal(day_in_brussels((struct instant){INT64_MAX}).number, INT32_MAX);
    assert_int_equal(day_in_brussels((struct instant){INT64_MIN}).number, INT32_MIN);
}

static void
a_partial_date_has_a_first_and_a_last_day(void **state)
{
    static const struct {
        const char *text;
        const char *first;
        const char *last;
    } dates[] = {
        {"2024-05-17", "2024-05-17", "2024-05-17"},
        {"2024-05-00", "2024-05-01", "2024-05-31"},
        {"2024-02-00", "2024-02-01", "2024-02-29"},
        {"2023-02-00", "2023-02-01", "2023-02-28"},
        {"2024-00-00", "2024-01-01", "2024-12-31"},
        {"9999-12-00", "9999-12-01", "9999-12-31"},
        {"0001-00-00", "0001-01-01", "0001-12-31"},
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
        struct partial_date date;
        struct partial_date again;
        char text[DAY_TEXT_LEN];

        assert_int_equal(partial_date_parse(dates[i].text, 10, &date, NULL), VG_OK);
        assert_day(partial_date_first(date), dates[i].first);
        assert_day(partial_date_last(date), dates[i].last);
        partial_date_print(date, text);
        assert_string_equal(text, dates[i].text);
        assert_int_equal(partial_date_check(date.number, &again, NULL), VG_OK);
        assert_int_equal(again.number, date.number);
    }
}

static void
refuses_impossible_partial_dates(void **state)
{
    static const char *const wrong[] = {"2024-00-17", "0000-00-00", "2024-13-00",
                                        "2024-02-30", "2023-02-29", "2024-05-32",
                                        "0000-05-17", "2024-05",    "2024",
                                        "2024-05-1",  "2024-99-00", ""};
    static const uint32_t numbers[] = {0,        1,        17,        500,
                                       20240017, 20241300, 100000000, UINT32_MAX};
    struct partial_date date = {7};
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(partial_date_parse(wrong[i], strlen(wrong[i]), &date, NULL),
                         VG_BAD_DATE);
    }
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        assert_int_equal(partial_date_check(numbers[i], &date, NULL), VG_BAD_DATE);
    }
    assert_int_equal(date.number, 7);
}

static struct period
period_of(int32_t begin, int32_t end)
{
    return (struct period){{begin}, {end}};
}

static void
a_period_holds_both_its_ends(void **state)
{
    struct period period = period_of(10, 20);
    struct period always = {DAY_EVER, DAY_FOREVER};
    (void)state;

    assert_false(period_has(period, (struct day){9}));
    assert_true(period_has(period, (struct day){10}));
    assert_true(period_has(period, (struct day){20}));
    assert_false(period_has(period, (struct day){21}));
    assert_true(period_has(always, DAY_EVER));
    assert_true(period_has(always, DAY_FOREVER));
    assert_false(period_has(period_of(20, 10), (struct day){15}));
}

static void
periods_overlap_when_they_share_a_day(void **state)
{
    struct period period = period_of(10, 20);
    (void)state;

    assert_true(period_overlaps(period, period_of(20, 30)));
    assert_true(period_overlaps(period_of(20, 30), period));
    assert_false(period_overlaps(period, period_of(21, 30)));
    assert_false(period_overlaps(period_of(21, 30), period));
    assert_true(period_overlaps(period, period_of(12, 13)));
    assert_true(period_overlaps(period_of(12, 13), period));
    assert_true(period_overlaps(period, (struct period){DAY_EVER, DAY_FOREVER}));
    assert_false(period_overlaps(period, period_of(15, 14))); // it has no day to share
}

static void
a_period_covers_what_lies_wholly_inside(void **state)
{
    struct period period = period_of(10, 20);
    (void)state;

    assert_true(period_covers(period, period));
    assert_true(period_covers(period, period_of(11, 19)));
    assert_false(period_covers(period, period_of(9, 20)));
    assert_false(period_covers(period, period_of(10, 21)));
    assert_false(period_covers(period, period_of(30, 40)));
    assert_true(period_covers((struct period){DAY_EVER, DAY_FOREVER}, period));
    assert_false(period_covers(period, (struct period){{10}, DAY_FOREVER}));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_days_like_the_c_library),
        cmocka_unit_test(knows_the_leap_years),
        cmocka_unit_test(reads_and_writes_days),
        cmocka_unit_test(refuses_what_is_no_day),
        cmocka_unit_test(for_ever_and_since_ever_are_the_ends_of_the_calendar),
        cmocka_unit_test(any_stored_number_prints_within_its_bounds),
        cmocka_unit_test(numbers_are_yyyymmdd),
        cmocka_unit_test(months_later_end_on_the_last_day_there_is),
        cmocka_unit_test(adding_keeps_for_ever_and_never_leaves_the_calendar),
        cmocka_unit_test(midnight_in_brussels_is_an_hour_or_two_early),
        cmocka_unit_test(the_clocks_change_on_the_last_sundays_of_march_and_october),
        cmocka_unit_test(the_clock_in_brussels_jumps_at_one_utc),
        cmocka_unit_test(agrees_with_the_time_zone_database),
        cmocka_unit_test(moments_print_to_the_microsecond),
        cmocka_unit_test(moments_beyond_the_calendar_stay_in_it),
        cmocka_unit_test(a_partial_date_has_a_first_and_a_last_day),
        cmocka_unit_test(refuses_impossible_partial_dates),
        cmocka_unit_test(a_period_holds_both_its_ends),
        cmocka_unit_test(periods_overlap_when_they_share_a_day),
        cmocka_unit_test(a_period_covers_what_lies_wholly_inside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
