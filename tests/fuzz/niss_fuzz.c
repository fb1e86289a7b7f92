// SPDX-License-Identifier: EUPL-1.2
// Goal: any text is a person number with one meaning, or refused without being repeated.
// Method: parse; ask a number everything, and print and check it again.
#include <string.h>

#include "values/niss.h"

enum { YEAR_NOW = 2026 };

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
check_niss(struct niss niss)
{
    char text[NISS_MASK_LEN], mask[NISS_MASK_LEN];
    struct niss again, checked;
    struct niss_birth birth = niss_birth(niss);
    int woman = niss_is_woman(niss);

    niss_print(niss, text);
    CHECK(strlen(text) == NISS_DIGITS);
    CHECK(niss_parse(text, NISS_DIGITS, YEAR_NOW, &again, NULL) == VG_OK);
    CHECK(niss_check(niss.number, YEAR_NOW, &checked, NULL) == VG_OK);
    CHECK(again.number == niss.number && checked.number == niss.number);
    CHECK(niss_kind(niss) <= NISS_FICTITIOUS);
    CHECK(birth.year >= 1900 && birth.year <= YEAR_NOW);
    CHECK(birth.month >= 0 && birth.month <= 12 && birth.day >= 0 && birth.day <= 31);
    CHECK(woman >= -1 && woman <= 1);
    niss_mask(niss, mask);
    CHECK(strlen(mask) == NISS_DIGITS && memcmp(mask, text, 2) == 0);
    CHECK(strspn(mask + 2, "*") == NISS_DIGITS - 2);
}

// No run of digits longer than a year in what goes into a log.
static void
check_words(const struct why *why)
{
    size_t run = 0;

    for (const char *at = why->text; *at != 0; at++) {
        run = *at >= '0' && *at <= '9' ? run + 1 : 0;
        CHECK(run <= 6);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct why why = {{0}};
    struct niss niss;
    uint64_t number;

    if (niss_parse((const char *)at, len, YEAR_NOW, &niss, &why) == VG_OK) {
        check_niss(niss);
    } else {
        check_words(&why);
    }
    if (len == sizeof(number)) {
        memcpy(&number, at, sizeof(number));
        if (niss_check(number, YEAR_NOW, &niss, &why) == VG_OK) {
            CHECK(niss.number == number);
            check_niss(niss);
        } else {
            check_words(&why);
        }
    }
    return 0;
}
