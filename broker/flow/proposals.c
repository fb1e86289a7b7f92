// SPDX-License-Identifier: EUPL-1.2
#include "flow/proposals.h"

#include <pthread.h>
#include <stdlib.h>

struct proposals {
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    struct command *first;
    struct command *last;
    size_t commands;
    size_t bytes;
    uint64_t last_batch;
    bool stopped;
};

struct proposals *
proposals_new(uint64_t last_batch)
{
    struct proposals *proposals = xcalloc(1, sizeof *proposals);

    CHECK(pthread_mutex_init(&proposals->lock, NULL) == 0);
    CHECK(pthread_cond_init(&proposals->arrived, NULL) == 0);
    proposals->last_batch = last_batch;
    return proposals;
}

void
proposals_free(struct proposals **proposals)
{
    if (*proposals == NULL) {
        return;
    }

    struct command *command = (*proposals)->first;

    while (command != NULL) {
        struct command *next = command->next;

        command_free(&command);
        command = next;
    }
    pthread_cond_destroy(&(*proposals)->arrived);
    pthread_mutex_destroy(&(*proposals)->lock);
    free(*proposals);
    *proposals = NULL;
}

void
proposals_propose(struct proposals *proposals, struct command **commands)
{
    struct command *command = *commands;

    *commands = NULL;
    pthread_mutex_lock(&proposals->lock);
    if (proposals->last == NULL) {
        proposals->first = command;
    } else {
        proposals->last->next = command;
    }
    for (; command != NULL; command = command->next) {
        proposals->last = command;
        proposals->commands++;
        proposals->bytes += command->frame.len;
    }
    pthread_cond_signal(&proposals->arrived);
    pthread_mutex_unlock(&proposals->lock);
}

// At least one command, and then as many as fit.
static void
fill_batch(struct proposals *proposals, struct batch *batch)
{
    while (proposals->first != NULL && batch->len < BATCH_COMMANDS_MAX &&
           (batch->len == 0 ||
            batch->bytes + proposals->first->frame.len <= BATCH_BYTES_MAX)) {
        struct command *command = proposals->first;

        proposals->first = command->next;
        if (proposals->first == NULL) {
            proposals->last = NULL;
        }
        proposals->commands--;
        proposals->bytes -= command->frame.len;
        batch_add(batch, command);
    }
}

struct batch *
proposals_next(struct proposals *proposals)
{
    struct batch *batch = NULL;

    pthread_mutex_lock(&proposals->lock);
    while (proposals->first == NULL && !proposals->stopped) {
        pthread_cond_wait(&proposals->arrived, &proposals->lock);
    }
    if (proposals->first != NULL) {
        batch = xcalloc(1, sizeof *batch);
        batch->id = ++proposals->last_batch;
        fill_batch(proposals, batch);
    }
    pthread_mutex_unlock(&proposals->lock);
    return batch;
}

bool
proposals_idle(struct proposals *proposals)
{
    pthread_mutex_lock(&proposals->lock);

    bool idle = proposals->first == NULL && !proposals->stopped;

    pthread_mutex_unlock(&proposals->lock);
    return idle;
}

void
proposals_trim(struct proposals *proposals, uint64_t batch)
{
    // The local queue forgets a batch when it hands it out: the LMDB commit is the
    // durability. A replicated log would erase what comes before this one.
    (void)proposals;
    (void)batch;
}

void
proposals_stop(struct proposals *proposals)
{
    pthread_mutex_lock(&proposals->lock);
    proposals->stopped = true;
    pthread_cond_signal(&proposals->arrived);
    pthread_mutex_unlock(&proposals->lock);
}

struct proposals_load
proposals_load(struct proposals *proposals)
{
    struct proposals_load load;

    pthread_mutex_lock(&proposals->lock);
    load.commands = proposals->commands;
    load.bytes = proposals->bytes;
    pthread_mutex_unlock(&proposals->lock);
    return load;
}
