// SPDX-License-Identifier: EUPL-1.2
// writer.h - the thread that applies commands; the only one that writes to the store.
//
// It takes a batch, gives it the time, applies it and hands it back; then the loop answers.
// When the outcome of a commit is not known it stops for good and says so: nobody is
// answered any more, and the process must end.
#ifndef EDGE_WRITER_H
#define EDGE_WRITER_H

#include "flow/proposals.h"
#include "store/ahead.h"

struct writer;

struct writer_options {
    struct applier *applier;
    struct proposals *proposals;
    bool test_persons;        // fictitious person numbers are accepted
    struct retry_rule retry;  // of refused letters
    struct store *store;      // extended while nothing is to do, NULL: never
    struct store_ahead ahead; // how far
};

// writer_start begins the thread. Keeps: applier, proposals, store. Gives: writer_stop.
NODISCARD enum vg_status writer_start(const struct writer_options *options,
                                      struct writer **ret_writer, struct why *why);

// writer_stop lets it apply what is queued and waits for it. What nobody took is freed.
// Blocks: yes.
void writer_stop(struct writer **writer);

// writer_fd is readable when a batch has come back or the thread has failed.
int writer_fd(const struct writer *writer);

// writer_take gives the oldest batch that came back, NULL when there is none.
// Durable: everything its answers say. Gives: batch_free. Thread: event loop.
struct batch *writer_take(struct writer *writer);

// writer_status is VG_OK until the thread has failed. Thread: event loop.
enum vg_status writer_status(struct writer *writer, struct why *why);

// writer_busy_ms says for how long the batch at work has been at work, its commit included;
// 0: there is none. Thread: any.
uint64_t writer_busy_ms(const struct writer *writer);

// writer_set_no_room tells coming batches whether the store is at its quota. Thread: any.
void writer_set_no_room(struct writer *writer, bool no_room);
// writer_set_crowded tells them whether too many letters wait. Thread: any.
void writer_set_crowded(struct writer *writer, bool crowded);

#endif
