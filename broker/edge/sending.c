// SPDX-License-Identifier: EUPL-1.2
// What is sent to a session: at once while it reads, from its outbox when it reads again, a
// refusal in between; and the ways in which it ends for it.
#include "edge/broker_internal.h"
#include "edge/delivery.h"
#include "edge/log.h"
#include "wire/wire.h"

enum { RESEND_MS = 10 };

static void
start_timer(struct event *timer, int ms)
{
    struct timeval wait = {ms / 1000, ms % 1000 * 1000};

    if (!evtimer_pending(timer, NULL)) {
        CHECK(evtimer_add(timer, &wait) == 0);
    }
}

static void
forget_session(struct broker *broker, struct session *session, const char *reason)
{
    log_info("session_closed", "session=%llu why=%s", (unsigned long long)session->id,
             log_quote(reason).text);
    delivery_forget(broker, session);
    sessions_drop(broker->sessions, session);
    metrics.sessions = sessions_len(broker->sessions);
}

void
broker_kill(struct broker *broker, struct session *session, const char *reason)
{
    metrics.connections_dropped++;
    (void)far_end_shut(&session->far_end);
    forget_session(broker, session, reason);
}

static enum door_sent
send_now(struct session *session, struct bytes frame)
{
    struct bytes route = {session->route, session->route_len};
    enum door_sent sent = door_send(session->door, route, frame);

    if (sent == DOOR_SENT) {
        metrics.frames_out++;
        session->said_ms = clock_ms();
    }
    return sent;
}

static bool
keep_for_later(struct broker *broker, struct session *session, struct bytes frame)
{
    if (session->outbox == NULL) {
        session->stalled_ms = clock_ms();
    }
    if (!session_keep_frame(session, frame)) {
        broker_kill(broker, session, "does not read");
        return false;
    }
    start_timer(broker->resend, RESEND_MS);
    return true;
}

bool
broker_send(struct broker *broker, struct session *session, struct bytes frame)
{
    enum door_sent sent = session->outbox == NULL ? send_now(session, frame) : DOOR_FULL;

    if (sent == DOOR_GONE) {
        forget_session(broker, session, "gone");
        return false;
    }
    return sent == DOOR_SENT || keep_for_later(broker, session, frame);
}

bool
broker_send_frame(struct broker *broker, struct session *session)
{
    bool sent =
        broker_send(broker, session, (struct bytes){broker->frame.at, broker->frame.len});

    buffer_clear(&broker->frame);
    return sent;
}

// False when the session is gone.
static bool
send_outbox(struct broker *broker, struct session *session)
{
    while (session->outbox != NULL) {
        struct bytes frame = {session->outbox->bytes, session->outbox->len};
        enum door_sent sent = send_now(session, frame);

        if (sent == DOOR_GONE) {
            forget_session(broker, session, "gone");
            return false;
        }
        if (sent == DOOR_FULL) {
            start_timer(broker->resend, RESEND_MS);
            return true;
        }
        session->stalled_ms = clock_ms();
        session_drop_frame(session);
    }
    delivery_resume(broker, session);
    return true;
}

void
sending_go_on(struct broker *broker)
{
    struct session *session = sessions_first(broker->sessions);

    while (session != NULL) {
        struct session *next = session->next;

        (void)send_outbox(broker, session);
        session = next;
    }
}

bool
broker_refuse(struct broker *broker, struct session *session, enum vg_status status,
              const char *sentence)
{
    wire_write_refused(status, sentence, &broker->frame);
    return broker_send_frame(broker, session);
}

void
broker_violation(struct broker *broker, struct session *session, enum vg_status status,
                 const char *sentence)
{
    metrics.violations++;
    log_warning("violation", "session=%llu status=%s why=%s",
                (unsigned long long)session->id, vg_status_name(status),
                log_quote(sentence).text);
    if (++session->violations >= SESSION_VIOLATIONS_MAX) {
        broker_dismiss(broker, session, status, sentence);
    } else {
        (void)broker_refuse(broker, session, status, sentence);
    }
}

void
broker_dismiss(struct broker *broker, struct session *session, enum vg_status status,
               const char *sentence)
{
    log_info("session_dismissed", "session=%llu status=%s why=%s",
             (unsigned long long)session->id, vg_status_name(status),
             log_quote(sentence).text);
    delivery_forget(broker, session);
    while (session->lanes != NULL) {
        session_close_lane(session->lanes);
    }
    session->state = SESSION_LEAVING;
    session->leave_ms = clock_ms() + SESSION_LEAVE_MS;
    (void)broker_refuse(broker, session, status, sentence);
}
