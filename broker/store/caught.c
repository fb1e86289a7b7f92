// SPDX-License-Identifier: EUPL-1.2
#include "store/caught.h"

#include "store/store_internal.h"

_Static_assert(sizeof(struct caught_row) == 32, "stored without holes");

static struct key
caught_key(uint64_t ticket, struct mailbox_id mailbox)
{
    struct key key = key_of_u64(ticket);

    key_add_u32(&key, mailbox.number);
    return key;
}

enum vg_status
caught_put(struct txn *txn, uint64_t ticket, struct mailbox_id mailbox,
           const struct caught_row *row)
{
    struct key key = caught_key(ticket, mailbox);

    return table_put(txn, TABLE_CAUGHT, &key,
                     (struct bytes){(const uint8_t *)row, sizeof *row}, 0);
}

static enum vg_status
read_row(const struct cursor *cursor, uint64_t *ret_ticket,
         struct mailbox_id *ret_mailbox, struct caught_row *ret_row)
{
    if (cursor->key.len != sizeof *ret_ticket + sizeof ret_mailbox->number ||
        cursor->value.len != sizeof *ret_row) {
        return VG_STORE_BROKEN;
    }
    *ret_ticket = read_be64(cursor->key.at);
    ret_mailbox->number = read_be32(cursor->key.at + sizeof *ret_ticket);
    memcpy(ret_row, cursor->value.at, sizeof *ret_row);
    return VG_OK;
}

enum vg_status
caught_trim(struct txn *txn, uint64_t through)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    enum vg_status status = cursor_open(txn, TABLE_CAUGHT, &cursor);

    while (status == VG_OK) {
        struct caught_row row;
        struct mailbox_id mailbox;
        uint64_t ticket = 0;

        status = cursor_move(&cursor, MDB_FIRST);
        if (status == VG_OK) {
            status = read_row(&cursor, &ticket, &mailbox, &row);
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
caught_each(struct txn *txn, uint64_t from, caught_fn each, void *arg)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    struct key key = caught_key(from, (struct mailbox_id){0});
    enum vg_status status = cursor_open(txn, TABLE_CAUGHT, &cursor);

    if (status == VG_OK) {
        status = cursor_seek(&cursor, &key);
    }
    while (status == VG_OK) {
        struct caught_row row;
        struct mailbox_id mailbox;
        uint64_t ticket = 0;

        status = read_row(&cursor, &ticket, &mailbox, &row);
        if (status == VG_OK && !each(ticket, mailbox, &row, arg)) {
            return VG_OK;
        }
        if (status == VG_OK) {
            status = cursor_move(&cursor, MDB_NEXT);
        }
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}
