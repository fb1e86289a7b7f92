// SPDX-License-Identifier: EUPL-1.2
#include "folder.h"

#include "base/base.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void
folder_make(char *ret_path, size_t size)
{
    const char *parent = getenv("TMPDIR");

    if (parent == NULL) {
        parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    }
    snprintf(ret_path, size, "%s/simulation-XXXXXX", parent);
    CHECK(mkdtemp(ret_path) != NULL);
}

void
folder_remove(const char *path)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "vigie.lock"};
    char file[128];

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(file, sizeof file, "%s/%s", path, files[i]);
        unlink(file);
    }
    CHECK(rmdir(path) == 0);
}

static void
copy_file(const char *from, const char *to)
{
    static char bytes[1 << 16];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ssize_t len;

    CHECK(in >= 0 && out >= 0);
    while ((len = read(in, bytes, sizeof bytes)) > 0) {
        CHECK(write(out, bytes, (size_t)len) == len);
    }
    close(in);
    close(out);
}

void
folder_copy_store(const char *from, const char *to)
{
    char file[128], copy[128];

    snprintf(file, sizeof file, "%s/data.mdb", from);
    snprintf(copy, sizeof copy, "%s/data.mdb", to);
    copy_file(file, copy);
}
