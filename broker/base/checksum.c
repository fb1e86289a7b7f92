// SPDX-License-Identifier: EUPL-1.2
#include "base/checksum.h"

#include <sodium.h>
#include <xxhash.h>

_Static_assert(HASH_LEN == crypto_generichash_BYTES, "the chain is BLAKE2b-256");

uint64_t
checksum_of(const void *bytes, size_t len)
{
    return XXH3_64bits(bytes, len);
}

struct hash
hash_chain(const struct hash *previous, const void *bytes, size_t len)
{
    crypto_generichash_state state;
    struct hash hash;

    // These fail only for lengths outside their limits, and ours is fixed.
    CHECK(crypto_generichash_init(&state, NULL, 0, HASH_LEN) == 0);
    CHECK(crypto_generichash_update(&state, previous->at, HASH_LEN) == 0);
    CHECK(crypto_generichash_update(&state, bytes, len) == 0);
    CHECK(crypto_generichash_final(&state, hash.at, HASH_LEN) == 0);
    return hash;
}
