// SPDX-License-Identifier: EUPL-1.2
// Goal: each "when" of the law holds on its last day and no longer on the next, on both
// sides.
// Method: one table per rule: an integration, the answer. Dates are counted by hand.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Before cmocka.h, which makes a macro of the word fail.
#include "rules/demand.h"

#include <cmocka.h>

struct row {
    const char *begin;
    const char *end;
    bool met;
};

static struct hot_mutation mutation;
static struct judged judged;

static struct day
day(const char *text)
{
    struct day day = DAY_FOREVER;

    if (strcmp(text, "ever") == 0) {
        return DAY_EVER;
    }
    if (strcmp(text, "forever") != 0) {
        assert_int_equal(day_parse(text, strlen(text), &day, NULL), VG_OK);
    }
    return day;
}

// A mutation without a period, or with one.
static void
message(const char *begin, const char *end)
{
    mutation = (struct hot_mutation){0};
    judged = (struct judged){.mutation = &mutation, .has_period = begin != NULL};
    if (begin != NULL) {
        judged.period = (struct period){day(begin), day(end)};
    }
}

static void
check(const char *today, const struct condition *condition, const struct row *rows,
      size_t rows_len)
{
    struct demand demand;

    demand_of(condition, &judged, day(today), &demand);
    for (size_t i = 0; i < rows_len; i++) {
        struct integration held = {.begin = day(rows[i].begin).number,
                                   .end = day(rows[i].end).number};
        bool met = demand_takes_days(&demand, &held);

        if (met != rows[i].met) {
            print_message("%s, %s to %s on %s\n", when_name(demand.when), rows[i].begin,
                          rows[i].end, today);
        }
        assert_int_equal(met, rows[i].met);
    }
}

static struct condition
when(enum when when)
{
    return (struct condition){.when = when, .when_no_period = when};
}

static void
today_is_any_day_of_the_integration(void **state)
{
    struct condition condition = when(WHEN_TODAY);
    const struct row rows[] = {
        {"2026-01-01", "2026-11-19", false}, // ended yesterday
        {"2026-01-01", "2026-11-20", true},  // ends today
        {"2026-11-20", "2026-12-31", true},  // begins today
        {"2026-11-21", "2026-12-31", false}, // begins tomorrow
        {"2026-11-20", "2026-11-20", true},  {"ever", "forever", true},
    };

    (void)state;
    message(NULL, NULL);
    check("2026-11-20", &condition, rows, ARRAY_LEN(rows));
    message("1990-01-01", "1990-12-31"); // the message's own period plays no part
    check("2026-11-20", &condition, rows, ARRAY_LEN(rows));
}

static void
window_is_two_months_before_to_45_days_after(void **state)
{
    struct condition condition = when(WHEN_WINDOW);
    const struct row autumn[] = {
        {"2026-01-01", "2026-09-19", false},
        {"2026-01-01", "2026-09-20", true}, // two months before 20 November
        {"2027-01-04", "2027-12-31", true}, // 45 days after it
        {"2027-01-05", "2027-12-31", false},
        {"ever", "2026-09-19", false},
        {"2027-01-05", "forever", false},
    };
    const struct row month_end[] = {
        {"2026-01-01", "2026-02-27", false},
        {"2026-01-01", "2026-02-28", true}, // there is no 30 February
        {"2026-06-14", "2026-12-31", true},
        {"2026-06-15", "2026-12-31", false},
    };
    const struct row leap[] = {
        {"2027-01-01", "2028-02-28", false},
        {"2027-01-01", "2028-02-29", true},
    };

    (void)state;
    message(NULL, NULL);
    check("2026-11-20", &condition, autumn, ARRAY_LEN(autumn));
    check("2026-04-30", &condition, month_end, ARRAY_LEN(month_end));
    check("2028-04-30", &condition, leap, ARRAY_LEN(leap));
}

static void
since_two_months_is_not_over_or_not_begun(void **state)
{
    struct condition condition = when(WHEN_SINCE);
    const struct row rows[] = {
        {"2026-01-01", "2026-09-19", false},
        {"2026-01-01", "2026-09-20", true}, // two months before 20 November
        {"2027-01-05", "2027-12-31", true}, // later than the window
        {"2027-11-20", "forever", true},
        {"ever", "2026-09-19", false},
    };

    (void)state;
    message(NULL, NULL);
    check("2026-11-20", &condition, rows, ARRAY_LEN(rows));
}

static void
overlap_is_one_shared_day(void **state)
{
    struct condition condition = when(WHEN_OVERLAP);
    const struct row rows[] = {
        {"2025-01-01", "2026-02-28", false}, // ends the day before
        {"2025-01-01", "2026-03-01", true},  // ends on the first day
        {"2026-03-31", "2026-12-31", true},  // begins on the last day
        {"2026-04-01", "2026-12-31", false}, // begins the day after
        {"2026-03-10", "2026-03-10", true},  // lies inside
        {"2020-01-01", "forever", true},     // lies around
    };
    const struct row open[] = {
        {"2025-01-01", "2026-02-28", false},
        {"2090-01-01", "2090-12-31", true}, // a period without an end
    };

    (void)state;
    message("2026-03-01", "2026-03-31");
    check("2026-11-20", &condition, rows, ARRAY_LEN(rows));
    message("2026-03-01", "forever");
    check("2026-11-20", &condition, open, ARRAY_LEN(open));
}

static void
cover_is_the_whole_period_from_five_years_before(void **state)
{
    struct condition condition = {.when = WHEN_COVERS_5Y, .when_no_period = WHEN_TODAY};
    const struct row rows[] = {
        {"2026-03-01", "2026-12-31", true},  // begins five years after the period does
        {"2026-03-02", "2026-12-31", false}, // one day too late
        {"2026-01-01", "2026-06-30", true},  // ends with the period
        {"2026-01-01", "2026-06-29", false}, // one day too early
        {"2021-03-01", "2026-06-30", true},  // needs no extension
    };
    const struct row leap[] = {
        {"2024-02-29", "2026-12-31", true}, // five years before it is 28 February
        {"2024-03-01", "2026-12-31", false},
    };
    const struct row open[] = {
        {"2020-01-01", "2026-12-31", false}, // an open period is never inside
        {"2020-01-01", "forever", true},
    };

    (void)state;
    message("2021-03-01", "2026-06-30");
    check("2026-11-20", &condition, rows, ARRAY_LEN(rows));
    message("2019-02-28", "2019-12-31");
    check("2026-11-20", &condition, leap, ARRAY_LEN(leap));
    message("2021-03-01", "forever");
    check("2026-11-20", &condition, open, ARRAY_LEN(open));
}

static void
without_a_period_the_other_rule_counts(void **state)
{
    struct condition condition = {.when = WHEN_COVERS_5Y, .when_no_period = WHEN_TODAY};
    const struct row rows[] = {
        {"2026-01-01", "2026-11-19", false},
        {"2026-01-01", "2026-11-20", true},
    };

    (void)state;
    message(NULL, NULL);
    check("2026-11-20", &condition, rows, ARRAY_LEN(rows));
}

static void
what_the_message_does_not_say_is_met_by_nobody(void **state)
{
    const enum when silent[] = {WHEN_NONE, WHEN_OVERLAP, WHEN_COVERS_5Y,
                                WHEN_FIRST_JANUARY};
    const struct row rows[] = {{"ever", "forever", false}};

    (void)state;
    message(NULL, NULL);
    for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
        struct condition condition = when(silent[i]);
        struct demand demand;

        check("2026-11-20", &condition, rows, ARRAY_LEN(rows));
        demand_of(&condition, &judged, day("2026-11-20"), &demand);
        assert_false(demand.can_be_met);
    }
    mutation.reference_year = 10000; // the calendar ends before
    check("2026-11-20",
          &(struct condition){.when = WHEN_FIRST_JANUARY,
                              .when_no_period = WHEN_FIRST_JANUARY},
          rows, 1);
    mutation.reference_year = UINT32_MAX;
    check("2026-11-20",
          &(struct condition){.when = WHEN_FIRST_JANUARY,
                              .when_no_period = WHEN_FIRST_JANUARY},
          rows, 1);
}

static void
first_january_is_that_day_of_the_reference_year(void **state)
{
    struct condition condition = when(WHEN_FIRST_JANUARY);
    const struct row rows[] = {
        {"2025-01-01", "2025-12-31", false}, // ends the day before
        {"2025-01-02", "2026-01-01", true},  // ends on the day
        {"2026-01-01", "2026-12-31", true},  // begins on the day
        {"2026-01-02", "2026-12-31", false}, // begins the day after
    };

    (void)state;
    message(NULL, NULL);
    mutation.reference_year = 2026;
    check("2026-11-20", &condition, rows, ARRAY_LEN(rows));
    check("2028-02-29", &condition, rows, ARRAY_LEN(rows)); // whatever today is
}

static void
takes_the_qualities_it_names(void **state)
{
    struct condition condition = when(WHEN_TODAY);
    struct demand demand;

    (void)state;
    message(NULL, NULL);
    demand_of(&condition, &judged, day("2026-11-20"), &demand);
    assert_true(demand_takes_quality(&demand, 1)); // names none: all of them
    assert_true(demand_takes_quality(&demand, 999));

    condition.qualities_len = 4;
    condition.qualities[0] = 2;
    condition.qualities[1] = 63;
    condition.qualities[2] = 64;
    condition.qualities[3] = 999;
    demand_of(&condition, &judged, day("2026-11-20"), &demand);
    for (uint16_t code = 0; code < 1100; code++) {
        bool named = code == 2 || code == 63 || code == 64 || code == 999;

        assert_int_equal(demand_takes_quality(&demand, code), named);
    }
}

static void
is_made_unless_the_rule_is_none(void **state)
{
    (void)state;
    for (int rule = WHEN_NONE; rule <= WHEN_FIRST_JANUARY; rule++) {
        struct condition condition = when((enum when)rule);

        assert_int_equal(demand_is_made(&condition), rule != WHEN_NONE);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(today_is_any_day_of_the_integration),
        cmocka_unit_test(window_is_two_months_before_to_45_days_after),
        cmocka_unit_test(since_two_months_is_not_over_or_not_begun),
        cmocka_unit_test(overlap_is_one_shared_day),
        cmocka_unit_test(cover_is_the_whole_period_from_five_years_before),
        cmocka_unit_test(without_a_period_the_other_rule_counts),
        cmocka_unit_test(what_the_message_does_not_say_is_met_by_nobody),
        cmocka_unit_test(first_january_is_that_day_of_the_reference_year),
        cmocka_unit_test(takes_the_qualities_it_names),
        cmocka_unit_test(is_made_unless_the_rule_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
