// SPDX-License-Identifier: EUPL-1.2
// failing_lmdb.h - for tests: LMDB whose n-th call fails, of one kind or of all.
//
// The calls are made for real except the one that fails; so the test sees what the store
// does with the answer, and what is on the disk afterwards.
#ifndef TESTS_FAILING_LMDB_H
#define TESTS_FAILING_LMDB_H

#include "store/lmdb_calls.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static struct {
    const char *kind;   // NULL: any
    unsigned countdown; // 0: none fails
    int rc;
    bool failed;
} lmdb_failure;

static inline bool
lmdb_fails(const char *kind)
{
    if (lmdb_failure.countdown == 0 ||
        (lmdb_failure.kind != NULL && strcmp(lmdb_failure.kind, kind) != 0)) {
        return false;
    }
    if (--lmdb_failure.countdown > 0) {
        return false;
    }
    lmdb_failure.failed = true;
    return true;
}

#define FAILING_CALL(name, parameters, arguments)                                        \
    static inline int failing_##name parameters                                          \
    {                                                                                    \
        return lmdb_fails(#name) ? lmdb_failure.rc : mdb_##name arguments;               \
    }

FAILING_CALL(env_create, (MDB_env * *env), (env))
FAILING_CALL(env_set_mapsize, (MDB_env * env, size_t bytes), (env, bytes))
FAILING_CALL(env_set_maxdbs, (MDB_env * env, MDB_dbi tables), (env, tables))
FAILING_CALL(env_open, (MDB_env * env, const char *path, unsigned flags, mdb_mode_t mode),
             (env, path, flags, mode))
FAILING_CALL(env_stat, (MDB_env * env, MDB_stat *stat), (env, stat))
FAILING_CALL(env_info, (MDB_env * env, MDB_envinfo *info), (env, info))
FAILING_CALL(env_get_fd, (MDB_env * env, mdb_filehandle_t *fd), (env, fd))
FAILING_CALL(env_copyfd2, (MDB_env * env, mdb_filehandle_t fd, unsigned flags),
             (env, fd, flags))
FAILING_CALL(reader_check, (MDB_env * env, int *dead), (env, dead))
FAILING_CALL(txn_begin, (MDB_env * env, MDB_txn *parent, unsigned flags, MDB_txn **txn),
             (env, parent, flags, txn))
FAILING_CALL(txn_renew, (MDB_txn * txn), (txn))
FAILING_CALL(dbi_open, (MDB_txn * txn, const char *name, unsigned flags, MDB_dbi *dbi),
             (txn, name, flags, dbi))
FAILING_CALL(stat, (MDB_txn * txn, MDB_dbi dbi, MDB_stat *stat), (txn, dbi, stat))
FAILING_CALL(get, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *value),
             (txn, dbi, key, value))
FAILING_CALL(put,
             (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags),
             (txn, dbi, key, value, flags))
FAILING_CALL(del, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *value),
             (txn, dbi, key, value))
FAILING_CALL(cursor_open, (MDB_txn * txn, MDB_dbi dbi, MDB_cursor **cursor),
             (txn, dbi, cursor))
FAILING_CALL(cursor_get,
             (MDB_cursor * cursor, MDB_val *key, MDB_val *value, MDB_cursor_op move),
             (cursor, key, value, move))
FAILING_CALL(cursor_del, (MDB_cursor * cursor, unsigned flags), (cursor, flags))

// mdb_txn_commit ends the transaction whatever it answers.
static inline int
failing_txn_commit(MDB_txn *txn)
{
    if (lmdb_fails("txn_commit")) {
        mdb_txn_abort(txn);
        return lmdb_failure.rc;
    }
    return mdb_txn_commit(txn);
}

static const struct lmdb_calls failing_lmdb = {
    .env_create = failing_env_create,
    .env_set_mapsize = failing_env_set_mapsize,
    .env_set_maxdbs = failing_env_set_maxdbs,
    .env_open = failing_env_open,
    .env_stat = failing_env_stat,
    .env_info = failing_env_info,
    .env_get_fd = failing_env_get_fd,
    .env_copyfd2 = failing_env_copyfd2,
    .reader_check = failing_reader_check,
    .txn_begin = failing_txn_begin,
    .txn_commit = failing_txn_commit,
    .txn_renew = failing_txn_renew,
    .dbi_open = failing_dbi_open,
    .stat = failing_stat,
    .get = failing_get,
    .put = failing_put,
    .del = failing_del,
    .cursor_open = failing_cursor_open,
    .cursor_get = failing_cursor_get,
    .cursor_del = failing_cursor_del,
};

// The n-th call from now (of this kind, or of any) answers rc instead of being made.
static inline void
lmdb_fail(const char *kind, unsigned n, int rc)
{
    lmdb_failure.kind = kind;
    lmdb_failure.countdown = n;
    lmdb_failure.rc = rc;
    lmdb_failure.failed = false;
    store_use_calls(&failing_lmdb);
}

// LMDB works again. Says whether a call failed.
static inline bool
lmdb_heal(void)
{
    bool failed = lmdb_failure.failed;

    lmdb_failure.countdown = 0;
    lmdb_failure.failed = false;
    store_use_calls(NULL);
    return failed;
}

#endif
