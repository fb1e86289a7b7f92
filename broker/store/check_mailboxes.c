// SPDX-License-Identifier: EUPL-1.2
// check_mailboxes.c - the mailboxes, as their rows and their letters say, against the journal.
#include "store/check_inside.h"

#include "store/bodies.h"
#include "store/held.h"

#include <stdlib.h>

enum { LETTERS_AT_ONCE = 256 };

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

enum vg_status
check_load_mailboxes(struct check *check, struct why *why)
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

struct recount *
check_recount(struct check *check, uint64_t commit, uint32_t mailbox)
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

void
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
        check_step(check);
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

    check_step(check);
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

void
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

void
check_mailboxes(struct check *check)
{
    for (size_t i = 0; i < check->recounts_len; i++) {
        if (!check->recounts[i].no_row) {
            check_backlog(check, &check->recounts[i]);
        }
        check_mailbox(check, &check->recounts[i]);
    }
}

void
check_free_mailboxes(struct check *check)
{
    for (size_t i = 0; i < check->recounts_len; i++) {
        free(check->recounts[i].ranges);
    }
    free(check->recounts);
}
