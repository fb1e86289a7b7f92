// SPDX-License-Identifier: EUPL-1.2
// The loop in small, for letters that are sifted before they are sent: what the sifting asks
// for is applied, and what is sent is acknowledged, each by its own number.
#ifndef UNIT_SIFT_LOOP_H
#define UNIT_SIFT_LOOP_H

#include "flow/sift.h"

#include "flow_fixture.h"

enum { LETTERS_HERE = 120, WIDE = 1 << 30, PERSONS_HERE = 12 };

struct loop {
    struct flow_fixture *f;
    struct tails *tails;
    struct holds *holds;
    struct outflow *outflow;
    struct hot_mutation published[LETTERS_HERE + 1]; // by number
    size_t published_len;
    uint64_t sifted;
    uint64_t got[LETTERS_HERE + 1];
    size_t got_len;
    uint64_t listed[LETTERS_HERE + 1]
                   [LETTERS_HERE]; // tickets that a number came for, too
    size_t listed_len[LETTERS_HERE + 1];
    size_t merged; // that the last sifting merged
    int64_t hold_back_us;
    bool urgent_first;
    bool merge_repeats;
};

__attribute__((unused)) static uint64_t
publish_this(struct loop *loop, uint32_t source, struct hot_mutation mutation)
{
    loop->published[++loop->published_len] = mutation;
    flow_publish_one(loop->f, source, flow_producer(loop->f, source, 1).last_number + 1,
                     mutation);
    flow_apply(loop->f);
    assert_int_equal(loop->f->done->count.notifications, 1);
    if (loop->tails != NULL) {
        tails_take(loop->tails, loop->f->done);
    }
    return flow_meta(loop->f).last_sequence;
}

// Gives its ticket.
__attribute__((unused)) static uint64_t
publish(struct loop *loop, int person, const char *code)
{
    bool work = strcmp(code, "work") == 0;
    struct hot_mutation mutation =
        flow_mutation(work ? "PersonnelFile" : "notifyPerson", flow_person(person));

    if (!work) {
        flow_field(&mutation, code, "x");
    } else {
        flow_field(&mutation, "occupation_begin", "2026");
    }
    return publish_this(loop, work ? ONSS : RN, mutation);
}

__attribute__((unused)) static void
open_loop(struct loop *loop, struct flow_fixture *f)
{
    memset(loop, 0, sizeof *loop);
    loop->f = f;
    loop->urgent_first = true;
    for (int person = 1; person <= PERSONS_HERE; person++) {
        flow_follow(f, CPAS_A, person, 2);
    }
    assert_int_equal(tails_open(flow_view(f), &loop->tails, NULL), VG_OK);
    assert_int_equal(holds_open(flow_view(f), &loop->holds), VG_OK);
    assert_int_equal(outflow_open(flow_view(f), CPAS_A, 10, WIDE, &loop->outflow), VG_OK);
}

__attribute__((unused)) static void
close_loop(struct loop *loop)
{
    outflow_free(&loop->outflow);
    holds_free(&loop->holds);
    tails_free(&loop->tails);
    flow_assert_sound(loop->f);
}

__attribute__((unused)) static void
apply(struct loop *loop)
{
    flow_apply(loop->f);
    tails_take(loop->tails, loop->f->done);
    holds_take(loop->holds, loop->f->done);
    for (size_t i = 0; i < loop->f->done->held_len; i++) {
        outflow_pass(loop->outflow, loop->f->done->held[i].number);
    }
}

__attribute__((unused)) static void
submit(struct loop *loop, struct command *command)
{
    struct command *holder = flow_command(loop->f, COMMAND_LAST_NUMBER, CPAS_A);

    holder->last_number.producer = 1;
    batch_add(loop->f->next, command);
}

__attribute__((unused)) static struct outflow_view
view_of(struct loop *loop)
{
    return (struct outflow_view){.tails = loop->tails,
                                 .holds = loop->holds,
                                 .txn = flow_view(loop->f),
                                 .now_us = loop->f->now_us,
                                 .hold_back_us = loop->hold_back_us,
                                 .through = loop->sifted,
                                 .stands = loop->merge_repeats};
}

// Gives how many letters were taken out of their turn.
__attribute__((unused)) static size_t
sift(struct loop *loop)
{
    struct outflow_view view = view_of(loop);
    struct sift_question question = {&view, loop->outflow,
                                     applier_catalogue(loop->f->applier),
                                     loop->urgent_first, loop->merge_repeats};
    struct command *command = NULL;
    size_t len = 0;

    loop->merged = 0;
    assert_int_equal(sift_letters(&question, &loop->sifted, &command), VG_OK);
    if (command != NULL) {
        len = command->advance.letters_len;
        submit(loop, command);
        apply(loop);
        assert_int_equal(command->advance.taken, len);
        loop->merged = command->advance.merged;
    }
    return len;
}

// One filling, whose letters are acknowledged, each by its own number.
__attribute__((unused)) static size_t
fill(struct loop *loop)
{
    struct outflow_view view = view_of(loop);
    struct hot_acknowledge acknowledge = {.mailbox = CPAS_A};
    struct hot_notification notification;
    struct outflow_turn turn;
    struct buffer frame = {0};
    struct command *command = NULL;
    struct hot_bytes rest;
    size_t before = loop->got_len;

    assert_int_equal(outflow_fill(loop->outflow, &view, 0, SIZE_MAX, &frame, &turn),
                     VG_OK);
    if (turn.defer != NULL) {
        for (size_t i = 0; i < turn.defer->defer.letters_len; i++) {
            holds_expect(loop->holds, CPAS_A, &turn.defer->defer.letters[i]);
        }
        command = turn.defer;
        submit(loop, command);
        apply(loop);
        holds_answered(loop->holds, command);
        outflow_answered(loop->outflow, command, &command);
        command_free(&command);
    }
    rest = (struct hot_bytes){frame.at, frame.len};
    while (frame.len > 0 && hot_next_notification(&rest, &notification) == 1) {
        loop->got[loop->got_len++] = notification.number;
        for (size_t i = 0; i < hot_merged_len(notification.merged); i++) {
            loop->listed[notification.number][loop->listed_len[notification.number]++] =
                hot_merged(notification.merged, i);
        }
        acknowledge.also[acknowledge.also_len++] = notification.number;
    }
    if (acknowledge.also_len > 0) {
        assert_int_equal(outflow_acknowledge(loop->outflow, &acknowledge, &command, NULL),
                         VG_OK);
        submit(loop, command);
        apply(loop);
    }
    buffer_free(&frame);
    return loop->got_len - before;
}

__attribute__((unused)) static void
empty(struct loop *loop)
{
    struct mailbox_row row;

    for (int idle = 0; idle < 3;) {
        (void)sift(loop);
        idle = fill(loop) > 0 ? 0 : idle + 1;
    }
    row = flow_row(loop->f, CPAS_A);
    assert_int_equal(mailbox_waiting(&row), 0);
}

__attribute__((unused)) static void
expect(struct loop *loop, const uint64_t *numbers, size_t len)
{
    assert_int_equal(loop->got_len, len);
    assert_memory_equal(loop->got, numbers, len * sizeof *numbers);
}

#define EXPECT(loop, ...)                                                                \
    expect(loop, (const uint64_t[]){__VA_ARGS__}, ARRAY_LEN(((uint64_t[]){__VA_ARGS__})))

#endif
