// SPDX-License-Identifier: EUPL-1.2
#include "store/anchors.h"

#include "store/store_internal.h"

enum vg_status
anchor_put(struct txn *txn, const struct anchor *anchor)
{
    struct key key = key_of_u32(anchor->day);

    return table_put(txn, TABLE_ANCHORS, &key,
                     (struct bytes){(const uint8_t *)anchor, sizeof *anchor}, 0);
}

enum vg_status
anchor_get(struct txn *txn, uint32_t day, struct anchor *ret_anchor)
{
    struct key key = key_of_u32(day);

    return table_get_struct(txn, TABLE_ANCHORS, &key, ret_anchor, sizeof *ret_anchor);
}

static enum vg_status
read_row(const struct cursor *cursor, struct anchor *ret_anchor)
{
    struct anchor anchor;

    if (cursor->key.len != sizeof anchor.day || cursor->value.len != sizeof anchor) {
        return VG_STORE_BROKEN;
    }
    memcpy(&anchor, cursor->value.at, sizeof anchor);
    if (anchor.day != read_be32(cursor->key.at)) {
        return VG_STORE_BROKEN;
    }
    *ret_anchor = anchor;
    return VG_OK;
}

enum vg_status
anchor_last(struct txn *txn, struct anchor *ret_anchor)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    enum vg_status status = cursor_open(txn, TABLE_ANCHORS, &cursor);

    if (status == VG_OK) {
        status = cursor_move(&cursor, MDB_LAST);
    }
    return status == VG_OK ? read_row(&cursor, ret_anchor) : status;
}

enum vg_status
anchors_each(struct txn *txn, anchor_fn each, void *arg)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    struct anchor anchor;
    enum vg_status status = cursor_open(txn, TABLE_ANCHORS, &cursor);

    if (status == VG_OK) {
        status = cursor_move(&cursor, MDB_FIRST);
    }
    while (status == VG_OK) {
        status = read_row(&cursor, &anchor);
        if (status != VG_OK || !each(&anchor, arg)) {
            return status;
        }
        status = cursor_move(&cursor, MDB_NEXT);
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}
