// SPDX-License-Identifier: EUPL-1.2
// Goal: a valid key gets in under a routing id of ours and its own name; everybody else is
// told what will make his client stop or come back.
// Method: ZeroMQ's side of the protocol (RFC 27) is played by the test, frame by frame.
#include "edge/zap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include <cmocka.h>

#include "edge/clock.h"
#include "edge/door.h"
#include "scratch.h"

enum { ANSWER_FRAMES = 7, FRAME_LEN_MAX = 256, PATIENCE_MS = 20000 };

struct world {
    struct scratch scratch;
    struct store *store;
    struct event_base *base;
    void *zmq;
    void *client;
    struct keys *keys;
    struct zap *zap;
    uint8_t good[KEY_LEN];
    uint8_t revoked[KEY_LEN];
};

struct frame {
    uint8_t bytes[FRAME_LEN_MAX];
    size_t len;
};

struct answer {
    struct frame frame[ANSWER_FRAMES]; // empty, version, id, code, text, user, metadata
};

static void
put_keys(struct world *world)
{
    struct key_row row = {.institution = 1, .role = ROLE_MEMBER};
    struct txn *txn = NULL;

    memset(world->good, 1, KEY_LEN);
    memset(world->revoked, 2, KEY_LEN);
    assert_int_equal(store_write(world->store, &txn, NULL), VG_OK);
    assert_int_equal(key_put(txn, world->good, &row), VG_OK);
    row.revoked_us = 1;
    assert_int_equal(key_put(txn, world->revoked, &row), VG_OK);
    assert_int_equal(store_commit(&txn, NULL), VG_OK);
    assert_int_equal(store_read(world->store, &txn, NULL), VG_OK);
    assert_int_equal(keys_reload(world->keys, txn), VG_OK);
    store_abort(&txn);
}

static int
open_world(void **state)
{
    struct world *world = xcalloc(1, sizeof *world);
    struct store_options options = {.map_bytes = 64 << 20, .create = true};
    int none = 0;

    world->scratch = scratch_make();
    options.path = world->scratch.path;
    assert_int_equal(store_open(&options, &world->store, NULL), VG_OK);
    world->keys = keys_new();
    put_keys(world);
    world->base = event_base_new();
    world->zmq = zmq_ctx_new();
    assert_int_equal(zap_open(world->zmq, world->base, world->keys, &world->zap, NULL),
                     VG_OK);
    world->client = zmq_socket(world->zmq, ZMQ_DEALER);
    zmq_setsockopt(world->client, ZMQ_LINGER, &none, sizeof none);
    assert_int_equal(zmq_connect(world->client, "inproc://zeromq.zap.01"), 0);
    *state = world;
    return 0;
}

static int
close_world(void **state)
{
    struct world *world = *state;

    zmq_close(world->client);
    zap_close(&world->zap);
    zmq_ctx_term(world->zmq);
    event_base_free(world->base);
    keys_free(&world->keys);
    store_close(&world->store);
    scratch_end(&world->scratch);
    free(world);
    return 0;
}

static void
send_part(struct world *world, const void *bytes, size_t len, int more)
{
    assert_int_equal(zmq_send(world->client, bytes, len, more), (int)len);
}

static void
ask(struct world *world, const char *domain, const char *mechanism, const uint8_t *key,
    size_t key_len)
{
    send_part(world, "", 0, ZMQ_SNDMORE);
    send_part(world, "1.0", 3, ZMQ_SNDMORE);
    send_part(world, "77", 2, ZMQ_SNDMORE);
    send_part(world, domain, strlen(domain), ZMQ_SNDMORE);
    send_part(world, "127.0.0.1", 9, ZMQ_SNDMORE);
    send_part(world, "chosen by the peer", 18, ZMQ_SNDMORE);
    send_part(world, mechanism, strlen(mechanism), ZMQ_SNDMORE);
    send_part(world, key, key_len, 0);
}

static struct answer
take_answer(struct world *world)
{
    struct answer answer = {0};
    int64_t end_ms = clock_ms() + PATIENCE_MS;
    size_t frames = 0;

    while (frames < ANSWER_FRAMES && clock_ms() < end_ms) {
        struct frame *frame = &answer.frame[frames];
        int len =
            zmq_recv(world->client, frame->bytes, sizeof frame->bytes, ZMQ_DONTWAIT);

        if (len < 0) {
            event_base_loop(world->base, EVLOOP_NONBLOCK);
            continue;
        }
        frame->len = (size_t)len;
        frames++;
    }
    assert_int_equal(frames, ANSWER_FRAMES);
    assert_int_equal(answer.frame[0].len, 0);
    assert_memory_equal(answer.frame[1].bytes, "1.0", 3);
    assert_memory_equal(answer.frame[2].bytes, "77", 2);
    return answer;
}

static void
expect_code(struct world *world, const char *code)
{
    struct answer answer = take_answer(world);

    assert_int_equal(answer.frame[3].len, 3);
    assert_memory_equal(answer.frame[3].bytes, code, 3);
    assert_int_equal(answer.frame[5].len, 0); // no name, no routing id
    assert_int_equal(answer.frame[6].len, 0);
}

static void
gives_a_valid_key_its_name_and_a_routing_id(void **state)
{
    struct world *world = *state;
    const uint8_t head[] = {8,   'I', 'd', 'e', 'n', 't',      'i',
                            't', 'y', 0,   0,   0,   ROUTE_LEN};
    struct answer first;
    struct answer second;
    char hex[KEY_HEX_LEN];

    ask(world, DOOR_DOMAIN, "CURVE", world->good, KEY_LEN);
    first = take_answer(world);
    ask(world, DOOR_DOMAIN, "CURVE", world->good, KEY_LEN);
    second = take_answer(world);
    assert_memory_equal(first.frame[3].bytes, "200", 3);
    key_hex(world->good, hex);
    assert_int_equal(first.frame[5].len, KEY_HEX_LEN - 1);
    assert_memory_equal(first.frame[5].bytes, hex, KEY_HEX_LEN - 1);

    assert_int_equal(first.frame[6].len, sizeof head + ROUTE_LEN);
    assert_memory_equal(first.frame[6].bytes, head, sizeof head);

    const uint8_t *route = first.frame[6].bytes + sizeof head;
    const uint8_t *next = second.frame[6].bytes + sizeof head;
    uint32_t id = keys_find(world->keys, world->good)->id;

    assert_int_equal(route[0], 'K');
    assert_int_equal(route[4], id);
    assert_int_equal(route[12] + 1, next[12]);         // connections are counted
    assert_memory_not_equal(route + 13, next + 13, 4); // and cannot be guessed
}

static void
tells_others_to_stop_or_to_come_back(void **state)
{
    struct world *world = *state;
    uint8_t stranger[KEY_LEN] = {3};

    ask(world, DOOR_DOMAIN, "CURVE", stranger, KEY_LEN);
    expect_code(world, "400");
    ask(world, DOOR_DOMAIN, "CURVE", world->revoked, KEY_LEN);
    expect_code(world, "500");
    zap_set_later(world->zap, true);
    ask(world, DOOR_DOMAIN, "CURVE", world->good, KEY_LEN);
    expect_code(world, "300");
    zap_set_later(world->zap, false);
    ask(world, DOOR_DOMAIN, "CURVE", world->good, KEY_LEN);
    assert_memory_equal(take_answer(world).frame[3].bytes, "200", 3);
}

static void
lets_nobody_in_without_curve(void **state)
{
    struct world *world = *state;

    ask(world, DOOR_DOMAIN, "NULL", world->good, KEY_LEN);
    expect_code(world, "400");
    ask(world, DOOR_DOMAIN, "CURVE", world->good, KEY_LEN - 1);
    expect_code(world, "400");
    ask(world, "elsewhere", "CURVE", world->good, KEY_LEN);
    expect_code(world, "400");
}

static void
passes_over_what_is_no_request(void **state)
{
    struct world *world = *state;

    send_part(world, "nonsense", 8, 0);
    for (int i = 0; i < 20; i++) {
        send_part(world, "x", 1, i < 19 ? ZMQ_SNDMORE : 0);
    }
    ask(world, DOOR_DOMAIN, "CURVE", world->good, KEY_LEN);
    assert_memory_equal(take_answer(world).frame[3].bytes, "200", 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_a_valid_key_its_name_and_a_routing_id),
        cmocka_unit_test(tells_others_to_stop_or_to_come_back),
        cmocka_unit_test(lets_nobody_in_without_curve),
        cmocka_unit_test(passes_over_what_is_no_request),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
