// SPDX-License-Identifier: EUPL-1.2
// counted.h - what the journal's records say about a mailbox, added up.
//
// The check adds up the whole journal and compares it with the mailboxes' rows. When old
// records go, what they said is kept here, so that the rest still adds up.
//
//  table "counted", key: u32 BE mailbox, value: struct counted: of the records before
//  meta.first_commit
#ifndef STORE_COUNTED_H
#define STORE_COUNTED_H

#include "store/journal.h"

struct counted {
    uint64_t last; // newest number
    uint64_t bytes_through;
    uint64_t mark;               // all up to here were acknowledged
    uint64_t acknowledged;       // letters
    uint64_t bytes_acknowledged; // of them
    uint64_t dropped;            // letters, by hand or withdrawn
    uint64_t dropped_bytes;
};

// counted_letter and the others add one item of the journal.
void counted_letter(struct counted *counted, const struct journal_recipient *recipient);
void counted_acknowledge(struct counted *counted,
                         const struct journal_acknowledge *acknowledge);
void counted_drop(struct counted *counted, const struct journal_held *drop);
void counted_withdrawn(struct counted *counted,
                       const struct journal_withdrawn *withdrawn);

// counted_get gives zeros for a mailbox without a row.
NODISCARD enum vg_status counted_get(struct txn *txn, struct mailbox_id mailbox,
                                     struct counted *ret_counted);

// counted_trim erases the oldest record of the journal what is remembered of its mutations,
// adds what it said to the rows, and moves meta->first_commit and first_hash. The record must exist and hold.
// Durable: with the transaction's commit.
NODISCARD enum vg_status counted_trim(struct txn *txn, struct meta *meta,
                                      struct buffer *record, struct why *why);

#endif
