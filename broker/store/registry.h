// SPDX-License-Identifier: EUPL-1.2
// registry.h - small tables: institutions, keys, mailbox specifications, limits and rules,
// producers, what was heard of sources, refusals, catalogues.
//
//  "institutions"  u32 BE id                            -> struct institution
//  "keys"          32 bytes CURVE public key            -> struct key_row
//  "specs"         u32 BE mailbox                       -> struct spec_row, choices of 16 B
//  "limits"        u32 BE mailbox                       -> struct limits
//  "mailbox_rules" u32 BE mailbox -> struct mailbox_rules, unwanted_len of its list (schema 4)
//  "refusals"      u32 BE institution, u32 BE producer, u64 BE number -> u16 status, text
//  "catalogues"    u64 BE version          -> i64 loaded_us, i64 effective_us, text
//
//  In "meta" (store/meta.h), because each commit that keeps a mutation writes them with that
//  row, and every page it touches costs it a write of its own:
//  u8 0, u32 BE institution, u8 0, u32 BE producer      -> struct producer_row (schema 6)
//  u8 0, u32 BE institution, u8 1, u32 BE flow          -> struct heard (schema 6)
#ifndef STORE_REGISTRY_H
#define STORE_REGISTRY_H

#include "base/buffer.h"
#include "store/meta.h"
#include "values/limits.h"
#include "values/mailbox_rules.h"

// Each `_put` writes a row over the one with its key; each `_get` copies one out, VG_NOT_FOUND
// when there is none; each `_each` calls back in order of the keys until the callback says
// false, and lends what it gives for that call. VG_STORE_BROKEN: a row that makes no sense.
// Durable: with the transaction's commit.

NODISCARD enum vg_status institution_put(struct txn *txn,
                                         const struct institution *institution);
NODISCARD enum vg_status institution_get(struct txn *txn, struct institution_id id,
                                         struct institution *ret_institution);
typedef bool (*institution_fn)(const struct institution *institution, void *arg);
NODISCARD enum vg_status institution_each(struct txn *txn, institution_fn each,
                                          void *arg);

enum { KEY_LEN = 32, KEY_LABEL_LEN = 32 };
enum key_role { ROLE_SOURCE = 1, ROLE_MEMBER = 2, ROLE_OPERATOR = 4 }; // bits

// Valid keys of one institution and role: the one in use, and the next one meanwhile.
enum { KEYS_PER_USE_MAX = 2 };

struct key_row {
    uint32_t institution;
    uint32_t role; // one of enum key_role; a store of before may have several bits
    int64_t added_us;
    int64_t revoked_us; // 0: valid
    char label[KEY_LABEL_LEN];
};

NODISCARD enum vg_status key_put(struct txn *txn, const uint8_t key[KEY_LEN],
                                 const struct key_row *row);
NODISCARD enum vg_status key_get(struct txn *txn, const uint8_t key[KEY_LEN],
                                 struct key_row *ret_row); // VG_NOT_FOUND
typedef bool (*key_fn)(const uint8_t key[KEY_LEN], const struct key_row *row, void *arg);
NODISCARD enum vg_status key_each(struct txn *txn, key_fn each, void *arg);

enum { SPEC_NAME_LEN = 32, SPEC_CHOICES_MAX = 128 };

struct spec_choice {
    uint16_t flow;
    uint16_t reserved[3];
    uint64_t qualities; // bit q: code q
};

struct spec_row {
    uint32_t mailbox;
    uint32_t institution;
    char name[SPEC_NAME_LEN];
    uint32_t choices_len;
    uint32_t reserved;
    struct spec_choice choices[SPEC_CHOICES_MAX]; // only choices_len are stored
};

NODISCARD enum vg_status spec_put(struct txn *txn, const struct spec_row *row);
typedef bool (*spec_fn)(const struct spec_row *row, void *arg);
NODISCARD enum vg_status spec_each(struct txn *txn, spec_fn each, void *arg);

// A mailbox's own limits; limits_put without any erases the row.
NODISCARD enum vg_status limits_put(struct txn *txn, struct mailbox_id mailbox,
                                    const struct limits *limits);
// limits_get gives zeros for a mailbox that has none of its own.
NODISCARD enum vg_status limits_get(struct txn *txn, struct mailbox_id mailbox,
                                    struct limits *ret_limits);
typedef bool (*limits_fn)(struct mailbox_id mailbox, const struct limits *limits,
                          void *arg);
NODISCARD enum vg_status limits_each(struct txn *txn, limits_fn each, void *arg);

// A mailbox's own rules; rules_put without any erases the row.
NODISCARD enum vg_status rules_put(struct txn *txn, struct mailbox_id mailbox,
                                   const struct mailbox_rules *rules);
typedef bool (*rules_fn)(struct mailbox_id mailbox, const struct mailbox_rules *rules,
                         void *arg);
NODISCARD enum vg_status rules_each(struct txn *txn, rules_fn each, void *arg);

struct producer_row {
    uint64_t last_number;
    uint64_t last_ticket;
    int64_t last_us;
};

// producer_get gives zeros for one that never published.
NODISCARD enum vg_status producer_get(struct txn *txn, struct institution_id institution,
                                      uint32_t producer, struct producer_row *ret_row);
NODISCARD enum vg_status producer_put(struct txn *txn, struct institution_id institution,
                                      uint32_t producer, const struct producer_row *row);

// What a source has published of one flow, kept; counted from schema 3 on.
struct heard {
    int64_t last_us; // of the newest, when it was kept; 0: none yet
    uint64_t last_ticket;
    uint64_t mutations;
};

// heard_get gives zeros for a flow that the source never published.
NODISCARD enum vg_status heard_get(struct txn *txn, struct institution_id source,
                                   uint16_t flow, struct heard *ret_heard);
NODISCARD enum vg_status heard_put(struct txn *txn, struct institution_id source,
                                   uint16_t flow, const struct heard *heard);
typedef bool (*heard_fn)(struct institution_id source, uint16_t flow,
                         const struct heard *heard, void *arg);
NODISCARD enum vg_status heard_each(struct txn *txn, heard_fn each, void *arg);

// A refused number is remembered, so that a repeat gets the same answer.
NODISCARD enum vg_status refusal_put(struct txn *txn, struct institution_id institution,
                                     uint32_t producer, uint64_t number,
                                     enum vg_status status, const char *text);
NODISCARD enum vg_status refusal_get(struct txn *txn, struct institution_id institution,
                                     uint32_t producer, uint64_t number,
                                     enum vg_status *ret_status, struct why *ret_text);

struct catalogue_row {
    uint64_t version;
    int64_t loaded_us;
    int64_t effective_us;
};

NODISCARD enum vg_status catalogue_put(struct txn *txn, const struct catalogue_row *row,
                                       const char *text, size_t text_len);
// catalogue_get copies a version's text; VG_NOT_FOUND.
NODISCARD enum vg_status catalogue_get(struct txn *txn, uint64_t version,
                                       struct catalogue_row *ret_row,
                                       struct buffer *text);

#endif
