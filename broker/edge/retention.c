// SPDX-License-Identifier: EUPL-1.2
#include "edge/retention.h"

#include "edge/damage.h"
#include "edge/export.h"
#include "edge/log.h"
#include "edge/unread.h"
#include "store/exchanges.h"

#include <string.h>

enum { SLICE_EVERY_MS = 10 * 1000 };

// Each new sentence once.
static void
tell_export(struct broker *broker, const char *words)
{
    struct why *told = &broker->retention.told_export;

    if (strcmp(told->text, words) != 0) {
        why_set(told, "%s", words);
        if (words[0] != 0) {
            log_warning("journal_unexported", "why=%s", log_quote(words).text);
        }
    }
}

// Up to where the journal may go.
static uint64_t
exported_commit(struct broker *broker)
{
    const char *folder = broker->settings->journal_export_dir;
    struct export_mark mark = {.commit = 0};
    struct why why = {0};

    if (folder[0] == 0) {
        return UINT64_MAX;
    }
    switch (export_mark_read(folder, &mark, &why)) {
    case VG_OK:
        break;
    case VG_NOT_FOUND:
        return 0;
    default:
        tell_export(broker, why.text);
        return 0;
    }
    if (!export_mark_holds(broker_txn(broker), &mark)) {
        why_set(&why, "%s is of another journal", folder);
        tell_export(broker, why.text);
        return 0;
    }
    return mark.commit;
}

static void
propose_slice(struct broker *broker)
{
    const struct settings *settings = broker->settings;
    struct command *command = command_new(COMMAND_EXPIRE, NULL, 0);

    command->expire.replay_days = settings->replay_days;
    command->expire.unread_days = settings->unread_park_days;
    command->expire.journal_months = settings->journal_months;
    command->expire.person_months = settings->person_months < settings->journal_months
                                        ? settings->person_months
                                        : settings->journal_months;
    command->expire.folded_commit = broker->retention.folded_commit;
    command->expire.exported_commit = exported_commit(broker);
    broker->retention.proposed = true;
    broker_propose(broker, &command);
}

void
retention_watch(struct broker *broker, int64_t now_ms)
{
    struct retention *retention = &broker->retention;

    if (retention->proposed || broker->fatal || broker->draining ||
        now_ms < retention->next_ms) {
        return;
    }
    retention->next_ms = now_ms + SLICE_EVERY_MS;
    broker->fold_wanted = true; // only what is filed can go
    propose_slice(broker);
}

static void
tell_damage(struct broker *broker, const struct expire_command *slice)
{
    struct why *told = &broker->retention.told;

    metrics.retention_stuck = slice->stuck;
    if (!slice->stuck) {
        told->text[0] = 0;
    } else if (strcmp(told->text, slice->why.text) != 0) {
        *told = slice->why;
        log_error("retention_stuck", "why=%s", log_quote(slice->why.text).text);
    }
}

static void
tell_waiting(struct broker *broker, const struct expire_command *slice)
{
    struct why why = {0};

    if (slice->unexported == (metrics.journal_unexported != 0)) {
        return;
    }
    metrics.journal_unexported = slice->unexported;
    if (slice->unexported) {
        why_set(&why, "records older than %u months wait for vigied --export-journal",
                slice->journal_months);
    }
    tell_export(broker, why.text);
}

// A damage like any other: told once, and shown until it is mended.
static void
tell_index(struct broker *broker, const struct expire_command *slice)
{
    struct exchange_progress progress;
    struct why why;

    if (slice->unindexed.text[0] != 0) {
        why_set(&why, "%.90s; the index by person stops there", slice->unindexed.text);
        damage_found(broker, 0, 0, why.text);
    }

    if (exchanges_progress(broker_txn(broker), &progress) == VG_OK) {
        metrics.person_index_commit = progress.commit;
    }
}

void
retention_answered(struct broker *broker, const struct command *command)
{
    const struct expire_command *slice = &command->expire;

    broker->retention.proposed = false;
    if (command->status != VG_OK) {
        return; // no room: the next one may find some
    }
    metrics.blocks_erased += slice->blocks;
    metrics.letters_moved += slice->moved;
    metrics.records_trimmed += slice->trimmed;
    unread_parked(broker, slice);
    tell_damage(broker, slice);
    tell_waiting(broker, slice);
    tell_index(broker, slice);
    if (slice->blocks + slice->trimmed > 0) {
        log_debug("retention", "blocks=%llu moved=%llu records=%llu",
                  (unsigned long long)slice->blocks, (unsigned long long)slice->moved,
                  (unsigned long long)slice->trimmed);
    }
    if (slice->more && !broker->draining && !broker->fatal) {
        propose_slice(broker);
    }
}

void
retention_folded(struct broker *broker, uint64_t commit)
{
    broker->retention.folded_commit = commit;
}
