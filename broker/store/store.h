// SPDX-License-Identifier: EUPL-1.2
// store.h - one LMDB environment: opening, transactions, room.
//
// The only layer that sees LMDB. One process, one writer thread; everybody else reads.
// Flags: MDB_NOTLS, for the writer MDB_NORDAHEAD, and nothing else: a commit that returns
// VG_OK is synced (fdatasync of the data, then the O_DSYNC meta page). The map is set once and
// huge; the real limit is the quota, below both map and disk, because a full map refuses
// deletes too. A folder holds data.mdb, lock.mdb and vigie.lock (an flock, as on the folder
// itself: one broker per store); while the store is being made, data.new instead of
// data.mdb.
//
// Schema version 6 (store/upgrade.h). Values are little-endian structs as drawn in each
// table's header; numbers inside keys are big-endian, so that order in the store is order
// in the world. Change a drawing: raise STORE_SCHEMA, add to store/upgrade.c, keep an old
// file in tests/golden.
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/why.h"
#include "values/integration.h"

enum { STORE_SCHEMA = 6 };

struct store;
struct txn; // a read or a write transaction

// Who else may have the store open.
enum store_access {
    STORE_WRITES, // one process only: the broker
    // Reads beside the process that writes, mostly in order: the disk is read ahead. A
    // transaction that stays open keeps pages from being used again: the file grows meanwhile.
    STORE_READS,
    STORE_READS_COPY, // reads a copy that nobody writes; leaves nothing in its folder
};

struct store_options {
    const char *path;     // an existing folder
    uint64_t map_bytes;   // address space only; 0: 256 GiB
    uint64_t quota_bytes; // 0: 90 % of map_bytes
    bool create;          // make the store when the folder has none
    enum store_access access;
};

// store_open opens, checks the schema, opens all tables and brings an older store to this
// schema in one committed transaction. A new store is made under another name first. One
// that only reads changes nothing and refuses an older schema. A folder in which a restore
// was interrupted (store/backup.h) gets no new store.
//
// Gives: the store (store_close). Blocks: for some syncs.
// Durable: all that can be seen in it, whoever wrote it and however he ended.
// Returns VG_OK; VG_NOT_FOUND (no store, create is false); VG_STORE_IN_USE;
// VG_STORE_NEWER ("schema 2, this program knows 1"); VG_STORE_BROKEN; VG_BAD_FILE.
NODISCARD enum vg_status store_open(const struct store_options *options,
                                    struct store **ret_store, struct why *why);
void store_close(struct store **store);

// store_write begins the write transaction. Thread: writer only, one at a time.
NODISCARD enum vg_status store_write(struct store *store, struct txn **ret_txn,
                                     struct why *why);

// store_commit ends it. Takes: txn.
// Durable: everything written in it, when it returns VG_OK.
// Returns VG_OK; VG_STORE_FULL (nothing was written, the store goes on); VG_UNKNOWN: the
// outcome is not known and this process must answer nobody and end (store_broken is true
// from now on and every store_write fails).
NODISCARD enum vg_status store_commit(struct txn **txn, struct why *why);

// store_abort gives a write transaction up, or ends a read transaction.
void store_abort(struct txn **txn);

// store_read makes a read transaction that sees the last commit. It must end, or rest,
// within milliseconds: an open one keeps freed pages from being used again.
// Thread: the one that made it.
NODISCARD enum vg_status store_read(struct store *store, struct txn **ret_txn,
                                    struct why *why);
void store_read_rest(struct txn *txn); // release the view, keep the slot
NODISCARD enum vg_status store_read_renew(struct txn *txn); // see the last commit

// Every function of the tables that writes returns VG_OK, VG_STORE_FULL (the transaction
// is lost: abort it) or VG_STORE_BROKEN.

bool store_broken(const struct store *store);

struct store_room {
    uint64_t used_bytes; // pages in use
    uint64_t file_bytes; // the file's size; it never shrinks
    uint64_t quota_bytes;
    uint64_t disk_free_bytes;
};

// store_room measures; cheap enough for once a second. Thread: any, with its own call.
NODISCARD enum vg_status store_room(struct store *store, struct store_room *ret_room);

// store_was_schema is the schema that store_open found, 0 when it made the store: one that
// is neither 0 nor STORE_SCHEMA was upgraded.
uint32_t store_was_schema(const struct store *store);

const char *store_path(const struct store *store);

#endif
