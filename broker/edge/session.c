// SPDX-License-Identifier: EUPL-1.2
#include "edge/session.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 4096, COUNTED_ROUTE_LEN = 5 };

// Keeps ZeroMQ's own numbers apart from ours.
#define COUNTED_BY_ZEROMQ (UINT64_C(1) << 63)

// Ids count up, so that their low bits spread evenly.
struct slot {
    struct session **sessions;
    size_t len;
    size_t size;
};

struct sessions {
    struct session *first;
    struct session *last;
    size_t len;
    // How many a key has, by its id: those count up from 1.
    uint32_t *of_key;
    size_t of_key_size;
    struct slot slot[SLOTS];
};

static struct slot *
slot_of(const struct sessions *sessions, uint64_t id)
{
    return (struct slot *)&sessions->slot[id % SLOTS];
}

struct sessions *
sessions_new(void)
{
    return xcalloc(1, sizeof(struct sessions));
}

void
sessions_free(struct sessions **sessions)
{
    if (*sessions == NULL) {
        return;
    }
    while ((*sessions)->first != NULL) {
        sessions_drop(*sessions, (*sessions)->first);
    }
    for (size_t i = 0; i < SLOTS; i++) {
        free((*sessions)->slot[i].sessions);
    }
    free((*sessions)->of_key);
    free(*sessions);
    *sessions = NULL;
}

static void
count_for_key(struct sessions *sessions, uint32_t key)
{
    if (key >= sessions->of_key_size) {
        size_t size = (size_t)key * 2 + 16;

        sessions->of_key = realloc(sessions->of_key, size * sizeof *sessions->of_key);
        CHECK(sessions->of_key != NULL);
        memset(sessions->of_key + sessions->of_key_size, 0,
               (size - sessions->of_key_size) * sizeof *sessions->of_key);
        sessions->of_key_size = size;
    }
    sessions->of_key[key]++;
}

static void
put_into_slot(struct slot *slot, struct session *session)
{
    if (slot->len == slot->size) {
        slot->size = slot->size * 2 + 2;
        slot->sessions = realloc(slot->sessions, slot->size * sizeof *slot->sessions);
        CHECK(slot->sessions != NULL);
    }
    slot->sessions[slot->len++] = session;
}

static void
take_from_slot(struct slot *slot, const struct session *session)
{
    size_t i = 0;

    while (slot->sessions[i] != session) {
        i++;
    }
    slot->sessions[i] = slot->sessions[--slot->len];
}

struct session *
sessions_open(struct sessions *sessions, struct door *door, struct bytes route,
              uint32_t key)
{
    struct session *session = xcalloc(1, sizeof *session);
    uint32_t route_key = 0;

    CHECK(route_session(route, &session->id, &route_key));
    CHECK(sessions_find(sessions, session->id) == NULL);
    session->door = door;
    session->key = key;
    session->far_end.fd = -1;
    memcpy(session->route, route.at, route.len);
    session->route_len = route.len;
    session->previous = sessions->last;
    if (sessions->last == NULL) {
        sessions->first = session;
    } else {
        sessions->last->next = session;
    }
    sessions->last = session;
    sessions->len++;
    count_for_key(sessions, key);
    put_into_slot(slot_of(sessions, session->id), session);
    return session;
}

static void
unlink_session(struct sessions *sessions, struct session *session)
{
    if (session->previous == NULL) {
        sessions->first = session->next;
    } else {
        session->previous->next = session->next;
    }
    if (session->next == NULL) {
        sessions->last = session->previous;
    } else {
        session->next->previous = session->previous;
    }
    sessions->len--;
}

void
sessions_drop(struct sessions *sessions, struct session *session)
{
    CHECK(!session->in_delivery);
    while (session->lanes != NULL) {
        session_close_lane(session->lanes);
    }
    while (session->outbox != NULL) {
        session_drop_frame(session);
    }
    take_from_slot(slot_of(sessions, session->id), session);
    sessions->of_key[session->key]--;
    unlink_session(sessions, session);
    free(session);
}

struct session *
sessions_find(const struct sessions *sessions, uint64_t id)
{
    const struct slot *slot = slot_of(sessions, id);

    for (size_t i = 0; i < slot->len; i++) {
        if (slot->sessions[i]->id == id) {
            return slot->sessions[i];
        }
    }
    return NULL;
}

struct session *
sessions_first(const struct sessions *sessions)
{
    return sessions->first;
}

size_t
sessions_len(const struct sessions *sessions)
{
    return sessions->len;
}

size_t
sessions_of_key(const struct sessions *sessions, uint32_t key)
{
    return key < sessions->of_key_size ? sessions->of_key[key] : 0;
}

// ---- lanes ----

void
session_open_lane(struct session *session, struct lane *lane, struct outflow **outflow)
{
    session_close_lane(lane);
    lane->session = session;
    lane->outflow = *outflow;
    lane->stop = LANE_GOES;
    *outflow = NULL;
    lane->next = session->lanes;
    session->lanes = lane;
}

static void
forget_ready(struct lane *lane)
{
    struct session *session = lane->session;
    struct lane **link = &session->first_ready;
    struct lane *before = NULL;

    if (!lane->ready) {
        return;
    }
    while (*link != lane) {
        before = *link;
        link = &before->next_ready;
    }
    *link = lane->next_ready;
    if (session->last_ready == lane) {
        session->last_ready = before;
    }
    lane->next_ready = NULL;
    lane->ready = false;
}

void
session_close_lane(struct lane *lane)
{
    struct lane **link;

    if (lane->session == NULL) {
        return;
    }
    forget_ready(lane);
    link = &lane->session->lanes;
    while (*link != lane) {
        link = &(*link)->next;
    }
    *link = lane->next;
    lane->next = NULL;
    lane->session = NULL;
    outflow_free(&lane->outflow);
    rewind_free(&lane->rewind);
}

void
session_note_ready(struct lane *lane)
{
    struct session *session = lane->session;

    if (session == NULL || lane->ready) {
        return;
    }
    lane->ready = true;
    lane->next_ready = NULL;
    if (session->last_ready == NULL) {
        session->first_ready = lane;
    } else {
        session->last_ready->next_ready = lane;
    }
    session->last_ready = lane;
}

struct lane *
session_next_ready(struct session *session)
{
    struct lane *lane = session->first_ready;

    if (lane != NULL) {
        forget_ready(lane);
    }
    return lane;
}

// ---- outbox ----

bool
session_keep_frame(struct session *session, struct bytes frame)
{
    struct waiting_frame *waiting;

    if (session->outbox_len == SESSION_OUTBOX_MAX) {
        return false;
    }
    waiting = xcalloc(1, sizeof *waiting + frame.len);
    waiting->len = frame.len;
    memcpy(waiting->bytes, frame.at, frame.len);
    if (session->outbox_last == NULL) {
        session->outbox = waiting;
    } else {
        session->outbox_last->next = waiting;
    }
    session->outbox_last = waiting;
    session->outbox_len++;
    return true;
}

void
session_drop_frame(struct session *session)
{
    struct waiting_frame *waiting = session->outbox;

    session->outbox = waiting->next;
    if (session->outbox == NULL) {
        session->outbox_last = NULL;
    }
    session->outbox_len--;
    free(waiting);
}

// ---- routing ids ----

static uint64_t
big_endian(const uint8_t *at, size_t len)
{
    uint64_t number = 0;

    for (size_t i = 0; i < len; i++) {
        number = number << 8 | at[i];
    }
    return number;
}

bool
route_session(struct bytes route, uint64_t *ret_session, uint32_t *ret_key)
{
    if (route.len == COUNTED_ROUTE_LEN && route.at[0] == 0) {
        *ret_key = 0;
        *ret_session = COUNTED_BY_ZEROMQ | big_endian(route.at + 1, 4);
        return true;
    }
    if (route.len != ROUTE_LEN || route.at[0] != 'K') {
        return false;
    }
    *ret_key = (uint32_t)big_endian(route.at + 1, 4);
    *ret_session = big_endian(route.at + 5, 8);
    return *ret_session != 0 && *ret_session < COUNTED_BY_ZEROMQ;
}
