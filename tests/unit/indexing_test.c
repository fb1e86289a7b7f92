// SPDX-License-Identifier: EUPL-1.2
// Goal: a day's records are indexed when it is over and not before, in slices, each record
// once; what is put agrees with the journal, and a crash between two slices loses nothing.
// Method: days pass by the batch's clock; the whole check compares the table with the
// journal after every slice, and the journal's words for the slices make the same rows again.
#include "flow_fixture.h"

#include "flow/indexing.h"
#include "store/exchanges.h"
#include "store/store_internal.h"

enum { MONTHS = 6, MANY = 1000 };

#define DAY_US (INT64_C(24) * 3600 * 1000000)

static bool
slice(struct flow_fixture *f)
{
    struct expire_command *expire = &flow_command(f, COMMAND_EXPIRE, 0)->expire;

    expire->replay_days = 7;
    expire->journal_months = 24;
    expire->person_months = MONTHS;
    expire->exported_commit = UINT64_MAX;
    flow_apply(f);
    flow_assert_sound(f);
    return expire->more;
}

static struct exchange_progress
progress_of(struct flow_fixture *f)
{
    struct exchange_progress progress;

    assert_int_equal(exchanges_progress(flow_view(f), &progress), VG_OK);
    return progress;
}

static void
publish(struct flow_fixture *f, size_t len)
{
    struct hot_mutation mutations[MANY];

    for (size_t i = 0; i < len; i++) {
        mutations[i] = flow_address((int)(i % 50));
    }
    flow_publish(f, RN, 1, flow_producer(f, RN, 1).last_number + 1, mutations, len);
    flow_apply(f);
}

static void
follow_all(struct flow_fixture *f)
{
    for (int person = 0; person < 50; person++) {
        flow_follow(f, CPAS_A, person, 2);
    }
}

static void
today_waits_until_it_is_over(void **state)
{
    struct flow_fixture *f = *state;
    uint64_t commits;

    follow_all(f);
    publish(f, 3);
    assert_false(slice(f));
    assert_int_equal(progress_of(f).commit, 0);
    commits = flow_meta(f).last_commit;
    f->now_us += DAY_US;
    slice(f);
    assert_int_equal(progress_of(f).commit, commits);
    assert_int_equal(progress_of(f).run.day, day_of(2026, 11, 20).number);
    assert_int_equal(progress_of(f).ticket, flow_meta(f).last_sequence);
}

static void
nothing_is_written_when_there_is_nothing_to_do(void **state)
{
    struct flow_fixture *f = *state;
    uint64_t commits;

    follow_all(f);
    f->now_us += DAY_US;
    while (slice(f)) {
    }
    commits = flow_meta(f).last_commit;
    for (int i = 0; i < 5; i++) {
        assert_false(slice(f));
    }
    assert_int_equal(flow_meta(f).last_commit, commits);
}

// Puts a record with one bit of its moment changed, or as it was.
static void
flip(struct flow_fixture *f, uint64_t commit)
{
    AUTO(buffer_free) struct buffer record = {0};
    struct journal_head head;
    struct txn *txn = NULL;

    store_abort(&f->view);
    assert_int_equal(store_write(f->store, &txn, NULL), VG_OK);
    (void)!journal_read(txn, commit, &record, &head, NULL); // all of it, sound or not
    record.at[16] ^= 1;
    assert_int_equal(journal_replace_record(txn, &record, commit), VG_OK);
    assert_int_equal(store_commit(&txn, NULL), VG_OK);
}

static struct expire_command
slice_unsound(struct flow_fixture *f)
{
    struct expire_command *expire = &flow_command(f, COMMAND_EXPIRE, 0)->expire;

    expire->person_months = MONTHS;
    expire->exported_commit = UINT64_MAX;
    flow_apply(f);
    return *expire;
}

static void
a_damaged_record_is_named_and_stops_it_until_it_is_mended(void **state)
{
    struct flow_fixture *f = *state;
    struct expire_command got;
    uint64_t commit, last;
    char words[32];

    follow_all(f);
    publish(f, 3);
    commit = flow_meta(f).last_commit;
    publish(f, 3);
    last = flow_meta(f).last_commit;
    flip(f, commit);
    f->now_us += DAY_US;
    do {
        got = slice_unsound(f);
    } while (got.more);
    assert_int_equal(progress_of(f).commit, commit - 1);
    snprintf(words, sizeof words, "commit %llu: ", (unsigned long long)commit);
    got = slice_unsound(f);
    assert_false(got.more); // it does not spin
    assert_non_null(strstr(got.unindexed.text, words));
    assert_int_equal(progress_of(f).commit, commit - 1);
    flip(f, commit);
    got = slice_unsound(f);
    assert_string_equal(got.unindexed.text, "");
    assert_true(progress_of(f).commit >= last);
    while (slice(f)) {
    }
}

struct items {
    struct journal_indexed item[50];
    size_t len;
};

static void
note_indexed(const struct journal_item *item, void *arg)
{
    struct items *items = arg;

    if (item->kind == JOURNAL_INDEXED) {
        assert_true(items->len < ARRAY_LEN(items->item));
        assert_true(
            journal_item_as(item, &items->item[items->len++], sizeof items->item[0]));
    }
}

static void
add_sum(struct exchange_run run, const struct exchange *exchange, void *arg)
{
    uint64_t *sum = arg;

    *sum = *sum * 31 + checksum_of(&run, sizeof run) +
           checksum_of(exchange, sizeof *exchange);
}

static uint64_t
sum_of(struct txn *txn)
{
    uint64_t sum = 0;

    assert_int_equal(exchanges_each(txn, add_sum, &sum, NULL), VG_OK);
    return sum;
}

// From nothing, by what the journal says of each slice.
static void
assert_comes_out_again(struct flow_fixture *f)
{
    struct exchange_progress was = progress_of(f), progress = {.commit = 0};
    struct exchange_run first = {1, 0}, end = {INT32_MAX, 0};
    struct items items = {.len = 0};
    uint64_t sum = sum_of(flow_view(f));
    struct txn *txn = NULL;
    size_t rows = 0;

    flow_each_item(f, note_indexed, &items);
    assert_true(items.len > 0);
    assert_int_equal(store_write(f->store, &txn, NULL), VG_OK);
    assert_int_equal(exchanges_erase(txn, first, end, SIZE_MAX, &rows), VG_OK);
    assert_int_equal(exchanges_set_progress(txn, &progress), VG_OK);
    f->applier->txn = txn;
    for (size_t i = 0; i < items.len; i++) {
        assert_int_equal(index_again(f->applier, &items.item[i]), VG_OK);
    }
    assert_true(sum_of(txn) == sum);
    assert_int_equal(exchanges_progress(txn, &progress), VG_OK);
    assert_memory_equal(&progress, &was, sizeof was);
    store_abort(&f->applier->txn);
}

// A crash is a store that is opened again between any two.
static void
a_long_day_takes_slices_and_becomes_one_run(void **state)
{
    struct flow_fixture *f = *state;
    struct exchange_run run = {1, 0};
    unsigned stages = 0;
    uint32_t slices = 0;
    bool more = true;

    follow_all(f);
    for (int i = 0; i < 80; i++) {
        publish(f, MANY);
    }
    f->now_us += DAY_US;
    for (; more; slices++) {
        more = slice(f);
        stages |= 1u << progress_of(f).stage;
        assert_comes_out_again(f);
        flow_reopen(f);
    }
    assert_in_range(slices, 7, 20); // three of runs, three of one, one that erases
    assert_int_equal(stages, 15);
    assert_int_equal(exchanges_next_run(flow_view(f), run, &run), VG_OK);
    assert_int_equal(run.day, day_of(2026, 11, 20).number);
    assert_int_equal(run.run, progress_of(f).run.run);
    run.run++;
    assert_int_equal(exchanges_next_run(flow_view(f), run, &run), VG_NOT_FOUND);
}

static void
days_apart_are_runs_apart(void **state)
{
    struct flow_fixture *f = *state;
    struct exchange_run run = {1, 0};
    int32_t first = day_of(2026, 11, 20).number;

    follow_all(f);
    for (int day = 0; day < 3; day++) {
        publish(f, 3);
        f->now_us += DAY_US;
    }
    while (slice(f)) {
    }
    for (int day = 0; day < 3; day++, run.run++) {
        assert_int_equal(exchanges_next_run(flow_view(f), run, &run), VG_OK);
        assert_int_equal(run.day, first + day);
    }
}

// As in a store that comes from before there was an index.
static void
records_older_than_the_question_reaches_are_passed_over(void **state)
{
    struct flow_fixture *f = *state;
    struct exchange_run run = {1, 0};

    follow_all(f);
    publish(f, 3);
    f->now_us = flow_noon(2027, 6, 1);
    publish(f, 3);
    f->now_us += DAY_US;
    while (slice(f)) {
    }
    assert_int_equal(exchanges_next_run(flow_view(f), run, &run), VG_OK);
    assert_int_equal(run.day, day_of(2027, 6, 1).number);
    assert_int_equal(progress_of(f).since, day_of(2026, 12, 2).number);
}

static void
a_row_that_is_missing_is_found_by_the_check(void **state)
{
    struct flow_fixture *f = *state;
    struct check_report report;
    struct txn *txn = NULL;
    size_t rows = 0;

    follow_all(f);
    f->now_us += DAY_US;
    while (slice(f)) {
    }
    assert_int_equal(store_write(f->store, &txn, NULL), VG_OK);
    assert_int_equal(exchanges_erase(txn, (struct exchange_run){1, 0},
                                     (struct exchange_run){day_of(2027, 1, 1).number, 0},
                                     1, &rows),
                     VG_OK);
    assert_int_equal(rows, 1);
    assert_int_equal(store_commit(&txn, NULL), VG_OK);
    assert_int_equal(store_check(f->store, &report, NULL, NULL, &f->why), VG_OK);
    assert_int_equal(report.faults.total, 1);
    assert_non_null(strstr(report.faults.fault[0].why.text, "exchanges: "));
}

// The last row there is: of a run that is about to become one with the others.
static void
damage_a_row(struct flow_fixture *f)
{
    struct cursor cursor = {.mdb = NULL};
    struct key key = {.len = 0};
    uint8_t value[4080];
    struct txn *txn = NULL;
    size_t len;

    store_abort(&f->view);
    assert_int_equal(store_write(f->store, &txn, NULL), VG_OK);
    assert_int_equal(cursor_open(txn, TABLE_EXCHANGES, &cursor), VG_OK);
    assert_int_equal(cursor_move(&cursor, MDB_LAST), VG_OK);
    key_add(&key, cursor.key.at, cursor.key.len);
    len = cursor.value.len;
    memcpy(value, cursor.value.at, len);
    cursor_close(&cursor);
    value[len / 2] ^= 1;
    assert_int_equal(table_put(txn, TABLE_EXCHANGES, &key, (struct bytes){value, len}, 0),
                     VG_OK);
    assert_int_equal(store_commit(&txn, NULL), VG_OK);
}

static void
a_damaged_row_of_a_run_ends_nobody(void **state)
{
    struct flow_fixture *f = *state;
    struct expire_command got = {.more = true};
    uint64_t commits;

    follow_all(f);
    for (int i = 0; i < 34; i++) {
        publish(f, MANY);
    }
    f->now_us += DAY_US;
    while (progress_of(f).run.run < 2) {
        assert_true(slice(f));
    }
    damage_a_row(f);
    while (got.more) {
        got = slice_unsound(f);
    }
    assert_non_null(
        strstr(got.unindexed.text, "index by person is damaged, of 2026-11-20"));
    commits = flow_meta(f).last_commit;
    assert_false(slice_unsound(f).more);
    assert_int_equal(flow_meta(f).last_commit, commits); // and nothing half done is put
    assert_int_equal(progress_of(f).run.run, 2);
}

static void
what_an_item_says_must_come_out(void **state)
{
    struct flow_fixture *f = *state;
    struct journal_indexed item = {.from_commit = 1, .through_commit = 1, .day = 20000};

    follow_all(f);
    assert_int_equal(store_write(f->store, &f->applier->txn, NULL), VG_OK);
    item.entries = 1; // the first record has none
    assert_int_equal(index_again(f->applier, &item), VG_STORE_BROKEN);
    item.entries = 0;
    assert_int_equal(index_again(f->applier, &item), VG_OK);
    store_abort(&f->applier->txn);
}

static int
end_unsound(void **state)
{
    flow_end(*state);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(today_waits_until_it_is_over),
        FLOW_TEST(nothing_is_written_when_there_is_nothing_to_do),
        FLOW_TEST(a_damaged_record_is_named_and_stops_it_until_it_is_mended),
        FLOW_TEST(a_long_day_takes_slices_and_becomes_one_run),
        FLOW_TEST(days_apart_are_runs_apart),
        FLOW_TEST(records_older_than_the_question_reaches_are_passed_over),
        cmocka_unit_test_setup_teardown(a_row_that_is_missing_is_found_by_the_check,
                                        flow_setup, end_unsound),
        cmocka_unit_test_setup_teardown(a_damaged_row_of_a_run_ends_nobody, flow_setup,
                                        end_unsound),
        FLOW_TEST(what_an_item_says_must_come_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
