// SPDX-License-Identifier: EUPL-1.2
// person_walk.h - many persons looked up at once.
//
// A look-up in a national directory waits for memory: each page on the way down the tree,
// and each probe within it, is a cache miss that the next one depends on. Thirty-two ways are
// walked in lock step, so that their misses overlap. The library has no call for that: the
// walker reads the pages of LMDB 0.9 itself, as the last commit left them. It trusts
// nothing it reads (page numbers, offsets and kinds are checked), is held against
// person_get on a sample of every walk, and gives up for good when they differ: then
// person_get does all the work, only more slowly.
#ifndef STORE_PERSON_WALK_H
#define STORE_PERSON_WALK_H

#include "store/person.h"

enum { WALK_MAX = 16384, WALKED_ROWS = 17 };

// What a walk found; ask person_walked, not these.
struct walked {
    uint64_t number;
    struct person person;
    bool known;
    // The person's integrations, unless there are more. Far apart as they lie in the map,
    // reading them there in the order of the batch would wait for memory once more.
    struct integration rows[WALKED_ROWS];
};

// person_walk looks up at most WALK_MAX numbers: the more, the faster, because neighbours are
// looked up one after the other. Lends as person_get does, but what it lends stays good when
// the transaction writes, as long as ret_walked lives.
void person_walk(struct txn *txn, const uint64_t *numbers, size_t len,
                 struct walked *ret_walked);

// person_walked gives what a walk found, like person_get; it asks person_get itself when
// the walk did not find out or this transaction may have changed the person since.
// walked may be NULL.
NODISCARD enum vg_status person_walked(struct txn *txn, const struct walked *walked,
                                       struct niss niss, struct person *ret_person);

#endif
