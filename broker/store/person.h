// SPDX-License-Identifier: EUPL-1.2
// person.h - the reference directory's rows, by person number.
//
//  table "persons", key: u64 NISS (MDB_INTEGERKEY), value: struct integration ... (16
//  bytes each, sorted as directory_add leaves them); or u64: the number that replaced
//  this one
//  table "replaced", key: u64 BE NISS, value: u64 ..., the numbers that it replaced
#ifndef STORE_PERSON_H
#define STORE_PERSON_H

#include "store/meta.h"
#include "values/niss.h"

struct person {
    // Lent until the transaction writes or ends; 8-aligned in LMDB.
    const struct integration *integrations;
    size_t len;
    struct niss replaced_by; // 0: it was not
};

// person_get gives an empty person for a number nobody follows.
NODISCARD enum vg_status person_get(struct txn *txn, struct niss niss,
                                    struct person *ret_person);
// person_put replaces a person's integrations; none: the row goes.
NODISCARD enum vg_status person_put(struct txn *txn, struct niss niss,
                                    const struct integration *integrations, size_t len);
// person_append does it for a number after all others; VG_STORE_BROKEN when it is not.
NODISCARD enum vg_status person_append(struct txn *txn, struct niss niss,
                                       const struct integration *integrations,
                                       size_t len);
// person_last gives the highest number, 0: there is none.
NODISCARD enum vg_status person_last(struct txn *txn, struct niss *ret_niss);
// person_replace lets one number lead to another, and that one back to it. The caller has
// made sure that it replaced fewer than FORMER_MAX.
NODISCARD enum vg_status person_replace(struct txn *txn, struct niss old,
                                        struct niss new);

enum { FORMER_MAX = 64 };
// person_former copies the numbers that this one replaced, in the order in which it did.
NODISCARD enum vg_status person_former(struct txn *txn, struct niss niss,
                                       struct niss ret_former[FORMER_MAX],
                                       size_t *ret_len);

// A person has at most so many numbers: every one leads to the one in force, and that way
// always ends (flow/replace.h).
enum { NUMBERS_MAX = FORMER_MAX };

// person_in_force reads a person's integrations, under the number that is in force.
//
// Lends: the integrations, as person_get does. Returns VG_OK; VG_STORE_BROKEN: the way
// does not end.
NODISCARD enum vg_status person_in_force(struct txn *txn, struct niss niss,
                                         struct niss *ret_current,
                                         struct person *ret_person);

// person_numbers copies all numbers of the person that one of them names: each before the
// one that replaced it, the one in force last.
NODISCARD enum vg_status person_numbers(struct txn *txn, struct niss niss,
                                        struct niss ret_numbers[NUMBERS_MAX],
                                        size_t *ret_len);

// person_each calls back for every person from a number on, in order; a false answer ends it.
typedef bool (*person_fn)(struct niss niss, const struct person *person, void *arg);
NODISCARD enum vg_status person_each(struct txn *txn, struct niss from, person_fn each,
                                     void *arg);

#endif
