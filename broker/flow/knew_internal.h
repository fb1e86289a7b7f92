// SPDX-License-Identifier: EUPL-1.2
// knew_internal.h - what the files share that answer who knew (knew.h).
#ifndef FLOW_KNEW_INTERNAL_H
#define FLOW_KNEW_INTERNAL_H

#include "flow/knew.h"
#include "flow/replace.h"
#include "store/exchanges.h"

// What a slice may cost: some milliseconds.
enum {
    SLICE_SEEKS = 50, // each may wait for the disk
    SLICE_BYTES = 4 << 20,
    SLICE_RECORDS = 5000,
    FOUND_AT_ONCE = 1000, // entries of one number in one run
    BOX_BITS = 4096,
};

enum phase { FINDS, READS, LOOKS, ENDS, DONE };

struct knew {
    enum phase phase;
    bool begun;
    uint64_t chain[NUMBERS_MAX];
    size_t chain_len;
    int32_t since; // day
    uint64_t through;
    uint64_t indexed; // commits up to here are found in the index
    // FINDS: places in the journal, without their subject
    struct exchange_run run;
    struct exchange *places;
    size_t places_len;
    size_t places_size;
    // READS
    size_t next_place;
    struct buffer record;
    struct journal_head head; // its moment is the next rows'
    // LOOKS: what became of the letters
    size_t next_row;
    struct exchange_run next_run; // where that one's acknowledgement is looked for
    // ENDS: what is not indexed yet
    uint64_t next_commit;
    uint64_t boxes[BOX_BITS / 64]; // mailboxes whose acknowledgements matter

    struct knew_row *rows;
    size_t rows_len;
    size_t rows_size;
    bool full;
    size_t effort;
};

// knew_take_item adds the rows that an item of the record being read has to give.
void knew_take_item(struct knew *knew, const struct journal_item *item);

// knew_watches says whether acknowledgements of this mailbox matter to the answer.
bool knew_watches(const struct knew *knew, uint32_t mailbox);

// knew_look_in_mailbox says what the mailbox knows of a row's letter.
NODISCARD enum vg_status knew_look_in_mailbox(struct txn *txn, struct knew_row *row);

// knew_wants_moment says whether it was acknowledged and nobody has said yet when.
bool knew_wants_moment(const struct knew_row *row);

// knew_look_at_letters asks what became of the letters, as many as fit into a slice.
NODISCARD enum vg_status knew_look_at_letters(struct knew *knew, struct txn *txn);

#endif
