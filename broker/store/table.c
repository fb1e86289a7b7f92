// SPDX-License-Identifier: EUPL-1.2
// Rows of tables, and the places in them.
#include "store/store_inside.h"

const struct table_row tables[TABLES] = {
#define STORE_TABLE_ROW(name, text, flags, value_max, since, told)                       \
    [TABLE_##name] = {text, flags, value_max, since, told},
    STORE_TABLES(STORE_TABLE_ROW)
#undef STORE_TABLE_ROW
};

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
        return lmdb_read_status(rc);
    }
    if (txn->lost == VG_OK) {
        txn->lost = lmdb_is_full(rc) ? VG_STORE_FULL : VG_STORE_BROKEN;
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

enum vg_status
table_each(struct txn *txn, enum table table, const struct key *from, row_fn each,
           void *arg)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    bool go_on = true;
    enum vg_status status = cursor_open(txn, table, &cursor);

    if (status == VG_OK) {
        status =
            from == NULL ? cursor_move(&cursor, MDB_FIRST) : cursor_seek(&cursor, from);
    }
    while (status == VG_OK) {
        status = each(cursor.key, cursor.value, arg, &go_on);
        if (status != VG_OK || !go_on) {
            return status;
        }
        status = cursor_move(&cursor, MDB_NEXT);
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

enum vg_status
table_trim(struct txn *txn, enum table table, size_t key_len, size_t value_len,
           uint64_t through)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    enum vg_status status = cursor_open(txn, table, &cursor);

    CHECK(key_len >= sizeof through);
    while (status == VG_OK) {
        status = cursor_move(&cursor, MDB_FIRST);
        if (status != VG_OK) {
            break;
        }
        if (cursor.key.len != key_len ||
            (value_len != 0 && cursor.value.len != value_len)) {
            return VG_STORE_BROKEN;
        }
        if (read_be64(cursor.key.at) > through) {
            break;
        }
        status = cursor_erase(&cursor);
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

// ---- trees, behind the back of LMDB ----

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
enum vg_status
table_find_map(struct store *store, struct why *why)
{
    MDB_txn *txn;
    MDB_val row;
    int rc = lmdb->txn_begin(store->env, NULL, MDB_RDONLY, &txn);

    if (rc != 0) {
        return store_failed(store, "data.mdb", rc, why);
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
    return rc == 0 ? VG_OK : store_failed(store, "data.mdb", rc, why);
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
    *ret_tree = (struct tree){.map = store->map,
                              .pages = info.me_last_pgno + 1,
                              .root = row.root,
                              .page_bytes = store->page_bytes,
                              .depth = row.depth};
    return row.root < ret_tree->pages; // an empty table has none
}

void
table_tree_distrust(struct txn *txn)
{
    txn->store->map = NULL;
}
