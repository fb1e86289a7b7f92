// SPDX-License-Identifier: EUPL-1.2
// fold.c - every second or so, what is still waiting moves from the journal's newest records
// into the backlog, mailbox by mailbox. A mailbox whose institution keeps up never gets
// there, and a restart has at most one interval to read again.
#include "flow/applier.h"

#include <stdlib.h>

enum { TRIM_ROWS_MAX = 64 };

struct waits {
    struct letter letter;
    uint32_t next; // of the same mailbox
};

// Letters of all mailboxes in the journal's order, those of each in a ring: a box knows its
// last one, and that one the first.
struct waiting {
    struct waits *at;
    size_t len;
    size_t size;
    size_t seen; // letters in the commits, waiting or not
};

static void
add_waiting(struct waiting *waiting, struct box *box,
            const struct journal_recipient *recipient)
{
    uint32_t place = (uint32_t)waiting->len;

    if (waiting->len == waiting->size) {
        waiting->size = waiting->size * 2 + 1024;
        waiting->at = realloc(waiting->at, waiting->size * sizeof *waiting->at);
        CHECK(waiting->at != NULL);
    }
    CHECK(place < UINT32_MAX);
    waiting->at[place] = (struct waits){letter_of(recipient), place};
    if (box->waits != 0) {
        struct waits *last = &waiting->at[box->waits - 1];

        waiting->at[place].next = last->next;
        last->next = place;
    }
    box->waits = place + 1;
    waiting->len++;
}

static enum vg_status
collect_event(struct applier *applier, const struct journal_item *item,
              struct waiting *waiting)
{
    struct journal_recipient recipient;

    for (size_t i = 0; journal_item_recipient(item, i, &recipient); i++) {
        struct box *box = NULL;
        enum vg_status status = applier_open_box(applier, recipient.mailbox, &box);

        if (status != VG_OK) {
            return status;
        }
        waiting->seen++;
        if (recipient.number > box->row.acknowledged) {
            add_waiting(waiting, box, &recipient);
        }
        if (recipient.number > box->row.folded) {
            box->row.folded = recipient.number;
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

static enum vg_status
file_letters(struct applier *applier, uint32_t mailbox, struct box *box,
             const struct waiting *waiting)
{
    struct letter row[LETTERS_PER_ROW];
    uint32_t last = box->waits - 1;
    uint32_t i = last;
    enum vg_status status = VG_OK;

    box->waits = 0;
    do {
        size_t len = 0;

        do {
            i = waiting->at[i].next;
            row[len++] = waiting->at[i].letter;
        } while (i != last && len < LETTERS_PER_ROW);
        status = backlog_append(applier->txn, (struct mailbox_id){mailbox}, row, len);
    } while (status == VG_OK && i != last);
    return status;
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

static enum vg_status
fold_box(struct applier *applier, uint32_t mailbox, struct box *box, void *waiting)
{
    enum vg_status status =
        box->waits == 0 ? VG_OK : file_letters(applier, mailbox, box, waiting);

    return status == VG_OK ? trim_backlog(applier, mailbox, box) : status;
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
        status = applier_each_box(applier, fold_box, &waiting);
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
    free(waiting.at);
    buffer_free(&record);
    return status;
}
