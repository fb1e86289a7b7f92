// SPDX-License-Identifier: EUPL-1.2
#include "store/correction.h"

#include "store/store_internal.h"

_Static_assert(sizeof(struct correction_row) == 16, "stored without holes");

enum vg_status
correction_get(struct txn *txn, uint64_t ticket, struct correction_row *ret_row)
{
    struct key key = key_of_u64(ticket);

    return table_get_struct(txn, TABLE_CORRECTIONS, &key, ret_row, sizeof *ret_row);
}

enum vg_status
correction_put(struct txn *txn, uint64_t ticket, const struct correction_row *row)
{
    struct key key = key_of_u64(ticket);

    return table_put(txn, TABLE_CORRECTIONS, &key,
                     (struct bytes){(const uint8_t *)row, sizeof *row}, 0);
}

static enum vg_status
read_row(const struct cursor *cursor, uint64_t *ret_ticket,
         struct correction_row *ret_row)
{
    if (cursor->key.len != sizeof *ret_ticket || cursor->value.len != sizeof *ret_row) {
        return VG_STORE_BROKEN;
    }
    *ret_ticket = read_be64(cursor->key.at);
    memcpy(ret_row, cursor->value.at, sizeof *ret_row);
    return VG_OK;
}

enum vg_status
corrections_trim(struct txn *txn, uint64_t through)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    enum vg_status status = cursor_open(txn, TABLE_CORRECTIONS, &cursor);

    while (status == VG_OK) {
        struct correction_row row;
        uint64_t ticket = 0;

        status = cursor_move(&cursor, MDB_FIRST);
        if (status == VG_OK) {
            status = read_row(&cursor, &ticket, &row);
        }
        if (status == VG_OK && ticket > through) {
            return VG_OK;
        }
        if (status == VG_OK) {
            status = cursor_erase(&cursor);
        }
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

enum vg_status
corrections_each(struct txn *txn, correction_fn each, void *arg)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    enum vg_status status = cursor_open(txn, TABLE_CORRECTIONS, &cursor);

    if (status == VG_OK) {
        status = cursor_move(&cursor, MDB_FIRST);
    }
    while (status == VG_OK) {
        struct correction_row row;
        uint64_t ticket = 0;

        status = read_row(&cursor, &ticket, &row);
        if (status == VG_OK && !each(ticket, &row, arg)) {
            return VG_OK;
        }
        if (status == VG_OK) {
            status = cursor_move(&cursor, MDB_NEXT);
        }
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}
