// SPDX-License-Identifier: EUPL-1.2
// Goal: explain says what publishing would do, and why, and does nothing.
// Method: the same mutations explained and then published; names in the text and letters in
// the mailboxes must agree. Tickets are explained before and after the directory changed.
#include "flow_fixture.h"

#include "flow/explain.h"

struct answer {
    enum vg_status status;
    struct why why;
    struct buffer text;
};

static struct answer
explain(struct flow_fixture *f, uint32_t publisher, const struct hot_mutation *mutation)
{
    struct roster *roster = applier_roster(f->applier);
    struct explain_question question = {
        .catalogue = applier_catalogue(f->applier),
        .roster = roster,
        .publisher = roster_institution(roster, publisher),
        .mutation = mutation,
        .today = day_of(2026, 11, 20),
        .test_persons = true,
    };
    struct answer answer = {.status = VG_UNKNOWN};

    answer.status = explain_mutation(flow_view(f), &question, &answer.text, &answer.why);
    buffer_add(&answer.text, "", 1);
    roster_free(&roster);
    return answer;
}

static bool
says(const struct answer *answer, const char *words)
{
    return strstr((const char *)answer->text.at, words) != NULL;
}

static void
says_who_would_get_it_and_who_not(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutation = flow_address(1);
    struct answer answer;
    struct meta before, after;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 1, 11); // a supervisor gets nothing
    before = flow_meta(f);
    answer = explain(f, RN, &mutation);
    after = flow_meta(f);
    assert_memory_equal(&before, &after, sizeof before); // nothing was published
    assert_int_equal(answer.status, VG_OK);
    assert_true(says(&answer, "CPAS-A"));
    assert_true(says(&answer, "CPAS-B"));
    assert_true(says(&answer, "002"));
    buffer_free(&answer.text);

    flow_publish_one(f, RN, 1, mutation);
    flow_apply(f);
    assert_int_equal(flow_row(f, CPAS_A).last, 1);
    assert_int_equal(flow_row(f, CPAS_B).last, 0);
}

static void
follows_a_replaced_number(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutation = flow_address(1);
    struct hot_mutation replacement = flow_mutation("SSINReplacement", flow_person(1));
    struct answer answer;

    flow_follow(f, CPAS_A, 1, 2);
    replacement.new_niss = flow_person(2).number;
    answer = explain(f, BIS, &replacement);
    assert_int_equal(answer.status, VG_OK);
    assert_true(says(&answer, "CPAS-A"));
    buffer_free(&answer.text);
    flow_publish_one(f, BIS, 1, replacement);
    flow_apply(f);
    answer = explain(f, RN, &mutation);
    assert_true(says(&answer, "CPAS-A"));
    buffer_free(&answer.text);

    answer = explain(f, BIS, &replacement);
    assert_int_equal(answer.status, VG_EXISTS);
    assert_true(says(&answer, "refused: EXISTS (38): niss"));
    buffer_free(&answer.text);
}

static void
says_the_refusal_that_publishing_would_get(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutations[3] = {flow_address(1), flow_address(1),
                                        flow_address(1)};
    uint32_t publishers[3] = {ONSS, RN, RN};

    mutations[1].niss = 66041066601;
    flow_field(&mutations[2], "H205", "x");
    for (size_t i = 0; i < 3; i++) {
        struct answer answer = explain(f, publishers[i], &mutations[i]);
        struct command *command =
            flow_publish(f, publishers[i], 9 + (uint32_t)i, 1, &mutations[i], 1);

        flow_apply(f);
        assert_int_equal(command->publish.results_len, 1);
        assert_int_equal(answer.status, command->publish.results[0].status);
        assert_string_equal(answer.why.text, command->publish.results[0].why.text);
        assert_true(says(&answer, answer.why.text));
        assert_true(says(&answer, vg_status_name(answer.status)));
        buffer_free(&answer.text);
    }
}

// ---- the past ----

static struct answer
explain_past(struct flow_fixture *f, uint64_t ticket, uint32_t only, int day)
{
    struct roster *roster = applier_roster(f->applier);
    struct explain_past question = {
        .catalogue = applier_catalogue(f->applier),
        .roster = roster,
        .only = only == NOBODY ? NULL : roster_institution(roster, only),
        .ticket = ticket,
        .has_day = day != 0,
        .day = day != 0 ? day_of(2026, 11, day) : DAY_EVER,
    };
    struct answer answer = {.status = VG_UNKNOWN};

    answer.status = explain_ticket(flow_view(f), &question, &answer.text, &answer.why);
    buffer_add(&answer.text, "", 1);
    roster_free(&roster);
    return answer;
}

static void
tells(struct answer *answer, const char *const *words, size_t len)
{
    assert_int_equal(answer->status, VG_OK);
    for (size_t i = 0; i < len; i++) {
        if (!says(answer, words[i])) {
            print_message("%s\nlacks: %s\n", (const char *)answer->text.at, words[i]);
        }
        assert_true(says(answer, words[i]));
    }
    buffer_free(&answer->text);
}

static uint64_t
publish(struct flow_fixture *f, struct hot_mutation mutation)
{
    flow_publish_one(f, RN, flow_producer(f, RN, 1).last_number + 1, mutation);
    flow_apply(f);
    return flow_meta(f).last_sequence;
}

static void
remove_all(struct flow_fixture *f, uint32_t institution, int person, uint32_t quality)
{
    struct command *command = flow_command(f, COMMAND_REMOVE, institution);
    struct remove_command *removal = &command->remove;

    removal->institution = institution;
    removal->request = (struct remove_request){
        .niss = flow_person(person).number, .quality = quality, .begin = 20200101};
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
}

// Given one who got it and follows nobody now, and one who follows her only now.
static void
says_whom_a_correction_is_owed_and_what_cannot_be_answered(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutation = flow_address(1);
    struct answer answer;
    struct letter letter;
    char ticket[24];

    flow_follow(f, CPAS_A, 1, 30);
    snprintf(ticket, sizeof ticket, "%llu", (unsigned long long)publish(f, mutation));
    remove_all(f, CPAS_A, 1, 30);
    flow_follow(f, CPAS_B, 1, 2);
    mutation.replaces = flow_words(ticket);

    answer = explain(f, RN, &mutation);
    assert_int_equal(answer.status, VG_OK);
    assert_true(says(&answer, "CPAS-A, by the 030 it got it for, and nothing else"));
    assert_false(says(&answer, "CPAS-B, by the"));
    buffer_free(&answer.text);
    publish(f, mutation);
    assert_int_equal(flow_letters(f, CPAS_A, 2, &letter, 1), 1);
    assert_int_equal(flow_row(f, CPAS_B).last, 1);

    answer = explain(f, RN, &mutation);
    assert_int_equal(answer.status, VG_BAD_REFERENCE);
    assert_true(says(&answer, "was replaced by ticket"));
    buffer_free(&answer.text);
    mutation = flow_mutation("PCSAAlertReaction", flow_person(1));
    mutation.answers = flow_words(ticket);
    answer = explain(f, CPAS_C, &mutation);
    assert_int_equal(answer.status, VG_BAD_REFERENCE);
    assert_true(says(&answer, "is no notification that CPAS-C got"));
    buffer_free(&answer.text);
}

static void
a_correction_tells_what_it_corrects_and_why_it_is_owed(void **state)
{
    static const char *const past[] = {"It was replaced by ticket "};
    static const char *const words[] = {
        "It replaces ticket ", ": owed to whoever got that.",
        "owed to it: it got ticket ", "because of 030, alimony debtor",
        "; nothing else let it through"};
    struct flow_fixture *f = *state;
    struct hot_mutation mutation = flow_address(1);
    struct answer answer;
    uint64_t first, second;
    char ticket[24];

    flow_follow(f, CPAS_A, 1, 30);
    first = publish(f, mutation);
    remove_all(f, CPAS_A, 1, 30);
    snprintf(ticket, sizeof ticket, "%llu", (unsigned long long)first);
    mutation.replaces = flow_words(ticket);
    second = publish(f, mutation);
    answer = explain_past(f, second, NOBODY, 0);
    tells(&answer, words, ARRAY_LEN(words));
    answer = explain_past(f, first, NOBODY, 0);
    tells(&answer, past, ARRAY_LEN(past));
}

static void
a_ticket_tells_then_and_now_and_that_they_agree(void **state)
{
    static const char *const words[] = {
        "notifyPerson (1), published by RN as its number 1, about 51*********\n",
        "Its content is still kept, with all 2 fields.\n",
        "THEN, as the journal has it, by version 1 of the catalogue:\n",
        "CPAS-A (): got it, as letter 1 of mailbox default\n"
        "  because of 002, living wage (RIS), 2026-11-01 to 2027-11-01\n"
        "  2 of 2 fields given: 020 (address of the main residence), 150 (death: place "
        "and "
        "date)\n",
        "CPAS-B (): got it, as letter 1 of mailbox default\n"
        "  because of 030, alimony debtor, 2026-11-01 to 2027-11-01\n"
        "  1 of 2 fields given: 020",
        "NOW, the rules asked again, of the directory and the mailboxes as they are now, "
        "by "
        "version 1 of the catalogue:\n",
        "CPAS-A (): gets it\n",
        "THE DIFFERENCE between then and now:\n  none\n",
    };
    struct flow_fixture *f = *state;
    struct answer answer;
    uint64_t ticket;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 1, 30);
    ticket = publish(f, flow_address(1));
    answer = explain_past(f, ticket, NOBODY, 0);
    tells(&answer, words, ARRAY_LEN(words));
}

static void
a_ticket_tells_what_the_directory_has_changed_since(void **state)
{
    static const char *const words[] = {
        "CPAS-A (): got it, as letter 1",
        "CPAS-A, mailbox default: got it then, because of 002, living wage (RIS), "
        "2026-11-01 to 2027-11-01; would not get it now\n",
        "CPAS-B, mailbox default: then because of 030, alimony debtor, 2026-11-01 to "
        "2027-11-01; now because of 002, living wage (RIS), 2026-11-01 to 2027-11-01\n",
        "CPAS-C, mailbox default: did not get it then; would get it now, because of 030",
    };
    struct flow_fixture *f = *state;
    struct answer answer;
    uint64_t ticket;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 1, 30);
    ticket = publish(f, flow_address(1));
    remove_all(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 1, 2);
    flow_follow(f, CPAS_C, 1, 30);
    answer = explain_past(f, ticket, NOBODY, 0);
    tells(&answer, words, ARRAY_LEN(words));

    answer = explain_past(f, ticket, CPAS_C, 0);
    assert_true(says(&answer, "CPAS-C (): did not get it; 2 letters went to others\n"));
    assert_false(says(&answer, "CPAS-A"));
    buffer_free(&answer.text);
}

static void
a_ticket_that_nobody_got_says_why_and_what_is_lost(void **state)
{
    static const char *const nobody[] = {
        "Nobody got it, so its content was not kept: it had 2 fields.\n",
        "nobody got it: no institution was concerned\n",
        "CPAS-A (): does not get it\n integration 011, supervisor",
        "  no   quality        011 is not among 001-009",
        "THE DIFFERENCE between then and now:\n  none\n",
    };
    static const char *const withheld[] = {
        "nobody got it: somebody was concerned, but none of its fields is for him\n",
        "CPAS-B (): may get it\n",
        "THE DIFFERENCE between then and now:\n  none\n",
    };
    struct flow_fixture *f = *state;
    struct hot_mutation death = flow_mutation("notifyPerson", flow_person(2));
    struct answer answer;

    flow_follow(f, CPAS_A, 1, 11);
    answer = explain_past(f, publish(f, flow_address(1)), NOBODY, 0);
    tells(&answer, nobody, ARRAY_LEN(nobody));

    flow_field(&death, "150", "Anvers");
    flow_follow(f, CPAS_B, 2, 30);
    answer = explain_past(f, publish(f, death), NOBODY, 0);
    tells(&answer, withheld, ARRAY_LEN(withheld));
}

static void
a_ticket_is_asked_again_on_another_day(void **state)
{
    struct flow_fixture *f = *state;
    struct answer answer;
    uint64_t ticket;

    flow_follow(f, CPAS_A, 1, 2); // from 1 November on
    ticket = publish(f, flow_address(1));
    answer = explain_past(f, ticket, NOBODY, 20);
    assert_true(says(&answer, "as they are now, by the catalogue in force:\n"));
    assert_true(says(&answer, "THE DIFFERENCE between then and now:\n  none\n"));
    buffer_free(&answer.text);

    ticket = publish(f, flow_address(1)); // on 20 November
    remove_all(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_A, 1, 1); // two months, then no more
    answer = explain_past(f, ticket, NOBODY, 30);
    assert_true(says(&answer, "because of 001, under enquiry, 2026-11-01 to "));
    buffer_free(&answer.text);
}

static void
a_ticket_of_something_else_says_what_it_was(void **state)
{
    static const char *const words[] = {"is no mutation: CPAS-A asked for an "
                                        "integration, 51********* followed by CPAS-A in "
                                        "quality 002, 2026-11-01 to 2027-11-01: done\n"};
    struct flow_fixture *f = *state;
    struct answer answer;

    flow_follow(f, CPAS_A, 1, 2);
    answer = explain_past(f, flow_meta(f).last_sequence, NOBODY, 0);
    tells(&answer, words, 1);
    answer = explain_past(f, 1, NOBODY, 0);
    assert_true(says(&answer, "ticket 1 is no mutation: an act of administration"));
    buffer_free(&answer.text);
    answer = explain_past(f, 9999, NOBODY, 0);
    assert_int_equal(answer.status, VG_NOT_FOUND);
    assert_non_null(strstr(answer.why.text, "was never given"));
    buffer_free(&answer.text);
}

static void
what_was_owed_is_no_difference(void **state)
{
    static const char *const words[] = {
        "CPAS-A (): got it, as letter 2 of mailbox default\n",
        "CPAS-B (): got it, as letter 1 of mailbox default\n"
        "  because of 030, alimony debtor, 2026-11-01 to 2027-11-01\n"
        "  1 of 2 fields given",
        "THE DIFFERENCE between then and now:\n  none\n",
    };
    struct flow_fixture *f = *state;
    struct hot_mutation mutation = flow_address(1);
    struct answer answer;
    char first[24];

    flow_follow(f, CPAS_A, 1, 2);
    snprintf(first, sizeof first, "%llu", (unsigned long long)publish(f, mutation));
    remove_all(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 1, 30);
    mutation.replaces = flow_words(first);
    answer = explain_past(f, publish(f, mutation), NOBODY, 0);
    tells(&answer, words, ARRAY_LEN(words));
}

static void
a_ticket_says_who_did_not_want_it(void **state)
{
    struct flow_fixture *f = *state;
    struct answer answer;
    uint64_t ticket;

    flow_follow(f, CPAS_A, 1, 7);
    flow_follow(f, CPAS_B, 1, 2);
    flow_decline(f, CPAS_A, "notifyPerson", UINT64_C(1) << 7);
    ticket = publish(f, flow_address(1));
    flow_decline(f, CPAS_A, "PersonnelFile", 0); // then is then, whatever is wanted now
    answer = explain_past(f, ticket, NOBODY, 0);
    assert_true(says(&answer, "CPAS-A (): not sent, because it does not want this "
                              "flow for this quality\n  because of 007"));
    assert_true(says(&answer, "CPAS-B (): got it"));
    assert_true(says(&answer, "CPAS-A, mailbox default: did not get it then; would get"));
    buffer_free(&answer.text);
    answer = explain_past(f, ticket, CPAS_A, 0);
    assert_true(says(&answer, "not sent, because it does not want"));
    assert_false(says(&answer, "did not get it; 1 letter went to others"));
    buffer_free(&answer.text);
    answer = explain_past(f, ticket, CPAS_B, 0);
    assert_false(says(&answer, "does not want"));
    buffer_free(&answer.text);
}

static void
a_refused_number_says_its_refusal(void **state)
{
    struct flow_fixture *f = *state;
    struct roster *roster = applier_roster(f->applier);
    struct hot_mutation wrong = flow_address(1);
    struct buffer text = {0};
    struct why why = {0};

    wrong.niss = 66041066601;
    flow_publish_one(f, RN, 1, wrong);
    flow_apply(f);
    (void)publish(f, flow_address(1));
    assert_int_equal(
        explain_refused(flow_view(f), roster_institution(roster, RN), 1, 1, &text, &why),
        VG_OK);
    buffer_add(&text, "", 1);
    assert_non_null(strstr((const char *)text.at,
                           "number 1 of RN, producer 1, was refused: BAD_NISS ("));
    assert_null(strstr((const char *)text.at, "66041066601"));
    buffer_clear(&text);
    assert_int_equal(
        explain_refused(flow_view(f), roster_institution(roster, RN), 1, 2, &text, &why),
        VG_OK);
    buffer_add(&text, "", 1);
    assert_non_null(strstr((const char *)text.at, "was accepted: ask by the ticket"));
    assert_int_equal(
        explain_refused(flow_view(f), roster_institution(roster, RN), 1, 3, &text, &why),
        VG_NOT_FOUND);
    assert_non_null(strstr(why.text, "never came: the last is 2"));
    buffer_free(&text);
    roster_free(&roster);
}

static void
what_the_broker_tells_itself_has_the_broker_as_its_source(void **state)
{
    struct flow_fixture *f = *state;
    struct answer answer;

    flow_integrate(f, CPAS_A, flow_person(1), 1, 20261120, 0);
    flow_apply(f);
    f->now_us = flow_noon(2027, 1, 6); // two weeks before its end
    flow_command(f, COMMAND_LAPSE, 0);
    flow_apply(f);
    assert_int_equal(flow_row(f, CPAS_A).last, 1);
    answer = explain_past(f, flow_meta(f).last_sequence, NOBODY, 0);
    assert_int_equal(answer.status, VG_OK);
    assert_true(says(&answer, "IntegrationEnds (40), made by VIGIE, this broker itself, "
                              "about 51*********"));
    assert_true(says(&answer, "CPAS-A"));
    assert_true(says(&answer, "because of 001"));
    assert_true(says(&answer, "no rules are asked of what the broker makes itself"));
    assert_false(says(&answer, "no such flow"));
    assert_false(says(&answer, "number 0"));
    buffer_free(&answer.text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(says_who_would_get_it_and_who_not),
        FLOW_TEST(says_whom_a_correction_is_owed_and_what_cannot_be_answered),
        FLOW_TEST(follows_a_replaced_number),
        FLOW_TEST(says_the_refusal_that_publishing_would_get),
        FLOW_TEST(a_correction_tells_what_it_corrects_and_why_it_is_owed),
        FLOW_TEST(a_ticket_tells_then_and_now_and_that_they_agree),
        FLOW_TEST(a_ticket_tells_what_the_directory_has_changed_since),
        FLOW_TEST(a_ticket_that_nobody_got_says_why_and_what_is_lost),
        FLOW_TEST(a_ticket_is_asked_again_on_another_day),
        FLOW_TEST(a_ticket_of_something_else_says_what_it_was),
        FLOW_TEST(what_was_owed_is_no_difference),
        FLOW_TEST(a_refused_number_says_its_refusal),
        FLOW_TEST(a_ticket_says_who_did_not_want_it),
        FLOW_TEST(what_the_broker_tells_itself_has_the_broker_as_its_source),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
