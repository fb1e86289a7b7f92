// SPDX-License-Identifier: EUPL-1.2
// fake_broker.h - a broker of few words, in a thread of the test's own process.
//
// A ROUTER with CURVE on a port of the system's choice, and a ZAP handler. It answers
// Hello, LastNumber and Heartbeat by itself; everything that arrives is kept, and the test
// says what else to answer. So a test reads from top to bottom: the client does, the test
// looks at what came, the test answers, the client takes it.
#ifndef TESTS_FAKE_BROKER_H
#define TESTS_FAKE_BROKER_H

#include "vigie/v1/vigie.pb-c.h"
#include "vigie/vigie.h"

// No wait of a test is meant to reach this.
enum { FAKE_WAIT_MS = 20 * 1000 };

// What it answers by itself. May be changed at any time with fake_broker_set.
struct fake_manners {
    int zap_status;         // 200, 300, 400, 500; 0: no answer at all
    int zap_later;          // so many handshakes get 300 first
    bool mute;              // does not answer Hello
    enum vg_status refuses; // Hello and Subscribe; VG_OK: neither
    bool ignores_heartbeats;
    uint32_t heartbeat_ms;
    uint32_t window_messages;
    uint64_t window_bytes;
    uint64_t last_number;
    bool keeps;       // answers each Publish: all kept
    bool confirms;    // answers each Subscribe with the next four
    uint32_t mailbox; // the default one
    uint64_t acknowledged;
    uint64_t last;
    uint64_t waiting;
    const Vigie__V1__Reply *reply; // answers each Request, after one to another question
    int drops;                     // so many Requests cut the connection first
};

struct fake_broker;

struct fake_broker *fake_broker_start(void);
void fake_broker_stop(struct fake_broker **broker);

// fake_broker_address lends where it is, with a key of its own for the client.
const struct vg_address *fake_broker_address(const struct fake_broker *broker);

// fake_broker_manners gives those it has now: at first: lets all in, keeps no count, answers no Publish, Subscribe or Request.
struct fake_manners fake_broker_manners(struct fake_broker *broker);
void fake_broker_set(struct fake_broker *broker, const struct fake_manners *manners);

// fake_broker_take gives the next message of this kind, passing over others before it. Fails
// the test when none comes. Gives: vigie__v1__to_broker__free_unpacked.
Vigie__V1__ToBroker *fake_broker_take(struct fake_broker *broker,
                                      Vigie__V1__ToBroker__MessageCase kind);
// fake_broker_seen counts all messages of this kind that came, taken or not.
size_t fake_broker_seen(struct fake_broker *broker,
                        Vigie__V1__ToBroker__MessageCase kind);

// To whoever said Hello last.
void fake_broker_send(struct fake_broker *broker, const Vigie__V1__ToClient *message);
void fake_broker_send_bytes(struct fake_broker *broker, const void *at, size_t len);
// fake_broker_drop cuts the connection over which the last message came.
void fake_broker_drop(struct fake_broker *broker);

// ---- short forms of answers ----

struct fake_result {
    uint64_t number;
    enum vg_status status;
};
void fake_broker_answer(struct fake_broker *broker, uint64_t first_number,
                        uint64_t through, uint64_t ticket_first,
                        const struct fake_result *results, size_t results_len);
// fake_broker_deliver sends numbers first to last of a mailbox in one frame.
void fake_broker_deliver(struct fake_broker *broker, uint32_t mailbox, uint64_t first,
                         uint64_t last, bool again);

#endif
