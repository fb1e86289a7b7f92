// SPDX-License-Identifier: EUPL-1.2
// catch_up.h - what changed for a person while an institution did not follow him is delivered
// when his integration is extended or opened, in the commit of that request.
//
// An integration that had ended and goes on without a gap catches up by itself (extend keeps);
// any other one when the request says so (re-open asks). The law decides what: each mutation is
// judged on its own day, with this integration as it now stands, by the catalogue in force; a
// mutation that the institution was entitled to on that day already, got, or got by an
// earlier catching up is left out, as are those corrected since: their correction is what
// stands.
//
// How far back: two months, the flows' own look-back. How much: CATCH_UP_PLACES_MAX mutations
// and CATCH_UP_ITEMS_MAX persons in a request; what is over is named in the answer. What is
// delivered is what is kept: bodies of those who got it then. A field that nobody got, or
// that is kept no more, is counted (Content.lost); a mutation of which nothing is left is
// counted in the answer, with the advice to consult its source.
//
// The loop searches the journal, in slices (catch_up_begin and knew_search); the writer looks
// at what was kept since, and does the rest.
#ifndef FLOW_CATCH_UP_H
#define FLOW_CATCH_UP_H

#include "flow/applier.h"
#include "flow/knew.h"

enum {
    CATCH_UP_MONTHS = 2,
    CATCH_UP_ITEMS_MAX = 32,   // of a request, that are searched for
    CATCH_UP_PLACES_MAX = 200, // mutations that the writer looks at for a request
};

// ---- the loop's part ----

// catch_up_is_wanted says whether an item is to catch up, as the directory stands now: it asks,
// or extends what has ended. What the rules refuse is refused later.
NODISCARD enum vg_status catch_up_is_wanted(struct txn *txn, const struct roster *roster,
                                            uint32_t institution,
                                            const struct integrate_request *request,
                                            struct day today, bool *ret_wanted);

// catch_up_begin begins the search for a person. ret_through: what it will have seen.
// Gives: knew_free.
NODISCARD enum vg_status catch_up_begin(struct txn *txn, struct niss niss,
                                        struct day today, struct knew **ret_knew,
                                        uint64_t *ret_through);

// catch_up_found makes of a search that is done what the item may catch up with. NULL: no
// search was made; then all is false. Gives: for the command, which frees it.
struct catch_up *catch_up_found(const struct knew *knew, uint64_t through_commit);

// ---- the writer's part ----

// A person whose integrations an item has changed.
struct catch_person {
    uint32_t institution;
    struct integration added; // as the item asked for it
    struct niss niss;         // in force
    const struct integration *before;
    size_t before_len;
    const struct integration *after;
    size_t after_len;
};

// catch_up_person puts what an item catches up with into the mailboxes, and says in the item's
// result how many there were. The item was done.
// Durable: with the commit of the request.
NODISCARD enum vg_status catch_up_person(struct applier *applier, struct command *command,
                                         size_t item, const struct catch_person *person);

#endif
