// SPDX-License-Identifier: EUPL-1.2
// freshness.h - when each source was heard last, so that silence is seen: "no event since" is
// not "no change".
//
// The catalogue says for some flows how long a source may be silent (rhythm). What a source has
// published of a flow is kept beside meta (store/registry.h), which a restart, a
// restored backup and retention leave as it is.
#ifndef FLOW_FRESHNESS_H
#define FLOW_FRESHNESS_H

#include "rules/catalogue.h"
#include "rules/roster.h"
#include "store/registry.h"

struct fresh {
    const struct institution *source;
    const struct flow *flow;
    struct heard heard; // last_us 0: never heard
    bool late;          // silent for longer than the flow's rhythm, or never heard; false
                        // where the flow has none
};

// freshness_list gives a row for each source and flow that was heard, and for each source of a
// flow with a rhythm that never was; those of the same flow behind one another. What was heard
// of a flow that left the catalogue is left out.
//
// catalogue: NULL: none yet. with_rhythm: only flows that have one.
// Gives: rows (free); they lend from catalogue and roster. Returns VG_OK or VG_STORE_BROKEN.
NODISCARD enum vg_status freshness_list(struct txn *txn,
                                        const struct catalogue *catalogue,
                                        const struct roster *roster, struct instant now,
                                        bool with_rhythm, struct fresh **ret_rows,
                                        size_t *ret_len);

// freshness_silent_us gives how long it has been silent, 0 when it was never heard.
int64_t freshness_silent_us(const struct fresh *fresh, struct instant now);

#endif
