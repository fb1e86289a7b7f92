// SPDX-License-Identifier: EUPL-1.2
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

enum {
    CONNECTIONS_OF_A_CHILD = 200,
    CHILDREN = 4,
    QUIET_US = 300000, // nothing arrived for so long: that was all
};

// ---- who reads ----

// A default mailbox has its institution's number, given in order of registration.
static uint32_t
mailbox_of(size_t institution)
{
    return (uint32_t)institution + 1;
}

uint32_t
bench_mailbox(const struct bench *bench, size_t i)
{
    return mailbox_of(bench->synthetic.cpas_first + i);
}

size_t
bench_mailboxes(const struct bench *bench, uint32_t ret[SYNTHETIC_INSTITUTIONS_MAX])
{
    size_t len = 0;

    for (size_t i = 0; i < bench->synthetic.institutions_len; i++) {
        if (bench->synthetic.institutions[i].member) {
            ret[len++] = mailbox_of(i);
        }
    }
    return len;
}

struct crew *
bench_crew(const struct bench *bench, const uint32_t *mailboxes, size_t len,
           size_t connections, uint32_t window, bool stuck)
{
    const char **keys = calloc(connections, sizeof *keys);
    struct crew_job job = {
        .cli = bench->cli,
        .keys = keys,
        .keys_len = connections,
        .mailboxes = mailboxes,
        .mailboxes_len = len,
        .children = connections > CONNECTIONS_OF_A_CHILD ? CHILDREN : 1,
        .window_messages = window,
        .window_bytes = 16 << 20,
        .stuck = stuck,
        .latency_of_id = true,
    };
    struct crew *crew;

    if (keys == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < connections; i++) {
        keys[i] =
            bench->keys_len == 0 ? "SPPIS.operator" : bench->keys[i % bench->keys_len];
    }
    crew = crew_start(&job, BENCH_READY_SECONDS);
    free(keys);
    return crew;
}

// ---- what the broker did ----

static double
value_of(const char *page, const char *name)
{
    char line[80];
    const char *at;

    snprintf(line, sizeof line, "\nvigie_%s ", name);
    at = page == NULL ? NULL : strstr(page, line);
    return at == NULL ? 0 : strtod(at + strlen(line), NULL);
}

static struct bench_counters
read_counters(const struct cli *cli)
{
    struct admin_answer answer;
    struct bench_counters counters;

    admin_call(cli, "/metrics", NULL, 0, &answer);
    counters = (struct bench_counters){
        .mutations = value_of(answer.text, "mutations_total"),
        .commits = value_of(answer.text, "commits_total"),
        .commit_us = value_of(answer.text, "commit_us_total"),
        .written_bytes = value_of(answer.text, "written_bytes_total"),
        .store_bytes = value_of(answer.text, "store_used_bytes"),
    };
    admin_answer_clear(&answer);
    return counters;
}

// What was used before a run; afterwards what was used in it.
struct before {
    struct bench_counters counters;
    struct usage broker;
    double receivers_cpu_s;
    uint64_t received;
};

static void
look_before(const struct bench *bench, const struct crew *crew, struct before *ret)
{
    struct tally sum = {0};

    ret->counters = read_counters(bench->cli);
    if (crew != NULL) {
        crew_sum(crew, &sum);
        ret->receivers_cpu_s = crew_cpu_s(crew);
    }
    ret->received = sum.received;
    usage_read(bench->vigied, &ret->broker);
}

static void
look_after(const struct bench *bench, const struct crew *crew,
           const struct before *before, uint64_t begin_us, struct bench_result *ret)
{
    struct bench_counters now = read_counters(bench->cli);
    struct tally sum;

    crew_sum(crew, &sum);
    ret->received = sum.received - before->received;
    ret->latency = sum.latency;
    ret->seconds = (double)(sum.last_us - begin_us) / 1e6;
    usage_read(bench->vigied, &ret->broker);
    usage_since(&ret->broker, &before->broker);
    ret->receivers_cpu_s = crew_cpu_s(crew) - before->receivers_cpu_s;
    ret->counters = (struct bench_counters){
        now.mutations - before->counters.mutations,
        now.commits - before->counters.commits,
        now.commit_us - before->counters.commit_us,
        now.written_bytes - before->counters.written_bytes, now.store_bytes};
    ret->memory = bench_memory(bench);
}

static void
wait_for_the_last(const struct crew *crew)
{
    struct tally sum;
    uint64_t before;

    crew_sum(crew, &sum);
    do {
        before = sum.received;
        usleep(QUIET_US);
        crew_sum(crew, &sum);
    } while (sum.received != before);
}

static bool
has_received(const struct bench_result *result)
{
    if (result->received == 0) {
        fprintf(stderr, "vigie bench: nothing was received\n");
    }
    return result->received > 0;
}

bool
bench_run(const struct bench *bench, const struct crew *crew,
          struct bench_sources *sources, const struct bench_job *job,
          struct bench_result *ret)
{
    struct before before;
    bool good;

    memset(ret, 0, sizeof *ret);
    ret->rate = job->rate;
    look_before(bench, crew, &before);
    good = bench_publish(sources, job, &ret->published);
    wait_for_the_last(crew);
    look_after(bench, crew, &before, ret->published.begin_us, ret);
    return good && has_received(ret);
}

bool
bench_rounds(const struct bench *bench, struct bench_sources *sources,
             const struct bench_job *job, const uint32_t *mailboxes, size_t len,
             const char *title)
{
    struct bench_result rounds[BENCH_ROUNDS_MAX];
    bool good = true;

    for (uint64_t i = 0; good && i <= bench->rounds; i++) {
        struct crew *crew =
            bench_crew(bench, mailboxes, len, BENCH_CONNECTIONS, BENCH_WINDOW, false);

        good = crew != NULL &&
               bench_run(bench, crew, sources, job, &rounds[i == 0 ? 0 : i - 1]);
        crew_stop(&crew);
    }
    if (good) {
        bench_report(bench, title, rounds, bench->rounds);
    }
    return good;
}

bool
bench_drain(const struct bench *bench, const uint32_t *mailboxes, size_t len,
            uint64_t waiting, struct bench_result *ret)
{
    uint64_t begin_us = monotonic_us();
    struct before before;
    struct crew *crew;
    struct tally sum;

    memset(ret, 0, sizeof *ret);
    look_before(bench, NULL, &before);
    crew = bench_crew(bench, mailboxes, len, BENCH_CONNECTIONS, BENCH_WINDOW, false);
    if (crew == NULL) {
        return false;
    }
    do {
        wait_for_the_last(crew);
        crew_sum(crew, &sum);
    } while (sum.received < waiting &&
             monotonic_us() - begin_us < BENCH_TIMEOUT_MS * UINT64_C(10000));
    look_after(bench, crew, &before, begin_us, ret);
    crew_stop(&crew);
    return has_received(ret);
}
