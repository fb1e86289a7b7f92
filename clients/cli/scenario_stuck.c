// SPDX-License-Identifier: EUPL-1.2
// scenario_stuck.c - one, ten, a hundred institutions that receive and never acknowledge:
// how long do the letters of all others take?
//
// Rounds with none stuck and rounds with some take turns, with the same others, so that what
// else the machine does meets both.
#include <stdio.h>

#include "bench.h"

enum { STUCK_WINDOW = 10, USUAL_RATE = 1000 };

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

struct scene {
    const struct bench *bench;
    struct bench_sources *sources;
    struct bench_job job;
    size_t few;
    uint32_t mailboxes[SYNTHETIC_CPAS_MAX]; // the few first
};

static bool
run_once(const struct scene *scene, bool stuck, struct bench_result *ret)
{
    const struct bench *bench = scene->bench;
    struct crew *others = bench_crew(bench, scene->mailboxes + scene->few,
                                     bench->synthetic.cpas_len - scene->few,
                                     BENCH_CONNECTIONS, BENCH_WINDOW, false);
    struct crew *those = others == NULL ? NULL
                                        : bench_crew(bench, scene->mailboxes, scene->few,
                                                     scene->few, STUCK_WINDOW, stuck);
    bool good =
        those != NULL && bench_run(bench, others, scene->sources, &scene->job, ret);

    crew_stop(&those);
    crew_stop(&others);
    return good;
}

static bool
measure(struct scene *scene)
{
    const struct bench *bench = scene->bench;
    struct bench_result none[BENCH_ROUNDS_MAX];
    struct bench_result stuck[BENCH_ROUNDS_MAX];
    char title[80];
    bool good = true;

    choose(bench, scene->few, scene->mailboxes);
    for (uint64_t i = 0; good && i < bench->rounds; i++) {
        good = run_once(scene, false, &none[i]) && run_once(scene, true, &stuck[i]);
    }
    if (good) {
        snprintf(title, sizeof title, "none of %zu CPAS stuck, in turn with %zu",
                 bench->synthetic.cpas_len, scene->few);
        bench_report_latency(bench, title, none, bench->rounds);
        snprintf(title, sizeof title, "%zu of %zu CPAS stuck", scene->few,
                 bench->synthetic.cpas_len);
        bench_report_latency(bench, title, stuck, bench->rounds);
    }
    return good;
}

bool
scenario_stuck(struct bench *bench)
{
    static const size_t numbers[] = {1, 10, 100};
    struct scene scene = {.bench = bench,
                          .job = {.rate = bench->rate == 0 ? USUAL_RATE : bench->rate}};
    bool good;

    if (!bench_open(bench)) {
        return false;
    }
    scene.sources = bench_sources_open(bench, ABOUT_FOLLOWED);
    good = scene.sources != NULL;
    for (size_t i = 0; good && i < sizeof numbers / sizeof numbers[0]; i++) {
        scene.few = numbers[i];
        if (scene.few * 2 > bench->synthetic.cpas_len) {
            break;
        }
        good = measure(&scene);
    }
    bench_sources_close(&scene.sources);
    return good;
}
