// SPDX-License-Identifier: EUPL-1.2
// ahead.h - the store's file is kept longer than it needs to be.
//
// A commit that makes its file longer waits for the file system's journal as well as for
// its own bytes, and takes a fresh page of memory for each page it writes. Into zeros that
// already lie there it is synced sooner. So whoever writes fills some behind the last page
// when he has nothing else to do.
#ifndef STORE_AHEAD_H
#define STORE_AHEAD_H

#include "store/store.h"

enum { AHEAD_STEP = 1 << 20 }; // bytes; less than this ahead is none

struct store_ahead {
    uint64_t bytes; // behind the last page; 0: as many as lie before it, at most 64 MiB
    uint64_t disk_bytes; // left free on the disk, whatever lies ahead
};

// store_extend fills one step, when less than half of `ahead` is left and from then until
// all of it is there; never beyond the quota. A disk that is too full ends it quietly until
// the store is opened again; a sync that fails breaks the store (store_broken).
//
// Durable: the zeros and the file's length, which nothing depends on.
// Blocks: for a step's write and sync. Thread: writer, between transactions.
// Returns whether it filled a step, and there may be another to fill.
bool store_extend(struct store *store, const struct store_ahead *ahead);

#endif
