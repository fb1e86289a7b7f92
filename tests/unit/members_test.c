// SPDX-License-Identifier: EUPL-1.2
// Goal: a member opens its own mailboxes and acts for itself, an operator for any; what is
// acknowledged is on disk; each right that is missing has its own error.
// Method: a real broker on loopback; after each answer the disk is asked as well.
#include "edge/members.h"

#include "world.h"

static Vigie__V1__ToClient *
subscribed(struct peer *peer, uint32_t mailbox)
{
    peer_subscribe(peer, mailbox, 100);
    return peer_receive(peer, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
}

static Vigie__V1__ToClient *
ask(struct peer *peer, Vigie__V1__Request *request)
{
    static uint64_t id = 100;
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;
    Vigie__V1__ToClient *answer;

    request->id = ++id;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_REQUEST;
    message.request = request;
    peer_send(peer, &message);
    answer = peer_receive(peer, VIGIE__V1__TO_CLIENT__MESSAGE_REPLY);
    assert_int_equal(answer->reply->id, id);
    return answer;
}

static void
expect_fault(struct peer *peer, Vigie__V1__Request *request, enum vg_status status)
{
    Vigie__V1__ToClient *answer = ask(peer, request);

    assert_int_equal(answer->reply->verdict, VIGIE__V1__REPLY__VERDICT__NO);
    assert_int_equal(answer->reply->n_results, 1);
    assert_true(answer->reply->results[0]->n_faults > 0);
    assert_int_equal(answer->reply->results[0]->faults[0]->status, status);
    vigie__v1__to_client__free_unpacked(answer, NULL);
}

static void
opens_the_default_mailbox_and_delivers(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    Vigie__V1__ToClient *message;

    world_integrate(world, world->cpas_1);
    peer_publish(&source, 1, 2);
    peer_expect_published(&source, 2);
    message = subscribed(&member, 0);
    assert_int_equal(message->subscribed->mailbox, world->cpas_1);
    assert_string_equal(message->subscribed->name, "default");
    assert_int_equal(message->subscribed->last, 2);
    assert_int_equal(message->subscribed->waiting, 2);
    assert_int_equal(message->subscribed->acknowledged, 0);
    vigie__v1__to_client__free_unpacked(message, NULL);
    assert_int_equal(peer_take(&member, 0, 2), 0);

    peer_acknowledge(&member, 0, 2);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged == 2);
    peer_close(&source);
    peer_close(&member);
}

static void
opens_no_mailbox_of_others(void **state)
{
    struct world *world = *state;
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    struct peer operator= peer_enter(world, world->broker->members, &world->operator);

    peer_subscribe(&member, world->cpas_2, 10);
    peer_expect_refused(&member, VG_NOT_ALLOWED);
    peer_subscribe(&member, 4711, 10);
    peer_expect_refused(&member, VG_NOT_FOUND);
    peer_subscribe(&member, 0, 0);
    peer_expect_refused(&member, VG_MALFORMED);
    vigie__v1__to_client__free_unpacked(subscribed(&operator, world->cpas_1), NULL);
    peer_close(&member);
    peer_close(&operator);
}

static void
whoever_opens_a_mailbox_takes_it_over(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer first = peer_enter(world, world->broker->members, &world->member);
    struct peer second = peer_enter(world, world->broker->members, &world->member);

    world_integrate(world, world->cpas_1);
    vigie__v1__to_client__free_unpacked(subscribed(&first, 0), NULL);
    peer_publish(&source, 1, 3);
    peer_expect_published(&source, 3);
    assert_int_equal(peer_take(&first, 0, 3), 0);
    vigie__v1__to_client__free_unpacked(subscribed(&second, 0), NULL);
    peer_expect_refused(&first, VG_EXISTS);
    assert_int_equal(peer_take(&second, 0, 3), 3); // all of them were sent before
    peer_acknowledge(&first, 0, 3);
    peer_expect_refused(&first, VG_NOT_FOUND);
    assert_int_equal(world_row(world, world->cpas_1).acknowledged, 0);
    peer_close(&source);
    peer_close(&first);
    peer_close(&second);
}

// What the first session acknowledged may still wait for the writer: the second must not get
// numbers that the next fold will not hold any more.
static void
whoever_takes_over_begins_after_the_mark(void **state)
{
    struct world *world = *state;
    struct lane *lane = lanes_at(world->broker->lanes, world->cpas_1);
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer first = peer_enter(world, world->broker->members, &world->member);
    struct peer second = peer_enter(world, world->broker->members, &world->member);

    world_integrate(world, world->cpas_1);
    vigie__v1__to_client__free_unpacked(subscribed(&first, 0), NULL);
    peer_publish(&source, 1, 4);
    peer_expect_published(&source, 4);
    assert_int_equal(peer_take(&first, 0, 4), 0);
    peer_acknowledge(&first, 0, 1);
    while (lane->mark == 0) {
        world_step(world);
    }
    assert_int_equal(lane->mark, 1);
    lane->mark = 3; // as if more were acknowledged, and the writer slow
    vigie__v1__to_client__free_unpacked(subscribed(&second, 0), NULL);
    assert_int_equal(peer_take(&second, 3, 4), 1);
    peer_close(&source);
    peer_close(&first);
    peer_close(&second);
}

static void
refuses_to_acknowledge_what_was_not_sent(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);

    world_integrate(world, world->cpas_1);
    peer_publish(&source, 1, 2);
    peer_expect_published(&source, 2);
    peer_acknowledge(&member, 0, 1);
    peer_expect_refused(&member, VG_NOT_FOUND); // not open on this connection
    vigie__v1__to_client__free_unpacked(subscribed(&member, 0), NULL);
    assert_int_equal(peer_take(&member, 0, 2), 0);
    peer_acknowledge(&member, 0, 3);
    peer_expect_refused(&member, VG_NOT_FOUND);
    assert_int_equal(world_row(world, world->cpas_1).acknowledged, 0);
    peer_close(&source);
    peer_close(&member);
}

static void
an_unsubscribed_mailbox_gets_nothing_more(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;
    Vigie__V1__Unsubscribe unsubscribe = VIGIE__V1__UNSUBSCRIBE__INIT;

    world_integrate(world, world->cpas_1);
    vigie__v1__to_client__free_unpacked(subscribed(&member, 0), NULL);
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_UNSUBSCRIBE;
    message.unsubscribe = &unsubscribe;
    peer_send(&member, &message);
    WORLD_UNTIL(world, lanes_find(world->broker->lanes, world->cpas_1)->session == NULL);
    peer_publish(&source, 1, 1);
    peer_expect_published(&source, 1);
    peer_heartbeat(&member, 1);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_HEARTBEAT); // and nothing before
    peer_close(&source);
    peer_close(&member);
}

static void
integrates_for_itself_and_only_an_operator_for_others(void **state)
{
    struct world *world = *state;
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    struct peer operator= peer_enter(world, world->broker->members, &world->operator);
    Vigie__V1__Request request = VIGIE__V1__REQUEST__INIT;
    Vigie__V1__Integrate integrate = VIGIE__V1__INTEGRATE__INIT;
    Vigie__V1__IntegrateItem item = VIGIE__V1__INTEGRATE_ITEM__INIT;
    Vigie__V1__IntegrateItem *items[] = {&item};
    Vigie__V1__Proof proof = VIGIE__V1__PROOF__INIT;
    Vigie__V1__ToClient *answer;

    proof.last_name = (char *)"Doe";
    proof.first_name = (char *)"Jan";
    proof.birth_date = 19660410;
    item.niss = WORLD_NISS;
    item.quality = 1;
    item.begin = day_number(day_in_brussels(clock_now()));
    item.proof = &proof;
    integrate.n_items = 1;
    integrate.items = items;
    request.request_case = VIGIE__V1__REQUEST__REQUEST_INTEGRATE;
    request.integrate = &integrate;

    integrate.institution = (char *)"CPAS-2";
    expect_fault(&member, &request, VG_NOT_ALLOWED);
    integrate.institution = (char *)"";
    item.institution = (char *)"CPAS-2";
    expect_fault(&member, &request, VG_NOT_ALLOWED);
    item.institution = (char *)"";
    integrate.institution = (char *)"CPAS-1"; // itself, by name
    answer = ask(&member, &request);
    assert_int_equal(answer->reply->verdict, VIGIE__V1__REPLY__VERDICT__YES);
    assert_true(answer->reply->ticket > 0);
    vigie__v1__to_client__free_unpacked(answer, NULL);
    integrate.institution = (char *)"NOBODY";
    expect_fault(&operator, & request, VG_NOT_FOUND);
    integrate.institution = (char *)"CPAS-1";
    item.begin = day_number(day_add_days(day_in_brussels(clock_now()), 40));
    answer = ask(&operator, & request);
    assert_int_equal(answer->reply->verdict, VIGIE__V1__REPLY__VERDICT__YES);
    vigie__v1__to_client__free_unpacked(answer, NULL);
    for (const struct session *session = sessions_first(world->broker->sessions);
         session != NULL; session = session->next) {
        assert_int_equal(session->requests, 0);
    }
    peer_close(&member);
    peer_close(&operator);
}

static void
only_the_cpas_sector_and_operators_consult(void **state)
{
    struct world *world = *state;
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    struct peer other;
    struct key_pair key;
    Vigie__V1__Request request = VIGIE__V1__REQUEST__INIT;
    Vigie__V1__Consult consult = VIGIE__V1__CONSULT__INIT;
    Vigie__V1__Proof proof = VIGIE__V1__PROOF__INIT;
    Vigie__V1__ToClient *answer;

    world_integrate(world, world->cpas_2);
    proof.last_name = (char *)"Doe";
    proof.first_name = (char *)"Jan";
    proof.birth_date = 19660410;
    consult.niss = WORLD_NISS;
    consult.proof = &proof;
    consult.level = VIGIE__V1__CONSULT__LEVEL__SECONDARY;
    request.request_case = VIGIE__V1__REQUEST__REQUEST_CONSULT;
    request.consult = &consult;
    answer = ask(&member, &request);
    assert_int_equal(answer->reply->n_integrations, 1);
    assert_string_equal(answer->reply->integrations[0]->institution, "CPAS-2");
    vigie__v1__to_client__free_unpacked(answer, NULL);

    assert_int_equal(zmq_curve_keypair(key.public_text, key.secret_text), 0);
    world_key(world, COMMAND_ADD_KEY, &key, world->rn, ROLE_MEMBER);
    other = peer_enter(world, world->broker->members, &key);
    expect_fault(&other, &request, VG_NOT_ALLOWED);
    peer_close(&member);
    peer_close(&other);
}

static void
lists_its_mailboxes(void **state)
{
    struct world *world = *state;
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    Vigie__V1__Request request = VIGIE__V1__REQUEST__INIT;
    Vigie__V1__ListMailboxes list = VIGIE__V1__LIST_MAILBOXES__INIT;
    Vigie__V1__AddMailbox add = VIGIE__V1__ADD_MAILBOX__INIT;
    Vigie__V1__ToClient *answer;

    add.name = (char *)"night";
    request.request_case = VIGIE__V1__REQUEST__REQUEST_ADD_MAILBOX;
    request.add_mailbox = &add;
    answer = ask(&member, &request);
    assert_int_equal(answer->reply->verdict, VIGIE__V1__REPLY__VERDICT__YES);
    vigie__v1__to_client__free_unpacked(answer, NULL);

    request.request_case = VIGIE__V1__REQUEST__REQUEST_LIST_MAILBOXES;
    request.list_mailboxes = &list;
    answer = ask(&member, &request);
    assert_int_equal(answer->reply->n_mailboxes, 2);
    assert_int_equal(answer->reply->mailboxes[0]->mailbox, world->cpas_1);
    assert_string_equal(answer->reply->mailboxes[1]->name, "night");

    uint32_t night = answer->reply->mailboxes[1]->mailbox;

    vigie__v1__to_client__free_unpacked(answer, NULL);
    answer = subscribed(&member, night);
    assert_string_equal(answer->subscribed->name, "night");
    vigie__v1__to_client__free_unpacked(answer, NULL);
    peer_close(&member);
}

static void
a_request_that_cannot_be_read_is_answered(void **state)
{
    struct world *world = *state;
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    Vigie__V1__Request request = VIGIE__V1__REQUEST__INIT;

    expect_fault(&member, &request, VG_MALFORMED); // nothing is asked
    peer_close(&member);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)
        IN_A_WORLD(opens_the_default_mailbox_and_delivers),
        IN_A_WORLD(opens_no_mailbox_of_others),
        IN_A_WORLD(whoever_opens_a_mailbox_takes_it_over),
        IN_A_WORLD(whoever_takes_over_begins_after_the_mark),
        IN_A_WORLD(refuses_to_acknowledge_what_was_not_sent),
        IN_A_WORLD(an_unsubscribed_mailbox_gets_nothing_more),
        IN_A_WORLD(integrates_for_itself_and_only_an_operator_for_others),
        IN_A_WORLD(only_the_cpas_sector_and_operators_consult),
        IN_A_WORLD(lists_its_mailboxes),
        IN_A_WORLD(a_request_that_cannot_be_read_is_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
