// SPDX-License-Identifier: EUPL-1.2
#include "values/mailbox_rules.h"

enum { QUALITY_BITS = 64, HOUR = 60 };

#define MINUTE_US INT64_C(60000000)

bool
rules_are_none(const struct mailbox_rules *rules)
{
    return rules->quiet_from == rules->quiet_to && rules->digest == 0 &&
           rules->urgent_first == 0 && rules->repeats == REPEATS_COME &&
           rules->cancelled == CANCELLED_PAIR && rules->unwanted_len == 0;
}

bool
rules_are_possible(const struct mailbox_rules *rules)
{
    return rules->quiet_from < DAY_MINUTES && rules->quiet_to < DAY_MINUTES &&
           rules->digest <= DAY_MINUTES && rules->urgent_first <= 1 &&
           rules->repeats <= REPEATS_MERGED && rules->cancelled <= CANCELLED_NEITHER &&
           rules->unwanted_len <= UNWANTED_MAX;
}

bool
rules_decline(const struct mailbox_rules *rules, uint16_t flow, uint16_t quality)
{
    for (uint32_t i = 0; i < rules->unwanted_len; i++) {
        const struct unwanted *unwanted = &rules->unwanted[i];

        if (unwanted->flow != flow) {
            continue;
        }
        if (quality == 0 || quality >= QUALITY_BITS
                ? unwanted->qualities == UINT64_MAX
                : (unwanted->qualities >> quality & 1) != 0) {
            return true;
        }
    }
    return false;
}

static bool
is_quiet(const struct mailbox_rules *rules, int minute)
{
    int from = rules->quiet_from;
    int to = rules->quiet_to;

    return from < to ? minute >= from && minute < to
                     : from > to && (minute >= from || minute < to);
}

// The last moment up to now at which the clock showed this minute. Brussels is whole hours
// ahead; on the day on which an hour is left out, its minutes are those of the day before.
static int64_t
last_time(int minute, struct instant now)
{
    int past = (int)(now.us / MINUTE_US % HOUR) - minute % HOUR;
    int64_t at = now.us - now.us % MINUTE_US - (past + (past < 0 ? HOUR : 0)) * MINUTE_US;

    while (minute_in_brussels((struct instant){at}) != minute) {
        at -= HOUR * MINUTE_US;
    }
    return at;
}

int64_t
rules_hold_back(const struct mailbox_rules *rules, struct instant now)
{
    if (is_quiet(rules, minute_in_brussels(now))) {
        return RULES_REST;
    }
    return rules->digest == 0 ? 0 : last_time(rules->digest - 1, now);
}

bool
rules_have_times(const struct mailbox_rules *rules)
{
    return rules->quiet_from != rules->quiet_to || rules->digest != 0;
}

static int
two_digits(const char *text)
{
    return text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9'
               ? DAY_MINUTES
               : (text[0] - '0') * 10 + text[1] - '0';
}

enum vg_status
day_minute_parse(const char *text, size_t text_len, uint16_t *ret_minute, struct why *why)
{
    enum { LEN = 5, SHOWN_MAX = 20 }; // HH:MM

    if (text_len != LEN || text[2] != ':' || two_digits(text) > 23 ||
        two_digits(text + 3) > 59) {
        return fail(why, VG_BAD_DATE, "\"%.*s\" is no time of day from 00:00 to 23:59",
                    (int)(text_len < SHOWN_MAX ? text_len : SHOWN_MAX), text);
    }
    *ret_minute = (uint16_t)(two_digits(text) * 60 + two_digits(text + 3));
    return VG_OK;
}
