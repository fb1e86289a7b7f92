// SPDX-License-Identifier: EUPL-1.2
// Goal: the loop is told of every change of the table "held", in order, and of none that
// did not last.
// Method: what a batch tells is played into a list and compared with the disk.
#include "flow/hold.h"

#include "held_scene.h"

struct mirror {
    struct held_change change[LETTERS_HELD + 1];
};

static void
mirror_take(struct mirror *mirror, const struct batch *batch)
{
    for (size_t i = 0; i < batch->held_len; i++) {
        assert_int_equal(batch->held[i].mailbox, CPAS_A);
        mirror->change[batch->held[i].number] = batch->held[i];
    }
}

static void
assert_mirror_is_the_disk(struct flow_fixture *f, const struct mirror *mirror)
{
    for (uint64_t number = 1; number <= LETTERS_HELD; number++) {
        struct held_row row = held_on_disk(f, number);
        const struct held_change *change = &mirror->change[number];

        assert_int_equal(change->state, row.head.state);
        if (row.head.state != HELD_GONE) {
            assert_int_equal(change->subject, row.head.subject);
            assert_int_equal(change->due_us, row.head.due_us);
        }
    }
}

static void
the_loop_is_told_every_change(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct mirror mirror = {.change = {{0}}};
    struct command *command;

    held_publish(f, 20, letters);
    command = held_refuse(f, &letters[4], "later");
    held_later(command, &letters[8]);
    held_later(command, &letters[12]);
    flow_apply(f);
    assert_int_equal(f->done->held_len, 3);
    mirror_take(&mirror, f->done);
    assert_mirror_is_the_disk(f, &mirror);

    held_refuse(f, &letters[0], "later"); // goes before 5, which waits behind it now
    flow_apply(f);
    assert_int_equal(f->done->held_len, 2);
    mirror_take(&mirror, f->done);
    assert_mirror_is_the_disk(f, &mirror);

    held_acknowledge(f, NULL, &letters[0]);
    held_refuse(f, &letters[4], "no")->refuse.park = true;
    flow_apply(f);
    mirror_take(&mirror, f->done);
    assert_mirror_is_the_disk(f, &mirror);
    held_handle(f, COMMAND_DROP_PARKED, (uint64_t[]){5}, 1);
    flow_apply(f);
    mirror_take(&mirror, f->done);
    assert_mirror_is_the_disk(f, &mirror);
    flow_assert_sound(f);
}

static void
two_persons_who_become_one_are_in_one_order(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct mirror mirror = {.change = {{0}}};

    held_publish(f, 12, letters);
    held_refuse(f, &letters[1], "later");
    held_defer(f, &letters[5]);
    held_refuse(f, &letters[4], "later");
    held_refuse(f, &letters[2], "later"); // about person 3
    flow_apply(f);
    mirror_take(&mirror, f->done);
    held_replace(f, 1, 2);
    flow_apply(f);
    assert_int_equal(f->done->held_len, 1);
    mirror_take(&mirror, f->done);
    assert_mirror_is_the_disk(f, &mirror);
    assert_int_equal(held_on_disk(f, 2).head.state, HELD_RETRY);
    assert_int_equal(held_on_disk(f, 5).head.state, HELD_BEHIND);
    assert_int_equal(held_on_disk(f, 6).head.state, HELD_BEHIND);
    assert_int_equal(held_on_disk(f, 3).head.state, HELD_RETRY); // somebody else
    flow_assert_sound(f);

    held_acknowledge(f, NULL, &letters[1]);
    flow_apply(f);
    assert_int_equal(held_on_disk(f, 5).head.state, HELD_RETRY);
    held_refuse(f, &letters[0], "later"); // under the old number, and before all others
    held_defer(f, &letters[9]);
    flow_apply(f);
    assert_int_equal(held_on_disk(f, 1).head.state, HELD_RETRY);
    assert_int_equal(held_on_disk(f, 5).head.state, HELD_BEHIND);
    held_refuse(f, &letters[0], "never")->refuse.park = true;
    flow_apply(f);
    assert_int_equal(held_on_disk(f, 5).head.state, HELD_RETRY);
    flow_assert_sound(f);
    held_assert_journal_agrees(f);
}

// The body was moved after the loop had read the letter.
static void
a_filed_letter_is_taken_as_it_lies_now(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct letter stale;

    held_publish(f, 8, letters);
    flow_command(f, COMMAND_FOLD, 0);
    flow_apply(f);
    stale = letters[2].letter;
    letters[2].letter.body = 12345;
    held_refuse(f, &letters[2], "later");
    flow_apply(f);
    assert_int_equal(held_on_disk(f, 3).head.letter.body, stale.body);
    flow_assert_sound(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(the_loop_is_told_every_change),
        FLOW_TEST(two_persons_who_become_one_are_in_one_order),
        FLOW_TEST(a_filed_letter_is_taken_as_it_lies_now),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
