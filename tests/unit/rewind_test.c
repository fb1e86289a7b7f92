// SPDX-License-Identifier: EUPL-1.2
// Goal: a mailbox's acknowledged letters come again, all of them, in order, from exactly
// the number or time asked for, as far back as they are kept; never one that was not
// acknowledged, and nothing of it changes the mailbox.
// Method: a real store with two mailboxes; the search and the sending in their slices; the
// frames are read as a client reads them.
#include "flow/rewind.h"

#include "flow_fixture.h"
#include "store/held.h"

enum { GOT_MAX = 3000 };

struct got {
    uint64_t numbers[GOT_MAX];
    uint64_t tickets[GOT_MAX];
    size_t len;
};

static void
publish(struct flow_fixture *f, int person, size_t len)
{
    struct hot_mutation mutations[1000];

    for (size_t i = 0; i < len; i++) {
        mutations[i] = flow_address(person);
    }
    flow_publish(f, RN, 1, flow_producer(f, RN, 1).last_number + 1, mutations, len);
    flow_apply(f);
}

static void
acknowledge(struct flow_fixture *f, uint32_t mailbox, uint64_t through)
{
    struct letter letters[1];
    struct command *command;

    assert_int_equal(flow_letters(f, mailbox, through, letters, 1), 1);
    command = flow_command(f, COMMAND_ACKNOWLEDGE, mailbox);
    command->acknowledge.mailbox = mailbox;
    command->acknowledge.through = through;
    command->acknowledge.through_bytes = letters[0].bytes_through;
    flow_apply(f);
}

static void
fold(struct flow_fixture *f)
{
    flow_command(f, COMMAND_FOLD, 0);
    flow_apply(f);
}

static struct rewind *
open_rewind(struct flow_fixture *f, struct rewind_goal goal, uint64_t window)
{
    struct rewind *rewind = NULL;

    assert_int_equal(rewind_open(flow_view(f), CPAS_A, goal, window, 1 << 20, &rewind),
                     VG_OK);
    return rewind;
}

// Slices until the search is over; each in a view of its own.
static struct rewind_state
search(struct flow_fixture *f, struct rewind *rewind)
{
    for (int i = 0; rewind_state(rewind).phase == REWIND_SEARCHES; i++) {
        assert_true(i < 1000);
        assert_true(rewind_has_work(rewind));
        assert_int_equal(rewind_search(rewind, flow_view(f)), VG_OK);
    }
    return rewind_state(rewind);
}

static void
read_frame(struct buffer *frame, struct got *got)
{
    struct hot_bytes rest = {frame->at, frame->len};
    struct hot_notification hot;
    struct hot_content content;

    while (hot_next_notification(&rest, &hot) == 1) {
        assert_true(hot.again);
        assert_int_equal(hot.mailbox, CPAS_A);
        assert_int_equal(hot_read_content(hot.content, &content), HOT_OK);
        got->numbers[got->len] = hot.number;
        got->tickets[got->len++] = content.ticket;
    }
    buffer_clear(frame);
}

// Sends until there is no window, or all is sent.
static void
send(struct flow_fixture *f, struct rewind *rewind, struct got *got)
{
    struct buffer frame = {0};

    while (rewind_has_work(rewind)) {
        size_t len = 0;
        bool more = false;

        assert_int_equal(rewind_fill(rewind, flow_view(f), 4096, &frame, &len, &more),
                         VG_OK);
        assert_true(frame.len <= 4096);
        assert_true(len > 0 || more || rewind_state(rewind).phase == REWIND_DONE);
        read_frame(&frame, got);
    }
    buffer_free(&frame);
}

static void
assert_comes(struct flow_fixture *f, struct rewind_goal goal, uint64_t from,
             uint64_t through)
{
    struct rewind *rewind = open_rewind(f, goal, 1000000);
    struct rewind_state state = search(f, rewind);
    struct got *got = xcalloc(1, sizeof *got);

    if (state.phase != REWIND_FOUND) {
        fail_msg("%s", state.why.text);
    }
    assert_int_equal(state.from, from);
    assert_int_equal(state.through, through);
    rewind_start(rewind);
    send(f, rewind, got);
    assert_int_equal(rewind_state(rewind).phase, REWIND_DONE);
    assert_int_equal(got->len, through - from + 1);
    for (size_t i = 0; i < got->len; i++) {
        assert_int_equal(got->numbers[i], from + i);
        assert_true(i == 0 || got->tickets[i] > got->tickets[i - 1]);
    }
    rewind_free(&rewind);
    free(got);
}

static void
assert_refused(struct flow_fixture *f, struct rewind_goal goal, const char *words)
{
    struct rewind *rewind = open_rewind(f, goal, 100);
    struct rewind_state state = search(f, rewind);

    assert_int_equal(state.phase, REWIND_REFUSED);
    if (strstr(state.why.text, words) == NULL) {
        fail_msg("%s", state.why.text);
    }
    assert_false(rewind_has_work(rewind));
    rewind_free(&rewind);
}

// Three commits of 500 letters with a day between, 1200 acknowledged; the other mailbox
// gets its own in between.
static int64_t
make_past(struct flow_fixture *f)
{
    int64_t second = 0;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 2, 2);
    for (int i = 0; i < 3; i++) {
        second = i == 1 ? f->now_us : second;
        publish(f, 1, 500);
        publish(f, 2, 700);
        f->now_us += i < 2 ? INT64_C(86400) * 1000000 : 0;
    }
    fold(f);
    acknowledge(f, CPAS_A, 1200);
    return second;
}

static void
comes_from_the_number_asked_for_up_to_the_mark(void **state)
{
    static const uint64_t numbers[] = {1, 2, 499, 500, 501, 777, 1000, 1001, 1199, 1200};
    struct flow_fixture *f = *state;
    struct mailbox_row before, after;

    make_past(f);
    before = flow_row(f, CPAS_A);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        assert_comes(f, (struct rewind_goal){.number = numbers[i]}, numbers[i], 1200);
    }
    after = flow_row(f, CPAS_A);
    assert_memory_equal(&before, &after, sizeof before);
    assert_refused(f, (struct rewind_goal){.number = 1201},
                   "number 1201 is not acknowledged yet, the mark is at 1200");
}

static void
comes_from_the_time_asked_for(void **state)
{
    struct flow_fixture *f = *state;
    int64_t second = make_past(f);

    assert_comes(f, (struct rewind_goal){.time_us = second}, 501, 1200);
    assert_comes(f, (struct rewind_goal){.time_us = second + 1}, 1001, 1200);
    assert_comes(f, (struct rewind_goal){.time_us = 1}, 1, 1200);
    assert_refused(f, (struct rewind_goal){.time_us = f->now_us},
                   "nothing that was acknowledged is kept from then on");
}

static void
goes_no_further_back_than_bodies_are_kept(void **state)
{
    struct flow_fixture *f = *state;
    int64_t second = make_past(f);
    struct expire_command *expire;

    fold(f);
    do {
        expire = &flow_command(f, COMMAND_EXPIRE, 0)->expire;
        expire->replay_days = 2; // the first of three days
        expire->journal_months = 24;
        expire->folded_commit = expire->exported_commit = UINT64_MAX;
        flow_apply(f);
    } while (expire->more);
    assert_true(flow_meta(f).first_block > 1);
    assert_refused(
        f, (struct rewind_goal){.number = 500},
        "the oldest that can be sent again is number 501, kept since 2026-11-");
    assert_refused(f, (struct rewind_goal){.time_us = 1}, "number 501");
    assert_comes(f, (struct rewind_goal){.number = 501}, 501, 1200);
    assert_comes(f, (struct rewind_goal){.time_us = second}, 501, 1200);
}

static void
the_window_holds_and_acknowledging_frees_it(void **state)
{
    struct flow_fixture *f = *state;
    struct rewind *rewind;
    struct got *got = xcalloc(1, sizeof *got);
    struct hot_acknowledge acknowledged = {.mailbox = CPAS_A, .also_len = 2};

    make_past(f);
    rewind = open_rewind(f, (struct rewind_goal){.number = 490}, 20);
    assert_int_equal(search(f, rewind).phase, REWIND_FOUND);
    assert_false(rewind_has_work(rewind)); // not before it is started
    rewind_start(rewind);
    send(f, rewind, got);
    assert_int_equal(got->len, 20);
    assert_int_equal(rewind_state(rewind).in_flight_messages, 20);
    acknowledged.through = 494;
    acknowledged.also[0] = 500;
    acknowledged.also[1] = 1200; // not in flight
    rewind_acknowledge(rewind, &acknowledged);
    rewind_acknowledge(rewind, &acknowledged); // again: nothing
    assert_int_equal(rewind_state(rewind).in_flight_messages, 14);
    send(f, rewind, got);
    assert_int_equal(got->len, 26);
    acknowledged.through = 1200;
    while (rewind_state(rewind).phase == REWIND_SENDS) {
        rewind_acknowledge(rewind, &acknowledged);
        send(f, rewind, got);
    }
    assert_int_equal(got->len, 711);
    for (size_t i = 0; i < got->len; i++) {
        assert_int_equal(got->numbers[i], 490 + i);
    }
    rewind_acknowledge(rewind, &acknowledged);
    assert_int_equal(rewind_state(rewind).in_flight_messages, 0);
    assert_int_equal(rewind_state(rewind).in_flight_bytes, 0);
    rewind_free(&rewind);
    free(got);
}

// Refuses a letter, and parks it.
static void
park(struct flow_fixture *f, uint64_t number)
{
    struct letter letters[1];
    struct command *command;

    flow_letters(f, CPAS_A, number, letters, 1);
    command = flow_command(f, COMMAND_REFUSE, CPAS_A);
    command->refuse.mailbox = CPAS_A;
    command->refuse.refused.letter = letters[0];
    command->refuse.refused.subject = flow_person(1).number;
    command->refuse.park = true;
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
}

static void
what_was_never_acknowledged_does_not_come(void **state)
{
    struct flow_fixture *f = *state;
    struct rewind *rewind;
    struct command *drop;
    struct got *got = xcalloc(1, sizeof *got);

    flow_follow(f, CPAS_A, 1, 2);
    publish(f, 1, 6);
    park(f, 2);
    park(f, 4);
    drop = flow_command(f, COMMAND_DROP_PARKED, 0);
    drop->parked.mailbox = CPAS_A;
    drop->parked.reason = bytes_of("by hand");
    drop->parked.numbers = xcalloc(1, sizeof *drop->parked.numbers);
    drop->parked.numbers[0] = 4;
    drop->parked.numbers_len = 1;
    flow_apply(f);
    assert_int_equal(drop->status, VG_OK);
    acknowledge(f, CPAS_A, 6);
    rewind = open_rewind(f, (struct rewind_goal){.number = 1}, 100);
    assert_int_equal(search(f, rewind).phase, REWIND_FOUND);
    rewind_start(rewind);
    send(f, rewind, got);
    assert_int_equal(got->len, 4);
    assert_int_equal(got->numbers[0], 1);
    assert_int_equal(got->numbers[1], 3);
    assert_int_equal(got->numbers[2], 5);
    assert_int_equal(got->numbers[3], 6);
    rewind_free(&rewind);
    free(got);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(comes_from_the_number_asked_for_up_to_the_mark),
        FLOW_TEST(comes_from_the_time_asked_for),
        FLOW_TEST(goes_no_further_back_than_bodies_are_kept),
        FLOW_TEST(the_window_holds_and_acknowledging_frees_it),
        FLOW_TEST(what_was_never_acknowledged_does_not_come),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
