// SPDX-License-Identifier: EUPL-1.2
// jetstream.c - JetStream: one stream in files, a subject for each mailbox and a durable push
// consumer for each, which acknowledges all up to a message. The server of Debian 12 syncs
// in the background; its answer does not wait for that.
#include "job.h"

#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ACK_EVERY = 100, PATIENCE_MS = 20, ANSWER_MS = 30000 };

static natsConnection *publisher;
static jsCtx *stream;
static struct tally *counts;
static uint64_t published;

static void
check(natsStatus status, const char *what)
{
    if (status != NATS_OK) {
        give_up(what, natsStatus_GetText(status));
    }
}

static natsConnection *
connection_of(const struct job *job)
{
    char url[64];
    natsConnection *connection = NULL;

    snprintf(url, sizeof url, "nats://127.0.0.1:%s", job->server);
    check(natsConnection_ConnectTo(&connection, url), "connect");
    return connection;
}

static void
prepare(const struct job *job)
{
    natsConnection *connection = connection_of(job);
    const char *subjects[] = {"m.*"};
    jsStreamConfig config;
    jsCtx *js = NULL;

    check(natsConnection_JetStream(&js, connection, NULL), "jetstream");
    jsStreamConfig_Init(&config);
    config.Name = "mutations";
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.Storage = js_FileStorage;
    check(js_AddStream(NULL, js, &config, NULL, NULL), "stream");
    jsCtx_Destroy(js);
    natsConnection_Destroy(connection);
}

static void
note_lost(jsCtx *js, jsPubAckErr *error, void *arg)
{
    (void)js;
    (void)arg;
    give_up("publish", error->ErrText);
}

static void
publish_open(const struct job *job, struct tally *tally)
{
    jsOptions options;

    counts = tally;
    publisher = connection_of(job);
    jsOptions_Init(&options);
    options.PublishAsync.MaxPending = WINDOW;
    options.PublishAsync.ErrHandler = note_lost;
    check(natsConnection_JetStream(&stream, publisher, &options), "jetstream");
}

static void
publish(const struct mutation *mutation)
{
    for (size_t i = 0; i < mutation->mailboxes_len; i++) {
        jsPubOptions options;
        char subject[16];

        snprintf(subject, sizeof subject, "m.%u", mutation->mailboxes[i]);
        jsPubOptions_Init(&options);
        options.MaxWait = ANSWER_MS; // for room in the window
        check(js_PublishAsync(stream, subject, mutation->body, BODY_LEN, &options),
              "publish");
        published++;
    }
}

static void
settle(void)
{
    jsPubOptions options;

    jsPubOptions_Init(&options);
    options.MaxWait = ANSWER_MS;
    check(js_PublishAsyncComplete(stream, &options), "settle");
    counts->answered = published;
}

// ---- receiving ----

struct box {
    struct tally *tally;
    size_t since; // received and not acknowledged
};

// All of a connection's consumers are served by one thread of the library.
static void
note_message(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
             void *arg)
{
    struct box *box = arg;

    uint64_t waiting = 0;

    (void)connection;
    received(box->tally, natsMsg_GetData(message),
             (size_t)natsMsg_GetDataLength(message));
    natsSubscription_QueuedMsgs(subscription, &waiting);
    if (++box->since >= ACK_EVERY || waiting == 0) {
        natsMsg_Ack(message, NULL);
        box->since = 0;
    }
    natsMsg_Destroy(message);
}

static void
receive(const struct job *job, unsigned connection, struct tally *tally)
{
    struct box boxes[MAILBOXES / CONNECTIONS + 1] = {0};
    natsSubscription *subscriptions[MAILBOXES / CONNECTIONS + 1];
    natsConnection *member = NULL;
    natsOptions *options = NULL;
    char url[64];
    jsCtx *js = NULL;
    size_t len = 0;

    snprintf(url, sizeof url, "nats://127.0.0.1:%s", job->server);
    check(natsOptions_Create(&options), "options");
    check(natsOptions_SetURL(options, url), "options");
    check(natsOptions_UseGlobalMessageDelivery(options, true), "options");
    check(natsConnection_Connect(&member, options), "connect");
    check(natsConnection_JetStream(&js, member, NULL), "jetstream");
    for (uint32_t m = connection; m < MAILBOXES; m += CONNECTIONS) {
        jsSubOptions how;
        char subject[16];
        char durable[16];

        snprintf(subject, sizeof subject, "m.%u", m);
        snprintf(durable, sizeof durable, "d%u", m);
        jsSubOptions_Init(&how);
        how.Stream = "mutations";
        how.ManualAck = true;
        how.Config.Durable = durable;
        how.Config.AckPolicy = js_AckAll;
        how.Config.MaxAckPending = WINDOW;
        boxes[len].tally = tally;
        check(js_Subscribe(&subscriptions[len], js, subject, note_message, &boxes[len],
                           NULL, &how, NULL),
              "subscribe");
        len++;
    }
    tally->ready++;
    while (!tally->stop) {
        usleep(PATIENCE_MS * 1000);
    }
    for (size_t i = 0; i < len; i++) {
        natsSubscription_Destroy(subscriptions[i]);
    }
    jsCtx_Destroy(js);
    natsConnection_Destroy(member);
    natsOptions_Destroy(options);
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
