// SPDX-License-Identifier: EUPL-1.2
// scenario_sessions.c - thousands of connections: how long do they take to come, what do they
// cost when nothing happens, and how long do letters take beside them?
//
// Each CPAS reads its mailbox on one connection and has others, all with its own key, that
// say and hear heartbeats only.
#include <stdio.h>
#include <unistd.h>

#include "bench.h"

enum { USUAL_RATE = 1000 };

struct keys {
    const char *name[SYNTHETIC_CPAS_MAX];
    char text[SYNTHETIC_CPAS_MAX][40];
};

// A key allows some hundred connections only, so each CPAS gets one.
static bool
make_keys(struct bench *bench, struct keys *keys)
{
    const struct synthetic *synthetic = &bench->synthetic;
    int code = EXIT_DONE;

    for (size_t i = 0; i < synthetic->cpas_len; i++) {
        const char *cpas = synthetic->institutions[synthetic->cpas_first + i].code;

        if (!admin_add_key(bench->cli, cpas, "member", NULL, &code)) {
            return false;
        }
        snprintf(keys->text[i], sizeof keys->text[i], "%s.member", cpas);
        keys->name[i] = keys->text[i];
    }
    bench->keys = keys->name;
    return true;
}

struct scene {
    const struct bench *bench;
    struct bench_sources *sources;
    struct bench_job job;
    uint32_t mailboxes[SYNTHETIC_CPAS_MAX];
};

// What the rounds of one case found.
struct found {
    double connect_s[BENCH_ROUNDS_MAX];
    double memory_mb[BENCH_ROUNDS_MAX]; // more than before they came
    double idle_percent[BENCH_ROUNDS_MAX];
    struct bench_result result[BENCH_ROUNDS_MAX];
};

static bool
run_with(const struct scene *scene, size_t connections, struct found *found, size_t round)
{
    const struct bench *bench = scene->bench;
    uint64_t begin_us = monotonic_us();
    uint64_t bytes = bench_memory(bench).private_bytes;
    struct crew *crew = bench_crew(bench, scene->mailboxes, bench->synthetic.cpas_len,
                                   connections, BENCH_WINDOW, false);
    double cpu_s;
    bool good;

    if (crew == NULL) {
        return false;
    }
    found->connect_s[round] = (double)(monotonic_us() - begin_us) / 1e6;
    found->memory_mb[round] =
        ((double)bench_memory(bench).private_bytes - (double)bytes) / 1e6;
    cpu_s = bench_cpu_s(bench);
    usleep((useconds_t)bench->run_ms * 1000);
    found->idle_percent[round] =
        (bench_cpu_s(bench) - cpu_s) / (double)bench->run_ms * 100000;
    good = bench_run(bench, crew, scene->sources, &scene->job, &found->result[round]);
    crew_stop(&crew);
    return good;
}

static bool
measure(const struct scene *scene, size_t connections)
{
    static struct found found;
    const struct bench *bench = scene->bench;
    size_t rounds = (size_t)bench->rounds;
    char title[80];
    bool good = true;

    for (size_t i = 0; good && i < rounds; i++) {
        good = run_with(scene, connections, &found, i);
    }
    if (good) {
        snprintf(title, sizeof title, "%zu sessions, %llu mutations a second",
                 connections, (unsigned long long)scene->job.rate);
        bench_report(bench, title, found.result, rounds);
        bench_figure(bench, "all open after", "s", found.connect_s, rounds);
        bench_figure(bench, "more private memory", "MB", found.memory_mb, rounds);
        bench_figure(bench, "of a core when nothing is sent", "%", found.idle_percent,
                     rounds);
    }
    return good;
}

bool
scenario_sessions(struct bench *bench)
{
    const size_t numbers[] = {BENCH_CONNECTIONS, (size_t)bench->sessions};
    struct scene scene = {.bench = bench,
                          .job = {.rate = bench->rate == 0 ? USUAL_RATE : bench->rate}};
    struct keys keys;
    bool good = bench_open(bench) && make_keys(bench, &keys);

    for (size_t i = 0; good && i < bench->synthetic.cpas_len; i++) {
        scene.mailboxes[i] = bench_mailbox(bench, i);
    }
    scene.sources = good ? bench_sources_open(bench, ABOUT_FOLLOWED) : NULL;
    good = scene.sources != NULL;
    for (size_t i = 0; good && i < sizeof numbers / sizeof numbers[0]; i++) {
        bench->keys_len = i == 0 ? 0 : bench->synthetic.cpas_len;
        good = measure(&scene, numbers[i]);
    }
    bench_sources_close(&scene.sources);
    bench_close(bench); // while the names of its keys are there
    return good;
}
