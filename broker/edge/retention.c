// SPDX-License-Identifier: EUPL-1.2
#include "edge/retention.h"

#include "edge/log.h"
#include "edge/unread.h"

#include <string.h>

enum { SLICE_EVERY_MS = 10 * 1000 };

static void
propose_slice(struct broker *broker)
{
    const struct settings *settings = broker->settings;
    struct command *command = command_new(COMMAND_EXPIRE, NULL, 0);

    command->expire.replay_days = settings->replay_days;
    command->expire.unread_days = settings->unread_park_days;
    command->expire.journal_months = settings->journal_months;
    command->expire.folded_commit = broker->retention.folded_commit;
    command->expire.exported_commit = UINT64_MAX;
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
