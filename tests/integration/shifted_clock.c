// SPDX-License-Identifier: EUPL-1.2
// shifted_clock.c - preloaded into a broker: its calendar is SHIFT_DAYS ahead of the world's.
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int
clock_gettime(clockid_t clock, struct timespec *ret)
{
    static int (*call)(clockid_t, struct timespec *);
    const char *days = getenv("SHIFT_DAYS");
    int status;

    if (call == NULL) {
        *(void **)&call = dlsym(RTLD_NEXT, "clock_gettime");
    }
    status = call(clock, ret);
    if (status == 0 && clock == CLOCK_REALTIME && days != NULL) {
        ret->tv_sec += atoi(days) * 86400L;
    }
    return status;
}
