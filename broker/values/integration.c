// SPDX-License-Identifier: EUPL-1.2
#include "values/integration.h"

#include "values/digits.h"

#include <string.h>

_Static_assert(sizeof(struct integration) == 16, "as stored in the persons table");

enum { QUALITY_MAX = 999 };

struct period
integration_period(struct integration integration)
{
    return (struct period){{integration.begin}, {integration.end}};
}

void
quality_print(uint16_t quality, char ret_text[QUALITY_TEXT_LEN])
{
    if (quality > QUALITY_MAX) { // from outside, and about to be refused by its text
        memcpy(ret_text, "???", QUALITY_TEXT_LEN);
        return;
    }
    *digits_print(ret_text, QUALITY_TEXT_LEN - 1, quality) = '\0';
}

enum vg_status
quality_parse(const char *text, size_t text_len, uint16_t *ret_quality, struct why *why)
{
    uint64_t number;

    if (!digits_match("###", text, text_len, &number) &&
        !digits_match("##", text, text_len, &number) &&
        !digits_match("#", text, text_len, &number)) {
        return fail(why, VG_UNKNOWN_QUALITY, "a quality is one to three digits");
    }
    *ret_quality = (uint16_t)number;
    return VG_OK;
}

enum vg_status
institution_code_check(const char *text, struct why *why)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    size_t len = strnlen(text, INSTITUTION_CODE_LEN);

    if (len == 0 || len >= INSTITUTION_CODE_LEN || strspn(text, allowed) != len) {
        return fail(why, VG_MALFORMED,
                    "an institution's code is 1 to %d of A-Z, 0-9 and '-'",
                    INSTITUTION_CODE_LEN - 1);
    }
    return VG_OK;
}
