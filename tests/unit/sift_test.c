// SPDX-License-Identifier: EUPL-1.2
// Goal: urgent letters come first, the most urgent before the others, nothing passes an
// earlier letter about the same person, and each letter comes exactly once.
// Method: letters of the shipped catalogue in a real store, and the loop in small: what
// the sifting asks for is applied, then the mailbox is emptied. First single cases; then
// persons and fields at random, with a window that is small, against the rule itself.
#include "sift_loop.h"

static void
a_death_comes_before_work_and_work_before_an_address(void **state)
{
    struct loop loop;

    open_loop(&loop, *state);
    publish(&loop, 1, "020");
    publish(&loop, 2, "001"); // leaves for another municipality
    publish(&loop, 3, "work");
    publish(&loop, 4, "150");
    publish(&loop, 5, "020");
    empty(&loop);
    EXPECT(&loop, 4, 3, 2, 1, 5);
    close_loop(&loop);
}

static void
what_is_urgent_takes_earlier_letters_of_its_person_along(void **state)
{
    struct loop loop;

    open_loop(&loop, *state);
    publish(&loop, 1, "020");
    publish(&loop, 2, "020");
    publish(&loop, 3, "work");
    publish(&loop, 2, "010");
    publish(&loop, 2, "150");
    publish(&loop, 2, "020"); // after it
    assert_int_equal(sift(&loop), 4);
    // Each of hers follows when the one before it is done with; others do not wait for that.
    empty(&loop);
    EXPECT(&loop, 2, 3, 1, 4, 5, 6);
    close_loop(&loop);
}

static void
one_person_is_one_under_all_his_numbers(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation replacement = flow_mutation("SSINReplacement", flow_person(2));
    struct loop loop;

    open_loop(&loop, f);
    publish(&loop, 1, "020");
    publish(&loop, 2, "020");
    replacement.new_niss = flow_person(30).number;
    flow_publish_one(f, BIS, 1, replacement); // letter 3
    apply(&loop);
    loop.published_len++;
    publish(&loop, 30, "150");
    empty(&loop);
    EXPECT(&loop, 2, 1, 3, 4);
    close_loop(&loop);
}

static void
who_becomes_the_same_person_meanwhile_passes_nothing(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation replacement = flow_mutation("SSINReplacement", flow_person(2));
    struct loop loop;

    open_loop(&loop, f);
    publish(&loop, 2, "020");
    publish(&loop, 1, "020");
    publish(&loop, 3, "150");
    assert_int_equal(sift(&loop), 1);
    replacement.new_niss = flow_person(3).number;
    flow_publish_one(f, BIS, 1, replacement); // letter 4
    apply(&loop);
    loop.published_len++;
    empty(&loop);
    EXPECT(&loop, 2, 1, 3, 4);
    close_loop(&loop);
}

static void
who_is_on_his_way_already_is_left_alone(void **state)
{
    struct outflow_view view;
    struct outflow_turn turn;
    struct buffer frame = {0};
    struct loop loop;

    open_loop(&loop, *state);
    publish(&loop, 1, "020");
    view = view_of(&loop);
    assert_int_equal(outflow_fill(loop.outflow, &view, 0, SIZE_MAX, &frame, &turn),
                     VG_OK);
    assert_int_equal(turn.sent, 1); // and not acknowledged
    publish(&loop, 2, "020");
    publish(&loop, 1, "150");
    assert_int_equal(sift(&loop), 0);
    publish(&loop, 3, "150");
    publish(&loop, 4, "150");
    assert_int_equal(loop.sifted, 3);
    publish(&loop, 5, "020");
    assert_int_equal(sift(&loop), 2); // the third and fourth person's
    assert_int_equal(loop.sifted, 6);
    buffer_free(&frame);
    close_loop(&loop);
}

static void
what_is_held_back_is_not_looked_at(void **state)
{
    struct loop loop;

    open_loop(&loop, *state);
    publish(&loop, 1, "020");
    loop.hold_back_us = loop.f->now_us;
    publish(&loop, 2, "150");
    assert_int_equal(sift(&loop), 0);
    assert_int_equal(loop.sifted, 1);
    loop.hold_back_us = 0;
    publish(&loop, 3, "020");
    assert_int_equal(sift(&loop), 1);
    close_loop(&loop);
}

static void
what_is_more_urgent_comes_first_where_all_are_urgent(void **state)
{
    struct loop loop;

    open_loop(&loop, *state);
    publish(&loop, 1, "001");
    publish(&loop, 2, "work");
    publish(&loop, 3, "150");
    assert_int_equal(sift(&loop), 3);
    empty(&loop);
    EXPECT(&loop, 3, 2, 1);
    close_loop(&loop);
}

static void
nothing_changes_where_all_are_as_urgent(void **state)
{
    struct loop loop;

    open_loop(&loop, *state);
    publish(&loop, 1, "020");
    publish(&loop, 2, "020");
    assert_int_equal(sift(&loop), 0);
    assert_int_equal(loop.sifted, 2);
    assert_int_equal(fill(&loop), 2);
    publish(&loop, 3, "work");
    publish(&loop, 4, "work");
    assert_int_equal(sift(&loop), 0);
    assert_int_equal(flow_row(loop.f, CPAS_A).held, 0);
    close_loop(&loop);
}

// ---- at random ----

static void
each_comes_once_and_never_before_an_earlier_one_of_its_person(void **state)
{
    static const char *const codes[] = {"020", "020", "020", "010", "001", "work", "150"};
    uint64_t seed = 20261121;
    bool seen[LETTERS_HERE + 1] = {false};
    struct loop loop;

    open_loop(&loop, *state);
    while (loop.published_len < LETTERS_HERE) {
        publish(&loop, 1 + (int)flow_draw(&seed, PERSONS_HERE),
                codes[flow_draw(&seed, ARRAY_LEN(codes))]);
        if (flow_draw(&seed, 9) == 0) {
            (void)sift(&loop);
            (void)fill(&loop);
        }
    }
    empty(&loop);
    assert_int_equal(loop.got_len, LETTERS_HERE);
    for (size_t i = 0; i < loop.got_len; i++) {
        uint64_t number = loop.got[i];

        assert_false(seen[number]);
        seen[number] = true;
        for (uint64_t earlier = 1; earlier < number; earlier++) {
            assert_true(seen[earlier] ||
                        loop.published[earlier].niss != loop.published[number].niss);
        }
    }
    close_loop(&loop);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(a_death_comes_before_work_and_work_before_an_address),
        FLOW_TEST(what_is_urgent_takes_earlier_letters_of_its_person_along),
        FLOW_TEST(one_person_is_one_under_all_his_numbers),
        FLOW_TEST(who_becomes_the_same_person_meanwhile_passes_nothing),
        FLOW_TEST(who_is_on_his_way_already_is_left_alone),
        FLOW_TEST(what_is_held_back_is_not_looked_at),
        FLOW_TEST(what_is_more_urgent_comes_first_where_all_are_urgent),
        FLOW_TEST(nothing_changes_where_all_are_as_urgent),
        FLOW_TEST(each_comes_once_and_never_before_an_earlier_one_of_its_person),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
