// SPDX-License-Identifier: EUPL-1.2
// Goal: a client reads what the broker meant: every answer with its numbers, every refusal
// with its words, and nothing where there is no answer.
// Method: frames are written from values, and from commands that a real applier answered,
// then unpacked by protobuf-c and compared field by field.
#include "flow_fixture.h"

#include "vigie/v1/vigie.pb-c.h"
#include "wire/wire.h"

// The frame as a client sees it. Gives: vigie__v1__to_client__free_unpacked.
static Vigie__V1__ToClient *
unpack(struct buffer *frame)
{
    Vigie__V1__ToClient *message =
        vigie__v1__to_client__unpack(NULL, frame->len, frame->at);

    assert_non_null(message);
    buffer_free(frame);
    return message;
}

static Vigie__V1__ToClient *
answer(struct flow_fixture *f, struct command *command)
{
    struct roster *roster = applier_roster(f->applier);
    struct buffer frame = {0};

    wire_write_answer(command, roster, &frame);
    roster_free(&roster);
    return unpack(&frame);
}

static void
end(Vigie__V1__ToClient *message)
{
    vigie__v1__to_client__free_unpacked(message, NULL);
}

// ---- the connection ----

static void
writes_welcome_and_heartbeat(void **state)
{
    struct wire_welcome welcome = {.institution = "RN",
                                   .role = ROLE_SOURCE,
                                   .heartbeat_ms = 5000,
                                   .window_messages = 4000,
                                   .window_bytes = UINT64_C(1) << 33};
    struct buffer frame = {0};
    Vigie__V1__ToClient *message;

    (void)state;
    wire_write_welcome(&welcome, &frame);
    message = unpack(&frame);
    assert_int_equal(message->message_case, VIGIE__V1__TO_CLIENT__MESSAGE_WELCOME);
    assert_int_equal(message->welcome->version, WIRE_VERSION);
    assert_string_equal(message->welcome->institution, "RN");
    assert_int_equal(message->welcome->role, ROLE_SOURCE);
    assert_int_equal(message->welcome->heartbeat_ms, 5000);
    assert_int_equal(message->welcome->window_messages, 4000);
    assert_true(message->welcome->window_bytes == UINT64_C(1) << 33);
    assert_int_equal(message->welcome->mutations_max, 1000);
    assert_int_equal(message->welcome->message_bytes_max, 1 << 20);
    assert_memory_equal(message->welcome->broker, "vigied ", 7);
    end(message);

    wire_write_heartbeat(UINT64_MAX, &frame);
    message = unpack(&frame);
    assert_int_equal(message->message_case, VIGIE__V1__TO_CLIENT__MESSAGE_HEARTBEAT);
    assert_true(message->heartbeat->echo == UINT64_MAX);
    end(message);
}

static void
writes_refusals_with_who_can_help(void **state)
{
    struct buffer frame = {0};
    Vigie__V1__ToClient *message;

    (void)state;
    wire_write_refused(VG_NOT_FOUND, "mailbox 9: there is none", &frame);
    message = unpack(&frame);
    assert_int_equal(message->message_case, VIGIE__V1__TO_CLIENT__MESSAGE_REFUSED);
    assert_int_equal(message->refused->fault->status, VG_NOT_FOUND);
    assert_string_equal(message->refused->fault->name, "NOT_FOUND");
    assert_int_equal(message->refused->fault->remedy, VG_FIX_REQUEST);
    assert_string_equal(message->refused->fault->sentence, "mailbox 9: there is none");
    end(message);

    wire_write_blocked(VG_STORE_FULL, "", &frame);
    message = unpack(&frame);
    assert_int_equal(message->message_case, VIGIE__V1__TO_CLIENT__MESSAGE_BLOCKED);
    assert_int_equal(message->blocked->fault->remedy, VG_RETRY_LATER);
    assert_string_equal(message->blocked->fault->sentence,
                        vg_status_sentence(VG_STORE_FULL));
    end(message);

    wire_write_resumed(&frame);
    message = unpack(&frame);
    assert_int_equal(message->message_case, VIGIE__V1__TO_CLIENT__MESSAGE_RESUMED);
    end(message);

    wire_write_goodbye("the broker is stopping", &frame);
    message = unpack(&frame);
    assert_int_equal(message->message_case, VIGIE__V1__TO_CLIENT__MESSAGE_GOODBYE);
    assert_string_equal(message->goodbye->reason, "the broker is stopping");
    end(message);
}

static void
writes_subscribed(void **state)
{
    const struct mailbox_row row = {
        .last = 9, .acknowledged = 5, .acknowledged_beyond = 1, .held = 7, .parked = 8};
    struct buffer frame = {0};
    Vigie__V1__ToClient *message;

    (void)state;
    wire_write_subscribed(MAILBOX_EXTRA_FIRST, "alerts", 5, &row, &frame);
    message = unpack(&frame);
    assert_int_equal(message->message_case, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    assert_int_equal(message->subscribed->mailbox, MAILBOX_EXTRA_FIRST);
    assert_string_equal(message->subscribed->name, "alerts");
    assert_int_equal(message->subscribed->acknowledged, 5);
    assert_int_equal(message->subscribed->last, 9);
    assert_int_equal(message->subscribed->waiting, 3);
    assert_int_equal(message->subscribed->held, 7);
    assert_int_equal(message->subscribed->parked, 8);
    end(message);
}

static void
appends_to_what_is_there(void **state)
{
    struct buffer frame = {0};

    (void)state;
    buffer_add(&frame, "head", 4);
    wire_write_resumed(&frame);
    assert_true(frame.len > 4);
    assert_memory_equal(frame.at, "head", 4);
    buffer_free(&frame);
}

// ---- published ----

static void
writes_published_with_refusals_and_repeats(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutations[3] = {flow_address(1), flow_address(1),
                                        flow_address(1)};
    struct command *command;
    Vigie__V1__ToClient *message;
    const Vigie__V1__Published *published;

    flow_publish_one(f, RN, 1, mutations[0]);
    flow_apply(f);
    mutations[1].niss = 66041066601;
    command = flow_publish(f, RN, 1, 1, mutations, 3);
    flow_apply(f);
    message = answer(f, command);
    assert_int_equal(message->message_case, VIGIE__V1__TO_CLIENT__MESSAGE_PUBLISHED);
    published = message->published;
    assert_int_equal(published->producer, 1);
    assert_int_equal(published->first_number, 1);
    assert_int_equal(published->through, 3);
    assert_int_equal(published->ticket_first, command->publish.ticket_first);
    assert_int_equal(published->n_results, 2);
    assert_int_equal(published->results[0]->number, 1);
    assert_int_equal(published->results[0]->fault->status, VG_REPEATED);
    assert_int_equal(published->results[0]->fault->remedy, VG_NOTHING_TO_DO);
    assert_string_equal(published->results[0]->fault->sentence,
                        vg_status_sentence(VG_REPEATED));
    assert_int_equal(published->results[1]->number, 2);
    assert_int_equal(published->results[1]->fault->status, VG_BAD_NISS);
    assert_string_equal(published->results[1]->fault->sentence,
                        command->publish.results[1].why.text);
    end(message);
}

// A client takes results in order, and believes `through`.
static void
a_whole_refusal_names_the_first_number_not_answered(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutations[3] = {flow_address(1), flow_address(1),
                                        flow_address(1)};
    struct command *gap, *full;
    Vigie__V1__ToClient *message;

    flow_publish(f, RN, 1, 1, mutations, 2);
    flow_apply(f);
    gap = flow_publish(f, RN, 1, 9, mutations, 1);
    full = flow_publish(f, RN, 1, 2, mutations, 3);
    f->next->no_room = true;
    flow_apply(f);
    message = answer(f, gap);
    assert_int_equal(message->published->through, 2);
    assert_int_equal(message->published->n_results, 1);
    assert_int_equal(message->published->results[0]->number, 9);
    assert_int_equal(message->published->results[0]->fault->status, VG_GAP);
    end(message);
    message = answer(f, full);
    assert_int_equal(message->published->through, 2);
    assert_int_equal(message->published->n_results, 2);
    assert_int_equal(message->published->results[0]->number, 2);
    assert_int_equal(message->published->results[0]->fault->status, VG_REPEATED);
    assert_int_equal(message->published->results[1]->number, 3);
    assert_int_equal(message->published->results[1]->fault->status, VG_STORE_FULL);
    assert_int_equal(message->published->results[1]->fault->remedy, VG_RETRY_LATER);
    end(message);
}

static void
writes_the_last_number(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command;
    Vigie__V1__ToClient *message;
    struct buffer frame = {0};

    flow_publish_one(f, RN, 1, flow_address(1));
    command = flow_command(f, COMMAND_LAST_NUMBER, RN);
    command->last_number.producer = 1;
    flow_apply(f);
    message = answer(f, command);
    assert_int_equal(message->message_case, VIGIE__V1__TO_CLIENT__MESSAGE_LAST_NUMBER_IS);
    assert_int_equal(message->last_number_is->producer, 1);
    assert_int_equal(message->last_number_is->number, 1);
    end(message);

    command->status = VG_STORE_FULL; // "none yet" would be believed
    wire_write_answer(command, NULL, &frame);
    assert_int_equal(frame.len, 0);
    buffer_free(&frame);
}

// ---- replies ----

static void
writes_integrate_with_a_result_for_each_item(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command;
    Vigie__V1__ToClient *message;
    const Vigie__V1__Reply *reply;

    flow_follow(f, CPAS_B, 1, 9);
    command = flow_integrate(f, CPAS_A, flow_person(1), 2, 20261101, 0);
    command->back.request = 77;
    command->integrate.items =
        realloc(command->integrate.items, 2 * sizeof *command->integrate.items);
    assert_non_null(command->integrate.items);
    command->integrate.items_len = 2;
    command->integrate.items[1] =
        (struct integrate_request){.niss = 1, .quality = 77, .begin = 20261101};
    flow_apply(f);
    message = answer(f, command);
    assert_int_equal(message->message_case, VIGIE__V1__TO_CLIENT__MESSAGE_REPLY);
    reply = message->reply;
    assert_int_equal(reply->id, 77);
    assert_int_equal(reply->ticket, command->ticket);
    assert_int_equal(reply->verdict, VIGIE__V1__REPLY__VERDICT__WARNING);
    assert_int_equal(reply->n_results, 2);
    assert_int_equal(reply->results[0]->verdict, VIGIE__V1__REPLY__VERDICT__WARNING);
    assert_int_equal(reply->results[0]->end, 20271101);
    assert_int_equal(reply->results[0]->n_faults, 1);
    assert_int_equal(reply->results[0]->faults[0]->status, VG_OVERLAPS);
    assert_int_equal(reply->results[0]->overlaps, 1);
    assert_int_equal(reply->results[1]->verdict, VIGIE__V1__REPLY__VERDICT__NO);
    assert_int_equal(reply->results[1]->n_faults, 3);
    assert_int_equal(reply->results[1]->faults[0]->status, VG_BAD_NISS);
    assert_int_equal(reply->results[1]->faults[1]->status, VG_UNKNOWN_QUALITY);
    assert_int_equal(reply->results[1]->faults[2]->status, VG_PROOF_MISSING);
    assert_int_equal(reply->n_integrations, 1);
    assert_string_equal(reply->integrations[0]->institution, "CPAS-B");
    assert_int_equal(reply->integrations[0]->sector, 17);
    assert_int_equal(reply->integrations[0]->quality, 9);
    assert_int_equal(reply->integrations[0]->begin, 20261101);
    assert_int_equal(reply->integrations[0]->end, 20311101);
    end(message);
}

static void
a_verdict_is_no_when_nothing_was_done(void **state)
{
    struct flow_fixture *f = *state;
    struct command *bad = flow_integrate(f, CPAS_A, flow_person(1), 77, 20261101, 0);
    struct command *good = flow_integrate(f, CPAS_A, flow_person(2), 2, 20261101, 0);
    struct command *whole;
    Vigie__V1__ToClient *message;

    flow_apply(f);
    message = answer(f, bad);
    assert_int_equal(message->reply->verdict, VIGIE__V1__REPLY__VERDICT__NO);
    end(message);
    message = answer(f, good);
    assert_int_equal(message->reply->verdict, VIGIE__V1__REPLY__VERDICT__YES);
    end(message);

    whole = flow_integrate(f, CPAS_A, flow_person(1), 2, 20261101, 0);
    f->next->no_room = true;
    flow_apply(f);
    message = answer(f, whole);
    assert_int_equal(message->reply->verdict, VIGIE__V1__REPLY__VERDICT__NO);
    assert_int_equal(message->reply->n_results, 1);
    assert_int_equal(message->reply->results[0]->faults[0]->status, VG_STORE_FULL);
    end(message);
}

static void
writes_consult_history_and_remove(void **state)
{
    struct flow_fixture *f = *state;
    struct command *consult, *history, *remove;
    Vigie__V1__ToClient *message;

    flow_follow(f, CPAS_A, 1, 2);
    consult = flow_command(f, COMMAND_CONSULT, CPAS_A);
    consult->consult.niss = flow_person(1).number;
    consult->consult.proof.birth_date = (uint32_t)niss_birth(flow_person(1)).year * 10000;
    history = flow_command(f, COMMAND_HISTORY, CPAS_A);
    history->history.niss = flow_person(1).number;
    remove = flow_command(f, COMMAND_REMOVE, CPAS_A);
    remove->remove.institution = CPAS_A;
    remove->remove.request =
        (struct remove_request){.niss = flow_person(1).number, .quality = 2};
    flow_apply(f);
    message = answer(f, consult);
    assert_int_equal(message->reply->verdict, VIGIE__V1__REPLY__VERDICT__YES);
    assert_int_equal(message->reply->n_integrations, 2);
    assert_string_equal(message->reply->integrations[0]->institution, ""); // primary
    assert_string_equal(message->reply->integrations[1]->institution, "CPAS-A");
    end(message);
    message = answer(f, history);
    assert_int_equal(message->reply->n_niss_chain, 1);
    assert_int_equal(message->reply->niss_chain[0], flow_person(1).number);
    end(message);
    message = answer(f, remove);
    assert_int_equal(message->reply->verdict, VIGIE__V1__REPLY__VERDICT__NO);
    assert_int_equal(message->reply->results[0]->faults[0]->status, VG_BAD_DATE);
    end(message);
}

static void
writes_mailboxes_with_their_choices(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command = flow_command(f, COMMAND_ADD_MAILBOX, CPAS_A);
    struct roster *roster;
    const struct mailbox_spec *const *specs = NULL;
    struct wire_mailbox rows[2];
    struct buffer frame = {0};
    Vigie__V1__ToClient *message;

    command->add_mailbox.name = bytes_of("alerts");
    command->add_mailbox.choices = xcalloc(2, sizeof(struct choice_request));
    command->add_mailbox.choices_len = 2;
    command->add_mailbox.choices[0] =
        (struct choice_request){bytes_of("notifyPerson"), UINT64_C(5)};
    command->add_mailbox.choices[1] = (struct choice_request){bytes_of("A036"), 0};
    flow_apply(f);
    message = answer(f, command);
    assert_int_equal(message->reply->n_mailboxes, 1);
    assert_int_equal(message->reply->mailboxes[0]->mailbox, MAILBOX_EXTRA_FIRST);
    end(message);

    roster = applier_roster(f->applier);
    assert_int_equal(roster_mailboxes(roster, CPAS_A, &specs), 2);
    for (size_t i = 0; i < 2; i++) {
        rows[i] = (struct wire_mailbox){
            specs[i], {.last = 9, .acknowledged = 4, .acknowledged_beyond = 2}};
    }
    wire_write_mailboxes(78, rows, 2, applier_catalogue(f->applier), &frame);
    message = unpack(&frame);
    assert_int_equal(message->reply->id, 78);
    assert_int_equal(message->reply->n_mailboxes, 2);
    assert_string_equal(message->reply->mailboxes[0]->name, "default");
    assert_int_equal(message->reply->mailboxes[0]->n_choices, 0);
    assert_int_equal(message->reply->mailboxes[0]->last, 9);
    assert_int_equal(message->reply->mailboxes[0]->acknowledged, 4);
    assert_int_equal(message->reply->mailboxes[0]->waiting, 3);
    assert_string_equal(message->reply->mailboxes[1]->name, "alerts");
    assert_int_equal(message->reply->mailboxes[1]->n_choices, 2);
    assert_string_equal(message->reply->mailboxes[1]->choices[0]->flow, "notifyPerson");
    assert_int_equal(message->reply->mailboxes[1]->choices[0]->n_qualities, 2);
    assert_int_equal(message->reply->mailboxes[1]->choices[0]->qualities[1], 2);
    assert_int_equal(message->reply->mailboxes[1]->choices[1]->n_qualities, 0); // all
    end(message);
    roster_free(&roster);
}

static void
writes_numbers_that_do_not_come_in_their_turn(void **state)
{
    const struct number_range ranges[] = {{.first = 4, .last = 4},
                                          {.first = 7, .last = 900}};
    struct buffer frame = {0};
    Vigie__V1__ToClient *message;

    (void)state;
    wire_write_deferred(7, ranges, ARRAY_LEN(ranges), &frame);
    message = unpack(&frame);
    assert_int_equal(message->message_case, VIGIE__V1__TO_CLIENT__MESSAGE_DEFERRED);
    assert_int_equal(message->deferred->mailbox, 7);
    assert_int_equal(message->deferred->n_ranges, 2);
    assert_int_equal(message->deferred->ranges[0]->first, 4);
    assert_int_equal(message->deferred->ranges[0]->last, 4);
    assert_int_equal(message->deferred->ranges[1]->first, 7);
    assert_int_equal(message->deferred->ranges[1]->last, 900);
    end(message);
}

static void
writes_what_became_of_a_refused_letter(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command = flow_command(f, COMMAND_REFUSE, CPAS_A);
    Vigie__V1__ToClient *message;

    command->refuse.mailbox = CPAS_A;
    command->refuse.refused.letter.number = 9;
    command->refuse.state = HELD_RETRY;
    command->refuse.attempts = 3;
    command->refuse.due_us = 1700000000000000;
    message = answer(f, command);
    assert_int_equal(message->message_case, VIGIE__V1__TO_CLIENT__MESSAGE_HELD);
    assert_int_equal(message->held->mailbox, CPAS_A);
    assert_int_equal(message->held->number, 9);
    assert_int_equal(message->held->state, VIGIE__V1__HELD__STATE__RETRY);
    assert_int_equal(message->held->refusals, 3);
    assert_int_equal(message->held->due_at, 1700000000000000);
    end(message);
    command->refuse.state = HELD_PARKED;
    message = answer(f, command);
    assert_int_equal(message->held->state, VIGIE__V1__HELD__STATE__PARKED);
    assert_int_equal(message->held->due_at, 0);
    end(message);
}

static void
writes_parked_letters_with_their_contents(void **state)
{
    struct flow_fixture *f = *state;
    struct roster *roster = applier_roster(f->applier);
    struct held_row rows[2] = {{.reason = "unknown street"}, {.reason = "too old"}};
    struct bytes contents[2] = {{NULL, 0}, {NULL, 0}};
    struct letter letter;
    struct buffer frame = {0};
    Vigie__V1__ToClient *message;

    flow_follow(f, CPAS_A, 1, 2);
    flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    assert_int_equal(flow_letters(f, CPAS_A, 1, &letter, 1), 1);
    assert_int_equal(body_get(flow_view(f), letter.body, &contents[0]), VG_OK);
    rows[0].head = (struct held_head){
        .letter = letter, .since_us = 5, .attempts = 16, .actor = CPAS_A};
    rows[1].head.letter.number = 8; // its body cannot be read
    wire_write_parked(79, rows, contents, 2, roster, &frame);
    message = unpack(&frame);
    assert_int_equal(message->reply->id, 79);
    assert_int_equal(message->reply->n_parked, 2);
    assert_int_equal(message->reply->parked[0]->number, 1);
    assert_int_equal(message->reply->parked[0]->refusals, 16);
    assert_int_equal(message->reply->parked[0]->since, 5);
    assert_string_equal(message->reply->parked[0]->actor, "CPAS-A");
    assert_string_equal(message->reply->parked[0]->reason, "unknown street");
    assert_int_equal(message->reply->parked[0]->content->niss, flow_person(1).number);
    assert_int_equal(message->reply->parked[1]->number, 8);
    assert_string_equal(message->reply->parked[1]->actor, "");
    assert_null(message->reply->parked[1]->content);
    end(message);
    roster_free(&roster);
}

static void
writes_a_fault_for_a_whole_request(void **state)
{
    struct buffer frame = {0};
    Vigie__V1__ToClient *message;

    (void)state;
    wire_write_reply_fault(79, VG_NOT_ALLOWED, "", &frame);
    message = unpack(&frame);
    assert_int_equal(message->reply->id, 79);
    assert_int_equal(message->reply->verdict, VIGIE__V1__REPLY__VERDICT__NO);
    assert_int_equal(message->reply->n_results, 1);
    assert_int_equal(message->reply->results[0]->n_faults, 1);
    assert_string_equal(message->reply->results[0]->faults[0]->name, "NOT_ALLOWED");
    assert_string_equal(message->reply->results[0]->faults[0]->sentence,
                        vg_status_sentence(VG_NOT_ALLOWED));
    end(message);
}

static void
writes_nothing_where_there_is_no_answer(void **state)
{
    static const enum command_kind silent[] = {
        COMMAND_ACKNOWLEDGE, COMMAND_ADD_INSTITUTION, COMMAND_ADD_KEY,
        COMMAND_REVOKE_KEY,  COMMAND_LOAD_CATALOGUE,  COMMAND_FOLD};
    struct buffer frame = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
        struct command *command = command_new(silent[i], NULL, 0);

        wire_write_answer(command, NULL, &frame);
        assert_int_equal(frame.len, 0);
        command_free(&command);
    }
    buffer_free(&frame);
}

static void
writes_what_was_not_delivered(void **state)
{
    struct wire_undelivered lying[2] = {
        {.ticket = 7, .kept_us = 8, .since_us = 9, .flow = "PCSAAlert", .id = "spp-1"},
        {.ticket = 10, .flow = "notifyPerson"}};
    struct buffer frame = {0};
    Vigie__V1__ToClient *message;
    const Vigie__V1__UndeliveredMutation *one;

    (void)state;
    snprintf(lying[0].recipient, sizeof lying[0].recipient, "CPAS-A");
    snprintf(lying[0].reason, sizeof lying[0].reason, "unread for 90 days");
    wire_write_undelivered(lying, 2, true, &frame);
    message = unpack(&frame);
    assert_int_equal(message->message_case, VIGIE__V1__TO_CLIENT__MESSAGE_UNDELIVERED);
    assert_true(message->undelivered->more);
    assert_int_equal(message->undelivered->n_mutations, 2);
    one = message->undelivered->mutations[0];
    assert_int_equal(one->ticket, 7);
    assert_int_equal(one->kept_at, 8);
    assert_int_equal(one->since, 9);
    assert_string_equal(one->flow, "PCSAAlert");
    assert_string_equal(one->id, "spp-1");
    assert_string_equal(one->recipient, "CPAS-A");
    assert_string_equal(one->reason, "unread for 90 days");
    assert_string_equal(message->undelivered->mutations[1]->flow, "notifyPerson");
    end(message);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_was_not_delivered),
        cmocka_unit_test(writes_welcome_and_heartbeat),
        cmocka_unit_test(writes_refusals_with_who_can_help),
        cmocka_unit_test(writes_subscribed),
        cmocka_unit_test(appends_to_what_is_there),
        FLOW_TEST(writes_published_with_refusals_and_repeats),
        FLOW_TEST(a_whole_refusal_names_the_first_number_not_answered),
        FLOW_TEST(writes_the_last_number),
        FLOW_TEST(writes_integrate_with_a_result_for_each_item),
        FLOW_TEST(a_verdict_is_no_when_nothing_was_done),
        FLOW_TEST(writes_consult_history_and_remove),
        FLOW_TEST(writes_mailboxes_with_their_choices),
        cmocka_unit_test(writes_numbers_that_do_not_come_in_their_turn),
        FLOW_TEST(writes_what_became_of_a_refused_letter),
        FLOW_TEST(writes_parked_letters_with_their_contents),
        cmocka_unit_test(writes_a_fault_for_a_whole_request),
        cmocka_unit_test(writes_nothing_where_there_is_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
