// SPDX-License-Identifier: EUPL-1.2
// Goal: the loop knows about whom letters are held and which is to be tried when, as the
// table says, also after a restart and while a command is on its way.
// Method: letters refused, deferred and acknowledged in a real store; what the loop took
// from the batches is compared with what a fresh start reads.
#include "flow/holds.h"

#include "held_scene.h"

enum { DUE_ROOM = 8, MANY = 20000 };

static struct holds *
open_holds(struct flow_fixture *f)
{
    struct holds *holds = NULL;

    assert_int_equal(holds_open(flow_view(f), &holds), VG_OK);
    return holds;
}

static void
apply(struct flow_fixture *f, struct holds *holds)
{
    flow_apply(f);
    holds_take(holds, f->done);
    for (struct command *command = f->done->first; command != NULL;
         command = command->next) {
        holds_answered(holds, command);
    }
}

static size_t
due_at(struct holds *holds, int64_t now_us, struct due_letter *due)
{
    return holds_due(holds, CPAS_A, now_us, due, DUE_ROOM);
}

static void
knows_what_the_table_says(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct holds *holds = open_holds(f);
    struct due_letter due[DUE_ROOM];
    struct command *command;
    uint32_t mailbox = 0;
    int64_t next_us = 0;
    size_t at = 0;

    assert_int_equal(holds_len(holds, CPAS_A), 0);
    held_publish(f, 12, letters); // about person 1: 1, 5, 9
    command = held_refuse(f, &letters[0], "later");
    held_later(command, &letters[4]);
    held_refuse(f, &letters[1], "no")->refuse.park = true;
    apply(f, holds);
    for (int restarted = 0; restarted < 2; restarted++) {
        assert_int_equal(holds_len(holds, CPAS_A), 2);
        assert_int_equal(holds_len(holds, CPAS_B), 0);
        assert_true(holds_about(holds, CPAS_A, letters[0].subject));
        assert_false(holds_about(holds, CPAS_A, letters[1].subject)); // parked
        assert_false(holds_about(holds, CPAS_B, letters[0].subject));
        assert_int_equal(due_at(holds, f->done->time.us + 999999, due), 0);
        assert_int_equal(due_at(holds, f->done->time.us + 1000000, due), 1);
        assert_int_equal(due[0].number, 1);
        assert_int_equal(due[0].subject, letters[0].subject);
        at = 0;
        assert_true(holds_next(holds, &at, &mailbox, &next_us));
        assert_int_equal(mailbox, CPAS_A);
        assert_int_equal(next_us, f->done->time.us + 1000000);
        assert_false(holds_next(holds, &at, &mailbox, &next_us));
        holds_free(&holds);
        holds = open_holds(f);
    }
    holds_free(&holds);
}

static void
what_is_on_its_way_is_not_due_again_until_it_changes(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct holds *holds = open_holds(f);
    struct due_letter due[DUE_ROOM];
    int64_t later_us;

    held_publish(f, 4, letters);
    held_refuse(f, &letters[0], "later");
    apply(f, holds);
    later_us = f->done->time.us + 3600 * INT64_C(1000000);
    assert_int_equal(due_at(holds, later_us, due), 1);
    holds_sent(holds, CPAS_A, &due[0]);
    assert_int_equal(due_at(holds, later_us, due), 0);
    holds_rest(holds, CPAS_A); // the mailbox was opened anew
    assert_int_equal(due_at(holds, later_us, due), 1);
    holds_sent(holds, CPAS_A, &due[0]);
    held_refuse(f, &letters[0], "still no");
    apply(f, holds);
    assert_int_equal(due_at(holds, later_us, due), 1);
    holds_sent(holds, CPAS_A, &due[0]);
    held_acknowledge(f, NULL, &letters[0]);
    apply(f, holds);
    assert_int_equal(holds_len(holds, CPAS_A), 0);
    assert_int_equal(due_at(holds, later_us, due), 0);
    holds_free(&holds);
}

// From the moment a refusal is heard the later ones wait, though nothing is on disk yet.
static void
a_letter_is_held_before_the_disk_says_so(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct holds *holds = open_holds(f);
    struct due_letter due[DUE_ROOM];

    held_publish(f, 8, letters);
    holds_expect(holds, CPAS_A, &letters[0]);
    assert_true(holds_about(holds, CPAS_A, letters[0].subject));
    assert_int_equal(due_at(holds, INT64_MAX - 1, due), 0); // not before it is on disk
    held_acknowledge(f, NULL, &letters[0]);                 // it was done with before
    held_refuse(f, &letters[0], "late");
    apply(f, holds);
    assert_int_equal(f->done->first->next->refuse.state, HELD_GONE);
    assert_false(holds_about(holds, CPAS_A, letters[0].subject));
    holds_free(&holds);
}

static void
the_next_one_about_a_person_is_due_at_once(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct holds *holds = open_holds(f);
    struct due_letter due[DUE_ROOM];

    held_publish(f, 12, letters);
    held_later(held_refuse(f, &letters[0], "later"), &letters[4]);
    held_defer(f, &letters[8]);
    apply(f, holds);
    held_acknowledge(f, NULL, &letters[0]);
    apply(f, holds);
    assert_int_equal(due_at(holds, f->done->time.us, due), 1);
    assert_int_equal(due[0].number, 5);
    held_acknowledge(f, NULL, &letters[4]);
    apply(f, holds);
    assert_int_equal(due_at(holds, f->done->time.us, due), 1);
    assert_int_equal(due[0].number, 9);
    holds_free(&holds);
}

// The table is in order of number, what is known of it in order of person.
static void
a_start_knows_each_of_many(void **state)
{
    struct flow_fixture *f = *state;
    struct holds *holds;
    struct txn *txn = NULL;
    uint64_t seed = 20261121;
    uint64_t subjects[MANY];

    assert_int_equal(store_write(f->store, &txn, NULL), VG_OK);
    for (uint64_t i = 0; i < MANY; i++) {
        struct held_row row = {.head = {.state = i % 10 == 0 ? HELD_PARKED : HELD_RETRY,
                                        .letter = {.number = i + 1}}};

        subjects[i] = row.head.subject = 2 * flow_draw(&seed, 1 << 30);
        assert_int_equal(held_put(txn, held_box, &row), VG_OK);
    }
    assert_int_equal(store_commit(&txn, NULL), VG_OK);
    holds = open_holds(f);
    assert_int_equal(holds_len(holds, CPAS_A), MANY - MANY / 10);
    for (size_t i = 0; i < MANY; i++) {
        assert_true(i % 10 == 0 || holds_about(holds, CPAS_A, subjects[i]));
        assert_false(holds_about(holds, CPAS_A, subjects[i] + 1));
    }
    holds_free(&holds);

    assert_int_equal(store_write(f->store, &txn, NULL), VG_OK);
    for (uint64_t i = 0; i < MANY; i++) { // as no command has told of them
        assert_int_equal(held_erase(txn, held_box, i + 1), VG_OK);
    }
    assert_int_equal(store_commit(&txn, NULL), VG_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(knows_what_the_table_says),
        FLOW_TEST(what_is_on_its_way_is_not_due_again_until_it_changes),
        FLOW_TEST(a_letter_is_held_before_the_disk_says_so),
        FLOW_TEST(the_next_one_about_a_person_is_due_at_once),
        FLOW_TEST(a_start_knows_each_of_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
