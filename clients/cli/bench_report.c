// SPDX-License-Identifier: EUPL-1.2
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

// ---- figures over rounds ----

struct spread {
    double median, least, most;
};

static int
by_size(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

static struct spread
spread_of(const double *rounds, size_t len)
{
    double sorted[BENCH_ROUNDS_MAX];

    memcpy(sorted, rounds, len * sizeof *sorted);
    qsort(sorted, len, sizeof *sorted, by_size);
    return (struct spread){
        .median = (sorted[(len - 1) / 2] + sorted[len / 2]) / 2,
        .least = sorted[0],
        .most = sorted[len - 1],
    };
}

static double
thread_cpu_us(const struct bench_result *result, const char *prefix)
{
    double cpu_s = 0;

    for (size_t i = 0; i < result->broker.len; i++) {
        if (strncmp(result->broker.threads[i].name, prefix, strlen(prefix)) == 0) {
            cpu_s += result->broker.threads[i].cpu_s;
        }
    }
    return cpu_s * 1e6 / (double)result->received;
}

static double
rate_of(const struct bench_result *result)
{
    return (double)result->received / result->seconds;
}

static double
kept_rate_of(const struct bench_result *result)
{
    return (double)result->published.kept / result->seconds;
}

static double
recipients_of(const struct bench_result *result)
{
    return (double)result->received / (double)result->published.kept;
}

static double
cpu_of(const struct bench_result *result)
{
    return (result->published.cpu_s + result->broker.cpu_s + result->receivers_cpu_s) *
           1e6 / (double)result->received;
}

static double
publisher_of(const struct bench_result *result)
{
    return result->published.cpu_s * 1e6 / (double)result->received;
}

static double
loop_of(const struct bench_result *result)
{
    return thread_cpu_us(result, "vigied");
}

static double
writer_of(const struct bench_result *result)
{
    return thread_cpu_us(result, "writer");
}

static double
sockets_of(const struct bench_result *result)
{
    return thread_cpu_us(result, "ZMQ");
}

static double
receivers_of(const struct bench_result *result)
{
    return result->receivers_cpu_s * 1e6 / (double)result->received;
}

static double
bytes_of(const struct bench_result *result)
{
    return result->counters.written_bytes / (double)result->received;
}

static double
batch_of(const struct bench_result *result)
{
    return result->counters.mutations / fmax(result->counters.commits, 1);
}

static double
commit_ms_of(const struct bench_result *result)
{
    return result->counters.commit_us / fmax(result->counters.commits, 1) / 1000;
}

static double
resident_of(const struct bench_result *result)
{
    return (double)result->memory.resident_bytes / 1e6;
}

static double
private_of(const struct bench_result *result)
{
    return (double)result->memory.private_bytes / 1e6;
}

static double
store_of(const struct bench_result *result)
{
    return result->counters.store_bytes / 1e6;
}

struct figure {
    const char *name; // in JSON
    const char *words;
    double (*of)(const struct bench_result *result);
    double budget; // of CPU, 0: none was set
};

// The budget is that of two cores at 503,000 notifications a second.
static const struct figure figures[] = {
    {"notifications_per_second", "notifications/s, received and acknowledged", rate_of,
     0},
    {"mutations_per_second", "mutations/s, answered after their sync", kept_rate_of, 0},
    {"notifications_per_mutation", "notifications a mutation", recipients_of, 0},
    {"cpu_us", "CPU us a notification, all processes", cpu_of, 3.2},
    {"publisher_cpu_us", "  sources", publisher_of, 0.5},
    {"loop_cpu_us", "  broker, loop", loop_of, 0.15},
    {"writer_cpu_us", "  broker, writer", writer_of, 1.2},
    {"sockets_cpu_us", "  broker, sockets and encryption", sockets_of, 0.65},
    {"receivers_cpu_us", "  receivers", receivers_of, 0.5},
    {"bytes_per_notification", "bytes written a notification", bytes_of, 0},
    {"mutations_per_commit", "mutations a commit", batch_of, 0},
    {"commit_ms", "ms a commit", commit_ms_of, 0},
    {"resident_mb", "MB resident", resident_of, 0},
    {"private_mb", "MB private", private_of, 0},
    {"store_mb", "MB of store", store_of, 0},
};

enum { FIGURES = sizeof figures / sizeof figures[0] };

static struct spread
figure_of(const struct figure *figure, const struct bench_result *rounds, size_t len)
{
    double values[BENCH_ROUNDS_MAX];

    for (size_t i = 0; i < len; i++) {
        values[i] = figure->of(&rounds[i]);
    }
    return spread_of(values, len);
}

static int
decimals_of(double value)
{
    return value >= 100 ? 0 : value >= 10 ? 1 : 2;
}

static void
print_spread(const char *words, struct spread spread)
{
    int decimals = decimals_of(spread.median);

    printf("  %-44s %*.*f  [%.*f .. %.*f]", words, 10, decimals, spread.median, decimals,
           spread.least, decimals, spread.most);
}

static json_t *
spread_json(struct spread spread)
{
    return json_pack("{s:f,s:f,s:f}", "median", spread.median, "least", spread.least,
                     "most", spread.most);
}

void
bench_figure(const struct bench *bench, const char *title, const char *unit,
             const double *rounds, size_t len)
{
    struct spread spread = spread_of(rounds, len);

    if (bench->cli->json) {
        cli_print(json_pack("{s:s,s:s,s:s,s:o}", "scenario", bench->scenario, "case",
                            title, "unit", unit, "value", spread_json(spread)));
    } else {
        print_spread(title, spread);
        printf(" %s\n", unit);
    }
    fflush(stdout);
}

// ---- latencies ----

static const double shares[] = {0.5, 0.9, 0.99, 0.999, 1};
static const char *const share_names[] = {"p50", "p90", "p99", "p999", "max"};

enum { SHARES = sizeof shares / sizeof shares[0] };

static struct spread
latency_at(const struct bench_result *rounds, size_t len, bool answered, double share)
{
    double ms[BENCH_ROUNDS_MAX];

    for (size_t i = 0; i < len; i++) {
        const struct histogram *histogram =
            answered ? &rounds[i].published.answered : &rounds[i].latency;

        ms[i] =
            (double)(share < 1 ? histogram_at(histogram, share) : histogram->max) / 1000;
    }
    return spread_of(ms, len);
}

static void
print_latency(const char *words, const struct bench_result *rounds, size_t len,
              bool answered)
{
    printf("  %-22s", words);
    for (size_t i = 0; i < SHARES; i++) {
        struct spread spread = latency_at(rounds, len, answered, shares[i]);

        printf("  %s %.2f [%.2f..%.2f]", share_names[i], spread.median, spread.least,
               spread.most);
    }
    printf(" ms\n");
}

static json_t *
latency_json(const struct bench_result *rounds, size_t len, bool answered)
{
    json_t *object = json_object();

    for (size_t i = 0; i < SHARES; i++) {
        json_object_set_new(object, share_names[i],
                            spread_json(latency_at(rounds, len, answered, shares[i])));
    }
    return object;
}

// ---- a case ----

static json_t *
case_json(const struct bench *bench, const char *title, const struct bench_result *rounds,
          size_t len)
{
    uint64_t received = 0;

    for (size_t i = 0; i < len; i++) {
        received += rounds[i].received;
    }
    return json_pack("{s:s,s:s,s:I,s:I,s:I}", "scenario", bench->scenario, "case", title,
                     "rounds", (json_int_t)len, "rate_asked", (json_int_t)rounds[0].rate,
                     "notifications", (json_int_t)received);
}

static void
add_latency(json_t *object, const struct bench_result *rounds, size_t len)
{
    json_object_set_new(object, "published_to_received_ms",
                        latency_json(rounds, len, false));
    json_object_set_new(object, "published_to_answered_ms",
                        latency_json(rounds, len, true));
}

void
bench_report(const struct bench *bench, const char *title,
             const struct bench_result *rounds, size_t len)
{
    bool published = rounds[0].published.kept > 0;

    if (bench->cli->json) {
        json_t *object = case_json(bench, title, rounds, len);

        for (size_t i = 0; i < FIGURES; i++) {
            json_object_set_new(object, figures[i].name,
                                spread_json(figure_of(&figures[i], rounds, len)));
        }
        add_latency(object, rounds, len);
        cli_print(object);
        return;
    }
    printf("%s\n", title);
    for (size_t i = 0; i < FIGURES; i++) {
        struct spread spread = figure_of(&figures[i], rounds, len);

        if (isfinite(spread.median) && spread.median > 0) {
            print_spread(figures[i].words, spread);
            printf(rounds[0].rate == 0 && figures[i].budget > 0 ? "  budget %.2f\n"
                                                                : "\n",
                   figures[i].budget);
        }
    }
    if (published) {
        print_latency("published -> received", rounds, len, false);
        print_latency("published -> answered", rounds, len, true);
    }
    fflush(stdout);
}

void
bench_report_latency(const struct bench *bench, const char *title,
                     const struct bench_result *rounds, size_t len)
{
    if (bench->cli->json) {
        json_t *object = case_json(bench, title, rounds, len);

        add_latency(object, rounds, len);
        cli_print(object);
    } else {
        printf("%s\n", title);
        print_latency("published -> received", rounds, len, false);
    }
    fflush(stdout);
}
