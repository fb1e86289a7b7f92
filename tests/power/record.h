// SPDX-License-Identifier: EUPL-1.2
// record.h - notes every write, truncation, sync and change of name that this program makes
// in one folder, in their order, and tells a disk (disk.h) of it.
//
// The calls are caught where LMDB and the store make them: open, openat, close, lseek with
// write and writev, pwrite, pwritev, ftruncate, fdatasync, fsync, rename, renameat, unlink
// and unlinkat are functions of this program. They do what they are asked to do as well.
// A mutant is a mistake in what is told: the program then looks as if it had been made.
#ifndef POWER_RECORD_H
#define POWER_RECORD_H

#include "disk.h"

// name, what the store would have forgotten or mixed up
#define MUTANT_TABLE(ROW)                                                                \
    ROW(none, "nothing")                                                                 \
    ROW(no_data_sync, "the data are never synced, the meta page is")                     \
    ROW(no_meta_sync, "the meta page is written and not synced")                         \
    ROW(meta_before_data, "the meta page reaches the disk before the data's sync")       \
    ROW(answer_before_sync, "whoever waits is answered, then all is synced")             \
    ROW(lmdb_nosync, "the store is opened with MDB_NOSYNC")                              \
    ROW(lmdb_nometasync, "the store is opened with MDB_NOMETASYNC")                      \
    ROW(no_folder_sync, "the folder of a new store is not synced")                       \
    ROW(no_parent_sync, "the folder that names a new store's folder is not synced")      \
    ROW(no_sync_of_new, "a new store is not synced before it gets its name")             \
    ROW(no_settling, "what a killed process left is believed as it is")

enum mutant {
#define MUTANT_ENUM(name, sentence) MUTANT_##name,
    MUTANT_TABLE(MUTANT_ENUM)
#undef MUTANT_ENUM
        MUTANTS
};

// Called once for each of them, when it is noted and nothing of it is certain yet.
typedef void (*record_fn)(void);

// record_begin follows a folder from now on. Gives the disk; record_end ends its life.
struct disk *record_begin(const char *path, enum mutant mutant, record_fn at_each);
void record_end(void);
// record_move: the same disk is now seen in another folder, by a process that begins anew.
void record_move(const char *path);

#endif
