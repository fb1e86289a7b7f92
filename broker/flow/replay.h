// SPDX-License-Identifier: EUPL-1.2
// replay.h - brings a store forward with the journal of a later one.
//
// A record and the bodies of its commit make of the store before it the store after it, row
// by row (store/journal.h). Two things differ, and neither is promised to anybody: rows of
// the backlog that hold nothing waiting may still be there or be gone, and letters may be
// filed in rows cut elsewhere. Thread: any, alone with the store.
#ifndef FLOW_REPLAY_H
#define FLOW_REPLAY_H

#include "store/store.h"

struct replay_report {
    uint64_t commits;        // replayed
    uint64_t blocks;         // of bodies copied
    uint64_t blocks_missing; // erased in the later store since
};

typedef void (*replay_progress_fn)(double done, void *arg);

// replay_commits applies the later store's records that follow on the store's last one, up
// to and with `through`. The later store may be any that has them: the live one, or an
// increment of a backup.
//
// Borrows: later, which is only read. Blocks: as long as it takes.
// Durable: some hundred commits at a time; all, when it returns VG_OK.
// Returns VG_OK; VG_NOT_FOUND: the later store does not have the next record, or none up to
// `through`; VG_BAD_FILE: its records do not follow on this store's last one;
// VG_STORE_BROKEN, VG_STORE_FULL, VG_UNKNOWN.
NODISCARD enum vg_status replay_commits(struct store *store, struct store *later,
                                        uint64_t through,
                                        struct replay_report *ret_report,
                                        replay_progress_fn progress, void *arg,
                                        struct why *why);

// replay_find gives the last commit at or before a time (microseconds, UTC) among those of a
// store's journal that follow on a commit; that one when all are later.
NODISCARD enum vg_status replay_find(struct store *store, uint64_t after, int64_t time_us,
                                     uint64_t *ret_commit, struct why *why);

#endif
