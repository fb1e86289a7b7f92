// SPDX-License-Identifier: EUPL-1.2
// scenario_drain.c - letters wait while nobody reads, then their institutions come: first all
// in one mailbox, then in all mailboxes.
#include <stdio.h>

#include "bench.h"

// Nobody reads meanwhile.
static bool
fill(struct bench *bench, enum bench_about about, uint64_t *ret_kept)
{
    struct bench_sources *sources = bench_sources_open(bench, about);
    struct bench_job job = {.count = bench->waiting};
    struct bench_published published;
    bool good = sources != NULL && bench_publish(sources, &job, &published);

    *ret_kept = good ? published.kept : 0;
    bench_sources_close(&sources);
    return good;
}

static bool
drain(struct bench *bench, enum bench_about about, const char *where)
{
    struct bench_result rounds[BENCH_ROUNDS_MAX];
    uint32_t mailboxes[SYNTHETIC_INSTITUTIONS_MAX];
    char title[96];
    size_t len = 1;
    bool good = bench_open(bench);

    if (about == ABOUT_FOLLOWED) {
        len = bench_mailboxes(bench, mailboxes);
    } else {
        mailboxes[0] = bench_mailbox(bench, 0);
    }
    for (uint64_t i = 0; good && i < bench->rounds; i++) {
        uint64_t kept;

        good = fill(bench, about, &kept) &&
               bench_drain(bench, mailboxes, len, about == ABOUT_ONE_CPAS ? kept : 0,
                           &rounds[i]);
    }
    snprintf(title, sizeof title, "%llu mutations waited in %s",
             (unsigned long long)bench->waiting, where);
    if (good) {
        bench_report(bench, title, rounds, bench->rounds);
    }
    bench_close(bench);
    return good;
}

bool
scenario_drain(struct bench *bench)
{
    return drain(bench, ABOUT_ONE_CPAS, "one mailbox") &&
           drain(bench, ABOUT_FOLLOWED, "all mailboxes");
}
