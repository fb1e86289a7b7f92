// SPDX-License-Identifier: EUPL-1.2
// Goal: an answer reaches who asked, with the ticket of the question; who owes one is known
// until the first answer is kept; nobody answers what he did not get.
// Method: batches applied to a real store with the shipped catalogue, and a restart in between;
// the disk is read after each.
#include "flow_fixture.h"

#include "store/asked.h"

static char ticket_text[24];

static uint64_t
published(struct flow_fixture *f, uint32_t source, struct hot_mutation mutation)
{
    struct command *command = flow_publish_one(
        f, source, flow_producer(f, source, 1).last_number + 1, mutation);

    flow_apply(f);
    if (command->publish.results_len > 0) {
        print_message("%s\n", command->publish.results[0].why.text);
    }
    assert_int_equal(command->publish.kept, 1);
    return command->publish.ticket_first;
}

static void
refused(struct flow_fixture *f, uint32_t source, struct hot_mutation mutation,
        const char *words)
{
    struct command *command = flow_publish_one(
        f, source, flow_producer(f, source, 1).last_number + 1, mutation);

    flow_apply(f);
    assert_int_equal(command->publish.kept, 0);
    assert_int_equal(command->publish.results[0].status, VG_BAD_REFERENCE);
    if (strstr(command->publish.results[0].why.text, words) == NULL) {
        fail_msg("%s", command->publish.results[0].why.text);
    }
    assert_int_equal(f->done->posted_len, 0);
}

static struct hot_mutation
alert(int person, const char *to)
{
    struct hot_mutation mutation = flow_mutation("PCSAAlert", flow_person(person));

    mutation.recipient = flow_words(to);
    flow_field(&mutation, "alert_number", "A-1");
    return mutation;
}

static struct hot_mutation
answering(const char *flow, int person, uint64_t ticket)
{
    struct hot_mutation mutation = flow_mutation(flow, flow_person(person));

    snprintf(ticket_text, sizeof ticket_text, "%llu", (unsigned long long)ticket);
    mutation.answers = flow_words(ticket_text);
    return mutation;
}

static enum vg_status
asked(struct flow_fixture *f, uint64_t ticket, uint32_t mailbox, struct asked_row *ret)
{
    return asked_get(flow_view(f), ticket, (struct mailbox_id){mailbox}, ret);
}

static void
a_reaction_reaches_who_asked_and_ends_the_waiting(void **state)
{
    struct flow_fixture *f = *state;
    uint64_t first = published(f, SPPIS, alert(1, "CPAS-A"));
    struct asked_row row;
    struct letter letter;
    struct hot_content content;
    uint64_t answer, other;

    assert_int_equal(asked(f, first, CPAS_A, &row), VG_OK);
    assert_int_equal(row.answer, 0);
    assert_int_equal(row.source, SPPIS);
    assert_int_equal(row.number, 1);
    assert_int_equal(row.kept_us, f->done->time.us);
    other = published(f, SPPIS, alert(2, "CPAS-A"));
    flow_reopen(f);
    answer = published(f, CPAS_A, answering("PCSAAlertReaction", 1, first));

    assert_int_equal(flow_letters(f, SPPIS, 1, &letter, 1), 1);
    content = flow_content(f, &letter);
    assert_int_equal(content.mutation.answers.len, strlen(ticket_text));
    assert_memory_equal(content.mutation.answers.at, ticket_text, strlen(ticket_text));
    assert_int_equal(asked(f, first, CPAS_A, &row), VG_OK);
    assert_int_equal(row.answer, answer);
    assert_int_equal(row.answered_us, f->done->time.us);
    assert_int_equal(asked(f, other, CPAS_A, &row), VG_OK);
    assert_int_equal(row.answer, 0);

    // A second one is told too; the first one ended the waiting.
    published(f, CPAS_A, answering("PCSAAlertReaction", 1, first));
    assert_int_equal(asked(f, first, CPAS_A, &row), VG_OK);
    assert_int_equal(row.answer, answer);
    assert_int_equal(flow_row(f, SPPIS).last, 2);
}

static void
an_alert_that_is_taken_back_needs_no_answer(void **state)
{
    struct flow_fixture *f = *state;
    uint64_t first = published(f, SPPIS, alert(1, "CPAS-A"));
    struct hot_mutation correction = alert(1, "CPAS-A");
    struct asked_row row;
    uint64_t second, third;

    snprintf(ticket_text, sizeof ticket_text, "%llu", (unsigned long long)first);
    correction.replaces = flow_words(ticket_text);
    second = published(f, SPPIS, correction);
    assert_int_equal(asked(f, first, CPAS_A, &row), VG_NOT_FOUND);
    assert_int_equal(asked(f, second, CPAS_A, &row), VG_OK); // it is this one that waits
    correction.replaces.len = 0;
    snprintf(ticket_text, sizeof ticket_text, "%llu", (unsigned long long)second);
    correction.cancels = flow_words(ticket_text);
    third = published(f, SPPIS, correction);
    assert_int_equal(asked(f, second, CPAS_A, &row), VG_NOT_FOUND);
    assert_int_equal(asked(f, third, CPAS_A, &row), VG_NOT_FOUND);
    assert_int_equal(flow_row(f, CPAS_A).last, 3);
}

static void
nobody_answers_what_he_did_not_get(void **state)
{
    struct flow_fixture *f = *state;
    uint64_t first = published(f, SPPIS, alert(1, "CPAS-A"));
    struct hot_mutation other = flow_address(1);
    struct asked_row row;
    uint64_t address;

    flow_follow(f, CPAS_A, 1, 2);
    address = published(f, RN, other);
    refused(f, CPAS_B, answering("PCSAAlertReaction", 1, first),
            "is no notification that CPAS-B got");
    refused(f, CPAS_A, answering("PCSAAlertReaction", 2, first), "is about another");
    refused(f, CPAS_A, answering("PCSAAlertReaction", 1, address),
            "is not of flow PCSAAlert, which PCSAAlertReaction answers");
    refused(f, CPAS_A, answering("PCSAAlertReaction", 1, 9999), "was never given");
    other.answers = flow_words("1");
    refused(f, RN, other, "flow notifyPerson answers none");
    other = answering("PCSAAlertReaction", 1, first);
    other.answers = flow_words("A-1");
    refused(f, CPAS_A, other, "A-1 is not a ticket");
    assert_int_equal(asked(f, first, CPAS_A, &row), VG_OK);
    assert_int_equal(row.answer, 0);
}

static void
a_social_report_goes_back_to_who_asked_for_it(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation ask = flow_mutation("ElectronicSocialReportAsk", flow_person(1));
    struct hot_mutation send;
    struct asked_row row;
    struct letter letter;
    uint64_t ticket;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 1, 4);
    ask.recipient = flow_words("CPAS-A");
    ticket = published(f, CPAS_B, ask);
    assert_int_equal(asked(f, ticket, CPAS_A, &row),
                     VG_NOT_FOUND); // the law asks for none
    send = answering("ElectronicSocialReportSend", 1, ticket);
    send.recipient = flow_words("CPAS-C");
    refused(f, CPAS_A, send, "was not asked by CPAS-C");
    send.recipient = flow_words("CPAS-B");
    published(f, CPAS_A, send);
    assert_int_equal(flow_letters(f, CPAS_B, 1, &letter, 1), 1);
    assert_memory_equal(flow_content(f, &letter).mutation.answers.at, ticket_text,
                        strlen(ticket_text));
}

// From tomorrow on one is part of the other, and it is tomorrow.
static void
merge(struct flow_fixture *f, uint32_t from, uint32_t into)
{
    struct day day = day_add_days(day_in_brussels((struct instant){f->now_us}), 1);
    struct command *command = flow_command(f, COMMAND_MERGE, 0);

    command->merge = (struct merge_command){{from}, 1, into, day};
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    f->now_us += INT64_C(86400) * 1000000;
}

// Its letters are the successor's, so are its questions.
static void
the_successor_answers_for_who_was_merged(void **state)
{
    struct flow_fixture *f = *state;
    uint64_t first = published(f, SPPIS, alert(1, "CPAS-A"));
    struct hot_mutation ask = flow_mutation("ElectronicSocialReportAsk", flow_person(1));
    struct hot_mutation send;
    struct asked_row row;
    uint64_t answer;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 1, 9);
    ask.recipient = flow_words("CPAS-B");
    answer = published(f, CPAS_A, ask); // A asks, and is no more
    merge(f, CPAS_A, CPAS_C);
    send = answering("ElectronicSocialReportSend", 1, answer);
    send.recipient = flow_words("CPAS-C");
    published(f, CPAS_B, send);
    refused(f, CPAS_B, answering("PCSAAlertReaction", 1, first), "that CPAS-B got");
    answer = published(f, CPAS_C, answering("PCSAAlertReaction", 1, first));
    assert_int_equal(asked(f, first, CPAS_A, &row), VG_OK);
    assert_int_equal(row.answer, answer);
}

// It lines up behind letters that are still to be moved, and is taken back there.
static void
what_is_asked_of_a_successor_waits_with_its_letter(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation back = alert(2, "CPAS-C");
    struct asked_row row;
    char text[24];
    uint64_t second;

    published(f, SPPIS, alert(1, "CPAS-A"));
    merge(f, CPAS_A, CPAS_C);
    second = published(f, SPPIS, alert(2, "CPAS-C"));
    assert_int_equal(asked(f, second, CPAS_C, &row), VG_NOT_FOUND);
    assert_int_equal(asked(f, second, CPAS_A, &row), VG_OK);
    assert_int_equal(row.number, 2);
    snprintf(text, sizeof text, "%llu", (unsigned long long)second);
    back.cancels = flow_words(text);
    published(f, SPPIS, back);
    assert_int_equal(asked(f, second, CPAS_A, &row), VG_NOT_FOUND);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(a_reaction_reaches_who_asked_and_ends_the_waiting),
        FLOW_TEST(an_alert_that_is_taken_back_needs_no_answer),
        FLOW_TEST(nobody_answers_what_he_did_not_get),
        FLOW_TEST(a_social_report_goes_back_to_who_asked_for_it),
        FLOW_TEST(the_successor_answers_for_who_was_merged),
        FLOW_TEST(what_is_asked_of_a_successor_waits_with_its_letter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
