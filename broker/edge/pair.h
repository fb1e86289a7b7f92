// SPDX-License-Identifier: EUPL-1.2
// pair.h - the broker's own key pairs, each from a file of lines "name: value".
//
//   public: of CURVE: Z85, 40 characters; of Ed25519, for anchors: 64 hexadecimal digits
//   secret: the same
#ifndef EDGE_PAIR_H
#define EDGE_PAIR_H

#include "base/why.h"

enum { PAIR_KEY_LEN = 32, PAIR_TEXT_LEN = 41, PAIR_TEXT_MAX = 65 };

enum pair_kind { PAIR_CURVE, PAIR_ANCHOR };

struct pair {
    uint8_t secret[PAIR_KEY_LEN]; // of Ed25519: the seed
    char public_text[PAIR_TEXT_MAX];
};

// pair_read reads the file and checks that the two belong together.
//
// Returns VG_OK, VG_BAD_FILE, VG_BAD_SETTINGS. A file that others may read is refused.
NODISCARD enum vg_status pair_read(const char *path, enum pair_kind kind,
                                   struct pair *ret_pair, struct why *why);
// pair_forget wipes it from memory.
void pair_forget(struct pair *pair);

#endif
