// SPDX-License-Identifier: EUPL-1.2
#include "values/niss.h"

#include "values/day.h"
#include "values/digits.h"

#include <string.h>

// People born from 2000 on are checked as if a 2 stood before their number; without it,
// 1926 and 2026 would share the same check digits.
#define BORN_FROM_2000 UINT64_C(2000000000)

#define NUMBER_END UINT64_C(100000000000)

enum { MONTH_STEP = 20 };

// The groups of a number.
struct groups {
    uint64_t first_nine;
    int year; // of two digits
    int month;
    int day;
    int serial;
    uint64_t check;
};

static struct groups
groups_of(uint64_t number)
{
    uint32_t date = (uint32_t)(number / 100000);

    return (struct groups){
        .first_nine = number / 100,
        .year = (int)(date / 10000),
        .month = (int)(date / 100 % 100),
        .day = (int)(date % 100),
        .serial = (int)(number / 100 % 1000),
        .check = number % 100,
    };
}

static uint64_t
check_digits(uint64_t first_nine)
{
    return 97 - first_nine % 97;
}

// The first year of the century that the check digits tell, 0 if they fit none.
static int
century_of(const struct groups *groups)
{
    if (groups->check == check_digits(groups->first_nine)) {
        return 1900;
    }
    if (groups->check == check_digits(BORN_FROM_2000 + groups->first_nine)) {
        return 2000;
    }
    return 0;
}

static bool
month_is_possible(int month)
{
    return month >= 0 && month / MONTH_STEP <= NISS_FICTITIOUS &&
           month % MONTH_STEP <= 12;
}

// The National Register gives odd serials to 997 and even ones to 998. Bis numbers with
// 000 and 999 exist, and a fictitious person may have any.
static bool
serial_is_possible(int month, int serial)
{
    return month >= MONTH_STEP || (serial >= 1 && serial <= 998);
}

enum vg_status
niss_check(uint64_t number, int year_now, struct niss *ret_niss, struct why *why)
{
    if (number >= NUMBER_END) {
        return fail(why, VG_BAD_NISS, "a person number has eleven digits");
    }

    struct groups groups = groups_of(number);
    int century = century_of(&groups);

    if (century == 0) {
        return fail(why, VG_BAD_NISS, "the check digits of the person number do not fit");
    }
    if (!month_is_possible(groups.month)) {
        return fail(why, VG_BAD_NISS, "no person number has month %02d", groups.month);
    }
    if (!serial_is_possible(groups.month, groups.serial)) {
        return fail(why, VG_BAD_NISS, "the National Register does not issue serial %03d",
                    groups.serial);
    }
    if (century + groups.year > year_now) {
        return fail(why, VG_BAD_NISS, "the person number says born in %d, after %d",
                    century + groups.year, year_now);
    }
    ret_niss->number = number;
    return VG_OK;
}

enum vg_status
niss_parse(const char *text, size_t text_len, int year_now, struct niss *ret_niss,
           struct why *why)
{
    uint64_t number;

    if (!digits_match("###########", text, text_len, &number) &&
        !digits_match("##.##.##-###.##", text, text_len, &number) &&
        !digits_match("###### ### ##", text, text_len, &number)) {
        return fail(why, VG_BAD_NISS,
                    "a person number is eleven digits, YY.MM.DD-SSS.CC or YYMMDD SSS CC");
    }
    return niss_check(number, year_now, ret_niss, why);
}

enum niss_kind
niss_kind(struct niss niss)
{
    return (enum niss_kind)(groups_of(niss.number).month / MONTH_STEP);
}

struct niss_birth
niss_birth(struct niss niss)
{
    struct groups groups = groups_of(niss.number);
    struct niss_birth birth = {
        .year = century_of(&groups) + groups.year,
        .month = groups.month % MONTH_STEP,
    };

    // In an unknown month, and beyond a month's end, the day only tells numbers apart.
    if (day_exists(birth.year, birth.month, groups.day)) {
        birth.day = groups.day;
    }
    return birth;
}

int
niss_is_woman(struct niss niss)
{
    int serial = groups_of(niss.number).serial;

    if (niss_kind(niss) == NISS_BIS_SEX_UNKNOWN || serial == 0 || serial == 999) {
        return -1;
    }
    return serial % 2 == 0;
}

struct niss
niss_make(int year, int month, int day, int serial)
{
    CHECK(year >= 1900 && year <= 2099);
    CHECK(month_is_possible(month));
    CHECK(day >= 0 && day <= 99);
    CHECK(serial >= 0 && serial <= 999 && serial_is_possible(month, serial));

    uint64_t date =
        (uint64_t)(year % 100) * 10000 + (uint64_t)month * 100 + (uint64_t)day;
    uint64_t first_nine = date * 1000 + (uint64_t)serial;
    uint64_t checked = year >= 2000 ? BORN_FROM_2000 + first_nine : first_nine;

    return (struct niss){first_nine * 100 + check_digits(checked)};
}

void
niss_mask(struct niss niss, char ret_text[NISS_MASK_LEN])
{
    niss_print(niss, ret_text);
    memset(ret_text + 2, '*', NISS_DIGITS - 2);
}

void
niss_print(struct niss niss, char ret_text[NISS_MASK_LEN])
{
    *digits_print(ret_text, NISS_DIGITS, niss.number) = '\0';
}
