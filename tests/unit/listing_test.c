// SPDX-License-Identifier: EUPL-1.2
// Goal: a member is told what the directory holds of it, sums or rows, and of nobody else; an
// operator of anybody, and of a whole sector. Who wanted rows stands in the journal.
// Method: a real broker on loopback, and clients that speak protobuf to it; the journal is read
// in a view of its own.
#include "edge/listing.h"

#include "digest/digest.h"
#include "world.h"

// Free it with vigie__v1__to_client__free_unpacked.
static Vigie__V1__ToClient *
ask(struct peer *peer, Vigie__V1__ListIntegrations *list)
{
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;
    Vigie__V1__Request request = VIGIE__V1__REQUEST__INIT;

    request.id = 7;
    request.request_case = VIGIE__V1__REQUEST__REQUEST_LIST_INTEGRATIONS;
    request.list_integrations = list;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_REQUEST;
    message.request = &request;
    peer_send(peer, &message);
    return peer_receive(peer, VIGIE__V1__TO_CLIENT__MESSAGE_REPLY);
}

static void
expect_fault(struct peer *peer, Vigie__V1__ListIntegrations *list, enum vg_status status)
{
    Vigie__V1__ToClient *answer = ask(peer, list);

    assert_int_equal(answer->reply->verdict, VIGIE__V1__REPLY__VERDICT__NO);
    assert_int_equal(answer->reply->results[0]->faults[0]->status, status);
    assert_int_equal(answer->reply->n_holdings + answer->reply->n_integrations, 0);
    vigie__v1__to_client__free_unpacked(answer, NULL);
}

static uint64_t
held(struct peer *peer, Vigie__V1__ListIntegrations *list)
{
    Vigie__V1__ToClient *answer = ask(peer, list);
    uint64_t count = 0;

    assert_int_equal(answer->reply->verdict, VIGIE__V1__REPLY__VERDICT__YES);
    assert_int_equal(answer->reply->next, 0);
    for (size_t i = 0; i < answer->reply->n_holdings; i++) {
        assert_int_equal(answer->reply->holdings[i]->digest.len, DIGEST_BYTES);
        count += answer->reply->holdings[i]->count;
    }
    vigie__v1__to_client__free_unpacked(answer, NULL);
    return count;
}

// How often the journal says that this institution's list was asked for by that one.
static unsigned
noted(struct world *world, uint32_t actor, uint32_t object)
{
    struct buffer record = {.len = 0};
    struct journal_head head;
    struct journal_item item;
    struct journal_admin admin;
    struct meta meta;
    unsigned found = 0;

    broker_rest_txn(world->broker);
    assert_int_equal(meta_get(broker_txn(world->broker), &meta, NULL), VG_OK);
    for (uint64_t commit = 1; commit <= meta.last_commit; commit++) {
        size_t offset = 0;

        assert_int_equal(
            journal_read(broker_txn(world->broker), commit, &record, &head, NULL), VG_OK);
        while (journal_next(&record, &offset, &item)) {
            found += item.kind == JOURNAL_ADMIN &&
                     journal_item_as(&item, &admin, sizeof admin) &&
                     admin.act == ADMIN_LIST && admin.actor == actor &&
                     admin.object == object;
        }
    }
    buffer_free(&record);
    return found;
}

static void
a_member_is_told_of_its_own_and_nobody_elses(void **state)
{
    struct world *world = *state;
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    struct peer neighbour = peer_enter(world, world->broker->members, &world->neighbour);
    Vigie__V1__ListIntegrations list = VIGIE__V1__LIST_INTEGRATIONS__INIT;
    Vigie__V1__Integration *row;
    Vigie__V1__ToClient *answer;

    world_integrate(world, world->cpas_1);
    assert_int_equal(held(&member, &list), 1);
    assert_int_equal(held(&neighbour, &list), 0);
    assert_int_equal(noted(world, world->cpas_1, world->cpas_1), 0);
    list.rows = 1;
    answer = ask(&member, &list);
    assert_int_equal(answer->reply->id, 7);
    assert_int_equal(answer->reply->n_integrations, 1);
    row = answer->reply->integrations[0];
    assert_int_equal(row->niss, WORLD_NISS);
    assert_string_equal(row->institution, "CPAS-1");
    assert_int_equal(noted(world, world->cpas_1, world->cpas_1), 1);
    assert_true(answer->reply->ticket > 0);
    vigie__v1__to_client__free_unpacked(answer, NULL);

    list.institution = (char *)(uintptr_t) "CPAS-1"; // its own name
    assert_int_equal(held(&member, &list), 1);
    expect_fault(&neighbour, &list, VG_NOT_ALLOWED);
    list.rows = 0;
    expect_fault(&neighbour, &list, VG_NOT_ALLOWED);
    list = (Vigie__V1__ListIntegrations)VIGIE__V1__LIST_INTEGRATIONS__INIT;
    list.sector = SECTOR_CPAS;
    expect_fault(&neighbour, &list, VG_NOT_ALLOWED);
    assert_int_equal(noted(world, world->cpas_2, world->cpas_1), 0);
    peer_close(&member);
    peer_close(&neighbour);
}

static void
an_operator_is_told_of_anybody_and_it_is_noted(void **state)
{
    struct world *world = *state;
    struct peer operator= peer_enter(world, world->broker->members, &world->operator);
    Vigie__V1__ListIntegrations list = VIGIE__V1__LIST_INTEGRATIONS__INIT;
    Vigie__V1__ToClient *answer;

    world_integrate(world, world->cpas_1);
    list.institution = (char *)(uintptr_t) "CPAS-1";
    list.rows = 1;
    assert_int_equal(held(&operator, & list), 1);
    assert_int_equal(noted(world, world->cpas_2, world->cpas_1), 1);
    list.institution = (char *)(uintptr_t) "CPAS-4711";
    expect_fault(&operator, & list, VG_NOT_FOUND);
    list = (Vigie__V1__ListIntegrations)VIGIE__V1__LIST_INTEGRATIONS__INIT;
    list.sector = SECTOR_CPAS;
    list.rows = 1;
    answer = ask(&operator, & list);
    assert_int_equal(answer->reply->n_integrations, 1);
    assert_string_equal(answer->reply->integrations[0]->institution, "");
    assert_int_equal(answer->reply->integrations[0]->quality, 0);
    assert_int_equal(noted(world, world->cpas_2, 0), 1);
    vigie__v1__to_client__free_unpacked(answer, NULL);
    peer_close(&operator);
}

static void
who_leaves_before_his_answer_harms_nobody(void **state)
{
    struct world *world = *state;
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    struct session *session = sessions_first(world->broker->sessions);
    struct command *command = command_new(COMMAND_LIST, NULL, 0);

    command->list.institution = world->cpas_1;
    listing_look(world->broker, session, command);
    assert_int_equal(session->requests, 1);
    broker_kill(world->broker, session, "it is a test");
    WORLD_UNTIL(world, world->broker->walks.len == 0);
    command_free(&command);
    peer_close(&member);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)
        IN_A_WORLD(a_member_is_told_of_its_own_and_nobody_elses),
        IN_A_WORLD(an_operator_is_told_of_anybody_and_it_is_noted),
        IN_A_WORLD(who_leaves_before_his_answer_harms_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
