// SPDX-License-Identifier: EUPL-1.2
#include "store/store.h"

#include "store/opening.h"
#include "store/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MAP_BYTES_DEFAULT (UINT64_C(256) << 30)

enum { FILE_MODE = 0600, FREE_TABLE = 0 };

// A new store has this name until all of it is synced.
#define NEW_NAME "data.new"

const struct lmdb_calls lmdb_own_calls = {
    .env_create = mdb_env_create,
    .env_set_mapsize = mdb_env_set_mapsize,
    .env_set_maxdbs = mdb_env_set_maxdbs,
    .env_open = mdb_env_open,
    .env_stat = mdb_env_stat,
    .env_info = mdb_env_info,
    .env_get_fd = mdb_env_get_fd,
    .env_copyfd2 = mdb_env_copyfd2,
    .reader_check = mdb_reader_check,
    .txn_begin = mdb_txn_begin,
    .txn_commit = mdb_txn_commit,
    .txn_renew = mdb_txn_renew,
    .dbi_open = mdb_dbi_open,
    .stat = mdb_stat,
    .get = mdb_get,
    .put = mdb_put,
    .del = mdb_del,
    .cursor_open = mdb_cursor_open,
    .cursor_get = mdb_cursor_get,
    .cursor_del = mdb_cursor_del,
};

// The one variable of this layer: a test replaces it before it opens a store.
static const struct lmdb_calls *lmdb = &lmdb_own_calls;

struct table_row {
    const char *name;
    unsigned flags;
    size_t value_max;
    uint32_t since; // schema that it came with
    enum table_told told;
};

static const struct table_row tables[TABLES] = {
#define STORE_TABLE_ROW(name, text, flags, value_max, since, told)                       \
    [TABLE_##name] = {text, flags, value_max, since, told},
    STORE_TABLES(STORE_TABLE_ROW)
#undef STORE_TABLE_ROW
};

struct store {
    char *path;
    MDB_env *env;
    MDB_dbi dbi[TABLES];
    enum store_access access;
    int folder; // -1: not open
    int lock;   // flock, -1: not open
    uint64_t map_bytes;
    uint64_t page_bytes;
    const uint8_t *map; // page 0, NULL: not known, or its tables are not to be read
    uint64_t quota_bytes;
    bool is_new;
    uint32_t was_schema; // found when it was opened, 0: there was none
    atomic_bool broken;
};

void
store_use_calls(const struct lmdb_calls *calls)
{
    lmdb = calls == NULL ? &lmdb_own_calls : calls;
}

// ---- free pages ----

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

static int
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

// ---- opening ----

// What LMDB itself says is about the file's content, what the system says about the file.
static enum vg_status
open_failed(const struct store *store, const char *step, int rc, struct why *why)
{
    bool content = rc < 0 && rc != MDB_MAP_FULL;

    return fail(why, content ? VG_STORE_BROKEN : VG_BAD_FILE, "%s: %s: %s", store->path,
                step, mdb_strerror(rc));
}

// "I cannot see whether there is one" is not "there is none": a new store would take the
// place of the old one.
static enum vg_status
find_store(const struct store *store, bool *ret_there, struct why *why)
{
    struct stat file;

    *ret_there = fstatat(store->folder, "data.mdb", &file, 0) == 0;
    if (!*ret_there && errno != ENOENT) {
        return open_failed(store, "data.mdb", errno, why);
    }
    if (*ret_there && file.st_size == 0) {
        return fail(why, VG_STORE_BROKEN, "%s: data.mdb was cut short: it is empty",
                    store->path);
    }
    return VG_OK;
}

static enum vg_status
open_folder(struct store *store, bool create, struct why *why)
{
    store->folder = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->folder < 0) {
        return open_failed(store, "folder", errno, why);
    }

    bool there = false;
    enum vg_status status = find_store(store, &there, why);

    if (status != VG_OK || there) {
        return status;
    }
    if (faccessat(store->folder, STORE_RESTORING, F_OK, 0) == 0 || errno != ENOENT) {
        return fail(why, VG_BAD_FILE, "%s: a restore was interrupted; run it again",
                    store->path);
    }
    return create ? VG_OK : fail(why, VG_NOT_FOUND, "%s: there is no store", store->path);
}

static enum vg_status
take_lock(struct store *store, struct why *why)
{
    store->lock =
        openat(store->folder, "vigie.lock", O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (store->lock < 0) {
        return open_failed(store, "vigie.lock", errno, why);
    }
    if (flock(store->lock, LOCK_EX | LOCK_NB) == 0) {
        return VG_OK;
    }
    if (errno == EWOULDBLOCK) {
        return fail(why, VG_STORE_IN_USE, "%s: another process has this store open",
                    store->path);
    }
    return open_failed(store, "vigie.lock", errno, why);
}

static unsigned
env_flags(const struct store *store)
{
    unsigned flags = MDB_NOTLS | MDB_NORDAHEAD;

    flags |= store->access != STORE_WRITES ? MDB_RDONLY : 0;
    return store->access == STORE_READS_COPY ? flags | MDB_NOLOCK : flags;
}

// path: the folder, or with MDB_NOSUBDIR the file.
static enum vg_status
open_env(struct store *store, const char *path, unsigned flags, struct why *why)
{
    MDB_stat stat;
    int dead = 0;
    int rc = lmdb->env_create(&store->env);

    if (rc != 0) {
        store->env = NULL;
        return open_failed(store, "memory", rc, why);
    }
    rc = lmdb->env_set_mapsize(store->env, store->map_bytes);
    if (rc == 0) {
        rc = lmdb->env_set_maxdbs(store->env, TABLES);
    }
    if (rc == 0) {
        rc = lmdb->env_open(store->env, path, env_flags(store) | flags, FILE_MODE);
    }
    if (rc == 0) {
        // A reader that was killed elsewhere keeps pages from being used again.
        rc = lmdb->reader_check(store->env, &dead);
    }
    if (rc == 0) {
        rc = lmdb->env_stat(store->env, &stat);
    }
    if (rc != 0) {
        return open_failed(store, "data.mdb", rc, why);
    }
    store->page_bytes = stat.ms_psize;
    return VG_OK;
}

// LMDB opens a file that was cut short, and dies when it reads the pages that are gone. Only
// free ones may be missing: those that a transaction took from the end and gave back.
static enum vg_status
check_length(struct store *store, struct why *why)
{
    MDB_envinfo info;
    struct stat file;
    uint64_t missing = 0;
    uint64_t found = 0;
    int rc = lmdb->env_info(store->env, &info);

    if (rc == 0 && fstatat(store->folder, "data.mdb", &file, 0) != 0) {
        rc = errno;
    }
    if (rc == 0) {
        uint64_t pages = (uint64_t)file.st_size / store->page_bytes;

        missing = pages > info.me_last_pgno ? 0 : info.me_last_pgno + 1 - pages;
        rc = missing == 0 ? 0 : free_pages(store, pages, &found);
    }
    if (rc != 0) {
        return open_failed(store, "data.mdb", rc, why);
    }
    if (found < missing) {
        return fail(why, VG_STORE_BROKEN,
                    "%s: data.mdb was cut short: it lacks %llu pages of its last commit",
                    store->path, (unsigned long long)missing);
    }
    return VG_OK;
}

// Makes only those that the schema found did not have.
static enum vg_status
open_all_tables(struct store *store, struct txn *txn, struct why *why)
{
    for (size_t i = 0; i < TABLES; i++) {
        unsigned make = tables[i].since > store->was_schema ? MDB_CREATE : 0;
        int rc = lmdb->dbi_open(txn->mdb, tables[i].name, tables[i].flags | make,
                                &store->dbi[i]);

        if (rc != 0) {
            return open_failed(store, tables[i].name, rc, why);
        }
    }
    return VG_OK;
}

static struct key
schema_key(void)
{
    struct key key = {.len = 0};

    key_add(&key, "schema", 6);
    return key;
}

enum vg_status
schema_put(struct txn *txn, uint32_t schema)
{
    struct key key = schema_key();

    return table_put(txn, TABLE_META, &key,
                     (struct bytes){(const uint8_t *)&schema, sizeof schema}, 0);
}

static enum vg_status
make_tables(struct store *store, struct txn *txn, struct why *why)
{
    enum vg_status status = open_all_tables(store, txn, why);

    if (status != VG_OK) {
        return status;
    }
    store->is_new = true;
    status = schema_put(txn, STORE_SCHEMA);
    if (status == VG_OK) {
        status = meta_create(txn);
    }
    if (status != VG_OK) {
        return fail(why, status, "%s: the first rows could not be put", store->path);
    }
    return VG_OK;
}

static enum vg_status
check_schema(struct store *store, struct txn *txn, struct why *why)
{
    uint32_t schema = 0;
    struct key key = schema_key();
    enum vg_status status =
        table_get_struct(txn, TABLE_META, &key, &schema, sizeof schema);

    if (status != VG_OK || schema == 0) {
        return fail(why, VG_STORE_BROKEN, "%s: its schema is not readable", store->path);
    }
    if (schema > STORE_SCHEMA) {
        return fail(why, VG_STORE_NEWER, "%s: schema %u, this program knows %d",
                    store->path, schema, STORE_SCHEMA);
    }
    store->was_schema = schema;
    return VG_OK;
}

// A program that ended between creating a file and its first commit left it empty.
static enum vg_status
make_or_refuse(struct store *store, struct txn *txn, bool create, struct why *why)
{
    MDB_stat stat;
    MDB_dbi main_table;
    int rc = lmdb->dbi_open(txn->mdb, NULL, 0, &main_table);

    if (rc == 0) {
        rc = lmdb->stat(txn->mdb, main_table, &stat);
    }
    if (rc != 0) {
        return open_failed(store, "data.mdb", rc, why);
    }
    if (stat.ms_entries > 0) {
        return fail(why, VG_STORE_BROKEN, "%s: data.mdb is not a store of vigie",
                    store->path);
    }
    if (!create) {
        return fail(why, VG_NOT_FOUND, "%s: there is no store", store->path);
    }
    return make_tables(store, txn, why);
}

static enum vg_status
open_known_tables(struct store *store, struct txn *txn, struct why *why)
{
    if (store->was_schema < STORE_SCHEMA && !txn->writes) {
        return fail(why, VG_BAD_FILE,
                    "%s: schema %u; a broker of this version makes it %d when it starts",
                    store->path, store->was_schema, STORE_SCHEMA);
    }

    enum vg_status status = open_all_tables(store, txn, why);

    if (status == VG_OK && store->was_schema < STORE_SCHEMA) {
        status = store_upgrade(txn, store->was_schema, why);
    }
    return status;
}

static enum vg_status
open_or_make_tables(struct store *store, struct txn *txn, bool create, struct why *why)
{
    int rc =
        lmdb->dbi_open(txn->mdb, tables[TABLE_META].name, 0, &store->dbi[TABLE_META]);

    if (rc == MDB_NOTFOUND) {
        return make_or_refuse(store, txn, create, why);
    }
    if (rc != 0) {
        return open_failed(store, tables[TABLE_META].name, rc, why);
    }

    enum vg_status status = check_schema(store, txn, why);

    return status == VG_OK ? open_known_tables(store, txn, why) : status;
}

// Handles are good only once the transaction that opened them is committed.
static enum vg_status
open_tables(struct store *store, bool create, struct why *why)
{
    struct txn txn = {.store = store, .writes = store->access == STORE_WRITES};
    int rc = lmdb->txn_begin(store->env, NULL, txn.writes ? 0 : (unsigned)MDB_RDONLY,
                             &txn.mdb);

    if (rc != 0) {
        return open_failed(store, "data.mdb", rc, why);
    }

    enum vg_status status = open_or_make_tables(store, &txn, create, why);

    buffer_free(&txn.rows); // of an upgrade: no record tells it
    if (status != VG_OK) {
        mdb_txn_abort(txn.mdb);
        return status;
    }
    rc = lmdb->txn_commit(txn.mdb);
    if (rc != 0) {
        return open_failed(store, "data.mdb", rc, why);
    }
    return VG_OK;
}

// The row of the unnamed table that describes another one; see struct tree.
struct tree_row {
    uint32_t pad;
    uint16_t flags;
    uint16_t depth;
    uint64_t pages[3];
    uint64_t entries;
    uint64_t root;
};

enum { UNNAMED_TABLE = 1 };

static int
get_tree_row(MDB_txn *txn, enum table table, MDB_val *ret_row)
{
    MDB_val name = {strlen(tables[table].name), (void *)(uintptr_t)tables[table].name};

    return lmdb->get(txn, UNNAMED_TABLE, &name, ret_row);
}

// In a read transaction every row lies in the map, and each page knows its number.
static enum vg_status
find_map(struct store *store, struct why *why)
{
    MDB_txn *txn;
    MDB_val row;
    int rc = lmdb->txn_begin(store->env, NULL, MDB_RDONLY, &txn);

    if (rc != 0) {
        return open_failed(store, "data.mdb", rc, why);
    }
    rc = get_tree_row(txn, TABLE_META, &row);
    if (rc == 0) {
        const uint8_t *at = row.mv_data;
        const uint8_t *page = at - (uintptr_t)at % store->page_bytes;
        uint64_t number;

        memcpy(&number, page, sizeof number);
        store->map = page - number * store->page_bytes;
    }
    mdb_txn_abort(txn);
    return rc == 0 ? VG_OK : open_failed(store, "data.mdb", rc, why);
}

bool
table_tree(struct txn *txn, enum table table, struct tree *ret_tree)
{
    struct store *store = txn->store;
    struct tree_row row;
    MDB_envinfo info;
    MDB_val value;

    if (store->map == NULL || lmdb->env_info(store->env, &info) != 0 ||
        get_tree_row(txn->mdb, table, &value) != 0 || value.mv_size != sizeof row) {
        return false;
    }
    memcpy(&row, value.mv_data, sizeof row);
    *ret_tree =
        (struct tree){store->map, info.me_last_pgno + 1, row.root, store->page_bytes};
    return row.root < ret_tree->pages; // an empty table has none
}

void
table_tree_distrust(struct txn *txn)
{
    txn->store->map = NULL;
}

static void
close_env(struct store *store)
{
    if (store->env != NULL) {
        mdb_env_close(store->env);
        store->env = NULL;
    }
}

static enum vg_status
make_under_new_name(struct store *store, struct why *why)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/" NEW_NAME, store->path) >= (int)sizeof path) {
        return open_failed(store, NEW_NAME, ENAMETOOLONG, why);
    }

    enum vg_status status = open_env(store, path, MDB_NOSUBDIR, why);

    return status == VG_OK ? open_tables(store, true, why) : status;
}

// data.mdb is a whole store or is not there, wherever making it was cut short.
static enum vg_status
make_store(struct store *store, struct why *why)
{
    (void)unlinkat(store->folder, NEW_NAME, 0); // of a program that ended here

    enum vg_status status = make_under_new_name(store, why);

    close_env(store);
    (void)unlinkat(store->folder, NEW_NAME "-lock", 0);
    if (status == VG_OK &&
        renameat(store->folder, NEW_NAME, store->folder, "data.mdb") != 0) {
        status = open_failed(store, "data.mdb", errno, why);
    }
    if (status != VG_OK) {
        (void)unlinkat(store->folder, NEW_NAME, 0);
    }
    return status;
}

static enum vg_status
settle(struct store *store, struct why *why)
{
    mdb_filehandle_t file;
    int rc = lmdb->env_get_fd(store->env, &file);

    return rc == 0 ? opening_settle(file, store->page_bytes, why)
                   : open_failed(store, "data.mdb", rc, why);
}

// A full map refuses deletes too: a tenth of it stays out of the quota.
static uint64_t
quota_of(const struct store_options *options, uint64_t map_bytes)
{
    uint64_t most = map_bytes / 10 * 9;
    uint64_t asked = options->quota_bytes;

    return asked == 0 || asked > most ? most : asked;
}

enum vg_status
store_open(const struct store_options *options, struct store **ret_store, struct why *why)
{
    uint64_t map_bytes = options->map_bytes == 0 ? MAP_BYTES_DEFAULT : options->map_bytes;
    AUTO(store_close) struct store *store = xcalloc(1, sizeof *store);

    store->folder = store->lock = -1;
    store->path = strdup(options->path);
    CHECK(store->path != NULL);
    store->map_bytes = map_bytes;
    store->quota_bytes = quota_of(options, map_bytes);

    store->access = options->access;

    bool writes = store->access == STORE_WRITES;
    bool there = false;
    enum vg_status status = open_folder(store, writes && options->create, why);

    if (status == VG_OK && writes) {
        status = take_lock(store, why);
    }
    if (status == VG_OK) {
        status = find_store(store, &there, why); // another may just have made it
    }
    if (status == VG_OK && !there) {
        status = make_store(store, why);
    }
    if (status == VG_OK) {
        status = open_env(store, store->path, 0, why);
    }
    if (status == VG_OK) {
        status = check_length(store, why);
    }
    if (status == VG_OK) {
        status = writes ? settle(store, why) : VG_OK;
    }
    if (status == VG_OK) {
        status = open_tables(store, writes && options->create, why);
    }
    if (status == VG_OK && writes) {
        status = opening_sync_folders(store->folder, why);
    }
    if (status == VG_OK) {
        status = find_map(store, why);
    }
    if (status != VG_OK) {
        return status;
    }
    *ret_store = store;
    store = NULL;
    return VG_OK;
}

static void
close_if_open(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

void
store_close(struct store **store)
{
    if (*store == NULL) {
        return;
    }
    close_env(*store);
    close_if_open((*store)->lock);
    close_if_open((*store)->folder);
    free((*store)->path);
    free(*store);
    *store = NULL;
}

// ---- transactions ----

// The transaction is lost, but the store is as before and goes on.
static bool
is_full(int rc)
{
    return rc == MDB_MAP_FULL || rc == MDB_TXN_FULL || rc == ENOMEM;
}

static enum vg_status
begin(struct store *store, bool writes, int *ret_rc, struct txn **ret_txn)
{
    struct txn *txn = calloc(1, sizeof *txn);

    if (txn == NULL) {
        *ret_rc = ENOMEM;
        return VG_NO_MEMORY;
    }
    txn->store = store;
    txn->writes = writes;
    *ret_rc = lmdb->txn_begin(store->env, NULL, writes ? 0 : MDB_RDONLY, &txn->mdb);
    if (*ret_rc != 0) {
        free(txn);
        return VG_STORE_BROKEN;
    }
    *ret_txn = txn;
    return VG_OK;
}

enum vg_status
store_write(struct store *store, struct txn **ret_txn, struct why *why)
{
    int rc;

    if (store_broken(store)) {
        return fail(why, VG_STORE_BROKEN, "%s: an earlier commit failed", store->path);
    }
    if (begin(store, true, &rc, ret_txn) == VG_OK) {
        return VG_OK;
    }
    if (is_full(rc)) {
        return fail(why, VG_STORE_FULL, "%s: write: %s", store->path, mdb_strerror(rc));
    }
    atomic_store(&store->broken, true);
    return fail(why, VG_STORE_BROKEN, "%s: write: %s", store->path, mdb_strerror(rc));
}

static enum vg_status
commit(struct txn *txn, struct why *why)
{
    struct store *store = txn->store;

    if (txn->lost != VG_OK) {
        mdb_txn_abort(txn->mdb);
        return fail(why, txn->lost, "%s: the transaction was lost before its commit",
                    store->path);
    }

    int rc = lmdb->txn_commit(txn->mdb);

    if (rc == 0) {
        return VG_OK;
    }
    if (is_full(rc)) {
        return fail(why, VG_STORE_FULL, "%s: commit: %s", store->path, mdb_strerror(rc));
    }
    // A later commit may say "done" and be lost: no more of them in this process.
    atomic_store(&store->broken, true);
    return fail(why, VG_UNKNOWN, "%s: commit: %s", store->path, mdb_strerror(rc));
}

enum vg_status
store_commit(struct txn **txn, struct why *why)
{
    struct txn *ended = *txn;

    CHECK(ended != NULL && ended->writes);
    *txn = NULL;

    enum vg_status status = commit(ended, why);

    buffer_free(&ended->rows);
    free(ended);
    return status;
}

void
store_abort(struct txn **txn)
{
    if (*txn != NULL) {
        mdb_txn_abort((*txn)->mdb);
        buffer_free(&(*txn)->rows);
        free(*txn);
        *txn = NULL;
    }
}

static enum vg_status
read_status(int rc)
{
    return rc == ENOMEM             ? VG_NO_MEMORY
           : rc == MDB_READERS_FULL ? VG_BUSY
                                    : VG_STORE_BROKEN;
}

enum vg_status
store_read(struct store *store, struct txn **ret_txn, struct why *why)
{
    int rc;

    if (begin(store, false, &rc, ret_txn) == VG_OK) {
        return VG_OK;
    }
    return fail(why, read_status(rc), "%s: read: %s", store->path, mdb_strerror(rc));
}

void
store_read_rest(struct txn *txn)
{
    CHECK(!txn->writes);
    if (!txn->rests) {
        mdb_txn_reset(txn->mdb);
        txn->rests = true;
        memset(txn->seen, 0, sizeof txn->seen);
    }
}

enum vg_status
store_read_renew(struct txn *txn)
{
    store_read_rest(txn);

    int rc = lmdb->txn_renew(txn->mdb);

    if (rc != 0) {
        return read_status(rc);
    }
    txn->rests = false;
    return VG_OK;
}

bool
store_broken(const struct store *store)
{
    return atomic_load(&store->broken);
}

uint32_t
store_was_schema(const struct store *store)
{
    return store->is_new ? 0 : store->was_schema;
}

enum vg_status
store_copy(struct store *store, int fd, bool compact, struct why *why)
{
    int rc = lmdb->env_copyfd2(store->env, fd, compact ? MDB_CP_COMPACT : 0);

    return rc == 0 ? VG_OK : open_failed(store, "copy", rc, why);
}

const char *
store_path(const struct store *store)
{
    return store->path;
}

// ---- room ----

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
        return read_status(rc);
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

// ---- rows ----

// After MAP_FULL every call says BAD_TXN: the first reason counts.
static enum vg_status
row_status(struct txn *txn, int rc)
{
    if (rc == 0) {
        return VG_OK;
    }
    if (rc == MDB_NOTFOUND) {
        return VG_NOT_FOUND;
    }
    if (!txn->writes) {
        return read_status(rc);
    }
    if (txn->lost == VG_OK) {
        txn->lost = is_full(rc) ? VG_STORE_FULL : VG_STORE_BROKEN;
    }
    return txn->lost;
}

static MDB_val
key_val(const struct key *key)
{
    return (MDB_val){key->len, (void *)(uintptr_t)key->at};
}

static struct bytes
val_bytes(MDB_val val)
{
    return (struct bytes){val.mv_data, val.mv_size};
}

size_t
table_value_max(enum table table)
{
    return tables[table].value_max;
}

enum table_told
table_told(enum table table)
{
    return tables[table].told;
}

enum vg_status
table_get(struct txn *txn, enum table table, const struct key *key,
          struct bytes *ret_value)
{
    MDB_val mdb_key = key_val(key);
    MDB_val value;

    CHECK(!txn->rests);

    int rc = lmdb->get(txn->mdb, txn->store->dbi[table], &mdb_key, &value);

    if (rc == 0) {
        *ret_value = val_bytes(value);
    }
    return row_status(txn, rc);
}

enum vg_status
table_get_struct(struct txn *txn, enum table table, const struct key *key, void *ret,
                 size_t len)
{
    struct bytes value;
    enum vg_status status = table_get(txn, table, key, &value);

    if (status != VG_OK) {
        return status;
    }
    if (value.len != len) {
        return VG_STORE_BROKEN;
    }
    memcpy(ret, value.at, len);
    return VG_OK;
}

enum vg_status
table_put(struct txn *txn, enum table table, const struct key *key, struct bytes value,
          unsigned flags)
{
    MDB_val mdb_key = key_val(key);
    MDB_val mdb_value = {value.len, (void *)(uintptr_t)value.at};

    CHECK(txn->writes && value.len <= tables[table].value_max);
    if (tables[table].told == ROWS) {
        txn_note_row(txn, table, key, value, false);
    }
    return row_status(
        txn, lmdb->put(txn->mdb, txn->store->dbi[table], &mdb_key, &mdb_value, flags));
}

enum vg_status
table_erase(struct txn *txn, enum table table, const struct key *key)
{
    MDB_val mdb_key = key_val(key);

    CHECK(txn->writes);

    enum vg_status status =
        row_status(txn, lmdb->del(txn->mdb, txn->store->dbi[table], &mdb_key, NULL));

    if (status == VG_OK && tables[table].told == ROWS) {
        txn_note_row(txn, table, key, bytes_of(""), true);
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

enum vg_status
table_len(struct txn *txn, enum table table, uint64_t *ret_rows)
{
    MDB_stat stat;
    int rc = lmdb->stat(txn->mdb, txn->store->dbi[table], &stat);

    if (rc == 0) {
        *ret_rows = stat.ms_entries;
    }
    return row_status(txn, rc);
}

enum vg_status
cursor_open(struct txn *txn, enum table table, struct cursor *ret_cursor)
{
    CHECK(!txn->rests);
    *ret_cursor = (struct cursor){.txn = txn, .table = table};

    int rc = lmdb->cursor_open(txn->mdb, txn->store->dbi[table], &ret_cursor->mdb);

    if (rc != 0) {
        ret_cursor->mdb = NULL;
    }
    return row_status(txn, rc);
}

void
cursor_close(struct cursor *cursor)
{
    if (cursor->mdb != NULL) {
        mdb_cursor_close(cursor->mdb);
        cursor->mdb = NULL;
    }
}

static enum vg_status
cursor_step(struct cursor *cursor, MDB_val key, MDB_cursor_op move)
{
    MDB_val value;
    int rc = lmdb->cursor_get(cursor->mdb, &key, &value, move);

    if (rc == 0) {
        cursor->key = val_bytes(key);
        cursor->value = val_bytes(value);
    }
    return row_status(cursor->txn, rc);
}

enum vg_status
cursor_move(struct cursor *cursor, MDB_cursor_op move)
{
    return cursor_step(cursor, (MDB_val){0, NULL}, move);
}

enum vg_status
cursor_seek(struct cursor *cursor, const struct key *key)
{
    return cursor_step(cursor, key_val(key), MDB_SET_RANGE);
}

enum vg_status
cursor_erase(struct cursor *cursor)
{
    CHECK(cursor->txn->writes);
    if (tables[cursor->table].told == ROWS) {
        struct key key = {.len = 0};

        key_add(&key, cursor->key.at, cursor->key.len);
        txn_note_row(cursor->txn, cursor->table, &key, bytes_of(""), true);
    }
    return row_status(cursor->txn, lmdb->cursor_del(cursor->mdb, 0));
}
