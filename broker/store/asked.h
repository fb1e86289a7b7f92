// SPDX-License-Identifier: EUPL-1.2
// asked.h - notifications that require an answer, and whether they got one.
//
//  table "asked" (schema 3), key: u64 BE ticket | u32 BE mailbox, value: struct asked_row
//
// Written only on flows that the catalogue says require an answer. A row goes with the
// journal's record of its mutation, or when that is cancelled or replaced.
#ifndef STORE_ASKED_H
#define STORE_ASKED_H

#include "store/store.h"

struct asked_row {
    uint64_t number; // of the letter in its mailbox
    int64_t kept_us;
    uint64_t answer; // ticket of the first answer, 0: none yet
    int64_t answered_us;
    uint32_t source; // institution that asks
    uint16_t flow;
    uint16_t reserved;
};

NODISCARD enum vg_status asked_get(struct txn *txn, uint64_t ticket,
                                   struct mailbox_id mailbox, struct asked_row *ret_row);
// asked_put, asked_erase. Durable: with the transaction's commit. Erasing is content when
// there is no such row.
NODISCARD enum vg_status asked_put(struct txn *txn, uint64_t ticket,
                                   struct mailbox_id mailbox,
                                   const struct asked_row *row);
NODISCARD enum vg_status asked_erase(struct txn *txn, uint64_t ticket,
                                     struct mailbox_id mailbox);
// asked_trim erases the rows of tickets up to this one.
NODISCARD enum vg_status asked_trim(struct txn *txn, uint64_t through);

// asked_each calls back for every row from a ticket on, the oldest first, until it returns
// false.
typedef bool (*asked_fn)(uint64_t ticket, struct mailbox_id mailbox,
                         const struct asked_row *row, void *arg);
NODISCARD enum vg_status asked_each(struct txn *txn, uint64_t from, asked_fn each,
                                    void *arg);

#endif
