// SPDX-License-Identifier: EUPL-1.2
// scenario_latency.c - how long a mutation takes when there is room: each is due at its
// moment, whatever happened to those before (no coordinated omission).
#include <stdio.h>

#include "bench.h"

static bool
measure(const struct bench *bench, struct bench_sources *sources, uint64_t rate)
{
    uint32_t mailboxes[SYNTHETIC_INSTITUTIONS_MAX];
    struct bench_job job = {.rate = rate};
    char title[64];

    snprintf(title, sizeof title, "%llu mutations a second, open loop",
             (unsigned long long)rate);
    return bench_rounds(bench, sources, &job, mailboxes,
                        bench_mailboxes(bench, mailboxes), title);
}

bool
scenario_latency(struct bench *bench)
{
    static const uint64_t rates[] = {200, 1000, 10000};
    struct bench_sources *sources;
    bool good;

    if (!bench_open(bench)) {
        return false;
    }
    sources = bench_sources_open(bench, ABOUT_FOLLOWED);
    good = sources != NULL;
    for (size_t i = 0; good && i < sizeof rates / sizeof rates[0]; i++) {
        good = bench->rate != 0 || measure(bench, sources, rates[i]);
    }
    if (good && bench->rate != 0) {
        good = measure(bench, sources, bench->rate);
    }
    bench_sources_close(&sources);
    return good;
}
