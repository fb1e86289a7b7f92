// SPDX-License-Identifier: EUPL-1.2
#include "values/card.h"

#include "values/digits.h"

enum vg_status
identity_card_parse(const char *text, size_t text_len, struct identity_card *ret_card,
                    struct why *why)
{
    uint64_t number;

    if (!digits_match("############", text, text_len, &number) &&
        !digits_match("###-#######-##", text, text_len, &number)) {
        return fail(why, VG_PROOF_WRONG,
                    "an identity card has twelve digits, as 000-0000000-00 or together");
    }

    uint64_t rest = number / 100 % 97;

    if (number % 100 != (rest == 0 ? 97 : rest)) {
        return fail(why, VG_PROOF_WRONG,
                    "the check digits of the identity card do not fit");
    }
    ret_card->number = number;
    return VG_OK;
}

enum vg_status
social_card_parse(const char *text, size_t text_len, struct social_card *ret_card,
                  struct why *why)
{
    uint64_t number;

    if (!digits_match("##########", text, text_len, &number)) {
        return fail(why, VG_PROOF_WRONG, "a social card has ten digits");
    }
    ret_card->number = number;
    return VG_OK;
}
