// SPDX-License-Identifier: EUPL-1.2
// caught.h - mutations that an institution got after their time, because an integration was
// extended or opened (flow/catch_up.h): none is sent twice, and whoever got one so is owed its
// correction like anybody else.
//
//  table "caught" (schema 4), key: u64 BE ticket | u32 BE mailbox, value: struct caught_row
//
// A row goes with the journal's record of the mutation.
#ifndef STORE_CAUGHT_H
#define STORE_CAUGHT_H

#include "store/store.h"

struct caught_row {
    uint64_t ticket; // of the letter's own event
    // Ticket of the request that extended or opened the integration, or of the cancellation of
    // the one that stood for it (flow/unmerge.h).
    uint64_t request;
    uint32_t institution;
    uint16_t quality; // of the integration that justifies the letter
    uint16_t reserved;
    int32_t begin;
    int32_t end;
};

// caught_put. Durable: with the transaction's commit.
NODISCARD enum vg_status caught_put(struct txn *txn, uint64_t ticket,
                                    struct mailbox_id mailbox,
                                    const struct caught_row *row);
// caught_trim erases the rows of tickets up to this one.
NODISCARD enum vg_status caught_trim(struct txn *txn, uint64_t through);

// caught_each calls back for every row from a ticket on, in order of tickets, until it returns
// false. Nothing may be written meanwhile.
typedef bool (*caught_fn)(uint64_t ticket, struct mailbox_id mailbox,
                          const struct caught_row *row, void *arg);
NODISCARD enum vg_status caught_each(struct txn *txn, uint64_t from, caught_fn each,
                                     void *arg);

#endif
