// SPDX-License-Identifier: EUPL-1.2
// mailbox.h - one small row per mailbox: exact counters; what was acknowledged out of
// order; and the backlog, where letters lie that were still waiting when the fold ran.
//
//  table "mailboxes", key: u32 BE mailbox, value: struct mailbox_row
//  table "acknowledged", key: u32 BE mailbox, value: struct number_range ... sorted, apart
//  table "backlog", key: u32 BE mailbox | u64 BE number of the first letter,
//    value: u64 XXH3 of the rest, xor the mailbox | up to LETTERS_PER_ROW struct letter,
//    numbers consecutive
#ifndef STORE_MAILBOX_H
#define STORE_MAILBOX_H

#include "store/meta.h"

enum { LETTERS_PER_ROW = 100, RANGES_MAX = 2000 };

struct mailbox_row {
    uint64_t last;                // newest number, 0: none yet
    uint64_t acknowledged;        // all up to here have left the main sequence
    uint64_t acknowledged_beyond; // single ones above it that have left it
    uint64_t acknowledged_total;
    uint64_t parked;
    uint64_t bytes_total;        // of all letters ever: bytes_through of the last one
    uint64_t bytes_acknowledged; // bytes_through of the letter `acknowledged`
    uint64_t bytes_beyond;       // of the single ones above it
    uint64_t folded; // letters up to here are in the backlog (if still waiting)
    int64_t last_kept_us;
    int64_t last_acknowledged_us;
    // Letters that left the main sequence without being acknowledged (store/held.h).
    uint64_t held; // wait for another try, or behind one about the same person
    uint64_t held_bytes;
    uint64_t parked_bytes;
    uint64_t dropped; // by hand, after they were parked; or withdrawn
};

// mailbox_waiting counts what is neither acknowledged nor parked nor dropped: what is
// still in the main sequence, and what is held.
uint64_t mailbox_waiting(const struct mailbox_row *row);
// mailbox_bytes_waiting is their bytes: exact, because every letter knows the sum up to
// it.
uint64_t mailbox_bytes_waiting(const struct mailbox_row *row);

// mailbox_get gives zeros for a mailbox that has no row yet.
NODISCARD enum vg_status mailbox_get(struct txn *txn, struct mailbox_id mailbox,
                                     struct mailbox_row *ret_row);
NODISCARD enum vg_status mailbox_put(struct txn *txn, struct mailbox_id mailbox,
                                     const struct mailbox_row *row);

// mailbox_next gives the first row with a number of at least this one: VG_NOT_FOUND if none.
NODISCARD enum vg_status mailbox_next(struct txn *txn, struct mailbox_id from,
                                      struct mailbox_id *ret_mailbox,
                                      struct mailbox_row *ret_row);

struct number_range {
    uint64_t first;
    uint64_t last;          // included
    uint64_t bytes;         // of the letters in it
    uint64_t bytes_through; // of its last letter
};

// ranges_get copies at most RANGES_MAX ranges; ranges_put replaces them all (0: no row).
NODISCARD enum vg_status ranges_get(struct txn *txn, struct mailbox_id mailbox,
                                    struct number_range *ret_ranges, size_t *ret_len);
NODISCARD enum vg_status ranges_put(struct txn *txn, struct mailbox_id mailbox,
                                    const struct number_range *ranges, size_t len);

// ranges_have says whether a number lies in one of them, without copying any.
NODISCARD enum vg_status ranges_have(struct txn *txn, struct mailbox_id mailbox,
                                     uint64_t number, bool *ret_have);

// A place in a mailbox: which body, and the integration that justifies it.
struct letter {
    uint64_t number;
    uint64_t body;          // address, store/bodies.h
    uint64_t bytes_through; // of all letters of this mailbox up to and with this one
    uint32_t size;          // bytes of the body
    uint16_t quality;       // 0: no integration was asked
    uint16_t withheld;
    int32_t begin;
    int32_t end;
};

// backlog_append files letters with consecutive numbers after all others of the mailbox,
// filling up the last row first.
NODISCARD enum vg_status backlog_append(struct txn *txn, struct mailbox_id mailbox,
                                        const struct letter *letters, size_t len);

// backlog_read copies letters with number >= from, at most max, in order. Letters before a
// damaged row are given; VG_STORE_BROKEN when the first one asked for lies in it. A damaged
// row is otherwise left alone: nothing is added to it, and it goes when it is done with.
NODISCARD enum vg_status backlog_read(struct txn *txn, struct mailbox_id mailbox,
                                      uint64_t from, struct letter *ret_letters,
                                      size_t max, size_t *ret_len);

// backlog_move changes where the body of a filed letter lies. VG_NOT_FOUND: it was not
// filed; VG_STORE_BROKEN: its row is damaged and stays as it is.
NODISCARD enum vg_status backlog_move(struct txn *txn, struct mailbox_id mailbox,
                                      uint64_t number, uint64_t body);

// backlog_trim erases rows that hold only numbers up to `through`, at most rows_max of
// them.
NODISCARD enum vg_status backlog_trim(struct txn *txn, struct mailbox_id mailbox,
                                      uint64_t through, size_t rows_max,
                                      size_t *ret_rows);

// A row of the backlog, for those who look at all of them.
struct backlog_place {
    struct mailbox_id mailbox;
    uint64_t first; // number of its first letter
    size_t len;
    bool sound; // its checksum holds; only then are the letters copied
    struct letter letters[LETTERS_PER_ROW];
};

// backlog_next_row goes to the row after a place, whatever its mailbox; a zeroed place is
// before all. VG_NOT_FOUND: there is none.
NODISCARD enum vg_status backlog_next_row(struct txn *txn, struct backlog_place *place);

// backlog_copy_row copies a row from another store over the one that is here.
// VG_NOT_FOUND: the other store has none with as many letters; VG_STORE_BROKEN: it is
// damaged there as well.
NODISCARD enum vg_status backlog_copy_row(struct txn *from, struct txn *to,
                                          struct mailbox_id mailbox, uint64_t first);

#endif
