// SPDX-License-Identifier: EUPL-1.2
#include "edge/block.h"

#include "wire/wire.h"

enum vg_status
block_status(const struct broker *broker, struct why *why)
{
    if ((broker->blocked & BLOCKED_ROOM) != 0) {
        return fail(why, VG_STORE_FULL, "%s", vg_status_sentence(VG_STORE_FULL));
    }
    if ((broker->blocked & BLOCKED_WAITING) != 0) {
        return fail(why, VG_BUSY, "%llu letters wait in all mailboxes, at most %u may",
                    (unsigned long long)broker->waiting,
                    broker->settings->waiting_messages_max);
    }
    if ((broker->blocked & BLOCKED_DISK) != 0) {
        return fail(why, VG_BUSY, "the disk has not finished a commit for %llu ms",
                    (unsigned long long)metrics.commit_age_ms);
    }
    return VG_OK;
}

void
block_tell(struct broker *broker, struct session *session)
{
    bool blocked = broker->blocked != 0;
    struct why why;

    if (session->door != broker->sources || session->state != SESSION_READY ||
        session->told_blocked == blocked) {
        return;
    }
    session->told_blocked = blocked;
    if (blocked) {
        enum vg_status status = block_status(broker, &why);

        wire_write_blocked(status, why.text, &broker->frame);
    } else {
        wire_write_resumed(&broker->frame);
    }
    (void)broker_send_frame(broker, session);
}

void
block_set(struct broker *broker, enum blocked_reason reason, bool on)
{
    struct session *session = sessions_first(broker->sessions);

    if (on) {
        broker->blocked |= (unsigned)reason;
    } else {
        broker->blocked &= ~(unsigned)reason;
    }
    metrics.blocked = broker->blocked != 0;
    while (session != NULL) {
        struct session *next = session->next;

        block_tell(broker, session);
        session = next;
    }
}
