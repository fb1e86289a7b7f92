// SPDX-License-Identifier: EUPL-1.2
// world.h - a whole broker in the test's own thread, and clients that speak protobuf to it.
//
// The store, the writer thread, the sockets and the keys are real; the loop runs only while
// the test waits for something, so that a test reads from top to bottom. Two institutions:
// the source RN and the CPAS-1, a second one CPAS-2, and an operator's key of CPAS-2.
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

#include <cmocka.h>

#include "edge/broker.h"
#include "scratch.h"
#include "store/lmdb_calls.h"
#include "vigie/v1/vigie.pb-c.h"
#include "zmq_threads.h"

enum {
    WORLD_PATIENCE_MS = 20 * 1000, // no wait is meant to reach this
    WORLD_STEP_MS = 2,
    WORLD_PEERS_MAX = 32,
    KEY_TEXT_LEN = 41,
};

struct key_pair {
    char public_text[KEY_TEXT_LEN];
    char secret_text[KEY_TEXT_LEN];
};

struct world {
    struct scratch scratch;
    struct settings settings;
    struct broker *broker;
    struct event *step;
    bool hurries;                   // what comes every second comes a hundred times in it
    void *zmq;                      // the clients' own context
    void *sockets[WORLD_PEERS_MAX]; // theirs, NULL: closed
    struct key_pair broker_key;
    struct key_pair source;    // RN
    struct key_pair member;    // CPAS-1
    struct key_pair neighbour; // CPAS-2
    struct key_pair operator;  // CPAS-2
    struct key_pair stranger;  // nobody's
    uint32_t rn;
    uint32_t cpas_1;
    uint32_t cpas_2;
};

struct peer {
    struct world *world;
    void *socket;
};

// A fictitious person, born in month 64.
#define WORLD_NISS UINT64_C(66641066692)

// ---- the loop ----

// world_step lets the broker do what there is to do, and waits a moment when there is
// nothing.
static inline void
world_step(struct world *world)
{
    event_base_loop(world->broker->base, EVLOOP_ONCE);
}

static inline void
world_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

static inline void
world_watch(struct world *world)
{
    struct timeval step = {0, WORLD_STEP_MS * 1000};

    world->step = event_new(world->broker->base, -1, EV_PERSIST, world_wake, NULL);
    event_add(world->step, &step);
}

#define WORLD_UNTIL(world, truth)                                                        \
    do {                                                                                 \
        int64_t end_ms = clock_ms() + WORLD_PATIENCE_MS;                                 \
        while (!(truth) && clock_ms() < end_ms) {                                        \
            world_step(world);                                                           \
        }                                                                                \
        assert_true(truth);                                                              \
    } while (0)

// ---- commands from the inside, as HTTP proposes them ----

struct world_answer {
    struct answer_to to;
    bool answered;
    enum vg_status status;
};

static inline void
world_answered(const struct command *command, void *arg)
{
    struct world_answer *answer = arg;

    answer->answered = true;
    answer->status = command->status;
    if (command->kind == COMMAND_INTEGRATE && command->integrate.results != NULL &&
        command->integrate.results[0].verdict == VERDICT_NO) {
        answer->status = command->integrate.results[0].faults->fault[0].status;
    }
}

static inline enum vg_status
world_do(struct world *world, struct command *command)
{
    struct world_answer answer = {.to = {world_answered, &answer}};

    command->back.context = &answer.to;
    broker_propose(world->broker, &command);
    WORLD_UNTIL(world, answer.answered);
    return answer.status;
}

static inline uint32_t
world_institution(struct world *world, const char *code, uint16_t sector)
{
    struct command *command = command_new(COMMAND_ADD_INSTITUTION, NULL, 0);
    struct institution *institution = &command->add_institution.institution;

    snprintf(institution->code, sizeof institution->code, "%s", code);
    snprintf(institution->name, sizeof institution->name, "%s", code);
    institution->sector = sector;
    assert_int_equal(world_do(world, command), VG_OK);
    return roster_by_code(world->broker->roster, bytes_of(code))->id;
}

static inline void
world_key(struct world *world, enum command_kind kind, const struct key_pair *key,
          uint32_t institution, uint32_t role)
{
    struct command *command = command_new(kind, NULL, 0);

    assert_non_null(zmq_z85_decode(command->key.key, key->public_text));
    command->key.row.institution = institution;
    command->key.row.role = role;
    assert_int_equal(world_do(world, command), VG_OK);
}

// world_integrate gives an institution a right to the mutations of WORLD_NISS.
static inline void
world_integrate(struct world *world, uint32_t institution)
{
    struct command *command = command_new(COMMAND_INTEGRATE, NULL, 0);
    struct day today = day_in_brussels(clock_now());

    command->integrate.institution = institution;
    command->integrate.items_len = 1;
    command->integrate.items = xcalloc(1, sizeof *command->integrate.items);
    command->integrate.items[0] = (struct integrate_request){
        .niss = WORLD_NISS,
        .quality = 1,
        .begin = day_number(today),
        .proof = {.last_name = bytes_of("Doe"),
                  .first_name = bytes_of("Jan"),
                  .birth_date = 19660410},
    };
    assert_int_equal(world_do(world, command), VG_OK);
}

// ---- life ----

static inline void
world_settings(struct world *world)
{
    struct settings *settings = &world->settings;
    char path[128];
    FILE *file;

    settings_defaults(settings);
    snprintf(settings->store_path, sizeof settings->store_path, "%s",
             scratch_file(&world->scratch, "store", path));
    snprintf(settings->run_dir, sizeof settings->run_dir, "%s", world->scratch.path);
    snprintf(settings->sources_endpoint, SETTING_TEXT_LEN, "tcp://127.0.0.1:*");
    snprintf(settings->members_endpoint, SETTING_TEXT_LEN, "tcp://127.0.0.1:*");
    snprintf(settings->http_endpoint, SETTING_TEXT_LEN, "%s", "");
    snprintf(settings->catalogue_file, SETTING_TEXT_LEN,
             SOURCE_DIR "/deploy/catalogue.yaml");
    snprintf(settings->key_file, SETTING_TEXT_LEN, "%s",
             scratch_file(&world->scratch, "broker.key", path));
    settings->map_bytes = 256 << 20;
    settings->quota_bytes = 0;
    settings->disk_reserve_bytes = 0;
    settings->test_persons = true;
    settings->heartbeat_ms = 5000;
    settings->scrub_bytes_per_second = 0;
    log_set_level(LOG_ERROR);
    file = fopen(settings->key_file, "w");
    assert_non_null(file);
    fprintf(file, "public: %s\nsecret: %s\n", world->broker_key.public_text,
            world->broker_key.secret_text);
    fclose(file);
    assert_int_equal(chmod(settings->key_file, 0600), 0);
}

static inline void
world_start(struct world *world)
{
    struct faults faults = {0};

    if (broker_open(&world->settings, &world->broker, &faults) != VG_OK) {
        fail_msg("broker_open: %s", faults.fault[0].why.text);
    }
    world_watch(world);
    if (world->hurries) {
        static const struct timeval often = {0, 10 * 1000};

        assert_int_equal(event_add(world->broker->second, &often), 0);
    }
}

static inline void
world_stop(struct world *world)
{
    event_free(world->step);
    broker_close(&world->broker);
}

static inline void
world_people(struct world *world)
{
    world->rn = world_institution(world, "RN", 1);
    world->cpas_1 = world_institution(world, "CPAS-1", SECTOR_CPAS);
    world->cpas_2 = world_institution(world, "CPAS-2", SECTOR_CPAS);
    world_key(world, COMMAND_ADD_KEY, &world->source, world->rn, ROLE_SOURCE);
    world_key(world, COMMAND_ADD_KEY, &world->member, world->cpas_1, ROLE_MEMBER);
    world_key(world, COMMAND_ADD_KEY, &world->neighbour, world->cpas_2, ROLE_MEMBER);
    world_key(world, COMMAND_ADD_KEY, &world->operator, world->cpas_2, ROLE_OPERATOR);
}

static inline int
world_make(void **state, bool hurries)
{
    struct world *world = xcalloc(1, sizeof *world);
    struct key_pair *keys[] = {&world->broker_key, &world->source, &world->member,
                               &world->neighbour, &world->operator, & world->stranger };

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        assert_int_equal(zmq_curve_keypair(keys[i]->public_text, keys[i]->secret_text),
                         0);
    }
    memset(&metrics, 0, sizeof metrics);
    world->hurries = hurries;
    world->scratch = scratch_make();
    world->zmq = zmq_ctx_new();
    world_settings(world);
    world_start(world);
    world_people(world);
    *state = world;
    return 0;
}

// For cmocka's setup and teardown.
static inline int
world_open(void **state)
{
    return world_make(state, false);
}

// world_open_hurried: for tests that wait for what the broker does every second.
static inline int
world_open_hurried(void **state)
{
    return world_make(state, true);
}

// A store that is full when told to, from the start: the writer may not be told of other
// calls while it runs.
static atomic_bool world_is_full;

static inline int
world_put(MDB_txn *txn, MDB_dbi table, MDB_val *key, MDB_val *value, unsigned flags)
{
    return atomic_load(&world_is_full) ? MDB_MAP_FULL
                                       : mdb_put(txn, table, key, value, flags);
}

// world_open_fillable: a hurried one whose store world_is_full makes full.
static inline int
world_open_fillable(void **state)
{
    static struct lmdb_calls calls;

    calls = lmdb_own_calls;
    calls.put = world_put;
    atomic_store(&world_is_full, false);
    store_use_calls(&calls);
    return world_make(state, true);
}

static inline int
world_close(void **state)
{
    struct world *world = *state;

    world_stop(world);
    store_use_calls(NULL);
    for (size_t i = 0; i < WORLD_PEERS_MAX; i++) { // of a test that has failed
        if (world->sockets[i] != NULL) {
            zmq_close(world->sockets[i]);
        }
    }
    zmq_ctx_term(world->zmq);
    scratch_end(&world->scratch);
    free(world);
    return 0;
}

// world_row reads a mailbox's row from the disk.
static inline struct mailbox_row
world_row(struct world *world, uint32_t mailbox)
{
    struct mailbox_row row;
    struct txn *txn = NULL;

    assert_int_equal(store_read(world->broker->store, &txn, NULL), VG_OK);
    assert_int_equal(mailbox_get(txn, (struct mailbox_id){mailbox}, &row), VG_OK);
    store_abort(&txn);
    return row;
}

// world_last_number reads from the disk what a producer of RN has published.
static inline uint64_t
world_last_number(struct world *world, uint32_t producer)
{
    struct producer_row row;
    struct txn *txn = NULL;

    assert_int_equal(store_read(world->broker->store, &txn, NULL), VG_OK);
    assert_int_equal(
        producer_get(txn, (struct institution_id){world->rn}, producer, &row), VG_OK);
    store_abort(&txn);
    return row.last_number;
}

// ---- clients ----

static inline struct peer
peer_open(struct world *world, const struct door *door, const struct key_pair *key)
{
    struct peer peer = {world, zmq_socket(world->zmq, ZMQ_DEALER)};
    int none = 0;
    size_t place = 0;

    assert_non_null(peer.socket);
    while (place < WORLD_PEERS_MAX && world->sockets[place] != NULL) {
        place++;
    }
    assert_true(place < WORLD_PEERS_MAX);
    world->sockets[place] = peer.socket;
    zmq_setsockopt(peer.socket, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(peer.socket, ZMQ_RCVHWM, &none, sizeof none);
    zmq_setsockopt(peer.socket, ZMQ_CURVE_SERVERKEY, world->broker_key.public_text,
                   KEY_TEXT_LEN - 1);
    zmq_setsockopt(peer.socket, ZMQ_CURVE_PUBLICKEY, key->public_text, KEY_TEXT_LEN - 1);
    zmq_setsockopt(peer.socket, ZMQ_CURVE_SECRETKEY, key->secret_text, KEY_TEXT_LEN - 1);
    assert_int_equal(zmq_connect(peer.socket, door_endpoint(door)), 0);
    return peer;
}

static inline void
peer_close(struct peer *peer)
{
    if (peer->socket != NULL) {
        for (size_t i = 0; i < WORLD_PEERS_MAX; i++) {
            if (peer->world->sockets[i] == peer->socket) {
                peer->world->sockets[i] = NULL;
            }
        }
        zmq_close(peer->socket);
        peer->socket = NULL;
    }
}

static inline void
peer_send_bytes(struct peer *peer, const void *bytes, size_t len)
{
    assert_int_equal(zmq_send(peer->socket, bytes, len, ZMQ_DONTWAIT), (int)len);
}

static inline void
peer_send(struct peer *peer, const Vigie__V1__ToBroker *message)
{
    size_t len = vigie__v1__to_broker__get_packed_size(message);
    uint8_t *bytes = malloc(len + 1);

    vigie__v1__to_broker__pack(message, bytes);
    peer_send_bytes(peer, bytes, len);
    free(bytes);
}

// peer_receive_any gives the next message, passing over heartbeats unless they are `wanted`.
// Gives: vigie__v1__to_client__free_unpacked.
static inline Vigie__V1__ToClient *
peer_receive_any(struct peer *peer, Vigie__V1__ToClient__MessageCase wanted)
{
    Vigie__V1__ToClient *message = NULL;
    int64_t end_ms = clock_ms() + WORLD_PATIENCE_MS;
    zmq_msg_t frame;

    zmq_msg_init(&frame);
    while (message == NULL && clock_ms() < end_ms) {
        if (zmq_msg_recv(&frame, peer->socket, ZMQ_DONTWAIT) < 0) {
            world_step(peer->world);
            continue;
        }
        message = vigie__v1__to_client__unpack(NULL, zmq_msg_size(&frame),
                                               zmq_msg_data(&frame));
        assert_non_null(message);
        if (message->message_case == VIGIE__V1__TO_CLIENT__MESSAGE_HEARTBEAT &&
            wanted != VIGIE__V1__TO_CLIENT__MESSAGE_HEARTBEAT) {
            vigie__v1__to_client__free_unpacked(message, NULL);
            message = NULL;
        }
    }
    zmq_msg_close(&frame);
    assert_non_null(message);
    return message;
}

// peer_receive gives the next message, which must be of this kind (0: notifications).
static inline Vigie__V1__ToClient *
peer_receive(struct peer *peer, Vigie__V1__ToClient__MessageCase kind)
{
    Vigie__V1__ToClient *message = peer_receive_any(peer, kind);

    assert_int_equal(message->message_case, kind);
    return message;
}

// peer_expect receives a message of this kind and forgets it.
static inline void
peer_expect(struct peer *peer, Vigie__V1__ToClient__MessageCase kind)
{
    vigie__v1__to_client__free_unpacked(peer_receive(peer, kind), NULL);
}

static inline void
peer_expect_refused(struct peer *peer, enum vg_status status)
{
    Vigie__V1__ToClient *message =
        peer_receive(peer, VIGIE__V1__TO_CLIENT__MESSAGE_REFUSED);

    assert_int_equal(message->refused->fault->status, status);
    assert_string_equal(message->refused->fault->name, vg_status_name(status));
    vigie__v1__to_client__free_unpacked(message, NULL);
}

static inline void
peer_hello(struct peer *peer)
{
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;
    Vigie__V1__Hello hello = VIGIE__V1__HELLO__INIT;

    hello.version = 1;
    hello.client = (char *)"test";
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_HELLO;
    message.hello = &hello;
    peer_send(peer, &message);
}

// peer_enter connects and is welcome.
static inline struct peer
peer_enter(struct world *world, const struct door *door, const struct key_pair *key)
{
    struct peer peer = peer_open(world, door, key);

    peer_hello(&peer);
    peer_expect(&peer, VIGIE__V1__TO_CLIENT__MESSAGE_WELCOME);
    return peer;
}

static inline void
peer_heartbeat(struct peer *peer, uint64_t echo)
{
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;
    Vigie__V1__Heartbeat heartbeat = VIGIE__V1__HEARTBEAT__INIT;

    heartbeat.echo = echo;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_HEARTBEAT;
    message.heartbeat = &heartbeat;
    peer_send(peer, &message);
}

// peer_publish sends `len` mutations of WORLD_NISS, each with a value of value_len bytes.
static inline void
peer_publish_values(struct peer *peer, uint64_t first_number, size_t len,
                    size_t value_len)
{
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;
    Vigie__V1__Publish publish = VIGIE__V1__PUBLISH__INIT;
    Vigie__V1__Mutation mutation = VIGIE__V1__MUTATION__INIT;
    Vigie__V1__Mutation **mutations = xcalloc(len + 1, sizeof *mutations);
    Vigie__V1__Field field = VIGIE__V1__FIELD__INIT;
    Vigie__V1__Field *fields[] = {&field};
    char *value = xcalloc(1, value_len + 1);

    memset(value, 'x', value_len);
    field.code = (char *)"020";
    field.value = value;
    mutation.flow = (char *)"notifyPerson";
    mutation.niss = WORLD_NISS;
    mutation.occurred = day_number(day_in_brussels(clock_now()));
    mutation.n_fields = 1;
    mutation.fields = fields;
    for (size_t i = 0; i < len; i++) {
        mutations[i] = &mutation;
    }
    publish.producer = 1;
    publish.first_number = first_number;
    publish.n_mutations = len;
    publish.mutations = mutations;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_PUBLISH;
    message.publish = &publish;
    peer_send(peer, &message);
    free(value);
    free(mutations);
}

static inline void
peer_publish(struct peer *peer, uint64_t first_number, size_t len)
{
    peer_publish_values(peer, first_number, len, 20);
}

// peer_expect_published waits for the answer to a Publish and checks how far it goes.
static inline void
peer_expect_published(struct peer *peer, uint64_t through)
{
    Vigie__V1__ToClient *message =
        peer_receive(peer, VIGIE__V1__TO_CLIENT__MESSAGE_PUBLISHED);

    assert_int_equal(message->published->through, through);
    vigie__v1__to_client__free_unpacked(message, NULL);
}

static inline void
peer_subscribe(struct peer *peer, uint32_t mailbox, uint32_t window_messages)
{
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;
    Vigie__V1__Subscribe subscribe = VIGIE__V1__SUBSCRIBE__INIT;

    subscribe.mailbox = mailbox;
    subscribe.window_messages = window_messages;
    subscribe.window_bytes = 64 << 20;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_SUBSCRIBE;
    message.subscribe = &subscribe;
    peer_send(peer, &message);
}

static inline void
peer_acknowledge(struct peer *peer, uint32_t mailbox, uint64_t through)
{
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;
    Vigie__V1__Acknowledge acknowledge = VIGIE__V1__ACKNOWLEDGE__INIT;

    acknowledge.mailbox = mailbox;
    acknowledge.through = through;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_ACKNOWLEDGE;
    message.acknowledge = &acknowledge;
    peer_send(peer, &message);
}

// peer_take receives notifications until number `through` has come, each in its turn
// after `before`. Returns how many of them were marked as sent before.
static inline size_t
peer_take(struct peer *peer, uint64_t before, uint64_t through)
{
    size_t again = 0;

    while (before < through) {
        Vigie__V1__ToClient *message =
            peer_receive(peer, VIGIE__V1__TO_CLIENT__MESSAGE__NOT_SET);

        assert_true(message->n_notifications > 0);
        for (size_t i = 0; i < message->n_notifications; i++) {
            assert_int_equal(message->notifications[i]->number, ++before);
            again += (size_t)message->notifications[i]->again;
        }
        vigie__v1__to_client__free_unpacked(message, NULL);
    }
    assert_int_equal(before, through);
    return again;
}

// peer_hears_nothing says that no frame lies there now. Ask after something that the broker
// would have sent later has come.
static inline bool
peer_hears_nothing(struct peer *peer)
{
    zmq_msg_t frame;
    bool nothing;

    zmq_msg_init(&frame);
    nothing = zmq_msg_recv(&frame, peer->socket, ZMQ_DONTWAIT) < 0;
    zmq_msg_close(&frame);
    return nothing;
}

static inline size_t
world_sessions(const struct world *world)
{
    return sessions_len(world->broker->sessions);
}

#endif
