// SPDX-License-Identifier: EUPL-1.2
// metrics.h - the numbers of metrics.table.h. Thread: event loop only.
#ifndef EDGE_METRICS_H
#define EDGE_METRICS_H

#include <stdint.h>

#include "edge/metrics.table.h"

struct metrics {
#define METRICS_FIELD(name, type, unit, help) uint64_t name;
    METRICS_TABLE(METRICS_FIELD)
#undef METRICS_FIELD
};

extern struct metrics metrics;

#endif
