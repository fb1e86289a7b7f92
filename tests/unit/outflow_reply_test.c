// SPDX-License-Identifier: EUPL-1.2
// Goal: a refused letter comes again out of turn, nothing about the same person is handed
// over meanwhile, no mark passes what is not on disk, and every letter is done with once.
// Method: letters in a real store, and a loop in small: what an outflow says goes into
// batches, what these say goes back. First single cases; then a member who refuses at random
// and is cut off at random, with hands that retry, against what he was handed.
#include "flow/holds.h"

#include "held_scene.h"

enum { WIDE = 1 << 30, HOUR_S = 3600 };

// What the loop keeps of one mailbox, and what came by the wire.
struct loop {
    struct flow_fixture *f;
    struct tails *tails;
    struct holds *holds;
    struct outflow *outflow;
    int64_t ahead_us; // the loop's clock, before the store's
    uint64_t numbers[LETTERS_HELD];
    uint32_t attempts[LETTERS_HELD];
    size_t len;
    bool passed[LETTERS_HELD + 1];
};

static void
submit(struct loop *loop, struct command *command)
{
    struct flow_fixture *f = loop->f;

    if (command == NULL) {
        return;
    }
    if (f->next == NULL) {
        f->next = xcalloc(1, sizeof *f->next);
        f->next->test_persons = true;
    }
    command->actor = CPAS_A;
    batch_add(f->next, command);
}

static void
note_passed(struct loop *loop, uint64_t first, uint64_t last)
{
    for (; first <= last; first++) {
        assert_in_range(first, 1, LETTERS_HELD);
        loop->passed[first] = true;
    }
}

static void
read_frame(struct loop *loop, const struct buffer *frame)
{
    struct hot_bytes rest = {frame->at, frame->len};
    struct hot_notification notification;
    int more = 0;

    while (frame->len > 0 && (more = hot_next_notification(&rest, &notification)) == 1) {
        loop->attempts[loop->len] = notification.attempt;
        loop->numbers[loop->len++] = notification.number;
    }
    assert_int_equal(more, 0);
}

static struct outflow_view
view_of(struct loop *loop)
{
    return (struct outflow_view){.tails = loop->tails,
                                 .holds = loop->holds,
                                 .txn = flow_view(loop->f),
                                 .now_us = loop->f->now_us + loop->ahead_us};
}

// How many letters came; what they are stands in the loop.
static size_t
fill(struct loop *loop)
{
    struct outflow_view view = view_of(loop);
    struct outflow_turn turn;
    struct buffer frame = {0};

    loop->len = 0;
    assert_int_equal(outflow_fill(loop->outflow, &view, 0, SIZE_MAX, &frame, &turn),
                     VG_OK);
    read_frame(loop, &frame);
    assert_int_equal(loop->len, turn.sent);
    for (size_t i = 0; i < turn.passed_len; i++) {
        note_passed(loop, turn.passed[i].first, turn.passed[i].last);
    }
    submit(loop, turn.defer);
    buffer_free(&frame);
    return loop->len;
}

// The answers may make an acknowledgement that waited; it stands in the next batch.
static void
apply(struct loop *loop)
{
    struct flow_fixture *f = loop->f;

    if (f->next == NULL) {
        return;
    }
    flow_apply(f);
    tails_take(loop->tails, f->done);
    holds_take(loop->holds, f->done);
    for (size_t i = 0; i < f->done->held_len; i++) {
        outflow_pass(loop->outflow, f->done->held[i].number);
    }
    for (struct command *command = f->done->first; command != NULL;
         command = command->next) {
        struct command *acknowledge = NULL;

        // Asked for twice before the first is on disk, a retry is refused.
        assert_true(command->status == VG_OK || command->kind == COMMAND_RETRY_PARKED);
        holds_answered(loop->holds, command);
        if (command->kind == COMMAND_REFUSE || command->kind == COMMAND_DEFER) {
            outflow_answered(loop->outflow, command, &acknowledge);
        }
        submit(loop, acknowledge);
    }
}

static void
open_mailbox(struct loop *loop)
{
    assert_int_equal(
        outflow_open(flow_view(loop->f), CPAS_A, LETTERS_HELD, WIDE, &loop->outflow),
        VG_OK);
    holds_rest(loop->holds, CPAS_A);
    memset(loop->passed, 0, sizeof loop->passed);
}

static void
open_loop(struct loop *loop, struct flow_fixture *f, size_t letters)
{
    struct letter_about published[LETTERS_HELD];

    *loop = (struct loop){.f = f};
    held_publish(f, letters, published);
    assert_int_equal(tails_open(flow_view(f), &loop->tails, NULL), VG_OK);
    assert_int_equal(holds_open(flow_view(f), &loop->holds), VG_OK);
    open_mailbox(loop);
}

static void
close_loop(struct loop *loop)
{
    outflow_free(&loop->outflow);
    holds_free(&loop->holds);
    tails_free(&loop->tails);
}

static struct command *
give_back(struct loop *loop, uint64_t number, const char *reason, bool park)
{
    struct outflow_view view = view_of(loop);
    struct refusal refusal = {.number = number, .reason = bytes_of(reason), .park = park};
    struct command *command = NULL;

    assert_int_equal(outflow_refuse(loop->outflow, &view, &refusal, &command, NULL),
                     VG_OK);
    for (size_t i = 0; command != NULL && i < command->refuse.later_len; i++) {
        uint64_t later = command->refuse.later[i].letter.number;

        note_passed(loop, later, later);
    }
    submit(loop, command);
    return command;
}

static void
acknowledge(struct loop *loop, uint64_t through, uint64_t single)
{
    struct hot_acknowledge message = {.mailbox = CPAS_A, .through = through};
    struct command *command = NULL;

    message.also[0] = single;
    message.also_len = single != 0;
    assert_int_equal(outflow_acknowledge(loop->outflow, &message, &command, NULL), VG_OK);
    submit(loop, command);
}

static uint64_t
mark_on_disk(struct loop *loop)
{
    return flow_row(loop->f, CPAS_A).acknowledged;
}

static void
a_refused_letter_comes_again_with_its_number(void **state)
{
    struct loop loop;

    open_loop(&loop, *state, 4);
    assert_int_equal(fill(&loop), 4);
    assert_non_null(give_back(&loop, 2, "the address is unknown", false));
    assert_int_equal(outflow_state(loop.outflow).in_flight_messages, 3);
    acknowledge(&loop, 4, 0);
    apply(&loop);
    apply(&loop); // what waited for it
    assert_int_equal(mark_on_disk(&loop), 4);
    assert_string_equal(held_on_disk(loop.f, 2).reason, "the address is unknown");
    loop.ahead_us = -2 * 1000000;
    assert_int_equal(fill(&loop), 0); // its moment has not come
    loop.ahead_us = 2 * 1000000;
    assert_int_equal(fill(&loop), 1);
    assert_int_equal(loop.numbers[0], 2);
    assert_int_equal(loop.attempts[0], 2);
    assert_int_equal(fill(&loop), 0); // once
    acknowledge(&loop, 0, 2);
    apply(&loop);
    assert_int_equal(held_on_disk(loop.f, 2).head.state, HELD_GONE);
    assert_int_equal(flow_row(loop.f, CPAS_A).acknowledged_total, 4);
    assert_int_equal(outflow_state(loop.outflow).in_flight_messages, 0);
    close_loop(&loop);
}

static void
no_mark_passes_a_refusal_that_is_not_on_disk(void **state)
{
    struct loop loop;

    open_loop(&loop, *state, 12); // about person 1: 1, 5, 9
    assert_int_equal(fill(&loop), 12);
    give_back(&loop, 5, "later", false);
    acknowledge(&loop, 12, 0);
    assert_int_equal(outflow_state(loop.outflow).acknowledged, 4);
    apply(&loop);
    assert_int_equal(mark_on_disk(&loop), 5); // the refused one left above the mark
    apply(&loop);
    assert_int_equal(mark_on_disk(&loop), 12);
    assert_int_equal(flow_row(loop.f, CPAS_A).acknowledged_total, 10);
    assert_int_equal(flow_row(loop.f, CPAS_A).held, 2);
    close_loop(&loop);
}

static void
later_ones_about_the_same_person_wait(void **state)
{
    struct loop loop;

    open_loop(&loop, *state, 12); // about person 1: 1, 5, 9
    outflow_set_window(loop.outflow, 6, WIDE);
    assert_int_equal(fill(&loop), 6);
    give_back(&loop, 1, "later", false);
    assert_true(loop.passed[5]); // it was in flight
    assert_int_equal(fill(&loop), 2);
    outflow_set_window(loop.outflow, 100, WIDE);
    assert_int_equal(fill(&loop), 3);
    assert_true(loop.passed[9]); // it was met
    assert_int_equal(loop.numbers[0], 10);
    acknowledge(&loop, 12, 0);
    apply(&loop);
    apply(&loop);
    assert_int_equal(mark_on_disk(&loop), 12);
    assert_int_equal(flow_row(loop.f, CPAS_A).held, 3);
    loop.ahead_us = 2 * 1000000;
    for (uint64_t number = 1; number <= 9; number += 4) {
        assert_int_equal(fill(&loop), 1); // one at a time
        assert_int_equal(loop.numbers[0], number);
        acknowledge(&loop, 0, number);
        apply(&loop);
    }
    assert_int_equal(flow_row(loop.f, CPAS_A).acknowledged_total, 12);
    close_loop(&loop);
}

static void
nothing_overtakes_under_a_new_number(void **state)
{
    struct loop loop;

    open_loop(&loop, *state, 12); // about person 1: 1, 5, 9; person 2: 2, 6, 10
    outflow_set_window(loop.outflow, 6, WIDE);
    assert_int_equal(fill(&loop), 6);
    held_replace(loop.f, 1, 2);
    apply(&loop);
    give_back(&loop, 1, "later", false);
    assert_true(loop.passed[2] && loop.passed[5] && loop.passed[6]); // in flight
    outflow_set_window(loop.outflow, 100, WIDE);
    assert_int_equal(fill(&loop), 4);
    assert_int_equal(loop.numbers[0], 7);
    assert_true(loop.passed[9] && loop.passed[10] && loop.passed[13]); // met
    acknowledge(&loop, 13, 0);
    apply(&loop);
    apply(&loop);
    assert_int_equal(flow_row(loop.f, CPAS_A).held, 7);
    loop.ahead_us = 2 * 1000000;
    for (uint64_t number = 1; number <= 13; number++) {
        if (number % PERSONS_HELD == 1 || number % PERSONS_HELD == 2) {
            assert_int_equal(fill(&loop), 1); // one at a time, in the order published
            assert_int_equal(loop.numbers[0], number);
            acknowledge(&loop, 0, number);
            apply(&loop);
        }
    }
    assert_int_equal(flow_row(loop.f, CPAS_A).acknowledged_total, 13);
    close_loop(&loop);
}

// The refusal is not on the disk when the number is replaced.
static void
a_refusal_on_its_way_holds_the_new_number_too(void **state)
{
    struct loop loop;
    struct command *refusal;

    open_loop(&loop, *state, 4);
    assert_int_equal(fill(&loop), 4);
    refusal = give_back(&loop, 1, "later", false);
    assert_non_null(refusal);
    free(loop.f->next); // the writer has not got it yet: no batch has
    loop.f->next = NULL;
    held_replace(loop.f, 1, 2);
    flow_publish_one(loop.f, RN, 5, flow_address(2));
    apply(&loop);
    assert_int_equal(fill(&loop), 0);
    assert_true(loop.passed[5] && loop.passed[6]);
    submit(&loop, refusal);
    apply(&loop);
    assert_int_equal(held_on_disk(loop.f, 1).head.state, HELD_RETRY);
    assert_int_equal(held_on_disk(loop.f, 6).head.state, HELD_BEHIND);
    close_loop(&loop);
}

static void
a_parked_letter_holds_up_nobody(void **state)
{
    struct loop loop;
    uint64_t one = 1;

    open_loop(&loop, *state, 8);
    fill(&loop);
    give_back(&loop, 1, "never", true);
    assert_false(loop.passed[5]);
    acknowledge(&loop, 8, 0);
    apply(&loop);
    apply(&loop);
    assert_int_equal(mark_on_disk(&loop), 8);
    loop.ahead_us = HOUR_S * INT64_C(1000000);
    assert_int_equal(fill(&loop), 0);
    held_handle(loop.f, COMMAND_RETRY_PARKED, &one, 1);
    apply(&loop);
    assert_int_equal(fill(&loop), 1);
    assert_int_equal(loop.numbers[0], 1);
    acknowledge(&loop, 0, 1);
    apply(&loop);
    assert_int_equal(flow_row(loop.f, CPAS_A).acknowledged_total, 8);
    close_loop(&loop);
}

// More of them than one Deferred's worth of a filling.
static void
hundreds_in_flight_about_one_person_are_deferred(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutations[600];
    struct loop loop = {.f = f};
    struct outflow_view view;
    struct outflow_turn turn;
    struct buffer frame = {0};
    struct refusal refusal = {.number = 1, .reason = bytes_of("later")};
    struct command *command = NULL;

    flow_follow(f, CPAS_A, 1, 2);
    for (size_t i = 0; i < ARRAY_LEN(mutations); i++) {
        mutations[i] = flow_address(1);
    }
    flow_publish(f, RN, 1, 1, mutations, ARRAY_LEN(mutations));
    flow_apply(f);
    assert_int_equal(tails_open(flow_view(f), &loop.tails, NULL), VG_OK);
    assert_int_equal(holds_open(flow_view(f), &loop.holds), VG_OK);
    open_mailbox(&loop);
    outflow_set_window(loop.outflow, 1000, WIDE);
    view = view_of(&loop);
    assert_int_equal(outflow_fill(loop.outflow, &view, 0, SIZE_MAX, &frame, &turn),
                     VG_OK);
    assert_int_equal(turn.sent, 600);
    assert_int_equal(outflow_refuse(loop.outflow, &view, &refusal, &command, NULL),
                     VG_OK);
    assert_int_equal(command->refuse.later_len, 599);
    submit(&loop, command);
    apply(&loop);
    apply(&loop);
    assert_int_equal(flow_row(f, CPAS_A).held, 600);
    assert_int_equal(mark_on_disk(&loop), 600);
    assert_int_equal(outflow_state(loop.outflow).in_flight_messages, 0);
    buffer_free(&frame);
    close_loop(&loop);
}

static void
what_was_never_sent_cannot_be_refused(void **state)
{
    struct loop loop;
    struct outflow_view view;
    struct refusal refusal = {.number = 5, .reason = bytes_of("no")};
    struct command *command = NULL;
    struct why why;

    open_loop(&loop, *state, 4);
    fill(&loop);
    view = view_of(&loop);
    assert_int_equal(outflow_refuse(loop.outflow, &view, &refusal, &command, &why),
                     VG_NOT_FOUND);
    assert_non_null(strstr(why.text, "number 5 was not sent"));
    assert_null(command);
    acknowledge(&loop, 4, 0);
    assert_null(give_back(&loop, 4, "too late", false)); // done with: passed over
    apply(&loop);
    assert_int_equal(flow_row(loop.f, CPAS_A).held, 0);
    close_loop(&loop);
}

// A letter is parked by another hand before its turn has come, and the fold leaves it out.
static void
a_gap_in_the_backlog_is_named(void **state)
{
    struct loop loop;
    struct letter letter;

    open_loop(&loop, *state, 8);
    assert_int_equal(flow_letters(loop.f, CPAS_A, 3, &letter, 1), 1);
    outflow_set_window(loop.outflow, 1, WIDE);
    assert_int_equal(fill(&loop), 1);
    {
        struct letter_about about = {letter, 0};

        assert_int_equal(letter_subject(flow_view(loop.f), &letter, &about.subject),
                         VG_OK);
        held_refuse(loop.f, &about, "over the limit")->refuse.park = true;
    }
    apply(&loop);
    flow_command(loop.f, COMMAND_FOLD, 0);
    apply(&loop);
    outflow_set_window(loop.outflow, 100, WIDE);
    assert_int_equal(fill(&loop), 6);
    assert_true(loop.passed[3]);
    assert_false(loop.passed[2] || loop.passed[4]);
    close_loop(&loop);
}

// ---- at random ----

struct member {
    uint64_t newest[PERSONS_HELD]; // done with, by person
    bool done[LETTERS_HELD + 1];
    bool parked[LETTERS_HELD + 1]; // was parked once: others may have passed it
    size_t left;
};

static void
finish(struct member *member, uint64_t number)
{
    uint64_t person = (number - 1) % PERSONS_HELD;

    assert_false(member->done[number]);
    assert_true(member->parked[number] || number > member->newest[person]);
    if (number > member->newest[person]) {
        member->newest[person] = number;
    }
    member->done[number] = true;
    member->left--;
}

// Nothing that was handed over may come before an unfinished earlier one about the same
// person, unless that one is parked.
static void
assert_nothing_overtakes(const struct member *member, uint64_t number)
{
    for (uint64_t before = number; before > PERSONS_HELD;) {
        before -= PERSONS_HELD;
        assert_true(member->done[before] || member->parked[before]);
    }
}

static void
retry_some(struct loop *loop, uint64_t *seed)
{
    for (uint64_t number = 1; number <= LETTERS_HELD; number++) {
        if (held_on_disk(loop->f, number).head.state == HELD_PARKED &&
            flow_draw(seed, 4) == 0) {
            held_handle(loop->f, COMMAND_RETRY_PARKED, &number, 1);
        }
    }
}

static void
cut_off(struct loop *loop)
{
    apply(loop);
    apply(loop); // nothing is on its way
    outflow_free(&loop->outflow);
    open_mailbox(loop);
}

// Takes one letter at a time: done, refused or parked.
static void
take_letter(struct loop *loop, struct member *member, uint64_t number, uint64_t *seed)
{
    uint64_t chance = flow_draw(seed, 10);

    if (chance < 3) {
        give_back(loop, number, "not now", false);
    } else if (chance < 4) {
        member->parked[number] = true;
        give_back(loop, number, "look at it", true);
    } else {
        finish(member, number);
        acknowledge(loop, 0, number);
    }
}

static void
any_refusals_lose_nothing_and_nothing_overtakes(void **state)
{
    struct loop loop;
    struct member member = {.left = LETTERS_HELD};
    uint64_t seed = 11;

    open_loop(&loop, *state, LETTERS_HELD);
    outflow_set_window(loop.outflow, 9, WIDE);
    for (int round = 0; member.left > 0; round++) {
        assert_true(round < 5000);
        memset(loop.passed, 0, sizeof loop.passed);
        fill(&loop);
        for (size_t i = 0; i < loop.len; i++) {
            uint64_t number = loop.numbers[i];

            if (loop.passed[number] || member.done[number]) {
                continue; // put off by a refusal, or it comes again after a cut
            }
            assert_nothing_overtakes(&member, number);
            take_letter(&loop, &member, number, &seed);
        }
        if (flow_draw(&seed, 3) > 0) {
            apply(&loop);
        }
        if (flow_draw(&seed, 12) == 0) {
            cut_off(&loop);
            outflow_set_window(loop.outflow, 9, WIDE);
        }
        if (flow_draw(&seed, 9) == 0) {
            flow_command(loop.f, COMMAND_FOLD, 0);
        }
        retry_some(&loop, &seed);
        loop.ahead_us = HOUR_S * INT64_C(1000000);
    }
    apply(&loop);
    apply(&loop);
    assert_int_equal(flow_row(loop.f, CPAS_A).acknowledged_total, LETTERS_HELD);
    assert_int_equal(mark_on_disk(&loop), LETTERS_HELD);
    assert_int_equal(flow_row(loop.f, CPAS_A).held, 0);
    assert_int_equal(flow_row(loop.f, CPAS_A).parked, 0);
    held_assert_journal_agrees(loop.f);
    close_loop(&loop);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(a_refused_letter_comes_again_with_its_number),
        FLOW_TEST(no_mark_passes_a_refusal_that_is_not_on_disk),
        FLOW_TEST(later_ones_about_the_same_person_wait),
        FLOW_TEST(nothing_overtakes_under_a_new_number),
        FLOW_TEST(a_refusal_on_its_way_holds_the_new_number_too),
        FLOW_TEST(a_parked_letter_holds_up_nobody),
        FLOW_TEST(hundreds_in_flight_about_one_person_are_deferred),
        FLOW_TEST(what_was_never_sent_cannot_be_refused),
        FLOW_TEST(a_gap_in_the_backlog_is_named),
        FLOW_TEST(any_refusals_lose_nothing_and_nothing_overtakes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
