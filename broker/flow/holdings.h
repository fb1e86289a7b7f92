// SPDX-License-Identifier: EUPL-1.2
// holdings.h - which integrations an institution holds: counted, summed (digest/digest.h) or
// listed, by a walk over the directory.
//
// There is no index by institution: it would be a random write for each integration, to save
// some seconds a year. So the walk looks at every person, in slices of the caller's size, and
// keeps no view of the store between two. It tells each person as he was when it came by:
// who is integrated, removed or replaced behind it is not seen again, so a walk beside changes
// may differ from another one by them.
//
// What a merged institution held is its successor's (rules/roster.h). At the general level a
// sector holds a person or does not: one period each, from the first day to the last on which
// somebody of it follows him, as consult answers (domain.md, 3).
// Thread: any, each walk one.
#ifndef FLOW_HOLDINGS_H
#define FLOW_HOLDINGS_H

#include "digest/digest.h"
#include "flow/command.h"
#include "rules/roster.h"
#include "store/person.h"

enum { HOLDINGS_ROWS_MAX = 1000 };

struct holdings_question {
    uint32_t institutions[MERGE_FROM_MAX]; // whose
    size_t institutions_len;               // 0: the general level's view of `sector`
    uint16_t sector;
    uint16_t quality;    // 0: all
    struct day since;    // what ended before this day is left out
    struct niss from;    // persons from this number on
    struct niss through; // and up to this one
    // Ends after the person with whom so many are found, 0: at no number. Beyond it by what
    // that person has.
    size_t max;
    bool rows; // keep them, not only their sums
};

struct holdings_sum {
    uint32_t institution; // 0 at the general level
    uint16_t quality;
    struct digest digest;
};

struct holdings_row {
    struct niss niss;
    struct integration integration;
};

struct holdings;

// Copies: the question. Gives: holdings_free.
struct holdings *holdings_open(const struct holdings_question *question);
void holdings_free(struct holdings **holdings);

// holdings_step looks at so many persons more. The roster may be another one each time.
//
// Returns VG_OK and whether the walk has ended; VG_STORE_BROKEN: a row of the directory.
NODISCARD enum vg_status holdings_step(struct holdings *holdings, struct txn *txn,
                                       const struct roster *roster, size_t persons,
                                       bool *ret_done);

// holdings_looked gives how many persons were looked at.
uint64_t holdings_looked(const struct holdings *holdings);
// holdings_next gives the person with whom a walk that ended, or was stopped, goes on; 0:
// nobody is left.
struct niss holdings_next(const struct holdings *holdings);
// Lent until the next step. Sums by institution and quality, none without integrations; rows in
// order of persons.
const struct holdings_sum *holdings_sums(const struct holdings *holdings,
                                         size_t *ret_len);
const struct holdings_row *holdings_rows(const struct holdings *holdings,
                                         size_t *ret_len);
const struct holdings_question *holdings_asked(const struct holdings *holdings);

#endif
