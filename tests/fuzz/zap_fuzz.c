// SPDX-License-Identifier: EUPL-1.2
// Goal: whatever frames reach the authenticator, only a registered key by CURVE at our own
// domain gets 200, and the next request is answered as if nothing had been.
// Method: ZeroMQ's side is played over inproc. An input is messages of frames, each with its
// length before it; after it comes a good request, whose answer must arrive.
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "edge/door.h"
#include "edge/log.h"
#include "edge/zap.h"

enum {
    FRAME_LEN = 128,
    ANSWER_FRAMES = 7,
    TURNS_MAX = 100000,
    LAST_OF_MESSAGE = 0x80, // bit of a length
    WHOLE_REQUEST = 0x40,   // the frames before the key are as they should be
};

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static struct world {
    struct event_base *base;
    void *zmq;
    void *client;
    struct zap *zap;
    uint8_t good[KEY_LEN];
} world;

static void
put_keys(struct keys *keys)
{
    char path[] = "/tmp/vigie-fuzz-XXXXXX";
    char file[sizeof path + 16];
    struct store_options options = {.map_bytes = 16 << 20, .create = true};
    struct key_row row = {.institution = 1, .role = ROLE_MEMBER};
    struct store *store = NULL;
    struct txn *txn = NULL;

    CHECK(mkdtemp(path) != NULL);
    options.path = path;
    CHECK(store_open(&options, &store, NULL) == VG_OK);
    CHECK(store_write(store, &txn, NULL) == VG_OK);
    memset(world.good, 'k', KEY_LEN);
    CHECK(key_put(txn, world.good, &row) == VG_OK);
    CHECK(store_commit(&txn, NULL) == VG_OK);
    CHECK(store_read(store, &txn, NULL) == VG_OK);
    CHECK(keys_reload(keys, txn) == VG_OK);
    store_abort(&txn);
    store_close(&store);
    snprintf(file, sizeof file, "%s/data.mdb", path);
    (void)unlink(file);
    snprintf(file, sizeof file, "%s/lock.mdb", path);
    (void)unlink(file);
    (void)rmdir(path);
}

static void
open_world(void)
{
    struct keys *keys = keys_new();
    int none = 0;

    log_set_level(LOG_ERROR);
    put_keys(keys);
    world.base = event_base_new();
    world.zmq = zmq_ctx_new();
    CHECK(zap_open(world.zmq, world.base, keys, &world.zap, NULL) == VG_OK);
    world.client = zmq_socket(world.zmq, ZMQ_DEALER);
    zmq_setsockopt(world.client, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(world.client, ZMQ_SNDHWM, &none, sizeof none);
    zmq_setsockopt(world.client, ZMQ_RCVHWM, &none, sizeof none);
    CHECK(zmq_connect(world.client, "inproc://zeromq.zap.01") == 0);
}

static void
send_text(const char *text)
{
    CHECK(zmq_send(world.client, text, strlen(text), ZMQ_SNDMORE) >= 0);
}

static void
send_head(const char *id)
{
    send_text("");
    send_text("1.0");
    send_text(id);
    send_text(DOOR_DOMAIN);
    send_text("127.0.0.1");
    send_text("");
    send_text("CURVE");
}

// One frame; what is left of the input. A message is always ended.
static size_t
send_frame(const uint8_t *at, size_t len)
{
    size_t want = at[0] & 0x3f;
    bool last = (at[0] & LAST_OF_MESSAGE) != 0 || 1 + want >= len;

    want = want < len - 1 ? want : len - 1;
    if ((at[0] & WHOLE_REQUEST) != 0 && last) {
        send_head("x");
    }
    CHECK(zmq_send(world.client, at + 1, want, last ? 0 : ZMQ_SNDMORE) >= 0);
    return 1 + want;
}

// One answer; true when it is that of the good request.
static bool
take_answer(void)
{
    char frame[ANSWER_FRAMES][FRAME_LEN];
    int len[ANSWER_FRAMES];
    int more = 1;
    size_t size = sizeof more;

    for (size_t i = 0; i < ANSWER_FRAMES; i++) {
        CHECK(more == 1);
        len[i] = zmq_recv(world.client, frame[i], FRAME_LEN, 0);
        CHECK(len[i] >= 0);
        CHECK(zmq_getsockopt(world.client, ZMQ_RCVMORE, &more, &size) == 0);
    }
    CHECK(more == 0 && len[3] == 3);
    if (memcmp(frame[3], "200", 3) != 0) {
        CHECK(len[5] == 0 && len[6] == 0); // no name, no routing id
        return false;
    }
    CHECK(len[5] == KEY_HEX_LEN - 1 && strspn(frame[5], "6b") >= KEY_HEX_LEN - 1);
    return len[2] == 4 && memcmp(frame[2], "good", 4) == 0;
}

static void
wait_for_good(void)
{
    int turn = 0;

    for (;;) {
        uint32_t events = 0;
        size_t size = sizeof events;

        CHECK(turn++ < TURNS_MAX); // or the authenticator answers no more
        event_base_loop(world.base, EVLOOP_NONBLOCK);
        while (zmq_getsockopt(world.client, ZMQ_EVENTS, &events, &size) == 0 &&
               (events & ZMQ_POLLIN) != 0) {
            if (take_answer()) {
                return;
            }
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    if (world.zmq == NULL) {
        open_world();
    }
    while (len > 0) {
        size_t taken = send_frame(at, len);

        at += taken;
        len -= taken;
    }
    send_head("good");
    CHECK(zmq_send(world.client, world.good, KEY_LEN, 0) == KEY_LEN);
    wait_for_good();
    return 0;
}
