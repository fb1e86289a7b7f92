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
    enum vg_status status = journal_read(indexing->applier->txn, commit,
                                         &indexing->record, &indexing->head, NULL);

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
    size_t len = entries_len(indexing);

    item->entries = len;
    progress->commit = item->through_commit;
    progress->ticket = item->ticket;
    if (len == 0) {
        return VG_OK;
    }
    item->run = progress->run.day == item->day ? progress->run.run + 1 : 1;
    progress->run = (struct exchange_run){item->day, item->run};
    qsort(indexing->entries.at, len, sizeof(struct exchange), exchange_compare);
    return exchanges_put(indexing->applier->txn, progress->run,
                         (const struct exchange *)(void *)indexing->entries.at, len);
}

static enum vg_status
erase_old(struct indexing *indexing, size_t rows_max)
{
    struct journal_indexed *item = &indexing->item;
    size_t rows = 0;
    enum vg_status status = exchanges_erase(indexing->applier->txn,
                                            (struct day){item->since}, rows_max, &rows);

    item->erased = rows;
    indexing->progress.since = item->since;
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

enum vg_status
index_again(struct applier *applier, const struct journal_indexed *item)
{
    struct indexing indexing = {.applier = applier};
    enum vg_status status = begin(&indexing);

    indexing.item.day = item->day;
    indexing.item.since = item->since;
    for (uint64_t commit = item->from_commit;
         status == VG_OK && commit <= item->through_commit; commit++) {
        status = read_commit(&indexing, commit);
        if (status == VG_OK) {
            add_record(&indexing, commit);
        }
    }
    if (status == VG_OK && item->from_commit != 0) {
        status = put_run(&indexing);
    }
    if (status == VG_OK) {
        status = erase_old(&indexing, item->erased);
    }
    if (status == VG_OK && (indexing.item.entries != item->entries ||
                            indexing.item.erased != item->erased)) {
        status = VG_STORE_BROKEN;
    }
    if (status == VG_OK) {
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

// Records of one day, until the slice is used up. A record of this very batch is not there
// yet.
static void
collect(struct indexing *indexing, bool *ret_more)
{
    const struct meta *meta = &indexing->applier->meta;
    uint64_t commit = indexing->progress.commit + 1;

    if (commit < meta->first_commit) {
        commit = meta->first_commit;
    }
    if (commit > meta->last_commit || read_commit(indexing, commit) != VG_OK) {
        return;
    }
    indexing->item.day = day_of_record(indexing);
    if (!is_due(indexing)) {
        return;
    }
    indexing->item.from_commit = commit;
    do {
        add_record(indexing, commit++);
        *ret_more = commit <= meta->last_commit;
    } while (*ret_more && !is_tired(indexing) && read_commit(indexing, commit) == VG_OK &&
             day_of_record(indexing) == indexing->item.day);
}

enum vg_status
index_exchanges(struct applier *applier, uint32_t months, bool *ret_more)
{
    struct indexing indexing = {.applier = applier};
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
        collect(&indexing, ret_more);
    }
    if (status == VG_OK && item->from_commit != 0) {
        status = put_run(&indexing);
    }
    if (status == VG_OK) {
        status = erase_old(&indexing, SLICE_ERASED_MAX);
    }
    if (status == VG_OK && (item->from_commit != 0 || item->erased > 0)) {
        *ret_more = *ret_more || item->erased == SLICE_ERASED_MAX;
        journal_add(&applier->record, JOURNAL_INDEXED, item, sizeof *item, NULL, 0);
        status = exchanges_set_progress(applier->txn, &indexing.progress);
        applier->changed = true;
    }
    indexing_end(&indexing);
    return status;
}
