// SPDX-License-Identifier: EUPL-1.2
// Goal: sessions are found by the number in their routing id until they are dropped; a
// mailbox has one session at a time; what waits leaves in order.
// Method: sessions without sockets, thousands of them, opened and dropped out of order.
#include "edge/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SESSIONS = 10000 };

static void
make_route(uint64_t id, uint32_t key, uint8_t ret_route[ROUTE_LEN])
{
    memset(ret_route, 0, ROUTE_LEN);
    ret_route[0] = 'K';
    for (int i = 0; i < 4; i++) {
        ret_route[1 + i] = (uint8_t)(key >> 8 * (3 - i));
    }
    for (int i = 0; i < 8; i++) {
        ret_route[5 + i] = (uint8_t)(id >> 8 * (7 - i));
    }
}

static struct session *
open_session(struct sessions *sessions, uint64_t id)
{
    uint8_t route[ROUTE_LEN];

    make_route(id, 1, route);
    return sessions_open(sessions, NULL, (struct bytes){route, ROUTE_LEN}, 1);
}

static void
reads_only_routing_ids_that_we_gave_out(void **state)
{
    uint8_t route[ROUTE_LEN];
    uint64_t id = 0;
    uint32_t key = 0;
    (void)state;

    make_route(0x0102030405060708, 0xa0b0c0d0, route);
    assert_true(route_session((struct bytes){route, ROUTE_LEN}, &id, &key));
    assert_true(id == 0x0102030405060708);
    assert_int_equal(key, 0xa0b0c0d0);
    assert_false(route_session((struct bytes){route, ROUTE_LEN - 1}, &id, &key));
    route[0] = 0;
    assert_false(route_session((struct bytes){route, ROUTE_LEN}, &id, &key));
    make_route(0, 1, route);
    assert_false(route_session((struct bytes){route, ROUTE_LEN}, &id, &key));
    make_route(UINT64_MAX, 1, route);
    assert_false(route_session((struct bytes){route, ROUTE_LEN}, &id, &key));
}

static void
reads_those_that_zeromq_counted_itself(void **state)
{
    uint8_t route[5] = {0, 0, 0, 0, 9};
    uint64_t id = 0;
    uint32_t key = 7;
    (void)state;

    assert_true(route_session((struct bytes){route, sizeof route}, &id, &key));
    assert_true(id == (UINT64_C(1) << 63 | 9)); // never a number of ours
    assert_int_equal(key, 0);
    route[0] = 1;
    assert_false(route_session((struct bytes){route, sizeof route}, &id, &key));
}

static void
finds_sessions_until_they_are_dropped(void **state)
{
    AUTO(sessions_free) struct sessions *sessions = sessions_new();
    uint64_t id = 0;
    (void)state;

    for (uint64_t i = 1; i <= SESSIONS; i++) {
        open_session(sessions, i);
    }
    assert_int_equal(sessions_len(sessions), SESSIONS);
    assert_int_equal(sessions_of_key(sessions, 1), SESSIONS);
    assert_int_equal(sessions_of_key(sessions, 0), 0);
    assert_int_equal(sessions_of_key(sessions, UINT32_MAX), 0);
    for (uint64_t i = 2; i <= SESSIONS; i += 2) {
        sessions_drop(sessions, sessions_find(sessions, i));
    }
    assert_int_equal(sessions_len(sessions), SESSIONS / 2);
    assert_int_equal(sessions_of_key(sessions, 1), SESSIONS / 2);
    for (uint64_t i = 1; i <= SESSIONS; i++) {
        const struct session *session = sessions_find(sessions, i);

        assert_int_equal(session != NULL, i % 2);
        assert_true(session == NULL || session->id == i);
    }
    // In the order of opening, each once.
    for (const struct session *session = sessions_first(sessions); session != NULL;
         session = session->next) {
        assert_true(session->id > id);
        assert_int_equal(session->id % 2, 1);
        id = session->id;
    }
    assert_int_equal(id, SESSIONS - 1);
}

static void
a_mailbox_goes_to_whoever_opened_it_last(void **state)
{
    AUTO(lanes_free) struct lanes *lanes = lanes_new();
    AUTO(sessions_free) struct sessions *sessions = sessions_new();
    struct session *first = open_session(sessions, 1);
    struct session *second = open_session(sessions, 2);
    struct outflow *none = NULL;
    struct lane *lane = lanes_at(lanes, 7);
    struct lane *other = lanes_at(lanes, 8);
    (void)state;

    session_open_lane(first, lane, &none);
    session_open_lane(first, other, &none);
    session_note_ready(lane);
    session_note_ready(other);
    session_open_lane(second, lane, &none);
    assert_ptr_equal(lane->session, second);
    assert_false(lane->ready); // its place in the first one's list is gone
    assert_ptr_equal(first->lanes, other);
    assert_null(other->next);
    assert_ptr_equal(session_next_ready(first), other);
    assert_null(session_next_ready(first));

    sessions_drop(sessions, second);
    assert_null(lane->session);
    assert_ptr_equal(other->session, first);
}

static void
ready_mailboxes_have_their_turn_in_order(void **state)
{
    AUTO(lanes_free) struct lanes *lanes = lanes_new();
    AUTO(sessions_free) struct sessions *sessions = sessions_new();
    struct session *session = open_session(sessions, 1);
    struct outflow *none = NULL;
    (void)state;

    for (uint32_t i = 1; i <= 3; i++) {
        session_open_lane(session, lanes_at(lanes, i), &none);
        session_note_ready(lanes_at(lanes, i));
        session_note_ready(lanes_at(lanes, i)); // once is enough
    }
    assert_int_equal(session_next_ready(session)->mailbox, 1);
    session_note_ready(lanes_at(lanes, 1)); // behind the others now
    session_close_lane(lanes_at(lanes, 3)); // the last one leaves
    session_note_ready(lanes_at(lanes, 3)); // nobody's: no place to stand
    assert_int_equal(session_next_ready(session)->mailbox, 2);
    assert_int_equal(session_next_ready(session)->mailbox, 1);
    assert_null(session_next_ready(session));
    session_note_ready(lanes_at(lanes, 2));
    assert_int_equal(session_next_ready(session)->mailbox, 2);
}

static void
an_outbox_keeps_order_and_has_an_end(void **state)
{
    AUTO(sessions_free) struct sessions *sessions = sessions_new();
    struct session *session = open_session(sessions, 1);
    (void)state;

    for (uint32_t i = 0; i < SESSION_OUTBOX_MAX; i++) {
        struct bytes frame = {(const uint8_t *)&i, sizeof i};

        assert_true(session_keep_frame(session, frame));
    }
    assert_false(session_keep_frame(session, bytes_of("one too many")));
    for (uint32_t i = 0; i < SESSION_OUTBOX_MAX; i++) {
        assert_int_equal(session->outbox->len, sizeof i);
        assert_memory_equal(session->outbox->bytes, &i, sizeof i);
        session_drop_frame(session);
    }
    assert_null(session->outbox);
    assert_true(session_keep_frame(session, bytes_of("again")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_only_routing_ids_that_we_gave_out),
        cmocka_unit_test(reads_those_that_zeromq_counted_itself),
        cmocka_unit_test(finds_sessions_until_they_are_dropped),
        cmocka_unit_test(a_mailbox_goes_to_whoever_opened_it_last),
        cmocka_unit_test(ready_mailboxes_have_their_turn_in_order),
        cmocka_unit_test(an_outbox_keeps_order_and_has_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
