// SPDX-License-Identifier: EUPL-1.2
// Goal: a mutation that a source may not publish, or that says something impossible, is
// refused with the right word, and nothing about a person is in that word.
// Method: one good mutation per kind of flow, spoiled in one value at a time.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// Before cmocka.h, which makes a macro of the word fail.
#include "rules/judge.h"

#include <cmocka.h>

static const char text[] =
    "sectors:\n"
    "  - {number: 1, name: RN, meaning: register}\n"
    "  - {number: 4, name: ONSS, meaning: social security}\n"
    "  - {number: 17, name: CPAS, meaning: welfare centres}\n"
    "qualities:\n"
    "  - {sector: CPAS, code: 002, meaning: x, longest: 1 year, class: applicant, "
    "deliberation: x}\n"
    "fields:\n"
    "  - {code: 020, classes: [applicant], meaning: address, deliberation: x}\n"
    "  - {code: 140, classes: [applicant], meaning: household, deliberation: x}\n"
    "  - {code: employer, classes: all, meaning: employer, deliberation: x}\n"
    "flows:\n"
    "  - {id: 1, name: person, meaning: x, sources: [RN], period: optional, "
    "fields: [020, 140], recipients: [{to: directory, sectors: [CPAS], when: today, "
    "deliberation: x}]}\n"
    "  - {id: 2, name: replaced, meaning: x, sources: [RN], replaces_person: true, "
    "fields: [], recipients: [{to: directory, sectors: [CPAS], when: today, "
    "deliberation: x}]}\n"
    "  - {id: 3, name: enterprise, meaning: x, sources: [ONSS], key: enterprise, "
    "fields: [employer], recipients: [{to: every subscriber, sectors: [CPAS], "
    "deliberation: x}]}\n"
    "  - {id: 4, name: lasting, meaning: x, sources: [CPAS], period: required, "
    "fields: [], recipients: [{to: directory, sectors: [CPAS], when: overlap, "
    "deliberation: x}]}\n"
    "  - {id: 5, name: letter, meaning: x, sources: [CPAS], fields: [], "
    "recipients: [{to: addressed, sectors: [CPAS], deliberation: x}]}\n"
    "  - {id: 6, name: water, meaning: x, sources: [CPAS], fields: [], "
    "publisher: {when: 1 January}, "
    "recipients: [{to: addressed, sectors: [CPAS], deliberation: x}]}\n";

// What a test changes, and what comes of it.
struct fixture {
    struct catalogue *catalogue;
    struct institution publisher;
    struct judge_context context;
    struct hot_mutation mutation;
    struct judged judged;
    struct why why;
};

static struct niss ann;
static struct niss bea;

static struct hot_bytes
words(const char *words)
{
    return (struct hot_bytes){(const uint8_t *)words, strlen(words)};
}

static int
open_fixture(void **state)
{
    static struct fixture fixture;
    struct faults faults = {0};

    ann = niss_make(1985, 7 + 60, 12, 31);
    bea = niss_make(2003, 2 + 60, 3, 44);
    fixture = (struct fixture){0};
    fixture.catalogue = catalogue_parse(text, sizeof text - 1, &faults);
    assert_non_null(fixture.catalogue);
    fixture.context = (struct judge_context){
        .catalogue = fixture.catalogue,
        .publisher = &fixture.publisher,
        .today = day_of(2026, 11, 20),
        .test_persons = true,
    };
    *state = &fixture;
    return 0;
}

static int
close_fixture(void **state)
{
    struct fixture *fixture = *state;

    catalogue_free(&fixture->catalogue);
    return 0;
}

// Begins a good mutation of a flow, from the sector that is its source.
static void
begin(struct fixture *fixture, const char *flow)
{
    const struct flow *found = catalogue_flow(fixture->catalogue, bytes_of(flow));

    fixture->publisher.sector = found == NULL ? 1 : found->sources[0];
    snprintf(fixture->publisher.code, sizeof fixture->publisher.code, "SOURCE");
    fixture->mutation = (struct hot_mutation){.flow = words(flow), .niss = ann.number};
}

static void
add_field(struct fixture *fixture, const char *code)
{
    fixture->mutation.fields[fixture->mutation.fields_len++].code = words(code);
}

static enum vg_status
judge(struct fixture *fixture)
{
    return judge_mutation(&fixture->context, &fixture->mutation, &fixture->judged,
                          &fixture->why);
}

static void
refuses(struct fixture *fixture, enum vg_status status, const char *said)
{
    enum vg_status answer = judge(fixture);
    char number[NISS_MASK_LEN];

    if (answer != status || strstr(fixture->why.text, said) == NULL) {
        print_message("%s: %s\n", vg_status_name(answer), fixture->why.text);
    }
    assert_int_equal(answer, status);
    assert_non_null(strstr(fixture->why.text, said));
    niss_print(ann, number);
    assert_null(strstr(fixture->why.text, number));
    niss_print(bea, number);
    assert_null(strstr(fixture->why.text, number));

    // Nobody has to listen.
    assert_int_equal(
        judge_mutation(&fixture->context, &fixture->mutation, &fixture->judged, NULL),
        status);
}

static void
accepts_what_a_source_may_publish(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "person");
    fixture->mutation.occurred = 20261100;
    add_field(fixture, "140");
    add_field(fixture, "020");
    add_field(fixture, "140"); // two people joined the household
    assert_int_equal(judge(fixture), VG_OK);
    assert_ptr_equal(fixture->judged.mutation, &fixture->mutation);
    assert_int_equal(fixture->judged.flow->id, 1);
    assert_int_equal(fixture->judged.niss.number, ann.number);
    assert_int_equal(fixture->judged.new_niss.number, 0);
    assert_int_equal(fixture->judged.enterprise.number, 0);
    assert_false(fixture->judged.has_period);
    assert_int_equal(fixture->judged.field[0], 1);
    assert_int_equal(fixture->judged.field[1], 0);
    assert_int_equal(fixture->judged.field[2], 1);
}

static void
forgets_the_mutation_before(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "replaced");
    fixture->mutation.new_niss = bea.number;
    assert_int_equal(judge(fixture), VG_OK);
    begin(fixture, "lasting");
    fixture->mutation.period_begin = 20260101;
    assert_int_equal(judge(fixture), VG_OK);
    assert_int_equal(fixture->judged.new_niss.number, 0);
    begin(fixture, "enterprise");
    fixture->mutation.niss = 0;
    fixture->mutation.enterprise = 403019261;
    assert_int_equal(judge(fixture), VG_OK);
    assert_int_equal(fixture->judged.niss.number, 0);
    assert_int_equal(fixture->judged.enterprise.number, 403019261);
    assert_false(fixture->judged.has_period);
}

static void
refuses_a_flow_that_does_not_exist(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "nothing\nof the kind");
    refuses(fixture, VG_UNKNOWN_FLOW, "nothing?of the kind");
    begin(fixture, "");
    refuses(fixture, VG_UNKNOWN_FLOW, "flow");
}

static void
refuses_a_flow_of_somebody_else(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "person");
    fixture->publisher.sector = 4;
    refuses(fixture, VG_NOT_THE_SOURCE, "SOURCE (sector 4) is not its source");
}

static void
refuses_numbers_that_are_nobody(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "person");
    fixture->mutation.niss = ann.number + 1;
    refuses(fixture, VG_BAD_NISS, "niss: ");
    fixture->mutation.niss = 0;
    refuses(fixture, VG_BAD_NISS, "niss: ");
    fixture->mutation.niss = UINT64_MAX;
    refuses(fixture, VG_BAD_NISS, "niss: ");
}

static void
refuses_a_birth_that_is_still_to_come(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "person");
    fixture->mutation.niss = niss_make(2030, 2 + 60, 3, 44).number;
    refuses(fixture, VG_BAD_NISS, "niss: ");
}

static void
refuses_fictitious_persons_unless_switched_on(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "person");
    fixture->context.test_persons = false;
    refuses(fixture, VG_TEST_PERSON, "niss: 85*********");
    fixture->mutation.niss = UINT64_C(42012205181); // published vector
    assert_int_equal(judge(fixture), VG_OK);
    begin(fixture, "replaced");
    fixture->mutation.niss = UINT64_C(42012205181);
    fixture->mutation.new_niss = bea.number;
    refuses(fixture, VG_TEST_PERSON, "new_niss: 03*********");
    fixture->context.test_persons = true;
}

static void
refuses_a_replacement_by_nobody_or_oneself(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "replaced");
    refuses(fixture, VG_BAD_NISS, "new_niss: ");
    fixture->mutation.new_niss = ann.number;
    refuses(fixture, VG_BAD_NISS, "new_niss: the same as niss");
    fixture->mutation.new_niss = bea.number;
    assert_int_equal(judge(fixture), VG_OK);
    assert_int_equal(fixture->judged.new_niss.number, bea.number);
}

static void
refuses_bad_enterprises(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "enterprise");
    fixture->mutation.niss = 0;
    refuses(fixture, VG_BAD_ENTERPRISE, "enterprise: ");
    fixture->mutation.enterprise = 431150351;
    refuses(fixture, VG_BAD_ENTERPRISE, "enterprise: ");
}

// It would travel on to the recipients.
static void
refuses_values_that_the_flow_has_no_use_for(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "enterprise");
    fixture->mutation.enterprise = 403019261;
    refuses(fixture, VG_BAD_NISS, "names no person");
    begin(fixture, "person");
    fixture->mutation.new_niss = bea.number;
    refuses(fixture, VG_BAD_NISS, "replaces no person");
    begin(fixture, "person");
    fixture->mutation.enterprise = 403019261;
    refuses(fixture, VG_BAD_ENTERPRISE, "names no enterprise");
    begin(fixture, "person");
    fixture->mutation.reference_year = 2026;
    refuses(fixture, VG_BAD_DATE, "has no reference year");
    begin(fixture, "person");
    fixture->mutation.recipient = words("CPAS-21004");
    refuses(fixture, VG_BAD_RECIPIENT, "is not addressed");
    begin(fixture, "letter");
    fixture->mutation.recipient = words("CPAS-21004");
    fixture->mutation.period_begin = 20260101;
    refuses(fixture, VG_BAD_DATE, "has no period");
}

static void
refuses_dates_that_do_not_exist(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "person");
    fixture->mutation.occurred = 20260230;
    refuses(fixture, VG_BAD_DATE, "occurred: ");
    begin(fixture, "person");
    fixture->mutation.period_begin = 20261301;
    refuses(fixture, VG_BAD_DATE, "period_begin: ");
    fixture->mutation.period_begin = 20260101;
    fixture->mutation.period_end = UINT32_MAX;
    refuses(fixture, VG_BAD_DATE, "period_end: ");
}

static void
refuses_a_period_that_is_missing_or_turned_round(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "lasting");
    refuses(fixture, VG_BAD_DATE, "needs a period");
    fixture->mutation.period_end = 20260101;
    refuses(fixture, VG_BAD_DATE, "period_begin: ");
    fixture->mutation.period_begin = 20260102;
    refuses(fixture, VG_BAD_DATE, "20260101 is before period_begin 20260102");
    fixture->mutation.period_begin = 20260101;
    assert_int_equal(judge(fixture), VG_OK); // one day
}

static void
reads_unknown_parts_of_a_period_as_wide_as_they_may_be(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "lasting");
    fixture->mutation.period_begin = 20260200;
    fixture->mutation.period_end = 20260200;
    assert_int_equal(judge(fixture), VG_OK);
    assert_true(fixture->judged.has_period);
    assert_int_equal(fixture->judged.period.begin.number, day_of(2026, 2, 1).number);
    assert_int_equal(fixture->judged.period.end.number, day_of(2026, 2, 28).number);
    fixture->mutation.period_end = 20280000;
    assert_int_equal(judge(fixture), VG_OK);
    assert_int_equal(fixture->judged.period.end.number, day_of(2028, 12, 31).number);
    fixture->mutation.period_end = 0;
    assert_int_equal(judge(fixture), VG_OK);
    assert_int_equal(fixture->judged.period.end.number, DAY_FOREVER.number);
    fixture->mutation.period_end = 99991231;
    assert_int_equal(judge(fixture), VG_OK);
    assert_int_equal(fixture->judged.period.end.number, DAY_FOREVER.number);
}

static void
wants_a_reference_year_near_today(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "water");
    fixture->mutation.recipient = words("CPAS-21004");
    refuses(fixture, VG_BAD_DATE, "reference_year: flow water needs one");
    fixture->mutation.reference_year = 1925;
    refuses(fixture, VG_BAD_DATE, "reference_year: 1925");
    fixture->mutation.reference_year = UINT32_MAX;
    refuses(fixture, VG_BAD_DATE, "reference_year: ");
    fixture->mutation.reference_year = 2025;
    assert_int_equal(judge(fixture), VG_OK);
}

static void
refuses_fields_that_the_flow_may_not_carry(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "person");
    add_field(fixture, "020");
    add_field(fixture, "021");
    refuses(fixture, VG_UNKNOWN_FIELD, "field 021 ");
    begin(fixture, "person");
    add_field(fixture, "020");
    add_field(fixture, "employer");
    refuses(fixture, VG_FIELD_NOT_IN_FLOW, "field employer is not one of flow person");
    begin(fixture, "person");
    add_field(fixture, "");
    refuses(fixture, VG_UNKNOWN_FIELD, "field");
}

static void
wants_a_recipient_where_the_flow_is_addressed(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "letter");
    refuses(fixture, VG_BAD_RECIPIENT, "recipient: flow letter needs one");
    fixture->mutation.recipient = words("CPAS-21004");
    assert_int_equal(judge(fixture), VG_OK);
}

static void
names_the_first_mistake_in_the_order_of_the_header(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "person");
    fixture->publisher.sector = 4;
    fixture->mutation.niss = 1;
    fixture->mutation.enterprise = 1;
    fixture->mutation.occurred = 1;
    add_field(fixture, "x");
    fixture->mutation.recipient = words("X");
    refuses(fixture, VG_NOT_THE_SOURCE, "");
    fixture->publisher.sector = 1;
    refuses(fixture, VG_BAD_NISS, "");
    fixture->mutation.niss = ann.number;
    refuses(fixture, VG_BAD_ENTERPRISE, "");
    fixture->mutation.enterprise = 0;
    refuses(fixture, VG_BAD_DATE, "");
    fixture->mutation.occurred = 0;
    refuses(fixture, VG_UNKNOWN_FIELD, "");
    fixture->mutation.fields_len = 0;
    refuses(fixture, VG_BAD_RECIPIENT, "");
    fixture->mutation.recipient.len = 0;
    assert_int_equal(judge(fixture), VG_OK);
}

static void
reads_what_it_corrects_as_one_ticket(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "person");
    fixture->mutation.replaces = words("120");
    assert_int_equal(judge(fixture), VG_OK);
    assert_int_equal(fixture->judged.corrects, 120);
    assert_false(fixture->judged.cancels);
    fixture->mutation.cancels = words("7");
    refuses(fixture, VG_BAD_REFERENCE, "replaces and cancels");
    fixture->mutation.replaces.len = 0;
    assert_int_equal(judge(fixture), VG_OK);
    assert_int_equal(fixture->judged.corrects, 7);
    assert_true(fixture->judged.cancels);
    fixture->mutation.cancels = words("rn-7");
    refuses(fixture, VG_BAD_REFERENCE, "cancels: rn-7 is not a ticket");
    fixture->mutation.cancels = words("1234567890123456789");
    refuses(fixture, VG_BAD_REFERENCE, "is not a ticket");
    begin(fixture, "replaced");
    fixture->mutation.new_niss = bea.number;
    fixture->mutation.replaces = words("7");
    refuses(fixture, VG_BAD_REFERENCE, "replaces: flow replaced is not corrected");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_a_source_may_publish),
        cmocka_unit_test(forgets_the_mutation_before),
        cmocka_unit_test(refuses_a_flow_that_does_not_exist),
        cmocka_unit_test(refuses_a_flow_of_somebody_else),
        cmocka_unit_test(refuses_numbers_that_are_nobody),
        cmocka_unit_test(refuses_a_birth_that_is_still_to_come),
        cmocka_unit_test(refuses_fictitious_persons_unless_switched_on),
        cmocka_unit_test(refuses_a_replacement_by_nobody_or_oneself),
        cmocka_unit_test(refuses_bad_enterprises),
        cmocka_unit_test(refuses_values_that_the_flow_has_no_use_for),
        cmocka_unit_test(refuses_dates_that_do_not_exist),
        cmocka_unit_test(refuses_a_period_that_is_missing_or_turned_round),
        cmocka_unit_test(reads_unknown_parts_of_a_period_as_wide_as_they_may_be),
        cmocka_unit_test(wants_a_reference_year_near_today),
        cmocka_unit_test(refuses_fields_that_the_flow_may_not_carry),
        cmocka_unit_test(wants_a_recipient_where_the_flow_is_addressed),
        cmocka_unit_test(reads_what_it_corrects_as_one_ticket),
        cmocka_unit_test(names_the_first_mistake_in_the_order_of_the_header),
    };

    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
