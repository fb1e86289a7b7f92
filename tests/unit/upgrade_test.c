// SPDX-License-Identifier: EUPL-1.2
// Goal: a store of an earlier schema is brought to this one whole or not at all, and says
// what it keeps.
// Method: rows of schema 1 and 5 are put behind the store's back, with the length and in the
// tables that they had; then the store is opened and the disk is asked. golden.store_1 does it with a file that a
// program of schema 1 wrote.
#include "../fresh_store.h"

#include "store/mailbox.h"
#include "store/registry.h"
#include "store/store_internal.h"

enum { MAILBOX_ROW_1_LEN = 88, META_1_LEN = 112 };

static void
put_schema_1(struct fresh_store *fresh, size_t mailbox_len)
{
    static const uint8_t mailboxes[][4] = {{0, 0, 0, 5}, {0xff, 0xff, 0xff, 0xff}};
    struct mailbox_row row = {.last = 7, .acknowledged = 3, .last_acknowledged_us = 11};
    struct meta meta = {.last_commit = 9, .last_extra_mailbox = 2};

    fresh_store_put_raw(fresh, "meta", "meta", 4, &meta, META_1_LEN);
    fresh_store_put_raw(fresh, "meta", "schema", 6, &(uint32_t){1}, 4);
    fresh_store_put_raw(fresh, "mailboxes", mailboxes[0], 4, &row, MAILBOX_ROW_1_LEN);
    row.last = 8;
    fresh_store_put_raw(fresh, "mailboxes", mailboxes[1], 4, &row, mailbox_len);
}

static void
schema_1_keeps_its_values_and_gets_the_new_ones(void **state)
{
    struct fresh_store *fresh = *state;
    struct mailbox_row row, last;
    struct meta meta;

    put_schema_1(fresh, MAILBOX_ROW_1_LEN);
    fresh_store_open(fresh);
    assert_int_equal(store_was_schema(fresh->store), 1);

    struct txn *txn = fresh_store_read(fresh);

    assert_int_equal(mailbox_get(txn, (struct mailbox_id){5}, &row), VG_OK);
    assert_int_equal(mailbox_get(txn, (struct mailbox_id){UINT32_MAX}, &last), VG_OK);
    assert_int_equal(meta_get(txn, &meta, NULL), VG_OK);
    store_abort(&txn);
    assert_int_equal(row.last, 7);
    assert_int_equal(row.acknowledged, 3);
    assert_int_equal(row.last_acknowledged_us, 11);
    assert_int_equal(row.held, 0);
    assert_int_equal(row.dropped, 0);
    assert_int_equal(last.last, 8);
    assert_int_equal(meta.last_commit, 9);
    assert_int_equal(meta.last_extra_mailbox, 2);
    assert_int_equal(meta.first_commit, 1);
    assert_int_equal(meta.first_block, 1);
    assert_int_equal(meta.erased_commit, 0);
}

static void
an_upgraded_store_is_opened_as_one_of_this_schema(void **state)
{
    struct fresh_store *fresh = *state;

    put_schema_1(fresh, MAILBOX_ROW_1_LEN);
    fresh_store_open(fresh);
    store_close(&fresh->store);
    fresh_store_open(fresh);
    assert_int_equal(store_was_schema(fresh->store), STORE_SCHEMA);
}

static void
a_row_of_another_length_leaves_the_store_as_it_was(void **state)
{
    struct fresh_store *fresh = *state;
    struct why why;
    uint8_t *schema;
    uint32_t number;

    put_schema_1(fresh, MAILBOX_ROW_1_LEN - 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fresh_store_try_open(fresh, &why), VG_STORE_BROKEN);
        assert_non_null(strstr(why.text, "schema 1"));
    }
    schema = fresh_store_get_raw(fresh, "meta", "schema", 6, &(size_t){0});
    memcpy(&number, schema, sizeof number);
    free(schema);
    assert_int_equal(number, 1);
}

static void
a_new_store_was_none_before(void **state)
{
    struct fresh_store *fresh = *state;

    assert_int_equal(store_was_schema(fresh->store), 0);
}

static void
put_schema_5(struct fresh_store *fresh, size_t heard_len)
{
    static const uint8_t keys[][8] = {{0, 0, 0, 7, 0, 0, 0, 1},
                                      {0, 0, 0, 7, 0, 0, 0, 2},
                                      {0xff, 0xff, 0xff, 0xff, 0, 0, 0xff, 0xff}};
    struct meta meta = {.last_commit = 9, .first_commit = 1, .first_block = 1};

    fresh_store_put_raw(fresh, "meta", "meta", 4, &meta, sizeof meta);
    fresh_store_put_raw(fresh, "meta", "schema", 6, &(uint32_t){5}, 4);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct producer_row producer = {.last_number = 10 + i, .last_ticket = 20 + i};
        struct heard heard = {.last_us = 30, .last_ticket = 40 + (uint64_t)i};

        fresh_store_put_raw(fresh, "producers", keys[i], 8, &producer, sizeof producer);
        fresh_store_put_raw(fresh, "heard", keys[i], 8, &heard, heard_len);
    }
}

static bool
count_heard(struct institution_id source, uint16_t flow, const struct heard *heard,
            void *arg)
{
    size_t *len = arg;

    (void)source;
    (void)flow;
    assert_int_equal(heard->last_ticket, 40 + *len);
    ++*len;
    return true;
}

static void
schema_5_has_its_sources_beside_meta(void **state)
{
    struct fresh_store *fresh = *state;
    struct producer_row producer, last;
    struct heard heard;
    uint64_t producers, flows;
    size_t len = 0;

    put_schema_5(fresh, sizeof heard);
    fresh_store_open(fresh);
    assert_int_equal(store_was_schema(fresh->store), 5);

    struct txn *txn = fresh_store_read(fresh);

    assert_int_equal(producer_get(txn, (struct institution_id){7}, 2, &producer), VG_OK);
    assert_int_equal(
        producer_get(txn, (struct institution_id){UINT32_MAX}, UINT16_MAX, &last), VG_OK);
    assert_int_equal(heard_get(txn, (struct institution_id){7}, 1, &heard), VG_OK);
    assert_int_equal(heard_each(txn, count_heard, &len), VG_OK);
    assert_int_equal(table_len(txn, TABLE_PRODUCERS, &producers), VG_OK);
    assert_int_equal(table_len(txn, TABLE_HEARD, &flows), VG_OK);
    store_abort(&txn);
    assert_int_equal(producer.last_number, 11);
    assert_int_equal(last.last_ticket, 22);
    assert_int_equal(heard.last_us, 30);
    assert_int_equal(len, 3);
    assert_int_equal(producers, 0);
    assert_int_equal(flows, 0);
}

static void
a_source_of_another_length_leaves_the_store_as_it_was(void **state)
{
    struct fresh_store *fresh = *state;
    struct why why;

    put_schema_5(fresh, sizeof(struct heard) - 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fresh_store_try_open(fresh, &why), VG_STORE_BROKEN);
        assert_non_null(strstr(why.text, "schema 5"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_store_test(schema_1_keeps_its_values_and_gets_the_new_ones),
        fresh_store_test(an_upgraded_store_is_opened_as_one_of_this_schema),
        fresh_store_test(a_row_of_another_length_leaves_the_store_as_it_was),
        fresh_store_test(schema_5_has_its_sources_beside_meta),
        fresh_store_test(a_source_of_another_length_leaves_the_store_as_it_was),
        fresh_store_test(a_new_store_was_none_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
