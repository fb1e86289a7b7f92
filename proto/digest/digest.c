// SPDX-License-Identifier: EUPL-1.2
#include "digest/digest.h"

#include <sodium.h>

enum { NISS_DIGITS = 11, QUALITY_DIGITS = 3, DAY_DIGITS = 8 };

// Writes the last digits of a number, and gives the place behind them.
static char *
write_digits(char *at, uint64_t number, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return at + digits;
}

static void
write_line(const struct digest_line *line, char ret[DIGEST_LINE_LEN])
{
    char *at = write_digits(ret, line->niss, NISS_DIGITS);

    *at++ = ' ';
    at = write_digits(at, line->quality, QUALITY_DIGITS);
    *at++ = ' ';
    at = write_digits(at, line->begin, DAY_DIGITS);
    *at++ = ' ';
    (void)write_digits(at, line->end, DAY_DIGITS);
}

static uint64_t
read_number(const uint8_t *bytes)
{
    uint64_t number = 0;

    for (int i = 7; i >= 0; i--) {
        number = number << 8 | bytes[i];
    }
    return number;
}

static void
write_number(uint64_t number, uint8_t *ret)
{
    for (int i = 0; i < 8; i++) {
        ret[i] = (uint8_t)(number >> 8 * i);
    }
}

void
digest_from_bytes(uint64_t count, const uint8_t bytes[DIGEST_BYTES], struct digest *ret)
{
    *ret = (struct digest){count, read_number(bytes), read_number(bytes + 8)};
}

void
digest_join(struct digest *digest, const struct digest *other)
{
    digest->count += other->count;
    digest->low += other->low;
    digest->high += other->high + (digest->low < other->low); // the carry
}

void
digest_add(struct digest *digest, const struct digest_line *line)
{
    char text[DIGEST_LINE_LEN];
    uint8_t hash[DIGEST_BYTES];
    struct digest one;

    write_line(line, text);
    // Fails only for lengths outside its limits, and ours are fixed.
    (void)crypto_generichash(hash, sizeof hash, (const uint8_t *)text, sizeof text, NULL,
                             0);
    digest_from_bytes(1, hash, &one);
    digest_join(digest, &one);
}

bool
digest_is_equal(const struct digest *a, const struct digest *b)
{
    return a->count == b->count && a->low == b->low && a->high == b->high;
}

void
digest_bytes(const struct digest *digest, uint8_t ret[DIGEST_BYTES])
{
    write_number(digest->low, ret);
    write_number(digest->high, ret + 8);
}

void
digest_print(const struct digest *digest, char ret_text[DIGEST_TEXT_LEN])
{
    uint8_t bytes[DIGEST_BYTES];

    digest_bytes(digest, bytes);
    (void)sodium_bin2hex(ret_text, DIGEST_TEXT_LEN, bytes, sizeof bytes);
}
