// SPDX-License-Identifier: EUPL-1.2
// Goal: whatever bytes a damaged file holds, a row is read or refused, without a byte
// before or beyond it.
// Method: LMDB's reading calls answer with the input. The first byte chooses the reader;
// the rest is its value, or for readers of several rows: length of key, key, u16 length of
// value, value. Each row is a copy of the exact size. What is read must keep the promises
// that the rest of the program relies on.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/bodies.h"
#include "store/counted.h"
#include "store/held.h"
#include "store/journal.h"
#include "store/lmdb_calls.h"
#include "store/mailbox.h"
#include "store/person.h"
#include "store/registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

enum { ROWS_MAX = 16, KEY_MAX = 40 };

struct row {
    uint8_t *key;
    size_t key_len;
    uint8_t *value;
    size_t value_len;
};

static struct row rows[ROWS_MAX];
static size_t rows_len;
static size_t row_now;

// ---- the input as rows ----

static uint8_t *
exact_copy(const uint8_t *at, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);

    CHECK(copy != NULL);
    if (len > 0) {
        memcpy(copy, at, len);
    }
    return copy;
}

static void
add_row(struct bytes key, struct bytes value)
{
    rows[rows_len++] = (struct row){exact_copy(key.at, key.len), key.len,
                                    exact_copy(value.at, value.len), value.len};
}

static struct bytes
take(struct bytes *rest, size_t len)
{
    struct bytes taken = {rest->at, len < rest->len ? len : rest->len};

    rest->at += taken.len;
    rest->len -= taken.len;
    return taken;
}

static void
read_rows(struct bytes rest)
{
    while (rest.len > 0 && rows_len < ROWS_MAX) {
        struct bytes key_len = take(&rest, 1);
        struct bytes key = take(&rest, key_len.at[0] % KEY_MAX);
        struct bytes value_len = take(&rest, 2);
        uint16_t len = 0;

        memcpy(&len, value_len.at, value_len.len);
        add_row(key, take(&rest, len));
    }
}

static void
free_rows(void)
{
    while (rows_len > 0) {
        rows_len--;
        free(rows[rows_len].key);
        free(rows[rows_len].value);
    }
    row_now = 0;
}

// ---- LMDB as the input would have it ----

static int
give_row(size_t i, MDB_val *key, MDB_val *value)
{
    if (i >= rows_len) {
        return MDB_NOTFOUND;
    }
    row_now = i;
    if (key != NULL) {
        *key = (MDB_val){rows[i].key_len, rows[i].key};
    }
    *value = (MDB_val){rows[i].value_len, rows[i].value};
    return 0;
}

// One row after the other, so that a record may have several parts.
static int
fuzz_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value)
{
    (void)txn, (void)dbi, (void)key;
    return give_row(row_now++, NULL, value);
}

static int
fuzz_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op move)
{
    (void)cursor;
    switch (move) {
    case MDB_NEXT:
        return give_row(row_now + 1, key, value);
    case MDB_PREV:
        return row_now == 0 ? MDB_NOTFOUND : give_row(row_now - 1, key, value);
    case MDB_LAST:
        return rows_len == 0 ? MDB_NOTFOUND : give_row(rows_len - 1, key, value);
    case MDB_SET_RANGE:
        return give_row(rows_len / 2, key, value);
    default:
        return give_row(0, key, value);
    }
}

static struct txn *
open_txn(void)
{
    static struct store *store;
    static struct lmdb_calls calls;
    char path[] = "/tmp/vigie-fuzz-XXXXXX";
    char file[64];
    struct store_options options = {.path = path, .map_bytes = 1 << 20, .create = true};
    struct txn *txn = NULL;

    CHECK(mkdtemp(path) != NULL);
    CHECK(store_open(&options, &store, NULL) == VG_OK);
    CHECK(store_read(store, &txn, NULL) == VG_OK);
    static const char *const names[] = {"data.mdb", "lock.mdb", "vigie.lock"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(file, sizeof file, "%s/%s", path, names[i]);
        unlink(file); // it is open, and nobody else needs it
    }
    CHECK(rmdir(path) == 0);
    calls = lmdb_own_calls;
    calls.get = fuzz_get;
    calls.cursor_get = fuzz_cursor_get;
    store_use_calls(&calls);
    return txn;
}

// ---- the readers ----

// Sanitizers see a byte that is not there only when it is read.
static void
touch(struct bytes bytes)
{
    static volatile uint8_t sum;

    for (size_t i = 0; i < bytes.len; i++) {
        sum = (uint8_t)(sum + bytes.at[i]);
    }
}

static void
check_row(const struct journal_item *item)
{
    struct journal_row row;
    struct bytes key, piece;

    if (!journal_item_row(item, &row, &key, &piece)) {
        return;
    }
    CHECK(key.at >= item->bytes.at && key.at + key.len <= piece.at);
    CHECK(piece.at + piece.len <= item->bytes.at + item->bytes.len);
    CHECK(row.erased != 0 || row.offset + piece.len <= row.value_len);
    (void)journal_row_of(&row);
    (void)journal_row_mailbox(key);
}

static void
walk_items(const struct buffer *record)
{
    struct journal_item item;
    struct journal_recipient recipient;
    struct journal_event event;
    size_t offset = 0, before = 0;

    while (journal_next(record, &offset, &item)) {
        CHECK(offset > before && offset <= record->len);
        before = offset;
        touch(item.bytes);
        check_row(&item);

        size_t i = 0;

        while (journal_item_recipient(&item, i, &recipient)) {
            i++;
        }
        CHECK(i == 0 ||
              (item.kind == JOURNAL_EVENT &&
               journal_item_as(&item, &event, sizeof event) && i <= event.recipients &&
               sizeof event + i * sizeof recipient <= item.bytes.len));
    }
}

// The input is a record that was already put together.
static void
read_items(struct txn *txn, struct bytes input)
{
    uint8_t *copy = exact_copy(input.at, input.len);
    struct buffer record = {.at = copy, .len = input.len, .size = input.len};

    (void)txn;
    walk_items(&record);
    free(copy);
}

static void
read_record(struct txn *txn, struct bytes input)
{
    struct buffer record = {.len = 0};
    struct journal_head head;
    uint64_t commit = 0;

    memcpy(&commit, input.at, input.len < 8 ? input.len : 8);
    if (journal_read(txn, commit, &record, &head, NULL) == VG_OK) {
        CHECK(head.commit == commit);
        walk_items(&record);
    }
    buffer_free(&record);
}

static void
read_block(struct txn *txn, struct bytes input)
{
    struct bytes body;
    struct why why;

    (void)!bodies_check_block(txn, 1, &why);
    for (uint64_t offset = 0; offset < input.len + 8; offset++) {
        row_now = 0;
        if (body_get(txn, 1 << 16 | offset, &body) == VG_OK) {
            CHECK(body.at >= rows[0].value + 20);
            CHECK(body.at + body.len <= rows[0].value + rows[0].value_len);
        }
    }
}

static bool
see_person(struct niss niss, const struct person *person, void *arg)
{
    (void)niss, (void)arg;
    CHECK((person->len > 0) == (person->integrations != NULL));
    touch((struct bytes){(const uint8_t *)person->integrations,
                         person->len * sizeof *person->integrations});
    return true;
}

static void
read_persons(struct txn *txn, struct bytes input)
{
    struct person person;
    struct niss former[FORMER_MAX];
    size_t len = 0;

    (void)input;
    if (person_get(txn, (struct niss){1}, &person) == VG_OK) {
        see_person((struct niss){1}, &person, NULL);
    }
    row_now = 0;
    if (person_former(txn, (struct niss){1}, former, &len) == VG_OK) {
        CHECK(len <= FORMER_MAX);
    }
    (void)!person_each(txn, (struct niss){0}, see_person, NULL);
}

static void
read_mailbox(struct txn *txn, struct bytes input)
{
    static struct number_range ranges[RANGES_MAX];
    struct mailbox_row row;
    struct meta meta;
    size_t len = 0;

    (void)input;
    (void)!mailbox_get(txn, (struct mailbox_id){1}, &row);
    row_now = 0;
    if (ranges_get(txn, (struct mailbox_id){1}, ranges, &len) == VG_OK) {
        CHECK(len <= RANGES_MAX);
    }
    row_now = 0;
    (void)!meta_get(txn, &meta, NULL);
}

static void
read_backlog(struct txn *txn, struct bytes input)
{
    struct letter letters[250];
    uint64_t from = input.len > 0 ? input.at[0] : 0;
    struct mailbox_id mailbox = {1};
    size_t len = 0;

    if (backlog_read(txn, mailbox, from, letters, ARRAY_LEN(letters), &len) == VG_OK) {
        CHECK(len <= ARRAY_LEN(letters));
    }
}

static bool
see_institution(const struct institution *institution, void *arg)
{
    (void)arg;
    CHECK(strlen(institution->code) < sizeof institution->code);
    CHECK(strlen(institution->name) < sizeof institution->name);
    return true;
}

static bool
see_key(const uint8_t key[KEY_LEN], const struct key_row *row, void *arg)
{
    (void)arg;
    touch((struct bytes){key, KEY_LEN});
    CHECK(strlen(row->label) < sizeof row->label);
    return true;
}

static bool
see_spec(const struct spec_row *row, void *arg)
{
    (void)arg;
    CHECK(strlen(row->name) < sizeof row->name && row->choices_len <= SPEC_CHOICES_MAX);
    return true;
}

static void
read_registry(struct txn *txn, struct bytes input)
{
    struct institution institution;
    struct key_row key;
    struct producer_row producer;

    if (institution_get(txn, (struct institution_id){1}, &institution) == VG_OK) {
        see_institution(&institution, NULL);
    }
    row_now = 0;
    if (key_get(txn, (const uint8_t[KEY_LEN]){0}, &key) == VG_OK) {
        see_key((const uint8_t[KEY_LEN]){0}, &key, NULL);
    }
    row_now = 0;
    (void)!producer_get(txn, (struct institution_id){1}, 1, &producer);
    (void)!institution_each(txn, see_institution, NULL);
    (void)!key_each(txn, see_key, NULL);
    (void)!spec_each(txn, see_spec, NULL);
    (void)input;
}

static void
read_texts(struct txn *txn, struct bytes input)
{
    struct buffer text = {.len = 0};
    struct catalogue_row row;
    enum vg_status refusal;
    struct why why;

    if (refusal_get(txn, (struct institution_id){1}, 1, 1, &refusal, &why) == VG_OK) {
        CHECK(strlen(why.text) < sizeof why.text);
    }
    row_now = 0;
    if (catalogue_get(txn, 1, &row, &text) == VG_OK) {
        CHECK(text.len == input.len - 16);
    }
    buffer_free(&text);
}

static bool
see_held(struct mailbox_id mailbox, const struct held_row *row, void *arg)
{
    (void)mailbox, (void)arg;
    CHECK(row->head.reason_len <= HELD_REASON_MAX);
    CHECK(strlen(row->reason) <= row->head.reason_len);
    CHECK(row->head.state >= HELD_RETRY && row->head.state <= HELD_PARKED);
    return true;
}

static void
read_held(struct txn *txn, struct bytes input)
{
    struct mailbox_id mailbox = {1};
    struct held_row row;
    enum held_state state;
    uint64_t number = 0;

    (void)input;
    if (held_get(txn, mailbox, 1, &row) == VG_OK) {
        see_held(mailbox, &row, NULL);
    }
    row_now = 0;
    if (held_next(txn, mailbox, 1, &mailbox, &row) == VG_OK) {
        see_held(mailbox, &row, NULL);
    }
    row_now = 0;
    if (held_about(txn, mailbox, 1, 1, &number, &state) == VG_OK) {
        CHECK(state == HELD_RETRY || state == HELD_BEHIND);
    }
    (void)!held_each(txn, see_held, NULL);
    (void)!held_subjects_len(txn, &number);
}

static bool
see_limits(struct mailbox_id mailbox, const struct limits *limits, void *arg)
{
    (void)mailbox, (void)arg;
    touch((struct bytes){(const uint8_t *)limits, sizeof *limits});
    return true;
}

static bool
see_heard(struct institution_id source, uint16_t flow, const struct heard *heard,
          void *arg)
{
    (void)source, (void)flow, (void)arg;
    touch((struct bytes){(const uint8_t *)heard, sizeof *heard});
    return true;
}

static void
read_counted(struct txn *txn, struct bytes input)
{
    struct mailbox_id mailbox = {1};
    struct counted counted;
    struct limits limits;

    (void)input;
    (void)!counted_get(txn, mailbox, &counted);
    row_now = 0;
    if (limits_get(txn, mailbox, &limits) == VG_OK) {
        see_limits(mailbox, &limits, NULL);
    }
    (void)!limits_each(txn, see_limits, NULL);
    (void)!heard_each(txn, see_heard, NULL);
}

static const struct {
    void (*read)(struct txn *txn, struct bytes input);
    bool several; // rows
} readers[] = {
    {read_items, false},    {read_record, true},   {read_block, false},
    {read_persons, true},   {read_mailbox, false}, {read_backlog, true},
    {read_registry, false}, {read_registry, true}, {read_texts, false},
    {read_held, true},      {read_counted, false},
};

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    static struct txn *txn;
    struct bytes input = {at + 1, len - 1};

    if (len == 0) {
        return 0;
    }
    if (txn == NULL) {
        txn = open_txn();
    }

    CHECK(store_read_renew(txn) == VG_OK); // it forgets the block it knows

    size_t reader = at[0] % ARRAY_LEN(readers);

    if (readers[reader].several) {
        read_rows(input);
    } else {
        add_row((struct bytes){input.at, input.len < 4 ? input.len : 4}, input);
    }
    readers[reader].read(txn, input);
    free_rows();
    return 0;
}
