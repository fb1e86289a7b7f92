// SPDX-License-Identifier: EUPL-1.2
#include "edge/reception.h"

#include "edge/block.h"
#include "edge/log.h"
#include "edge/merging.h"
#include "edge/unread.h"

#include <stdio.h>
#include <string.h>

enum { FAR_END_TEXT_LEN = 80 };

// ---- who is it from? ----

// Cuts off a connection that has no session: it has no business here.
static void
turn_away(const struct door_message *message, const char *reason)
{
    struct far_end far_end = far_end_of(message->fd);
    char text[FAR_END_TEXT_LEN];

    far_end_print(&far_end, text, sizeof text);
    log_warning("turned_away", "peer=%s why=%s", text, log_quote(reason).text);
    metrics.violations++;
    (void)far_end_shut(&far_end);
}

// The User-Id is what ZAP saw. A routing id of ours names the same key, or somebody found a
// way around ZAP.
static struct session *
admit(struct broker *broker, struct door *door, const struct door_message *message)
{
    const struct key_entry *key;
    struct session *session;
    uint64_t id = 0;
    uint32_t key_id = 0;

    arrivals_spoke(door_arrivals(door), message->fd);
    if (!route_session(message->route, &id, &key_id)) {
        turn_away(message, "the routing id was not given out by us");
        return NULL;
    }
    key = keys_by_hex(broker->keys, message->user_id);
    if (key == NULL || (key_id != 0 && key_id != key->id)) {
        turn_away(message, "routing id and key do not belong together");
        return NULL;
    }
    if (!key_is_valid(key)) {
        turn_away(message, "the key was revoked");
        return NULL;
    }
    session = sessions_open(broker->sessions, door, message->route, key->id);
    session->institution = key->row.institution;
    session->role = key->row.role;
    session->far_end = far_end_of(message->fd);
    session->opened_us = clock_now().us;
    keys_note_use(broker->keys, key->id, session->opened_us);
    session->said_ms = clock_ms();
    metrics.connections++;
    metrics.sessions = sessions_len(broker->sessions);
    return session;
}

static struct session *
find_sender(struct broker *broker, struct door *door, const struct door_message *message)
{
    struct session *session = NULL;
    uint64_t id = 0;
    uint32_t key = 0;

    if (route_session(message->route, &id, &key)) {
        session = sessions_find(broker->sessions, id);
    }
    if (session == NULL) {
        return admit(broker, door, message);
    }
    if (session->door != door || session->route_len != message->route.len ||
        memcmp(session->route, message->route.at, session->route_len) != 0) {
        turn_away(message, "the routing id belongs to another connection");
        return NULL;
    }
    return session;
}

// ---- Hello and Heartbeat ----

static void
welcome(struct broker *broker, struct session *session)
{
    const struct institution *institution =
        roster_institution(broker->roster, session->institution);
    struct wire_welcome welcome = {
        .institution = institution == NULL ? "" : institution->code,
        .role = session->role,
        .heartbeat_ms = broker->settings->heartbeat_ms,
        .window_messages = broker->settings->window_messages,
        .window_bytes = broker->settings->window_bytes,
    };
    char peer[FAR_END_TEXT_LEN];

    far_end_print(&session->far_end, peer, sizeof peer);
    log_info("session_opened", "session=%llu door=%s institution=%s peer=%s client=%s",
             (unsigned long long)session->id, door_name(session->door),
             welcome.institution, peer, log_quote(session->client).text);
    wire_write_welcome(&welcome, &broker->frame);
    if (broker_send_frame(broker, session) && unread_greet(broker, session)) {
        block_tell(broker, session);
    }
}

// A client that loses its connections faster than they are noticed must not fill the table.
static bool
key_has_too_many(const struct broker *broker, const struct session *session)
{
    return sessions_of_key(broker->sessions, session->key) > SESSIONS_PER_KEY_MAX;
}

static void
greet(struct broker *broker, const struct desks *desks, struct session *session,
      struct bytes body)
{
    struct wire_hello hello;
    struct why why;
    char sentence[WHY_TEXT_MAX];

    if (wire_read_hello(body, &hello, &why) != VG_OK) {
        broker_dismiss(broker, session, VG_MALFORMED, why.text);
        return;
    }
    if ((session->role & desks->roles) == 0) {
        snprintf(sentence, sizeof sentence, "this key may not use the %s' door",
                 desks->door);
        broker_dismiss(broker, session, VG_WRONG_ROLE, sentence);
        return;
    }
    if (broker->draining) {
        broker_dismiss(broker, session, VG_DRAINING, vg_status_sentence(VG_DRAINING));
        return;
    }
    if (merging_dismisses(broker, session)) {
        return;
    }
    if (key_has_too_many(broker, session)) {
        broker_dismiss(broker, session, VG_BUSY, "this key has too many connections");
        return;
    }
    snprintf(session->client, sizeof session->client, "%s", hello.client);
    session->state = SESSION_READY;
    welcome(broker, session);
}

static void
echo(struct broker *broker, struct session *session, struct bytes body)
{
    uint64_t number = 0;
    struct why why;

    if (wire_read_heartbeat(body, &number, &why) != VG_OK) {
        broker_violation(broker, session, VG_MALFORMED, why.text);
        return;
    }
    wire_write_heartbeat(number, &broker->frame);
    (void)broker_send_frame(broker, session);
}

// ---- which desk? ----

static void
read_frame(struct broker *broker, const struct desks *desks, struct session *session,
           struct bytes frame)
{
    struct hot_bytes body = {0};
    uint32_t kind = hot_to_broker_kind((struct hot_bytes){frame.at, frame.len}, &body);
    struct post post = {.frame = frame, .body = {body.at, body.len}};

    if (kind == TO_BROKER_HELLO) {
        greet(broker, desks, session, post.body);
    } else if (session->state == SESSION_NEW) {
        broker_dismiss(broker, session, VG_MALFORMED, "the first message must be Hello");
    } else if (kind == TO_BROKER_HEARTBEAT) {
        echo(broker, session, post.body);
    } else if (kind >= ARRAY_LEN(desks->desk) || kind == 0) {
        broker_violation(broker, session, VG_MALFORMED, "the frame is no ToBroker");
    } else if (desks->desk[kind].take == NULL) {
        broker_violation(broker, session, VG_WRONG_ROLE,
                         "this message belongs to the other door");
    } else if ((desks->desk[kind].roles & session->role) == 0) {
        broker_violation(broker, session, VG_WRONG_ROLE,
                         "the key's role does not allow this message");
    } else {
        desks->desk[kind].take(broker, session, &post);
    }
}

void
reception_take(struct broker *broker, const struct desks *desks, struct door *door,
               const struct door_message *message)
{
    struct session *session = find_sender(broker, door, message);

    metrics.frames_in++;
    metrics.bytes_in += message->payload.len;
    if (session == NULL || session->state == SESSION_LEAVING) {
        return;
    }
    session->seen_ms = clock_ms();
    if (!message->one_part) {
        broker_violation(broker, session, VG_MALFORMED, "a message is one frame");
        return;
    }
    if (message->payload.len > WIRE_MESSAGE_BYTES_MAX) {
        char sentence[WHY_TEXT_MAX];

        snprintf(sentence, sizeof sentence,
                 "the message has %zu bytes, at most %d are allowed",
                 message->payload.len, WIRE_MESSAGE_BYTES_MAX);
        broker_violation(broker, session, VG_TOO_LARGE, sentence);
        return;
    }
    read_frame(broker, desks, session, message->payload);
}
