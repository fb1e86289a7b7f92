// SPDX-License-Identifier: EUPL-1.2
// usage.h - what a process has used, thread by thread, as the system counts it.
#ifndef CLI_USAGE_H
#define CLI_USAGE_H

#include <stddef.h>
#include <sys/types.h>

enum { USAGE_THREADS_MAX = 16 };

struct usage_thread {
    char name[16];
    double cpu_s;
};

// Threads of one name are added up.
struct usage {
    double cpu_s;
    size_t len;
    struct usage_thread threads[USAGE_THREADS_MAX];
};

// usage_read reads a process's; all zero when there is none of this number.
void usage_read(pid_t pid, struct usage *ret);
// usage_since takes what was used before away from what is used now.
void usage_since(struct usage *now, const struct usage *before);

#endif
