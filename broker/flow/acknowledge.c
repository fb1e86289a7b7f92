// SPDX-License-Identifier: EUPL-1.2
// acknowledge.c - a mailbox's mark moves forward; single letters above it are remembered as
// ranges until the mark reaches them.
//
// Every letter knows the bytes of its mailbox up to it, so the counters are exact whoever
// acknowledges what, in whichever order, however often.
#include "flow/applier.h"

#include <string.h>

// One mailbox's marks while a command changes them.
struct marks {
    struct mailbox_row *row;
    struct number_range ranges[RANGES_MAX];
    size_t len;
    bool ranges_changed;
};

static void
drop_first_range(struct marks *marks)
{
    struct number_range *first = &marks->ranges[0];

    marks->row->acknowledged_beyond -= first->last - first->first + 1;
    marks->row->bytes_beyond -= first->bytes;
    marks->len--;
    memmove(first, first + 1, marks->len * sizeof *first);
    marks->ranges_changed = true;
}

// Ranges that the mark has reached or touches become part of it.
static void
absorb_ranges(struct marks *marks)
{
    struct mailbox_row *row = marks->row;

    while (marks->len > 0 && marks->ranges[0].first <= row->acknowledged + 1) {
        if (marks->ranges[0].last > row->acknowledged) {
            row->acknowledged = marks->ranges[0].last;
            row->bytes_acknowledged = marks->ranges[0].bytes_through;
        }
        drop_first_range(marks);
    }
}

static void
move_mark(struct marks *marks, uint64_t through, uint64_t bytes_through)
{
    struct mailbox_row *row = marks->row;

    if (through > row->acknowledged && through <= row->last) {
        row->acknowledged = through;
        row->bytes_acknowledged = bytes_through;
        absorb_ranges(marks);
    }
}

// Index of the first range that ends at or after number - 1: the one to join or to go before.
static size_t
range_near(const struct marks *marks, uint64_t number)
{
    size_t i = 0;

    while (i < marks->len && marks->ranges[i].last + 1 < number) {
        i++;
    }
    return i;
}

static void
join_next_range(struct marks *marks, size_t i)
{
    struct number_range *range = &marks->ranges[i];

    if (i + 1 < marks->len && range[1].first == range->last + 1) {
        range->last = range[1].last;
        range->bytes += range[1].bytes;
        range->bytes_through = range[1].bytes_through;
        marks->len--;
        memmove(range + 1, range + 2, (marks->len - i - 1) * sizeof *range);
    }
}

enum mark { MARK_NEW, MARK_KNOWN, MARK_NO_ROOM };

static enum mark
mark_single(struct marks *marks, const struct acknowledge_single *single)
{
    struct mailbox_row *row = marks->row;
    uint64_t number = single->number;

    if (number <= row->acknowledged || number > row->last) {
        return MARK_KNOWN;
    }

    size_t i = range_near(marks, number);
    struct number_range *range = &marks->ranges[i];

    if (i < marks->len && number >= range->first && number <= range->last) {
        return MARK_KNOWN;
    }
    if (i < marks->len && number == range->last + 1) {
        range->last = number;
        range->bytes += single->bytes;
        range->bytes_through = single->bytes_through;
        join_next_range(marks, i);
    } else if (i < marks->len && number + 1 == range->first) {
        range->first = number;
        range->bytes += single->bytes;
    } else if (marks->len == RANGES_MAX) {
        return MARK_NO_ROOM;
    } else {
        memmove(range + 1, range, (marks->len - i) * sizeof *range);
        *range =
            (struct number_range){number, number, single->bytes, single->bytes_through};
        marks->len++;
    }
    row->acknowledged_beyond++;
    row->bytes_beyond += single->bytes;
    marks->ranges_changed = true;
    absorb_ranges(marks);
    return MARK_NEW;
}

// Marks as many as there is room for, and returns how many were new: those that were stand
// first in `ret_new`.
static size_t
mark_singles(struct marks *marks, struct command *command,
             struct acknowledge_single ret_new[ACKNOWLEDGE_SINGLES_MAX])
{
    const struct acknowledge_command *acknowledge = &command->acknowledge;
    size_t len = 0;

    for (size_t i = 0; i < acknowledge->singles_len; i++) {
        switch (mark_single(marks, &acknowledge->singles[i])) {
        case MARK_NEW:
            ret_new[len++] = acknowledge->singles[i];
            break;
        case MARK_KNOWN:
            break;
        case MARK_NO_ROOM:
            refuse(command, VG_TOO_MANY,
                   "mailbox %u: %d gaps are remembered between single acknowledgements",
                   acknowledge->mailbox, RANGES_MAX);
            return len;
        }
    }
    return len;
}

static void
journal_acknowledge_of(struct applier *applier, uint32_t mailbox,
                       const struct acknowledge_single *singles, size_t singles_len,
                       const struct mailbox_row *before, const struct mailbox_row *after)
{
    struct journal_marked marked = {.bytes_through = after->bytes_acknowledged};
    struct journal_acknowledge item = {
        .through = after->acknowledged,
        .count = mailbox_waiting(before) - mailbox_waiting(after),
        .bytes = mailbox_bytes_waiting(before) - mailbox_bytes_waiting(after),
        .mailbox = mailbox,
    };

    journal_add(&applier->record, JOURNAL_ACKNOWLEDGE, &item, sizeof item, &marked,
                sizeof marked);
    for (size_t i = 0; i < singles_len; i++) {
        if (singles[i].number > after->acknowledged) {
            item.through = singles[i].number;
            item.count = item.bytes = 0;
            item.one = 1;
            marked.bytes_through = singles[i].bytes_through;
            marked.bytes = singles[i].bytes;
            journal_add(&applier->record, JOURNAL_ACKNOWLEDGE, &item, sizeof item,
                        &marked, sizeof marked);
        }
    }
}

enum vg_status
acknowledge_letters(struct applier *applier, struct command *command)
{
    const struct acknowledge_command *acknowledge = &command->acknowledge;
    struct mailbox_id mailbox = {acknowledge->mailbox};
    struct marks marks; // 64 KB of ranges, written before they are read
    struct mailbox_row before;
    struct acknowledge_single singles[ACKNOWLEDGE_SINGLES_MAX];
    size_t singles_len;
    enum vg_status status = applier_box(applier, mailbox.number, &marks.row);

    marks.len = 0;
    marks.ranges_changed = false;
    if (status != VG_OK) {
        return status;
    }
    before = *marks.row;
    if (before.acknowledged_beyond > 0 || acknowledge->singles_len > 0) {
        status = ranges_get(applier->txn, mailbox, marks.ranges, &marks.len);
    }
    if (status != VG_OK) {
        return status;
    }
    move_mark(&marks, acknowledge->through, acknowledge->through_bytes);
    singles_len = mark_singles(&marks, command, singles);
    if (mailbox_waiting(marks.row) == mailbox_waiting(&before)) {
        return VG_OK; // nothing new
    }
    marks.row->acknowledged_total +=
        mailbox_waiting(&before) - mailbox_waiting(marks.row);
    marks.row->last_acknowledged_us = applier->now.us;
    journal_acknowledge_of(applier, mailbox.number, singles, singles_len, &before,
                           marks.row);
    if (marks.ranges_changed) {
        status = ranges_put(applier->txn, mailbox, marks.ranges, marks.len);
    }
    return status;
}
