// SPDX-License-Identifier: EUPL-1.2
#include "store/lapses.h"

#include "store/store_internal.h"

_Static_assert(sizeof(struct lapse_row) == 16, "stored without holes");

static struct key
word_key(const char *word)
{
    struct key key = {.len = 0};

    key_add(&key, word, strlen(word));
    return key;
}

enum vg_status
lapse_row_get(struct txn *txn, struct lapse_row *ret_row)
{
    struct key key = word_key("walk");
    enum vg_status status =
        table_get_struct(txn, TABLE_LAPSES, &key, ret_row, sizeof *ret_row);

    if (status == VG_NOT_FOUND) {
        *ret_row = (struct lapse_row){DAY_EVER.number, DAY_EVER.number, 0};
        return VG_OK;
    }
    return status;
}

enum vg_status
lapse_row_put(struct txn *txn, const struct lapse_row *row)
{
    struct key key = word_key("walk");

    return table_put(txn, TABLE_LAPSES, &key,
                     (struct bytes){(const uint8_t *)row, sizeof *row}, 0);
}

enum vg_status
lapse_days_get(struct txn *txn, void *ret, size_t *ret_len)
{
    struct key key = word_key("days");
    struct bytes value = {NULL, 0};
    enum vg_status status = table_get(txn, TABLE_LAPSES, &key, &value);

    if (status != VG_OK && status != VG_NOT_FOUND) {
        return status;
    }
    if (value.len > *ret_len) {
        return VG_STORE_BROKEN;
    }
    if (value.len > 0) {
        memcpy(ret, value.at, value.len);
    }
    *ret_len = value.len;
    return VG_OK;
}

enum vg_status
lapse_days_put(struct txn *txn, const void *days, size_t len)
{
    struct key key = word_key("days");

    return len == 0 ? table_erase(txn, TABLE_LAPSES, &key)
                    : table_put(txn, TABLE_LAPSES, &key, (struct bytes){days, len}, 0);
}

enum vg_status
lapse_mark(struct txn *txn, struct niss niss)
{
    static const uint64_t one = 1;
    struct key key = key_of_u64(niss.number);

    return table_put(txn, TABLE_LAPSES, &key,
                     (struct bytes){(const uint8_t *)&one, sizeof one}, 0);
}

enum vg_status
lapse_is_marked(struct txn *txn, struct niss niss, bool *ret_marked)
{
    struct key key = key_of_u64(niss.number);
    struct bytes value;
    enum vg_status status = table_get(txn, TABLE_LAPSES, &key, &value);

    *ret_marked = status == VG_OK;
    return status == VG_NOT_FOUND ? VG_OK : status;
}

enum vg_status
lapse_forget_marks(struct txn *txn)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    struct key first = key_of_u64(0);
    enum vg_status status = cursor_open(txn, TABLE_LAPSES, &cursor);

    if (status == VG_OK) {
        status = cursor_seek(&cursor, &first);
    }
    // Person numbers begin with zero bytes, words do not.
    while (status == VG_OK && cursor.key.len == sizeof(uint64_t)) {
        status = cursor_erase(&cursor);
        if (status == VG_OK) {
            status = cursor_seek(&cursor, &first);
        }
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}
