// SPDX-License-Identifier: EUPL-1.2
// Goal: a question is asked as it was meant, its own answer comes back whole, and a cut
// connection costs nothing but time.
// Method: a caller against a broker that gives each question the same prepared reply, after
// one that belongs to another question.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "fake_broker.h"

#define PERSON UINT64_C(66641066692)

struct scene {
    struct fake_broker *broker;
    struct vg_caller *caller;
    struct vg_reply *reply;
};

static struct scene *
begin(const Vigie__V1__Reply *reply)
{
    static struct scene scene;
    struct fake_manners manners;

    scene = (struct scene){.broker = fake_broker_start()};
    manners = fake_broker_manners(scene.broker);
    manners.reply = reply;
    fake_broker_set(scene.broker, &manners);
    assert_int_equal(vg_caller_open(fake_broker_address(scene.broker), FAKE_WAIT_MS,
                                    &scene.caller, NULL),
                     VG_OK);
    return &scene;
}

static void
end(struct scene *scene)
{
    vg_reply_free(&scene->reply);
    vg_caller_close(&scene->caller);
    fake_broker_stop(&scene->broker);
}

static Vigie__V1__ToBroker *
asked(struct scene *scene)
{
    return fake_broker_take(scene->broker, VIGIE__V1__TO_BROKER__MESSAGE_REQUEST);
}

// ---- questions ----

static void
integrate_carries_items_and_proofs(void **state)
{
    Vigie__V1__Reply prepared = VIGIE__V1__REPLY__INIT;
    struct scene *scene = begin(&prepared);
    const struct vg_integrate_item items[] = {
        {.niss = PERSON, .quality = 1, .begin = 20260101, .end = 20261231},
        {.niss = PERSON,
         .quality = 2,
         .begin = 20260201,
         .proof = {.last_name = "Peeters", .birth_date = 19660400}},
    };
    Vigie__V1__ToBroker *question;

    (void)state;
    assert_int_equal(
        vg_integrate(scene->caller, "25", items, 2, FAKE_WAIT_MS, &scene->reply, NULL),
        VG_OK);
    question = asked(scene);
    assert_int_equal(question->request->request_case,
                     VIGIE__V1__REQUEST__REQUEST_INTEGRATE);
    assert_string_equal(question->request->integrate->institution, "25");
    assert_int_equal(question->request->integrate->n_items, 2);
    assert_int_equal(question->request->integrate->items[0]->niss, PERSON);
    assert_int_equal(question->request->integrate->items[0]->end, 20261231);
    assert_string_equal(question->request->integrate->items[1]->proof->last_name,
                        "Peeters");
    assert_string_equal(question->request->integrate->items[1]->proof->first_name, "");
    assert_int_equal(question->request->integrate->items[1]->proof->birth_date, 19660400);
    vigie__v1__to_broker__free_unpacked(question, NULL);
    end(scene);
}

static void
integrate_takes_one_to_a_thousand_items(void **state)
{
    Vigie__V1__Reply prepared = VIGIE__V1__REPLY__INIT;
    struct scene *scene = begin(&prepared);
    static struct vg_integrate_item items[1001];

    (void)state;
    assert_int_equal(
        vg_integrate(scene->caller, NULL, items, 0, FAKE_WAIT_MS, &scene->reply, NULL),
        VG_MALFORMED);
    assert_int_equal(
        vg_integrate(scene->caller, NULL, items, 1001, FAKE_WAIT_MS, &scene->reply, NULL),
        VG_TOO_MANY);
    assert_int_equal(
        vg_integrate(scene->caller, NULL, items, 1000, FAKE_WAIT_MS, &scene->reply, NULL),
        VG_OK);
    assert_int_equal(
        fake_broker_seen(scene->broker, VIGIE__V1__TO_BROKER__MESSAGE_REQUEST), 1);
    end(scene);
}

static void
parked_letters_are_asked_for_and_come_whole(void **state)
{
    Vigie__V1__Reply prepared = VIGIE__V1__REPLY__INIT;
    Vigie__V1__ParkedLetter letters[2] = {VIGIE__V1__PARKED_LETTER__INIT,
                                          VIGIE__V1__PARKED_LETTER__INIT};
    Vigie__V1__ParkedLetter *list[] = {&letters[0], &letters[1]};
    Vigie__V1__Content content = VIGIE__V1__CONTENT__INIT;
    const uint64_t numbers[] = {4, 9};
    Vigie__V1__ToBroker *question;
    struct scene *scene;

    (void)state;
    content.flow = (char *)(uintptr_t) "notifyPerson";
    content.niss = PERSON;
    letters[0].number = 4;
    letters[0].refusals = 16;
    letters[0].reason = (char *)(uintptr_t) "unknown street";
    letters[0].content = &content;
    letters[1].number = 9; // its content cannot be read
    prepared.parked = list;
    prepared.n_parked = 2;
    scene = begin(&prepared);
    assert_int_equal(
        vg_list_parked(scene->caller, 7, 3, 50, FAKE_WAIT_MS, &scene->reply, NULL),
        VG_OK);
    question = asked(scene);
    assert_int_equal(question->request->list_parked->mailbox, 7);
    assert_int_equal(question->request->list_parked->from, 3);
    assert_int_equal(question->request->list_parked->max, 50);
    vigie__v1__to_broker__free_unpacked(question, NULL);
    assert_int_equal(scene->reply->parked_len, 2);
    assert_int_equal(scene->reply->parked[0].number, 4);
    assert_int_equal(scene->reply->parked[0].refusals, 16);
    assert_string_equal(scene->reply->parked[0].reason, "unknown street");
    assert_string_equal(scene->reply->parked[0].flow, "notifyPerson");
    assert_int_equal(scene->reply->parked[0].niss, PERSON);
    assert_string_equal(scene->reply->parked[1].flow, "");
    vg_reply_free(&scene->reply);

    assert_int_equal(vg_handle_parked(scene->caller, 7, numbers, 2, VG_PARKED_DROP,
                                      "sent by post", FAKE_WAIT_MS, &scene->reply, NULL),
                     VG_OK);
    question = asked(scene);
    assert_int_equal(question->request->handle_parked->mailbox, 7);
    assert_int_equal(question->request->handle_parked->n_numbers, 2);
    assert_int_equal(question->request->handle_parked->numbers[1], 9);
    assert_int_equal(question->request->handle_parked->act,
                     VIGIE__V1__HANDLE_PARKED__ACT__DROP);
    assert_string_equal(question->request->handle_parked->reason, "sent by post");
    vigie__v1__to_broker__free_unpacked(question, NULL);
    end(scene);
}

static void
integrations_are_asked_for_and_come_with_sums(void **state)
{
    Vigie__V1__Reply prepared = VIGIE__V1__REPLY__INIT;
    Vigie__V1__Holding holdings[] = {VIGIE__V1__HOLDING__INIT, VIGIE__V1__HOLDING__INIT};
    Vigie__V1__Holding *sums[] = {&holdings[0], &holdings[1]};
    Vigie__V1__Integration row = VIGIE__V1__INTEGRATION__INIT, *rows[] = {&row};
    uint8_t digest[VG_DIGEST_BYTES + 1] = {[0] = 1, [VG_DIGEST_BYTES - 1] = 16};
    struct vg_list list = {.institution = "CPAS-1",
                           .quality = 30,
                           .since = 20260101,
                           .from = 5,
                           .through = PERSON,
                           .max = 10,
                           .rows = true};
    Vigie__V1__ToBroker *question;
    struct scene *scene;

    (void)state;
    holdings[0].quality = 30;
    holdings[0].count = 1;
    holdings[0].digest = (ProtobufCBinaryData){sizeof digest, digest}; // one too long
    row.niss = PERSON;
    prepared.holdings = sums;
    prepared.n_holdings = 2; // the second has no digest
    prepared.integrations = rows;
    prepared.n_integrations = 1;
    prepared.next = PERSON + 1;
    scene = begin(&prepared);
    assert_int_equal(
        vg_list_integrations(scene->caller, &list, FAKE_WAIT_MS, &scene->reply, NULL),
        VG_OK);
    question = asked(scene);
    assert_string_equal(question->request->list_integrations->institution, "CPAS-1");
    assert_int_equal(question->request->list_integrations->quality, 30);
    assert_int_equal(question->request->list_integrations->since, 20260101);
    assert_int_equal(question->request->list_integrations->from, 5);
    assert_int_equal(question->request->list_integrations->through, PERSON);
    assert_int_equal(question->request->list_integrations->max, 10);
    assert_true(question->request->list_integrations->rows);
    vigie__v1__to_broker__free_unpacked(question, NULL);
    assert_int_equal(scene->reply->holdings_len, 2);
    assert_int_equal(scene->reply->holdings[0].count, 1);
    assert_memory_equal(scene->reply->holdings[0].digest, digest, VG_DIGEST_BYTES);
    memset(digest, 0, sizeof digest);
    assert_memory_equal(scene->reply->holdings[1].digest, digest, VG_DIGEST_BYTES);
    assert_int_equal(scene->reply->integrations[0].niss, PERSON);
    assert_int_equal(scene->reply->next, PERSON + 1);
    end(scene);
}

static void
each_question_asks_what_it_says(void **state)
{
    Vigie__V1__Reply prepared = VIGIE__V1__REPLY__INIT;
    struct scene *scene = begin(&prepared);
    const struct vg_proof proof = {.identity_card = "591234567890"};
    struct vg_choice choice = {.flow = "notifyPerson", .qualities_len = 2};
    Vigie__V1__ToBroker *question;

    (void)state;
    choice.qualities[0] = 1;
    choice.qualities[1] = 4;
    assert_int_equal(vg_remove(scene->caller, NULL, PERSON, 2, 20260101, 0, FAKE_WAIT_MS,
                               &scene->reply, NULL),
                     VG_OK);
    vg_reply_free(&scene->reply);
    question = asked(scene);
    assert_int_equal(question->request->request_case, VIGIE__V1__REQUEST__REQUEST_REMOVE);
    assert_int_equal(question->request->remove->niss, PERSON);
    assert_int_equal(question->request->remove->quality, 2);
    assert_int_equal(question->request->remove->begin, 20260101);
    vigie__v1__to_broker__free_unpacked(question, NULL);

    assert_int_equal(vg_consult(scene->caller, PERSON, &proof, VG_LEVEL_SECONDARY,
                                FAKE_WAIT_MS, &scene->reply, NULL),
                     VG_OK);
    vg_reply_free(&scene->reply);
    question = asked(scene);
    assert_int_equal(question->request->request_case,
                     VIGIE__V1__REQUEST__REQUEST_CONSULT);
    assert_int_equal(question->request->consult->level,
                     VIGIE__V1__CONSULT__LEVEL__SECONDARY);
    assert_string_equal(question->request->consult->proof->identity_card, "591234567890");
    vigie__v1__to_broker__free_unpacked(question, NULL);

    assert_int_equal(vg_add_mailbox(scene->caller, "pensions", &choice, 1, FAKE_WAIT_MS,
                                    &scene->reply, NULL),
                     VG_OK);
    vg_reply_free(&scene->reply);
    question = asked(scene);
    assert_int_equal(question->request->request_case,
                     VIGIE__V1__REQUEST__REQUEST_ADD_MAILBOX);
    assert_string_equal(question->request->add_mailbox->name, "pensions");
    assert_int_equal(question->request->add_mailbox->choices[0]->n_qualities, 2);
    assert_int_equal(question->request->add_mailbox->choices[0]->qualities[1], 4);
    vigie__v1__to_broker__free_unpacked(question, NULL);
    end(scene);
}

// ---- answers ----

static void
an_answer_comes_back_whole(void **state)
{
    Vigie__V1__Reply prepared = VIGIE__V1__REPLY__INIT;
    Vigie__V1__ItemResult good = VIGIE__V1__ITEM_RESULT__INIT;
    Vigie__V1__ItemResult bad = VIGIE__V1__ITEM_RESULT__INIT;
    Vigie__V1__ItemResult *results[] = {&good, &bad};
    Vigie__V1__Fault faults[2] = {VIGIE__V1__FAULT__INIT, VIGIE__V1__FAULT__INIT};
    Vigie__V1__Fault *fault_pointers[] = {&faults[0], &faults[1]};
    Vigie__V1__Integration integration = VIGIE__V1__INTEGRATION__INIT;
    Vigie__V1__Integration *integrations[] = {&integration};
    struct scene *scene;

    (void)state;
    good.end = 20261231;
    faults[0].status = VG_BAD_DATE;
    faults[0].sentence = (char *)"begin: the 30th of February";
    faults[1].status = VG_UNKNOWN_QUALITY;
    bad.verdict = VG_NO;
    bad.faults = fault_pointers;
    bad.n_faults = 2;
    integration.sector = 17;
    integration.institution = (char *)"25";
    integration.quality = 1;
    integration.begin = 20260101;
    integration.end = 99991231;
    prepared.ticket = 42;
    prepared.verdict = VIGIE__V1__REPLY__VERDICT__WARNING;
    prepared.results = results;
    prepared.n_results = 2;
    prepared.integrations = integrations;
    prepared.n_integrations = 1;
    scene = begin(&prepared);
    assert_int_equal(vg_consult(scene->caller, PERSON, NULL, VG_LEVEL_ALL, FAKE_WAIT_MS,
                                &scene->reply, NULL),
                     VG_OK);
    assert_int_equal(scene->reply->ticket, 42);
    assert_int_equal(scene->reply->verdict, VG_WARNING);
    assert_int_equal(scene->reply->results_len, 2);
    assert_int_equal(scene->reply->results[0].verdict, VG_YES);
    assert_int_equal(scene->reply->results[0].end, 20261231);
    assert_int_equal(scene->reply->results[0].faults_len, 0);
    assert_int_equal(scene->reply->results[1].verdict, VG_NO);
    assert_int_equal(scene->reply->results[1].faults_len, 2);
    assert_int_equal(scene->reply->results[1].faults[0].status, VG_BAD_DATE);
    assert_string_equal(scene->reply->results[1].faults[0].sentence,
                        "begin: the 30th of February");
    assert_string_equal(scene->reply->results[1].faults[1].sentence,
                        vg_status_sentence(VG_UNKNOWN_QUALITY));
    assert_int_equal(scene->reply->integrations_len, 1);
    assert_string_equal(scene->reply->integrations[0].institution, "25");
    assert_int_equal(scene->reply->integrations[0].end, 99991231);
    end(scene);
}

static void
a_history_and_mailboxes_come_back(void **state)
{
    Vigie__V1__Reply prepared = VIGIE__V1__REPLY__INIT;
    uint64_t chain[] = {PERSON, UINT64_C(66641066791)};
    uint32_t qualities[] = {1, 2, 3};
    Vigie__V1__Choice choice = VIGIE__V1__CHOICE__INIT;
    Vigie__V1__Choice *choices[] = {&choice};
    Vigie__V1__Mailbox mailbox = VIGIE__V1__MAILBOX__INIT;
    Vigie__V1__Mailbox plain = VIGIE__V1__MAILBOX__INIT;
    Vigie__V1__Mailbox *mailboxes[] = {&plain, &mailbox};
    struct scene *scene;

    (void)state;
    choice.flow = (char *)"notifyPerson";
    choice.qualities = qualities;
    choice.n_qualities = 3;
    mailbox.mailbox = 7;
    mailbox.name = (char *)"pensions";
    mailbox.last = 900;
    mailbox.acknowledged = 880;
    mailbox.waiting = 20;
    mailbox.choices = choices;
    mailbox.n_choices = 1;
    prepared.niss_chain = chain;
    prepared.n_niss_chain = 2;
    prepared.mailboxes = mailboxes;
    prepared.n_mailboxes = 2;
    scene = begin(&prepared);
    assert_int_equal(vg_history(scene->caller, PERSON, FAKE_WAIT_MS, &scene->reply, NULL),
                     VG_OK);
    assert_int_equal(scene->reply->niss_chain_len, 2);
    assert_int_equal(scene->reply->niss_chain[1], UINT64_C(66641066791));
    vg_reply_free(&scene->reply);
    assert_int_equal(vg_list_mailboxes(scene->caller, FAKE_WAIT_MS, &scene->reply, NULL),
                     VG_OK);
    assert_int_equal(scene->reply->mailboxes_len, 2);
    assert_int_equal(scene->reply->mailboxes[0].choices_len, 0);
    assert_string_equal(scene->reply->mailboxes[1].name, "pensions");
    assert_int_equal(scene->reply->mailboxes[1].waiting, 20);
    assert_int_equal(scene->reply->mailboxes[1].choices[0].qualities[2], 3);
    end(scene);
}

static void
no_answer_in_time_is_not_known(void **state)
{
    struct scene *scene = begin(NULL);
    struct vg_error error;

    (void)state;
    assert_int_equal(vg_history(scene->caller, PERSON, 30, &scene->reply, &error),
                     VG_TIMED_OUT);
    assert_null(scene->reply);
    end(scene);
}

static void
a_refusal_is_an_answer(void **state)
{
    struct scene *scene = begin(NULL);
    struct fake_manners manners = fake_broker_manners(scene->broker);
    struct vg_error error;

    (void)state;
    manners.refuses = VG_NOT_ALLOWED;
    fake_broker_set(scene->broker, &manners);
    assert_int_equal(
        vg_history(scene->caller, PERSON, FAKE_WAIT_MS, &scene->reply, &error),
        VG_NOT_ALLOWED);
    assert_int_equal(error.status, VG_NOT_ALLOWED);
    end(scene);
}

static void
a_question_that_was_cut_off_is_asked_again(void **state)
{
    Vigie__V1__Reply prepared = VIGIE__V1__REPLY__INIT;
    struct scene *scene = begin(&prepared);
    struct fake_manners manners = fake_broker_manners(scene->broker);

    (void)state;
    prepared.ticket = 9;
    manners.drops = 2;
    fake_broker_set(scene->broker, &manners);
    assert_int_equal(vg_history(scene->caller, PERSON, FAKE_WAIT_MS, &scene->reply, NULL),
                     VG_OK);
    assert_int_equal(scene->reply->ticket, 9);
    assert_int_equal(
        fake_broker_seen(scene->broker, VIGIE__V1__TO_BROKER__MESSAGE_REQUEST), 3);
    end(scene);
}

static void
without_a_connection_it_says_disconnected(void **state)
{
    struct scene *scene = begin(NULL);
    struct fake_manners manners = fake_broker_manners(scene->broker);
    struct vg_error error;

    (void)state;
    manners.mute = true;
    manners.drops = 1;
    fake_broker_set(scene->broker, &manners);
    assert_int_equal(vg_history(scene->caller, PERSON, 300, &scene->reply, &error),
                     VG_DISCONNECTED);
    assert_int_equal(error.status, VG_DISCONNECTED);
    end(scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integrate_carries_items_and_proofs),
        cmocka_unit_test(integrate_takes_one_to_a_thousand_items),
        cmocka_unit_test(parked_letters_are_asked_for_and_come_whole),
        cmocka_unit_test(integrations_are_asked_for_and_come_with_sums),
        cmocka_unit_test(each_question_asks_what_it_says),
        cmocka_unit_test(an_answer_comes_back_whole),
        cmocka_unit_test(a_history_and_mailboxes_come_back),
        cmocka_unit_test(no_answer_in_time_is_not_known),
        cmocka_unit_test(a_refusal_is_an_answer),
        cmocka_unit_test(a_question_that_was_cut_off_is_asked_again),
        cmocka_unit_test(without_a_connection_it_says_disconnected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
