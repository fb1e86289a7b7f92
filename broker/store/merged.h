// SPDX-License-Identifier: EUPL-1.2
// merged.h - letters that did not come because a later one of the same mailbox says the same
// of its person anew (flow/repeats.h): which one stands for which.
//
//  table "merged" (schema 5), key: u64 BE ticket | u32 BE mailbox, value: struct merged_head,
//    then `len` tickets, u64 LE, in the order in which they were kept
//
// A letter that was merged names the one that stands for it; that one lists all that it stands
// for, as they go on the wire. A row goes with the journal's record of its mutation.
#ifndef STORE_MERGED_H
#define STORE_MERGED_H

#include "store/store.h"

enum { MERGED_MAX = 100 }; // for which one letter stands

struct merged_head {
    uint64_t into; // ticket of the letter that stands for it; 0: it comes itself
    uint32_t len;  // for which it stands; none when it does not come itself
    uint32_t reserved;
};

struct merged_row {
    struct merged_head head;
    uint64_t tickets[MERGED_MAX];
};

// merged_get: VG_NOT_FOUND when it comes and stands for itself alone; VG_STORE_BROKEN.
NODISCARD enum vg_status merged_get(struct txn *txn, uint64_t ticket,
                                    struct mailbox_id mailbox,
                                    struct merged_row *ret_row);
// merged_put. Durable: with the transaction's commit.
NODISCARD enum vg_status merged_put(struct txn *txn, uint64_t ticket,
                                    struct mailbox_id mailbox,
                                    const struct merged_row *row);
// merged_erase is content when there is no such row. Durable: as merged_put.
NODISCARD enum vg_status merged_erase(struct txn *txn, uint64_t ticket,
                                      struct mailbox_id mailbox);
// merged_trim erases the rows of tickets up to this one.
NODISCARD enum vg_status merged_trim(struct txn *txn, uint64_t through);

// merged_each calls back for every row from a ticket on, in order of tickets, until it returns
// false. Nothing may be written meanwhile.
typedef bool (*merged_fn)(uint64_t ticket, struct mailbox_id mailbox,
                          const struct merged_row *row, void *arg);
NODISCARD enum vg_status merged_each(struct txn *txn, uint64_t from, merged_fn each,
                                     void *arg);

#endif
