// SPDX-License-Identifier: EUPL-1.2
#include "store/meta.h"

#include "store/store_internal.h"

#include <sys/random.h>

_Static_assert(sizeof(struct meta) == 176, "stored without holes");
_Static_assert(sizeof(struct incarnation) == 24, "stored without holes");

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

static struct key
incarnation_key(void)
{
    struct key key = {.len = 0};

    key_add(&key, "incarnation", 11);
    return key;
}

enum vg_status
incarnation_get(struct txn *txn, struct incarnation *ret)
{
    struct key key = incarnation_key();
    struct incarnation row = {.id = 0};
    enum vg_status status = table_get_struct(txn, TABLE_META, &key, &row, sizeof row);

    if (status != VG_OK && status != VG_NOT_FOUND) {
        return status;
    }
    *ret = row;
    return VG_OK;
}

enum vg_status
incarnation_new(struct txn *txn, uint64_t restored_commit, int64_t restored_us)
{
    struct key key = incarnation_key();
    struct incarnation row = {
        .restored_commit = restored_commit,
        .restored_us = restored_us,
    };

    CHECK(getrandom(&row.id, sizeof row.id, 0) == sizeof row.id);
    return table_put(txn, TABLE_META, &key,
                     (struct bytes){(const uint8_t *)&row, sizeof row}, 0);
}

enum vg_status
meta_create(struct txn *txn)
{
    enum vg_status status =
        meta_put(txn, &(struct meta){.first_commit = 1, .first_block = 1});

    return status == VG_OK ? incarnation_new(txn, 0, 0) : status;
}
