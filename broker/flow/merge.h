// SPDX-License-Identifier: EUPL-1.2
// merge.h - institutions become part of another one, on a day that was planned.
//
// The plan stands in the institution's own row (merges_into, merges_on). The first batch
// applied on that day in Brussels, whatever it holds, begins with carrying it out: the
// row says so, and the further mailboxes have another owner. From then on
// roster_successor alone says whose everything is, at once and for all persons: no row of the
// directory is touched for it. Rows name the old institution until they are written for
// another reason (merge_integrations).
//
// The letters that wait in the default mailboxes of those merged are put, in slices, behind
// what lies in the successor's own: as new letters there, in the order in which they were
// published (by their tickets, over all of these mailboxes), while the old ones are
// done with. Held and parked ones are handed to the successor like any other: somebody else
// refused them. Until all have been moved, what is published for the successor lines up
// behind them in one of the old mailboxes (merge_inflow): so nothing overtakes.
//
// Nothing is both an aim and merged: who merges into another one is nobody's aim unless that
// was planned before, so the way to a successor ends. Thread: writer.
#ifndef FLOW_MERGE_H
#define FLOW_MERGE_H

#include "flow/applier.h"

enum {
    MOVE_LETTERS_MAX = 500, // in one command
    MERGE_YEARS_MAX = 10,   // so far ahead it may be planned
};

// merge_what_is_due carries out what is planned for today or earlier. At the beginning of a
// batch. Durable: with its commit.
NODISCARD enum vg_status merge_what_is_due(struct applier *applier);

// merge_find_emptying finds the mailboxes whose letters are still to be moved.
NODISCARD enum vg_status merge_find_emptying(struct applier *applier, struct txn *txn);

// merge_inflow gives the mailbox into which a letter for this one goes now: the successor's, or
// one that is still being emptied into it.
uint32_t merge_inflow(const struct applier *applier, uint32_t mailbox);

// merge_refuse refuses what is asked for, or by, an institution that was merged.
void merge_refuse(const struct applier *applier, struct command *command,
                  uint32_t institution);

// merge_integrations makes a person's rows those of the successors, in order.
void merge_integrations(const struct roster *roster, struct integration *integrations,
                        size_t *len);
// merge_stored_integrations does it by what the store says, not the roster.
NODISCARD enum vg_status
merge_stored_integrations(struct txn *txn, struct integration *integrations, size_t *len);

#endif
