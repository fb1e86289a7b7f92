// SPDX-License-Identifier: EUPL-1.2
// fold.c - every second or so, what is still waiting moves from the journal's newest records
// into the backlog, mailbox by mailbox. A mailbox whose institution keeps up never gets
// there, and a restart has at most one interval to read again.
#include "flow/applier.h"

#include <stdlib.h>

enum { TRIM_ROWS_MAX = 64 };

struct waiting {
    struct posted *posted;
    size_t len;
    size_t size;
    size_t seen; // letters in the commits, waiting or not
};

static void
add_waiting(struct waiting *waiting, const struct journal_recipient *recipient)
{
    if (waiting->len == waiting->size) {
        waiting->size = waiting->size * 2 + 1024;
        waiting->posted =
            realloc(waiting->posted, waiting->size * sizeof *waiting->posted);
        CHECK(waiting->posted != NULL);
    }
    waiting->posted[waiting->len].mailbox = recipient->mailbox;
    waiting->posted[waiting->len++].letter = letter_of(recipient);
}

static enum vg_status
collect_event(struct applier *applier, const struct journal_item *item,
              struct waiting *waiting)
{
    struct journal_recipient recipient;

    for (size_t i = 0; journal_item_recipient(item, i, &recipient); i++) {
        struct mailbox_row *row = NULL;
        enum vg_status status = applier_box(applier, recipient.mailbox, &row);

        if (status != VG_OK) {
            return status;
        }
        waiting->seen++;
        if (recipient.number > row->acknowledged) {
            add_waiting(waiting, &recipient);
        }
        if (recipient.number > row->folded) {
            row->folded = recipient.number;
        }
    }
    return VG_OK;
}

static enum vg_status
collect_commit(struct applier *applier, uint64_t commit, struct buffer *record,
               struct waiting *waiting)
{
    struct journal_head head;
    struct journal_item item;
    size_t offset = 0;
    enum vg_status status =
        commit <= applier->found_commit
            ? journal_read(applier->txn, commit, record, &head, NULL)
            : journal_reread(applier->txn, commit, record, &head, NULL);

    while (status == VG_OK && journal_next(record, &offset, &item)) {
        if (item.kind == JOURNAL_EVENT) {
            status = collect_event(applier, &item, waiting);
        }
    }
    return status;
}

static int
by_mailbox_and_number(const void *left, const void *right)
{
    const struct posted *a = left;
    const struct posted *b = right;

    if (a->mailbox != b->mailbox) {
        return a->mailbox < b->mailbox ? -1 : 1;
    }
    return a->letter.number < b->letter.number ? -1 : 1;
}

static enum vg_status
file_letters(struct applier *applier, struct waiting *waiting)
{
    struct letter row[LETTERS_PER_ROW];
    size_t i = 0;

    if (waiting->len > 0) {
        qsort(waiting->posted, waiting->len, sizeof *waiting->posted,
              by_mailbox_and_number);
    }
    while (i < waiting->len) {
        uint32_t mailbox = waiting->posted[i].mailbox;
        size_t len = 0;

        while (i < waiting->len && len < LETTERS_PER_ROW &&
               waiting->posted[i].mailbox == mailbox) {
            row[len++] = waiting->posted[i++].letter;
        }

        enum vg_status status =
            backlog_append(applier->txn, (struct mailbox_id){mailbox}, row, len);

        if (status != VG_OK) {
            return status;
        }
    }
    return VG_OK;
}

// Rows that hold nothing unacknowledged any more go, some at a time.
static enum vg_status
trim_backlog(struct applier *applier, uint32_t mailbox, struct box *box)
{
    uint64_t through =
        box->row.acknowledged < box->row.folded ? box->row.acknowledged : box->row.folded;
    size_t rows = 0;

    if (through <= box->trimmed) {
        return VG_OK;
    }

    enum vg_status status = backlog_trim(applier->txn, (struct mailbox_id){mailbox},
                                         through, TRIM_ROWS_MAX, &rows);

    if (status == VG_OK && rows > 0) {
        applier->changed = true;
    }
    if (status == VG_OK && rows < TRIM_ROWS_MAX) {
        box->trimmed = through;
    }
    return status;
}

enum vg_status
fold_letters(struct applier *applier, struct command *command)
{
    struct meta *meta = &applier->meta;
    struct waiting waiting = {0};
    struct buffer record = {0};
    struct journal_fold item = {.through_commit = meta->last_commit};
    enum vg_status status = VG_OK;

    (void)command;
    if (applier->tight) {
        return VG_OK; // it needs room, and the next one does as well
    }
    for (uint64_t commit = meta->folded_commit + 1;
         status == VG_OK && commit <= meta->last_commit; commit++) {
        status = collect_commit(applier, commit, &record, &waiting);
    }
    if (status == VG_OK) {
        status = file_letters(applier, &waiting);
    }
    if (status == VG_OK) {
        status = applier_each_box(applier, trim_backlog);
    }
    if (status == VG_OK && waiting.len > 0) {
        item.letters = waiting.len;
        journal_add(&applier->record, JOURNAL_FOLD, &item, sizeof item, NULL, 0);
    }
    // A commit without letters, such as the fold's own, does not ask for another one.
    if (status == VG_OK &&
        (waiting.seen > 0 || meta->folded_commit + 1 < meta->last_commit)) {
        meta->folded_commit = meta->last_commit;
        applier->batch->folded = true;
        applier->changed = true;
    }
    free(waiting.posted);
    buffer_free(&record);
    return status;
}
