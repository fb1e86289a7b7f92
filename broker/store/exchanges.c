// SPDX-License-Identifier: EUPL-1.2
#include "store/exchanges.h"

#include "store/held.h"
#include "store/store_internal.h"

#include <stdlib.h>

enum {
    CHECKSUM_LEN = sizeof(uint64_t),
    KEY_LEN_RUN = 2 * sizeof(uint32_t),
    KEY_LEN_ROW = KEY_LEN_RUN + sizeof(struct exchange),
    ROW_MAX = CHECKSUM_LEN + EXCHANGES_PER_ROW * sizeof(struct exchange),
};

_Static_assert(sizeof(struct exchange) == 24, "stored without holes");
_Static_assert(sizeof(struct exchange_progress) == 32, "stored without holes");
_Static_assert(ROW_MAX <= 4080, "a row is one page");
_Static_assert(KEY_LEN_ROW <= sizeof((struct key *)NULL)->at, "a key has room");

#define NISS_END UINT64_C(100000000000)

// ---- what a record holds ----

uint64_t
exchange_acknowledged(uint32_t mailbox, enum journal_one one)
{
    return EXCHANGE_ACKNOWLEDGED | (uint64_t)one << 32 | mailbox;
}

uint64_t
exchange_commit(const struct exchange *exchange)
{
    return (exchange->subject & EXCHANGE_ACKNOWLEDGED) != 0 ? exchange->second
                                                            : exchange->first;
}

static int
exchange_compare(const void *left, const void *right)
{
    const struct exchange *a = left;
    const struct exchange *b = right;

    if (a->subject != b->subject) {
        return a->subject < b->subject ? -1 : 1;
    }
    if (a->first != b->first) {
        return a->first < b->first ? -1 : 1;
    }
    return a->second < b->second ? -1 : a->second > b->second;
}

size_t
exchanges_sort(struct exchange *exchanges, size_t len)
{
    size_t left = 0;

    if (len > 0) {
        qsort(exchanges, len, sizeof *exchanges, exchange_compare);
    }
    for (size_t i = 0; i < len; i++) {
        if (left == 0 || exchange_compare(&exchanges[i], &exchanges[left - 1]) != 0) {
            exchanges[left++] = exchanges[i];
        }
    }
    return left;
}

uint64_t
exchange_person(const struct journal_item *item)
{
    struct journal_event event;
    struct journal_directory directory;
    struct journal_held held;
    struct journal_unwanted unwanted;
    struct journal_merged merged;
    struct journal_withdrawn withdrawn;

    switch (item->kind) {
    case JOURNAL_EVENT:
        return journal_item_as(item, &event, sizeof event) && event.recipients > 0
                   ? event.niss
                   : 0;
    case JOURNAL_DIRECTORY:
        return journal_item_as(item, &directory, sizeof directory) ? directory.niss : 0;
    case JOURNAL_UNWANTED:
        return journal_item_as(item, &unwanted, sizeof unwanted) ? unwanted.niss : 0;
    case JOURNAL_MERGED:
        return journal_item_as(item, &merged, sizeof merged) ? merged.niss : 0;
    case JOURNAL_WITHDRAWN:
        return journal_item_as(item, &withdrawn, sizeof withdrawn) ? withdrawn.niss : 0;
    case JOURNAL_REFUSE_LETTER:
    case JOURNAL_DEFER:
    case JOURNAL_RETRY:
    case JOURNAL_PARK:
    case JOURNAL_DROP:
        return journal_item_as(item, &held, sizeof held) ? held.subject : 0;
    default:
        return 0;
    }
}

void
exchanges_of(const struct buffer *record, uint64_t commit, exchange_fn each, void *arg)
{
    struct journal_acknowledge acknowledge;
    struct journal_item item;
    size_t offset = 0;
    size_t begin = 0;

    for (; journal_next(record, &offset, &item); begin = offset) {
        uint64_t niss = exchange_person(&item);

        if (niss != 0 && niss < NISS_END) {
            each(&(struct exchange){niss, commit, begin}, arg);
        } else if (item.kind == JOURNAL_ACKNOWLEDGE &&
                   journal_item_as(&item, &acknowledge, sizeof acknowledge)) {
            uint64_t subject = exchange_acknowledged(
                acknowledge.mailbox, (enum journal_one)(acknowledge.one & 3));

            each(&(struct exchange){subject, acknowledge.through, commit}, arg);
        }
    }
}

// ---- progress ----

static struct key
progress_key(void)
{
    return key_of_u32(0);
}

enum vg_status
exchanges_progress(struct txn *txn, struct exchange_progress *ret)
{
    struct key key = progress_key();
    enum vg_status status =
        table_get_struct(txn, TABLE_EXCHANGES, &key, ret, sizeof *ret);

    if (status == VG_NOT_FOUND) {
        *ret = (struct exchange_progress){.commit = 0};
        return VG_OK;
    }
    return status;
}

enum vg_status
exchanges_set_progress(struct txn *txn, const struct exchange_progress *progress)
{
    struct key key = progress_key();

    return table_put(txn, TABLE_EXCHANGES, &key,
                     (struct bytes){(const uint8_t *)progress, sizeof *progress}, 0);
}

// ---- rows ----

static struct key
run_key(struct exchange_run run)
{
    struct key key = key_of_u32((uint32_t)run.day);

    key_add_u32(&key, run.run);
    return key;
}

static struct key
row_key(struct exchange_run run, const struct exchange *first)
{
    struct key key = run_key(run);

    key_add_u64(&key, first->subject);
    key_add_u64(&key, first->first);
    key_add_u64(&key, first->second);
    return key;
}

static struct exchange_run
run_of_key(struct bytes key)
{
    return (struct exchange_run){(int32_t)read_be32(key.at),
                                 read_be32(key.at + sizeof(uint32_t))};
}

static uint64_t
row_checksum(struct exchange_run run, const void *entries, size_t len)
{
    return checksum_of(entries, len) ^ ((uint64_t)(uint32_t)run.day << 32 | run.run);
}

static enum vg_status
put_row(struct txn *txn, struct exchange_run run, const struct exchange *exchanges,
        size_t len)
{
    uint8_t row[ROW_MAX];
    struct key key = row_key(run, exchanges);
    uint64_t checksum = row_checksum(run, exchanges, len * sizeof *exchanges);

    memcpy(row, &checksum, sizeof checksum);
    memcpy(row + CHECKSUM_LEN, exchanges, len * sizeof *exchanges);
    return table_put(txn, TABLE_EXCHANGES, &key,
                     (struct bytes){row, CHECKSUM_LEN + len * sizeof *exchanges},
                     MDB_APPEND);
}

enum vg_status
exchanges_put(struct txn *txn, struct exchange_run run, const struct exchange *exchanges,
              size_t len)
{
    enum vg_status status = VG_OK;

    CHECK(run.day > 0 && run.run > 0);
    for (size_t i = 0; status == VG_OK && i < len; i += EXCHANGES_PER_ROW) {
        size_t some = len - i < EXCHANGES_PER_ROW ? len - i : EXCHANGES_PER_ROW;

        status = put_row(txn, run, exchanges + i, some);
    }
    return status;
}

// The first row at or after a key; the row of progress is none of them.
static enum vg_status
seek_row(struct cursor *cursor, const struct key *key)
{
    enum vg_status status = cursor_seek(cursor, key);

    if (status == VG_OK && cursor->key.len == progress_key().len) {
        status = cursor_move(cursor, MDB_NEXT);
    }
    if (status == VG_OK && cursor->key.len != KEY_LEN_ROW) {
        return VG_STORE_BROKEN;
    }
    return status;
}

static bool
run_is_before(struct exchange_run a, struct exchange_run b)
{
    return a.day != b.day ? a.day < b.day : a.run < b.run;
}

enum vg_status
exchanges_erase(struct txn *txn, struct exchange_run from, struct exchange_run before,
                size_t rows_max, size_t *ret_rows)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    struct key first = run_key(from);
    enum vg_status status = cursor_open(txn, TABLE_EXCHANGES, &cursor);

    *ret_rows = 0;
    while (status == VG_OK && *ret_rows < rows_max) {
        status = seek_row(&cursor, &first);
        if (status != VG_OK || !run_is_before(run_of_key(cursor.key), before)) {
            break;
        }
        status = cursor_erase(&cursor);
        (*ret_rows)++;
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

enum vg_status
exchanges_next_run(struct txn *txn, struct exchange_run from,
                   struct exchange_run *ret_run)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    struct key key = run_key(from);
    enum vg_status status = cursor_open(txn, TABLE_EXCHANGES, &cursor);

    if (status == VG_OK) {
        status = seek_row(&cursor, &key);
    }
    if (status == VG_OK) {
        *ret_run = run_of_key(cursor.key);
    }
    return status;
}

// Copies a row's entries out: they are not aligned. Returns how many, 0: it is damaged.
static size_t
read_row(const struct cursor *cursor, struct exchange ret[EXCHANGES_PER_ROW])
{
    struct bytes value = cursor->value;
    struct exchange_run run = run_of_key(cursor->key);
    struct key key;
    uint64_t checksum;

    if (value.len <= CHECKSUM_LEN || value.len > ROW_MAX ||
        (value.len - CHECKSUM_LEN) % sizeof *ret != 0) {
        return 0;
    }
    memcpy(&checksum, value.at, sizeof checksum);
    memcpy(ret, value.at + CHECKSUM_LEN, value.len - CHECKSUM_LEN);
    key = row_key(run, &ret[0]);
    if (checksum != row_checksum(run, ret, value.len - CHECKSUM_LEN) ||
        memcmp(key.at, cursor->key.at, key.len) != 0) {
        return 0;
    }
    return (value.len - CHECKSUM_LEN) / sizeof *ret;
}

static bool
is_of_run(const struct cursor *cursor, struct exchange_run run)
{
    struct key key = run_key(run);

    return cursor->key.len == KEY_LEN_ROW && memcmp(cursor->key.at, key.at, key.len) == 0;
}

// The last row that begins at or before an entry, else the first one after it.
static enum vg_status
seek_entry(struct cursor *cursor, struct exchange_run run, const struct exchange *from)
{
    struct key key = row_key(run, from);
    enum vg_status status = cursor_seek(cursor, &key);

    if (status == VG_OK && memcmp(cursor->key.at, key.at, key.len) == 0) {
        return VG_OK;
    }
    status = cursor_move(cursor, status == VG_NOT_FOUND ? MDB_LAST : MDB_PREV);
    if (status == VG_NOT_FOUND) {
        return cursor_move(cursor, MDB_FIRST); // nothing stands before it
    }
    return status == VG_OK && !is_of_run(cursor, run) ? cursor_move(cursor, MDB_NEXT)
                                                      : status;
}

enum vg_status
exchanges_find(struct txn *txn, struct exchange_run run, uint64_t subject, uint64_t first,
               struct exchange *ret_exchanges, size_t max, size_t *ret_len)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    struct exchange from = {subject, first, 0};
    struct exchange row[EXCHANGES_PER_ROW];
    enum vg_status status = cursor_open(txn, TABLE_EXCHANGES, &cursor);

    *ret_len = 0;
    if (status == VG_OK) {
        status = seek_entry(&cursor, run, &from);
    }
    while (status == VG_OK && is_of_run(&cursor, run)) {
        size_t len = read_row(&cursor, row);

        if (len == 0) {
            return VG_STORE_BROKEN;
        }
        for (size_t i = 0; i < len; i++) {
            if (row[i].subject > subject || *ret_len == max) {
                return VG_OK;
            }
            if (exchange_compare(&row[i], &from) >= 0) {
                ret_exchanges[(*ret_len)++] = row[i];
            }
        }
        status = cursor_move(&cursor, MDB_NEXT);
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

// ---- several runs in one order ----

// One of them: its next entry is row[at].
struct head {
    struct exchange_run run;
    struct cursor cursor;
    struct exchange row[EXCHANGES_PER_ROW];
    size_t len; // 0: it is at its end
    size_t at;
};

static enum vg_status
load_row(struct head *head)
{
    head->at = 0;
    head->len =
        is_of_run(&head->cursor, head->run) ? read_row(&head->cursor, head->row) : 0;
    return head->len == 0 && is_of_run(&head->cursor, head->run) ? VG_STORE_BROKEN
                                                                 : VG_OK;
}

static enum vg_status
next_entry(struct head *head)
{
    enum vg_status status = VG_OK;

    if (++head->at == head->len) {
        status = cursor_move(&head->cursor, MDB_NEXT);
        if (status == VG_NOT_FOUND) {
            head->len = 0;
            return VG_OK;
        }
        status = status == VG_OK ? load_row(head) : status;
    }
    return status;
}

// To the first entry after one that was merged already.
static enum vg_status
open_head(struct txn *txn, struct head *head, const struct exchange *after)
{
    enum vg_status status = cursor_open(txn, TABLE_EXCHANGES, &head->cursor);

    if (status == VG_OK) {
        status = seek_entry(&head->cursor, head->run, after);
    }
    if (status == VG_OK) {
        status = load_row(head);
    }
    while (status == VG_OK && head->len > 0 &&
           exchange_compare(&head->row[head->at], after) <= 0) {
        status = next_entry(head);
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

static struct head *
lowest(struct head *heads, size_t len)
{
    struct head *found = NULL;

    for (size_t i = 0; i < len; i++) {
        if (heads[i].len > 0 &&
            (found == NULL ||
             exchange_compare(&heads[i].row[heads[i].at], &found->row[found->at]) < 0)) {
            found = &heads[i];
        }
    }
    return found;
}

// The last entry that a run has, zeros when it has none.
static enum vg_status
last_entry(struct txn *txn, struct exchange_run run, struct exchange *ret_last)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    struct exchange row[EXCHANGES_PER_ROW];
    struct key after = run_key((struct exchange_run){run.day, run.run + 1});
    size_t len;
    enum vg_status status = cursor_open(txn, TABLE_EXCHANGES, &cursor);

    *ret_last = (struct exchange){0, 0, 0};
    if (status == VG_OK) {
        status = cursor_seek(&cursor, &after);
        status = cursor_move(&cursor, status == VG_NOT_FOUND ? MDB_LAST : MDB_PREV);
    }
    if (status != VG_OK || !is_of_run(&cursor, run)) {
        return status == VG_NOT_FOUND ? VG_OK : status;
    }
    len = read_row(&cursor, row);
    if (len == 0) {
        return VG_STORE_BROKEN;
    }
    *ret_last = row[len - 1];
    return VG_OK;
}

static enum vg_status
merge_heads(struct head *heads, size_t heads_len, struct exchange *ret, size_t max,
            size_t *ret_len)
{
    struct head *head;
    enum vg_status status = VG_OK;

    for (*ret_len = 0; status == VG_OK && *ret_len < max; (*ret_len)++) {
        head = lowest(heads, heads_len);
        if (head == NULL) {
            break;
        }
        ret[*ret_len] = head->row[head->at];
        status = next_entry(head);
    }
    return status;
}

// Read first and put then: putting moves what the cursors stand on.
enum vg_status
exchanges_merge(struct txn *txn, struct exchange_run into, size_t max, size_t *ret_len)
{
    size_t heads_len = into.run - 1;
    struct head *heads = xcalloc(heads_len + 1, sizeof *heads);
    struct exchange *entries = xcalloc(max, sizeof *entries);
    struct exchange last;
    enum vg_status status = last_entry(txn, into, &last);

    for (size_t i = 0; status == VG_OK && i < heads_len; i++) {
        heads[i].run = (struct exchange_run){into.day, (uint32_t)i + 1};
        status = open_head(txn, &heads[i], &last);
    }
    if (status == VG_OK) {
        status = merge_heads(heads, heads_len, entries, max, ret_len);
    }
    for (size_t i = 0; i < heads_len; i++) {
        cursor_close(&heads[i].cursor);
    }
    if (status == VG_OK) {
        status = exchanges_put(txn, into, entries, *ret_len);
    }
    free(entries);
    free(heads);
    return status;
}

// ---- all of them ----

enum vg_status
exchanges_each(struct txn *txn, exchange_row_fn each, void *arg, struct why *why)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    struct key first = run_key((struct exchange_run){1, 0});
    struct exchange row[EXCHANGES_PER_ROW];
    struct exchange_run last_run = {0, 0};
    struct exchange last = {0, 0, 0};
    enum vg_status status = cursor_open(txn, TABLE_EXCHANGES, &cursor);

    if (status == VG_OK) {
        status = seek_row(&cursor, &first);
    }
    while (status == VG_OK) {
        struct exchange_run run = run_of_key(cursor.key);
        size_t len = cursor.key.len == KEY_LEN_ROW ? read_row(&cursor, row) : 0;

        if (len == 0) {
            return fail(why, VG_STORE_BROKEN, "exchanges: a row of day %d is damaged",
                        (int)run.day);
        }
        for (size_t i = 0; i < len; i++) {
            if (run.day == last_run.day && run.run == last_run.run &&
                exchange_compare(&last, &row[i]) >= 0) {
                return fail(why, VG_STORE_BROKEN,
                            "exchanges: a row of day %d is not in "
                            "order",
                            (int)run.day);
            }
            each(run, &row[i], arg);
            last_run = run;
            last = row[i];
        }
        status = cursor_move(&cursor, MDB_NEXT);
    }
    return status == VG_NOT_FOUND ? VG_OK : fail(why, status, "exchanges cannot be read");
}
