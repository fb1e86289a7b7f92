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

enum vg_status
corrections_trim(struct txn *txn, uint64_t through)
{
    return table_trim(txn, TABLE_CORRECTIONS, sizeof through,
                      sizeof(struct correction_row), through);
}

struct correction_call {
    correction_fn each;
    void *arg;
};

static enum vg_status
give_row(struct bytes key, struct bytes value, void *arg, bool *go_on)
{
    const struct correction_call *call = arg;
    struct correction_row row;

    if (key.len != sizeof(uint64_t) || value.len != sizeof row) {
        return VG_STORE_BROKEN;
    }
    memcpy(&row, value.at, sizeof row);
    *go_on = call->each(read_be64(key.at), &row, call->arg);
    return VG_OK;
}

enum vg_status
corrections_each(struct txn *txn, correction_fn each, void *arg)
{
    return table_each(txn, TABLE_CORRECTIONS, NULL, give_row,
                      &(struct correction_call){each, arg});
}
