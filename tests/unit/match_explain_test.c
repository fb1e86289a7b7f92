// SPDX-License-Identifier: EUPL-1.2
// Goal: "why did this CPAS (not) get this message?" has an answer that a person can read, that
// names rule, integration and deliberation, and no person.
// Method: the shipped catalogue; whole texts for two stories, single lines for the rest.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Before cmocka.h, which makes a macro of the word fail.
#include "rules/match.h"

#include <cmocka.h>

enum { RN = 1, CPAS_A, CPAS_B, CPAS_C, MUTUALITY, ONSS };

static struct catalogue *catalogue;
static struct roster *roster;
static struct hot_mutation mutation;
static struct judged judged;
static struct trace trace;
static struct buffer text;
static struct niss ann;

static void
put(uint32_t id, const char *sector, const char *code)
{
    struct institution institution = {
        .id = id, .sector = catalogue_sector_by_name(catalogue, sector)->number};

    snprintf(institution.code, sizeof institution.code, "%s", code);
    snprintf(institution.name, sizeof institution.name, "Name of %s", code);
    roster_put(roster, &institution);
}

static int
open_all(void **state)
{
    static char yaml[CATALOGUE_BYTES_MAX];
    static struct faults faults;
    FILE *file = fopen(SOURCE_DIR "/deploy/catalogue.yaml", "r");
    size_t len;

    (void)state;
    assert_non_null(file);
    len = fread(yaml, 1, sizeof yaml, file);
    fclose(file);
    catalogue = catalogue_parse(yaml, len, &faults);
    assert_non_null(catalogue);
    ann = niss_make(1985, 7 + 60, 12, 31);
    roster = roster_new();
    put(RN, "RN", "RN");
    put(CPAS_A, "CPAS", "CPAS-A");
    put(CPAS_B, "CPAS", "CPAS-B");
    put(CPAS_C, "CPAS", "CPAS-C");
    put(MUTUALITY, "MUTUALITY", "MUT-1");
    put(ONSS, "ONSS", "ONSS");

    // CPAS-C wants household changes of 002 and nothing else.
    struct mailbox_spec choosy = {
        .id = CPAS_C, .institution = CPAS_C, .name = "default", .choices_len = 1};

    choosy.choices[0] = (struct choice){.flow = 3, .qualities = UINT64_C(1) << 2};
    roster_put_mailbox(roster, &choosy);
    return 0;
}

static int
close_all(void **state)
{
    (void)state;
    trace_free_rows(&trace);
    buffer_free(&text);
    roster_free(&roster);
    catalogue_free(&catalogue);
    return 0;
}

static struct integration
held(uint32_t institution, uint16_t quality, int year)
{
    return (struct integration){
        .institution = institution,
        .sector = roster_institution(roster, institution) == NULL
                      ? SECTOR_CPAS
                      : roster_institution(roster, institution)->sector,
        .quality = quality,
        .begin = day_of(year, 1, 1).number,
        .end = day_of(year, 12, 31).number,
    };
}

static void
begin(const char *flow, const char *const *fields, size_t fields_len)
{
    mutation = (struct hot_mutation){.niss = ann.number};
    judged = (struct judged){.mutation = &mutation, .niss = ann};
    judged.flow = catalogue_flow(catalogue, bytes_of(flow));
    assert_non_null(judged.flow);
    for (size_t i = 0; i < fields_len; i++) {
        judged.field[i] = (int16_t)catalogue_field(catalogue, bytes_of(fields[i]));
        mutation.fields_len++;
    }
}

static const struct institution *only; // NULL: all
static uint32_t fields_lost;

static enum vg_status
explain(uint32_t publisher, const struct integration *integrations, size_t len)
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
        .fields_lost = fields_lost,
    };
    char number[NISS_MASK_LEN];

    trace_free_rows(&trace);
    buffer_clear(&text);
    enum vg_status status =
        match_recipients(&question, grants, &grants_len, &trace, NULL);

    match_explain(&question, &trace, only, &text);
    buffer_add(&text, "", 1);
    niss_print(ann, number);
    assert_null(strstr((const char *)text.at, number));
    return status;
}

static void
says(const char *words)
{
    if (strstr((const char *)text.at, words) == NULL) {
        print_message("%s\n", (const char *)text.at);
    }
    assert_non_null(strstr((const char *)text.at, words));
}

static void
is(const char *whole)
{
    assert_string_equal((const char *)text.at, whole);
}

static void
tells_who_gets_it_and_who_does_not_and_by_which_rule(void **state)
{
    const char *const fields[] = {"020", "150"};
    const struct integration all[] = {
        held(CPAS_A, 30, 2026), held(CPAS_B, 2, 2025),    held(CPAS_C, 2, 2026),
        held(CPAS_C, 11, 2026), held(MUTUALITY, 1, 2026), held(99, 2, 2026),
    };

    (void)state;
    begin("notifyPerson", fields, ARRAY_LEN(fields));
    assert_int_equal(explain(RN, all, ARRAY_LEN(all)), VG_OK);
    is("flow notifyPerson (1), published by RN about 85********* on 2026-11-20\n"
       "  group 1: directory CPAS; when today (2026-11-20), 001-009, 020, 021, 030, 031 "
       "[AR 9/12/1987, AR 14/4/1988, AR 2/12/2002]\n"
       "\n"
       "CPAS-A (Name of CPAS-A): gets it\n"
       " integration 030, alimony debtor, 2026-01-01 to 2026-12-31\n"
       "  yes  sector         sector 17 (CPAS) is among those that get it\n"
       "  yes  quality        030 is among 001-009, 020, 021, 030, 031\n"
       "  yes  when           today: 2026-11-20 is in 2026-01-01 to 2026-12-31\n"
       " mailboxes\n"
       "  yes  mailbox        mailbox default takes it\n"
       "  yes  fields         020 (address of the main residence) given: for applicant, "
       "debtor, debt [AR 9/12/1987, AR 2/12/2002]\n"
       "  no   fields         150 (death: place and date) withheld: for applicant, not "
       "for debtor [AR 9/12/1987, AR 2/12/2002]\n"
       "  yes  fields         1 of 2 fields left\n"
       "  yes  delivered      to mailbox default, justified by 030 from 2026-01-01 to "
       "2026-12-31 [AR 9/12/1987, AR 14/4/1988, AR 2/12/2002]\n"
       "\n"
       "CPAS-B (Name of CPAS-B): does not get it\n"
       " integration 002, living wage (RIS), 2025-01-01 to 2025-12-31\n"
       "  yes  sector         sector 17 (CPAS) is among those that get it\n"
       "  yes  quality        002 is among 001-009, 020, 021, 030, 031\n"
       "  no   when           today: 2026-11-20 is not in 2025-01-01 to 2025-12-31\n"
       "\n"
       "CPAS-C (Name of CPAS-C): does not get it\n"
       " integration 002, living wage (RIS), 2026-01-01 to 2026-12-31\n"
       "  yes  sector         sector 17 (CPAS) is among those that get it\n"
       "  yes  quality        002 is among 001-009, 020, 021, 030, 031\n"
       "  yes  when           today: 2026-11-20 is in 2026-01-01 to 2026-12-31\n"
       " integration 011, supervisor, 2026-01-01 to 2026-12-31\n"
       "  yes  sector         sector 17 (CPAS) is among those that get it\n"
       "  no   quality        011 is not among 001-009, 020, 021, 030, 031\n"
       " mailboxes\n"
       "  no   mailbox        mailbox default chose not to take this flow for these "
       "qualities\n"
       "\n"
       "MUT-1 (Name of MUT-1): does not get it\n"
       " integration 001, file, 2026-01-01 to 2026-12-31\n"
       "  no   sector         sector 10 (MUTUALITY) is not among those that get it\n"
       "\n"
       "institution 99, not registered: does not get it\n"
       " integration 002, living wage (RIS), 2026-01-01 to 2026-12-31\n"
       "  yes  sector         sector 17 (CPAS) is among those that get it\n"
       "  yes  quality        002 is among 001-009, 020, 021, 030, 031\n"
       "  yes  when           today: 2026-11-20 is in 2026-01-01 to 2026-12-31\n"
       " mailboxes\n"
       "  no   mailbox        it is not registered, so it has no mailbox\n"
       "\n"
       "nobody else gets it: no other institution has an integration on this person, or "
       "is named\n");
}

static void
tells_that_nothing_is_left_of_it(void **state)
{
    const char *const fields[] = {"150"};
    const struct integration debtor = held(CPAS_A, 30, 2026);

    (void)state;
    begin("notifyPerson", fields, 1);
    assert_int_equal(explain(RN, &debtor, 1), VG_OK);
    says("CPAS-A (Name of CPAS-A): does not get it\n");
    says("  no   fields         150 (death: place and date) withheld: for applicant, not "
         "for debtor [");
    says("  no   fields         0 of 1 fields left: no notification\n");
}

static void
tells_what_nobody_may_see(void **state)
{
    const char *const fields[] = {"H205", "H212"};
    const struct integration applicant = held(CPAS_A, 2, 2026);

    (void)state;
    begin("WaitRegisterMutation", fields, ARRAY_LEN(fields));
    assert_int_equal(explain(RN, &applicant, 1), VG_OK);
    says("H212 (elected domicile (waiting register)) withheld: for nobody, not for "
         "applicant [");
    says("CPAS-A (Name of CPAS-A): gets it\n");
}

// Two groups: an integration of a sector that some group serves is not also said to be of no
// use to the others.
static void
tells_each_integration_by_the_group_that_serves_it(void **state)
{
    const char *const fields[] = {"aid_type"};
    const struct integration all[] = {held(CPAS_A, 2, 2026), held(MUTUALITY, 1, 2026),
                                      held(ONSS, 1, 2026)};

    (void)state;
    begin("A036", fields, 1);
    judged.has_period = true;
    judged.period = (struct period){day_of(2026, 1, 1), day_of(2026, 3, 31)};
    assert_int_equal(explain(CPAS_A, all, ARRAY_LEN(all)), VG_OK);
    is("flow A036 (13), published by CPAS-A about 85********* on 2026-11-20, period "
       "2026-01-01 to 2026-03-31\n"
       "  group 1: directory MUTUALITY, CIN; when overlap (2026-01-01 to 2026-03-31), "
       "all "
       "qualities [CSSS 99/88, CSSS 00/36, CSSS 07/025]\n"
       "  group 2: directory INAMI; when overlap (2026-01-01 to 2026-03-31), all "
       "qualities [CSSS 00/36, CSSS 07/025]\n"
       "  group 3: directory FAMILY; when overlap (2026-01-01 to 2026-03-31), all "
       "qualities [CSSS 01/90]\n"
       "  group 4: directory CPAS; when overlap (2026-01-01 to 2026-03-31), 001-009, 040 "
       "[CSSS 00/36; codes of table 4.14 (assumed)]\n"
       "\n"
       "CPAS-A (Name of CPAS-A): does not get it\n"
       " integration 002, living wage (RIS), 2026-01-01 to 2026-12-31\n"
       "  yes  sector         group 4: sector 17 (CPAS) is among those that get it\n"
       "  yes  quality        group 4: 002 is among 001-009, 040\n"
       "  yes  when           group 4: overlap: 2026-01-01 to 2026-12-31 shares a day "
       "with 2026-01-01 to 2026-03-31\n"
       "  no   not publisher  group 4: it is the publisher itself\n"
       "\n"
       "MUT-1 (Name of MUT-1): gets it\n"
       " integration 001, file, 2026-01-01 to 2026-12-31\n"
       "  yes  sector         group 1: sector 10 (MUTUALITY) is among those that get it\n"
       "  yes  quality        group 1: 001 is among all qualities\n"
       "  yes  when           group 1: overlap: 2026-01-01 to 2026-12-31 shares a day "
       "with 2026-01-01 to 2026-03-31\n"
       " mailboxes\n"
       "  yes  mailbox        group 1: mailbox default takes it\n"
       "  yes  fields         group 1: aid_type (RIS, ERIS or advance on family "
       "allowances) "
       "given: for applicant, heating, other [CSSS 99/88, CSSS 00/36, CSSS 01/90]\n"
       "  yes  fields         group 1: 1 of 1 fields left\n"
       "  yes  delivered      group 1: to mailbox default, justified by 001 from "
       "2026-01-01 to 2026-12-31 [CSSS 99/88, CSSS 00/36, CSSS 07/025]\n"
       "\n"
       "ONSS (Name of ONSS): does not get it\n"
       " integration 001, file, 2026-01-01 to 2026-12-31\n"
       "  no   sector         sector 4 (ONSS) is not among those that get it\n"
       "\n"
       "nobody else gets it: no other institution has an integration on this person, or "
       "is named\n");
}

static void
tells_that_the_publisher_lacks_its_own_integration(void **state)
{
    const struct integration all[] = {held(CPAS_A, 4, 2026), held(CPAS_B, 2, 2026)};

    (void)state;
    begin("LivingWagesNotifications", NULL, 0);
    assert_int_equal(explain(CPAS_A, all, ARRAY_LEN(all)), VG_NOT_INTEGRATED);
    says("; publisher today (2026-11-20), 002, 003\n");
    says("  no   publisher      it holds none of 002, 003 itself (today: 2026-11-20)\n");
    says("\nnobody gets it\n");

    begin("LivingWagesNotifications", NULL, 0);
    assert_int_equal(explain(CPAS_B, all, ARRAY_LEN(all)), VG_OK);
    says("  yes  publisher      it holds 002 itself; today: 2026-11-20 is in 2026-01-01 "
         "to 2026-12-31\n");
    says("\nnobody else gets it");
}

static void
tells_that_one_group_asks_the_publisher_in_vain(void **state)
{
    const struct integration other = held(CPAS_A, 4, 2026);

    (void)state;
    begin("SocialRightsNotification", NULL, 0);
    mutation.reference_year = 2026;
    assert_int_equal(explain(CPAS_A, &other, 1), VG_OK);
    says("  no   publisher      group 3: it holds none of 002, 003 itself (1 January: "
         "2026-01-01)\n");
    says("\nnobody else gets it");
}

static void
tells_who_is_addressed_and_who_may_not_be(void **state)
{
    (void)state;
    begin("PCSAAlert", NULL, 0);
    mutation.recipient = (struct hot_bytes){(const uint8_t *)"CPAS-B", 6};
    assert_int_equal(explain(RN, NULL, 0), VG_OK);
    says("CPAS-B (Name of CPAS-B): gets it\n"
         "  yes  recipient      the message names it\n"
         " mailboxes\n"
         "  yes  mailbox        mailbox default takes it\n"
         "  yes  fields         the message has no fields, only that something changed\n"
         "  yes  delivered      to mailbox default; no integration is asked [assumed]\n");

    mutation.recipient = (struct hot_bytes){(const uint8_t *)"MUT-1", 5};
    assert_int_equal(explain(RN, NULL, 0), VG_BAD_RECIPIENT);
    says("  no   recipient      flow PCSAAlert is not for MUT-1 (sector 10)\n");
    says("\nnobody gets it\n");

    begin("ElectronicSocialReportAsk", NULL, 0);
    mutation.recipient = (struct hot_bytes){(const uint8_t *)"CPAS-A", 6};
    const struct integration follows = held(CPAS_A, 2, 2026);

    assert_int_equal(explain(CPAS_A, &follows, 1), VG_OK);
    says("  no   not publisher  it is the publisher itself\n");
}

static void
tells_that_a_named_institution_is_not_registered(void **state)
{
    (void)state;
    begin("DofiCostInvestigationMI", NULL, 0);
    assert_int_equal(explain(RN, NULL, 0), VG_OK);
    says("\nnot registered: does not get it\n"
         "  no   recipient      the catalogue names OE, which is not registered\n");
}

static void
tells_the_days_of_each_rule(void **state)
{
    const struct integration all[] = {held(CPAS_A, 2, 2026), held(CPAS_B, 2, 2025)};

    (void)state;
    begin("PensionRegisterMutation", NULL, 0);
    judged.has_period = true;
    judged.period = (struct period){day_of(2021, 1, 1), day_of(2026, 3, 31)};
    assert_int_equal(explain(RN, all, ARRAY_LEN(all)), VG_OK);
    says("covers 5 years: 2026-01-01 to 2026-12-31, begun 5 years earlier, does contain "
         "2021-01-01 to 2026-03-31\n");
    says("covers 5 years: 2025-01-01 to 2025-12-31, begun 5 years earlier, does not "
         "contain 2021-01-01 to 2026-03-31\n");

    judged.has_period = false; // the rule without a period is the one that is told
    assert_int_equal(explain(RN, all, ARRAY_LEN(all)), VG_OK);
    says("when today (2026-11-20), 001-009, 030, 031 [");
    says("  no   when           today: 2026-11-20 is not in 2025-01-01 to 2025-12-31\n");

    begin("OCMWCPASRegisterAttest", NULL, 0);
    assert_int_equal(explain(CPAS_A, all, ARRAY_LEN(all)), VG_OK);
    says("it holds 002 itself; window: 2026-01-01 to 2026-12-31 shares a day with "
         "2026-09-20 to 2027-01-04\n");
}

static void
tells_every_subscriber_and_no_person(void **state)
{
    (void)state;
    begin("EmployerDirectoryMutation", NULL, 0);
    judged.niss = (struct niss){0};
    assert_int_equal(explain(ONSS, NULL, 0), VG_OK);
    says("flow EmployerDirectoryMutation (10), published by ONSS on 2026-11-20\n"
         "  group 1: every subscriber CPAS [CSSS 03/69]\n");
    says("CPAS-A (Name of CPAS-A): gets it\n"
         "  yes  recipient      every institution of the sector gets it\n");
    says("CPAS-B (Name of CPAS-B): gets it\n");
    says("CPAS-C (Name of CPAS-C): does not get it\n"); // its mailbox's choice
}

static void
tells_one_institution_alone(void **state)
{
    const char *const fields[] = {"020"};
    const struct integration all[] = {held(CPAS_A, 30, 2026), held(CPAS_B, 2, 2025)};

    (void)state;
    begin("notifyPerson", fields, 1);
    only = roster_institution(roster, CPAS_B);
    assert_int_equal(explain(RN, all, ARRAY_LEN(all)), VG_OK);
    says("\nCPAS-B (Name of CPAS-B): does not get it\n integration 002");
    says("  no   when           today: 2026-11-20 is not in 2025-01-01 to 2025-12-31\n");
    assert_null(strstr((const char *)text.at, "CPAS-A"));
    assert_null(strstr((const char *)text.at, "nobody else"));

    only = roster_institution(roster, CPAS_C); // no row speaks of it
    assert_int_equal(explain(RN, all, ARRAY_LEN(all)), VG_OK);
    says("\nCPAS-C (Name of CPAS-C): does not get it\n"
         "  it has no integration on this person, and nothing names it\n");
    only = NULL;
}

// Of a past mutation whose bodies are gone nobody can say which fields it had.
static void
tells_that_fields_are_not_known_any_more(void **state)
{
    const struct integration debtor = held(CPAS_A, 30, 2026);

    (void)state;
    begin("notifyPerson", NULL, 0);
    fields_lost = 2;
    assert_int_equal(explain(RN, &debtor, 1), VG_OK);
    says("CPAS-A (Name of CPAS-A): may get it\n");
    says("  yes  fields         of 2 fields it is not known any more which: one may be "
         "left\n");
    fields_lost = 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_who_gets_it_and_who_does_not_and_by_which_rule),
        cmocka_unit_test(tells_that_nothing_is_left_of_it),
        cmocka_unit_test(tells_one_institution_alone),
        cmocka_unit_test(tells_that_fields_are_not_known_any_more),
        cmocka_unit_test(tells_what_nobody_may_see),
        cmocka_unit_test(tells_each_integration_by_the_group_that_serves_it),
        cmocka_unit_test(tells_that_the_publisher_lacks_its_own_integration),
        cmocka_unit_test(tells_that_one_group_asks_the_publisher_in_vain),
        cmocka_unit_test(tells_who_is_addressed_and_who_may_not_be),
        cmocka_unit_test(tells_that_a_named_institution_is_not_registered),
        cmocka_unit_test(tells_the_days_of_each_rule),
        cmocka_unit_test(tells_every_subscriber_and_no_person),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
