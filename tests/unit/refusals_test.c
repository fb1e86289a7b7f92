// SPDX-License-Identifier: EUPL-1.2
// Goal: a member gives a letter back and hears what became of it; it comes again, or is
// looked after by hand; no fault in between loses it.
// Method: a real broker on loopback with short pauses, members that refuse, cut off, come
// back and ask; what the disk says is read beside every answer.
#include "edge/refusals.h"

#include "world.h"

static void
restart_with(struct world *world, uint32_t first_ms, uint32_t attempts)
{
    world_stop(world);
    world->settings.retry_first_ms = first_ms;
    world->settings.retry_attempts = attempts;
    world_start(world);
}

// So many letters about one person, all handed over.
static struct peer
member_with(struct world *world, uint64_t letters)
{
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);

    world_integrate(world, world->cpas_1);
    peer_publish(&source, 1, letters);
    peer_expect_published(&source, letters);
    peer_close(&source);
    peer_subscribe(&member, 0, 100);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    assert_int_equal(peer_take(&member, 0, letters), 0);
    return member;
}

static void
peer_refuse(struct peer *peer, uint32_t mailbox, uint64_t number, const char *reason,
            bool park)
{
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;
    Vigie__V1__Refuse refuse = VIGIE__V1__REFUSE__INIT;

    refuse.mailbox = mailbox;
    refuse.number = number;
    refuse.reason = (char *)(uintptr_t)reason;
    refuse.park = park;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_REFUSE;
    message.refuse = &refuse;
    peer_send(peer, &message);
}

static void
peer_expect_held(struct peer *peer, uint64_t number, Vigie__V1__Held__State state,
                 uint32_t refusals)
{
    Vigie__V1__ToClient *message = peer_receive(peer, VIGIE__V1__TO_CLIENT__MESSAGE_HELD);

    assert_int_equal(message->held->number, number);
    assert_int_equal(message->held->state, state);
    assert_int_equal(message->held->refusals, refusals);
    vigie__v1__to_client__free_unpacked(message, NULL);
}

static void
peer_expect_deferred(struct peer *peer, uint64_t first, uint64_t last)
{
    Vigie__V1__ToClient *message =
        peer_receive(peer, VIGIE__V1__TO_CLIENT__MESSAGE_DEFERRED);
    uint64_t next = first;

    for (size_t i = 0; i < message->deferred->n_ranges; i++) {
        assert_int_equal(message->deferred->ranges[i]->first, next);
        next = message->deferred->ranges[i]->last + 1;
    }
    assert_int_equal(next, last + 1);
    vigie__v1__to_client__free_unpacked(message, NULL);
}

// One letter out of its turn.
static void
peer_expect_try(struct peer *peer, uint64_t number, uint32_t attempt)
{
    Vigie__V1__ToClient *message =
        peer_receive(peer, VIGIE__V1__TO_CLIENT__MESSAGE__NOT_SET);

    assert_int_equal(message->n_notifications, 1);
    assert_int_equal(message->notifications[0]->number, number);
    assert_int_equal(message->notifications[0]->attempt, attempt);
    vigie__v1__to_client__free_unpacked(message, NULL);
}

static void
peer_acknowledge_one(struct peer *peer, uint64_t number)
{
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;
    Vigie__V1__Acknowledge acknowledge = VIGIE__V1__ACKNOWLEDGE__INIT;

    acknowledge.also = &number;
    acknowledge.n_also = 1;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_ACKNOWLEDGE;
    message.acknowledge = &acknowledge;
    peer_send(peer, &message);
}

static struct held_row
held_of(struct world *world, uint64_t number)
{
    struct held_row row = {.head = {.state = HELD_GONE}};
    struct txn *txn = NULL;
    enum vg_status status;

    assert_int_equal(store_read(world->broker->store, &txn, NULL), VG_OK);
    status = held_get(txn, (struct mailbox_id){world->cpas_1}, number, &row);
    store_abort(&txn);
    assert_true(status == VG_OK || status == VG_NOT_FOUND);
    return row;
}

// ---- refusing ----

static void
a_refused_letter_comes_again_until_it_is_parked(void **state)
{
    struct world *world = *state;
    struct peer member;

    restart_with(world, 1, 3);
    member = member_with(world, 1);
    peer_refuse(&member, 0, 1, "unknown street", false);
    peer_expect_held(&member, 1, VIGIE__V1__HELD__STATE__RETRY, 1);
    assert_string_equal(held_of(world, 1).reason, "unknown street");
    peer_expect_try(&member, 1, 2);
    peer_refuse(&member, world->cpas_1, 1, "still unknown", false);
    peer_expect_held(&member, 1, VIGIE__V1__HELD__STATE__RETRY, 2);
    peer_expect_try(&member, 1, 3);
    peer_refuse(&member, 0, 1, "it does not exist", false);
    peer_expect_held(&member, 1, VIGIE__V1__HELD__STATE__PARKED, 3);
    assert_int_equal(held_of(world, 1).head.state, HELD_PARKED);
    assert_int_equal(held_of(world, 1).head.actor, world->cpas_1);
    assert_int_equal(world_row(world, world->cpas_1).parked, 1);
    assert_int_equal(metrics.refused_letters, 3);
    assert_int_equal(metrics.parked_letters, 1);
    peer_close(&member);
}

static void
later_letters_about_the_person_wait_and_come_one_by_one(void **state)
{
    struct world *world = *state;
    struct peer source, member;

    restart_with(world, 1, 16);
    member = member_with(world, 3);
    source = peer_enter(world, world->broker->sources, &world->source);
    peer_refuse(&member, 0, 1, "later", false);
    peer_expect_deferred(&member, 2, 3);
    peer_expect_held(&member, 1, VIGIE__V1__HELD__STATE__RETRY, 1);
    peer_expect_try(&member, 1, 2);
    peer_publish(&source, 4, 1);
    peer_expect_published(&source, 4);
    peer_expect_deferred(&member, 4, 4);
    peer_acknowledge_one(&member, 1);
    for (uint64_t number = 2; number <= 4; number++) {
        peer_expect_try(&member, number, 1);
        peer_acknowledge_one(&member, number);
    }
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged_total == 4);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged == 4);
    assert_int_equal(world_row(world, world->cpas_1).held, 0);
    peer_publish(&source, 5, 1);
    peer_expect_published(&source, 5);
    assert_int_equal(peer_take(&member, 4, 5), 0); // in its turn again
    peer_close(&source);
    peer_close(&member);
}

static void
what_cannot_be_refused_is_said_in_words(void **state)
{
    struct world *world = *state;
    struct peer member = member_with(world, 2);
    char reason[HELD_REASON_MAX + 2];

    memset(reason, 'x', sizeof reason - 1);
    reason[sizeof reason - 1] = 0;
    peer_refuse(&member, 0, 3, "it never came", false);
    peer_expect_refused(&member, VG_NOT_FOUND);
    peer_refuse(&member, world->cpas_2, 1, "not mine", false);
    peer_expect_refused(&member, VG_NOT_FOUND);
    peer_refuse(&member, 0, 1, reason, false);
    peer_expect_refused(&member, VG_TOO_LARGE);
    peer_acknowledge(&member, 0, 1);
    peer_refuse(&member, 0, 1, "too late", false);
    peer_expect_held(&member, 1, VIGIE__V1__HELD__STATE__GONE, 0);
    assert_int_equal(world_row(world, world->cpas_1).held, 0);
    peer_close(&member);
}

static void
a_refusal_survives_a_cut_and_a_restart(void **state)
{
    struct world *world = *state;
    struct peer member;

    restart_with(world, 3600000, 16);
    member = member_with(world, 3);
    peer_refuse(&member, 0, 1, "later", false);
    peer_expect_deferred(&member, 2, 3);
    peer_expect_held(&member, 1, VIGIE__V1__HELD__STATE__RETRY, 1);
    peer_close(&member);
    for (int restarted = 0; restarted < 2; restarted++) {
        member = peer_enter(world, world->broker->members, &world->member);
        peer_subscribe(&member, 0, 100);

        Vigie__V1__ToClient *message =
            peer_receive(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);

        assert_int_equal(message->subscribed->held, 3);
        assert_int_equal(message->subscribed->waiting, 0);
        vigie__v1__to_client__free_unpacked(message, NULL);
        peer_heartbeat(&member, 1);
        peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_HEARTBEAT); // and no letter
        peer_close(&member);
        if (restarted == 0) {
            restart_with(world, 3600000, 16);
        }
    }
}

static void
a_store_without_room_keeps_the_refusal_for_later(void **state)
{
    struct world *world = *state;
    struct peer member;

    restart_with(world, 1, 16);
    member = member_with(world, 2);
    atomic_store(&world_is_full, true);
    peer_refuse(&member, 0, 1, "later", false);
    peer_expect_deferred(&member, 2, 2);
    WORLD_UNTIL(world, world->broker->owed_len == 1);
    assert_int_equal(held_of(world, 1).head.state, HELD_GONE);
    atomic_store(&world_is_full, false);
    peer_expect_held(&member, 1, VIGIE__V1__HELD__STATE__RETRY, 1);
    peer_expect_try(&member, 1, 2);
    peer_close(&member);
}

// ---- by hand ----

static Vigie__V1__ToClient *
ask(struct peer *peer, Vigie__V1__Request *request)
{
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;

    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_REQUEST;
    message.request = request;
    peer_send(peer, &message);
    return peer_receive(peer, VIGIE__V1__TO_CLIENT__MESSAGE_REPLY);
}

// How many are parked; the first one's number in *ret_first.
static size_t
parked_of(struct peer *peer, uint32_t mailbox, uint64_t from, uint64_t *ret_first)
{
    Vigie__V1__Request request = VIGIE__V1__REQUEST__INIT;
    Vigie__V1__ListParked list = VIGIE__V1__LIST_PARKED__INIT;
    Vigie__V1__ToClient *reply;
    size_t len;

    list.mailbox = mailbox;
    list.from = from;
    request.request_case = VIGIE__V1__REQUEST__REQUEST_LIST_PARKED;
    request.list_parked = &list;
    reply = ask(peer, &request);
    len = reply->reply->n_parked;
    if (len > 0) {
        assert_string_equal(reply->reply->parked[0]->actor, "CPAS-1");
        assert_string_equal(reply->reply->parked[0]->reason, "unknown street");
        assert_int_equal(reply->reply->parked[0]->content->niss, WORLD_NISS);
        *ret_first = reply->reply->parked[0]->number;
    }
    vigie__v1__to_client__free_unpacked(reply, NULL);
    return len;
}

static Vigie__V1__Reply__Verdict
handle(struct peer *peer, uint32_t mailbox, Vigie__V1__HandleParked__Act act,
       uint64_t number, uint32_t *ret_status)
{
    Vigie__V1__Request request = VIGIE__V1__REQUEST__INIT;
    Vigie__V1__HandleParked handle_parked = VIGIE__V1__HANDLE_PARKED__INIT;
    Vigie__V1__ToClient *reply;
    Vigie__V1__Reply__Verdict verdict;

    handle_parked.mailbox = mailbox;
    handle_parked.act = act;
    handle_parked.numbers = &number;
    handle_parked.n_numbers = 1;
    handle_parked.reason = (char *)(uintptr_t) "sent by post";
    request.request_case = VIGIE__V1__REQUEST__REQUEST_HANDLE_PARKED;
    request.handle_parked = &handle_parked;
    reply = ask(peer, &request);
    verdict = reply->reply->verdict;
    *ret_status = verdict == VIGIE__V1__REPLY__VERDICT__YES
                      ? VG_OK
                      : reply->reply->results[0]->faults[0]->status;
    vigie__v1__to_client__free_unpacked(reply, NULL);
    return verdict;
}

static void
parked_letters_are_listed_retried_and_dropped(void **state)
{
    struct world *world = *state;
    struct peer member = member_with(world, 3);
    uint64_t first = 0;
    uint32_t status = 0;

    for (uint64_t number = 1; number <= 3; number++) {
        peer_refuse(&member, 0, number, "unknown street", true);
        peer_expect_held(&member, number, VIGIE__V1__HELD__STATE__PARKED, 1);
    }
    assert_int_equal(parked_of(&member, 0, 0, &first), 3);
    assert_int_equal(first, 1);
    assert_int_equal(parked_of(&member, 0, 3, &first), 1);
    assert_int_equal(first, 3);
    handle(&member, 0, VIGIE__V1__HANDLE_PARKED__ACT__RETRY, 2, &status);
    assert_int_equal(status, VG_OK);
    peer_expect_try(&member, 2, 2);
    peer_acknowledge_one(&member, 2);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged_total == 1);
    handle(&member, 0, VIGIE__V1__HANDLE_PARKED__ACT__DROP, 1, &status);
    assert_int_equal(status, VG_OK);
    assert_int_equal(world_row(world, world->cpas_1).dropped, 1);
    assert_int_equal(world_row(world, world->cpas_1).parked, 1);
    handle(&member, 0, VIGIE__V1__HANDLE_PARKED__ACT__DROP, 1, &status);
    assert_int_not_equal(status, VG_OK); // it is gone
    peer_close(&member);
}

static void
only_its_institution_and_operators_see_and_handle_them(void **state)
{
    struct world *world = *state;
    struct peer member = member_with(world, 1);
    struct peer neighbour = peer_enter(world, world->broker->members, &world->neighbour);
    struct peer operator= peer_enter(world, world->broker->members, &world->operator);
    uint64_t first = 0;
    uint32_t status = 0;

    peer_refuse(&member, 0, 1, "unknown street", true);
    peer_expect_held(&member, 1, VIGIE__V1__HELD__STATE__PARKED, 1);
    assert_int_equal(parked_of(&neighbour, world->cpas_1, 0, &first), 0);
    handle(&neighbour, world->cpas_1, VIGIE__V1__HANDLE_PARKED__ACT__DROP, 1, &status);
    assert_int_equal(status, VG_NOT_ALLOWED);
    assert_int_equal(held_of(world, 1).head.state, HELD_PARKED);
    assert_int_equal(parked_of(&operator, world->cpas_1, 0, &first), 1);
    handle(&operator, world->cpas_1, VIGIE__V1__HANDLE_PARKED__ACT__DROP, 1, &status);
    assert_int_equal(status, VG_OK);
    assert_int_equal(held_of(world, 1).head.state, HELD_GONE);
    peer_close(&operator);
    peer_close(&neighbour);
    peer_close(&member);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test)                                                                 \
    cmocka_unit_test_setup_teardown(test, world_open_fillable, world_close)
        IN_A_WORLD(a_refused_letter_comes_again_until_it_is_parked),
        IN_A_WORLD(later_letters_about_the_person_wait_and_come_one_by_one),
        IN_A_WORLD(what_cannot_be_refused_is_said_in_words),
        IN_A_WORLD(a_refusal_survives_a_cut_and_a_restart),
        IN_A_WORLD(a_store_without_room_keeps_the_refusal_for_later),
        IN_A_WORLD(parked_letters_are_listed_retried_and_dropped),
        IN_A_WORLD(only_its_institution_and_operators_see_and_handle_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
