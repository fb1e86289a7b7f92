// SPDX-License-Identifier: EUPL-1.2
// thread.h - a thread of ours beside the event loop.
#ifndef EDGE_THREAD_H
#define EDGE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

typedef void *(*thread_fn)(void *arg);

// thread_start starts one with all signals blocked, for they are the loop's business, but
// SIGSYS: a call that is not allowed (edge/confine.h). name: at most 15 bytes, for whoever
// looks at the process. Gives: pthread_join. False when the system has none.
// Thread: the loop's, before the process gives up what serving does not need.
bool thread_start(pthread_t *ret_thread, const char *name, thread_fn run, void *arg);

#endif
