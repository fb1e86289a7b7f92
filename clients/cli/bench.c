// SPDX-License-Identifier: EUPL-1.2
// bench.c - `vigie bench`: measures end to end, from publishing to acknowledging, with CURVE,
// publisher and receivers in processes of their own, on this machine.
//
// It reports; it judges nothing. It makes a broker of its own in a folder of its own, in
// which a scenario (bench.h) then runs.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { ITEMS = 1000 };

// ---- a broker of its own ----

static void
set_line(const char *path, const char *key, const char *value)
{
    char *text = file_read(path, NULL);
    char *rest = text;
    char *line;
    FILE *file = text == NULL ? NULL : fopen(path, "we");

    while (file != NULL && (line = strsep(&rest, "\n")) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':') {
            fprintf(file, "%s: %s\n", key, value);
        } else if (rest != NULL || *line != 0) {
            fprintf(file, "%s\n", line);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    free(text);
}

static bool
start_vigied(struct bench *bench)
{
    char *settings = home_path(bench->cli, "vigied.yaml");
    char *log = home_path(bench->cli, "vigied.log");
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 16);

    if (len <= 0) {
        return false;
    }
    path[len] = 0;
    strcpy(strrchr(path, '/') + 1, "vigied");
    set_line(settings, "sources_endpoint", "tcp://127.0.0.1:*");
    set_line(settings, "members_endpoint", "tcp://127.0.0.1:*");
    set_line(settings, "http_endpoint", "127.0.0.1:0");
    set_line(settings, "test_persons", "true");
    fflush(NULL);
    bench->vigied = fork();
    if (bench->vigied == 0) {
        if (freopen(log, "ae", stderr) == NULL) {
            _exit(EXIT_USAGE);
        }
        execl(path, "vigied", "--settings", settings, (char *)NULL);
        _exit(EXIT_USAGE);
    }
    for (int i = 0; i < BENCH_READY_SECONDS * 20; i++) {
        char *http = home_ready(bench->cli, "http");

        free(http);
        if (http != NULL) {
            break;
        }
        if (waitpid(bench->vigied, NULL, WNOHANG) == bench->vigied) {
            bench->vigied = 0;
            fprintf(stderr, "vigie bench: vigied ended: see %s\n", log);
            break;
        }
        usleep(50000);
    }
    free(log);
    free(settings);
    return bench->vigied != 0;
}

static void
stop_vigied(struct bench *bench)
{
    if (bench->vigied > 0) {
        kill(bench->vigied, SIGTERM);
        while (waitpid(bench->vigied, NULL, 0) < 0 && errno == EINTR) {
        }
    }
}

// ---- institutions and directory ----

static bool
register_all(struct bench *bench)
{
    struct cli *cli = bench->cli;
    int code = EXIT_DONE;
    bool good = true;

    for (size_t i = 0; good && i < bench->synthetic.institutions_len; i++) {
        const struct synthetic_institution *institution =
            &bench->synthetic.institutions[i];
        json_t *object = json_pack("{s:s,s:s,s:s,s:I}", "code", institution->code, "name",
                                   institution->code, "sector", institution->sector,
                                   "number", (json_int_t)institution->number);

        good = admin_add_institution(cli, object, &code);
        json_decref(object);
    }
    return good && admin_add_key(cli, "RN", "source", NULL, &code) &&
           admin_add_key(cli, "SPPIS", "operator", NULL, &code);
}

// Persons in order of their numbers: neighbours in a request are neighbours in the store.
struct who {
    uint64_t niss;
    uint64_t person;
};

static int
by_niss(const void *left, const void *right)
{
    const struct who *a = left;
    const struct who *b = right;

    return a->niss < b->niss ? -1 : a->niss > b->niss;
}

static struct who *
persons_in_order(const struct synthetic *synthetic)
{
    struct who *who = malloc(synthetic->people * sizeof *who);

    if (who == NULL) {
        abort();
    }
    for (uint64_t i = 0; i < synthetic->people; i++) {
        who[i] = (struct who){synthetic_niss(synthetic, i), i};
    }
    qsort(who, synthetic->people, sizeof *who, by_niss);
    return who;
}

struct load {
    struct bench *bench;
    struct vg_caller *caller;
    struct vg_integrate_item items[ITEMS];
    size_t len;
    uint64_t done;
};

static bool
send_load(struct load *load)
{
    struct vg_reply *reply = NULL;
    struct vg_error error = {0};
    bool good =
        load->len == 0 || (vg_integrate(load->caller, NULL, load->items, load->len,
                                        BENCH_TIMEOUT_MS, &reply, &error) == VG_OK &&
                           reply->verdict != VG_NO);

    if (!good && reply == NULL) {
        cli_refused(load->bench->cli, &error);
    }
    vg_reply_free(&reply);
    load->done += load->len;
    load->len = 0;
    return good;
}

static bool
load_person(struct load *load, const struct who *who)
{
    const struct synthetic *synthetic = &load->bench->synthetic;
    struct synthetic_integration found[SYNTHETIC_INTEGRATIONS_MAX];
    size_t len = synthetic_integrations(synthetic, who->person, found);
    bool good = load->len + len <= ITEMS || send_load(load);

    for (size_t i = 0; i < len; i++) {
        load->items[load->len++] = (struct vg_integrate_item){
            .niss = who->niss,
            .quality = found[i].quality,
            .begin = found[i].begin,
            .end = found[i].end,
            .proof = {.last_name = "Test", .birth_date = synthetic_birth(who->niss)},
            .institution = synthetic->institutions[found[i].institution].code,
        };
    }
    return good;
}

static bool
load_directory(struct bench *bench, uint64_t *ret_len)
{
    struct load *load = calloc(1, sizeof *load);
    struct who *who = persons_in_order(&bench->synthetic);
    struct vg_address *address = key_address(bench->cli, "SPPIS.operator", "members");
    struct vg_error error = {0};
    bool good = load != NULL && address != NULL;

    if (good) {
        load->bench = bench;
        good = vg_caller_open(address, BENCH_TIMEOUT_MS, &load->caller, &error) == VG_OK;
    }
    for (uint64_t i = 0; good && i < bench->synthetic.people; i++) {
        good = load_person(load, &who[i]);
        if (isatty(STDERR_FILENO) && i % 10000 == 0) {
            fprintf(stderr, "\r%llu persons ", (unsigned long long)i);
        }
    }
    good = good && send_load(load);
    if (error.status != VG_OK) {
        cli_refused(bench->cli, &error);
    }
    *ret_len = load->done;
    vg_caller_close(&load->caller);
    vg_address_free(&address);
    free(who);
    free(load);
    return good;
}

static bool
make_home(struct cli *cli, char *folder)
{
    if (mkdtemp(folder) == NULL) {
        fprintf(stderr, "vigie bench: %s: %s\n", folder, strerror(errno));
        return false;
    }
    cli->home = folder;
    return home_make(cli);
}

static void
remove_home(const char *folder)
{
    pid_t child = fork();

    if (child == 0) {
        execlp("rm", "rm", "-rf", "--", folder, (char *)NULL);
        _exit(1);
    }
    waitpid(child, NULL, 0);
}

static bool
prepare(struct bench *bench)
{
    uint64_t begin = monotonic_us();
    uint64_t integrations = 0;

    if (!start_vigied(bench) || !register_all(bench) ||
        !load_directory(bench, &integrations)) {
        return false;
    }
    if (!bench->cli->json) {
        double seconds = (double)(monotonic_us() - begin) / 1e6;

        printf(
            "%llu persons, %llu integrations, %zu mailboxes loaded through the wire in "
            "%.1f s\n",
            (unsigned long long)bench->synthetic.people, (unsigned long long)integrations,
            bench->synthetic.cpas_len, seconds);
        fflush(stdout);
    }
    return true;
}

struct scenario {
    const char *name;
    scenario_fn run;
};

static const struct scenario scenarios[] = {
    {"throughput", scenario_throughput},
    {"stuck", scenario_stuck},
    {"sessions", scenario_sessions},
};

static const struct scenario *
find_scenario(const char *name)
{
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        if (strcmp(scenarios[i].name, name) == 0) {
            return &scenarios[i];
        }
    }
    fprintf(stderr, "vigie bench: there is no scenario \"%s\"\n", name);
    return NULL;
}

static bool
measure(struct bench *bench, const struct scenario *scenario, const char *folder,
        bool keep)
{
    char home[512];
    bool good;

    snprintf(home, sizeof home, "%s/vigie-bench-XXXXXX", folder);
    if (!make_home(bench->cli, home)) {
        return false;
    }
    good = prepare(bench) && scenario->run(bench);
    stop_vigied(bench);
    if (!keep) {
        remove_home(home);
    }
    return good;
}

int
command_bench(struct cli *cli)
{
    const char *scenario_name = "throughput";
    const char *people = "1000000";
    const char *seconds = "10";
    const char *rate = "1000";
    const char *cpas = "581";
    const char *sessions = "5000";
    const char *folder = "/var/tmp";
    bool keep = false;
    struct bench bench = {.cli = cli};
    const struct cli_option options[] = {
        {"scenario", "NAME", "throughput (and latency), stuck or sessions (throughput)",
         &scenario_name, NULL},
        {"people", "N", "persons in the directory (1000000)", &people, NULL},
        {"seconds", "N", "of each run (10)", &seconds, NULL},
        {"rate", "N", "of a latency run, mutations a second (1000)", &rate, NULL},
        {"cpas", "N", "mailboxes (581)", &cpas, NULL},
        {"sessions", "N", "connections, in the scenario sessions (5000)", &sessions,
         NULL},
        {"folder", "DIR", "on the disk to measure (/var/tmp)", &folder, NULL},
        {"everyone", NULL, "mutations about anybody: most are followed by no CPAS", NULL,
         &bench.everyone},
        {"keep", NULL, "leave the broker's folder there", NULL, &keep},
    };
    const struct scenario *scenario;
    uint64_t people_len = 0;
    uint64_t cpas_len = 0;

    if (!cli_options(cli, options, sizeof options / sizeof options[0], 0, 0) ||
        (scenario = find_scenario(scenario_name)) == NULL ||
        !cli_number("--people", people, 100, 20000000, &people_len) ||
        !cli_number("--seconds", seconds, 1, 3600, &bench.seconds) ||
        !cli_number("--rate", rate, 1, 1000000, &bench.rate) ||
        !cli_number("--cpas", cpas, 2, SYNTHETIC_CPAS_MAX, &cpas_len) ||
        !cli_number("--sessions", sessions, 1, BENCH_SESSIONS_MAX, &bench.sessions)) {
        return EXIT_USAGE;
    }
    synthetic_init(&bench.synthetic, 1, people_len, (size_t)cpas_len, 10,
                   simulate_today());
    return measure(&bench, scenario, folder, keep) ? EXIT_DONE : EXIT_REFUSED;
}
