// SPDX-License-Identifier: EUPL-1.2
// checksum.h - a fast checksum for stored bytes (XXH3) and the hash of the journal's
// chain (BLAKE2b-256, libsodium).
#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include "base/base.h"

enum { HASH_LEN = 32 };

struct hash {
    uint8_t at[HASH_LEN];
};

// checksum_of is not against an adversary: it finds damage.
uint64_t checksum_of(const void *bytes, size_t len);

// hash_chain hashes the previous record's hash followed by the bytes of this one.
struct hash hash_chain(const struct hash *previous, const void *bytes, size_t len);

#endif
