// SPDX-License-Identifier: EUPL-1.2
// Goal: a session gets each letter that waits once, in order, within its window, as a frame
// that a client can read; what it acknowledges frees the window and becomes a command.
// Method: letters published into a real store; frames are read back with the clients' own
// scanner and compared with the store.
#include "flow_fixture.h"

enum { WIDE = 1 << 30 };

struct delivery {
    uint64_t numbers[512];
    bool again[512];
    size_t len;
    struct hot_content last; // lent from the frame
};

static struct tails *
take(struct flow_fixture *f, struct tails *tails)
{
    if (tails == NULL) {
        assert_int_equal(tails_open(flow_view(f), &tails, NULL), VG_OK);
    } else {
        tails_take(tails, f->done);
    }
    return tails;
}

// Puts letters into the mailbox of CPAS_A; the size of a body grows with `extra`.
static void
publish(struct flow_fixture *f, size_t len, size_t extra)
{
    static char value[HOT_VALUE_BYTES_MAX + 1];
    struct hot_mutation mutations[300];
    uint64_t first = flow_producer(f, RN, 1).last_number + 1;

    if (first == 1) {
        flow_follow(f, CPAS_A, 1, 2);
    }
    memset(value, 'x', extra);
    value[extra] = 0;
    for (size_t i = 0; i < len; i++) {
        mutations[i] = flow_mutation("notifyPerson", flow_person(1));
        flow_field(&mutations[i], "020", value);
    }
    flow_publish(f, RN, 1, first, mutations, len);
    flow_apply(f);
}

static struct outflow *
open_outflow(struct flow_fixture *f, uint64_t messages, uint64_t bytes)
{
    struct outflow *outflow = NULL;

    assert_int_equal(outflow_open(flow_view(f), CPAS_A, messages, bytes, &outflow),
                     VG_OK);
    return outflow;
}

static int64_t hold_back_us;

static struct delivery
fill(struct flow_fixture *f, struct outflow *outflow, const struct tails *tails,
     uint64_t again_through, size_t max_bytes, struct buffer *frame)
{
    struct delivery delivery = {.len = 0};
    struct hot_notification notification;
    struct hot_bytes rest;
    struct outflow_view view = {
        .tails = tails, .txn = flow_view(f), .hold_back_us = hold_back_us};
    struct outflow_turn turn;
    int more = 0;

    buffer_clear(frame);
    assert_int_equal(outflow_fill(outflow, &view, again_through, max_bytes, frame, &turn),
                     VG_OK);
    assert_null(turn.defer);
    rest = (struct hot_bytes){frame->at, frame->len};
    while (frame->len > 0 && (more = hot_next_notification(&rest, &notification)) == 1) {
        assert_int_equal(notification.mailbox, CPAS_A);
        assert_true(notification.justified);
        assert_int_equal(notification.quality, 2);
        assert_int_equal(notification.begin, 20261101);
        assert_int_equal(hot_read_content(notification.content, &delivery.last), HOT_OK);
        delivery.again[delivery.len] = notification.again;
        delivery.numbers[delivery.len++] = notification.number;
    }
    assert_int_equal(more, 0);
    assert_int_equal(delivery.len, turn.sent);
    return delivery;
}

static struct delivery
fill_all(struct flow_fixture *f, struct outflow *outflow, const struct tails *tails)
{
    struct buffer frame = {0};
    struct delivery delivery = fill(f, outflow, tails, 0, WIDE, &frame);

    buffer_free(&frame);
    return delivery;
}

// NULL when there is nothing new. The command stands in the next batch.
static struct command *
acknowledge(struct flow_fixture *f, struct outflow *outflow, uint64_t through,
            const uint64_t *also, size_t also_len)
{
    struct hot_acknowledge message = {
        .mailbox = CPAS_A, .through = through, .also_len = (uint32_t)also_len};
    struct command *command = NULL;
    struct command *holder;

    memcpy(message.also, also, also_len * sizeof *also);
    assert_int_equal(outflow_acknowledge(outflow, &message, &command, NULL), VG_OK);
    if (command != NULL) {
        holder = flow_command(f, COMMAND_LAST_NUMBER, CPAS_A);
        holder->last_number.producer = 1;
        batch_add(f->next, command);
    }
    return command;
}

#define SINGLES(...)                                                                     \
    (const uint64_t[]){__VA_ARGS__}, ARRAY_LEN(((uint64_t[]){__VA_ARGS__}))
#define NO_SINGLES (const uint64_t[]){0}, 0

static void
delivers_in_order_what_lies_on_disk(void **state)
{
    struct flow_fixture *f = *state;
    struct outflow *outflow;
    struct tails *tails;
    struct buffer frame = {0};
    struct delivery delivery;

    publish(f, 40, 10);
    tails = take(f, NULL);
    outflow = open_outflow(f, 1000, WIDE);
    delivery = fill(f, outflow, tails, 0, WIDE, &frame);
    assert_int_equal(delivery.len, 40);
    for (size_t i = 0; i < delivery.len; i++) {
        assert_int_equal(delivery.numbers[i], i + 1);
        assert_false(delivery.again[i]);
    }
    assert_int_equal(delivery.last.mutation.niss, flow_person(1).number);
    assert_int_equal(delivery.last.mutation.fields[0].value.len, 10);
    assert_int_equal(fill_all(f, outflow, tails).len, 0); // once
    assert_int_equal(outflow_state(outflow).sent, 40);
    assert_int_equal(outflow_state(outflow).in_flight_messages, 40);
    assert_int_equal(outflow_state(outflow).in_flight_bytes,
                     flow_row(f, CPAS_A).bytes_total);
    buffer_free(&frame);
    outflow_free(&outflow);
    tails_free(&tails);
}

static void
goes_on_through_backlog_and_tail(void **state)
{
    struct flow_fixture *f = *state;
    struct outflow *outflow;
    struct tails *tails;
    struct delivery delivery;

    publish(f, 300, 1);
    tails = take(f, NULL);
    flow_command(f, COMMAND_FOLD, 0);
    flow_apply(f);
    take(f, tails);
    assert_int_equal(tails_bytes(tails), 0);
    publish(f, 150, 1);
    take(f, tails);
    assert_int_equal(tails_last(tails, CPAS_A), 450);
    outflow = open_outflow(f, 1000, WIDE);
    delivery = fill_all(f, outflow, tails);
    assert_int_equal(delivery.len, 450);
    for (size_t i = 0; i < delivery.len; i++) {
        assert_int_equal(delivery.numbers[i], i + 1);
    }
    outflow_free(&outflow);
    tails_free(&tails);
}

static void
stays_within_the_window_of_messages(void **state)
{
    struct flow_fixture *f = *state;
    struct outflow *outflow;
    struct tails *tails;

    publish(f, 20, 1);
    tails = take(f, NULL);
    outflow = open_outflow(f, 8, WIDE);
    assert_int_equal(fill_all(f, outflow, tails).len, 8);
    assert_int_equal(fill_all(f, outflow, tails).len, 0);
    assert_non_null(acknowledge(f, outflow, 3, NO_SINGLES));
    assert_int_equal(outflow_state(outflow).in_flight_messages, 5);
    assert_int_equal(fill_all(f, outflow, tails).len, 3);
    assert_non_null(acknowledge(f, outflow, 0, SINGLES(6, 11)));
    assert_int_equal(fill_all(f, outflow, tails).len, 2);
    outflow_set_window(outflow, 1, WIDE); // smaller than what is in flight
    assert_int_equal(fill_all(f, outflow, tails).len, 0);
    outflow_set_window(outflow, 100, WIDE);
    assert_int_equal(fill_all(f, outflow, tails).len, 7);
    outflow_free(&outflow);
    tails_free(&tails);
}

static void
stays_within_the_window_of_bytes(void **state)
{
    struct flow_fixture *f = *state;
    struct outflow *outflow;
    struct tails *tails;
    struct letter letters[10];

    publish(f, 10, 500);
    tails = take(f, NULL);
    flow_letters(f, CPAS_A, 1, letters, 10);
    outflow = open_outflow(f, 1000, letters[0].size * 3 + 1);
    assert_int_equal(fill_all(f, outflow, tails).len, 3);
    assert_true(outflow_state(outflow).in_flight_bytes <=
                outflow_state(outflow).window_bytes);
    assert_int_equal(fill_all(f, outflow, tails).len, 0);
    acknowledge(f, outflow, 0, SINGLES(2));
    assert_int_equal(fill_all(f, outflow, tails).len, 1);
    outflow_free(&outflow);

    // One that is larger than the window goes alone: it would wait for ever.
    outflow = open_outflow(f, 1000, 10);
    assert_int_equal(fill_all(f, outflow, tails).len, 1);
    assert_int_equal(fill_all(f, outflow, tails).len, 0);
    acknowledge(f, outflow, 1, NO_SINGLES);
    assert_int_equal(fill_all(f, outflow, tails).len, 1);
    outflow_free(&outflow);
    tails_free(&tails);
}

static void
a_frame_has_its_limit_too(void **state)
{
    struct flow_fixture *f = *state;
    struct outflow *outflow;
    struct tails *tails;
    struct buffer frame = {0};
    struct delivery delivery;
    uint64_t expected = 1;

    publish(f, 30, 1000);
    tails = take(f, NULL);
    outflow = open_outflow(f, 1000, WIDE);
    do {
        delivery = fill(f, outflow, tails, 0, 4096, &frame);
        assert_true(frame.len <= 4096);
        for (size_t i = 0; i < delivery.len; i++) {
            assert_int_equal(delivery.numbers[i], expected++);
        }
    } while (delivery.len > 0);
    assert_int_equal(expected, 31);
    buffer_free(&frame);
    outflow_free(&outflow);
    outflow = open_outflow(f, 1000, WIDE);
    assert_int_equal(fill(f, outflow, tails, 0, 10, &frame).len, 1); // at least one
    buffer_free(&frame);
    outflow_free(&outflow);
    tails_free(&tails);
}

static void
says_what_was_sent_before(void **state)
{
    struct flow_fixture *f = *state;
    struct outflow *outflow;
    struct tails *tails;
    struct buffer frame = {0};
    struct delivery delivery;

    publish(f, 6, 1);
    tails = take(f, NULL);
    outflow = open_outflow(f, 1000, WIDE);
    delivery = fill(f, outflow, tails, 4, WIDE, &frame);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(delivery.again[i], i < 4);
    }
    buffer_free(&frame);
    outflow_free(&outflow);
    tails_free(&tails);
}

static void
begins_after_what_was_acknowledged(void **state)
{
    struct flow_fixture *f = *state;
    struct outflow *outflow;
    struct tails *tails;
    struct delivery delivery;
    struct mailbox_row row;

    publish(f, 10, 1);
    tails = take(f, NULL);
    outflow = open_outflow(f, 1000, WIDE);
    fill_all(f, outflow, tails);
    acknowledge(f, outflow, 2, SINGLES(5, 6, 8));
    flow_apply(f);
    outflow_free(&outflow);
    outflow = open_outflow(f, 1000, WIDE);
    assert_int_equal(outflow_state(outflow).acknowledged, 2);
    delivery = fill_all(f, outflow, tails);
    assert_int_equal(delivery.len, 5); // 5, 6 and 8 were acknowledged alone
    assert_int_equal(delivery.numbers[0], 3);
    assert_int_equal(delivery.numbers[1], 4);
    assert_int_equal(delivery.numbers[2], 7);
    assert_int_equal(delivery.numbers[3], 9);
    assert_int_equal(delivery.numbers[4], 10);
    assert_non_null(acknowledge(f, outflow, 10, NO_SINGLES));
    flow_apply(f);
    row = flow_row(f, CPAS_A);
    assert_int_equal(row.acknowledged, 10);
    assert_int_equal(mailbox_waiting(&row), 0);
    assert_int_equal(mailbox_bytes_waiting(&row), 0);
    outflow_free(&outflow);
    tails_free(&tails);
}

static void
ends_with_letters_acknowledged_alone(void **state)
{
    struct flow_fixture *f = *state;
    struct outflow *outflow;
    struct tails *tails;
    struct mailbox_row row;

    publish(f, 5, 1);
    tails = take(f, NULL);
    outflow = open_outflow(f, 1000, WIDE);
    fill_all(f, outflow, tails);
    acknowledge(f, outflow, 0, SINGLES(4, 5));
    flow_apply(f);
    outflow_free(&outflow);
    outflow = open_outflow(f, 1000, WIDE);
    assert_int_equal(fill_all(f, outflow, tails).len, 3);
    assert_int_equal(outflow_state(outflow).sent, 5);
    acknowledge(f, outflow, 5, NO_SINGLES);
    flow_apply(f);
    row = flow_row(f, CPAS_A);
    assert_int_equal(row.acknowledged, 5);
    assert_int_equal(mailbox_bytes_waiting(&row), 0);
    outflow_free(&outflow);
    tails_free(&tails);
}

static void
refuses_what_was_never_sent(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_acknowledge beyond = {.mailbox = CPAS_A, .through = 4};
    struct hot_acknowledge alone = {.mailbox = CPAS_A, .also_len = 2, .also = {1, 4}};
    struct outflow *outflow;
    struct tails *tails;
    struct command *command = NULL;
    struct why why;

    publish(f, 10, 1);
    tails = take(f, NULL);
    outflow = open_outflow(f, 3, WIDE);
    assert_int_equal(fill_all(f, outflow, tails).len, 3);
    assert_int_equal(outflow_acknowledge(outflow, &beyond, &command, &why), VG_NOT_FOUND);
    assert_null(command);
    assert_non_null(strstr(why.text, "number 4"));
    assert_int_equal(outflow_acknowledge(outflow, &alone, &command, &why), VG_NOT_FOUND);
    assert_null(command);
    assert_int_equal(outflow_state(outflow).in_flight_messages, 3); // nothing was done
    outflow_free(&outflow);
    tails_free(&tails);
}

static void
what_was_acknowledged_is_passed_over(void **state)
{
    struct flow_fixture *f = *state;
    struct outflow *outflow;
    struct tails *tails;

    publish(f, 10, 1);
    tails = take(f, NULL);
    outflow = open_outflow(f, 1000, WIDE);
    fill_all(f, outflow, tails);
    assert_non_null(acknowledge(f, outflow, 3, SINGLES(5, 5)));
    assert_null(acknowledge(f, outflow, 3, NO_SINGLES));
    assert_null(acknowledge(f, outflow, 2, SINGLES(5, 1)));
    assert_int_equal(outflow_state(outflow).in_flight_messages, 6);
    assert_non_null(acknowledge(f, outflow, 0, SINGLES(4)));
    assert_int_equal(outflow_state(outflow).acknowledged, 5);
    flow_apply(f);
    assert_int_equal(flow_row(f, CPAS_A).acknowledged, 5);
    assert_non_null(acknowledge(f, outflow, 0, SINGLES(8)));
    assert_int_equal(outflow_state(outflow).in_flight_messages, 4);
    assert_non_null(acknowledge(f, outflow, 10, NO_SINGLES)); // frees 8 only once
    assert_int_equal(outflow_state(outflow).in_flight_messages, 0);
    assert_int_equal(outflow_state(outflow).in_flight_bytes, 0);
    outflow_free(&outflow);
    tails_free(&tails);
}

static void
ends_of_life_may_come_twice(void **state)
{
    struct outflow *outflow = NULL;

    (void)state;
    outflow_free(&outflow);
}

// A session opens the mailbox while the acknowledgements of the one before are still in the
// queue: after their commit and a fold the numbers it gets must not jump.
static void
begins_after_what_the_loop_knows_to_be_acknowledged(void **state)
{
    struct flow_fixture *f = *state;
    struct outflow *before;
    struct outflow *outflow;
    struct tails *tails;
    struct delivery delivery;

    publish(f, 20, 10);
    tails = take(f, NULL);
    before = open_outflow(f, 1000, WIDE);
    (void)fill_all(f, before, tails);
    assert_non_null(acknowledge(f, before, 10, NO_SINGLES)); // not committed yet
    outflow = open_outflow(f, 1000, WIDE);
    outflow_begin_after(outflow, outflow_state(before).acknowledged);
    (void)flow_command(f, COMMAND_FOLD, 0);
    flow_apply(f);
    tails = take(f, tails);
    delivery = fill_all(f, outflow, tails);
    assert_int_equal(delivery.len, 10);
    for (size_t i = 0; i < delivery.len; i++) {
        assert_int_equal(delivery.numbers[i], 11 + i);
    }
    assert_int_equal(flow_row(f, CPAS_A).acknowledged, 10);
    outflow_free(&before);
    outflow_free(&outflow);
    tails_free(&tails);
}

static void
letters_that_are_held_back_come_later_in_their_order(void **state)
{
    struct flow_fixture *f = *state;
    struct outflow *outflow;
    struct tails *tails;
    struct delivery delivery;
    int64_t digest_us;

    publish(f, 2, 1);
    digest_us = f->now_us;
    publish(f, 3, 1);
    tails = take(f, NULL);
    outflow = open_outflow(f, 100, WIDE);
    hold_back_us = RULES_REST;
    assert_int_equal(fill_all(f, outflow, tails).len, 0);
    assert_int_equal(outflow_state(outflow).sent, 0);
    hold_back_us = digest_us;
    delivery = fill_all(f, outflow, tails);
    assert_int_equal(delivery.len, 2);
    assert_int_equal(delivery.numbers[1], 2);
    assert_int_equal(fill_all(f, outflow, tails).len, 0);
    hold_back_us = digest_us + 1; // the moment itself is before it
    delivery = fill_all(f, outflow, tails);
    assert_int_equal(delivery.len, 3);
    assert_int_equal(delivery.numbers[0], 3);
    assert_int_equal(delivery.numbers[2], 5);
    hold_back_us = 0;
    outflow_free(&outflow);
    tails_free(&tails);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(delivers_in_order_what_lies_on_disk),
        FLOW_TEST(goes_on_through_backlog_and_tail),
        FLOW_TEST(stays_within_the_window_of_messages),
        FLOW_TEST(stays_within_the_window_of_bytes),
        FLOW_TEST(a_frame_has_its_limit_too),
        FLOW_TEST(says_what_was_sent_before),
        FLOW_TEST(begins_after_what_was_acknowledged),
        FLOW_TEST(ends_with_letters_acknowledged_alone),
        FLOW_TEST(refuses_what_was_never_sent),
        FLOW_TEST(what_was_acknowledged_is_passed_over),
        FLOW_TEST(begins_after_what_the_loop_knows_to_be_acknowledged),
        cmocka_unit_test(ends_of_life_may_come_twice),
        FLOW_TEST(letters_that_are_held_back_come_later_in_their_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
