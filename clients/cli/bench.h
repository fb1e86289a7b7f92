// SPDX-License-Identifier: EUPL-1.2
// bench.h - what the scenarios of `vigie bench` share: a broker of its own with a synthetic
// directory, sources that publish, crews that receive, and reports over several rounds.
//
// A scenario is one file, scenario_NAME.c, and a line in the table of bench.c. It prints what
// it found, as lines or, with --json, as one object for each case.
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
    BENCH_TIMEOUT_MS = 60000,
    BENCH_SESSIONS_MAX = 30000,
    BENCH_ROUNDS_MAX = 25,
    BENCH_AHEAD_MB_MAX = 1000000,
    BENCH_AHEAD_MB_A_SECOND = 110,
};

struct bench {
    struct cli *cli;
    const char *scenario;
    const char *folder; // on the disk to measure
    bool keep;          // leave the broker's folder there
    uint64_t people;
    uint64_t cpas;
    uint64_t rounds;
    uint64_t run_ms; // of each run
    uint64_t rate; // of a run that is not to be saturated, mutations a second; 0: its own
    uint64_t sessions; // connections, in the scenario of this name
    uint64_t waiting;  // letters, in the scenarios about those that wait
    uint64_t ahead_mb; // zeros behind the store before anything is measured

    // Of the broker that runs (bench_broker.c).
    struct synthetic synthetic;
    char home[512];
    pid_t vigied;
    const char *const *keys; // names of key files that crews use in turn
    size_t keys_len;         // 0: the operator's
    size_t merged;           // so many of the first CPAS became one; they do not publish
};

// A scenario opens brokers as it needs them. False: it could not go on, which was printed.
typedef bool (*scenario_fn)(struct bench *bench);
bool scenario_throughput(struct bench *bench);
bool scenario_everyone(struct bench *bench);
bool scenario_latency(struct bench *bench);
bool scenario_drain(struct bench *bench);
bool scenario_stuck(struct bench *bench);
bool scenario_sessions(struct bench *bench);
bool scenario_scale(struct bench *bench);
bool scenario_restart(struct bench *bench);
bool scenario_merger(struct bench *bench);

// ---- a broker of its own (bench_broker.c) ----

// bench_open makes a broker in a fresh folder, loads a directory of bench->people persons and
// bench->cpas CPAS, starts it, draws the sources' keys and waits until the store's file is as
// long as bench->ahead_mb says. False: printed; close it anyway.
bool bench_open(struct bench *bench);
// bench_settle waits until the store's file does not grow any more, and returns its bytes.
uint64_t bench_settle(const struct bench *bench);
void bench_close(struct bench *bench); // ends it and removes its folder

// bench_start and bench_stop start and end vigied in its folder; signal: SIGTERM or SIGKILL.
// bench_start gives how long it took until it was ready, 0 when it never was.
double bench_start(struct bench *bench);
void bench_stop(struct bench *bench, int signal_number);

struct bench_memory {
    uint64_t resident_bytes; // with the pages of the store that it has touched
    uint64_t private_bytes;  // without them
};
struct bench_memory bench_memory(const struct bench *bench);
double bench_cpu_s(const struct bench *bench); // that the broker has used

// ---- mutations (bench_publish.c) ----

enum bench_about {
    ABOUT_FOLLOWED, // persons whom a CPAS follows: about one notification a mutation
    ABOUT_ANYBODY,  // most are followed by no CPAS
    ABOUT_ONE_CPAS, // alerts to the first CPAS, one notification each
    ABOUT_MERGED,   // addresses of those whom the CPAS follow that became one
};

struct bench_job {
    uint64_t rate;  // mutations a second, each due at its moment; 0: as many as go
    uint64_t count; // mutations; 0: for bench->run_ms
};

struct bench_sources; // which sources there are, and what they are going to say

// Gives: bench_sources_close. NULL when it cannot, which was printed.
struct bench_sources *bench_sources_open(const struct bench *bench,
                                         enum bench_about about);
void bench_sources_close(struct bench_sources **sources);

struct bench_published {
    uint64_t kept;
    uint64_t failed;
    uint64_t begin_us; // the first was due, monotonic
    double cpu_s;
    bool ended;
    struct histogram answered; // due -> answered
};

// bench_publish publishes in a process of its own and waits for every answer.
bool bench_publish(struct bench_sources *sources, const struct bench_job *job,
                   struct bench_published *ret);

// ---- runs (bench_run.c) ----

// bench_mailbox gives the number of a CPAS's mailbox, 0 <= i < synthetic.cpas_len.
uint32_t bench_mailbox(const struct bench *bench, size_t i);
// bench_mailboxes gives those of all members, CPAS and others.
size_t bench_mailboxes(const struct bench *bench,
                       uint32_t ret[SYNTHETIC_INSTITUTIONS_MAX]);

// bench_crew starts connections that read mailboxes, shared out among them. window: letters
// unacknowledged of each mailbox; stuck: none of them is ever acknowledged.
// Gives: crew_stop. NULL when it cannot, which was printed.
struct crew *bench_crew(const struct bench *bench, const uint32_t *mailboxes, size_t len,
                        size_t connections, uint32_t window, bool stuck);

// What the broker did during a run, by its own counters.
struct bench_counters {
    double mutations;
    double commits;
    double commit_us;
    double written_bytes;
    double store_bytes; // in use, when it was last measured
};

struct bench_result {
    uint64_t rate; // mutations a second, 0: as many as went
    struct bench_published published;
    uint64_t received;
    double seconds; // from the first mutation to the last notification
    struct usage broker;
    double receivers_cpu_s;
    struct histogram latency; // due -> received
    struct bench_counters counters;
    struct bench_memory memory;
};

// bench_run publishes while a crew reads, and waits until nothing more arrives.
// False when nothing did, or something was refused; it was printed.
bool bench_run(const struct bench *bench, const struct crew *crew,
               struct bench_sources *sources, const struct bench_job *job,
               struct bench_result *ret);

// bench_rounds does so for bench->rounds rounds, each with a crew of its own that reads these
// mailboxes, after one more that fills the caches, and reports them.
bool bench_rounds(const struct bench *bench, struct bench_sources *sources,
                  const struct bench_job *job, const uint32_t *mailboxes, size_t len,
                  const char *title);

// bench_drain lets a crew read what waits in these mailboxes.
bool bench_drain(const struct bench *bench, const uint32_t *mailboxes, size_t len,
                 uint64_t waiting, struct bench_result *ret);

// bench_machine prints what the figures depend on: the machine, what a synced write takes on
// this disk, what a byte costs to encrypt now, what a page that was not used before costs. If
// that is much, it touches once what the run will need: up to a minute.
void bench_machine(const struct bench *bench);

// ---- reports (bench_report.c) ----

// bench_report prints a case: of every figure the median over its rounds, least and most.
void bench_report(const struct bench *bench, const char *title,
                  const struct bench_result *rounds, size_t len);
// bench_report_latency prints the latencies alone.
void bench_report_latency(const struct bench *bench, const char *title,
                          const struct bench_result *rounds, size_t len);
// bench_figure prints one figure of a scenario's own.
void bench_figure(const struct bench *bench, const char *title, const char *unit,
                  const double *rounds, size_t len);

#endif
