// SPDX-License-Identifier: EUPL-1.2
// refuse.h - a letter that cannot be taken is tried again later, or parked; nothing that
// was refused is forgotten.
//
// What must hold, after every commit:
//  - a letter of a mailbox is in exactly one place: in the main sequence, held (RETRY or
//    BEHIND), parked, dropped or acknowledged; the row's counters say how many and how
//    many bytes, and only a hand drops;
//  - of the letters held about one subject exactly one is RETRY, the one with the lowest
//    number; all others are BEHIND;
//  - while a letter about a subject is held, no later one about him is handed over: the
//    loop defers those it meets, and those in flight at a refusal are deferred with it.
//    Letters about others pass. A parked letter holds up nobody;
//  - a RETRY letter is handed over no earlier than its moment, when somebody has the
//    mailbox open, with its own number and one attempt more than it was refused; it is
//    done with when its own number is acknowledged, never by a mark that passes it;
//  - a refusal adds one attempt; the pause grows by rules/retry.h; at the limit, or when
//    HELD_MAX letters of the mailbox are held, the letter is parked instead.
// A person is all his numbers: from the moment at which one replaces another, letters under
// either wait for one another, also those that lay there before (hold_join).
//
// Thread: writer. The steps themselves are declared in flow/applier.h.
#ifndef FLOW_REFUSE_H
#define FLOW_REFUSE_H

#include "flow/applier.h"

// applier_park parks a letter that waits in the main sequence or is held; one that is
// parked already, or has left the mailbox, stays as it is. subject: whom it is about
// (letter_subject). actor: who decided, 0: the broker itself. reason: printable, cut at
// HELD_REASON_MAX.
//
// Durable: with the batch's commit. Returns VG_OK; VG_TOO_MANY: RANGES_MAX gaps are
// remembered between single letters of this mailbox, park the oldest first; or why the
// store cannot go on.
NODISCARD enum vg_status applier_park(struct applier *applier, uint32_t mailbox,
                                      const struct letter *letter, uint64_t subject,
                                      uint32_t actor, const char *reason);

// letter_subject reads whom a letter is about out of its body: the NISS, or
// HELD_ENTERPRISE | enterprise number, or 0. Any thread, with its own transaction.
NODISCARD enum vg_status letter_subject(struct txn *txn, const struct letter *letter,
                                        uint64_t *ret_subject);

// letter_reason copies a reason into a row: printable ASCII and UTF-8, cut at a whole
// character.
void letter_reason(struct held_row *row, struct bytes reason);

#endif
