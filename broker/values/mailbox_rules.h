// SPDX-License-Identifier: EUPL-1.2
// mailbox_rules.h - what an institution wants less of in one of its mailboxes, and when
// nothing is to be pushed to it.
//
// A flow that it does not want never enters the mailbox. Quiet hours and the digest hold
// letters back that are in it: they keep their numbers and their order, and wait. Times are
// Brussels' clock, in minutes since midnight.
#ifndef VALUES_MAILBOX_RULES_H
#define VALUES_MAILBOX_RULES_H

#include "values/day.h"

enum { UNWANTED_MAX = 64, DAY_MINUTES = 24 * 60 };

// A flow, and the qualities for which it is not wanted: bit q for code q below 64. Without an
// integration, and for codes from 64 on, it is unwanted only when all bits are set.
struct unwanted {
    uint16_t flow;
    uint16_t reserved[3];
    uint64_t qualities;
};

// What becomes of a letter that waits when a later one says the same of its person anew
// (flow/repeats.h).
enum rules_repeats {
    REPEATS_COME,   // each comes
    REPEATS_MERGE,  // the later one stands for both
    REPEATS_MERGED, // each comes again, but some that wait may stand for others
};

// What becomes of a notification that is cancelled before it was sent (flow/withdraw.h).
enum cancelled_rule {
    CANCELLED_PAIR,    // it comes, and its cancellation
    CANCELLED_NEITHER, // neither comes
};

// All zero: everything is wanted, at once. Stored as it is, with `unwanted_len` of the list.
struct mailbox_rules {
    uint16_t quiet_from; // nothing is pushed from here ...
    uint16_t quiet_to;   // ... until here, perhaps the next day; the same: no quiet hours
    uint16_t digest;     // 1 and up: once a day, at this minute less one; 0: no digest
    uint16_t urgent_first; // 1: urgent letters come before others (flow/sift.h)
    uint32_t unwanted_len;
    uint16_t repeats;   // enum rules_repeats
    uint16_t cancelled; // enum cancelled_rule
    struct unwanted unwanted[UNWANTED_MAX];
};

bool rules_are_none(const struct mailbox_rules *rules);
bool rules_are_possible(const struct mailbox_rules *rules); // each minute is one of a day

// rules_decline: does the mailbox not want a flow for an integration of this quality? 0: no
// integration was asked.
bool rules_decline(const struct mailbox_rules *rules, uint16_t flow, uint16_t quality);

#define RULES_REST INT64_MIN // nothing is pushed

// rules_hold_back says from which moment on kept letters are not pushed now: 0, all are
// pushed; RULES_REST, none is. A digest pushes what was kept before its last time, whoever
// connects when.
int64_t rules_hold_back(const struct mailbox_rules *rules, struct instant now);
// rules_have_times: is there a moment at which the answer changes?
bool rules_have_times(const struct mailbox_rules *rules);

// day_minute_parse reads HH:MM, 00:00 to 23:59; VG_BAD_DATE otherwise.
NODISCARD enum vg_status day_minute_parse(const char *text, size_t text_len,
                                          uint16_t *ret_minute, struct why *why);

#endif
