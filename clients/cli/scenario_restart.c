// SPDX-License-Identifier: EUPL-1.2
// scenario_restart.c - how long until the broker is ready again, after SIGTERM and after
// SIGKILL, when nothing waits and when much does.
#include <signal.h>
#include <stdio.h>

#include "bench.h"

static bool
measure(struct bench *bench, int signal_number, const char *how, uint64_t waiting)
{
    double seconds[BENCH_ROUNDS_MAX];
    double private_mb[BENCH_ROUNDS_MAX];
    char title[80];

    for (uint64_t i = 0; i < bench->rounds; i++) {
        bench_stop(bench, signal_number);
        seconds[i] = bench_start(bench);
        private_mb[i] = (double)bench_memory(bench).private_bytes / 1e6;
        if (seconds[i] <= 0) {
            return false;
        }
    }
    snprintf(title, sizeof title, "ready after %s, %llu waiting", how,
             (unsigned long long)waiting);
    bench_figure(bench, title, "s", seconds, bench->rounds);
    bench_figure(bench, "  then private", "MB", private_mb, bench->rounds);
    return true;
}

static bool
measure_both(struct bench *bench, uint64_t waiting)
{
    return measure(bench, SIGTERM, "SIGTERM", waiting) &&
           measure(bench, SIGKILL, "SIGKILL", waiting);
}

bool
scenario_restart(struct bench *bench)
{
    struct bench_job job = {.count = bench->waiting};
    struct bench_published published;
    struct bench_sources *sources;
    bool good;

    if (!bench_open(bench) || !measure_both(bench, 0)) {
        return false;
    }
    // The keys name the ports of the broker that drew them.
    bench_close(bench);
    if (!bench_open(bench)) {
        return false;
    }
    sources = bench_sources_open(bench, ABOUT_FOLLOWED);
    good = sources != NULL && bench_publish(sources, &job, &published);
    bench_sources_close(&sources);
    return good && measure_both(bench, bench->waiting);
}
