// SPDX-License-Identifier: EUPL-1.2
#include "network.h"

#include <string.h>

// ---- queues ----

static void
add_frame(struct queue *queue, const void *at, size_t len)
{
    CHECK(queue->len < QUEUE_MAX);
    buffer_add(&queue->frame[queue->len++], at, len);
}

// Gives: the frame (buffer_free).
static struct buffer
take_frame(struct queue *queue, size_t i)
{
    struct buffer frame = queue->frame[i];

    queue->len--;
    memmove(&queue->frame[i], &queue->frame[i + 1],
            (queue->len - i) * sizeof *queue->frame);
    queue->frame[queue->len] = (struct buffer){0};
    return frame;
}

static void
empty_queue(struct queue *queue)
{
    while (queue->len > 0) {
        struct buffer frame = take_frame(queue, queue->len - 1);

        buffer_free(&frame);
    }
}

// ---- connections ----

static struct connection *
find(const struct network *network, uint64_t id)
{
    for (size_t i = 0; id != 0 && i < CONNECTIONS_MAX; i++) {
        if (network->connections[i].id == id) {
            return (struct connection *)&network->connections[i];
        }
    }
    return NULL;
}

static void
forget(struct connection *connection)
{
    empty_queue(&connection->to_broker);
    empty_queue(&connection->to_client);
    connection->id = 0;
}

static enum door_sent
take_from_broker(uint64_t id, struct bytes frame, void *arg)
{
    struct network *network = arg;
    struct connection *connection = find(network, id);

    if (connection == NULL || connection->hung_up || connection->shut) {
        network->from_broker(id, frame, false, network->arg);
        return DOOR_GONE;
    }
    if (connection->to_client.len >= network->queue_max) {
        network->from_broker(id, frame, false, network->arg);
        return DOOR_FULL;
    }
    network->from_broker(id, frame, true, network->arg);
    add_frame(&connection->to_client, frame.at, frame.len);
    return DOOR_SENT;
}

static void
shut_by_broker(uint64_t id, void *arg)
{
    struct connection *connection = find(arg, id);

    if (connection != NULL) {
        connection->shut = true;
        empty_queue(&connection->to_broker);
    }
}

void
network_begin(struct network *network, struct dice *dice)
{
    struct stage_network hooks = {take_from_broker, shut_by_broker, network};

    *network = (struct network){.dice = dice, .queue_max = QUEUE_MAX};
    stage_begin(&hooks);
}

void
network_end(struct network *network)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        forget(&network->connections[i]);
    }
}

uint64_t
network_connect(struct network *network, enum stage_door door, const uint8_t key[KEY_LEN])
{
    uint32_t key_id = stage_admit(key);
    struct connection *connection = network->connections;

    while (connection < network->connections + CONNECTIONS_MAX && connection->id != 0) {
        connection++;
    }
    if (key_id == 0 || connection == network->connections + CONNECTIONS_MAX) {
        return 0;
    }
    connection->id = ++network->last_id;
    connection->door = door;
    connection->key_id = key_id;
    connection->hung_up = connection->shut = false;
    memcpy(connection->key, key, KEY_LEN);
    return connection->id;
}

// What is on its way to the broker may still arrive.
void
network_hang_up(struct network *network, uint64_t id)
{
    struct connection *connection = find(network, id);

    if (connection == NULL) {
        return;
    }
    connection->hung_up = true;
    empty_queue(&connection->to_client);
    if (connection->shut || connection->to_broker.len == 0 ||
        dice_one_in(network->dice, 2)) {
        forget(connection);
    }
}

bool
network_is_up(const struct network *network, uint64_t id)
{
    const struct connection *connection = find(network, id);

    return connection != NULL && !connection->hung_up &&
           (!connection->shut || connection->to_client.len > 0);
}

bool
network_has_room(const struct network *network, uint64_t id)
{
    const struct connection *connection = find(network, id);

    return connection != NULL && connection->to_broker.len < QUEUE_MAX;
}

void
network_send(struct network *network, uint64_t id, struct buffer *frame)
{
    struct connection *connection = find(network, id);

    if (connection != NULL && !connection->shut &&
        connection->to_broker.len < QUEUE_MAX) {
        connection->to_broker.frame[connection->to_broker.len++] = *frame;
        *frame = (struct buffer){0};
    }
    buffer_free(frame);
}

void
network_lose_all(struct network *network)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *connection = &network->connections[i];

        connection->shut = true;
        empty_queue(&connection->to_broker);
        if (connection->hung_up || dice_one_in(network->dice, 2)) {
            forget(connection);
        }
    }
}

// ---- carrying ----

static void
deliver(struct network *network, struct connection *connection, bool to_broker,
        struct bytes frame)
{
    network->frames++;
    if (to_broker) {
        network->to_broker(connection, frame, network->arg);
    } else {
        network->at_client(connection->id, frame, network->arg);
    }
}

static void
carry(struct network *network, struct connection *connection, bool to_broker)
{
    struct queue *queue = to_broker ? &connection->to_broker : &connection->to_client;
    bool late = network->disorder > 0 && dice_one_in(network->dice, network->disorder);
    size_t i = late ? dice_below(network->dice, (uint32_t)queue->len) : 0;
    bool lost = network->loss > 0 && dice_one_in(network->dice, network->loss);
    bool doubled = network->loss > 0 && dice_one_in(network->dice, network->loss);
    struct buffer frame = {0};

    network->lost += lost;
    network->doubled += doubled && !lost;
    if (doubled && !lost) { // and it comes once more
        buffer_add(&frame, queue->frame[i].at, queue->frame[i].len);
    } else {
        frame = take_frame(queue, i);
    }
    if (!lost) {
        deliver(network, connection, to_broker, (struct bytes){frame.at, frame.len});
    }
    buffer_free(&frame);
}

// The connection after a random one that has something on its way.
static struct connection *
choose(struct network *network)
{
    uint32_t first = dice_below(network->dice, CONNECTIONS_MAX);

    for (uint32_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *connection =
            &network->connections[(first + i) % CONNECTIONS_MAX];

        if (connection->to_broker.len + connection->to_client.len > 0) {
            return connection;
        }
        if (connection->id != 0 && connection->hung_up) {
            forget(connection);
        }
    }
    return NULL;
}

bool
network_carry(struct network *network)
{
    struct connection *connection = choose(network);
    bool to_broker;

    if (connection == NULL) {
        return false;
    }
    to_broker = connection->to_client.len == 0 ||
                (connection->to_broker.len > 0 && dice_one_in(network->dice, 2));
    carry(network, connection, to_broker);
    return true;
}
