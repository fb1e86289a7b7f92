// SPDX-License-Identifier: EUPL-1.2
// Goal: a notification and its cancellation leave a mailbox that wants neither together, or
// stay together; whoever was never told of a cancellation is not told what became of it.
// Method: batches applied to a real store with the shipped catalogue; the loop's part, which
// knows what was sent, is the test's. The disk is read after each, and recounted.
#include "flow/withdraw.h"

#include "flow/rewind.h"
#include "flow_fixture.h"
#include "store/merged.h"
#include "store/withdrawn.h"

static char ticket_text[2][24];

static struct hot_bytes
ticket_bytes(uint64_t ticket)
{
    static size_t next;
    char *text = ticket_text[next++ % ARRAY_LEN(ticket_text)];

    snprintf(text, sizeof ticket_text[0], "%llu", (unsigned long long)ticket);
    return flow_words(text);
}

static uint64_t
published(struct flow_fixture *f, struct hot_mutation mutation)
{
    struct command *command =
        flow_publish_one(f, RN, flow_producer(f, RN, 1).last_number + 1, mutation);

    flow_apply(f);
    assert_int_equal(command->publish.kept, 1);
    return command->publish.ticket_first;
}

static uint64_t
cancelled(struct flow_fixture *f, uint64_t ticket)
{
    struct hot_mutation mutation = flow_mutation("notifyPerson", flow_person(1));

    mutation.cancels = ticket_bytes(ticket);
    return published(f, mutation);
}

static uint64_t
replaced(struct flow_fixture *f, uint64_t ticket)
{
    struct hot_mutation mutation = flow_address(1);

    mutation.replaces = ticket_bytes(ticket);
    return published(f, mutation);
}

// Of the pairs that the last batch named, how many were withdrawn?
static size_t
withdrawn(struct flow_fixture *f)
{
    struct command *command = flow_propose_withdrawal(f);
    size_t done = 0;

    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    for (size_t i = 0; i < command->withdraw.pairs_len; i++) {
        done += command->withdraw.pairs[i].withdrawn;
    }
    return done;
}

static void
acknowledge(struct flow_fixture *f, uint32_t mailbox, uint64_t number)
{
    struct letter letter;
    struct command *command = flow_command(f, COMMAND_ACKNOWLEDGE, mailbox);

    assert_int_equal(flow_letters(f, mailbox, number, &letter, 1), 1);
    command->acknowledge.mailbox = mailbox;
    command->acknowledge.singles = xcalloc(1, sizeof *command->acknowledge.singles);
    command->acknowledge.singles[command->acknowledge.singles_len++] =
        (struct acknowledge_single){number, letter.bytes_through, letter.size};
    flow_apply(f);
}

static struct command *
propose(struct flow_fixture *f, const struct cancelled_pair *pair)
{
    struct command *command = flow_command(f, COMMAND_WITHDRAW, 0);

    command->withdraw.pairs = xcalloc(1, sizeof *pair);
    command->withdraw.pairs[command->withdraw.pairs_len++] = *pair;
    return command;
}

// A and B follow the person, A wants neither. Gives the ticket of a first letter of both.
static uint64_t
first_of_two(struct flow_fixture *f)
{
    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 1, 30);
    flow_want_neither(f, CPAS_A);
    return published(f, flow_address(1));
}

static struct withdrawn_row
row_of(struct flow_fixture *f, uint64_t ticket)
{
    struct withdrawn_row row = {.other = 0};
    enum vg_status status =
        withdrawn_get(flow_view(f), ticket, (struct mailbox_id){CPAS_A}, &row);

    assert_true(status == VG_OK || status == VG_NOT_FOUND);
    return row;
}

// ---- the pair ----

static void
both_leave_the_mailbox_that_wants_neither_and_no_other(void **state)
{
    struct flow_fixture *f = *state;
    uint64_t first = first_of_two(f);
    uint64_t before = published(f, flow_address(1));
    uint64_t second = cancelled(f, first);
    struct journal_withdrawn item;
    struct mailbox_row row;
    struct letter letters[4];

    assert_int_equal(f->done->pairs_len, 1);
    assert_int_equal(f->done->pairs[0].mailbox, CPAS_A);
    assert_int_equal(flow_row(f, CPAS_A).last, 3); // until then it is as anywhere else
    assert_int_equal(withdrawn(f), 1);

    assert_int_equal(f->done->held_len, 2); // the loop is told that they have left
    assert_int_equal(f->done->held[0].number, 1);
    assert_int_equal(f->done->held[1].number, 3);
    assert_int_equal(f->done->held[1].state, HELD_GONE);
    row = flow_row(f, CPAS_A);
    assert_int_equal(mailbox_waiting(&row), 1);
    assert_int_equal(row.dropped, 2);
    assert_int_equal(row.acknowledged_total, 0);
    assert_int_equal(flow_letters(f, CPAS_A, 2, letters, 4), 2);
    assert_int_equal(mailbox_bytes_waiting(&row), letters[0].size);
    row = flow_row(f, CPAS_B);
    assert_int_equal(mailbox_waiting(&row), 3);
    assert_int_equal(flow_last_item(f, JOURNAL_WITHDRAWN, &item, sizeof item), 1);
    assert_int_equal(item.ticket, second);
    assert_int_equal(item.of, first);
    assert_int_equal(item.niss, flow_person(1).number);
    assert_int_equal(item.number, 3);
    assert_int_equal(item.of_number, 1);
    assert_int_equal(item.mailbox, CPAS_A);

    flow_reopen(f);
    assert_int_equal(row_of(f, first).other, second);
    assert_int_equal(row_of(f, second).other, first);
    assert_int_equal(row_of(f, second).number, 3);
    assert_int_equal(row_of(f, before).other, 0);
    flow_assert_sound(f);
    assert_int_equal(withdrawn(f), 0); // nobody names it any more
    acknowledge(f, CPAS_A, 2);
    assert_int_equal(flow_row(f, CPAS_A).acknowledged, 3);
    flow_assert_sound(f);
}

static void
a_mailbox_gets_the_pair_unless_it_says_otherwise(void **state)
{
    struct flow_fixture *f = *state;

    flow_follow(f, CPAS_B, 1, 30);
    cancelled(f, published(f, flow_address(1)));
    assert_int_equal(f->done->pairs_len, 0);
    assert_int_equal(flow_row(f, CPAS_B).last, 2);
}

static void
a_replacement_is_no_pair(void **state)
{
    struct flow_fixture *f = *state;

    replaced(f, first_of_two(f));
    assert_int_equal(f->done->pairs_len, 0);
}

static void
what_has_left_its_turn_is_not_withdrawn_nor_is_the_other(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command;
    struct cancelled_pair late;
    struct mailbox_row row;
    uint64_t first = first_of_two(f);

    cancelled(f, first);
    late = f->done->pairs[0];
    acknowledge(f, CPAS_A, 2); // as if the cancellation had been sent after all
    command = propose(f, &late);
    flow_apply(f);
    assert_int_equal(command->withdraw.pairs_len, 1);
    assert_false(command->withdraw.pairs[0].withdrawn);
    row = flow_row(f, CPAS_A);
    assert_int_equal(mailbox_waiting(&row), 1);
    assert_int_equal(row.dropped, 0);
    assert_int_equal(row_of(f, first).other, 0);
    flow_assert_sound(f);
}

// Otherwise what was replaced would stand again.
static void
a_correction_that_is_cancelled_is_delivered_with_its_cancellation(void **state)
{
    struct flow_fixture *f = *state;
    uint64_t second = replaced(f, first_of_two(f));

    cancelled(f, second);
    assert_int_equal(f->done->pairs_len, 0);
}

// Otherwise those would be gone with it.
static void
what_stands_for_others_is_delivered_with_its_cancellation(void **state)
{
    struct flow_fixture *f = *state;
    uint64_t merged = first_of_two(f);
    uint64_t second = published(f, flow_address(1));
    struct letter letters[2];
    struct cancelled_pair pair;
    struct command *command;

    assert_int_equal(flow_letters(f, CPAS_A, 1, letters, 2), 2);
    command = flow_command(f, COMMAND_ADVANCE, 0);
    command->advance.mailbox = CPAS_A;
    command->advance.merges = xcalloc(1, sizeof *command->advance.merges);
    command->advance.merges[command->advance.merges_len++] =
        (struct merged_letter){.about = {letters[0], flow_person(1).number},
                               .ticket = merged,
                               .into_ticket = second,
                               .into_number = 2};
    cancelled(f, second); // in one batch, the merge before it
    assert_int_equal(f->done->pairs_len, 1);
    pair = f->done->pairs[0];
    propose(f, &pair);
    flow_apply(f);
    assert_int_equal(flow_row(f, CPAS_A).acknowledged_total, 1);
    assert_int_equal(row_of(f, second).other, 0);
    assert_int_equal(flow_row(f, CPAS_A).dropped, 0);
    flow_assert_sound(f);
}

static void
gaps_are_left_for_letters_that_are_refused(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation many[1000];
    struct command *command = NULL;
    uint64_t first = first_of_two(f);

    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        many[i] = flow_address(1);
    }
    for (uint64_t number = 2; number < RANGES_MAX; number += ARRAY_LEN(many)) {
        flow_publish(f, RN, 1, number, many, ARRAY_LEN(many));
        flow_apply(f);
    }
    for (uint64_t number = 3; number < RANGES_MAX; number += 2) {
        if (f->next == NULL) {
            command = flow_command(f, COMMAND_ACKNOWLEDGE, CPAS_A);
            command->acknowledge.mailbox = CPAS_A;
            command->acknowledge.singles =
                xcalloc(ACKNOWLEDGE_SINGLES_MAX, sizeof(struct acknowledge_single));
        }
        command->acknowledge.singles[command->acknowledge.singles_len++] =
            (struct acknowledge_single){number, number, 1};
        if (command->acknowledge.singles_len == ACKNOWLEDGE_SINGLES_MAX ||
            number + 2 >= RANGES_MAX) {
            flow_apply(f);
        }
    }
    assert_int_equal(flow_row(f, CPAS_A).acknowledged_beyond, RANGES_MAX / 2 - 1);
    cancelled(f, first);
    assert_int_equal(f->done->pairs_len, 1);
    assert_int_equal(withdrawn(f), 0);
}

// ---- afterwards ----

static void
a_later_correction_goes_where_it_should(void **state)
{
    struct flow_fixture *f = *state;
    uint64_t second = cancelled(f, first_of_two(f));
    struct hot_content content;
    struct letter letter;

    assert_int_equal(withdrawn(f), 1);
    flow_follow(f, CPAS_C, 1, 9);
    replaced(f, second);
    // A follows her and was told of nothing: to it this is a notification like any other.
    assert_int_equal(flow_row(f, CPAS_A).last, 3);
    assert_int_equal(flow_letters(f, CPAS_A, 3, &letter, 1), 1);
    content = flow_content(f, &letter);
    assert_int_equal(content.mutation.replaces.len, 0);
    assert_int_equal(flow_letters(f, CPAS_B, 3, &letter, 1), 1);
    content = flow_content(f, &letter);
    assert_int_not_equal(content.mutation.replaces.len, 0);
    assert_int_equal(flow_row(f, CPAS_C).last, 1);
    flow_assert_sound(f);
}

static void
what_corrects_the_cancellation_first_keeps_the_pair(void **state)
{
    struct flow_fixture *f = *state;
    uint64_t first = first_of_two(f);
    uint64_t second = cancelled(f, first);
    struct cancelled_pair pair = f->done->pairs[0];
    struct hot_mutation mutation = flow_address(1);
    struct command *command;
    struct hot_content content;
    struct letter letter;

    // In one batch, the correction before it.
    mutation.replaces = ticket_bytes(second);
    flow_publish_one(f, RN, flow_producer(f, RN, 1).last_number + 1, mutation);
    command = propose(f, &pair);
    flow_apply(f);
    assert_false(command->withdraw.pairs[0].withdrawn);
    assert_int_equal(flow_letters(f, CPAS_A, 3, &letter, 1), 1);
    content = flow_content(f, &letter);
    assert_int_not_equal(content.mutation.replaces.len, 0); // it comes after the pair
    flow_assert_sound(f);
}

static void
going_back_does_not_bring_them(void **state)
{
    struct flow_fixture *f = *state;
    uint64_t first = first_of_two(f);
    struct rewind *rewind = NULL;
    struct buffer frame = {0};
    size_t len = 0;
    bool more = true;

    published(f, flow_address(1));
    cancelled(f, first);
    assert_int_equal(withdrawn(f), 1);
    acknowledge(f, CPAS_A, 2);
    assert_int_equal(rewind_open(flow_view(f), CPAS_A, (struct rewind_goal){.number = 1},
                                 10, 1 << 20, &rewind),
                     VG_OK);
    while (rewind_state(rewind).phase == REWIND_SEARCHES) {
        assert_int_equal(rewind_search(rewind, flow_view(f)), VG_OK);
    }
    assert_int_equal(rewind_state(rewind).phase, REWIND_FOUND);
    rewind_start(rewind);
    assert_int_equal(rewind_fill(rewind, flow_view(f), 1 << 16, &frame, &len, &more),
                     VG_OK);
    assert_int_equal(len, 1); // number 2
    rewind_free(&rewind);
    buffer_free(&frame);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(both_leave_the_mailbox_that_wants_neither_and_no_other),
        FLOW_TEST(a_mailbox_gets_the_pair_unless_it_says_otherwise),
        FLOW_TEST(a_replacement_is_no_pair),
        FLOW_TEST(what_has_left_its_turn_is_not_withdrawn_nor_is_the_other),
        FLOW_TEST(a_correction_that_is_cancelled_is_delivered_with_its_cancellation),
        FLOW_TEST(what_stands_for_others_is_delivered_with_its_cancellation),
        FLOW_TEST(gaps_are_left_for_letters_that_are_refused),
        FLOW_TEST(a_later_correction_goes_where_it_should),
        FLOW_TEST(what_corrects_the_cancellation_first_keeps_the_pair),
        FLOW_TEST(going_back_does_not_bring_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
