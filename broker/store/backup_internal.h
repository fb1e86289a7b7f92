// SPDX-License-Identifier: EUPL-1.2
// backup_internal.h - what backup.c and restore.c do with folders and files (backup_files.c).
#ifndef STORE_BACKUP_INTERNAL_H
#define STORE_BACKUP_INTERNAL_H

#include "store/backup.h"
#include "store/store_internal.h"

#include <sodium.h>

enum {
    PATH_LEN = RESTORE_PATH_LEN,
    FILE_MODE = 0600,
    FOLDER_MODE = 0700,
};

typedef unsigned long long number; // as %llu wants it

// From a descriptor into a file, with a checksum.
struct stream {
    int from;
    int to; // -1: only read
    uint64_t bytes;
    uint64_t bytes_expected; // 0: no progress is told
    crypto_generichash_state hash;
    backup_progress_fn progress;
    void *arg;
};

// stream_run copies up to the end; false with errno when that failed.
bool stream_run(struct stream *stream, struct hash *ret_hash);

// hash_file reads a whole file for its checksum.
NODISCARD enum vg_status hash_file(const char *path, struct hash *ret_hash,
                                   uint64_t *ret_bytes, struct why *why);

// file_failed says what errno says of a file.
enum vg_status file_failed(const char *path, struct why *why);

// path_in gives folder/name; one that is too long becomes "", which no call accepts.
const char *path_in(const char *folder, const char *name, char path[PATH_LEN]);

// sync_folders syncs the folder, and the name it has in the one above.
NODISCARD enum vg_status sync_folders(const char *folder, struct why *why);

void remove_lock_files(const char *folder);

// empty_folder removes what a backup or an unfinished restore has put there.
void empty_folder(const char *folder);

#endif
