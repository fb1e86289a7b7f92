// SPDX-License-Identifier: EUPL-1.2
// base.h - the few words that every file of the broker may use.
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vigie/status.h"

// The caller must look at the result.
#define NODISCARD __attribute__((warn_unused_result))

// AUTO(noun_free) before a pointer ends its life when the block ends.
#define AUTO(end) __attribute__((cleanup(end)))

#define PRINTF_LIKE(words, first) __attribute__((format(printf, words, first)))

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

// CHECK holds what only a bug of ours could break. It stays on in release builds.
#define CHECK(truth) ((truth) ? (void)0 : check_failed(#truth, __FILE__, __LINE__))

__attribute__((noreturn)) void check_failed(const char *truth, const char *file,
                                            int line);

// xcalloc gives zeroed memory or ends the process: for small things at start-up only.
void *xcalloc(size_t count, size_t size);

// A view of bytes that belong to somebody else.
struct bytes {
    const uint8_t *at;
    size_t len;
};

// bytes_equal compares with a C string.
bool bytes_equal(struct bytes bytes, const char *text);

// bytes_of views a C string without its zero.
struct bytes bytes_of(const char *text);

#endif
