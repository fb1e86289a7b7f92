// SPDX-License-Identifier: EUPL-1.2
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RING = 1 << 20,
    PREPARED = 65536, // persons drawn before the clock runs
    CONNECTIONS_OF_A_CHILD = 200,
    CHILDREN = 4,
};

// ---- publishing ----

struct publishing {
    const struct bench *bench;
    struct bench_result *result;
    uint64_t begin_us; // the first mutation, monotonic: all was prepared
    uint64_t niss[PREPARED];
    uint64_t sent_us[RING]; // by number
    char id[32];
};

static void
note_answer(uint64_t number, enum vg_status status, uint64_t ticket, const char *sentence,
            void *arg)
{
    struct publishing *publishing = arg;
    struct bench_result *result = publishing->result;

    (void)ticket;
    histogram_add(&result->answered, monotonic_us() - publishing->sent_us[number % RING]);
    result->kept += status == VG_OK || status == VG_REPEATED;
    if (status != VG_OK && status != VG_REPEATED && result->failed++ < 3) {
        fprintf(stderr, "vigie bench: %s: %s\n", vg_status_name(status),
                sentence == NULL ? "" : sentence);
    }
}

// One flow, about persons of the whole directory. The id is the moment it was due, so that a
// receiver can tell how long it took.
static void
fill_mutation(const struct publishing *publishing, uint64_t index,
              struct vg_mutation *ret)
{
    static const char *const codes[] = {"000", "001", "010", "020", "100", "140"};
    static const char value[] = "01234567890123456789";

    memset(ret, 0, offsetof(struct vg_mutation, fields));
    ret->flow = (struct vg_bytes){"notifyPerson", 12};
    ret->niss = publishing->niss[index % PREPARED];
    ret->id = (struct vg_bytes){publishing->id, strlen(publishing->id)};
    for (size_t i = 0; i < 6; i++) {
        ret->fields[ret->fields_len].code = (struct vg_bytes){codes[i], 3};
        ret->fields[ret->fields_len++].value = (struct vg_bytes){value, 20};
    }
}

// Open loop: each mutation is due at its moment whatever happened to those before.
static bool
publish_for_a_while(struct publishing *publishing, struct vg_publisher *publisher)
{
    uint64_t rate = publishing->result->rate;
    uint64_t begin = monotonic_us();
    uint64_t begin_real = realtime_us();
    uint64_t end = begin + publishing->bench->seconds * 1000000;
    struct vg_error error = {0};
    struct vg_mutation mutation;
    uint64_t now = begin;
    uint64_t index = 0;
    uint64_t number;

    publishing->begin_us = begin;
    while (now < end) {
        uint64_t due = rate == 0 ? now : begin + index * 1000000 / rate;

        if (due > now) {
            vg_publisher_flush(publisher);
            vg_publisher_process(publisher, (int)((due - now) / 1000), &error);
            now = monotonic_us();
            continue;
        }
        snprintf(publishing->id, sizeof publishing->id, "%llu",
                 (unsigned long long)(begin_real + due - begin));
        fill_mutation(publishing, index, &mutation);
        publishing->sent_us[vg_publisher_next(publisher) % RING] = due;

        enum vg_status status = vg_publish(publisher, &mutation, &number, &error);

        if (status == VG_BUSY) {
            vg_publisher_process(publisher, 50, &error);
        } else if (status != VG_OK) {
            cli_refused(publishing->bench->cli, &error);
            return false;
        } else {
            index++;
            if (index % 64 == 0) {
                vg_publisher_process(publisher, 0, &error);
            }
        }
        now = index % 16 == 0 || rate != 0 || status == VG_BUSY ? monotonic_us() : now;
    }
    return vg_publisher_settle(publisher, BENCH_TIMEOUT_MS, &error) == VG_OK;
}

// Persons from all over the directory: any (most are followed by no CPAS), or followed ones,
// so that there is about one notification a mutation.
static void
draw_persons(struct publishing *publishing)
{
    const struct synthetic *synthetic = &publishing->bench->synthetic;
    size_t len = 0;

    for (uint64_t i = 0; len < PREPARED; i++) {
        struct synthetic_integration found[SYNTHETIC_INTEGRATIONS_MAX];
        uint64_t person = synthetic_random(synthetic, i, 77, synthetic->people);

        if (publishing->bench->everyone ||
            (synthetic_integrations(synthetic, person, found) > 0 &&
             found[0].institution >= synthetic->cpas_first && found[0].end == 0 &&
             found[0].quality < 11)) {
            publishing->niss[len++] = synthetic_niss(synthetic, person);
        }
    }
}

static bool
publish(struct publishing *publishing)
{
    const struct cli *cli = publishing->bench->cli;
    struct vg_publisher_options options = {
        .producer = 1, .outcome = note_answer, .arg = publishing};
    struct vg_address *address = key_address(cli, "RN.source", "sources");
    struct vg_publisher *publisher = NULL;
    struct vg_error error = {0};
    bool good = address != NULL;

    if (good && vg_publisher_open(address, &options, BENCH_TIMEOUT_MS, &publisher,
                                  &error) != VG_OK) {
        cli_refused(cli, &error);
        good = false;
    }
    good = good && publish_for_a_while(publishing, publisher);
    vg_publisher_close(&publisher);
    vg_address_free(&address);
    return good;
}

// ---- who reads ----

// A default mailbox has its institution's number, given in order of registration.
uint32_t
bench_mailbox(const struct bench *bench, size_t i)
{
    return (uint32_t)(bench->synthetic.cpas_first + i + 1);
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

// ---- what the broker used ----

double
bench_cpu_s(const struct bench *bench)
{
    struct usage usage;

    usage_read(bench->vigied, &usage);
    return usage.cpu_s;
}

uint64_t
bench_resident_bytes(const struct bench *bench)
{
    char path[64];
    unsigned long pages = 0;

    snprintf(path, sizeof path, "/proc/%d/statm", (int)bench->vigied);

    char *text = file_read(path, NULL);

    if (text != NULL) {
        sscanf(text, "%*u %lu", &pages);
    }
    free(text);
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static double
counter_of(const char *page, const char *name)
{
    char line[80];
    const char *at;

    snprintf(line, sizeof line, "\nvigie_%s_total ", name);
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
        .mutations = counter_of(answer.text, "mutations"),
        .commits = counter_of(answer.text, "commits"),
        .commit_us = counter_of(answer.text, "commit_us"),
        .written_bytes = counter_of(answer.text, "written_bytes"),
    };
    admin_answer_clear(&answer);
    return counters;
}

static struct bench_counters
counters_since(const struct cli *cli, struct bench_counters before)
{
    struct bench_counters now = read_counters(cli);

    return (struct bench_counters){
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

// ---- reports ----

json_t *
bench_latency_json(const struct histogram *histogram)
{
    return json_pack(
        "{s:I,s:I,s:I,s:I,s:I}", "p50", (json_int_t)histogram_at(histogram, 0.5), "p90",
        (json_int_t)histogram_at(histogram, 0.9), "p99",
        (json_int_t)histogram_at(histogram, 0.99), "p999",
        (json_int_t)histogram_at(histogram, 0.999), "max", (json_int_t)histogram->max);
}

void
bench_print_latency(const char *name, const struct histogram *histogram)
{
    printf("  %-22s p50 %8.2f  p90 %8.2f  p99 %8.2f  p99.9 %8.2f  max %8.2f ms\n", name,
           (double)histogram_at(histogram, 0.5) / 1000,
           (double)histogram_at(histogram, 0.9) / 1000,
           (double)histogram_at(histogram, 0.99) / 1000,
           (double)histogram_at(histogram, 0.999) / 1000, (double)histogram->max / 1000);
}

// CPU seconds of the whole run: the clients', and the broker's by thread.
static json_t *
cpu_json(const struct bench_result *result)
{
    json_t *threads = json_object();

    for (size_t i = 0; i < result->broker.len; i++) {
        json_object_set_new(threads, result->broker.threads[i].name,
                            json_real(result->broker.threads[i].cpu_s));
    }
    return json_pack("{s:f,s:f,s:f,s:o}", "publisher", result->publisher_cpu_s, "broker",
                     result->broker.cpu_s, "receivers", result->receivers_cpu_s,
                     "broker_threads", threads);
}

static void
print_cpu(const struct bench_result *result)
{
    double per = 1e6 / (double)result->sum.received;

    printf("  CPU us per notification: publisher %.2f, receivers %.2f, broker %.2f:",
           result->publisher_cpu_s * per, result->receivers_cpu_s * per,
           result->broker.cpu_s * per);
    for (size_t i = 0; i < result->broker.len; i++) {
        if (result->broker.threads[i].cpu_s > 0) {
            printf(" %s %.2f", result->broker.threads[i].name,
                   result->broker.threads[i].cpu_s * per);
        }
    }
    printf("\n");
}

void
bench_report(const struct bench *bench, const struct bench_result *result)
{
    const struct tally *sum = &result->sum;
    struct bench_counters counters = result->counters;
    double seconds = result->seconds;
    double cpu_us = result->broker.cpu_s * 1e6 / (double)sum->received;
    double rate = (double)sum->received / seconds;
    double commits = counters.commits > 0 ? counters.commits : 1;
    double per_commit = counters.mutations / commits;
    double commit_ms = counters.commit_us / commits / 1000;
    double bytes = counters.written_bytes / (double)sum->received;

    if (bench->cli->json) {
        cli_print(
            json_pack("{s:I,s:I,s:I,s:f,s:f,s:f,s:f,s:f,s:f,s:o,s:o,s:o}", "rate_asked",
                      (json_int_t)result->rate, "mutations", (json_int_t)result->kept,
                      "notifications", (json_int_t)sum->received, "seconds", seconds,
                      "notifications_per_second", rate, "broker_cpu_us_per_notification",
                      cpu_us, "mutations_per_commit", per_commit, "commit_ms", commit_ms,
                      "bytes_per_notification", bytes, "published_to_received_us",
                      bench_latency_json(&sum->latency), "published_to_answered_us",
                      bench_latency_json(&result->answered), "cpu_s", cpu_json(result)));
        return;
    }
    if (result->rate == 0) {
        printf("throughput, saturated\n");
    } else {
        printf("latency, %llu mutations a second, open loop\n",
               (unsigned long long)result->rate);
    }
    printf("  %.0f notifications/s received and acknowledged, %.0f mutations/s answered "
           "after their sync\n",
           rate, (double)result->kept / seconds);
    printf("  %llu mutations, %llu notifications in %.1f s; %.0f mutations a commit, a "
           "commit "
           "takes %.2f ms\n",
           (unsigned long long)result->kept, (unsigned long long)sum->received, seconds,
           per_commit, commit_ms);
    printf(
        "  broker %.2f us of CPU and %.0f bytes of journal and bodies per notification\n",
        cpu_us, bytes);
    print_cpu(result);
    bench_print_latency("published -> received", &sum->latency);
    bench_print_latency("published -> answered", &result->answered);
}

// ---- one run ----

static bool
run(struct publishing *publishing, const struct crew *crew)
{
    const struct bench *bench = publishing->bench;
    struct bench_result *result = publishing->result;
    struct bench_counters before = read_counters(bench->cli);
    double receivers_cpu_s = crew_cpu_s(crew);
    struct usage broker, publisher, now;
    bool good;

    usage_read(bench->vigied, &broker);
    usage_read(getpid(), &publisher);
    good = publish(publishing);
    usage_read(getpid(), &now);
    result->publisher_cpu_s = now.cpu_s - publisher.cpu_s;
    wait_for_the_last(crew, &result->sum);
    result->seconds = (double)(result->sum.last_us - publishing->begin_us) / 1e6;
    result->counters = counters_since(bench->cli, before);
    usage_read(bench->vigied, &result->broker);
    usage_since(&result->broker, &broker);
    result->receivers_cpu_s = crew_cpu_s(crew) - receivers_cpu_s;
    if (good && result->sum.received == 0) {
        fprintf(stderr, "vigie bench: nothing was received\n");
        good = false;
    }
    return good;
}

bool
bench_run(const struct bench *bench, const struct crew *crew, uint64_t rate,
          struct bench_result *ret)
{
    struct publishing *publishing = calloc(1, sizeof *publishing);
    bool good = publishing != NULL;

    memset(ret, 0, sizeof *ret);
    ret->rate = rate;
    if (good) {
        publishing->bench = bench;
        publishing->result = ret;
        draw_persons(publishing);
        good = run(publishing, crew);
    }
    free(publishing);
    return good;
}
