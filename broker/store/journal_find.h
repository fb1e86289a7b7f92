// SPDX-License-Identifier: EUPL-1.2
// journal_find.h - an event by its ticket, a commit by its moment.
//
// Tickets grow with the commits that gave them, so a search by halves over the journal finds
// one and no index is written for it: some twenty records are looked at among millions of
// commits. Commits that gave no ticket are passed over one by one.
#ifndef STORE_JOURNAL_FIND_H
#define STORE_JOURNAL_FIND_H

#include "store/journal.h"

// Where an event stands: its record, and the place in it.
struct journal_place {
    struct buffer record; // the whole one, its hash checked
    struct journal_head head;
    struct journal_event event; // the first of this ticket
    struct journal_item item;   // the same with its recipients, lent from the record
    size_t next;                // for journal_next: further EVENTs of the ticket, if any
};

// journal_find gives the event of a mutation's ticket. Zero the place before.
//
// Gives: the record (buffer_free), whatever is returned.
// Returns VG_OK; VG_NOT_FOUND, with words for whoever named the ticket: it was never given, it
// is not a mutation's, or the journal begins after it; VG_STORE_BROKEN: a record on the way is
// damaged.
NODISCARD enum vg_status journal_find(struct txn *txn, const struct meta *meta,
                                      uint64_t ticket, struct journal_place *ret_place,
                                      struct why *why);

// journal_find_more goes to the next EVENT of the same ticket; false when there is none.
bool journal_find_more(struct journal_place *place);

// journal_find_commit gives the commit that gave a ticket, be it a mutation's, a request's or
// an administrator's. Returns as journal_find, but any ticket is one.
NODISCARD enum vg_status journal_find_commit(struct txn *txn, const struct meta *meta,
                                             uint64_t ticket, uint64_t *ret_commit,
                                             struct why *why);

// journal_find_time gives the first commit at or after a moment, last_commit + 1 when all are
// before it. Records that cannot be read are passed over.
NODISCARD enum vg_status journal_find_time(struct txn *txn, const struct meta *meta,
                                           struct instant time, uint64_t *ret_commit);

// journal_item_ticket gives the ticket that an item speaks of, 0: none.
uint64_t journal_item_ticket(const struct journal_item *item);

#endif
