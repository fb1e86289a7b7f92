// SPDX-License-Identifier: EUPL-1.2
#include "fake_broker.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <zmq.h>

enum { KINDS = 16, ROUTE_BYTES_MAX = 255, ZAP_FRAMES = 9 };

// Something for the broker's thread to do.
enum order { ORDER_SEND, ORDER_DROP, ORDER_STOP };

struct kept {
    struct kept *next;
    Vigie__V1__ToBroker *message;
};

struct fake_broker {
    void *context;
    void *router;
    void *zap;
    void *orders;       // the thread's end
    void *orders_giver; // the test's end
    pthread_t thread;
    char endpoint[128];
    char keys[4][VG_KEY_TEXT_LEN]; // broker public, secret; client public, secret
    struct vg_address address;

    // Of the thread alone.
    uint8_t route[ROUTE_BYTES_MAX];
    size_t route_len;
    int peer_fd;

    pthread_mutex_t lock; // for what follows
    pthread_cond_t came;
    struct fake_manners manners;
    struct kept *first;
    struct kept **last;
    size_t seen[KINDS];
};

// ---- the broker's thread ----

static void
send_to_peer(struct fake_broker *broker, const void *at, size_t len)
{
    (void)zmq_send(broker->router, broker->route, broker->route_len, ZMQ_SNDMORE);
    (void)zmq_send(broker->router, at, len, 0);
}

static void
pack_to_peer(struct fake_broker *broker, const Vigie__V1__ToClient *message)
{
    size_t size = vigie__v1__to_client__get_packed_size(message);
    uint8_t *bytes = malloc(size + 1);

    if (bytes != NULL) {
        (void)vigie__v1__to_client__pack(message, bytes);
        send_to_peer(broker, bytes, size);
        free(bytes);
    }
}

static void
write_fault(Vigie__V1__Fault *fault, enum vg_status status)
{
    vigie__v1__fault__init(fault);
    fault->status = (uint32_t)status;
    fault->name = (char *)vg_status_name(status);
    fault->remedy = (uint32_t)vg_status_remedy(status);
    fault->sentence = (char *)vg_status_sentence(status);
}

static void
refuse_peer(struct fake_broker *broker, enum vg_status status)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Refused refused = VIGIE__V1__REFUSED__INIT;
    Vigie__V1__Fault fault;

    write_fault(&fault, status);
    refused.fault = &fault;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_REFUSED;
    message.refused = &refused;
    pack_to_peer(broker, &message);
}

static void
answer_hello(struct fake_broker *broker, const struct fake_manners *manners)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Welcome welcome = VIGIE__V1__WELCOME__INIT;

    welcome.version = 1;
    welcome.heartbeat_ms = manners->heartbeat_ms;
    welcome.window_messages = manners->window_messages;
    welcome.window_bytes = manners->window_bytes;
    welcome.mutations_max = 1000;
    welcome.message_bytes_max = 1024 * 1024;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_WELCOME;
    message.welcome = &welcome;
    pack_to_peer(broker, &message);
}

static void
answer_heartbeat(struct fake_broker *broker, Vigie__V1__Heartbeat *heartbeat)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;

    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_HEARTBEAT;
    message.heartbeat = heartbeat;
    pack_to_peer(broker, &message);
}

static void
answer_last_number(struct fake_broker *broker, uint32_t producer, uint64_t last_number)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__LastNumberIs last = VIGIE__V1__LAST_NUMBER_IS__INIT;

    last.producer = producer;
    last.number = last_number;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_LAST_NUMBER_IS;
    message.last_number_is = &last;
    pack_to_peer(broker, &message);
}

// Tickets are a thousand more than the numbers.
static void
answer_publish(struct fake_broker *broker, const Vigie__V1__Publish *publish)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Published published = VIGIE__V1__PUBLISHED__INIT;

    published.producer = publish->producer;
    published.first_number = publish->first_number;
    published.through = publish->first_number + publish->n_mutations - 1;
    published.ticket_first = publish->first_number + 1000;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_PUBLISHED;
    message.published = &published;
    pack_to_peer(broker, &message);
}

static void
answer_subscribe(struct fake_broker *broker, uint32_t mailbox,
                 const struct fake_manners *manners)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Subscribed subscribed = VIGIE__V1__SUBSCRIBED__INIT;

    subscribed.mailbox = mailbox == 0 ? manners->mailbox : mailbox;
    subscribed.acknowledged = manners->acknowledged;
    subscribed.last = manners->last;
    subscribed.waiting = manners->waiting;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED;
    message.subscribed = &subscribed;
    pack_to_peer(broker, &message);
}

static void
answer_request(struct fake_broker *broker, uint64_t id, const Vigie__V1__Reply *reply)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Reply other = VIGIE__V1__REPLY__INIT;
    Vigie__V1__Reply own = *reply;

    other.id = id - 1;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_REPLY;
    message.reply = &other;
    pack_to_peer(broker, &message);
    own.id = id;
    message.reply = &own;
    pack_to_peer(broker, &message);
}

// Whether this one is to cut the connection instead.
static bool
cuts(struct fake_broker *broker)
{
    bool yes;

    (void)pthread_mutex_lock(&broker->lock);
    yes = broker->manners.drops > 0;
    broker->manners.drops -= yes;
    (void)pthread_mutex_unlock(&broker->lock);
    return yes;
}

static void
answer_by_itself(struct fake_broker *broker, const Vigie__V1__ToBroker *came,
                 const struct fake_manners *manners)
{
    switch (came->message_case) {
    case VIGIE__V1__TO_BROKER__MESSAGE_HELLO:
        if (manners->refuses != VG_OK) {
            refuse_peer(broker, manners->refuses);
        } else if (!manners->mute) {
            answer_hello(broker, manners);
        }
        break;
    case VIGIE__V1__TO_BROKER__MESSAGE_HEARTBEAT:
        if (!manners->ignores_heartbeats) {
            answer_heartbeat(broker, came->heartbeat);
        }
        break;
    case VIGIE__V1__TO_BROKER__MESSAGE_LAST_NUMBER:
        answer_last_number(broker, came->last_number->producer, manners->last_number);
        break;
    case VIGIE__V1__TO_BROKER__MESSAGE_PUBLISH:
        if (manners->keeps) {
            answer_publish(broker, came->publish);
        }
        break;
    case VIGIE__V1__TO_BROKER__MESSAGE_SUBSCRIBE:
        if (manners->refuses != VG_OK) {
            refuse_peer(broker, manners->refuses);
        } else if (manners->confirms) {
            answer_subscribe(broker, came->subscribe->mailbox, manners);
        }
        break;
    case VIGIE__V1__TO_BROKER__MESSAGE_REQUEST:
        if (cuts(broker)) {
            (void)shutdown(broker->peer_fd, SHUT_RDWR);
        } else if (manners->refuses != VG_OK) {
            refuse_peer(broker, manners->refuses);
        } else if (manners->reply != NULL) {
            answer_request(broker, came->request->id, manners->reply);
        }
        break;
    default:
        break;
    }
}

// Counted before it is answered: whoever saw the answer's effect finds it counted.
static struct fake_manners
count(struct fake_broker *broker, const Vigie__V1__ToBroker *message)
{
    struct fake_manners manners;

    (void)pthread_mutex_lock(&broker->lock);
    broker->seen[message->message_case]++;
    manners = broker->manners;
    (void)pthread_mutex_unlock(&broker->lock);
    return manners;
}

// From here on the test may take and free it.
static void
keep(struct fake_broker *broker, Vigie__V1__ToBroker *message)
{
    struct kept *kept = calloc(1, sizeof *kept);

    if (kept == NULL) {
        abort();
    }
    kept->message = message;
    (void)pthread_mutex_lock(&broker->lock);
    *broker->last = kept;
    broker->last = &kept->next;
    (void)pthread_cond_broadcast(&broker->came);
    (void)pthread_mutex_unlock(&broker->lock);
}

static void
take_message(struct fake_broker *broker)
{
    Vigie__V1__ToBroker *message;
    struct fake_manners manners;
    zmq_msg_t frame;
    int len;

    len = zmq_recv(broker->router, broker->route, sizeof broker->route, 0);
    broker->route_len = len < 0 ? 0 : (size_t)len;
    (void)zmq_msg_init(&frame);
    (void)zmq_msg_recv(&frame, broker->router, 0);
    broker->peer_fd = zmq_msg_get(&frame, ZMQ_SRCFD);
    message =
        vigie__v1__to_broker__unpack(NULL, zmq_msg_size(&frame), zmq_msg_data(&frame));
    (void)zmq_msg_close(&frame);
    if (message == NULL) {
        abort();
    }
    manners = count(broker, message);
    answer_by_itself(broker, message, &manners);
    keep(broker, message);
}

static void
answer_zap(struct fake_broker *broker)
{
    char frames[ZAP_FRAMES][256];
    int lens[ZAP_FRAMES];
    char status[8];
    int zap_status;

    for (int i = 0; i < ZAP_FRAMES; i++) {
        lens[i] = zmq_recv(broker->zap, frames[i], sizeof frames[i], 0);
    }
    (void)pthread_mutex_lock(&broker->lock);
    zap_status = broker->manners.zap_later > 0 ? 300 : broker->manners.zap_status;
    broker->manners.zap_later -= broker->manners.zap_later > 0;
    (void)pthread_mutex_unlock(&broker->lock);
    if (zap_status == 0) {
        return;
    }
    (void)snprintf(status, sizeof status, "%03d", zap_status % 1000);
    (void)zmq_send(broker->zap, frames[0], (size_t)lens[0], ZMQ_SNDMORE);
    (void)zmq_send(broker->zap, "", 0, ZMQ_SNDMORE);
    (void)zmq_send(broker->zap, "1.0", 3, ZMQ_SNDMORE);
    (void)zmq_send(broker->zap, frames[3], (size_t)lens[3], ZMQ_SNDMORE);
    (void)zmq_send(broker->zap, status, 3, ZMQ_SNDMORE);
    (void)zmq_send(broker->zap, "", 0, ZMQ_SNDMORE);
    (void)zmq_send(broker->zap, zap_status == 200 ? "client" : "",
                   zap_status == 200 ? 6 : 0, ZMQ_SNDMORE);
    (void)zmq_send(broker->zap, "", 0, 0);
}

// An order is one frame, what it is about another; the answer says that it is done.
static bool
obey(struct fake_broker *broker)
{
    enum order order = ORDER_STOP;
    zmq_msg_t about;

    (void)zmq_recv(broker->orders, &order, sizeof order, 0);
    (void)zmq_msg_init(&about);
    (void)zmq_msg_recv(&about, broker->orders, 0);
    if (order == ORDER_SEND) {
        send_to_peer(broker, zmq_msg_data(&about), zmq_msg_size(&about));
    } else if (order == ORDER_DROP) {
        (void)shutdown(broker->peer_fd, SHUT_RDWR);
    }
    (void)zmq_msg_close(&about);
    (void)zmq_send(broker->orders, "", 0, 0);
    return order != ORDER_STOP;
}

static void *
live(void *arg)
{
    struct fake_broker *broker = arg;
    bool alive = true;

    while (alive) {
        zmq_pollitem_t items[] = {{broker->zap, 0, ZMQ_POLLIN, 0},
                                  {broker->router, 0, ZMQ_POLLIN, 0},
                                  {broker->orders, 0, ZMQ_POLLIN, 0}};

        (void)zmq_poll(items, 3, -1);
        if ((items[0].revents & ZMQ_POLLIN) != 0) {
            answer_zap(broker);
        }
        if ((items[1].revents & ZMQ_POLLIN) != 0) {
            take_message(broker);
        }
        if ((items[2].revents & ZMQ_POLLIN) != 0) {
            alive = obey(broker);
        }
    }
    return NULL;
}

// ---- life ----

static void
set_int(void *socket, int option, int value)
{
    assert_int_equal(zmq_setsockopt(socket, option, &value, sizeof value), 0);
}

static void *
open_socket(struct fake_broker *broker, int type)
{
    void *socket = zmq_socket(broker->context, type);

    assert_non_null(socket);
    set_int(socket, ZMQ_LINGER, 0);
    return socket;
}

static void
open_sockets(struct fake_broker *broker)
{
    size_t size = sizeof broker->endpoint;

    broker->zap = open_socket(broker, ZMQ_ROUTER);
    assert_int_equal(zmq_bind(broker->zap, "inproc://zeromq.zap.01"), 0);
    broker->orders = open_socket(broker, ZMQ_PAIR);
    assert_int_equal(zmq_bind(broker->orders, "inproc://orders"), 0);
    broker->orders_giver = open_socket(broker, ZMQ_PAIR);
    assert_int_equal(zmq_connect(broker->orders_giver, "inproc://orders"), 0);
    broker->router = open_socket(broker, ZMQ_ROUTER);
    set_int(broker->router, ZMQ_CURVE_SERVER, 1);
    set_int(broker->router, ZMQ_HANDSHAKE_IVL, 200);
    assert_int_equal(zmq_setsockopt(broker->router, ZMQ_ZAP_DOMAIN, "vigie", 5), 0);
    assert_int_equal(zmq_setsockopt(broker->router, ZMQ_CURVE_SECRETKEY, broker->keys[1],
                                    VG_KEY_TEXT_LEN),
                     0);
    assert_int_equal(zmq_bind(broker->router, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(
        zmq_getsockopt(broker->router, ZMQ_LAST_ENDPOINT, broker->endpoint, &size), 0);
}

struct fake_broker *
fake_broker_start(void)
{
    struct fake_broker *broker = calloc(1, sizeof *broker);
    pthread_condattr_t monotonic;

    assert_non_null(broker);
    assert_int_equal(vg_key_make(broker->keys[0], broker->keys[1]), VG_OK);
    assert_int_equal(vg_key_make(broker->keys[2], broker->keys[3]), VG_OK);
    broker->context = zmq_ctx_new();
    open_sockets(broker);
    broker->address = (struct vg_address){broker->endpoint, broker->keys[0],
                                          broker->keys[2], broker->keys[3], "test"};
    broker->last = &broker->first;
    broker->manners = (struct fake_manners){.zap_status = 200,
                                            .heartbeat_ms = 60 * 1000,
                                            .window_messages = 1000,
                                            .window_bytes = 1024 * 1024,
                                            .mailbox = 5};
    (void)pthread_mutex_init(&broker->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&broker->came, &monotonic);
    assert_int_equal(pthread_create(&broker->thread, NULL, live, broker), 0);
    return broker;
}

static void
give_order(struct fake_broker *broker, enum order order, const void *at, size_t len)
{
    char done;

    (void)zmq_send(broker->orders_giver, &order, sizeof order, ZMQ_SNDMORE);
    (void)zmq_send(broker->orders_giver, at, len, 0);
    (void)zmq_recv(broker->orders_giver, &done, sizeof done, 0);
}

static void
free_first(struct fake_broker *broker)
{
    struct kept *kept = broker->first;

    broker->first = kept->next;
    if (broker->first == NULL) {
        broker->last = &broker->first;
    }
    free(kept);
}

void
fake_broker_stop(struct fake_broker **broker)
{
    struct fake_broker *stopped = *broker;

    give_order(stopped, ORDER_STOP, "", 0);
    (void)pthread_join(stopped->thread, NULL);
    (void)zmq_close(stopped->router);
    (void)zmq_close(stopped->orders);
    (void)zmq_close(stopped->orders_giver);
    (void)zmq_close(stopped->zap);
    (void)zmq_ctx_term(stopped->context);
    while (stopped->first != NULL) {
        vigie__v1__to_broker__free_unpacked(stopped->first->message, NULL);
        free_first(stopped);
    }
    (void)pthread_mutex_destroy(&stopped->lock);
    (void)pthread_cond_destroy(&stopped->came);
    free(stopped);
    *broker = NULL;
}

const struct vg_address *
fake_broker_address(const struct fake_broker *broker)
{
    return &broker->address;
}

struct fake_manners
fake_broker_manners(struct fake_broker *broker)
{
    struct fake_manners manners;

    (void)pthread_mutex_lock(&broker->lock);
    manners = broker->manners;
    (void)pthread_mutex_unlock(&broker->lock);
    return manners;
}

void
fake_broker_set(struct fake_broker *broker, const struct fake_manners *manners)
{
    (void)pthread_mutex_lock(&broker->lock);
    broker->manners = *manners;
    (void)pthread_mutex_unlock(&broker->lock);
}

// ---- what came ----

static Vigie__V1__ToBroker *
take_kept(struct fake_broker *broker, Vigie__V1__ToBroker__MessageCase kind)
{
    while (broker->first != NULL) {
        Vigie__V1__ToBroker *message = broker->first->message;

        free_first(broker);
        if (message->message_case == kind) {
            return message;
        }
        vigie__v1__to_broker__free_unpacked(message, NULL);
    }
    return NULL;
}

Vigie__V1__ToBroker *
fake_broker_take(struct fake_broker *broker, Vigie__V1__ToBroker__MessageCase kind)
{
    Vigie__V1__ToBroker *message;
    struct timespec until;
    int waited = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += FAKE_WAIT_MS / 1000;
    (void)pthread_mutex_lock(&broker->lock);
    message = take_kept(broker, kind);
    while (message == NULL && waited == 0) {
        waited = pthread_cond_timedwait(&broker->came, &broker->lock, &until);
        message = take_kept(broker, kind);
    }
    (void)pthread_mutex_unlock(&broker->lock);
    assert_non_null(message);
    return message;
}

size_t
fake_broker_seen(struct fake_broker *broker, Vigie__V1__ToBroker__MessageCase kind)
{
    size_t seen;

    (void)pthread_mutex_lock(&broker->lock);
    seen = broker->seen[kind];
    (void)pthread_mutex_unlock(&broker->lock);
    return seen;
}

// ---- what it says ----

void
fake_broker_send_bytes(struct fake_broker *broker, const void *at, size_t len)
{
    give_order(broker, ORDER_SEND, at, len);
}

void
fake_broker_send(struct fake_broker *broker, const Vigie__V1__ToClient *message)
{
    size_t size = vigie__v1__to_client__get_packed_size(message);
    uint8_t *bytes = malloc(size + 1);

    assert_non_null(bytes);
    (void)vigie__v1__to_client__pack(message, bytes);
    fake_broker_send_bytes(broker, bytes, size);
    free(bytes);
}

void
fake_broker_drop(struct fake_broker *broker)
{
    give_order(broker, ORDER_DROP, "", 0);
}

void
fake_broker_answer(struct fake_broker *broker, uint64_t first_number, uint64_t through,
                   uint64_t ticket_first, const struct fake_result *results,
                   size_t results_len)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Published published = VIGIE__V1__PUBLISHED__INIT;
    Vigie__V1__Result wire[16];
    Vigie__V1__Fault faults[16];
    Vigie__V1__Result *pointers[16];

    assert_true(results_len <= 16);
    for (size_t i = 0; i < results_len; i++) {
        write_fault(&faults[i], results[i].status);
        vigie__v1__result__init(&wire[i]);
        wire[i].number = results[i].number;
        wire[i].fault = &faults[i];
        pointers[i] = &wire[i];
    }
    published.producer = 1;
    published.first_number = first_number;
    published.through = through;
    published.ticket_first = ticket_first;
    published.results = pointers;
    published.n_results = results_len;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_PUBLISHED;
    message.published = &published;
    fake_broker_send(broker, &message);
}

void
fake_broker_deliver(struct fake_broker *broker, uint32_t mailbox, uint64_t first,
                    uint64_t last, bool again)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Content content = VIGIE__V1__CONTENT__INIT;
    size_t len = (size_t)(last - first + 1);
    Vigie__V1__Notification *wire = calloc(len, sizeof *wire);
    Vigie__V1__Notification **pointers = calloc(len, sizeof *pointers);

    assert_non_null(wire);
    assert_non_null(pointers);
    content.flow = (char *)"notifyPerson";
    content.niss = UINT64_C(66641066692);
    content.source = (char *)"25";
    content.ticket = 77;
    for (size_t i = 0; i < len; i++) {
        vigie__v1__notification__init(&wire[i]);
        wire[i].mailbox = mailbox;
        wire[i].number = first + i;
        wire[i].again = again;
        wire[i].content = &content;
        pointers[i] = &wire[i];
    }
    message.notifications = pointers;
    message.n_notifications = len;
    fake_broker_send(broker, &message);
    free(pointers);
    free(wire);
}
