// SPDX-License-Identifier: EUPL-1.2
// Goal: a mailbox's counters are exact, and the backlog gives back every letter that was
// filed, in order, across rows and restarts, whatever its neighbours do.
// Method: a real store in a fresh folder, opened again; four mailboxes filled, read and
// trimmed at random from fixed seeds against a plain list; rows damaged behind the store's
// back.
#include "store/mailbox.h"

#include "../failing_lmdb.h"
#include "../fresh_store.h"

enum { MODEL_LETTERS = 6000, MODEL_STEPS = 800 };

// Neighbours in the table, and both ends of it.
static const uint32_t mailboxes[] = {0, 1, 2, UINT32_MAX};

static struct letter
some_letter(uint32_t mailbox, uint64_t number)
{
    return (struct letter){
        .number = number,
        .body = number << 16 | 16,
        .bytes_through = number * 200 + mailbox,
        .size = (uint32_t)(100 + number % 100),
        .quality = (uint16_t)(number % 9),
        .withheld = (uint16_t)(mailbox % 5),
        .begin = (int32_t)number,
        .end = INT32_MAX,
    };
}

static enum vg_status
try_append(struct txn *txn, uint32_t mailbox, uint64_t first, size_t len)
{
    static struct letter letters[2000];

    assert_in_range(len, 0, ARRAY_LEN(letters));
    for (size_t i = 0; i < len; i++) {
        letters[i] = some_letter(mailbox, first + i);
    }
    return backlog_append(txn, (struct mailbox_id){mailbox}, letters, len);
}

static void
append(struct txn *txn, uint32_t mailbox, uint64_t first, size_t len)
{
    assert_int_equal(try_append(txn, mailbox, first, len), VG_OK);
}

static size_t
trim(struct txn *txn, uint32_t mailbox, uint64_t through, size_t rows_max)
{
    size_t rows = 99;

    assert_int_equal(
        backlog_trim(txn, (struct mailbox_id){mailbox}, through, rows_max, &rows), VG_OK);
    return rows;
}

static size_t
read_some(struct txn *txn, uint32_t mailbox, uint64_t from, struct letter *letters,
          size_t max)
{
    size_t len = SIZE_MAX;

    assert_int_equal(
        backlog_read(txn, (struct mailbox_id){mailbox}, from, letters, max, &len), VG_OK);
    assert_true(len <= max);
    for (size_t i = 0; i < len; i++) {
        struct letter expected = some_letter(mailbox, letters[i].number);

        assert_memory_equal(&letters[i], &expected, sizeof expected);
    }
    return len;
}

// ---- rows and ranges ----

static void
a_mailbox_without_a_row_is_all_zeros(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_read(fresh);
    struct mailbox_row row, zero;
    struct number_range ranges[RANGES_MAX];
    size_t len = 9;

    memset(&zero, 0, sizeof zero);
    memset(&row, 1, sizeof row);
    assert_int_equal(mailbox_get(txn, (struct mailbox_id){4}, &row), VG_OK);
    assert_memory_equal(&row, &zero, sizeof row);
    assert_int_equal(mailbox_waiting(&row), 0);
    assert_int_equal(mailbox_bytes_waiting(&row), 0);
    assert_int_equal(ranges_get(txn, (struct mailbox_id){4}, ranges, &len), VG_OK);
    assert_int_equal(len, 0);
    store_abort(&txn);
}

static void
every_counter_comes_back_after_a_restart(void **state)
{
    struct fresh_store *fresh = *state;
    struct mailbox_row rows[ARRAY_LEN(mailboxes)], row;
    struct txn *txn = fresh_store_write(fresh);

    for (size_t i = 0; i < ARRAY_LEN(mailboxes); i++) {
        for (size_t j = 0; j < sizeof row; j++) {
            ((uint8_t *)&rows[i])[j] = (uint8_t)(i * 40 + j);
        }
        assert_int_equal(mailbox_put(txn, (struct mailbox_id){mailboxes[i]}, &rows[i]),
                         VG_OK);
    }
    fresh_store_commit(&txn);
    fresh_store_reopen(fresh);
    txn = fresh_store_read(fresh);
    for (size_t i = 0; i < ARRAY_LEN(mailboxes); i++) {
        assert_int_equal(mailbox_get(txn, (struct mailbox_id){mailboxes[i]}, &row),
                         VG_OK);
        assert_memory_equal(&row, &rows[i], sizeof row);
    }
    store_abort(&txn);
}

static void
waiting_is_what_was_kept_less_what_was_acknowledged(void **state)
{
    struct mailbox_row row = {
        .last = 100,
        .acknowledged = 60,
        .acknowledged_beyond = 7,
        .bytes_total = 20000,
        .bytes_acknowledged = 11000,
        .bytes_beyond = 1500,
    };
    (void)state;

    assert_int_equal(mailbox_waiting(&row), 33);
    assert_int_equal(mailbox_bytes_waiting(&row), 7500);
}

static void
ranges_are_replaced_as_a_whole(void **state)
{
    struct fresh_store *fresh = *state;
    static struct number_range put[RANGES_MAX], got[RANGES_MAX];
    static const size_t lens[] = {1, RANGES_MAX, 3, 0, 0, 2};
    size_t len;

    for (size_t i = 0; i < RANGES_MAX; i++) {
        put[i] = (struct number_range){i * 10, i * 10 + 3, i, i * 1000};
    }
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct txn *txn = fresh_store_write(fresh);

        assert_int_equal(ranges_put(txn, (struct mailbox_id){1}, put, lens[i]), VG_OK);
        assert_int_equal(ranges_put(txn, (struct mailbox_id){2}, put + 1, 1), VG_OK);
        fresh_store_commit(&txn);
        fresh_store_reopen(fresh);
        txn = fresh_store_read(fresh);
        assert_int_equal(ranges_get(txn, (struct mailbox_id){1}, got, &len), VG_OK);
        assert_int_equal(len, lens[i]);
        assert_memory_equal(got, put, len * sizeof *put);
        assert_int_equal(ranges_get(txn, (struct mailbox_id){2}, got, &len), VG_OK);
        assert_int_equal(len, 1);
        assert_memory_equal(got, put + 1, sizeof *put);
        store_abort(&txn);
    }
}

// ---- the backlog ----

static size_t
rows_in_file(struct fresh_store *fresh)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_stat stat;

    store_close(&fresh->store);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 64), 0);
    assert_int_equal(mdb_env_open(env, fresh->path, MDB_RDONLY, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "backlog", 0, &dbi), 0);
    assert_int_equal(mdb_stat(txn, dbi, &stat), 0);
    mdb_txn_abort(txn);
    mdb_env_close(env);
    fresh_store_open(fresh);
    return stat.ms_entries;
}

static void
a_number_is_found_in_its_range(void **state)
{
    struct fresh_store *fresh = *state;
    struct number_range ranges[50];
    struct txn *txn = fresh_store_write(fresh);
    bool have = true;

    assert_int_equal(ranges_have(txn, (struct mailbox_id){1}, 5, &have), VG_OK);
    assert_false(have);
    for (uint64_t i = 0; i < ARRAY_LEN(ranges); i++) { // 10 to 13, 20 to 23, ...
        ranges[i] = (struct number_range){i * 10 + 10, i * 10 + 13, 4, 4};
    }
    for (size_t len = 1; len <= ARRAY_LEN(ranges); len += 7) {
        assert_int_equal(ranges_put(txn, (struct mailbox_id){1}, ranges, len), VG_OK);
        for (uint64_t number = 1; number < 520; number++) {
            assert_int_equal(ranges_have(txn, (struct mailbox_id){1}, number, &have),
                             VG_OK);
            assert_int_equal(have, number % 10 < 4 && number >= 10 && number / 10 <= len);
        }
    }
    store_abort(&txn);
}

static void
a_letter_is_moved_and_nothing_else(void **state)
{
    static const uint64_t moved[] = {1, 100, 101, 250, 301, 320};
    static const uint64_t others[] = {0, 251, 300, 321};
    struct fresh_store *fresh = *state;
    struct letter letters[400];
    struct txn *txn = fresh_store_write(fresh);
    size_t len = 0;

    append(txn, 1, 1, 250);
    append(txn, 1, 301, 20);
    append(txn, 2, 1, 400);
    for (size_t i = 0; i < ARRAY_LEN(moved); i++) {
        assert_int_equal(backlog_move(txn, (struct mailbox_id){1}, moved[i], 77), VG_OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_int_equal(backlog_move(txn, (struct mailbox_id){1}, others[i], 77),
                         VG_NOT_FOUND);
    }
    assert_int_equal(backlog_move(txn, (struct mailbox_id){0}, 1, 77), VG_NOT_FOUND);
    fresh_store_commit(&txn);
    txn = fresh_store_read(fresh);
    assert_int_equal(
        backlog_read(txn, (struct mailbox_id){1}, 0, letters, ARRAY_LEN(letters), &len),
        VG_OK);
    assert_int_equal(len, 270);
    for (size_t i = 0; i < len; i++) {
        struct letter expected = some_letter(1, letters[i].number);

        for (size_t j = 0; j < ARRAY_LEN(moved); j++) {
            expected.body = moved[j] == expected.number ? 77 : expected.body;
        }
        assert_memory_equal(&letters[i], &expected, sizeof expected);
    }
    assert_int_equal(read_some(txn, 2, 0, letters, ARRAY_LEN(letters)), 400);
    store_abort(&txn);
}

static void
letters_one_by_one_fill_rows_of_a_hundred(void **state)
{
    struct fresh_store *fresh = *state;
    static struct letter letters[300];
    struct txn *txn = fresh_store_write(fresh);

    for (uint64_t number = 1; number <= 250; number++) {
        append(txn, 1, number, 1);
    }
    append(txn, 1, 251, 0); // nothing to file
    fresh_store_commit(&txn);
    assert_int_equal(rows_in_file(fresh), 3);
    txn = fresh_store_read(fresh);
    assert_int_equal(read_some(txn, 1, 0, letters, 300), 250);
    for (size_t i = 0; i < 250; i++) {
        assert_int_equal(letters[i].number, i + 1);
    }
    store_abort(&txn);
}

static void
a_gap_begins_a_new_row(void **state)
{
    struct fresh_store *fresh = *state;
    struct letter letters[20];
    struct txn *txn = fresh_store_write(fresh);

    append(txn, 1, 5, 3);
    append(txn, 1, 20, 3); // 8 to 19 were acknowledged before the fold
    append(txn, 1, 23, 1);
    fresh_store_commit(&txn);
    assert_int_equal(rows_in_file(fresh), 2);
    txn = fresh_store_read(fresh);
    assert_int_equal(read_some(txn, 1, 6, letters, 20), 6);
    assert_int_equal(letters[0].number, 6);
    assert_int_equal(letters[2].number, 20);
    assert_int_equal(letters[5].number, 23);
    assert_int_equal(read_some(txn, 1, 8, letters, 20), 4); // from inside the gap
    assert_int_equal(letters[0].number, 20);
    assert_int_equal(read_some(txn, 1, 24, letters, 20), 0);
    assert_int_equal(read_some(txn, 1, UINT64_MAX, letters, 20), 0);
    assert_int_equal(read_some(txn, 1, 0, letters, 0), 0);
    assert_int_equal(read_some(txn, 1, 0, letters, 1), 1);
    assert_int_equal(letters[0].number, 5);
    store_abort(&txn);
}

static void
trimming_takes_whole_rows_only_and_no_more_than_asked(void **state)
{
    struct fresh_store *fresh = *state;
    static struct letter letters[1000];
    struct txn *txn = fresh_store_write(fresh);

    append(txn, 1, 1, 1000);
    append(txn, 2, 1, 10);
    assert_int_equal(trim(txn, 1, 99, 64), 0);
    assert_int_equal(trim(txn, 1, 100, 64), 1);
    assert_int_equal(trim(txn, 1, 850, 3), 3);
    assert_int_equal(trim(txn, 1, 850, 64), 4);
    assert_int_equal(trim(txn, 1, 850, 64), 0);
    assert_int_equal(trim(txn, 1, 850, 0), 0);
    assert_int_equal(read_some(txn, 1, 0, letters, 1000), 200);
    assert_int_equal(letters[0].number, 801);
    assert_int_equal(trim(txn, 1, UINT64_MAX, 64), 2);
    assert_int_equal(trim(txn, 1, UINT64_MAX, 64), 0); // and not its neighbour's
    assert_int_equal(trim(txn, 0, UINT64_MAX, 64), 0);
    assert_int_equal(read_some(txn, 2, 0, letters, 1000), 10);
    append(txn, 1, 1001, 1);
    fresh_store_commit(&txn);
    assert_int_equal(rows_in_file(fresh), 2);
}

static void
letters_filed_twice_break_the_store(void **state)
{
    struct fresh_store *fresh = *state;
    struct letter letters[50];
    struct txn *txn = fresh_store_write(fresh);

    append(txn, 1, 1, 20);
    fresh_store_commit(&txn);
    for (uint64_t first = 1; first <= 20; first++) {
        txn = fresh_store_write(fresh);
        assert_int_equal(try_append(txn, 1, first, 2), VG_STORE_BROKEN);
        store_abort(&txn);
    }
    txn = fresh_store_read(fresh);
    assert_int_equal(read_some(txn, 1, 0, letters, 50), 20);
    store_abort(&txn);
}

// What one mailbox must hold: letters filed, in order, and the number trimmed up to.
struct model {
    uint64_t letters[MODEL_LETTERS];
    size_t len;
    uint64_t next;
    uint64_t trimmed;
};

static struct model models[ARRAY_LEN(mailboxes)];

static uint32_t
next_random(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % below;
}

static void
model_append(struct txn *txn, size_t which, uint32_t *seed)
{
    struct model *model = &models[which];
    size_t len = next_random(seed, next_random(seed, 8) == 0 ? 350 : 20);

    if (next_random(seed, 3) == 0) {
        model->next += next_random(seed, 150); // acknowledged before the fold
    }
    if (model->len + len > MODEL_LETTERS) {
        return;
    }
    append(txn, mailboxes[which], model->next, len);
    for (size_t i = 0; i < len; i++) {
        model->letters[model->len++] = model->next++;
    }
}

static size_t
model_find(const struct model *model, uint64_t from)
{
    size_t i = 0;

    while (i < model->len && model->letters[i] < from) {
        i++;
    }
    return i;
}

// Above what was trimmed every letter is there; below it, some still may be.
static void
model_read(struct txn *txn, size_t which, uint64_t from, size_t max)
{
    static struct letter letters[MODEL_LETTERS];
    const struct model *model = &models[which];
    size_t len = read_some(txn, mailboxes[which], from, letters, max);
    size_t expected = model_find(model, from);

    while (expected < model->len && model->letters[expected] <= model->trimmed &&
           (len == 0 || model->letters[expected] < letters[0].number)) {
        expected++;
    }
    for (size_t i = 0; i < len; i++, expected++) {
        assert_true(expected < model->len);
        assert_int_equal(letters[i].number, model->letters[expected]);
    }
    assert_true(len == max || expected == model->len);
}

static void
model_trim(struct txn *txn, size_t which, uint32_t *seed)
{
    struct model *model = &models[which];
    uint64_t through =
        model->trimmed +
        next_random(seed, (uint32_t)(model->next - model->trimmed) / 2 + 2);

    trim(txn, mailboxes[which], through, 1 + next_random(seed, 9));
    if (through > model->trimmed) {
        model->trimmed = through;
    }
}

static void
mailboxes_used_at_random_are_as_plain_lists_say(void **state)
{
    struct fresh_store *fresh = *state;

    for (uint32_t seed_first = 1; seed_first <= 5; seed_first++) {
        uint32_t seed = seed_first * 7919;
        struct txn *txn = fresh_store_write(fresh);

        for (size_t i = 0; i < ARRAY_LEN(mailboxes); i++) {
            models[i].len = 0;
            models[i].trimmed = 0;
            models[i].next = 1;
            trim(txn, mailboxes[i], UINT64_MAX, 1000);
        }
        for (int step = 0; step < MODEL_STEPS; step++) {
            size_t which = next_random(&seed, ARRAY_LEN(mailboxes));
            uint32_t what = next_random(&seed, 10);

            if (what < 4) {
                model_append(txn, which, &seed);
            } else if (what < 8) {
                model_read(txn, which,
                           next_random(&seed, (uint32_t)models[which].next + 50),
                           next_random(&seed, 400));
            } else if (what < 9) {
                model_trim(txn, which, &seed);
            } else {
                fresh_store_commit(&txn);
                txn = fresh_store_write(fresh);
            }
        }
        fresh_store_commit(&txn);
        fresh_store_reopen(fresh);
        txn = fresh_store_read(fresh);
        for (size_t i = 0; i < ARRAY_LEN(mailboxes); i++) {
            assert_true(models[i].len > 500);
            model_read(txn, i, 0, MODEL_LETTERS);
            model_read(txn, i, models[i].trimmed + 1, MODEL_LETTERS);
        }
        store_abort(&txn);
    }
}

// ---- damage and failures ----

// Mailbox 1, first letter 1, as the backlog's keys are.
static const uint8_t backlog_key[12] = {0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1};

static void
a_row_of_letters_out_of_order_is_broken(void **state)
{
    struct fresh_store *fresh = *state;
    struct letter letters[10];
    struct txn *txn = fresh_store_write(fresh);
    size_t len;

    append(txn, 1, 1, 10);
    fresh_store_commit(&txn);
    fresh_store_flip(fresh, "backlog", backlog_key, sizeof backlog_key,
                     sizeof(uint64_t) + 4 * sizeof(struct letter));
    txn = fresh_store_read(fresh);
    assert_int_equal(backlog_read(txn, (struct mailbox_id){1}, 0, letters, 10, &len),
                     VG_STORE_BROKEN);
    store_abort(&txn);
}

// What stands before it is given, what stands behind it as well; it is not added to, and it
// goes when it is done with.
static void
a_damaged_row_stops_nothing_but_its_own_letters(void **state)
{
    static const uint8_t second[12] = {0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 101};
    struct fresh_store *fresh = *state;
    struct letter letters[300];
    struct txn *txn = fresh_store_write(fresh);
    size_t len;

    append(txn, 1, 1, 150);
    fresh_store_commit(&txn);
    fresh_store_flip(fresh, "backlog", second, sizeof second, 3000 / 2);
    txn = fresh_store_write(fresh);
    append(txn, 1, 151, 50);
    fresh_store_commit(&txn);
    txn = fresh_store_read(fresh);
    assert_int_equal(backlog_read(txn, (struct mailbox_id){1}, 1, letters, 300, &len),
                     VG_OK);
    assert_int_equal(len, 100);
    for (uint64_t from = 101; from <= 150; from++) {
        assert_int_equal(
            backlog_read(txn, (struct mailbox_id){1}, from, letters, 300, &len),
            VG_STORE_BROKEN);
    }
    assert_int_equal(read_some(txn, 1, 151, letters, 300), 50);
    store_abort(&txn);
    txn = fresh_store_write(fresh);
    assert_int_equal(backlog_trim(txn, (struct mailbox_id){1}, 160, 10, &len), VG_OK);
    assert_int_equal(len, 2);
    fresh_store_commit(&txn);
}

static void
rows_of_a_strange_length_are_broken(void **state)
{
    static const size_t lens[] = {1, 8, 47, 49, 8 + 101 * 40};
    struct fresh_store *fresh = *state;
    static uint8_t bytes[RANGES_MAX * 32 + 32];
    static struct number_range ranges[RANGES_MAX];
    struct letter letters[10];
    struct mailbox_row row;
    struct txn *txn;
    size_t len;

    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        fresh_store_put_raw(fresh, "backlog", backlog_key, sizeof backlog_key, bytes,
                            lens[i]);
        fresh_store_open(fresh);
        txn = fresh_store_write(fresh);
        assert_int_equal(backlog_read(txn, (struct mailbox_id){1}, 0, letters, 10, &len),
                         VG_STORE_BROKEN);
        assert_int_equal(try_append(txn, 1, 1000, 1), VG_STORE_BROKEN);
        assert_int_equal(backlog_trim(txn, (struct mailbox_id){1}, 9, 9, &len),
                         VG_STORE_BROKEN);
        store_abort(&txn);
    }
    fresh_store_put_raw(fresh, "mailboxes", backlog_key, 4, bytes, sizeof row - 1);
    fresh_store_put_raw(fresh, "acknowledged", backlog_key, 4, bytes, 33);
    fresh_store_open(fresh);
    txn = fresh_store_read(fresh);
    assert_int_equal(mailbox_get(txn, (struct mailbox_id){1}, &row), VG_STORE_BROKEN);
    assert_int_equal(ranges_get(txn, (struct mailbox_id){1}, ranges, &len),
                     VG_STORE_BROKEN);
    store_abort(&txn);
    fresh_store_put_raw(fresh, "acknowledged", backlog_key, 4, bytes, sizeof bytes);
    fresh_store_open(fresh);
    txn = fresh_store_read(fresh);
    assert_int_equal(ranges_get(txn, (struct mailbox_id){1}, ranges, &len),
                     VG_STORE_BROKEN);
    store_abort(&txn);
}

static enum vg_status
use_everything(struct txn *txn)
{
    static struct number_range ranges[RANGES_MAX];
    struct mailbox_id mailbox = {1};
    struct mailbox_row row;
    struct letter letters[20];
    size_t len;
    enum vg_status status = mailbox_get(txn, mailbox, &row);

    if (status == VG_OK) {
        status = mailbox_put(txn, mailbox, &row);
    }
    if (status == VG_OK) {
        status = ranges_get(txn, mailbox, ranges, &len);
    }
    if (status == VG_OK) {
        status = ranges_put(txn, mailbox, ranges, 0);
    }
    if (status == VG_OK) {
        status = ranges_put(txn, mailbox, ranges, 1);
    }
    if (status == VG_OK) {
        status = backlog_read(txn, mailbox, 90, letters, 20, &len);
    }
    if (status == VG_OK) {
        status = try_append(txn, 1, 151, 250);
    }
    if (status == VG_OK) {
        status = backlog_trim(txn, mailbox, 300, 10, &len);
    }
    return status;
}

static void
every_call_that_fails_is_passed_on_and_changes_nothing(void **state)
{
    struct fresh_store *fresh = *state;
    struct letter letters[200];
    struct txn *txn = fresh_store_write(fresh);
    bool failed = true;
    unsigned n = 1;

    append(txn, 1, 1, 150);
    fresh_store_commit(&txn);
    for (; failed; n++) {
        txn = fresh_store_write(fresh);
        lmdb_fail(NULL, n, n % 2 == 0 ? MDB_MAP_FULL : MDB_CORRUPTED);

        enum vg_status status = use_everything(txn);

        failed = lmdb_heal();
        if (failed) {
            assert_int_equal(status, n % 2 == 0 ? VG_STORE_FULL : VG_STORE_BROKEN);
            store_abort(&txn);
            txn = fresh_store_read(fresh);
            assert_int_equal(read_some(txn, 1, 0, letters, 200), 150);
        } else {
            assert_int_equal(status, VG_OK);
        }
        store_abort(&txn);
    }
    assert_in_range(n, 15, 60);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_store_test(a_mailbox_without_a_row_is_all_zeros),
        fresh_store_test(every_counter_comes_back_after_a_restart),
        cmocka_unit_test(waiting_is_what_was_kept_less_what_was_acknowledged),
        fresh_store_test(ranges_are_replaced_as_a_whole),
        fresh_store_test(a_number_is_found_in_its_range),
        fresh_store_test(a_letter_is_moved_and_nothing_else),
        fresh_store_test(letters_one_by_one_fill_rows_of_a_hundred),
        fresh_store_test(a_gap_begins_a_new_row),
        fresh_store_test(trimming_takes_whole_rows_only_and_no_more_than_asked),
        fresh_store_test(letters_filed_twice_break_the_store),
        fresh_store_test(mailboxes_used_at_random_are_as_plain_lists_say),
        fresh_store_test(a_row_of_letters_out_of_order_is_broken),
        fresh_store_test(a_damaged_row_stops_nothing_but_its_own_letters),
        fresh_store_test(rows_of_a_strange_length_are_broken),
        fresh_store_test(every_call_that_fails_is_passed_on_and_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
