// SPDX-License-Identifier: EUPL-1.2
#include "values/day.h"

#include "values/digits.h"

enum {
    YEAR_MIN = 1,
    YEAR_MAX = 9999,
    NUMBER_MAX = 2932896,    // 9999-12-31, which is for ever
    NUMBER_MIN = -719162,    // 0001-01-01, which is since ever
    ERA_DAYS = 146097,       // 400 years
    ERA_SHIFT = 719468,      // 0000-03-01 before 1970-01-01
    NUMBER_1970_SUNDAY = 3,  // 1970-01-04
    YEAR_OF_THE_RULE = 1996, // no moment of a broker is older
};

#define HOUR_US INT64_C(3600000000)
#define DAY_US (24 * HOUR_US)

// One day has one number: the ends of the calendar are the two special days.
static struct day
day_clamped(int64_t number)
{
    if (number >= NUMBER_MAX) {
        return DAY_FOREVER;
    }
    if (number <= NUMBER_MIN) {
        return DAY_EVER;
    }
    return (struct day){(int32_t)number};
}

static bool
is_special(struct day day)
{
    return day.number >= NUMBER_MAX || day.number <= NUMBER_MIN;
}

static int
month_len(int year, int month)
{
    static const int8_t lens[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month == 2 && is_leap ? 29 : lens[month - 1];
}

bool
day_exists(int year, int month, int day)
{
    return year >= YEAR_MIN && year <= YEAR_MAX && month >= 1 && month <= 12 &&
           day >= 1 && day <= month_len(year, month);
}

// Years that begin in March end with the leap day, so one formula serves all months
// (30.6 days on average from March on).
static int32_t
number_of(int year, int month, int day)
{
    int march_year = month > 2 ? year : year - 1;
    int march_month = month > 2 ? month - 3 : month + 9;
    int era = march_year / 400;
    int year_of_era = march_year % 400;
    int day_of_year = (153 * march_month + 2) / 5 + day - 1;
    int day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * ERA_DAYS + day_of_era - ERA_SHIFT;
}

struct day
day_of(int year, int month, int day)
{
    CHECK(day_exists(year, month, day));
    return day_clamped(number_of(year, month, day));
}

void
day_parts(struct day day, int *ret_year, int *ret_month, int *ret_day)
{
    int32_t number = day.number;

    number = number > NUMBER_MAX ? NUMBER_MAX : number < NUMBER_MIN ? NUMBER_MIN : number;
    number += ERA_SHIFT;

    // By C. Neri and L. Schneider (2022): half the steps of dividing by the lengths of
    // years and months, and each letter that is sent names two days.
    uint32_t quarters = 4 * (uint32_t)number + 3;
    uint32_t century = quarters / ERA_DAYS;
    uint64_t years = UINT64_C(2939745) * (quarters % ERA_DAYS | 3);
    uint32_t day_of_year = (uint32_t)years / 2939745 / 4;
    uint32_t months = 2141 * day_of_year + 197913;
    bool next_year = day_of_year >= 306; // January, February

    *ret_day = (int)((months & 0xffff) / 2141 + 1);
    *ret_month = (int)(months >> 16) - (next_year ? 12 : 0);
    *ret_year = (int)(100 * century + (uint32_t)(years >> 32)) + next_year;
}

enum vg_status
day_parse(const char *text, size_t text_len, struct day *ret_day, struct why *why)
{
    uint64_t number;

    if (!digits_match("####-##-##", text, text_len, &number)) {
        return fail(why, VG_BAD_DATE, "a day is written YYYY-MM-DD");
    }
    return day_from_number((uint32_t)number, ret_day, why);
}

static void
print_number(uint32_t number, char *text)
{
    text = digits_print(text, 4, number / 10000);
    *text++ = '-';
    text = digits_print(text, 2, number / 100);
    *text++ = '-';
    *digits_print(text, 2, number) = '\0';
}

static uint32_t
number_from_parts(struct day day)
{
    int year;
    int month;
    int day_of_month;

    day_parts(day, &year, &month, &day_of_month);
    return (uint32_t)(year * 10000 + month * 100 + day_of_month);
}

void
day_print(struct day day, char ret_text[DAY_TEXT_LEN])
{
    print_number(number_from_parts(day), ret_text);
}

uint32_t
day_number(struct day day)
{
    return day.number <= NUMBER_MIN ? 0 : number_from_parts(day);
}

enum vg_status
day_from_number(uint32_t number, struct day *ret_day, struct why *why)
{
    int year = (int)(number / 10000);
    int month = (int)(number / 100 % 100);
    int day = (int)(number % 100);

    if (!day_exists(year, month, day)) {
        return fail(why, VG_BAD_DATE, "there is no day %04d-%02d-%02d", year, month, day);
    }
    *ret_day = day_of(year, month, day);
    return VG_OK;
}

struct day
day_add_days(struct day day, int days)
{
    return is_special(day) ? day : day_clamped((int64_t)day.number + days);
}

struct day
day_add_months(struct day day, int months)
{
    if (is_special(day)) {
        return day;
    }

    int year;
    int month;
    int day_of_month;

    day_parts(day, &year, &month, &day_of_month);

    int64_t month_count = (int64_t)year * 12 + (month - 1) + months;

    if (month_count >= (YEAR_MAX + 1) * 12) {
        return DAY_FOREVER;
    }
    if (month_count < YEAR_MIN * 12) {
        return DAY_EVER;
    }

    year = (int)(month_count / 12);
    month = (int)(month_count % 12) + 1;

    int last = month_len(year, month);

    return day_of(year, month, day_of_month < last ? day_of_month : last);
}

struct day
day_add_years(struct day day, int years)
{
    // Nobody needs more than all the years there are, and twelve times it must fit.
    if (years > YEAR_MAX || years < -YEAR_MAX) {
        years = years > 0 ? YEAR_MAX : -YEAR_MAX;
    }
    return day_add_months(day, years * 12);
}

// The last Sunday of a month of 31 days, after 1970.
static int32_t
last_sunday(int year, int month)
{
    int32_t last = number_of(year, month, 31);

    return last - (last - NUMBER_1970_SUNDAY) % 7;
}

static bool
is_summer(int32_t number)
{
    int year;
    int month;
    int day;

    day_parts((struct day){number}, &year, &month, &day);
    return year >= YEAR_OF_THE_RULE && number >= last_sunday(year, 3) &&
           number < last_sunday(year, 10);
}

// Brussels is one or two hours ahead, so only one hour of the day needs to know which,
// and the clocks never change in that hour.
struct day
day_in_brussels(struct instant instant)
{
    int64_t number = instant.us / DAY_US;
    int64_t since_midnight = instant.us % DAY_US;

    if (since_midnight < 0) {
        since_midnight += DAY_US;
        number--;
    }
    if (since_midnight >= 23 * HOUR_US ||
        (since_midnight >= 22 * HOUR_US && is_summer((int32_t)number))) {
        number++;
    }
    return day_clamped(number);
}

int
minute_in_brussels(struct instant instant)
{
    enum { MINUTES = 24 * 60, HOUR = 60 };
    int32_t number = (int32_t)(instant.us / DAY_US);
    int64_t since_midnight = instant.us % DAY_US;
    bool summer;

    if (since_midnight < 0) {
        since_midnight += DAY_US;
        number--;
    }
    // The clocks change at 01:00 UTC.
    summer = since_midnight >= HOUR_US ? is_summer(number) : is_summer(number - 1);
    return (int)(since_midnight / (HOUR_US / HOUR) + (summer ? 2 : 1) * HOUR) % MINUTES;
}

void
instant_print(struct instant instant, char ret_text[INSTANT_TEXT_LEN])
{
    int64_t number = instant.us / DAY_US;
    int64_t us = instant.us % DAY_US;

    if (us < 0) {
        us += DAY_US;
        number--;
    }
    day_print(day_clamped(number), ret_text);

    uint64_t seconds = (uint64_t)us / 1000000;
    char *text = ret_text + DAY_TEXT_LEN - 1;

    *text++ = 'T';
    text = digits_print(text, 2, seconds / 3600);
    *text++ = ':';
    text = digits_print(text, 2, seconds / 60 % 60);
    *text++ = ':';
    text = digits_print(text, 2, seconds % 60);
    *text++ = '.';
    text = digits_print(text, 6, (uint64_t)us % 1000000);
    *text++ = 'Z';
    *text = '\0';
}

enum vg_status
partial_date_parse(const char *text, size_t text_len, struct partial_date *ret_date,
                   struct why *why)
{
    uint64_t number;

    if (!digits_match("####-##-##", text, text_len, &number)) {
        return fail(why, VG_BAD_DATE,
                    "a date is written YYYY-MM-DD, unknown parts as 00");
    }
    return partial_date_check((uint32_t)number, ret_date, why);
}

enum vg_status
partial_date_check(uint32_t number, struct partial_date *ret_date, struct why *why)
{
    int year = (int)(number / 10000);
    int month = (int)(number / 100 % 100);
    int day = (int)(number % 100);
    bool day_unknown = day == 0;
    bool month_unknown =
        month == 0 && day_unknown; // a day without its month says nothing

    if (!day_exists(year, month_unknown ? 1 : month, day_unknown ? 1 : day)) {
        return fail(why, VG_BAD_DATE, "there is no date %04d-%02d-%02d", year, month,
                    day);
    }
    ret_date->number = number;
    return VG_OK;
}

void
partial_date_print(struct partial_date date, char ret_text[DAY_TEXT_LEN])
{
    print_number(date.number, ret_text);
}

struct day
partial_date_first(struct partial_date date)
{
    int month = (int)(date.number / 100 % 100);
    int day = (int)(date.number % 100);

    return day_of((int)(date.number / 10000), month == 0 ? 1 : month, day == 0 ? 1 : day);
}

struct day
partial_date_last(struct partial_date date)
{
    int year = (int)(date.number / 10000);
    int month = (int)(date.number / 100 % 100);
    int day = (int)(date.number % 100);

    month = month == 0 ? 12 : month;
    return day_of(year, month, day == 0 ? month_len(year, month) : day);
}

bool
period_has(struct period period, struct day day)
{
    return period.begin.number <= day.number && day.number <= period.end.number;
}

// Written with the common part, so that a period that ends before it begins overlaps
// nothing.
bool
period_overlaps(struct period a, struct period b)
{
    int32_t begin = a.begin.number > b.begin.number ? a.begin.number : b.begin.number;
    int32_t end = a.end.number < b.end.number ? a.end.number : b.end.number;

    return begin <= end;
}

bool
period_covers(struct period outer, struct period inner)
{
    return outer.begin.number <= inner.begin.number &&
           inner.end.number <= outer.end.number;
}
