// SPDX-License-Identifier: EUPL-1.2
// unmerge.h - what stood for others was cancelled: the last of them holds again, and comes
// after all.
//
// Whoever got the later address alone (flow/repeats.h) does not know the one before, which is
// in force again when the later one is taken back, or what it was corrected into. So behind the
// cancellation, in the commit that keeps it, the last one that holds (not void itself; when a
// correction stands instead of it, that is known) gets a place of its own, with its own
// ticket and moment, and stands for those before it. Its content says that it comes late, and
// because of which ticket (`caught_up`), and so does its event in the journal (AGAIN_CAUGHT).
// Where its body is kept no more nothing comes: the institution is told that the later one is
// void, and consults the source. Thread: writer.
#ifndef FLOW_UNMERGE_H
#define FLOW_UNMERGE_H

#include "flow/applier.h"
#include "flow/correct.h"

// unmerge_note remembers, until the end of the Publish, that a cancellation is owed to a
// mailbox.
void unmerge_note(struct applier *applier, uint64_t by,
                  const struct correction_share *share, uint64_t of);

// unmerge_noted puts the letters, whose tickets come behind those of the Publish.
// Durable: with the batch's commit. Returns why the store cannot go on, else VG_OK.
NODISCARD enum vg_status unmerge_noted(struct applier *applier);

// unmerge_led_to says whether what a caught up letter owes its place to is a cancellation, and
// no request. Thread: any, with its own transaction.
bool unmerge_led_to(struct txn *txn, uint64_t because);

#endif
