// SPDX-License-Identifier: EUPL-1.2
#include "values/limits.h"

enum { WARN_PERCENT = 80, CALM_PERCENT = 70, DAY_S = 24 * 60 * 60 };

struct limits
limits_or(const struct limits *own, const struct limits *defaults)
{
    return (struct limits){
        .messages = own->messages != 0 ? own->messages : defaults->messages,
        .bytes = own->bytes != 0 ? own->bytes : defaults->bytes,
        .age_days = own->age_days != 0 ? own->age_days : defaults->age_days,
        .attempts = own->attempts != 0 ? own->attempts : defaults->attempts,
    };
}

// Rounded up: of one letter 80 % is one.
static uint64_t
part_of(uint64_t max, uint64_t percent)
{
    return max / 100 * percent + (max % 100 * percent + 99) / 100;
}

enum limits_level
level_of(uint64_t number, uint64_t max, enum limits_level before)
{
    if (max == 0) {
        return LIMITS_CALM;
    }
    if (number >= max) {
        return LIMITS_FULL;
    }
    if (number < part_of(max, CALM_PERCENT)) {
        return LIMITS_CALM;
    }
    if (before == LIMITS_CALM && number >= part_of(max, WARN_PERCENT)) {
        return LIMITS_WARNED;
    }
    return before;
}

enum limits_level
limits_level(const struct limits *limits, const struct fill *fill,
             enum limits_level before)
{
    const enum limits_level levels[] = {
        level_of(fill->messages, limits->messages, before),
        level_of(fill->bytes, limits->bytes, before),
        level_of(fill->age_s, (uint64_t)limits->age_days * DAY_S, before),
    };
    enum limits_level level = LIMITS_CALM;

    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        level = levels[i] > level ? levels[i] : level;
    }
    return level;
}

const char *
limits_level_name(enum limits_level level)
{
    static const char *const names[] = {"calm", "warned", "full"};

    CHECK((size_t)level < ARRAY_LEN(names));
    return names[level];
}
