// SPDX-License-Identifier: EUPL-1.2
#include "store/check.h"

#include "store/anchors.h"
#include "store/asked.h"
#include "store/caught.h"
#include "store/bodies.h"
#include "store/correction.h"
#include "store/counted.h"
#include "store/exchanges.h"
#include "store/held.h"
#include "store/lapses.h"
#include "store/mailbox.h"
#include "store/person.h"
#include "store/registry.h"
#include "store/store_internal.h"

#include <stdlib.h>

enum { PROGRESS_STEPS = 256, LETTERS_AT_ONCE = 256 };

// One mailbox: what its rows say, and what the journal says.
struct recount {
    struct mailbox_id mailbox;
    struct mailbox_row row;
    struct number_range *ranges;
    size_t ranges_len;
    struct counted counted;
    uint64_t waiting;    // found, each with a readable body
    uint64_t unreadable; // found, without one
    uint64_t unreadable_first;
    uint64_t held; // found in the table "held", parked ones apart
    uint64_t held_bytes;
    uint64_t parked;
    uint64_t parked_bytes;
    bool no_row; // the journal knows it, the mailboxes do not
};

// Entries of the index by person: those that the journal says, those that are there.
struct entries {
    uint64_t len;
    uint64_t sum; // of checksums, whatever their order
};

struct check {
    struct txn *txn;
    struct check_report *report;
    struct meta meta;
    struct recount *recounts; // in order of mailbox
    size_t recounts_len;
    size_t recounts_size;
    bool journal_holds; // every record so far could be read: recounts are complete
    uint64_t replaced;  // persons whose number was
    uint64_t subjects;  // letters that are held and not parked
    struct exchange_progress indexed;
    struct entries said;
    struct entries there;
    struct buffer of_record; // struct exchange ..., of the record that is read
    struct buffer anchors;   // struct anchor ..., in order of day
    size_t next_anchor;      // bytes of those whose commit was passed
    check_progress_fn progress;
    void *arg;
    uint64_t steps;
    uint64_t steps_all;
};

static void
step(struct check *check)
{
    check->steps++;
    if (check->progress != NULL && check->steps % PROGRESS_STEPS == 0 &&
        check->steps < check->steps_all) {
        check->progress((double)check->steps / (double)check->steps_all, check->arg);
    }
}

#define found(check, ...)                                                                \
    faults_add(&(check)->report->faults, VG_STORE_BROKEN, 0, __VA_ARGS__)

typedef unsigned long long number; // as %llu wants it

// ---- mailboxes as their rows say ----

static struct recount *
add_recount(struct check *check)
{
    if (check->recounts_len == check->recounts_size) {
        check->recounts_size = check->recounts_size * 2 + 64;
        check->recounts =
            realloc(check->recounts, check->recounts_size * sizeof *check->recounts);
        CHECK(check->recounts != NULL);
    }

    struct recount *recount = &check->recounts[check->recounts_len++];

    memset(recount, 0, sizeof *recount);
    return recount;
}

static void
check_ranges(struct check *check, const struct recount *recount)
{
    const struct mailbox_row *row = &recount->row;
    uint64_t letters = 0, bytes = 0, before = row->acknowledged;

    for (size_t i = 0; i < recount->ranges_len; i++) {
        const struct number_range *range = &recount->ranges[i];

        if (range->first <= before + 1 || range->last < range->first ||
            range->last > row->last) {
            found(check, "mailbox %u: its single acknowledgements are out of order",
                  recount->mailbox.number);
            return;
        }
        before = range->last;
        letters += range->last - range->first + 1;
        bytes += range->bytes;
    }
    if (letters != row->acknowledged_beyond || bytes != row->bytes_beyond) {
        found(check,
              "mailbox %u: %llu single acknowledgements of %llu bytes, the row says %llu "
              "of %llu",
              recount->mailbox.number, (number)letters, (number)bytes,
              (number)row->acknowledged_beyond, (number)row->bytes_beyond);
    }
}

static void
load_ranges(struct check *check, struct recount *recount)
{
    struct number_range ranges[RANGES_MAX];
    size_t len = 0;

    if (ranges_get(check->txn, recount->mailbox, ranges, &len) != VG_OK) {
        found(check, "mailbox %u: its single acknowledgements cannot be read",
              recount->mailbox.number);
        return;
    }
    if (len > 0) {
        recount->ranges = xcalloc(len, sizeof *ranges);
        memcpy(recount->ranges, ranges, len * sizeof *ranges);
        recount->ranges_len = len;
    }
    check_ranges(check, recount);
}

static enum vg_status
load_mailboxes(struct check *check, struct why *why)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    enum vg_status status = cursor_open(check->txn, TABLE_MAILBOXES, &cursor);

    if (status == VG_OK) {
        status = cursor_move(&cursor, MDB_FIRST);
    }
    while (status == VG_OK) {
        if (cursor.key.len != sizeof(uint32_t)) {
            return fail(why, VG_STORE_BROKEN, "the mailboxes cannot be read");
        }

        struct recount *recount = add_recount(check);

        recount->mailbox.number = read_be32(cursor.key.at);
        if (mailbox_get(check->txn, recount->mailbox, &recount->row) != VG_OK) {
            found(check, "mailbox %u: its row cannot be read", recount->mailbox.number);
        }
        if (counted_get(check->txn, recount->mailbox, &recount->counted) != VG_OK) {
            found(check, "mailbox %u: what trimmed records said cannot be read",
                  recount->mailbox.number);
        }
        load_ranges(check, recount);
        status = cursor_move(&cursor, MDB_NEXT);
    }
    check->report->mailboxes = check->recounts_len;
    return status == VG_NOT_FOUND ? VG_OK
                                  : fail(why, status, "the mailboxes cannot be read");
}

static int
by_mailbox(const void *left, const void *right)
{
    uint32_t a = ((const struct recount *)left)->mailbox.number;
    uint32_t b = ((const struct recount *)right)->mailbox.number;

    return a < b ? -1 : a > b;
}

static struct recount *
find_recount(struct check *check, uint32_t mailbox)
{
    struct recount wanted = {.mailbox = {mailbox}};

    if (check->recounts_len == 0) {
        return NULL;
    }
    return bsearch(&wanted, check->recounts, check->recounts_len, sizeof wanted,
                   by_mailbox);
}

// A mailbox that only the journal knows is named once, not with each of its letters.
static struct recount *
find_or_add_recount(struct check *check, uint64_t commit, uint32_t mailbox)
{
    struct recount *recount = find_recount(check, mailbox);

    if (recount == NULL) {
        found(check, "commit %llu: mailbox %u has no row", (number)commit, mailbox);
        recount = add_recount(check);
        recount->mailbox.number = mailbox;
        recount->no_row = true;
        qsort(check->recounts, check->recounts_len, sizeof *recount, by_mailbox);
        recount = find_recount(check, mailbox);
    }
    return recount;
}

// ---- waiting letters ----

static bool
is_waiting(const struct recount *recount, uint64_t letter)
{
    size_t low = 0, high = recount->ranges_len;

    if (letter <= recount->row.acknowledged) {
        return false;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (recount->ranges[middle].last < letter) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == recount->ranges_len || recount->ranges[low].first > letter;
}

static void
check_body(struct check *check, struct recount *recount, uint64_t letter,
           uint64_t address, uint32_t size)
{
    struct bytes body;

    if (body_get(check->txn, address, &body) != VG_OK || body.len != size) {
        if (recount->unreadable++ == 0 || letter < recount->unreadable_first) {
            recount->unreadable_first = letter;
        }
        return;
    }
    recount->waiting++;
    check->report->letters++;
}

static void
check_letter(struct check *check, struct recount *recount, uint64_t letter,
             uint64_t address, uint32_t size)
{
    if (is_waiting(recount, letter)) {
        check_body(check, recount, letter, address, size);
    }
}

// Letters filed by the fold. Those above row.folded are in the newest commits.
static void
check_backlog(struct check *check, struct recount *recount)
{
    struct letter letters[LETTERS_AT_ONCE];
    uint64_t from = recount->row.acknowledged + 1;
    size_t len = LETTERS_AT_ONCE;

    while (len > 0) { // fewer than asked for: the next row may be damaged
        if (backlog_read(check->txn, recount->mailbox, from, letters, LETTERS_AT_ONCE,
                         &len) != VG_OK) {
            found(check, "mailbox %u: its backlog cannot be read",
                  recount->mailbox.number);
            return;
        }
        for (size_t i = 0; i < len; i++) {
            if (letters[i].number > recount->row.folded) {
                found(check, "mailbox %u: letter %llu was filed too early",
                      recount->mailbox.number, (number)letters[i].number);
                return;
            }
            check_letter(check, recount, letters[i].number, letters[i].body,
                         letters[i].size);
            from = letters[i].number + 1;
        }
        step(check);
    }
}

// ---- letters that have left the main sequence ----

// Of those about one subject the first is tried, all others are behind it.
static bool
has_its_turn(struct check *check, struct mailbox_id mailbox, const struct held_head *head)
{
    enum held_state state = HELD_GONE, wanted = (enum held_state)head->state;
    uint64_t here = 0, first = 0;

    return held_about(check->txn, mailbox, head->subject, head->letter.number, &here,
                      &state) == VG_OK &&
           here == head->letter.number && state == wanted &&
           held_about(check->txn, mailbox, head->subject, 0, &first, &state) == VG_OK &&
           (first == here) == (wanted == HELD_RETRY);
}

static bool
count_held(struct mailbox_id mailbox, const struct held_row *row, void *arg)
{
    struct check *check = arg;
    const struct held_head *head = &row->head;
    struct recount *recount = find_recount(check, mailbox.number);

    step(check);
    if (recount == NULL || recount->no_row) {
        found(check, "mailbox %u: letter %llu is held, but the mailbox has no row",
              mailbox.number, (number)head->letter.number);
        return true;
    }
    if (head->letter.number > recount->row.last ||
        is_waiting(recount, head->letter.number)) {
        found(check, "mailbox %u: letter %llu is held and in its sequence as well",
              mailbox.number, (number)head->letter.number);
    }
    check_body(check, recount, head->letter.number, head->letter.body, head->letter.size);
    if (head->state == HELD_PARKED) {
        recount->parked++;
        recount->parked_bytes += head->letter.size;
        return true;
    }
    recount->held++;
    recount->held_bytes += head->letter.size;
    check->subjects++;
    if (!has_its_turn(check, mailbox, head)) {
        found(check, "mailbox %u: letter %llu is held out of turn", mailbox.number,
              (number)head->letter.number);
    }
    return true;
}

static void
check_held(struct check *check)
{
    uint64_t subjects = 0;

    if (held_each(check->txn, count_held, check) != VG_OK) {
        found(check, "the held letters cannot be read");
        return;
    }
    if (held_subjects_len(check->txn, &subjects) != VG_OK ||
        subjects != check->subjects) {
        found(check, "held letters: %llu by whom they are about, %llu in all",
              (number)subjects, (number)check->subjects);
    }
}

// ---- the journal ----

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
    struct recount *recount = find_or_add_recount(check, commit, recipient->mailbox);

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

    counted_acknowledge(&find_or_add_recount(check, commit, acknowledge.mailbox)->counted,
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
    counted_drop(&find_or_add_recount(check, commit, drop.mailbox)->counted, &drop);
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

    step(check);
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

static void
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

static void
check_journal(struct check *check)
{
    const struct meta *meta = &check->meta;
    struct buffer record = {.len = 0};
    struct chain chain = {.last = meta->first_hash, .holds = true};
    uint64_t commit = meta->first_commit;

    check->journal_holds = true;
    while (commit <= meta->last_commit) {
        uint64_t next =
            next_number(check, TABLE_COMMITS, PART_BITS, commit, meta->last_commit);

        if (next > commit) {
            check->journal_holds = chain.holds = false;
            commit = next;
            continue;
        }
        step(check);
        check_record(check, commit, &record, &chain);
        commit++;
    }
    buffer_free(&record);
    buffer_free(&check->of_record);
    if (chain.holds && memcmp(&meta->last_hash, &chain.last, sizeof chain.last) != 0) {
        found(check, "commit %llu is not the one that was written last",
              (number)meta->last_commit);
    }
    check_ends(check, TABLE_COMMITS, PART_BITS, meta->first_commit, meta->last_commit);
}

// ---- mailboxes as the journal says ----

static void
compare(struct check *check, const struct recount *recount, const char *what,
        uint64_t row, uint64_t journal)
{
    if (row != journal) {
        found(check, "mailbox %u: %s: %llu in its row, %llu in the journal",
              recount->mailbox.number, what, (number)row, (number)journal);
    }
}

static void
compare_held(struct check *check, const struct recount *recount)
{
    const struct mailbox_row *row = &recount->row;

    if (row->held != recount->held || row->held_bytes != recount->held_bytes) {
        found(check,
              "mailbox %u: %llu held letters of %llu bytes, the row says %llu of "
              "%llu",
              recount->mailbox.number, (number)recount->held, (number)recount->held_bytes,
              (number)row->held, (number)row->held_bytes);
    }
    if (row->parked != recount->parked || row->parked_bytes != recount->parked_bytes) {
        found(check,
              "mailbox %u: %llu parked letters of %llu bytes, the row says %llu of "
              "%llu",
              recount->mailbox.number, (number)recount->parked,
              (number)recount->parked_bytes, (number)row->parked,
              (number)row->parked_bytes);
    }
}

static void
check_mailbox(struct check *check, const struct recount *recount)
{
    const struct mailbox_row *row = &recount->row;

    if (recount->unreadable > 0) {
        found(check,
              "mailbox %u: %llu waiting letters have no readable body, from %llu on",
              recount->mailbox.number, (number)recount->unreadable,
              (number)recount->unreadable_first);
    }
    if (recount->no_row) {
        return;
    }
    compare_held(check, recount);
    if (!check->journal_holds) {
        return;
    }
    compare(check, recount, "last number", row->last, recount->counted.last);
    compare(check, recount, "bytes of all letters", row->bytes_total,
            recount->counted.bytes_through);
    compare(check, recount, "acknowledged up to", row->acknowledged,
            recount->counted.mark);
    compare(check, recount, "letters acknowledged",
            row->acknowledged + row->acknowledged_beyond - row->held - row->parked -
                row->dropped,
            recount->counted.acknowledged);
    compare(check, recount, "bytes acknowledged",
            row->bytes_acknowledged + row->bytes_beyond - row->held_bytes -
                row->parked_bytes - recount->counted.dropped_bytes,
            recount->counted.bytes_acknowledged);
    compare(check, recount, "letters dropped", row->dropped, recount->counted.dropped);
    compare(check, recount, "letters waiting and parked",
            mailbox_waiting(row) + row->parked, recount->waiting + recount->unreadable);
}

static void
check_mailboxes(struct check *check)
{
    for (size_t i = 0; i < check->recounts_len; i++) {
        if (!check->recounts[i].no_row) {
            check_backlog(check, &check->recounts[i]);
        }
        check_mailbox(check, &check->recounts[i]);
    }
}

// ---- bodies and persons ----

static void
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
        step(check);
        if (bodies_check_block(check->txn, block, &why) == VG_OK) {
            check->report->blocks++;
        } else {
            found(check, "%s", why.text);
        }
        block++;
    }
    check_ends(check, TABLE_BODIES, 0, check->meta.first_block, last);
}

// A number that was replaced leads to one that knows it, and not to another one alone.
static void
check_replaced(struct check *check, struct niss niss, struct niss by)
{
    struct niss former[FORMER_MAX];
    char masked[NISS_MASK_LEN];
    size_t len = 0, i = 0;
    enum vg_status status = person_former(check->txn, by, former, &len);

    while (status == VG_OK && i < len && former[i].number != niss.number) {
        i++;
    }
    if (status != VG_OK || i == len) {
        niss_mask(niss, masked);
        found(check, "persons: what replaced %s does not know it", masked);
    }
    check->replaced++;
}

static bool
count_person(struct niss niss, const struct person *person, void *arg)
{
    struct check *check = arg;

    step(check);
    if (person->replaced_by.number != 0) {
        check_replaced(check, niss, person->replaced_by);
    }
    check->report->persons += person->len > 0;
    check->report->integrations += person->len;
    return true;
}

// Numbers that others say they replaced: each must lead there, so there are as many.
static void
check_former(struct check *check)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    uint64_t former = 0;
    enum vg_status status = cursor_open(check->txn, TABLE_REPLACED, &cursor);

    if (status == VG_OK) {
        status = cursor_move(&cursor, MDB_FIRST);
    }
    while (status == VG_OK) {
        former += cursor.value.len / sizeof(struct niss);
        status = cursor_move(&cursor, MDB_NEXT);
    }
    if (status != VG_NOT_FOUND || former != check->replaced) {
        found(check, "persons: %llu numbers are replaced, %llu are known to be",
              (number)check->replaced, (number)former);
    }
}

static void
check_persons(struct check *check)
{
    const struct check_report *report = check->report;

    if (person_each(check->txn, (struct niss){0}, count_person, check) != VG_OK) {
        found(check, "persons: the row after %llu others cannot be read",
              (number)report->persons);
        return;
    }
    if (report->persons != check->meta.persons ||
        report->integrations != check->meta.integrations) {
        found(check, "%llu persons with %llu integrations, meta says %llu with %llu",
              (number)report->persons, (number)report->integrations,
              (number)check->meta.persons, (number)check->meta.integrations);
    }
    check_former(check);
}

// ---- corrections and answers ----

static bool
check_correction(uint64_t ticket, const struct correction_row *row, void *arg)
{
    struct check *check = arg;

    if (row->by <= ticket || row->by > check->meta.last_sequence ||
        (row->act != CORRECTION_REPLACES && row->act != CORRECTION_CANCELS)) {
        found(check, "corrections: ticket %llu cannot be corrected by ticket %llu",
              (number)ticket, (number)row->by);
    }
    return true;
}

static bool
check_asked(uint64_t ticket, struct mailbox_id mailbox, const struct asked_row *row,
            void *arg)
{
    struct check *check = arg;

    if (ticket > check->meta.last_sequence || row->answer > check->meta.last_sequence ||
        (row->answer != 0 && row->answer <= ticket)) {
        found(check, "asked: ticket %llu of mailbox %u cannot be answered by ticket %llu",
              (number)ticket, mailbox.number, (number)row->answer);
    }
    return true;
}

static bool
check_caught(uint64_t ticket, struct mailbox_id mailbox, const struct caught_row *row,
             void *arg)
{
    struct check *check = arg;

    if (row->request <= ticket || row->ticket <= row->request ||
        row->ticket > check->meta.last_sequence) {
        found(check, "caught: ticket %llu cannot be letter %llu of mailbox %u by %llu",
              (number)ticket, (number)row->ticket, mailbox.number, (number)row->request);
    }
    return true;
}

static void
check_references(struct check *check)
{
    if (corrections_each(check->txn, check_correction, check) != VG_OK) {
        found(check, "corrections: a row cannot be read");
    }
    if (asked_each(check->txn, 0, check_asked, check) != VG_OK) {
        found(check, "asked: a row cannot be read");
    }
    if (caught_each(check->txn, 0, check_caught, check) != VG_OK) {
        found(check, "caught: a row cannot be read");
    }
}

// ---- lapses ----

// The walk that tells of integrations that end is not ahead of itself.
static void
check_lapses(struct check *check)
{
    uint8_t days[4080];
    size_t len = sizeof days;
    struct lapse_row row;

    if (lapse_row_get(check->txn, &row) != VG_OK ||
        lapse_days_get(check->txn, days, &len) != VG_OK) {
        found(check, "lapses: a row cannot be read");
    } else if (row.through > row.day || (row.through == row.day && row.next != 0)) {
        found(check, "lapses: walked through day %d, on day %d at %llu", row.through,
              row.day, (number)row.next);
    }
}

// ---- what was heard of sources ----

static bool
check_heard(struct institution_id source, uint16_t flow, const struct heard *heard,
            void *arg)
{
    struct check *check = arg;

    if (source.number == 0 || source.number > check->meta.last_institution || flow == 0 ||
        heard->mutations == 0 || heard->last_ticket > check->meta.last_sequence ||
        heard->last_us > check->meta.last_time_us) {
        found(check, "heard: source %u, flow %u: ticket %llu of %llu mutations cannot be",
              source.number, flow, (number)heard->last_ticket, (number)heard->mutations);
    }
    return true;
}

static void
check_all_heard(struct check *check)
{
    if (heard_each(check->txn, check_heard, check) != VG_OK) {
        found(check, "heard: a row cannot be read");
    }
}

// ---- all of it ----

static enum vg_status
count_steps(struct check *check)
{
    static const enum table walked[] = {TABLE_COMMITS, TABLE_BODIES, TABLE_PERSONS,
                                        TABLE_BACKLOG, TABLE_HELD};

    for (size_t i = 0; i < ARRAY_LEN(walked); i++) {
        uint64_t rows = 0;
        enum vg_status status = table_len(check->txn, walked[i], &rows);

        if (status != VG_OK) {
            return status;
        }
        check->steps_all += rows;
    }
    return VG_OK;
}

// What retention let go was folded, and its bodies went before its record.
static void
check_positions(struct check *check)
{
    const struct meta *meta = &check->meta;

    if (meta->first_commit == 0 || meta->first_commit > meta->erased_commit + 1 ||
        meta->erased_commit > meta->folded_commit ||
        meta->folded_commit > meta->last_commit || meta->first_block == 0 ||
        meta->first_block > meta->last_block + 1) {
        found(check, "retention is further than commit %llu and block %llu",
              (number)meta->last_commit, (number)meta->last_block);
    }
}

static enum vg_status
check_all(struct check *check, struct why *why)
{
    enum vg_status status = meta_get(check->txn, &check->meta, why);

    if (status == VG_OK) {
        status = exchanges_progress(check->txn, &check->indexed);
    }
    if (status == VG_OK) {
        status = load_mailboxes(check, why);
    }
    if (status == VG_OK) {
        status = count_steps(check);
    }
    if (status != VG_OK) {
        return status;
    }
    check_positions(check);
    load_anchors(check);
    check_journal(check);
    check_exchanges(check);
    check_blocks(check);
    check_held(check);
    check_mailboxes(check);
    check_persons(check);
    check_references(check);
    check_lapses(check);
    check_all_heard(check);
    if (check->progress != NULL) {
        check->progress(1.0, check->arg);
    }
    return VG_OK;
}

enum vg_status
store_check(struct store *store, struct check_report *ret_report,
            check_progress_fn progress, void *arg, struct why *why)
{
    struct check check = {.report = ret_report, .progress = progress, .arg = arg};
    enum vg_status status = store_read(store, &check.txn, why);

    memset(ret_report, 0, sizeof *ret_report);
    if (status == VG_OK) {
        status = check_all(&check, why);
    }
    for (size_t i = 0; i < check.recounts_len; i++) {
        free(check.recounts[i].ranges);
    }
    free(check.recounts);
    buffer_free(&check.anchors);
    store_abort(&check.txn);
    return status;
}
