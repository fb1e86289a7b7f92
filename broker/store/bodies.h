// SPDX-License-Identifier: EUPL-1.2
// bodies.h - the contents of notifications, stored once per distinct set of fields as the
// bytes that go on the wire, packed into blocks (three times cheaper than a row each).
//
//  table "bodies", key: u64 BE block number, value (at most BLOCK_MAX bytes):
//    u64 XXH3 of the rest | u32 bytes used in all | u32 zero | { u32 length | bytes } ...
//
//  A body's address is block << 16 | offset of its length field.
//  Blocks are in order of time, those of a commit before those of the next.
#ifndef STORE_BODIES_H
#define STORE_BODIES_H

#include "base/buffer.h"
#include "store/meta.h"

enum { BLOCK_MAX = 65512, BODY_MAX = 32768 };

// body_block is the block that a body's address lies in.
static inline uint64_t
body_block(uint64_t address)
{
    return address >> 16;
}

// Blocks of one transaction being filled. Zero it before use; `next` is meta.last_block
// + 1.
struct body_writer {
    struct buffer block; // the one being filled
    uint64_t next;
    uint64_t bytes; // written in this transaction
};

// body_reserve makes room for a body of at most len bytes (at most BODY_MAX) and returns
// where to write it; body_done says how long it became and gives its address.
// Between the two, nothing else may be called on the writer.
NODISCARD enum vg_status body_reserve(struct txn *txn, struct body_writer *writer,
                                      size_t len, uint8_t **ret_at);
uint64_t body_done(struct body_writer *writer, size_t len);

// bodies_flush writes the last block and sets meta->last_block.
// Durable: with the transaction's commit.
NODISCARD enum vg_status bodies_flush(struct txn *txn, struct body_writer *writer,
                                      struct meta *meta);

// body_get lends a body until the transaction rests or ends. The block's checksum is
// checked when the transaction first reads it, and remembered while it rests
// (store/trusted.h). Returns VG_OK, VG_NOT_FOUND, VG_STORE_BROKEN (nothing of a damaged
// block is lent).
NODISCARD enum vg_status body_get(struct txn *txn, uint64_t address,
                                  struct bytes *ret_body);
// body_hint fetches a body of about len bytes towards the cache. Letters of one mailbox
// lie far from one another: ask a few ahead of body_get. In a write transaction it does nothing.
void body_hint(struct txn *txn, uint64_t address, size_t len);
// bodies_copy_block copies a block as it stands, sound or not, from another store.
// Durable: with the transaction's commit. VG_NOT_FOUND: the other store has none.
NODISCARD enum vg_status bodies_copy_block(struct txn *from, struct txn *to,
                                           uint64_t block);
// bodies_erase erases whole blocks from meta->first_block up to `through`, at most
// blocks_max of them, and moves meta->first_block. Nothing that is still needed may lie in
// them: move it first.
// Durable: with the transaction's commit. LMDB then uses their pages again; until it does,
// the bytes stand in the file.
NODISCARD enum vg_status bodies_erase(struct txn *txn, struct meta *meta,
                                      uint64_t through, size_t blocks_max,
                                      size_t *ret_blocks);
// bodies_check_block reads a block and its checksum, remembered or not.
NODISCARD enum vg_status bodies_check_block(struct txn *txn, uint64_t block,
                                            struct why *why);
// bodies_distrust forgets that a block's checksum held: somebody else has seen it fail.
void bodies_distrust(struct txn *txn, uint64_t block);

#endif
