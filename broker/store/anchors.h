// SPDX-License-Identifier: EUPL-1.2
// anchors.h - the signed anchors of the journal, one a day; never erased: they outlive the
// records that they speak of.
//
//  table "anchors" (schema 4), key: u32 BE yyyymmdd, value: struct anchor
//  (proto/anchor/anchor.h)
#ifndef STORE_ANCHORS_H
#define STORE_ANCHORS_H

#include "anchor/anchor.h"
#include "store/store.h"

// anchor_put keeps the anchor of its day.
// Durable: with the transaction's commit.
NODISCARD enum vg_status anchor_put(struct txn *txn, const struct anchor *anchor);

// anchor_get gives a day's, anchor_last the newest. Returns VG_OK, VG_NOT_FOUND or
// VG_STORE_BROKEN.
NODISCARD enum vg_status anchor_get(struct txn *txn, uint32_t day,
                                    struct anchor *ret_anchor);
NODISCARD enum vg_status anchor_last(struct txn *txn, struct anchor *ret_anchor);

// anchors_each calls back for each, oldest first, until it says false.
typedef bool (*anchor_fn)(const struct anchor *anchor, void *arg);
NODISCARD enum vg_status anchors_each(struct txn *txn, anchor_fn each, void *arg);

#endif
