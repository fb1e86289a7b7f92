// SPDX-License-Identifier: EUPL-1.2
// Goal: matching finds every grant once, in order, within its bounds, and puts a mailbox's
// share together from its own institution's grants alone.
// Method: a small catalogue with the kinds of groups that the shipped one has not (yet).
// Who gets which flow of the shipped one: scenarios_match_test.c.
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

enum { CROWD = GRANTS_MAX + 1, INTEGRATIONS = 2000 };

static const char text[] =
    "sectors:\n"
    "  - {number: 1, name: RN, meaning: register}\n"
    "  - {number: 10, name: MUTUALITY, meaning: mutualities}\n"
    "  - {number: 17, name: CPAS, meaning: welfare centres}\n"
    "  - {number: 300, name: FAR, meaning: a sector of a high number}\n"
    "qualities:\n"
    "  - {sector: CPAS, code: 002, meaning: x, longest: 1 year, class: applicant, "
    "deliberation: x}\n"
    "  - {sector: CPAS, code: 030, meaning: x, longest: 1 year, class: debtor, "
    "deliberation: x}\n"
    "  - {sector: MUTUALITY, code: 116, meaning: x, longest: indefinite, class: other, "
    "deliberation: x}\n"
    "  - {sector: FAR, code: 002, meaning: x, longest: 1 year, class: other, "
    "deliberation: x}\n"
    "fields:\n"
    "  - {code: 020, classes: [applicant, debtor], meaning: address, deliberation: x}\n"
    "  - {code: 110, classes: [applicant], meaning: parentage, deliberation: x}\n"
    "  - {code: 212, classes: nobody, meaning: elected domicile, deliberation: x}\n"
    "flows:\n"
    "  - {id: 1, name: person, meaning: x, sources: [RN, CPAS], fields: [020, 110, 212], "
    "recipients: [{to: directory, sectors: [CPAS, MUTUALITY, FAR], when: today, "
    "deliberation: x}]}\n"
    "  - {id: 2, name: twice, meaning: x, sources: [RN], fields: [020], recipients: ["
    "{to: directory, sectors: [CPAS], when: today, qualities: [002], deliberation: one}, "
    "{to: directory, sectors: [CPAS, MUTUALITY], when: window, deliberation: two}, "
    "{to: every subscriber, sectors: [CPAS], deliberation: three}, "
    "{to: named, institutions: [A, NOBODY], deliberation: four}]}\n"
    "  - {id: 3, name: careful, meaning: x, sources: [RN], fields: [020], recipients: ["
    "{to: named, institutions: [A, M], when: today, deliberation: x}, "
    "{to: every subscriber, sectors: [MUTUALITY], when: today, deliberation: x}]}\n"
    "  - {id: 4, name: letter, meaning: x, sources: [RN, CPAS], fields: [020], "
    "recipients: ["
    "{to: addressed, sectors: [CPAS], when: today, qualities: [002], deliberation: x}, "
    "{to: addressed, sectors: [MUTUALITY], not_publisher: true, deliberation: x}]}\n"
    "  - {id: 5, name: either, meaning: x, sources: [CPAS], fields: [020], recipients: ["
    "{to: named, institutions: [A], publisher: {when: today, qualities: [002]}, "
    "deliberation: x}, "
    "{to: named, institutions: [M], publisher: {when: today, qualities: [030]}, "
    "deliberation: x}]}\n"
    "  - {id: 6, name: crowd, meaning: x, sources: [RN], fields: [], recipients: ["
    "{to: every subscriber, sectors: [MUTUALITY], deliberation: x}]}\n";

enum { A = 1, B = 2, M = 3, SOURCE = 4 };

static struct catalogue *catalogue;
static struct roster *roster;
static struct hot_mutation mutation;
static struct judged judged;
static struct grant grants[GRANTS_MAX];
static size_t grants_len;
static struct why why;

static void
put(struct roster *to, uint32_t id, uint16_t sector, const char *code)
{
    struct institution institution = {.id = id, .sector = sector};

    snprintf(institution.code, sizeof institution.code, "%s", code);
    roster_put(to, &institution);
}

static int
open_all(void **state)
{
    static struct faults faults;

    (void)state;
    catalogue = catalogue_parse(text, sizeof text - 1, &faults);
    for (size_t i = 0; i < faults.len; i++) {
        print_message("line %u: %s\n", faults.fault[i].line, faults.fault[i].why.text);
    }
    assert_non_null(catalogue);
    roster = roster_new();
    put(roster, A, SECTOR_CPAS, "A");
    put(roster, B, SECTOR_CPAS, "B");
    put(roster, M, 10, "M");
    put(roster, SOURCE, 1, "SOURCE");
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

static struct day
today(void)
{
    return day_of(2026, 11, 20);
}

static struct integration
held(uint32_t institution, uint16_t quality, int year)
{
    return (struct integration){
        .institution = institution,
        .sector = institution == M ? 10 : SECTOR_CPAS,
        .quality = quality,
        .begin = day_of(year, 1, 1).number,
        .end = day_of(year, 12, 31).number,
    };
}

static void
begin(const char *flow, const char *const *fields, size_t fields_len)
{
    mutation = (struct hot_mutation){0};
    judged = (struct judged){.mutation = &mutation};
    judged.flow = catalogue_flow(catalogue, bytes_of(flow));
    assert_non_null(judged.flow);
    for (size_t i = 0; i < fields_len; i++) {
        judged.field[i] = (int16_t)catalogue_field(catalogue, bytes_of(fields[i]));
        assert_true(judged.field[i] >= 0);
        mutation.fields_len++;
    }
}

static enum vg_status
match_in(const struct roster *in, uint32_t publisher,
         const struct integration *integrations, size_t integrations_len)
{
    struct match_question question = {
        .catalogue = catalogue,
        .roster = in,
        .judged = &judged,
        .publisher = roster_institution(in, publisher),
        .integrations = integrations,
        .integrations_len = integrations_len,
        .today = today(),
    };

    why = (struct why){0};
    return match_recipients(&question, grants, &grants_len, NULL, &why);
}

static enum vg_status
match(uint32_t publisher, const struct integration *integrations, size_t len)
{
    return match_in(roster, publisher, integrations, len);
}

static void
assert_grant(size_t index, uint32_t institution, bool justified, uint16_t quality,
             uint8_t classes, uint16_t group)
{
    assert_in_range(index, 0, grants_len - 1);
    assert_int_equal(grants[index].institution, institution);
    assert_int_equal(grants[index].justified, justified);
    assert_int_equal(grants[index].integration.quality, quality);
    assert_int_equal(grants[index].classes, classes);
    assert_int_equal(grants[index].group, group);
}

// ---- grants ----

static void
sorts_grants_by_institution_then_quality_then_begin(void **state)
{
    struct integration all[] = {
        held(B, 30, 2026),  held(B, 2, 2026), held(A, 30, 2026),
        held(M, 116, 2026), held(A, 2, 2026), held(A, 2, 2026),
    };

    (void)state;
    all[4].begin += 200;
    begin("person", NULL, 0);
    assert_int_equal(match(SOURCE, all, ARRAY_LEN(all)), VG_OK);
    assert_int_equal(grants_len, 6);
    assert_grant(0, A, true, 2, CLASS_APPLICANT, 0);
    assert_grant(1, A, true, 2, CLASS_APPLICANT, 0);
    assert_true(grants[0].integration.begin < grants[1].integration.begin);
    assert_grant(2, A, true, 30, CLASS_DEBTOR, 0);
    assert_grant(3, B, true, 2, CLASS_APPLICANT, 0);
    assert_grant(4, B, true, 30, CLASS_DEBTOR, 0);
    assert_grant(5, M, true, 116, CLASS_OTHER, 0);
    assert_memory_equal(&grants[5].integration, &all[3], sizeof all[3]);
}

static void
sorts_thousands_too(void **state)
{
    static struct integration many[INTEGRATIONS];

    (void)state;
    for (uint32_t i = 0; i < INTEGRATIONS; i++) {
        many[i] = held(10000 - i, i % 2 == 0 ? 2 : 30, 2026);
    }
    begin("person", NULL, 0);
    assert_int_equal(match(SOURCE, many, INTEGRATIONS), VG_OK);
    assert_int_equal(grants_len, INTEGRATIONS);
    for (size_t i = 1; i < grants_len; i++) {
        assert_true(grants[i - 1].institution < grants[i].institution);
    }
}

static void
an_integration_that_two_groups_let_through_counts_once(void **state)
{
    const struct integration all[] = {held(A, 2, 2026), held(A, 30, 2026),
                                      held(M, 116, 2026)};

    (void)state;
    begin("twice", NULL, 0);
    assert_int_equal(match(SOURCE, all, ARRAY_LEN(all)), VG_OK);
    assert_int_equal(grants_len, 5);
    assert_grant(0, A, false, 0, CLASS_ALL, 2);      // a subscriber; named as well
    assert_grant(1, A, true, 2, CLASS_APPLICANT, 0); // today, in the window as well
    assert_grant(2, A, true, 30, CLASS_DEBTOR, 1);
    assert_grant(3, B, false, 0, CLASS_ALL, 2);
    assert_grant(4, M, true, 116, CLASS_OTHER, 1);
}

static void
sectors_of_high_numbers_are_sectors_too(void **state)
{
    struct integration all[] = {held(77, 2, 2026), held(78, 2, 2026), held(79, 2, 2026)};

    (void)state;
    all[0].sector = 300;
    all[1].sector = 300 % 64; // not the same for having the same bits
    all[2].sector = 301;
    begin("person", NULL, 0);
    assert_int_equal(match(SOURCE, all, ARRAY_LEN(all)), VG_OK);
    assert_int_equal(grants_len, 1);
    assert_grant(0, 77, true, 2, CLASS_OTHER, 0);
}

static void
a_code_that_the_catalogue_lost_shows_nothing(void **state)
{
    const struct integration lost[] = {held(A, 4, 2026), held(M, 2, 2026)};

    (void)state;
    begin("person", NULL, 0);
    assert_int_equal(match(SOURCE, lost, ARRAY_LEN(lost)), VG_OK);
    assert_int_equal(grants_len, 0);
}

static void
an_institution_that_is_not_registered_has_its_grant_and_no_mailbox(void **state)
{
    const struct integration unknown = held(77, 2, 2026);
    const struct mailbox_spec *const *mailboxes = NULL;

    (void)state;
    begin("person", NULL, 0);
    assert_int_equal(match(SOURCE, &unknown, 1), VG_OK);
    assert_int_equal(grants_len, 1);
    assert_int_equal(roster_mailboxes(roster, 77, &mailboxes), 0);
}

static void
named_institutions_and_subscribers_may_have_to_follow_too(void **state)
{
    const struct integration past[] = {held(A, 2, 2025), held(B, 2, 2026),
                                       held(M, 116, 2025)};
    const struct integration present[] = {held(A, 2, 2026), held(B, 2, 2026),
                                          held(M, 116, 2026)};

    (void)state;
    begin("careful", NULL, 0);
    assert_int_equal(match(SOURCE, past, ARRAY_LEN(past)), VG_OK);
    assert_int_equal(grants_len, 0);
    assert_int_equal(match(SOURCE, NULL, 0), VG_OK);
    assert_int_equal(grants_len, 0);
    assert_int_equal(match(SOURCE, present, ARRAY_LEN(present)), VG_OK);
    assert_int_equal(grants_len, 2); // B is not named, and no mutuality
    assert_grant(0, A, true, 2, CLASS_APPLICANT, 0);
    assert_grant(1, M, true, 116, CLASS_OTHER, 0);
}

static void
to(const char *code, size_t len)
{
    begin("letter", NULL, 0);
    mutation.recipient = (struct hot_bytes){(const uint8_t *)code, len};
}

static void
an_addressed_institution_fulfils_the_group_of_its_sector(void **state)
{
    const struct integration follows = held(A, 2, 2026);
    const struct integration debtor = held(A, 30, 2026);

    (void)state;
    to("A", 1);
    assert_int_equal(match(SOURCE, &follows, 1), VG_OK);
    assert_int_equal(grants_len, 1);
    assert_grant(0, A, true, 2, CLASS_APPLICANT, 0);
    assert_int_equal(match(SOURCE, &debtor, 1), VG_OK);
    assert_int_equal(grants_len, 0);
    assert_int_equal(match(SOURCE, NULL, 0), VG_OK);
    assert_int_equal(grants_len, 0);

    to("B", 1); // A's integration is not B's
    assert_int_equal(match(SOURCE, &follows, 1), VG_OK);
    assert_int_equal(grants_len, 0);

    to("M", 1); // of its group nothing is asked
    assert_int_equal(match(SOURCE, &follows, 1), VG_OK);
    assert_int_equal(grants_len, 1);
    assert_grant(0, M, false, 0, CLASS_ALL, 1);

    // The publisher itself is left out where the group says so, and only there.
    assert_int_equal(match(M, &follows, 1), VG_OK);
    assert_int_equal(grants_len, 0);
    to("A", 1);
    assert_int_equal(match(A, &follows, 1), VG_OK);
    assert_int_equal(grants_len, 1);
}

static void
refuses_a_recipient_that_is_unknown_or_of_another_sector(void **state)
{
    static const char nasty[] = "A\n\x1b[31m \xff"
                                "12345678901234567890123456789012345678901234567890";

    (void)state;
    to("SOURCE", 6);
    assert_int_equal(match(SOURCE, NULL, 0), VG_BAD_RECIPIENT);
    assert_non_null(strstr(why.text, "SOURCE"));
    to("AB", 2);
    assert_int_equal(match(SOURCE, NULL, 0), VG_BAD_RECIPIENT);
    to("", 0);
    assert_int_equal(match(SOURCE, NULL, 0), VG_BAD_RECIPIENT);
    to(nasty, sizeof nasty - 1);
    assert_int_equal(match(SOURCE, NULL, 0), VG_BAD_RECIPIENT);
    for (const char *at = why.text; *at != '\0'; at++) {
        assert_in_range(*at, ' ', '~'); // fit for a log
    }
    assert_int_equal(grants_len, 0);
}

static void
a_group_that_asks_the_publisher_in_vain_is_left_out(void **state)
{
    const struct integration one = held(B, 2, 2026);
    const struct integration other = held(B, 30, 2026);
    const struct integration both[] = {held(B, 2, 2026), held(B, 30, 2026)};
    const struct integration none[] = {held(A, 2, 2026), held(B, 2, 2025)};

    (void)state;
    begin("either", NULL, 0);
    assert_int_equal(match(B, &one, 1), VG_OK);
    assert_int_equal(grants_len, 1);
    assert_grant(0, A, false, 0, CLASS_ALL, 0);
    assert_int_equal(match(B, &other, 1), VG_OK);
    assert_int_equal(grants_len, 1);
    assert_grant(0, M, false, 0, CLASS_ALL, 1);
    assert_int_equal(match(B, both, ARRAY_LEN(both)), VG_OK);
    assert_int_equal(grants_len, 2);

    assert_int_equal(match(B, none, ARRAY_LEN(none)), VG_NOT_INTEGRATED);
    assert_int_equal(grants_len, 0);
    assert_non_null(strstr(why.text, "either"));
}

static void
refuses_more_recipients_than_there_is_room_for(void **state)
{
    AUTO(roster_free) struct roster *crowd = roster_new();

    (void)state;
    put(crowd, 1, 1, "SOURCE");
    for (uint32_t i = 0; i < CROWD; i++) {
        char code[INSTITUTION_CODE_LEN];

        snprintf(code, sizeof code, "M-%u", (unsigned)i);
        put(crowd, i + 2, 10, code);
        if (i + 1 == GRANTS_MAX) {
            begin("crowd", NULL, 0);
            assert_int_equal(match_in(crowd, 1, NULL, 0), VG_OK);
            assert_int_equal(grants_len, GRANTS_MAX); // the last that fits
        }
    }
    assert_int_equal(match_in(crowd, 1, NULL, 0), VG_TOO_MANY);
    assert_int_equal(grants_len, 0);
}

// ---- fields ----

static void
a_debtor_never_sees_110_and_nobody_212(void **state)
{
    const char *const fields[] = {"110", "020", "212", "110"};

    (void)state;
    begin("person", fields, ARRAY_LEN(fields));
    assert_int_equal(match_fields(catalogue, &judged, CLASS_DEBTOR), 2);
    assert_int_equal(match_fields(catalogue, &judged, CLASS_APPLICANT), 1 + 2 + 8);
    assert_int_equal(match_fields(catalogue, &judged, CLASS_ALL), 1 + 2 + 8);
    assert_int_equal(match_fields(catalogue, &judged, CLASS_OTHER), 0);
    assert_int_equal(match_fields(catalogue, &judged, 0), 0);
}

static void
the_last_of_64_fields_has_its_bit(void **state)
{
    const char *fields[HOT_FIELDS_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        fields[i] = i + 1 == HOT_FIELDS_MAX ? "020" : "110";
    }
    begin("person", fields, ARRAY_LEN(fields));
    assert_true(match_fields(catalogue, &judged, CLASS_DEBTOR) == UINT64_C(1) << 63);
    assert_true(match_fields(catalogue, &judged, CLASS_APPLICANT) == UINT64_MAX);
}

static void
something_is_left_unless_every_field_was_withheld(void **state)
{
    const char *const fields[] = {"110"};

    (void)state;
    begin("person", fields, 1);
    assert_true(match_leaves_something(&judged, 1));
    assert_false(match_leaves_something(&judged, 0));
    begin("person", NULL, 0); // "something changed, consult"
    assert_true(match_leaves_something(&judged, 0));
}

// ---- shares ----

static void
a_share_is_the_union_of_what_the_mailbox_takes(void **state)
{
    const struct integration all[] = {held(A, 2, 2026), held(A, 30, 2026),
                                      held(B, 30, 2026)};
    struct mailbox_spec mailbox = {.id = A, .institution = A};
    struct share share, whole;

    (void)state;
    begin("person", NULL, 0);
    assert_int_equal(match(SOURCE, all, ARRAY_LEN(all)), VG_OK);
    assert_true(match_share(&mailbox, 1, grants, grants_len, &share));
    assert_int_equal(share.mailbox, A);
    assert_int_equal(share.classes, CLASS_APPLICANT | CLASS_DEBTOR);
    assert_true(share.justified);
    assert_int_equal(share.integration.quality, 2);
    match_whole_share(A, grants, 2, &whole); // the same, without asking the mailbox
    assert_memory_equal(&whole, &share, sizeof share);

    mailbox.choices_len = 1;
    mailbox.choices[0] = (struct choice){.flow = 1, .qualities = UINT64_C(1) << 30};
    assert_true(match_share(&mailbox, 1, grants, grants_len, &share));
    assert_int_equal(share.classes, CLASS_DEBTOR);
    assert_int_equal(share.integration.quality, 30);
    assert_int_equal(share.integration.institution, A); // never B's

    mailbox.choices[0].qualities = UINT64_C(1) << 4;
    assert_false(match_share(&mailbox, 1, grants, grants_len, &share));
    mailbox.choices[0] = (struct choice){.flow = 2, .qualities = UINT64_MAX};
    assert_false(match_share(&mailbox, 1, grants, grants_len, &share));
    assert_int_equal(share.classes, 0);
}

static void
a_share_never_takes_another_institutions_grants(void **state)
{
    const struct integration all[] = {held(A, 2, 2026), held(B, 30, 2026)};
    struct mailbox_spec mailbox = {.id = B, .institution = B};
    struct share share;

    (void)state;
    begin("person", NULL, 0);
    assert_int_equal(match(SOURCE, all, ARRAY_LEN(all)), VG_OK);
    assert_true(match_share(&mailbox, 1, grants, grants_len, &share));
    assert_int_equal(share.classes, CLASS_DEBTOR);
    mailbox.institution = M;
    assert_false(match_share(&mailbox, 1, grants, grants_len, &share));
    assert_false(match_share(&mailbox, 1, NULL, 0, &share));
}

static void
an_integration_justifies_even_where_none_was_asked(void **state)
{
    const struct integration follows = held(A, 30, 2026);
    struct mailbox_spec mailbox = {.id = A, .institution = A};
    struct share share;

    (void)state;
    begin("twice", NULL, 0);
    assert_int_equal(match(SOURCE, &follows, 1), VG_OK);
    assert_true(match_share(&mailbox, 2, grants, grants_len, &share));
    assert_true(share.justified);
    assert_int_equal(share.integration.quality, 30);
    assert_int_equal(share.classes, CLASS_ALL);

    mailbox = (struct mailbox_spec){.id = B, .institution = B};
    assert_true(match_share(&mailbox, 2, grants, grants_len, &share));
    assert_false(share.justified);
}

// ---- letters ----

static struct match_question
question_of(uint32_t lost)
{
    return (struct match_question){
        .catalogue = catalogue,
        .roster = roster,
        .judged = &judged,
        .publisher = roster_institution(roster, SOURCE),
        .today = day_of(2026, 11, 20),
        .fields_lost = lost,
    };
}

// As publishing does it, institution by institution and mailbox by mailbox.
static void
letters_are_what_each_mailbox_gets(void **state)
{
    const char *const fields[] = {"110", "020"};
    const struct integration all[] = {held(A, 2, 2026), held(B, 30, 2026)};
    struct match_letters letters = {0};
    struct match_question question = question_of(0);

    (void)state;
    begin("person", fields, 2);
    assert_int_equal(match(SOURCE, all, ARRAY_LEN(all)), VG_OK);
    match_letters(&question, grants, grants_len, &letters);
    assert_int_equal(letters.len, 2);
    assert_int_equal(letters.at[0].institution, A);
    assert_int_equal(letters.at[0].share.mailbox, A);
    assert_int_equal(letters.at[0].keep, 3);
    assert_int_equal(letters.at[1].institution, B);
    assert_int_equal(letters.at[1].keep, 2); // a debtor sees the address
    assert_int_equal(letters.at[1].share.integration.quality, 30);
    assert_false(letters.at[0].unsure || letters.at[1].unsure);

    begin("person", fields, 1); // nothing is left for B
    match_letters(&question, grants, grants_len, &letters);
    assert_int_equal(letters.len, 1);
    assert_int_equal(letters.at[0].institution, A);
    match_letters_free(&letters);
    assert_int_equal(letters.len, 0);
}

static void
letters_of_lost_fields_are_unsure_or_none(void **state)
{
    const struct integration all[] = {held(A, 2, 2026), held(M, 116, 2026)};
    struct match_letters letters = {0};
    struct match_question question = question_of(3);

    (void)state;
    begin("person", NULL, 0);
    assert_int_equal(match(SOURCE, all, ARRAY_LEN(all)), VG_OK);
    assert_int_equal(grants_len, 2);
    match_letters(&question, grants, grants_len, &letters);
    assert_int_equal(letters.len, 1); // no field of this flow is for a mutuality
    assert_int_equal(letters.at[0].institution, A);
    assert_true(letters.at[0].unsure);
    match_letters_free(&letters);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts_grants_by_institution_then_quality_then_begin),
        cmocka_unit_test(sorts_thousands_too),
        cmocka_unit_test(an_integration_that_two_groups_let_through_counts_once),
        cmocka_unit_test(sectors_of_high_numbers_are_sectors_too),
        cmocka_unit_test(a_code_that_the_catalogue_lost_shows_nothing),
        cmocka_unit_test(
            an_institution_that_is_not_registered_has_its_grant_and_no_mailbox),
        cmocka_unit_test(named_institutions_and_subscribers_may_have_to_follow_too),
        cmocka_unit_test(an_addressed_institution_fulfils_the_group_of_its_sector),
        cmocka_unit_test(refuses_a_recipient_that_is_unknown_or_of_another_sector),
        cmocka_unit_test(a_group_that_asks_the_publisher_in_vain_is_left_out),
        cmocka_unit_test(refuses_more_recipients_than_there_is_room_for),
        cmocka_unit_test(a_debtor_never_sees_110_and_nobody_212),
        cmocka_unit_test(the_last_of_64_fields_has_its_bit),
        cmocka_unit_test(something_is_left_unless_every_field_was_withheld),
        cmocka_unit_test(a_share_is_the_union_of_what_the_mailbox_takes),
        cmocka_unit_test(a_share_never_takes_another_institutions_grants),
        cmocka_unit_test(an_integration_justifies_even_where_none_was_asked),
        cmocka_unit_test(letters_are_what_each_mailbox_gets),
        cmocka_unit_test(letters_of_lost_fields_are_unsure_or_none),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
