// SPDX-License-Identifier: EUPL-1.2
// From a folder to a store: found, locked, made, brought to this schema, believed.
#include "store/opening.h"
#include "store/store_inside.h"
#include "store/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAP_BYTES_DEFAULT (UINT64_C(256) << 30)

enum { FILE_MODE = 0600 };

// A new store has this name until all of it is synced.
#define NEW_NAME "data.new"

// "I cannot see whether there is one" is not "there is none": a new store would take the
// place of the old one.
static enum vg_status
find_store(const struct store *store, bool *ret_there, struct why *why)
{
    struct stat file;

    *ret_there = fstatat(store->folder, "data.mdb", &file, 0) == 0;
    if (!*ret_there && errno != ENOENT) {
        return store_failed(store, "data.mdb", errno, why);
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
        return store_failed(store, "folder", errno, why);
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

// Somebody may remove the file, for a left-over, while its store is open: then the folder's
// own lock keeps the next one out.
static enum vg_status
take_lock(struct store *store, struct why *why)
{
    store->lock =
        openat(store->folder, "vigie.lock", O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (store->lock < 0) {
        return store_failed(store, "vigie.lock", errno, why);
    }
    if (flock(store->lock, LOCK_EX | LOCK_NB) == 0 &&
        flock(store->folder, LOCK_EX | LOCK_NB) == 0) {
        return VG_OK;
    }
    if (errno == EWOULDBLOCK) {
        return fail(why, VG_STORE_IN_USE, "%s: another process has this store open",
                    store->path);
    }
    return store_failed(store, "vigie.lock", errno, why);
}

static unsigned
env_flags(const struct store *store)
{
    unsigned flags = MDB_NOTLS;

    // The broker asks for persons here and there; who only reads, reads almost all of it.
    flags |= store->access == STORE_WRITES ? MDB_NORDAHEAD : MDB_RDONLY;
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
        return store_failed(store, "memory", rc, why);
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
        return store_failed(store, "data.mdb", rc, why);
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
        return store_failed(store, "data.mdb", rc, why);
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
            return store_failed(store, tables[i].name, rc, why);
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
        return store_failed(store, "data.mdb", rc, why);
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
        return store_failed(store, tables[TABLE_META].name, rc, why);
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
        return store_failed(store, "data.mdb", rc, why);
    }

    enum vg_status status = open_or_make_tables(store, &txn, create, why);

    buffer_free(&txn.rows); // of an upgrade: no record tells it
    if (status != VG_OK) {
        mdb_txn_abort(txn.mdb);
        return status;
    }
    rc = lmdb->txn_commit(txn.mdb);
    if (rc != 0) {
        return store_failed(store, "data.mdb", rc, why);
    }
    return VG_OK;
}

static enum vg_status
make_under_new_name(struct store *store, struct why *why)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/" NEW_NAME, store->path) >= (int)sizeof path) {
        return store_failed(store, NEW_NAME, ENAMETOOLONG, why);
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

    store_close_env(store);
    (void)unlinkat(store->folder, NEW_NAME "-lock", 0);
    if (status == VG_OK &&
        renameat(store->folder, NEW_NAME, store->folder, "data.mdb") != 0) {
        status = store_failed(store, "data.mdb", errno, why);
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
                   : store_failed(store, "data.mdb", rc, why);
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
        status = table_find_map(store, why);
    }
    if (status != VG_OK) {
        return status;
    }
    *ret_store = store;
    store = NULL;
    return VG_OK;
}
