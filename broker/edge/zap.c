// SPDX-License-Identifier: EUPL-1.2
#include "edge/zap.h"

#include "edge/door.h"
#include "edge/log.h"
#include "edge/metrics.h"
#include "edge/pump.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"

// What a request is made of; a route and an empty frame come before it.
enum {
    FRAME_ROUTE,
    FRAME_EMPTY,
    FRAME_VERSION,
    FRAME_REQUEST,
    FRAME_DOMAIN,
    FRAME_ADDRESS,
    FRAME_IDENTITY,
    FRAME_MECHANISM,
    FRAME_KEY,
    FRAMES,
};

struct zap {
    void *socket;
    struct pump *pump;
    const struct keys *keys;
    uint64_t connections;
    bool later;
};

struct request {
    zmq_msg_t frame[FRAMES];
    size_t len; // received, may be more than FRAMES
};

struct verdict {
    const char *code;
    const char *text;
    const struct key_entry *key; // of code 200
};

static struct bytes
frame_of(struct request *request, size_t index)
{
    return (struct bytes){zmq_msg_data(&request->frame[index]),
                          zmq_msg_size(&request->frame[index])};
}

static struct verdict
judge_request(const struct zap *zap, struct request *request)
{
    struct bytes key = frame_of(request, FRAME_KEY);
    const struct key_entry *entry;

    if (!bytes_equal(frame_of(request, FRAME_MECHANISM), "CURVE") ||
        !bytes_equal(frame_of(request, FRAME_DOMAIN), DOOR_DOMAIN) ||
        key.len != KEY_LEN) {
        return (struct verdict){"400", "only CURVE opens this door", NULL};
    }
    if (zap->later) {
        return (struct verdict){"300", "the broker is stopping", NULL};
    }
    entry = keys_find(zap->keys, key.at);
    if (entry == NULL) {
        return (struct verdict){"400", "the key is not registered", NULL};
    }
    if (!key_is_valid(entry)) {
        return (struct verdict){"500", "the key was revoked", NULL};
    }
    return (struct verdict){"200", "OK", entry};
}

static void
put_big_endian(uint8_t *at, uint64_t number, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        at[i] = (uint8_t)(number >> 8 * (len - 1 - i));
    }
}

// The property "Identity" becomes the connection's routing id.
enum { IDENTITY_HEAD = 1 + 8 + 4, IDENTITY_LEN = IDENTITY_HEAD + ROUTE_LEN };

static void
write_identity(struct zap *zap, const struct key_entry *key, uint8_t ret[IDENTITY_LEN])
{
    uint8_t *route = ret + IDENTITY_HEAD;

    ret[0] = 8;
    memcpy(ret + 1, "Identity", 8);
    put_big_endian(ret + 9, ROUTE_LEN, 4);
    route[0] = 'K';
    put_big_endian(route + 1, key->id, 4);
    put_big_endian(route + 5, ++zap->connections, 8);
    randombytes_buf(route + 13, 4);
}

static void
send_part(struct zap *zap, const void *bytes, size_t len, bool more)
{
    // The other end is ZeroMQ itself, in this process: it always has room.
    (void)zmq_send(zap->socket, bytes, len, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0));
}

static void
send_text(struct zap *zap, const char *text)
{
    send_part(zap, text, strlen(text), true);
}

static void
answer(struct zap *zap, struct request *request, const struct verdict *verdict)
{
    struct bytes route = frame_of(request, FRAME_ROUTE);
    struct bytes id = frame_of(request, FRAME_REQUEST);
    uint8_t identity[IDENTITY_LEN];

    send_part(zap, route.at, route.len, true);
    send_part(zap, "", 0, true);
    send_text(zap, "1.0");
    send_part(zap, id.at, id.len, true);
    send_text(zap, verdict->code);
    send_text(zap, verdict->text);
    if (verdict->key == NULL) {
        send_part(zap, "", 0, true);
        send_part(zap, "", 0, false);
        metrics.handshakes_refused++;
        return;
    }
    write_identity(zap, verdict->key, identity);
    send_text(zap, verdict->key->hex);
    send_part(zap, identity, sizeof identity, false);
    metrics.handshakes_accepted++;
}

// The name of the outcome as the client library will say it.
static const char *
status_of(const struct verdict *verdict)
{
    switch (verdict->code[0]) {
    case '5':
        return vg_status_name(VG_KEY_REVOKED);
    case '3':
        return vg_status_name(VG_DRAINING);
    default:
        return vg_status_name(VG_KEY_UNKNOWN);
    }
}

static void
note_refusal(struct request *request, const struct verdict *verdict)
{
    struct bytes key = frame_of(request, FRAME_KEY);
    struct bytes address = frame_of(request, FRAME_ADDRESS);
    char hex[KEY_HEX_LEN] = "?";

    if (key.len == KEY_LEN) {
        key_hex(key.at, hex);
    }
    log_info("handshake_refused", "address=%.*s key=%.16s status=%s code=%s why=%s",
             (int)address.len, (const char *)address.at, hex, status_of(verdict),
             verdict->code, log_quote(verdict->text).text);
}

// Reads a whole request; frames beyond those we know are counted and thrown away.
static bool
receive_request(struct zap *zap, struct request *request)
{
    zmq_msg_t extra;
    zmq_msg_t *frame;

    zmq_msg_init(&extra);
    do {
        frame = request->len < FRAMES ? &request->frame[request->len] : &extra;
        if (zmq_msg_recv(frame, zap->socket, ZMQ_DONTWAIT) < 0) {
            break;
        }
        request->len++;
    } while (zmq_msg_more(frame));
    zmq_msg_close(&extra);
    return request->len > 0;
}

static bool
serve(void *arg, size_t *ret_bytes)
{
    struct zap *zap = arg;
    struct request request = {.len = 0};
    bool received;

    for (size_t i = 0; i < FRAMES; i++) {
        zmq_msg_init(&request.frame[i]);
    }
    received = receive_request(zap, &request);
    *ret_bytes = 0;
    if (received && request.len == FRAMES &&
        bytes_equal(frame_of(&request, FRAME_VERSION), "1.0")) {
        struct verdict verdict = judge_request(zap, &request);

        if (verdict.key == NULL) {
            note_refusal(&request, &verdict);
        }
        answer(zap, &request, &verdict);
    }
    for (size_t i = 0; i < FRAMES; i++) {
        zmq_msg_close(&request.frame[i]);
    }
    return received;
}

enum vg_status
zap_open(void *zmq, struct event_base *base, const struct keys *keys,
         struct zap **ret_zap, struct why *why)
{
    struct zap *zap = xcalloc(1, sizeof *zap);
    struct pump_options pump = {.base = base, .receive = serve, .receive_arg = zap};
    enum vg_status status = VG_OK;
    int none = 0;

    zap->keys = keys;
    zap->socket = zmq_socket(zmq, ZMQ_ROUTER);
    if (zap->socket == NULL ||
        zmq_setsockopt(zap->socket, ZMQ_LINGER, &none, sizeof none) != 0 ||
        zmq_setsockopt(zap->socket, ZMQ_SNDHWM, &none, sizeof none) != 0 ||
        zmq_setsockopt(zap->socket, ZMQ_RCVHWM, &none, sizeof none) != 0 ||
        zmq_bind(zap->socket, ZAP_ENDPOINT) != 0) {
        status =
            fail(why, VG_BAD_SETTINGS, "cannot authenticate: %s", zmq_strerror(errno));
    }
    if (status == VG_OK) {
        pump.socket = zap->socket;
        status = pump_open(&pump, &zap->pump, why);
    }
    if (status != VG_OK) {
        zap_close(&zap);
        return status;
    }
    *ret_zap = zap;
    return VG_OK;
}

void
zap_close(struct zap **zap)
{
    if (*zap == NULL) {
        return;
    }
    pump_close(&(*zap)->pump);
    if ((*zap)->socket != NULL) {
        zmq_close((*zap)->socket);
    }
    free(*zap);
    *zap = NULL;
}

void
zap_set_later(struct zap *zap, bool later)
{
    zap->later = later;
}
