// SPDX-License-Identifier: EUPL-1.2
// card.h - the numbers printed on cards, as proofs of authentication.
//
// Identity card: twelve digits, the last two = first ten mod 97, 0 written as 97;
// 591-1917064-58 is accepted. Social card (SIS): ten digits, no public check.
#ifndef VALUES_CARD_H
#define VALUES_CARD_H

#include "base/why.h"

struct identity_card {
    uint64_t number;
};

struct social_card {
    uint64_t number;
};

// identity_card_parse reads twelve digits, or 000-0000000-00.
//
// Returns: VG_OK or VG_PROOF_WRONG.
NODISCARD enum vg_status identity_card_parse(const char *text, size_t text_len,
                                             struct identity_card *ret_card,
                                             struct why *why);
// social_card_parse reads ten digits.
//
// Returns: VG_OK or VG_PROOF_WRONG.
NODISCARD enum vg_status social_card_parse(const char *text, size_t text_len,
                                           struct social_card *ret_card, struct why *why);

#endif
