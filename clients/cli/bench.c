// SPDX-License-Identifier: EUPL-1.2
// bench.c - `vigie bench`: measures end to end, from publishing to acknowledging, with CURVE,
// publisher and receivers in processes of their own, on this machine.
//
// It reports; it judges nothing. A scenario (bench.h) makes brokers of its own.
#include <stdio.h>
#include <string.h>

#include "bench.h"

struct scenario {
    const char *name;
    const char *meaning;
    scenario_fn run;
};

static const struct scenario scenarios[] = {
    {"throughput", "as many mutations as go", scenario_throughput},
    {"everyone", "the same about anybody: most are followed by no CPAS",
     scenario_everyone},
    {"latency", "200, 1,000 and 10,000 mutations a second, or --rate", scenario_latency},
    {"drain", "--waiting letters in one mailbox, then in all", scenario_drain},
    {"stuck", "1, 10, 100 institutions that never acknowledge", scenario_stuck},
    {"sessions", "--sessions connections, mostly idle", scenario_sessions},
    {"scale", "directories, mailboxes and backlogs of several sizes", scenario_scale},
    {"restart", "ready after a stop and after a kill, --waiting letters",
     scenario_restart},
    {"merger", "a million addresses after CPAS became one", scenario_merger},
};

enum { SCENARIOS = sizeof scenarios / sizeof scenarios[0] };

static const struct scenario *
find_scenario(const char *name)
{
    for (size_t i = 0; i < SCENARIOS; i++) {
        if (strcmp(scenarios[i].name, name) == 0) {
            return &scenarios[i];
        }
    }
    cli_wrong("vigie bench", VG_NOT_FOUND,
              "there is no scenario \"%s\"; there are:", name);
    for (size_t i = 0; i < SCENARIOS; i++) {
        fprintf(stderr, "  %-12s %s\n", scenarios[i].name, scenarios[i].meaning);
    }
    return NULL;
}

int
command_bench(struct cli *cli)
{
    const char *people = NULL;
    const char *seconds = "5";
    const char *rounds = "3";
    const char *rate = "0";
    const char *cpas = "581";
    const char *sessions = "5000";
    const char *waiting = "10000000";
    const char *ahead = NULL;
    bool national = false;
    struct bench bench = {.cli = cli, .scenario = "throughput", .folder = "/var/tmp"};
    const struct cli_option options[] = {
        {"scenario", "NAME",
         "throughput, everyone, latency, drain, stuck, sessions, scale, restart, merger",
         &bench.scenario, NULL},
        {"people", "N", "persons in the directory (1000000)", &people, NULL},
        {"national", NULL, "15500000 persons, some 170 million integrations", NULL,
         &national},
        {"cpas", "N", "mailboxes of CPAS (581)", &cpas, NULL},
        {"seconds", "N", "of each run, also parts of one (5)", &seconds, NULL},
        {"rounds", "N", "of each case; the median is told (3)", &rounds, NULL},
        {"rate", "N", "mutations a second, where a scenario is not saturated", &rate,
         NULL},
        {"sessions", "N", "in the scenario of this name (5000)", &sessions, NULL},
        {"waiting", "N", "letters, in drain, scale and restart (10000000)", &waiting,
         NULL},
        {"ahead", "MB",
         "of the store's file filled before, 0: as vigied does itself (what a saturated "
         "run writes)",
         &ahead, NULL},
        {"folder", "DIR", "on the disk to measure (/var/tmp)", &bench.folder, NULL},
        {"keep", NULL, "leave the broker's folder there", NULL, &bench.keep},
    };
    const struct scenario *scenario;

    if (!cli_options(cli, options, sizeof options / sizeof options[0], 0, 0) ||
        (scenario = find_scenario(bench.scenario)) == NULL ||
        !cli_number("--people",
                    people != NULL ? people
                    : national     ? "15500000"
                                   : "1000000",
                    100, 20000000, &bench.people) ||
        !cli_seconds("--seconds", seconds, 50, 3600000, &bench.run_ms) ||
        !cli_number("--rounds", rounds, 1, BENCH_ROUNDS_MAX, &bench.rounds) ||
        !cli_number("--rate", rate, 0, 1000000, &bench.rate) ||
        !cli_number("--cpas", cpas, 2, SYNTHETIC_CPAS_MAX, &bench.cpas) ||
        !cli_number("--waiting", waiting, 1, UINT64_C(1000000000), &bench.waiting) ||
        !cli_number("--sessions", sessions, 1, BENCH_SESSIONS_MAX, &bench.sessions) ||
        (ahead != NULL &&
         !cli_number("--ahead", ahead, 0, BENCH_AHEAD_MB_MAX, &bench.ahead_mb))) {
        return EXIT_USAGE;
    }
    if (ahead == NULL) {
        bench.ahead_mb =
            (bench.rounds + 1) * bench.run_ms * BENCH_AHEAD_MB_A_SECOND / 1000;
    }
    bench_machine(&bench);

    bool good = scenario->run(&bench);

    bench_close(&bench);
    return good ? EXIT_DONE : EXIT_REFUSED;
}
