// SPDX-License-Identifier: EUPL-1.2
// limits.h - how much may lie in a mailbox before somebody is told, and before it counts no
// further against all others.
//
// A mailbox warns at 80 % of any limit and is full at 100 %; either ends below 70 % of
// all, so that one that stays near its limit is not told of again and again.
#ifndef VALUES_LIMITS_H
#define VALUES_LIMITS_H

#include "base/base.h"

// 0: none; for one mailbox, 0: the settings' default.
struct limits {
    uint64_t messages; // waiting
    uint64_t bytes;    // of them
    uint32_t age_days; // of the oldest of them
    uint32_t attempts; // refusals of one letter before it is parked
};

enum limits_level { LIMITS_CALM, LIMITS_WARNED, LIMITS_FULL };

// What lies in a mailbox, in the limits' units.
struct fill {
    uint64_t messages;
    uint64_t bytes;
    uint64_t age_s; // of the oldest
};

// limits_or gives a mailbox's own limits where it has some, and the defaults elsewhere.
struct limits limits_or(const struct limits *own, const struct limits *defaults);

// limits_level says how full a mailbox is that was `before`: the fullest of the three.
enum limits_level limits_level(const struct limits *limits, const struct fill *fill,
                               enum limits_level before);

// level_of is the same question about one number; max 0: LIMITS_CALM.
enum limits_level level_of(uint64_t number, uint64_t max, enum limits_level before);

const char *limits_level_name(enum limits_level level); // "calm", "warned", "full"

#endif
