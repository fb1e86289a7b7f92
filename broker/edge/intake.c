// SPDX-License-Identifier: EUPL-1.2
#include "edge/intake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 1 << 18 }; // stays in the second cache

_Static_assert((unsigned)PIECE >= (unsigned)INTAKE_TAKE_MAX, "one piece holds it");

struct intake {
    int fd;
    size_t at; // of the bytes below, those taken
    size_t len;
    _Alignas(8) uint8_t bytes[PIECE];
};

enum vg_status
intake_open(const char *path, struct intake **ret_intake, struct why *why)
{
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return fail(why, VG_BAD_FILE, "cannot open it: %s", strerror(errno));
    }
    *ret_intake = xcalloc(1, sizeof **ret_intake);
    (*ret_intake)->fd = fd;
    return VG_OK;
}

void
intake_close(struct intake **intake)
{
    if (*intake != NULL && (*intake)->fd != STDIN_FILENO) {
        close((*intake)->fd);
    }
    free(*intake);
    *intake = NULL;
}

// What is left goes to the front, and as much as there is comes behind it.
static enum vg_status
refill(struct intake *intake, struct why *why)
{
    ssize_t got;

    memmove(intake->bytes, intake->bytes + intake->at, intake->len - intake->at);
    intake->len -= intake->at;
    intake->at = 0;
    do {
        got = read(intake->fd, intake->bytes + intake->len, PIECE - intake->len);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return fail(why, VG_BAD_FILE, "reading failed: %s", strerror(errno));
    }
    intake->len += (size_t)got;
    return got > 0 ? VG_OK : VG_NOT_FOUND;
}

enum vg_status
intake_take(struct intake *intake, size_t len, const void **ret_at, struct why *why)
{
    CHECK(len <= INTAKE_TAKE_MAX);
    while (intake->len - intake->at < len) {
        enum vg_status status = refill(intake, why);

        if (status != VG_OK) {
            return status;
        }
    }
    *ret_at = intake->bytes + intake->at;
    intake->at += len;
    return VG_OK;
}
