// SPDX-License-Identifier: EUPL-1.2
// results.h - a file with one result per line of another file: what was done already, so
// that a run that was killed goes on where it ended.
//
// Lines of JSON. The first names the file that the results are of, by its length and
// checksum; each other one begins {"line":N,"result":"YES" (or NO, WARNING), N ascending.
// A result is written when its answer has come, thus after it lasts: a run that was killed
// may have done lines whose results are not here, and does them again. That is safe: an
// integration asked twice is one integration.
#ifndef CLI_RESULTS_H
#define CLI_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RESULTS_REASON_LEN = 320 };

// The file that the results are of.
struct results_source {
    const char *name;
    uint64_t bytes;
    uint64_t lines;
    uint64_t checksum; // FNV-1a, not against an adversary
};

struct results;

// results_measure reads a whole file. False with errno.
bool results_measure(const char *path, struct results_source *ret);

// results_open makes the file, or goes on with one that is there: what a crash left half
// written at its end goes. Gives: results_close. NULL with a reason: it cannot be written,
// another run has it open, it is of another file or no such file at all.
struct results *results_open(const char *path, const struct results_source *source,
                             char ret_reason[RESULTS_REASON_LEN]);

// Up to which line all were done when it was opened; how many results that was, and how
// many of them say NO.
uint64_t results_last_line(const struct results *results);
uint64_t results_len(const struct results *results);
uint64_t results_refused(const struct results *results);

// results_add appends one line, without its end; results_flush hands over what was added to
// the system, results_close to the disk. False with errno: it was not written.
bool results_add(struct results *results, const char *text);
bool results_flush(struct results *results);
bool results_close(struct results **results);

#endif
