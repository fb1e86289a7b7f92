// SPDX-License-Identifier: EUPL-1.2
#include "edge/writer.h"

#include "edge/clock.h"
#include "edge/thread.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct writer {
    struct writer_options options;
    pthread_t thread;
    bool running;
    int wake; // eventfd
    atomic_bool no_room;
    atomic_bool crowded;
    _Atomic int64_t began_ms; // the batch at work, 0: none
    pthread_mutex_t lock;     // for what follows
    struct batch **back;      // a queue of those that came back: first, len
    size_t first;
    size_t len;
    size_t size;
    enum vg_status status;
    struct why why;
};

static void
wake_loop(const struct writer *writer)
{
    uint64_t one = 1;

    // It only fails when the loop has four thousand million wake-ups before it.
    (void)!write(writer->wake, &one, sizeof one);
}

static void
hand_back(struct writer *writer, struct batch *batch)
{
    pthread_mutex_lock(&writer->lock);
    if (writer->first > 0 && writer->first == writer->len) {
        writer->first = writer->len = 0;
    }
    if (writer->len == writer->size) {
        writer->size = writer->size * 2 + 16;
        writer->back = realloc(writer->back, writer->size * sizeof *writer->back);
        CHECK(writer->back != NULL);
    }
    writer->back[writer->len++] = batch;
    pthread_mutex_unlock(&writer->lock);
    wake_loop(writer);
}

static void
give_up(struct writer *writer, enum vg_status status, const struct why *why)
{
    pthread_mutex_lock(&writer->lock);
    writer->status = status;
    writer->why = *why;
    pthread_mutex_unlock(&writer->lock);
    wake_loop(writer);
}

// Whoever comes in the meantime waits for one step.
static struct batch *
next_batch(const struct writer_options *options)
{
    while (options->store != NULL && proposals_idle(options->proposals) &&
           store_extend(options->store, &options->ahead)) {
    }
    return proposals_next(options->proposals);
}

static void *
run(void *arg)
{
    struct writer *writer = arg;
    struct batch *batch;

    while ((batch = next_batch(&writer->options)) != NULL) {
        struct why why = {0};
        int64_t began_us = clock_us();
        enum vg_status status;

        atomic_store(&writer->began_ms, began_us / 1000);
        batch->time = clock_now();
        batch->test_persons = writer->options.test_persons;
        batch->retry = writer->options.retry;
        batch->no_room = atomic_load(&writer->no_room);
        batch->crowded = atomic_load(&writer->crowded);
        status = apply_batch(writer->options.applier, batch, &why);
        atomic_store(&writer->began_ms, 0);
        if (status != VG_OK) {
            batch_free(&batch);
            give_up(writer, status, &why);
            break;
        }
        batch->count.commit_us = (uint64_t)(clock_us() - began_us);
        proposals_trim(writer->options.proposals, batch->id);
        hand_back(writer, batch);
    }
    return NULL;
}

enum vg_status
writer_start(const struct writer_options *options, struct writer **ret_writer,
             struct why *why)
{
    struct writer *writer = xcalloc(1, sizeof *writer);

    writer->options = *options;
    CHECK(pthread_mutex_init(&writer->lock, NULL) == 0);
    atomic_init(&writer->no_room, false);
    atomic_init(&writer->crowded, false);
    atomic_init(&writer->began_ms, 0);
    writer->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    writer->running =
        writer->wake >= 0 && thread_start(&writer->thread, "writer", run, writer);
    if (!writer->running) {
        writer_stop(&writer);
        return fail(why, VG_NO_MEMORY, "the system gives no thread for the writer");
    }
    *ret_writer = writer;
    return VG_OK;
}

void
writer_stop(struct writer **writer)
{
    struct batch *batch;

    if (*writer == NULL) {
        return;
    }
    if ((*writer)->running) {
        proposals_stop((*writer)->options.proposals);
        pthread_join((*writer)->thread, NULL);
    }
    while ((batch = writer_take(*writer)) != NULL) {
        batch_free(&batch);
    }
    if ((*writer)->wake >= 0) {
        close((*writer)->wake);
    }
    pthread_mutex_destroy(&(*writer)->lock);
    free((*writer)->back);
    free(*writer);
    *writer = NULL;
}

int
writer_fd(const struct writer *writer)
{
    return writer->wake;
}

struct batch *
writer_take(struct writer *writer)
{
    struct batch *batch = NULL;
    uint64_t wakes;

    // Emptied before looking: a batch that comes later wakes the loop again.
    (void)!read(writer->wake, &wakes, sizeof wakes);
    pthread_mutex_lock(&writer->lock);
    if (writer->first < writer->len) {
        batch = writer->back[writer->first++];
    }
    pthread_mutex_unlock(&writer->lock);
    return batch;
}

enum vg_status
writer_status(struct writer *writer, struct why *why)
{
    enum vg_status status;

    pthread_mutex_lock(&writer->lock);
    status = writer->status;
    if (status != VG_OK) {
        why_set(why, "%s", writer->why.text);
    }
    pthread_mutex_unlock(&writer->lock);
    return status;
}

uint64_t
writer_busy_ms(const struct writer *writer)
{
    int64_t began_ms = atomic_load(&writer->began_ms);

    return began_ms == 0 ? 0 : (uint64_t)(clock_ms() - began_ms);
}

void
writer_set_no_room(struct writer *writer, bool no_room)
{
    atomic_store(&writer->no_room, no_room);
}

void
writer_set_crowded(struct writer *writer, bool crowded)
{
    atomic_store(&writer->crowded, crowded);
}
