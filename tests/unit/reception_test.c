// SPDX-License-Identifier: EUPL-1.2
// Goal: only those with a valid key and the right role come in, and what breaks the protocol
// is refused, counted, and in the end not listened to any more.
// Method: a real broker on loopback; clients that say what they should and what they should
// not.
#include "edge/reception.h"

#include "edge/sources.h"
#include "world.h"

static void
welcomes_a_source_and_says_what_it_may_do(void **state)
{
    struct world *world = *state;
    struct peer peer = peer_open(world, world->broker->sources, &world->source);
    Vigie__V1__ToClient *message;

    peer_hello(&peer);
    message = peer_receive(&peer, VIGIE__V1__TO_CLIENT__MESSAGE_WELCOME);
    assert_string_equal(message->welcome->institution, "RN");
    assert_int_equal(message->welcome->role, ROLE_SOURCE);
    assert_int_equal(message->welcome->heartbeat_ms, world->settings.heartbeat_ms);
    assert_int_equal(message->welcome->window_messages, world->settings.window_messages);
    assert_int_equal(message->welcome->window_bytes, world->settings.window_bytes);
    assert_int_equal(message->welcome->message_bytes_max, WIRE_MESSAGE_BYTES_MAX);
    assert_int_equal(message->welcome->mutations_max, HOT_MUTATIONS_MAX);
    vigie__v1__to_client__free_unpacked(message, NULL);
    assert_int_equal(world_sessions(world), 1);
    assert_string_equal(sessions_first(world->broker->sessions)->client, "test");
    peer_close(&peer);
}

static void
gives_a_heartbeat_back(void **state)
{
    struct world *world = *state;
    struct peer peer = peer_enter(world, world->broker->members, &world->member);
    Vigie__V1__ToClient *message;

    peer_heartbeat(&peer, 4711);
    message = peer_receive(&peer, VIGIE__V1__TO_CLIENT__MESSAGE_HEARTBEAT);
    assert_int_equal(message->heartbeat->echo, 4711);
    vigie__v1__to_client__free_unpacked(message, NULL);
    peer_close(&peer);
}

// Each is told why, and its connection is cut a moment later.
static void
refuses_a_key_at_the_wrong_door(void **state)
{
    struct world *world = *state;
    struct peer source = peer_open(world, world->broker->members, &world->source);
    struct peer member = peer_open(world, world->broker->sources, &world->member);

    peer_hello(&source);
    peer_expect_refused(&source, VG_WRONG_ROLE);
    peer_hello(&member);
    peer_expect_refused(&member, VG_WRONG_ROLE);
    WORLD_UNTIL(world, world_sessions(world) == 0);
    peer_close(&source);
    peer_close(&member);
}

static void
wants_a_hello_first(void **state)
{
    struct world *world = *state;
    struct peer peer = peer_open(world, world->broker->sources, &world->source);

    peer_publish(&peer, 1, 1);
    peer_expect_refused(&peer, VG_MALFORMED);
    WORLD_UNTIL(world, world_sessions(world) == 0);
    assert_int_equal(world_last_number(world, 1), 0); // and nothing of it is on disk
    peer_close(&peer);
}

static void
speaks_only_its_own_version(void **state)
{
    struct world *world = *state;
    struct peer peer = peer_open(world, world->broker->sources, &world->source);
    const uint8_t hello_2[] = {0x0a, 0x02, 0x08, 0x02};

    peer_send_bytes(&peer, hello_2, sizeof hello_2);
    peer_expect_refused(&peer, VG_MALFORMED);
    peer_close(&peer);
}

static void
lets_no_stranger_in(void **state)
{
    struct world *world = *state;
    struct peer peer = peer_open(world, world->broker->members, &world->stranger);
    uint64_t refused = metrics.handshakes_refused;

    peer_hello(&peer);
    WORLD_UNTIL(world, metrics.handshakes_refused > refused);
    assert_int_equal(world_sessions(world), 0);
    peer_close(&peer);
}

static void
counts_violations_and_ends_the_session(void **state)
{
    struct world *world = *state;
    struct peer peer = peer_enter(world, world->broker->sources, &world->source);
    uint64_t violations = metrics.violations;
    uint8_t *huge = xcalloc(1, WIRE_MESSAGE_BYTES_MAX + 1);
    const struct session *session;

    peer_send_bytes(&peer, "\xff\xff", 2);
    peer_expect_refused(&peer, VG_MALFORMED);
    assert_int_equal(zmq_send(peer.socket, "a", 1, ZMQ_DONTWAIT | ZMQ_SNDMORE), 1);
    assert_int_equal(zmq_send(peer.socket, "b", 1, ZMQ_DONTWAIT), 1);
    peer_expect_refused(&peer, VG_MALFORMED); // two parts are no message
    peer_send_bytes(&peer, huge, WIRE_MESSAGE_BYTES_MAX + 1);
    peer_expect_refused(&peer, VG_TOO_LARGE);
    assert_int_equal(metrics.violations, violations + 3);
    session = sessions_first(world->broker->sessions);
    assert_true(session == NULL || session->state == SESSION_LEAVING);
    WORLD_UNTIL(world, world_sessions(world) == 0);
    free(huge);
    peer_close(&peer);
}

// Connections that were lost and not yet noticed.
static void
open_lost_sessions(struct world *world, uint32_t key, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t route[ROUTE_LEN] = {'K', 0, 0, 0, 1, 0, 0, 0, 9};
        struct session *session;

        route[11] = (uint8_t)(i >> 8);
        route[12] = (uint8_t)i;
        session = sessions_open(world->broker->sessions, world->broker->members,
                                (struct bytes){route, ROUTE_LEN}, key);
        session->state = SESSION_READY;
        session->seen_ms = session->said_ms = clock_ms();
    }
}

static void
a_key_has_only_so_many_connections(void **state)
{
    struct world *world = *state;
    struct peer peer = peer_enter(world, world->broker->members, &world->member);
    struct peer late = peer_open(world, world->broker->members, &world->member);
    struct peer other;
    uint32_t key = sessions_first(world->broker->sessions)->key;

    open_lost_sessions(world, key, SESSIONS_PER_KEY_MAX - 1);
    peer_hello(&late);
    peer_expect_refused(&late, VG_BUSY);
    other = peer_enter(world, world->broker->members, &world->neighbour);
    peer_close(&peer);
    peer_close(&late);
    peer_close(&other);
}

static const struct key_entry *
entry_of(struct world *world, const struct key_pair *key)
{
    uint8_t bytes[KEY_LEN];

    assert_non_null(zmq_z85_decode(bytes, key->public_text));
    return keys_find(world->broker->keys, bytes);
}

// As if somebody had found a way to choose what ZAP gives out.
static void
forge(struct world *world, const uint8_t route[ROUTE_LEN], const struct key_pair *key)
{
    struct door_message message = {.route = {route, ROUTE_LEN},
                                   .user_id = entry_of(world, key)->hex,
                                   .fd = -1,
                                   .one_part = true};

    reception_take(world->broker, &sources_desks, world->broker->sources, &message);
}

static void
nobody_speaks_for_another_connection(void **state)
{
    struct world *world = *state;
    struct peer peer = peer_enter(world, world->broker->sources, &world->source);
    struct session *session = sessions_first(world->broker->sessions);
    uint64_t violations;
    uint8_t route[ROUTE_LEN];

    // Now and then ZeroMQ gives a connection a routing id of its own.
    while (session->route_len != ROUTE_LEN) {
        peer_close(&peer);
        WORLD_UNTIL(world, world_sessions(world) == 0);
        peer = peer_enter(world, world->broker->sources, &world->source);
        session = sessions_first(world->broker->sessions);
    }
    violations = metrics.violations;
    memcpy(route, session->route, sizeof route);
    route[ROUTE_LEN - 1] ^= 1; // the random part was guessed
    forge(world, route, &world->source);
    assert_int_equal(metrics.violations, violations + 1);
    assert_int_equal(session->violations, 0); // nothing was read in its name
    assert_int_equal(world_sessions(world), 1);
    peer_close(&peer);
}

static void
a_routing_id_names_the_key_that_zap_saw(void **state)
{
    struct world *world = *state;
    uint8_t route[ROUTE_LEN] = {'K', 0, 0, 0, 0, 0, 0, 0, 7};
    uint64_t admitted = metrics.connections;

    route[4] = (uint8_t)entry_of(world, &world->source)->id;
    forge(world, route, &world->source);
    assert_int_equal(metrics.connections, admitted + 1);
    route[4] = (uint8_t)entry_of(world, &world->member)->id;
    route[8] = 8;
    forge(world, route, &world->source);
    assert_int_equal(metrics.connections, admitted + 1);
}

static void
sends_to_the_other_door(void **state)
{
    struct world *world = *state;
    struct peer peer = peer_enter(world, world->broker->members, &world->member);

    peer_publish(&peer, 1, 1);
    peer_expect_refused(&peer, VG_WRONG_ROLE);
    peer_heartbeat(&peer, 1); // once is forgiven
    peer_expect(&peer, VIGIE__V1__TO_CLIENT__MESSAGE_HEARTBEAT);
    peer_close(&peer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)
        IN_A_WORLD(welcomes_a_source_and_says_what_it_may_do),
        IN_A_WORLD(gives_a_heartbeat_back),
        IN_A_WORLD(refuses_a_key_at_the_wrong_door),
        IN_A_WORLD(wants_a_hello_first),
        IN_A_WORLD(speaks_only_its_own_version),
        IN_A_WORLD(lets_no_stranger_in),
        IN_A_WORLD(counts_violations_and_ends_the_session),
        IN_A_WORLD(a_key_has_only_so_many_connections),
        IN_A_WORLD(nobody_speaks_for_another_connection),
        IN_A_WORLD(a_routing_id_names_the_key_that_zap_saw),
        IN_A_WORLD(sends_to_the_other_door),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
