// SPDX-License-Identifier: EUPL-1.2
// restore.c - the way back: a backup is verified, copied into an empty folder, and becomes a
// store only when all of it is there.
#include "store/backup_internal.h"

#include "store/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum vg_status
read_manifest(const char *backup, struct manifest *ret_manifest, struct why *why)
{
    enum vg_status status = manifest_read(backup, ret_manifest, why);

    if (status == VG_NOT_FOUND) {
        return fail(why, VG_NOT_FOUND, "%s has no MANIFEST: no finished backup", backup);
    }
    if (status == VG_OK && ret_manifest->schema > STORE_SCHEMA) {
        return fail(why, VG_STORE_NEWER, "%s: schema %u, this program knows %d", backup,
                    ret_manifest->schema, STORE_SCHEMA);
    }
    return status;
}

static enum vg_status
compare(const char *backup, const struct manifest *manifest, uint64_t bytes,
        const struct hash *checksum, struct why *why)
{
    if (bytes != manifest->bytes) {
        return fail(why, VG_STORE_BROKEN, "%s: data.mdb has %llu bytes, not %llu", backup,
                    (number)bytes, (number)manifest->bytes);
    }
    if (memcmp(checksum, &manifest->checksum, sizeof *checksum) != 0) {
        return fail(why, VG_STORE_BROKEN,
                    "%s: data.mdb is not what was written: its checksum does not hold",
                    backup);
    }
    return VG_OK;
}

enum vg_status
backup_verify(const char *backup, struct manifest *ret_manifest, struct why *why)
{
    struct hash checksum;
    uint64_t bytes = 0;
    char path[PATH_LEN];
    enum vg_status status = read_manifest(backup, ret_manifest, why);

    if (status == VG_OK) {
        status = hash_file(path_in(backup, "data.mdb", path), &checksum, &bytes, why);
    }
    return status == VG_OK ? compare(backup, ret_manifest, bytes, &checksum, why)
                           : status;
}

enum vg_status
backup_copy_back(const char *backup, const char *folder, struct manifest *ret_manifest,
                 backup_progress_fn progress, void *arg, struct why *why)
{
    struct stream stream = {.progress = progress, .arg = arg};
    struct hash checksum;
    char path[PATH_LEN];
    bool good;
    enum vg_status status = read_manifest(backup, ret_manifest, why);

    if (status != VG_OK) {
        return status;
    }
    if (!ret_manifest->full) {
        return fail(why, VG_BAD_FILE,
                    "%s is an increment since commit %llu: restore the full backup with "
                    "it",
                    backup, (number)ret_manifest->since);
    }
    stream.bytes_expected = ret_manifest->bytes;
    stream.from = open(path_in(backup, "data.mdb", path), O_RDONLY | O_CLOEXEC);
    if (stream.from < 0) {
        return file_failed(path, why);
    }
    stream.to = open(path_in(folder, "data.mdb", path),
                     O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (stream.to < 0) {
        close(stream.from);
        return file_failed(path, why);
    }
    good = stream_run(&stream, &checksum) && fsync(stream.to) == 0;
    status = good ? compare(backup, ret_manifest, stream.bytes, &checksum, why)
                  : file_failed(path, why);
    close(stream.from);
    close(stream.to);
    return status == VG_OK ? sync_folders(folder, why) : status;
}

// ---- a store's folder meanwhile ----

static void
remove_place(const char *folder)
{
    char place[PATH_LEN];

    path_in(folder, STORE_RESTORING, place);
    empty_folder(place);
    (void)rmdir(place);
}

enum vg_status
restore_begin(const char *folder, char ret_place[RESTORE_PATH_LEN], int *ret_lock,
              struct why *why)
{
    char path[PATH_LEN];

    if (mkdir(folder, FOLDER_MODE) != 0 && errno != EEXIST) {
        return file_failed(folder, why);
    }
    if (access(path_in(folder, "data.mdb", path), F_OK) == 0) {
        return fail(why, VG_EXISTS,
                    "%s: there is a store already; a backup is restored into an empty "
                    "folder",
                    folder);
    }
    *ret_lock = open(path_in(folder, "vigie.lock", path), O_RDWR | O_CREAT | O_CLOEXEC,
                     FILE_MODE);
    if (*ret_lock < 0) {
        return file_failed(path, why);
    }
    if (flock(*ret_lock, LOCK_EX | LOCK_NB) != 0) {
        restore_end(ret_lock);
        return fail(why, VG_STORE_IN_USE, "%s: another process has this folder open",
                    folder);
    }
    remove_place(folder);
    if (mkdir(path_in(folder, STORE_RESTORING, ret_place), FOLDER_MODE) != 0) {
        restore_end(ret_lock);
        return file_failed(ret_place, why);
    }
    return VG_OK;
}

enum vg_status
restore_mark(struct store *store, int64_t now_us, struct why *why)
{
    AUTO(store_abort) struct txn *txn = NULL;
    struct meta meta;
    enum vg_status status = store_write(store, &txn, why);

    if (status == VG_OK) {
        status = meta_get(txn, &meta, why);
    }
    if (status == VG_OK) {
        status = incarnation_new(txn, meta.last_commit, now_us);
    }
    return status == VG_OK ? store_commit(&txn, why) : status;
}

enum vg_status
restore_finish(const char *folder, struct why *why)
{
    char from[PATH_LEN], to[PATH_LEN];

    path_in(folder, STORE_RESTORING "/data.mdb", from);
    if (rename(from, path_in(folder, "data.mdb", to)) != 0) {
        return file_failed(from, why);
    }
    remove_place(folder);
    return sync_folders(folder, why);
}

void
restore_end(int *lock)
{
    if (*lock >= 0) {
        close(*lock);
        *lock = -1;
    }
}
