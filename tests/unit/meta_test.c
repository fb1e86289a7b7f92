// SPDX-License-Identifier: EUPL-1.2
// Goal: the row that says how far everything has come is exact, or refused.
// Method: a real store in a fresh folder, opened again; the row damaged behind its back.
#include "store/meta.h"

#include "../failing_lmdb.h"
#include "../fresh_store.h"

static struct meta
get_meta(struct fresh_store *fresh)
{
    struct txn *txn = fresh_store_read(fresh);
    struct meta meta;

    assert_int_equal(meta_get(txn, &meta, NULL), VG_OK);
    store_abort(&txn);
    return meta;
}

static void
a_new_store_has_come_nowhere_yet(void **state)
{
    struct fresh_store *fresh = *state;
    struct meta none;
    struct meta meta = get_meta(fresh);

    memset(&none, 0, sizeof none);
    none.first_commit = none.first_block = 1; // the oldest to come
    assert_memory_equal(&meta, &none, sizeof none);
}

static void
every_field_comes_back_after_a_restart(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_write(fresh);
    struct meta meta;

    for (size_t i = 0; i < sizeof meta; i++) {
        ((uint8_t *)&meta)[i] = (uint8_t)(i + 1);
    }
    assert_int_equal(meta_put(txn, &meta), VG_OK);
    fresh_store_commit(&txn);
    fresh_store_reopen(fresh);

    struct meta again = get_meta(fresh);

    assert_memory_equal(&again, &meta, sizeof meta);
}

static void
a_writer_sees_its_own_row_and_others_do_not(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_write(fresh);
    struct meta meta;

    assert_int_equal(meta_put(txn, &(struct meta){.last_sequence = 4}), VG_OK);
    assert_int_equal(meta_get(txn, &meta, NULL), VG_OK);
    assert_int_equal(meta.last_sequence, 4);
    assert_int_equal(get_meta(fresh).last_sequence, 0);
    store_abort(&txn);
    assert_int_equal(get_meta(fresh).last_sequence, 0);
}

static void
assert_refused(struct fresh_store *fresh)
{
    struct txn *txn;
    struct meta meta;
    struct why why = {.text = ""};

    fresh_store_open(fresh);
    txn = fresh_store_read(fresh);
    assert_int_equal(meta_get(txn, &meta, &why), VG_STORE_BROKEN);
    assert_non_null(strstr(why.text, "meta"));
    store_abort(&txn);
}

static void
a_row_that_is_missing_or_of_another_length_is_refused(void **state)
{
    struct fresh_store *fresh = *state;
    uint8_t bytes[sizeof(struct meta) + 1] = {0};

    fresh_store_put_raw(fresh, "meta", "meta", 4, bytes, sizeof bytes);
    assert_refused(fresh);
    fresh_store_put_raw(fresh, "meta", "meta", 4, bytes, sizeof bytes - 2);
    assert_refused(fresh);
    fresh_store_put_raw(fresh, "meta", "meta", 4, NULL, 0);
    assert_refused(fresh);
}

static void
what_lmdb_answers_is_passed_on(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_write(fresh);
    struct meta meta = {.last_commit = 1};
    struct why why;

    lmdb_fail("get", 1, MDB_CORRUPTED);
    assert_int_equal(meta_get(txn, &meta, &why), VG_STORE_BROKEN);
    store_abort(&txn);
    txn = fresh_store_write(fresh);
    lmdb_fail("get", 1, ENOMEM);
    assert_int_equal(meta_get(txn, &meta, &why), VG_STORE_FULL);
    store_abort(&txn);
    txn = fresh_store_write(fresh);
    lmdb_fail("put", 1, MDB_MAP_FULL);
    assert_int_equal(meta_put(txn, &meta), VG_STORE_FULL);
    assert_true(lmdb_heal());
    store_abort(&txn);
    assert_int_equal(get_meta(fresh).last_commit, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_store_test(a_new_store_has_come_nowhere_yet),
        fresh_store_test(every_field_comes_back_after_a_restart),
        fresh_store_test(a_writer_sees_its_own_row_and_others_do_not),
        fresh_store_test(a_row_that_is_missing_or_of_another_length_is_refused),
        fresh_store_test(what_lmdb_answers_is_passed_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
