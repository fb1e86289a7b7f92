// SPDX-License-Identifier: EUPL-1.2
// ready.h - the file <run_dir>/vigied.ready: where a broker that is ready listens.
//
// Lines "name: value": pid, public, sources, members, http. It appears whole, by a rename,
// when the doors are open, and goes when the broker ends.
#ifndef EDGE_READY_H
#define EDGE_READY_H

#include "base/why.h"

struct ready {
    const char *broker_public; // Z85
    const char *sources;       // endpoints as bound
    const char *members;
    const char *http; // "": none
};

// ready_write writes the file; run_dir "" writes none. VG_OK or VG_BAD_FILE.
NODISCARD enum vg_status ready_write(const char *run_dir, const struct ready *ready,
                                     struct why *why);
void ready_remove(const char *run_dir);

#endif
