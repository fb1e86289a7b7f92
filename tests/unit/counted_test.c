// SPDX-License-Identifier: EUPL-1.2
// Goal: when the oldest records of the journal go, what they said about each mailbox is
// kept, so that the rest still adds up to the mailboxes' rows.
// Method: a real store that published to two mailboxes and acknowledged; its records are
// trimmed one after the other, with the whole check after each.
#include "flow_fixture.h"
#include "store/counted.h"

static void
acknowledge(struct flow_fixture *f, uint32_t mailbox, uint64_t number)
{
    struct letter letters[200];
    struct command *command;
    size_t len = flow_letters(f, mailbox, number, letters, 200);

    assert_true(len > 0);
    command = flow_command(f, COMMAND_ACKNOWLEDGE, mailbox);
    command->acknowledge.mailbox = mailbox;
    command->acknowledge.through = letters[0].number;
    command->acknowledge.through_bytes = letters[0].bytes_through;
    flow_apply(f);
}

static void
publish(struct flow_fixture *f, size_t len)
{
    struct hot_mutation mutations[100];

    for (size_t i = 0; i < len; i++) {
        mutations[i] = flow_address(1);
    }
    flow_publish(f, RN, 1, flow_producer(f, RN, 1).last_number + 1, mutations, len);
    flow_apply(f);
}

// As retention does it: the bodies of all records may go before their records.
static struct meta
trim_one(struct flow_fixture *f, enum vg_status expected)
{
    struct buffer record = {.len = 0};
    struct txn *txn = NULL;
    struct meta meta;

    assert_int_equal(store_write(f->store, &txn, NULL), VG_OK);
    assert_int_equal(meta_get(txn, &meta, NULL), VG_OK);
    meta.folded_commit = meta.erased_commit = meta.last_commit - 1;
    assert_int_equal(counted_trim(txn, &meta, &record, NULL), expected);
    if (expected == VG_OK) {
        assert_int_equal(meta_put(txn, &meta), VG_OK);
        assert_int_equal(store_commit(&txn, NULL), VG_OK);
    }
    store_abort(&txn);
    buffer_free(&record);
    return meta;
}

static struct counted
counted_of(struct flow_fixture *f, uint32_t mailbox)
{
    struct counted counted;

    assert_int_equal(counted_get(flow_view(f), (struct mailbox_id){mailbox}, &counted),
                     VG_OK);
    return counted;
}

static void
what_went_is_remembered(void **state)
{
    struct flow_fixture *f = *state;
    uint64_t last;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 1, 4);
    publish(f, 100);
    publish(f, 20);
    acknowledge(f, CPAS_A, 70);
    flow_command(f, COMMAND_FOLD, 0);
    flow_apply(f);
    publish(f, 1);
    last = flow_meta(f).last_commit;
    assert_int_equal(counted_of(f, CPAS_A).last, 0);
    for (uint64_t commit = 1; commit < last; commit++) {
        struct meta meta = trim_one(f, VG_OK);

        assert_int_equal(meta.first_commit, commit + 1);
        flow_assert_sound(f);
    }
    assert_int_equal(counted_of(f, CPAS_A).last, 120);
    assert_int_equal(counted_of(f, CPAS_A).mark, 70);
    assert_int_equal(counted_of(f, CPAS_A).acknowledged, 70);
    assert_int_equal(counted_of(f, CPAS_B).last, 120);
    assert_int_equal(counted_of(f, CPAS_B).acknowledged, 0);
    assert_int_equal(counted_of(f, CPAS_C).last, 0);
    flow_reopen(f); // and goes on
    publish(f, 5);
    assert_int_equal(flow_row(f, CPAS_A).last, 126);
}

// Acknowledgements of single letters do not move the mark.
static void
adds_up_items(void **state)
{
    struct counted counted = {.last = 5, .mark = 3, .acknowledged = 3};

    (void)state;
    counted_letter(&counted,
                   &(struct journal_recipient){.number = 6, .bytes_through = 600});
    counted_acknowledge(&counted, &(struct journal_acknowledge){
                                      .through = 6, .count = 1, .bytes = 9, .one = 1});
    assert_int_equal(counted.mark, 3);
    counted_acknowledge(
        &counted, &(struct journal_acknowledge){.through = 4, .count = 1, .bytes = 10});
    counted_acknowledge(&counted, &(struct journal_acknowledge){.through = 2});
    assert_int_equal(counted.mark, 4);
    assert_int_equal(counted.last, 6);
    assert_int_equal(counted.bytes_through, 600);
    assert_int_equal(counted.acknowledged, 5);
    assert_int_equal(counted.bytes_acknowledged, 19);
}

static void
more_mailboxes_than_fit_at_first(void **state)
{
    struct flow_fixture *f = *state;
    struct journal_recipient recipients[300];
    struct journal_event event = {.ticket = 1, .recipients = 300};
    struct buffer record = {.len = 0};
    struct txn *txn = NULL;
    struct meta meta;

    memset(recipients, 0, sizeof recipients);
    for (uint32_t i = 0; i < ARRAY_LEN(recipients); i++) {
        recipients[i].mailbox = i * 64 + 1; // the same place in a table of 64
        recipients[i].number = i + 7;
    }
    assert_int_equal(store_write(f->store, &txn, NULL), VG_OK);
    assert_int_equal(meta_get(txn, &meta, NULL), VG_OK);
    meta.first_commit = meta.last_commit + 1;
    journal_begin(&record, meta.first_commit, 1, 1, &meta.last_hash);
    journal_add(&record, JOURNAL_EVENT, &event, sizeof event, recipients,
                sizeof recipients);
    assert_int_equal(journal_append(txn, &record, meta.first_commit, &meta.last_hash),
                     VG_OK);
    assert_int_equal(counted_trim(txn, &meta, &record, NULL), VG_OK);
    for (uint32_t i = 0; i < ARRAY_LEN(recipients); i++) {
        struct counted counted;

        assert_int_equal(counted_get(txn, (struct mailbox_id){i * 64 + 1}, &counted),
                         VG_OK);
        assert_int_equal(counted.last, i + 7);
    }
    assert_memory_equal(&meta.first_hash, &meta.last_hash, sizeof meta.last_hash);
    store_abort(&txn);
    buffer_free(&record);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(what_went_is_remembered),
        cmocka_unit_test(adds_up_items),
        FLOW_TEST(more_mailboxes_than_fit_at_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
