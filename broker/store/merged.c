// SPDX-License-Identifier: EUPL-1.2
#include "store/merged.h"

#include "store/store_internal.h"

_Static_assert(sizeof(struct merged_head) == 16, "stored without holes");
_Static_assert(offsetof(struct merged_row, tickets) == sizeof(struct merged_head),
               "stored as they stand");

enum { MERGED_KEY_LEN = sizeof(uint64_t) + sizeof(uint32_t) };

static enum vg_status
read_value(struct bytes value, struct merged_row *ret_row)
{
    size_t len = value.len - sizeof ret_row->head;

    if (value.len < sizeof ret_row->head || len > sizeof ret_row->tickets) {
        return VG_STORE_BROKEN;
    }
    memcpy(&ret_row->head, value.at, sizeof ret_row->head);
    if (len != ret_row->head.len * sizeof ret_row->tickets[0]) {
        return VG_STORE_BROKEN;
    }
    memcpy(ret_row->tickets, value.at + sizeof ret_row->head, len);
    return VG_OK;
}

enum vg_status
merged_get(struct txn *txn, uint64_t ticket, struct mailbox_id mailbox,
           struct merged_row *ret_row)
{
    struct key key = key_of_u64_u32(ticket, mailbox.number);
    struct bytes value;
    enum vg_status status = table_get(txn, TABLE_MERGED, &key, &value);

    return status == VG_OK ? read_value(value, ret_row) : status;
}

enum vg_status
merged_put(struct txn *txn, uint64_t ticket, struct mailbox_id mailbox,
           const struct merged_row *row)
{
    struct key key = key_of_u64_u32(ticket, mailbox.number);

    CHECK(row->head.len <= MERGED_MAX);
    return table_put(
        txn, TABLE_MERGED, &key,
        (struct bytes){(const uint8_t *)row,
                       sizeof row->head + row->head.len * sizeof row->tickets[0]},
        0);
}

enum vg_status
merged_erase(struct txn *txn, uint64_t ticket, struct mailbox_id mailbox)
{
    struct key key = key_of_u64_u32(ticket, mailbox.number);

    return table_erase(txn, TABLE_MERGED, &key);
}

enum vg_status
merged_trim(struct txn *txn, uint64_t through)
{
    return table_trim(txn, TABLE_MERGED, MERGED_KEY_LEN, 0, through);
}

struct merged_call {
    merged_fn each;
    void *arg;
};

static enum vg_status
give_row(struct bytes key, struct bytes value, void *arg, bool *go_on)
{
    const struct merged_call *call = arg;
    struct merged_row row;
    enum vg_status status =
        key.len == MERGED_KEY_LEN ? read_value(value, &row) : VG_STORE_BROKEN;

    if (status == VG_OK) {
        *go_on = call->each(read_be64(key.at),
                            (struct mailbox_id){read_be32(key.at + sizeof(uint64_t))},
                            &row, call->arg);
    }
    return status;
}

enum vg_status
merged_each(struct txn *txn, uint64_t from, merged_fn each, void *arg)
{
    struct key key = key_of_u64(from);

    return table_each(txn, TABLE_MERGED, &key, give_row,
                      &(struct merged_call){each, arg});
}
