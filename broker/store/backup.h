// SPDX-License-Identifier: EUPL-1.2
// backup.h - a copy of a store that a broker may be writing, and its way back.
//
// A full backup is the store's file as of its last commit. An increment is a store of the
// same drawing that holds only what follows on an earlier backup: the journal's records and
// the bodies since; flow/replay.h brings the earlier one forward with it. Beside each stands
// a MANIFEST (store/manifest.h), written when all the rest is synced.
//
// What a backup costs: while it runs, pages that the broker frees are not used again, so the
// store's file grows by what is written meanwhile; the broker waits for it only while two
// pages are copied. A backup that was killed is noticed within a second.
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include "store/manifest.h"
#include "store/store.h"

// Called now and then with a share done of 0 to 1; may be NULL.
typedef void (*backup_progress_fn)(double done, void *arg);

struct backup_options {
    const char *folder;  // of the backup: not there yet, or empty
    const char *program; // who writes it
    bool compact;        // leave pages out that are not used: slower, smaller
    const char *since;   // folder of an earlier backup: an increment; NULL: full
    backup_progress_fn progress;
    void *arg;
};

// backup_write copies a store that was opened with STORE_READS. After a failure the folder
// is empty again.
//
// Durable: file, manifest and both folders, when it returns VG_OK. Blocks: as long as it
// takes. Returns VG_OK; VG_EXISTS: the folder is not empty; VG_BAD_FILE: it cannot be
// written (a full disk), or what it should follow on is not this store's; VG_NOT_FOUND: the
// earlier backup, or the journal since it, is not there; VG_STORE_BROKEN.
NODISCARD enum vg_status backup_write(struct store *store,
                                      const struct backup_options *options,
                                      struct manifest *ret_manifest, struct why *why);

// backup_copy_back copies a full backup into a new folder and checks its checksum on the
// way.
//
// Durable: when it returns VG_OK. Returns VG_OK; VG_NOT_FOUND: no MANIFEST, so no finished
// backup; VG_STORE_BROKEN: it is not what was written; VG_BAD_FILE; VG_EXISTS.
NODISCARD enum vg_status backup_copy_back(const char *backup, const char *folder,
                                          struct manifest *ret_manifest,
                                          backup_progress_fn progress, void *arg,
                                          struct why *why);

// backup_verify reads a backup and compares it with its manifest.
NODISCARD enum vg_status backup_verify(const char *backup, struct manifest *ret_manifest,
                                       struct why *why);

// ---- a store's folder while a backup is restored into it ----

// restore_begin makes the place inside a store's folder where the store is put together,
// away from what an interrupted restore left there, and keeps brokers out.
//
// Gives: the lock's descriptor, closed by restore_end. Returns VG_OK; VG_EXISTS: there is a
// store already; VG_STORE_IN_USE; VG_BAD_FILE.
enum { RESTORE_PATH_LEN = 4096 };
NODISCARD enum vg_status restore_begin(const char *folder,
                                       char ret_place[RESTORE_PATH_LEN], int *ret_lock,
                                       struct why *why);
// restore_mark gives the finished store its new incarnation. Durable: yes.
NODISCARD enum vg_status restore_mark(struct store *store, int64_t now_us,
                                      struct why *why);
// restore_finish puts the store where a broker looks for it. Durable: yes.
NODISCARD enum vg_status restore_finish(const char *folder, struct why *why);
void restore_end(int *lock);

#endif
