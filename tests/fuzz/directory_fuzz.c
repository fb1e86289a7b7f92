// SPDX-License-Identifier: EUPL-1.2
// Goal: whatever comes after whatever, a person's integrations are the days that were added
// and not taken away, each holder's in as few rows as possible and in order.
// Method: an input is a sequence of operations; beside the array there is one bit a day.
#include <string.h>

#include "rules/directory.h"

enum {
    INSTITUTIONS = 3,
    QUALITIES = 2,
    HOLDERS = INSTITUTIONS * QUALITIES,
    DAYS = 60,
    FIRST_DAY = 20000,
    ROWS_MAX = HOLDERS * DAYS,
    OPERATION_LEN = 3,
    FOR_EVER = 63, // as a length
};

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

struct both {
    struct integration rows[ROWS_MAX + 1];
    size_t len;
    uint64_t days[HOLDERS];
};

static struct integration
holder_row(size_t holder, struct period period)
{
    return (struct integration){
        .institution = (uint32_t)(1 + holder % INSTITUTIONS),
        .sector = (uint16_t)(holder % INSTITUTIONS == 2 ? 18 : 17),
        .quality = (uint16_t)(1 + holder / INSTITUTIONS),
        .begin = period.begin.number,
        .end = period.end.number,
    };
}

static uint64_t
days_of(int32_t begin, int32_t end)
{
    uint64_t days = 0;

    for (int32_t day = 0; day < DAYS; day++) {
        if (FIRST_DAY + day >= begin && FIRST_DAY + day <= end) {
            days |= UINT64_C(1) << day;
        }
    }
    return days;
}

static struct period
read_period(const uint8_t *at)
{
    int32_t begin = FIRST_DAY + at[0] % DAYS;
    int32_t last = FIRST_DAY + DAYS - 1;
    int32_t end = begin + at[1] % 64;

    return (struct period){{begin}, {end > last ? last : end}};
}

static void
check(const struct both *both)
{
    uint64_t days[HOLDERS] = {0};

    for (size_t i = 0; i < both->len; i++) {
        const struct integration *row = &both->rows[i];
        size_t holder =
            (size_t)(row->quality - 1) * INSTITUTIONS + (size_t)(row->institution - 1);
        const struct integration *before = i == 0 ? NULL : row - 1;

        CHECK(row->begin <= row->end && holder < HOLDERS);
        CHECK((days[holder] & days_of(row->begin - 1, row->end + 1)) == 0); // as few rows
        days[holder] |= days_of(row->begin, row->end);
        if (before != NULL) {
            CHECK(before->sector < row->sector ||
                  (before->sector == row->sector &&
                   (before->institution < row->institution ||
                    (before->institution == row->institution &&
                     (before->quality < row->quality ||
                      (before->quality == row->quality && before->end < row->begin))))));
        }
    }
    CHECK(memcmp(days, both->days, sizeof days) == 0);
}

static void
ask_overlaps(const struct both *both, struct integration asked)
{
    struct integration found[ROWS_MAX];
    size_t len = directory_overlaps(both->rows, both->len, &asked, found, ROWS_MAX);
    uint64_t days = days_of(asked.begin, asked.end);
    size_t expected = 0;

    for (size_t i = 0; i < both->len; i++) {
        const struct integration *row = &both->rows[i];

        expected += row->sector == asked.sector &&
                    row->institution != asked.institution &&
                    (days_of(row->begin, row->end) & days) != 0;
    }
    CHECK(len == expected);
}

static void
operate(struct both *both, const uint8_t *at)
{
    size_t holder = at[0] % HOLDERS;
    struct period period = read_period(at + 1);
    uint64_t days;

    switch (at[0] / HOLDERS % 3) {
    case 0:
        directory_add(both->rows, &both->len, holder_row(holder, period));
        both->days[holder] |= days_of(period.begin.number, period.end.number);
        break;
    case 1:
        if (at[2] % 64 == FOR_EVER) {
            period.end = DAY_FOREVER;
        }
        days = days_of(period.begin.number, period.end.number);
        CHECK(
            (directory_cut(both->rows, &both->len, holder_row(holder, period).institution,
                           holder_row(holder, period).quality, period) > 0) ==
            ((both->days[holder] & days) != 0));
        both->days[holder] &= ~days;
        break;
    default:
        ask_overlaps(both, holder_row(holder, period));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct both both = {.len = 0};

    for (; len >= OPERATION_LEN; at += OPERATION_LEN, len -= OPERATION_LEN) {
        operate(&both, at);
        check(&both);
    }
    return 0;
}
