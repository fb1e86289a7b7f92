// SPDX-License-Identifier: EUPL-1.2
#include "store/bodies.h"

#include "store/store_internal.h"

// What stands before the first body of a block, as drawn in bodies.h.
struct block_head {
    uint64_t checksum; // of the rest
    uint32_t used;     // bytes in all
    uint32_t zero;
};

_Static_assert(sizeof(struct block_head) == 16, "stored without holes");
_Static_assert((unsigned)BLOCK_MAX == (unsigned)VALUE_MAX, "a block is one value");

enum { LENGTH_BYTES = 4, OFFSET_BITS = 16, OFFSET_MASK = 0xffff, CACHE_LINE = 64 };

enum { HINT_BYTES = 256 }; // of the next body

// ---- writing ----

static enum vg_status
write_block(struct txn *txn, struct body_writer *writer)
{
    struct buffer *block = &writer->block;
    struct block_head head = {.used = (uint32_t)block->len};
    struct key key = key_of_u64(writer->next);

    memcpy(block->at, &head, sizeof head);
    head.checksum =
        checksum_of(block->at + sizeof head.checksum, block->len - sizeof head.checksum);
    memcpy(block->at, &head, sizeof head);

    enum vg_status status = table_put(txn, TABLE_BODIES, &key,
                                      (struct bytes){block->at, block->len}, MDB_APPEND);

    if (status == VG_OK) {
        writer->bytes += block->len;
        writer->next++;
        buffer_clear(block);
    }
    return status;
}

enum vg_status
body_reserve(struct txn *txn, struct body_writer *writer, size_t len, uint8_t **ret_at)
{
    struct buffer *block = &writer->block;

    CHECK(len <= BODY_MAX && writer->next > 0);
    if (block->len > 0 && block->len + LENGTH_BYTES + len > BLOCK_MAX) {
        enum vg_status status = write_block(txn, writer);

        if (status != VG_OK) {
            return status;
        }
    }
    if (block->len == 0) {
        buffer_reserve(block, BLOCK_MAX);
        block->len = sizeof(struct block_head);
    }
    *ret_at = block->at + block->len + LENGTH_BYTES;
    return VG_OK;
}

uint64_t
body_done(struct body_writer *writer, size_t len)
{
    struct buffer *block = &writer->block;
    uint64_t address = writer->next << OFFSET_BITS | block->len;
    uint32_t length = (uint32_t)len;

    CHECK(block->len > 0 && block->len + LENGTH_BYTES + len <= BLOCK_MAX);
    memcpy(block->at + block->len, &length, sizeof length);
    block->len += LENGTH_BYTES + len;
    buffer_hint(block, HINT_BYTES);
    return address;
}

enum vg_status
bodies_flush(struct txn *txn, struct body_writer *writer, struct meta *meta)
{
    if (writer->block.len > sizeof(struct block_head)) {
        enum vg_status status = write_block(txn, writer);

        if (status != VG_OK) {
            return status;
        }
    }
    buffer_clear(&writer->block);
    meta->last_block = writer->next - 1;
    return VG_OK;
}

// ---- erasing ----

enum vg_status
bodies_erase(struct txn *txn, struct meta *meta, uint64_t through, size_t blocks_max,
             size_t *ret_blocks)
{
    size_t blocks = 0;

    CHECK(through <= meta->last_block);
    while (meta->first_block <= through && blocks < blocks_max) {
        struct key key = key_of_u64(meta->first_block);
        enum vg_status status = table_erase(txn, TABLE_BODIES, &key);

        if (status != VG_OK) {
            return status;
        }
        meta->first_block++;
        blocks++;
    }
    *ret_blocks = blocks;
    return VG_OK;
}

// ---- reading ----

static bool
is_sound(struct bytes block)
{
    struct block_head head;

    if (block.len < sizeof head) {
        return false;
    }
    memcpy(&head, block.at, sizeof head);
    return head.used == block.len &&
           head.checksum == checksum_of(block.at + sizeof head.checksum,
                                        block.len - sizeof head.checksum);
}

static enum vg_status
find_block(struct txn *txn, uint64_t number, struct bytes *ret_block)
{
    struct key key = key_of_u64(number);
    struct seen_block *seen = &txn->seen[number % SEEN_BLOCKS];
    enum vg_status status = VG_OK;

    if (seen->bytes.at != NULL && seen->number == number) {
        *ret_block = seen->bytes;
        return VG_OK;
    }
    status = table_get(txn, TABLE_BODIES, &key, ret_block);
    if (status == VG_OK && !txn->writes) {
        *seen = (struct seen_block){number, *ret_block};
    }
    return status;
}

// A block never changes and its number is never given again: one look is enough.
static enum vg_status
get_block(struct txn *txn, uint64_t number, struct bytes *ret_block)
{
    enum vg_status status = find_block(txn, number, ret_block);

    if (status != VG_OK || trusted_has(&txn->trusted, number)) {
        return status;
    }
    if (!is_sound(*ret_block)) {
        return VG_STORE_BROKEN;
    }
    trusted_add(&txn->trusted, number);
    return VG_OK;
}

// False when the bytes are no block or no body begins there.
static bool
find_body(struct bytes block, size_t offset, struct bytes *ret_body)
{
    struct block_head head;
    uint32_t length;

    if (block.len < sizeof head || offset < sizeof head ||
        offset + LENGTH_BYTES > block.len) {
        return false;
    }
    memcpy(&length, block.at + offset, sizeof length);
    if (length > block.len - offset - LENGTH_BYTES) {
        return false;
    }
    *ret_body = (struct bytes){block.at + offset + LENGTH_BYTES, length};
    return true;
}

enum vg_status
body_get(struct txn *txn, uint64_t address, struct bytes *ret_body)
{
    struct bytes block;
    enum vg_status status = get_block(txn, address >> OFFSET_BITS, &block);

    if (status != VG_OK) {
        return status;
    }
    return find_body(block, address & OFFSET_MASK, ret_body) ? VG_OK : VG_STORE_BROKEN;
}

void
body_hint(struct txn *txn, uint64_t address, size_t len)
{
    size_t begin = address & OFFSET_MASK;
    size_t end = begin + LENGTH_BYTES + len;
    struct bytes block;

    if (txn->writes || find_block(txn, address >> OFFSET_BITS, &block) != VG_OK) {
        return;
    }
    for (size_t at = begin; at < end && at < block.len; at += CACHE_LINE) {
        __builtin_prefetch(block.at + at);
    }
}

enum vg_status
bodies_copy_block(struct txn *from, struct txn *to, uint64_t block)
{
    struct key key = key_of_u64(block);
    struct bytes bytes;
    enum vg_status status = table_get(from, TABLE_BODIES, &key, &bytes);

    return status == VG_OK ? table_put(to, TABLE_BODIES, &key, bytes, 0) : status;
}

void
bodies_distrust(struct txn *txn, uint64_t block)
{
    trusted_drop(&txn->trusted, block);
}

enum vg_status
bodies_check_block(struct txn *txn, uint64_t block, struct why *why)
{
    struct key key = key_of_u64(block);
    struct bytes bytes;
    enum vg_status status = table_get(txn, TABLE_BODIES, &key, &bytes);

    if (status == VG_NOT_FOUND) {
        return fail(why, status, "block %llu is missing", (unsigned long long)block);
    }
    if (status != VG_OK) {
        return fail(why, status, "block %llu could not be read",
                    (unsigned long long)block);
    }
    if (bytes.len < sizeof(struct block_head)) {
        return fail(why, VG_STORE_BROKEN, "block %llu has only %zu bytes",
                    (unsigned long long)block, bytes.len);
    }
    return is_sound(bytes)
               ? VG_OK
               : fail(why, VG_STORE_BROKEN, "block %llu: its checksum does not hold",
                      (unsigned long long)block);
}
