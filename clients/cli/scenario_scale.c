// SPDX-License-Identifier: EUPL-1.2
// scenario_scale.c - what a notification costs when the directory, the mailboxes or what
// waits is larger, up to --people, --cpas and --waiting. Everything else stays; each case is
// saturated.
#include <stdio.h>

#include "bench.h"

enum {
    USUAL_PEOPLE = 100000,
    USUAL_CPAS = 581,
    ABSENT = 1, // the first CPAS reads nothing
};

static bool
saturate(struct bench *bench, const char *title)
{
    struct bench_sources *sources = bench_sources_open(bench, ABOUT_FOLLOWED);
    uint32_t mailboxes[SYNTHETIC_CPAS_MAX];
    struct bench_job job = {0};
    size_t len = 0;
    bool good;

    for (size_t i = ABSENT; i < bench->synthetic.cpas_len; i++) {
        mailboxes[len++] = bench_mailbox(bench, i);
    }
    good = sources != NULL && bench_rounds(bench, sources, &job, mailboxes, len, title);
    bench_sources_close(&sources);
    return good;
}

// As bench->people and bench->cpas say now.
static bool
with_sizes(struct bench *bench)
{
    char title[80];
    bool good;

    snprintf(title, sizeof title, "%llu persons, %llu CPAS",
             (unsigned long long)bench->people, (unsigned long long)bench->cpas);
    good = bench_open(bench) && saturate(bench, title);
    bench_close(bench);
    return good;
}

static bool
with_waiting(struct bench *bench, uint64_t waiting)
{
    struct bench_job job = {.count = waiting};
    struct bench_published published;
    struct bench_sources *alerts;
    char title[80];
    bool good = bench_open(bench);

    alerts = good && waiting > 0 ? bench_sources_open(bench, ABOUT_ONE_CPAS) : NULL;
    good = good &&
           (waiting == 0 || (alerts != NULL && bench_publish(alerts, &job, &published)));
    bench_sources_close(&alerts);
    if (good) {
        bench_settle(bench); // what waits took the room that was made before
    }
    snprintf(title, sizeof title, "%llu letters waiting", (unsigned long long)waiting);
    good = good && saturate(bench, title);
    bench_close(bench);
    return good;
}

static uint64_t
at_most(uint64_t value, uint64_t limit)
{
    return value < limit ? value : limit;
}

bool
scenario_scale(struct bench *bench)
{
    static const uint64_t people[] = {10000, 100000, 1000000, 15500000};
    static const uint64_t cpas[] = {10, 100, 581, 5000};
    const uint64_t waiting[] = {0, bench->waiting / 10, bench->waiting};
    const struct bench limits = *bench;
    bool good = true;

    bench->cpas = at_most(USUAL_CPAS, limits.cpas);
    for (size_t i = 0; good && i < sizeof people / sizeof people[0]; i++) {
        bench->people = people[i];
        good = people[i] > limits.people || with_sizes(bench);
    }
    bench->people = at_most(USUAL_PEOPLE, limits.people);
    for (size_t i = 0; good && i < sizeof cpas / sizeof cpas[0]; i++) {
        bench->cpas = cpas[i];
        good = cpas[i] > limits.cpas || with_sizes(bench);
    }
    bench->cpas = at_most(USUAL_CPAS, limits.cpas);
    for (size_t i = 0; good && i < sizeof waiting / sizeof waiting[0]; i++) {
        good = with_waiting(bench, waiting[i]);
    }
    return good;
}
