// SPDX-License-Identifier: EUPL-1.2
#include "store/ahead.h"
#include "store/store_inside.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define AHEAD_BYTES_DEFAULT (UINT64_C(64) << 20)

// What the last commit takes: LMDB writes nothing behind it outside a transaction.
static bool
bytes_taken(struct store *store, uint64_t *ret_bytes)
{
    MDB_envinfo info;

    if (lmdb->env_info(store->env, &info) != 0) {
        return false;
    }
    *ret_bytes = ((uint64_t)info.me_last_pgno + 1) * store->page_bytes;
    return true;
}

static uint64_t
bytes_wanted(const struct store *store, const struct store_ahead *ahead, uint64_t taken)
{
    uint64_t wanted = ahead->bytes;
    uint64_t room = store->quota_bytes > taken ? store->quota_bytes - taken : 0;

    if (wanted == 0) {
        wanted = taken < AHEAD_BYTES_DEFAULT ? taken : AHEAD_BYTES_DEFAULT;
    }
    return (wanted < room ? wanted : room) / AHEAD_STEP * AHEAD_STEP;
}

static bool
disk_has(const struct store *store, uint64_t bytes, uint64_t leaving)
{
    struct statvfs disk;
    uint64_t left;

    if (fstatvfs(store->folder, &disk) != 0) {
        return false;
    }
    left = (uint64_t)disk.f_bavail * disk.f_frsize;
    return left >= bytes && left - bytes >= leaving;
}

static bool
fill_step(struct store *store, int file, uint64_t end, uint64_t disk_bytes)
{
    static const uint8_t zeros[AHEAD_STEP];

    if (!disk_has(store, sizeof zeros, disk_bytes) ||
        pwrite(file, zeros, sizeof zeros, (off_t)end) != (ssize_t)sizeof zeros) {
        return false;
    }
    if (fdatasync(file) != 0) {
        atomic_store(&store->broken,
                     true); // asked again, the system may say that all is well
        return false;
    }
    return true;
}

bool
store_extend(struct store *store, const struct store_ahead *ahead)
{
    mdb_filehandle_t file;
    struct stat size;
    uint64_t taken;

    if (store->ahead_failed || store_broken(store) || !bytes_taken(store, &taken) ||
        lmdb->env_get_fd(store->env, &file) != 0 || fstat(file, &size) != 0) {
        return false;
    }

    uint64_t wanted = bytes_wanted(store, ahead, taken);
    uint64_t end = (uint64_t)size.st_size;
    uint64_t has = end > taken ? end - taken : 0;

    if (has >= (store->extending ? wanted : wanted / 2)) {
        store->extending = false;
        return false;
    }
    store->extending = fill_step(store, file, end, ahead->disk_bytes);
    store->ahead_failed = !store->extending;
    return store->extending;
}
