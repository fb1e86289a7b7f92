// SPDX-License-Identifier: EUPL-1.2
#include "store/backup.h"

#include "store/bodies.h"
#include "store/journal.h"
#include "store/store_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PIECE_BYTES = 1 << 20,
    PIPE_BYTES = 1 << 20,
    PATH_LEN = RESTORE_PATH_LEN,
    FILE_MODE = 0600,
    FOLDER_MODE = 0700,
    COMMITS_AT_ONCE = 256,
};

typedef unsigned long long number; // as %llu wants it

static enum vg_status
failed(const char *path, struct why *why)
{
    return fail(why, errno == EEXIST ? VG_EXISTS : VG_BAD_FILE, "%s: %s", path,
                strerror(errno));
}

// One that is too long becomes "", which no call accepts.
static const char *
path_in(const char *folder, const char *name, char path[PATH_LEN])
{
    int len = snprintf(path, PATH_LEN, "%s/%s", folder, name);

    if (len < 0 || len >= PATH_LEN) {
        path[0] = 0;
    }
    return path;
}

static enum vg_status
sync_path(const char *path, struct why *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc = fd < 0 ? -1 : fsync(fd);

    if (fd >= 0) {
        close(fd);
    }
    return rc == 0 ? VG_OK : failed(path, why);
}

// The folder and the name it has in the one above.
static enum vg_status
sync_folders(const char *folder, struct why *why)
{
    char above[PATH_LEN];
    enum vg_status status = sync_path(folder, why);

    path_in(folder, "..", above);
    return status == VG_OK ? sync_path(above, why) : status;
}

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

// ---- from a descriptor into a file, with a checksum ----

struct stream {
    int from;
    int to; // -1: only read
    uint64_t bytes;
    uint64_t bytes_expected;
    crypto_generichash_state hash;
    backup_progress_fn progress;
    void *arg;
};

static bool
write_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, bytes, len);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        bytes += written;
        len -= (size_t)written;
    }
    return true;
}

static bool
stream_run(struct stream *stream, struct hash *ret_hash)
{
    uint8_t *piece = xcalloc(1, PIECE_BYTES);
    ssize_t len = 0;
    bool good = true;

    crypto_generichash_init(&stream->hash, NULL, 0, HASH_LEN);
    do {
        len = read(stream->from, piece, PIECE_BYTES);
        if (len < 0 && errno == EINTR) {
            continue;
        }
        if (len > 0) {
            crypto_generichash_update(&stream->hash, piece, (size_t)len);
            good = stream->to < 0 || write_all(stream->to, piece, (size_t)len);
            stream->bytes += (uint64_t)len;
        }
        if (good && len > 0 && stream->progress != NULL &&
            stream->bytes < stream->bytes_expected) {
            stream->progress((double)stream->bytes / (double)stream->bytes_expected,
                             stream->arg);
        }
    } while (good && len != 0 && (len > 0 || errno == EINTR));
    free(piece);
    crypto_generichash_final(&stream->hash, ret_hash->at, HASH_LEN);
    return good && len == 0;
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
        return failed("pipe", why);
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
        return failed("data.mdb", why);
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
        return failed(path, why);
    }
    if (store_room(store, &room) != VG_OK) {
        room.file_bytes = 0; // no progress is shown
    }
    stream.bytes_expected = options->compact ? room.used_bytes : room.file_bytes;
    status = copy_through_pipe(&copier, &stream, &manifest->checksum, why);
    if (status == VG_OK && fsync(stream.to) != 0) {
        status = failed(path, why);
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

// The file is read once more for its checksum.
static enum vg_status
hash_file(const char *path, struct hash *ret_hash, uint64_t *ret_bytes, struct why *why)
{
    struct stream stream = {.to = -1};
    bool good;

    stream.from = open(path, O_RDONLY | O_CLOEXEC);
    if (stream.from < 0) {
        return failed(path, why);
    }
    good = stream_run(&stream, ret_hash);
    close(stream.from);
    *ret_bytes = stream.bytes;
    return good ? VG_OK : failed(path, why);
}

static void
remove_lock_files(const char *folder)
{
    char path[PATH_LEN];

    (void)unlink(path_in(folder, "lock.mdb", path));
    (void)unlink(path_in(folder, "vigie.lock", path));
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

static void
empty_folder(const char *folder)
{
    static const char *const files[] = {"data.mdb", MANIFEST_NAME ".new", MANIFEST_NAME};
    char path[PATH_LEN];

    remove_lock_files(folder);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        (void)unlink(path_in(folder, files[i], path));
    }
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

// ---- the way back ----

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
        return failed(path, why);
    }
    stream.to = open(path_in(folder, "data.mdb", path),
                     O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (stream.to < 0) {
        close(stream.from);
        return failed(path, why);
    }
    good = stream_run(&stream, &checksum) && fsync(stream.to) == 0;
    status = good ? compare(backup, ret_manifest, stream.bytes, &checksum, why)
                  : failed(path, why);
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
        return failed(folder, why);
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
        return failed(path, why);
    }
    if (flock(*ret_lock, LOCK_EX | LOCK_NB) != 0) {
        restore_end(ret_lock);
        return fail(why, VG_STORE_IN_USE, "%s: another process has this folder open",
                    folder);
    }
    remove_place(folder);
    if (mkdir(path_in(folder, STORE_RESTORING, ret_place), FOLDER_MODE) != 0) {
        restore_end(ret_lock);
        return failed(ret_place, why);
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
        return failed(from, why);
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
