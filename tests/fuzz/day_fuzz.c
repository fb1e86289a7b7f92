// SPDX-License-Identifier: EUPL-1.2
// Goal: any text or number is a day with one meaning, or refused.
// Method: parse as a day and as a partial date; print and read again; walk the calendar
// from any moment.
#include <string.h>

#include "values/day.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
check_day(struct day day)
{
    char text[DAY_TEXT_LEN];
    struct day again;

    day_print(day, text);
    CHECK(strlen(text) == DAY_TEXT_LEN - 1);
    CHECK(day_parse(text, strlen(text), &again, NULL) == VG_OK);
    CHECK(again.number == day.number);
    // The day before the last one is followed by "for ever", which nothing leaves.
    again = day_add_days(day, 1);
    CHECK(again.number == DAY_FOREVER.number ||
          day_add_days(again, -1).number == day.number);
    CHECK(day_add_months(day, 12).number == day_add_years(day, 1).number);
    CHECK(day_add_years(day, 1).number >= day.number);
}

static void
check_partial(struct partial_date date)
{
    struct period whole = {partial_date_first(date), partial_date_last(date)};
    char text[DAY_TEXT_LEN];
    struct partial_date again;

    CHECK(whole.begin.number <= whole.end.number);
    CHECK(period_has(whole, whole.begin) && period_has(whole, whole.end));
    partial_date_print(date, text);
    CHECK(partial_date_parse(text, strlen(text), &again, NULL) == VG_OK);
    CHECK(again.number == date.number);
}

static void
check_numbers(uint32_t number, int64_t us)
{
    struct partial_date date;
    struct day day;
    char text[INSTANT_TEXT_LEN];

    if (partial_date_check(number, &date, NULL) == VG_OK) {
        CHECK(date.number == number);
        check_partial(date);
    }
    if (day_from_number(number, &day, NULL) == VG_OK) {
        // 0001-01-01 is "since ever", which is 0 on the wire.
        CHECK(day_number(day) == (day.number == DAY_EVER.number ? 0 : number));
    }
    // 1970 to 2200: what a clock can say.
    us = (int64_t)((uint64_t)us % UINT64_C(7258118400000000));
    instant_print((struct instant){us}, text);
    CHECK(strlen(text) == INSTANT_TEXT_LEN - 1);
    day = day_in_brussels((struct instant){us});
    CHECK(day.number >= us / 86400000000 && day.number <= us / 86400000000 + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct day day;
    struct partial_date date;
    uint32_t number;
    int64_t us;

    if (day_parse((const char *)at, len, &day, NULL) == VG_OK) {
        check_day(day);
    }
    if (partial_date_parse((const char *)at, len, &date, NULL) == VG_OK) {
        check_partial(date);
    }
    if (len >= sizeof(number) + sizeof(us)) {
        memcpy(&number, at, sizeof(number));
        memcpy(&us, at + sizeof(number), sizeof(us));
        check_numbers(number, us);
    }
    return 0;
}
