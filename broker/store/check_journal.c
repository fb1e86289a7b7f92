// SPDX-License-Identifier: EUPL-1.2
// check_journal.c - the journal's records, their chain and its anchors, the index by person that is
// made of them, and the blocks of bodies.
#include "store/check_inside.h"

#include "store/anchors.h"
#include "store/bodies.h"

// ---- what records say ----

static void
check_order(struct check *check, uint64_t commit, const struct recount *recount,
            const struct journal_recipient *recipient)
{
    if (recipient->number != recount->counted.last + 1) {
        found(check, "commit %llu: mailbox %u: after letter %llu comes %llu",
              (number)commit, recipient->mailbox, (number)recount->counted.last,
              (number)recipient->number);
    }
    if (recipient->bytes_through != recount->counted.bytes_through + recipient->size) {
        found(check, "commit %llu: mailbox %u: the bytes up to letter %llu are wrong",
              (number)commit, recipient->mailbox, (number)recipient->number);
    }
}

static void
count_recipient(struct check *check, uint64_t commit,
                const struct journal_recipient *recipient)
{
    struct recount *recount = check_recount(check, commit, recipient->mailbox);

    if (check->journal_holds) {
        check_order(check, commit, recount, recipient);
    }
    counted_letter(&recount->counted, recipient);
    if (commit > check->meta.folded_commit) {
        check_letter(check, recount, recipient->number, recipient->body, recipient->size);
    }
}

static void
count_event(struct check *check, uint64_t commit, const struct journal_item *item)
{
    struct journal_event event;
    struct journal_recipient recipient;

    if (!journal_item_as(item, &event, sizeof event) ||
        item->bytes.len != sizeof event + event.recipients * sizeof recipient) {
        found(check, "commit %llu: an event has the wrong length", (number)commit);
        return;
    }
    for (size_t i = 0; journal_item_recipient(item, i, &recipient); i++) {
        count_recipient(check, commit, &recipient);
    }
}

static void
count_acknowledge(struct check *check, uint64_t commit, const struct journal_item *item)
{
    struct journal_acknowledge acknowledge;

    if (!journal_item_as(item, &acknowledge, sizeof acknowledge)) {
        found(check, "commit %llu: an acknowledgement has the wrong length",
              (number)commit);
        return;
    }

    counted_acknowledge(&check_recount(check, commit, acknowledge.mailbox)->counted,
                        &acknowledge);
}

static void
count_drop(struct check *check, uint64_t commit, const struct journal_item *item)
{
    struct journal_held drop;

    if (!journal_item_as(item, &drop, sizeof drop)) {
        found(check, "commit %llu: a drop has the wrong length", (number)commit);
        return;
    }
    counted_drop(&check_recount(check, commit, drop.mailbox)->counted, &drop);
}

static void
count_withdrawn(struct check *check, uint64_t commit, const struct journal_item *item)
{
    struct journal_withdrawn withdrawn;

    if (!journal_item_as(item, &withdrawn, sizeof withdrawn)) {
        found(check, "commit %llu: withdrawn letters have the wrong length",
              (number)commit);
        return;
    }
    counted_withdrawn(&check_recount(check, commit, withdrawn.mailbox)->counted,
                      &withdrawn);
}

static void
count_items(struct check *check, uint64_t commit, const struct buffer *record)
{
    struct journal_item item;
    size_t offset = 0;

    while (journal_next(record, &offset, &item)) {
        if (item.kind == JOURNAL_EVENT) {
            count_event(check, commit, &item);
        } else if (item.kind == JOURNAL_ACKNOWLEDGE) {
            count_acknowledge(check, commit, &item);
        } else if (item.kind == JOURNAL_DROP) {
            count_drop(check, commit, &item);
        } else if (item.kind == JOURNAL_WITHDRAWN) {
            count_withdrawn(check, commit, &item);
        }
    }
    if ((offset == 0 ? RECORD_HEAD_LEN : offset) + HASH_LEN != record->len) {
        found(check, "commit %llu: its items end early", (number)commit);
    }
}

// ---- the index by person ----

static void
add_entry(struct entries *entries, int32_t day, const struct exchange *exchange)
{
    struct {
        struct exchange exchange;
        int64_t day;
    } entry = {*exchange, day};

    entries->len++;
    entries->sum += checksum_of(&entry, sizeof entry);
}

static void
gather(const struct exchange *exchange, void *arg)
{
    struct check *check = arg;

    buffer_add(&check->of_record, exchange, sizeof *exchange);
}

// A run that is not whole yet, or that another one has taken the place of.
static bool
run_is_double(const struct exchange_progress *indexed, struct exchange_run run)
{
    return run.day == indexed->run.day &&
           ((indexed->stage == EXCHANGES_MERGES && run.run > indexed->run.run) ||
            (indexed->stage == EXCHANGES_ERASES && run.run < indexed->run.run));
}

// Of days whose rows are going, or records that are gone, nothing is said.
static void
add_there(struct exchange_run run, const struct exchange *exchange, void *arg)
{
    struct check *check = arg;

    check_step(check);
    if (run.day >= check->indexed.since && !run_is_double(&check->indexed, run) &&
        exchange_commit(exchange) >= check->meta.first_commit) {
        add_entry(&check->there, run.day, exchange);
    }
}

static void
count_exchanges(struct check *check, const struct journal_head *head,
                const struct buffer *record)
{
    int32_t day = day_in_brussels((struct instant){head->time_us}).number;
    struct exchange *entries;
    size_t len;

    if (head->commit > check->indexed.commit || day < check->indexed.since) {
        return;
    }
    buffer_clear(&check->of_record);
    exchanges_of(record, head->commit, gather, check);
    entries = (struct exchange *)(void *)check->of_record.at;
    len = exchanges_sort(entries, check->of_record.len / sizeof *entries);
    for (size_t i = 0; i < len; i++) {
        add_entry(&check->said, day, &entries[i]);
    }
}

void
check_exchanges(struct check *check)
{
    struct why why;

    if (exchanges_each(check->txn, add_there, check, &why) != VG_OK) {
        found(check, "%s", why.text);
    } else if (check->indexed.commit > check->meta.last_commit) {
        found(check, "exchanges: indexed up to commit %llu of %llu",
              (number)check->indexed.commit, (number)check->meta.last_commit);
    } else if (check->journal_holds && (check->said.len != check->there.len ||
                                        check->said.sum != check->there.sum)) {
        found(check, "exchanges: %llu entries, and not the %llu that the journal gives",
              (number)check->there.len, (number)check->said.len);
    }
}

// ---- anchors ----

static bool
load_anchor(const struct anchor *anchor, void *arg)
{
    struct check *check = arg;

    if (!anchor_holds(anchor)) {
        found(check, "anchors: the one of %u is not what was signed", anchor->day);
    }
    if (anchor->commit > check->meta.last_commit) {
        found(check, "anchors: the one of %u is of commit %llu, there are %llu",
              anchor->day, (number)anchor->commit, (number)check->meta.last_commit);
    }
    buffer_add(&check->anchors, anchor, sizeof *anchor);
    return true;
}

static void
load_anchors(struct check *check)
{
    if (anchors_each(check->txn, load_anchor, check) != VG_OK) {
        found(check, "anchors: a row cannot be read");
    }
}

// Later days are of later commits.
static void
compare_anchors(struct check *check, uint64_t commit, const struct hash *hash)
{
    struct anchor anchor;

    while (check->next_anchor < check->anchors.len) {
        memcpy(&anchor, check->anchors.at + check->next_anchor, sizeof anchor);
        if (anchor.commit > commit) {
            return;
        }
        if (anchor.commit == commit &&
            memcmp(anchor.hash, hash->at, sizeof anchor.hash) != 0) {
            found(check, "commit %llu is not the one of the anchor of %u", (number)commit,
                  anchor.day);
        }
        check->next_anchor += sizeof anchor;
    }
}

// ---- the journal, record by record ----

// How far the hashes lead.
struct chain {
    struct hash last;
    bool holds;
};

static const char *
name_of(enum table table)
{
    return table == TABLE_COMMITS ? "commit" : "block";
}

// Says which of the numbers from..last of a table have no row and gives the next one that
// has, last + 1 if none. A damaged meta may name numbers without end: only rows are walked.
static uint64_t
next_number(struct check *check, enum table table, unsigned shift, uint64_t from,
            uint64_t last)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    const char *what = name_of(table);
    struct key key = key_of_u64(from << shift);
    uint64_t next = last + 1;
    enum vg_status status = cursor_open(check->txn, table, &cursor);

    if (status == VG_OK) {
        status = cursor_seek(&cursor, &key);
    }
    if (status == VG_OK && cursor.key.len == key.len) {
        next = read_be64(cursor.key.at) >> shift;
    }
    if (next > last) {
        next = last + 1;
    }
    if (next == from + 1) {
        found(check, "%s %llu is missing", what, (number)from);
    } else if (next > from) {
        found(check, "%ss %llu to %llu are missing", what, (number)from,
              (number)next - 1);
    }
    return next;
}

// False when there is no such row, or none that can be read: that is said.
static bool
number_at(struct check *check, enum table table, unsigned shift, MDB_cursor_op end,
          uint64_t *ret_number)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    enum vg_status status = cursor_open(check->txn, table, &cursor);

    if (status == VG_OK) {
        status = cursor_move(&cursor, end);
    }
    if (status == VG_NOT_FOUND) {
        return false;
    }
    if (status != VG_OK || cursor.key.len != sizeof(uint64_t)) {
        found(check, "the %ss cannot be read", name_of(table));
        return false;
    }
    *ret_number = read_be64(cursor.key.at) >> shift;
    return true;
}

// Rows beyond the numbers that meta knows.
static void
check_ends(struct check *check, enum table table, unsigned shift, uint64_t first,
           uint64_t last)
{
    uint64_t at = 0;

    if (number_at(check, table, shift, MDB_LAST, &at) && at > last) {
        found(check, "there are %ss after %llu, the last one", name_of(table),
              (number)last);
    }
    if (number_at(check, table, shift, MDB_FIRST, &at) && at < first) {
        found(check, "there are %ss before %llu, the first one", name_of(table),
              (number)first);
    }
}

// The chain begins anew after a record that cannot be read.
static void
check_record(struct check *check, uint64_t commit, struct buffer *record,
             struct chain *chain)
{
    struct journal_head head;
    struct why why;

    if (journal_read(check->txn, commit, record, &head, &why) != VG_OK) {
        found(check, "%s", why.text);
        check->journal_holds = chain->holds = false;
        return;
    }
    if (chain->holds && memcmp(&head.previous, &chain->last, sizeof chain->last) != 0) {
        found(check, "commit %llu does not follow on commit %llu", (number)commit,
              (number)commit - 1);
    } else {
        check->report->commits++;
    }
    chain->last = head.hash;
    chain->holds = true;
    compare_anchors(check, commit, &head.hash);
    count_items(check, commit, record);
    count_exchanges(check, &head, record);
}

void
check_journal(struct check *check)
{
    const struct meta *meta = &check->meta;
    struct buffer record = {.len = 0};
    struct chain chain = {.last = meta->first_hash, .holds = true};
    uint64_t commit = meta->first_commit;

    load_anchors(check);
    check->journal_holds = true;
    while (commit <= meta->last_commit) {
        uint64_t next =
            next_number(check, TABLE_COMMITS, PART_BITS, commit, meta->last_commit);

        if (next > commit) {
            check->journal_holds = chain.holds = false;
            commit = next;
            continue;
        }
        check_step(check);
        check_record(check, commit, &record, &chain);
        commit++;
    }
    buffer_free(&record);
    buffer_free(&check->of_record);
    buffer_free(&check->anchors);
    if (chain.holds && memcmp(&meta->last_hash, &chain.last, sizeof chain.last) != 0) {
        found(check, "commit %llu is not the one that was written last",
              (number)meta->last_commit);
    }
    check_ends(check, TABLE_COMMITS, PART_BITS, meta->first_commit, meta->last_commit);
}

// ---- bodies ----

void
check_blocks(struct check *check)
{
    uint64_t last = check->meta.last_block;
    uint64_t block = check->meta.first_block;

    while (block <= last) {
        struct why why;
        uint64_t next = next_number(check, TABLE_BODIES, 0, block, last);

        if (next > block) {
            block = next;
            continue;
        }
        check_step(check);
        if (bodies_check_block(check->txn, block, &why) == VG_OK) {
            check->report->blocks++;
        } else {
            found(check, "%s", why.text);
        }
        block++;
    }
    check_ends(check, TABLE_BODIES, 0, check->meta.first_block, last);
}
