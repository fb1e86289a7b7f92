// SPDX-License-Identifier: EUPL-1.2
// mosquitto.c - MQTT 3.1.1: a topic for each mailbox, QoS 1 both ways, sessions that outlive
// their connections. Each message is acknowledged by itself, as MQTT wants it, but many are
// written at once. The plain protocol: the library walks its list of unanswered messages at
// each answer, which ends at a tenth of what the server does.
#include "job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

enum {
    SOURCES = 8, // connections that publish: mailbox m by connection m % SOURCES
    PATIENCE_MS = 20,
    SETTLE_US = 60000000,
    TEXT_MAX = 8192,
    // Kinds of packets, with the flags that they have here.
    CONNECT = 0x10,
    CONNACK = 0x20,
    PUBLISH_ONCE = 0x32, // QoS 1
    PUBACK = 0x40,
    SUBSCRIBE = 0x82,
    SUBACK = 0x90,
};

// ---- MQTT ----

struct packet {
    uint8_t kind;
    const uint8_t *bytes; // after the length
    size_t len;
};

// What packets are made of; the length comes before it.
struct text {
    uint8_t bytes[TEXT_MAX];
    size_t len;
};

static void
add_number(struct text *text, size_t number)
{
    text->bytes[text->len++] = (uint8_t)(number >> 8);
    text->bytes[text->len++] = (uint8_t)number;
}

static void
add_bytes(struct text *text, const void *bytes, size_t len)
{
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
}

static void
add_words(struct text *text, const char *words)
{
    add_number(text, strlen(words));
    add_bytes(text, words, strlen(words));
}

static void
put_packet(struct wire *wire, uint8_t kind, const struct text *text)
{
    uint8_t head[5] = {kind};
    size_t head_len = 1;

    for (size_t left = text->len; left > 0 || head_len == 1; left >>= 7) {
        head[head_len++] = (uint8_t)((left & 127) | (left > 127 ? 128 : 0));
    }
    wire_put(wire, head, head_len);
    wire_put(wire, text->bytes, text->len);
}

// The next of what was read; lends it until the wire is filled again.
static bool
next_packet(struct wire *wire, struct packet *ret)
{
    const uint8_t *at = (const uint8_t *)wire->in + wire->in_begin;
    size_t have = wire->in_end - wire->in_begin;
    size_t head = 1;
    size_t len = 0;

    do {
        if (head == have || have == 0) {
            return false;
        }
        len |= (size_t)(at[head] & 127) << 7 * (head - 1);
    } while (at[head++] > 127);
    if (have < head + len) {
        return false;
    }
    *ret = (struct packet){at[0], at + head, len};
    wire->in_begin += head + len;
    return true;
}

static struct packet
wait_for(struct wire *wire, uint8_t kind)
{
    struct packet packet;

    wire_flush(wire);
    while (!next_packet(wire, &packet)) {
        wire_fill(wire, PATIENCE_MS);
    }
    if (packet.kind != kind) {
        give_up("answer", "of another kind");
    }
    return packet;
}

static struct wire *
client_open(const struct job *job, const char *name)
{
    struct wire *wire = wire_open(job);
    struct text text = {.len = 0};

    add_words(&text, "MQTT");
    add_number(&text, 4 << 8 | 0); // version, a session that stays
    add_number(&text, 0);          // never too silent
    add_words(&text, name);
    put_packet(wire, CONNECT, &text);
    if (wait_for(wire, CONNACK).bytes[1] != 0) {
        give_up("connect", "refused");
    }
    return wire;
}

// ---- publishing ----

static struct wire *sources[SOURCES];
static struct tally *counts;
static uint64_t published;

static void
prepare(const struct job *job)
{
    (void)job;
}

static void
publish_open(const struct job *job, struct tally *tally)
{
    counts = tally;
    for (size_t i = 0; i < SOURCES; i++) {
        char name[16];

        snprintf(name, sizeof name, "source-%zu", i);
        sources[i] = client_open(job, name);
    }
}

static void
wait_until(uint64_t unanswered)
{
    uint64_t begin = now_us();
    struct packet packet;

    for (size_t i = 0; i < SOURCES; i++) {
        wire_flush(sources[i]);
    }
    while (published - counts->answered > unanswered && now_us() - begin < SETTLE_US) {
        for (size_t i = 0; i < SOURCES; i++) {
            wire_fill(sources[i], 1);
            while (next_packet(sources[i], &packet)) {
                counts->answered += packet.kind == PUBACK;
            }
        }
    }
}

static void
publish(const struct mutation *mutation)
{
    for (size_t i = 0; i < mutation->mailboxes_len; i++) {
        uint32_t m = mutation->mailboxes[i];
        struct text text;
        char topic[16];

        text.len = 0;
        snprintf(topic, sizeof topic, "m/%u", m);
        add_words(&text, topic);
        add_number(&text, 1 + published % UINT16_MAX); // zero is not allowed
        add_bytes(&text, mutation->body, BODY_LEN);
        put_packet(sources[m % SOURCES], PUBLISH_ONCE, &text);
        published++;
    }
    if (published - counts->answered >= WINDOW) {
        wait_until(WINDOW / 2);
    }
}

static void
settle(void)
{
    wait_until(0);
}

// ---- receiving ----

static void
subscribe(struct wire *wire, unsigned connection)
{
    struct text text = {.len = 0};

    add_number(&text, 1);
    for (uint32_t m = connection; m < MAILBOXES; m += CONNECTIONS) {
        char topic[16];

        snprintf(topic, sizeof topic, "m/%u", m);
        add_words(&text, topic);
        add_bytes(&text, &(uint8_t){1}, 1); // QoS
    }
    put_packet(wire, SUBSCRIBE, &text);
    wait_for(wire, SUBACK);
}

// A letter is its topic, its number, its body.
static void
take_letter(struct wire *wire, const struct packet *packet, struct tally *tally)
{
    size_t topic_len = (size_t)packet->bytes[0] << 8 | packet->bytes[1];
    const uint8_t *number = packet->bytes + 2 + topic_len;
    struct text text = {.len = 0};

    received(tally, number + 2, packet->len - topic_len - 4);
    add_bytes(&text, number, 2);
    put_packet(wire, PUBACK, &text);
}

static void
receive(const struct job *job, unsigned connection, struct tally *tally)
{
    struct wire *wire;
    struct packet packet;
    char name[16];

    snprintf(name, sizeof name, "member-%u", connection);
    wire = client_open(job, name);
    subscribe(wire, connection);
    tally->ready++;
    while (!tally->stop) {
        wire_fill(wire, PATIENCE_MS);
        while (next_packet(wire, &packet)) {
            take_letter(wire, &packet, tally);
        }
        wire_flush(wire);
    }
    wire_close(&wire);
}

const struct peer peer = {
    .name = "mosquitto",
    .durability = "in memory when answered (saved every half hour)",
    .prepare = prepare,
    .publish_open = publish_open,
    .publish = publish,
    .settle = settle,
    .receive = receive,
};
