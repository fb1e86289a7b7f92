// SPDX-License-Identifier: EUPL-1.2
// Goal: of a notification that is cancelled before it was sent, a mailbox that wants neither
// is sent neither; one that was sent, or may have been by an earlier process, is followed by
// its cancellation; and letters before the pair do not wait for it.
// Method: a real broker on loopback and a member with a small window; the disk is asked what
// became of the letters.
#include "edge/withdrawing.h"

#include "world.h"

static void
want_neither(struct world *world)
{
    struct command *command = command_new(COMMAND_SET_RULES, NULL, 0);

    command->set_rules =
        (struct set_rules_command){.mailbox = world->cpas_1,
                                   .named = RULES_CANCELLED,
                                   .rules = {.cancelled = CANCELLED_NEITHER}};
    assert_int_equal(world_do(world, command), VG_OK);
}

// Cancels what the source published under this ticket.
static void
cancel(struct peer *source, uint64_t number, uint64_t ticket)
{
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;
    Vigie__V1__Publish publish = VIGIE__V1__PUBLISH__INIT;
    Vigie__V1__Mutation mutation = VIGIE__V1__MUTATION__INIT;
    Vigie__V1__Mutation *mutations[] = {&mutation};
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)ticket);
    mutation.flow = (char *)"notifyPerson";
    mutation.niss = WORLD_NISS;
    mutation.cancels = text;
    publish.producer = 1;
    publish.first_number = number;
    publish.n_mutations = 1;
    publish.mutations = mutations;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_PUBLISH;
    message.publish = &publish;
    peer_send(source, &message);
    peer_expect_published(source, number);
}

static uint64_t
publish(struct world *world, struct peer *source, uint64_t number)
{
    struct producer_row row;
    struct txn *txn = NULL;

    peer_publish(source, number, 1);
    peer_expect_published(source, number);
    assert_int_equal(store_read(world->broker->store, &txn, NULL), VG_OK);
    assert_int_equal(producer_get(txn, (struct institution_id){world->rn}, 1, &row),
                     VG_OK);
    store_abort(&txn);
    return row.last_ticket;
}

// The next notification, whatever numbers it is told will not come.
static void
take_next(struct peer *member, uint64_t number)
{
    Vigie__V1__ToClient *message = NULL;
    int64_t end_ms = clock_ms() + WORLD_PATIENCE_MS;
    size_t got = 0;

    while (got == 0 && clock_ms() < end_ms) {
        message = peer_receive_any(member, VIGIE__V1__TO_CLIENT__MESSAGE_DEFERRED);
        got = message->n_notifications;
        if (got > 0) {
            assert_int_equal(message->notifications[0]->number, number);
        } else {
            assert_int_equal(message->message_case,
                             VIGIE__V1__TO_CLIENT__MESSAGE_DEFERRED);
        }
        vigie__v1__to_client__free_unpacked(message, NULL);
    }
    assert_int_equal(got, 1);
}

static void
what_was_not_sent_is_withdrawn_and_what_was_is_followed_by_its_cancellation(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    struct lane *lane = lanes_at(world->broker->lanes, world->cpas_1);
    uint64_t waiting, sent;

    world_integrate(world, world->cpas_1);
    want_neither(world);
    peer_subscribe(&member, 0, 1);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    publish(world, &source, 1); // it fills the window
    peer_take(&member, 0, 1);
    waiting = publish(world, &source, 2);
    sent = publish(world, &source, 3);
    cancel(&source, 4, waiting);
    WORLD_UNTIL(world, lane->withdrawn == 1);
    assert_int_equal(metrics.withdrawn, 1);
    assert_null(lane->withdrawing);
    assert_int_equal(world_row(world, world->cpas_1).dropped, 2);
    peer_acknowledge(&member, 0, 1);
    take_next(&member, 3);

    cancel(&source, 5, sent); // it is with the member, who has not acknowledged it
    peer_acknowledge(&member, 0, 3);
    take_next(&member, 5);
    assert_int_equal(metrics.withdrawn, 1);
    peer_close(&member);
    peer_close(&source);
}

static void
what_an_earlier_process_may_have_sent_is_delivered_with_its_cancellation(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member;
    uint64_t first;

    world_integrate(world, world->cpas_1);
    want_neither(world);
    first = publish(world, &source, 1);
    peer_close(&source);
    world_stop(world);
    world_start(world);
    source = peer_enter(world, world->broker->sources, &world->source);
    cancel(&source, 2, first);
    member = peer_enter(world, world->broker->members, &world->member);
    peer_subscribe(&member, 0, 10);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    peer_take(&member, 0, 2);
    assert_int_equal(metrics.withdrawn, 0);
    peer_close(&member);
    peer_close(&source);
}

static void
what_stands_before_a_pair_on_its_way_goes_on(void **state)
{
    struct world *world = *state;
    struct lane lane = {.withdrawing = NULL};
    struct withdrawing far = {NULL, 9}, near = {&far, 5}, next = {&near, 1};
    uint64_t through = 0;
    bool rests = false;
    struct txn *txn = NULL;

    assert_int_equal(store_read(world->broker->store, &txn, NULL), VG_OK);
    assert_int_equal(outflow_open(txn, world->cpas_2, 10, 1000, &lane.outflow), VG_OK);
    store_abort(&txn);
    withdrawing_limit(&lane, &through, &rests);
    assert_int_equal(through, 0);
    assert_false(rests);
    lane.withdrawing = &near;
    withdrawing_limit(&lane, &through, &rests);
    assert_int_equal(through, 4);
    assert_false(rests);
    through = 3; // something else allows less
    withdrawing_limit(&lane, &through, &rests);
    assert_int_equal(through, 3);
    lane.withdrawing = &next; // the very next one: nothing can be sent
    withdrawing_limit(&lane, &through, &rests);
    assert_true(rests);
    outflow_free(&lane.outflow);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            what_was_not_sent_is_withdrawn_and_what_was_is_followed_by_its_cancellation,
            world_open, world_close),
        cmocka_unit_test_setup_teardown(
            what_an_earlier_process_may_have_sent_is_delivered_with_its_cancellation,
            world_open, world_close),
        cmocka_unit_test_setup_teardown(what_stands_before_a_pair_on_its_way_goes_on,
                                        world_open, world_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
