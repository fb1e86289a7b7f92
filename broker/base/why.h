// SPDX-License-Identifier: EUPL-1.2
// why.h - the reason of a failure, in words, and lists of them.
//
// A struct why lives on the caller's stack and is filled once, at the place that
// knows. NULL means nobody listens. No whole person number ever goes in: niss_mask().
#ifndef BASE_WHY_H
#define BASE_WHY_H

#include "base/base.h"

enum {
    WHY_TEXT_MAX = 160,
    FAULTS_MAX = 32, // more are counted, not kept
};

struct why {
    char text[WHY_TEXT_MAX];
};

// why_set writes the words, cut at the end if they are too long; NULL is allowed.
void why_set(struct why *why, const char *format, ...) PRINTF_LIKE(2, 3);

// fail writes the words and returns the status, so that a refusal is one line.
enum vg_status fail(struct why *why, enum vg_status status, const char *format, ...)
    PRINTF_LIKE(3, 4);

// One thing that is wrong with a request or a file.
struct fault {
    enum vg_status status;
    unsigned line; // of the file, 0 when there is none
    struct why why;
};

// All that is wrong with a request or a file, in the order found.
struct faults {
    size_t len;   // kept, at most FAULTS_MAX
    size_t total; // found
    struct fault fault[FAULTS_MAX];
};

// faults_add notes one more.
void faults_add(struct faults *faults, enum vg_status status, unsigned line,
                const char *format, ...) PRINTF_LIKE(4, 5);

// faults_first gives the status of the first, or VG_OK.
enum vg_status faults_first(const struct faults *faults);

#endif
