// SPDX-License-Identifier: EUPL-1.2
// answer.h - a mutation that answers a notification: a reaction to an alert, a social report
// that was asked for.
//
// It names the notification's ticket, which the publisher has from it, and travels to its
// recipients like any mutation: so the source is told, durably and in order. Which flow answers
// which is a column of the catalogue (answers), and so is whether an answer is required
// (answer_required); then the table "asked" remembers who owes one. Thread: the transaction's.
#ifndef FLOW_ANSWER_H
#define FLOW_ANSWER_H

#include "flow/applier.h"

struct answer_question {
    const struct judged *judged; // answers is not 0
    const struct institution *publisher;
    const struct catalogue *catalogue;
    const struct roster *roster;
    const struct meta *meta;
};

// answer_check says whether a judged mutation may answer what it names.
//
// ret_refusal is VG_OK, or BAD_REFERENCE with words: there is no such notification (any more);
// the publisher did not get it; it is of another flow than this one answers, or about another
// person; an addressed answer goes to somebody else than who asked. STORE_BROKEN: the journal
// is damaged there. Returns why the store cannot say, else VG_OK.
NODISCARD enum vg_status answer_check(struct txn *txn,
                                      const struct answer_question *question,
                                      enum vg_status *ret_refusal, struct why *why);

// answer_note remembers that the publisher's mailboxes have answered a ticket, with the ticket
// of the answer; the first one counts. Durable: with the batch's commit.
NODISCARD enum vg_status answer_note(struct applier *applier, uint64_t asked,
                                     const struct institution *publisher,
                                     uint64_t answer);

#endif
