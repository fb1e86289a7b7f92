// SPDX-License-Identifier: EUPL-1.2
#include "edge/watch.h"

#include "edge/block.h"
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

void
watch_arrivals(struct broker *broker, int64_t now_ms)
{
    size_t ended = arrivals_end_silent(door_arrivals(broker->sources), now_ms) +
                   arrivals_end_silent(door_arrivals(broker->members), now_ms);

    if (ended > 0) {
        log_warning("arrivals_ended", "connections=%zu why=\"said nothing for %d s\"",
                    ended, ARRIVAL_MS / 1000);
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
weigh_store(struct broker *broker)
{
    const struct store_room *room = &broker->room;
    enum limits_level level =
        level_of(room->used_bytes, room->quota_bytes, broker->room_level);

    if (level != broker->room_level) {
        broker->room_level = level;
        log_warning("store_level", "level=%s used_bytes=%llu quota_bytes=%llu",
                    limits_level_name(level), (unsigned long long)room->used_bytes,
                    (unsigned long long)room->quota_bytes);
    }
}

static void
set_no_room(struct broker *broker, bool no_room)
{
    writer_set_no_room(broker->writer, no_room);
    log_warning(no_room ? "blocked" : "resumed",
                "status=%s used_bytes=%llu quota_bytes=%llu disk_free_bytes=%llu",
                vg_status_name(no_room ? VG_STORE_FULL : VG_OK),
                (unsigned long long)broker->room.used_bytes,
                (unsigned long long)broker->room.quota_bytes,
                (unsigned long long)broker->room.disk_free_bytes);
    block_set(broker, BLOCKED_ROOM, no_room);
}

void
watch_room(struct broker *broker)
{
    bool was = (broker->blocked & BLOCKED_ROOM) != 0;
    bool is_short;

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
    weigh_store(broker);
    is_short = room_is_short(&broker->room, broker->settings->disk_reserve_bytes, was);
    if (is_short != was) {
        set_no_room(broker, is_short);
    }
}

static uint64_t
above(uint64_t number, uint64_t limit)
{
    return number > limit ? number - limit : 0;
}

void
watch_written(struct broker *broker, uint64_t bytes)
{
    const struct store_room *room = &broker->room;
    uint64_t quota_left = above(room->quota_bytes, room->used_bytes);
    uint64_t disk_left =
        above(room->disk_free_bytes, broker->settings->disk_reserve_bytes);
    uint64_t left = quota_left < disk_left ? quota_left : disk_left;

    broker->unmeasured_bytes += bytes;
    if (broker->unmeasured_bytes > left / UNMEASURED_PART) {
        watch_room(broker);
    }
}

// ---- disk ----

static void
note_slow_end(struct broker *broker, uint64_t longest_ms)
{
    log_warning("disk_answers", "after_ms=%llu", (unsigned long long)longest_ms);
    broker->slow_ms = 0;
    block_set(broker, BLOCKED_DISK, false);
}

void
watch_disk(struct broker *broker)
{
    uint64_t age_ms = writer_busy_ms(broker->writer);

    metrics.commit_age_ms = age_ms;
    // Another commit may have begun since the last look: this one is younger.
    if (broker->slow_ms > 0 && age_ms < broker->slow_ms) {
        note_slow_end(broker, broker->slow_ms);
    }
    if (age_ms < broker->settings->disk_slow_ms) {
        return;
    }
    if (broker->slow_ms == 0) {
        metrics.slow_commits++;
        log_warning("disk_slow", "store=%s commit_ms=%llu disk_slow_ms=%u queued=%zu",
                    store_path(broker->store), (unsigned long long)age_ms,
                    broker->settings->disk_slow_ms, broker->proposed);
        block_set(broker, BLOCKED_DISK, true);
    }
    broker->slow_ms = age_ms;
}

// ---- fold ----

void
watch_fold(struct broker *broker)
{
    struct command *command;

    if (!broker->fold_wanted || broker->fold_proposed || broker->fatal ||
        tails_damage(broker->tails) != NULL) {
        return;
    }
    broker->fold_wanted = false;
    broker->fold_proposed = true;
    command = command_new(COMMAND_FOLD, NULL, 0);
    broker_propose(broker, &command);
}
