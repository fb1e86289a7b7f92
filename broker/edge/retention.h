// SPDX-License-Identifier: EUPL-1.2
// retention.h - lets go what has been kept long enough: asks the writer for slices of it
// (flow/expire.c), and counts and tells what went. Thread: event loop.
#ifndef EDGE_RETENTION_H
#define EDGE_RETENTION_H

#include "edge/broker.h"

// retention_watch proposes a slice every ten seconds. Call it once a second.
void retention_watch(struct broker *broker, int64_t now_ms);

// retention_answered takes a slice's answer, and proposes the next one at once when there
// is more to do. What is damaged is told in the log, once for each place.
void retention_answered(struct broker *broker, const struct command *command);

// retention_folded notes that the loop has taken a fold: what it filed may be moved from
// now on, for nothing the loop remembers names the old places.
void retention_folded(struct broker *broker, uint64_t commit);

#endif
