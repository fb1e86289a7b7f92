// SPDX-License-Identifier: EUPL-1.2
// Goal: a batch is done as a whole and lies on the disk when it is answered, or nothing of
// it was ever done; and the same batches give the same bytes.
// Method: batches applied to real stores, with a disk that is full or fails on cue. A seeded
// script of every kind of command runs on two stores, one of which is full again and again;
// their journals are compared byte by byte.
#include "flow_fixture.h"

#include <errno.h>

// ---- only after the commit ----

static int commits;

static int
count_commit(MDB_txn *txn)
{
    commits++;
    return mdb_txn_commit(txn);
}

static int
fail_commit(MDB_txn *txn)
{
    commits++;
    mdb_txn_abort(txn);
    return EIO;
}

// It was written, but nobody can know.
static int
lie_about_commit(MDB_txn *txn)
{
    commits++;
    mdb_txn_commit(txn);
    return EIO;
}

static int
full_commit(MDB_txn *txn)
{
    commits++;
    mdb_txn_abort(txn);
    return MDB_MAP_FULL;
}

static struct lmdb_calls calls;

static void
use_commit(int (*commit)(MDB_txn *txn))
{
    calls = lmdb_own_calls;
    calls.txn_commit = commit;
    commits = 0;
    store_use_calls(&calls);
}

static void
a_batch_is_one_commit(void **state)
{
    struct flow_fixture *f = *state;
    struct meta before = flow_meta(f);
    struct hot_mutation mutation = flow_address(1);

    use_commit(count_commit);
    flow_integrate(f, CPAS_A, flow_person(1), 2, 20261101, 0);
    for (uint64_t number = 1; number <= 20; number++) {
        flow_publish(f, RN, 1, number, &mutation, 1);
    }
    flow_command(f, COMMAND_FOLD, 0);
    flow_apply(f);
    assert_int_equal(commits, 1);
    assert_int_equal(f->done->commit, before.last_commit + 1);
    assert_int_equal(flow_meta(f).last_commit, before.last_commit + 1);
    assert_int_equal(flow_meta(f).last_batch, f->done->id);
    assert_true(f->done->count.bytes_written > 0);
    assert_int_equal(flow_row(f, CPAS_A).last, 20);
}

static void
a_batch_that_changes_nothing_is_no_commit(void **state)
{
    struct flow_fixture *f = *state;

    use_commit(count_commit);
    flow_command(f, COMMAND_LAST_NUMBER, RN)->last_number.producer = 1;
    flow_apply(f);
    assert_int_equal(commits, 0);
    assert_int_equal(f->done->commit, 0);
}

static void
assert_nothing_is_said(const struct batch *batch, const struct command *publish)
{
    assert_int_equal(batch->commit, 0);
    assert_int_equal(batch->posted_len, 0);
    assert_int_equal(batch->count.notifications, 0);
    assert_int_equal(publish->publish.through, 0);
    assert_int_equal(publish->publish.kept, 0);
    assert_int_equal(publish->publish.ticket_first, 0);
}

static void
a_failed_commit_answers_nobody(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command;

    flow_follow(f, CPAS_A, 1, 2);
    command = flow_publish_one(f, RN, 1, flow_address(1));
    use_commit(fail_commit);
    assert_int_equal(flow_try(f), VG_UNKNOWN);
    assert_int_equal(commits, 1);
    assert_nothing_is_said(f->done, command);

    store_use_calls(NULL);
    flow_publish_one(f, RN, 1, flow_address(1));
    assert_int_equal(flow_try(f), VG_STORE_BROKEN); // not in this process
    flow_reopen(f);
    assert_int_equal(flow_row(f, CPAS_A).last, 0);
    command = flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    assert_int_equal(command->publish.kept, 1);
    assert_int_equal(flow_row(f, CPAS_A).last, 1);
}

static void
a_commit_of_unknown_outcome_is_recognised_later(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command;

    flow_follow(f, CPAS_A, 1, 2);
    command = flow_publish_one(f, RN, 1, flow_address(1));
    use_commit(lie_about_commit);
    assert_int_equal(flow_try(f), VG_UNKNOWN);
    assert_nothing_is_said(f->done, command);
    store_use_calls(NULL);
    flow_reopen(f);
    command = flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    assert_int_equal(command->publish.results[0].status, VG_REPEATED);
    assert_int_equal(flow_row(f, CPAS_A).last, 1); // once
}

static int
broken_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags)
{
    (void)txn, (void)dbi, (void)key, (void)value, (void)flags;
    return MDB_CORRUPTED;
}

static void
a_broken_store_answers_nobody(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command = flow_publish_one(f, RN, 1, flow_address(1));

    calls = lmdb_own_calls;
    calls.put = broken_put;
    store_use_calls(&calls);
    assert_int_equal(flow_try(f), VG_STORE_BROKEN);
    assert_nothing_is_said(f->done, command);
}

// ---- no room ----

static void
a_full_commit_refuses_each_and_goes_on(void **state)
{
    struct flow_fixture *f = *state;
    struct command *publish, *integrate, *last;

    flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    publish = flow_publish_one(f, RN, 2, flow_address(1));
    integrate = flow_integrate(f, CPAS_A, flow_person(1), 2, 20261101, 0);
    flow_add_institution(f, "CPAS-D", 17);
    last = flow_command(f, COMMAND_LAST_NUMBER, RN);
    last->last_number.producer = 1;
    use_commit(full_commit);
    flow_apply(f);
    assert_int_equal(publish->status, VG_STORE_FULL);
    assert_int_equal(publish->publish.through, 1);
    assert_int_equal(integrate->status, VG_STORE_FULL);
    assert_int_equal(last->status, VG_OK);
    assert_int_equal(last->last_number.number, 1); // not "none yet"
    assert_int_equal(f->done->commit, 0);
    assert_null(f->done->roster);

    store_use_calls(NULL);
    publish = flow_publish_one(f, RN, 2, flow_address(1));
    integrate = flow_integrate(f, CPAS_A, flow_person(1), 2, 20261101, 0);
    flow_apply(f);
    assert_int_equal(publish->publish.kept, 1);
    assert_int_equal(integrate->status, VG_OK);
}

static void
a_gap_is_never_said_to_be_answered(void **state)
{
    struct flow_fixture *f = *state;
    struct command *gap = flow_publish_one(f, RN, 100, flow_address(1));
    struct command *zero = flow_publish_one(f, RN, 0, flow_address(1));

    flow_add_institution(f, "CPAS-D", 17); // something that needs room
    use_commit(full_commit);
    flow_apply(f);
    assert_int_equal(gap->publish.through, 0);
    assert_int_equal(zero->publish.through, 0);
}

enum { PUTS_MAX = 12 };

static int
begin_with_puts(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn)
{
    flow_puts_left = PUTS_MAX;
    return mdb_txn_begin(env, parent, flags, txn);
}

// Each transaction may write some rows, then the map is full.
static void
use_few_puts(void)
{
    calls = lmdb_own_calls;
    calls.txn_begin = begin_with_puts;
    calls.put = flow_full_put;
    store_use_calls(&calls);
}

static struct command *
acknowledge(struct flow_fixture *f, uint32_t mailbox, uint64_t through)
{
    struct command *command = flow_command(f, COMMAND_ACKNOWLEDGE, mailbox);
    struct letter letter;

    assert_int_equal(flow_letters(f, mailbox, through, &letter, 1), 1);
    command->acknowledge.mailbox = mailbox;
    command->acknowledge.through = through;
    command->acknowledge.through_bytes = letter.bytes_through;
    return command;
}

static void
acknowledging_goes_on_when_publishing_cannot(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutations[50];
    struct command *publish;

    flow_follow(f, CPAS_A, 1, 2);
    flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    for (int i = 0; i < 50; i++) { // each refusal is a row
        mutations[i] = flow_mutation("nothing", flow_person(1));
    }
    publish = flow_publish(f, RN, 1, 2, mutations, 50);
    flow_command(f, COMMAND_FOLD, 0);
    acknowledge(f, CPAS_A, 1);
    use_few_puts();
    flow_apply(f);
    assert_int_equal(publish->status, VG_STORE_FULL);
    assert_int_equal(publish->publish.through, 1);
    assert_int_equal(publish->publish.results_len, 0);
    assert_false(f->done->folded);
    assert_int_equal(flow_row(f, CPAS_A).acknowledged, 1);
    assert_int_equal(flow_producer(f, RN, 1).last_number, 1);
}

static void
a_fold_without_room_forgets_no_letter(void **state)
{
    struct flow_fixture *f = *state;
    struct letter letter;

    flow_follow(f, CPAS_A, 1, 2);
    flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    flow_command(f, COMMAND_FOLD, 0);
    use_commit(full_commit);
    flow_apply(f);
    assert_false(f->done->folded); // or the tails would forget it
    store_use_calls(NULL);
    assert_int_equal(flow_letters(f, CPAS_A, 1, &letter, 1), 1);
    flow_command(f, COMMAND_FOLD, 0);
    flow_apply(f);
    assert_true(f->done->folded);
    assert_int_equal(flow_letters(f, CPAS_A, 1, &letter, 1), 1);
}

static void
memory_says_what_the_disk_says(void **state)
{
    struct flow_fixture *f = *state;
    struct buffer text = flow_shipped_catalogue();
    struct command *added, *loaded, *key;
    struct roster *roster;

    use_commit(full_commit);
    added = flow_add_institution(f, "CPAS-D", 17);
    loaded = flow_load_catalogue(f, (const char *)text.at, text.len);
    key = flow_command(f, COMMAND_ADD_KEY, 0);
    key->key.row = (struct key_row){.institution = RN, .role = ROLE_SOURCE};
    flow_apply(f);
    assert_int_equal(added->status, VG_STORE_FULL);
    assert_int_equal(loaded->status, VG_STORE_FULL);
    assert_null(f->done->catalogue);
    assert_false(f->done->keys_changed);
    roster = applier_roster(f->applier);
    assert_null(roster_by_code(roster, bytes_of("CPAS-D")));
    assert_int_equal(roster_len(roster), INSTITUTIONS - 1);
    roster_free(&roster);
    assert_non_null(applier_catalogue(f->applier));
    assert_int_equal(flow_meta(f).catalogue, 1);

    store_use_calls(NULL);
    added = flow_add_institution(f, "CPAS-D", 17);
    flow_apply(f);
    assert_int_equal(added->add_institution.institution.id, INSTITUTIONS);
    buffer_free(&text);
}

static void
the_first_catalogue_may_find_no_room(void **state)
{
    struct flow_fixture *f = flow_begin();
    struct buffer text = flow_shipped_catalogue();
    struct command *command = flow_load_catalogue(f, (const char *)text.at, text.len);

    (void)state;
    use_commit(full_commit);
    flow_apply(f);
    assert_int_equal(command->status, VG_STORE_FULL);
    assert_null(applier_catalogue(f->applier));
    store_use_calls(NULL);
    command = flow_load_catalogue(f, (const char *)text.at, text.len);
    flow_apply(f);
    assert_int_equal(command->load_catalogue.version, 1);
    assert_ptr_equal(f->done->catalogue, applier_catalogue(f->applier));
    buffer_free(&text);
    flow_end(f);
}

// ---- time ----

static void
time_never_goes_back(void **state)
{
    struct flow_fixture *f = *state;
    struct letter letters[3];
    int64_t noon = flow_noon(2026, 11, 21);

    flow_follow(f, CPAS_A, 1, 2);
    for (uint64_t number = 1; number <= 3; number++) {
        f->now_us = number == 2 ? flow_noon(2020, 1, 1) : noon;
        flow_publish_one(f, RN, number, flow_address(1));
        flow_apply(f);
        assert_int_equal(flow_meta(f).last_time_us, noon);
        flow_reopen(f);
    }
    assert_int_equal(flow_letters(f, CPAS_A, 1, letters, 3), 3);
    assert_int_equal(flow_content(f, &letters[1]).kept_at_us, noon);
}

static void
an_integration_ends_at_midnight_in_brussels(void **state)
{
    struct flow_fixture *f = *state;
    int64_t midnight = flow_noon(2026, 11, 20) + INT64_C(11) * 3600 * 1000000;

    flow_integrate(f, CPAS_A, flow_person(1), 2, 20261101, 20261120);
    flow_apply(f);
    f->now_us = midnight - 1;
    flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    assert_int_equal(flow_row(f, CPAS_A).last, 1);
    f->now_us = midnight;
    flow_publish_one(f, RN, 2, flow_address(1));
    flow_apply(f);
    assert_int_equal(flow_row(f, CPAS_A).last, 1);
}

// ---- the same batches, the same bytes ----

struct script {
    uint64_t seed;
    uint64_t next_number;
    uint64_t replaced;
};

static void
draw_publish(struct flow_fixture *f, struct script *script)
{
    struct hot_mutation mutations[8];
    size_t len = 1 + flow_draw(&script->seed, 8);

    for (size_t i = 0; i < len; i++) {
        mutations[i] = flow_address((int)flow_draw(&script->seed, 12));
        if (flow_draw(&script->seed, 10) == 0) {
            mutations[i].flow = flow_words("nothing");
        }
    }
    flow_publish(f, RN, 1, script->next_number, mutations, len);
    script->next_number += len;
}

static void
draw_replacement(struct flow_fixture *f, struct script *script)
{
    struct hot_mutation mutation =
        flow_mutation("SSINReplacement", flow_person((int)flow_draw(&script->seed, 12)));

    mutation.new_niss = flow_person(20 + (int)flow_draw(&script->seed, 12)).number;
    flow_publish_one(f, BIS, ++script->replaced, mutation);
}

static void
draw_acknowledge(struct flow_fixture *f, struct script *script)
{
    uint32_t mailbox = CPAS_A + (uint32_t)flow_draw(&script->seed, 3);
    struct mailbox_row row = flow_row(f, mailbox);

    if (mailbox_waiting(&row) > 0) {
        acknowledge(f, mailbox,
                    row.acknowledged + 1 +
                        flow_draw(&script->seed, row.last - row.acknowledged));
    }
}

static void
draw_command(struct flow_fixture *f, struct script *script)
{
    struct niss niss = flow_person((int)flow_draw(&script->seed, 12));
    uint32_t cpas = CPAS_A + (uint32_t)flow_draw(&script->seed, 3);
    struct command *command;

    switch (flow_draw(&script->seed, 9)) {
    case 0:
    case 1:
    case 2:
        draw_publish(f, script);
        break;
    case 3:
        flow_integrate(f, cpas, niss, (uint32_t)flow_draw(&script->seed, 10), 20261101,
                       0);
        break;
    case 4:
        command = flow_command(f, COMMAND_REMOVE, cpas);
        command->remove.institution = cpas;
        command->remove.request =
            (struct remove_request){.niss = niss.number,
                                    .quality = (uint32_t)flow_draw(&script->seed, 10),
                                    .begin = 20261115,
                                    .end = 20261116};
        break;
    case 5:
        draw_acknowledge(f, script);
        break;
    case 6:
        flow_command(f, COMMAND_FOLD, 0);
        break;
    case 7:
        draw_replacement(f, script);
        break;
    default:
        command = flow_command(f, COMMAND_HISTORY, cpas);
        command->history.niss = niss.number;
        break;
    }
}

static bool
some_are_refused_for_room(const struct batch *batch)
{
    for (const struct command *command = batch->first; command != NULL;
         command = command->next) {
        if (command->status == VG_STORE_FULL) {
            return true;
        }
    }
    return false;
}

// The same batch again and again, each time with room for one row more.
static void
apply_in_a_tight_place(struct flow_fixture *f, struct script before, size_t commands,
                       struct script *after)
{
    size_t tries = 0;
    bool refused;

    calls = lmdb_own_calls;
    calls.put = flow_full_put;
    store_use_calls(&calls);
    do {
        struct meta meta = flow_meta(f);

        *after = before;
        batch_free(&f->next);
        for (size_t i = 0; i < commands; i++) {
            draw_command(f, after);
        }
        if (f->next == NULL) {
            break;
        }
        flow_puts_left = tries * tries / 2;
        tries++;
        flow_apply(f);
        refused = some_are_refused_for_room(f->done);
        if (refused) { // nothing at all was done
            assert_int_equal(flow_meta(f).last_commit, meta.last_commit);
            assert_int_equal(f->done->posted_len, 0);
            f->batch_id--;
            f->now_us -= 1000000;
        }
    } while (refused);
    store_use_calls(NULL);
}

static void
run_script(struct flow_fixture *f, uint64_t seed, bool tight)
{
    struct script script = {.seed = seed, .next_number = 1};

    for (int batch = 0; batch < 60; batch++) {
        size_t commands = 1 + flow_draw(&script.seed, 5);

        if (tight) {
            apply_in_a_tight_place(f, script, commands, &script);
        } else {
            for (size_t i = 0; i < commands; i++) {
                draw_command(f, &script);
            }
            if (f->next != NULL) {
                flow_apply(f);
            }
        }
        if (flow_draw(&script.seed, 10) == 0 && tight) {
            flow_reopen(f);
        }
    }
}

static void
assert_same_journals(struct flow_fixture *a, struct flow_fixture *b)
{
    struct meta meta = flow_meta(a);
    struct meta other = flow_meta(b);
    struct buffer left = {0}, right = {0};
    struct journal_head head;

    for (uint64_t commit = 1; commit <= meta.last_commit; commit++) {
        assert_int_equal(journal_read(a->view, commit, &left, &head, NULL), VG_OK);
        assert_int_equal(journal_read(b->view, commit, &right, &head, NULL), VG_OK);
        assert_int_equal(left.len, right.len);
        assert_memory_equal(left.at, right.at, left.len);
    }
    assert_memory_equal(&meta, &other, sizeof meta);
    buffer_free(&left);
    buffer_free(&right);
}

static void
the_same_batches_give_the_same_bytes(void **state)
{
    struct flow_fixture *plain = *state;
    struct flow_fixture *tight = flow_begin();

    flow_furnish(tight);
    run_script(plain, 20261120, false);
    run_script(tight, 20261120, true);
    assert_true(flow_meta(plain).last_commit > 50);
    assert_same_journals(plain, tight);
    for (uint32_t mailbox = CPAS_A; mailbox <= CPAS_C; mailbox++) {
        struct mailbox_row a = flow_row(plain, mailbox);
        struct mailbox_row b = flow_row(tight, mailbox);

        assert_memory_equal(&a, &b, sizeof a);
        assert_true(a.last > 0);
    }
    flow_assert_sound(plain);
    flow_assert_sound(tight);
    flow_end(tight);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(a_batch_is_one_commit),
        FLOW_TEST(a_batch_that_changes_nothing_is_no_commit),
        FLOW_TEST(a_failed_commit_answers_nobody),
        FLOW_TEST(a_commit_of_unknown_outcome_is_recognised_later),
        FLOW_TEST(a_broken_store_answers_nobody),
        FLOW_TEST(a_full_commit_refuses_each_and_goes_on),
        FLOW_TEST(a_gap_is_never_said_to_be_answered),
        FLOW_TEST(acknowledging_goes_on_when_publishing_cannot),
        FLOW_TEST(a_fold_without_room_forgets_no_letter),
        FLOW_TEST(memory_says_what_the_disk_says),
        cmocka_unit_test(the_first_catalogue_may_find_no_room),
        FLOW_TEST(time_never_goes_back),
        FLOW_TEST(an_integration_ends_at_midnight_in_brussels),
        FLOW_TEST(the_same_batches_give_the_same_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
