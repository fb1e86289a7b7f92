// SPDX-License-Identifier: EUPL-1.2
// scenario_sessions.c - thousands of connections: how long do they take to come, what do they
// cost when nothing happens, and how long do letters take beside them?
//
// Each CPAS reads its mailbox on one connection and has others, all with its own key, that
// say and hear heartbeats only.
#include <stdio.h>
#include <unistd.h>

#include "bench.h"

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

struct found {
    double connect_s;
    uint64_t bytes; // of memory, more than before they came
    double idle_cpu_s;
    struct bench_result result;
};

static bool
run_with(const struct bench *bench, const uint32_t *mailboxes, size_t connections,
         struct found *ret)
{
    uint64_t begin_us = monotonic_us();
    uint64_t bytes = bench_resident_bytes(bench);
    struct crew *crew = bench_crew(bench, mailboxes, bench->synthetic.cpas_len,
                                   connections, BENCH_WINDOW, false);
    double cpu_s;
    bool good;

    if (crew == NULL) {
        return false;
    }
    ret->connect_s = (double)(monotonic_us() - begin_us) / 1e6;
    ret->bytes = bench_resident_bytes(bench) - bytes;
    cpu_s = bench_cpu_s(bench);
    sleep((unsigned)bench->seconds);
    ret->idle_cpu_s = (bench_cpu_s(bench) - cpu_s) / (double)bench->seconds;
    good = bench_run(bench, crew, bench->rate, &ret->result);
    crew_stop(&crew);
    return good;
}

static void
report(const struct bench *bench, size_t connections, const struct found *found)
{
    const struct bench_result *result = &found->result;

    if (bench->cli->json) {
        cli_print(json_pack(
            "{s:I,s:f,s:I,s:f,s:I,s:I,s:f,s:o,s:o}", "sessions", (json_int_t)connections,
            "connect_seconds", found->connect_s, "resident_bytes_more",
            (json_int_t)found->bytes, "idle_cpu_share", found->idle_cpu_s, "rate_asked",
            (json_int_t)bench->rate, "notifications", (json_int_t)result->sum.received,
            "broker_cpu_seconds", result->broker.cpu_s, "published_to_received_us",
            bench_latency_json(&result->sum.latency), "published_to_answered_us",
            bench_latency_json(&result->answered)));
        return;
    }
    printf(
        "%zu sessions: open after %.1f s, %.1f MB more of memory, %.1f %% of a core when "
        "nothing is sent\n",
        connections, found->connect_s, (double)found->bytes / 1e6,
        found->idle_cpu_s * 100);
    printf("  %llu mutations a second, open loop; broker %.2f s of CPU in %.1f s\n",
           (unsigned long long)bench->rate, result->broker.cpu_s, result->seconds);
    bench_print_latency("published -> received", &result->sum.latency);
    bench_print_latency("published -> answered", &result->answered);
    fflush(stdout);
}

bool
scenario_sessions(struct bench *bench)
{
    const size_t numbers[] = {BENCH_CONNECTIONS, (size_t)bench->sessions};
    uint32_t mailboxes[SYNTHETIC_CPAS_MAX];
    struct keys keys;
    bool good = make_keys(bench, &keys);

    for (size_t i = 0; i < bench->synthetic.cpas_len; i++) {
        mailboxes[i] = bench_mailbox(bench, i);
    }
    for (size_t i = 0; good && i < sizeof numbers / sizeof numbers[0]; i++) {
        struct found found;

        bench->keys_len = i == 0 ? 0 : bench->synthetic.cpas_len;
        good = run_with(bench, mailboxes, numbers[i], &found);
        if (good) {
            report(bench, numbers[i], &found);
        }
    }
    return good;
}
