// SPDX-License-Identifier: EUPL-1.2
// reload.h - settings and catalogue, when their files have changed.
//
// A file with mistakes changes nothing: each mistake is logged with its line.
// Thread: event loop.
#ifndef EDGE_RELOAD_H
#define EDGE_RELOAD_H

#include "edge/broker.h"

// reload_first_catalogue puts the catalogue file in force before the doors are open, when
// its text differs from the one in force. Blocks: for a commit.
// Durable: the catalogue, when it returns VG_OK.
NODISCARD enum vg_status reload_first_catalogue(struct broker *broker,
                                                struct faults *faults);

// reload_catalogue proposes it while the broker runs.
void reload_catalogue(struct broker *broker);

// reload_settings takes over what may change while the broker runs.
void reload_settings(struct broker *broker);

#endif
