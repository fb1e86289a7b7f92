// SPDX-License-Identifier: EUPL-1.2
// Goal: folding and restarting change nothing of what waits: each mailbox gives the same
// letters before and after, and the backlog holds nothing that is done with.
// Method: single cases, then a seeded random mix of publishing, acknowledging, folding and
// reopening. A model remembers every letter that was posted; every number is asked for, of
// tails that lived through it all and of tails just rebuilt.
#include "flow_fixture.h"

enum { BOXES = 3, MANY = 2000 };

static void
fold(struct flow_fixture *f)
{
    flow_command(f, COMMAND_FOLD, 0);
    flow_apply(f);
}

static uint64_t
publish(struct flow_fixture *f, int person, size_t len)
{
    struct hot_mutation mutations[300];
    uint64_t first = flow_producer(f, RN, 1).last_number + 1;

    for (size_t i = 0; i < len; i++) {
        mutations[i] = flow_address(person);
    }
    flow_publish(f, RN, 1, first, mutations, len);
    return first;
}

static void
acknowledge(struct flow_fixture *f, const struct letter *letter)
{
    struct command *command = flow_command(f, COMMAND_ACKNOWLEDGE, CPAS_A);

    command->acknowledge.mailbox = CPAS_A;
    command->acknowledge.through = letter->number;
    command->acknowledge.through_bytes = letter->bytes_through;
    flow_apply(f);
}

static size_t
backlog_of(struct flow_fixture *f, struct letter *ret_letters, size_t max)
{
    size_t len = 0;

    assert_int_equal(backlog_read(flow_view(f), (struct mailbox_id){CPAS_A}, 1,
                                  ret_letters, max, &len),
                     VG_OK);
    return len;
}

static void
files_what_waits(void **state)
{
    struct flow_fixture *f = *state;
    struct letter before[260], after[260];
    struct journal_fold item;
    uint64_t commit;

    flow_follow(f, CPAS_A, 1, 2);
    publish(f, 1, 250);
    flow_apply(f);
    commit = flow_meta(f).last_commit;
    assert_int_equal(flow_letters(f, CPAS_A, 1, before, 260), 250);
    assert_int_equal(backlog_of(f, after, 260), 0);
    fold(f);
    assert_true(f->done->folded);
    assert_int_equal(flow_meta(f).folded_commit, commit);
    assert_int_equal(flow_row(f, CPAS_A).folded, 250);
    assert_int_equal(backlog_of(f, after, 260), 250);
    assert_memory_equal(before, after, 250 * sizeof *before);
    assert_int_equal(flow_letters(f, CPAS_A, 1, after, 260), 250);
    assert_memory_equal(before, after, 250 * sizeof *before);
    assert_int_equal(flow_last_item(f, JOURNAL_FOLD, &item, sizeof item), 1);
    assert_int_equal(item.letters, 250);
    assert_int_equal(item.through_commit, commit);
}

static void
who_keeps_up_never_gets_there(void **state)
{
    struct flow_fixture *f = *state;
    struct letter letters[20];
    struct journal_fold item;

    flow_follow(f, CPAS_A, 1, 2);
    publish(f, 1, 10);
    flow_apply(f);
    flow_letters(f, CPAS_A, 1, letters, 20);
    acknowledge(f, &letters[9]);
    fold(f);
    assert_int_equal(backlog_of(f, letters, 20), 0);
    assert_int_equal(flow_last_item(f, JOURNAL_FOLD, &item, sizeof item), 0);
    assert_int_equal(flow_row(f, CPAS_A).folded, 10);
}

static void
an_idle_fold_writes_nothing(void **state)
{
    struct flow_fixture *f = *state;
    uint64_t commit;

    flow_follow(f, CPAS_A, 1, 2);
    publish(f, 1, 10);
    flow_apply(f);
    fold(f);
    fold(f);
    commit = flow_meta(f).last_commit;
    for (int i = 0; i < 5; i++) {
        fold(f);
        assert_int_equal(f->done->commit, 0);
        assert_false(f->done->folded);
    }
    assert_int_equal(flow_meta(f).last_commit, commit);
    publish(f, 1, 1);
    flow_apply(f);
    fold(f);
    assert_true(f->done->folded);
}

static void
start_up_reads_one_interval(void **state)
{
    struct flow_fixture *f = *state;
    struct tails *tails = NULL;

    flow_follow(f, CPAS_A, 1, 2);
    for (int i = 0; i < 5; i++) {
        publish(f, 1, 100);
        flow_apply(f);
        fold(f);
    }
    publish(f, 1, 3);
    flow_apply(f);
    flow_reopen(f);
    assert_int_equal(tails_open(flow_view(f), &tails, NULL), VG_OK);
    assert_int_equal(tails_bytes(tails), 3 * sizeof(struct letter));
    tails_free(&tails);
}

static void
trims_what_is_acknowledged(void **state)
{
    struct flow_fixture *f = *state;
    struct letter letters[1000];
    size_t len;

    flow_follow(f, CPAS_A, 1, 2);
    for (int i = 0; i < 3; i++) {
        publish(f, 1, 300);
        flow_apply(f);
    }
    fold(f);
    assert_int_equal(flow_letters(f, CPAS_A, 1, letters, 1000), 900);
    acknowledge(f, &letters[449]);
    fold(f);
    len = backlog_of(f, letters, 1000);
    assert_true(len >= 450 && len < 450 + LETTERS_PER_ROW);
    assert_int_equal(letters[len - 1].number, 900);
    acknowledge(f, &letters[len - 1]);
    fold(f);
    assert_int_equal(backlog_of(f, letters, 1000), 0);
}

// A batch that was given up had erased nothing.
static void
trims_again_after_a_batch_was_given_up(void **state)
{
    struct flow_fixture *f = *state;
    struct lmdb_calls calls = lmdb_own_calls;
    struct letter letters[10];

    flow_follow(f, CPAS_A, 1, 2);
    publish(f, 1, 5);
    flow_apply(f);
    fold(f);
    flow_letters(f, CPAS_A, 1, letters, 10);
    acknowledge(f, &letters[4]);
    calls.put = flow_full_put;
    flow_puts_left = 0;
    store_use_calls(&calls);
    fold(f);
    store_use_calls(NULL);
    assert_int_equal(backlog_of(f, letters, 10), 5);
    publish(f, 2, 1); // wakes no mailbox
    flow_apply(f);
    acknowledge(f, &letters[4]); // again: the row is read into memory
    fold(f);
    assert_int_equal(backlog_of(f, letters, 10), 0);
}

// ---- a random mix ----

struct model {
    struct letter letters[BOXES][MANY]; // number n stands at n - 1
    size_t len[BOXES];
    struct tails *tails; // lives through everything but reopening
    uint64_t seed;
};

static void
take_batch(struct flow_fixture *f, struct model *model)
{
    tails_take(model->tails, f->done);
    for (size_t i = 0; i < f->done->posted_len; i++) {
        const struct posted *posted = &f->done->posted[i];
        size_t box = posted->mailbox - CPAS_A;

        assert_int_equal(posted->letter.number, model->len[box] + 1);
        model->letters[box][model->len[box]++] = posted->letter;
    }
}

// Everything that waits is given, in order, from any number on; nothing else than what was
// posted is.
static void
assert_gives(struct flow_fixture *f, const struct model *model, const struct tails *tails,
             size_t box)
{
    struct txn *txn = flow_view(f);
    uint32_t mailbox = CPAS_A + (uint32_t)box;
    struct mailbox_row row;
    struct letter letters[7];

    assert_int_equal(mailbox_get(txn, (struct mailbox_id){mailbox}, &row), VG_OK);
    assert_int_equal(row.last, model->len[box]);
    for (uint64_t from = 1; from <= model->len[box] + 1; from++) {
        uint64_t expected = from;
        size_t len = 0;

        assert_int_equal(
            tails_letters(tails, txn, mailbox, from, letters, ARRAY_LEN(letters), &len),
            VG_OK);
        for (size_t i = 0; i < len; i++) {
            uint64_t number = letters[i].number;

            assert_true(number == expected ||
                        (number > expected && number <= row.acknowledged + 1));
            assert_memory_equal(&letters[i], &model->letters[box][number - 1],
                                sizeof *letters);
            expected = number + 1;
        }
        if (from > row.acknowledged && from <= model->len[box]) {
            size_t left = model->len[box] - from + 1;

            assert_true(len > 0); // rows may give fewer than asked, but never none
            assert_int_equal(letters[0].number, from);
            assert_true(len <= left);
        }
        if (from == model->len[box] + 1) {
            assert_int_equal(len, 0);
        }
    }
}

static void
assert_all_is_there(struct flow_fixture *f, const struct model *model)
{
    struct tails *rebuilt = NULL;

    assert_int_equal(tails_open(flow_view(f), &rebuilt, NULL), VG_OK);
    for (size_t box = 0; box < BOXES; box++) {
        assert_gives(f, model, model->tails, box);
        assert_gives(f, model, rebuilt, box);
    }
    tails_free(&rebuilt);
}

static void
draw_acknowledge(struct flow_fixture *f, struct model *model)
{
    size_t box = flow_draw(&model->seed, BOXES);
    uint32_t mailbox = CPAS_A + (uint32_t)box;
    struct mailbox_row row = flow_row(f, mailbox);
    struct command *command;
    const struct letter *letter;

    if (row.last == row.acknowledged) {
        return;
    }
    letter = &model->letters[box][row.acknowledged +
                                  flow_draw(&model->seed, row.last - row.acknowledged)];
    command = flow_command(f, COMMAND_ACKNOWLEDGE, mailbox);
    command->acknowledge.mailbox = mailbox;
    if (flow_draw(&model->seed, 3) > 0) {
        command->acknowledge.through = letter->number;
        command->acknowledge.through_bytes = letter->bytes_through;
        return;
    }
    command->acknowledge.singles = xcalloc(1, sizeof *command->acknowledge.singles);
    command->acknowledge.singles_len = 1;
    command->acknowledge.singles[0] =
        (struct acknowledge_single){letter->number, letter->bytes_through, letter->size};
}

static void
draw_batch(struct flow_fixture *f, struct model *model)
{
    static const size_t sizes[] = {1, 2, 40, 120};
    bool published = false;

    for (uint64_t i = 1 + flow_draw(&model->seed, 3); i > 0; i--) {
        switch (flow_draw(&model->seed, 4)) {
        case 0:
            if (!published) {
                publish(f, 1 + (int)flow_draw(&model->seed, BOXES),
                        sizes[flow_draw(&model->seed, 4)]);
                published = true;
            }
            break;
        case 1:
            flow_command(f, COMMAND_FOLD, 0);
            break;
        default:
            draw_acknowledge(f, model);
            break;
        }
    }
    if (f->next != NULL) {
        flow_apply(f);
        take_batch(f, model);
    }
}

static void
the_same_letters_before_and_after(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct flow_fixture *f = flow_begin();
        struct model *model = xcalloc(1, sizeof *model);

        flow_furnish(f);
        for (int box = 0; box < BOXES; box++) {
            flow_follow(f, CPAS_A + (uint32_t)box, 1 + box, 2);
        }
        flow_follow(f, CPAS_A, 2, 4); // some reach two mailboxes
        model->seed = seed;
        assert_int_equal(tails_open(flow_view(f), &model->tails, NULL), VG_OK);
        for (int batch = 0; batch < 60; batch++) {
            draw_batch(f, model);
            assert_all_is_there(f, model);
            if (flow_draw(&model->seed, 8) == 0) {
                flow_reopen(f);
                tails_free(&model->tails);
                assert_int_equal(tails_open(flow_view(f), &model->tails, NULL), VG_OK);
            }
        }
        assert_true(model->len[0] + model->len[1] + model->len[2] > 300);
        flow_assert_sound(f);
        tails_free(&model->tails);
        free(model);
        flow_end(f);
    }
}

// The loop may read with a newer view than the batches it has taken.
static void
a_view_may_be_newer_than_the_tails(void **state)
{
    struct flow_fixture *f = *state;
    struct model *model = xcalloc(1, sizeof *model);

    flow_follow(f, CPAS_A, 1, 2);
    assert_int_equal(tails_open(flow_view(f), &model->tails, NULL), VG_OK);
    publish(f, 1, 30);
    flow_apply(f);
    take_batch(f, model);
    fold(f);
    assert_gives(f, model, model->tails, 0); // the fold is not taken yet
    take_batch(f, model);
    assert_gives(f, model, model->tails, 0);
    tails_free(&model->tails);
    free(model);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(files_what_waits),
        FLOW_TEST(who_keeps_up_never_gets_there),
        FLOW_TEST(an_idle_fold_writes_nothing),
        FLOW_TEST(start_up_reads_one_interval),
        FLOW_TEST(trims_what_is_acknowledged),
        FLOW_TEST(trims_again_after_a_batch_was_given_up),
        cmocka_unit_test(the_same_letters_before_and_after),
        FLOW_TEST(a_view_may_be_newer_than_the_tails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
