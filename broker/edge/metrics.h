// SPDX-License-Identifier: EUPL-1.2
// metrics.h - the numbers of metrics.table.h, and their page for Prometheus (text format
// 0.0.4). Thread: event loop only.
#ifndef EDGE_METRICS_H
#define EDGE_METRICS_H

#include "edge/metrics.table.h"
#include "flow/apply.h"

struct metrics {
#define METRICS_FIELD(name, type, unit, help) uint64_t name;
    METRICS_TABLE(METRICS_FIELD)
#undef METRICS_FIELD
};

extern struct metrics metrics;

// metrics_print writes every number as vigie_NAME, a counter as vigie_NAME_total.
void metrics_print(struct buffer *text);

// flow_counts_add adds what a batch did to each flow's mutations.
void flow_counts_add(struct flow_count counts[FLOW_IDS_MAX],
                     const struct flow_count more[FLOW_IDS_MAX]);

// flow_counts_name gives a flow's name, "" for one that no catalogue knows; false when it
// is not in this catalogue and nothing has happened to it, so that there is nothing to show.
bool flow_counts_name(const struct flow_count counts[FLOW_IDS_MAX],
                      const struct catalogue *catalogue, uint16_t id,
                      const char **ret_name);

// flow_counts_print writes vigie_flow_..._total{flow="NAME"}. Borrows: catalogue, NULL: none.
void flow_counts_print(const struct flow_count counts[FLOW_IDS_MAX],
                       const struct catalogue *catalogue, struct buffer *text);

#endif
