// SPDX-License-Identifier: EUPL-1.2
#include "store/caught.h"

#include "store/store_internal.h"

_Static_assert(sizeof(struct caught_row) == 32, "stored without holes");

enum { CAUGHT_KEY_LEN = sizeof(uint64_t) + sizeof(uint32_t) };

enum vg_status
caught_put(struct txn *txn, uint64_t ticket, struct mailbox_id mailbox,
           const struct caught_row *row)
{
    struct key key = key_of_u64_u32(ticket, mailbox.number);

    return table_put(txn, TABLE_CAUGHT, &key,
                     (struct bytes){(const uint8_t *)row, sizeof *row}, 0);
}

enum vg_status
caught_trim(struct txn *txn, uint64_t through)
{
    return table_trim(txn, TABLE_CAUGHT, CAUGHT_KEY_LEN, sizeof(struct caught_row),
                      through);
}

struct caught_call {
    caught_fn each;
    void *arg;
};

static enum vg_status
give_row(struct bytes key, struct bytes value, void *arg, bool *go_on)
{
    const struct caught_call *call = arg;
    struct mailbox_id mailbox;
    struct caught_row row;

    if (key.len != CAUGHT_KEY_LEN || value.len != sizeof row) {
        return VG_STORE_BROKEN;
    }
    mailbox.number = read_be32(key.at + sizeof(uint64_t));
    memcpy(&row, value.at, sizeof row);
    *go_on = call->each(read_be64(key.at), mailbox, &row, call->arg);
    return VG_OK;
}

enum vg_status
caught_each(struct txn *txn, uint64_t from, caught_fn each, void *arg)
{
    struct key key = key_of_u64(from);

    return table_each(txn, TABLE_CAUGHT, &key, give_row,
                      &(struct caught_call){each, arg});
}
