// SPDX-License-Identifier: EUPL-1.2
// facts.h - what the catalogue says of some flows, copied by hand from
// deploy/catalogue.yaml, so that the model does not ask the code that it judges.
#ifndef SIMULATION_FACTS_H
#define SIMULATION_FACTS_H

#include "base/buffer.h"

enum { FACT_GROUPS = 4, FACT_FIELDS = 5, FACT_VARIANTS = 2, FACT_FLOWS_MAX = 24 };

enum fact_when {
    FACT_NO_DEMAND,
    FACT_TODAY,
    FACT_OVERLAP,
    FACT_COVERS, // five years more; today for a mutation without a period
    FACT_FIRST_JANUARY,
    FACT_WINDOW,
};

enum fact_to { FACT_NOBODY, FACT_DIRECTORY, FACT_ADDRESSED, FACT_NAMED, FACT_EVERYBODY };
enum fact_period { FACT_NO_PERIOD, FACT_MAY_HAVE, FACT_MUST_HAVE };

enum fact_class {
    FACT_APPLICANT = 1,
    FACT_DEBTOR = 2,
    FACT_DEBT = 4,
    FACT_HEATING = 8,
    FACT_NOTHING = 16,
    FACT_OTHER = 32,
    FACT_ANY = 63,
};

struct fact_demand {
    enum fact_when when;
    uint64_t qualities; // bit q: code q; 0: all
};

struct fact_group {
    enum fact_to to;
    uint64_t sectors; // bit n: sector n
    const char *named;
    struct fact_demand recipient;
    struct fact_demand publisher;
    bool not_publisher;
};

struct fact_flow {
    const char *name;
    uint16_t id;
    uint64_t sources; // bit n: sector n
    enum fact_period period;
    bool of_enterprises;
    bool with_year;
    bool replaces;
    int32_t rhythm_days; // 0: nothing is expected of its sources
    bool asks;           // each who gets it must answer
    uint16_t answers;    // id of the flow whose notifications it answers, 0: none
    bool merges;         // says how something is now: the last word says all
    unsigned urgency;    // 1 comes before 2; 0: none but its fields'
    struct fact_demand publisher;
    struct fact_group groups[FACT_GROUPS];
    struct {
        const char *code;
        unsigned classes;
    } fields[FACT_FIELDS];
};

// facts_flow gives a flow as a variant of the catalogue has it; NULL past the end.
const struct fact_flow *facts_flow(unsigned variant, unsigned index);
unsigned facts_flows(void);
unsigned facts_fields(const struct fact_flow *flow);

// facts_urgency says how urgent it is to tell these fields (bit i: field i); 0: not.
unsigned facts_urgency(const struct fact_flow *flow, unsigned fields);

// facts_class says what a quality of a sector may see.
unsigned facts_class(unsigned sector, unsigned quality);
// facts_warn_days: so long before the end of an integration of the CPAS sector its
// institution is told; 0: never, neither of the end itself.
unsigned facts_warn_days(unsigned variant, unsigned quality);
// facts_exclusive: one institution of the sector only.
bool facts_exclusive(unsigned sector, unsigned quality);

// facts_text lends a variant of the shipped catalogue's text, with the flows of above and
// their fields alone: it is read at each start of a broker.
const struct buffer *facts_text(unsigned variant);

#endif
