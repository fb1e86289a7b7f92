// SPDX-License-Identifier: EUPL-1.2
// Goal: parked letters leave by hand only, all that were named or none, and the journal
// says who, what and why.
// Method: letters parked on a real store, then tried again and dropped; the disk and the
// journal afterwards.
#include "held_scene.h"

static void
park(struct flow_fixture *f, const struct letter_about *letters, size_t first, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        held_refuse(f, &letters[first + i], "unknown street")->refuse.park = true;
    }
    flow_apply(f);
}

static void
a_hand_gives_another_try_at_once(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct command *command;
    struct journal_held item;
    struct held_row row;

    held_publish(f, 16, letters);
    park(f, letters, 0, 2);
    held_refuse(f, &letters[4], "later"); // a later one about person 1 is held
    flow_apply(f);
    command = held_handle(f, COMMAND_RETRY_PARKED, (uint64_t[]){1, 2, 1}, 3);
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_true(command->ticket > 0);
    row = held_on_disk(f, 1);
    assert_int_equal(row.head.state, HELD_RETRY); // before the later one
    assert_int_equal(row.head.due_us, f->done->time.us);
    assert_int_equal(row.head.attempts, 1);
    assert_string_equal(row.reason, "the address was mended");
    assert_int_equal(held_on_disk(f, 5).head.state, HELD_BEHIND);
    assert_int_equal(held_on_disk(f, 2).head.state, HELD_RETRY);
    assert_int_equal(flow_row(f, CPAS_A).parked, 0);
    assert_int_equal(flow_last_item(f, JOURNAL_RETRY, &item, sizeof item), 2);
    assert_int_equal(item.actor, CPAS_A);
    assert_int_equal(item.letter.number, 2);
    flow_assert_sound(f);
    held_assert_journal_agrees(f);
}

static void
a_dropped_letter_is_counted_and_journaled(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct journal_held item;
    struct mailbox_row row;

    held_publish(f, 16, letters);
    park(f, letters, 3, 3);
    held_handle(f, COMMAND_DROP_PARKED, (uint64_t[]){4, 6}, 2);
    flow_apply(f);
    flow_reopen(f);
    row = flow_row(f, CPAS_A);
    assert_int_equal(row.dropped, 2);
    assert_int_equal(row.parked, 1);
    assert_int_equal(row.parked_bytes, letters[4].letter.size);
    assert_int_equal(held_on_disk(f, 4).head.state, HELD_GONE);
    assert_int_equal(held_on_disk(f, 5).head.state, HELD_PARKED);
    assert_int_equal(flow_last_item(f, JOURNAL_DROP, &item, sizeof item), 2);
    assert_int_equal(item.mailbox, CPAS_A);
    assert_int_equal(item.letter.number, 6);
    assert_int_equal(item.actor, CPAS_A);
    assert_int_equal(item.reason_len, strlen("the address was mended"));
    flow_assert_sound(f);
    held_assert_journal_agrees(f);
}

static void
all_are_handled_or_none_and_every_fault_is_named(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct command *command;

    held_publish(f, 16, letters);
    park(f, letters, 0, 2);
    held_refuse(f, &letters[6], "later");
    flow_apply(f);
    command = held_handle(f, COMMAND_DROP_PARKED, (uint64_t[]){1, 7, 2, 99}, 4);
    flow_apply(f);
    assert_int_equal(command->status, VG_NOT_FOUND);
    assert_int_equal(command->faults->total, 2);
    assert_non_null(strstr(command->faults->fault[0].why.text, "letter 7"));
    assert_non_null(strstr(command->faults->fault[1].why.text, "letter 99"));
    assert_int_equal(flow_row(f, CPAS_A).parked, 2);
    assert_int_equal(flow_row(f, CPAS_A).dropped, 0);
    flow_assert_sound(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(a_hand_gives_another_try_at_once),
        FLOW_TEST(a_dropped_letter_is_counted_and_journaled),
        FLOW_TEST(all_are_handled_or_none_and_every_fault_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
