// SPDX-License-Identifier: EUPL-1.2
// anchor.h - one line that holds a journal to what it said on a day.
//
//   vigie-anchor 1 2026-11-21 1234 HASH KEY SIGNATURE
//
// The day in Brussels on which it was made, the last commit there was then, that record's
// hash (store/journal.h: it stands for all records up to it), the Ed25519 key of the broker
// that made it, and that key's signature of the line's bytes before the last space. Hash, key
// and signature are lower-case hexadecimal: 64, 64 and 128 digits. Whoever keeps the line and,
// from elsewhere, the key, can tell whether a journal still says what it said. Thread: any.
#ifndef ANCHOR_ANCHOR_H
#define ANCHOR_ANCHOR_H

#include <stdbool.h>
#include <stdint.h>

enum {
    ANCHOR_HASH_LEN = 32,
    ANCHOR_KEY_LEN = 32,
    ANCHOR_SIGNATURE_LEN = 64,
    ANCHOR_KEY_TEXT_LEN = 2 * ANCHOR_KEY_LEN + 1,
    ANCHOR_LINE_LEN = 320, // with the zero at its end; no line is longer
};

// Stored as it stands (store/anchors.h): little-endian, without holes.
struct anchor {
    uint64_t commit;
    uint32_t day; // yyyymmdd
    uint32_t reserved;
    uint8_t hash[ANCHOR_HASH_LEN];
    uint8_t key[ANCHOR_KEY_LEN];
    uint8_t signature[ANCHOR_SIGNATURE_LEN];
};

// anchor_sign fills key and signature in. seed: ANCHOR_KEY_LEN secret bytes.
void anchor_sign(struct anchor *anchor, const uint8_t *seed);
// anchor_key gives the public key of a seed.
void anchor_key(const uint8_t *seed, uint8_t ret_key[ANCHOR_KEY_LEN]);
// anchor_holds says whether the signature is that of the anchor's own key: nothing about
// whose key that is.
bool anchor_holds(const struct anchor *anchor);

// anchor_print writes the line, without an end of line.
void anchor_print(const struct anchor *anchor, char ret_line[ANCHOR_LINE_LEN]);
// anchor_read reads the first anchor of a text, up to which a mail may have added other
// lines; its words may be parted by any white space. *text goes behind it. False when there is
// none any more; *ret_cut says then whether one began and was no whole one.
bool anchor_read(const char **text, struct anchor *ret_anchor, bool *ret_cut);

// A key as text. anchor_key_read: false when it is none.
void anchor_key_print(const uint8_t key[ANCHOR_KEY_LEN],
                      char ret_text[ANCHOR_KEY_TEXT_LEN]);
bool anchor_key_read(const char *text, uint8_t ret_key[ANCHOR_KEY_LEN]);

#endif
