// SPDX-License-Identifier: EUPL-1.2
// anchoring.h - once a day, as soon as the broker runs after midnight in Brussels, signs how
// far the journal is (proto/anchor/anchor.h) and has the writer keep it. Thread: event loop.
#ifndef EDGE_ANCHORING_H
#define EDGE_ANCHORING_H

#include "edge/broker.h"

// anchoring_open reads the key that signs and which day was signed last. Without a key file
// nothing is signed, which is told in the log once. The store is open.
//
// Returns VG_OK; what pair_read returns for a file that is there and no good.
NODISCARD enum vg_status anchoring_open(struct broker *broker, struct why *why);
// anchoring_close wipes the key.
void anchoring_close(struct broker *broker);

// anchoring_watch signs when a new day has come and there is a commit. Call it once a second.
void anchoring_watch(struct broker *broker, struct instant now);
// anchoring_answered takes the writer's answer: on VG_OK the anchor is on the disk, and in the
// log as a line.
void anchoring_answered(struct broker *broker, const struct command *command);

#endif
