// SPDX-License-Identifier: EUPL-1.2
#include "store/store_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

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
const struct lmdb_calls *lmdb = &lmdb_own_calls;

void
store_use_calls(const struct lmdb_calls *calls)
{
    lmdb = calls == NULL ? &lmdb_own_calls : calls;
}

// ---- what failed ----

enum vg_status
store_failed(const struct store *store, const char *step, int rc, struct why *why)
{
    bool content = rc < 0 && rc != MDB_MAP_FULL;

    return fail(why, content ? VG_STORE_BROKEN : VG_BAD_FILE, "%s: %s: %s", store->path,
                step, mdb_strerror(rc));
}

bool
lmdb_is_full(int rc)
{
    return rc == MDB_MAP_FULL || rc == MDB_TXN_FULL || rc == ENOMEM;
}

enum vg_status
lmdb_read_status(int rc)
{
    return rc == ENOMEM             ? VG_NO_MEMORY
           : rc == MDB_READERS_FULL ? VG_BUSY
                                    : VG_STORE_BROKEN;
}

// ---- transactions ----

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
    if (lmdb_is_full(rc)) {
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
    if (lmdb_is_full(rc)) {
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

    trusted_free(&ended->trusted);
    buffer_free(&ended->rows);
    free(ended);
    return status;
}

void
store_abort(struct txn **txn)
{
    if (*txn != NULL) {
        mdb_txn_abort((*txn)->mdb);
        trusted_free(&(*txn)->trusted);
        buffer_free(&(*txn)->rows);
        free(*txn);
        *txn = NULL;
    }
}

enum vg_status
store_read(struct store *store, struct txn **ret_txn, struct why *why)
{
    int rc;

    if (begin(store, false, &rc, ret_txn) == VG_OK) {
        return VG_OK;
    }
    return fail(why, lmdb_read_status(rc), "%s: read: %s", store->path, mdb_strerror(rc));
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
        return lmdb_read_status(rc);
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

    return rc == 0 ? VG_OK : store_failed(store, "copy", rc, why);
}

const char *
store_path(const struct store *store)
{
    return store->path;
}

// ---- closing ----

void
store_close_env(struct store *store)
{
    if (store->env != NULL) {
        mdb_env_close(store->env);
        store->env = NULL;
    }
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
    store_close_env(*store);
    close_if_open((*store)->lock);
    close_if_open((*store)->folder);
    free((*store)->path);
    free(*store);
    *store = NULL;
}
