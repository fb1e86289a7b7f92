// SPDX-License-Identifier: EUPL-1.2
#include "edge/metrics.h"

#include <inttypes.h>
#include <string.h>

struct metrics metrics;

enum type { COUNTER, GAUGE };

struct metric {
    const char *name;
    enum type type;
    const char *unit;
    const char *help;
    const uint64_t *value;
};

static const struct metric all_metrics[] = {
#define METRICS_ROW(name, type, unit, help) {#name, type, unit, help, &metrics.name},
    METRICS_TABLE(METRICS_ROW)
#undef METRICS_ROW
};

static const struct {
    const char *name;
    const char *help;
    size_t at; // in struct flow_count
} flow_metrics[] = {
    {"published", "mutations of this flow that were kept",
     offsetof(struct flow_count, published)},
    {"matched", "of them, those that reached at least one mailbox",
     offsetof(struct flow_count, matched)},
    {"notifications", "notifications put into mailboxes",
     offsetof(struct flow_count, notifications)},
    {"withheld", "fields left out because a recipient may not see them",
     offsetof(struct flow_count, withheld)},
    {"refused", "mutations that were refused for good",
     offsetof(struct flow_count, refused)},
};

void
metrics_print(struct buffer *text)
{
    for (size_t i = 0; i < ARRAY_LEN(all_metrics); i++) {
        const struct metric *metric = &all_metrics[i];
        const char *end = metric->type == COUNTER ? "_total" : "";

        buffer_print(text, "# HELP vigie_%s%s %s%s%s%s\n", metric->name, end,
                     metric->help, metric->unit[0] != '\0' ? " (" : "", metric->unit,
                     metric->unit[0] != '\0' ? ")" : "");
        buffer_print(text, "# TYPE vigie_%s%s %s\n", metric->name, end,
                     metric->type == COUNTER ? "counter" : "gauge");
        buffer_print(text, "vigie_%s%s %" PRIu64 "\n", metric->name, end, *metric->value);
    }
}

void
flow_counts_add(struct flow_count counts[FLOW_IDS_MAX],
                const struct flow_count more[FLOW_IDS_MAX])
{
    for (size_t i = 0; i < FLOW_IDS_MAX; i++) {
        counts[i].published += more[i].published;
        counts[i].matched += more[i].matched;
        counts[i].notifications += more[i].notifications;
        counts[i].withheld += more[i].withheld;
        counts[i].refused += more[i].refused;
    }
}

bool
flow_counts_name(const struct flow_count counts[FLOW_IDS_MAX],
                 const struct catalogue *catalogue, uint16_t id, const char **ret_name)
{
    const struct flow *flow =
        catalogue == NULL || id == 0 ? NULL : catalogue_flow_by_id(catalogue, id);

    *ret_name = flow == NULL ? "" : flow->name;
    return flow != NULL || counts[id].published > 0 || counts[id].refused > 0;
}

static uint64_t
flow_value(const struct flow_count *count, size_t at)
{
    uint64_t value;

    memcpy(&value, (const uint8_t *)count + at, sizeof value);
    return value;
}

// A flow that left the catalogue is shown with its number.
static void
print_label(struct buffer *text, const char *name, uint16_t id)
{
    if (name[0] == '\0' && id != 0) {
        buffer_print(text, "{flow=\"%u\"}", id);
        return;
    }
    buffer_print(text, "{flow=\"");
    for (; *name != '\0'; name++) {
        if (*name == '\n') {
            buffer_print(text, "\\n");
        } else {
            buffer_print(text, *name == '"' || *name == '\\' ? "\\%c" : "%c", *name);
        }
    }
    buffer_print(text, "\"}");
}

void
flow_counts_print(const struct flow_count counts[FLOW_IDS_MAX],
                  const struct catalogue *catalogue, struct buffer *text)
{
    for (size_t i = 0; i < ARRAY_LEN(flow_metrics); i++) {
        const char *metric = flow_metrics[i].name;

        buffer_print(text, "# HELP vigie_flow_%s_total %s\n", metric,
                     flow_metrics[i].help);
        buffer_print(text, "# TYPE vigie_flow_%s_total counter\n", metric);
        for (uint16_t id = 0; id < FLOW_IDS_MAX; id++) {
            const char *name;

            if (flow_counts_name(counts, catalogue, id, &name)) {
                buffer_print(text, "vigie_flow_%s_total", metric);
                print_label(text, name, id);
                buffer_print(text, " %" PRIu64 "\n",
                             flow_value(&counts[id], flow_metrics[i].at));
            }
        }
    }
}
