// SPDX-License-Identifier: EUPL-1.2
// scenario_stuck.c - one, ten, a hundred institutions that receive and never acknowledge:
// how long do the letters of all others take?
//
// Each number of stuck ones is measured twice in a row, with the same others: first those
// few read as everybody does, then they are stuck.
#include <stdio.h>

#include "bench.h"

enum { STUCK_WINDOW = 10 };

// Every so many CPAS one is among the few; the others follow.
static void
choose(const struct bench *bench, size_t few, uint32_t mailboxes[SYNTHETIC_CPAS_MAX])
{
    size_t len = bench->synthetic.cpas_len;
    size_t step = len / few;
    size_t chosen = 0;
    size_t other = few;

    for (size_t i = 0; i < len; i++) {
        if (i % step == 0 && chosen < few) {
            mailboxes[chosen++] = bench_mailbox(bench, i);
        } else {
            mailboxes[other++] = bench_mailbox(bench, i);
        }
    }
}

static bool
run_once(const struct bench *bench, const uint32_t *mailboxes, size_t few, bool stuck,
         struct bench_result *ret)
{
    struct crew *others =
        bench_crew(bench, mailboxes + few, bench->synthetic.cpas_len - few,
                   BENCH_CONNECTIONS, BENCH_WINDOW, false);
    struct crew *those =
        others == NULL ? NULL
                       : bench_crew(bench, mailboxes, few, few, STUCK_WINDOW, stuck);
    bool good = those != NULL && bench_run(bench, others, bench->rate, ret);

    crew_stop(&those);
    crew_stop(&others);
    return good;
}

static void
report(const struct bench *bench, size_t few, const struct bench_result *none,
       const struct bench_result *stuck)
{
    if (bench->cli->json) {
        cli_print(json_pack("{s:I,s:I,s:I,s:I,s:o,s:o}", "stuck", (json_int_t)few,
                            "rate_asked", (json_int_t)bench->rate,
                            "none_stuck_notifications", (json_int_t)none->sum.received,
                            "stuck_notifications", (json_int_t)stuck->sum.received,
                            "none_stuck_us", bench_latency_json(&none->sum.latency),
                            "stuck_us", bench_latency_json(&stuck->sum.latency)));
        return;
    }
    printf(
        "%zu of %zu institutions stuck, %llu mutations a second: published -> received "
        "by the others\n",
        few, bench->synthetic.cpas_len, (unsigned long long)bench->rate);
    bench_print_latency("none stuck", &none->sum.latency);
    bench_print_latency("stuck", &stuck->sum.latency);
    fflush(stdout);
}

bool
scenario_stuck(struct bench *bench)
{
    static const size_t numbers[] = {1, 10, 100};
    bool good = true;

    for (size_t i = 0; good && i < sizeof numbers / sizeof numbers[0]; i++) {
        uint32_t mailboxes[SYNTHETIC_CPAS_MAX];
        struct bench_result none;
        struct bench_result stuck;

        if (numbers[i] * 2 > bench->synthetic.cpas_len) {
            break;
        }
        choose(bench, numbers[i], mailboxes);
        good = run_once(bench, mailboxes, numbers[i], false, &none) &&
               run_once(bench, mailboxes, numbers[i], true, &stuck);
        if (good) {
            report(bench, numbers[i], &none, &stuck);
        }
    }
    return good;
}
