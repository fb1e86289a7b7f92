// SPDX-License-Identifier: EUPL-1.2
// dry_run.h - what the mutations of a stretch of the journal would have done under another
// catalogue, or without an integration; nothing is changed.
//
// Each mutation is put together again (flow/past.h) and matched twice, as publishing does it:
// by the catalogue in force and by the plan, both on the mutation's own day, both of the
// directory and the mailboxes as they are now. What differs between the two is the plan's
// doing. What differs already between the journal and the catalogue in force is the
// directory's: it is counted apart (drifted), and is no change.
//
// It works in slices, so that a program can run it beside a broker and the broker's loop
// between other things. Persons of a slice are looked up in order of their numbers and
// together (store/person_walk.h). No person number leaves it: examples are tickets.
// Thread: one.
#ifndef FLOW_DRY_RUN_H
#define FLOW_DRY_RUN_H

#include "rules/match.h"
#include "store/journal.h"

enum {
    DRY_EXAMPLES = 3,
    DRY_SLICE_EVENTS = 65536, // most that one slice takes
};

struct dry_removal {
    struct niss niss;
    uint32_t institution; // 0: the plan removes nothing
    uint16_t quality;
    struct period period;
};

struct dry_plan {
    const struct catalogue *in_force;
    const struct catalogue *planned; // the same, where only an integration is removed
    const struct roster *roster;
    struct dry_removal removal;
    uint64_t first_commit;
    uint64_t last_commit;
};

enum dry_change {
    DRY_MORE,    // a letter that there would not have been
    DRY_LESS,    // none where there would have been one
    DRY_FIELDS,  // other fields of it
    DRY_GROUND,  // the same fields, by another integration
    DRY_REFUSED, // the mutation itself would have been refused; institution: its publisher
    DRY_CHANGES
};

struct dry_count {
    uint64_t count;
    uint64_t ticket[DRY_EXAMPLES]; // of some of the first slice with any, 0: no more
};

// Of one flow and institution.
struct dry_row {
    uint16_t flow;
    uint32_t institution;
    struct dry_count change[DRY_CHANGES];
    uint64_t unsure; // of MORE and LESS: whether there is a letter depends on lost fields
};

struct dry_report {
    uint64_t commits;
    uint64_t damaged;      // of them: could not be read
    uint64_t refused_then; // mutations that were refused: nothing of them is known
    uint64_t mutations;    // the sum of the following four
    uint64_t whole;
    uint64_t partly;    // but for fields that nobody got
    uint64_t without;   // without its content: by person and flow alone
    uint64_t not_asked; // its rules need what only its content said
    struct dry_count drifted;
    struct dry_row *rows; // by flow, then by institution
    size_t rows_len;
};

struct dry_run;

// dry_run_new begins. Keeps: the catalogues. Copies: the roster. Gives: dry_run_free.
// Returns VG_OK; VG_STORE_BROKEN: the removal's person cannot be read.
NODISCARD enum vg_status dry_run_new(struct txn *txn, const struct dry_plan *plan,
                                     struct dry_run **ret_run, struct why *why);
void dry_run_free(struct dry_run **run);

// dry_run_step takes up to `events` further mutations. The transaction may rest afterwards.
NODISCARD enum vg_status dry_run_step(struct dry_run *run, struct txn *txn, size_t events,
                                      struct why *why);
bool dry_run_done(const struct dry_run *run);
double dry_run_progress(const struct dry_run *run); // 0 to 1

// dry_run_report lends what was found so far, sorted, until the next step.
const struct dry_report *dry_run_report(struct dry_run *run);

#endif
