// SPDX-License-Identifier: EUPL-1.2
// match.h - who may see a mutation, and how much of it.
//
// Pure: (mutation, catalogue, the person's integrations, institutions, day) -> grants, and
// on request a trace of every rule that said yes or no. Publishing, explain and the dry
// run ask the same function.
#ifndef RULES_MATCH_H
#define RULES_MATCH_H

#include "base/buffer.h"
#include "rules/judge.h"
#include "rules/roster.h"

enum {
    GRANTS_MAX = 4096,
    TRACE_WHOLE_FLOW = UINT16_MAX, // a trace row of no single group
};

// One integration (or a rule that asks for none) that lets one institution see it.
struct grant {
    uint32_t institution;
    uint16_t group;  // index in the flow's groups
    uint8_t classes; // which fields: bits of enum field_class
    bool justified;  // integration is set
    struct integration integration;
};

struct match_question {
    const struct catalogue *catalogue;
    const struct roster *roster;
    const struct judged *judged;
    const struct institution *publisher;
    const struct integration *integrations; // of this person, all sectors, any day
    size_t integrations_len;
    struct day today;
    // Of a mutation of the past: fields that it had and that nobody knows any more.
    uint32_t fields_lost;
};

// What was asked, in the order asked, of whom, and the answer.
enum match_rule {
    RULE_PUBLISHER, // the publisher's own integration
    RULE_RECIPIENT, // the institution named or fixed exists and is of the right sector
    RULE_SECTOR,    // the integration is of a sector that gets this flow
    RULE_QUALITY,   // its quality code is one of the flow's
    RULE_WHEN,      // the day or period rule
    RULE_NOT_PUBLISHER,
    RULE_MAILBOX, // the mailbox's own choice
    RULE_FIELDS, // a row for each field, given or withheld, then whether something is left
    RULE_DELIVERED, // yes: this is what lets it through
};

struct trace_row {
    uint32_t institution; // 0: one that is not registered
    uint16_t group;       // index in the flow's groups, or TRACE_WHOLE_FLOW
    enum match_rule rule;
    bool passed;
    bool justified;
    struct integration integration;
    char text[WHY_TEXT_MAX]; // "030 is not among 001-009, 020, 021", fit for a reader
    char deliberation[DELIBERATION_LEN];
};

struct trace {
    struct trace_row *rows;
    size_t len;
    size_t size;
};

void trace_free_rows(struct trace *trace);
const char *match_rule_name(enum match_rule rule);

// match_recipients finds every grant, sorted by institution, then by quality and begin.
//
// ret_grants has room for GRANTS_MAX; trace may be NULL (hot).
// Returns VG_OK (also when nobody gets it); NOT_INTEGRATED when the publisher's own
// integration is asked and missing (by the flow; or by every group: a single group that asks
// it in vain is left out); BAD_RECIPIENT when an addressed institution is not known or not of
// the flow's sectors; TOO_MANY over GRANTS_MAX.
NODISCARD enum vg_status match_recipients(const struct match_question *question,
                                          struct grant *ret_grants, size_t *ret_len,
                                          struct trace *trace, struct why *why);

// match_fields gives the mutation's fields that a set of classes may see: bit i, field i.
// With CLASS_ALL (no integration asked) every field that the table gives to anybody.
uint64_t match_fields(const struct catalogue *catalogue, const struct judged *judged,
                      uint8_t classes);

// match_leaves_something says whether a notification with these fields is worth sending: not
// when every field was withheld, but a mutation that came without fields ("something changed,
// consult") goes out as it is.
bool match_leaves_something(const struct judged *judged, uint64_t keep);

// One mailbox's share: the grants of its institution that it wants, put together.
struct share {
    uint32_t mailbox;
    uint8_t classes; // union over the grants it takes
    bool justified;
    struct integration integration; // that justifies it: the first that it takes
};

// match_share gives a mailbox's share of its institution's grants; false when it takes none.
// Grants of other institutions are passed over.
bool match_share(const struct mailbox_spec *mailbox, uint16_t flow,
                 const struct grant *grants, size_t grants_len, struct share *ret_share);

// match_whole_share gives all of an institution's grants to its one mailbox, which wants
// everything (roster_simple_mailbox).
void match_whole_share(uint32_t mailbox, const struct grant *grants, size_t grants_len,
                       struct share *ret_share);

// One letter that a match makes: what publishing would put into one mailbox.
struct match_letter {
    uint32_t institution;
    struct share share;
    uint64_t keep; // match_fields
    bool unsure;   // whether there is one depends on fields that are lost
};

// For many matches: the memory is used again. match_letters_free ends it.
struct match_letters {
    struct match_letter *at;
    size_t len;
    size_t size;
};

// match_letters gives every letter of a match, in the order of its grants: those that leave
// something, and, where fields are lost, those that may.
void match_letters(const struct match_question *question, const struct grant *grants,
                   size_t grants_len, struct match_letters *ret);
void match_letters_free(struct match_letters *letters);

// match_explain prints a trace institution by institution for a person to read: rule,
// yes or no, the integration considered, each field with the classes that see it.
// only: this one alone; NULL: all.
void match_explain(const struct match_question *question, const struct trace *trace,
                   const struct institution *only, struct buffer *text);

#endif
