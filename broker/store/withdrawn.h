// SPDX-License-Identifier: EUPL-1.2
// withdrawn.h - notifications that were cancelled before they were delivered: neither the
// first nor its cancellation came, because the mailbox chose so (flow/withdraw.h).
//
//  table "withdrawn" (schema 5), key: u64 BE ticket | u32 BE mailbox, value:
//    struct withdrawn_row: one row for the first, one for its cancellation
//
// Whose notification has a row was never told of that ticket. A row goes with the journal's
// record of its mutation.
#ifndef STORE_WITHDRAWN_H
#define STORE_WITHDRAWN_H

#include "store/store.h"

struct withdrawn_row {
    uint64_t
        other; // ticket of the other one of the pair; the cancellation's is the higher
    uint64_t number; // of the letter in its mailbox
    int64_t time_us; // when
};

// withdrawn_get: VG_NOT_FOUND when the notification was not withdrawn, or there was none.
NODISCARD enum vg_status withdrawn_get(struct txn *txn, uint64_t ticket,
                                       struct mailbox_id mailbox,
                                       struct withdrawn_row *ret_row);
// withdrawn_put. Durable: with the transaction's commit.
NODISCARD enum vg_status withdrawn_put(struct txn *txn, uint64_t ticket,
                                       struct mailbox_id mailbox,
                                       const struct withdrawn_row *row);
// withdrawn_trim erases the rows of tickets up to this one.
NODISCARD enum vg_status withdrawn_trim(struct txn *txn, uint64_t through);

// withdrawn_each calls back for every row, in order of tickets, until it returns false.
// Nothing may be written meanwhile.
typedef bool (*withdrawn_fn)(uint64_t ticket, struct mailbox_id mailbox,
                             const struct withdrawn_row *row, void *arg);
NODISCARD enum vg_status withdrawn_each(struct txn *txn, withdrawn_fn each, void *arg);

#endif
