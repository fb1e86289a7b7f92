// SPDX-License-Identifier: EUPL-1.2
// Goal: every key of the store is found, no other is, and a revoked one is seen as such
// under the same id.
// Method: a real store in a fresh folder; far more keys than the table begins with.
#include "edge/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scratch.h"

enum { KEYS = 1000 };

struct world {
    struct scratch scratch;
    struct store *store;
};

static int
open_world(void **state)
{
    struct world *world = xcalloc(1, sizeof *world);
    struct store_options options = {.map_bytes = 64 << 20, .create = true};

    world->scratch = scratch_make();
    options.path = world->scratch.path;
    assert_int_equal(store_open(&options, &world->store, NULL), VG_OK);
    *state = world;
    return 0;
}

static int
close_world(void **state)
{
    struct world *world = *state;

    store_close(&world->store);
    scratch_end(&world->scratch);
    free(world);
    return 0;
}

static void
make_key(unsigned number, uint8_t ret_key[KEY_LEN])
{
    memset(ret_key, 0, KEY_LEN);
    memcpy(ret_key, &number, sizeof number);
    ret_key[KEY_LEN - 1] = 7;
}

static void
put_keys(struct store *store, unsigned from, unsigned to, int64_t revoked_us)
{
    struct txn *txn = NULL;
    uint8_t key[KEY_LEN];

    assert_int_equal(store_write(store, &txn, NULL), VG_OK);
    for (unsigned i = from; i < to; i++) {
        struct key_row row = {
            .institution = i + 1, .role = ROLE_MEMBER, .revoked_us = revoked_us};

        make_key(i, key);
        assert_int_equal(key_put(txn, key, &row), VG_OK);
    }
    assert_int_equal(store_commit(&txn, NULL), VG_OK);
}

static void
reload(struct keys *keys, struct store *store)
{
    struct txn *txn = NULL;

    assert_int_equal(store_read(store, &txn, NULL), VG_OK);
    assert_int_equal(keys_reload(keys, txn), VG_OK);
    store_abort(&txn);
}

static void
finds_every_key_and_no_other(void **state)
{
    struct world *world = *state;
    AUTO(keys_free) struct keys *keys = keys_new();
    uint8_t key[KEY_LEN];

    make_key(0, key);
    assert_null(keys_find(keys, key)); // an empty table knows nobody
    put_keys(world->store, 0, KEYS, 0);
    reload(keys, world->store);
    assert_int_equal(keys_len(keys), KEYS);
    for (unsigned i = 0; i < KEYS; i++) {
        make_key(i, key);

        const struct key_entry *entry = keys_find(keys, key);

        assert_non_null(entry);
        assert_memory_equal(entry->key, key, KEY_LEN);
        assert_int_equal(entry->row.institution, i + 1);
        assert_ptr_equal(keys_by_id(keys, entry->id), entry);
        assert_ptr_equal(keys_by_hex(keys, entry->hex), entry);
        assert_true(key_is_valid(entry));
    }
    for (unsigned i = KEYS; i < 2 * KEYS; i++) {
        make_key(i, key);
        assert_null(keys_find(keys, key));
    }
    assert_null(keys_by_id(keys, 0));
    assert_null(keys_by_id(keys, KEYS + 1));
    assert_null(keys_by_hex(keys, ""));
    assert_null(keys_by_hex(keys, "0123 no key"));
}

static void
a_reload_adds_and_revokes_under_the_same_id(void **state)
{
    struct world *world = *state;
    AUTO(keys_free) struct keys *keys = keys_new();
    uint8_t old[KEY_LEN];
    uint8_t fresh[KEY_LEN];
    uint32_t id;

    make_key(3, old);
    make_key(KEYS + 3, fresh);
    reload(keys, world->store);
    id = keys_find(keys, old)->id;
    assert_int_equal(keys_by_id(keys, id)->used_us, 0);
    keys_note_use(keys, id, 4711);
    put_keys(world->store, 3, 4, 1234567);
    put_keys(world->store, KEYS + 3, KEYS + 4, 0);
    assert_true(key_is_valid(keys_by_id(keys, id))); // not before it is told
    reload(keys, world->store);
    assert_int_equal(keys_len(keys), KEYS + 1);
    assert_int_equal(keys_find(keys, old)->id, id);
    assert_false(key_is_valid(keys_by_id(keys, id)));
    assert_int_equal(keys_by_id(keys, id)->used_us, 4711); // what happened stays known
    assert_true(key_is_valid(keys_find(keys, fresh)));
}

static void
writes_a_key_in_hexadecimal(void **state)
{
    uint8_t key[KEY_LEN] = {0x01, 0xab};
    char text[KEY_HEX_LEN];
    (void)state;

    key[KEY_LEN - 1] = 0xff;
    key_hex(key, text);
    assert_int_equal(strlen(text), KEY_HEX_LEN - 1);
    assert_memory_equal(text, "01ab00", 6);
    assert_string_equal(text + KEY_HEX_LEN - 3, "ff");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_every_key_and_no_other),
        cmocka_unit_test(a_reload_adds_and_revokes_under_the_same_id),
        cmocka_unit_test(writes_a_key_in_hexadecimal),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
