// SPDX-License-Identifier: EUPL-1.2
// Goal: a past mutation is put together again from what its recipients got, and says exactly
// what is not known any more.
// Method: mutations published through the writer and looked for in the journal; their bodies
// erased by retention, with and without letters that still wait.
#include "flow_fixture.h"

#include "flow/past.h"

enum { REPLAY_DAYS = 7, CROWD = JOURNAL_RECIPIENTS_MAX + 50 };

#define DAY_US (INT64_C(24) * 3600 * 1000000)

static struct buffer record;
static struct buffer recipients;

// The only mutation of the last commit that has one.
static struct past
last_past(struct flow_fixture *f, uint64_t ticket)
{
    struct past past = {.fields_lost = 99};
    struct journal_head head;
    struct txn *txn = flow_view(f);

    for (uint64_t commit = flow_meta(f).last_commit; commit > 0; commit--) {
        size_t offset = 0;

        assert_int_equal(journal_read(txn, commit, &record, &head, NULL), VG_OK);
        buffer_clear(&recipients);
        while (past_next(&record, &offset, &past, &recipients)) {
            if (past.event.ticket == ticket) {
                past.recipients = (const struct journal_recipient *)(void *)recipients.at;
                past_read(txn, applier_catalogue(f->applier), &past);
                return past;
            }
            buffer_clear(&recipients);
        }
    }
    fail_msg("ticket %llu is not there", (unsigned long long)ticket);
    return past;
}

static uint64_t
publish(struct flow_fixture *f, uint32_t source, struct hot_mutation mutation)
{
    flow_publish_one(f, source, flow_producer(f, source, 1).last_number + 1, mutation);
    flow_apply(f);
    return flow_meta(f).last_sequence;
}

static bool
has_field(const struct past *past, const char *code, const char *value)
{
    for (uint32_t i = 0; i < past->mutation.fields_len; i++) {
        const struct hot_field *field = &past->mutation.fields[i];

        if (field->code.len == strlen(code) &&
            memcmp(field->code.at, code, field->code.len) == 0) {
            return field->value.len == strlen(value) &&
                   memcmp(field->value.at, value, field->value.len) == 0;
        }
    }
    return false;
}

static void
fields_of_several_recipients_make_one_mutation(void **state)
{
    struct flow_fixture *f = *state;
    struct past past;
    uint64_t ticket;

    flow_follow(f, CPAS_A, 1, 30); // sees 020
    flow_follow(f, CPAS_B, 1, 2);  // sees both
    ticket = publish(f, RN, flow_address(1));
    past = last_past(f, ticket);
    assert_int_equal(past.recipients_len, 2);
    assert_true(past.has_content);
    assert_int_equal(past.fields_lost, 0);
    assert_int_equal(past.mutation.fields_len, 2);
    assert_int_equal(past.mutation.niss, flow_person(1).number);
    assert_true(has_field(&past, "020", "Rue Haute 1"));
    assert_true(has_field(&past, "150", "Anvers 19991231"));
}

static void
what_nobody_got_is_lost(void **state)
{
    struct flow_fixture *f = *state;
    struct past past;

    flow_follow(f, CPAS_A, 1, 30);
    past = last_past(f, publish(f, RN, flow_address(1)));
    assert_true(past.has_content);
    assert_int_equal(past.fields_lost, 1);
    assert_int_equal(past.mutation.fields_len, 1);

    past = last_past(f, publish(f, RN, flow_address(2)));
    assert_int_equal(past.recipients_len, 0);
    assert_false(past.has_content);
    assert_int_equal(past.fields_lost, 2);
    assert_int_equal(past.mutation.niss, flow_person(2).number);
    assert_int_equal(past.mutation.flow.len, strlen("notifyPerson"));
}

static void
pass_the_replay_window(struct flow_fixture *f)
{
    struct expire_command *expire;

    flow_command(f, COMMAND_FOLD, 0);
    flow_apply(f);
    f->now_us += (REPLAY_DAYS + 1) * DAY_US;
    do {
        expire = &flow_command(f, COMMAND_EXPIRE, 0)->expire;
        expire->replay_days = REPLAY_DAYS;
        expire->journal_months = 24;
        expire->folded_commit = flow_meta(f).folded_commit;
        expire->exported_commit = UINT64_MAX;
        flow_apply(f);
    } while (expire->more);
}

static void
acknowledge(struct flow_fixture *f, uint32_t mailbox, uint64_t number)
{
    struct letter letter;
    struct command *command;

    assert_int_equal(flow_letters(f, mailbox, number, &letter, 1), 1);
    command = flow_command(f, COMMAND_ACKNOWLEDGE, mailbox);
    command->acknowledge.mailbox = mailbox;
    command->acknowledge.through = number;
    command->acknowledge.through_bytes = letter.bytes_through;
    flow_apply(f);
}

static void
a_body_is_found_where_it_was_moved_and_lost_when_it_went(void **state)
{
    struct flow_fixture *f = *state;
    struct past past;
    uint64_t read, waiting;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 2, 30);
    read = publish(f, RN, flow_address(1));
    waiting = publish(f, RN, flow_address(2));
    acknowledge(f, CPAS_A, 1);
    pass_the_replay_window(f);

    past = last_past(f, read);
    assert_int_equal(past.recipients_len, 1);
    assert_false(past.has_content);
    assert_int_equal(past.fields_lost, 2);

    past = last_past(f, waiting);
    assert_true(past.has_content);
    assert_int_equal(past.fields_lost, 1);
    assert_true(has_field(&past, "020", "Rue Haute 1"));
}

// One event stands in several items when it has many recipients.
static void
a_crowd_of_recipients_is_one_mutation(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutation =
        flow_mutation("EmployerDirectoryMutation", flow_person(1));
    struct past past;
    char code[INSTITUTION_CODE_LEN];

    for (int i = 0; i < CROWD; i++) {
        snprintf(code, sizeof code, "CPAS-%d", 10000 + i);
        flow_add_institution(f, code, SECTOR_CPAS);
    }
    flow_apply(f);
    mutation.niss = 0;
    mutation.enterprise = 403019261;
    flow_field(&mutation, "identification", "x");
    past = last_past(f, publish(f, ONSS, mutation));
    assert_int_equal(past.recipients_len, CROWD + 3);
    assert_int_equal(past.mutation.enterprise, 403019261);
    assert_int_equal(past.fields_lost, 0);
}

static void
rules_that_need_the_content_are_not_asked_without_it(void **state)
{
    struct flow_fixture *f = *state;
    const struct catalogue *catalogue = applier_catalogue(f->applier);
    struct past past = {.has_content = false};

    assert_true(
        past_can_be_asked(&past, catalogue_flow(catalogue, bytes_of("notifyPerson"))));
    assert_false(past_can_be_asked(
        &past, catalogue_flow(catalogue, bytes_of("PensionRegisterMutation"))));
    assert_false(
        past_can_be_asked(&past, catalogue_flow(catalogue, bytes_of("PCSAAlert"))));
    assert_false(past_can_be_asked(
        &past, catalogue_flow(catalogue, bytes_of("EmployerDirectoryMutation"))));
    past.has_content = true;
    assert_true(
        past_can_be_asked(&past, catalogue_flow(catalogue, bytes_of("PCSAAlert"))));
}

static int
free_all(void **state)
{
    (void)state;
    buffer_free(&record);
    buffer_free(&recipients);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(fields_of_several_recipients_make_one_mutation),
        FLOW_TEST(what_nobody_got_is_lost),
        FLOW_TEST(a_body_is_found_where_it_was_moved_and_lost_when_it_went),
        FLOW_TEST(a_crowd_of_recipients_is_one_mutation),
        FLOW_TEST(rules_that_need_the_content_are_not_asked_without_it),
    };

    return cmocka_run_group_tests(tests, NULL, free_all);
}
