// SPDX-License-Identifier: EUPL-1.2
// judge.h - may this publisher publish this mutation, as it stands?
//
// Pure: everything about a mutation that can be refused without looking at the directory.
#ifndef RULES_JUDGE_H
#define RULES_JUDGE_H

#include "hot/hot.h"
#include "rules/catalogue.h"
#include "values/enterprise.h"
#include "values/niss.h"

// A mutation whose values have been checked. Borrows the catalogue and the frame.
struct judged {
    const struct hot_mutation *mutation;
    const struct flow *flow;
    struct niss niss;             // 0 on flows keyed by enterprise
    struct niss new_niss;         // 0 unless the flow replaces persons
    struct enterprise enterprise; // 0 on flows keyed by person
    bool has_period;
    struct period period;          // an open or partial end is read as its latest day
    uint64_t corrects;             // ticket of an earlier mutation, 0: none
    uint64_t answers;              // ticket of a notification of the publisher's, 0: none
    bool cancels;                  // it does not stand any more, and nothing instead
    int16_t field[HOT_FIELDS_MAX]; // catalogue index of each of the mutation's fields
};

struct judge_context {
    const struct catalogue *catalogue;
    const struct institution *publisher;
    struct day today;
    bool test_persons; // fictitious numbers are accepted
};

// judge_mutation checks flow, source, numbers, dates, fields and the rest, in that order.
//
// Returns VG_OK or the first refusal; its words name field and value (numbers of persons
// masked). UNKNOWN_FLOW, NOT_THE_SOURCE, BAD_NISS, TEST_PERSON, BAD_ENTERPRISE, BAD_DATE,
// UNKNOWN_FIELD, FIELD_NOT_IN_FLOW, BAD_RECIPIENT (missing where the flow is addressed),
// BAD_REFERENCE (not a ticket; whether it is one that can be corrected: flow/correct.h).
// A number, period, year or recipient that the flow has no use for is refused like a wrong
// one: it would travel on to the recipients. ret_judged is good only after VG_OK.
NODISCARD enum vg_status judge_mutation(const struct judge_context *context,
                                        const struct hot_mutation *mutation,
                                        struct judged *ret_judged, struct why *why);

#endif
