// SPDX-License-Identifier: EUPL-1.2
// bench.c - end-to-end throughput and latency: publish, match, commit, deliver, acknowledge, with
// CURVE, publisher and receivers in processes of their own, on this machine.
//
// It reports; it judges nothing. It makes a broker of its own in a folder of its own.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "crew.h"
#include "json/json.h"
#include "synthetic.h"

enum {
    CONNECTIONS = 4, // the 581 mailboxes share them
    READY_SECONDS = 120,
    TIMEOUT_MS = 30000,
    ITEMS = 1000,
    PREPARED = 65536, // mutations made before the clock runs
};

struct bench {
    struct cli *cli;
    struct synthetic synthetic;
    uint64_t seconds;
    uint64_t rate; // mutations a second, 0: as many as go
    bool everyone; // about anybody, not only about those whom a CPAS follows
    pid_t vigied;
    uint64_t begin_us; // the first mutation of this run, monotonic: all was prepared
    uint64_t kept;
    uint64_t failed;
    struct histogram answered; // sent -> answered
    uint64_t *sent_us;         // by number, a ring
};

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
    for (int i = 0; i < READY_SECONDS * 20; i++) {
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
                                        TIMEOUT_MS, &reply, &error) == VG_OK &&
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
        good = vg_caller_open(address, TIMEOUT_MS, &load->caller, &error) == VG_OK;
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

// ---- publishing ----

enum { RING = 1 << 20 };

static void
note_answer(uint64_t number, enum vg_status status, uint64_t ticket, const char *sentence,
            void *arg)
{
    struct bench *bench = arg;

    (void)ticket;
    histogram_add(&bench->answered, monotonic_us() - bench->sent_us[number % RING]);
    bench->kept += status == VG_OK || status == VG_REPEATED;
    if (status != VG_OK && status != VG_REPEATED && bench->failed++ < 3) {
        fprintf(stderr, "vigie bench: %s: %s\n", vg_status_name(status),
                sentence == NULL ? "" : sentence);
    }
}

// Mutations of one flow about persons of the whole directory, made before the clock runs. The
// id is the moment it was due, so that a receiver can tell how long it took.
struct prepared {
    uint64_t niss[PREPARED];
    char id[32];
};

static void
fill_mutation(const struct prepared *prepared, uint64_t index, struct vg_mutation *ret)
{
    static const char *const codes[] = {"000", "001", "010", "020", "100", "140"};
    static const char value[] = "01234567890123456789";

    memset(ret, 0, offsetof(struct vg_mutation, fields));
    ret->flow = (struct vg_bytes){"notifyPerson", 12};
    ret->niss = prepared->niss[index % PREPARED];
    ret->id = (struct vg_bytes){prepared->id, strlen(prepared->id)};
    for (size_t i = 0; i < 6; i++) {
        ret->fields[ret->fields_len].code = (struct vg_bytes){codes[i], 3};
        ret->fields[ret->fields_len++].value = (struct vg_bytes){value, 20};
    }
}

// Open loop: each mutation is due at its moment whatever happened to those before.
static bool
publish_for_a_while(struct bench *bench, struct vg_publisher *publisher,
                    struct prepared *prepared)
{
    uint64_t begin = monotonic_us();
    uint64_t begin_real = realtime_us();
    uint64_t end = begin + bench->seconds * 1000000;
    struct vg_error error = {0};
    struct vg_mutation mutation;
    uint64_t now = begin;
    uint64_t index = 0;
    uint64_t number;

    bench->begin_us = begin;
    while (now < end) {
        uint64_t due = bench->rate == 0 ? now : begin + index * 1000000 / bench->rate;

        if (due > now) {
            vg_publisher_flush(publisher);
            vg_publisher_process(publisher, (int)((due - now) / 1000), &error);
            now = monotonic_us();
            continue;
        }
        snprintf(prepared->id, sizeof prepared->id, "%llu",
                 (unsigned long long)(begin_real + due - begin));
        fill_mutation(prepared, index, &mutation);
        bench->sent_us[vg_publisher_next(publisher) % RING] = due;

        enum vg_status status = vg_publish(publisher, &mutation, &number, &error);

        if (status == VG_BUSY) {
            vg_publisher_process(publisher, 50, &error);
        } else if (status != VG_OK) {
            cli_refused(bench->cli, &error);
            return false;
        } else {
            index++;
            if (index % 64 == 0) {
                vg_publisher_process(publisher, 0, &error);
            }
        }
        now = index % 16 == 0 || bench->rate != 0 || status == VG_BUSY ? monotonic_us()
                                                                       : now;
    }
    return vg_publisher_settle(publisher, TIMEOUT_MS, &error) == VG_OK;
}

// Persons from all over the directory: any (most are followed by no CPAS), or followed ones,
// so that there is about one notification a mutation.
static void
prepare_persons(const struct synthetic *synthetic, struct prepared *prepared,
                bool everyone)
{
    size_t len = 0;

    for (uint64_t i = 0; len < PREPARED; i++) {
        struct synthetic_integration found[SYNTHETIC_INTEGRATIONS_MAX];
        uint64_t person = synthetic_random(synthetic, i, 77, synthetic->people);

        if (everyone || (synthetic_integrations(synthetic, person, found) > 0 &&
                         found[0].institution >= synthetic->cpas_first &&
                         found[0].end == 0 && found[0].quality < 11)) {
            prepared->niss[len++] = synthetic_niss(synthetic, person);
        }
    }
}

static bool
publish(struct bench *bench)
{
    struct vg_publisher_options options = {
        .producer = 1, .outcome = note_answer, .arg = bench};
    struct vg_address *address = key_address(bench->cli, "RN.source", "sources");
    struct vg_publisher *publisher = NULL;
    struct vg_error error = {0};
    struct prepared *prepared = calloc(1, sizeof *prepared);
    bool good = address != NULL && prepared != NULL;

    if (good) {
        prepare_persons(&bench->synthetic, prepared, bench->everyone);
    }
    if (good &&
        vg_publisher_open(address, &options, TIMEOUT_MS, &publisher, &error) != VG_OK) {
        cli_refused(bench->cli, &error);
        good = false;
    }
    good = good && publish_for_a_while(bench, publisher, prepared);
    vg_publisher_close(&publisher);
    vg_address_free(&address);
    free(prepared);
    return good;
}

// ---- one run ----

static double
cpu_of(pid_t pid)
{
    char path[64];
    char *text;
    char *at;
    unsigned long user = 0;
    unsigned long system = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    text = file_read(path, NULL);
    at = text == NULL ? NULL : strrchr(text, ')');
    if (at != NULL) {
        sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &system);
    }
    free(text);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

// The broker's counters, as its page for Prometheus says them.
struct counters {
    double mutations;
    double commits;
    double commit_us;
    double written_bytes;
};

static double
counter_of(const char *page, const char *name)
{
    char line[80];
    const char *at;

    snprintf(line, sizeof line, "\nvigie_%s_total ", name);
    at = page == NULL ? NULL : strstr(page, line);
    return at == NULL ? 0 : strtod(at + strlen(line), NULL);
}

static struct counters
read_counters(const struct cli *cli)
{
    struct admin_answer answer;
    struct counters counters;

    admin_call(cli, "/metrics", NULL, 0, &answer);
    counters = (struct counters){
        .mutations = counter_of(answer.text, "mutations"),
        .commits = counter_of(answer.text, "commits"),
        .commit_us = counter_of(answer.text, "commit_us"),
        .written_bytes = counter_of(answer.text, "written_bytes"),
    };
    admin_answer_clear(&answer);
    return counters;
}

static struct counters
counters_since(const struct cli *cli, struct counters before)
{
    struct counters now = read_counters(cli);

    return (struct counters){
        now.mutations - before.mutations, now.commits - before.commits,
        now.commit_us - before.commit_us, now.written_bytes - before.written_bytes};
}

static void
wait_for_the_last(const struct crew *crew, struct tally *sum)
{
    uint64_t before;

    do {
        crew_sum(crew, sum);
        before = sum->received;
        usleep(300000);
        crew_sum(crew, sum);
    } while (sum->received != before);
}

static json_t *
latency_json(const struct histogram *histogram)
{
    return json_pack(
        "{s:I,s:I,s:I,s:I,s:I}", "p50", (json_int_t)histogram_at(histogram, 0.5), "p90",
        (json_int_t)histogram_at(histogram, 0.9), "p99",
        (json_int_t)histogram_at(histogram, 0.99), "p999",
        (json_int_t)histogram_at(histogram, 0.999), "max", (json_int_t)histogram->max);
}

static void
print_latency(const char *name, const struct histogram *histogram)
{
    printf("  %-22s p50 %8.2f  p90 %8.2f  p99 %8.2f  p99.9 %8.2f  max %8.2f ms\n", name,
           (double)histogram_at(histogram, 0.5) / 1000,
           (double)histogram_at(histogram, 0.9) / 1000,
           (double)histogram_at(histogram, 0.99) / 1000,
           (double)histogram_at(histogram, 0.999) / 1000, (double)histogram->max / 1000);
}

static void
report(struct bench *bench, const struct tally *sum, double seconds, double broker_cpu,
       struct counters counters)
{
    double rate = (double)sum->received / seconds;
    double commits = counters.commits > 0 ? counters.commits : 1;
    double per_commit = counters.mutations / commits;
    double commit_ms = counters.commit_us / commits / 1000;
    double bytes = counters.written_bytes / (double)sum->received;

    if (bench->cli->json) {
        cli_print(
            json_pack("{s:I,s:I,s:I,s:f,s:f,s:f,s:f,s:f,s:f,s:o,s:o}", "rate_asked",
                      (json_int_t)bench->rate, "mutations", (json_int_t)bench->kept,
                      "notifications", (json_int_t)sum->received, "seconds", seconds,
                      "notifications_per_second", rate, "broker_cpu_us_per_notification",
                      broker_cpu * 1e6 / (double)sum->received, "mutations_per_commit",
                      per_commit, "commit_ms", commit_ms, "bytes_per_notification", bytes,
                      "published_to_received_us", latency_json(&sum->latency),
                      "published_to_answered_us", latency_json(&bench->answered)));
        return;
    }
    if (bench->rate == 0) {
        printf("throughput, saturated\n");
    } else {
        printf("latency, %llu mutations a second, open loop\n",
               (unsigned long long)bench->rate);
    }
    printf("  %.0f notifications/s received and acknowledged, %.0f mutations/s answered "
           "after their sync\n",
           rate, (double)bench->kept / seconds);
    printf("  %llu mutations, %llu notifications in %.1f s; %.0f mutations a commit, a "
           "commit "
           "takes %.2f ms\n",
           (unsigned long long)bench->kept, (unsigned long long)sum->received, seconds,
           per_commit, commit_ms);
    printf(
        "  broker %.2f us of CPU and %.0f bytes of journal and bodies per notification\n",
        broker_cpu * 1e6 / (double)sum->received, bytes);
    print_latency("published -> received", &sum->latency);
    print_latency("published -> answered", &bench->answered);
}

static bool
run_once(struct bench *bench, uint64_t rate)
{
    const char *keys[CONNECTIONS];
    uint32_t mailboxes[SYNTHETIC_CPAS_MAX];
    struct crew_job job = {
        .cli = bench->cli,
        .keys = keys,
        .keys_len = CONNECTIONS,
        .mailboxes = mailboxes,
        .mailboxes_len = bench->synthetic.cpas_len,
        .children = 1,
        .window_messages = 50000,
        .window_bytes = 16 << 20,
        .latency_of_id = true,
    };
    struct tally sum;

    for (size_t i = 0; i < CONNECTIONS; i++) {
        keys[i] = "SPPIS.operator";
    }
    // A default mailbox has its institution's number, given in order of registration.
    for (size_t i = 0; i < bench->synthetic.cpas_len; i++) {
        mailboxes[i] = (uint32_t)(bench->synthetic.cpas_first + i + 1);
    }

    struct crew *crew = crew_start(&job, READY_SECONDS);

    if (crew == NULL) {
        return false;
    }
    bench->rate = rate;
    bench->kept = bench->failed = 0;
    memset(&bench->answered, 0, sizeof bench->answered);

    struct counters before = read_counters(bench->cli);
    double cpu = cpu_of(bench->vigied);
    bool good = publish(bench);

    wait_for_the_last(crew, &sum);

    double seconds = (double)(sum.last_us - bench->begin_us) / 1e6;
    struct counters counters = counters_since(bench->cli, before);

    if (good && sum.received > 0) {
        report(bench, &sum, seconds, cpu_of(bench->vigied) - cpu, counters);
    } else {
        fprintf(stderr, "vigie bench: nothing was received\n");
        good = false;
    }
    crew_stop(&crew);
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

int
command_bench(struct cli *cli)
{
    const char *people = "1000000";
    const char *seconds = "10";
    const char *rate = "1000";
    const char *cpas = "581";
    const char *folder = "/var/tmp";
    bool keep = false;
    bool everyone = false;
    const struct cli_option options[] = {
        {"people", "N", "persons in the directory (1000000)", &people, NULL},
        {"seconds", "N", "of each run (10)", &seconds, NULL},
        {"rate", "N", "of the latency run, mutations a second (1000)", &rate, NULL},
        {"cpas", "N", "mailboxes (581)", &cpas, NULL},
        {"folder", "DIR", "on the disk to measure (/var/tmp)", &folder, NULL},
        {"everyone", NULL, "mutations about anybody: most are followed by no CPAS", NULL,
         &everyone},
        {"keep", NULL, "leave the broker's folder there", NULL, &keep},
    };
    struct bench *bench = calloc(1, sizeof *bench);
    uint64_t people_len = 0;
    uint64_t cpas_len = 0;
    uint64_t latency_rate = 0;
    char home[512];
    int code = EXIT_USAGE;

    if (bench == NULL || !cli_options(cli, options, 7, 0, 0) ||
        !cli_number("--people", people, 100, 20000000, &people_len) ||
        !cli_number("--seconds", seconds, 1, 3600, &bench->seconds) ||
        !cli_number("--rate", rate, 1, 1000000, &latency_rate) ||
        !cli_number("--cpas", cpas, 2, SYNTHETIC_CPAS_MAX, &cpas_len)) {
        free(bench);
        return EXIT_USAGE;
    }
    bench->cli = cli;
    bench->everyone = everyone;
    bench->sent_us = calloc(RING, sizeof *bench->sent_us);
    synthetic_init(&bench->synthetic, 1, people_len, (size_t)cpas_len, 10,
                   simulate_today());
    snprintf(home, sizeof home, "%s/vigie-bench-XXXXXX", folder);
    if (make_home(cli, home)) {
        bool good = prepare(bench) && run_once(bench, 0) && run_once(bench, latency_rate);

        code = good ? EXIT_DONE : EXIT_REFUSED;
        stop_vigied(bench);
        if (!keep) {
            remove_home(home);
        }
    }
    free(bench->sent_us);
    free(bench);
    return code;
}
