// SPDX-License-Identifier: EUPL-1.2
// catalogue.h - the law as data: sectors, quality codes, fields and flows.
//
// Read from deploy/catalogue.yaml, which an administrator reads beside the sources (table
// of authorised exchanges v1.2 of 12.05.2020 and the texts it names; each row carries its
// deliberation or "assumed"). Validated whole; immutable once read; any thread may read it.
// A new flow is a new row, never new code.
#ifndef RULES_CATALOGUE_H
#define RULES_CATALOGUE_H

#include "base/why.h"
#include "values/integration.h"

enum {
    CATALOGUE_BYTES_MAX = 4 << 20,
    SECTORS_MAX = 64,
    QUALITIES_MAX = 256,
    CATALOGUE_FIELDS_MAX = 256,
    FLOWS_MAX = 128,
    FLOW_IDS_MAX = 256, // a flow's id is 1 to 255
    GROUPS_MAX = 8,     // groups of recipients of one flow
    GROUP_SECTORS_MAX = SECTORS_MAX,
    GROUP_QUALITIES_MAX = 32,
    GROUP_FIXED_MAX = 8,
    FLOW_SOURCES_MAX = 8,
    WARN_DAYS_MAX = 366,
    NAME_LEN = 64,         // with its zero
    DELIBERATION_LEN = 96, // with its zero
};

// Why a person is followed decides which fields may be seen (table of exchanges, section
// 5): a set of classes, one bit each.
enum field_class {
    CLASS_APPLICANT = 1 << 0,
    CLASS_DEBTOR = 1 << 1,
    CLASS_DEBT = 1 << 2,      // debt management, code 031
    CLASS_HEATING = 1 << 3,   // code 040
    CLASS_NONE = 1 << 4,      // 011, 012
    CLASS_OTHER = 1 << 5,     // every quality of the other sectors
    CLASS_ALL = (1 << 6) - 1, // also: recipients for whom no integration is asked
};

struct sector {
    uint16_t number;
    char name[NAME_LEN]; // "CPAS", "RN": what flows and institutions call it
    char meaning[NAME_LEN];
};

enum longest {
    LONGEST_MONTHS,
    LONGEST_YEARS,
    LONGEST_CALENDAR_YEAR, // 1 January to 31 December
    LONGEST_INDEFINITE,
};

struct quality {
    uint16_t sector;
    uint16_t code;
    char meaning[NAME_LEN];
    enum longest longest;
    uint16_t longest_count;     // months or years
    uint16_t end_missing_years; // 021: begin + 5 years; 0: the longest
    uint8_t class;              // one bit of enum field_class
    bool exclusive;             // one institution of the sector per person and period
    bool warns;                 // it is told before an integration ends, and after
    uint16_t warn_days;         // so many days before its last one
    char deliberation[DELIBERATION_LEN];
};

enum { URGENCY_MAX = 9 };

struct field_rule {
    char code[33]; // "020", "H205", "employer"
    char meaning[NAME_LEN];
    uint8_t classes; // who may see it; 0: nobody
    uint8_t urgency; // of a notification that carries it: 1 before 2, 0 none
    char deliberation[DELIBERATION_LEN];
};

enum when {
    WHEN_NONE,      // no integration check
    WHEN_TODAY,     // the day of execution lies in the integration
    WHEN_WINDOW,    // some day from 2 months before to 45 days after it does
    WHEN_OVERLAP,   // the integration and the message's own period share a day
    WHEN_COVERS_5Y, // the integration, extended 5 years back, contains the whole period
    WHEN_FIRST_JANUARY, // active on 1 January of the reference year
    WHEN_SINCE, // it did not end more than 2 months before the day; it may begin later
};

// Which integrations count, and when.
struct condition {
    enum when when;
    enum when when_no_period; // for a message without a period; else same as when
    uint16_t qualities_len;   // 0: all of the sector
    uint16_t qualities[GROUP_QUALITIES_MAX];
};

enum audience {
    BY_DIRECTORY,     // everybody with an integration that fulfils the condition
    BY_ADDRESS,       // the institution that the message names
    BY_NAME,          // fixed: the institutions named in the catalogue
    EVERY_SUBSCRIBER, // every institution of the sectors
};

// Some of a flow's recipients, and what they must fulfil.
struct group {
    enum audience audience;
    uint16_t sectors_len;
    uint16_t sectors[GROUP_SECTORS_MAX]; // BY_DIRECTORY, BY_ADDRESS, EVERY_SUBSCRIBER
    uint16_t fixed_len;
    char fixed[GROUP_FIXED_MAX][INSTITUTION_CODE_LEN]; // BY_NAME
    bool not_publisher;         // the publisher itself never gets it back
    struct condition recipient; // WHEN_NONE: no integration asked
    struct condition publisher; // the publisher's own integration; WHEN_NONE: not asked
    char deliberation[DELIBERATION_LEN];
};

enum flow_key { KEY_PERSON, KEY_ENTERPRISE };
enum flow_period { PERIOD_NONE, PERIOD_OPTIONAL, PERIOD_REQUIRED };

struct flow {
    uint16_t id; // stored; never reused for another flow
    char name[NAME_LEN];
    char meaning[NAME_LEN * 2];
    enum flow_key key;
    enum flow_period period;
    uint32_t
        rhythm_hours;     // a source is silent for longer: worth a look; 0: none expected
    bool needs_recipient; // some group is BY_ADDRESS
    bool needs_reference_year; // some condition is WHEN_FIRST_JANUARY
    bool replaces_person;      // SSINReplacement: new_niss is required
    uint8_t urgency;           // of its notifications: 1 before 2, 0 none
    bool needs_answer;         // from each institution that gets it
    // Each of its notifications says how something is now, so that a later one makes an
    // earlier one needless (flow/repeats.h).
    bool repeats_merge;
    uint16_t answers;     // flow whose notifications it may answer, 0: none
    uint16_t sources_len; // who may publish it: sector numbers
    uint16_t sources[FLOW_SOURCES_MAX];
    // The publisher's own integration, whoever receives; WHEN_NONE: not asked.
    struct condition publisher;
    uint16_t groups_len;
    struct group groups[GROUPS_MAX];
    uint64_t fields[CATALOGUE_FIELDS_MAX / 64]; // bit i: may carry catalogue field i
};

struct catalogue;

// catalogue_parse reads and validates a whole catalogue: every mistake is a fault with its
// line: unknown or missing keys, wrong values, codes or ids used twice, a flow without a
// source, a name that is not defined.
//
// Borrows: text. Gives: the catalogue (catalogue_free), NULL when there is any fault.
struct catalogue *catalogue_parse(const char *text, size_t text_len,
                                  struct faults *faults);
void catalogue_free(struct catalogue **catalogue);

// Questions. Everything lent lives as long as the catalogue; NULL when not found.
const struct flow *catalogue_flow(const struct catalogue *catalogue, struct bytes name);
const struct flow *catalogue_flow_by_id(const struct catalogue *catalogue, uint16_t id);
const struct quality *catalogue_quality(const struct catalogue *catalogue,
                                        uint16_t sector, uint16_t code);
const struct sector *catalogue_sector(const struct catalogue *catalogue, uint16_t number);
const struct sector *catalogue_sector_by_name(const struct catalogue *catalogue,
                                              const char *name);
// catalogue_field gives a field's index, -1 when there is no such code. Hot.
int catalogue_field(const struct catalogue *catalogue, struct bytes code);
const struct field_rule *catalogue_field_rule(const struct catalogue *catalogue,
                                              int index);

// For listing: NULL past the end.
const struct flow *catalogue_flow_at(const struct catalogue *catalogue, size_t index);
const struct quality *catalogue_quality_at(const struct catalogue *catalogue,
                                           size_t index);
const struct sector *catalogue_sector_at(const struct catalogue *catalogue, size_t index);

const char *when_name(enum when when);             // "today", "covers 5 years" ...
const char *audience_name(enum audience audience); // "directory", "addressed" ...

#endif
