// SPDX-License-Identifier: EUPL-1.2
// hold.h - the one way into, within and out of the table "held": each change counts in the
// mailbox's row, stands in the journal, and is told to the loop (batch->held).
//
// A letter that is held is in exactly one state (store/held.h). Of the letters held about
// one subject (a person under any of his numbers) and not parked, the one with the lowest number is to be tried and all
// others wait behind it; every function here leaves it so. Thread: writer.
#ifndef FLOW_HOLD_H
#define FLOW_HOLD_H

#include "flow/applier.h"
#include "flow/marks.h"

// hold_take_out takes a letter out of the main sequence, with the address where its body
// lies now. MARK_KNOWN: it is not in it any more. Durable: with the batch's commit, as
// all here; put a row in the same step.
NODISCARD enum vg_status hold_take_out(struct applier *applier, uint32_t mailbox,
                                       struct letter *letter, enum mark *ret_mark);

// hold_put writes a row: a new one, or a change of one that is there. why: the journal's
// kind. A state other than HELD_PARKED is chosen here, by whose turn it is, and filled in.
NODISCARD enum vg_status hold_put(struct applier *applier, uint32_t mailbox,
                                  enum journal_kind why, struct held_row *row);

// hold_end erases the row of a letter that was acknowledged; the caller counts and
// journals that. hold_drop erases one that a hand dropped, and journals it.
NODISCARD enum vg_status hold_end(struct applier *applier, uint32_t mailbox,
                                  const struct held_row *row);
NODISCARD enum vg_status hold_drop(struct applier *applier, uint32_t mailbox,
                                   const struct held_row *row);

// hold_tell_left tells the loop of a letter that has left the main sequence for good.
void hold_tell_left(struct batch *batch, uint32_t mailbox, uint64_t number,
                    uint64_t subject);

// hold_discard takes a letter that waits in the main sequence out of it for good; the caller
// journals that, and has asked marks_wait.
NODISCARD enum vg_status hold_discard(struct applier *applier, uint32_t mailbox,
                                      const struct letter *letter, uint64_t subject);

// hold_join puts in one order what was held about two persons that are one from now on:
// of two that would be tried the later one waits. Their numbers lead to each other already.
NODISCARD enum vg_status hold_join(struct applier *applier, struct niss niss);

#endif
