// SPDX-License-Identifier: EUPL-1.2
// trusted.h - which blocks' checksums were seen to hold, a bit each: of the newest
// TRUSTED_BLOCKS numbers asked about (256 GiB of blocks). Older ones are not remembered.
//
// Thread: one.
#ifndef STORE_TRUSTED_H
#define STORE_TRUSTED_H

#include "base/base.h"

enum { TRUSTED_BLOCKS = 1 << 22 };

// Zero it before use.
struct trusted {
    uint64_t *bits; // number modulo TRUSTED_BLOCKS; NULL: none yet
    uint64_t newest;
};

bool trusted_has(const struct trusted *trusted, uint64_t number);
void trusted_add(struct trusted *trusted, uint64_t number);
void trusted_drop(struct trusted *trusted, uint64_t number);
void trusted_free(struct trusted *trusted);

#endif
