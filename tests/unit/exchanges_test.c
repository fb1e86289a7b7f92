// SPDX-License-Identifier: EUPL-1.2
// Goal: what was put into a run is found again, whole and nothing else, whatever row it lies
// in; old days go and nothing else; a damaged row is noticed.
// Method: runs of many rows in a real store, asked for every subject and compared with what
// was put.
#include "../fresh_store.h"

#include "store/exchanges.h"

enum { MANY = 5000, SUBJECTS = 700 };

static struct exchange
nth(size_t i)
{
    return (struct exchange){1 + i * SUBJECTS / MANY, i, 7 * i};
}

static void
put_run(struct fresh_store *fresh, int32_t day, uint32_t run, size_t len)
{
    struct exchange *exchanges = xcalloc(len, sizeof *exchanges);
    struct txn *txn = fresh_store_write(fresh);

    for (size_t i = 0; i < len; i++) {
        exchanges[i] = nth(i);
    }
    assert_int_equal(exchanges_put(txn, (struct exchange_run){day, run}, exchanges, len),
                     VG_OK);
    fresh_store_commit(&txn);
    free(exchanges);
}

static void
every_entry_is_found_and_no_other(void **state)
{
    struct fresh_store *fresh = *state;
    struct exchange found[MANY];
    size_t total = 0;
    struct txn *txn;

    put_run(fresh, 20000, 1, 1);
    put_run(fresh, 20000, 2, MANY);
    put_run(fresh, 20001, 1, MANY / 2);
    txn = fresh_store_read(fresh);
    for (uint64_t subject = 0; subject <= SUBJECTS + 1; subject++) {
        size_t len = 0;

        assert_int_equal(exchanges_find(txn, (struct exchange_run){20000, 2}, subject, 0,
                                        found, MANY, &len),
                         VG_OK);
        for (size_t i = 0; i < len; i++) {
            struct exchange expected = nth(total + i);

            assert_memory_equal(&found[i], &expected, sizeof expected);
            assert_int_equal(found[i].subject, subject);
        }
        total += len;
    }
    assert_int_equal(total, MANY);
    store_abort(&txn);
}

static void
a_search_begins_where_it_is_told_and_ends_when_it_has_enough(void **state)
{
    struct fresh_store *fresh = *state;
    struct exchange found[3];
    struct txn *txn;
    size_t len = 0;

    put_run(fresh, 20000, 1, MANY); // nothing stands before it
    txn = fresh_store_read(fresh);
    for (size_t i = 0; i + 1 < MANY; i += 13) {
        struct exchange expected = nth(i);

        assert_int_equal(exchanges_find(txn, (struct exchange_run){20000, 1},
                                        expected.subject, expected.first, found, 3, &len),
                         VG_OK);
        assert_in_range(len, 1, 3);
        assert_memory_equal(&found[0], &expected, sizeof expected);
    }
    store_abort(&txn);
}

static void
runs_are_walked_in_order(void **state)
{
    struct fresh_store *fresh = *state;
    struct exchange_run run = {1, 0};
    struct txn *txn = fresh_store_write(fresh);
    struct exchange_progress progress = {.commit = 3};

    assert_int_equal(exchanges_set_progress(txn, &progress), VG_OK); // is no run
    fresh_store_commit(&txn);
    txn = fresh_store_read(fresh);
    assert_int_equal(exchanges_next_run(txn, run, &run), VG_NOT_FOUND);
    store_abort(&txn);
    put_run(fresh, 20000, 1, 400);
    put_run(fresh, 20000, 2, 1);
    put_run(fresh, 20003, 1, 200);
    txn = fresh_store_read(fresh);
    for (int i = 0; i < 3; i++, run.run++) {
        assert_int_equal(exchanges_next_run(txn, run, &run), VG_OK);
        assert_int_equal(run.day, i < 2 ? 20000 : 20003);
        assert_int_equal(run.run, i == 1 ? 2 : 1);
    }
    assert_int_equal(exchanges_next_run(txn, run, &run), VG_NOT_FOUND);
    assert_int_equal(exchanges_progress(txn, &progress), VG_OK);
    assert_int_equal(progress.commit, 3);
    store_abort(&txn);
}

static void
old_days_go_some_rows_at_a_time(void **state)
{
    struct fresh_store *fresh = *state;
    struct exchange_run run = {1, 0};
    size_t rows = 1, all = 0;
    struct txn *txn;

    put_run(fresh, 20000, 1, 1000);
    put_run(fresh, 20001, 1, 1000);
    put_run(fresh, 20002, 1, 1000);
    while (rows > 0) {
        txn = fresh_store_write(fresh);
        assert_int_equal(exchanges_erase(txn, (struct exchange_run){1, 0},
                                         (struct exchange_run){20002, 0}, 5, &rows),
                         VG_OK);
        assert_in_range(rows, 0, 5);
        fresh_store_commit(&txn);
        all += rows;
    }
    assert_int_equal(all, 2 * (1000 / EXCHANGES_PER_ROW + 1));
    txn = fresh_store_read(fresh);
    assert_int_equal(exchanges_next_run(txn, run, &run), VG_OK);
    assert_int_equal(run.day, 20002);
    store_abort(&txn);
}

// Every third entry in each of three runs.
static void
runs_become_one_in_order_some_entries_at_a_time(void **state)
{
    struct fresh_store *fresh = *state;
    struct exchange found[MANY];
    struct exchange part[MANY / 3 + 1];
    struct txn *txn = fresh_store_write(fresh);
    size_t len = 100, total = 0;

    for (uint32_t run = 1; run <= 3; run++) {
        size_t part_len = 0;

        for (size_t i = run - 1; i < MANY; i += 3) {
            part[part_len++] = nth(i);
        }
        assert_int_equal(
            exchanges_put(txn, (struct exchange_run){20000, run}, part, part_len), VG_OK);
    }
    fresh_store_commit(&txn);
    while (len == 100) {
        txn = fresh_store_write(fresh);
        assert_int_equal(exchanges_merge(txn, (struct exchange_run){20000, 4}, 100, &len),
                         VG_OK);
        fresh_store_commit(&txn);
        total += len;
    }
    assert_int_equal(total, MANY);
    txn = fresh_store_read(fresh);
    total = 0;
    for (uint64_t subject = 0; subject <= SUBJECTS; subject++) {
        assert_int_equal(exchanges_find(txn, (struct exchange_run){20000, 4}, subject, 0,
                                        found, MANY, &len),
                         VG_OK);
        for (size_t i = 0; i < len; i++) {
            struct exchange expected = nth(total++);

            assert_memory_equal(&found[i], &expected, sizeof expected);
        }
    }
    assert_int_equal(total, MANY);
    store_abort(&txn);
}

static void
ignore_entry(struct exchange_run run, const struct exchange *exchange, void *arg)
{
    (void)run;
    (void)exchange;
    ++*(size_t *)arg;
}

static void
a_damaged_row_is_noticed(void **state)
{
    struct fresh_store *fresh = *state;
    struct exchange found[2];
    uint8_t key[32] = {0, 0, 0x4e, 0x20, 0, 0, 0, 1};
    struct why why = {.text = ""};
    struct txn *txn;
    size_t len = 0, count = 0;

    put_run(fresh, 20000, 1, 100);
    txn = fresh_store_read(fresh);
    assert_int_equal(exchanges_each(txn, ignore_entry, &count, &why), VG_OK);
    assert_int_equal(count, 100);
    store_abort(&txn);
    key[15] = 1; // the first entry: subject 1, 0, 0
    fresh_store_flip(fresh, "exchanges", key, sizeof key, 100);
    txn = fresh_store_read(fresh);
    assert_int_equal(
        exchanges_find(txn, (struct exchange_run){20000, 1}, 1, 0, found, 2, &len),
        VG_STORE_BROKEN);
    assert_int_equal(exchanges_each(txn, ignore_entry, &count, &why), VG_STORE_BROKEN);
    assert_non_null(strstr(why.text, "day 20000"));
    store_abort(&txn);
}

static void
what_stands_there_twice_is_put_once(void **state)
{
    struct exchange entries[] = {{2, 5, 9}, {1, 7, 9}, {2, 5, 9}, {1, 7, 8}, {2, 5, 9}};
    const struct exchange expected[] = {{1, 7, 8}, {1, 7, 9}, {2, 5, 9}};

    (void)state;
    assert_int_equal(exchanges_sort(entries, 5), 3);
    assert_memory_equal(entries, expected, sizeof expected);
    assert_int_equal(exchanges_sort(NULL, 0), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_store_test(every_entry_is_found_and_no_other),
        fresh_store_test(a_search_begins_where_it_is_told_and_ends_when_it_has_enough),
        fresh_store_test(runs_are_walked_in_order),
        fresh_store_test(old_days_go_some_rows_at_a_time),
        fresh_store_test(runs_become_one_in_order_some_entries_at_a_time),
        fresh_store_test(a_damaged_row_is_noticed),
        cmocka_unit_test(what_stands_there_twice_is_put_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
