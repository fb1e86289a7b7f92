// SPDX-License-Identifier: EUPL-1.2
// lapses.h - how far the walk over the directory is that tells of integrations that end.
//
//  table "lapses" (schema 3)
//    key "walk": struct lapse_row
//    key "days": struct lapse_days ... (rules/lapse.h), of the walk under way, else of the
//      last one
//    key u64 BE NISS: u64 1: told of already by the walk under way, which has yet to come
//      there: the number took over another one's integrations
#ifndef STORE_LAPSES_H
#define STORE_LAPSES_H

#include "store/store.h"
#include "values/niss.h"

struct lapse_row {
    int32_t through; // struct day: the last one finished, DAY_EVER: none
    int32_t day;     // being walked for; not after `through`: none is
    uint64_t next;   // persons with lower numbers are done with
};

// lapse_row_get gives DAY_EVER, DAY_EVER and 0 for a store that has none yet.
NODISCARD enum vg_status lapse_row_get(struct txn *txn, struct lapse_row *ret_row);
NODISCARD enum vg_status lapse_row_put(struct txn *txn, const struct lapse_row *row);

// The days, as bytes: what they mean is rules/lapse.h's. *ret_len: room in, length out.
NODISCARD enum vg_status lapse_days_get(struct txn *txn, void *ret, size_t *ret_len);
NODISCARD enum vg_status lapse_days_put(struct txn *txn, const void *days, size_t len);

NODISCARD enum vg_status lapse_mark(struct txn *txn, struct niss niss);
NODISCARD enum vg_status lapse_is_marked(struct txn *txn, struct niss niss,
                                         bool *ret_marked);
NODISCARD enum vg_status lapse_forget_marks(struct txn *txn);

#endif
