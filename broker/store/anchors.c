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
read_row(struct bytes key, struct bytes value, struct anchor *ret_anchor)
{
    struct anchor anchor;

    if (key.len != sizeof anchor.day || value.len != sizeof anchor) {
        return VG_STORE_BROKEN;
    }
    memcpy(&anchor, value.at, sizeof anchor);
    if (anchor.day != read_be32(key.at)) {
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
    return status == VG_OK ? read_row(cursor.key, cursor.value, ret_anchor) : status;
}

struct anchor_call {
    anchor_fn each;
    void *arg;
};

static enum vg_status
give_row(struct bytes key, struct bytes value, void *arg, bool *go_on)
{
    const struct anchor_call *call = arg;
    struct anchor anchor;
    enum vg_status status = read_row(key, value, &anchor);

    if (status == VG_OK) {
        *go_on = call->each(&anchor, call->arg);
    }
    return status;
}

enum vg_status
anchors_each(struct txn *txn, anchor_fn each, void *arg)
{
    return table_each(txn, TABLE_ANCHORS, NULL, give_row,
                      &(struct anchor_call){each, arg});
}
