// SPDX-License-Identifier: EUPL-1.2
// pair.h - the broker's own CURVE key pair, from a file of lines "name: value".
//
//   public: Z85, 40 characters
//   secret: Z85, 40 characters
#ifndef EDGE_PAIR_H
#define EDGE_PAIR_H

#include "base/why.h"

enum { PAIR_KEY_LEN = 32, PAIR_TEXT_LEN = 41 };

struct pair {
    uint8_t secret[PAIR_KEY_LEN];
    char public_text[PAIR_TEXT_LEN];
};

// pair_read reads the file and checks that the two belong together.
//
// Returns VG_OK, VG_BAD_FILE, VG_BAD_SETTINGS. A file that others may read is refused.
NODISCARD enum vg_status pair_read(const char *path, struct pair *ret_pair,
                                   struct why *why);
// pair_forget wipes it from memory.
void pair_forget(struct pair *pair);

#endif
