// SPDX-License-Identifier: EUPL-1.2
// Goal: every number of a person leads to the one in force and back, and no replacement is
// let in after which one would not.
// Method: links written into a real store by hand, then through seeded random replacements
// of which the check itself decides which are made; the way from each number is walked.
#include "flow_fixture.h"

#include "flow/replace.h"

static struct txn *
begin(struct flow_fixture *f)
{
    struct txn *txn = NULL;

    assert_int_equal(store_write(f->store, &txn, &f->why), VG_OK);
    return txn;
}

static void
link_by_hand(struct txn *txn, int old, int new)
{
    assert_int_equal(person_replace(txn, flow_person(old), flow_person(new)), VG_OK);
}

static enum vg_status
check(struct txn *txn, int old, int new, struct why *why)
{
    enum vg_status refusal = VG_UNKNOWN;

    assert_int_equal(
        replacement_check(txn, flow_person(old), flow_person(new), &refusal, why), VG_OK);
    return refusal;
}

static int
in_force(struct txn *txn, int person)
{
    struct niss current;
    struct person row;

    assert_int_equal(person_in_force(txn, flow_person(person), &current, &row), VG_OK);
    for (int i = 0; i < 300; i++) {
        if (current.number == flow_person(i).number) {
            return i;
        }
    }
    return -1;
}

static void
each_number_leads_to_the_one_in_force(void **state)
{
    struct flow_fixture *f = *state;
    struct txn *txn = begin(f);

    link_by_hand(txn, 1, 2);
    link_by_hand(txn, 2, 3);
    assert_int_equal(in_force(txn, 1), 3);
    assert_int_equal(in_force(txn, 2), 3);
    assert_int_equal(in_force(txn, 3), 3);
    assert_int_equal(in_force(txn, 4), 4);
    store_abort(&txn);
}

static void
numbers_stand_before_the_one_that_replaced_them(void **state)
{
    struct flow_fixture *f = *state;
    struct txn *txn = begin(f);
    struct niss numbers[NUMBERS_MAX];
    static const int expected[] = {1, 2, 6, 7, 3};
    size_t len = 0;

    link_by_hand(txn, 1, 2);
    link_by_hand(txn, 2, 3);
    link_by_hand(txn, 6, 7);
    link_by_hand(txn, 7, 3);
    assert_int_equal(person_numbers(txn, flow_person(6), numbers, &len), VG_OK);
    assert_int_equal(len, 5);
    for (size_t i = 0; i < len; i++) {
        bool found = false;

        for (size_t j = 0; j < len; j++) {
            found |= numbers[i].number == flow_person(expected[j]).number;
        }
        assert_true(found);
    }
    assert_int_equal(numbers[4].number, flow_person(3).number);
    assert_int_equal(person_numbers(txn, flow_person(9), numbers, &len), VG_OK);
    assert_int_equal(len, 1);
    assert_int_equal(numbers[0].number, flow_person(9).number);
    store_abort(&txn);
}

static void
a_number_is_replaced_once(void **state)
{
    struct flow_fixture *f = *state;
    struct txn *txn = begin(f);
    struct why why;
    char number[NISS_MASK_LEN];

    assert_int_equal(check(txn, 1, 2, NULL), VG_OK);
    link_by_hand(txn, 1, 2);
    assert_int_equal(check(txn, 1, 2, &why), VG_EXISTS);
    assert_int_equal(check(txn, 1, 3, &why), VG_EXISTS);
    niss_print(flow_person(1), number);
    assert_null(strstr(why.text, number)); // masked
    assert_int_equal(check(txn, 2, 1, &why), VG_BAD_NISS);
    assert_int_equal(check(txn, 3, 1, &why), VG_BAD_NISS);
    assert_non_null(strstr(why.text, "itself replaced"));
    assert_int_equal(check(txn, 2, 3, NULL), VG_OK);
    assert_int_equal(check(txn, 3, 2, NULL), VG_OK);
    store_abort(&txn);
}

static void
two_numbers_have_so_many_integrations_together(void **state)
{
    struct flow_fixture *f = *state;
    struct txn *txn = begin(f);
    static struct integration rows[INTEGRATIONS_PER_PERSON_MAX];
    size_t half = INTEGRATIONS_PER_PERSON_MAX / 2;

    assert_int_equal(person_put(txn, flow_person(1), rows, half), VG_OK);
    assert_int_equal(person_put(txn, flow_person(2), rows, half), VG_OK);
    assert_int_equal(check(txn, 1, 2, NULL), VG_OK);
    assert_int_equal(person_put(txn, flow_person(2), rows, half + 1), VG_OK);
    assert_int_equal(check(txn, 1, 2, NULL), VG_TOO_MANY);
    store_abort(&txn);
}

static void
a_circle_on_the_disk_is_found(void **state)
{
    struct flow_fixture *f = *state;
    struct txn *txn = begin(f);
    struct niss current;
    struct person person;

    link_by_hand(txn, 1, 2);
    link_by_hand(txn, 2, 1);
    assert_int_equal(person_in_force(txn, flow_person(1), &current, &person),
                     VG_STORE_BROKEN);
    store_abort(&txn);
}

// ---- whatever the check lets in ----

enum { PEOPLE = 300 };

static void
assert_ways_end(struct txn *txn)
{
    struct niss numbers[NUMBERS_MAX];
    struct niss found[PEOPLE];
    size_t len = 0;

    for (int i = 0; i < PEOPLE; i++) {
        struct niss current;
        struct person person;
        bool self = false;

        assert_int_equal(person_in_force(txn, flow_person(i), &current, &person), VG_OK);
        assert_int_equal(person_numbers(txn, flow_person(i), numbers, &len), VG_OK);
        assert_int_equal(numbers[len - 1].number, current.number);
        for (size_t j = 0; j < len; j++) {
            self |= numbers[j].number == flow_person(i).number;
            assert_int_equal(person_get(txn, numbers[j], &person), VG_OK);
            found[j] = person.replaced_by;
            for (size_t k = 0; k < j; k++) { // each before the one that replaced it
                assert_int_not_equal(found[j].number, numbers[k].number);
                assert_int_not_equal(numbers[j].number, numbers[k].number);
            }
        }
        assert_true(self);
    }
}

static void
every_way_ends_whatever_is_asked(void **state)
{
    struct flow_fixture *f = *state;
    uint64_t seed = 20261120;
    size_t made = 0;
    size_t too_many = 0;
    struct txn *txn = begin(f);

    for (int i = 0; i < 20000; i++) {
        int old = (int)flow_draw(&seed, PEOPLE);
        int new = (int)flow_draw(&seed, PEOPLE);
        enum vg_status refusal = old == new ? VG_BAD_NISS : check(txn, old, new, NULL);

        too_many += refusal == VG_TOO_MANY;
        if (refusal == VG_OK) {
            link_by_hand(txn, old, new);
            made++;
        }
    }
    assert_true(made > 250);
    assert_true(too_many > 0);
    assert_ways_end(txn);
    store_abort(&txn);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(each_number_leads_to_the_one_in_force),
        FLOW_TEST(numbers_stand_before_the_one_that_replaced_them),
        FLOW_TEST(a_number_is_replaced_once),
        FLOW_TEST(two_numbers_have_so_many_integrations_together),
        FLOW_TEST(a_circle_on_the_disk_is_found),
        FLOW_TEST(every_way_ends_whatever_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
