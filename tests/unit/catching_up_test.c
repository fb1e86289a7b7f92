// SPDX-License-Identifier: EUPL-1.2
// Goal: a request that catches up is answered when its search is done, whoever has left
// meanwhile; one that searches for nobody is proposed at once; a request searches for so many
// persons and says so.
// Method: a real broker on loopback, a client that speaks protobuf to it, and the disk.
#include "edge/catching_up.h"

#include "world.h"

#include "flow/catch_up.h"

enum { ITEMS = CATCH_UP_ITEMS_MAX + 2, MUTATIONS = 3 };

// Somebody else follows the person, and got some mutations.
static void
something_was_published(struct world *world)
{
    struct peer source = peer_enter(world, world->broker->sources, &world->source);

    world_integrate(world, world->cpas_2);
    peer_publish(&source, 1, MUTATIONS);
    peer_expect_published(&source, MUTATIONS);
    peer_close(&source);
}

static void
ask(struct peer *peer, size_t items_len)
{
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;
    Vigie__V1__Request request = VIGIE__V1__REQUEST__INIT;
    Vigie__V1__Integrate integrate = VIGIE__V1__INTEGRATE__INIT;
    Vigie__V1__IntegrateItem item = VIGIE__V1__INTEGRATE_ITEM__INIT;
    Vigie__V1__IntegrateItem *items[ITEMS];
    Vigie__V1__Proof proof = VIGIE__V1__PROOF__INIT;

    proof.birth_date = 19660410;
    item.niss = WORLD_NISS;
    item.quality = 4;
    item.begin = day_number(day_in_brussels(clock_now()));
    item.proof = &proof;
    item.catch_up = 1;
    for (size_t i = 0; i < items_len; i++) {
        items[i] = &item;
    }
    integrate.n_items = items_len;
    integrate.items = items;
    request.id = 7;
    request.request_case = VIGIE__V1__REQUEST__REQUEST_INTEGRATE;
    request.integrate = &integrate;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_REQUEST;
    message.request = &request;
    peer_send(peer, &message);
}

static void
each_item_is_searched_for_up_to_a_limit(void **state)
{
    struct world *world = *state;
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    Vigie__V1__ToClient *message;
    const Vigie__V1__Reply *reply;

    something_was_published(world);
    ask(&member, ITEMS);
    message = peer_receive(&member, VIGIE__V1__TO_CLIENT__MESSAGE_REPLY);
    reply = message->reply;
    assert_int_equal(reply->verdict, VIGIE__V1__REPLY__VERDICT__WARNING);
    assert_int_equal(reply->n_results, ITEMS);
    assert_int_equal(reply->results[0]->caught_up, MUTATIONS);
    assert_int_equal(reply->results[1]->caught_up, 0); // the first item brought them
    for (size_t i = 0; i < ITEMS; i++) {
        const Vigie__V1__ItemResult *result = reply->results[i];

        assert_int_equal(result->n_faults, 2 + (i >= CATCH_UP_ITEMS_MAX));
        assert_int_equal(result->faults[0]->status, VG_OVERLAPS);
        if (i >= CATCH_UP_ITEMS_MAX) {
            assert_int_equal(result->faults[2]->status, VG_TOO_MANY);
        }
    }
    vigie__v1__to_client__free_unpacked(message, NULL);
    assert_int_equal(world_row(world, world->cpas_1).last, MUTATIONS);
    peer_close(&member);
}

static void
it_is_done_though_he_has_left(void **state)
{
    struct world *world = *state;
    struct peer member = peer_enter(world, world->broker->members, &world->member);

    something_was_published(world);
    ask(&member, 1);
    WORLD_UNTIL(world, world->broker->catching_up != NULL);
    peer_close(&member);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).last == MUTATIONS);
    assert_null(world->broker->catching_up);
    WORLD_UNTIL(world, world->broker->proposed == 0);
}

static struct command *
request_of(struct world *world, bool catch_up)
{
    struct command *command = command_new(COMMAND_INTEGRATE, NULL, 0);

    command->integrate.institution = world->cpas_1;
    command->integrate.items_len = 1;
    command->integrate.items = xcalloc(1, sizeof *command->integrate.items);
    command->integrate.items[0] = (struct integrate_request){
        .niss = WORLD_NISS,
        .quality = 4,
        .begin = day_number(day_in_brussels(clock_now())),
        .proof = {.birth_date = 19660410},
        .catch_up = catch_up,
    };
    return command;
}

static void
nobody_to_search_for_means_at_once(void **state)
{
    struct world *world = *state;
    struct command *command = request_of(world, false);

    catching_up_propose(world->broker, &command);
    assert_null(command);
    assert_null(world->broker->catching_up);
    assert_int_equal(world->broker->proposed, 1);
    WORLD_UNTIL(world, world->broker->proposed == 0);
}

static void
a_broker_that_ends_forgets_its_searches(void **state)
{
    struct world *world = *state;
    struct command *first = request_of(world, true), *second = request_of(world, true);

    catching_up_propose(world->broker, &first);
    catching_up_propose(world->broker, &second);
    assert_non_null(world->broker->catching_up);
    assert_int_equal(world->broker->proposed, 2);
}

#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(each_item_is_searched_for_up_to_a_limit),
        IN_A_WORLD(it_is_done_though_he_has_left),
        IN_A_WORLD(nobody_to_search_for_means_at_once),
        IN_A_WORLD(a_broker_that_ends_forgets_its_searches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
