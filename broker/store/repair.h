// SPDX-License-Identifier: EUPL-1.2
// repair.h - mends what carries a checksum of its own from a store that has it sound.
#ifndef STORE_REPAIR_H
#define STORE_REPAIR_H

#include "store/store.h"

struct repair_report {
    uint64_t blocks;      // of bodies, copied
    uint64_t commits;     // journal records, copied
    uint64_t rows;        // of waiting letters, copied
    struct faults faults; // what is damaged still
};

typedef void (*repair_progress_fn)(double done, void *arg);

// store_repair reads every block, record and row of letters; of each that is damaged or
// missing it takes the one of the same number from `sound`, if its checksum or hash holds
// there. Nothing else is changed.
//
// Borrows: sound, a backup of this store or an increment.
// Durable: when it returns VG_OK; all or nothing. Blocks: as long as reading the store takes.
// Returns VG_OK (look at report.faults); VG_BAD_FILE: not the same store; VG_STORE_BROKEN, VG_STORE_FULL, VG_UNKNOWN.
NODISCARD enum vg_status store_repair(struct store *store, struct store *sound,
                                      struct repair_report *ret_report,
                                      repair_progress_fn progress, void *arg,
                                      struct why *why);

#endif
