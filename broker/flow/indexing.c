// SPDX-License-Identifier: EUPL-1.2
#include "flow/indexing.h"

#include "store/exchanges.h"

#include <stdlib.h>
#include <string.h>

// What a slice may cost: some milliseconds to read, hash and sort.
enum {
    SLICE_BYTES_MAX = 4 << 20,
    SLICE_ENTRIES_MAX = 32 * 1024,
    SLICE_RECORDS_MAX = 20 * 1000,
    SLICE_ERASED_MAX = 2000, // rows
    // Of today: more would take a question too long to read one by one.
    TAIL_TICKETS_MAX = 1 << 20,
};

struct indexing {
    struct applier *applier;
    struct exchange_progress progress;
    struct journal_indexed item; // what this slice does
    struct buffer record;
    struct journal_head head; // of the record
    struct buffer entries;    // struct exchange ...
    size_t bytes;             // read in this slice
    size_t records;
    struct why *damage; // NULL: nobody asks
};

static void
indexing_end(struct indexing *indexing)
{
    buffer_free(&indexing->record);
    buffer_free(&indexing->entries);
}

static size_t
entries_len(const struct indexing *indexing)
{
    return indexing->entries.len / sizeof(struct exchange);
}

static void
add_entry(const struct exchange *exchange, void *arg)
{
    struct indexing *indexing = arg;

    buffer_add(&indexing->entries, exchange, sizeof *exchange);
}

// Events, requests and acts of administrators begin with their ticket.
static void
note_tickets(struct indexing *indexing)
{
    struct journal_item item;
    size_t offset = 0;
    uint64_t ticket;

    while (journal_next(&indexing->record, &offset, &item)) {
        if ((item.kind == JOURNAL_EVENT || item.kind == JOURNAL_DIRECTORY ||
             item.kind == JOURNAL_ADMIN) &&
            journal_item_as(&item, &ticket, sizeof ticket) &&
            ticket > indexing->item.ticket) {
            indexing->item.ticket = ticket;
        }
    }
}

static enum vg_status
read_commit(struct indexing *indexing, uint64_t commit)
{
    enum vg_status status =
        journal_read(indexing->applier->txn, commit, &indexing->record, &indexing->head,
                     indexing->damage);

    indexing->bytes += indexing->record.len;
    indexing->records++;
    return status;
}

static int32_t
day_of_record(const struct indexing *indexing)
{
    return day_in_brussels((struct instant){indexing->head.time_us}).number;
}

// Of the record that was read.
static void
add_record(struct indexing *indexing, uint64_t commit)
{
    indexing->item.through_commit = commit;
    note_tickets(indexing);
    if (indexing->item.day >= indexing->item.since) {
        exchanges_of(&indexing->record, commit, add_entry, indexing);
    }
}

static bool
is_tired(const struct indexing *indexing)
{
    return indexing->bytes >= SLICE_BYTES_MAX || indexing->records >= SLICE_RECORDS_MAX ||
           entries_len(indexing) >= SLICE_ENTRIES_MAX;
}

// ---- what a slice does, also in a replay ----

static enum vg_status
put_run(struct indexing *indexing)
{
    struct exchange_progress *progress = &indexing->progress;
    struct journal_indexed *item = &indexing->item;
    struct exchange *entries = (struct exchange *)(void *)indexing->entries.at;
    size_t len = exchanges_sort(entries, entries_len(indexing));

    item->entries = len;
    progress->commit = item->through_commit;
    progress->ticket = item->ticket;
    if (len == 0) {
        return VG_OK;
    }
    item->run = progress->run.day == item->day ? progress->run.run + 1 : 1;
    progress->run = (struct exchange_run){item->day, item->run};
    progress->stage = EXCHANGES_RUNS;
    return exchanges_put(indexing->applier->txn, progress->run, entries, len);
}

static enum vg_status
erase_old(struct indexing *indexing, size_t rows_max)
{
    struct journal_indexed *item = &indexing->item;
    size_t rows = 0;
    enum vg_status status =
        exchanges_erase(indexing->applier->txn, (struct exchange_run){1, 0},
                        (struct exchange_run){item->since, 0}, rows_max, &rows);

    item->erased = rows;
    indexing->progress.since = item->since;
    return status;
}

// Of a day that is over: entries_max more of its runs in one order, or those runs go.
static enum vg_status
merge_runs(struct indexing *indexing, size_t entries_max, size_t rows_max)
{
    struct txn *txn = indexing->applier->txn;
    struct exchange_progress *progress = &indexing->progress;
    struct journal_indexed *item = &indexing->item;
    struct exchange_run first = {progress->run.day, 1};
    struct exchange_run into = {progress->run.day, progress->run.run + 1};
    size_t len = 0;
    enum vg_status status;

    item->day = progress->run.day;
    if (progress->stage == EXCHANGES_ERASES) {
        status = exchanges_erase(txn, first, progress->run, rows_max, &len);
        item->run = progress->run.run;
        item->erased = len;
        return status;
    }
    progress->stage = EXCHANGES_MERGES;
    status = entries_max == 0 ? VG_OK : exchanges_merge(txn, into, entries_max, &len);
    item->run = into.run;
    item->entries = len;
    return status;
}

static enum vg_status
begin(struct indexing *indexing)
{
    enum vg_status status =
        exchanges_progress(indexing->applier->txn, &indexing->progress);

    indexing->item.ticket = indexing->progress.ticket;
    indexing->item.since = indexing->progress.since;
    return status;
}

// A run that is whole takes the place of those before it.
static void
set_stage(struct indexing *indexing, enum exchange_stage stage)
{
    struct exchange_progress *progress = &indexing->progress;

    if (progress->stage == EXCHANGES_MERGES && stage == EXCHANGES_ERASES) {
        progress->run.run++;
    }
    progress->stage = stage;
    indexing->item.stage = stage;
}

static enum vg_status
read_again(struct indexing *indexing, const struct journal_indexed *item)
{
    enum vg_status status = VG_OK;

    for (uint64_t commit = item->from_commit;
         status == VG_OK && commit <= item->through_commit; commit++) {
        status = read_commit(indexing, commit);
        if (status == VG_OK) {
            add_record(indexing, commit);
        }
    }
    return status == VG_OK ? put_run(indexing) : status;
}

enum vg_status
index_again(struct applier *applier, const struct journal_indexed *item)
{
    struct indexing indexing = {.applier = applier};
    enum vg_status status = begin(&indexing);

    indexing.item.day = item->day;
    indexing.item.since = item->since;
    if (status == VG_OK && item->from_commit != 0) {
        status = read_again(&indexing, item);
    }
    if (status == VG_OK && item->day != 0 && item->from_commit == 0) {
        status = merge_runs(&indexing, item->entries, item->erased);
    } else if (status == VG_OK) {
        status = erase_old(&indexing, item->erased);
    }
    if (status == VG_OK && (indexing.item.entries != item->entries ||
                            indexing.item.erased != item->erased)) {
        status = VG_STORE_BROKEN;
    }
    if (status == VG_OK) {
        set_stage(&indexing, (enum exchange_stage)item->stage);
        status = exchanges_set_progress(applier->txn, &indexing.progress);
    }
    indexing_end(&indexing);
    return status;
}

// ---- which records ----

// Days that are over wait for nothing; today's records until they are many.
static bool
is_due(const struct indexing *indexing)
{
    const struct applier *applier = indexing->applier;

    return indexing->item.day < applier->today.number ||
           applier->meta.last_sequence - indexing->item.ticket >= TAIL_TICKETS_MAX;
}

// Records of one day, until the slice is used up.
static void
collect(struct indexing *indexing, uint64_t commit, bool *ret_more)
{
    const struct meta *meta = &indexing->applier->meta;

    indexing->item.from_commit = commit;
    do {
        add_record(indexing, commit++);
        *ret_more = commit <= meta->last_commit;
    } while (*ret_more && !is_tired(indexing) && read_commit(indexing, commit) == VG_OK &&
             day_of_record(indexing) == indexing->item.day);
}

// Reads the first record that is not indexed; one of this very batch is not there yet.
static bool
read_next(struct indexing *indexing, uint64_t *ret_commit)
{
    const struct meta *meta = &indexing->applier->meta;
    uint64_t commit = indexing->progress.commit + 1;

    *ret_commit = commit < meta->first_commit ? meta->first_commit : commit;
    if (*ret_commit > meta->last_commit || read_commit(indexing, *ret_commit) != VG_OK) {
        return false;
    }
    indexing->item.day = day_of_record(indexing);
    return true;
}

// No further run of that day comes.
static bool
wants_merge(const struct indexing *indexing, bool next)
{
    const struct exchange_progress *progress = &indexing->progress;

    switch ((enum exchange_stage)progress->stage) {
    case EXCHANGES_RUNS:
        return progress->run.run > 1 &&
               progress->run.day < indexing->applier->today.number &&
               (!next || indexing->item.day > progress->run.day);
    case EXCHANGES_MERGES:
    case EXCHANGES_ERASES:
        return true;
    case EXCHANGES_MERGED:
        break;
    }
    return false;
}

static enum vg_status
merge_slice(struct indexing *indexing, bool *ret_more)
{
    struct journal_indexed *item = &indexing->item;
    bool erases = indexing->progress.stage == EXCHANGES_ERASES;
    enum vg_status status = merge_runs(indexing, SLICE_ENTRIES_MAX, SLICE_ERASED_MAX);

    if (status == VG_STORE_BROKEN && !erases) { // read, and nothing put yet
        char day[DAY_TEXT_LEN];

        day_print((struct day){item->day}, day);
        why_set(indexing->damage, "a row of the index by person is damaged, of %s", day);
        *item = (struct journal_indexed){.day = 0};
        return VG_OK;
    }
    *ret_more = true;
    if (!erases) {
        set_stage(indexing, item->entries < SLICE_ENTRIES_MAX ? EXCHANGES_ERASES
                                                              : EXCHANGES_MERGES);
    } else {
        set_stage(indexing,
                  item->erased < SLICE_ERASED_MAX ? EXCHANGES_MERGED : EXCHANGES_ERASES);
    }
    return status;
}

static enum vg_status
index_slice(struct indexing *indexing, bool *ret_more)
{
    struct journal_indexed *item = &indexing->item;
    uint64_t commit = 0;
    bool next = read_next(indexing, &commit);
    enum vg_status status = VG_OK;

    if (wants_merge(indexing, next)) {
        return merge_slice(indexing, ret_more);
    }
    if (next && is_due(indexing)) {
        collect(indexing, commit, ret_more);
        status = put_run(indexing);
    }
    if (item->from_commit == 0) {
        item->day = 0;
    }
    if (status == VG_OK) {
        status = erase_old(indexing, SLICE_ERASED_MAX);
    }
    *ret_more = *ret_more || item->erased == SLICE_ERASED_MAX;
    set_stage(indexing, (enum exchange_stage)indexing->progress.stage);
    return status;
}

enum vg_status
index_exchanges(struct applier *applier, uint32_t months, bool *ret_more,
                struct why *ret_damage)
{
    struct indexing indexing = {.applier = applier, .damage = ret_damage};
    struct journal_indexed *item = &indexing.item;
    int32_t limit = day_add_months(applier->today, -(int)months).number;
    enum vg_status status;

    *ret_more = false;
    if (months == 0) {
        return VG_OK;
    }
    status = begin(&indexing);
    item->since = item->since > limit ? item->since : limit;
    if (status == VG_OK) {
        status = index_slice(&indexing, ret_more);
    }
    if (status == VG_OK && (item->day != 0 || item->erased > 0)) {
        journal_add(&applier->record, JOURNAL_INDEXED, item, sizeof *item, NULL, 0);
        status = exchanges_set_progress(applier->txn, &indexing.progress);
        applier->changed = true;
    }
    indexing_end(&indexing);
    return status;
}
