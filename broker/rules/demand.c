// SPDX-License-Identifier: EUPL-1.2
#include "rules/demand.h"

static struct period
one_day(struct day day)
{
    return (struct period){day, day};
}

// The days to compare with; false when the mutation does not say them.
static bool
days_of(enum when when, const struct judged *judged, struct day today,
        struct period *ret_period)
{
    uint32_t year = judged->mutation->reference_year;

    switch (when) {
    case WHEN_NONE:
        return false;
    case WHEN_TODAY:
        *ret_period = one_day(today);
        return true;
    case WHEN_WINDOW:
        ret_period->begin = day_add_months(today, -WINDOW_MONTHS_BEFORE);
        ret_period->end = day_add_days(today, WINDOW_DAYS_AFTER);
        return true;
    case WHEN_SINCE:
        ret_period->begin = day_add_months(today, -WINDOW_MONTHS_BEFORE);
        ret_period->end = DAY_FOREVER;
        return true;
    case WHEN_OVERLAP:
    case WHEN_COVERS_5Y:
        *ret_period = judged->period;
        return judged->has_period;
    case WHEN_FIRST_JANUARY:
        if (year > INT16_MAX || !day_exists((int)year, 1, 1)) {
            return false;
        }
        *ret_period = one_day(day_of((int)year, 1, 1));
        return true;
    }
    return false;
}

static uint64_t
small_codes_of(const struct condition *condition)
{
    uint64_t codes = 0;

    if (condition->qualities_len == 0) {
        return UINT64_MAX;
    }
    for (uint16_t i = 0; i < condition->qualities_len; i++) {
        if (condition->qualities[i] < DEMAND_SMALL_CODES) {
            codes |= UINT64_C(1) << condition->qualities[i];
        }
    }
    return codes;
}

void
demand_of(const struct condition *condition, const struct judged *judged,
          struct day today, struct demand *ret_demand)
{
    ret_demand->condition = condition;
    ret_demand->when = judged->has_period ? condition->when : condition->when_no_period;
    ret_demand->period = (struct period){DAY_EVER, DAY_FOREVER};
    ret_demand->small_codes = small_codes_of(condition);
    ret_demand->can_be_met =
        days_of(ret_demand->when, judged, today, &ret_demand->period);
}

bool
demand_is_made(const struct condition *condition)
{
    return condition->when != WHEN_NONE;
}

bool
demand_takes_quality(const struct demand *demand, uint16_t quality)
{
    const struct condition *condition = demand->condition;

    if (quality < DEMAND_SMALL_CODES) {
        return (demand->small_codes >> quality & 1) != 0;
    }
    for (uint16_t i = 0; i < condition->qualities_len; i++) {
        if (condition->qualities[i] == quality) {
            return true;
        }
    }
    return condition->qualities_len == 0;
}

bool
demand_takes_days(const struct demand *demand, const struct integration *integration)
{
    struct period held = integration_period(*integration);

    if (!demand->can_be_met) {
        return false;
    }
    if (demand->when != WHEN_COVERS_5Y) {
        return held.begin.number <= demand->period.end.number &&
               held.end.number >= demand->period.begin.number;
    }
    // The integration is extended, not the message: 29 February less 5 years is the 28th.
    held.begin = day_add_years(held.begin, -COVER_YEARS_BEFORE);
    return period_covers(held, demand->period);
}
