// SPDX-License-Identifier: EUPL-1.2
#include "edge/unread.h"

#include "edge/log.h"
#include "store/bodies.h"
#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAILBOXES_A_SECOND = 100,
    REPORT_MAX = 1000,         // mutations in a frame
    HELD_ROWS_MAX = 10 * 1000, // looked at for one Hello: some tens of milliseconds
};

#define DAY_US (INT64_C(24) * 3600 * 1000000)

static enum vg_status
read_body(struct broker *broker, uint64_t address, struct hot_content *ret_content)
{
    struct bytes body;
    enum vg_status status = body_get(broker_txn(broker), address, &body);

    if (status != VG_OK) {
        return status;
    }
    return hot_read_content((struct hot_bytes){body.at, body.len}, ret_content) == HOT_OK
               ? VG_OK
               : VG_STORE_BROKEN;
}

// ---- warnings ----

enum vg_status
unread_oldest(struct broker *broker, uint32_t mailbox, uint64_t number, int64_t *ret_us)
{
    struct letter letter;
    struct hot_content content;
    size_t len = 0;
    enum vg_status status = tails_letters(broker->tails, broker_txn(broker), mailbox,
                                          number, &letter, 1, &len);

    *ret_us = 0;
    if (status == VG_OK && len > 0) {
        status = read_body(broker, letter.body, &content);
        *ret_us = status == VG_OK ? (int64_t)content.kept_at_us : 0;
    }
    return status;
}

static void
warn(struct broker *broker, const struct mailbox_spec *spec, uint64_t waiting,
     int64_t age_us)
{
    const struct institution *institution =
        roster_institution(broker->roster, spec->institution);
    struct lane *lane = lanes_at(broker->lanes, spec->id);
    int64_t now_us = clock_now().us;

    broker->unread.seen++;
    if (lane->unread_told_us != 0 && now_us - lane->unread_told_us < DAY_US) {
        return;
    }
    lane->unread_told_us = now_us;
    log_warning("unread", "mailbox=%u institution=%s waiting=%llu oldest_days=%lld",
                spec->id, institution == NULL ? "" : institution->code,
                (unsigned long long)waiting, (long long)(age_us / DAY_US));
}

static void
look_at(struct broker *broker, const struct mailbox_spec *spec)
{
    int64_t limit_us = (int64_t)broker->settings->unread_warn_days * DAY_US;
    struct mailbox_row row;
    int64_t kept_us = 0;

    if (mailbox_get(broker_txn(broker), (struct mailbox_id){spec->id}, &row) != VG_OK ||
        mailbox_waiting(&row) == 0 ||
        unread_oldest(broker, spec->id, row.acknowledged + 1, &kept_us) != VG_OK ||
        kept_us == 0) {
        return;
    }
    if (clock_now().us - kept_us >= limit_us) {
        warn(broker, spec, mailbox_waiting(&row), clock_now().us - kept_us);
    }
}

void
unread_watch(struct broker *broker)
{
    size_t len = roster_mailboxes_len(broker->roster);

    if (broker->settings->unread_warn_days == 0) {
        metrics.mailboxes_unread = 0;
        return;
    }
    for (size_t i = 0; i < MAILBOXES_A_SECOND; i++) {
        if (broker->unread.next >= len) {
            metrics.mailboxes_unread = broker->unread.seen;
            broker->unread = (struct unread_round){.next = 0};
            return;
        }
        look_at(broker, roster_mailbox_at(broker->roster, broker->unread.next++));
    }
}

// ---- reports to sources ----

struct report {
    struct wire_undelivered *mutations; // REPORT_MAX
    size_t len;
    bool more;
};

// Several mailboxes may hold one mutation.
static bool
has_ticket(const struct report *report, uint64_t ticket)
{
    for (size_t i = report->len; i > 0; i--) {
        if (report->mutations[i - 1].ticket == ticket) {
            return true;
        }
    }
    return false;
}

static void
copy_text(char *to, size_t size, struct hot_bytes from)
{
    size_t len = from.len < size ? from.len : size - 1;

    if (len > 0) {
        memcpy(to, from.at, len);
    }
    to[len] = 0;
}

static void
add_to_report(struct report *report, const struct hot_content *content, int64_t since_us,
              const char *reason)
{
    struct wire_undelivered *to = &report->mutations[report->len++];

    to->ticket = content->ticket;
    to->kept_us = content->kept_at_us;
    to->since_us = since_us;
    copy_text(to->flow, sizeof to->flow, content->mutation.flow);
    copy_text(to->id, sizeof to->id, content->mutation.id);
    copy_text(to->recipient, sizeof to->recipient, content->mutation.recipient);
    snprintf(to->reason, sizeof to->reason, "%s", reason);
}

static void
consider(struct broker *broker, const struct session *session, struct report *report,
         const struct held_row *row)
{
    const struct institution *source;
    struct hot_content content;

    if (read_body(broker, row->head.letter.body, &content) != VG_OK) {
        return; // a scrub names what is damaged
    }
    source = roster_by_code(broker->roster,
                            (struct bytes){content.source.at, content.source.len});
    if (source == NULL || source->id != session->institution ||
        has_ticket(report, content.ticket)) {
        return;
    }
    if (report->len == REPORT_MAX) {
        report->more = true;
        return;
    }
    add_to_report(report, &content, row->head.since_us, row->reason);
}

static bool
send_report(struct broker *broker, struct session *session, struct report *report)
{
    bool there = true;

    if (report->len > 0) {
        wire_write_undelivered(report->mutations, report->len, report->more,
                               &broker->frame);
        there = broker_send_frame(broker, session);
    }
    free(report->mutations);
    return there;
}

static void
report_slice(struct broker *broker, struct session *session,
             const struct expire_command *slice)
{
    struct report report = {xcalloc(REPORT_MAX, sizeof *report.mutations), 0, false};

    for (size_t i = 0; i < slice->unread_len; i++) {
        struct held_row row;

        if (held_get(broker_txn(broker), (struct mailbox_id){slice->unread[i].mailbox},
                     slice->unread[i].number, &row) == VG_OK) {
            consider(broker, session, &report, &row);
        }
    }
    (void)send_report(broker, session, &report);
}

static void
report_to_sources(struct broker *broker, const struct expire_command *slice)
{
    struct session *session = sessions_first(broker->sessions);

    while (session != NULL) {
        struct session *next = session->next;

        if (session->door == broker->sources && session->state == SESSION_READY) {
            report_slice(broker, session, slice);
        }
        session = next;
    }
}

// One line for each mailbox of the slice.
static void
log_parked(const struct expire_command *slice)
{
    for (size_t i = 0; i < slice->unread_len; i++) {
        uint32_t mailbox = slice->unread[i].mailbox;
        size_t before = 0, letters = 0;

        for (size_t j = 0; j < slice->unread_len; j++) {
            letters += slice->unread[j].mailbox == mailbox;
            before += j < i && slice->unread[j].mailbox == mailbox;
        }
        if (before == 0) {
            log_warning("unread_parked", "mailbox=%u letters=%zu first=%llu days=%u",
                        mailbox, letters, (unsigned long long)slice->unread[i].number,
                        slice->unread_days);
        }
    }
}

void
unread_parked(struct broker *broker, const struct expire_command *slice)
{
    if (slice->unread_len == 0) {
        return;
    }
    metrics.letters_unread += slice->unread_len;
    log_parked(slice);
    broker_rest_txn(broker); // the slice's commit is to be seen
    report_to_sources(broker, slice);
}

bool
unread_greet(struct broker *broker, struct session *session)
{
    struct report report = {NULL, 0, false};
    struct mailbox_id mailbox = {0};
    struct held_row row;
    uint64_t number = 0;
    size_t rows = 0;

    if (session->door != broker->sources) {
        return true;
    }
    report.mutations = xcalloc(REPORT_MAX, sizeof *report.mutations);
    while (!report.more &&
           held_next(broker_txn(broker), mailbox, number, &mailbox, &row) == VG_OK) {
        report.more = ++rows > HELD_ROWS_MAX;
        if (row.head.state == HELD_PARKED && row.head.actor == 0) {
            consider(broker, session, &report, &row);
        }
        number = row.head.letter.number + 1;
    }
    return send_report(broker, session, &report);
}
