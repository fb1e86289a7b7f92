// SPDX-License-Identifier: EUPL-1.2
// lists.h - lists of integrations: read from a file of the institution's own software, put into
// one order, summed and compared.
//
// A file is JSON lines, {"niss":"66641066692","quality":"030","begin":"2026-11-20",
// "end":"2027-11-19"}, or CSV. CSV begins with a line that names the columns niss, quality, begin
// and end, in any order, beside others that are passed over; fields are parted by commas,
// semicolons or tabs. Quotes around a field go. Without an end, or with an empty one, it is for ever.
// At the general level there is no quality.
#ifndef CLI_LISTS_H
#define CLI_LISTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "digest/digest.h"

struct list {
    struct digest_line *rows;
    size_t len;
    size_t size;
};

// What of a file counts.
struct list_filter {
    bool general;     // the general level: one period for each person, from first to last
    uint32_t quality; // 0: all
    uint32_t since;   // yyyymmdd: without those that ended before
};

// Called for each line that cannot be read; the words name the member, its value and no person.
typedef void (*list_fault_fn)(uint64_t line, const char *words, void *arg);

// list_read adds a whole file to a list. False when a line was bad, or there is none: all have
// been told; and when it cannot be read: ferror, errno.
bool list_read(FILE *file, const struct list_filter *filter, struct list *list,
               list_fault_fn fault, void *arg);
void list_add(struct list *list, const struct digest_line *row);
void list_free(struct list *list);

// list_order puts rows in order of person, quality and days, and makes one of those of a person
// and quality that share or touch a day, as the directory does. Then it leaves out what the
// filter does not want.
void list_order(struct list *list, const struct list_filter *filter);

// list_until gives the index of the first row at or after `from` of a person with a number above
// `through`.
size_t list_until(const struct list *list, size_t from, uint64_t through);
struct digest list_digest(const struct digest_line *rows, size_t len);

// How two ordered lists differ: a row that only one of them has, or two of the same person and
// quality with other days, in order.
enum list_difference { ONLY_IN_FILE = 1, ONLY_IN_DIRECTORY = 2, OTHER_DATES = 4 };

// file, directory: NULL where it has none.
typedef void (*list_difference_fn)(enum list_difference difference,
                                   const struct digest_line *file,
                                   const struct digest_line *directory, void *arg);
void list_compare(const struct digest_line *file, size_t file_len,
                  const struct digest_line *directory, size_t directory_len,
                  list_difference_fn each, void *arg);

#endif
