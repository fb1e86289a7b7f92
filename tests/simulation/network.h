// SPDX-License-Identifier: EUPL-1.2
// network.h - connections between clients and the broker's doors: bytes that are lost,
// doubled, late and out of order, peers that hang up or do not read.
#ifndef SIMULATION_NETWORK_H
#define SIMULATION_NETWORK_H

#include "dice.h"
#include "stage.h"

enum { CONNECTIONS_MAX = 32, QUEUE_MAX = 24 };

struct queue {
    struct buffer frame[QUEUE_MAX];
    size_t len;
};

struct connection {
    uint64_t id; // 0: none
    enum stage_door door;
    uint8_t key[KEY_LEN];
    uint32_t key_id;
    bool hung_up; // by the client; the broker finds out when it sends something
    bool shut;    // by the broker, or because it died
    struct queue to_broker;
    struct queue to_client;
};

struct network {
    struct dice *dice;
    struct connection connections[CONNECTIONS_MAX];
    uint64_t last_id;
    unsigned loss;     // one frame in so many is lost, or comes twice; 0: none
    unsigned disorder; // one in so many comes before others; 0: none
    size_t queue_max;  // what a connection holds before the broker is told to wait
    // who hears what arrives, and sees what passes the doors
    void (*at_client)(uint64_t connection, struct bytes frame, void *arg);
    void (*to_broker)(const struct connection *connection, struct bytes frame, void *arg);
    void (*from_broker)(uint64_t connection, struct bytes frame, bool taken, void *arg);
    void *arg;
    // counted for the report
    uint64_t frames, lost, doubled;
};

void network_begin(struct network *network, struct dice *dice);
void network_end(struct network *network);

// network_connect gives a connection's id; 0: not let in, or no room.
uint64_t network_connect(struct network *network, enum stage_door door,
                         const uint8_t key[KEY_LEN]);
void network_hang_up(struct network *network, uint64_t id);
// network_is_up: neither side has ended it, as far as the client can know.
bool network_is_up(const struct network *network, uint64_t id);
bool network_has_room(const struct network *network, uint64_t id);

// network_send puts a client's frame on its way; lost where there is no room. Takes: frame.
void network_send(struct network *network, uint64_t id, struct buffer *frame);
// network_carry brings one frame to where it goes, or loses it. False: there is none.
bool network_carry(struct network *network);

// network_lose_all: the broker died; some of what it had said still arrives.
void network_lose_all(struct network *network);

#endif
