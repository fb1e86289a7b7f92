// SPDX-License-Identifier: EUPL-1.2
// store_inside.h - a store, for the files that make one module of it: store_open.c (from a
// folder to a store), store.c (transactions), table.c (rows), room.c (how full it is), ahead.c
// (zeros behind it).
#ifndef STORE_STORE_INSIDE_H
#define STORE_STORE_INSIDE_H

#include "store/store_internal.h"

#include <stdatomic.h>

struct table_row {
    const char *name;
    unsigned flags;
    size_t value_max;
    uint32_t since; // schema that it came with
    enum table_told told;
};

extern const struct table_row tables[TABLES];

struct store {
    char *path;
    MDB_env *env;
    MDB_dbi dbi[TABLES];
    enum store_access access;
    int folder; // -1: not open
    int lock;   // flock, -1: not open
    uint64_t map_bytes;
    uint64_t page_bytes;
    const uint8_t *map; // page 0, NULL: not known, or its tables are not to be read
    uint64_t quota_bytes;
    bool is_new;
    uint32_t was_schema; // found when it was opened, 0: there was none
    atomic_bool broken;
    bool extending;    // by store_extend: half of it was used up
    bool ahead_failed; // for good
};

// All calls of LMDB that can fail go through it.
extern const struct lmdb_calls *lmdb;

// store_failed says which step of opening or copying failed: what LMDB itself says is about
// the file's content, what the system says about the file.
NODISCARD enum vg_status store_failed(const struct store *store, const char *step, int rc,
                                      struct why *why);
// store_close_env closes LMDB's part; content when it is not open.
void store_close_env(struct store *store);

// lmdb_is_full: the transaction is lost, but the store is as before and goes on.
bool lmdb_is_full(int rc);
// lmdb_read_status is what a failed call of a read transaction comes to.
enum vg_status lmdb_read_status(int rc);

// free_pages counts LMDB's free pages from number `first` on. Returns LMDB's code.
int free_pages(struct store *store, uint64_t first, uint64_t *ret_pages);
// table_find_map finds page 0 for table_tree, once, when a store is opened.
NODISCARD enum vg_status table_find_map(struct store *store, struct why *why);

#endif
