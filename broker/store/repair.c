// SPDX-License-Identifier: EUPL-1.2
#include "store/repair.h"

#include "store/bodies.h"
#include "store/journal.h"
#include "store/store_internal.h"

enum { STEPS = 1024, COMMON_TRIES = 1000 };

typedef unsigned long long number; // as %llu wants it

struct repair {
    struct txn *txn;   // of the store that is mended
    struct txn *sound; // of the other
    struct repair_report *report;
    struct meta meta;
    struct buffer record;
    repair_progress_fn progress;
    void *arg;
    uint64_t done;
    uint64_t all;
};

#define still_damaged(repair, ...)                                                       \
    faults_add(&(repair)->report->faults, VG_STORE_BROKEN, 0, __VA_ARGS__)

static void
step(struct repair *repair)
{
    if (++repair->done % STEPS == 0 && repair->progress != NULL) {
        repair->progress((double)repair->done / (double)repair->all, repair->arg);
    }
}

// What the store itself says of a thing; VG_OK: it is sound.
static bool
is_damage(enum vg_status status)
{
    return status == VG_STORE_BROKEN || status == VG_NOT_FOUND;
}

static enum vg_status
repair_block(struct repair *repair, uint64_t block)
{
    struct why why;
    enum vg_status status = bodies_check_block(repair->txn, block, &why);

    if (!is_damage(status)) {
        return status;
    }
    if (bodies_check_block(repair->sound, block, NULL) != VG_OK) {
        if (status == VG_STORE_BROKEN) { // a missing one may have been erased
            still_damaged(repair, "%s", why.text);
        }
        return VG_OK;
    }
    repair->report->blocks++;
    return bodies_copy_block(repair->sound, repair->txn, block);
}

static enum vg_status
repair_commit(struct repair *repair, uint64_t commit)
{
    struct journal_head head;
    struct why why;
    enum vg_status status =
        journal_read(repair->txn, commit, &repair->record, &head, &why);

    if (!is_damage(status)) {
        return status;
    }
    if (journal_read(repair->sound, commit, &repair->record, &head, NULL) != VG_OK) {
        still_damaged(repair, "%s", why.text);
        return VG_OK;
    }
    repair->report->commits++;
    return journal_replace_record(repair->txn, &repair->record, commit);
}

// The row of the same mailbox and first letter, if it is sound and holds as many.
static enum vg_status
repair_row(struct repair *repair, const struct backlog_place *place)
{
    enum vg_status status =
        backlog_copy_row(repair->sound, repair->txn, place->mailbox, place->first);

    if (is_damage(status)) {
        still_damaged(repair, "mailbox %u: its waiting letters from %llu on are damaged",
                      place->mailbox.number, (number)place->first);
        return VG_OK;
    }
    if (status == VG_OK) {
        repair->report->rows++;
    }
    return status;
}

static enum vg_status
repair_rows(struct repair *repair)
{
    struct backlog_place place = {.first = 0};
    enum vg_status status = VG_OK;

    while (status == VG_OK) {
        status = backlog_next_row(repair->txn, &place);
        step(repair);
        if (status == VG_OK && !place.sound) {
            status = repair_row(repair, &place);
        }
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

// Both must have a record in common: the newest that can be read in both.
static enum vg_status
check_same_store(struct repair *repair, struct why *why)
{
    struct journal_head here, there;
    struct meta other;
    uint64_t commit;
    enum vg_status status = meta_get(repair->sound, &other, why);

    if (status != VG_OK) {
        return status;
    }
    commit = other.last_commit < repair->meta.last_commit ? other.last_commit
                                                          : repair->meta.last_commit;
    for (int i = 0; i < COMMON_TRIES && commit > 0; i++, commit--) {
        if (journal_read(repair->txn, commit, &repair->record, &here, NULL) == VG_OK &&
            journal_read(repair->sound, commit, &repair->record, &there, NULL) == VG_OK) {
            return memcmp(&here.hash, &there.hash, sizeof here.hash) == 0
                       ? VG_OK
                       : fail(why, VG_BAD_FILE, "commit %llu differs: not the same store",
                              (number)commit);
        }
    }
    return fail(why, VG_BAD_FILE, "the two have no commit in common");
}

static enum vg_status
repair_all(struct repair *repair, struct why *why)
{
    enum vg_status status = meta_get(repair->txn, &repair->meta, why);

    if (status == VG_OK) {
        status = check_same_store(repair, why);
    }
    if (status == VG_OK) {
        status = table_len(repair->txn, TABLE_BACKLOG, &repair->all);
    }
    repair->all += repair->meta.last_block + repair->meta.last_commit + 1;
    for (uint64_t block = repair->meta.first_block;
         status == VG_OK && block <= repair->meta.last_block; block++) {
        status = repair_block(repair, block);
        step(repair);
    }
    for (uint64_t commit = repair->meta.first_commit;
         status == VG_OK && commit <= repair->meta.last_commit; commit++) {
        status = repair_commit(repair, commit);
        step(repair);
    }
    return status == VG_OK ? repair_rows(repair) : status;
}

enum vg_status
store_repair(struct store *store, struct store *sound, struct repair_report *ret_report,
             repair_progress_fn progress, void *arg, struct why *why)
{
    struct repair repair = {.report = ret_report, .progress = progress, .arg = arg};
    enum vg_status status = store_write(store, &repair.txn, why);

    memset(ret_report, 0, sizeof *ret_report);
    if (status == VG_OK) {
        status = store_read(sound, &repair.sound, why);
    }
    if (status == VG_OK) {
        status = repair_all(&repair, why);
    }
    if (status == VG_OK) {
        status = store_commit(&repair.txn, why);
    }
    store_abort(&repair.txn);
    store_abort(&repair.sound);
    buffer_free(&repair.record);
    return status;
}
