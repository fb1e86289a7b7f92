// SPDX-License-Identifier: EUPL-1.2
// scratch.h - a fresh folder for one test, gone afterwards with what lies in it.
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"

struct scratch {
    char path[64];
};

static inline struct scratch
scratch_make(void)
{
    struct scratch scratch = {"/tmp/vigie-test-XXXXXX"};

    CHECK(mkdtemp(scratch.path) != NULL);
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
