// SPDX-License-Identifier: EUPL-1.2
// scenario_throughput.c - as many mutations as go, and then how long one takes.
#include "bench.h"

static bool
run_once(const struct bench *bench, uint64_t rate)
{
    uint32_t mailboxes[SYNTHETIC_CPAS_MAX];
    struct bench_result result;
    struct crew *crew;
    bool good;

    for (size_t i = 0; i < bench->synthetic.cpas_len; i++) {
        mailboxes[i] = bench_mailbox(bench, i);
    }
    crew = bench_crew(bench, mailboxes, bench->synthetic.cpas_len, BENCH_CONNECTIONS,
                      BENCH_WINDOW, false);
    good = crew != NULL && bench_run(bench, crew, rate, &result);
    if (good) {
        bench_report(bench, &result);
    }
    crew_stop(&crew);
    return good;
}

bool
scenario_throughput(struct bench *bench)
{
    return run_once(bench, 0) && run_once(bench, bench->rate);
}
