// SPDX-License-Identifier: EUPL-1.2
#include "edge/thread.h"

#include <signal.h>

bool
thread_start(pthread_t *ret_thread, const char *name, thread_fn run, void *arg)
{
    sigset_t all;
    sigset_t before;
    bool started;

    sigfillset(&all);
    sigdelset(&all, SIGSYS);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    started = pthread_create(ret_thread, NULL, run, arg) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started) {
        (void)pthread_setname_np(*ret_thread, name);
    }
    return started;
}
