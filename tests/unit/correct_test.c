// SPDX-License-Identifier: EUPL-1.2
// Goal: whoever got a mutation gets what replaces or cancels it, with its ticket and no field
// that he may not see, and the journal says why; nobody else learns that there was a first
// one; what cannot be corrected is refused and changes nothing.
// Method: batches applied to a real store with the shipped catalogue, days passing between
// them, restarts; the disk is read after each.
#include "flow_fixture.h"

#include "flow/correct.h"

enum { DAY_SECONDS = 86400, LETTERS = 8 };

struct told {
    struct letter letter;
    struct hot_content content;
};

static char ticket_text[4][24];

static struct hot_bytes
ticket_bytes(uint64_t ticket)
{
    static size_t next;
    char *text = ticket_text[next++ % ARRAY_LEN(ticket_text)];

    snprintf(text, sizeof ticket_text[0], "%llu", (unsigned long long)ticket);
    return flow_words(text);
}

static uint64_t
next_number(struct flow_fixture *f, uint32_t source)
{
    return flow_producer(f, source, 1).last_number + 1;
}

// Publishes one and gives its ticket, 0 when it was refused.
static uint64_t
published(struct flow_fixture *f, uint32_t source, struct hot_mutation mutation)
{
    struct command *command =
        flow_publish_one(f, source, next_number(f, source), mutation);

    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    return command->publish.ticket_first;
}

static uint64_t
replaced(struct flow_fixture *f, uint32_t source, uint64_t ticket,
         struct hot_mutation mutation)
{
    mutation.replaces = ticket_bytes(ticket);
    return published(f, source, mutation);
}

static uint64_t
cancelled(struct flow_fixture *f, uint32_t source, uint64_t ticket,
          struct hot_mutation mutation)
{
    mutation.cancels = ticket_bytes(ticket);
    return published(f, source, mutation);
}

static struct hot_mutation
about(int person)
{
    return flow_mutation("notifyPerson", flow_person(person));
}

static void
pass_days(struct flow_fixture *f, int days)
{
    f->now_us += (int64_t)days * DAY_SECONDS * 1000000;
}

static void
refused(struct flow_fixture *f, uint32_t source, struct hot_mutation mutation,
        const char *words)
{
    struct meta before = flow_meta(f);
    struct command *command =
        flow_publish_one(f, source, next_number(f, source), mutation);

    flow_apply(f);
    assert_int_equal(command->publish.kept, 0);
    assert_int_equal(command->publish.results_len, 1);
    assert_int_equal(command->publish.results[0].status, VG_BAD_REFERENCE);
    if (strstr(command->publish.results[0].why.text, words) == NULL) {
        print_message("%s\n", command->publish.results[0].why.text);
    }
    assert_non_null(strstr(command->publish.results[0].why.text, words));
    assert_int_equal(f->done->posted_len, 0);
    assert_int_equal(flow_meta(f).last_sequence, before.last_sequence);
}

static bool
says(struct hot_bytes bytes, const char *text)
{
    return bytes.len == strlen(text) && memcmp(bytes.at, text, bytes.len) == 0;
}

static bool
has(const struct told *told, const char *code)
{
    for (uint32_t i = 0; i < told->content.mutation.fields_len; i++) {
        if (says(told->content.mutation.fields[i].code, code)) {
            return true;
        }
    }
    return false;
}

// The letter of a mailbox with this number, which must be its last.
static struct told
last_letter(struct flow_fixture *f, uint32_t mailbox, uint64_t number)
{
    struct told told;

    assert_int_equal(flow_row(f, mailbox).last, number);
    assert_int_equal(flow_letters(f, mailbox, number, &told.letter, 1), 1);
    told.content = flow_content(f, &told.letter);
    return told;
}

struct tellings {
    uint64_t ticket;
    struct journal_correction item;
    struct journal_owed owed[LETTERS];
    size_t len;
};

static void
note_telling(const struct journal_item *item, void *arg)
{
    struct tellings *tellings = arg;
    struct journal_correction correction;

    if (item->kind != JOURNAL_CORRECTION ||
        !journal_item_as(item, &correction, sizeof correction) ||
        correction.ticket != tellings->ticket) {
        return;
    }
    tellings->item = correction;
    assert_in_range(correction.owed, 0, LETTERS);
    assert_int_equal(item->bytes.len,
                     sizeof correction + correction.owed * sizeof *tellings->owed);
    memcpy(tellings->owed, item->bytes.at + sizeof correction,
           correction.owed * sizeof *tellings->owed);
    tellings->len++;
}

static struct tellings
journal_of(struct flow_fixture *f, uint64_t ticket)
{
    struct tellings tellings = {.ticket = ticket};

    flow_each_item(f, note_telling, &tellings);
    assert_int_equal(tellings.len, 1);
    return tellings;
}

// ---- who gets it ----

static void
who_got_it_gets_the_correction_though_his_integration_ended(void **state)
{
    struct flow_fixture *f = *state;
    uint64_t first, second;
    struct told told;
    struct tellings journal;
    char text[24];

    flow_integrate(f, CPAS_A, flow_person(1), 2, 20261101, 20261125);
    flow_apply(f);
    first = published(f, RN, flow_address(1));
    pass_days(f, 30); // the integration is over
    assert_int_not_equal(published(f, RN, flow_address(1)), 0);
    assert_int_equal(flow_row(f, CPAS_A).last, 1); // anything else does not reach it
    flow_reopen(f);
    second = replaced(f, RN, first, flow_address(1));

    told = last_letter(f, CPAS_A, 2);
    snprintf(text, sizeof text, "%llu", (unsigned long long)first);
    assert_true(says(told.content.mutation.replaces, text));
    assert_int_equal(told.content.ticket, second);
    assert_true(has(&told, "020") && has(&told, "150"));
    assert_int_equal(told.letter.quality,
                     2); // of the integration that justified the first
    assert_int_equal(told.letter.begin, day_of(2026, 11, 1).number);
    assert_int_equal(told.letter.end, day_of(2026, 11, 25).number);
    journal = journal_of(f, second);
    assert_int_equal(journal.item.of, first);
    assert_int_equal(journal.item.act, CORRECTION_REPLACES);
    assert_int_equal(journal.item.owed, 1);
    assert_int_equal(journal.owed[0].mailbox, CPAS_A);
    assert_int_equal(journal.owed[0].quality, 2);
    assert_int_equal(journal.owed[0].only, 1);
    assert_int_equal(journal.owed[0].end, day_of(2026, 11, 25).number);
}

// A debtor's class sees no 150, whoever he is by now.
static void
an_ended_integration_shows_what_its_class_allows(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation only_150 = about(1);
    uint64_t first, second;
    struct told told;

    flow_integrate(f, CPAS_B, flow_person(1), 30, 20261101, 20261125);
    flow_apply(f);
    first = published(f, RN, flow_address(1));
    pass_days(f, 30);
    second = replaced(f, RN, first, flow_address(1));
    told = last_letter(f, CPAS_B, 2);
    assert_true(has(&told, "020"));
    assert_false(has(&told, "150"));
    assert_int_equal(told.content.withheld, 1);

    // Nothing is left for him but that what he got is void.
    flow_field(&only_150, "150", "Anvers 19991231");
    assert_int_not_equal(replaced(f, RN, second, only_150), 0);
    told = last_letter(f, CPAS_B, 3);
    assert_int_equal(told.content.mutation.fields_len, 0);
    assert_int_equal(told.content.withheld, 1);
    assert_int_not_equal(told.content.mutation.replaces.len, 0);
}

static void
who_did_not_get_it_gets_a_notification_like_any_other(void **state)
{
    struct flow_fixture *f = *state;
    uint64_t first;
    struct told a, b;

    flow_follow(f, CPAS_A, 1, 2);
    first = published(f, RN, flow_address(1));
    flow_follow(f, CPAS_B, 1, 30);
    flow_follow(f, CPAS_C, 1, 9);
    replaced(f, RN, first, flow_address(1));
    a = last_letter(f, CPAS_A, 2);
    assert_int_not_equal(a.content.mutation.replaces.len, 0);
    b = last_letter(f, CPAS_C, 1); // may see as much as A: yet another body
    assert_int_equal(b.content.mutation.replaces.len, 0);
    assert_int_not_equal(a.letter.body, b.letter.body);
    b = last_letter(f, CPAS_B, 1);
    assert_int_equal(b.content.mutation.replaces.len, 0);
    assert_false(has(&b, "150"));
    assert_int_equal(b.letter.quality, 30);
}

static void
a_cancellation_goes_to_those_who_got_it_and_nobody_else(void **state)
{
    struct flow_fixture *f = *state;
    uint64_t first, second;
    struct told told;

    flow_follow(f, CPAS_A, 1, 2);
    first = published(f, RN, flow_address(1));
    flow_follow(f, CPAS_B, 1, 30);
    second = cancelled(f, RN, first, about(1));
    told = last_letter(f, CPAS_A, 2);
    assert_int_not_equal(told.content.mutation.cancels.len, 0);
    assert_int_equal(told.content.mutation.fields_len, 0);
    assert_int_equal(flow_row(f, CPAS_B).last, 0);
    assert_int_equal(journal_of(f, second).item.act, CORRECTION_CANCELS);
    assert_int_equal(journal_of(f, second).owed[0].only, 0); // he follows her still
}

// First under 002, which sees 150; today under 030, which does not.
static void
he_sees_what_either_integration_allows(void **state)
{
    struct flow_fixture *f = *state;
    struct tellings journal;
    struct told told;
    uint64_t first, second;

    flow_integrate(f, CPAS_A, flow_person(1), 2, 20261101, 20261125);
    flow_integrate(f, CPAS_A, flow_person(1), 30, 20261201, 0);
    flow_apply(f);
    first = published(f, RN, flow_address(1));
    pass_days(f, 30);
    second = replaced(f, RN, first, flow_address(1));
    told = last_letter(f, CPAS_A, 2);
    assert_int_equal(told.letter.quality, 30);
    assert_true(has(&told, "150"));
    journal = journal_of(f, second);
    assert_int_equal(journal.owed[0].quality, 2); // why field 150 came along
    assert_int_equal(journal.owed[0].only, 0);
}

static void
it_follows_a_person_to_the_new_number(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation replacement = flow_mutation("SSINReplacement", flow_person(1));
    uint64_t first;

    flow_follow(f, CPAS_A, 1, 2);
    first = published(f, RN, flow_address(1));
    replacement.new_niss = flow_person(2).number;
    assert_int_not_equal(published(f, BIS, replacement), 0);
    assert_int_not_equal(replaced(f, RN, first, flow_address(2)), 0);
    last_letter(f, CPAS_A, 3);
}

static void
more_recipients_than_an_item_holds_all_get_it(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutation =
        flow_mutation("EmployerDirectoryMutation", (struct niss){0});
    enum { MANY = 1500 };
    uint64_t first, second;
    char code[24];

    for (int i = 0; i < MANY; i++) {
        snprintf(code, sizeof code, "CPAS-X%d", i);
        flow_add_institution(f, code, 17);
    }
    flow_apply(f);
    mutation.enterprise = 403019261;
    first = published(f, ONSS, mutation);
    assert_int_equal(f->done->posted_len, MANY + 3);
    second = cancelled(f, ONSS, first, mutation);
    assert_int_equal(f->done->posted_len, MANY + 3);
    assert_int_not_equal(second, 0);
    assert_int_equal(flow_row(f, INSTITUTIONS - 1 + MANY).last, 2);
}

// ---- what cannot be corrected ----

static void
a_correction_of_a_correction_is_a_line(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation again = flow_address(1);
    uint64_t first, second, third;

    flow_follow(f, CPAS_A, 1, 2);
    first = published(f, RN, flow_address(1));
    second = replaced(f, RN, first, flow_address(1));
    flow_reopen(f);
    again.replaces = ticket_bytes(first);
    refused(f, RN, again, "was replaced by ticket");
    third = cancelled(f, RN, second, about(1));
    assert_int_not_equal(third, 0);
    last_letter(f, CPAS_A, 3);
    again.replaces = ticket_bytes(second);
    refused(f, RN, again, "was cancelled by ticket");
    again.replaces.len = 0;
    again.cancels = ticket_bytes(second);
    refused(f, RN, again, "was cancelled by ticket"); // twice
}

static void
it_must_be_about_the_same_thing_by_the_same_source(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutation = flow_address(2);
    uint64_t first, other;

    flow_follow(f, CPAS_A, 1, 2);
    first = published(f, RN, flow_address(1));
    other = published(f, ONSS, flow_mutation("PersonnelFile", flow_person(1)));
    mutation.replaces = ticket_bytes(first);
    refused(f, RN, mutation, "is about another person");
    mutation = flow_mutation("notifyFamilyComposition", flow_person(1));
    mutation.cancels = ticket_bytes(first);
    refused(f, RN, mutation, "is of another flow");
    mutation = about(1);
    mutation.cancels = ticket_bytes(other);
    refused(f, RN, mutation, "is no mutation of RN");
    mutation.cancels = ticket_bytes(first - 1); // the integration's
    refused(f, RN, mutation, "is not a mutation's");
    mutation.cancels = ticket_bytes(9999);
    refused(f, RN, mutation, "was never given");
    assert_int_equal(flow_row(f, CPAS_A).last, 2);
}

static void
what_the_journal_has_forgotten_cannot_be_corrected(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutation = flow_address(1);
    uint64_t first, second;

    flow_follow(f, CPAS_A, 1, 2);
    first = published(f, RN, flow_address(1));
    second = replaced(f, RN, first, flow_address(1));
    for (int i = 0; i < 2; i++) {
        struct command *command;

        flow_command(f, COMMAND_FOLD, 0);
        flow_apply(f);
        pass_days(f, 400);
        command = flow_command(f, COMMAND_EXPIRE, 0);
        command->expire.replay_days = 7;
        command->expire.journal_months = 12;
        command->expire.folded_commit = flow_meta(f).folded_commit;
        command->expire.exported_commit = UINT64_MAX;
        flow_apply(f);
        assert_false(command->expire.stuck);
    }
    assert_true(flow_meta(f).first_commit > 1);
    mutation.replaces = ticket_bytes(second);
    refused(f, RN, mutation, "is older than the journal");

    struct correction_row row;

    assert_int_equal(correction_get(flow_view(f), first, &row), VG_NOT_FOUND);
}

// A living wage is published by a CPAS that pays one; to take its words back it need not.
static void
a_publisher_may_take_back_what_it_may_not_publish_any_more(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutation = flow_mutation("OCMWCPASStopAttest", flow_person(1));
    uint64_t first;

    flow_integrate(f, CPAS_A, flow_person(1), 2, 20261001, 20261122);
    flow_apply(f);
    flow_field(&mutation, "stop_reason", "1");
    first = published(f, CPAS_A, mutation);
    assert_int_not_equal(first, 0);
    last_letter(f, SPPIS, 1);
    pass_days(f, 200);
    assert_int_equal(published(f, CPAS_A, mutation), 0); // not integrated
    assert_int_not_equal(cancelled(f, CPAS_A, first, mutation), 0);
    last_letter(f, SPPIS, 2);
}

static void
merge(struct flow_fixture *f, uint32_t from, uint32_t into)
{
    struct day day = day_add_days(day_in_brussels((struct instant){f->now_us}), 1);
    struct command *command = flow_command(f, COMMAND_MERGE, 0);

    command->merge = (struct merge_command){{from}, 1, into, day};
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
}

// A was a debtor's, B an applicant's: C has got both letters, and is corrected once, with
// what either might see. What A has published C corrects.
static void
a_successor_is_told_once_and_corrects_what_it_took_over(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation attest = flow_mutation("A036", flow_person(1));
    struct hot_mutation again;
    struct command *move;
    uint64_t first, own;
    struct told told;
    char text[24];

    flow_integrate(f, CPAS_A, flow_person(1), 30, 20261101, 20261125);
    flow_integrate(f, CPAS_B, flow_person(1), 2, 20261101, 20261125);
    flow_apply(f);
    attest.period_begin = 20261101;
    attest.period_end = 20261130;
    flow_field(&attest, "aid_type", "x");
    own = published(f, CPAS_A, attest);
    first = published(f, RN, flow_address(1));
    merge(f, CPAS_A, CPAS_C);
    merge(f, CPAS_B, CPAS_C);
    pass_days(f, 30);
    published(f, RN, flow_address(2)); // the day begins
    replaced(f, RN, first, flow_address(1));
    assert_int_equal(f->done->posted_len, 1);
    flow_letters(f, f->done->posted[0].mailbox, f->done->posted[0].letter.number,
                 &told.letter, 1);
    told.content = flow_content(f, &told.letter);
    snprintf(text, sizeof text, "%llu", (unsigned long long)first);
    assert_true(says(told.content.mutation.replaces, text));
    assert_true(has(&told, "020") && has(&told, "150"));
    assert_int_not_equal(cancelled(f, CPAS_C, own, attest), 0);

    flow_command(f, COMMAND_FOLD, 0); // a letter that moves is no mutation of its own
    move = flow_command(f, COMMAND_MOVE_LETTERS, 0);
    flow_apply(f);
    assert_int_equal(move->move.moved, 5);
    again = flow_address(1);
    again.replaces = ticket_bytes(flow_meta(f).last_sequence - 1);
    refused(f, RN, again, "is no mutation of RN");
}

static void
add_mailboxes(struct flow_fixture *f, uint32_t institution, int len)
{
    for (int i = 0; i < len; i++) {
        struct command *command = flow_command(f, COMMAND_ADD_MAILBOX, institution);
        char name[16];

        snprintf(name, sizeof name, "box %d", i);
        buffer_add(&command->frame, name, strlen(name));
        command->add_mailbox.name = (struct bytes){command->frame.at, command->frame.len};
    }
    flow_apply(f);
}

// It has taken over more mailboxes than one institution may make.
static void
all_mailboxes_of_a_successor_get_it(void **state)
{
    struct flow_fixture *f = *state;
    enum { FURTHER = MAILBOXES_PER_INSTITUTION_MAX - 1 };
    uint64_t first = published(f, RN, flow_address(1)); // to nobody

    add_mailboxes(f, CPAS_A, FURTHER);
    add_mailboxes(f, CPAS_B, FURTHER);
    add_mailboxes(f, CPAS_C, FURTHER);
    merge(f, CPAS_A, CPAS_C);
    merge(f, CPAS_B, CPAS_C);
    pass_days(f, 1);
    flow_integrate(f, CPAS_C, flow_person(1), 2, 20261101, 0);
    flow_apply(f);
    replaced(f, RN, first, flow_address(1));
    assert_int_equal(f->done->posted_len, 3 * FURTHER + 1);
    flow_assert_sound(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(who_got_it_gets_the_correction_though_his_integration_ended),
        FLOW_TEST(an_ended_integration_shows_what_its_class_allows),
        FLOW_TEST(who_did_not_get_it_gets_a_notification_like_any_other),
        FLOW_TEST(a_cancellation_goes_to_those_who_got_it_and_nobody_else),
        FLOW_TEST(he_sees_what_either_integration_allows),
        FLOW_TEST(it_follows_a_person_to_the_new_number),
        FLOW_TEST(more_recipients_than_an_item_holds_all_get_it),
        FLOW_TEST(a_correction_of_a_correction_is_a_line),
        FLOW_TEST(it_must_be_about_the_same_thing_by_the_same_source),
        FLOW_TEST(what_the_journal_has_forgotten_cannot_be_corrected),
        FLOW_TEST(a_publisher_may_take_back_what_it_may_not_publish_any_more),
        FLOW_TEST(a_successor_is_told_once_and_corrects_what_it_took_over),
        FLOW_TEST(all_mailboxes_of_a_successor_get_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
