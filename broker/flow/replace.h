// SPDX-License-Identifier: EUPL-1.2
// replace.h - the numbers of one person: a bis number is replaced by another bis number or
// by one of the National Register, for ever.
//
// Every number leads to the one in force. None is replaced twice and none comes back, so
// that the way always ends; a person has at most NUMBERS_MAX of them.
// Thread: the transaction's, all of it.
#ifndef FLOW_REPLACE_H
#define FLOW_REPLACE_H

#include "store/person.h"

// person_is_same says whether two numbers lead to one person. 0 is nobody, and the same as 0.
NODISCARD enum vg_status person_is_same(struct txn *txn, struct niss one,
                                        struct niss other, bool *ret_same);

// replacement_check says whether a number may be replaced by another.
//
// ret_refusal is VG_OK; EXISTS: it was replaced already; BAD_NISS: the new one was itself
// replaced; TOO_MANY: together they would have too many numbers or integrations.
// Returns VG_OK, or why the store cannot say.
NODISCARD enum vg_status replacement_check(struct txn *txn, struct niss old,
                                           struct niss new, enum vg_status *ret_refusal,
                                           struct why *why);

#endif
