// SPDX-License-Identifier: EUPL-1.2
// demand.h - a condition of the catalogue, worked out for one day and one mutation.
//
// What the law says in words ("some day from 2 months before to 45 days after") becomes two
// days and a set of codes, once per group and not once per integration.
#ifndef RULES_DEMAND_H
#define RULES_DEMAND_H

#include "rules/judge.h"

enum {
    WINDOW_MONTHS_BEFORE = 2, // of the same date; the month's last day where it has none
    WINDOW_DAYS_AFTER = 45,
    COVER_YEARS_BEFORE = 5,
    DEMAND_SMALL_CODES = 64, // codes below are kept as bits
};

struct demand {
    const struct condition *condition;
    enum when when;       // the rule that counts: another one, perhaps, without a period
    bool can_be_met;      // false: there is no period or year to compare with
    struct period period; // the days that an integration is held against
    uint64_t small_codes; // bit q: quality q below DEMAND_SMALL_CODES counts
};

// demand_of works a condition out. Lends: the condition, for as long as the catalogue lives.
void demand_of(const struct condition *condition, const struct judged *judged,
               struct day today, struct demand *ret_demand);

// demand_is_made says whether an integration is asked at all.
bool demand_is_made(const struct condition *condition);

bool demand_takes_quality(const struct demand *demand, uint16_t quality);
bool demand_takes_days(const struct demand *demand,
                       const struct integration *integration);

#endif
