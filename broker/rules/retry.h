// SPDX-License-Identifier: EUPL-1.2
// retry.h - how long a refused letter waits before it is tried again, and how often.
//
// 1, 3, 7, 15, 31 s ... doubling plus one, at most three hours: the retry of the CPAS
// sector's own mutation server. After sixteen refusals a letter is parked: some fourteen
// hours, a night, after the first.
#ifndef RULES_RETRY_H
#define RULES_RETRY_H

#include "base/base.h"

enum {
    RETRY_FIRST_MS = 1000,
    RETRY_LONGEST_MS = 3 * 60 * 60 * 1000,
    RETRY_ATTEMPTS = 16,
};

// Zeros stand for the defaults above.
struct retry_rule {
    uint32_t first_ms;   // pause after the first refusal
    uint32_t longest_ms; // no pause is longer
    uint32_t attempts;   // so many refusals park a letter
};

// retry_pause_ms says how long a letter waits that was refused so often (at least once).
uint64_t retry_pause_ms(const struct retry_rule *rule, uint32_t refusals);

// retry_is_over says whether a letter that was refused so often is parked.
bool retry_is_over(const struct retry_rule *rule, uint32_t refusals);

#endif
