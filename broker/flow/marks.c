// SPDX-License-Identifier: EUPL-1.2
#include "flow/marks.h"

#include <string.h>

static void
drop_first_range(struct marks *marks)
{
    struct number_range *first = &marks->ranges[0];

    marks->row->acknowledged_beyond -= first->last - first->first + 1;
    marks->row->bytes_beyond -= first->bytes;
    marks->len--;
    memmove(first, first + 1, marks->len * sizeof *first);
    marks->changed = true;
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

enum vg_status
marks_load(struct txn *txn, struct mailbox_id mailbox, struct mailbox_row *row,
           struct marks *marks)
{
    marks->row = row;
    marks->len = 0;
    marks->changed = false;
    return row->acknowledged_beyond == 0
               ? VG_OK
               : ranges_get(txn, mailbox, marks->ranges, &marks->len);
}

enum vg_status
marks_keep(struct txn *txn, struct mailbox_id mailbox, const struct marks *marks)
{
    return marks->changed ? ranges_put(txn, mailbox, marks->ranges, marks->len) : VG_OK;
}

void
marks_move(struct marks *marks, uint64_t through, uint64_t bytes_through)
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

bool
marks_wait(const struct marks *marks, uint64_t number)
{
    size_t i = range_near(marks, number);

    while (i < marks->len && marks->ranges[i].last < number) {
        i++;
    }
    return number > marks->row->acknowledged && number <= marks->row->last &&
           (i == marks->len || number < marks->ranges[i].first);
}

enum mark
marks_single(struct marks *marks, const struct acknowledge_single *single)
{
    struct mailbox_row *row = marks->row;
    uint64_t number = single->number;

    if (number <= row->acknowledged || number > row->last) {
        return MARK_KNOWN;
    }
    if (number == row->acknowledged + 1) { // the mark takes it; it needs no range
        marks_move(marks, number, single->bytes_through);
        return MARK_NEW;
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
    marks->changed = true;
    absorb_ranges(marks);
    return MARK_NEW;
}
