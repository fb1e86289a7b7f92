// SPDX-License-Identifier: EUPL-1.2
#include "flow/replay.h"

#include "flow/applier.h"
#include "flow/indexing.h"
#include "flow/merge.h"
#include "rules/directory.h"
#include "store/counted.h"

#include <string.h>

// One transaction of the store that is brought forward ends after so many.
enum { COMMITS_AT_ONCE = 256 };

struct replay {
    struct applier *applier;
    struct batch *batch; // scratch, for the steps that look at one
    struct txn *from;
    struct replay_report *report;
    struct buffer record;
    struct buffer value; // of a row, its pieces put together
};

typedef unsigned long long number; // as %llu wants it

// ---- events and refusals ----

static enum vg_status
note_number(struct applier *applier, uint32_t source, uint32_t producer, uint64_t last,
            uint64_t ticket)
{
    struct institution_id id = {source};
    struct producer_row row;
    enum vg_status status = producer_get(applier->txn, id, producer, &row);

    if (status != VG_OK) {
        return status;
    }
    row.last_number = last > row.last_number ? last : row.last_number;
    row.last_ticket = ticket > row.last_ticket ? ticket : row.last_ticket;
    row.last_us = applier->now.us;
    return producer_put(applier->txn, id, producer, &row);
}

static void
note_ticket(struct applier *applier, uint64_t ticket)
{
    if (ticket > applier->meta.last_sequence) {
        applier->meta.last_sequence = ticket;
    }
}

static enum vg_status
replay_recipient(struct applier *applier, const struct journal_recipient *recipient)
{
    uint64_t block = body_block(recipient->body);
    struct mailbox_row *row = NULL;
    enum vg_status status = applier_box(applier, recipient->mailbox, &row);

    if (status != VG_OK) {
        return status;
    }
    row->last = recipient->number;
    row->bytes_total = recipient->bytes_through;
    row->last_kept_us = applier->now.us;
    if (block > applier->meta.last_block) {
        applier->meta.last_block = block;
    }
    return VG_OK;
}

static enum vg_status
replay_event(struct applier *applier, const struct journal_item *item)
{
    struct journal_event event;
    struct journal_recipient recipient;
    enum vg_status status = VG_OK;

    if (!journal_item_as(item, &event, sizeof event)) {
        return VG_STORE_BROKEN;
    }
    for (size_t i = 0; status == VG_OK && journal_item_recipient(item, i, &recipient);
         i++) {
        status = replay_recipient(applier, &recipient);
    }
    note_ticket(applier, event.ticket);
    if (event.source == 0 || event.again != AGAIN_NOT) {
        return status; // the broker's own: it has no producer
    }
    if (status == VG_OK) {
        status = applier_hear(applier, event.source, event.flow, event.ticket);
    }
    return status == VG_OK ? note_number(applier, event.source, event.producer,
                                         event.number, event.ticket)
                           : status;
}

static enum vg_status
replay_refusal(struct applier *applier, const struct journal_item *item)
{
    struct journal_refusal refusal;

    return journal_item_as(item, &refusal, sizeof refusal)
               ? note_number(applier, refusal.source, refusal.producer, refusal.number, 0)
               : VG_STORE_BROKEN;
}

// ---- acknowledgements and folds ----

static enum vg_status
replay_acknowledge(struct applier *applier, const struct journal_item *item)
{
    struct command command = {.kind = COMMAND_ACKNOWLEDGE};
    struct acknowledge_single single;
    struct {
        struct journal_acknowledge item;
        struct journal_marked marked;
    } told;

    if (!journal_item_as(item, &told, sizeof told)) {
        return VG_STORE_BROKEN;
    }
    command.acknowledge.mailbox = told.item.mailbox;
    if (told.item.one == ACKNOWLEDGED_HELD) {
        return VG_OK; // its rows say so
    }
    if (told.item.one == ACKNOWLEDGED_ONE) {
        single = (struct acknowledge_single){told.item.through, told.marked.bytes_through,
                                             (uint32_t)told.marked.bytes};
        command.acknowledge.singles = &single;
        command.acknowledge.singles_len = 1;
    } else {
        command.acknowledge.through = told.item.through;
        command.acknowledge.through_bytes = told.marked.bytes_through;
    }
    return acknowledge_letters(applier, &command);
}

static enum vg_status
replay_fold(struct applier *applier)
{
    struct command command = {.kind = COMMAND_FOLD};

    return fold_letters(applier, &command);
}

// ---- retention ----

static enum vg_status
replay_moved(struct applier *applier, const struct journal_item *item)
{
    struct journal_moved moved;
    struct mailbox_id mailbox;
    enum vg_status status;

    if (!journal_item_as(item, &moved, sizeof moved)) {
        return VG_STORE_BROKEN;
    }
    mailbox.number = moved.mailbox;
    if (body_block(moved.body) > applier->meta.last_block) {
        applier->meta.last_block = body_block(moved.body);
    }
    status = held_move_body(applier->txn, mailbox, moved.number, moved.body);
    if (status == VG_NOT_FOUND) {
        status = backlog_move(applier->txn, mailbox, moved.number, moved.body);
    }
    // A held one that left later in this commit: its rows, which came first, say so.
    return status == VG_NOT_FOUND ? VG_OK : status;
}

static enum vg_status
replay_expired(struct applier *applier, const struct journal_item *item)
{
    struct meta *meta = &applier->meta;
    struct journal_expired expired;
    struct buffer record = {0};
    size_t blocks = 0;
    enum vg_status status = VG_OK;

    if (!journal_item_as(item, &expired, sizeof expired) ||
        expired.first_block > meta->last_block + 1 ||
        expired.first_commit > meta->last_commit + 1) {
        return VG_STORE_BROKEN;
    }
    status = bodies_erase(applier->txn, meta, expired.first_block - 1, SIZE_MAX, &blocks);
    while (status == VG_OK && meta->first_commit < expired.first_commit) {
        status = counted_trim(applier->txn, meta, &record, NULL);
    }
    buffer_free(&record);
    return status;
}

static enum vg_status
replay_indexed(struct applier *applier, const struct journal_item *item)
{
    struct journal_indexed indexed;

    return journal_item_as(item, &indexed, sizeof indexed)
               ? index_again(applier, &indexed)
               : VG_STORE_BROKEN;
}

// ---- the directory ----

static enum vg_status
replay_period(struct applier *applier, const struct journal_directory *item)
{
    struct integration changed[INTEGRATIONS_PER_PERSON_MAX + 2];
    struct institution institution;
    struct person person;
    struct niss niss;
    size_t len;
    enum vg_status status =
        person_in_force(applier->txn, (struct niss){item->niss}, &niss, &person);

    if (status == VG_OK) {
        status = institution_get(applier->txn, (struct institution_id){item->institution},
                                 &institution);
    }
    if (status != VG_OK || person.len > INTEGRATIONS_PER_PERSON_MAX) {
        return VG_STORE_BROKEN;
    }
    len = person.len;
    if (len > 0) {
        memcpy(changed, person.integrations, len * sizeof *changed);
    }
    status = merge_stored_integrations(applier->txn, changed, &len);
    if (status != VG_OK) {
        return status;
    }
    if (item->act == ACT_INTEGRATE) {
        directory_add(changed, &len,
                      (struct integration){
                          .institution = item->institution,
                          .sector = institution.sector,
                          .quality = item->quality,
                          .begin = item->begin,
                          .end = item->end,
                      });
    } else {
        (void)directory_cut(changed, &len, item->institution, item->quality,
                            (struct period){{item->begin}, {item->end}});
    }
    return applier_put_person(applier, niss, person.len, changed, len);
}

static enum vg_status
replay_directory(struct applier *applier, const struct journal_item *item)
{
    struct journal_directory directory;

    if (!journal_item_as(item, &directory, sizeof directory)) {
        return VG_STORE_BROKEN;
    }
    note_ticket(applier, directory.ticket);
    if (directory.status != VG_OK ||
        (directory.act != ACT_INTEGRATE && directory.act != ACT_REMOVE)) {
        return VG_OK; // it was only asked
    }
    return replay_period(applier, &directory);
}

static enum vg_status
replay_replace(struct applier *applier, const struct journal_item *item)
{
    struct journal_replace replace;

    return journal_item_as(item, &replace, sizeof replace)
               ? applier_move_person(applier, (struct niss){replace.old_niss},
                                     (struct niss){replace.new_niss})
               : VG_STORE_BROKEN;
}

// ---- rows ----

static enum vg_status
replay_meta(struct applier *applier, struct bytes value)
{
    struct meta told;
    enum vg_status status = VG_OK;

    if (!journal_row_as(value, &told, sizeof told)) {
        return VG_STORE_BROKEN;
    }
    if (told.folded_commit > applier->meta.folded_commit) {
        status = replay_fold(applier); // one that filed nothing has no item
    }
    applier->meta = told;
    return status;
}

static enum vg_status
replay_mailbox(struct applier *applier, struct bytes key, struct bytes value)
{
    uint32_t mailbox = journal_row_mailbox(key);
    struct mailbox_row *row = NULL;
    enum vg_status status = mailbox == 0 ? VG_STORE_BROKEN : VG_OK;

    if (status == VG_OK) {
        status = applier_box(applier, mailbox, &row);
    }
    if (status == VG_OK && !journal_row_as(value, row, sizeof *row)) {
        status = VG_STORE_BROKEN;
    }
    return status;
}

static enum vg_status
replay_row(struct replay *replay, const struct journal_item *item, bool first)
{
    struct journal_row row;
    struct bytes key, piece;

    if (!journal_item_row(item, &row, &key, &piece)) {
        return VG_STORE_BROKEN;
    }

    enum journal_row_of of = journal_row_of(&row);

    if ((of == ROW_FIRST) != first) {
        return VG_OK; // its turn comes, or has been
    }
    if (row.offset == 0) {
        buffer_clear(&replay->value);
    }
    if (row.offset != replay->value.len) {
        return VG_STORE_BROKEN;
    }
    buffer_add(&replay->value, piece.at, piece.len);
    if (replay->value.len < row.value_len) {
        return VG_OK;
    }

    struct bytes value = {replay->value.at, replay->value.len};

    return of == ROW_OF_META ? replay_meta(replay->applier, value)
           : of == ROW_OF_MAILBOX
               ? replay_mailbox(replay->applier, key, value)
               : journal_apply_row(replay->applier->txn, &row, key, value);
}

// ---- one record ----

// Rows that stand on their own, what happened in its order, rows that it led to.
enum pass { PASS_ROWS_FIRST, PASS_ITEMS, PASS_ROWS_LAST, PASSES };

static enum vg_status
replay_item(struct replay *replay, enum pass pass, const struct journal_item *item)
{
    struct applier *applier = replay->applier;
    struct journal_admin admin;

    if ((item->kind == JOURNAL_ROW) != (pass != PASS_ITEMS)) {
        return VG_OK;
    }
    switch (item->kind) {
    case JOURNAL_ROW:
        return replay_row(replay, item, pass == PASS_ROWS_FIRST);
    case JOURNAL_EVENT:
        return replay_event(applier, item);
    case JOURNAL_REFUSAL:
        return replay_refusal(applier, item);
    case JOURNAL_ACKNOWLEDGE:
        return replay_acknowledge(applier, item);
    case JOURNAL_DIRECTORY:
        return replay_directory(applier, item);
    case JOURNAL_REPLACE:
        return replay_replace(applier, item);
    case JOURNAL_FOLD:
        return replay_fold(applier);
    case JOURNAL_MOVED:
        return replay_moved(applier, item);
    case JOURNAL_EXPIRED:
        return replay_expired(applier, item);
    case JOURNAL_INDEXED:
        return replay_indexed(applier, item);
    case JOURNAL_ADMIN:
        if (!journal_item_as(item, &admin, sizeof admin)) {
            return VG_STORE_BROKEN;
        }
        note_ticket(applier, admin.ticket);
        return VG_OK;
    case JOURNAL_REFUSE_LETTER:
    case JOURNAL_DEFER:
    case JOURNAL_RETRY:
    case JOURNAL_PARK:
    case JOURNAL_DROP:
    case JOURNAL_CORRECTION:
    case JOURNAL_UNWANTED:
    case JOURNAL_MERGED:
    case JOURNAL_WITHDRAWN:
        break;
    case JOURNAL_LOADED:
        return VG_NOT_FOUND; // its rows stand in no record
    }
    return VG_OK; // what it changed is told by rows
}

static enum vg_status
copy_blocks(struct replay *replay, uint64_t before)
{
    enum vg_status status = VG_OK;

    for (uint64_t block = before + 1;
         status == VG_OK && block <= replay->applier->meta.last_block; block++) {
        status = bodies_copy_block(replay->from, replay->applier->txn, block);
        if (status == VG_NOT_FOUND) {
            replay->report->blocks_missing++;
            status = VG_OK;
        } else {
            replay->report->blocks++;
        }
    }
    return status;
}

static enum vg_status
replay_record(struct replay *replay, const struct journal_head *head)
{
    struct applier *applier = replay->applier;
    struct meta *meta = &applier->meta;
    uint64_t block = meta->last_block;
    enum vg_status status = VG_OK;

    applier->now.us = head->time_us;
    for (enum pass pass = PASS_ROWS_FIRST; pass < PASSES; pass++) {
        struct journal_item item;
        size_t offset = 0;

        while (status == VG_OK && journal_next(&replay->record, &offset, &item)) {
            status = replay_item(replay, pass, &item);
        }
    }
    if (status == VG_OK) {
        status = copy_blocks(replay, block);
    }
    if (status == VG_OK) {
        status = journal_adopt(applier->txn, &replay->record, head->commit);
    }
    meta->last_commit = head->commit;
    meta->last_batch = head->batch;
    meta->last_time_us = head->time_us;
    meta->last_hash = head->hash;
    buffer_clear(&applier->record); // what the steps told: the record tells it
    replay->report->commits++;
    return status;
}

static enum vg_status
replay_commit(struct replay *replay, uint64_t commit, struct why *why)
{
    struct meta *meta = &replay->applier->meta;
    struct journal_head head;
    enum vg_status status =
        journal_read(replay->from, commit, &replay->record, &head, why);

    if (status != VG_OK) {
        return status;
    }
    if (memcmp(&head.previous, &meta->last_hash, sizeof head.previous) != 0) {
        return fail(why, VG_BAD_FILE,
                    "commit %llu of the later store does not follow on commit %llu of "
                    "this one: they are not the same store",
                    (number)commit, (number)meta->last_commit);
    }
    journal_begin(&replay->applier->record, commit, 0, 0, &meta->last_hash);
    status = replay_record(replay, &head);
    if (status != VG_OK) {
        return fail(why, status, "commit %llu cannot be replayed: %s", (number)commit,
                    vg_status_sentence(status));
    }
    return VG_OK;
}

// ---- all of them ----

static enum vg_status
replay_some(struct replay *replay, uint64_t through, struct why *why)
{
    struct applier *applier = replay->applier;
    uint64_t commit = applier->meta.last_commit + 1;
    enum vg_status status = store_write(applier->store, &applier->txn, why);

    for (int i = 0; status == VG_OK && i < COMMITS_AT_ONCE && commit <= through; i++) {
        status = replay_commit(replay, commit++, why);
    }
    if (status == VG_OK) {
        status = applier_put_boxes(applier);
    }
    if (status == VG_OK) {
        status = applier_put_heard(applier);
    }
    if (status == VG_OK) {
        status = meta_put(applier->txn, &applier->meta);
    }
    return status == VG_OK ? store_commit(&applier->txn, why) : status;
}

static enum vg_status
replay_all(struct replay *replay, uint64_t through, replay_progress_fn progress,
           void *arg, struct why *why)
{
    uint64_t first = replay->applier->meta.last_commit;
    struct meta later;
    enum vg_status status = meta_get(replay->from, &later, why);

    if (status == VG_OK && through > later.last_commit) {
        return fail(why, VG_NOT_FOUND, "the later store ends at commit %llu",
                    (number)later.last_commit);
    }
    while (status == VG_OK && replay->applier->meta.last_commit < through) {
        status = replay_some(replay, through, why);
        if (status == VG_OK && progress != NULL) {
            progress((double)(replay->applier->meta.last_commit - first) /
                         (double)(through - first),
                     arg);
        }
    }
    return status;
}

enum vg_status
replay_commits(struct store *store, struct store *later, uint64_t through,
               struct replay_report *ret_report, replay_progress_fn progress, void *arg,
               struct why *why)
{
    struct replay replay = {.report = ret_report};
    enum vg_status status = applier_open(store, &replay.applier, why);

    *ret_report = (struct replay_report){.commits = 0};
    if (status == VG_OK) {
        replay.batch = xcalloc(1, sizeof *replay.batch);
        replay.applier->batch = replay.batch;
        status = store_read(later, &replay.from, why);
    }
    if (status == VG_OK) {
        status = replay_all(&replay, through, progress, arg, why);
    }
    store_abort(&replay.from);
    applier_close(&replay.applier);
    batch_free(&replay.batch);
    buffer_free(&replay.record);
    buffer_free(&replay.value);
    return status;
}

enum vg_status
replay_find(struct store *store, uint64_t after, int64_t time_us, uint64_t *ret_commit,
            struct why *why)
{
    struct buffer record = {.len = 0};
    struct txn *txn = NULL;
    struct journal_head head;
    struct meta meta;
    uint64_t first, low, high; // the answer is at least low - 1, below high
    enum vg_status status = store_read(store, &txn, why);

    if (status == VG_OK) {
        status = meta_get(txn, &meta, why);
    }
    if (status != VG_OK) {
        store_abort(&txn);
        return status;
    }
    first = low = after + 1 > meta.first_commit ? after + 1 : meta.first_commit;
    high = meta.last_commit + 1;
    while (status == VG_OK && low < high) {
        uint64_t middle = low + (high - low) / 2;

        status = journal_read(txn, middle, &record, &head, why);
        if (status == VG_OK && head.time_us <= time_us) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    buffer_free(&record);
    store_abort(&txn);
    *ret_commit = low == first ? after : low - 1;
    return status;
}
