// SPDX-License-Identifier: EUPL-1.2
// Goal: the reference directory takes what the law allows, to the day; says everything that is
// wrong with the rest; and never holds two rows for one day.
// Method: the shipped catalogue; each rule on its last good day and on the next one. The array
// is held against a plain list of days, by hand and with a thousand invented changes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Before cmocka.h, which makes a macro of the word fail.
#include "rules/directory.h"

#include <cmocka.h>

enum {
    SELF = 7,
    OTHER = 8,
    ROWS_MAX = 64,
    FOREVER = 99991231,
    DAYS = 40, // of the plain list
};

static struct catalogue *catalogue;
static struct roster *roster; // nobody but OTHER is in it
static struct institution self = {.id = SELF, .sector = SECTOR_CPAS, .code = "CPAS-7"};
static struct niss ann; // born 12 July 1985

static int
open_catalogue(void **state)
{
    static char text[CATALOGUE_BYTES_MAX];
    static struct faults faults;
    FILE *file = fopen(SOURCE_DIR "/deploy/catalogue.yaml", "r");
    size_t len;

    (void)state;
    assert_non_null(file);
    len = fread(text, 1, sizeof text, file);
    fclose(file);
    catalogue = catalogue_parse(text, len, &faults);
    assert_non_null(catalogue);
    ann = niss_make(1985, 7 + 60, 12, 31);
    roster = roster_new();
    roster_put(roster, &(struct institution){
                           .id = OTHER, .sector = SECTOR_CPAS, .code = "CPAS-8"});
    return 0;
}

static int
close_catalogue(void **state)
{
    (void)state;
    catalogue_free(&catalogue);
    roster_free(&roster);
    return 0;
}

static struct day
day(uint32_t number)
{
    struct day day = DAY_FOREVER;

    assert_int_equal(day_from_number(number, &day, NULL), VG_OK);
    return day;
}

static struct directory_context
on(uint32_t today)
{
    return (struct directory_context){
        .catalogue = catalogue,
        .roster = roster,
        .institution = &self,
        .today = day(today),
        .test_persons = true,
    };
}

static struct integration
row(uint32_t institution, uint16_t quality, uint32_t begin, uint32_t end)
{
    return (struct integration){
        .institution = institution,
        .sector = SECTOR_CPAS,
        .quality = quality,
        .begin = day(begin).number,
        .end = day(end).number,
    };
}

static struct integrate_request
request(uint32_t quality, uint32_t begin, uint32_t end)
{
    return (struct integrate_request){
        .niss = ann.number,
        .quality = quality,
        .begin = begin,
        .end = end,
        .proof = {.identity_card = bytes_of("000001103271")},
    };
}

// No more and no fewer, in this order.
static void
assert_faults(const struct faults *faults, const enum vg_status *wanted,
              size_t wanted_len)
{
    if (faults->total != wanted_len) {
        for (size_t i = 0; i < faults->len; i++) {
            print_message("%s: %s\n", vg_status_name(faults->fault[i].status),
                          faults->fault[i].why.text);
        }
    }
    assert_int_equal(faults->total, wanted_len);
    for (size_t i = 0; i < wanted_len; i++) {
        assert_string_equal(vg_status_name(faults->fault[i].status),
                            vg_status_name(wanted[i]));
        assert_true(faults->fault[i].why.text[0] != '\0');
    }
}

#define ASSERT_FAULTS(faults, ...)                                                       \
    assert_faults((faults), (const enum vg_status[]){__VA_ARGS__},                       \
                  sizeof((const enum vg_status[]){__VA_ARGS__}) /                        \
                      sizeof(enum vg_status))

// ---- integrate: periods ----

struct period_row {
    uint32_t today;
    uint32_t quality;
    uint32_t begin;
    uint32_t end;         // 0: none
    enum vg_status wrong; // VG_OK: the integration is good ...
    uint32_t given;       // ... and ends on this day
};

static void
check_periods(const struct period_row *rows, size_t rows_len)
{
    for (size_t i = 0; i < rows_len; i++) {
        struct directory_context context = on(rows[i].today);
        struct integrate_request asked =
            request(rows[i].quality, rows[i].begin, rows[i].end);
        struct integration integration = {0};
        struct niss niss = {0};
        static struct faults faults;

        faults = (struct faults){0};
        directory_judge_integrate(&context, &asked, NULL, 0, &niss, &integration,
                                  &faults);
        if (faults_first(&faults) != rows[i].wrong || faults.total > 1) {
            print_message("row %zu: %03u, %u to %u on %u: %s\n", i, rows[i].quality,
                          rows[i].begin, rows[i].end, rows[i].today,
                          faults.fault[0].why.text);
        }
        assert_int_equal(faults_first(&faults), rows[i].wrong);
        assert_int_equal(faults.total, rows[i].wrong == VG_OK ? 0 : 1);
        assert_int_equal(niss.number, ann.number);
        if (rows[i].wrong != VG_OK) {
            continue;
        }
        assert_int_equal(integration.institution, SELF);
        assert_int_equal(integration.sector, SECTOR_CPAS);
        assert_int_equal(integration.quality, rows[i].quality);
        assert_int_equal(day_number((struct day){integration.begin}), rows[i].begin);
        assert_int_equal(day_number((struct day){integration.end}), rows[i].given);
    }
}

static void
without_an_end_it_lasts_as_long_as_the_code_allows(void **state)
{
    const struct period_row rows[] = {
        {20261120, 1, 20261120, 0, VG_OK, 20270120},  // 2 months
        {20261120, 1, 20261231, 0, VG_OK, 20270228},  // there is no 31 February
        {20261120, 1, 20231231, 0, VG_OK, 20240229},  // nor 31, but 29 in a leap year
        {20261120, 20, 20261120, 0, VG_OK, 20270120}, // 2 months
        {20261120, 2, 20261120, 0, VG_OK, 20271120},  // 1 year
        {20261120, 3, 20240229, 0, VG_OK, 20250228},  // 29 February is not every year's
        {20261120, 4, 20261120, 0, VG_OK, 20271120},
        {20261120, 5, 20261120, 0, VG_OK, 20271120},
        {20261120, 6, 20261120, 0, VG_OK, 20271120},
        {20261120, 7, 20261120, 0, VG_OK, 20311120}, // 5 years
        {20261120, 8, 20240229, 0, VG_OK, 20290228},
        {20261120, 9, 20261120, 0, VG_OK, 20311120},
        {20261120, 11, 20261120, 0, VG_OK, FOREVER}, // indefinite
        {20261120, 12, 20261120, 0, VG_OK, 20271120},
        {20261120, 30, 20261120, 0, VG_OK, 20271120},
        {20261120, 31, 20260131, 0, VG_OK, 20260228}, // 1 month
        {20261120, 40, 20261120, 0, VG_OK, 20261231}, // the calendar year
        {20261120, 40, 20270101, 0, VG_OK, 20271231},
    };

    (void)state;
    check_periods(rows, ARRAY_LEN(rows));
}

static void
code_021_without_an_end_lasts_five_years_but_may_last_longer(void **state)
{
    const struct period_row rows[] = {
        {20261120, 21, 20261120, 0, VG_OK, 20311120},
        {20261120, 21, 20240229, 0, VG_OK, 20290228},
        {20261120, 21, 20261120, 20600630, VG_OK, 20600630}, // the day of the pension
        {20261120, 21, 20261120, FOREVER, VG_TOO_FAR, 0}, // "intégrations à l'infini"
    };

    (void)state;
    check_periods(rows, ARRAY_LEN(rows));
}

static void
refuses_a_day_more_than_the_code_allows(void **state)
{
    const struct period_row rows[] = {
        {20261120, 1, 20261120, 20270120, VG_OK, 20270120},
        {20261120, 1, 20261120, 20270121, VG_PERIOD_TOO_LONG, 0},
        {20261120, 1, 20261231, 20270228, VG_OK, 20270228},
        {20261120, 1, 20261231, 20270301, VG_PERIOD_TOO_LONG, 0},
        {20261120, 20, 20261120, 20270120, VG_OK, 20270120},
        {20261120, 20, 20261120, 20270121, VG_PERIOD_TOO_LONG, 0},
        {20261120, 2, 20261120, 20271120, VG_OK, 20271120},
        {20261120, 2, 20261120, 20271121, VG_PERIOD_TOO_LONG, 0},
        {20261120, 2, 20240229, 20250228, VG_OK, 20250228},
        {20261120, 2, 20240229, 20250301, VG_PERIOD_TOO_LONG, 0},
        {20261120, 7, 20261120, 20311120, VG_OK, 20311120},
        {20261120, 7, 20261120, 20311121, VG_PERIOD_TOO_LONG, 0},
        {20261120, 12, 20261120, 20271121, VG_PERIOD_TOO_LONG, 0},
        {20261120, 30, 20261120, 20271120, VG_OK, 20271120},
        {20261120, 30, 20261120, 20271121, VG_PERIOD_TOO_LONG, 0},
        {20261120, 31, 20261120, 20261220, VG_OK, 20261220},
        {20261120, 31, 20261120, 20261221, VG_PERIOD_TOO_LONG, 0},
        {20261120, 31, 20260131, 20260228, VG_OK, 20260228},
        {20261120, 31, 20260131, 20260301, VG_PERIOD_TOO_LONG, 0},
    };

    (void)state;
    check_periods(rows, ARRAY_LEN(rows));
}

static void
code_040_stays_inside_one_calendar_year(void **state)
{
    const struct period_row rows[] = {
        {20261120, 40, 20260101, 20261231, VG_OK, 20261231},
        {20261120, 40, 20261231, 20261231, VG_OK, 20261231},
        {20261120, 40, 20270101, 20270101, VG_OK, 20270101},
        {20261120, 40, 20261231, 20270101, VG_PERIOD_TOO_LONG, 0}, // two days, two years
        {20261120, 40, 20260101, 20270101, VG_PERIOD_TOO_LONG, 0},
    };

    (void)state;
    check_periods(rows, ARRAY_LEN(rows));
}

static void
takes_a_period_that_is_wholly_past(void **state)
{
    const struct period_row rows[] = {
        {20261120, 2, 20090101, 20090630, VG_OK, 20090630},
        {20261120, 1, 20261119, 20261119, VG_OK, 20261119},
    };

    (void)state;
    check_periods(rows, ARRAY_LEN(rows));
}

static void
begins_at_most_one_year_ahead(void **state)
{
    const struct period_row rows[] = {
        {20261120, 2, 20271120, 20271130, VG_OK, 20271130},
        {20261120, 2, 20271121, 20271130, VG_TOO_FAR, 0},
        {20280229, 2, 20290228, 20290331, VG_OK, 20290331}, // from a leap day
        {20280229, 2, 20290301, 20290331, VG_TOO_FAR, 0},
    };

    (void)state;
    check_periods(rows, ARRAY_LEN(rows));
}

static void
no_date_lies_more_than_a_hundred_years_away(void **state)
{
    const struct period_row rows[] = {
        {20261120, 2, 19261120, 19261231, VG_OK, 19261231},
        {20261120, 2, 19261119, 19261231, VG_TOO_FAR, 0},
        {20261120, 11, 20261120, 21261120, VG_OK, 21261120},
        {20261120, 11, 20261120, 21261121, VG_TOO_FAR, 0},
        {20261120, 11, 20261120, FOREVER, VG_OK, FOREVER},  // what it gets without an end
        {20280229, 2, 19280229, 19280331, VG_OK, 19280331}, // a leap day to a leap day
        {20280229, 2, 19280228, 19280331, VG_TOO_FAR, 0},
    };

    (void)state;
    check_periods(rows, ARRAY_LEN(rows));
}

static void
refuses_days_that_do_not_exist_or_are_out_of_order(void **state)
{
    const struct period_row rows[] = {
        {20261120, 2, 0, 0, VG_BAD_DATE, 0},
        {20261120, 2, 20260230, 0, VG_BAD_DATE, 0},
        {20261120, 2, 20261120, 20270229, VG_BAD_DATE, 0},
        {20261120, 2, 20261100, 0, VG_BAD_DATE, 0}, // partial: of no use for a period
        {20261120, 2, 4294967295, 0, VG_BAD_DATE, 0},
        {20261120, 2, 20261120, 20261119, VG_BAD_DATE, 0},
        {20261120, 2, 20261120, 20261120, VG_OK, 20261120},
    };

    (void)state;
    check_periods(rows, ARRAY_LEN(rows));
}

// ---- integrate: the rest ----

static void
refuses_codes_that_the_sector_does_not_have(void **state)
{
    const uint32_t codes[] = {0, 10, 13, 22, 41, 999, 65536 + 2, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct directory_context context = on(20261120);
        struct integrate_request asked = request(codes[i], 20261120, 20261130);
        struct integration integration;
        struct niss niss;
        struct faults faults = {0};

        directory_judge_integrate(&context, &asked, NULL, 0, &niss, &integration,
                                  &faults);
        ASSERT_FAULTS(&faults, VG_UNKNOWN_QUALITY);
    }
}

static void
says_everything_that_is_wrong_at_once(void **state)
{
    struct directory_context context = on(20261120);
    struct integrate_request asked = request(10, 20260230, 21990101);
    struct integration existing = row(OTHER, 2, 20270101, 20271231);
    struct integration integration;
    struct niss niss;
    struct faults faults = {0};

    (void)state;
    asked.niss = 12345678901;
    asked.proof = (struct proof){.last_name = bytes_of("Peeters")};
    directory_judge_integrate(&context, &asked, &existing, 1, &niss, &integration,
                              &faults);
    ASSERT_FAULTS(&faults, VG_BAD_NISS, VG_UNKNOWN_QUALITY, VG_BAD_DATE, VG_TOO_FAR,
                  VG_PROOF_MISSING);
    assert_int_equal(niss.number, 0);

    faults = (struct faults){0};
    context.test_persons = false;
    asked = request(2, 20271121, 20290101);
    asked.proof = (struct proof){
        .identity_card = bytes_of("000001103225"),
        .social_card = bytes_of("12345"),
        .birth_date = 19850713,
    };
    directory_judge_integrate(&context, &asked, &existing, 1, &niss, &integration,
                              &faults);
    ASSERT_FAULTS(&faults, VG_TEST_PERSON, VG_TOO_FAR, VG_PERIOD_TOO_LONG, VG_PROOF_WRONG,
                  VG_PROOF_WRONG, VG_PROOF_WRONG);
}

// Or he could ask about anybody without proof, and without leaving an integration behind.
static void
a_refused_request_learns_nothing_of_others(void **state)
{
    struct directory_context context = on(20261120);
    struct integration existing = row(OTHER, 2, 20260101, 20271231);
    struct integrate_request wrong[4];
    struct integration integration;
    struct niss niss;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        wrong[i] = request(2, 20261201, 20270301);
    }
    wrong[0].proof = (struct proof){0};
    wrong[1].proof = (struct proof){.birth_date = 19500101};
    wrong[2].end = 20290101;   // longer than the code allows
    wrong[3].begin = 20261301; // no day
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct faults known = {0};
        struct faults unknown = {0};

        directory_judge_integrate(&context, &wrong[i], &existing, 1, &niss, &integration,
                                  &known);
        directory_judge_integrate(&context, &wrong[i], NULL, 0, &niss, &integration,
                                  &unknown);
        assert_true(unknown.total > 0);
        assert_memory_equal(&known, &unknown, sizeof known);
    }
}

static void
never_writes_a_person_number(void **state)
{
    struct directory_context context = on(20261120);
    struct integrate_request asked = request(10, 20260230, 0);
    struct integration integration;
    struct niss niss;
    struct faults faults = {0};
    char number[NISS_MASK_LEN];

    (void)state;
    context.test_persons = false;
    asked.proof = (struct proof){.birth_date = 19850711};
    directory_judge_integrate(&context, &asked, NULL, 0, &niss, &integration, &faults);
    ASSERT_FAULTS(&faults, VG_TEST_PERSON, VG_UNKNOWN_QUALITY, VG_BAD_DATE,
                  VG_PROOF_WRONG);
    niss_print(ann, number);
    for (size_t i = 0; i < faults.len; i++) {
        assert_null(strstr(faults.fault[i].why.text, number));
        assert_null(strstr(faults.fault[i].why.text, "0712")); // nor its birth date
        assert_null(strstr(faults.fault[i].why.text, "07-12"));
    }
}

struct exclusive_row {
    uint16_t sector;
    uint32_t institution;
    uint16_t quality;
    uint32_t begin;
    uint32_t end;
    bool in_the_way;
};

static void
only_one_cpas_pays_for_one_person_and_period(void **state)
{
    // Against 002 from 2026-07-01 to 2026-09-30.
    const struct exclusive_row rows[] = {
        {SECTOR_CPAS, OTHER, 2, 20260101, 20260630, false}, // ends the day before
        {SECTOR_CPAS, OTHER, 2, 20260101, 20260701, true},  // ends on the first day
        {SECTOR_CPAS, OTHER, 2, 20260930, 20261231, true},  // begins on the last day
        {SECTOR_CPAS, OTHER, 2, 20261001, 20261231, false}, // begins the day after
        {SECTOR_CPAS, OTHER, 2, 20260801, 20260801, true},  // inside
        {SECTOR_CPAS, OTHER, 2, 20260101, 20261231, true},  // around
        {SECTOR_CPAS, OTHER, 3, 20260101, 20261231, false}, // another code
        {SECTOR_CPAS, SELF, 2, 20260101, 20261231, false},  // its own: an extension
        {10, OTHER, 2, 20260101, 20261231, false},          // another sector
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct directory_context context = on(20261120);
        struct integrate_request asked = request(2, 20260701, 20260930);
        struct integration existing =
            row(rows[i].institution, rows[i].quality, rows[i].begin, rows[i].end);
        struct integration integration;
        struct niss niss;
        struct faults faults = {0};

        existing.sector = rows[i].sector;
        directory_judge_integrate(&context, &asked, &existing, 1, &niss, &integration,
                                  &faults);
        if (faults.total != (rows[i].in_the_way ? 1U : 0U)) {
            print_message("row %zu\n", i);
        }
        assert_int_equal(faults.total, rows[i].in_the_way ? 1 : 0);
        assert_int_equal(faults_first(&faults),
                         rows[i].in_the_way ? VG_EXCLUSIVE : VG_OK);
    }
}

static void
the_codes_that_pay_are_exclusive_and_no_others(void **state)
{
    (void)state;
    for (uint16_t code = 1; code < 100; code++) {
        struct directory_context context = on(20261120);
        struct integrate_request asked = request(code, 20261120, 20261120);
        struct integration existing = row(OTHER, code, 20261120, 20261120);
        struct integration integration;
        struct niss niss;
        struct faults faults = {0};
        bool pays = code == 2 || code == 3 || code == 6 || code == 40;

        if (catalogue_quality(catalogue, SECTOR_CPAS, code) == NULL) {
            continue;
        }
        directory_judge_integrate(&context, &asked, &existing, 1, &niss, &integration,
                                  &faults);
        assert_int_equal(faults_first(&faults), pays ? VG_EXCLUSIVE : VG_OK);
    }
}

static void
names_everybody_who_is_in_the_way(void **state)
{
    struct directory_context context = on(20261120);
    struct integrate_request asked = request(40, 20260101, 20261231);
    struct integration existing[] = {
        row(OTHER, 40, 20260101, 20260331),
        row(OTHER, 40, 20260501, 20260531),
        row(9, 40, 20261201, 20261231),
    };
    struct integration integration;
    struct niss niss;
    struct faults faults = {0};

    (void)state;
    directory_judge_integrate(&context, &asked, existing, ARRAY_LEN(existing), &niss,
                              &integration, &faults);
    ASSERT_FAULTS(&faults, VG_EXCLUSIVE, VG_EXCLUSIVE, VG_EXCLUSIVE);
    assert_non_null(strstr(faults.fault[0].why.text, "CPAS-8"));
    assert_non_null(strstr(faults.fault[2].why.text, "another of the sector"));
    assert_non_null(strstr(faults.fault[2].why.text, "2026-12-01"));
}

// ---- proof ----

struct proof_row {
    const char *identity_card;
    const char *social_card;
    const char *name;
    uint32_t birth_date;
    enum vg_status wrong;
};

static void
one_proof_is_enough_and_each_must_hold(void **state)
{
    const struct proof_row rows[] = {
        {"", "", "", 0, VG_PROOF_MISSING},
        {"", "", "Peeters", 0, VG_PROOF_MISSING}, // a name alone proves nothing
        {"000001103271", "", "", 0, VG_OK},
        {"591191706458", "", "", 0, VG_OK},
        {"000001103225", "", "", 0, VG_PROOF_WRONG},
        {"", "1234567890", "", 0, VG_OK},
        {"", "123456789", "", 0, VG_PROOF_WRONG},
        {"", "", "Peeters", 19850712, VG_OK},
        {"", "", "", 19850712, VG_OK},
        {"", "", "Peeters", 19850713, VG_PROOF_WRONG}, // another day
        {"", "", "Peeters", 19850812, VG_PROOF_WRONG}, // another month
        {"", "", "Peeters", 19860712, VG_PROOF_WRONG}, // another year
        {"", "", "Peeters", 20850712, VG_PROOF_WRONG}, // another century
        {"", "", "Peeters", 19850700, VG_OK},          // day unknown
        {"", "", "Peeters", 19850800, VG_PROOF_WRONG},
        {"", "", "Peeters", 19850000, VG_OK}, // month and day unknown
        {"", "", "Peeters", 19860000, VG_PROOF_WRONG},
        {"", "", "Peeters", 19850732, VG_PROOF_WRONG},             // no date at all
        {"000001103271", "", "Peeters", 19850713, VG_PROOF_WRONG}, // one good, one not
        {"000001103225", "", "Peeters", 19850712, VG_PROOF_WRONG},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct proof proof = {
            .identity_card = bytes_of(rows[i].identity_card),
            .social_card = bytes_of(rows[i].social_card),
            .last_name = bytes_of(rows[i].name),
            .birth_date = rows[i].birth_date,
        };
        struct faults faults = {0};

        directory_check_proof(&proof, ann, &faults);
        if (faults_first(&faults) != rows[i].wrong) {
            print_message("row %zu\n", i);
        }
        assert_int_equal(faults_first(&faults), rows[i].wrong);
        assert_int_equal(faults.total, rows[i].wrong == VG_OK ? 0 : 1);
    }
}

static void
a_birth_that_the_number_does_not_know_agrees_with_every_date(void **state)
{
    struct proof proof = {.birth_date = 19850713};
    struct faults faults = {0};

    (void)state;
    directory_check_proof(&proof, niss_make(1985, 60, 0, 31), &faults);
    assert_int_equal(faults.total, 0); // month and day unknown
    directory_check_proof(&proof, niss_make(1985, 67, 0, 31), &faults);
    assert_int_equal(faults.total, 0); // day unknown
    directory_check_proof(&proof, niss_make(1984, 60, 0, 31), &faults);
    ASSERT_FAULTS(&faults, VG_PROOF_WRONG);
}

// ---- remove ----

struct remove_row {
    uint32_t begin;
    uint32_t end;
    enum vg_status wrong;
    uint32_t given; // end of the period removed
};

static void
removes_a_period_or_for_ever(void **state)
{
    const struct remove_row rows[] = {
        {20261120, 0, VG_OK, FOREVER},
        {20261120, FOREVER, VG_OK, FOREVER},
        {20261120, 20261120, VG_OK, 20261120},
        {20261120, 20261119, VG_BAD_DATE, 0},
        {0, 0, VG_BAD_DATE, 0},
        {20260230, 0, VG_BAD_DATE, 0},
        {20261120, 20260230, VG_BAD_DATE, 0},
        {19261120, 0, VG_OK, FOREVER},
        {19261119, 0, VG_TOO_FAR, 0},
        {20261120, 21261120, VG_OK, 21261120},
        {20261120, 21261121, VG_TOO_FAR, 0},
        {20300101, 0, VG_OK, FOREVER}, // one year ahead is for integrating
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct directory_context context = on(20261120);
        struct remove_request asked = {ann.number, 2, rows[i].begin, rows[i].end};
        struct period period;
        struct niss niss;
        struct faults faults = {0};

        directory_judge_remove(&context, &asked, &niss, &period, &faults);
        if (faults_first(&faults) != rows[i].wrong) {
            print_message("row %zu\n", i);
        }
        assert_int_equal(faults_first(&faults), rows[i].wrong);
        assert_int_equal(niss.number, ann.number);
        if (rows[i].wrong == VG_OK) {
            assert_int_equal(faults.total, 0);
            assert_int_equal(day_number(period.begin), rows[i].begin);
            assert_int_equal(day_number(period.end), rows[i].given);
        }
    }
}

static void
a_removal_says_everything_that_is_wrong_too(void **state)
{
    struct directory_context context = on(20261120);
    struct remove_request asked = {12345678901, 10, 18000101, 20260230};
    struct period period;
    struct niss niss;
    struct faults faults = {0};

    (void)state;
    directory_judge_remove(&context, &asked, &niss, &period, &faults);
    ASSERT_FAULTS(&faults, VG_BAD_NISS, VG_UNKNOWN_QUALITY, VG_TOO_FAR, VG_BAD_DATE);

    faults = (struct faults){0};
    context.test_persons = false;
    asked = (struct remove_request){ann.number, 2, 20261120, 0};
    directory_judge_remove(&context, &asked, &niss, &period, &faults);
    ASSERT_FAULTS(&faults, VG_TEST_PERSON);
}

// ---- the array ----

static struct integration rows[ROWS_MAX];
static size_t rows_len;

static void
begin_with(size_t len, const struct integration *given)
{
    memcpy(rows, given, len * sizeof *given);
    rows_len = len;
}

static void
assert_rows(size_t len, const struct integration *wanted)
{
    assert_int_equal(rows_len, len);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(rows[i].sector, wanted[i].sector);
        assert_int_equal(rows[i].institution, wanted[i].institution);
        assert_int_equal(rows[i].quality, wanted[i].quality);
        assert_int_equal(rows[i].begin, wanted[i].begin);
        assert_int_equal(rows[i].end, wanted[i].end);
    }
}

#define BEGIN_WITH(...)                                                                  \
    begin_with(sizeof((struct integration[]){__VA_ARGS__}) / sizeof(struct integration), \
               (struct integration[]){__VA_ARGS__})
#define ASSERT_ROWS(...)                                                                 \
    assert_rows(sizeof((struct integration[]){__VA_ARGS__}) /                            \
                    sizeof(struct integration),                                          \
                (struct integration[]){__VA_ARGS__})

static size_t
cut(uint32_t institution, uint16_t quality, uint32_t begin, uint32_t end)
{
    return directory_cut(rows, &rows_len, institution, quality,
                         (struct period){day(begin), day(end)});
}

static void
keeps_rows_in_order(void **state)
{
    struct integration first = row(9, 2, 20260101, 20260131);

    (void)state;
    first.sector = 4;
    rows_len = 0;
    directory_add(rows, &rows_len, row(8, 4, 20260301, 20260331));
    directory_add(rows, &rows_len, row(8, 2, 20260301, 20260331));
    directory_add(rows, &rows_len, row(7, 4, 20260101, 20260131));
    directory_add(rows, &rows_len, row(8, 2, 20260101, 20260131));
    directory_add(rows, &rows_len, first);
    ASSERT_ROWS(first, row(7, 4, 20260101, 20260131), row(8, 2, 20260101, 20260131),
                row(8, 2, 20260301, 20260331), row(8, 4, 20260301, 20260331));
}

static void
joins_rows_that_overlap_or_touch(void **state)
{
    (void)state;
    BEGIN_WITH(row(7, 2, 20260101, 20260131));
    directory_add(rows, &rows_len, row(7, 2, 20260201, 20260228)); // the next day
    ASSERT_ROWS(row(7, 2, 20260101, 20260228));
    directory_add(rows, &rows_len, row(7, 2, 20251231, 20251231)); // the day before
    ASSERT_ROWS(row(7, 2, 20251231, 20260228));
    directory_add(rows, &rows_len, row(7, 2, 20260215, 20260331)); // over its end
    ASSERT_ROWS(row(7, 2, 20251231, 20260331));
    directory_add(rows, &rows_len, row(7, 2, 20260105, 20260106)); // inside
    ASSERT_ROWS(row(7, 2, 20251231, 20260331));
    directory_add(rows, &rows_len, row(7, 2, 20260402, 20260430)); // one day between
    ASSERT_ROWS(row(7, 2, 20251231, 20260331), row(7, 2, 20260402, 20260430));
    directory_add(rows, &rows_len, row(7, 2, 20260401, 20260401)); // fills it
    ASSERT_ROWS(row(7, 2, 20251231, 20260430));
    directory_add(rows, &rows_len, row(7, 2, 20260501, FOREVER));
    ASSERT_ROWS(row(7, 2, 20251231, FOREVER));
    directory_add(rows, &rows_len, row(7, 2, 20260601, FOREVER));
    ASSERT_ROWS(row(7, 2, 20251231, FOREVER));
}

static void
joins_nothing_of_another_quality_or_institution(void **state)
{
    struct integration elsewhere = row(7, 2, 20260101, 20261231);

    (void)state;
    elsewhere.sector = SECTOR_CPAS + 1;
    BEGIN_WITH(row(7, 2, 20260101, 20261231));
    directory_add(rows, &rows_len, row(7, 3, 20260101, 20261231));
    directory_add(rows, &rows_len, row(8, 2, 20260101, 20261231));
    directory_add(rows, &rows_len, elsewhere);
    ASSERT_ROWS(row(7, 2, 20260101, 20261231), row(7, 3, 20260101, 20261231),
                row(8, 2, 20260101, 20261231), elsewhere);
}

static void
splits_a_row_that_is_cut_in_the_middle(void **state)
{
    (void)state;
    BEGIN_WITH(row(7, 2, 20260101, 20261231));
    assert_int_equal(cut(7, 2, 20260301, 20260331), 1);
    ASSERT_ROWS(row(7, 2, 20260101, 20260228), row(7, 2, 20260401, 20261231));
    assert_int_equal(cut(7, 2, 20260301, 20260331), 0); // nothing is left of it
}

static void
shortens_a_row_that_is_cut_at_an_end(void **state)
{
    (void)state;
    BEGIN_WITH(row(7, 2, 20260101, 20261231));
    assert_int_equal(cut(7, 2, 20251201, 20260101), 1);
    ASSERT_ROWS(row(7, 2, 20260102, 20261231));
    assert_int_equal(cut(7, 2, 20261231, 20270630), 1);
    ASSERT_ROWS(row(7, 2, 20260102, 20261230));
    assert_int_equal(cut(7, 2, 20260601, FOREVER), 1); // "désintégration à l'infini"
    ASSERT_ROWS(row(7, 2, 20260102, 20260531));
    assert_int_equal(cut(7, 2, 20260601, FOREVER), 0);
}

static void
drops_the_rows_inside_and_trims_those_around(void **state)
{
    (void)state;
    BEGIN_WITH(row(7, 2, 20260101, 20260131), row(7, 2, 20260301, 20260331),
               row(7, 2, 20260501, 20260531), row(7, 2, 20260701, FOREVER));
    assert_int_equal(cut(7, 2, 20260115, 20260930), 4);
    ASSERT_ROWS(row(7, 2, 20260101, 20260114), row(7, 2, 20261001, FOREVER));
}

static void
cuts_nothing_of_another_quality_or_institution(void **state)
{
    (void)state;
    BEGIN_WITH(row(7, 2, 20260101, 20261231), row(7, 3, 20260101, 20261231),
               row(8, 2, 20260101, 20261231));
    assert_int_equal(cut(7, 2, 20260101, FOREVER), 1);
    ASSERT_ROWS(row(7, 3, 20260101, 20261231), row(8, 2, 20260101, 20261231));
    assert_int_equal(cut(9, 2, 20260101, FOREVER), 0);
}

// A store that was loaded from elsewhere may hold what directory_add would have joined.
static void
cuts_rows_that_overlap_with_room_for_one_more(void **state)
{
    (void)state;
    BEGIN_WITH(row(7, 2, 20260101, 20261031), row(7, 2, 20260201, 20261130),
               row(7, 2, 20260301, 20261231));
    cut(7, 2, 20260601, 20260630);
    assert_in_range(rows_len, 1, 4);
    for (size_t i = 0; i < rows_len; i++) {
        assert_true(rows[i].end < day(20260601).number ||
                    rows[i].begin > day(20260630).number);
    }
    assert_int_equal(rows[rows_len - 1].end, day(20261231).number);
}

static void
joins_rows_that_should_have_been_joined_before(void **state)
{
    (void)state;
    BEGIN_WITH(row(7, 2, 20260101, 20260331), row(7, 2, 20260301, 20260630));
    directory_add(rows, &rows_len, row(7, 2, 20260701, 20260731)); // touches the second
    ASSERT_ROWS(row(7, 2, 20260101, 20260731));
}

static void
finds_the_others_of_the_sector_that_share_a_day(void **state)
{
    struct integration found[ROWS_MAX];
    struct integration june = row(SELF, 2, 20260601, 20260630);

    (void)state;
    BEGIN_WITH(row(SELF, 3, 20260101, FOREVER), row(8, 3, 20260101, 20260601),
               row(8, 2, 20260630, 20261231), row(8, 4, 20260701, 20261231),
               row(9, 2, 20260101, 20260531), row(9, 11, 20200101, FOREVER),
               row(10, 1, 20260101, 20261231));
    rows[6].sector = SECTOR_CPAS + 1;
    assert_int_equal(directory_overlaps(rows, rows_len, &june, found, ROWS_MAX), 3);
    assert_int_equal(found[0].quality, 3);
    assert_int_equal(found[0].institution, 8);
    assert_int_equal(found[1].quality, 2);
    assert_int_equal(found[2].institution, 9);
    found[1].institution = 99;
    assert_int_equal(directory_overlaps(rows, rows_len, &june, found, 1), 3);
    assert_int_equal(found[1].institution, 99); // no room for it
    assert_int_equal(directory_overlaps(rows, 0, &june, found, ROWS_MAX), 0);
}

// ---- against a plain list of days ----

// [institution][quality][day]: is it followed?
static bool plain[3][3][DAYS];

static uint32_t
next_random(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 16;
}

static void
assert_same_as_plain(void)
{
    static bool seen[3][3][DAYS];

    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < rows_len; i++) {
        assert_true(rows[i].begin <= rows[i].end);
        for (int32_t at = rows[i].begin; at <= rows[i].end; at++) {
            bool *followed = &seen[rows[i].institution][rows[i].quality][at];

            assert_false(*followed); // one day, one row
            *followed = true;
        }
        if (i > 0 && rows[i - 1].institution == rows[i].institution &&
            rows[i - 1].quality == rows[i].quality) {
            assert_true(rows[i - 1].end + 1 < rows[i].begin); // sorted, and joined
        } else if (i > 0) {
            assert_true(rows[i - 1].institution * 3 + rows[i - 1].quality <
                        rows[i].institution * 3 + rows[i].quality);
        }
    }
    assert_memory_equal(seen, plain, sizeof seen);
}

static void
agrees_with_a_plain_list_of_days_after_any_changes(void **state)
{
    uint32_t seed = 20261120;

    (void)state;
    for (int round = 0; round < 200; round++) {
        memset(plain, 0, sizeof plain);
        rows_len = 0;
        for (int step = 0; step < 40; step++) {
            uint32_t institution = next_random(&seed) % 3;
            uint16_t quality = (uint16_t)(next_random(&seed) % 3);
            int32_t begin = (int32_t)(next_random(&seed) % DAYS);
            int32_t room = DAYS - begin;
            int32_t end =
                begin + (int32_t)(next_random(&seed) % (room < 9 ? (uint32_t)room : 9U));
            bool adds = next_random(&seed) % 3 != 0;

            for (int32_t at = begin; at <= end; at++) {
                plain[institution][quality][at] = adds;
            }
            if (adds) {
                directory_add(
                    rows, &rows_len,
                    (struct integration){institution, SECTOR_CPAS, quality, begin, end});
            } else {
                directory_cut(rows, &rows_len, institution, quality,
                              (struct period){{begin}, {end}});
            }
            assert_in_range(rows_len, 0, ROWS_MAX - 1);
            assert_same_as_plain();
        }
    }
}

static void
ordering_rows_is_adding_them_one_by_one(void **state)
{
    uint32_t seed = 5;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct integration drawn[12], added[13];
        size_t len = 0, added_len = 0;

        seed = seed * 1664525u + 1013904223u;
        len = seed >> 28 & 7;
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1664525u + 1013904223u;
            drawn[i] = (struct integration){.institution = seed >> 30,
                                            .sector = (uint16_t)(16 + (seed >> 29 & 1)),
                                            .quality = (uint16_t)(1 + (seed >> 28 & 1)),
                                            .begin = (int32_t)(seed >> 20 & 15)};
            drawn[i].end = drawn[i].begin + (int32_t)(seed >> 16 & 7);
            directory_add(added, &added_len, drawn[i]);
        }
        directory_order(drawn, &len);
        assert_int_equal(len, added_len);
        assert_memory_equal(drawn, added, len * sizeof *drawn);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_an_end_it_lasts_as_long_as_the_code_allows),
        cmocka_unit_test(code_021_without_an_end_lasts_five_years_but_may_last_longer),
        cmocka_unit_test(refuses_a_day_more_than_the_code_allows),
        cmocka_unit_test(code_040_stays_inside_one_calendar_year),
        cmocka_unit_test(takes_a_period_that_is_wholly_past),
        cmocka_unit_test(begins_at_most_one_year_ahead),
        cmocka_unit_test(no_date_lies_more_than_a_hundred_years_away),
        cmocka_unit_test(refuses_days_that_do_not_exist_or_are_out_of_order),
        cmocka_unit_test(refuses_codes_that_the_sector_does_not_have),
        cmocka_unit_test(says_everything_that_is_wrong_at_once),
        cmocka_unit_test(never_writes_a_person_number),
        cmocka_unit_test(only_one_cpas_pays_for_one_person_and_period),
        cmocka_unit_test(a_refused_request_learns_nothing_of_others),
        cmocka_unit_test(the_codes_that_pay_are_exclusive_and_no_others),
        cmocka_unit_test(names_everybody_who_is_in_the_way),
        cmocka_unit_test(one_proof_is_enough_and_each_must_hold),
        cmocka_unit_test(a_birth_that_the_number_does_not_know_agrees_with_every_date),
        cmocka_unit_test(removes_a_period_or_for_ever),
        cmocka_unit_test(a_removal_says_everything_that_is_wrong_too),
        cmocka_unit_test(keeps_rows_in_order),
        cmocka_unit_test(joins_rows_that_overlap_or_touch),
        cmocka_unit_test(joins_nothing_of_another_quality_or_institution),
        cmocka_unit_test(splits_a_row_that_is_cut_in_the_middle),
        cmocka_unit_test(shortens_a_row_that_is_cut_at_an_end),
        cmocka_unit_test(drops_the_rows_inside_and_trims_those_around),
        cmocka_unit_test(cuts_nothing_of_another_quality_or_institution),
        cmocka_unit_test(cuts_rows_that_overlap_with_room_for_one_more),
        cmocka_unit_test(joins_rows_that_should_have_been_joined_before),
        cmocka_unit_test(finds_the_others_of_the_sector_that_share_a_day),
        cmocka_unit_test(agrees_with_a_plain_list_of_days_after_any_changes),
        cmocka_unit_test(ordering_rows_is_adding_them_one_by_one),
    };

    return cmocka_run_group_tests(tests, open_catalogue, close_catalogue);
}
