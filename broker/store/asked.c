// SPDX-License-Identifier: EUPL-1.2
#include "store/asked.h"

#include "store/store_internal.h"

_Static_assert(sizeof(struct asked_row) == 40, "stored without holes");

enum { ASKED_KEY_LEN = sizeof(uint64_t) + sizeof(uint32_t) };

enum vg_status
asked_get(struct txn *txn, uint64_t ticket, struct mailbox_id mailbox,
          struct asked_row *ret_row)
{
    struct key key = key_of_u64_u32(ticket, mailbox.number);

    return table_get_struct(txn, TABLE_ASKED, &key, ret_row, sizeof *ret_row);
}

enum vg_status
asked_put(struct txn *txn, uint64_t ticket, struct mailbox_id mailbox,
          const struct asked_row *row)
{
    struct key key = key_of_u64_u32(ticket, mailbox.number);

    return table_put(txn, TABLE_ASKED, &key,
                     (struct bytes){(const uint8_t *)row, sizeof *row}, 0);
}

enum vg_status
asked_erase(struct txn *txn, uint64_t ticket, struct mailbox_id mailbox)
{
    struct key key = key_of_u64_u32(ticket, mailbox.number);

    return table_erase(txn, TABLE_ASKED, &key);
}

enum vg_status
asked_trim(struct txn *txn, uint64_t through)
{
    return table_trim(txn, TABLE_ASKED, ASKED_KEY_LEN, sizeof(struct asked_row), through);
}

struct asked_call {
    asked_fn each;
    void *arg;
};

static enum vg_status
give_row(struct bytes key, struct bytes value, void *arg, bool *go_on)
{
    const struct asked_call *call = arg;
    struct mailbox_id mailbox;
    struct asked_row row;

    if (key.len != ASKED_KEY_LEN || value.len != sizeof row) {
        return VG_STORE_BROKEN;
    }
    mailbox.number = read_be32(key.at + sizeof(uint64_t));
    memcpy(&row, value.at, sizeof row);
    *go_on = call->each(read_be64(key.at), mailbox, &row, call->arg);
    return VG_OK;
}

enum vg_status
asked_each(struct txn *txn, uint64_t from, asked_fn each, void *arg)
{
    struct key key = key_of_u64(from);

    return table_each(txn, TABLE_ASKED, &key, give_row, &(struct asked_call){each, arg});
}
