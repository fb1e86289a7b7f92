// SPDX-License-Identifier: EUPL-1.2
// backup.c - a running store is copied: all of it, or what came since an earlier backup.
#include "store/backup_internal.h"

#include "store/bodies.h"
#include "store/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PIPE_BYTES = 1 << 20,
    COMMITS_AT_ONCE = 256,
};

static bool
is_empty(const char *folder)
{
    DIR *entries = opendir(folder);
    size_t len = 0;

    while (entries != NULL && len < 3 && readdir(entries) != NULL) {
        len++;
    }
    if (entries != NULL) {
        closedir(entries);
    }
    return len == 2; // itself and the one above
}

static enum vg_status
make_folder(const char *folder, struct why *why)
{
    char path[PATH_LEN];

    if (mkdir(folder, FOLDER_MODE) == 0 || is_empty(folder)) {
        return VG_OK;
    }
    if (access(path_in(folder, "data.mdb", path), F_OK) == 0 &&
        access(path_in(folder, MANIFEST_NAME, path), F_OK) != 0) {
        return fail(why, VG_EXISTS, "%s holds an unfinished backup; remove it", folder);
    }
    errno = errno == EEXIST ? ENOTEMPTY : errno;
    return fail(why, errno == ENOTEMPTY ? VG_EXISTS : VG_BAD_FILE, "%s: %s", folder,
                strerror(errno));
}

// ---- full ----

struct copier {
    struct store *store;
    int fd;
    bool compact;
    enum vg_status status;
    struct why why;
};

// LMDB writes into a pipe: so the bytes pass by here, and a disk that is full or slow is
// ours to notice. The two pages for which the writer waits always find room in it.
static void *
copy_into_pipe(void *arg)
{
    struct copier *copier = arg;

    copier->status = store_copy(copier->store, copier->fd, copier->compact, &copier->why);
    close(copier->fd);
    return NULL;
}

static bool
open_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    (void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES); // fewer wake-ups, nothing else
    return true;
}

static enum vg_status
copy_through_pipe(struct copier *copier, struct stream *stream, struct hash *ret_hash,
                  struct why *why)
{
    pthread_t thread;
    int ends[2];
    bool good;
    int error;

    if (!open_pipe(ends)) {
        return file_failed("pipe", why);
    }
    copier->fd = ends[1];
    stream->from = ends[0];
    if (pthread_create(&thread, NULL, copy_into_pipe, copier) != 0) {
        close(ends[0]);
        close(ends[1]);
        return fail(why, VG_NO_MEMORY, "the system gives no thread for the copy");
    }
    good = stream_run(stream, ret_hash);
    error = errno;
    close(ends[0]); // ends the copier when writing failed: SIGPIPE is ignored
    pthread_join(thread, NULL);
    if (!good) {
        errno = error;
        return file_failed("data.mdb", why);
    }
    if (copier->status != VG_OK) {
        return fail(why, copier->status, "%s", copier->why.text);
    }
    return VG_OK;
}

static enum vg_status
write_full(struct store *store, const struct backup_options *options,
           struct manifest *manifest, struct why *why)
{
    struct copier copier = {.store = store, .compact = options->compact};
    struct store_room room = {.file_bytes = 0};
    struct stream stream = {.progress = options->progress, .arg = options->arg};
    char path[PATH_LEN];
    enum vg_status status;

    path_in(options->folder, "data.mdb", path);
    stream.to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (stream.to < 0) {
        return file_failed(path, why);
    }
    if (store_room(store, &room) != VG_OK) {
        room.file_bytes = 0; // no progress is shown
    }
    stream.bytes_expected = options->compact ? room.used_bytes : room.file_bytes;
    status = copy_through_pipe(&copier, &stream, &manifest->checksum, why);
    if (status == VG_OK && fsync(stream.to) != 0) {
        status = file_failed(path, why);
    }
    close(stream.to);
    manifest->bytes = stream.bytes;
    return status;
}

// ---- increment ----

struct increment {
    struct txn *from;
    struct store *to;
    struct txn *txn;
    struct meta meta; // of the live store
    uint64_t commit;  // the last one copied
    uint64_t block;
    struct hash hash; // of that commit
    struct buffer record;
};

static enum vg_status
copy_commit(struct increment *increment, struct why *why)
{
    struct journal_head head;
    uint64_t commit = increment->commit + 1;
    enum vg_status status =
        journal_read(increment->from, commit, &increment->record, &head, why);

    if (status != VG_OK) {
        return status;
    }
    if (memcmp(&head.previous, &increment->hash, sizeof head.previous) != 0) {
        return fail(why, VG_BAD_FILE,
                    "commit %llu does not follow on the earlier backup: it is of another "
                    "store, or the store was restored since; make a full one",
                    (number)commit);
    }
    increment->commit = commit;
    increment->hash = head.hash;
    status = journal_adopt(increment->txn, &increment->record, commit);
    return status == VG_OK
               ? VG_OK
               : fail(why, status, "commit %llu could not be copied", (number)commit);
}

// Blocks that retention has erased since are not there, and nobody misses them.
static enum vg_status
copy_blocks(struct increment *increment, uint64_t through)
{
    enum vg_status status = VG_OK;

    while (status == VG_OK && increment->block < through) {
        status = bodies_copy_block(increment->from, increment->txn, ++increment->block);
        status = status == VG_NOT_FOUND ? VG_OK : status;
    }
    return status;
}

static enum vg_status
copy_some(struct increment *increment, struct why *why)
{
    uint64_t commits = increment->meta.last_commit - increment->commit;
    uint64_t blocks = increment->meta.last_block - increment->block;
    uint64_t rounds = commits / COMMITS_AT_ONCE + 1;
    enum vg_status status = store_write(increment->to, &increment->txn, why);

    for (int i = 0; status == VG_OK && i < COMMITS_AT_ONCE &&
                    increment->commit < increment->meta.last_commit;
         i++) {
        status = copy_commit(increment, why);
    }
    if (status == VG_OK) {
        status = copy_blocks(increment, increment->block + blocks / rounds);
    }
    if (status == VG_OK && increment->commit == increment->meta.last_commit) {
        status = copy_blocks(increment, increment->meta.last_block);
    }
    if (status == VG_OK && increment->commit == increment->meta.last_commit) {
        status = meta_put(increment->txn, &increment->meta);
    }
    return status == VG_OK ? store_commit(&increment->txn, why) : status;
}

static enum vg_status
copy_increment(struct increment *increment, const struct backup_options *options,
               struct why *why)
{
    uint64_t first = increment->commit;
    enum vg_status status = VG_OK;

    if (increment->meta.last_commit == first) {
        return fail(why, VG_NOT_FOUND, "nothing was committed since commit %llu",
                    (number)first);
    }
    if (first + 1 < increment->meta.first_commit) {
        return fail(why, VG_NOT_FOUND,
                    "the journal begins at commit %llu, the earlier backup ends at %llu; "
                    "make a full one",
                    (number)increment->meta.first_commit, (number)first);
    }
    while (status == VG_OK && increment->commit < increment->meta.last_commit) {
        status = copy_some(increment, why);
        if (status == VG_OK && options->progress != NULL) {
            options->progress((double)(increment->commit - first) /
                                  (double)(increment->meta.last_commit - first),
                              options->arg);
        }
    }
    store_abort(&increment->txn);
    return status;
}

static enum vg_status
write_increment(struct store *store, const struct backup_options *options,
                struct manifest *manifest, struct why *why)
{
    struct store_options target = {.path = options->folder, .create = true};
    struct increment increment = {.block = 0};
    struct manifest earlier;
    char path[PATH_LEN];
    enum vg_status status = manifest_read(options->since, &earlier, why);

    if (status == VG_OK) {
        status = store_open(&target, &increment.to, why);
    }
    if (status == VG_OK) {
        status = store_read(store, &increment.from, why);
    }
    if (status == VG_OK) {
        status = meta_get(increment.from, &increment.meta, why);
    }
    if (status == VG_OK) {
        increment.commit = manifest->since = earlier.commit;
        increment.block = earlier.block;
        increment.hash = earlier.hash;
        status = copy_increment(&increment, options, why);
    }
    store_abort(&increment.txn);
    store_abort(&increment.from);
    store_close(&increment.to);
    buffer_free(&increment.record);
    remove_lock_files(options->folder);
    path_in(options->folder, "data.mdb", path);
    return status == VG_OK ? hash_file(path, &manifest->checksum, &manifest->bytes, why)
                           : status;
}

// ---- both ----

static enum vg_status
describe(const char *folder, struct manifest *manifest, struct why *why)
{
    struct store_options options = {.path = folder, .access = STORE_READS_COPY};
    AUTO(store_close) struct store *store = NULL;
    AUTO(store_abort) struct txn *txn = NULL;
    struct incarnation incarnation = {.id = 0};
    struct meta meta;
    enum vg_status status = store_open(&options, &store, why);

    if (status == VG_OK) {
        status = store_read(store, &txn, why);
    }
    if (status == VG_OK) {
        status = meta_get(txn, &meta, why);
    }
    if (status != VG_OK) {
        return status;
    }
    manifest->schema = STORE_SCHEMA;
    manifest->commit = meta.last_commit;
    manifest->block = meta.last_block;
    manifest->time_us = meta.last_time_us;
    manifest->hash = meta.last_hash;
    return incarnation_get(txn, &incarnation);
}

static enum vg_status
name_store(struct store *store, uint64_t *ret_id, struct why *why)
{
    AUTO(store_abort) struct txn *txn = NULL;
    struct incarnation incarnation = {.id = 0};
    enum vg_status status = store_read(store, &txn, why);

    if (status == VG_OK) {
        status = incarnation_get(txn, &incarnation);
    }
    *ret_id = incarnation.id;
    return status;
}

enum vg_status
backup_write(struct store *store, const struct backup_options *options,
             struct manifest *ret_manifest, struct why *why)
{
    struct manifest manifest = {.full = options->since == NULL};
    enum vg_status status = make_folder(options->folder, why);

    if (status != VG_OK) {
        return status;
    }
    snprintf(manifest.program, sizeof manifest.program, "%s", options->program);
    status = name_store(store, &manifest.store, why);
    if (status == VG_OK) {
        status = manifest.full ? write_full(store, options, &manifest, why)
                               : write_increment(store, options, &manifest, why);
    }
    if (status == VG_OK) {
        status = describe(options->folder, &manifest, why);
    }
    if (status == VG_OK) {
        status = sync_folders(options->folder, why);
    }
    if (status == VG_OK) {
        status = manifest_write(options->folder, &manifest, why);
    }
    if (status != VG_OK) {
        empty_folder(options->folder);
        return status;
    }
    if (options->progress != NULL) {
        options->progress(1.0, options->arg);
    }
    *ret_manifest = manifest;
    return VG_OK;
}
