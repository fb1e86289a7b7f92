// SPDX-License-Identifier: EUPL-1.2
// correct.h - a mutation that replaces or cancels an earlier one, and whom that is owed.
//
// The reference is the ticket that the earlier mutation was given: tickets grow with the
// commits, so the journal finds it without an index (store/journal_find.h), and the recipient
// knows it from the notification that he got.
//
// Whoever got the first gets the correction, in the same mailbox and with the reference, also
// when his integration has ended or the rules have changed since: who was given a wrong datum
// must be told (Regulation (EU) 2016/679, article 19). He sees what the integration that
// justified the first allows, and what he may see today; even when no field is left he is told
// that the first is void. Nothing but that: another mutation needs an integration of its day.
//
// Who may see it today and did not get the first gets a correction as a notification of its
// own, without the reference: that there was another one before is not his to know. A
// cancellation he does not get: there is nothing that he would have to forget.
//
// A mutation is corrected once; after that its correction is what can be corrected. So what
// is said of one thing is a line and not a tree. Thread: the transaction's.
#ifndef FLOW_CORRECT_H
#define FLOW_CORRECT_H

#include "rules/match.h"
#include "store/correction.h"
#include "store/journal.h"

// A mailbox that has got what is corrected, and why. The default mailbox of an institution
// that was merged is its successor's, who may so be told of two letters at once.
struct corrected {
    uint32_t mailbox;
    uint32_t was; // when the first was published
    uint32_t institution;
    uint16_t quality; // 0: no integration was asked
    int32_t begin;
    int32_t end;
    // number 0: it corrects an earlier one itself, or came after its time.
    struct letter letter;
};

struct correction {
    uint64_t of; // ticket
    enum correction_act act;
    struct corrected *got; // by mailbox
    size_t got_len;
};

struct correction_question {
    const struct judged *judged;         // corrects is not 0
    const struct institution *publisher; // of the first, or its successor
    const struct roster *roster;
    const struct meta *meta;
};

// correction_find looks up what a mutation corrects.
//
// ret_refusal is VG_OK, or BAD_REFERENCE with words: there is no such mutation (any more); it
// is another source's, about another person or of another flow; it was corrected already.
// STORE_BROKEN: the journal is damaged there.
// Gives: the correction (correction_free), when both are VG_OK. Returns why the store cannot
// say, else VG_OK.
NODISCARD enum vg_status correction_find(struct txn *txn,
                                         const struct correction_question *question,
                                         struct correction **ret_correction,
                                         enum vg_status *ret_refusal, struct why *why);
void correction_free(struct correction **correction);

// A mailbox's part of a correction.
struct correction_share {
    struct share share;
    uint32_t institution;
    const struct corrected *got; // NULL: it has not got the first
    bool only;                   // nothing of today would let the correction through
    bool twice;                  // it has got the first in two letters
};

struct correction_shares {
    struct correction_share
        *shares; // those who have got the first come before the others
    size_t owed; // of them, have got it
    size_t len;
};

// correction_shares finds what each mailbox gets, given today's grants as match_recipients
// leaves them. Gives: the shares (free). Borrows: the correction, which got points into.
struct correction_shares correction_shares(const struct correction *correction,
                                           const struct match_question *question,
                                           const struct grant *grants, size_t grants_len);

// correction_told finds what a record says of a correction's ticket: what it corrects, and
// whether (and why) it is owed to a mailbox. ret_owed may be NULL. False: it is none; with
// ret_owed, also when it is not owed.
bool correction_told(const struct buffer *record, uint64_t ticket,
                     struct journal_correction *ret, uint32_t mailbox,
                     struct journal_owed *ret_owed);

#endif
