// SPDX-License-Identifier: EUPL-1.2
// scrubber.h - a thread that reads the store again and again, slowly (store/scrub.h), so
// that damage is known while a backup that has it sound still exists.
//
// It begins a pass when the broker starts and then at most one an hour, sleeps between two
// pieces, and holds no view of the store while it sleeps.
#ifndef EDGE_SCRUBBER_H
#define EDGE_SCRUBBER_H

#include "store/scrub.h"

struct scrubber;

struct scrubber_state {
    uint64_t passes;        // finished since the start
    uint64_t bytes;         // read since the start
    int64_t last_ended_us;  // moment at which the last pass ended, 0: none yet
    enum scrub_stage stage; // of the pass at work; SCRUB_DONE: it sleeps
};

// scrubber_start begins the thread. Keeps: store. Gives: scrubber_stop.
NODISCARD enum vg_status scrubber_start(struct store *store, uint64_t bytes_per_second,
                                        struct scrubber **ret_scrubber, struct why *why);
// scrubber_stop waits for the piece at work. Blocks: as long as that takes.
void scrubber_stop(struct scrubber **scrubber);

// scrubber_take gives the oldest finding that nobody has taken yet; false: none. When many
// were found since the last look, some are left for the next pass.
bool scrubber_take(struct scrubber *scrubber, struct scrub_finding *ret_finding);
struct scrubber_state scrubber_state(struct scrubber *scrubber);

#endif
