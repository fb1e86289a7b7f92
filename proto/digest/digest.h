// SPDX-License-Identifier: EUPL-1.2
// digest.h - a set of integrations in two numbers: how many, and a sum that two lists share
// when they hold the same, in whatever order they were read.
//
// Each integration is a line of 33 bytes, "66641066692 030 20261120 20271119": person number,
// quality, first and last day (99991231: for ever; quality 000: the general level, which
// knows none). The line's hash is BLAKE2b of 16 bytes, without a key and without an end of
// line, read as a number whose first byte counts least. The digest is the sum of these
// numbers modulo 2^128. In Python:
//
//   sum(int.from_bytes(hashlib.blake2b(line, digest_size=16).digest(), "little")
//       for line in lines) % 2**128
//
// Why a sum: addition does not ask for an order, so that a directory in order of persons and
// a file in order of entry give the same; digests of parts add up to that of the whole.
// Exclusive or would do as well, but a line that stands twice would vanish. Hashes are spread
// evenly, so two lists that differ by mistake agree with a chance of 2^-128.
//
// What it is not for. Whoever may choose integrations can find sets with equal sums with some
// work (generalised birthdays): it finds mistakes, it proves nothing against its
// maker. And nothing hides behind it: who knows that a list has one line may try all person
// numbers. So a digest goes to those who may see the list, and never into a log.
#ifndef DIGEST_DIGEST_H
#define DIGEST_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGEST_BYTES = 16, DIGEST_TEXT_LEN = 2 * DIGEST_BYTES + 1, DIGEST_LINE_LEN = 33 };

struct digest {
    uint64_t count;
    uint64_t low; // of the sum
    uint64_t high;
};

struct digest_line {
    uint64_t niss;
    uint32_t quality;
    uint32_t begin; // yyyymmdd
    uint32_t end;   // yyyymmdd, 99991231: for ever
};

// digest_add adds one integration. Faster after sodium_init.
void digest_add(struct digest *digest, const struct digest_line *line);
// digest_join adds another set.
void digest_join(struct digest *digest, const struct digest *other);
bool digest_is_equal(const struct digest *a, const struct digest *b);

// The sum as bytes, the first counts least, and as hexadecimal digits of these bytes.
void digest_bytes(const struct digest *digest, uint8_t ret[DIGEST_BYTES]);
void digest_from_bytes(uint64_t count, const uint8_t bytes[DIGEST_BYTES],
                       struct digest *ret);
void digest_print(const struct digest *digest, char ret_text[DIGEST_TEXT_LEN]);

#endif
