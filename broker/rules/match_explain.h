// SPDX-License-Identifier: EUPL-1.2
// match_explain.h - the rows of a trace, written while matching. For match.c alone.
#ifndef RULES_MATCH_EXPLAIN_H
#define RULES_MATCH_EXPLAIN_H

#include "rules/demand.h"
#include "rules/match.h"

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
