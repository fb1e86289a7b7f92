// SPDX-License-Identifier: EUPL-1.2
// Goal: a mailbox declines exactly the flows and qualities that it named, rests exactly in its
// quiet hours, and its digest's time is the last one there was, also when the clocks change.
// Method: numbers on both sides of each bound; each minute of some years for the digest.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "values/mailbox_rules.h"

#include <cmocka.h>

#define MINUTE_US INT64_C(60000000)
#define DAY_US (24 * 60 * MINUTE_US)

// Winter: an hour before Brussels.
static struct instant
utc(int year, int month, int day, int hour, int minute)
{
    return (struct instant){day_of(year, month, day).number * DAY_US +
                            (hour * 60 + minute) * MINUTE_US};
}

static void
declines_what_it_named_and_nothing_else(void **state)
{
    struct mailbox_rules rules = {.unwanted_len = 2};

    (void)state;
    rules.unwanted[0] = (struct unwanted){.flow = 1, .qualities = UINT64_C(1) << 7};
    rules.unwanted[1] = (struct unwanted){.flow = 2, .qualities = UINT64_MAX};
    assert_true(rules_decline(&rules, 1, 7));
    assert_false(rules_decline(&rules, 1, 8));
    assert_false(rules_decline(&rules, 1, 0)); // no integration: only when it is all
    assert_false(rules_decline(&rules, 1, 71));
    assert_false(rules_decline(&rules, 3, 7));
    assert_true(rules_decline(&rules, 2, 7));
    assert_true(rules_decline(&rules, 2, 0));
    assert_true(rules_decline(&rules, 2, 71));
}

static void
rests_in_its_quiet_hours_also_over_midnight(void **state)
{
    struct mailbox_rules night = {.quiet_from = 20 * 60, .quiet_to = 7 * 60};
    struct mailbox_rules noon = {.quiet_from = 12 * 60, .quiet_to = 13 * 60};
    struct mailbox_rules none = {.quiet_from = 60, .quiet_to = 60};

    (void)state;
    assert_int_equal(rules_hold_back(&night, utc(2026, 1, 10, 18, 59)), 0);
    assert_int_equal(rules_hold_back(&night, utc(2026, 1, 10, 19, 0)), RULES_REST);
    assert_int_equal(rules_hold_back(&night, utc(2026, 1, 10, 23, 30)), RULES_REST);
    assert_int_equal(rules_hold_back(&night, utc(2026, 1, 11, 5, 59)), RULES_REST);
    assert_int_equal(rules_hold_back(&night, utc(2026, 1, 11, 6, 0)), 0);
    assert_int_equal(rules_hold_back(&night, utc(2026, 7, 11, 5, 0)), 0); // summer
    assert_int_equal(rules_hold_back(&noon, utc(2026, 1, 10, 10, 59)), 0);
    assert_int_equal(rules_hold_back(&noon, utc(2026, 1, 10, 11, 0)), RULES_REST);
    assert_int_equal(rules_hold_back(&noon, utc(2026, 1, 10, 12, 0)), 0);
    assert_int_equal(rules_hold_back(&none, utc(2026, 1, 10, 0, 0)), 0);
    assert_true(rules_have_times(&noon));
    assert_false(rules_have_times(&none));
    assert_true(rules_are_none(&none));
}

static void
a_digest_holds_back_what_came_since_its_last_time(void **state)
{
    struct mailbox_rules rules = {.digest = 6 * 60 + 30 + 1};
    struct mailbox_rules midnight = {.digest = 1};

    (void)state;
    assert_int_equal(rules_hold_back(&rules, utc(2026, 1, 10, 5, 30)),
                     utc(2026, 1, 10, 5, 30).us);
    assert_int_equal(rules_hold_back(&rules, utc(2026, 1, 10, 9, 15)),
                     utc(2026, 1, 10, 5, 30).us);
    assert_int_equal(
        rules_hold_back(&rules, (struct instant){utc(2026, 1, 10, 5, 30).us - 1}),
        utc(2026, 1, 9, 5, 30).us);
    assert_int_equal(rules_hold_back(&midnight, utc(2026, 1, 10, 22, 59)),
                     utc(2026, 1, 9, 23, 0).us);
    assert_int_equal(rules_hold_back(&midnight, utc(2026, 1, 10, 23, 0)),
                     utc(2026, 1, 10, 23, 0).us);
    // The clocks have been changed in between: 06:30 was at 05:30 UTC, and is at 04:30.
    assert_int_equal(rules_hold_back(&rules, utc(2026, 3, 29, 4, 29)),
                     utc(2026, 3, 28, 5, 30).us);
    assert_int_equal(rules_hold_back(&rules, utc(2026, 10, 25, 5, 29)),
                     utc(2026, 10, 24, 4, 30).us);
}

static void
a_digest_never_lies_ahead_and_never_goes_back(void **state)
{
    (void)state;
    for (uint16_t minute = 0; minute < DAY_MINUTES; minute += 30) {
        struct mailbox_rules rules = {.digest = (uint16_t)(minute + 1)};
        int64_t before = 0;

        // A year, so both changes of the clocks, and a minute that is not there.
        for (struct instant now = utc(2026, 1, 10, 0, 7);
             now.us < utc(2027, 1, 10, 0, 0).us; now.us += 30 * MINUTE_US) {
            int64_t at = rules_hold_back(&rules, now);

            assert_true(at <= now.us);
            assert_true(now.us - at <= 48 * 60 * MINUTE_US); // an hour is left out
            assert_true(at >= before); // what was pushed is not held back again
            before = at;
        }
    }
}

static void
reads_a_time_of_day(void **state)
{
    static const char *const wrong[] = {"",     "7:00",  "24:00", "12:60", "12:5",
                                        "1200", "12-00", "-1:00", "ab:cd", "12:000"};
    uint16_t minute = 9;
    struct why why;

    (void)state;
    assert_int_equal(day_minute_parse("00:00", 5, &minute, &why), VG_OK);
    assert_int_equal(minute, 0);
    assert_int_equal(day_minute_parse("23:59", 5, &minute, &why), VG_OK);
    assert_int_equal(minute, 23 * 60 + 59);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(day_minute_parse(wrong[i], strlen(wrong[i]), &minute, &why),
                         VG_BAD_DATE);
        assert_int_equal(minute, 23 * 60 + 59);
    }
}

static void
knows_which_rules_can_be(void **state)
{
    struct mailbox_rules rules = {.quiet_from = 1439, .quiet_to = 1439, .digest = 1440};

    (void)state;
    assert_true(rules_are_possible(&rules));
    assert_false(rules_are_none(&rules));
    rules.quiet_from = DAY_MINUTES;
    assert_false(rules_are_possible(&rules));
    rules = (struct mailbox_rules){.quiet_to = DAY_MINUTES};
    assert_false(rules_are_possible(&rules));
    rules = (struct mailbox_rules){.digest = DAY_MINUTES + 1};
    assert_false(rules_are_possible(&rules));
    rules = (struct mailbox_rules){.urgent_first = 1};
    assert_true(rules_are_possible(&rules));
    assert_false(rules_are_none(&rules));
    rules.urgent_first = 2;
    assert_false(rules_are_possible(&rules));
    rules = (struct mailbox_rules){.repeats = REPEATS_MERGED}; // is remembered
    assert_true(rules_are_possible(&rules));
    assert_false(rules_are_none(&rules));
    rules.repeats++;
    assert_false(rules_are_possible(&rules));
    rules = (struct mailbox_rules){.unwanted_len = UNWANTED_MAX + 1};
    assert_false(rules_are_possible(&rules));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(declines_what_it_named_and_nothing_else),
        cmocka_unit_test(rests_in_its_quiet_hours_also_over_midnight),
        cmocka_unit_test(a_digest_holds_back_what_came_since_its_last_time),
        cmocka_unit_test(a_digest_never_lies_ahead_and_never_goes_back),
        cmocka_unit_test(reads_a_time_of_day),
        cmocka_unit_test(knows_which_rules_can_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
