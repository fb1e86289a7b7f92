// SPDX-License-Identifier: EUPL-1.2
// deed.h - one thing that a source reports: the plan of a mutation, from which its bytes are
// made, and with which a notification's content is compared.
#ifndef SIMULATION_DEED_H
#define SIMULATION_DEED_H

#include "facts.h"
#include "hot/hot.h"

// What is wrong with it on purpose.
enum wrong {
    WRONG_NOTHING,
    WRONG_FLOW,
    WRONG_NISS,
    WRONG_DATE,
    WRONG_FIELD,
    WRONG_FIELD_OF_ANOTHER,
    WRONG_RECIPIENT, // not registered, or not asked for
    WRONG_SIZE,      // a value is longer than any may be
    WRONG_REFERENCE, // it corrects something that is no ticket
    WRONGS,
};

struct deed {
    uint32_t id; // its place among all deeds, from 1
    enum wrong wrong;
    unsigned flow;   // of facts_flow
    unsigned fields; // bit i: carries the flow's field i
    unsigned repeat; // each of them so many times
    bool heavy;      // with values as long as they fit
    uint64_t niss;
    uint64_t new_niss;
    uint64_t enterprise;
    bool has_period;
    int32_t begin; // days
    int32_t end;
    unsigned year;    // reference year, 0: none
    int32_t occurred; // day, 0: it does not say
    char recipient[24];
    uint64_t corrects; // ticket of an earlier one, 0: none
    bool cancels;      // that does not stand any more
    uint64_t answers;  // ticket of what the publisher got, 0: none
    unsigned quality;  // of the integration that the broker itself tells of, 0: reported
};

enum { DEED_VALUE_MAX = 4100, DEED_REPEAT_MAX = 16 };

// deed_write appends it as Publish.mutations has it.
void deed_write(const struct deed *deed, struct buffer *mutations);

// deed_withheld counts the fields that are cut when these are kept.
unsigned deed_withheld(const struct deed *deed, unsigned kept);

// deed_id reads the deed's id out of a mutation; 0: it is none of ours.
uint32_t deed_id(const struct hot_mutation *mutation);

// deed_is_told says whether a content tells of this deed the kept fields (bit i: field i of
// the flow), in order and nothing else. referred: and what it corrects. NULL, or what is
// wrong.
const char *deed_is_told(const struct deed *deed, unsigned kept, bool referred,
                         const struct hot_content *content);

#endif
