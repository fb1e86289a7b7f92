// SPDX-License-Identifier: EUPL-1.2
// marks.h - what has left a mailbox's main sequence: all up to its mark, and single
// letters above it, remembered as ranges until the mark reaches them.
//
// Every letter knows the bytes of its mailbox up to it, so the row's counters are exact
// whoever leaves in whichever order, however often. Thread: writer.
#ifndef FLOW_MARKS_H
#define FLOW_MARKS_H

#include "flow/command.h"
#include "store/mailbox.h"

// One mailbox's marks while a command changes them.
struct marks {
    struct mailbox_row *row;
    struct number_range ranges[RANGES_MAX]; // 64 KB, written before they are read
    size_t len;
    bool changed; // the ranges; the row's counters are changed in the row
};

// marks_load reads the ranges. Keeps: row. marks_keep writes them when they changed.
// Durable: with the transaction's commit.
NODISCARD enum vg_status marks_load(struct txn *txn, struct mailbox_id mailbox,
                                    struct mailbox_row *row, struct marks *marks);
NODISCARD enum vg_status marks_keep(struct txn *txn, struct mailbox_id mailbox,
                                    const struct marks *marks);

// marks_move moves the mark up to a letter and over the ranges that it reaches. A number
// that is not above the mark, or above the last one, changes nothing.
void marks_move(struct marks *marks, uint64_t through, uint64_t bytes_through);

enum mark {
    MARK_NEW,     // it was in the main sequence
    MARK_KNOWN,   // it had left, or was never there
    MARK_NO_ROOM, // RANGES_MAX gaps between single letters
};

// marks_wait: is the letter in the main sequence?
bool marks_wait(const struct marks *marks, uint64_t number);

// marks_single takes one letter out.
enum mark marks_single(struct marks *marks, const struct acknowledge_single *single);

#endif
