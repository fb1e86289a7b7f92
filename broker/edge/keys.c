// SPDX-License-Identifier: EUPL-1.2
#include "edge/keys.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_FIRST = 256 };

struct keys {
    struct key_entry *entries; // id - 1
    size_t len;
    size_t size;
    uint32_t *slots; // id, 0: free; at most half of them are taken
    size_t slots_len;
    uint8_t seed[crypto_shorthash_KEYBYTES]; // strangers choose the keys we look for
};

struct keys *
keys_new(void)
{
    struct keys *keys = xcalloc(1, sizeof *keys);

    CHECK(sodium_init() >= 0);
    crypto_shorthash_keygen(keys->seed);
    keys->slots_len = SLOTS_FIRST;
    keys->slots = xcalloc(keys->slots_len, sizeof *keys->slots);
    return keys;
}

void
keys_free(struct keys **keys)
{
    if (*keys != NULL) {
        free((*keys)->entries);
        free((*keys)->slots);
        free(*keys);
        *keys = NULL;
    }
}

// The slot that holds this key, or the free one where it would go.
static size_t
slot_of(const struct keys *keys, const uint8_t key[KEY_LEN])
{
    uint64_t hash;
    size_t slot;

    crypto_shorthash((unsigned char *)&hash, key, KEY_LEN, keys->seed);
    slot = (size_t)hash & (keys->slots_len - 1);
    while (keys->slots[slot] != 0 &&
           memcmp(keys->entries[keys->slots[slot] - 1].key, key, KEY_LEN) != 0) {
        slot = (slot + 1) & (keys->slots_len - 1);
    }
    return slot;
}

static void
grow_slots(struct keys *keys)
{
    if (2 * (keys->len + 1) <= keys->slots_len) {
        return;
    }
    free(keys->slots);
    keys->slots_len *= 2;
    keys->slots = xcalloc(keys->slots_len, sizeof *keys->slots);
    for (size_t i = 0; i < keys->len; i++) {
        keys->slots[slot_of(keys, keys->entries[i].key)] = keys->entries[i].id;
    }
}

static struct key_entry *
add_entry(struct keys *keys, const uint8_t key[KEY_LEN])
{
    struct key_entry *entry;

    grow_slots(keys);
    if (keys->len == keys->size) {
        keys->size = keys->size * 2 + 64;
        keys->entries = realloc(keys->entries, keys->size * sizeof *keys->entries);
        CHECK(keys->entries != NULL);
    }
    entry = &keys->entries[keys->len];
    memset(entry, 0, sizeof *entry);
    memcpy(entry->key, key, KEY_LEN);
    key_hex(key, entry->hex);
    entry->id = (uint32_t)(keys->len + 1);
    keys->slots[slot_of(keys, key)] = entry->id;
    keys->len++;
    return entry;
}

static bool
take_row(const uint8_t key[KEY_LEN], const struct key_row *row, void *arg)
{
    struct keys *keys = arg;
    uint32_t id = keys->slots[slot_of(keys, key)];
    struct key_entry *entry = id != 0 ? &keys->entries[id - 1] : add_entry(keys, key);

    entry->row = *row;
    return true;
}

enum vg_status
keys_reload(struct keys *keys, struct txn *txn)
{
    return key_each(txn, take_row, keys);
}

const struct key_entry *
keys_find(const struct keys *keys, const uint8_t key[KEY_LEN])
{
    return keys_by_id(keys, keys->slots[slot_of(keys, key)]);
}

const struct key_entry *
keys_by_id(const struct keys *keys, uint32_t id)
{
    return id == 0 || id > keys->len ? NULL : &keys->entries[id - 1];
}

const struct key_entry *
keys_by_hex(const struct keys *keys, const char *hex)
{
    uint8_t key[KEY_LEN];
    size_t len = 0;

    if (sodium_hex2bin(key, sizeof key, hex, strlen(hex), NULL, &len, NULL) != 0 ||
        len != KEY_LEN) {
        return NULL;
    }
    return keys_find(keys, key);
}

size_t
keys_len(const struct keys *keys)
{
    return keys->len;
}

bool
key_is_valid(const struct key_entry *entry)
{
    return entry->row.revoked_us == 0;
}

void
keys_note_use(struct keys *keys, uint32_t id, int64_t now_us)
{
    CHECK(id != 0 && id <= keys->len);
    keys->entries[id - 1].used_us = now_us;
}

void
key_hex(const uint8_t key[KEY_LEN], char ret_text[KEY_HEX_LEN])
{
    sodium_bin2hex(ret_text, KEY_HEX_LEN, key, KEY_LEN);
}
