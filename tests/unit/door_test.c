// SPDX-License-Identifier: EUPL-1.2
// Goal: a door takes in one-part messages with the name ZAP gave, sends without waiting and
// says whether it could, and finds a connection again to end it.
// Method: a door, ZAP and real CURVE clients on loopback, all in one thread.
#include "edge/door.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include <cmocka.h>

#include "edge/clock.h"
#include "edge/log.h"
#include "edge/session.h"
#include "edge/zap.h"
#include "scratch.h"
#include "zmq_threads.h"

enum { PATIENCE_MS = 20000, TEXT_LEN = 41, MESSAGE_MAX = 1000 };

struct world {
    struct scratch scratch;
    struct store *store;
    struct event_base *base;
    struct event *step;
    void *zmq;
    void *client_zmq;
    void *clients[2];
    size_t clients_len;
    struct keys *keys;
    struct zap *zap;
    struct door *door;
    char server_public[TEXT_LEN];
    char client_public[TEXT_LEN];
    char client_secret[TEXT_LEN];
    uint8_t secret[DOOR_SECRET_LEN];
    // what came in last
    uint64_t received;
    uint64_t turns;
    uint8_t route[ROUTE_LEN];
    size_t route_len;
    char text[32];
    char user_id[KEY_HEX_LEN];
    bool one_part;
    size_t of_several_parts;
    struct far_end far_end;
};

static void
take_message(struct door *door, const struct door_message *message, void *arg)
{
    struct world *world = arg;

    assert_ptr_equal(door, world->door);
    assert_true(message->route.len <= ROUTE_LEN);
    memcpy(world->route, message->route.at, message->route.len);
    world->route_len = message->route.len;
    snprintf(world->text, sizeof world->text, "%.*s", (int)message->payload.len,
             (const char *)message->payload.at);
    snprintf(world->user_id, sizeof world->user_id, "%s", message->user_id);
    world->one_part = message->one_part;
    world->of_several_parts += !message->one_part;
    world->far_end = far_end_of(message->fd);
    world->received++;
}

static void
end_turn(void *arg)
{
    struct world *world = arg;

    world->turns++;
    door_settle(world->door);
}

static void
wake(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

static void
open_keys(struct world *world)
{
    struct store_options options = {.map_bytes = 64 << 20, .create = true};
    struct key_row row = {.institution = 1, .role = ROLE_MEMBER};
    uint8_t key[KEY_LEN];
    struct txn *txn = NULL;

    options.path = world->scratch.path;
    assert_int_equal(store_open(&options, &world->store, NULL), VG_OK);
    assert_int_equal(zmq_curve_keypair(world->client_public, world->client_secret), 0);
    assert_non_null(zmq_z85_decode(key, world->client_public));
    assert_int_equal(store_write(world->store, &txn, NULL), VG_OK);
    assert_int_equal(key_put(txn, key, &row), VG_OK);
    assert_int_equal(store_commit(&txn, NULL), VG_OK);
    world->keys = keys_new();
    assert_int_equal(store_read(world->store, &txn, NULL), VG_OK);
    assert_int_equal(keys_reload(world->keys, txn), VG_OK);
    store_abort(&txn);
}

static int
open_world(void **state)
{
    struct world *world = xcalloc(1, sizeof *world);
    struct timeval step = {0, 2000};
    char server_secret[TEXT_LEN];
    struct door_options options = {
        .name = "test",
        .endpoint = "tcp://127.0.0.1:*",
        .message_bytes_max = MESSAGE_MAX,
        .message = take_message,
        .turn = end_turn,
        .arg = world,
    };

    log_set_level(LOG_ERROR);
    world->scratch = scratch_make();
    open_keys(world);
    world->base = event_base_new();
    world->step = event_new(world->base, -1, EV_PERSIST, wake, NULL);
    event_add(world->step, &step);
    world->zmq = zmq_ctx_new();
    world->client_zmq = zmq_ctx_new();
    assert_int_equal(zmq_curve_keypair(world->server_public, server_secret), 0);
    assert_non_null(zmq_z85_decode(world->secret, server_secret));
    assert_int_equal(zap_open(world->zmq, world->base, world->keys, &world->zap, NULL),
                     VG_OK);
    options.zmq = world->zmq;
    options.base = world->base;
    options.secret = world->secret;
    assert_int_equal(door_open(&options, &world->door, NULL), VG_OK);
    *state = world;
    return 0;
}

static int
close_world(void **state)
{
    struct world *world = *state;

    for (size_t i = 0; i < world->clients_len; i++) {
        zmq_close(world->clients[i]);
    }
    zmq_ctx_term(world->client_zmq);
    door_close(&world->door);
    zap_close(&world->zap);
    zmq_ctx_term(world->zmq);
    event_free(world->step);
    event_base_free(world->base);
    keys_free(&world->keys);
    store_close(&world->store);
    scratch_end(&world->scratch);
    free(world);
    return 0;
}

static void *
connect_client(struct world *world, bool stranger)
{
    void *client = zmq_socket(world->client_zmq, ZMQ_DEALER);
    char public_key[TEXT_LEN];
    char secret_key[TEXT_LEN];
    int none = 0;

    memcpy(public_key, world->client_public, TEXT_LEN);
    memcpy(secret_key, world->client_secret, TEXT_LEN);
    if (stranger) {
        assert_int_equal(zmq_curve_keypair(public_key, secret_key), 0);
    }
    zmq_setsockopt(client, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(client, ZMQ_ROUTING_ID, "mine", 4);
    zmq_setsockopt(client, ZMQ_CURVE_SERVERKEY, world->server_public, TEXT_LEN - 1);
    zmq_setsockopt(client, ZMQ_CURVE_PUBLICKEY, public_key, TEXT_LEN - 1);
    zmq_setsockopt(client, ZMQ_CURVE_SECRETKEY, secret_key, TEXT_LEN - 1);
    assert_int_equal(zmq_connect(client, door_endpoint(world->door)), 0);
    assert_true(world->clients_len < ARRAY_LEN(world->clients));
    world->clients[world->clients_len++] = client;
    return client;
}

#define UNTIL(world, truth)                                                              \
    do {                                                                                 \
        int64_t end_ms = clock_ms() + PATIENCE_MS;                                       \
        while (!(truth) && clock_ms() < end_ms) {                                        \
            event_base_loop((world)->base, EVLOOP_ONCE);                                 \
        }                                                                                \
        assert_true(truth);                                                              \
    } while (0)

static struct bytes
route_of(const struct world *world)
{
    return (struct bytes){world->route, world->route_len};
}

static void
takes_in_a_message_under_the_name_zap_gave(void **state)
{
    struct world *world = *state;
    void *client = connect_client(world, false);
    uint8_t key[KEY_LEN];
    char answer[16];
    int patience_ms = PATIENCE_MS;

    assert_non_null(strstr(door_endpoint(world->door), "tcp://127.0.0.1:"));
    assert_null(strchr(door_endpoint(world->door), '*'));
    assert_int_equal(zmq_send(client, "hello", 5, 0), 5);
    UNTIL(world, world->received == 1);
    assert_string_equal(world->text, "hello");
    assert_true(world->one_part);
    assert_non_null(zmq_z85_decode(key, world->client_public));
    assert_ptr_equal(keys_by_hex(world->keys, world->user_id),
                     keys_find(world->keys, key));
    assert_true(world->turns > 0);

    assert_int_equal(door_send(world->door, route_of(world), bytes_of("welcome")),
                     DOOR_SENT);
    door_settle(world->door);
    zmq_setsockopt(client, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    assert_int_equal(zmq_recv(client, answer, sizeof answer, 0), 7);
    assert_memory_equal(answer, "welcome", 7);
}

static void
notices_messages_of_several_parts(void **state)
{
    struct world *world = *state;
    void *client = connect_client(world, false);

    assert_int_equal(zmq_send(client, "a", 1, ZMQ_SNDMORE), 1);
    assert_int_equal(zmq_send(client, "b", 1, ZMQ_SNDMORE), 1);
    assert_int_equal(zmq_send(client, "c", 1, 0), 1);
    assert_int_equal(zmq_send(client, "whole", 5, 0), 5);
    UNTIL(world, world->received == 2);
    assert_int_equal(world->of_several_parts, 1);
    assert_true(world->one_part); // the next one begins where it begins
    assert_string_equal(world->text, "whole");
}

static void
lets_no_stranger_in(void **state)
{
    struct world *world = *state;
    void *stranger = connect_client(world, true);
    void *client = connect_client(world, false);

    assert_int_equal(zmq_send(stranger, "let me in", 9, 0), 9);
    assert_int_equal(zmq_send(client, "me", 2, 0), 2);
    UNTIL(world, world->received == 1);
    assert_string_equal(world->text, "me");
}

// The broker's own mistake must not open the door: without an answer nobody comes in.
static void
lets_nobody_in_without_an_authenticator(void **state)
{
    struct world *world = *state;
    const int over = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                     ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    void *news = zmq_socket(world->client_zmq, ZMQ_PAIR);
    uint8_t event[8] = {0};
    uint16_t what;
    void *client;

    zap_close(&world->zap);
    client = connect_client(world, false);
    world->clients[world->clients_len++] = news;
    assert_int_equal(zmq_socket_monitor(client, "inproc://news", over), 0);
    assert_int_equal(zmq_connect(news, "inproc://news"), 0);
    assert_int_equal(zmq_send(client, "let me in", 9, 0), 9);
    UNTIL(world, zmq_recv(news, event, sizeof event, ZMQ_DONTWAIT) > 0);
    memcpy(&what, event, sizeof what);
    assert_int_not_equal(what, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    assert_int_equal(world->received, 0);
    assert_int_equal(zmq_socket_monitor(client, NULL, 0), 0);
}

static void
says_when_there_is_no_such_peer(void **state)
{
    struct world *world = *state;
    const uint8_t nobody[ROUTE_LEN] = {'K'};

    assert_int_equal(
        door_send(world->door, (struct bytes){nobody, ROUTE_LEN}, bytes_of("x")),
        DOOR_GONE);
}

static void
says_when_a_peer_does_not_read(void **state)
{
    struct world *world = *state;
    void *client = connect_client(world, false);
    uint8_t *frame = xcalloc(1, 256 << 10);
    enum door_sent sent = DOOR_SENT;
    int one = 1;

    zmq_setsockopt(client, ZMQ_RCVHWM, &one, sizeof one);
    assert_int_equal(zmq_send(client, "x", 1, 0), 1);
    UNTIL(world, world->received == 1);
    for (int i = 0; i < 100000 && sent == DOOR_SENT; i++) {
        sent = door_send(world->door, route_of(world), (struct bytes){frame, 256 << 10});
        door_settle(world->door);
    }
    assert_int_equal(sent, DOOR_FULL);
    free(frame);
}

static void
ends_a_connection_that_it_finds_again(void **state)
{
    struct world *world = *state;
    void *client = connect_client(world, false);
    struct far_end far_end;
    struct far_end other;
    char text[80];

    assert_int_equal(zmq_send(client, "one", 3, 0), 3);
    UNTIL(world, world->received == 1);
    far_end = world->far_end;
    assert_true(far_end.fd >= 0);
    far_end_print(&far_end, text, sizeof text);
    assert_memory_equal(text, "127.0.0.1:", 10);

    other = far_end; // the same number, leading elsewhere: not to be touched
    other.address.__ss_padding[0] ^= 1;
    assert_false(far_end_shut(&other));
    assert_int_equal(door_send(world->door, route_of(world), bytes_of("x")), DOOR_SENT);

    assert_true(far_end_shut(&far_end));
    UNTIL(world, door_send(world->door, route_of(world), bytes_of("x")) == DOOR_GONE);

    far_end = far_end_of(-1);
    far_end_print(&far_end, text, sizeof text);
    assert_string_equal(text, "?");
    assert_false(far_end_shut(&far_end));
}

static void
says_why_it_cannot_listen(void **state)
{
    struct world *world = *state;
    struct door_options options = {
        .zmq = world->zmq,
        .base = world->base,
        .name = "second",
        .endpoint = door_endpoint(world->door), // taken
        .secret = world->secret,
        .message_bytes_max = MESSAGE_MAX,
        .message = take_message,
        .arg = world,
    };
    struct door *door = NULL;
    struct why why;

    assert_int_equal(door_open(&options, &door, &why), VG_BAD_SETTINGS);
    assert_null(door);
    assert_non_null(strstr(why.text, "second"));
    assert_non_null(strstr(why.text, "in use"));
    options.endpoint = "nowhere";
    assert_int_equal(door_open(&options, &door, &why), VG_BAD_SETTINGS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
        IN_A_WORLD(takes_in_a_message_under_the_name_zap_gave),
        IN_A_WORLD(notices_messages_of_several_parts),
        IN_A_WORLD(lets_no_stranger_in),
        IN_A_WORLD(lets_nobody_in_without_an_authenticator),
        IN_A_WORLD(says_when_there_is_no_such_peer),
        IN_A_WORLD(says_when_a_peer_does_not_read),
        IN_A_WORLD(ends_a_connection_that_it_finds_again),
        IN_A_WORLD(says_why_it_cannot_listen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
