// SPDX-License-Identifier: EUPL-1.2
// keys.h - who may connect: the table of CURVE public keys, in memory.
//
// The store keeps the rows; the table is what ZAP asks at each handshake. A key is never
// erased, only revoked, so its place in the table (its id) is good for the life of the
// process. Thread: event loop.
#ifndef EDGE_KEYS_H
#define EDGE_KEYS_H

#include "store/registry.h"

enum { KEY_HEX_LEN = 2 * KEY_LEN + 1 };

struct key_entry {
    uint32_t id; // from 1
    uint8_t key[KEY_LEN];
    char hex[KEY_HEX_LEN]; // the User-Id of its connections
    struct key_row row;
    int64_t used_us; // a connection began with it; 0: not since the broker started
};

struct keys;

struct keys *keys_new(void); // Gives: keys_free
void keys_free(struct keys **keys);

// keys_reload reads all rows again: new keys are added, revoked ones are seen as such.
NODISCARD enum vg_status keys_reload(struct keys *keys, struct txn *txn);

// Questions lend until the next reload; NULL when there is no such key.
const struct key_entry *keys_find(const struct keys *keys, const uint8_t key[KEY_LEN]);
const struct key_entry *keys_by_id(const struct keys *keys, uint32_t id);
const struct key_entry *keys_by_hex(const struct keys *keys, const char *hex);
size_t keys_len(const struct keys *keys); // ids are 1 to this
bool key_is_valid(const struct key_entry *entry);

// keys_note_use remembers, while the broker lives, when a connection last began with it.
void keys_note_use(struct keys *keys, uint32_t id, int64_t now_us);

// key_hex writes a public key as on the wire and in the log.
void key_hex(const uint8_t key[KEY_LEN], char ret_text[KEY_HEX_LEN]);

#endif
