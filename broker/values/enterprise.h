// SPDX-License-Identifier: EUPL-1.2
// enterprise.h - the number of an enterprise or institution (KBO/BCE).
//
// Ten digits, the first 0 or 1, check = 97 - (first eight mod 97); the nine-digit old
// form is padded on the left. 0403.019.261 is accepted on input.
#ifndef VALUES_ENTERPRISE_H
#define VALUES_ENTERPRISE_H

#include "base/why.h"

enum { ENTERPRISE_TEXT_LEN = 11 };

struct enterprise {
    uint64_t number; // 0 is nobody
};

NODISCARD enum vg_status enterprise_parse(const char *text, size_t text_len,
                                          struct enterprise *ret_enterprise,
                                          struct why *why);
NODISCARD enum vg_status
enterprise_check(uint64_t number, struct enterprise *ret_enterprise, struct why *why);
void enterprise_print(struct enterprise enterprise, char ret_text[ENTERPRISE_TEXT_LEN]);

#endif
