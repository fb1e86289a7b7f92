// SPDX-License-Identifier: EUPL-1.2
// Goal: each integration is told of once before it ends and once after, whatever is killed,
// missed or changed in between; nobody who is followed on is told.
// Method: the walk of one day after the other on a real store, which is closed and opened
// again between any two slices; letters are counted and read on the disk. Then numbers are
// replaced in the midst of a walk, from before its place to behind it and the other way.
#include "flow_fixture.h"

#include "store/lapses.h"

enum { MANY = 1200 }; // of one day: more than one slice's letters

static void
set_day(struct flow_fixture *f, int year, int month, int day)
{
    f->now_us = flow_noon(year, month, day);
}

// One slice, as the loop asks for it.
static struct lapse_command
walk_slice(struct flow_fixture *f, const struct lapse_command *before)
{
    struct command *command = flow_command(f, COMMAND_LAPSE, 0);

    if (before != NULL) {
        command->lapse.day = before->walked;
        command->lapse.from = before->next;
    }
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    return command->lapse;
}

// The whole walk of a day; gives how many letters lie in CPAS_A's mailbox after it.
static uint64_t
walk(struct flow_fixture *f)
{
    struct lapse_command slice = walk_slice(f, NULL);

    while (slice.more) {
        slice = walk_slice(f, &slice);
    }
    return flow_row(f, CPAS_A).last;
}

static struct hot_content
last_letter(struct flow_fixture *f, uint32_t mailbox)
{
    struct letter letters[64];
    size_t len = flow_letters(f, mailbox, 1, letters, ARRAY_LEN(letters));

    assert_true(len > 0);
    return flow_content(f, &letters[len - 1]);
}

static void
assert_text(struct hot_bytes bytes, const char *text)
{
    assert_int_equal(bytes.len, strlen(text));
    assert_memory_equal(bytes.at, text, bytes.len);
}

static void
tells_once_before_and_once_after(void **state)
{
    struct flow_fixture *f = *state;
    struct letter letter;
    struct hot_content content;

    flow_integrate(f, CPAS_A, flow_person(1), 1, 20261120, 0); // to 20 January 2027
    flow_apply(f);
    set_day(f, 2027, 1, 5);
    assert_int_equal(walk(f), 0);
    flow_reopen(f);
    set_day(f, 2027, 1, 6); // 14 days before
    assert_int_equal(walk(f), 1);
    content = last_letter(f, CPAS_A);
    assert_text(content.mutation.flow, "IntegrationEnds");
    assert_text(content.mutation.recipient, "CPAS-A");
    assert_text(content.source, "VIGIE");
    assert_int_equal(content.mutation.niss, flow_person(1).number);
    assert_int_equal(content.mutation.occurred, 20270106);
    assert_int_equal(content.mutation.period_begin, 20261120);
    assert_int_equal(content.mutation.period_end, 20270120);
    assert_int_equal(content.mutation.fields_len, 3);
    assert_text(content.mutation.fields[0].value, "001");
    assert_text(content.mutation.fields[2].value, "2027-01-20");
    assert_int_equal(flow_letters(f, CPAS_A, 1, &letter, 1), 1);
    assert_int_equal(letter.quality, 1); // the integration justifies it
    assert_int_equal(letter.end, day_of(2027, 1, 20).number);
    flow_reopen(f);
    assert_int_equal(walk(f), 1); // the same day again
    for (int day = 7; day <= 20; day++) {
        set_day(f, 2027, 1, day);
        assert_int_equal(walk(f), 1);
    }
    set_day(f, 2027, 1, 21);
    assert_int_equal(walk(f), 2);
    content = last_letter(f, CPAS_A);
    assert_text(content.mutation.flow, "IntegrationEnded");
    set_day(f, 2027, 1, 22);
    assert_int_equal(walk(f), 2);
}

static void
whoever_follows_on_is_not_told(void **state)
{
    struct flow_fixture *f = *state;
    struct lapse_command slice;

    flow_integrate(f, CPAS_A, flow_person(1), 1, 20261120, 0);
    flow_integrate(f, CPAS_A, flow_person(1), 2, 20270121, 0); // an applicant as well
    flow_integrate(f, CPAS_B, flow_person(1), 1, 20261120, 0);
    flow_integrate(f, CPAS_B, flow_person(1), 30, 20270121, 0); // a debtor sees less
    flow_integrate(f, CPAS_C, flow_person(1), 1, 20261120, 0);
    flow_integrate(f, CPAS_C, flow_person(1), 4, 20270122, 0); // a day is missing
    flow_apply(f);
    set_day(f, 2027, 1, 6);
    slice = walk_slice(f, NULL);
    assert_int_equal(slice.followed, 1);
    assert_int_equal(slice.warned, 2);
    assert_int_equal(flow_row(f, CPAS_A).last, 0);
    assert_int_equal(flow_row(f, CPAS_B).last, 1);
    assert_int_equal(flow_row(f, CPAS_C).last, 1);
    set_day(f, 2027, 1, 21);
    slice = walk_slice(f, NULL);
    assert_int_equal(slice.followed, 1);
    assert_int_equal(slice.ended, 2);
}

static void
an_extended_one_has_a_new_end(void **state)
{
    struct flow_fixture *f = *state;

    flow_integrate(f, CPAS_A, flow_person(1), 1, 20261120, 0);
    flow_apply(f);
    set_day(f, 2027, 1, 6);
    assert_int_equal(walk(f), 1);
    flow_integrate(f, CPAS_A, flow_person(1), 1, 20270121, 20270228);
    flow_apply(f);
    set_day(f, 2027, 1, 21);
    assert_int_equal(walk(f), 1); // it goes on
    set_day(f, 2027, 2, 13);
    assert_int_equal(walk(f), 1);
    set_day(f, 2027, 2, 14);
    assert_int_equal(walk(f), 2);
}

// He has just read the end in the answer.
static void
one_that_ends_soon_as_it_begins_is_not_warned_of(void **state)
{
    struct flow_fixture *f = *state;

    set_day(f, 2026, 11, 21);
    assert_int_equal(walk(f), 0);
    flow_integrate(f, CPAS_A, flow_person(1), 1, 20261121, 20261125);
    flow_apply(f);
    set_day(f, 2026, 11, 22);
    assert_int_equal(walk(f), 0);
    set_day(f, 2026, 11, 26);
    assert_int_equal(walk(f), 1);
    assert_text(last_letter(f, CPAS_A).mutation.flow, "IntegrationEnded");
}

static void
days_on_which_nothing_ran_are_made_up_for(void **state)
{
    struct flow_fixture *f = *state;

    flow_integrate(f, CPAS_A, flow_person(1), 1, 20261120, 0);
    flow_integrate(f, CPAS_A, flow_person(2), 31, 20261120, 20261210);
    flow_integrate(f, CPAS_A, flow_person(3), 31, 20261120, 20261220);
    flow_apply(f);
    set_day(f, 2027, 1,
            15); // 2 and 3 ended unannounced, 1 was to be warned of on the 6th
    assert_int_equal(walk(f), 3);
    set_day(f, 2027, 1, 16);
    assert_int_equal(walk(f), 3);
}

// Whoever falls between the old number of days and the new one is told once.
static void
another_number_of_days_tells_all_between(void **state)
{
    struct flow_fixture *f = *state;
    struct buffer text = flow_shipped_catalogue();
    char *place;

    flow_integrate(f, CPAS_A, flow_person(1), 31, 20261120, 20261208);
    flow_integrate(f, CPAS_A, flow_person(2), 31, 20261120, 20261205);
    flow_apply(f);
    set_day(f, 2026, 11, 29);
    assert_int_equal(walk(f), 1); // 2, seven days before
    buffer_add(&text, "", 1);
    place = strstr((char *)text.at, "warn_days: 7,");
    assert_non_null(place);
    memcpy(place, "warn_days: 9,", 13);
    flow_load_catalogue(f, (const char *)text.at, text.len - 1);
    flow_apply(f);
    assert_int_equal(walk(f), 1); // tomorrow
    set_day(f, 2026, 11, 30);
    assert_int_equal(walk(f), 2);
    assert_int_equal(last_letter(f, CPAS_A).mutation.niss, flow_person(1).number);
    memcpy(place, "warn_days: 7,", 13);
    flow_load_catalogue(f, (const char *)text.at, text.len - 1);
    flow_apply(f);
    set_day(f, 2026, 12, 7);
    assert_int_equal(walk(f), 3); // 2 ended; 1 is not told of again
    assert_text(last_letter(f, CPAS_A).mutation.flow, "IntegrationEnded");
    buffer_free(&text);
}

static void
nothing_is_told_where_there_is_no_room(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command;

    flow_integrate(f, CPAS_A, flow_person(1), 1, 20261120, 0);
    flow_apply(f);
    set_day(f, 2027, 1, 6);
    command = flow_command(f, COMMAND_LAPSE, 0);
    f->next->no_room = true;
    flow_apply(f);
    assert_int_equal(command->status, VG_STORE_FULL);
    command = flow_command(f, COMMAND_LAPSE, 0);
    f->next->crowded = true;
    flow_apply(f);
    assert_int_equal(command->status, VG_BUSY);
    assert_int_equal(walk(f), 1);
}

// ---- many ----

static struct niss
one_of_many(int i)
{
    return niss_make(1950 + i % 40, 61 + i / 40 % 12, 1 + i / 480 % 28, 1 + i / 13440);
}

static void
integrate_many(struct flow_fixture *f)
{
    for (int i = 0; i < MANY; i++) {
        flow_integrate(f, CPAS_A, one_of_many(i), 1, 20261120, 0);
    }
    flow_apply(f);
}

// Each of the many has exactly one letter.
static void
assert_each_once(struct flow_fixture *f)
{
    static struct letter letters[MANY + 1];
    bool seen[MANY] = {false};

    assert_int_equal(flow_row(f, CPAS_A).last, MANY);
    assert_int_equal(flow_letters(f, CPAS_A, 1, letters, MANY + 1), MANY);
    for (int i = 0; i < MANY; i++) {
        uint64_t number = flow_content(f, &letters[i]).mutation.niss;
        int who = 0;

        while (who < MANY && one_of_many(who).number != number) {
            who++;
        }
        assert_true(who < MANY);
        assert_false(seen[who]);
        seen[who] = true;
    }
}

static void
killed_between_any_two_slices(void **state)
{
    struct flow_fixture *f = *state;
    struct lapse_command slice;
    int slices = 0;

    integrate_many(f);
    set_day(f, 2027, 1, 6);
    do {
        slice = walk_slice(f, NULL); // nobody remembers where it was
        flow_reopen(f);
        slices++;
    } while (slice.more);
    assert_in_range(slices, 3, 10);
    assert_each_once(f);
    assert_int_equal(walk(f), MANY);
}

// Midnight, or days, pass in the midst of it: the day begun is finished first.
static void
a_walk_that_takes_until_tomorrow(void **state)
{
    struct flow_fixture *f = *state;
    struct lapse_command slice;

    integrate_many(f);
    set_day(f, 2027, 1, 6);
    slice = walk_slice(f, NULL);
    assert_true(slice.more);
    set_day(f, 2027, 1, 8);
    slice = walk_slice(f, &slice);
    assert_int_equal(slice.walked, day_of(2027, 1, 6).number);
    while (slice.more) {
        slice = walk_slice(f, &slice);
    }
    assert_int_equal(slice.walked, day_of(2027, 1, 8).number);
    assert_each_once(f);
}

static void
replace(struct flow_fixture *f, uint64_t number, struct niss old, struct niss new)
{
    struct command *command = flow_publish_one(
        f, BIS, number,
        (struct hot_mutation){.flow = {(const uint8_t *)"SSINReplacement", 15},
                              .niss = old.number,
                              .new_niss = new.number,
                              .occurred = 20270106});

    flow_apply(f);
    assert_int_equal(command->publish.kept, 1);
}

static struct niss
unused(int year)
{
    return niss_make(year, 72, 28, 997);
}

// After the first slice people move from behind its place to before it, and the other way;
// onto a number that nobody knew, and onto one that is to be told as well. What is told of
// a person under his old number stays told.
static void
numbers_are_replaced_in_its_midst(void **state)
{
    struct flow_fixture *f = *state;
    struct lapse_command slice;
    uint64_t told;

    integrate_many(f);
    set_day(f, 2027, 1, 6);
    slice = walk_slice(f, NULL);
    assert_true(slice.more);
    told = flow_row(f, CPAS_A).last;
    assert_true(one_of_many(39).number > slice.next); // born in 1989: to come
    assert_true(one_of_many(0).number < slice.next);  // in 1950: told

    replace(f, 1, one_of_many(39), unused(1950));         // would never be met
    assert_int_equal(flow_row(f, CPAS_A).last, told + 2); // and the replacement itself
    replace(f, 2, one_of_many(0), unused(1989));          // would be met twice
    assert_int_equal(flow_row(f, CPAS_A).last, told + 3);
    replace(f, 3, one_of_many(79), one_of_many(38)); // both to come
    assert_int_equal(flow_row(f, CPAS_A).last, told + 6);
    replace(f, 4, one_of_many(38), unused(1988)); // once more: told already
    assert_int_equal(flow_row(f, CPAS_A).last, told + 7);
    flow_reopen(f);
    while (slice.more) {
        slice = walk_slice(f, NULL);
    }
    assert_int_equal(flow_row(f, CPAS_A).last, MANY + 4);
    set_day(f, 2027, 1, 7);
    assert_int_equal(walk(f), MANY + 4);
    set_day(f, 2027, 1, 21); // all end; those two merged into one
    assert_int_equal(walk(f), 2 * MANY + 4 - 1);
}

// The tickets of what a source publishes at once follow one another, whoever is told of ends
// because of it: the answer tells only the first one.
static void
tickets_of_a_publish_follow_one_another(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutations[] = {
        flow_mutation("SSINReplacement", one_of_many(39)),
        flow_mutation("SSINReplacement", unused(1987)),
    };
    struct lapse_command slice;
    struct command *command;
    struct hot_content ends;
    struct letter letter;
    uint64_t first;

    integrate_many(f);
    set_day(f, 2027, 1, 6);
    slice = walk_slice(f, NULL);
    assert_true(one_of_many(39).number > slice.next); // to come
    first = flow_meta(f).last_sequence + 1;
    mutations[0].new_niss = unused(1950).number;
    mutations[1].new_niss = unused(1986).number;
    command = flow_publish(f, BIS, 1, 1, mutations, 2);
    flow_apply(f);
    assert_int_equal(command->publish.kept, 2);
    assert_int_equal(command->publish.ticket_first, first);
    assert_int_equal(flow_letters(f, CPAS_A, flow_row(f, CPAS_A).last, &letter, 1), 1);
    ends = flow_content(f, &letter);
    assert_text(ends.mutation.flow, "IntegrationEnds");
    assert_int_equal(ends.ticket, first + 2);
    assert_int_equal(ends.mutation.niss, one_of_many(39).number);
    assert_int_equal(ends.mutation.current_niss, unused(1950).number);
}

// A directory that was taken over whole: what was due before is not told again.
// A is part of C, which holds the same person on by an integration of its own.
static void
a_successor_is_told_of_what_it_holds_itself(void **state)
{
    struct flow_fixture *f = *state;
    struct command *merge;
    struct hot_content content;

    flow_integrate(f, CPAS_A, flow_person(1), 1, 20261120, 0); // to 20 January 2027
    flow_integrate(f, CPAS_C, flow_person(1), 1, 20270101, 0); // to 1 March
    flow_integrate(f, CPAS_A, flow_person(2), 1, 20261120, 0);
    merge = flow_command(f, COMMAND_MERGE, 0);
    merge->merge = (struct merge_command){{CPAS_A}, 1, CPAS_C, day_of(2026, 12, 1)};
    flow_apply(f);
    set_day(f, 2027, 1, 6);
    walk(f);
    assert_int_equal(flow_row(f, CPAS_C).last, 1);
    content = last_letter(f, CPAS_C);
    assert_int_equal(content.mutation.niss, flow_person(2).number);
    assert_text(content.mutation.recipient, "CPAS-C");
    set_day(f, 2027, 1, 21);
    walk(f);
    assert_int_equal(flow_row(f, CPAS_C).last, 2); // that it has ended, of the same one
    set_day(f, 2027, 2, 20);
    walk(f);
    content = last_letter(f, CPAS_C);
    assert_int_equal(content.mutation.niss, flow_person(1).number);
    assert_int_equal(content.mutation.period_begin, 20261120);
    assert_int_equal(content.mutation.period_end, 20270301);
    assert_int_equal(flow_row(f, CPAS_A).last, 0);
}

static void
a_directory_that_came_whole_goes_on(void **state)
{
    struct flow_fixture *f = *state;
    struct loaded_person person = {flow_person(1).number, 2};
    struct integration rows[] = {
        {CPAS_A, 17, 1, day_of(2026, 10, 1).number, day_of(2026, 11, 25).number},
        {CPAS_A, 17, 31, day_of(2026, 10, 1).number, day_of(2026, 11, 28).number},
    };
    struct command *command = flow_command(f, COMMAND_LOAD_PERSONS, 0);

    command->load_persons = (struct load_persons_command){1, &person, rows};
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_int_equal(walk(f), 0);
    set_day(f, 2026, 11, 21); // a week before the 28th
    assert_int_equal(walk(f), 1);
    set_day(f, 2026, 11, 26);
    assert_int_equal(walk(f), 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(tells_once_before_and_once_after),
        FLOW_TEST(whoever_follows_on_is_not_told),
        FLOW_TEST(an_extended_one_has_a_new_end),
        FLOW_TEST(one_that_ends_soon_as_it_begins_is_not_warned_of),
        FLOW_TEST(days_on_which_nothing_ran_are_made_up_for),
        FLOW_TEST(another_number_of_days_tells_all_between),
        FLOW_TEST(nothing_is_told_where_there_is_no_room),
        FLOW_TEST(killed_between_any_two_slices),
        FLOW_TEST(a_walk_that_takes_until_tomorrow),
        FLOW_TEST(numbers_are_replaced_in_its_midst),
        FLOW_TEST(tickets_of_a_publish_follow_one_another),
        FLOW_TEST(a_successor_is_told_of_what_it_holds_itself),
        FLOW_TEST(a_directory_that_came_whole_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
