// SPDX-License-Identifier: EUPL-1.2
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
check_failed(const char *truth, const char *file, int line)
{
    fprintf(stderr, "%s:%d: this must hold and does not: %s\n", file, line, truth);
    fflush(stderr);
    abort();
}

void *
xcalloc(size_t count, size_t size)
{
    // calloc may answer NULL for nothing, which is no lack of memory.
    bool nothing = count == 0 || size == 0;
    void *memory = nothing ? calloc(1, 1) : calloc(count, size);

    CHECK(memory != NULL);
    return memory;
}

bool
bytes_equal(struct bytes bytes, const char *text)
{
    size_t len = strlen(text);

    return bytes.len == len && (len == 0 || memcmp(bytes.at, text, len) == 0);
}

struct bytes
bytes_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}
