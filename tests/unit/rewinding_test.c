// SPDX-License-Identifier: EUPL-1.2
// Goal: a member who goes back is told from where, gets those letters before any other, and
// stands in the journal before the first one leaves.
// Method: a real broker on loopback, and a client that speaks protobuf to it.
#include "edge/rewinding.h"

#include "world.h"

static void
ask(struct peer *peer, uint32_t mailbox, uint64_t number, uint64_t time)
{
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;
    Vigie__V1__Rewind rewind = VIGIE__V1__REWIND__INIT;

    rewind.mailbox = mailbox;
    rewind.number = number;
    rewind.time = time;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_REWIND;
    message.rewind = &rewind;
    peer_send(peer, &message);
}

static void
expect_rewound(struct peer *peer, uint64_t from, uint64_t through)
{
    Vigie__V1__ToClient *message =
        peer_receive(peer, VIGIE__V1__TO_CLIENT__MESSAGE_REWOUND);

    assert_int_equal(message->rewound->from, from);
    assert_int_equal(message->rewound->through, through);
    vigie__v1__to_client__free_unpacked(message, NULL);
}

// A member who has acknowledged 1 to 8 of 10, and has the others in flight.
static struct peer
enter_with_a_past(struct world *world, struct peer *source)
{
    struct peer member = peer_enter(world, world->broker->members, &world->member);

    world_integrate(world, world->cpas_1);
    peer_subscribe(&member, 0, 100);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    peer_publish(source, 1, 10);
    peer_expect_published(source, 10);
    peer_take(&member, 0, 10);
    peer_acknowledge(&member, 0, 8);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged == 8);
    return member;
}

static bool
is_in_the_journal(struct world *world, const char *text)
{
    struct buffer record = {.len = 0};
    struct journal_head head;
    struct journal_item item;
    struct journal_admin admin;
    struct meta meta;
    bool found = false;

    broker_rest_txn(world->broker);
    assert_int_equal(meta_get(broker_txn(world->broker), &meta, NULL), VG_OK);
    for (uint64_t commit = 1; commit <= meta.last_commit; commit++) {
        size_t offset = 0;

        assert_int_equal(
            journal_read(broker_txn(world->broker), commit, &record, &head, NULL), VG_OK);
        while (journal_next(&record, &offset, &item)) {
            found |= item.kind == JOURNAL_ADMIN &&
                     journal_item_as(&item, &admin, sizeof admin) &&
                     admin.act == ADMIN_REWIND && admin.actor == world->cpas_1 &&
                     admin.object == world->cpas_1 && admin.text_len == strlen(text) &&
                     memcmp(item.bytes.at + sizeof admin, text, strlen(text)) == 0;
        }
    }
    buffer_free(&record);
    return found;
}

static void
sends_again_and_then_goes_on(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = enter_with_a_past(world, &source);

    ask(&member, 0, 3, 0);
    expect_rewound(&member, 3, 8);
    assert_true(is_in_the_journal(world, "from 3 through 8"));
    peer_publish(&source, 11, 2);
    peer_expect_published(&source, 12);
    assert_int_equal(peer_take(&member, 2, 8), 6);   // flagged
    assert_int_equal(peer_take(&member, 10, 12), 0); // where it was
    peer_acknowledge(&member, 0, 5);                 // of those sent again: no change
    peer_acknowledge(&member, 0, 12);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged == 12);
    ask(&member, 0, 0, 1); // since ever
    expect_rewound(&member, 1, 12);
    assert_int_equal(peer_take(&member, 0, 12), 12);
    peer_close(&member);
    peer_close(&source);
}

static void
a_small_window_is_kept(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = enter_with_a_past(world, &source);

    peer_acknowledge(&member, 0, 10);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged == 10);
    peer_subscribe(&member, 0, 3);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    ask(&member, 0, 1, 0);
    expect_rewound(&member, 1, 10);
    for (uint64_t number = 0; number < 9; number += 3) {
        assert_int_equal(peer_take(&member, number, number + 3), 3);
        peer_heartbeat(&member, number + 1);
        assert_true(peer_hears_nothing(&member));
        peer_acknowledge(&member, 0, number + 3);
    }
    assert_int_equal(peer_take(&member, 9, 10), 1);
    peer_close(&member);
    peer_close(&source);
}

static void
refuses_what_cannot_be(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = enter_with_a_past(world, &source);
    struct peer neighbour = peer_enter(world, world->broker->members, &world->neighbour);

    ask(&member, 0, 9, 0); // not acknowledged
    peer_expect_refused(&member, VG_NOT_FOUND);
    ask(&member, 0, 1, 1);
    peer_expect_refused(&member, VG_MALFORMED);
    ask(&member, 0, 0, 0);
    peer_expect_refused(&member, VG_MALFORMED);
    ask(&neighbour, world->cpas_1, 1, 0); // another's mailbox
    peer_expect_refused(&neighbour, VG_NOT_FOUND);
    ask(&neighbour, 0, 1, 0); // not open
    peer_expect_refused(&neighbour, VG_NOT_FOUND);
    assert_false(is_in_the_journal(world, "from 1 through 8"));
    peer_publish(&source, 11, 1); // and goes on
    peer_expect_published(&source, 11);
    peer_take(&member, 10, 11);
    peer_close(&neighbour);
    peer_close(&member);
    peer_close(&source);
}

static void
ends_with_its_connection(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = enter_with_a_past(world, &source);

    peer_subscribe(&member, 0, 1);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    ask(&member, 0, 1, 0);
    expect_rewound(&member, 1, 8);
    peer_take(&member, 0, 1);
    peer_close(&member);
    member = peer_enter(world, world->broker->members, &world->member);
    peer_subscribe(&member, 0, 100);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    assert_int_equal(peer_take(&member, 8, 10), 2);
    peer_close(&member);
    peer_close(&source);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)
        IN_A_WORLD(sends_again_and_then_goes_on),
        IN_A_WORLD(a_small_window_is_kept),
        IN_A_WORLD(refuses_what_cannot_be),
        IN_A_WORLD(ends_with_its_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
