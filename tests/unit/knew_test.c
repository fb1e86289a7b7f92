// SPDX-License-Identifier: EUPL-1.2
// Goal: whoever asks learns every exchange about a person, under all his numbers, with the
// integration that justified it and what became of it; who asked about him; and nothing
// about anybody else, whatever part of the journal is indexed.
// Method: a real store. Single cases first; then seeded random deeds over many days, with the
// same question asked before anything is indexed and after each slice: the answer must not
// change.
#include "held_scene.h"

#include "flow/knew.h"
#include "store/exchanges.h"

enum { MONTHS = 6, SEEDS = 4, DEEDS = 250, PEOPLE = 6 };

#define DAY_US (INT64_C(24) * 3600 * 1000000)

struct rows {
    struct knew_row row[1000];
    size_t len;
};

// As the loop does: noted by the writer, then looked for in slices.
static struct rows *
ask_over(struct flow_fixture *f, struct niss niss, uint32_t months)
{
    struct command *command = flow_command(f, COMMAND_KNEW, CPAS_A);
    struct rows *rows = xcalloc(1, sizeof *rows);
    const struct knew_row *found;
    struct knew *knew;
    bool done = false, all = false;

    command->knew.history.niss = niss.number;
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    knew = knew_open(&command->knew, months);
    while (!done) {
        assert_int_equal(knew_search(knew, flow_view(f), &done, &f->why), VG_OK);
    }
    found = knew_rows(knew, &rows->len, &all);
    assert_true(all);
    assert_true(rows->len <= 1000);
    if (rows->len > 0) {
        memcpy(rows->row, found, rows->len * sizeof *found);
    }
    knew_free(&knew);
    return rows;
}

static struct rows *
ask(struct flow_fixture *f, struct niss niss)
{
    return ask_over(f, niss, MONTHS);
}

static size_t
count(const struct rows *rows, enum knew_kind kind)
{
    size_t len = 0;

    for (size_t i = 0; i < rows->len; i++) {
        len += rows->row[i].kind == kind;
    }
    return len;
}

static const struct knew_row *
nth_letter(const struct rows *rows, size_t n)
{
    for (size_t i = 0; i < rows->len; i++) {
        if (rows->row[i].kind == KNEW_LETTER && n-- == 0) {
            return &rows->row[i];
        }
    }
    fail_msg("there are not so many letters");
    return NULL;
}

static enum knew_state
state_of(struct flow_fixture *f, int person, size_t n)
{
    struct rows *rows = ask(f, flow_person(person));
    enum knew_state state = nth_letter(rows, n)->letter.state;

    free(rows);
    return state;
}

static struct expire_command *
index_slice(struct flow_fixture *f)
{
    struct expire_command *slice = &flow_command(f, COMMAND_EXPIRE, 0)->expire;

    slice->replay_days = 7;
    slice->journal_months = 24;
    slice->person_months = MONTHS;
    slice->exported_commit = UINT64_MAX;
    flow_apply(f);
    return slice;
}

static void
close_day(struct flow_fixture *f)
{
    f->now_us += DAY_US;
    while (index_slice(f)->more) {
    }
    flow_assert_sound(f);
}

// ---- single cases ----

static void
says_who_got_what_and_why(void **state)
{
    struct flow_fixture *f = *state;
    struct rows *rows;
    const struct knew_row *row;
    int64_t kept_us;

    flow_follow(f, CPAS_A, 1, 30);
    flow_follow(f, CPAS_B, 2, 2);
    kept_us = f->now_us;
    flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    rows = ask(f, flow_person(1));
    assert_int_equal(count(rows, KNEW_LETTER), 1);
    row = nth_letter(rows, 0);
    assert_int_equal(row->institution, CPAS_A);
    assert_int_equal(row->letter.source, RN);
    assert_int_equal(row->quality, 30);
    assert_int_equal(row->begin, day_of(2026, 11, 1).number);
    assert_int_equal(row->time_us, kept_us);
    assert_int_equal(row->niss, flow_person(1).number);
    assert_int_equal(row->letter.catalogue, 1);
    assert_int_equal(row->letter.withheld, 1);
    assert_int_equal(row->letter.number, 1);
    assert_int_equal(row->letter.state, KNEW_WAITING);
    assert_int_equal(count(rows, KNEW_ASKED), 1); // the integration itself
    free(rows);
}

static void
a_question_shows_in_the_next_answer(void **state)
{
    struct flow_fixture *f = *state;
    struct rows *rows = ask(f, flow_person(1));

    assert_int_equal(rows->len, 0);
    free(rows);
    rows = ask(f, flow_person(1));
    assert_int_equal(rows->len, 1);
    assert_int_equal(rows->row[0].kind, KNEW_ASKED);
    assert_int_equal(rows->row[0].asked.act, ACT_JOURNAL);
    assert_int_equal(rows->row[0].asked.actor, CPAS_A);
    free(rows);
    close_day(f);
    rows = ask(f, flow_person(1));
    assert_int_equal(rows->len, 2);
    free(rows);
}

static void
what_an_integration_justified_stays_when_it_is_removed(void **state)
{
    struct flow_fixture *f = *state;
    struct command *remove;
    struct rows *rows;

    flow_follow(f, CPAS_A, 1, 2);
    flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    remove = flow_command(f, COMMAND_REMOVE, CPAS_A);
    remove->remove.institution = CPAS_A;
    remove->remove.request = (struct remove_request){
        .niss = flow_person(1).number, .quality = 2, .begin = 20261101};
    flow_apply(f);
    assert_int_equal(remove->status, VG_OK);
    close_day(f);
    rows = ask(f, flow_person(1));
    assert_int_equal(nth_letter(rows, 0)->quality, 2);
    assert_int_equal(count(rows, KNEW_ASKED), 2);
    assert_int_equal(rows->row[rows->len - 1].asked.act, ACT_REMOVE);
    free(rows);
}

static void
all_numbers_of_a_person_are_one(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutation = flow_mutation("SSINReplacement", flow_person(1));

    flow_follow(f, CPAS_A, 1, 2);
    flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    close_day(f);
    mutation.new_niss = flow_person(2).number;
    flow_publish_one(f, BIS, 1, mutation);
    flow_apply(f);
    flow_publish_one(f, RN, 2, flow_address(2));
    flow_apply(f);
    for (int asked = 1; asked <= 4; asked++) {
        struct rows *rows = ask(f, flow_person(1 + asked % 2));

        assert_int_equal(count(rows, KNEW_LETTER), 3);
        assert_int_equal(nth_letter(rows, 0)->niss, flow_person(1).number);
        assert_int_equal(nth_letter(rows, 2)->niss, flow_person(2).number);
        free(rows);
        if (asked == 2) { // then all of it is indexed
            close_day(f);
        }
    }
}

static void
acknowledge(struct flow_fixture *f, const struct letter_about *through,
            const struct letter_about *single)
{
    assert_int_equal(held_acknowledge(f, through, single)->status, VG_OK);
    flow_apply(f);
}

static void
says_when_a_letter_was_acknowledged(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[8];
    struct rows *rows;
    int64_t single_us, through_us;

    held_publish(f, 8, letters); // persons 1 2 3 4 1 2 3 4
    single_us = f->now_us;
    acknowledge(f, NULL, &letters[4]);
    close_day(f);
    close_day(f);
    through_us = f->now_us;
    acknowledge(f, &letters[2], NULL);
    for (int indexed = 0; indexed < 2; indexed++) {
        rows = ask(f, flow_person(1));
        assert_int_equal(nth_letter(rows, 0)->letter.state, KNEW_ACKNOWLEDGED);
        assert_int_equal(nth_letter(rows, 0)->letter.state_us, through_us);
        assert_int_equal(nth_letter(rows, 1)->letter.state, KNEW_ACKNOWLEDGED);
        assert_int_equal(nth_letter(rows, 1)->letter.state_us, single_us);
        free(rows);
        rows = ask(f, flow_person(4));
        assert_int_equal(nth_letter(rows, 0)->letter.state, KNEW_WAITING);
        free(rows);
        close_day(f);
    }
}

static void
a_letter_that_left_its_turn_ends_on_its_own(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[8];
    struct command *command;
    struct rows *rows;
    int64_t end_us, drop_us;

    held_publish(f, 8, letters);
    command = held_refuse(f, &letters[0], "closed");
    held_later(command, &letters[4]); // about the same person
    held_refuse(f, &letters[1], "never")->refuse.park = true;
    flow_apply(f);
    acknowledge(f, &letters[3], NULL); // passes them
    assert_int_equal(state_of(f, 1, 0), KNEW_HELD);
    assert_int_equal(state_of(f, 1, 1), KNEW_HELD);
    assert_int_equal(state_of(f, 2, 0), KNEW_PARKED);
    assert_int_equal(state_of(f, 3, 0), KNEW_ACKNOWLEDGED);
    close_day(f);
    assert_int_equal(state_of(f, 2, 0), KNEW_PARKED);
    end_us = f->now_us;
    acknowledge(f, NULL, &letters[0]);
    drop_us = f->now_us;
    held_handle(f, COMMAND_DROP_PARKED, &letters[1].letter.number, 1);
    flow_apply(f);
    for (int indexed = 0; indexed < 2; indexed++) {
        rows = ask(f, flow_person(1));
        assert_int_equal(nth_letter(rows, 0)->letter.state, KNEW_ACKNOWLEDGED);
        assert_int_equal(nth_letter(rows, 0)->letter.state_us, end_us);
        free(rows);
        rows = ask(f, flow_person(2));
        assert_int_equal(nth_letter(rows, 0)->letter.state, KNEW_DROPPED);
        assert_int_equal(nth_letter(rows, 0)->letter.state_us, drop_us);
        free(rows);
        close_day(f);
    }
}

// The mark passes a letter that was given back: that is not its acknowledgement.
static void
a_mark_that_passes_a_held_letter_is_not_its_end(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[4];
    struct rows *rows;
    int64_t end_us;

    held_publish(f, 4, letters);
    held_refuse(f, &letters[0], "closed");
    flow_apply(f);
    acknowledge(f, &letters[3], NULL);
    end_us = f->now_us;
    acknowledge(f, NULL, &letters[0]);
    rows = ask(f, flow_person(1));
    assert_int_equal(nth_letter(rows, 0)->letter.state, KNEW_ACKNOWLEDGED);
    assert_int_equal(nth_letter(rows, 0)->letter.state_us, end_us);
    free(rows);
}

static void
what_is_older_is_not_answered_when_it_was_never_indexed(void **state)
{
    struct flow_fixture *f = *state;
    struct rows *rows;

    flow_follow(f, CPAS_A, 1, 2);
    flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    f->now_us = flow_noon(2027, 7, 1);
    rows = ask(f, flow_person(1));
    assert_int_equal(rows->len, 0);
    free(rows);
}

// Rows of the index go; the journal keeps the records, and they are not read for it.
static void
what_is_older_is_not_answered(void **state)
{
    struct flow_fixture *f = *state;
    struct exchange_run first = {1, 0};
    struct rows *rows;

    flow_follow(f, CPAS_A, 1, 2);
    flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    close_day(f);
    f->now_us = flow_noon(2027, 5, 20);
    flow_follow(f, CPAS_A, 2, 2);
    close_day(f); // the 21st: six months and a day later
    rows = ask(f, flow_person(1));
    assert_int_equal(rows->len, 0);
    free(rows);
    assert_int_equal(exchanges_next_run(flow_view(f), first, &first), VG_OK);
    assert_true(first.day > day_of(2026, 11, 20).number);
    assert_int_equal(flow_meta(f).first_commit, 1);
}

struct copied {
    struct exchange entries[100];
    size_t len;
};

static void
copy_entry(struct exchange_run run, const struct exchange *exchange, void *arg)
{
    struct copied *copied = arg;

    (void)run;
    assert_true(copied->len < ARRAY_LEN(copied->entries));
    copied->entries[copied->len++] = *exchange;
}

// As while a day's runs become one.
static void
a_place_in_two_runs_counts_once(void **state)
{
    struct flow_fixture *f = *state;
    struct copied copied = {.len = 0};
    struct txn *txn = NULL;
    struct rows *rows;

    flow_follow(f, CPAS_A, 1, 2);
    flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    close_day(f);
    assert_int_equal(exchanges_each(flow_view(f), copy_entry, &copied, NULL), VG_OK);
    assert_int_equal(store_write(f->store, &txn, NULL), VG_OK);
    assert_int_equal(exchanges_put(txn,
                                   (struct exchange_run){day_of(2026, 11, 20).number, 2},
                                   copied.entries, copied.len),
                     VG_OK);
    assert_int_equal(store_commit(&txn, NULL), VG_OK);
    rows = ask(f, flow_person(1));
    assert_int_equal(rows->len, 2);
    free(rows);
}

static int
end_unsound(void **state)
{
    flow_end(*state);
    return 0;
}

static void
a_record_that_is_damaged_is_not_passed_over(void **state)
{
    struct flow_fixture *f = *state;
    struct knew_command question = {.through_commit = 99, .today = day_of(2026, 11, 20)};
    struct knew *knew = knew_open(&question, MONTHS);
    enum vg_status status = VG_OK;
    bool done = false;

    while (status == VG_OK && !done) { // there are fewer records
        status = knew_search(knew, flow_view(f), &done, &f->why);
    }
    assert_int_equal(status, VG_NOT_FOUND);
    assert_non_null(strstr(f->why.text, "commit"));
    knew_free(&knew);
}

static void
a_question_about_no_number_is_refused_and_noted(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command = flow_command(f, COMMAND_KNEW, 0);
    struct journal_directory item;

    command->knew.history.niss = flow_person(1).number + 1;
    flow_apply(f);
    assert_int_equal(command->status, VG_BAD_NISS);
    assert_int_equal(flow_last_item(f, JOURNAL_DIRECTORY, &item, sizeof item), 1);
    assert_int_equal(item.act, ACT_JOURNAL);
    assert_int_equal(item.status, VG_BAD_NISS);
}

// ---- at random ----

struct life {
    uint64_t seed;
    uint64_t published;
    int64_t end_us;
};

static void
publish_some(struct flow_fixture *f, struct life *life)
{
    struct hot_mutation mutations[5];
    size_t len = 1 + flow_draw(&life->seed, 5);

    for (size_t i = 0; i < len; i++) {
        mutations[i] = flow_address((int)flow_draw(&life->seed, PEOPLE));
    }
    flow_publish(f, RN, 1, life->published + 1, mutations, len);
    life->published += len;
    flow_apply(f);
}

static void
handle_some(struct flow_fixture *f, struct life *life)
{
    struct mailbox_row row = flow_row(f, CPAS_A);
    struct letter letter;
    struct letter_about about = {.subject = 0};

    if (row.last == row.acknowledged ||
        flow_letters(f, CPAS_A, row.acknowledged + 1 + flow_draw(&life->seed, 4), &letter,
                     1) == 0) {
        return;
    }
    about.letter = letter;
    assert_int_equal(letter_subject(flow_view(f), &letter, &about.subject), VG_OK);
    switch (flow_draw(&life->seed, 4)) {
    case 0:
        held_refuse(f, &about, "no");
        break;
    case 1:
        held_defer(f, &about);
        break;
    case 2:
        held_acknowledge(f, &about, NULL);
        break;
    default:
        held_acknowledge(f, NULL, &about);
        break;
    }
    flow_apply(f);
}

static void
live(struct flow_fixture *f, struct life *life)
{
    for (int person = 0; person < PEOPLE; person++) {
        flow_follow(f, person % 2 == 0 ? CPAS_A : CPAS_B, person, 2);
    }
    for (int i = 0; i < DEEDS; i++) {
        if (flow_draw(&life->seed, 2) == 0) {
            publish_some(f, life);
        } else {
            handle_some(f, life);
        }
        if (flow_draw(&life->seed, 20) == 0) {
            flow_command(f, COMMAND_FOLD, 0);
            flow_apply(f);
            f->now_us += (int64_t)flow_draw(&life->seed, 3) * DAY_US;
        }
    }
}

// The same question of everybody, as of now: asking is a record too, so it is not asked.
static struct rows *
look(struct flow_fixture *f, int person, uint64_t through, struct day today)
{
    uint64_t niss = flow_person(person).number;
    struct knew_command question = {.history = {.chain = &niss, .chain_len = 1},
                                    .through_commit = through,
                                    .today = today};
    struct rows *rows = xcalloc(1, sizeof *rows);
    struct knew *knew = knew_open(&question, MONTHS);
    const struct knew_row *found;
    bool done = false, all = false;

    while (!done) {
        assert_int_equal(knew_search(knew, flow_view(f), &done, &f->why), VG_OK);
    }
    found = knew_rows(knew, &rows->len, &all);
    assert_true(rows->len <= 1000);
    if (rows->len > 0) {
        memcpy(rows->row, found, rows->len * sizeof *found);
    }
    knew_free(&knew);
    return rows;
}

static void
assert_same_row(const struct knew_row *a, const struct knew_row *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->time_us, b->time_us);
    assert_int_equal(a->ticket, b->ticket);
    assert_int_equal(a->niss, b->niss);
    assert_int_equal(a->institution, b->institution);
    assert_int_equal(a->quality, b->quality);
    assert_int_equal(a->begin, b->begin);
    assert_int_equal(a->end, b->end);
    if (a->kind == KNEW_ASKED) {
        assert_int_equal(a->asked.actor, b->asked.actor);
        assert_int_equal(a->asked.act, b->asked.act);
        assert_int_equal(a->asked.status, b->asked.status);
        return;
    }
    assert_int_equal(a->letter.number, b->letter.number);
    assert_int_equal(a->letter.mailbox, b->letter.mailbox);
    assert_int_equal(a->letter.source, b->letter.source);
    assert_int_equal(a->letter.catalogue, b->letter.catalogue);
    assert_int_equal(a->letter.flow, b->letter.flow);
    assert_int_equal(a->letter.withheld, b->letter.withheld);
    assert_int_equal(a->letter.state, b->letter.state);
    assert_int_equal(a->letter.left_turn, b->letter.left_turn);
    assert_int_equal(a->letter.state_us, b->letter.state_us);
}

static void
the_answer_is_the_same_however_much_is_indexed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct flow_fixture *f = flow_begin();
        struct life life = {.seed = seed};
        struct rows *before[PEOPLE];
        uint64_t through;
        struct day today;
        bool more = true;

        flow_furnish(f);
        live(f, &life);
        through = flow_meta(f).last_commit;
        today = day_in_brussels((struct instant){f->now_us});
        for (int person = 0; person < PEOPLE; person++) {
            before[person] = look(f, person, through, today);
            assert_true(count(before[person], KNEW_LETTER) > 0);
        }
        f->now_us += DAY_US;
        while (more) {
            more = index_slice(f)->more;
            for (int person = 0; person < PEOPLE; person++) {
                struct rows *after = look(f, person, through, today);

                assert_int_equal(after->len, before[person]->len);
                for (size_t i = 0; i < after->len; i++) {
                    assert_same_row(&after->row[i], &before[person]->row[i]);
                }
                free(after);
            }
            if (flow_draw(&life.seed, 5) == 0) { // killed in between
                flow_reopen(f);
            }
        }
        flow_assert_sound(f);
        for (int person = 0; person < PEOPLE; person++) {
            free(before[person]);
        }
        flow_end(f);
    }
}

static void
says_what_was_not_sent_because_nobody_wanted_it(void **state)
{
    struct flow_fixture *f = *state;

    flow_follow(f, CPAS_A, 1, 7);
    flow_decline(f, CPAS_A, "notifyPerson", UINT64_C(1) << 7);
    flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    for (int indexed = 0; indexed < 2; indexed++) {
        struct rows *rows = ask(f, flow_person(1));
        const struct knew_row *row = nth_letter(rows, 0);

        assert_int_equal(count(rows, KNEW_LETTER), 1);
        assert_int_equal(row->institution, CPAS_A);
        assert_int_equal(row->quality, 7);
        assert_int_equal(row->letter.source, RN);
        assert_int_equal(row->letter.catalogue, 1);
        assert_int_equal(row->letter.state, KNEW_UNWANTED);
        assert_int_equal(row->letter.mailbox, 0);
        free(rows);
        close_day(f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(says_who_got_what_and_why),
        FLOW_TEST(a_question_shows_in_the_next_answer),
        FLOW_TEST(what_an_integration_justified_stays_when_it_is_removed),
        FLOW_TEST(all_numbers_of_a_person_are_one),
        FLOW_TEST(says_when_a_letter_was_acknowledged),
        FLOW_TEST(a_letter_that_left_its_turn_ends_on_its_own),
        FLOW_TEST(a_mark_that_passes_a_held_letter_is_not_its_end),
        FLOW_TEST(what_is_older_is_not_answered_when_it_was_never_indexed),
        FLOW_TEST(what_is_older_is_not_answered),
        cmocka_unit_test_setup_teardown(a_place_in_two_runs_counts_once, flow_setup,
                                        end_unsound),
        FLOW_TEST(a_record_that_is_damaged_is_not_passed_over),
        FLOW_TEST(a_question_about_no_number_is_refused_and_noted),
        cmocka_unit_test(the_answer_is_the_same_however_much_is_indexed),
        FLOW_TEST(says_what_was_not_sent_because_nobody_wanted_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
