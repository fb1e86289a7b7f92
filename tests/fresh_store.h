// SPDX-License-Identifier: EUPL-1.2
// fresh_store.h - for tests: a real store in a folder of its own, opened again to look at
// the disk, and damaged behind its back.
#ifndef TESTS_FRESH_STORE_H
#define TESTS_FRESH_STORE_H

#include "store/store.h"

#include <errno.h>
#include <lmdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/scratch.h"

struct fresh_store {
    char path[256];
    struct store *store;
};

static inline void
fresh_store_make_folder(struct fresh_store *fresh)
{
    scratch_folder(fresh->path, sizeof fresh->path);
    fresh->store = NULL;
}

static inline void
fresh_store_remove_folder(struct fresh_store *fresh)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "vigie.lock"};
    char path[300];

    store_close(&fresh->store);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(path, sizeof path, "%s/%s", fresh->path, files[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(fresh->path), 0);
}

static inline enum vg_status
fresh_store_try_open(struct fresh_store *fresh, struct why *why)
{
    struct store_options options = {
        .path = fresh->path, .map_bytes = UINT64_C(1) << 30, .create = true};

    return store_open(&options, &fresh->store, why);
}

static inline void
fresh_store_open(struct fresh_store *fresh)
{
    struct why why = {.text = ""};

    if (fresh_store_try_open(fresh, &why) != VG_OK) {
        fail_msg("%s", why.text);
    }
}

// What a new process would see.
static inline void
fresh_store_reopen(struct fresh_store *fresh)
{
    store_close(&fresh->store);
    fresh_store_open(fresh);
}

static inline int
fresh_store_begin(void **state)
{
    struct fresh_store *fresh = xcalloc(1, sizeof *fresh);

    fresh_store_make_folder(fresh);
    fresh_store_open(fresh);
    *state = fresh;
    return 0;
}

static inline int
fresh_store_end(void **state)
{
    struct fresh_store *fresh = *state;

    fresh_store_remove_folder(fresh);
    free(fresh);
    return 0;
}

#define fresh_store_test(name)                                                           \
    cmocka_unit_test_setup_teardown(name, fresh_store_begin, fresh_store_end)

static inline struct txn *
fresh_store_write(struct fresh_store *fresh)
{
    struct txn *txn = NULL;

    assert_int_equal(store_write(fresh->store, &txn, NULL), VG_OK);
    return txn;
}

static inline void
fresh_store_commit(struct txn **txn)
{
    assert_int_equal(store_commit(txn, NULL), VG_OK);
    assert_null(*txn);
}

static inline struct txn *
fresh_store_read(struct fresh_store *fresh)
{
    struct txn *txn = NULL;

    assert_int_equal(store_read(fresh->store, &txn, NULL), VG_OK);
    return txn;
}

// ---- behind the store's back ----

// Changes one row with LMDB itself; the store is closed before and opened again after. A
// row that is not there is made; without a value it goes.
static inline void
fresh_store_put_raw(struct fresh_store *fresh, const char *table, const void *key,
                    size_t key_len, const void *value, size_t value_len)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val mdb_key = {key_len, (void *)(uintptr_t)key};
    MDB_val mdb_value = {value_len, (void *)(uintptr_t)value};

    store_close(&fresh->store);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 64), 0);
    assert_int_equal(mdb_env_open(env, fresh->path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, table, MDB_CREATE, &dbi), 0);
    if (value == NULL) {
        assert_int_equal(mdb_del(txn, dbi, &mdb_key, NULL), 0);
    } else {
        assert_int_equal(mdb_put(txn, dbi, &mdb_key, &mdb_value, 0), 0);
    }
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

// Gives: a copy of the row (free). NULL when there is none.
static inline uint8_t *
fresh_store_get_raw(struct fresh_store *fresh, const char *table, const void *key,
                    size_t key_len, size_t *ret_len)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val mdb_key = {key_len, (void *)(uintptr_t)key};
    MDB_val value;
    uint8_t *copy = NULL;

    store_close(&fresh->store);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 64), 0);
    assert_int_equal(mdb_env_open(env, fresh->path, MDB_RDONLY, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, table, 0, &dbi), 0);
    if (mdb_get(txn, dbi, &mdb_key, &value) == 0) {
        copy = xcalloc(1, value.mv_size);
        memcpy(copy, value.mv_data, value.mv_size);
        *ret_len = value.mv_size;
    }
    mdb_txn_abort(txn);
    mdb_env_close(env);
    return copy;
}

// Flips one bit of the byte at offset (from the end when negative).
static inline void
fresh_store_flip(struct fresh_store *fresh, const char *table, const void *key,
                 size_t key_len, long offset)
{
    size_t len = 0;
    uint8_t *value = fresh_store_get_raw(fresh, table, key, key_len, &len);

    assert_non_null(value);
    if (offset < 0) {
        offset += (long)len;
    }
    assert_in_range(offset, 0, len - 1);
    value[offset] ^= 0x10;
    fresh_store_put_raw(fresh, table, key, key_len, value, len);
    free(value);
    fresh_store_open(fresh);
}

// Eight bytes, big-endian, as most keys are.
struct raw_key {
    uint8_t at[8];
};

static inline struct raw_key
raw_key(uint64_t number)
{
    struct raw_key key;

    for (size_t i = 0; i < sizeof key.at; i++) {
        key.at[i] = (uint8_t)(number >> (56 - 8 * i));
    }
    return key;
}

#endif
