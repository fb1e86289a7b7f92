// SPDX-License-Identifier: EUPL-1.2
#include "store/upgrade.h"

#include "store/mailbox.h"
#include "store/registry.h"

#include <stddef.h>

// Schema 2 only added to the ends of its rows: what schema 1 wrote ends here.
enum {
    MAILBOX_ROW_1 = offsetof(struct mailbox_row, held),
    META_1 = offsetof(struct meta, first_commit),
};

// Copies a row of schema 1 over the beginning of *ret, which holds what is new.
static enum vg_status
read_row_1(struct txn *txn, enum table table, const struct key *key, void *ret,
           size_t len)
{
    struct bytes value;
    enum vg_status status = table_get(txn, table, key, &value);

    if (status == VG_OK && value.len != len) {
        return VG_STORE_BROKEN;
    }
    if (status == VG_OK) {
        memcpy(ret, value.at, len);
    }
    return status;
}

// The first mailbox with a row whose number is at least `from`: VG_NOT_FOUND if none.
static enum vg_status
next_mailbox(struct txn *txn, uint32_t from, uint32_t *ret_mailbox)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    struct key key = key_of_u32(from);
    enum vg_status status = cursor_open(txn, TABLE_MAILBOXES, &cursor);

    if (status == VG_OK) {
        status = cursor_seek(&cursor, &key);
    }
    if (status == VG_OK && cursor.key.len != key.len) {
        return VG_STORE_BROKEN;
    }
    if (status == VG_OK) {
        *ret_mailbox = read_be32(cursor.key.at);
    }
    return status;
}

static enum vg_status
upgrade_mailbox_1(struct txn *txn, uint32_t mailbox)
{
    struct mailbox_row row = {.held = 0};
    struct key key = key_of_u32(mailbox);
    enum vg_status status = read_row_1(txn, TABLE_MAILBOXES, &key, &row, MAILBOX_ROW_1);

    return status == VG_OK ? mailbox_put(txn, (struct mailbox_id){mailbox}, &row)
                           : status;
}

static enum vg_status
upgrade_mailboxes_1(struct txn *txn)
{
    uint32_t mailbox = 0;
    enum vg_status status = next_mailbox(txn, 0, &mailbox);

    while (status == VG_OK) {
        status = upgrade_mailbox_1(txn, mailbox);
        if (status == VG_OK && mailbox == UINT32_MAX) {
            return VG_OK;
        }
        if (status == VG_OK) {
            status = next_mailbox(txn, mailbox + 1, &mailbox);
        }
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

// The first row of the backlog at or after a place: VG_NOT_FOUND if none.
static enum vg_status
read_backlog_1(struct txn *txn, struct mailbox_id *mailbox, uint64_t *number,
               struct letter *ret_letters, size_t *ret_len)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    struct key key = key_of_u32_u64(mailbox->number, *number);
    enum vg_status status = cursor_open(txn, TABLE_BACKLOG, &cursor);

    if (status == VG_OK) {
        status = cursor_seek(&cursor, &key);
    }
    if (status != VG_OK) {
        return status;
    }
    *ret_len = cursor.value.len / sizeof *ret_letters;
    if (cursor.key.len != key.len || *ret_len == 0 || *ret_len > LETTERS_PER_ROW ||
        cursor.value.len != *ret_len * sizeof *ret_letters) {
        return VG_STORE_BROKEN;
    }
    mailbox->number = read_be32(cursor.key.at);
    *number = read_be64(cursor.key.at + sizeof mailbox->number);
    memcpy(ret_letters, cursor.value.at, cursor.value.len);
    return ret_letters[0].number == *number ? VG_OK : VG_STORE_BROKEN;
}

static enum vg_status
upgrade_backlog_1(struct txn *txn)
{
    struct letter letters[LETTERS_PER_ROW];
    struct mailbox_id mailbox = {0};
    uint64_t number = 0;
    size_t len = 0;
    enum vg_status status = read_backlog_1(txn, &mailbox, &number, letters, &len);

    while (status == VG_OK) {
        status = backlog_put(txn, mailbox, letters, len);
        number++;
        if (status == VG_OK) {
            status = read_backlog_1(txn, &mailbox, &number, letters, &len);
        }
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

static enum vg_status
upgrade_meta_1(struct txn *txn)
{
    struct meta meta = {.first_commit = 1, .first_block = 1};
    struct key key = meta_key();
    enum vg_status status = read_row_1(txn, TABLE_META, &key, &meta, META_1);

    if (status == VG_OK) {
        status = meta_put(txn, &meta);
    }
    return status == VG_OK ? incarnation_new(txn, 0, 0) : status;
}

// A row of the tables "producers" and "heard": institution, number, and a struct.
struct row_5 {
    struct institution_id institution;
    uint32_t number;
    union {
        struct producer_row producer;
        struct heard heard;
    };
};

_Static_assert(sizeof(struct producer_row) == sizeof(struct heard),
               "both are read alike");

// Takes the first row out. VG_NOT_FOUND: there is none.
static enum vg_status
take_row_5(struct cursor *cursor, struct row_5 *ret_row)
{
    enum vg_status status = cursor_move(cursor, MDB_FIRST);

    if (status != VG_OK) {
        return status;
    }
    if (cursor->key.len != 2 * sizeof(uint32_t) ||
        cursor->value.len != sizeof ret_row->heard) {
        return VG_STORE_BROKEN;
    }
    ret_row->institution.number = read_be32(cursor->key.at);
    ret_row->number = read_be32(cursor->key.at + sizeof(uint32_t));
    memcpy(&ret_row->heard, cursor->value.at, sizeof ret_row->heard);
    return cursor_erase(cursor);
}

static enum vg_status
upgrade_sources_5(struct txn *txn, enum table table)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    struct row_5 row;
    enum vg_status status = cursor_open(txn, table, &cursor);

    while (status == VG_OK && (status = take_row_5(&cursor, &row)) == VG_OK) {
        if (table == TABLE_PRODUCERS) {
            status = producer_put(txn, row.institution, row.number, &row.producer);
        } else {
            status =
                row.number > UINT16_MAX
                    ? VG_STORE_BROKEN
                    : heard_put(txn, row.institution, (uint16_t)row.number, &row.heard);
        }
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

enum vg_status
store_upgrade(struct txn *txn, uint32_t from, struct why *why)
{
    enum vg_status status = VG_OK;

    if (from < 2) {
        status = upgrade_meta_1(txn);
    }
    if (status == VG_OK && from < 2) {
        status = upgrade_mailboxes_1(txn);
    }
    if (status == VG_OK && from < 2) {
        status = upgrade_backlog_1(txn);
    }
    if (status == VG_OK) {
        status = upgrade_sources_5(txn, TABLE_PRODUCERS);
    }
    if (status == VG_OK) {
        status = upgrade_sources_5(txn, TABLE_HEARD);
    }
    if (status == VG_OK) {
        status = schema_put(txn, STORE_SCHEMA);
    }
    if (status != VG_OK) {
        return fail(why, status == VG_NOT_FOUND ? VG_STORE_BROKEN : status,
                    "its rows of schema %u could not be brought to schema %d", from,
                    STORE_SCHEMA);
    }
    return VG_OK;
}
