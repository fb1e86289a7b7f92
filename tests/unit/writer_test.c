// SPDX-License-Identifier: EUPL-1.2
// Goal: a batch comes back after it is on disk, in order; after a commit of unknown outcome
// nothing comes back any more.
// Method: a real store in a fresh folder; its file is made unwritable under the writer.
#include "edge/writer.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "edge/catalogue_file.h"
#include "edge/clock.h"
#include "scratch.h"

enum { COMMANDS = 500, PATIENCE_MS = 20000, AHEAD = 8 << 20 };

struct world {
    struct scratch scratch;
    struct store *store;
    struct applier *applier;
    struct proposals *proposals;
    struct writer *writer;
};

static int
open_world(void **state)
{
    struct world *world = xcalloc(1, sizeof *world);
    struct store_options options = {.map_bytes = 64 << 20, .create = true};
    struct writer_options writer = {.test_persons = true};

    world->scratch = scratch_make();
    options.path = world->scratch.path;
    assert_int_equal(store_open(&options, &world->store, NULL), VG_OK);
    assert_int_equal(applier_open(world->store, &world->applier, NULL), VG_OK);
    world->proposals = proposals_new(0);
    writer.applier = world->applier;
    writer.proposals = world->proposals;
    assert_int_equal(writer_start(&writer, &world->writer, NULL), VG_OK);
    *state = world;
    return 0;
}

static int
close_world(void **state)
{
    struct world *world = *state;

    writer_stop(&world->writer);
    proposals_free(&world->proposals);
    applier_close(&world->applier);
    store_close(&world->store);
    scratch_end(&world->scratch);
    free(world);
    return 0;
}

// A command that writes: the catalogue becomes its next version.
static struct command *
load_catalogue(void)
{
    AUTO(buffer_free) struct buffer text = {0};
    struct command *command;

    assert_int_equal(
        catalogue_file_read(SOURCE_DIR "/deploy/catalogue.yaml", &text, NULL), VG_OK);
    command = command_new(COMMAND_LOAD_CATALOGUE, text.at, text.len);
    command->load_catalogue.text = (struct bytes){command->frame.at, command->frame.len};
    return command;
}

static void
ask_number(struct world *world, uint32_t producer)
{
    struct command *command = command_new(COMMAND_LAST_NUMBER, NULL, 0);

    command->last_number.producer = producer;
    proposals_propose(world->proposals, &command);
}

static bool
wait_for_news(struct world *world)
{
    struct pollfd news = {.fd = writer_fd(world->writer), .events = POLLIN};

    return poll(&news, 1, PATIENCE_MS) == 1;
}

static struct batch *
take_batch(struct world *world)
{
    struct batch *batch;

    while ((batch = writer_take(world->writer)) == NULL) {
        assert_true(wait_for_news(world));
        assert_int_equal(writer_status(world->writer, NULL), VG_OK);
    }
    return batch;
}

static void
hands_back_every_command_once_and_in_order(void **state)
{
    struct world *world = *state;
    uint32_t next = 0;
    uint64_t last_batch = 0;

    for (uint32_t i = 0; i < COMMANDS; i++) {
        ask_number(world, i);
    }
    while (next < COMMANDS) {
        struct batch *batch = take_batch(world);

        assert_true(batch->id > last_batch);
        assert_true(batch->time.us > 0);
        assert_true(batch->test_persons);
        last_batch = batch->id;
        for (const struct command *command = batch->first; command != NULL;
             command = command->next) {
            assert_int_equal(command->last_number.producer, next++);
        }
        batch_free(&batch);
    }
    assert_null(writer_take(world->writer));
}

static void
what_comes_back_is_on_disk(void **state)
{
    struct world *world = *state;
    struct command *command = load_catalogue();
    struct batch *batch;
    struct txn *txn = NULL;
    struct meta meta;

    proposals_propose(world->proposals, &command);
    assert_null(command);
    batch = take_batch(world);
    assert_int_equal(batch->first->status, VG_OK);
    assert_int_equal(batch->commit, 1);
    assert_true(batch->count.commit_us > 0);
    assert_int_equal(store_read(world->store, &txn, NULL), VG_OK);
    assert_int_equal(meta_get(txn, &meta, NULL), VG_OK);
    assert_int_equal(meta.last_commit, batch->commit);
    assert_int_equal(meta.last_batch, batch->id);
    assert_int_equal(meta.catalogue, batch->first->load_catalogue.version);
    store_abort(&txn);
    batch_free(&batch);
}

static void
tells_batches_that_there_is_no_room(void **state)
{
    struct world *world = *state;
    struct batch *batch;

    writer_set_no_room(world->writer, true);
    ask_number(world, 1);
    batch = take_batch(world);
    assert_true(batch->no_room);
    batch_free(&batch);
    writer_set_no_room(world->writer, false);
    ask_number(world, 1);
    batch = take_batch(world);
    assert_false(batch->no_room);
    batch_free(&batch);
}

static void
finishes_what_is_queued_when_it_is_stopped(void **state)
{
    struct world *world = *state;
    struct command *command = load_catalogue();
    struct txn *txn = NULL;
    struct meta meta;

    proposals_propose(world->proposals, &command);
    writer_stop(&world->writer); // nobody took the answer
    assert_null(world->writer);
    assert_int_equal(store_read(world->store, &txn, NULL), VG_OK);
    assert_int_equal(meta_get(txn, &meta, NULL), VG_OK);
    assert_int_equal(meta.catalogue, 1);
    store_abort(&txn);
}

// Answers come as before, and after them the file has its room.
static void
extends_the_store_while_nothing_is_to_do(void **state)
{
    struct world *world = *state;
    struct writer_options options = {
        .applier = world->applier, .store = world->store, .ahead = {.bytes = AHEAD}};
    struct store_room room = {0};

    writer_stop(&world->writer);
    proposals_free(&world->proposals);
    world->proposals = proposals_new(0);
    options.proposals = world->proposals;
    assert_int_equal(writer_start(&options, &world->writer, NULL), VG_OK);
    for (uint32_t i = 0; room.file_bytes < AHEAD; i++) {
        struct batch *batch;

        assert_in_range(i, 0, COMMANDS * COMMANDS);
        ask_number(world, i);
        batch = take_batch(world);
        assert_int_equal(batch->first->last_number.producer, i);
        batch_free(&batch);
        assert_int_equal(store_room(world->store, &room), VG_OK);
    }
}

// A file that may not grow makes the commit's write fail, as a broken disk does.
static void
answers_nobody_after_a_commit_of_unknown_outcome(void **state)
{
    struct world *world = *state;
    struct command *command = load_catalogue();
    struct rlimit before;
    struct rlimit tiny;
    struct why why = {0};

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tiny = before;
    tiny.rlim_cur = 4096;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
    proposals_propose(world->proposals, &command);
    while (writer_status(world->writer, &why) == VG_OK) {
        assert_true(wait_for_news(world));
        assert_null(writer_take(world->writer));
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(writer_status(world->writer, &why), VG_UNKNOWN);
    assert_true(why.text[0] != 0);

    ask_number(world, 1); // though the disk is well again
    writer_stop(&world->writer);
    assert_int_equal(proposals_load(world->proposals).commands, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
        IN_A_WORLD(hands_back_every_command_once_and_in_order),
        IN_A_WORLD(what_comes_back_is_on_disk),
        IN_A_WORLD(tells_batches_that_there_is_no_room),
        IN_A_WORLD(finishes_what_is_queued_when_it_is_stopped),
        IN_A_WORLD(extends_the_store_while_nothing_is_to_do),
        IN_A_WORLD(answers_nobody_after_a_commit_of_unknown_outcome),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
