// SPDX-License-Identifier: EUPL-1.2
#include "values/enterprise.h"

#include "values/digits.h"

// The first digit is 0 or 1; establishments begin with 2 to 8.
#define NUMBER_END UINT64_C(2000000000)

enum vg_status
enterprise_parse(const char *text, size_t text_len, struct enterprise *ret_enterprise,
                 struct why *why)
{
    uint64_t number;

    if (!digits_match("##########", text, text_len, &number) &&
        !digits_match("#########", text, text_len, &number) &&
        !digits_match("####.###.###", text, text_len, &number)) {
        return fail(why, VG_BAD_ENTERPRISE,
                    "an enterprise number is ten digits, nine of the old form or "
                    "0000.000.000");
    }
    return enterprise_check(number, ret_enterprise, why);
}

enum vg_status
enterprise_check(uint64_t number, struct enterprise *ret_enterprise, struct why *why)
{
    if (number >= NUMBER_END) {
        return fail(why, VG_BAD_ENTERPRISE,
                    "an enterprise number has ten digits and begins with 0 or 1");
    }
    if (number % 100 != 97 - number / 100 % 97) {
        return fail(why, VG_BAD_ENTERPRISE, "the check digits of %010llu do not fit",
                    (unsigned long long)number);
    }
    ret_enterprise->number = number;
    return VG_OK;
}

void
enterprise_print(struct enterprise enterprise, char ret_text[ENTERPRISE_TEXT_LEN])
{
    *digits_print(ret_text, ENTERPRISE_TEXT_LEN - 1, enterprise.number) = '\0';
}
