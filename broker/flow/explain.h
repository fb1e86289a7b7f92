// SPDX-License-Identifier: EUPL-1.2
// explain.h - "who would get this mutation today, and why?"
#ifndef FLOW_EXPLAIN_H
#define FLOW_EXPLAIN_H

#include "base/buffer.h"
#include "rules/match.h"
#include "store/store.h"

struct explain_question {
    const struct catalogue *catalogue;
    const struct roster *roster;
    const struct institution *publisher;
    const struct hot_mutation *mutation;
    struct day today;
    bool test_persons;
};

// explain_mutation judges and matches a mutation without publishing it and prints the
// trace, institution by institution. Thread: the transaction's. Returns VG_OK, or the
// refusal a publisher would get (its words in why, and in the text).
NODISCARD enum vg_status explain_mutation(struct txn *txn,
                                          const struct explain_question *question,
                                          struct buffer *text, struct why *why);

#endif
