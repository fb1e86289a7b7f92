// SPDX-License-Identifier: EUPL-1.2
// match_trace.h - the rows of a trace, written while match.c matches, and their words.
#ifndef RULES_MATCH_TRACE_H
#define RULES_MATCH_TRACE_H

#include "rules/demand.h"
#include "rules/match.h"

// Room for every list of codes that a condition can hold.
enum { WORDS_LEN = 256 };

struct words {
    char text[WORDS_LEN];
};

// words_of_period: "2026-01-01 to 2026-12-31", or the one day.
struct words words_of_period(int32_t begin, int32_t end);
// words_of_qualities: "001-009, 020, 021", as the law writes them; "all qualities".
struct words words_of_qualities(const struct condition *condition);
// words_of_sector: its name, "?" when the catalogue has none. Lends: as the catalogue does.
const char *words_of_sector(const struct catalogue *catalogue, uint16_t number);

// trace_publisher notes whether the publisher's own integration was found.
//
// group is TRACE_WHOLE_FLOW where the flow asks it; found is NULL when there is none.
void trace_publisher(struct trace *trace, const struct match_question *question,
                     uint16_t group, const struct demand *demand,
                     const struct integration *found);

// trace_recipient notes an institution that is considered without looking for integrations;
// rule is RULE_RECIPIENT or RULE_NOT_PUBLISHER.
void trace_recipient(struct trace *trace, const struct match_question *question,
                     uint16_t group, uint32_t institution, enum match_rule rule,
                     bool passed, const char *text);

// trace_integration notes the rules asked of an integration in their order, up to `stopped`,
// which said no; RULE_DELIVERED when none did.
void trace_integration(struct trace *trace, const struct match_question *question,
                       uint16_t group, const struct demand *demand,
                       const struct integration *integration, enum match_rule stopped);

// trace_shares notes what each mailbox makes of its institution's grants (sorted).
void trace_shares(struct trace *trace, const struct match_question *question,
                  const struct grant *grants, size_t grants_len);

#endif
