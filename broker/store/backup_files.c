// SPDX-License-Identifier: EUPL-1.2
// backup_files.c - folders and files of a backup: made, copied with a checksum, synced, removed.
#include "store/backup_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_BYTES = 1 << 20 };

enum vg_status
file_failed(const char *path, struct why *why)
{
    return fail(why, errno == EEXIST ? VG_EXISTS : VG_BAD_FILE, "%s: %s", path,
                strerror(errno));
}

// One that is too long becomes "", which no call accepts.
const char *
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
    return rc == 0 ? VG_OK : file_failed(path, why);
}

// The folder and the name it has in the one above.
enum vg_status
sync_folders(const char *folder, struct why *why)
{
    char above[PATH_LEN];
    enum vg_status status = sync_path(folder, why);

    path_in(folder, "..", above);
    return status == VG_OK ? sync_path(above, why) : status;
}

void
remove_lock_files(const char *folder)
{
    char path[PATH_LEN];

    (void)unlink(path_in(folder, "lock.mdb", path));
    (void)unlink(path_in(folder, "vigie.lock", path));
}

void
empty_folder(const char *folder)
{
    static const char *const files[] = {"data.mdb", MANIFEST_NAME ".new", MANIFEST_NAME};
    char path[PATH_LEN];

    remove_lock_files(folder);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        (void)unlink(path_in(folder, files[i], path));
    }
}

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

bool
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

// The file is read once more for its checksum.
enum vg_status
hash_file(const char *path, struct hash *ret_hash, uint64_t *ret_bytes, struct why *why)
{
    struct stream stream = {.to = -1};
    bool good;

    stream.from = open(path, O_RDONLY | O_CLOEXEC);
    if (stream.from < 0) {
        return file_failed(path, why);
    }
    good = stream_run(&stream, ret_hash);
    close(stream.from);
    *ret_bytes = stream.bytes;
    return good ? VG_OK : file_failed(path, why);
}
