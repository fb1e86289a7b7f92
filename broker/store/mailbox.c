// SPDX-License-Identifier: EUPL-1.2
#include "store/mailbox.h"

#include "store/store_internal.h"

_Static_assert(sizeof(struct mailbox_row) == 120, "stored without holes");
_Static_assert(sizeof(struct number_range) == 32, "stored without holes");
_Static_assert(sizeof(struct letter) == 40, "stored without holes");
_Static_assert(RANGES_MAX * sizeof(struct number_range) <= VALUE_MAX, "one value");
_Static_assert(sizeof(uint64_t) + LETTERS_PER_ROW * sizeof(struct letter) <= 4080,
               "one page");

uint64_t
mailbox_waiting(const struct mailbox_row *row)
{
    return row->last - row->acknowledged - row->acknowledged_beyond + row->held;
}

uint64_t
mailbox_bytes_waiting(const struct mailbox_row *row)
{
    return row->bytes_total - row->bytes_acknowledged - row->bytes_beyond +
           row->held_bytes;
}

enum vg_status
mailbox_get(struct txn *txn, struct mailbox_id mailbox, struct mailbox_row *ret_row)
{
    struct key key = key_of_u32(mailbox.number);
    enum vg_status status =
        table_get_struct(txn, TABLE_MAILBOXES, &key, ret_row, sizeof *ret_row);

    if (status == VG_NOT_FOUND) {
        *ret_row = (struct mailbox_row){.last = 0};
        return VG_OK;
    }
    return status;
}

enum vg_status
mailbox_put(struct txn *txn, struct mailbox_id mailbox, const struct mailbox_row *row)
{
    struct key key = key_of_u32(mailbox.number);

    return table_put(txn, TABLE_MAILBOXES, &key,
                     (struct bytes){(const uint8_t *)row, sizeof *row}, 0);
}

enum vg_status
mailbox_next(struct txn *txn, struct mailbox_id from, struct mailbox_id *ret_mailbox,
             struct mailbox_row *ret_row)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    struct key key = key_of_u32(from.number);
    enum vg_status status = cursor_open(txn, TABLE_MAILBOXES, &cursor);

    if (status == VG_OK) {
        status = cursor_seek(&cursor, &key);
    }
    if (status != VG_OK) {
        return status;
    }
    if (cursor.key.len != sizeof(uint32_t) || cursor.value.len != sizeof *ret_row) {
        return VG_STORE_BROKEN;
    }
    ret_mailbox->number = read_be32(cursor.key.at);
    memcpy(ret_row, cursor.value.at, sizeof *ret_row);
    return VG_OK;
}

// ---- what was acknowledged out of order ----

enum vg_status
ranges_get(struct txn *txn, struct mailbox_id mailbox, struct number_range *ret_ranges,
           size_t *ret_len)
{
    struct key key = key_of_u32(mailbox.number);
    struct bytes value;
    enum vg_status status = table_get(txn, TABLE_ACKNOWLEDGED, &key, &value);

    if (status == VG_NOT_FOUND) {
        *ret_len = 0;
        return VG_OK;
    }
    if (status != VG_OK) {
        return status;
    }
    if (value.len % sizeof *ret_ranges != 0 ||
        value.len > RANGES_MAX * sizeof *ret_ranges) {
        return VG_STORE_BROKEN;
    }
    memcpy(ret_ranges, value.at, value.len);
    *ret_len = value.len / sizeof *ret_ranges;
    return VG_OK;
}

enum vg_status
ranges_put(struct txn *txn, struct mailbox_id mailbox, const struct number_range *ranges,
           size_t len)
{
    struct key key = key_of_u32(mailbox.number);

    CHECK(len <= RANGES_MAX);
    if (len == 0) {
        return table_erase(txn, TABLE_ACKNOWLEDGED, &key);
    }
    return table_put(txn, TABLE_ACKNOWLEDGED, &key,
                     (struct bytes){(const uint8_t *)ranges, len * sizeof *ranges}, 0);
}

enum vg_status
ranges_have(struct txn *txn, struct mailbox_id mailbox, uint64_t number, bool *ret_have)
{
    struct key key = key_of_u32(mailbox.number);
    struct number_range range = {.first = 0};
    struct bytes value;
    size_t low = 0, high = 0;
    enum vg_status status = table_get(txn, TABLE_ACKNOWLEDGED, &key, &value);

    *ret_have = false;
    if (status != VG_OK) {
        return status == VG_NOT_FOUND ? VG_OK : status;
    }
    high = value.len / sizeof range;
    while (low < high) { // the first that ends at or after the number
        size_t middle = low + (high - low) / 2;

        memcpy(&range, value.at + middle * sizeof range, sizeof range);
        if (range.last < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < value.len / sizeof range) {
        memcpy(&range, value.at + low * sizeof range, sizeof range);
        *ret_have = range.first <= number;
    }
    return VG_OK;
}

// ---- the backlog ----

enum { BACKLOG_KEY_LEN = 12 };

// The row that a cursor stands on.
struct backlog_row {
    uint64_t first;
    size_t len;
    const uint8_t *letters; // not aligned
    uint64_t checksum;
};

static uint64_t
letters_checksum(struct mailbox_id mailbox, const void *letters, size_t len)
{
    return checksum_of(letters, len * sizeof(struct letter)) ^ mailbox.number;
}

static bool
row_is_sound(const struct backlog_row *row, struct mailbox_id mailbox)
{
    return row->checksum == letters_checksum(mailbox, row->letters, row->len);
}

static struct letter
row_letter(const struct backlog_row *row, size_t i)
{
    struct letter letter;

    memcpy(&letter, row->letters + i * sizeof letter, sizeof letter);
    return letter;
}

// VG_NOT_FOUND when the row belongs to another mailbox.
static enum vg_status
read_row(const struct cursor *cursor, struct mailbox_id mailbox,
         struct backlog_row *ret_row)
{
    size_t head = sizeof ret_row->checksum;
    size_t len = cursor->value.len / sizeof(struct letter);

    if (cursor->key.len != BACKLOG_KEY_LEN || len == 0 || len > LETTERS_PER_ROW ||
        cursor->value.len != head + len * sizeof(struct letter)) {
        return VG_STORE_BROKEN;
    }
    if (read_be32(cursor->key.at) != mailbox.number) {
        return VG_NOT_FOUND;
    }
    ret_row->first = read_be64(cursor->key.at + sizeof(uint32_t));
    ret_row->len = len;
    memcpy(&ret_row->checksum, cursor->value.at, head);
    ret_row->letters = cursor->value.at + head;
    return VG_OK;
}

static enum vg_status
seek_row(struct cursor *cursor, struct mailbox_id mailbox, uint64_t number,
         struct backlog_row *ret_row)
{
    struct key key = key_of_u32_u64(mailbox.number, number);
    enum vg_status status = cursor_seek(cursor, &key);

    return status == VG_OK ? read_row(cursor, mailbox, ret_row) : status;
}

static enum vg_status
next_row(struct cursor *cursor, struct mailbox_id mailbox, struct backlog_row *ret_row)
{
    enum vg_status status = cursor_move(cursor, MDB_NEXT);

    return status == VG_OK ? read_row(cursor, mailbox, ret_row) : status;
}

// The last row of the mailbox that begins at or before the number: VG_NOT_FOUND if none.
static enum vg_status
seek_row_of(struct cursor *cursor, struct mailbox_id mailbox, uint64_t number,
            struct backlog_row *ret_row)
{
    struct key key = key_of_u32_u64(mailbox.number, number);
    enum vg_status status = cursor_seek(cursor, &key);

    if (status == VG_OK && cursor->key.len == key.len &&
        memcmp(cursor->key.at, key.at, key.len) == 0) {
        return read_row(cursor, mailbox, ret_row);
    }
    if (status == VG_OK) {
        status = cursor_move(cursor, MDB_PREV);
    } else if (status == VG_NOT_FOUND) {
        status = cursor_move(cursor, MDB_LAST);
    }
    return status == VG_OK ? read_row(cursor, mailbox, ret_row) : status;
}

enum vg_status
backlog_put(struct txn *txn, struct mailbox_id mailbox, const struct letter *letters,
            size_t len)
{
    struct key key = key_of_u32_u64(mailbox.number, letters[0].number);
    struct {
        uint64_t checksum;
        struct letter letters[LETTERS_PER_ROW];
    } value;
    size_t bytes = len * sizeof *letters;

    CHECK(len > 0 && len <= LETTERS_PER_ROW);
    value.checksum = letters_checksum(mailbox, letters, len);
    memcpy(value.letters, letters, bytes);
    return table_put(
        txn, TABLE_BACKLOG, &key,
        (struct bytes){(const uint8_t *)&value, sizeof value.checksum + bytes}, 0);
}

// Adds as many letters as go into the mailbox's last row. None when they do not follow
// on: letters acknowledged in time were never filed.
static enum vg_status
fill_last_row(struct txn *txn, struct mailbox_id mailbox, const struct letter *letters,
              size_t len, size_t *ret_filed)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    struct letter filled[LETTERS_PER_ROW];
    struct backlog_row row;
    enum vg_status status = cursor_open(txn, TABLE_BACKLOG, &cursor);

    *ret_filed = 0;
    if (status == VG_OK) {
        status = seek_row_of(&cursor, mailbox, UINT64_MAX, &row);
    }
    if (status == VG_NOT_FOUND) {
        return VG_OK;
    }
    if (status != VG_OK) {
        return status;
    }
    if (row.first + row.len > letters[0].number) {
        return VG_STORE_BROKEN; // filed already
    }
    if (row.first + row.len < letters[0].number || row.len == LETTERS_PER_ROW ||
        !row_is_sound(&row, mailbox)) {
        return VG_OK;
    }

    size_t room = LETTERS_PER_ROW - row.len;
    size_t filed = len < room ? len : room;

    memcpy(filled, row.letters, row.len * sizeof *filled);
    memcpy(filled + row.len, letters, filed * sizeof *filled);
    *ret_filed = filed;
    return backlog_put(txn, mailbox, filled, row.len + filed);
}

enum vg_status
backlog_append(struct txn *txn, struct mailbox_id mailbox, const struct letter *letters,
               size_t len)
{
    size_t filed = 0;

    for (size_t i = 1; i < len; i++) {
        CHECK(letters[i].number == letters[i - 1].number + 1);
    }
    if (len == 0) {
        return VG_OK;
    }

    enum vg_status status = fill_last_row(txn, mailbox, letters, len, &filed);

    while (status == VG_OK && filed < len) {
        size_t left = len - filed;
        size_t count = left < LETTERS_PER_ROW ? left : LETTERS_PER_ROW;

        status = backlog_put(txn, mailbox, letters + filed, count);
        filed += count;
    }
    return status;
}

static enum vg_status
copy_letters(const struct backlog_row *row, struct mailbox_id mailbox, uint64_t from,
             struct letter *ret_letters, size_t max, size_t *len)
{
    size_t i = from > row->first ? (size_t)(from - row->first) : 0;

    if (i < row->len && !row_is_sound(row, mailbox)) {
        return VG_STORE_BROKEN;
    }
    for (; i < row->len && *len < max; i++) {
        struct letter letter = row_letter(row, i);

        if (letter.number != row->first + i) {
            return VG_STORE_BROKEN;
        }
        ret_letters[(*len)++] = letter;
    }
    return VG_OK;
}

enum vg_status
backlog_read(struct txn *txn, struct mailbox_id mailbox, uint64_t from,
             struct letter *ret_letters, size_t max, size_t *ret_len)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    struct backlog_row row;
    size_t len = 0;
    enum vg_status status = cursor_open(txn, TABLE_BACKLOG, &cursor);

    if (status == VG_OK) {
        status = seek_row_of(&cursor, mailbox, from, &row);
        if (status == VG_NOT_FOUND) {
            status = seek_row(&cursor, mailbox, from, &row);
        }
    }
    while (status == VG_OK && len < max) {
        status = copy_letters(&row, mailbox, from, ret_letters, max, &len);
        if (status == VG_STORE_BROKEN && len > 0) {
            status = VG_NOT_FOUND; // those before the damage are good
        } else if (status == VG_OK && len < max) {
            status = next_row(&cursor, mailbox, &row);
        }
    }
    if (status != VG_OK && status != VG_NOT_FOUND) {
        return status;
    }
    *ret_len = len;
    return VG_OK;
}

enum vg_status
backlog_move(struct txn *txn, struct mailbox_id mailbox, uint64_t number, uint64_t body)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    struct letter letters[LETTERS_PER_ROW];
    struct backlog_row row;
    enum vg_status status = cursor_open(txn, TABLE_BACKLOG, &cursor);

    if (status == VG_OK) {
        status = seek_row_of(&cursor, mailbox, number, &row);
    }
    if (status != VG_OK) {
        return status;
    }
    if (number < row.first || number - row.first >= row.len) {
        return VG_NOT_FOUND;
    }
    if (!row_is_sound(&row, mailbox)) {
        return VG_STORE_BROKEN; // a new checksum would hide it
    }
    memcpy(letters, row.letters, row.len * sizeof *letters);
    letters[number - row.first].body = body;
    return backlog_put(txn, mailbox, letters, row.len);
}

enum vg_status
backlog_trim(struct txn *txn, struct mailbox_id mailbox, uint64_t through,
             size_t rows_max, size_t *ret_rows)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    struct backlog_row row;
    size_t rows = 0;
    enum vg_status status = cursor_open(txn, TABLE_BACKLOG, &cursor);

    while (status == VG_OK && rows < rows_max) {
        status = seek_row(&cursor, mailbox, 0, &row);
        if (status == VG_OK && row.first + row.len - 1 > through) {
            break;
        }
        if (status == VG_OK) {
            status = cursor_erase(&cursor);
            rows++;
        }
    }
    if (status != VG_OK && status != VG_NOT_FOUND) {
        return status;
    }
    *ret_rows = rows;
    return VG_OK;
}

// ---- all rows ----

enum vg_status
backlog_next_row(struct txn *txn, struct backlog_place *place)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    struct key key = key_of_u32_u64(place->mailbox.number, place->first + 1);
    struct backlog_row row;
    enum vg_status status = cursor_open(txn, TABLE_BACKLOG, &cursor);

    if (status == VG_OK) {
        status = cursor_seek(&cursor, &key);
    }
    if (status != VG_OK) {
        return status;
    }
    if (cursor.key.len != BACKLOG_KEY_LEN) {
        return VG_STORE_BROKEN;
    }
    place->mailbox.number = read_be32(cursor.key.at);
    place->first = read_be64(cursor.key.at + sizeof(uint32_t));
    place->len = 0;
    place->sound = read_row(&cursor, place->mailbox, &row) == VG_OK &&
                   row_is_sound(&row, place->mailbox);
    if (place->sound) {
        place->len = row.len;
        memcpy(place->letters, row.letters, row.len * sizeof *place->letters);
    }
    return VG_OK;
}

enum vg_status
backlog_copy_row(struct txn *from, struct txn *to, struct mailbox_id mailbox,
                 uint64_t first)
{
    struct key key = key_of_u32_u64(mailbox.number, first);
    struct backlog_place place = {.mailbox = mailbox, .first = first - 1};
    struct bytes damaged;
    enum vg_status status = backlog_next_row(from, &place);

    if (status == VG_OK) {
        status = table_get(to, TABLE_BACKLOG, &key, &damaged);
    }
    if (status != VG_OK) {
        return status;
    }
    if (place.mailbox.number != mailbox.number || place.first != first ||
        damaged.len != sizeof(uint64_t) + place.len * sizeof *place.letters) {
        return VG_NOT_FOUND;
    }
    return place.sound ? backlog_put(to, mailbox, place.letters, place.len)
                       : VG_STORE_BROKEN;
}
