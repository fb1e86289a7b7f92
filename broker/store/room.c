// SPDX-License-Identifier: EUPL-1.2
// How full a store is.
#include "store/store_inside.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

enum { FREE_TABLE = 0 };

// Each row of LMDB's table of free pages is how many it names, then their numbers. Counts
// those from `first` on.
static int
count_free_pages(MDB_cursor *cursor, uint64_t first, uint64_t *ret_pages)
{
    MDB_val key, value;
    uint64_t pages = 0;
    int rc = lmdb->cursor_get(cursor, &key, &value, MDB_FIRST);

    while (rc == 0) {
        const size_t *row = value.mv_data;
        size_t named = value.mv_size < sizeof *row ? SIZE_MAX : row[0];

        if (named > value.mv_size / sizeof *row - 1) {
            return MDB_CORRUPTED;
        }
        pages += first == 0 ? named : 0;
        for (size_t i = 1; first > 0 && i <= named; i++) {
            pages += row[i] >= first;
        }
        rc = lmdb->cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    *ret_pages = pages;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int
free_pages(struct store *store, uint64_t first, uint64_t *ret_pages)
{
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    int rc = lmdb->txn_begin(store->env, NULL, MDB_RDONLY, &txn);

    if (rc != 0) {
        return rc;
    }
    rc = lmdb->cursor_open(txn, FREE_TABLE, &cursor);
    if (rc == 0) {
        rc = count_free_pages(cursor, first, ret_pages);
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    return rc;
}

enum vg_status
store_room(struct store *store, struct store_room *ret_room)
{
    MDB_envinfo info;
    mdb_filehandle_t file;
    struct stat size;
    struct statvfs disk;
    uint64_t unused = 0;
    int dead = 0;
    // A backup that was killed keeps pages from being used again until it is noticed.
    int rc = lmdb->reader_check(store->env, &dead);

    if (rc == 0) {
        rc = free_pages(store, 0, &unused);
    }
    if (rc == 0) {
        rc = lmdb->env_info(store->env, &info);
    }
    if (rc == 0) {
        rc = lmdb->env_get_fd(store->env, &file);
    }
    if (rc != 0) {
        return lmdb_read_status(rc);
    }
    if (fstat(file, &size) != 0 || fstatvfs(store->folder, &disk) != 0) {
        return VG_BAD_FILE;
    }

    uint64_t pages = info.me_last_pgno + 1;

    *ret_room = (struct store_room){
        .used_bytes = (pages > unused ? pages - unused : 0) * store->page_bytes,
        .file_bytes = (uint64_t)size.st_size,
        .quota_bytes = store->quota_bytes,
        .disk_free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize,
    };
    return VG_OK;
}
