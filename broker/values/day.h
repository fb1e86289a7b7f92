// SPDX-License-Identifier: EUPL-1.2
// day.h - calendar days in Brussels, partial dates, and moments.
#ifndef VALUES_DAY_H
#define VALUES_DAY_H

#include "base/why.h"

enum { DAY_TEXT_LEN = 11 };

// A calendar day: days since 1970-01-01, proleptic Gregorian.
struct day {
    int32_t number;
};

// For ever: prints as "9999-12-31", is after every other day. The calendar ends with these
// two: reading "9999-12-31" gives DAY_FOREVER, and adding to a day never goes beyond.
#define DAY_FOREVER ((struct day){INT32_MAX})
// Since ever: prints as "0001-01-01".
#define DAY_EVER ((struct day){INT32_MIN})

// A moment: microseconds since 1970-01-01 00:00 UTC.
struct instant {
    int64_t us;
};

struct day day_of(int year, int month, int day); // CHECKs that it exists
bool day_exists(int year, int month, int day);
void day_parts(struct day day, int *ret_year, int *ret_month, int *ret_day);

// day_parse reads YYYY-MM-DD; VG_BAD_DATE otherwise.
NODISCARD enum vg_status day_parse(const char *text, size_t text_len, struct day *ret_day,
                                   struct why *why);
void day_print(struct day day, char ret_text[DAY_TEXT_LEN]);

// day_number gives yyyymmdd as on the wire, 0 for DAY_EVER, 99991231 for DAY_FOREVER.
uint32_t day_number(struct day day);
// day_from_number reads a whole yyyymmdd (99991231 is DAY_FOREVER); VG_BAD_DATE if the
// day does not exist or is partial.
NODISCARD enum vg_status day_from_number(uint32_t number, struct day *ret_day,
                                         struct why *why);

// day_add_* keep DAY_FOREVER and DAY_EVER. A month or year later that has no such day
// (31 January, 29 February) ends on that month's last day.
struct day day_add_days(struct day day, int days);
struct day day_add_months(struct day day, int months);
struct day day_add_years(struct day day, int years);

// day_in_brussels gives the calendar day in Europe/Brussels of a moment (EU summer time
// since 1996: last Sunday of March to last Sunday of October, 01:00 UTC; before, all is
// winter).
struct day day_in_brussels(struct instant instant);
// minute_in_brussels gives what the clock shows there: minutes since midnight, 0 to 1439.
int minute_in_brussels(struct instant instant);

// instant_print writes 2026-11-20T09:30:00.123456Z.
enum { INSTANT_TEXT_LEN = 28 };
void instant_print(struct instant instant, char ret_text[INSTANT_TEXT_LEN]);

// A date of which month or day may be unknown: 2024-05-00, 2024-00-00.
struct partial_date {
    uint32_t number; // yyyymmdd
};

NODISCARD enum vg_status partial_date_parse(const char *text, size_t text_len,
                                            struct partial_date *ret_date,
                                            struct why *why);
NODISCARD enum vg_status
partial_date_check(uint32_t number, struct partial_date *ret_date, struct why *why);
void partial_date_print(struct partial_date date, char ret_text[DAY_TEXT_LEN]);
struct day partial_date_first(struct partial_date date); // its earliest day
struct day partial_date_last(struct partial_date date);  // its latest day

// A stretch of whole days, both ends included.
struct period {
    struct day begin;
    struct day end;
};

bool period_has(struct period period, struct day day);
bool period_overlaps(struct period a, struct period b);
bool period_covers(struct period outer, struct period inner);

#endif
