// SPDX-License-Identifier: EUPL-1.2
// cursor.h - how far one mailbox was given to the application, and what it is done with.
//
//   1 2 3 4 5 | 6  7  8  9 10 | 11
//     through '    -  8  -  10 ' seen       done: up to through, and 8 and 10 alone
//
// What is done alone is kept as ranges: few, however many numbers they hold.
//
// The broker takes an acknowledgement only for what it has sent on the same connection. So
// what it missed of ours is told when the number comes again, not before.
#ifndef CLIENT_CURSOR_H
#define CLIENT_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vg_range {
    uint64_t first;
    uint64_t last;
};

struct vg_cursor {
    uint64_t seen;           // the highest number given to the application
    uint64_t through;        // all up to here are done
    uint64_t arrived;        // the highest number that came on this connection
    uint64_t told;           // through, as the broker was told on this connection
    uint64_t holes;          // numbers below the backlog's end that may be missing
    struct vg_range *passed; // above seen: the broker said that they do not come
    size_t passed_len;
    size_t passed_size;
    struct vg_range *ranges; // done alone, ascending, above through
    size_t ranges_len;
    size_t ranges_size;
    uint64_t *alone; // of these the broker is to be told
    size_t alone_len;
    size_t alone_size;
    bool begun;
};

// What to do with a number that arrives.
enum vg_arrival {
    VG_ARRIVAL_NEW,    // give it to the application
    VG_ARRIVAL_REPEAT, // it had it; if it is done, that is news
    VG_ARRIVAL_GAP,    // at least one before it never came
};

void vg_cursor_end(struct vg_cursor *cursor);

// vg_cursor_join takes the broker's word at each (re)subscription: it has all up to
// `acknowledged` as done, its newest number is last, and so many wait. Of the backlog of
// the first time some may be missing: done alone through an earlier handle.
//
// Nothing of what was to be told stays.
void vg_cursor_join(struct vg_cursor *cursor, uint64_t acknowledged, uint64_t last,
                    uint64_t waiting);

// vg_cursor_arrive judges a number that came, and takes it as seen when it is new. False
// in ret_good: no memory.
enum vg_arrival vg_cursor_arrive(struct vg_cursor *cursor, uint64_t number,
                                 bool *ret_good);

// vg_cursor_pass takes the broker's word that the numbers first to last do not come in
// their turn, or are looked after by it: they are done, and it need not be told. Ranges
// above what was seen come ascending. Returns false without memory.
bool vg_cursor_pass(struct vg_cursor *cursor, uint64_t first, uint64_t last);

// vg_cursor_done notes that this one, which was seen, is done. Returns false without
// memory.
bool vg_cursor_done(struct vg_cursor *cursor, uint64_t number);
// vg_cursor_done_through notes that all up to this one, which was seen, are done.
void vg_cursor_done_through(struct vg_cursor *cursor, uint64_t through);

bool vg_cursor_has_news(const struct vg_cursor *cursor);
// vg_cursor_tell gives what the broker is to be told next: all up to ret_through, and up to
// max numbers alone, of which it returns how many.
size_t vg_cursor_tell(struct vg_cursor *cursor, uint64_t *ret_through,
                      uint64_t *ret_alone, size_t max);

#endif
