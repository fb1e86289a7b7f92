// SPDX-License-Identifier: EUPL-1.2
// upgrade.h - a store that an earlier program wrote becomes one of this schema, in the
// transaction that opens it: after a crash it is the old store or the new one.
//
//  1 -> 2  struct mailbox_row: held, held_bytes, parked_bytes, dropped
//          struct meta: first_commit, first_block, erased_commit, erased_items, first_hash
//          tables "held", "held_subjects", "limits", "counted"
//          table "meta": key "incarnation"
//          table "backlog": a checksum before the letters
//  2 -> 3  tables "corrections", "exchanges", "asked"
//  3 -> 4  tables "anchors", "mailbox_rules", "caught"
//  4 -> 5  tables "merged", "withdrawn"
//  5 -> 6  the rows of "producers" and "heard" stand in "meta"; those two stay empty
//
// A golden file of every schema ever released stands in tests/golden.
#ifndef STORE_UPGRADE_H
#define STORE_UPGRADE_H

#include "store/store_internal.h"

// store_upgrade rewrites the rows whose drawing changed since `from` (at least 1, below
// STORE_SCHEMA) and puts the new schema number. All tables are open.
//
// Durable: with the transaction's commit. Returns VG_OK; VG_STORE_BROKEN: a row has not
// the length that schema `from` gives it; VG_STORE_FULL.
NODISCARD enum vg_status store_upgrade(struct txn *txn, uint32_t from, struct why *why);

#endif
