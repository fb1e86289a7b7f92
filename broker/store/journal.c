// SPDX-License-Identifier: EUPL-1.2
#include "store/journal.h"

#include "store/store_internal.h"

// What stands before the items, as drawn in journal.h.
struct record_head {
    uint64_t commit;
    uint64_t batch;
    int64_t time_us;
    uint64_t items_len;
    struct hash previous;
};

struct item_head {
    uint8_t kind;
    uint8_t zero;
    uint16_t len;
};

_Static_assert(sizeof(struct record_head) == RECORD_HEAD_LEN, "stored without holes");
_Static_assert(sizeof(struct item_head) == 4, "stored without holes");
_Static_assert(sizeof(struct journal_event) == 48, "stored without holes");
_Static_assert(sizeof(struct journal_recipient) == 48, "stored without holes");
_Static_assert(sizeof(struct journal_refusal) == 32, "stored without holes");
_Static_assert(sizeof(struct journal_acknowledge) == 32, "stored without holes");
_Static_assert(sizeof(struct journal_held) == 72, "stored without holes");
_Static_assert(sizeof(struct journal_directory) == 40, "stored without holes");
_Static_assert(sizeof(struct journal_admin) == 24, "stored without holes");
_Static_assert(sizeof(struct journal_fold) == 16, "stored without holes");
_Static_assert(sizeof(struct journal_marked) == 16, "stored without holes");
_Static_assert(sizeof(struct journal_row) == 16, "stored without holes");
_Static_assert(sizeof(struct journal_replace) == 16, "stored without holes");
_Static_assert(sizeof(struct journal_moved) == 24, "stored without holes");
_Static_assert(sizeof(struct journal_expired) == 32, "stored without holes");
_Static_assert(sizeof(struct journal_indexed) == 56, "stored without holes");
_Static_assert(sizeof(struct journal_event) +
                       JOURNAL_RECIPIENTS_MAX * sizeof(struct journal_recipient) <=
                   UINT16_MAX,
               "an item's length is 16 bits");

enum { PARTS_MAX = 1 << PART_BITS };

// An event is mostly of one recipient or two.
enum { HINT_BYTES = 192 };

// ---- building ----

void
journal_begin(struct buffer *record, uint64_t commit, uint64_t batch, int64_t time_us,
              const struct hash *previous)
{
    struct record_head head = {
        .commit = commit,
        .batch = batch,
        .time_us = time_us,
        .previous = *previous,
    };

    buffer_clear(record);
    buffer_add(record, &head, sizeof head);
}

void
journal_add(struct buffer *record, enum journal_kind kind, const void *bytes, size_t len,
            const void *more, size_t more_len)
{
    CHECK(record->len >= sizeof(struct record_head));
    CHECK(len <= UINT16_MAX && more_len <= UINT16_MAX - len);

    struct item_head head = {.kind = (uint8_t)kind, .len = (uint16_t)(len + more_len)};

    buffer_add(record, &head, sizeof head);
    buffer_add(record, bytes, len);
    buffer_add(record, more, more_len);
}

size_t
journal_event_begin(struct buffer *record)
{
    size_t place = record->len;

    CHECK(place >= sizeof(struct record_head));
    buffer_reserve(record, sizeof(struct item_head) + sizeof(struct journal_event));
    record->len += sizeof(struct item_head) + sizeof(struct journal_event);
    return place;
}

// Copied whole, a struct whose fields were just stored is waited for until they have reached
// the cache, behind all stores before them: 60 ns a notification.
#define WRITE(at, from, field)                                                           \
    memcpy((at) + offsetof(__typeof__(*(from)), field), &(from)->field,                  \
           sizeof(from)->field)

void
journal_event_add(struct buffer *record, const struct journal_recipient *recipient)
{
    uint8_t *at = buffer_reserve(record, sizeof *recipient);

    WRITE(at, recipient, number);
    WRITE(at, recipient, body);
    WRITE(at, recipient, bytes_through);
    WRITE(at, recipient, mailbox);
    WRITE(at, recipient, institution);
    WRITE(at, recipient, size);
    WRITE(at, recipient, quality);
    WRITE(at, recipient, withheld);
    WRITE(at, recipient, begin);
    WRITE(at, recipient, end);
    record->len += sizeof *recipient;
}

void
journal_event_end(struct buffer *record, size_t place, const struct journal_event *event)
{
    size_t len = record->len - place - sizeof(struct item_head);
    struct item_head head = {.kind = JOURNAL_EVENT, .len = (uint16_t)len};
    uint8_t *at = record->at + place;

    CHECK(len == sizeof *event + event->recipients * sizeof(struct journal_recipient));
    memcpy(at, &head, sizeof head);
    at += sizeof head;
    WRITE(at, event, ticket);
    WRITE(at, event, niss);
    WRITE(at, event, number);
    WRITE(at, event, source);
    WRITE(at, event, producer);
    WRITE(at, event, catalogue);
    WRITE(at, event, flow);
    WRITE(at, event, recipients);
    WRITE(at, event, fields);
    WRITE(at, event, withheld_all);
    WRITE(at, event, again);
    buffer_hint(record, HINT_BYTES);
}

#undef WRITE

void
journal_add_before(struct buffer *record, size_t *place, enum journal_kind kind,
                   const void *bytes, size_t len)
{
    size_t begun = record->len - *place;
    size_t item = sizeof(struct item_head) + len;
    uint8_t *at = buffer_reserve(record, item) - begun;

    memmove(at + item, at, begun);
    record->len = *place;
    journal_add(record, kind, bytes, len, NULL, 0);
    *place = record->len;
    record->len += begun;
}

static void
add_item(struct buffer *items, enum journal_kind kind, const void *bytes, size_t len,
         struct bytes more, struct bytes last)
{
    struct item_head head = {.kind = (uint8_t)kind,
                             .len = (uint16_t)(len + more.len + last.len)};

    buffer_add(items, &head, sizeof head);
    buffer_add(items, bytes, len);
    buffer_add(items, more.at, more.len);
    buffer_add(items, last.at, last.len);
}

static void
add_row(struct buffer *items, enum table table, struct bytes key, struct bytes value,
        bool erased)
{
    struct journal_row row = {
        .table = (uint8_t)table,
        .erased = erased,
        .key_len = (uint16_t)key.len,
        .value_len = (uint32_t)value.len,
    };

    do {
        size_t left = value.len - row.offset;
        size_t len = left < JOURNAL_PIECE_MAX ? left : JOURNAL_PIECE_MAX;

        add_item(items, JOURNAL_ROW, &row, sizeof row, key,
                 (struct bytes){value.at + row.offset, len});
        row.offset += (uint32_t)len;
    } while (row.offset < value.len);
}

void
txn_note_row(struct txn *txn, enum table table, const struct key *key, struct bytes value,
             bool erased)
{
    add_row(&txn->rows, table, (struct bytes){key->at, key->len}, value, erased);
}

static enum vg_status
note_as_it_stands(struct txn *txn, enum table table, const struct key *key)
{
    struct bytes value = bytes_of("");
    enum vg_status status = table_get(txn, table, key, &value);

    if (status == VG_OK || status == VG_NOT_FOUND) {
        txn_note_row(txn, table, key, value, status == VG_NOT_FOUND);
        return VG_OK;
    }
    return status;
}

enum vg_status
journal_mailbox(struct txn *txn, struct mailbox_id mailbox)
{
    struct key key = key_of_u32(mailbox.number);
    enum vg_status status = note_as_it_stands(txn, TABLE_MAILBOXES, &key);

    return status == VG_OK ? note_as_it_stands(txn, TABLE_ACKNOWLEDGED, &key) : status;
}

void
journal_meta(struct buffer *record, const struct meta *meta)
{
    struct key key = meta_key();
    struct meta row = *meta;

    memset(&row.last_hash, 0, sizeof row.last_hash);
    add_row(record, TABLE_META, (struct bytes){key.at, key.len},
            (struct bytes){(const uint8_t *)&row, sizeof row}, false);
}

static struct key
part_key(uint64_t commit, uint64_t part)
{
    return key_of_u64(commit << PART_BITS | part);
}

static enum vg_status
put_parts(struct txn *txn, const struct buffer *record, uint64_t commit, unsigned flags)
{
    size_t offset = 0;

    for (uint64_t part = 0; offset < record->len; part++) {
        struct key key = part_key(commit, part);
        size_t left = record->len - offset;
        size_t len = left < JOURNAL_PART_MAX ? left : JOURNAL_PART_MAX;

        CHECK(part < PARTS_MAX);

        enum vg_status status = table_put(
            txn, TABLE_COMMITS, &key, (struct bytes){record->at + offset, len}, flags);

        if (status != VG_OK) {
            return status;
        }
        offset += len;
    }
    return VG_OK;
}

enum vg_status
journal_append(struct txn *txn, struct buffer *record, uint64_t commit,
               struct hash *ret_hash)
{
    struct record_head head;
    struct hash hash;

    CHECK(record->len >= sizeof head);
    memcpy(&head, record->at, sizeof head);
    CHECK(head.commit == commit && head.items_len == 0);
    buffer_add(record, txn->rows.at, txn->rows.len);
    buffer_clear(&txn->rows);
    head.items_len = record->len - sizeof head;
    memcpy(record->at, &head, sizeof head);
    hash = hash_chain(&head.previous, record->at, record->len);
    buffer_add(record, &hash, sizeof hash);

    enum vg_status status = put_parts(txn, record, commit, MDB_APPEND);

    if (status == VG_OK) {
        *ret_hash = hash;
    }
    return status;
}

// ---- erasing ----

enum vg_status
journal_erase(struct txn *txn, uint64_t commit)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    struct key key = part_key(commit, 0);
    enum vg_status status = cursor_open(txn, TABLE_COMMITS, &cursor);

    while (status == VG_OK) {
        status = cursor_seek(&cursor, &key);
        if (status != VG_OK || cursor.key.len != key.len ||
            read_be64(cursor.key.at) >> PART_BITS != commit) {
            break;
        }
        status = cursor_erase(&cursor);
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

// ---- reading ----

static enum vg_status
broken(struct why *why, uint64_t commit, const char *what)
{
    return fail(why, VG_STORE_BROKEN, "commit %llu: %s", (unsigned long long)commit,
                what);
}

// Puts all parts there are behind one another; each but the last must be full.
static enum vg_status
get_parts(struct txn *txn, uint64_t commit, struct buffer *record)
{
    struct bytes value = {.len = JOURNAL_PART_MAX};

    for (uint64_t part = 0; part < PARTS_MAX && value.len == JOURNAL_PART_MAX; part++) {
        struct key key = part_key(commit, part);
        enum vg_status status = table_get(txn, TABLE_COMMITS, &key, &value);

        if (status == VG_NOT_FOUND && part > 0) {
            return VG_OK; // the last one happened to be full
        }
        if (status != VG_OK) {
            return status;
        }
        buffer_add(record, value.at, value.len);
    }
    return VG_OK;
}

// Together, and as long as it says; its own hash is not looked at.
static enum vg_status
get_record(struct txn *txn, uint64_t commit, struct buffer *record,
           struct journal_head *ret_head, struct why *why)
{
    struct record_head head;

    buffer_clear(record);

    enum vg_status status = get_parts(txn, commit, record);

    if (status == VG_NOT_FOUND) {
        return fail(why, status, "commit %llu is missing", (unsigned long long)commit);
    }
    if (status != VG_OK) {
        return fail(why, status, "commit %llu could not be read",
                    (unsigned long long)commit);
    }
    if (record->len < sizeof head + sizeof ret_head->hash) {
        return broken(why, commit, "the record is too short");
    }
    memcpy(&head, record->at, sizeof head);
    if (head.commit != commit ||
        head.items_len != record->len - sizeof head - sizeof ret_head->hash) {
        return broken(why, commit, "number or length of the record is wrong");
    }
    *ret_head = (struct journal_head){
        head.commit, head.batch, head.time_us, head.previous, {{0}}};
    memcpy(&ret_head->hash, record->at + record->len - sizeof ret_head->hash,
           sizeof ret_head->hash);
    return VG_OK;
}

enum vg_status
journal_read(struct txn *txn, uint64_t commit, struct buffer *record,
             struct journal_head *ret_head, struct why *why)
{
    struct hash hash;
    enum vg_status status = get_record(txn, commit, record, ret_head, why);

    if (status != VG_OK) {
        return status;
    }
    hash = hash_chain(&ret_head->previous, record->at, record->len - sizeof hash);
    return memcmp(&hash, &ret_head->hash, sizeof hash) == 0
               ? VG_OK
               : broken(why, commit, "its hash does not hold");
}

enum vg_status
journal_reread(struct txn *txn, uint64_t commit, struct buffer *record,
               struct journal_head *ret_head, struct why *why)
{
    return get_record(txn, commit, record, ret_head, why);
}

enum vg_status
journal_time(struct txn *txn, uint64_t commit, int64_t *ret_time_us)
{
    struct key key = part_key(commit, 0);
    struct record_head head;
    struct bytes value;
    enum vg_status status = table_get(txn, TABLE_COMMITS, &key, &value);

    if (status == VG_OK && value.len < sizeof head) {
        return VG_STORE_BROKEN;
    }
    if (status == VG_OK) {
        memcpy(&head, value.at, sizeof head);
        *ret_time_us = head.time_us;
    }
    return status;
}

bool
journal_next(const struct buffer *record, size_t *offset, struct journal_item *ret_item)
{
    size_t begin = *offset == 0 ? sizeof(struct record_head) : *offset;
    struct item_head head;

    if (record->len < sizeof(struct hash)) {
        return false;
    }

    size_t end = record->len - sizeof(struct hash);

    if (begin > end || end - begin < sizeof head) {
        return false;
    }
    memcpy(&head, record->at + begin, sizeof head);
    if (head.len > end - begin - sizeof head) {
        return false;
    }
    ret_item->kind = (enum journal_kind)head.kind;
    ret_item->bytes = (struct bytes){record->at + begin + sizeof head, head.len};
    *offset = begin + sizeof head + head.len;
    return true;
}

// Appends bytes of a record that may lie in two parts.
static enum vg_status
get_some(struct txn *txn, uint64_t commit, size_t offset, size_t len,
         struct buffer *bytes)
{
    while (len > 0) {
        struct key key = part_key(commit, offset / JOURNAL_PART_MAX);
        size_t begin = offset % JOURNAL_PART_MAX;
        struct bytes value;
        enum vg_status status = table_get(txn, TABLE_COMMITS, &key, &value);

        if (status != VG_OK || value.len <= begin) {
            return status == VG_OK ? VG_STORE_BROKEN : status;
        }

        size_t some = value.len - begin < len ? value.len - begin : len;

        buffer_add(bytes, value.at + begin, some);
        offset += some;
        len -= some;
    }
    return VG_OK;
}

enum vg_status
journal_item_at(struct txn *txn, uint64_t commit, size_t offset, struct buffer *bytes,
                struct journal_item *ret_item, int64_t *ret_time_us)
{
    size_t begin = offset == 0 ? sizeof(struct record_head) : offset;
    struct item_head head = {.len = 0};
    enum vg_status status = journal_time(txn, commit, ret_time_us);

    buffer_clear(bytes);
    if (status == VG_OK) {
        status = get_some(txn, commit, begin, sizeof head, bytes);
    }
    if (status == VG_OK) {
        memcpy(&head, bytes->at, sizeof head);
        status = get_some(txn, commit, begin + sizeof head, head.len, bytes);
    }
    if (status == VG_OK) {
        ret_item->kind = (enum journal_kind)head.kind;
        ret_item->bytes = (struct bytes){bytes->at + sizeof head, head.len};
    }
    return status;
}

bool
journal_item_as(const struct journal_item *item, void *ret, size_t len)
{
    if (item->bytes.len < len) {
        return false;
    }
    memcpy(ret, item->bytes.at, len);
    return true;
}

bool
journal_item_row(const struct journal_item *item, struct journal_row *ret,
                 struct bytes *ret_key, struct bytes *ret_piece)
{
    struct journal_row row;

    if (item->kind != JOURNAL_ROW || !journal_item_as(item, &row, sizeof row) ||
        row.table >= TABLES || row.key_len == 0 ||
        row.key_len > sizeof((struct key *)NULL)->at ||
        item->bytes.len - sizeof row < row.key_len || row.offset > row.value_len) {
        return false;
    }

    struct bytes key = {item->bytes.at + sizeof row, row.key_len};
    struct bytes piece = {key.at + key.len, item->bytes.len - sizeof row - key.len};

    if (piece.len > row.value_len - row.offset) {
        return false;
    }
    *ret = row;
    *ret_key = key;
    *ret_piece = piece;
    return true;
}

enum journal_row_of
journal_row_of(const struct journal_row *row)
{
    switch (row->table) {
    case TABLE_META:
        return ROW_OF_META;
    case TABLE_MAILBOXES:
        return ROW_OF_MAILBOX;
    default:
        return table_told((enum table)row->table) == ROWS ? ROW_FIRST : ROW_LAST;
    }
}

bool
journal_row_as(struct bytes value, void *ret, size_t len)
{
    if (value.len != len) {
        return false;
    }
    memcpy(ret, value.at, len);
    return true;
}

uint32_t
journal_row_mailbox(struct bytes key)
{
    return key.len == sizeof(uint32_t) ? read_be32(key.at) : 0;
}

enum vg_status
journal_apply_row(struct txn *txn, const struct journal_row *row, struct bytes key,
                  struct bytes value)
{
    struct key own = {.len = 0};

    if (row->table >= TABLES || key.len == 0 || key.len > sizeof own.at ||
        value.len > table_value_max((enum table)row->table)) {
        return VG_STORE_BROKEN;
    }
    key_add(&own, key.at, key.len);
    return row->erased ? table_erase(txn, (enum table)row->table, &own)
                       : table_put(txn, (enum table)row->table, &own, value, 0);
}

enum vg_status
journal_adopt(struct txn *txn, const struct buffer *record, uint64_t commit)
{
    buffer_clear(&txn->rows);
    return put_parts(txn, record, commit, MDB_APPEND);
}

enum vg_status
journal_replace_record(struct txn *txn, const struct buffer *record, uint64_t commit)
{
    return put_parts(txn, record, commit, 0);
}

bool
journal_item_recipient(const struct journal_item *item, size_t i,
                       struct journal_recipient *ret)
{
    struct journal_event event;

    if (item->kind != JOURNAL_EVENT || !journal_item_as(item, &event, sizeof event) ||
        i >= event.recipients || item->bytes.len < sizeof event + (i + 1) * sizeof *ret) {
        return false;
    }
    memcpy(ret, item->bytes.at + sizeof event + i * sizeof *ret, sizeof *ret);
    return true;
}
