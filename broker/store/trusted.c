// SPDX-License-Identifier: EUPL-1.2
#include "store/trusted.h"

#include <stdlib.h>
#include <string.h>

enum { WORD_BITS = 64, WORDS = TRUSTED_BLOCKS / WORD_BITS };

static uint64_t *
word_of(const struct trusted *trusted, uint64_t number)
{
    return &trusted->bits[number % TRUSTED_BLOCKS / WORD_BITS];
}

static uint64_t
bit_of(uint64_t number)
{
    return UINT64_C(1) << number % WORD_BITS;
}

static bool
is_remembered(const struct trusted *trusted, uint64_t number)
{
    return trusted->bits != NULL && number <= trusted->newest &&
           trusted->newest - number < TRUSTED_BLOCKS;
}

// What a bit said of an older block it does not say of this one.
static void
move_to(struct trusted *trusted, uint64_t newest)
{
    if (newest - trusted->newest >= TRUSTED_BLOCKS) {
        memset(trusted->bits, 0, WORDS * sizeof *trusted->bits);
        trusted->newest = newest;
    }
    while (trusted->newest < newest) {
        trusted->newest++;
        *word_of(trusted, trusted->newest) &= ~bit_of(trusted->newest);
    }
}

bool
trusted_has(const struct trusted *trusted, uint64_t number)
{
    return is_remembered(trusted, number) &&
           (*word_of(trusted, number) & bit_of(number)) != 0;
}

void
trusted_add(struct trusted *trusted, uint64_t number)
{
    if (trusted->bits == NULL) { // nothing to forget on the way to it
        trusted->bits = xcalloc(WORDS, sizeof *trusted->bits);
        trusted->newest = number;
    }
    if (number > trusted->newest) {
        move_to(trusted, number);
    }
    if (is_remembered(trusted, number)) {
        *word_of(trusted, number) |= bit_of(number);
    }
}

void
trusted_drop(struct trusted *trusted, uint64_t number)
{
    if (is_remembered(trusted, number)) {
        *word_of(trusted, number) &= ~bit_of(number);
    }
}

void
trusted_free(struct trusted *trusted)
{
    free(trusted->bits);
    *trusted = (struct trusted){0};
}
