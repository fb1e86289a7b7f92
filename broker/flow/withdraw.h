// SPDX-License-Identifier: EUPL-1.2
// withdraw.h - a notification that is cancelled before it was sent: where the mailbox wants
// it so, neither of the two is delivered.
//
// Whether it was sent only the loop knows, so it takes two commits. In the first the
// cancellation is a letter like any other and the batch names the pair; the loop sends none of
// a pair that was surely not sent and proposes to withdraw it (edge/withdrawing.h). In the
// second both leave the mailbox, or none. In between the pair is what any mailbox gets: after
// a crash there it is delivered.
//
// No pair is:
//  - a notification that itself corrects an earlier one of this mailbox: without it that
//    one would stand again;
//  - one that was held, parked or taken out of its turn, or whose cancellation was: it may
//    have been sent, or others wait behind it;
//  - one that stands for others (flow/repeats.h), or for which a later one stands;
//  - one whose cancellation was corrected meanwhile: that correction was told where the
//    cancellation lay;
//  - one that lies in another mailbox than its cancellation, or came after its time.
// Thread: writer.
#ifndef FLOW_WITHDRAW_H
#define FLOW_WITHDRAW_H

#include "flow/applier.h"
#include "flow/correct.h"

// withdraw_note lets the batch name a pair, if it is one and the mailbox wants neither:
// `got` is what the cancellation under way takes back in a mailbox, `posted` where that went.
void withdraw_note(struct applier *applier, const struct judged *judged,
                   const struct corrected *got, uint64_t by, const struct posted *posted);

#endif
