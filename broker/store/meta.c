// SPDX-License-Identifier: EUPL-1.2
#include "store/meta.h"

#include "store/store_internal.h"

_Static_assert(sizeof(struct meta) == 136, "stored without holes");

struct key
meta_key(void)
{
    struct key key = {.len = 0};

    key_add(&key, "meta", 4);
    return key;
}

enum vg_status
meta_get(struct txn *txn, struct meta *ret_meta, struct why *why)
{
    struct key key = meta_key();
    enum vg_status status =
        table_get_struct(txn, TABLE_META, &key, ret_meta, sizeof *ret_meta);

    if (status == VG_NOT_FOUND || status == VG_STORE_BROKEN) {
        return fail(why, VG_STORE_BROKEN, "the row \"meta\" is missing or not readable");
    }
    if (status != VG_OK) {
        return fail(why, status, "the row \"meta\" could not be read");
    }
    return VG_OK;
}

enum vg_status
meta_put(struct txn *txn, const struct meta *meta)
{
    struct key key = meta_key();

    return table_put(txn, TABLE_META, &key,
                     (struct bytes){(const uint8_t *)meta, sizeof *meta}, 0);
}

enum vg_status
meta_create(struct txn *txn)
{
    return meta_put(txn, &(struct meta){.first_commit = 1, .first_block = 1});
}
