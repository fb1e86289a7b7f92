// SPDX-License-Identifier: EUPL-1.2
#include "rules/retry.h"

enum { DOUBLINGS_MAX = 30 }; // far beyond any longest pause

uint64_t
retry_pause_ms(const struct retry_rule *rule, uint32_t refusals)
{
    uint64_t first = rule->first_ms == 0 ? RETRY_FIRST_MS : rule->first_ms;
    uint64_t longest = rule->longest_ms == 0 ? RETRY_LONGEST_MS : rule->longest_ms;
    uint32_t doublings = refusals < DOUBLINGS_MAX ? refusals : DOUBLINGS_MAX;
    uint64_t pause;

    CHECK(refusals > 0);
    pause = first * ((UINT64_C(1) << doublings) - 1);
    return pause < longest ? pause : longest;
}

bool
retry_is_over(const struct retry_rule *rule, uint32_t refusals)
{
    return refusals >= (rule->attempts == 0 ? RETRY_ATTEMPTS : rule->attempts);
}
