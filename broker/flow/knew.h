// SPDX-License-Identifier: EUPL-1.2
// knew.h - who got what about a person, when and on which ground; and who asked about him.
//
// Found in the index by person (store/exchanges.h) and, for what is not indexed yet, in the
// journal's newest records; read from the records themselves; and what became of each
// letter, from its mailbox and the acknowledgements. In slices of some milliseconds: it may
// be a million letters back to the last run. Thread: event loop.
#ifndef FLOW_KNEW_H
#define FLOW_KNEW_H

#include "flow/command.h"
#include "store/journal.h"

enum { KNEW_ROWS_MAX = 5000 };

enum knew_kind {
    KNEW_LETTER, // an institution got a notification
    KNEW_ASKED,  // somebody used the directory, or asked this question
};

enum knew_state {
    KNEW_WAITING, // kept for the institution, which has not acknowledged it yet
    KNEW_ACKNOWLEDGED,
    KNEW_HELD, // given back, or behind one that was: it comes again
    KNEW_PARKED,
    KNEW_DROPPED,
    KNEW_MERGED,   // a later letter, `into`, stands for it
    KNEW_UNWANTED, // never made: the institution does not want this flow for this quality
    KNEW_WITHDRAWN, // cancelled before it was sent, or that cancellation: neither was sent
};

struct knew_row {
    enum knew_kind kind;
    int64_t time_us; // when it was kept, or asked
    uint64_t commit;
    uint64_t ticket;
    uint64_t niss;        // the number under which it happened
    uint32_t institution; // that got it; asked: whose integration it is about, 0: none
    uint16_t quality;     // of the integration that justifies it, or was asked for
    int32_t begin;
    int32_t end;
    union {
        struct {
            uint64_t number; // in the mailbox
            uint32_t mailbox;
            uint32_t source;
            uint32_t catalogue; // version it was matched with
            uint16_t flow;
            uint16_t fields; // of the mutation
            uint16_t withheld;
            uint16_t again;   // enum journal_again
            uint64_t body;    // where they lay when it was kept
            uint64_t of;      // ticket under which it was published
            uint64_t into;    // merged: ticket of the letter that stands for it, else 0
            uint64_t because; // caught up: ticket of the request, else 0
            enum knew_state state;
            bool left_turn;   // it was held once: only its own acknowledgement counts
            int64_t state_us; // since when, 0: not known
        } letter;
        struct {
            uint32_t actor;
            uint16_t act; // enum journal_act
            uint16_t status;
        } asked;
    };
};

struct knew;

// knew_open begins a search for the person's numbers, over `months` up to a commit.
// Copies: command. Gives: knew_free.
struct knew *knew_open(const struct knew_command *question, uint32_t months);
void knew_free(struct knew **knew);

// knew_search does one slice. Ask until ret_done.
// Returns VG_OK; VG_STORE_BROKEN with the place in why: what is damaged is not passed over.
NODISCARD enum vg_status knew_search(struct knew *knew, struct txn *txn, bool *ret_done,
                                     struct why *why);

// knew_rows lends the rows, oldest first, once the search is done. ret_all: false when
// there were more than KNEW_ROWS_MAX.
const struct knew_row *knew_rows(const struct knew *knew, size_t *ret_len, bool *ret_all);

// knew_numbers lends the person's numbers, oldest first.
const uint64_t *knew_numbers(const struct knew *knew, size_t *ret_len);

#endif
