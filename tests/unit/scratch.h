// SPDX-License-Identifier: EUPL-1.2
// scratch.h - a fresh folder for one test, gone afterwards with what lies in it.
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/base.h"

enum { SCRATCH_ROOM = 1 << 30 }; // for all that a run of the tests leaves at once

struct scratch {
    char path[96];
};

// scratch_parent is TMPDIR, else memory where there is room, else /tmp. Whether a disk has
// what a sync said is not asked here: tests/power does.
static inline const char *
scratch_parent(void)
{
    const char *told = getenv("TMPDIR");
    struct statvfs memory;

    if (told != NULL) {
        return told;
    }
    return statvfs("/dev/shm", &memory) == 0 && access("/dev/shm", W_OK) == 0 &&
                   memory.f_bavail >= SCRATCH_ROOM / memory.f_frsize
               ? "/dev/shm"
               : "/tmp";
}

// scratch_folder makes a fresh one and gives its path.
static inline void
scratch_folder(char *ret_path, size_t size)
{
    int len = snprintf(ret_path, size, "%s/vigie-test-XXXXXX", scratch_parent());

    CHECK(len > 0 && (size_t)len < size && mkdtemp(ret_path) != NULL);
}

static inline struct scratch
scratch_make(void)
{
    struct scratch scratch;

    scratch_folder(scratch.path, sizeof scratch.path);
    return scratch;
}

// scratch_file gives the path of a file in it.
static inline const char *
scratch_file(const struct scratch *scratch, const char *name, char ret_path[128])
{
    snprintf(ret_path, 128, "%s/%s", scratch->path, name);
    return ret_path;
}

static inline int
scratch_erase(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline void
scratch_end(struct scratch *scratch)
{
    nftw(scratch->path, scratch_erase, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
