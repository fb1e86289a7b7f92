// SPDX-License-Identifier: EUPL-1.2
// integration.h - "institution I of sector S follows a person in quality Q from B to E",
// the legal basis of every delivery; and the institutions themselves.
//
// Sixteen bytes, as stored in the persons table (store/person.h draws them): a person is
// known to eleven institutions on average, and 170 million integrations are one table.
#ifndef VALUES_INTEGRATION_H
#define VALUES_INTEGRATION_H

#include "values/day.h"

enum {
    SECTOR_CPAS = 17,
    SECTOR_VIGIE = 99,         // the broker itself: no institution belongs to it
    INSTITUTION_CODE_LEN = 24, // with its zero
    INSTITUTION_NAME_LEN = 96, // with its zero
    QUALITY_TEXT_LEN = 4,
};

// An institution's number inside one store: 1, 2, 3 ... in order of registration.
struct institution_id {
    uint32_t number; // 0 is nobody
};

// A mailbox's number inside one store. An institution's default mailbox has the
// institution's own number; further ones are numbered from MAILBOX_EXTRA_FIRST.
struct mailbox_id {
    uint32_t number;
};
#define MAILBOX_EXTRA_FIRST UINT32_C(0x80000000)

struct integration {
    uint32_t institution;
    uint16_t sector;
    uint16_t quality; // as written: 1 is "001"; what it means depends on the sector
    int32_t begin;    // struct day
    int32_t end;      // struct day, included; INT32_MAX for ever
};

struct period integration_period(struct integration integration);

// quality_print writes three digits, "???" for a number that has more.
void quality_print(uint16_t quality, char ret_text[QUALITY_TEXT_LEN]);
// quality_parse reads up to three digits; VG_UNKNOWN_QUALITY otherwise.
NODISCARD enum vg_status quality_parse(const char *text, size_t text_len,
                                       uint16_t *ret_quality, struct why *why);

struct institution {
    uint32_t id;
    uint16_t sector;
    uint16_t merges_on;   // day from which it is part of another one; 0: it is, or never
    uint32_t number;      // inside its sector
    uint32_t merges_into; // id of that one; 0: none
    uint64_t enterprise;  // 0 when not given
    char code[INSTITUTION_CODE_LEN]; // "RN", "ONSS", "CPAS-21004": unique, upper case
    char name[INSTITUTION_NAME_LEN]; // UTF-8
};

// institution_code_check allows A-Z, 0-9 and '-', 1 to 23 characters;
// VG_MALFORMED otherwise.
NODISCARD enum vg_status institution_code_check(const char *text, struct why *why);

#endif
