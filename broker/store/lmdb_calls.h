// SPDX-License-Identifier: EUPL-1.2
// lmdb_calls.h - every call of LMDB that can fail, in one table that a test may replace.
//
// A disk that fails on cue is not to be had otherwise. Endings (abort, close, reset)
// cannot fail and are called directly.
#ifndef STORE_LMDB_CALLS_H
#define STORE_LMDB_CALLS_H

#include <lmdb.h>

struct lmdb_calls {
    int (*env_create)(MDB_env **env);
    int (*env_set_mapsize)(MDB_env *env, size_t bytes);
    int (*env_set_maxdbs)(MDB_env *env, MDB_dbi tables);
    int (*env_open)(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode);
    int (*env_stat)(MDB_env *env, MDB_stat *stat);
    int (*env_info)(MDB_env *env, MDB_envinfo *info);
    int (*env_get_fd)(MDB_env *env, mdb_filehandle_t *fd);
    int (*env_copyfd2)(MDB_env *env, mdb_filehandle_t fd, unsigned flags);
    int (*reader_check)(MDB_env *env, int *dead);
    int (*txn_begin)(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn);
    int (*txn_commit)(MDB_txn *txn); // ends the transaction, whatever it answers
    int (*txn_renew)(MDB_txn *txn);
    int (*dbi_open)(MDB_txn *txn, const char *name, unsigned flags, MDB_dbi *dbi);
    int (*stat)(MDB_txn *txn, MDB_dbi dbi, MDB_stat *stat);
    int (*get)(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value);
    int (*put)(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags);
    int (*del)(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value);
    int (*cursor_open)(MDB_txn *txn, MDB_dbi dbi, MDB_cursor **cursor);
    int (*cursor_get)(MDB_cursor *cursor, MDB_val *key, MDB_val *value,
                      MDB_cursor_op move);
    int (*cursor_del)(MDB_cursor *cursor, unsigned flags);
};

// lmdb_own_calls is LMDB itself: what a test copies before it replaces some.
extern const struct lmdb_calls lmdb_own_calls;

// store_use_calls replaces the table for all stores; NULL: LMDB itself again. For tests.
//
// Keeps: calls. Thread: none may be using a store.
void store_use_calls(const struct lmdb_calls *calls);

#endif
