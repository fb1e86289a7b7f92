// SPDX-License-Identifier: EUPL-1.2
// Goal: a body comes back byte for byte under its address, blocks stay below their limit,
// and damage is seen.
// Method: a real store in a fresh folder, opened again; bodies of all lengths from a fixed
// seed; blocks changed behind the store's back.
#include "store/bodies.h"

#include "../damage_file.h"
#include "../failing_lmdb.h"
#include "../fresh_store.h"
#include "store/store_internal.h"

enum { BODIES = 2000 };

struct kept {
    uint64_t address;
    size_t len;
};

static uint32_t
next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

// The bytes of the i-th body: known without remembering them.
static uint8_t
byte_of(size_t body, size_t i)
{
    return (uint8_t)(body * 31 + i * 7 + 1);
}

static uint64_t
put_body(struct txn *txn, struct body_writer *writer, size_t body, size_t reserved,
         size_t len)
{
    uint8_t *at = NULL;

    assert_int_equal(body_reserve(txn, writer, reserved, &at), VG_OK);
    for (size_t i = 0; i < len; i++) {
        at[i] = byte_of(body, i);
    }
    return body_done(writer, len);
}

static void
assert_body(struct txn *txn, size_t body, const struct kept *kept)
{
    struct bytes bytes;

    assert_int_equal(body_get(txn, kept->address, &bytes), VG_OK);
    assert_int_equal(bytes.len, kept->len);
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.at[i] != byte_of(body, i)) {
            fail_msg("body %zu differs at %zu", body, i);
        }
    }
}

static uint64_t
flush(struct fresh_store *fresh, struct txn **txn, struct body_writer *writer)
{
    struct meta meta = {.last_commit = 1};

    (void)fresh;
    assert_int_equal(bodies_flush(*txn, writer, &meta), VG_OK);
    assert_int_equal(meta_put(*txn, &meta), VG_OK);
    fresh_store_commit(txn);
    buffer_free(&writer->block);
    return meta.last_block;
}

static void
bodies_of_all_lengths_come_back_after_a_restart(void **state)
{
    struct fresh_store *fresh = *state;
    static struct kept kept[BODIES];
    struct body_writer writer = {.next = 1};
    struct txn *txn = fresh_store_write(fresh);
    uint32_t seed = 20261120;
    size_t bytes = 0;

    for (size_t i = 0; i < BODIES; i++) {
        size_t len = next_random(&seed) % (i % 50 == 0 ? BODY_MAX + 1 : 400);
        size_t reserved = len + next_random(&seed) % 30;

        kept[i].len = len;
        kept[i].address =
            put_body(txn, &writer, i, reserved > BODY_MAX ? len : reserved, len);
        bytes += len;
        if (i > 0) {
            assert_true(kept[i].address > kept[i - 1].address);
        }
    }

    uint64_t last = flush(fresh, &txn, &writer);

    assert_true(last > bytes / BLOCK_MAX);
    assert_int_equal(writer.next, last + 1);
    assert_true(writer.bytes > bytes && writer.bytes <= last * BLOCK_MAX);
    fresh_store_reopen(fresh);
    txn = fresh_store_read(fresh);
    for (size_t i = 0; i < BODIES; i++) {
        assert_body(txn, i, &kept[i]);
    }
    for (size_t i = 0; i < BODIES; i++) { // jumping between blocks
        size_t body = next_random(&seed) % BODIES;

        assert_body(txn, body, &kept[body]);
    }
    for (uint64_t block = 1; block <= last; block++) {
        assert_int_equal(bodies_check_block(txn, block, NULL), VG_OK);
    }
    assert_int_equal(bodies_check_block(txn, last + 1, NULL), VG_NOT_FOUND);
    store_abort(&txn);
}

static void
a_block_is_filled_to_the_last_byte_and_not_beyond(void **state)
{
    struct fresh_store *fresh = *state;
    struct body_writer writer = {.next = 1};
    struct txn *txn = fresh_store_write(fresh);
    size_t room = BLOCK_MAX - 16 - 2 * 4;
    struct kept kept[3] = {{0, BODY_MAX}, {0, room - BODY_MAX}, {0, 0}};
    size_t len = 0;

    for (size_t i = 0; i < 3; i++) {
        kept[i].address = put_body(txn, &writer, i, kept[i].len, kept[i].len);
    }
    assert_int_equal(kept[0].address, 1 << 16 | 16);
    assert_int_equal(kept[1].address >> 16, 1);
    assert_int_equal(kept[2].address, 2 << 16 | 16); // even nothing needs its length
    assert_int_equal(flush(fresh, &txn, &writer), 2);

    struct raw_key key = raw_key(1);
    uint8_t *block = fresh_store_get_raw(fresh, "bodies", &key, sizeof key, &len);

    assert_non_null(block);
    assert_int_equal(len, BLOCK_MAX);
    free(block);
    fresh_store_open(fresh);
    txn = fresh_store_read(fresh);
    for (size_t i = 0; i < 3; i++) {
        assert_body(txn, i, &kept[i]);
    }
    store_abort(&txn);
}

static void
a_transaction_without_bodies_writes_no_block(void **state)
{
    struct fresh_store *fresh = *state;
    struct body_writer writer = {.next = 5};
    struct txn *txn = fresh_store_write(fresh);
    uint8_t *at;

    assert_int_equal(flush(fresh, &txn, &writer), 4);
    writer = (struct body_writer){.next = 5};
    txn = fresh_store_write(fresh);
    assert_int_equal(body_reserve(txn, &writer, 10, &at), VG_OK); // and never done
    assert_int_equal(flush(fresh, &txn, &writer), 4);
    assert_int_equal(writer.bytes, 0);
    txn = fresh_store_read(fresh);
    assert_int_equal(bodies_check_block(txn, 5, NULL), VG_NOT_FOUND);
    store_abort(&txn);
}

static void
a_writer_reads_its_own_blocks_and_an_abort_takes_them_back(void **state)
{
    struct fresh_store *fresh = *state;
    struct body_writer writer = {.next = 1};
    struct meta meta = {.last_commit = 0};
    struct txn *txn = fresh_store_write(fresh);
    struct kept kept = {0, 100};
    struct bytes body;

    kept.address = put_body(txn, &writer, 1, 100, 100);
    assert_int_equal(body_get(txn, kept.address, &body), VG_NOT_FOUND); // not yet put
    assert_int_equal(bodies_flush(txn, &writer, &meta), VG_OK);
    assert_body(txn, 1, &kept);
    store_abort(&txn);
    txn = fresh_store_read(fresh);
    assert_int_equal(body_get(txn, kept.address, &body), VG_NOT_FOUND);
    store_abort(&txn);
    buffer_free(&writer.block);
}

static void
a_renewed_reader_sees_the_block_as_it_is_now(void **state)
{
    struct fresh_store *fresh = *state;
    struct body_writer writer = {.next = 1};
    struct txn *txn = fresh_store_write(fresh);
    struct txn *reader;
    struct kept kept = {0, 50};
    struct bytes body;

    kept.address = put_body(txn, &writer, 1, 50, 50);
    flush(fresh, &txn, &writer);
    reader = fresh_store_read(fresh);
    assert_body(reader, 1, &kept);
    store_read_rest(reader);
    assert_int_equal(store_read_renew(reader), VG_OK);
    assert_body(reader, 1, &kept);
    assert_int_equal(body_get(reader, 2 << 16 | 16, &body), VG_NOT_FOUND);
    assert_body(reader, 1, &kept); // after a miss too
    store_abort(&reader);
}

// A block with one body of this letter, put without the writer.
static void
put_block(struct txn *txn, uint64_t number, char letter)
{
    uint8_t block[16 + 4 + 10] = {[8] = sizeof block, [16] = 10};
    struct key key = key_of_u64(number);
    uint64_t checksum;

    memset(block + 20, letter, 10);
    checksum = checksum_of(block + 8, sizeof block - 8);
    memcpy(block, &checksum, sizeof checksum);
    assert_int_equal(
        table_put(txn, TABLE_BODIES, &key, (struct bytes){block, sizeof block}, 0),
        VG_OK);
}

static char
letter_in(struct txn *txn, uint64_t number)
{
    struct bytes body;

    assert_int_equal(body_get(txn, number << 16 | 16, &body), VG_OK);
    assert_int_equal(body.len, 10);
    return (char)body.at[9];
}

static void
a_block_read_before_is_not_taken_for_the_one_there_now(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_write(fresh);
    struct txn *reader;

    put_block(txn, 1, 'a');
    fresh_store_commit(&txn);
    txn = fresh_store_write(fresh);
    assert_int_equal(letter_in(txn, 1), 'a');
    put_block(txn, 1, 'b');
    assert_int_equal(letter_in(txn, 1), 'b');
    reader = fresh_store_read(fresh);
    assert_int_equal(letter_in(reader, 1), 'a');
    fresh_store_commit(&txn);
    assert_int_equal(letter_in(reader, 1), 'a');
    assert_int_equal(store_read_renew(reader), VG_OK);
    assert_int_equal(letter_in(reader, 1), 'b');
    store_abort(&reader);
}

static void
an_address_where_no_body_begins_is_broken(void **state)
{
    struct fresh_store *fresh = *state;
    struct body_writer writer = {.next = 1};
    struct txn *txn = fresh_store_write(fresh);
    struct bytes body;

    put_body(txn, &writer, 255, 20, 20);
    flush(fresh, &txn, &writer);
    txn = fresh_store_read(fresh);
    for (uint64_t offset = 0; offset < 0x10000; offset++) {
        enum vg_status status = body_get(txn, 1 << 16 | offset, &body);

        if (status == VG_OK) {
            assert_in_range(offset, 16, 36);
            assert_true(body.len <= 20);
        } else {
            assert_int_equal(status, VG_STORE_BROKEN);
        }
    }
    assert_int_equal(body_get(txn, 1 << 16 | 40, &body), VG_STORE_BROKEN); // its end
    assert_int_equal(body_get(txn, 0, &body), VG_NOT_FOUND);
    assert_int_equal(body_get(txn, UINT64_MAX, &body), VG_NOT_FOUND);
    store_abort(&txn);
}

static void
any_flipped_byte_of_a_block_is_found(void **state)
{
    struct fresh_store *fresh = *state;
    struct body_writer writer = {.next = 1};
    struct txn *txn = fresh_store_write(fresh);
    struct raw_key key = raw_key(2);
    struct bytes body;
    struct why why;

    put_body(txn, &writer, 1, BODY_MAX, BODY_MAX);
    put_body(txn, &writer, 2, BODY_MAX, BODY_MAX);
    put_body(txn, &writer, 3, 100, 100);
    assert_int_equal(flush(fresh, &txn, &writer), 2);

    static const long places[] = {0, 7, 8, 12, 16, 20, 60, -1};

    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        fresh_store_flip(fresh, "bodies", &key, sizeof key, places[i]);
        txn = fresh_store_read(fresh);
        assert_int_equal(bodies_check_block(txn, 1, &why), VG_OK);
        assert_int_equal(bodies_check_block(txn, 2, &why), VG_STORE_BROKEN);
        assert_string_equal(why.text, "block 2: its checksum does not hold");
        assert_int_equal(body_get(txn, 2 << 16 | 16, &body), VG_STORE_BROKEN);
        assert_int_equal(body_get(txn, 1 << 16 | 16, &body), VG_OK);
        store_abort(&txn);
        fresh_store_flip(fresh, "bodies", &key, sizeof key, places[i]);
        txn = fresh_store_read(fresh);
        assert_int_equal(bodies_check_block(txn, 2, &why), VG_OK);
        store_abort(&txn);
    }
    fresh_store_put_raw(fresh, "bodies", &key, sizeof key, "short", 5);
    fresh_store_open(fresh);
    txn = fresh_store_read(fresh);
    assert_int_equal(bodies_check_block(txn, 2, &why), VG_STORE_BROKEN);
    assert_string_equal(why.text, "block 2 has only 5 bytes");
    store_abort(&txn);
}

// The map shows what another process writes into the file, or what a disk gives back.
static void
a_trusted_block_is_read_again_when_somebody_doubts(void **state)
{
    struct fresh_store *fresh = *state;
    struct body_writer writer = {.next = 1};
    struct txn *txn = fresh_store_write(fresh);
    struct kept kept = {0, 100};
    struct txn *reader;
    struct bytes body;
    uint8_t copy[100];

    kept.address = put_body(txn, &writer, 1, 100, 100);
    flush(fresh, &txn, &writer);
    reader = fresh_store_read(fresh);
    assert_body(reader, 1, &kept);
    assert_int_equal(body_get(reader, kept.address, &body), VG_OK);
    memcpy(copy, body.at, sizeof copy);
    store_read_rest(reader);
    assert_int_equal(damage_file(fresh->path, copy, sizeof copy), 1);
    assert_int_equal(store_read_renew(reader), VG_OK);
    assert_int_equal(body_get(reader, kept.address, &body), VG_OK); // it was sound once
    bodies_distrust(reader, 1);
    assert_int_equal(body_get(reader, kept.address, &body), VG_STORE_BROKEN);
    store_abort(&reader);
}

static void
a_block_number_that_was_used_before_breaks_the_store(void **state)
{
    struct fresh_store *fresh = *state;
    struct body_writer writer = {.next = 1};
    struct meta meta = {.last_commit = 0};
    struct txn *txn = fresh_store_write(fresh);

    put_body(txn, &writer, 1, 10, 10);
    flush(fresh, &txn, &writer);
    writer = (struct body_writer){.next = 1};
    txn = fresh_store_write(fresh);
    put_body(txn, &writer, 2, 10, 10);
    assert_int_equal(bodies_flush(txn, &writer, &meta), VG_STORE_BROKEN);
    assert_int_equal(store_commit(&txn, NULL), VG_STORE_BROKEN);
    buffer_free(&writer.block);
    txn = fresh_store_read(fresh);
    assert_body(txn, 1, &(struct kept){1 << 16 | 16, 10});
    store_abort(&txn);
}

static void
a_block_without_room_is_passed_on(void **state)
{
    struct fresh_store *fresh = *state;
    struct body_writer writer = {.next = 1};
    struct meta meta = {.last_block = 0};
    struct txn *txn = fresh_store_write(fresh);
    uint8_t *at;

    put_body(txn, &writer, 1, BODY_MAX, BODY_MAX);
    lmdb_fail("put", 1, MDB_MAP_FULL);
    assert_int_equal(body_reserve(txn, &writer, BODY_MAX, &at), VG_STORE_FULL);
    assert_true(lmdb_heal());
    store_abort(&txn);
    buffer_clear(&writer.block); // as the next batch does
    writer.next = 1;
    txn = fresh_store_write(fresh);
    put_body(txn, &writer, 1, 10, 10);
    lmdb_fail("put", 1, ENOMEM);
    assert_int_equal(bodies_flush(txn, &writer, &meta), VG_STORE_FULL);
    assert_true(lmdb_heal());
    assert_int_equal(meta.last_block, 0);
    store_abort(&txn);
    buffer_free(&writer.block);
}

// The bytes are gone from what a reader sees; what is left keeps its addresses.
static void
blocks_are_erased_from_the_front(void **state)
{
    struct fresh_store *fresh = *state;
    struct body_writer writer = {.next = 1};
    struct meta meta = {.first_block = 1};
    struct kept kept[6];
    struct bytes bytes;
    struct txn *txn = fresh_store_write(fresh);
    size_t blocks = 9;

    for (size_t i = 0; i < ARRAY_LEN(kept); i++) { // one to a block
        kept[i] = (struct kept){put_body(txn, &writer, i, BODY_MAX, BODY_MAX), BODY_MAX};
        assert_int_equal(body_block(kept[i].address), i + 1);
    }
    assert_int_equal(bodies_flush(txn, &writer, &meta), VG_OK);
    assert_int_equal(bodies_erase(txn, &meta, 3, 2, &blocks), VG_OK);
    assert_int_equal(blocks, 2);
    assert_int_equal(meta.first_block, 3);
    assert_int_equal(bodies_erase(txn, &meta, 3, 2, &blocks), VG_OK);
    assert_int_equal(blocks, 1);
    assert_int_equal(bodies_erase(txn, &meta, 3, 2, &blocks), VG_OK);
    assert_int_equal(blocks, 0);
    assert_int_equal(meta.first_block, 4);
    fresh_store_commit(&txn);
    txn = fresh_store_read(fresh);
    assert_int_equal(body_get(txn, kept[2].address, &bytes), VG_NOT_FOUND);
    for (size_t i = 3; i < ARRAY_LEN(kept); i++) {
        assert_body(txn, i, &kept[i]);
    }
    store_abort(&txn);
    buffer_free(&writer.block);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_store_test(bodies_of_all_lengths_come_back_after_a_restart),
        fresh_store_test(a_block_is_filled_to_the_last_byte_and_not_beyond),
        fresh_store_test(a_transaction_without_bodies_writes_no_block),
        fresh_store_test(a_writer_reads_its_own_blocks_and_an_abort_takes_them_back),
        fresh_store_test(a_renewed_reader_sees_the_block_as_it_is_now),
        fresh_store_test(a_block_read_before_is_not_taken_for_the_one_there_now),
        fresh_store_test(an_address_where_no_body_begins_is_broken),
        fresh_store_test(any_flipped_byte_of_a_block_is_found),
        fresh_store_test(a_trusted_block_is_read_again_when_somebody_doubts),
        fresh_store_test(a_block_number_that_was_used_before_breaks_the_store),
        fresh_store_test(a_block_without_room_is_passed_on),
        fresh_store_test(blocks_are_erased_from_the_front),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
