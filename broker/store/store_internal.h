// SPDX-License-Identifier: EUPL-1.2
// store_internal.h - tables and rows, for the .c files of this layer (and its fuzz
// target). Nobody else sees LMDB.
#ifndef STORE_STORE_INTERNAL_H
#define STORE_STORE_INTERNAL_H

#include "base/buffer.h"
#include "store/lmdb_calls.h"
#include "store/store.h"
#include "store/trusted.h"
#include "values/niss.h"

#include <endian.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "structs are stored as is");

// A value of 65,512 bytes and LMDB's page header are sixteen pages.
enum { VALUE_MAX = 65512, CATALOGUE_VALUE_MAX = 16 + (4 << 20) };

// What stands before the items of a journal record; its key is commit << 16 | part.
enum { RECORD_HEAD_LEN = 64, PART_BITS = 16 };

// Inside a store's folder while a backup is being restored into it.
#define STORE_RESTORING "restoring"

// How the journal tells a change: by items that say what happened, or by the rows
// themselves. The order is stored in journal records: a new table goes to the end.
enum table_told { ITEMS, ROWS };

// name, name in the file, LMDB's flags, largest value, schema that it came with, told by.
// PRODUCERS and HEARD are empty since schema 6.
#define STORE_TABLES(ROW)                                                                \
    ROW(META, "meta", 0, 4080, 1, ITEMS)                                                 \
    ROW(COMMITS, "commits", 0, VALUE_MAX, 1, ITEMS)                                      \
    ROW(BODIES, "bodies", 0, VALUE_MAX, 1, ITEMS)                                        \
    ROW(MAILBOXES, "mailboxes", 0, 4080, 1, ITEMS)                                       \
    ROW(ACKNOWLEDGED, "acknowledged", 0, VALUE_MAX, 1, ITEMS)                            \
    ROW(BACKLOG, "backlog", 0, 4080, 1, ITEMS)                                           \
    ROW(PERSONS, "persons", MDB_INTEGERKEY, VALUE_MAX, 1, ITEMS)                         \
    ROW(REPLACED, "replaced", 0, 4080, 1, ITEMS)                                         \
    ROW(INSTITUTIONS, "institutions", 0, 4080, 1, ROWS)                                  \
    ROW(KEYS, "keys", 0, 4080, 1, ROWS)                                                  \
    ROW(SPECS, "specs", 0, 4080, 1, ROWS)                                                \
    ROW(PRODUCERS, "producers", 0, 4080, 1, ITEMS)                                       \
    ROW(REFUSALS, "refusals", 0, 4080, 1, ROWS)                                          \
    ROW(CATALOGUES, "catalogues", 0, CATALOGUE_VALUE_MAX, 1, ROWS)                       \
    ROW(HELD, "held", 0, 4080, 2, ROWS)                                                  \
    ROW(LIMITS, "limits", 0, 4080, 2, ROWS)                                              \
    ROW(COUNTED, "counted", 0, 4080, 2, ITEMS)                                           \
    ROW(HELD_SUBJECTS, "held_subjects", 0, 4080, 2, ROWS)                                \
    ROW(CORRECTIONS, "corrections", 0, 4080, 3, ROWS)                                    \
    ROW(EXCHANGES, "exchanges", 0, 4080, 3, ITEMS)                                       \
    ROW(ASKED, "asked", 0, 4080, 3, ROWS)                                                \
    ROW(LAPSES, "lapses", 0, 4080, 3, ROWS)                                              \
    ROW(HEARD, "heard", 0, 4080, 3, ITEMS)                                               \
    ROW(ANCHORS, "anchors", 0, 4080, 4, ROWS)                                            \
    ROW(MAILBOX_RULES, "mailbox_rules", 0, 4080, 4, ROWS)                                \
    ROW(CAUGHT, "caught", 0, 4080, 4, ROWS)                                              \
    ROW(MERGED, "merged", 0, 4080, 5, ROWS)                                              \
    ROW(WITHDRAWN, "withdrawn", 0, 4080, 5, ROWS)

enum table {
#define STORE_TABLE_ENUM(name, text, flags, value_max, since, told) TABLE_##name,
    STORE_TABLES(STORE_TABLE_ENUM)
#undef STORE_TABLE_ENUM
        TABLES
};

enum { SEEN_BLOCKS = 128 }; // a power of two
enum { CHANGED_BITS = 4096 };

struct txn {
    struct store *store;
    MDB_txn *mdb;
    bool writes;
    bool rests;
    enum vg_status lost; // why it cannot be committed any more, VG_OK: it can
    // Where blocks lie, by number: the letters of a mailbox lie in all the blocks of a
    // batch, one after the other. Only in a read transaction, where they stay.
    struct seen_block {
        uint64_t number;
        struct bytes bytes; // at NULL: none
    } seen[SEEN_BLOCKS];
    struct trusted trusted;
    struct buffer rows; // items of rows that the journal's next record tells

    // Persons that this transaction may have changed: a bit for many of them.
    uint64_t changed_persons[CHANGED_BITS / 64];
};

// ---- keys ----

struct key {
    uint8_t at[32];
    size_t len;
};

static inline void
key_add(struct key *key, const void *bytes, size_t len)
{
    CHECK(key->len + len <= sizeof key->at);
    memcpy(key->at + key->len, bytes, len);
    key->len += len;
}

static inline void
key_add_u32(struct key *key, uint32_t number)
{
    uint32_t big = htobe32(number);

    key_add(key, &big, sizeof big);
}

static inline void
key_add_u64(struct key *key, uint64_t number)
{
    uint64_t big = htobe64(number);

    key_add(key, &big, sizeof big);
}

static inline struct key
key_of_u32(uint32_t number)
{
    struct key key = {.len = 0};

    key_add_u32(&key, number);
    return key;
}

static inline struct key
key_of_u64(uint64_t number)
{
    struct key key = {.len = 0};

    key_add_u64(&key, number);
    return key;
}

static inline struct key
key_of_u32_u64(uint32_t first, uint64_t second)
{
    struct key key = key_of_u32(first);

    key_add_u64(&key, second);
    return key;
}

static inline struct key
key_of_u64_u32(uint64_t first, uint32_t second)
{
    struct key key = key_of_u64(first);

    key_add_u32(&key, second);
    return key;
}

static inline uint32_t
read_be32(const uint8_t *at)
{
    uint32_t big;

    memcpy(&big, at, sizeof big);
    return be32toh(big);
}

static inline uint64_t
read_be64(const uint8_t *at)
{
    uint64_t big;

    memcpy(&big, at, sizeof big);
    return be64toh(big);
}

// ---- rows ----

// table_get lends a value until the transaction writes, rests or ends.
// Returns VG_OK, VG_NOT_FOUND, or why the store cannot go on.
NODISCARD enum vg_status table_get(struct txn *txn, enum table table,
                                   const struct key *key, struct bytes *ret_value);
// table_get_struct copies a value of exactly this length; VG_STORE_BROKEN if it has
// another one.
NODISCARD enum vg_status table_get_struct(struct txn *txn, enum table table,
                                          const struct key *key, void *ret, size_t len);
// table_put CHECKs the value's limit. flags: 0 or MDB_APPEND, when the key must come
// after all others; if it does not, the store is broken.
NODISCARD enum vg_status table_put(struct txn *txn, enum table table,
                                   const struct key *key, struct bytes value,
                                   unsigned flags);
// table_erase is content when there is no such row.
NODISCARD enum vg_status table_erase(struct txn *txn, enum table table,
                                     const struct key *key);
NODISCARD enum vg_status table_len(struct txn *txn, enum table table, uint64_t *ret_rows);

// table_each calls back for every row from this key on (NULL: from the first), in order of
// key, until the callback sets *go_on to false or says why a row cannot be read: that is
// returned. Nothing may be written meanwhile.
typedef enum vg_status (*row_fn)(struct bytes key, struct bytes value, void *arg,
                                 bool *go_on);
NODISCARD enum vg_status table_each(struct txn *txn, enum table table,
                                    const struct key *from, row_fn each, void *arg);
// table_trim erases the rows whose key begins with a u64 BE up to this one, all of them at
// the front. A key or a value (0: of any length) of another length there is
// VG_STORE_BROKEN.
NODISCARD enum vg_status table_trim(struct txn *txn, enum table table, size_t key_len,
                                    size_t value_len, uint64_t through);

size_t table_value_max(enum table table);
enum table_told table_told(enum table table);

// txn_note_row adds a row to what the journal's next record tells: table_put, table_erase
// and cursor_erase do in tables that are told by ROWS.
void txn_note_row(struct txn *txn, enum table table, const struct key *key,
                  struct bytes value, bool erased);

// A table's tree as the last commit left it, read behind LMDB's back (store/person_walk.c).
struct tree {
    const uint8_t *map; // page number 0
    uint64_t pages;     // no page at or after it may be touched
    uint64_t root;
    size_t page_bytes;
    uint16_t depth; // pages on the way to a row
};

// table_tree gives it until the transaction ends. False: use the library.
bool table_tree(struct txn *txn, enum table table, struct tree *ret_tree);
// table_tree_distrust makes table_tree false for ever: what was read there was wrong.
void table_tree_distrust(struct txn *txn);

// For store/person_walk.c, by store/person.c.
struct person;
NODISCARD enum vg_status read_person(struct bytes value, struct person *ret_person);
bool person_changed(const struct txn *txn, struct niss niss); // false: surely not

// A place in a table. cursor_close takes one that was never opened.
struct cursor {
    struct txn *txn;
    enum table table;
    MDB_cursor *mdb;
    struct bytes key; // of the row it stands on, lent as table_get does
    struct bytes value;
};

NODISCARD enum vg_status cursor_open(struct txn *txn, enum table table,
                                     struct cursor *ret_cursor);
void cursor_close(struct cursor *cursor);
// cursor_move goes to the first, last, next or previous row; VG_NOT_FOUND.
NODISCARD enum vg_status cursor_move(struct cursor *cursor, MDB_cursor_op move);
// cursor_seek goes to the first row whose key is not before this one; VG_NOT_FOUND.
NODISCARD enum vg_status cursor_seek(struct cursor *cursor, const struct key *key);
// cursor_erase erases the row it stands on; seek afterwards.
NODISCARD enum vg_status cursor_erase(struct cursor *cursor);

// store_copy writes the file as of the last commit to a descriptor. The writer waits while
// the two first pages are written and no longer.
NODISCARD enum vg_status store_copy(struct store *store, int fd, bool compact,
                                    struct why *why);

struct letter;
// backlog_put puts a row of letters, at most LETTERS_PER_ROW, with its checksum.
NODISCARD enum vg_status backlog_put(struct txn *txn, struct mailbox_id mailbox,
                                     const struct letter *letters, size_t len);

// The keys and rows of table "meta"; meta_create puts the first one of a new store.
struct key meta_key(void);
NODISCARD enum vg_status schema_put(struct txn *txn, uint32_t schema);
NODISCARD enum vg_status meta_create(struct txn *txn);

#endif
