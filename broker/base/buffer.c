// SPDX-License-Identifier: EUPL-1.2
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_FIRST = 256 };

uint8_t *
buffer_reserve(struct buffer *buffer, size_t len)
{
    CHECK(len <= SIZE_MAX / 2 - buffer->len);

    size_t wanted = buffer->len + len;

    if (buffer->at == NULL || wanted > buffer->size) {
        // Doubling keeps the cost of adding one byte constant.
        size_t size = buffer->size < SIZE_FIRST ? SIZE_FIRST : buffer->size;

        while (size < wanted) {
            size *= 2;
        }
        buffer->at = realloc(buffer->at, size);
        CHECK(buffer->at != NULL);
        buffer->size = size;
    }
    return buffer->at + buffer->len;
}

size_t
buffer_add(struct buffer *buffer, const void *bytes, size_t len)
{
    size_t begin = buffer->len;
    uint8_t *at = buffer_reserve(buffer, len);

    if (len > 0) {
        memcpy(at, bytes, len);
        buffer->len += len;
    }
    return begin;
}

void
buffer_print(struct buffer *buffer, const char *format, ...)
{
    va_list words;

    va_start(words, format);
    int len = vsnprintf(NULL, 0, format, words);
    va_end(words);
    CHECK(len >= 0);

    // vsnprintf writes a zero after the text: room for it, but it is not counted.
    size_t size = (size_t)len + 1;
    uint8_t *at = buffer_reserve(buffer, size);

    va_start(words, format);
    vsnprintf((char *)at, size, format, words);
    va_end(words);
    buffer->len += (size_t)len;
}

void
buffer_clear(struct buffer *buffer)
{
    buffer->len = 0;
}

void
buffer_free(struct buffer *buffer)
{
    free(buffer->at);
    *buffer = (struct buffer){0};
}
