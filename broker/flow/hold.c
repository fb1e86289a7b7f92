// SPDX-License-Identifier: EUPL-1.2
#include "flow/hold.h"

#include <stdlib.h>
#include <string.h>

// ---- out of the main sequence ----

// The mark moved though nothing was acknowledged: the journal says how far.
static void
journal_mark(struct applier *applier, uint32_t mailbox, const struct mailbox_row *row)
{
    struct journal_acknowledge item = {.through = row->acknowledged, .mailbox = mailbox};
    struct journal_marked marked = {.bytes_through = row->bytes_acknowledged};

    journal_add(&applier->record, JOURNAL_ACKNOWLEDGE, &item, sizeof item, &marked,
                sizeof marked);
}

enum vg_status
hold_take_out(struct applier *applier, uint32_t mailbox, struct letter *letter,
              enum mark *ret_mark)
{
    struct acknowledge_single single = {letter->number, letter->bytes_through,
                                        letter->size};
    struct mailbox_id id = {mailbox};
    struct mailbox_row *row = NULL;
    struct marks marks;
    struct letter filed;
    size_t len = 0;
    enum vg_status status = applier_box(applier, mailbox, &row);

    if (status == VG_OK) {
        status = marks_load(applier->txn, id, row, &marks);
    }
    if (status != VG_OK) {
        return status;
    }

    uint64_t mark = row->acknowledged;

    *ret_mark = marks_single(&marks, &single);
    if (*ret_mark != MARK_NEW) {
        return VG_OK;
    }
    if (row->acknowledged > mark) {
        journal_mark(applier, mailbox, row);
    }
    status = marks_keep(applier->txn, id, &marks);
    // The loop may have read the letter before its body was moved. A damaged row of the
    // backlog knows no better.
    if (status == VG_OK &&
        backlog_read(applier->txn, id, letter->number, &filed, 1, &len) == VG_OK &&
        len == 1 && filed.number == letter->number) {
        *letter = filed;
    }
    return status;
}

// ---- rows ----

static void
count(struct mailbox_row *row, const struct held_head *head, bool in)
{
    uint64_t one = in ? 1 : -UINT64_C(1);
    uint64_t bytes = in ? head->letter.size : -(uint64_t)head->letter.size;

    if (head->state == HELD_PARKED) {
        row->parked += one;
        row->parked_bytes += bytes;
    } else {
        row->held += one;
        row->held_bytes += bytes;
    }
}

static void
tell_loop(struct batch *batch, uint32_t mailbox, const struct held_head *head,
          enum held_state state)
{
    if (batch->held_len == batch->held_size) {
        batch->held_size = batch->held_size * 2 + 64;
        batch->held = realloc(batch->held, batch->held_size * sizeof *batch->held);
        CHECK(batch->held != NULL);
    }
    batch->held[batch->held_len++] = (struct held_change){
        .mailbox = mailbox,
        .state = state,
        .number = head->letter.number,
        .subject = head->subject,
        .due_us = head->due_us,
    };
}

void
hold_tell_left(struct batch *batch, uint32_t mailbox, uint64_t number, uint64_t subject)
{
    tell_loop(batch, mailbox,
              &(struct held_head){.letter = {.number = number}, .subject = subject},
              HELD_GONE);
}

static void
journal_row(struct applier *applier, uint32_t mailbox, enum journal_kind why,
            const struct held_row *row)
{
    struct journal_held item = {
        .letter = row->head.letter,
        .subject = row->head.subject,
        .due_us = row->head.due_us,
        .mailbox = mailbox,
        .actor = row->head.actor,
        .attempts = row->head.attempts,
        .state = row->head.state,
        .reason_len = row->head.reason_len,
    };

    journal_add(&applier->record, why, &item, sizeof item, row->reason,
                row->head.reason_len);
}

static enum vg_status
write_row(struct applier *applier, uint32_t mailbox, enum journal_kind why,
          const struct held_row *row)
{
    struct mailbox_row *box = NULL;
    struct held_row before;
    enum vg_status status = applier_box(applier, mailbox, &box);

    if (status == VG_OK) {
        status = held_get(applier->txn, (struct mailbox_id){mailbox},
                          row->head.letter.number, &before);
        if (status == VG_OK) {
            count(box, &before.head, false);
        } else if (status == VG_NOT_FOUND) {
            status = VG_OK;
        }
    }
    if (status != VG_OK) {
        return status;
    }
    count(box, &row->head, true);
    journal_row(applier, mailbox, why, row);
    tell_loop(applier->batch, mailbox, &row->head, (enum held_state)row->head.state);
    return held_put(applier->txn, (struct mailbox_id){mailbox}, row);
}

// ---- whose turn it is ----

static enum vg_status
turn_to(struct applier *applier, uint32_t mailbox, uint64_t number, enum held_state state)
{
    struct held_row row;
    enum vg_status status =
        held_get(applier->txn, (struct mailbox_id){mailbox}, number, &row);

    if (status != VG_OK) {
        return status == VG_NOT_FOUND ? VG_STORE_BROKEN : status;
    }
    row.head.state = (uint16_t)state;
    return write_row(applier, mailbox,
                     state == HELD_RETRY ? JOURNAL_RETRY : JOURNAL_DEFER, &row);
}

// The first one that is held about a subject, other than `except`: 0 if there is none.
static enum vg_status
first_about(struct applier *applier, uint32_t mailbox, uint64_t subject, uint64_t except,
            uint64_t *ret_number, enum held_state *ret_state)
{
    struct mailbox_id id = {mailbox};
    enum vg_status status =
        held_about(applier->txn, id, subject, 0, ret_number, ret_state);

    if (status == VG_OK && *ret_number == except) {
        status = held_about(applier->txn, id, subject, except + 1, ret_number, ret_state);
    }
    if (status == VG_NOT_FOUND) {
        *ret_number = 0;
        *ret_state = HELD_GONE;
        return VG_OK;
    }
    return status;
}

static enum vg_status
release_next(struct applier *applier, uint32_t mailbox, uint64_t subject)
{
    uint64_t number = 0;
    enum held_state state = HELD_GONE;
    enum vg_status status = first_about(applier, mailbox, subject, 0, &number, &state);

    return status == VG_OK && state == HELD_BEHIND
               ? turn_to(applier, mailbox, number, HELD_RETRY)
               : status;
}

enum vg_status
hold_put(struct applier *applier, uint32_t mailbox, enum journal_kind why,
         struct held_row *row)
{
    uint64_t number = row->head.letter.number;
    uint64_t other = 0;
    enum held_state state = HELD_GONE;
    enum vg_status status =
        first_about(applier, mailbox, row->head.subject, number, &other, &state);

    if (status == VG_OK && row->head.state != HELD_PARKED) {
        row->head.state = other != 0 && other < number ? HELD_BEHIND : HELD_RETRY;
    }
    if (status == VG_OK) {
        status = write_row(applier, mailbox, why, row);
    }
    if (status == VG_OK && row->head.state == HELD_RETRY && state == HELD_RETRY) {
        status = turn_to(applier, mailbox, other, HELD_BEHIND); // it was first before
    }
    if (status == VG_OK && row->head.state == HELD_PARKED) {
        status = release_next(applier, mailbox, row->head.subject);
    }
    return status;
}

enum vg_status
hold_end(struct applier *applier, uint32_t mailbox, const struct held_row *row)
{
    struct mailbox_row *box = NULL;
    enum vg_status status = applier_box(applier, mailbox, &box);

    if (status == VG_OK) {
        count(box, &row->head, false);
        tell_loop(applier->batch, mailbox, &row->head, HELD_GONE);
        status = held_erase(applier->txn, (struct mailbox_id){mailbox},
                            row->head.letter.number);
    }
    return status == VG_OK ? release_next(applier, mailbox, row->head.subject) : status;
}

enum vg_status
hold_drop(struct applier *applier, uint32_t mailbox, const struct held_row *row)
{
    struct mailbox_row *box = NULL;
    struct held_row gone = *row;
    enum vg_status status = applier_box(applier, mailbox, &box);

    if (status != VG_OK) {
        return status;
    }
    box->dropped++;
    gone.head.state = HELD_GONE;
    journal_row(applier, mailbox, JOURNAL_DROP, &gone);
    return hold_end(applier, mailbox, row);
}

enum vg_status
hold_discard(struct applier *applier, uint32_t mailbox, const struct letter *letter,
             uint64_t subject)
{
    struct held_head gone = {.letter = *letter, .subject = subject};
    struct mailbox_row *box = NULL;
    enum mark mark = MARK_KNOWN;
    enum vg_status status = applier_box(applier, mailbox, &box);

    if (status == VG_OK) {
        status = hold_take_out(applier, mailbox, &gone.letter, &mark);
    }
    if (status == VG_OK) {
        CHECK(mark == MARK_NEW);
        box->dropped++;
        hold_tell_left(applier->batch, mailbox, letter->number, subject);
    }
    return status;
}

// ---- two persons become one ----

// All but the first one of those that are tried wait from now on.
static enum vg_status
join_in_mailbox(struct applier *applier, uint32_t mailbox, uint64_t subject)
{
    uint64_t number = 0;
    enum held_state state = HELD_GONE;
    enum vg_status status = first_about(applier, mailbox, subject, 0, &number, &state);

    while (status == VG_OK && number != 0) {
        status = held_about(applier->txn, (struct mailbox_id){mailbox}, subject,
                            number + 1, &number, &state);
        if (status == VG_OK && state == HELD_RETRY) {
            status = turn_to(applier, mailbox, number, HELD_BEHIND);
        }
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

enum vg_status
hold_join(struct applier *applier, struct niss niss)
{
    struct mailbox_id mailbox = {0};
    struct held_row row;
    enum vg_status status;

    while ((status = held_next(applier->txn, (struct mailbox_id){mailbox.number + 1}, 0,
                               &mailbox, &row)) == VG_OK) {
        status = join_in_mailbox(applier, mailbox.number, niss.number);
        if (status != VG_OK || mailbox.number == UINT32_MAX) {
            return status;
        }
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}
