// SPDX-License-Identifier: EUPL-1.2
// proposals.h - the queue between the event loop and the writer, with group commit.
//
// While one batch commits, commands gather; then they are the next batch. There is no
// timer: alone, a command pays one sync; under load batches grow by themselves. The three
// verbs are all the writer knows, so that a replicated log can stand here one day.
#ifndef FLOW_PROPOSALS_H
#define FLOW_PROPOSALS_H

#include "flow/apply.h"

enum { BATCH_COMMANDS_MAX = 4096, BATCH_BYTES_MAX = 4 << 20 };

struct proposals;

// proposals_new counts batches on from last_batch. Gives: proposals_free, which frees the
// commands still queued; nobody may wait in proposals_next then.
struct proposals *proposals_new(uint64_t last_batch);
void proposals_free(struct proposals **proposals);

// proposals_propose queues a command and those that are its `next`: a batch that has room
// for them has them all. Takes: commands. Thread: event loop.
void proposals_propose(struct proposals *proposals, struct command **commands);

// proposals_next waits for the next batch; NULL after proposals_stop when all is applied.
// The caller fills in time and switches. Gives: the batch. Thread: writer. Blocks: yes.
struct batch *proposals_next(struct proposals *proposals);

// proposals_idle: nothing waits and nobody has stopped it, so proposals_next would wait.
bool proposals_idle(struct proposals *proposals); // any thread

// proposals_trim says that batches up to this one are durable. Thread: writer.
void proposals_trim(struct proposals *proposals, uint64_t batch);

// proposals_stop lets proposals_next end after what is queued. Thread: any.
void proposals_stop(struct proposals *proposals);

struct proposals_load {
    size_t commands; // queued, not yet in a batch
    size_t bytes;
};
struct proposals_load proposals_load(struct proposals *proposals); // any thread

#endif
