// SPDX-License-Identifier: EUPL-1.2
// past.h - a mutation of the past: what the journal has of it, and what its bodies still say.
//
// The journal keeps whom it was about, its flow, how many fields it had, and who got it by
// which integration. The rest, dates and fields, stands only in the bodies of those who got
// it: each field that somebody got, for as long as bodies are kept. What nobody got was
// never kept.
#ifndef FLOW_PAST_H
#define FLOW_PAST_H

#include "hot/hot.h"
#include "rules/catalogue.h"
#include "store/journal.h"

struct past {
    struct journal_event event;
    uint64_t corrects;                          // the ticket of an earlier one, 0: none
    const struct journal_recipient *recipients; // of all its items
    size_t recipients_len;
    // What past_read has found out.
    struct hot_mutation mutation;
    bool has_content;     // a body is there: dates, recipient and numbers are known
    uint32_t fields_lost; // fields that it had and that are known no more
};

// past_next takes the next mutation's items off a record: its event, what it corrects, and its
// recipients, copied behind those in `recipients`; offset as in journal_next. False at the
// end. The event's own count is that of its first item: ask recipients_len.
bool past_next(const struct buffer *record, size_t *offset, struct past *ret,
               struct buffer *recipients);

// past_read puts the mutation together again from the bodies that are there. Without any it
// is what the journal has: the person, and the flow by the name that `naming` gives it.
//
// A body that is gone or damaged is one that says nothing.
// Borrows: naming. Lends: the mutation, until the transaction rests or the catalogue goes.
void past_read(struct txn *txn, const struct catalogue *naming, struct past *past);

// past_body reads what one recipient got. False: it is not there any more, or is damaged.
bool past_body(struct txn *txn, const struct journal_recipient *recipient,
               struct hot_content *ret_content);

// past_can_be_asked says whether the rules of this flow can be asked of it again: where they
// need what only its content said (a period, a recipient, a year), not without a body.
bool past_can_be_asked(const struct past *past, const struct flow *flow);

#endif
