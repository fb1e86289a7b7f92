// SPDX-License-Identifier: EUPL-1.2
#include "edge/watch.h"

#include "edge/delivery.h"
#include "edge/log.h"
#include "wire/wire.h"

enum { SILENT_HEARTBEATS = 3, STALLED_MS_MAX = 30 * 1000, UNMEASURED_PART = 8 };

// ---- sessions ----

// Why a session must end, NULL when it may stay.
static const char *
reason_to_end(const struct broker *broker, const struct session *session, int64_t now_ms)
{
    int64_t silence_ms = SILENT_HEARTBEATS * (int64_t)broker->settings->heartbeat_ms;

    if (session->state == SESSION_LEAVING) {
        return now_ms >= session->leave_ms ? "told to go" : NULL;
    }
    if (now_ms - session->seen_ms > silence_ms) {
        return "silent";
    }
    if (session->outbox != NULL && now_ms - session->stalled_ms > STALLED_MS_MAX) {
        return "does not read";
    }
    return NULL;
}

static void
watch_session(struct broker *broker, struct session *session, int64_t now_ms)
{
    const char *reason = reason_to_end(broker, session, now_ms);

    if (reason != NULL) {
        broker_kill(broker, session, reason);
    } else if (session->state == SESSION_READY &&
               now_ms - session->said_ms >= (int64_t)broker->settings->heartbeat_ms) {
        wire_write_heartbeat(0, &broker->frame);
        (void)broker_send_frame(broker, session);
    }
}

void
watch_sessions(struct broker *broker, int64_t now_ms)
{
    struct session *session = sessions_first(broker->sessions);

    while (session != NULL) {
        struct session *next = session->next;

        watch_session(broker, session, now_ms);
        session = next;
    }
}

// ---- room ----

bool
room_is_short(const struct store_room *room, uint64_t disk_reserve_bytes, bool was)
{
    uint64_t quota = room->quota_bytes;
    uint64_t reserve = disk_reserve_bytes;

    if (was) {
        quota -= quota / 20;
        reserve += reserve / 20;
    }
    return room->used_bytes >= quota || room->disk_free_bytes < reserve;
}

static void
tell_source(struct broker *broker, struct session *session)
{
    if (session->door != broker->sources || session->state != SESSION_READY ||
        session->told_blocked == broker->blocked) {
        return;
    }
    session->told_blocked = broker->blocked;
    if (broker->blocked) {
        wire_write_blocked(VG_STORE_FULL, vg_status_sentence(VG_STORE_FULL),
                           &broker->frame);
    } else {
        wire_write_resumed(&broker->frame);
    }
    (void)broker_send_frame(broker, session);
}

static void
set_blocked(struct broker *broker, bool blocked)
{
    struct session *session = sessions_first(broker->sessions);

    broker->blocked = blocked;
    metrics.blocked = blocked;
    writer_set_no_room(broker->writer, blocked);
    log_warning(blocked ? "blocked" : "resumed",
                "status=%s used_bytes=%llu quota_bytes=%llu disk_free_bytes=%llu",
                vg_status_name(blocked ? VG_STORE_FULL : VG_OK),
                (unsigned long long)broker->room.used_bytes,
                (unsigned long long)broker->room.quota_bytes,
                (unsigned long long)broker->room.disk_free_bytes);
    while (session != NULL) {
        struct session *next = session->next;

        tell_source(broker, session);
        session = next;
    }
}

void
watch_room(struct broker *broker)
{
    bool blocked;

    if (store_room(broker->store, &broker->room) != VG_OK) {
        log_error("room_unknown", "store=%s", store_path(broker->store));
        return;
    }
    broker->unmeasured_bytes = 0;
    metrics.store_used_bytes = broker->room.used_bytes;
    metrics.store_file_bytes = broker->room.file_bytes;
    metrics.store_quota_bytes = broker->room.quota_bytes;
    metrics.disk_free_bytes = broker->room.disk_free_bytes;
    metrics.tails_bytes = tails_bytes(broker->tails);
    blocked = room_is_short(&broker->room, broker->settings->disk_reserve_bytes,
                            broker->blocked);
    if (blocked != broker->blocked) {
        set_blocked(broker, blocked);
    }
}

void
watch_written(struct broker *broker, uint64_t bytes)
{
    uint64_t used = broker->room.used_bytes;
    uint64_t quota = broker->room.quota_bytes;
    uint64_t left = used < quota ? quota - used : 0;

    broker->unmeasured_bytes += bytes;
    if (broker->unmeasured_bytes > left / UNMEASURED_PART) {
        watch_room(broker);
    }
}

// ---- fold ----

void
watch_fold(struct broker *broker)
{
    struct command *command;

    if (!broker->fold_wanted || broker->fold_proposed || broker->fatal) {
        return;
    }
    broker->fold_wanted = false;
    broker->fold_proposed = true;
    command = command_new(COMMAND_FOLD, NULL, 0);
    broker_propose(broker, &command);
}
