// SPDX-License-Identifier: EUPL-1.2
#include "record.h"

#include "base/base.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { DESCRIPTORS_MAX = 256 };

static struct {
    struct disk *disk; // NULL: nothing is followed
    char path[128];
    enum mutant mutant;
    record_fn at_each;
    int deferred; // file whose sync a mutant has put off; -1: none
    struct {
        bool followed;
        bool synchronous; // O_DSYNC
        bool unsure;      // a mutant's: it is never synced
        int file;
    } descriptor[DESCRIPTORS_MAX];
} record;

#define REAL(name) ((__typeof__(&name))real(#name))

static void *
real(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    CHECK(found != NULL);
    return found;
}

struct disk *
record_begin(const char *path, enum mutant mutant, record_fn at_each)
{
    record_end();
    snprintf(record.path, sizeof record.path, "%s", path);
    record.mutant = mutant;
    record.at_each = at_each;
    record.deferred = -1;
    record.disk = disk_new(path);
    return record.disk;
}

void
record_end(void)
{
    disk_free(&record.disk);
    memset(record.descriptor, 0, sizeof record.descriptor);
}

void
record_move(const char *path)
{
    snprintf(record.path, sizeof record.path, "%s", path);
    memset(record.descriptor, 0, sizeof record.descriptor);
}

// ---- what is followed ----

// The file's name when it lies in the folder; NULL: it does not concern us.
static const char *
name_in_folder(const char *path)
{
    size_t len = strlen(record.path);

    if (record.disk == NULL || strncmp(path, record.path, len) != 0 || path[len] != '/' ||
        strchr(path + len + 1, '/') != NULL || strstr(path + len, "lock") != NULL) {
        return NULL;
    }
    return path + len + 1;
}

static bool
is_followed(int fd)
{
    return record.disk != NULL && fd >= 0 && fd < DESCRIPTORS_MAX &&
           record.descriptor[fd].followed;
}

static void
follow(int fd, const char *name, int flags)
{
    bool writes = (flags & O_ACCMODE) != O_RDONLY;

    if (fd < 0 || name == NULL || *name == 0 || !writes) {
        return;
    }
    CHECK(fd < DESCRIPTORS_MAX);
    record.descriptor[fd].followed = true;
    record.descriptor[fd].synchronous = (flags & O_DSYNC) != 0;
    record.descriptor[fd].unsure =
        record.mutant == MUTANT_no_sync_of_new && strcmp(name, "data.new") == 0;
    record.descriptor[fd].file = disk_file(record.disk, name);
    if ((flags & O_TRUNC) != 0) {
        disk_truncate(record.disk, record.descriptor[fd].file, 0);
    }
}

// Is this descriptor the folder's, or (1) its parent's? -1: neither.
static int
which_folder(int fd)
{
    static const char *const up[] = {"", "/.."};
    struct stat here, there;
    char path[160];

    if (record.disk == NULL || fstat(fd, &here) != 0 || !S_ISDIR(here.st_mode)) {
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s%s", record.path, up[i]);
        if (stat(path, &there) == 0 && there.st_dev == here.st_dev &&
            there.st_ino == here.st_ino) {
            return i;
        }
    }
    return -1;
}

// ---- what is told ----

static void
note_write(int fd, uint64_t offset, const struct iovec *parts, int len)
{
    int file = record.descriptor[fd].file;
    uint8_t *bytes;
    size_t size = 0;

    for (int i = 0; i < len; i++) {
        size += parts[i].iov_len;
    }
    bytes = xcalloc(1, size + 1);
    size = 0;
    for (int i = 0; i < len; i++) {
        memcpy(bytes + size, parts[i].iov_base, parts[i].iov_len);
        size += parts[i].iov_len;
    }
    // What LMDB writes of a meta page, and never twice, must lie in one sector.
    CHECK(!record.descriptor[fd].synchronous ||
          offset / DISK_SECTOR == (offset + size - 1) / DISK_SECTOR);
    disk_write(record.disk, file, offset, bytes, size);
    free(bytes);
    record.at_each();
    if (record.descriptor[fd].unsure) {
        return;
    }
    if (!record.descriptor[fd].synchronous) {
        if (record.mutant == MUTANT_answer_before_sync && record.deferred >= 0) {
            disk_sync_file(record.disk, record.deferred);
            record.deferred = -1;
        }
    } else if (record.mutant == MUTANT_meta_before_data && record.deferred >= 0) {
        disk_sync_last(record.disk, file);
        record.at_each();
        disk_sync_file(record.disk, record.deferred);
        record.deferred = -1;
    } else if (record.mutant != MUTANT_no_meta_sync &&
               record.mutant != MUTANT_answer_before_sync) {
        disk_sync_last(record.disk, file);
    }
}

static void
note_sync(int fd)
{
    int folder = is_followed(fd) ? -1 : which_folder(fd);

    if (is_followed(fd)) {
        record.at_each();
        if (record.mutant == MUTANT_meta_before_data ||
            record.mutant == MUTANT_answer_before_sync) {
            record.deferred = record.descriptor[fd].file;
        } else if (record.mutant != MUTANT_no_data_sync &&
                   !record.descriptor[fd].unsure) {
            disk_sync_file(record.disk, record.descriptor[fd].file);
        }
    } else if (folder == 0 && record.mutant != MUTANT_no_folder_sync) {
        record.at_each();
        disk_sync_folder(record.disk);
    } else if (folder == 1 && record.mutant != MUTANT_no_parent_sync) {
        record.at_each();
        disk_sync_parent(record.disk);
    }
}

// ---- the calls ----

int
open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    int fd;

    if ((flags & O_CREAT) != 0) {
        va_list args;

        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    fd = REAL(open)(path, flags, mode);
    follow(fd, name_in_folder(path), flags);
    return fd;
}

int
openat(int folder, const char *path, int flags, ...)
{
    mode_t mode = 0;
    int fd;

    if ((flags & O_CREAT) != 0) {
        va_list args;

        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    fd = REAL(openat)(folder, path, flags, mode);
    if (which_folder(folder) == 0 && strstr(path, "lock") == NULL &&
        strchr(path, '.') != path) {
        follow(fd, path, flags);
    }
    return fd;
}

int
close(int fd)
{
    if (fd >= 0 && fd < DESCRIPTORS_MAX) {
        record.descriptor[fd].followed = false;
    }
    return REAL(close)(fd);
}

ssize_t
writev(int fd, const struct iovec *parts, int len)
{
    if (is_followed(fd)) {
        note_write(fd, (uint64_t)lseek(fd, 0, SEEK_CUR), parts, len);
    }
    return REAL(writev)(fd, parts, len);
}

ssize_t
write(int fd, const void *bytes, size_t len)
{
    if (is_followed(fd)) {
        struct iovec part = {(void *)(uintptr_t)bytes, len};

        note_write(fd, (uint64_t)lseek(fd, 0, SEEK_CUR), &part, 1);
    }
    return REAL(write)(fd, bytes, len);
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    if (is_followed(fd)) {
        struct iovec part = {(void *)(uintptr_t)bytes, len};

        note_write(fd, (uint64_t)offset, &part, 1);
    }
    return REAL(pwrite)(fd, bytes, len, offset);
}

ssize_t
pwritev(int fd, const struct iovec *parts, int len, off_t offset)
{
    if (is_followed(fd)) {
        note_write(fd, (uint64_t)offset, parts, len);
    }
    return REAL(pwritev)(fd, parts, len, offset);
}

int
ftruncate(int fd, off_t len)
{
    if (is_followed(fd)) {
        disk_truncate(record.disk, record.descriptor[fd].file, (uint64_t)len);
        record.at_each();
    }
    return REAL(ftruncate)(fd, len);
}

int
fdatasync(int fd)
{
    note_sync(fd);
    return REAL(fdatasync)(fd);
}

int
fsync(int fd)
{
    note_sync(fd);
    return REAL(fsync)(fd);
}

static void
note_rename(const char *from, const char *to)
{
    if (from != NULL && to != NULL) {
        disk_rename(record.disk, from, to);
        record.at_each();
    }
}

static void
note_unlink(const char *name)
{
    if (name != NULL) {
        disk_unlink(record.disk, name);
        record.at_each();
    }
}

int
rename(const char *from, const char *to)
{
    note_rename(name_in_folder(from), name_in_folder(to));
    return REAL(rename)(from, to);
}

static const char *
name_at(int folder, const char *path)
{
    return which_folder(folder) == 0 && strstr(path, "lock") == NULL ? path : NULL;
}

int
renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    note_rename(name_at(from_folder, from), name_at(to_folder, to));
    return REAL(renameat)(from_folder, from, to_folder, to);
}

int
unlink(const char *path)
{
    note_unlink(name_in_folder(path));
    return REAL(unlink)(path);
}

int
unlinkat(int folder, const char *path, int flags)
{
    note_unlink(name_at(folder, path));
    return REAL(unlinkat)(folder, path, flags);
}

int __real_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode);
int __wrap_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode);

int
__wrap_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode)
{
    flags |= record.mutant == MUTANT_lmdb_nosync       ? MDB_NOSYNC
             : record.mutant == MUTANT_lmdb_nometasync ? MDB_NOMETASYNC
                                                       : 0;
    return __real_mdb_env_open(env, path, flags, mode);
}
