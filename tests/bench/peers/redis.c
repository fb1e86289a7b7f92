// SPDX-License-Identifier: EUPL-1.2
// redis.c - Redis Streams: a stream for each mailbox, appendfsync always, XADD in a pipeline
// with a window. A mailbox has one owner, so what XTRIM has taken is what was acknowledged,
// and a receiver that comes back reads what is left: no consumer group is needed.
#include "job.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 256, BLOCK_MS = 100, MINE_MAX = MAILBOXES / CONNECTIONS + 1, ID_MAX = 48 };

static redisContext *publisher;
static struct tally *counts;
static size_t unanswered, unsent;

static redisContext *
connection_of(const struct job *job)
{
    redisContext *redis = redisConnect("127.0.0.1", atoi(job->server));

    if (redis == NULL || redis->err != 0) {
        give_up("connect", redis == NULL ? NULL : redis->errstr);
    }
    return redis;
}

static redisReply *
reply_of(redisContext *redis)
{
    redisReply *reply = NULL;

    if (redisGetReply(redis, (void **)&reply) != REDIS_OK) {
        give_up("reply", redis->errstr);
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        give_up("reply", reply->str);
    }
    return reply;
}

static void
prepare(const struct job *job)
{
    redisContext *redis = connection_of(job);

    redisAppendCommand(redis, "FLUSHALL");
    freeReplyObject(reply_of(redis));
    redisFree(redis);
}

static void
publish_open(const struct job *job, struct tally *tally)
{
    publisher = connection_of(job);
    counts = tally;
}

static void
take_answers(size_t left)
{
    while (unanswered > left) {
        freeReplyObject(reply_of(publisher));
        unanswered--;
        counts->answered++;
    }
    unsent = 0;
}

// Writes what gathered without waiting for answers, as an asynchronous client would.
static void
push(void)
{
    int done = 0;

    while (!done) {
        if (redisBufferWrite(publisher, &done) != REDIS_OK) {
            give_up("write", publisher->errstr);
        }
    }
    unsent = 0;
}

static void
publish(const struct mutation *mutation)
{
    for (size_t i = 0; i < mutation->mailboxes_len; i++) {
        char stream[16];
        const char *words[] = {"XADD", stream, "*", "b", (const char *)mutation->body};
        size_t lens[] = {4, 0, 1, 1, BODY_LEN};

        lens[1] = (size_t)snprintf(stream, sizeof stream, "m%u", mutation->mailboxes[i]);
        redisAppendCommandArgv(publisher, 5, words, lens);
        unanswered++;
        unsent++;
    }
    if (unsent >= BATCH) {
        push();
    }
    if (unanswered >= WINDOW) {
        take_answers(WINDOW / 2);
    }
}

static void
settle(void)
{
    take_answers(0);
}

// ---- receiving ----

struct box {
    uint32_t mailbox;
    char last[ID_MAX];
};

struct reader {
    redisContext *redis;
    struct box boxes[MINE_MAX];
    size_t len;
    struct tally *tally;
};

static void
ask(struct reader *reader)
{
    const char *words[6 + 2 * MINE_MAX] = {"XREAD", "COUNT", "500",
                                           "BLOCK", "100",   "STREAMS"};
    char streams[MINE_MAX][16];

    for (size_t i = 0; i < reader->len; i++) {
        snprintf(streams[i], sizeof streams[i], "m%u", reader->boxes[i].mailbox);
        words[6 + i] = streams[i];
        words[6 + reader->len + i] = reader->boxes[i].last;
    }
    redisAppendCommandArgv(reader->redis, (int)(6 + 2 * reader->len), words, NULL);
}

static void
take_stream(struct reader *reader, const redisReply *stream)
{
    uint32_t mailbox = (uint32_t)strtoul(stream->element[0]->str + 1, NULL, 10);
    const redisReply *entries = stream->element[1];
    struct box *box = &reader->boxes[mailbox / CONNECTIONS];

    for (size_t i = 0; i < entries->elements; i++) {
        const redisReply *value = entries->element[i]->element[1]->element[1];

        received(reader->tally, value->str, value->len);
    }

    const redisReply *id = entries->element[entries->elements - 1]->element[0];
    char *sequence;

    snprintf(box->last, sizeof box->last, "%s", id->str);

    unsigned long long ms = strtoull(id->str, &sequence, 10);

    redisAppendCommand(reader->redis, "XTRIM m%u MINID %llu-%llu", mailbox, ms,
                       strtoull(sequence + 1, NULL, 10) + 1);
}

static void
receive(const struct job *job, unsigned connection, struct tally *tally)
{
    struct reader *reader = calloc(1, sizeof *reader);

    reader->redis = connection_of(job);
    reader->tally = tally;
    for (uint32_t m = connection; m < MAILBOXES; m += CONNECTIONS) {
        reader->boxes[reader->len++] = (struct box){m, "0"};
    }
    tally->ready++;

    size_t trims = 0;

    while (!tally->stop) {
        ask(reader);
        for (; trims > 0; trims--) {
            freeReplyObject(reply_of(reader->redis));
        }

        redisReply *reply = reply_of(reader->redis);

        if (reply->type == REDIS_REPLY_ARRAY) {
            for (; trims < reply->elements; trims++) {
                take_stream(reader, reply->element[trims]);
            }
        }
        freeReplyObject(reply);
    }
    redisFree(reader->redis);
    free(reader);
}

const struct peer peer = {
    .name = "redis",
    .durability = "synced before the answer (appendfsync always)",
    .prepare = prepare,
    .publish_open = publish_open,
    .publish = publish,
    .settle = settle,
    .receive = receive,
};
