// SPDX-License-Identifier: EUPL-1.2
// mosquitto.c - MQTT: a topic for each mailbox, QoS 1 both ways, sessions that outlive their
// connections. The library acknowledges one by one.
#include "job.h"

#include <mosquitto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QOS = 1, PATIENCE_MS = 100 };

static struct mosquitto *publisher;
static struct tally *counts;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t room = PTHREAD_COND_INITIALIZER;
static size_t unanswered;

static void
check(int rc, const char *what)
{
    if (rc != MOSQ_ERR_SUCCESS) {
        give_up(what, mosquitto_strerror(rc));
    }
}

static struct mosquitto *
client_of(const char *id, void *arg)
{
    struct mosquitto *client = mosquitto_new(id, false, arg);

    if (client == NULL) {
        give_up("client", NULL);
    }
    check(mosquitto_max_inflight_messages_set(client, WINDOW), "window");
    mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
    return client;
}

static void
prepare(const struct job *job)
{
    (void)job;
    mosquitto_lib_init();
}

static void
note_published(struct mosquitto *client, void *arg, int id)
{
    (void)client;
    (void)arg;
    (void)id;
    pthread_mutex_lock(&lock);
    unanswered--;
    counts->answered++;
    if (unanswered <= WINDOW / 2) {
        pthread_cond_signal(&room);
    }
    pthread_mutex_unlock(&lock);
}

static void
publish_open(const struct job *job, struct tally *tally)
{
    counts = tally;
    publisher = client_of("source", NULL);
    mosquitto_publish_callback_set(publisher, note_published);
    check(mosquitto_connect(publisher, "127.0.0.1", atoi(job->server), 60), "connect");
    check(mosquitto_loop_start(publisher), "thread");
}

static void
wait_until(size_t most)
{
    pthread_mutex_lock(&lock);
    while (unanswered > most) {
        pthread_cond_wait(&room, &lock);
    }
    pthread_mutex_unlock(&lock);
}

static void
publish(const struct mutation *mutation)
{
    for (size_t i = 0; i < mutation->mailboxes_len; i++) {
        char topic[16];

        snprintf(topic, sizeof topic, "m/%u", mutation->mailboxes[i]);
        pthread_mutex_lock(&lock);
        while (unanswered >= WINDOW) {
            pthread_cond_wait(&room, &lock);
        }
        unanswered++;
        pthread_mutex_unlock(&lock);
        check(mosquitto_publish(publisher, NULL, topic, BODY_LEN, mutation->body, QOS,
                                false),
              "publish");
    }
}

static void
settle(void)
{
    for (int i = 0; i < 600 && unanswered > 0; i++) {
        wait_until(WINDOW / 2);
        struct timespec pause = {0, 100000000};
        nanosleep(&pause, NULL);
    }
}

// ---- receiving ----

struct seat {
    struct tally *tally;
    unsigned connection;
    size_t granted, wanted;
};

static void
note_message(struct mosquitto *client, void *arg, const struct mosquitto_message *message)
{
    struct seat *seat = arg;

    (void)client;
    received(seat->tally, message->payload, (size_t)message->payloadlen);
}

static void
note_subscribed(struct mosquitto *client, void *arg, int id, int len, const int *granted)
{
    struct seat *seat = arg;

    (void)client;
    (void)id;
    (void)granted;
    seat->granted += (size_t)len;
    if (seat->granted == seat->wanted) {
        seat->tally->ready++;
    }
}

static void
receive(const struct job *job, unsigned connection, struct tally *tally)
{
    struct seat seat = {.tally = tally, .connection = connection};
    char names[MAILBOXES / CONNECTIONS + 1][16];
    char *topics[MAILBOXES / CONNECTIONS + 1];
    char id[16];

    snprintf(id, sizeof id, "member-%u", connection);

    struct mosquitto *client = client_of(id, &seat);

    for (uint32_t m = connection; m < MAILBOXES; m += CONNECTIONS) {
        snprintf(names[seat.wanted], sizeof *names, "m/%u", m);
        topics[seat.wanted] = names[seat.wanted];
        seat.wanted++;
    }
    mosquitto_message_callback_set(client, note_message);
    mosquitto_subscribe_callback_set(client, note_subscribed);
    check(mosquitto_connect(client, "127.0.0.1", atoi(job->server), 60), "connect");
    check(mosquitto_subscribe_multiple(client, NULL, (int)seat.wanted, topics, QOS, 0,
                                       NULL),
          "subscribe");
    while (!tally->stop) {
        check(mosquitto_loop(client, PATIENCE_MS, 1), "receive");
    }
    mosquitto_disconnect(client);
    mosquitto_destroy(client);
}

const struct peer peer = {
    .name = "mosquitto",
    .durability = "in memory when answered (saved to disk now and then)",
    .prepare = prepare,
    .publish_open = publish_open,
    .publish = publish,
    .settle = settle,
    .receive = receive,
};
