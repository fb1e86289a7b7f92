// SPDX-License-Identifier: EUPL-1.2
#include "context.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <zmq.h>

enum { SOCKETS_MAX = 16384 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *context;
static unsigned users;

void *
vg_context_take(void)
{
    void *taken;

    (void)pthread_mutex_lock(&lock);
    if (users == 0) {
        context = zmq_ctx_new();
        if (context != NULL) {
            // Otherwise 1,023; a program may hold thousands of connections.
            (void)zmq_ctx_set(context, ZMQ_MAX_SOCKETS, SOCKETS_MAX);
        }
    }
    if (context != NULL) {
        users++;
    }
    taken = context;
    (void)pthread_mutex_unlock(&lock);
    return taken;
}

void
vg_context_return(void)
{
    void *ended = NULL;

    (void)pthread_mutex_lock(&lock);
    if (--users == 0) {
        ended = context;
        context = NULL;
    }
    (void)pthread_mutex_unlock(&lock);
    // Outside the lock: it may wait for lingering frames.
    while (ended != NULL && zmq_ctx_term(ended) != 0 && errno == EINTR) {
    }
}
