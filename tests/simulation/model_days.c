// SPDX-License-Identifier: EUPL-1.2
// Days as bits, and the calendar of Brussels for the years of the simulation.
#include "model_inside.h"

int
days_bit(const struct model *model, int32_t day)
{
    int64_t bit = (int64_t)day - model->first_day;

    return bit < 0 ? 0 : bit >= DAYS ? DAYS - 1 : (int)bit;
}

bool
days_has(const struct days *days, int bit)
{
    return (days->word[bit / 64] >> (bit % 64) & 1) != 0;
}

// The first bit at or after this one that is on, or off; DAYS: none.
static int
next_bit(const struct days *days, int bit, bool on)
{
    while (bit < DAYS) {
        uint64_t word = days->word[bit / 64] ^ (on ? 0 : UINT64_MAX);
        uint64_t rest = word & UINT64_MAX << (bit % 64);

        if (rest != 0) {
            return bit / 64 * 64 + __builtin_ctzll(rest);
        }
        bit = (bit / 64 + 1) * 64;
    }
    return DAYS;
}

bool
days_next_run(const struct model *model, const struct days *days, int *bit,
              struct run *ret_run)
{
    int first = days == NULL ? DAYS : next_bit(days, *bit, true);

    if (first == DAYS) {
        return false;
    }
    *bit = next_bit(days, first, false);
    ret_run->begin = model->first_day + first;
    ret_run->end = *bit == DAYS ? INT32_MAX : model->first_day + *bit - 1;
    return true;
}

int
days_set(const struct model *model, struct days **held, int32_t begin, int32_t end,
         bool on)
{
    struct days *days = *held;
    int changed = 0;

    if (days == NULL && !on) {
        return 0;
    }
    if (days == NULL) {
        days = *held = xcalloc(1, sizeof *days);
    }

    for (int bit = days_bit(model, begin); bit <= days_bit(model, end); bit++) {
        if (days_has(days, bit) != on) {
            days->word[bit / 64] ^= UINT64_C(1) << (bit % 64);
            changed++;
        }
    }
    return changed;
}

// ---- the calendar ----

static int64_t
change_us(int year, int month, int day)
{
    return ((int64_t)day_of(year, month, day).number * 24 + 1) * 3600 * 1000000;
}

// Minutes by the clock of Brussels.
static int64_t
minutes_there(int64_t us)
{
    int64_t summers[][2] = {
        {change_us(2026, 3, 29), change_us(2026, 10, 25)},
        {change_us(2027, 3, 28), change_us(2027, 10, 31)},
        {change_us(2028, 3, 26), change_us(2028, 10, 29)},
        {change_us(2029, 3, 25), change_us(2029, 10, 28)},
    };
    int64_t hours = 1;

    for (size_t i = 0; i < ARRAY_LEN(summers); i++) {
        hours += us >= summers[i][0] && us < summers[i][1];
    }
    return us / MINUTE_US + hours * 60;
}

int32_t
model_day(int64_t us)
{
    return (int32_t)(minutes_there(us) / DAY_MINUTES);
}

int
model_minute(int64_t us)
{
    return (int)(minutes_there(us) % DAY_MINUTES);
}
