// SPDX-License-Identifier: EUPL-1.2
// rabbitmq.c - RabbitMQ: a quorum queue for each mailbox, persistent messages, confirms with
// a window; receivers prefetch and acknowledge many at once.
#include "job.h"

#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum { CHANNEL = 1, PREFETCH = 200, ACK_EVERY = 500, FRAME_MAX = 131072 };

static amqp_connection_state_t publisher;
static struct tally *counts;
static uint64_t published, confirmed;

static void
expect(amqp_connection_state_t connection, const char *what)
{
    amqp_rpc_reply_t reply = amqp_get_rpc_reply(connection);

    if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
        give_up(what, reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION
                          ? amqp_error_string2(reply.library_error)
                          : "refused by the server");
    }
}

static amqp_connection_state_t
connection_of(const struct job *job)
{
    amqp_connection_state_t connection = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(connection);

    if (socket == NULL || amqp_socket_open(socket, "127.0.0.1", atoi(job->server)) != 0) {
        give_up("connect", NULL);
    }

    amqp_rpc_reply_t reply = amqp_login(connection, "/", 0, FRAME_MAX, 0,
                                        AMQP_SASL_METHOD_PLAIN, "guest", "guest");

    if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
        give_up("login", NULL);
    }
    amqp_channel_open(connection, CHANNEL);
    expect(connection, "channel");
    return connection;
}

static amqp_bytes_t
queue_of(uint32_t mailbox, char name[static 16])
{
    snprintf(name, 16, "m%u", mailbox);
    return amqp_cstring_bytes(name);
}

static void
prepare(const struct job *job)
{
    amqp_connection_state_t connection = connection_of(job);
    amqp_table_entry_t kind = {.key = amqp_cstring_bytes("x-queue-type"),
                               .value = {.kind = AMQP_FIELD_KIND_UTF8,
                                         .value.bytes = amqp_cstring_bytes("quorum")}};
    amqp_table_t table = {1, &kind};

    for (uint32_t m = 0; m < MAILBOXES; m++) {
        char name[16];

        amqp_queue_declare(connection, CHANNEL, queue_of(m, name), 0, 1, 0, 0, table);
        expect(connection, "queue");
    }
    amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(connection);
}

static void
publish_open(const struct job *job, struct tally *tally)
{
    publisher = connection_of(job);
    amqp_confirm_select(publisher, CHANNEL);
    expect(publisher, "confirm");
    counts = tally;
}

// One confirm may stand for many.
static void
take_confirm(const struct timeval *patience)
{
    amqp_frame_t frame;
    int rc = amqp_simple_wait_frame_noblock(publisher, &frame, patience);

    if (rc == AMQP_STATUS_TIMEOUT) {
        return;
    }
    if (rc != AMQP_STATUS_OK) {
        give_up("confirm", amqp_error_string2(rc));
    }
    if (frame.frame_type != AMQP_FRAME_METHOD ||
        frame.payload.method.id != AMQP_BASIC_ACK_METHOD) {
        give_up("confirm", "not a confirm");
    }

    const amqp_basic_ack_t *ack = frame.payload.method.decoded;

    confirmed += ack->multiple ? ack->delivery_tag - confirmed : 1;
    amqp_maybe_release_buffers(publisher);
    counts->answered = confirmed;
}

static void
publish(const struct mutation *mutation)
{
    static const struct timeval at_once = {0, 0};
    static const struct timeval second = {1, 0};
    amqp_basic_properties_t properties = {._flags = AMQP_BASIC_DELIVERY_MODE_FLAG,
                                          .delivery_mode = 2};

    for (size_t i = 0; i < mutation->mailboxes_len; i++) {
        char name[16];
        int rc = amqp_basic_publish(
            publisher, CHANNEL, amqp_empty_bytes, queue_of(mutation->mailboxes[i], name),
            0, 0, &properties, (amqp_bytes_t){BODY_LEN, (void *)mutation->body});

        if (rc != AMQP_STATUS_OK) {
            give_up("publish", amqp_error_string2(rc));
        }
        published++;
    }
    if (published % 64 == 0) {
        take_confirm(&at_once);
    }
    while (published - confirmed >= WINDOW) {
        take_confirm(&second);
    }
}

static void
settle(void)
{
    static const struct timeval second = {1, 0};
    uint64_t begin = now_us();

    while (confirmed < published && now_us() - begin < 60000000) {
        take_confirm(&second);
    }
}

static void
receive(const struct job *job, unsigned connection, struct tally *tally)
{
    amqp_connection_state_t member = connection_of(job);
    uint64_t last = 0;
    uint64_t acknowledged = 0;

    amqp_basic_qos(member, CHANNEL, 0, PREFETCH, 0); // of each queue: quorum asks that
    expect(member, "qos");
    for (uint32_t m = connection; m < MAILBOXES; m += CONNECTIONS) {
        char name[16];

        amqp_basic_consume(member, CHANNEL, queue_of(m, name), amqp_empty_bytes, 0, 0, 0,
                           amqp_empty_table);
        expect(member, "consume");
    }
    tally->ready++;
    while (!tally->stop) {
        amqp_envelope_t envelope;
        struct timeval patience = {0, last > acknowledged ? 2000 : 100000};

        amqp_maybe_release_buffers(member);

        amqp_rpc_reply_t reply = amqp_consume_message(member, &envelope, &patience, 0);

        if (reply.reply_type == AMQP_RESPONSE_NORMAL) {
            received(tally, envelope.message.body.bytes, envelope.message.body.len);
            last = envelope.delivery_tag;
            amqp_destroy_envelope(&envelope);
        } else if (reply.library_error != AMQP_STATUS_TIMEOUT) {
            give_up("receive", amqp_error_string2(reply.library_error));
        }
        if (last - acknowledged >= ACK_EVERY ||
            (last > acknowledged && reply.reply_type != AMQP_RESPONSE_NORMAL)) {
            amqp_basic_ack(member, CHANNEL, last, 1);
            acknowledged = last;
        }
    }
    amqp_connection_close(member, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(member);
}

const struct peer peer = {
    .name = "rabbitmq",
    .durability = "synced before the answer (quorum queue of one node)",
    .prepare = prepare,
    .publish_open = publish_open,
    .publish = publish,
    .settle = settle,
    .receive = receive,
};
