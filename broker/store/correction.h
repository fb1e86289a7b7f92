// SPDX-License-Identifier: EUPL-1.2
// correction.h - which mutations were replaced or cancelled by a later one, so that none is
// corrected twice.
//
//  table "corrections" (schema 3), key: u64 BE ticket of the corrected mutation, value:
//    struct correction_row
//
// A row goes with the journal's record of the mutation: without that nobody can tell who got
// it, and it cannot be corrected any more.
#ifndef STORE_CORRECTION_H
#define STORE_CORRECTION_H

#include "store/store.h"

enum correction_act { CORRECTION_REPLACES = 1, CORRECTION_CANCELS = 2 };

struct correction_row {
    uint64_t by;  // ticket of the correction, above the corrected one
    uint32_t act; // enum correction_act
    uint32_t reserved;
};

// correction_get: VG_NOT_FOUND when the mutation stands as it was published.
NODISCARD enum vg_status correction_get(struct txn *txn, uint64_t ticket,
                                        struct correction_row *ret_row);
// correction_put. Durable: with the transaction's commit.
NODISCARD enum vg_status correction_put(struct txn *txn, uint64_t ticket,
                                        const struct correction_row *row);
// corrections_trim erases the rows of tickets up to this one.
NODISCARD enum vg_status corrections_trim(struct txn *txn, uint64_t through);

// corrections_each calls back for every row, by ticket, until it returns false.
typedef bool (*correction_fn)(uint64_t ticket, const struct correction_row *row,
                              void *arg);
NODISCARD enum vg_status corrections_each(struct txn *txn, correction_fn each, void *arg);

#endif
