// SPDX-License-Identifier: EUPL-1.2
// Goal: a store that an earlier schema once wrote is read with the same values, is sound,
// and a broker goes on from it.
// Method: the kept file (store_make wrote it once) is copied to a fresh folder. Every value
// of every table is compared with the text kept beside it; some are told here as well, from
// what store_make did then.
//
//   golden_store_test FOLDER    one of store_1, store_2 ...
#include "../fresh_store.h"

#include "flow/apply.h"
#include "store/check.h"
#include "store/held.h"
#include "store/journal.h"
#include "store/mailbox.h"
#include "store/person.h"
#include "store/registry.h"
#include "store_dump.h"

enum { RN = 1, CPAS_A = 5, FILE_SIZE_MAX = 4 << 20 };

static const char *folder;

static struct buffer
read_golden(const char *name)
{
    struct buffer bytes = {.len = 0};
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("%s is missing: store_make writes it", path);
    }
    bytes.len = fread(buffer_reserve(&bytes, FILE_SIZE_MAX), 1, FILE_SIZE_MAX, file);
    fclose(file);
    assert_in_range(bytes.len, 1, FILE_SIZE_MAX - 1);
    return bytes;
}

static int
begin(void **state)
{
    struct fresh_store *fresh = xcalloc(1, sizeof *fresh);
    struct buffer bytes = read_golden("data.mdb");
    struct store_options options = {.path = fresh->path, .map_bytes = 1 << 28};
    char path[300];
    FILE *file;

    fresh_store_make_folder(fresh);
    snprintf(path, sizeof path, "%s/data.mdb", fresh->path);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.at, 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
    buffer_free(&bytes);
    // Not created: it is there.
    assert_int_equal(store_open(&options, &fresh->store, NULL), VG_OK);
    *state = fresh;
    return 0;
}

static void
assert_same_lines(const char *now, const char *kept)
{
    for (size_t line = 1; *now != '\0' || *kept != '\0'; line++) {
        size_t now_len = strcspn(now, "\n");
        size_t kept_len = strcspn(kept, "\n");

        if (now_len != kept_len || memcmp(now, kept, now_len) != 0) {
            fail_msg("values.txt, line %zu:\n%.*s\nand now:\n%.*s", line, (int)kept_len,
                     kept, (int)now_len, now);
        }
        now += now_len + (now[now_len] == '\n');
        kept += kept_len + (kept[kept_len] == '\n');
    }
}

static void
every_value_of_every_table_is_as_it_was(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_read(fresh);
    struct buffer now = {.len = 0};
    struct buffer kept = read_golden("values.txt");

    store_dump(txn, store_was_schema(fresh->store), &now);
    store_abort(&txn);
    buffer_add(&now, "", 1);
    buffer_add(&kept, "", 1);
    assert_null(strstr((const char *)kept.at, "! "));
    assert_same_lines((const char *)now.at, (const char *)kept.at);
    buffer_free(&now);
    buffer_free(&kept);
}

// What schema 2 added begins as if it had always been there.
static void
what_is_new_is_empty(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_read(fresh);
    struct mailbox_row row;
    struct held_row held;
    struct mailbox_id mailbox;
    struct incarnation incarnation;
    struct meta meta;

    assert_int_equal(store_was_schema(fresh->store), 1);
    assert_int_equal(meta_get(txn, &meta, NULL), VG_OK);
    assert_int_equal(meta.first_commit, 1);
    assert_int_equal(meta.first_block, 1);
    assert_int_equal(meta.erased_commit + meta.erased_items, 0);
    assert_int_equal(mailbox_get(txn, (struct mailbox_id){CPAS_A}, &row), VG_OK);
    assert_int_equal(row.held + row.held_bytes + row.parked_bytes + row.dropped, 0);
    assert_int_equal(held_next(txn, (struct mailbox_id){0}, 0, &mailbox, &held),
                     VG_NOT_FOUND);
    assert_int_equal(incarnation_get(txn, &incarnation), VG_OK);
    assert_int_not_equal(incarnation.id, 0);
    store_abort(&txn);
}

static enum held_state
held_state_of(struct txn *txn, uint64_t number)
{
    struct held_row row = {.head = {.state = HELD_GONE}};
    enum vg_status status = held_get(txn, (struct mailbox_id){CPAS_A}, number, &row);

    assert_true(status == VG_OK || status == VG_NOT_FOUND);
    return row.head.state;
}

static void
what_was_held_and_what_went_can_be_told(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_read(fresh);
    struct mailbox_row row;
    struct limits limits;
    struct meta meta;

    assert_true(store_was_schema(fresh->store) >= 2);
    assert_int_equal(limits_get(txn, (struct mailbox_id){CPAS_A}, &limits), VG_OK);
    assert_int_equal(limits.messages, 5000);
    assert_int_equal(limits.age_days, 400);
    assert_int_equal(held_state_of(txn, 40), HELD_RETRY);
    assert_int_equal(held_state_of(txn, 43), HELD_BEHIND);
    assert_int_equal(held_state_of(txn, 46), HELD_BEHIND);
    assert_int_equal(held_state_of(txn, 42), HELD_PARKED);
    assert_int_equal(held_state_of(txn, 45), HELD_RETRY);
    assert_int_equal(held_state_of(txn, 48), HELD_GONE);
    assert_int_equal(mailbox_get(txn, (struct mailbox_id){CPAS_A}, &row), VG_OK);
    assert_int_equal(row.held, 4);
    assert_int_equal(row.parked, 1);
    assert_int_equal(row.dropped, 1);
    assert_int_equal(meta_get(txn, &meta, NULL), VG_OK);
    assert_true(meta.first_commit > 1);
    assert_true(meta.first_block > 1);
    store_abort(&txn);
}

static void
what_was_done_can_be_told_from_the_rows(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_read(fresh);
    struct institution institution;
    struct mailbox_row row;
    struct number_range ranges[RANGES_MAX];
    struct key_row key_row;
    struct producer_row producer;
    uint8_t key[KEY_LEN];
    enum vg_status refusal;
    struct why why;
    size_t len = 0;

    assert_int_equal(institution_get(txn, (struct institution_id){CPAS_A}, &institution),
                     VG_OK);
    assert_string_equal(institution.code, "CPAS-A");
    assert_int_equal(institution.sector, SECTOR_CPAS);
    assert_int_equal(mailbox_get(txn, (struct mailbox_id){CPAS_A}, &row), VG_OK);
    assert_int_equal(row.acknowledged, 12);
    assert_int_equal(row.acknowledged_beyond, 2);
    assert_int_equal(ranges_get(txn, (struct mailbox_id){CPAS_A}, ranges, &len), VG_OK);
    assert_int_equal(len, 2);
    assert_int_equal(ranges[0].first, 15);
    assert_int_equal(ranges[1].last, 30);
    memset(key, 0x33, sizeof key);
    assert_int_equal(key_get(txn, key, &key_row), VG_OK);
    assert_int_equal(key_row.institution, CPAS_A);
    assert_true(key_row.revoked_us > key_row.added_us);
    assert_int_equal(producer_get(txn, (struct institution_id){RN}, 1, &producer), VG_OK);
    assert_int_equal(producer.last_number, 116);
    assert_int_equal(refusal_get(txn, (struct institution_id){RN}, 2, 1, &refusal, &why),
                     VG_OK);
    assert_int_equal(refusal, VG_BAD_NISS);
    assert_int_equal(refusal_get(txn, (struct institution_id){RN}, 2, 3, &refusal, &why),
                     VG_OK);
    assert_int_equal(refusal, VG_UNKNOWN_FLOW);
    assert_int_equal(refusal_get(txn, (struct institution_id){RN}, 2, 2, &refusal, &why),
                     VG_NOT_FOUND);
    store_abort(&txn);
}

static void
assert_sound(struct fresh_store *fresh)
{
    struct check_report report;

    assert_int_equal(store_check(fresh->store, &report, NULL, NULL, NULL), VG_OK);
    if (report.faults.total > 0) {
        fail_msg("%s", report.faults.fault[0].why.text);
    }
    assert_true(report.letters > 100);
}

static void
the_store_is_sound(void **state)
{
    assert_sound(*state);
}

// Its catalogue is still understood, and the next commit follows on its last one.
static void
a_broker_goes_on_from_it(void **state)
{
    struct fresh_store *fresh = *state;
    struct applier *applier = NULL;
    struct batch *batch = xcalloc(1, sizeof *batch);
    struct command *command = command_new(COMMAND_ADD_INSTITUTION, NULL, 0);
    struct meta before, after;
    struct why why = {.text = ""};
    struct txn *txn = fresh_store_read(fresh);

    assert_int_equal(meta_get(txn, &before, NULL), VG_OK);
    store_abort(&txn);
    if (applier_open(fresh->store, &applier, &why) != VG_OK) {
        fail_msg("%s", why.text);
    }
    command->add_institution.institution.sector = SECTOR_CPAS;
    strcpy(command->add_institution.institution.code, "CPAS-Z");
    batch_add(batch, command);
    batch_add(batch, command_new(COMMAND_FOLD, NULL, 0));
    batch->id = before.last_batch + 1;
    batch->time.us = before.last_time_us + 1;
    assert_int_equal(apply_batch(applier, batch, &why), VG_OK);
    assert_int_equal(command->status, VG_OK);
    batch_free(&batch);
    applier_close(&applier);
    fresh_store_reopen(fresh);
    txn = fresh_store_read(fresh);
    assert_int_equal(meta_get(txn, &after, NULL), VG_OK);
    store_abort(&txn);
    assert_int_equal(after.last_commit, before.last_commit + 1);
    assert_int_equal(after.last_institution, before.last_institution + 1);
    assert_int_equal(after.folded_commit, before.last_commit);
    assert_sound(fresh);
}

#define golden_test(name) cmocka_unit_test_setup_teardown(name, begin, fresh_store_end)

int
main(int count, char **words)
{
    const struct CMUnitTest tests[] = {
        golden_test(every_value_of_every_table_is_as_it_was),
        golden_test(the_store_is_sound),
        golden_test(a_broker_goes_on_from_it),
    };
    const struct CMUnitTest of_1[] = {
        golden_test(what_was_done_can_be_told_from_the_rows),
        golden_test(what_is_new_is_empty),
    };
    const struct CMUnitTest of_2[] = {
        golden_test(what_was_held_and_what_went_can_be_told),
    };
    int failed;

    if (count != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", words[0]);
        return 2;
    }
    folder = words[1];
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (strstr(folder, "store_1") != NULL) {
        return failed + cmocka_run_group_tests(of_1, NULL, NULL);
    }
    return failed + cmocka_run_group_tests(of_2, NULL, NULL);
}
