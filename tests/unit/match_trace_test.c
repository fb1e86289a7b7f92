// SPDX-License-Identifier: EUPL-1.2
// Goal: a trace holds every rule that was asked, in the order asked, with the integration it
// was asked of; and its words are those of the law.
// Method: small catalogue, rows compared one by one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Before cmocka.h, which makes a macro of the word fail.
#include "rules/match_trace.h"

#include <cmocka.h>

static const char text[] =
    "sectors:\n"
    "  - {number: 1, name: RN, meaning: register}\n"
    "  - {number: 17, name: CPAS, meaning: welfare centres}\n"
    "qualities:\n"
    "  - {sector: CPAS, code: 002, meaning: x, longest: 1 year, class: applicant, "
    "deliberation: x}\n"
    "  - {sector: CPAS, code: 030, meaning: x, longest: 1 year, class: debtor, "
    "deliberation: x}\n"
    "fields:\n"
    "  - {code: 020, classes: [applicant, debtor], meaning: address, deliberation: RN "
    "1}\n"
    "  - {code: 110, classes: [applicant], meaning: parentage, deliberation: RN 2}\n"
    "flows:\n"
    "  - {id: 1, name: person, meaning: x, sources: [RN, CPAS], fields: [020, 110], "
    "recipients: [{to: directory, sectors: [CPAS], when: today, not_publisher: true, "
    "deliberation: CSSS 1}]}\n";

enum { SOURCE = 1, A, B };

static struct catalogue *catalogue;
static struct roster *roster;
static struct hot_mutation mutation;
static struct judged judged;
static struct trace trace;

static void
put(uint32_t id, uint16_t sector, const char *code)
{
    struct institution institution = {.id = id, .sector = sector};

    snprintf(institution.code, sizeof institution.code, "%s", code);
    roster_put(roster, &institution);
}

static int
open_all(void **state)
{
    static struct faults faults;

    (void)state;
    catalogue = catalogue_parse(text, sizeof text - 1, &faults);
    assert_non_null(catalogue);
    roster = roster_new();
    put(SOURCE, 1, "SOURCE");
    put(A, SECTOR_CPAS, "A");
    put(B, SECTOR_CPAS, "B");
    return 0;
}

static int
close_all(void **state)
{
    (void)state;
    roster_free(&roster);
    catalogue_free(&catalogue);
    return 0;
}

static int
close_trace(void **state)
{
    (void)state;
    trace_free_rows(&trace);
    assert_null(trace.rows);
    assert_int_equal(trace.len, 0);
    return 0;
}

static struct integration
held(uint32_t institution, uint16_t sector, uint16_t quality, int year)
{
    return (struct integration){
        .institution = institution,
        .sector = sector,
        .quality = quality,
        .begin = day_of(year, 1, 1).number,
        .end = day_of(year, 12, 31).number,
    };
}

static void
match(uint32_t publisher, const char *field, const struct integration *integrations,
      size_t len)
{
    static struct grant grants[GRANTS_MAX];
    size_t grants_len;
    struct match_question question = {
        .catalogue = catalogue,
        .roster = roster,
        .judged = &judged,
        .publisher = roster_institution(roster, publisher),
        .integrations = integrations,
        .integrations_len = len,
        .today = day_of(2026, 11, 20),
    };

    mutation = (struct hot_mutation){.fields_len = 1};
    judged = (struct judged){.mutation = &mutation};
    judged.flow = catalogue_flow(catalogue, bytes_of("person"));
    judged.field[0] = (int16_t)catalogue_field(catalogue, bytes_of(field));
    assert_int_equal(match_recipients(&question, grants, &grants_len, &trace, NULL),
                     VG_OK);
}

struct row {
    uint32_t institution;
    enum match_rule rule;
    bool passed;
    uint16_t quality; // of the integration, 0: of none
    const char *text;
};

static void
assert_rows(const struct row *rows, size_t len)
{
    for (size_t i = 0; i < len && i < trace.len; i++) {
        const struct trace_row *row = &trace.rows[i];

        assert_string_equal(row->text, rows[i].text);
        assert_int_equal(row->institution, rows[i].institution);
        assert_int_equal(row->rule, rows[i].rule);
        assert_int_equal(row->passed, rows[i].passed);
        assert_int_equal(row->justified, rows[i].quality != 0);
        assert_int_equal(row->integration.quality, rows[i].quality);
    }
    assert_int_equal(trace.len, len);
}

static void
an_integration_that_counts_answers_every_rule(void **state)
{
    const struct integration all[] = {held(A, SECTOR_CPAS, 2, 2026)};
    const struct row rows[] = {
        {A, RULE_SECTOR, true, 2, "sector 17 (CPAS) is among those that get it"},
        {A, RULE_QUALITY, true, 2, "002 is among all qualities"},
        {A, RULE_WHEN, true, 2, "today: 2026-11-20 is in 2026-01-01 to 2026-12-31"},
        {A, RULE_NOT_PUBLISHER, true, 2, "it is not the publisher itself"},
        {A, RULE_MAILBOX, true, 0, "mailbox default takes it"},
        {A, RULE_FIELDS, true, 0, "110 (parentage) given: for applicant"},
        {A, RULE_FIELDS, true, 0, "1 of 1 fields left"},
        {A, RULE_DELIVERED, true, 2,
         "to mailbox default, justified by 002 from 2026-01-01 to 2026-12-31"},
    };

    (void)state;
    match(SOURCE, "110", all, 1);
    assert_rows(rows, ARRAY_LEN(rows));
    assert_string_equal(trace.rows[5].deliberation, "RN 2");
    assert_string_equal(trace.rows[7].deliberation, "CSSS 1");
    assert_memory_equal(&trace.rows[7].integration, &all[0], sizeof all[0]);
}

static void
the_first_no_is_the_last_row_of_an_integration(void **state)
{
    const struct integration all[] = {
        held(A, 1, 2, 2026),            // another sector
        held(A, SECTOR_CPAS, 4, 2026),  // a code that the catalogue has not
        held(A, SECTOR_CPAS, 2, 2025),  // the past
        held(B, SECTOR_CPAS, 30, 2026), // the publisher
    };
    const struct row rows[] = {
        {A, RULE_SECTOR, false, 2, "sector 1 (RN) is not among those that get it"},
        {A, RULE_SECTOR, true, 4, "sector 17 (CPAS) is among those that get it"},
        {A, RULE_QUALITY, false, 4, "the catalogue has no 004 in sector 17 (CPAS)"},
        {A, RULE_SECTOR, true, 2, "sector 17 (CPAS) is among those that get it"},
        {A, RULE_QUALITY, true, 2, "002 is among all qualities"},
        {A, RULE_WHEN, false, 2, "today: 2026-11-20 is not in 2025-01-01 to 2025-12-31"},
        {B, RULE_SECTOR, true, 30, "sector 17 (CPAS) is among those that get it"},
        {B, RULE_QUALITY, true, 30, "030 is among all qualities"},
        {B, RULE_WHEN, true, 30, "today: 2026-11-20 is in 2026-01-01 to 2026-12-31"},
        {B, RULE_NOT_PUBLISHER, false, 30, "it is the publisher itself"},
    };

    (void)state;
    match(B, "110", all, ARRAY_LEN(all));
    assert_rows(rows, ARRAY_LEN(rows));
}

static void
each_field_withheld_has_its_row_and_deliberation(void **state)
{
    const struct integration all[] = {held(A, SECTOR_CPAS, 30, 2026)};

    (void)state;
    match(SOURCE, "110", all, 1);
    assert_int_equal(trace.len, 7);
    assert_int_equal(trace.rows[5].rule, RULE_FIELDS);
    assert_false(trace.rows[5].passed);
    assert_string_equal(trace.rows[5].text,
                        "110 (parentage) withheld: for applicant, not for debtor");
    assert_string_equal(trace.rows[5].deliberation, "RN 2");
    assert_int_equal(trace.rows[6].rule, RULE_FIELDS);
    assert_false(trace.rows[6].passed);
    assert_string_equal(trace.rows[6].text, "0 of 1 fields left: no notification");
}

static void
holds_as_many_rows_as_are_asked_for(void **state)
{
    static struct integration many[500];

    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(many); i++) {
        many[i] = held(100 + i, SECTOR_CPAS, 2, 2025);
    }
    match(SOURCE, "110", many, ARRAY_LEN(many));
    assert_int_equal(trace.len, 3 * ARRAY_LEN(many));
    for (uint32_t i = 0; i < ARRAY_LEN(many); i++) {
        assert_int_equal(trace.rows[3 * i + 2].institution, 100 + i);
        assert_int_equal(trace.rows[3 * i + 2].rule, RULE_WHEN);
    }
}

static void
each_rule_has_its_name(void **state)
{
    (void)state;
    for (int a = RULE_PUBLISHER; a <= RULE_DELIVERED; a++) {
        assert_string_not_equal(match_rule_name((enum match_rule)a), "?");
        for (int b = RULE_PUBLISHER; b < a; b++) {
            assert_string_not_equal(match_rule_name((enum match_rule)a),
                                    match_rule_name((enum match_rule)b));
        }
    }
}

static void
writes_qualities_as_the_law_does(void **state)
{
    struct condition condition = {0};

    (void)state;
    assert_string_equal(words_of_qualities(&condition).text, "all qualities");

    const uint16_t codes[] = {1, 2, 3, 4, 9, 20, 21, 30, 116};

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        condition.qualities[condition.qualities_len++] = codes[i];
    }
    assert_string_equal(words_of_qualities(&condition).text,
                        "001-004, 009, 020, 021, 030, 116");

    // The longest list that a condition can hold fits.
    condition.qualities_len = GROUP_QUALITIES_MAX;
    for (uint16_t i = 0; i < GROUP_QUALITIES_MAX; i++) {
        condition.qualities[i] = (uint16_t)(900 + 2 * i);
    }
    assert_int_equal(strlen(words_of_qualities(&condition).text),
                     5 * GROUP_QUALITIES_MAX - 2);
}

static void
writes_a_period_of_one_day_once(void **state)
{
    (void)state;
    assert_string_equal(words_of_period(0, 0).text, "1970-01-01");
    assert_string_equal(words_of_period(0, 1).text, "1970-01-01 to 1970-01-02");
    assert_string_equal(words_of_period(0, INT32_MAX).text, "1970-01-01 to 9999-12-31");
    assert_string_equal(words_of_sector(catalogue, 17), "CPAS");
    assert_string_equal(words_of_sector(catalogue, 99), "?");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_integration_that_counts_answers_every_rule,
                                  close_trace),
        cmocka_unit_test_teardown(the_first_no_is_the_last_row_of_an_integration,
                                  close_trace),
        cmocka_unit_test_teardown(each_field_withheld_has_its_row_and_deliberation,
                                  close_trace),
        cmocka_unit_test_teardown(holds_as_many_rows_as_are_asked_for, close_trace),
        cmocka_unit_test(each_rule_has_its_name),
        cmocka_unit_test(writes_qualities_as_the_law_does),
        cmocka_unit_test(writes_a_period_of_one_day_once),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
