// SPDX-License-Identifier: EUPL-1.2
#include "store/withdrawn.h"

#include "store/store_internal.h"

_Static_assert(sizeof(struct withdrawn_row) == 24, "stored without holes");

enum { WITHDRAWN_KEY_LEN = sizeof(uint64_t) + sizeof(uint32_t) };

enum vg_status
withdrawn_get(struct txn *txn, uint64_t ticket, struct mailbox_id mailbox,
              struct withdrawn_row *ret_row)
{
    struct key key = key_of_u64_u32(ticket, mailbox.number);

    return table_get_struct(txn, TABLE_WITHDRAWN, &key, ret_row, sizeof *ret_row);
}

enum vg_status
withdrawn_put(struct txn *txn, uint64_t ticket, struct mailbox_id mailbox,
              const struct withdrawn_row *row)
{
    struct key key = key_of_u64_u32(ticket, mailbox.number);

    return table_put(txn, TABLE_WITHDRAWN, &key,
                     (struct bytes){(const uint8_t *)row, sizeof *row}, 0);
}

enum vg_status
withdrawn_trim(struct txn *txn, uint64_t through)
{
    return table_trim(txn, TABLE_WITHDRAWN, WITHDRAWN_KEY_LEN,
                      sizeof(struct withdrawn_row), through);
}

struct withdrawn_call {
    withdrawn_fn each;
    void *arg;
};

static enum vg_status
give_row(struct bytes key, struct bytes value, void *arg, bool *go_on)
{
    const struct withdrawn_call *call = arg;
    struct mailbox_id mailbox;
    struct withdrawn_row row;

    if (key.len != WITHDRAWN_KEY_LEN || value.len != sizeof row) {
        return VG_STORE_BROKEN;
    }
    mailbox.number = read_be32(key.at + sizeof(uint64_t));
    memcpy(&row, value.at, sizeof row);
    *go_on = call->each(read_be64(key.at), mailbox, &row, call->arg);
    return VG_OK;
}

enum vg_status
withdrawn_each(struct txn *txn, withdrawn_fn each, void *arg)
{
    return table_each(txn, TABLE_WITHDRAWN, NULL, give_row,
                      &(struct withdrawn_call){each, arg});
}
