// SPDX-License-Identifier: EUPL-1.2
#include "edge/ready.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define READY_NAME "vigied.ready"

enum { PATH_LEN_MAX = 512 };

static void
path_of(const char *run_dir, const char *suffix, char ret_path[PATH_LEN_MAX])
{
    snprintf(ret_path, PATH_LEN_MAX, "%s/" READY_NAME "%s", run_dir, suffix);
}

enum vg_status
ready_write(const char *run_dir, const struct ready *ready, struct why *why)
{
    char path[PATH_LEN_MAX];
    char unfinished[PATH_LEN_MAX];
    FILE *file;
    bool written;

    if (run_dir[0] == 0) {
        return VG_OK;
    }
    path_of(run_dir, "", path);
    path_of(run_dir, ".tmp", unfinished);
    file = fopen(unfinished, "we");
    if (file == NULL) {
        return fail(why, VG_BAD_FILE, "cannot write %s: %s", unfinished, strerror(errno));
    }
    written = fprintf(file, "pid: %ld\npublic: %s\nsources: %s\nmembers: %s\nhttp: %s\n",
                      (long)getpid(), ready->broker_public, ready->sources,
                      ready->members, ready->http) > 0;
    if (fclose(file) != 0 || !written || rename(unfinished, path) != 0) {
        return fail(why, VG_BAD_FILE, "cannot write %s: %s", path, strerror(errno));
    }
    return VG_OK;
}

void
ready_remove(const char *run_dir)
{
    char path[PATH_LEN_MAX];

    if (run_dir[0] != 0) {
        path_of(run_dir, "", path);
        (void)unlink(path);
    }
}
