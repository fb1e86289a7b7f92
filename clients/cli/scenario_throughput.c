// SPDX-License-Identifier: EUPL-1.2
// scenario_throughput.c - as many mutations as go: about persons whom a CPAS follows, and
// about anybody.
#include "bench.h"

static bool
saturate(struct bench *bench, enum bench_about about, const char *title)
{
    uint32_t mailboxes[SYNTHETIC_INSTITUTIONS_MAX];
    struct bench_job job = {0};
    struct bench_sources *sources = NULL;
    bool good = bench_open(bench) &&
                (sources = bench_sources_open(bench, about)) != NULL &&
                bench_rounds(bench, sources, &job, mailboxes,
                             bench_mailboxes(bench, mailboxes), title);

    bench_sources_close(&sources);
    return good;
}

bool
scenario_throughput(struct bench *bench)
{
    return saturate(bench, ABOUT_FOLLOWED, "about persons whom a CPAS follows");
}

bool
scenario_everyone(struct bench *bench)
{
    return saturate(bench, ABOUT_ANYBODY, "about anybody");
}
