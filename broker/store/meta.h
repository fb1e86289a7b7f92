// SPDX-License-Identifier: EUPL-1.2
// meta.h - the single row that says how far everything has come.
//
//  table "meta", key "meta": struct meta as it stands; key "schema": u32; of producers and
//  flows see store/registry.h
#ifndef STORE_META_H
#define STORE_META_H

#include "base/checksum.h"
#include "store/store.h"

struct meta {
    uint64_t last_commit;   // number of the last commit record, from 1
    uint64_t last_sequence; // last ticket given
    uint64_t last_block;    // last body block written
    uint64_t last_batch;    // id of the last batch applied
    int64_t last_time_us;   // time never goes back
    // Letters of commits up to here are in the backlog or done with.
    uint64_t folded_commit;
    uint64_t integrations; // rows in the reference directory
    uint64_t persons;      // persons with at least one
    uint64_t catalogue;    // version in force, 0: none yet
    uint32_t last_institution;
    uint32_t last_extra_mailbox; // 0: none yet
    struct hash last_hash;       // of the last commit record
    // What retention has left; schema 2.
    uint64_t first_commit;  // oldest record of the journal, 1: none went yet
    uint64_t first_block;   // oldest body block, 1: none went yet
    uint64_t erased_commit; // bodies of commits up to here are erased or moved
    uint64_t erased_items;  // and of so many items of the commit after it
    struct hash first_hash; // of the record before first_commit: the chain begins there
};

// meta_get reads the row; a store without one is VG_STORE_BROKEN. meta_put writes it.
// Durable: with the transaction's commit.
NODISCARD enum vg_status meta_get(struct txn *txn, struct meta *ret_meta,
                                  struct why *why);
NODISCARD enum vg_status meta_put(struct txn *txn, const struct meta *meta);

// Which store this is. It changes when a backup is restored: the numbers after the point
// come again with other contents, and whoever remembers them must be able to tell.
//
//  table "meta", key "incarnation": struct incarnation
struct incarnation {
    uint64_t id;              // drawn at random when the store was made or restored
    uint64_t restored_commit; // to which it was restored last, 0: never was
    int64_t restored_us;
};

// incarnation_get gives zeros for a store that has none yet. incarnation_new draws a new id
// and puts it.
// Durable: with the transaction's commit.
NODISCARD enum vg_status incarnation_get(struct txn *txn, struct incarnation *ret);
NODISCARD enum vg_status incarnation_new(struct txn *txn, uint64_t restored_commit,
                                         int64_t restored_us);

#endif
