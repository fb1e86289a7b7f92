// SPDX-License-Identifier: EUPL-1.2
// jetstream.c - JetStream: a stream in files for each mailbox, with a durable push consumer
// that acknowledges all up to a message, so that the server searches no subjects; or, when
// mailboxes are shared, a stream for each connection. The plain NATS protocol, in batches: what
// the library does for each message costs more than the server does.
#include "job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire.h"

enum {
    SOURCES = 4,     // connections that publish: mailbox m by connection m % SOURCES
    ANSWERS = 1000,  // the subscription of answers; the others have their stream's number
    ACK_EVERY = 256, // letters of a stream
    ACK_US = 50000,
    PATIENCE_MS = 20,
    SETTLE_US = 60000000,
    REPLY_MAX = 128,
};

// ---- the NATS protocol ----

struct client {
    struct wire *wire;
    char inbox[32]; // where its answers come
};

struct message {
    unsigned long number; // of the subscription
    const char *reply;    // NULL: none is wanted
    char *body;
    size_t len;
};

static void
put_text(struct client *client, const char *text)
{
    wire_put(client->wire, text, strlen(text));
}

static struct client
client_open(const struct job *job)
{
    struct client client = {.wire = wire_open(job)};
    char text[128];

    snprintf(client.inbox, sizeof client.inbox, "a.%d.%d", (int)getpid(),
             client.wire->fd);
    snprintf(text, sizeof text,
             "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB %s %d\r\n",
             client.inbox, ANSWERS);
    put_text(&client, text);
    wire_flush(client.wire);
    return client;
}

// "MSG subject number [reply] bytes" and a body. False: not all of it is here yet.
static bool
take_message(struct wire *wire, char *line, char *line_end, struct message *ret)
{
    char *bytes = memrchr(line, ' ', (size_t)(line_end - line));
    size_t len = bytes == NULL ? 0 : strtoul(bytes, NULL, 10);
    char *body = line_end + 1;
    char *rest;

    if ((size_t)(wire->in + wire->in_end - body) < len + 2) {
        return false;
    }
    *bytes = 0;
    strtok_r(line + 4, " ", &rest);
    ret->number = strtoul(strtok_r(NULL, " ", &rest), NULL, 10);
    ret->reply = strtok_r(NULL, " ", &rest);
    ret->body = body;
    ret->len = len;
    wire->in_begin = (size_t)(body - wire->in) + len + 2;
    return true;
}

// The next message of what was read; lends it until the wire is filled again.
static bool
next_message(struct client *client, struct message *ret)
{
    struct wire *wire = client->wire;

    for (;;) {
        char *line = wire->in + wire->in_begin;
        char *end = memchr(line, '\n', wire->in_end - wire->in_begin);

        if (end == NULL) {
            return false;
        }
        if (strncmp(line, "MSG ", 4) == 0) {
            return take_message(wire, line, end, ret);
        }
        wire->in_begin = (size_t)(end - wire->in) + 1;
        if (strncmp(line, "PING", 4) == 0) {
            put_text(client, "PONG\r\n");
        } else if (strncmp(line, "-ERR", 4) == 0) {
            *end = 0;
            give_up("the server says", line);
        }
    }
}

// Answers of the server are short JSON; one that refuses has an "error".
static size_t
take_answers(struct client *client, int wait_ms)
{
    struct message message;
    size_t len = 0;

    wire_fill(client->wire, wait_ms);
    for (; next_message(client, &message); len++) {
        if (memmem(message.body, message.len, "\"error\"", 7) != NULL) {
            message.body[message.len] = 0;
            give_up("refused", message.body);
        }
    }
    return len;
}

// ---- streams ----

static uint32_t streams; // mailbox m lies in stream m % streams

static void
ask(struct client *client, const char *subject, const char *json)
{
    char text[640];

    snprintf(text, sizeof text, "PUB $JS.API.%s %s %zu\r\n%s\r\n", subject, client->inbox,
             strlen(json), json);
    put_text(client, text);
    wire_flush(client->wire);
    while (take_answers(client, PATIENCE_MS) == 0) {
    }
}

static void
prepare(const struct job *job)
{
    struct client client = client_open(job);

    streams = job->shared ? CONNECTIONS : MAILBOXES;
    for (uint32_t i = 0; i < streams; i++) {
        char subject[80];
        char json[400];

        snprintf(subject, sizeof subject, "STREAM.CREATE.s%u", i);
        snprintf(json, sizeof json,
                 "{\"name\":\"s%u\",\"subjects\":[\"s.%u.*\"],\"retention\":\"limits\","
                 "\"storage\":\"file\",\"discard\":\"old\",\"num_replicas\":1,"
                 "\"max_consumers\":-1,\"max_msgs\":-1,\"max_bytes\":-1,\"max_age\":0}",
                 i, i);
        ask(&client, subject, json);
        snprintf(subject, sizeof subject, "CONSUMER.DURABLE.CREATE.s%u.d", i);
        snprintf(json, sizeof json,
                 "{\"stream_name\":\"s%u\",\"config\":{\"durable_name\":\"d\","
                 "\"deliver_subject\":\"d.%u\",\"deliver_policy\":\"all\","
                 "\"ack_policy\":\"all\",\"replay_policy\":\"instant\","
                 "\"max_ack_pending\":%d}}",
                 i, i, WINDOW);
        ask(&client, subject, json);
    }
    wire_close(&client.wire);
}

// ---- publishing ----

static struct client sources[SOURCES];
static struct tally *counts;
static uint64_t published;

static void
publish_open(const struct job *job, struct tally *tally)
{
    counts = tally;
    for (size_t i = 0; i < SOURCES; i++) {
        sources[i] = client_open(job);
    }
}

static void
wait_until(uint64_t unanswered)
{
    uint64_t begin = now_us();

    for (size_t i = 0; i < SOURCES; i++) {
        wire_flush(sources[i].wire);
    }
    while (published - counts->answered > unanswered && now_us() - begin < SETTLE_US) {
        for (size_t i = 0; i < SOURCES; i++) {
            counts->answered += take_answers(&sources[i], 1);
        }
    }
}

static void
publish(const struct mutation *mutation)
{
    for (size_t i = 0; i < mutation->mailboxes_len; i++) {
        uint32_t m = mutation->mailboxes[i];
        struct client *source = &sources[m % SOURCES];
        char text[64];

        snprintf(text, sizeof text, "PUB s.%u.%u %s %d\r\n", m % streams, m,
                 source->inbox, BODY_LEN);
        put_text(source, text);
        wire_put(source->wire, mutation->body, BODY_LEN);
        put_text(source, "\r\n");
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

struct place {
    char reply[REPLY_MAX]; // to the newest letter, which stands for all before it
    size_t since;          // letters that were not acknowledged
};

static void
acknowledge(struct client *member, struct place *place)
{
    if (place->since > 0) {
        put_text(member, "PUB ");
        put_text(member, place->reply);
        put_text(member, " 0\r\n\r\n");
        place->since = 0;
    }
}

static void
take_letters(struct client *member, struct place *places, struct tally *tally)
{
    struct message message;

    wire_fill(member->wire, PATIENCE_MS);
    while (next_message(member, &message)) {
        struct place *place = &places[message.number];

        received(tally, message.body, message.len);
        snprintf(place->reply, sizeof place->reply, "%s", message.reply);
        if (++place->since >= ACK_EVERY) {
            acknowledge(member, place);
        }
    }
}

static void
receive(const struct job *job, unsigned connection, struct tally *tally)
{
    struct place *places = calloc(streams, sizeof *places);
    struct client member = client_open(job);
    uint64_t acknowledged = now_us();

    for (uint32_t i = connection; i < streams; i += CONNECTIONS) {
        char text[40];

        snprintf(text, sizeof text, "SUB d.%u %u\r\n", i, i);
        put_text(&member, text);
    }
    wire_flush(member.wire);
    tally->ready++;
    while (!tally->stop) {
        take_letters(&member, places, tally);
        if (now_us() - acknowledged > ACK_US) {
            acknowledged = now_us();
            for (uint32_t i = connection; i < streams; i += CONNECTIONS) {
                acknowledge(&member, &places[i]);
            }
        }
        wire_flush(member.wire);
    }
    wire_close(&member.wire);
    free(places);
}

const struct peer peer = {
    .name = "jetstream",
    .durability = "in the kernel's cache when answered (synced every minute)",
    .prepare = prepare,
    .publish_open = publish_open,
    .publish = publish,
    .settle = settle,
    .receive = receive,
};
