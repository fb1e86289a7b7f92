// SPDX-License-Identifier: EUPL-1.2
#include "flow/refuse.h"

#include "flow/hold.h"
#include "flow/repeats.h"

#include <stdio.h>
#include <string.h>

enum { UTF8_MORE = 0x80, UTF8_MORE_MASK = 0xc0 };

enum vg_status
letter_subject(struct txn *txn, const struct letter *letter, uint64_t *ret_subject)
{
    struct bytes body;
    uint64_t niss, enterprise;
    enum vg_status status = body_get(txn, letter->body, &body);

    if (status != VG_OK) {
        return status;
    }
    hot_content_about((struct hot_bytes){body.at, body.len}, &niss, &enterprise);
    *ret_subject = enterprise != 0 ? HELD_ENTERPRISE | enterprise : niss;
    return VG_OK;
}

void
letter_reason(struct held_row *row, struct bytes reason)
{
    size_t len = reason.len;

    if (len > HELD_REASON_MAX) {
        len = HELD_REASON_MAX;
        while (len > 0 && (reason.at[len] & UTF8_MORE_MASK) == UTF8_MORE) {
            len--;
        }
    }
    for (size_t i = 0; i < len; i++) {
        bool prints = reason.at[i] >= ' ' && reason.at[i] != 0x7f;

        row->reason[i] = prints ? (char)reason.at[i] : '?';
    }
    row->reason[len] = 0;
    row->head.reason_len = (uint16_t)len;
}

// Takes a letter out of the main sequence into a row that is still to be put.
static enum vg_status
begin_row(struct applier *applier, uint32_t mailbox, const struct letter_about *about,
          uint32_t actor, struct held_row *ret_row, enum mark *ret_mark)
{
    *ret_row = (struct held_row){.head = {.letter = about->letter,
                                          .subject = about->subject,
                                          .since_us = applier->now.us,
                                          .actor = actor}};
    return hold_take_out(applier, mailbox, &ret_row->head.letter, ret_mark);
}

static void
refuse_without_room(struct command *command, uint32_t mailbox)
{
    refuse(command, VG_TOO_MANY,
           "mailbox %u: %d gaps are remembered between letters out of turn", mailbox,
           RANGES_MAX);
}

// ---- waiting behind another one ----

static enum vg_status
defer(struct applier *applier, struct command *command, uint32_t mailbox,
      const struct letter_about *about)
{
    struct held_row row;
    enum mark mark = MARK_KNOWN;
    enum vg_status status =
        begin_row(applier, mailbox, about, command->actor, &row, &mark);

    if (status != VG_OK || mark == MARK_KNOWN) {
        return status;
    }
    if (mark == MARK_NO_ROOM) {
        refuse_without_room(command, mailbox);
        return VG_OK;
    }
    row.head.state = HELD_BEHIND;
    return hold_put(applier, mailbox, JOURNAL_DEFER, &row);
}

static enum vg_status
defer_all(struct applier *applier, struct command *command, uint32_t mailbox,
          const struct letter_about *letters, size_t len)
{
    enum vg_status status = VG_OK;

    for (size_t i = 0; status == VG_OK && command->status == VG_OK && i < len; i++) {
        status = defer(applier, command, mailbox, &letters[i]);
    }
    return status;
}

enum vg_status
defer_letters(struct applier *applier, struct command *command)
{
    return defer_all(applier, command, command->defer.mailbox, command->defer.letters,
                     command->defer.letters_len);
}

// ---- before their turn ----

// Without room for more letters out of turn the rest come in it.
enum vg_status
advance_letters(struct applier *applier, struct command *command)
{
    struct advance_command *advance = &command->advance;
    bool waits = false;
    enum vg_status status = merge_repeats(applier, command, &waits);
    enum mark mark = MARK_NEW;

    // What waits after all may be about the person of one that would pass it.
    advance->taken = 0;
    for (size_t i = 0;
         status == VG_OK && !waits && mark != MARK_NO_ROOM && i < advance->letters_len;
         i++) {
        const struct advanced_letter *letter = &advance->letters[i];
        struct held_row row;

        status = begin_row(applier, advance->mailbox, &letter->about, 0, &row, &mark);
        if (status == VG_OK && mark == MARK_NEW) {
            row.head.state = HELD_RETRY;
            row.head.due_us = letter->urgency; // long ago, and in order
            status = hold_put(applier, advance->mailbox, JOURNAL_RETRY, &row);
            advance->taken++;
        }
    }
    return status;
}

// ---- refusing ----

// The row of the letter as it was before this refusal: held already, or just taken out.
static enum vg_status
row_of_refused(struct applier *applier, struct command *command, struct held_row *ret_row,
               bool *ret_there)
{
    const struct refuse_command *request = &command->refuse;
    enum mark mark = MARK_NEW;
    enum vg_status status = held_get(applier->txn, (struct mailbox_id){request->mailbox},
                                     request->refused.letter.number, ret_row);

    if (status == VG_NOT_FOUND) {
        status = begin_row(applier, request->mailbox, &request->refused, command->actor,
                           ret_row, &mark);
    }
    if (mark == MARK_NO_ROOM) {
        refuse_without_room(command, request->mailbox);
    }
    *ret_there = status == VG_OK && mark == MARK_NEW;
    return status;
}

static bool
is_parked_now(const struct applier *applier, const struct refuse_command *request,
              const struct held_row *row, const struct mailbox_row *box)
{
    const struct mailbox_spec *spec = roster_mailbox(applier->roster, request->mailbox);
    struct retry_rule rule = applier->batch->retry;

    if (spec != NULL && spec->limits.attempts != 0) {
        rule.attempts = spec->limits.attempts;
    }
    return request->park || retry_is_over(&rule, row->head.attempts) ||
           (row->head.state == HELD_GONE && box->held >= HELD_MAX);
}

static enum vg_status
put_refused(struct applier *applier, struct command *command, struct held_row *row)
{
    struct refuse_command *request = &command->refuse;
    struct mailbox_row *box = NULL;
    enum vg_status status = applier_box(applier, request->mailbox, &box);
    uint64_t pause_ms;

    if (status != VG_OK) {
        return status;
    }
    row->head.attempts++;
    row->head.actor = command->actor;
    letter_reason(row, request->reason);
    pause_ms = request->retry_after_ms != 0
                   ? request->retry_after_ms
                   : retry_pause_ms(&applier->batch->retry, row->head.attempts);
    if (is_parked_now(applier, request, row, box)) {
        row->head.state = HELD_PARKED;
        row->head.due_us = 0;
        status = hold_put(applier, request->mailbox, JOURNAL_PARK, row);
    } else {
        row->head.state = HELD_RETRY;
        row->head.due_us = applier->now.us + (int64_t)(pause_ms * 1000);
        status = hold_put(applier, request->mailbox, JOURNAL_REFUSE_LETTER, row);
    }
    return status;
}

static void
answer_with(struct refuse_command *request, const struct held_row *row)
{
    request->state = (enum held_state)row->head.state;
    request->attempts = row->head.attempts;
    request->due_us = row->head.due_us;
}

enum vg_status
refuse_letter(struct applier *applier, struct command *command)
{
    struct refuse_command *request = &command->refuse;
    struct held_row row;
    bool there = false;
    enum vg_status status = row_of_refused(applier, command, &row, &there);

    if (status != VG_OK || command->status != VG_OK) {
        return status;
    }
    if (there && row.head.state != HELD_PARKED) {
        status = put_refused(applier, command, &row);
    }
    if (there) {
        answer_with(request, &row);
    }
    return status == VG_OK ? defer_all(applier, command, request->mailbox, request->later,
                                       request->later_len)
                           : status;
}

// ---- parking without being asked ----

enum vg_status
applier_park(struct applier *applier, uint32_t mailbox, const struct letter *letter,
             uint64_t subject, uint32_t actor, const char *reason)
{
    struct letter_about about = {*letter, subject};
    struct held_row row;
    enum mark mark = MARK_NEW;
    enum vg_status status =
        held_get(applier->txn, (struct mailbox_id){mailbox}, letter->number, &row);

    if (status == VG_NOT_FOUND) {
        status = begin_row(applier, mailbox, &about, actor, &row, &mark);
    }
    if (status != VG_OK || mark == MARK_KNOWN || row.head.state == HELD_PARKED) {
        return status;
    }
    if (mark == MARK_NO_ROOM) {
        return VG_TOO_MANY;
    }
    row.head.state = HELD_PARKED;
    row.head.due_us = 0;
    row.head.actor = actor;
    letter_reason(&row, bytes_of(reason));
    return hold_put(applier, mailbox, JOURNAL_PARK, &row);
}
