// SPDX-License-Identifier: EUPL-1.2
// Goal: there is one anchor a day, it stays, it is found by its day, and a store whose journal
// is not what an anchor says is not sound.
// Method: anchors through the writer on a real store that is closed and opened again; then rows
// that nobody signed, put by hand.
#include "flow_fixture.h"

#include "store/anchors.h"

static const uint8_t seed[ANCHOR_KEY_LEN] = {5};

// As the loop makes it.
static struct anchor
sign(struct flow_fixture *f, uint32_t day)
{
    struct meta meta = flow_meta(f);
    struct anchor anchor = {.commit = meta.last_commit, .day = day};

    memcpy(anchor.hash, meta.last_hash.at, sizeof anchor.hash);
    anchor_sign(&anchor, seed);
    return anchor;
}

static enum vg_status
keep(struct flow_fixture *f, const struct anchor *anchor)
{
    struct command *command = flow_command(f, COMMAND_ANCHOR, 0);

    command->anchor.anchor = *anchor;
    flow_apply(f);
    return command->status;
}

static bool
count_day(const struct anchor *anchor, void *arg)
{
    uint32_t *days = arg;

    assert_true(anchor->day > days[0]);
    days[0] = anchor->day;
    return ++days[1] < 3;
}

static void
one_a_day_is_kept_and_found(void **state)
{
    struct flow_fixture *f = *state;
    struct anchor first = sign(f, 20261130), second, got;
    uint32_t days[2] = {0};

    assert_int_equal(anchor_last(flow_view(f), &got), VG_NOT_FOUND);
    assert_int_equal(keep(f, &first), VG_OK);
    second = sign(f, 20261201);
    assert_true(second.commit > first.commit);
    assert_int_equal(keep(f, &second), VG_OK);
    second.day = 20261130; // that day has one
    assert_int_equal(keep(f, &second), VG_EXISTS);
    flow_reopen(f);
    assert_int_equal(anchor_get(flow_view(f), 20261130, &got), VG_OK);
    assert_memory_equal(&got, &first, sizeof got);
    assert_true(anchor_holds(&got));
    assert_int_equal(anchor_get(f->view, 20261202, &got), VG_NOT_FOUND);
    assert_int_equal(anchor_last(f->view, &got), VG_OK);
    assert_int_equal(got.day, 20261201);
    assert_int_equal(anchors_each(f->view, count_day, days), VG_OK);
    assert_int_equal(days[1], 2);
    flow_assert_sound(f);
}

static void
put_by_hand(struct flow_fixture *f, const struct anchor *anchor)
{
    struct txn *txn = NULL;

    store_abort(&f->view);
    assert_int_equal(store_write(f->store, &txn, NULL), VG_OK);
    assert_int_equal(anchor_put(txn, anchor), VG_OK);
    assert_int_equal(store_commit(&txn, NULL), VG_OK);
}

static void
assert_found(struct flow_fixture *f, const char *words)
{
    struct check_report report;

    store_abort(&f->view);
    assert_int_equal(store_check(f->store, &report, NULL, NULL, NULL), VG_OK);
    assert_int_equal(report.faults.total, 1);
    assert_non_null(strstr(report.faults.fault[0].why.text, words));
}

static void
a_store_that_left_its_anchor_is_not_sound(void **state)
{
    struct flow_fixture *f = *state;
    struct anchor good = sign(f, 20261130), wrong = good;

    assert_int_equal(keep(f, &good), VG_OK);
    wrong.hash[7] ^= 1; // signed, but of another chain
    anchor_sign(&wrong, seed);
    put_by_hand(f, &wrong);
    assert_found(f, "is not the one of the anchor of 20261130");
    wrong = good;
    wrong.commit--; // somebody turned it back
    put_by_hand(f, &wrong);
    wrong = good;
    wrong.signature[0] ^= 1;
    put_by_hand(f, &wrong);
    assert_found(f, "not what was signed");
    wrong = good;
    wrong.commit = 1000; // the end is cut off
    anchor_sign(&wrong, seed);
    put_by_hand(f, &wrong);
    assert_found(f, "is of commit 1000");
    put_by_hand(f, &good);
}

static int
setup(void **state)
{
    struct flow_fixture *f = flow_begin();

    flow_furnish(f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    flow_end(*state);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_a_day_is_kept_and_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_that_left_its_anchor_is_not_sound, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
