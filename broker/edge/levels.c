// SPDX-License-Identifier: EUPL-1.2
#include "edge/levels.h"

#include "edge/block.h"
#include "edge/log.h"
#include "edge/unread.h"
#include "store/mailbox.h"
#include "wire/wire.h"

#include <stdio.h>

enum { LOOKED_AT_ONCE = 100, DAY_S = 24 * 60 * 60 };

struct limits
settings_limits(const struct settings *settings)
{
    return (struct limits){
        .messages = settings->mailbox_messages_max,
        .bytes = settings->mailbox_bytes_max,
        .age_days = settings->unread_park_days,
        .attempts = settings->retry_attempts,
    };
}

static struct limits
limits_of(const struct broker *broker, const struct mailbox_spec *spec)
{
    struct limits defaults = settings_limits(broker->settings);

    return limits_or(&spec->limits, &defaults);
}

// ---- one mailbox ----

static void
write_notice(struct broker *broker, const struct lane *lane,
             const struct mailbox_spec *spec)
{
    struct limits limits = limits_of(broker, spec);
    char sentence[WHY_TEXT_MAX];

    snprintf(
        sentence, sizeof sentence,
        "%llu letters of %llu bytes wait, the oldest for %llu days; the limits are "
        "%llu, %llu and %u",
        (unsigned long long)lane->fill.messages, (unsigned long long)lane->fill.bytes,
        (unsigned long long)lane->fill.age_s / DAY_S, (unsigned long long)limits.messages,
        (unsigned long long)limits.bytes, limits.age_days);
    wire_write_notice(lane->mailbox, lane->level, sentence, &broker->frame);
}

static void
tell_institution(struct broker *broker, const struct lane *lane,
                 const struct mailbox_spec *spec)
{
    struct session *session = sessions_first(broker->sessions);

    while (session != NULL) {
        struct session *next = session->next;

        if (session->institution == spec->institution &&
            session->door == broker->members && session->state == SESSION_READY) {
            write_notice(broker, lane, spec);
            (void)broker_send_frame(broker, session);
        }
        session = next;
    }
}

static void
tell(struct broker *broker, const struct lane *lane, const struct mailbox_spec *spec,
     enum limits_level before)
{
    metrics.mailboxes_warned += lane->level == LIMITS_WARNED;
    metrics.mailboxes_warned -= before == LIMITS_WARNED;
    metrics.mailboxes_full += lane->level == LIMITS_FULL;
    metrics.mailboxes_full -= before == LIMITS_FULL;
    log_warning(
        "mailbox_level", "mailbox=%u level=%s waiting=%llu bytes=%llu oldest_s=%llu",
        lane->mailbox, limits_level_name(lane->level),
        (unsigned long long)lane->fill.messages, (unsigned long long)lane->fill.bytes,
        (unsigned long long)lane->fill.age_s);
    tell_institution(broker, lane, spec);
}

static void
weigh(struct broker *broker, struct lane *lane, const struct mailbox_spec *spec)
{
    struct limits limits = limits_of(broker, spec);
    enum limits_level before = lane->level;
    uint64_t counted = lane->fill.messages;

    if (limits.messages != 0 && counted > limits.messages) {
        counted = limits.messages;
    }
    broker->waiting += counted - lane->counted;
    lane->counted = counted;
    lane->level = limits_level(&limits, &lane->fill, before);
    if (lane->level != before) {
        tell(broker, lane, spec, before);
    }
}

bool
levels_tell(struct broker *broker, struct session *session, uint32_t mailbox)
{
    const struct lane *lane = lanes_at(broker->lanes, mailbox);

    if (lane->level == LIMITS_CALM) {
        return true;
    }
    write_notice(broker, lane, roster_mailbox(broker->roster, mailbox));
    return broker_send_frame(broker, session);
}

// ---- age ----

// A damaged letter has no age; what it holds up is told by whoever delivers it.
static void
look_at(struct broker *broker, struct lane *lane, struct instant now)
{
    struct mailbox_row row;
    int64_t kept_us = 0;

    lane->fill.age_s = 0;
    if (lane->fill.messages > 0 &&
        mailbox_get(broker_txn(broker), (struct mailbox_id){lane->mailbox}, &row) ==
            VG_OK &&
        unread_oldest(broker, lane->mailbox, row.acknowledged + 1, &kept_us) == VG_OK &&
        kept_us > 0 && kept_us < now.us) {
        lane->fill.age_s = (uint64_t)(now.us - kept_us) / 1000000;
    }
}

// ---- all together ----

// Operators read the log; only at the limit do sources hear of it.
static void
weigh_all(struct broker *broker)
{
    enum limits_level before = broker->level;
    enum limits_level level =
        level_of(broker->waiting, broker->settings->waiting_messages_max, before);

    metrics.waiting = broker->waiting;
    if (level == before) {
        return;
    }
    broker->level = level;
    log_warning("waiting_level", "level=%s waiting=%llu waiting_messages_max=%u",
                limits_level_name(level), (unsigned long long)broker->waiting,
                broker->settings->waiting_messages_max);
    writer_set_crowded(broker->writer, level == LIMITS_FULL);
    block_set(broker, BLOCKED_WAITING, level == LIMITS_FULL);
}

void
levels_open(struct broker *broker)
{
    for (size_t i = 0; i < roster_mailboxes_len(broker->roster); i++) {
        const struct mailbox_spec *spec = roster_mailbox_at(broker->roster, i);

        weigh(broker, lanes_at(broker->lanes, spec->id), spec);
    }
    weigh_all(broker);
}

void
levels_take(struct broker *broker, const struct batch *batch)
{
    for (size_t i = 0; i < batch->fills_len; i++) {
        const struct mailbox_fill *fill = &batch->fills[i];
        const struct mailbox_spec *spec = roster_mailbox(broker->roster, fill->mailbox);
        struct lane *lane = lanes_at(broker->lanes, fill->mailbox);

        lane->fill.messages = fill->messages;
        lane->fill.bytes = fill->bytes;
        if (fill->messages == 0) {
            lane->fill.age_s = 0;
        }
        if (spec != NULL) {
            weigh(broker, lane, spec);
        }
    }
    weigh_all(broker);
}

void
levels_look(struct broker *broker, struct instant now)
{
    size_t len = roster_mailboxes_len(broker->roster);

    for (size_t i = 0; i < LOOKED_AT_ONCE && i < len; i++) {
        const struct mailbox_spec *spec =
            roster_mailbox_at(broker->roster, broker->looked++ % len);
        struct lane *lane = lanes_at(broker->lanes, spec->id);

        look_at(broker, lane, now);
        weigh(broker, lane, spec);
    }
    weigh_all(broker);
}
