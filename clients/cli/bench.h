// SPDX-License-Identifier: EUPL-1.2
// bench.h - what the scenarios of `vigie bench` share: a broker of its own with a synthetic
// directory, and a run: one source publishes for a while, others receive.
//
// A scenario is one file, scenario_NAME.c, and a line in the table of bench.c. It prints
// what it found, as lines or, with --json, as one object for each run.
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include <sys/types.h>

#include "cli.h"
#include "crew.h"
#include "synthetic.h"
#include "usage.h"

enum {
    BENCH_CONNECTIONS = 4, // that share all mailboxes, where a scenario does not choose
    BENCH_WINDOW = 50000,
    BENCH_READY_SECONDS = 120,
    BENCH_TIMEOUT_MS = 30000,
    BENCH_SESSIONS_MAX = 30000
};

struct bench {
    struct cli *cli;
    struct synthetic synthetic;
    uint64_t seconds;  // of each run
    uint64_t rate;     // of a run that is not to be saturated, mutations a second
    uint64_t sessions; // connections, in the scenario of this name
    bool everyone;     // about anybody, not only about those whom a CPAS follows
    pid_t vigied;
    const char *const *keys; // names of key files that crews use in turn
    size_t keys_len;         // 0: the operator's
};

// A scenario runs in a broker that has institutions and directory. False: it could not.
typedef bool (*scenario_fn)(struct bench *bench);
bool scenario_sessions(struct bench *bench);
bool scenario_stuck(struct bench *bench);
bool scenario_throughput(struct bench *bench);

// bench_mailbox gives the number of a CPAS's mailbox, 0 <= i < synthetic.cpas_len.
uint32_t bench_mailbox(const struct bench *bench, size_t i);

// bench_crew starts connections that read mailboxes, shared out among them. window: letters
// unacknowledged of each mailbox; stuck: none of them is ever acknowledged. NULL when it cannot, which was printed. Gives: crew_stop.
struct crew *bench_crew(const struct bench *bench, const uint32_t *mailboxes, size_t len,
                        size_t connections, uint32_t window, bool stuck);

// What the broker did during a run, by its own counters.
struct bench_counters {
    double mutations;
    double commits;
    double commit_us;
    double written_bytes;
};

struct bench_result {
    uint64_t rate; // mutations a second, 0: as many as went
    uint64_t kept;
    uint64_t failed;
    double seconds; // from the first mutation to the last notification
    struct usage broker;
    double publisher_cpu_s, receivers_cpu_s;
    struct tally sum;          // of those who read; its latency: due -> received
    struct histogram answered; // due -> answered
    struct bench_counters counters;
};

// bench_run publishes for bench->seconds at this rate (0: as many as go) while a crew reads,
// and waits until nothing more arrives. False when nothing did; it was printed.
bool bench_run(const struct bench *bench, const struct crew *crew, uint64_t rate,
               struct bench_result *ret);

// bench_report prints a run.
void bench_report(const struct bench *bench, const struct bench_result *result);
void bench_print_latency(const char *name, const struct histogram *histogram);
json_t *bench_latency_json(const struct histogram *histogram);

// bench_resident_bytes gives the memory that the broker holds now.
uint64_t bench_resident_bytes(const struct bench *bench);
double bench_cpu_s(const struct bench *bench); // that it has used

#endif
