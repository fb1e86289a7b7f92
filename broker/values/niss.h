// SPDX-License-Identifier: EUPL-1.2
// niss.h - the number that names one person in social security.
//
// Eleven digits: birth date YYMMDD, a serial, and two check digits
// CC = 97 - (first nine mod 97); born from 2000 on, a 2 goes before the nine. No number
// passes both ways, so the check tells the century. (Royal decrees of 3.4.1984,
// 25.11.1997 and 13.10.1998; bis numbers: royal decree of 8.2.1991.)
// Month + 20: bis number, sex unknown when it was given; + 40: bis number, sex known;
// + 60: a fictitious person, the public convention for test data.
// Month and day may be 00, and a day beyond the month's end also means "unknown".
#ifndef VALUES_NISS_H
#define VALUES_NISS_H

#include "base/why.h"

enum { NISS_DIGITS = 11, NISS_MASK_LEN = 13 };
#define NISS_MAX UINT64_C(99999999999) // no number is above it

struct niss {
    uint64_t number;
};

enum niss_kind { NISS_REGISTER, NISS_BIS_SEX_UNKNOWN, NISS_BIS, NISS_FICTITIOUS };

// What a number may say of its person; 0 where it says nothing.
struct niss_birth {
    int year; // 1900-2099, always known: the check tells the century
    int month;
    int day;
};

// niss_parse reads eleven digits, YY.MM.DD-SSS.CC or YYMMDD SSS CC.
//
// year_now refuses births in the future (a 2000s match after this year).
// Returns VG_OK, or VG_BAD_NISS with a reason fit for a log.
NODISCARD enum vg_status niss_parse(const char *text, size_t text_len, int year_now,
                                    struct niss *ret_niss, struct why *why);

// niss_check does the same for a number that is not yet to be trusted (as on the wire).
NODISCARD enum vg_status niss_check(uint64_t number, int year_now, struct niss *ret_niss,
                                    struct why *why);

enum niss_kind niss_kind(struct niss niss);
struct niss_birth niss_birth(struct niss niss);

// niss_is_woman says what the serial says: 1 a woman, 0 a man, -1 nothing.
int niss_is_woman(struct niss niss);

// niss_make computes the check digits: month with its 20, 40 or 60 already added.
// CHECKs its ranges: for synthetic people and tests.
struct niss niss_make(int year, int month, int day, int serial);

// niss_mask writes the first two digits and nine stars, the only form for logs.
void niss_mask(struct niss niss, char ret_text[NISS_MASK_LEN]);

// niss_print writes the eleven digits. For answers to those who may see them.
void niss_print(struct niss niss, char ret_text[NISS_MASK_LEN]);

#endif
