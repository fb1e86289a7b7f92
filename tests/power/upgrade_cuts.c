// SPDX-License-Identifier: EUPL-1.2
#include "upgrade_cuts.h"

#include "base/checksum.h"
#include "cuts.h"
#include "store/check.h"

#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TABLES_MAX = 64, MAP_BYTES = 64 << 20 };

static char path[96];
static jmp_buf back;

static void
find(const char *found)
{
    snprintf(path, sizeof path, "%s", found);
}

static void
copy_store(const char *from, const char *to)
{
    static uint8_t bytes[1 << 16];
    char name[300];
    ssize_t len;
    int in, out;

    snprintf(name, sizeof name, "%s/data.mdb", from);
    in = open(name, O_RDONLY | O_CLOEXEC);
    snprintf(name, sizeof name, "%s/data.mdb", to);
    out = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(in >= 0 && out >= 0);
    while ((len = read(in, bytes, sizeof bytes)) > 0) {
        CHECK(write(out, bytes, (size_t)len) == len);
    }
    close(in);
    close(out);
}

// The store's name is drawn at random by whoever upgrades it.
static bool
is_drawn(const MDB_val *key)
{
    static const char name[] = "incarnation";

    return key->mv_size == sizeof name - 1 &&
           memcmp(key->mv_data, name, key->mv_size) == 0;
}

static uint64_t
sum_rows(MDB_txn *txn, MDB_dbi table, uint64_t sum)
{
    MDB_cursor *cursor;
    MDB_val key, value;

    CHECK(mdb_cursor_open(txn, table, &cursor) == 0);
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        sum = sum * 31 + checksum_of(key.mv_data, key.mv_size);
        sum = sum * 31 + (is_drawn(&key) ? 0 : checksum_of(value.mv_data, value.mv_size));
    }
    mdb_cursor_close(cursor);
    return sum;
}

// Of all rows of all tables, which the names of the tables are rows of.
static uint64_t
sum_store(void)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi names, table;
    MDB_cursor *cursor;
    MDB_val key;
    uint64_t sum = 0;

    CHECK(mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, TABLES_MAX) == 0);
    CHECK(mdb_env_open(env, path, MDB_RDONLY, 0600) == 0);
    CHECK(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) == 0);
    CHECK(mdb_dbi_open(txn, NULL, 0, &names) == 0);
    CHECK(mdb_cursor_open(txn, names, &cursor) == 0);
    while (mdb_cursor_get(cursor, &key, NULL, MDB_NEXT_NODUP) == 0) {
        char name[64];

        CHECK(key.mv_size < sizeof name);
        snprintf(name, sizeof name, "%.*s", (int)key.mv_size, (char *)key.mv_data);
        CHECK(mdb_dbi_open(txn, name, 0, &table) == 0);
        sum = sum_rows(txn, table, sum * 31 + checksum_of(name, strlen(name)));
    }
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    mdb_env_close(env);
    return sum;
}

static void
fail_with(const char *text, const char *more)
{
    printf("after a cut the store %s%s\n", text, more);
    fflush(stdout);
    _exit(1);
}

// Opens it, which may upgrade it, and sums its rows.
static uint64_t
open_and_sum(bool schema_known)
{
    struct store_options options = {.path = path, .map_bytes = MAP_BYTES};
    struct check_report *report = xcalloc(1, sizeof *report);
    struct store *store = NULL;
    struct why why = {.text = ""};

    if (store_open(&options, &store, &why) != VG_OK) {
        fail_with("cannot be opened: ", why.text);
    }
    if (schema_known && store_was_schema(store) != STORE_SCHEMA) {
        fail_with("is not upgraded", "");
    }
    cuts.back = NULL;
    if (store_check(store, report, NULL, NULL, &why) != VG_OK ||
        report->faults.total > 0) {
        fail_with("does not pass its own check: ", report->faults.fault[0].why.text);
    }
    free(report);
    store_close(&store);
    return sum_store();
}

void
upgrade_cuts(const char *folder)
{
    static uint64_t expected, found;
    static char again[200];

    cuts_folder(path);
    copy_store(folder, path);
    expected = open_and_sum(false);
    cuts_remove(path);

    snprintf(again, sizeof again, "--upgrade %.150s", folder);
    cuts.again = again;
    cuts.forget = find;
    cuts_folder(path);
    copy_store(folder, path);
    cuts_follow(path);
    cuts.back = &back;
    (void)setjmp(back); // again, on what was left
    found = open_and_sum(false);
    if (found != expected) {
        fail_with("is another one than without", "");
    }
    if (cuts.life != LIFE_USUAL) {
        _exit(0);
    }
    CHECK(open_and_sum(true) == expected);
    cuts_end();
    cuts_remove(path);
}
