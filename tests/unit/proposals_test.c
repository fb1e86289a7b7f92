// SPDX-License-Identifier: EUPL-1.2
// Goal: commands come out in the order they went in, each once, in batches that are as large
// as what gathered meanwhile and no larger than allowed.
// Method: one thread for the limits; then one that proposes and one that takes, as loop and
// writer do.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "flow/proposals.h"

#include <pthread.h>

#include <cmocka.h>

static void
propose(struct proposals *proposals, uint32_t number, size_t bytes)
{
    static uint8_t frame[BATCH_BYTES_MAX + 1];
    struct command *command = command_new(COMMAND_LAST_NUMBER, frame, bytes);

    command->actor = number;
    proposals_propose(proposals, &command);
    assert_null(command);
}

static void
what_comes_together_stays_together(void **state)
{
    struct proposals *proposals = proposals_new(0);
    struct command *first = command_new(COMMAND_LAST_NUMBER, (const uint8_t *)"ab", 2);
    struct batch *batch;

    (void)state;
    first->next = command_new(COMMAND_FOLD, (const uint8_t *)"c", 1);
    first->next->next = command_new(COMMAND_LAPSE, NULL, 0);
    proposals_propose(proposals, &first);
    assert_null(first);
    propose(proposals, 1, 10);
    assert_int_equal(proposals_load(proposals).commands, 4);
    assert_int_equal(proposals_load(proposals).bytes, 13);
    batch = proposals_next(proposals);
    assert_int_equal(batch->len, 4);
    assert_int_equal(batch->first->next->kind, COMMAND_FOLD);
    assert_int_equal(batch->first->next->next->kind, COMMAND_LAPSE);
    assert_int_equal(batch->last->actor, 1);
    batch_free(&batch);
    proposals_free(&proposals);
}

static void
what_gathers_is_one_batch(void **state)
{
    struct proposals *proposals = proposals_new(41);
    struct batch *batch;
    uint32_t expected = 1;

    (void)state;
    for (uint32_t number = 1; number <= 100; number++) {
        propose(proposals, number, 10);
    }
    assert_int_equal(proposals_load(proposals).commands, 100);
    assert_int_equal(proposals_load(proposals).bytes, 1000);
    batch = proposals_next(proposals);
    assert_int_equal(batch->id, 42);
    assert_int_equal(batch->len, 100);
    assert_int_equal(batch->bytes, 1000);
    for (const struct command *command = batch->first; command != NULL;
         command = command->next) {
        assert_int_equal(command->actor, expected++);
    }
    assert_int_equal(expected, 101);
    assert_int_equal(proposals_load(proposals).commands, 0);
    assert_int_equal(proposals_load(proposals).bytes, 0);
    batch_free(&batch);
    propose(proposals, 1, 10);
    batch = proposals_next(proposals);
    assert_int_equal(batch->id, 43);
    assert_int_equal(batch->len, 1);
    proposals_trim(proposals, batch->id);
    batch_free(&batch);
    proposals_free(&proposals);
    assert_null(proposals);
    proposals_free(&proposals);
}

static void
a_batch_has_its_limits(void **state)
{
    struct proposals *proposals = proposals_new(0);
    struct batch *batch;

    (void)state;
    for (uint32_t number = 0; number < BATCH_COMMANDS_MAX + 3; number++) {
        propose(proposals, number, 1);
    }
    batch = proposals_next(proposals);
    assert_int_equal(batch->len, BATCH_COMMANDS_MAX);
    batch_free(&batch);
    batch = proposals_next(proposals);
    assert_int_equal(batch->len, 3);
    batch_free(&batch);

    for (uint32_t number = 0; number < 5; number++) {
        propose(proposals, number, BATCH_BYTES_MAX / 2);
    }
    batch = proposals_next(proposals);
    assert_int_equal(batch->len, 2);
    batch_free(&batch);
    proposals_free(&proposals); // with what is still queued

    proposals = proposals_new(0);
    propose(proposals, 1, BATCH_BYTES_MAX + 1); // at least one, however large
    propose(proposals, 2, 1);
    batch = proposals_next(proposals);
    assert_int_equal(batch->len, 1);
    batch_free(&batch);
    proposals_free(&proposals);
}

static void
stopping_leaves_nothing_behind(void **state)
{
    struct proposals *proposals = proposals_new(0);
    struct batch *batch;

    (void)state;
    propose(proposals, 1, 1);
    proposals_stop(proposals);
    propose(proposals, 2, 1);
    batch = proposals_next(proposals);
    assert_int_equal(batch->len, 2);
    batch_free(&batch);
    assert_null(proposals_next(proposals));
    proposals_free(&proposals);
}

// ---- two threads ----

enum { COMMANDS = 20000 };

struct writer {
    struct proposals *proposals;
    uint32_t next;
    uint64_t batches;
    bool in_order;
};

static void *
take_all(void *arg)
{
    struct writer *writer = arg;
    struct batch *batch;

    while ((batch = proposals_next(writer->proposals)) != NULL) {
        writer->in_order &= batch->id == ++writer->batches && batch->len > 0;
        for (const struct command *command = batch->first; command != NULL;
             command = command->next) {
            writer->in_order &= command->actor == writer->next++;
        }
        batch_free(&batch);
    }
    return NULL;
}

static void
each_command_arrives_once_and_in_order(void **state)
{
    struct writer writer = {.proposals = proposals_new(0), .in_order = true};
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, take_all, &writer), 0);
    for (uint32_t number = 0; number < COMMANDS; number++) {
        propose(writer.proposals, number, number % 50);
    }
    proposals_stop(writer.proposals);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(writer.in_order);
    assert_int_equal(writer.next, COMMANDS);
    assert_true(writer.batches <= COMMANDS);
    proposals_free(&writer.proposals);
}

static void
a_waiting_writer_is_woken_by_the_end(void **state)
{
    struct writer writer = {.proposals = proposals_new(0), .in_order = true};
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, take_all, &writer), 0);
    proposals_stop(writer.proposals);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(writer.batches, 0);
    proposals_free(&writer.proposals);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_together_stays_together),
        cmocka_unit_test(what_gathers_is_one_batch),
        cmocka_unit_test(a_batch_has_its_limits),
        cmocka_unit_test(stopping_leaves_nothing_behind),
        cmocka_unit_test(each_command_arrives_once_and_in_order),
        cmocka_unit_test(a_waiting_writer_is_woken_by_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
