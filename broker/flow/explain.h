// SPDX-License-Identifier: EUPL-1.2
// explain.h - "who would get this mutation today, and why?", and of one of the past: "who
// got it then, and why; and what do the rules say now?" In words for a person to read, with
// no whole person number in them. Thread: the transaction's, all of it.
#ifndef FLOW_EXPLAIN_H
#define FLOW_EXPLAIN_H

#include "base/buffer.h"
#include "rules/match.h"
#include "store/store.h"

struct explain_question {
    const struct catalogue *catalogue;
    const struct roster *roster;
    const struct institution *publisher;
    const struct institution *only; // whose part is told; NULL: everybody's
    const struct hot_mutation *mutation;
    struct day today;
    bool test_persons;
};

// explain_mutation judges and matches a mutation without publishing it and prints the
// trace, institution by institution. Returns VG_OK, or the refusal a publisher would get
// (its words in why, and in the text).
NODISCARD enum vg_status explain_mutation(struct txn *txn,
                                          const struct explain_question *question,
                                          struct buffer *text, struct why *why);

struct explain_past {
    const struct catalogue *catalogue; // in force now; NULL: none
    const struct roster *roster;
    const struct institution *only;
    uint64_t ticket;
    // As if it came on this day, by the catalogue in force; without: on its own day, by the
    // version that it was matched with.
    bool has_day;
    struct day day;
};

// explain_ticket tells a past mutation in three parts: what the journal has of it; the rules
// asked again, of the directory as it is now; and who got it then and would not now, or the
// other way round. A ticket of something else (an integration, an administrator's act) says
// what it was.
//
// Returns VG_OK; NOT_FOUND (not given yet, or gone with age) and STORE_BROKEN (in no record
// that can be read), with words and no text.
NODISCARD enum vg_status explain_ticket(struct txn *txn,
                                        const struct explain_past *question,
                                        struct buffer *text, struct why *why);

// explain_refused tells what became of one number of a producer: a refused mutation has no
// ticket and reaches nobody, but its refusal is remembered.
//
// Returns VG_OK, also when it was kept; NOT_FOUND: it never came.
NODISCARD enum vg_status explain_refused(struct txn *txn,
                                         const struct institution *source,
                                         uint32_t producer, uint64_t number,
                                         struct buffer *text, struct why *why);

#endif
