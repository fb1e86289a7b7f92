// SPDX-License-Identifier: EUPL-1.2
// Goal: what is damaged is taken from a sound copy and nothing else is touched; what is
// damaged in both is named.
// Method: a backup of a small store, then bytes flipped in a block, a record and a row.
#include "backup_fixture.h"

#include "../damage_file.h"

#include "store/repair.h"

static size_t
faults_of(struct flow_fixture *f)
{
    struct check_report report;

    assert_int_equal(store_check(f->store, &report, NULL, NULL, NULL), VG_OK);
    return report.faults.total;
}

static struct repair_report
repair(struct flow_fixture *f, const char *name)
{
    struct store_options options = {.path = place(f, name), .access = STORE_READS_COPY};
    struct store *sound = NULL;
    struct repair_report report;

    assert_int_equal(store_open(&options, &sound, NULL), VG_OK);
    assert_int_equal(store_repair(f->store, sound, &report, NULL, NULL, &f->why), VG_OK);
    store_close(&sound);
    return report;
}

static void
a_block_a_record_and_a_row_are_mended(void **state)
{
    struct flow_fixture *f = *state;
    struct key block = key_of_u64(1);
    struct key record = key_of_u64(3 << PART_BITS);
    struct key row = key_of_u32_u64(CPAS_A, 1);
    struct repair_report report;

    backup_make(f, "full", NULL);
    damage_row(f, TABLE_BODIES, &block);
    damage_row(f, TABLE_COMMITS, &record);
    damage_row(f, TABLE_BACKLOG, &row);
    assert_true(faults_of(f) >= 3);
    report = repair(f, "full");
    assert_int_equal(report.blocks, 1);
    assert_int_equal(report.commits, 1);
    assert_int_equal(report.rows, 1);
    assert_int_equal(report.faults.total, 0);
    assert_int_equal(faults_of(f), 0);
    report = repair(f, "full");
    assert_int_equal(report.blocks + report.commits + report.rows, 0);
}

static void
what_is_damaged_in_both_is_named(void **state)
{
    struct flow_fixture *f = *state;
    struct key block = key_of_u64(1);
    struct repair_report report;

    damage_row(f, TABLE_BODIES, &block);
    backup_make(f, "full", NULL);
    report = repair(f, "full");
    assert_int_equal(report.blocks, 0);
    assert_int_equal(report.faults.total, 1);
    assert_non_null(strstr(report.faults.fault[0].why.text, "block 1"));
}

static void
another_store_mends_nothing(void **state)
{
    struct flow_fixture *f = *state;
    struct flow_fixture *other = NULL;
    struct store_options options = {.access = STORE_READS_COPY};
    struct key block = key_of_u64(1);
    struct store *sound = NULL;
    struct repair_report report;
    char folder[400];

    assert_int_equal(backup_begin((void **)&other), 0);
    other->now_us += 5;
    backup_publish(other, 5);
    backup_publish(f, 5);
    backup_make(other, "full", NULL);
    damage_row(f, TABLE_BODIES, &block);
    snprintf(folder, sizeof folder, "%s", place(other, "full"));
    options.path = folder;
    assert_int_equal(store_open(&options, &sound, NULL), VG_OK);
    assert_int_equal(store_repair(f->store, sound, &report, NULL, NULL, &f->why),
                     VG_BAD_FILE);
    store_close(&sound);
    assert_true(faults_of(f) > 0);
    backup_end((void **)&other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        backup_test(a_block_a_record_and_a_row_are_mended),
        backup_test(what_is_damaged_in_both_is_named),
        backup_test(another_store_mends_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
