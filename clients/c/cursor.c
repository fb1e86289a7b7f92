// SPDX-License-Identifier: EUPL-1.2
#include "cursor.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_MIN = 16 };

void
vg_cursor_end(struct vg_cursor *cursor)
{
    free(cursor->ranges);
    free(cursor->alone);
    free(cursor->passed);
    *cursor = (struct vg_cursor){0};
}

// ---- ranges ----

static bool
grow(void **items, size_t *size, size_t len, size_t item_size)
{
    size_t wanted = *size == 0 ? ROOM_MIN : *size * 2;
    void *grown;

    if (len < *size) {
        return true;
    }
    grown = reallocarray(*items, wanted, item_size);
    if (grown == NULL) {
        return false;
    }
    *items = grown;
    *size = wanted;
    return true;
}

// The index of the first range that ends at number or later.
static size_t
range_at(const struct vg_cursor *cursor, uint64_t number)
{
    size_t low = 0;
    size_t high = cursor->ranges_len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (cursor->ranges[middle].last < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void
remove_ranges(struct vg_cursor *cursor, size_t index, size_t len)
{
    memmove(&cursor->ranges[index], &cursor->ranges[index + len],
            (cursor->ranges_len - index - len) * sizeof *cursor->ranges);
    cursor->ranges_len -= len;
}

static bool
insert_range(struct vg_cursor *cursor, size_t index, struct vg_range range)
{
    void *ranges = cursor->ranges;

    if (!grow(&ranges, &cursor->ranges_size, cursor->ranges_len, sizeof range)) {
        return false;
    }
    cursor->ranges = ranges;
    memmove(&cursor->ranges[index + 1], &cursor->ranges[index],
            (cursor->ranges_len - index) * sizeof range);
    cursor->ranges[index] = range;
    cursor->ranges_len++;
    return true;
}

// Numbers that touch nothing done so far, or join their neighbours.
static bool
add_range(struct vg_cursor *cursor, struct vg_range added)
{
    size_t index = range_at(cursor, added.first - 1);
    struct vg_range *before = NULL;

    if (index < cursor->ranges_len && cursor->ranges[index].last == added.first - 1) {
        before = &cursor->ranges[index];
        before->last = added.last;
        index++;
    }
    if (index < cursor->ranges_len && cursor->ranges[index].first == added.last + 1) {
        if (before == NULL) {
            cursor->ranges[index].first = added.first;
        } else {
            before->last = cursor->ranges[index].last;
            remove_ranges(cursor, index, 1);
        }
        return true;
    }
    return before != NULL || insert_range(cursor, index, added);
}

static bool
is_done(const struct vg_cursor *cursor, uint64_t number)
{
    size_t index;

    if (number <= cursor->through) {
        return true;
    }
    index = range_at(cursor, number);
    return index < cursor->ranges_len && cursor->ranges[index].first <= number;
}

// ---- what is done ----

// Moves through up to here, and over what was done alone behind it.
static void
move_through(struct vg_cursor *cursor, uint64_t through)
{
    size_t passed;

    cursor->through = through;
    passed = range_at(cursor, through + 1);
    if (passed < cursor->ranges_len && cursor->ranges[passed].first <= through + 1) {
        cursor->through = cursor->ranges[passed].last;
        passed++;
    }
    if (passed > 0) {
        remove_ranges(cursor, 0, passed);
    }
}

static bool
tell_alone(struct vg_cursor *cursor, uint64_t number)
{
    void *alone = cursor->alone;

    if (!grow(&alone, &cursor->alone_size, cursor->alone_len, sizeof number)) {
        return false;
    }
    cursor->alone = alone;
    cursor->alone[cursor->alone_len++] = number;
    return true;
}

void
vg_cursor_done_through(struct vg_cursor *cursor, uint64_t through)
{
    if (through > cursor->through) {
        move_through(cursor, through);
    }
}

bool
vg_cursor_done(struct vg_cursor *cursor, uint64_t number)
{
    if (number == cursor->through + 1) {
        vg_cursor_done_through(cursor, number);
        return true;
    }
    if (is_done(cursor, number)) {
        return true;
    }
    return add_range(cursor, (struct vg_range){number, number}) &&
           (number > cursor->arrived || tell_alone(cursor, number));
}

// ---- what arrives ----

// How many of the numbers first to last the broker has not named.
static uint64_t
unnamed(const struct vg_cursor *cursor, uint64_t first, uint64_t last)
{
    uint64_t missing = last - first + 1;

    for (size_t i = 0; i < cursor->passed_len; i++) {
        const struct vg_range *range = &cursor->passed[i];
        uint64_t from = range->first > first ? range->first : first;
        uint64_t to = range->last < last ? range->last : last;

        missing -= from <= to ? to - from + 1 : 0;
    }
    return missing;
}

static void
forget_passed(struct vg_cursor *cursor, uint64_t through)
{
    size_t gone = 0;

    while (gone < cursor->passed_len && cursor->passed[gone].last <= through) {
        gone++;
    }
    if (gone > 0) {
        cursor->passed_len -= gone;
        memmove(cursor->passed, cursor->passed + gone,
                cursor->passed_len * sizeof *cursor->passed);
    }
}

// The broker holds the missing ones as done, so they are done here as well.
static bool
step_over(struct vg_cursor *cursor, uint64_t first, uint64_t last)
{
    if (first == cursor->through + 1) {
        move_through(cursor, last);
        return true;
    }
    return add_range(cursor, (struct vg_range){first, last});
}

// What the broker sends again, it was not told; up to through it is now by having arrived.
static bool
arrive_again(struct vg_cursor *cursor, uint64_t number)
{
    if (number <= cursor->arrived) {
        return true; // twice on one connection
    }
    cursor->arrived = number;
    return number <= cursor->through || !is_done(cursor, number) ||
           tell_alone(cursor, number);
}

enum vg_arrival
vg_cursor_arrive(struct vg_cursor *cursor, uint64_t number, bool *ret_good)
{
    uint64_t expected = cursor->seen + 1;

    *ret_good = true;
    if (number <= cursor->seen) {
        *ret_good = arrive_again(cursor, number);
        return VG_ARRIVAL_REPEAT;
    }
    if (number > expected) {
        uint64_t missing = unnamed(cursor, expected, number - 1);

        if (missing > cursor->holes) {
            return VG_ARRIVAL_GAP;
        }
        cursor->holes -= missing;
        forget_passed(cursor, number);
        *ret_good = step_over(cursor, expected, number - 1);
    }
    cursor->seen = number;
    cursor->arrived = number;
    return VG_ARRIVAL_NEW;
}

static bool
pass_seen(struct vg_cursor *cursor, uint64_t number)
{
    if (is_done(cursor, number)) {
        return true;
    }
    if (number == cursor->through + 1) {
        move_through(cursor, number);
        return true;
    }
    return add_range(cursor, (struct vg_range){number, number});
}

bool
vg_cursor_pass(struct vg_cursor *cursor, uint64_t first, uint64_t last)
{
    void *passed = cursor->passed;
    uint64_t named = last - first + 1;

    cursor->holes -= named < cursor->holes ? named : cursor->holes;
    for (; first <= last && first <= cursor->seen; first++) {
        if (!pass_seen(cursor, first)) {
            return false;
        }
    }
    if (first > last) {
        return true;
    }
    if (!grow(&passed, &cursor->passed_size, cursor->passed_len,
              sizeof *cursor->passed)) {
        return false;
    }
    cursor->passed = passed;
    cursor->passed[cursor->passed_len++] = (struct vg_range){first, last};
    return true;
}

// ---- a subscription ----

void
vg_cursor_join(struct vg_cursor *cursor, uint64_t acknowledged, uint64_t last,
               uint64_t waiting)
{
    uint64_t backlog = last > acknowledged ? last - acknowledged : 0;

    if (!cursor->begun) {
        cursor->begun = true;
        cursor->holes = backlog > waiting ? backlog - waiting : 0;
    }
    if (acknowledged > cursor->through) {
        move_through(cursor, acknowledged);
    }
    if (cursor->through > cursor->seen) {
        cursor->seen = cursor->through;
    }
    cursor->arrived = acknowledged;
    cursor->told = acknowledged;
    cursor->alone_len = 0;
    cursor->passed_len = 0;
}

// ---- news ----

// All up to here are done and have come on this connection.
static uint64_t
tellable(const struct vg_cursor *cursor)
{
    return cursor->through < cursor->arrived ? cursor->through : cursor->arrived;
}

bool
vg_cursor_has_news(const struct vg_cursor *cursor)
{
    return tellable(cursor) > cursor->told || cursor->alone_len > 0;
}

size_t
vg_cursor_tell(struct vg_cursor *cursor, uint64_t *ret_through, uint64_t *ret_alone,
               size_t max)
{
    size_t taken = 0;
    size_t read = 0;

    *ret_through = tellable(cursor);
    cursor->told = *ret_through;
    // Those that through has passed meanwhile need not be told.
    while (read < cursor->alone_len && taken < max) {
        if (cursor->alone[read] > cursor->told) {
            ret_alone[taken++] = cursor->alone[read];
        }
        read++;
    }
    if (read > 0) {
        memmove(cursor->alone, cursor->alone + read,
                (cursor->alone_len - read) * sizeof *cursor->alone);
        cursor->alone_len -= read;
    }
    return taken;
}
