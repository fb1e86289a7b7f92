// SPDX-License-Identifier: EUPL-1.2
// check.h - reads the whole store and says whether it can be trusted.
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include "store/store.h"

struct check_report {
    uint64_t commits; // records whose hash and chain hold
    uint64_t blocks;  // body blocks whose checksum holds
    uint64_t mailboxes;
    uint64_t letters; // waiting and parked letters, each with a readable body
    uint64_t persons;
    uint64_t integrations;
    struct faults faults; // what does not hold, each with its commit, block or mailbox
};

// Called now and then with a share done of 0 to 1, for a progress line; may be NULL.
typedef void (*check_progress_fn)(double done, void *arg);

// store_check walks the journal's hash chain, every block's checksum, and recounts every
// mailbox from the journal, together with what its trimmed records said (last number,
// consecutive numbers, acknowledged, bytes waiting, held, parked and dropped), against its
// row, integrations and persons against meta, and replaced numbers
// against those that replaced them. It
// holds the anchors' signatures and commits against the chain.
//
// Blocks: as long as reading the store takes. Returns VG_OK (look at report.faults) or
// VG_STORE_BROKEN when it cannot even be read.
NODISCARD enum vg_status store_check(struct store *store, struct check_report *ret_report,
                                     check_progress_fn progress, void *arg,
                                     struct why *why);

#endif
