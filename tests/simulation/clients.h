// SPDX-License-Identifier: EUPL-1.2
// clients.h - sources and members as their libraries behave, and a network that loses,
// doubles and delays what they send.
#ifndef SIMULATION_CLIENTS_H
#define SIMULATION_CLIENTS_H

#include "node.h"

enum {
    PUBLISHERS = 12,
    UNANSWERED_MAX = 100,
    SESSIONS = 8,
    MESSAGES_MAX = 128,
    SESSION_BOXES_MAX = 4,
    GOT_MAX = 64,
};

// A source's stream: what is unanswered is kept and sent again under the same numbers.
struct publisher {
    uint32_t institution;
    uint32_t producer;
    uint64_t next;                       // number of the next new one
    uint64_t first;                      // number of unanswered[0]
    uint32_t unanswered[UNANSWERED_MAX]; // deeds
    size_t len;
    bool asks; // it has forgotten all, and asks for its last number
};

// A mailbox as a member sees it.
struct opened {
    uint32_t mailbox;
    uint64_t last; // newest number received on this session
    uint64_t got[GOT_MAX];
    size_t got_len; // received, perhaps not acknowledged
};

struct session {
    uint64_t id; // 0: none
    uint32_t institution;
    struct opened opened[SESSION_BOXES_MAX];
    size_t opened_len;
};

enum message_kind {
    TO_BROKER_PUBLISHES,
    TO_BROKER_ASKS,
    TO_BROKER_ACKNOWLEDGES,
    TO_CLIENT_ANSWERED,
    TO_CLIENT_LAST_NUMBER,
    TO_CLIENT_DELIVERED
};

struct answer {
    uint64_t first;
    uint64_t through;
    size_t results_len;
    struct publish_result *results;
};

struct message {
    enum message_kind kind;
    size_t publisher;
    uint64_t session;
    uint64_t number;
    struct buffer bytes;
    struct answer answer;
};

struct clients {
    struct dice *dice;
    struct model *model;
    struct node *node;
    struct publisher publishers[PUBLISHERS];
    size_t publishers_len;
    struct session sessions[SESSIONS];
    uint64_t last_session;
    struct message messages[MESSAGES_MAX];
    size_t messages_len;
    unsigned loss; // one in so many is lost; 0: none
    // counted for the report
    uint64_t lost, doubled, delivered, takeovers;
};

void clients_begin(struct clients *clients, struct dice *dice, struct model *model,
                   struct node *node);
void clients_end(struct clients *clients);

// What they do of their own accord.
void clients_report(struct clients *clients, struct deed deed, size_t publisher);
void clients_publish(struct clients *clients, size_t publisher);
void clients_forget(struct clients *clients, size_t publisher);
void clients_subscribe(struct clients *clients, uint32_t institution);
void clients_acknowledge(struct clients *clients, struct session *session);
void clients_vanish(struct clients *clients, struct session *session);
// clients_lose_all: the broker died; connections and what was on them are gone.
void clients_lose_all(struct clients *clients);

// clients_carry brings one message to where it goes, or loses it. False: there is none.
bool clients_carry(struct clients *clients);
// clients_deliver lets the broker send to one session what its window takes.
void clients_deliver(struct clients *clients, struct session *session);
// clients_answer brings a finished batch's answers on their way.
void clients_answer(struct clients *clients, const struct batch *batch);

#endif
