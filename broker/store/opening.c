// SPDX-License-Identifier: EUPL-1.2
#include "store/opening.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { META_PAGES = 2 };

enum vg_status
opening_settle(int file, size_t page_bytes, struct why *why)
{
    size_t len = META_PAGES * page_bytes;
    uint8_t *pages = xcalloc(1, len);
    bool done;

    errno = EIO; // when less than all was read or written
    done = pread(file, pages, len, 0) == (ssize_t)len &&
           pwrite(file, pages, len, 0) == (ssize_t)len && fdatasync(file) == 0;
    free(pages);
    return done ? VG_OK : fail(why, VG_BAD_FILE, "data.mdb: %s", strerror(errno));
}

enum vg_status
opening_sync_folders(int folder, struct why *why)
{
    int parent = openat(folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    // Who may not list the parent did not make a folder in it.
    bool done = parent >= 0 ? fsync(parent) == 0 : errno == EACCES;

    done = done && fsync(folder) == 0;

    enum vg_status status =
        done ? VG_OK : fail(why, VG_BAD_FILE, "folder: %s", strerror(errno));

    if (parent >= 0) {
        close(parent);
    }
    return status;
}
