// SPDX-License-Identifier: EUPL-1.2
// Goal: from its day on everything of a merged institution is its successor's: the persons it
// follows, its further mailboxes, and the letters that wait, in the order in which they were
// published, while more come. Nothing is lost, nothing is told twice to one mailbox.
// Method: days pass on a real store; the letters of all mailboxes are compared with a list of
// what was published, also while thousands of letters move and the broker starts again.
#include "held_scene.h"

#include "flow/merge.h"
#include "store/merged.h"

enum { MANY = 3000 };

static const int64_t day_us = INT64_C(86400) * 1000000;

static struct command *
plan(struct flow_fixture *f, uint32_t from, uint32_t into, struct day day)
{
    struct command *command = flow_command(f, COMMAND_MERGE, 0);

    command->merge = (struct merge_command){{from}, 1, into, day};
    return command;
}

static struct day
today(const struct flow_fixture *f)
{
    return day_in_brussels((struct instant){f->now_us});
}

// A and B are part of C tomorrow, and it is tomorrow.
static void
merge_both(struct flow_fixture *f)
{
    struct day tomorrow = day_add_days(today(f), 1);
    struct command *a = plan(f, CPAS_A, CPAS_C, tomorrow);
    struct command *b = plan(f, CPAS_B, CPAS_C, tomorrow);

    flow_apply(f);
    assert_int_equal(a->status, VG_OK);
    assert_int_equal(b->status, VG_OK);
    f->now_us += day_us;
}

static struct move_letters_command
move(struct flow_fixture *f)
{
    struct command *command;

    flow_command(f, COMMAND_FOLD, 0);
    command = flow_command(f, COMMAND_MOVE_LETTERS, 0);
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    return command->move;
}

static void
publish(struct flow_fixture *f, int person)
{
    flow_publish_one(f, RN, flow_producer(f, RN, 1).last_number + 1,
                     flow_address(person));
    flow_apply(f);
}

// The persons of the letters that wait in a mailbox, in order.
static void
assert_waiting(struct flow_fixture *f, uint32_t mailbox, const int *persons, size_t len)
{
    struct letter letters[64];
    uint64_t from = flow_row(f, mailbox).acknowledged + 1;

    assert_int_equal(flow_letters(f, mailbox, from, letters, ARRAY_LEN(letters)), len);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(flow_content(f, &letters[i]).mutation.niss,
                         flow_person(persons[i]).number);
    }
}

#define WAITING(f, mailbox, ...)                                                         \
    assert_waiting(f, mailbox, (const int[]){__VA_ARGS__},                               \
                   ARRAY_LEN(((int[]){__VA_ARGS__})))

static void
from_its_day_on_it_is_the_successors(void **state)
{
    struct flow_fixture *f = *state;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 1, 8);
    flow_follow(f, CPAS_B, 2, 2);
    merge_both(f);
    assert_int_equal(flow_row(f, CPAS_C).last, 0);
    publish(f, 1); // the first batch of the day
    publish(f, 2);
    WAITING(f, CPAS_C, 1, 2); // once, though both followed him
    assert_int_equal(flow_row(f, CPAS_A).last, 0);
    assert_int_equal(flow_row(f, CPAS_B).last, 0);
    flow_reopen(f);
    publish(f, 2);
    WAITING(f, CPAS_C, 1, 2, 2);
    assert_false(move(f).left);
}

static void
the_day_before_nothing_has_changed(void **state)
{
    struct flow_fixture *f = *state;
    struct command *again;

    flow_follow(f, CPAS_A, 1, 2);
    plan(f, CPAS_A, CPAS_C, day_add_days(today(f), 2));
    flow_apply(f);
    f->now_us += day_us;
    flow_reopen(f);
    publish(f, 1);
    WAITING(f, CPAS_A, 1);
    again = plan(f, CPAS_A, 0, DAY_EVER); // given up
    flow_apply(f);
    assert_int_equal(again->status, VG_OK);
    f->now_us += 5 * day_us;
    publish(f, 1);
    WAITING(f, CPAS_A, 1, 1);
    assert_int_equal(flow_row(f, CPAS_C).last, 0);
}

static void
letters_that_wait_come_first_in_the_order_published(void **state)
{
    struct flow_fixture *f = *state;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 2, 2);
    flow_follow(f, CPAS_C, 3, 2);
    publish(f, 1);
    publish(f, 2);
    publish(f, 3); // C's own
    publish(f, 1);
    publish(f, 2);
    merge_both(f);
    publish(f, 1); // lines up behind the letters that are to be moved
    publish(f, 3);
    WAITING(f, CPAS_C, 3);
    assert_true(move(f).moved == 6);
    WAITING(f, CPAS_C, 3, 1, 2, 1, 2, 1, 3);
    for (uint32_t box = CPAS_A; box <= CPAS_B; box++) {
        struct mailbox_row row = flow_row(f, box);

        assert_int_equal(mailbox_waiting(&row), 0);
    }
    publish(f, 2); // and from now on at once
    WAITING(f, CPAS_C, 3, 1, 2, 1, 2, 1, 3, 2);
    flow_assert_sound(f);
}

static void
held_and_parked_letters_are_handed_to_the_successor(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct mailbox_row row;

    held_publish(f, 8, letters); // about 1, 2, 3, 4, 1, 2, 3, 4
    held_refuse(f, &letters[0], "later");
    held_defer(f, &letters[4]);
    held_refuse(f, &letters[1], "never")->refuse.park = true;
    held_acknowledge(f, &letters[3], NULL);
    flow_apply(f);
    merge_both(f);
    assert_int_equal(move(f).moved, 6);
    WAITING(f, CPAS_C, 1, 2, 1, 2, 3, 4);
    row = flow_row(f, CPAS_A);
    assert_int_equal(row.held + row.parked + mailbox_waiting(&row), 0);
    assert_int_equal(row.acknowledged_total, 8);
    flow_assert_sound(f);
    held_assert_journal_agrees(f);
}

static void
what_is_only_held_or_parked_is_handed_over_too(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct mailbox_row row;

    held_publish(f, 4, letters); // about 1, 2, 3, 4
    held_refuse(f, &letters[0], "later");
    held_refuse(f, &letters[1], "never")->refuse.park = true;
    held_acknowledge(f, &letters[3], NULL);
    flow_apply(f);
    merge_both(f);
    assert_int_equal(move(f).moved, 2);
    WAITING(f, CPAS_C, 1, 2);
    row = flow_row(f, CPAS_A);
    assert_int_equal(row.held + row.parked + mailbox_waiting(&row), 0);
    flow_assert_sound(f);
}

static void
a_parked_one_behind_a_full_slice_is_not_forgotten(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutations[MOVE_LETTERS_MAX / 10];
    struct letter_about last;
    struct move_letters_command moved;

    flow_follow(f, CPAS_A, 1, 2);
    for (size_t i = 0; i < ARRAY_LEN(mutations); i++) {
        mutations[i] = flow_address(1);
    }
    for (uint64_t i = 0; i < 10; i++) {
        flow_publish(f, RN, 1, i * ARRAY_LEN(mutations) + 1, mutations,
                     ARRAY_LEN(mutations));
    }
    flow_publish(f, RN, 1, MOVE_LETTERS_MAX + 1, mutations, 1);
    flow_apply(f);
    assert_int_equal(flow_letters(f, CPAS_A, MOVE_LETTERS_MAX + 1, &last.letter, 1), 1);
    assert_int_equal(letter_subject(flow_view(f), &last.letter, &last.subject), VG_OK);
    held_refuse(f, &last, "never")->refuse.park = true;
    flow_apply(f);
    merge_both(f);
    moved = move(f);
    assert_int_equal(moved.moved, MOVE_LETTERS_MAX);
    assert_true(moved.left);
    moved = move(f);
    assert_int_equal(moved.moved, 1);
    assert_false(moved.left);
    assert_int_equal(flow_row(f, CPAS_A).parked, 0);
    assert_int_equal(flow_row(f, CPAS_C).last, MOVE_LETTERS_MAX + 1);
    flow_assert_sound(f);
}

static void
what_a_letter_stands_for_is_told_to_the_successor(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct mailbox_id to = {CPAS_C};
    struct merged_row row;
    struct roster *roster;
    uint64_t first, second;

    held_publish(f, 8, letters); // about 1, 2, 3, 4, 1, 2, 3, 4
    first = held_ticket(f, 1);
    second = held_ticket(f, 5);
    held_merge(f, &letters[0], &letters[4]);
    flow_apply(f);
    merge_both(f);
    assert_int_equal(move(f).moved, 7);
    WAITING(f, CPAS_C, 2, 3, 4, 1, 2, 3, 4);
    assert_int_equal(merged_get(flow_view(f), second, to, &row), VG_OK);
    assert_int_equal(row.head.len, 1);
    assert_int_equal(row.tickets[0], first);
    assert_int_equal(merged_get(flow_view(f), first, to, &row), VG_OK);
    assert_int_equal(row.head.into, second);
    flow_reopen(f);
    // Whoever sends from it looks for what a letter stands for.
    roster = applier_roster(f->applier);
    assert_int_equal(roster_mailbox(roster, CPAS_C)->rules.repeats, REPEATS_MERGED);
    roster_free(&roster);
    flow_assert_sound(f);
    held_assert_journal_agrees(f);
}

static void
a_slice_at_a_time_whatever_comes_meanwhile(void **state)
{
    struct flow_fixture *f = *state;
    static struct letter letters[2 * MANY];
    struct hot_mutation mutations[100];
    uint64_t ticket = 0;
    size_t len, slices = 0;
    struct move_letters_command moved;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 2, 2);
    for (size_t i = 0; i < ARRAY_LEN(mutations); i++) {
        mutations[i] = flow_address(1 + (int)(i % 3 == 0));
    }
    for (uint64_t i = 0; i < MANY / 100; i++) {
        flow_publish(f, RN, 1, i * 100 + 1, mutations, 100);
        flow_apply(f);
    }
    merge_both(f);
    do {
        flow_publish(f, RN, 1, flow_producer(f, RN, 1).last_number + 1, mutations, 30);
        moved = move(f);
        assert_true(moved.moved <= MOVE_LETTERS_MAX);
        if (++slices % 3 == 0) {
            flow_reopen(f);
        }
    } while (moved.left);
    assert_true(slices > MANY / MOVE_LETTERS_MAX);
    publish(f, 2);
    len = flow_letters(f, CPAS_C, 1, letters, ARRAY_LEN(letters));
    assert_int_equal(len, flow_producer(f, RN, 1).last_number);
    for (size_t i = 0; i < len; i++) {
        uint64_t next = flow_content(f, &letters[i]).ticket;

        assert_true(next > ticket); // the order published, none lost, none twice
        ticket = next;
    }
    flow_assert_sound(f);
}

static void
the_directory_knows_the_successor_alone(void **state)
{
    struct flow_fixture *f = *state;
    struct command *old, *own, *remove;
    struct person person;

    flow_follow(f, CPAS_A, 1, 2); // 002 is exclusive
    merge_both(f);
    old = flow_integrate(f, CPAS_A, flow_person(1), 2, 20261101, 0);
    own = flow_integrate(f, CPAS_C, flow_person(1), 2, 20261201, 20270131);
    flow_apply(f);
    assert_int_equal(old->status, VG_MOVED);
    assert_non_null(strstr(old->faults->fault[0].why.text, "CPAS-A is part of CPAS-C"));
    assert_int_equal(own->integrate.results[0].verdict, VERDICT_YES);
    assert_int_equal(person_get(flow_view(f), flow_person(1), &person), VG_OK);
    assert_int_equal(person.len, 1); // put together with what A had
    assert_int_equal(person.integrations[0].institution, CPAS_C);
    assert_int_equal(person.integrations[0].begin, day_of(2026, 11, 1).number);
    remove = flow_command(f, COMMAND_REMOVE, CPAS_C);
    remove->remove.institution = CPAS_C;
    remove->remove.request = (struct remove_request){
        .niss = flow_person(1).number, .quality = 2, .begin = 20261101};
    flow_apply(f);
    assert_int_equal(remove->status, VG_OK);
    assert_int_equal(flow_meta(f).integrations, 0);
}

static void
further_mailboxes_change_hands(void **state)
{
    struct flow_fixture *f = *state;
    struct command *deaths[2];
    const struct mailbox_spec *const *mailboxes = NULL;

    for (uint32_t i = 0; i < 2; i++) {
        deaths[i] = flow_command(f, COMMAND_ADD_MAILBOX, i == 0 ? CPAS_A : CPAS_C);
        buffer_add(&deaths[i]->frame, "deaths", 6);
        deaths[i]->add_mailbox.name = (struct bytes){deaths[i]->frame.at, 6};
    }
    flow_apply(f);
    flow_follow(f, CPAS_A, 1, 2);
    publish(f, 1);
    merge_both(f);
    publish(f, 1);
    assert_int_equal(roster_mailboxes(f->applier->roster, CPAS_C, &mailboxes), 3);
    assert_string_equal(mailboxes[1]->name, "deaths 2147483648");
    assert_string_equal(mailboxes[2]->name, "deaths");
    WAITING(f, MAILBOX_EXTRA_FIRST, 1, 1); // its letters stay, and more come
    WAITING(f, MAILBOX_EXTRA_FIRST + 1, 1);
    flow_reopen(f);
    assert_int_equal(roster_mailboxes(f->applier->roster, CPAS_C, &mailboxes), 3);
}

static void
what_merges_may_not_be_an_aim(void **state)
{
    struct flow_fixture *f = *state;
    struct day tomorrow = day_add_days(today(f), 1);
    struct command *commands[7];
    static const enum vg_status expected[] = {VG_OK,       VG_NOT_ALLOWED, VG_MALFORMED,
                                              VG_BAD_DATE, VG_TOO_FAR,     VG_NOT_ALLOWED,
                                              VG_NOT_FOUND};

    commands[0] = plan(f, CPAS_A, CPAS_C, tomorrow);
    commands[1] = plan(f, CPAS_B, CPAS_A, tomorrow);
    commands[2] = plan(f, CPAS_B, CPAS_B, tomorrow);
    commands[3] = plan(f, CPAS_B, CPAS_C, day_add_days(tomorrow, -2));
    commands[4] = plan(f, CPAS_B, CPAS_C, day_add_years(tomorrow, 11));
    commands[5] = plan(f, MUTUALITY, CPAS_C, tomorrow);
    commands[6] = plan(f, CPAS_B, 99, tomorrow);
    flow_apply(f);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        assert_int_equal(commands[i]->status, expected[i]);
    }
}

// A is part of B, and B of C.
static void
successors_are_followed_to_the_end(void **state)
{
    struct flow_fixture *f = *state;
    struct day tomorrow = day_add_days(today(f), 1);

    flow_follow(f, CPAS_A, 1, 2);
    publish(f, 1);
    plan(f, CPAS_A, CPAS_B, tomorrow);
    flow_apply(f);
    plan(f, CPAS_B, CPAS_C, day_add_days(tomorrow, 1));
    flow_apply(f);
    f->now_us += day_us;
    assert_int_equal(move(f).moved, 1);
    publish(f, 1);
    WAITING(f, CPAS_B, 1, 1);
    f->now_us += day_us;
    publish(f, 1);
    assert_int_equal(move(f).moved, 3);
    publish(f, 1);
    WAITING(f, CPAS_C, 1, 1, 1, 1);
}

static void
whoever_acts_for_it_is_told(void **state)
{
    struct flow_fixture *f = *state;
    const struct mailbox_spec *const *mailboxes = NULL;
    struct command *old, *box;

    merge_both(f);
    old = flow_publish_one(f, CPAS_A, 1,
                           flow_mutation("PCSAAlertReaction", flow_person(1)));
    box = flow_command(f, COMMAND_ADD_MAILBOX, CPAS_A);
    buffer_add(&box->frame, "late", 4);
    box->add_mailbox.name = (struct bytes){box->frame.at, 4};
    flow_apply(f);
    assert_int_equal(old->status, VG_MOVED);
    assert_int_equal(box->status, VG_MOVED); // nobody could open it
    assert_int_equal(roster_mailboxes(f->applier->roster, CPAS_A, &mailboxes), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(from_its_day_on_it_is_the_successors),
        FLOW_TEST(the_day_before_nothing_has_changed),
        FLOW_TEST(letters_that_wait_come_first_in_the_order_published),
        FLOW_TEST(held_and_parked_letters_are_handed_to_the_successor),
        FLOW_TEST(what_is_only_held_or_parked_is_handed_over_too),
        FLOW_TEST(a_parked_one_behind_a_full_slice_is_not_forgotten),
        FLOW_TEST(what_a_letter_stands_for_is_told_to_the_successor),
        FLOW_TEST(a_slice_at_a_time_whatever_comes_meanwhile),
        FLOW_TEST(the_directory_knows_the_successor_alone),
        FLOW_TEST(further_mailboxes_change_hands),
        FLOW_TEST(what_merges_may_not_be_an_aim),
        FLOW_TEST(successors_are_followed_to_the_end),
        FLOW_TEST(whoever_acts_for_it_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
