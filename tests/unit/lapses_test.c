// SPDX-License-Identifier: EUPL-1.2
// Goal: what the walk remembers is there after a restart, and marks go without the rest.
// Method: put, open the store again, get.
#include "flow_fixture.h"

#include "store/lapses.h"

static void
remembers_the_walk(void **state)
{
    struct flow_fixture *f = *state;
    uint8_t days[64] = "fourteen";
    uint8_t got[64];
    size_t len = sizeof got;
    struct lapse_row row;
    bool marked = true;
    struct txn *txn = NULL;

    assert_int_equal(lapse_row_get(flow_view(f), &row), VG_OK);
    assert_int_equal(row.day, DAY_EVER.number);
    assert_int_equal(row.through, DAY_EVER.number);
    assert_int_equal(lapse_days_get(flow_view(f), got, &len), VG_OK);
    assert_int_equal(len, 0);
    store_abort(&f->view);

    assert_int_equal(store_write(f->store, &txn, NULL), VG_OK);
    row = (struct lapse_row){20000, 20001, 66641066692};
    assert_int_equal(lapse_row_put(txn, &row), VG_OK);
    assert_int_equal(lapse_days_put(txn, days, 8), VG_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(lapse_mark(txn, flow_person(i)), VG_OK);
    }
    assert_int_equal(store_commit(&txn, NULL), VG_OK);
    flow_reopen(f);
    assert_int_equal(lapse_row_get(flow_view(f), &row), VG_OK);
    assert_int_equal(row.day, 20001);
    assert_int_equal(row.next, 66641066692);
    len = 7; // no room
    assert_int_equal(lapse_days_get(f->view, got, &len), VG_STORE_BROKEN);
    len = sizeof got;
    assert_int_equal(lapse_days_get(f->view, got, &len), VG_OK);
    assert_int_equal(len, 8);
    assert_memory_equal(got, days, 8);
    assert_int_equal(lapse_is_marked(f->view, flow_person(2), &marked), VG_OK);
    assert_true(marked);
    assert_int_equal(lapse_is_marked(f->view, flow_person(3), &marked), VG_OK);
    assert_false(marked);
    store_abort(&f->view);

    assert_int_equal(store_write(f->store, &txn, NULL), VG_OK);
    assert_int_equal(lapse_forget_marks(txn), VG_OK);
    assert_int_equal(lapse_is_marked(txn, flow_person(2), &marked), VG_OK);
    assert_false(marked);
    assert_int_equal(lapse_row_get(txn, &row), VG_OK);
    assert_int_equal(row.day, 20001);
    assert_int_equal(lapse_days_put(txn, days, 0), VG_OK);
    len = sizeof got;
    assert_int_equal(lapse_days_get(txn, got, &len), VG_OK);
    assert_int_equal(len, 0);
    assert_int_equal(lapse_forget_marks(txn), VG_OK); // none
    store_abort(&txn);
}

static int
setup(void **state)
{
    *state = flow_begin(); // nothing in it
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
        cmocka_unit_test_setup_teardown(remembers_the_walk, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
