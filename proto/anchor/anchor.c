// SPDX-License-Identifier: EUPL-1.2
#include "anchor/anchor.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK "vigie-anchor"
#define BLANKS " \t\r\n"

enum { WORD_LEN = 160, VERSION = 1 };

_Static_assert(sizeof(struct anchor) == 144, "stored without holes");
_Static_assert(ANCHOR_HASH_LEN == crypto_generichash_BYTES, "the chain is BLAKE2b-256");
_Static_assert(ANCHOR_KEY_LEN == crypto_sign_PUBLICKEYBYTES, "Ed25519");
_Static_assert(ANCHOR_KEY_LEN == crypto_sign_SEEDBYTES, "Ed25519");
_Static_assert(ANCHOR_SIGNATURE_LEN == crypto_sign_BYTES, "Ed25519");

// ---- signing ----

// What is signed: the line up to its key.
static size_t
print_signed(const struct anchor *anchor, char ret_line[ANCHOR_LINE_LEN])
{
    char hash[2 * ANCHOR_HASH_LEN + 1];
    char key[ANCHOR_KEY_TEXT_LEN];

    sodium_bin2hex(hash, sizeof hash, anchor->hash, sizeof anchor->hash);
    anchor_key_print(anchor->key, key);
    return (size_t)snprintf(ret_line, ANCHOR_LINE_LEN,
                            MARK " %d %04u-%02u-%02u %" PRIu64 " %s %s", VERSION,
                            anchor->day / 10000 % 10000, anchor->day / 100 % 100,
                            anchor->day % 100, anchor->commit, hash, key);
}

void
anchor_key(const uint8_t *seed, uint8_t ret_key[ANCHOR_KEY_LEN])
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];

    (void)crypto_sign_seed_keypair(ret_key, secret, seed); // it cannot fail
    sodium_memzero(secret, sizeof secret);
}

void
anchor_sign(struct anchor *anchor, const uint8_t *seed)
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    char line[ANCHOR_LINE_LEN];
    size_t len;

    (void)crypto_sign_seed_keypair(anchor->key, secret, seed);
    len = print_signed(anchor, line);
    (void)crypto_sign_detached(anchor->signature, NULL, (const uint8_t *)line, len,
                               secret);
    sodium_memzero(secret, sizeof secret);
}

bool
anchor_holds(const struct anchor *anchor)
{
    char line[ANCHOR_LINE_LEN];
    size_t len = print_signed(anchor, line);

    return crypto_sign_verify_detached(anchor->signature, (const uint8_t *)line, len,
                                       anchor->key) == 0;
}

// ---- as text ----

void
anchor_print(const struct anchor *anchor, char ret_line[ANCHOR_LINE_LEN])
{
    size_t len = print_signed(anchor, ret_line);

    ret_line[len] = ' ';
    sodium_bin2hex(ret_line + len + 1, ANCHOR_LINE_LEN - len - 1, anchor->signature,
                   sizeof anchor->signature);
}

void
anchor_key_print(const uint8_t key[ANCHOR_KEY_LEN], char ret_text[ANCHOR_KEY_TEXT_LEN])
{
    sodium_bin2hex(ret_text, ANCHOR_KEY_TEXT_LEN, key, ANCHOR_KEY_LEN);
}

static bool
read_hex(const char *word, uint8_t *ret, size_t len)
{
    size_t got = 0;

    return strlen(word) == 2 * len &&
           sodium_hex2bin(ret, len, word, 2 * len, NULL, &got, NULL) == 0 && got == len;
}

bool
anchor_key_read(const char *text, uint8_t ret_key[ANCHOR_KEY_LEN])
{
    return read_hex(text, ret_key, ANCHOR_KEY_LEN);
}

// False at the end of the text, and for a word that no anchor has.
static bool
next_word(const char **text, char ret_word[WORD_LEN])
{
    size_t len;

    *text += strspn(*text, BLANKS);
    len = strcspn(*text, BLANKS);
    if (len == 0 || len >= WORD_LEN) {
        return false;
    }
    memcpy(ret_word, *text, len);
    ret_word[len] = 0;
    *text += len;
    return true;
}

static bool
read_number(const char *word, uint64_t *ret_number)
{
    size_t len = strspn(word, "0123456789");

    if (len == 0 || len > 19 || word[len] != 0) {
        return false;
    }
    *ret_number = strtoull(word, NULL, 10);
    return true;
}

static bool
read_day(const char *word, uint32_t *ret_day)
{
    unsigned year = 0, month = 0, day = 0;
    int end = 0;

    if (strlen(word) != 10 ||
        sscanf(word, "%4u-%2u-%2u%n", &year, &month, &day, &end) != 3 || end != 10) {
        return false;
    }
    *ret_day = year * 10000 + month * 100 + day;
    return true;
}

// Behind the mark.
static bool
read_words(const char **text, struct anchor *anchor)
{
    char word[WORD_LEN];
    uint64_t version = 0;

    return next_word(text, word) && read_number(word, &version) && version == VERSION &&
           next_word(text, word) && read_day(word, &anchor->day) &&
           next_word(text, word) && read_number(word, &anchor->commit) &&
           next_word(text, word) && read_hex(word, anchor->hash, sizeof anchor->hash) &&
           next_word(text, word) && read_hex(word, anchor->key, sizeof anchor->key) &&
           next_word(text, word) &&
           read_hex(word, anchor->signature, sizeof anchor->signature);
}

bool
anchor_read(const char **text, struct anchor *ret_anchor, bool *ret_cut)
{
    const char *mark = strstr(*text, MARK);
    struct anchor anchor = {.commit = 0};

    *ret_cut = false;
    if (mark == NULL) {
        return false;
    }
    mark += strlen(MARK);
    if (!read_words(&mark, &anchor)) {
        *ret_cut = true;
        return false;
    }
    *text = mark;
    *ret_anchor = anchor;
    return true;
}
