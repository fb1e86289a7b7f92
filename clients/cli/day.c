// SPDX-License-Identifier: EUPL-1.2
// day.c - plays a simulated day against a running broker: registers the institutions, loads
// the directory, receives as every institution, publishes as every source, and shows what
// happened.
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "crew.h"
#include "json/json.h"
#include "synthetic.h"

enum { PATH_LEN = 512, OPEN_SECONDS = 120, QUIET_SECONDS = 60, TIMEOUT_MS = 30000 };

struct day {
    struct cli *cli;
    const char *folder;
    char *members[SYNTHETIC_INSTITUTIONS_MAX]; // names of key files
    size_t members_len;
    char *sources[SYNTHETIC_INSTITUTIONS_MAX]; // institution codes
    size_t sources_len;
    uint64_t published;
    uint64_t refused;
    double publish_seconds;
    double deliver_seconds;
};

static void say(const struct day *day, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
say(const struct day *day, const char *format, ...)
{
    va_list args;

    if (!day->cli->json) {
        va_start(args, format);
        vprintf(format, args);
        va_end(args);
        fflush(stdout);
    }
}

// ---- institutions ----

static bool
key_is_there(const struct day *day, const char *code, const char *role)
{
    char *path = home_path(day->cli, "keys/%s.%s.key", code, role);
    bool there = access(path, R_OK) == 0;

    free(path);
    return there;
}

static bool
register_institution(struct day *day, json_t *line, int *ret_code)
{
    const char *code = json_string_value(json_object_get(line, "code"));
    bool source = json_is_true(json_object_get(line, "source"));
    bool member = json_is_true(json_object_get(line, "member"));
    json_t *institution;

    if (code == NULL || day->members_len == SYNTHETIC_INSTITUTIONS_MAX) {
        return false;
    }
    institution = json_pack("{s:s,s:O,s:O,s:O}", "code", code, "name",
                            json_object_get(line, "name"), "sector",
                            json_object_get(line, "sector"), "number",
                            json_object_get(line, "number"));
    // Who has a key is registered: by an earlier day, or by hand.
    if (!key_is_there(day, code, "member") && !key_is_there(day, code, "source") &&
        !admin_add_institution(day->cli, institution, ret_code)) {
        json_decref(institution);
        return false;
    }
    json_decref(institution);
    if (member && !key_is_there(day, code, "member") &&
        !admin_add_key(day->cli, code, "member", NULL, ret_code)) {
        return false;
    }
    if (source && !key_is_there(day, code, "source") &&
        !admin_add_key(day->cli, code, "source", NULL, ret_code)) {
        return false;
    }
    if (member && asprintf(&day->members[day->members_len], "%s.member", code) > 0) {
        day->members_len++;
    }
    if (source) {
        day->sources[day->sources_len++] = strdup(code);
    }
    return true;
}

static bool
register_institutions(struct day *day, int *ret_code)
{
    char path[PATH_LEN];
    char *text;
    char *rest;
    char *words;
    bool good = true;

    snprintf(path, sizeof path, "%s/institutions.jsonl", day->folder);
    text = file_read(path, NULL);
    if (text == NULL) {
        fprintf(stderr, "vigie day: %s: %s\n", path, strerror(errno));
        *ret_code = EXIT_USAGE;
        return false;
    }
    rest = text;
    while (good && (words = strsep(&rest, "\n")) != NULL) {
        json_t *line = *words == 0 ? NULL : json_loads(words, 0, NULL);

        if (line != NULL) {
            good = register_institution(day, line, ret_code);
            json_decref(line);
        }
    }
    free(text);
    if (good && !key_is_there(day, "SPPIS", "operator")) {
        good = admin_add_key(day->cli, "SPPIS", "operator", NULL, ret_code);
    }
    return good;
}

// ---- publishing ----

static void
count_outcome(uint64_t number, enum vg_status status, uint64_t ticket,
              const char *sentence, void *arg)
{
    struct day *day = arg;

    (void)number;
    (void)ticket;
    day->published += status == VG_OK || status == VG_REPEATED;
    if (status != VG_OK && status != VG_REPEATED && day->refused++ < 5) {
        fprintf(stderr, "vigie day: %s: %s\n", vg_status_name(status),
                sentence != NULL ? sentence : "");
    }
}

static bool
publish_line(struct vg_publisher *publisher, const char *line, struct vg_error *error)
{
    struct json_mutation json;
    struct vg_mutation mutation;
    char reason[JSON_REASON_LEN];
    uint64_t number;
    enum vg_status status = json_read_mutation(line, strlen(line), &json, reason);

    if (status != VG_OK) {
        fprintf(stderr, "vigie day: %s\n", reason);
        return false;
    }
    mutation_of(&json.mutation, &mutation);
    while ((status = vg_publish(publisher, &mutation, &number, error)) == VG_BUSY) {
        vg_publisher_process(publisher, 200, error);
    }
    json_mutation_clear(&json);
    return status == VG_OK;
}

static bool
publish_source(struct day *day, const char *code)
{
    struct vg_publisher_options options = {
        .producer = 1, .outcome = count_outcome, .arg = day};
    struct vg_publisher *publisher = NULL;
    struct vg_error error = {0};
    char path[PATH_LEN];
    char key[64];
    char *text;
    char *line;
    bool good = true;

    snprintf(path, sizeof path, "%s/day/%s.jsonl", day->folder, code);
    text = file_read(path, NULL);
    if (text == NULL) {
        return true; // nothing to say today
    }
    snprintf(key, sizeof key, "%s.source", code);

    struct vg_address *address = key_address(day->cli, key, "sources");

    if (address == NULL ||
        vg_publisher_open(address, &options, TIMEOUT_MS, &publisher, &error) != VG_OK) {
        good = false;
    }
    for (char *rest = text; good && (line = strsep(&rest, "\n")) != NULL;) {
        good = *line == 0 || publish_line(publisher, line, &error);
    }
    if (good && vg_publisher_settle(publisher, TIMEOUT_MS, &error) != VG_OK) {
        good = false;
    }
    if (!good) {
        cli_refused(day->cli, &error);
    }
    vg_publisher_close(&publisher);
    vg_address_free(&address);
    free(text);
    return good;
}

static bool
publish_day(struct day *day)
{
    uint64_t begin = monotonic_us();
    bool good = true;

    for (size_t i = 0; good && i < day->sources_len; i++) {
        good = publish_source(day, day->sources[i]);
    }
    day->publish_seconds = (double)(monotonic_us() - begin) / 1e6;
    return good;
}

// ---- what happened ----

static bool
day_receives(const struct day *day, const char *institution)
{
    size_t len = strlen(institution);

    for (size_t i = 0; i < day->members_len; i++) {
        if (strncmp(day->members[i], institution, len) == 0 &&
            strcmp(day->members[i] + len, ".member") == 0) {
            return true;
        }
    }
    return false;
}

// What waits in the mailboxes that the day opened; another one may wait for its owner.
static uint64_t
waiting_now(const struct day *day)
{
    struct admin_answer answer;
    uint64_t waiting = 0;
    size_t i;
    json_t *row;

    admin_call(day->cli, "/v1/queues", NULL, 0, &answer);
    json_array_foreach(json_object_get(answer.body, "mailboxes"), i, row)
    {
        const char *name = json_string_value(json_object_get(row, "name"));
        json_int_t here = json_integer_value(json_object_get(row, "waiting"));

        if (here > 0 && strcmp(name, "default") == 0 &&
            day_receives(day, json_string_value(json_object_get(row, "institution")))) {
            waiting += (uint64_t)here;
        }
    }
    if (answer.http != 200) {
        waiting = UINT64_MAX; // not known
    }
    admin_answer_clear(&answer);
    return waiting;
}

// Everything acknowledged: nothing waits in any mailbox.
static bool
wait_until_empty(const struct day *day)
{
    uint64_t end = monotonic_us() + QUIET_SECONDS * UINT64_C(1000000);

    while (monotonic_us() < end) {
        if (waiting_now(day) == 0) {
            return true;
        }
        usleep(100000);
    }
    fprintf(stderr, "vigie day: after %d s notifications still wait\n", QUIET_SECONDS);
    return false;
}

static json_t *
ask(const struct day *day, const char *path, const char *member)
{
    struct admin_answer answer;
    json_t *rows = NULL;

    admin_call(day->cli, path, NULL, 0, &answer);
    if (answer.http == 200) {
        rows = json_incref(json_object_get(answer.body, member));
    }
    admin_answer_clear(&answer);
    return rows != NULL ? rows : json_array();
}

static void
print_queues(json_t *mailboxes)
{
    static const char *const columns[] = {
        "INSTITUTION:institution",   "WAITING:waiting:right",
        "IN FLIGHT:in_flight:right", "ACKNOWLEDGED:acknowledged:right",
        "PARKED:parked:right",       "BYTES:bytes:right",
        "CONNECTED:connected",       "CREDIT:credit_messages:right",
    };
    json_t *busiest = json_array();
    size_t taken = 0;

    // The busiest ten are enough for a screen; `vigie queues` shows all.
    while (taken < 10 && taken < json_array_size(mailboxes)) {
        size_t best = 0;
        json_int_t most = -1;
        size_t i;
        json_t *row;

        json_array_foreach(mailboxes, i, row)
        {
            json_int_t count = json_integer_value(json_object_get(row, "acknowledged"));

            if (count > most) {
                most = count;
                best = i;
            }
        }
        json_array_append(busiest, json_array_get(mailboxes, best));
        json_array_remove(mailboxes, best);
        taken++;
    }
    cli_table(columns, sizeof columns / sizeof columns[0], busiest);
    printf("... and %zu more mailboxes\n", json_array_size(mailboxes));
    json_decref(busiest);
}

static void
print_result(const struct day *day, const struct tally *sum)
{
    static const char *const columns[] = {
        "FLOW:flow",
        "PUBLISHED:published:right",
        "MATCHED:matched:right",
        "DELIVERED:delivered:right",
        "WITHHELD:withheld:right",
        "NO RECIPIENT:no_recipient:right",
        "REFUSED:refused:right",
    };
    json_t *flows = ask(day, "/v1/flows", "flows");
    json_t *mailboxes = ask(day, "/v1/queues", "mailboxes");

    if (day->cli->json) {
        cli_print(json_pack(
            "{s:o,s:o,s:I,s:I,s:f,s:f,s:I,s:I,s:I}", "flows", flows, "mailboxes",
            mailboxes, "published", (json_int_t)day->published, "received",
            (json_int_t)sum->received, "publish_seconds", day->publish_seconds, "seconds",
            day->deliver_seconds, "p50_us", (json_int_t)histogram_at(&sum->latency, 0.5),
            "p99_us", (json_int_t)histogram_at(&sum->latency, 0.99), "max_us",
            (json_int_t)sum->latency.max));
        return;
    }
    printf("\n");
    cli_table(columns, 7, flows);
    printf("\n");
    print_queues(mailboxes);
    printf("\n%llu mutations published in %.1f s (%.0f a second, one source after the "
           "other), "
           "every answer after its sync\n",
           (unsigned long long)day->published, day->publish_seconds,
           (double)day->published / day->publish_seconds);
    printf("%llu notifications received and acknowledged by %zu institutions in %.1f s "
           "(%.0f a second)\n",
           (unsigned long long)sum->received, day->members_len, day->deliver_seconds,
           (double)sum->received / day->deliver_seconds);
    printf("kept -> received: p50 %.1f ms, p99 %.1f ms, longest %.1f ms\n",
           (double)histogram_at(&sum->latency, 0.5) / 1000,
           (double)histogram_at(&sum->latency, 0.99) / 1000,
           (double)sum->latency.max / 1000);
    json_decref(flows);
    json_decref(mailboxes);
}

static int
receive_and_publish(struct day *day)
{
    struct crew_job job = {
        .cli = day->cli,
        .keys = (const char *const *)day->members,
        .keys_len = day->members_len,
        .children = 4,
    };
    struct tally sum;
    uint64_t begin;

    say(day, "%zu institutions connect ... ", day->members_len);

    struct crew *crew = crew_start(&job, OPEN_SECONDS);

    if (crew == NULL) {
        return EXIT_NO_ANSWER;
    }
    say(day, "done\n%zu sources publish the day ... ", day->sources_len);
    begin = monotonic_us();

    bool good = publish_day(day);

    say(day, "done\nthe last notifications arrive ... ");
    good = good && wait_until_empty(day);
    crew_sum(crew, &sum);
    day->deliver_seconds = (double)(sum.last_us - begin) / 1e6;
    say(day, "done\n");
    if (good) {
        print_result(day, &sum);
    }
    crew_stop(&crew);
    return good ? EXIT_DONE : EXIT_REFUSED;
}

int
command_day(struct cli *cli)
{
    struct day *day = calloc(1, sizeof *day);
    char path[PATH_LEN];
    int code = EXIT_DONE;

    if (day == NULL || !cli_options(cli, NULL, 0, 1, 1)) {
        free(day);
        return EXIT_USAGE;
    }
    day->cli = cli;
    day->folder = cli->argv[1];
    say(day, "institutions are registered ... ");

    bool good = register_institutions(day, &code);

    if (good) {
        say(day, "%zu\nthe reference directory is loaded ... ", day->members_len);
        snprintf(path, sizeof path, "%s/integrations.jsonl", day->folder);
        code = integrate_file(
            cli, &(struct integrate_job){.path = path, .key = "SPPIS.operator"});
        good = code == EXIT_DONE;
    }
    if (good) {
        code = receive_and_publish(day);
    }
    for (size_t i = 0; i < day->members_len; i++) {
        free(day->members[i]);
    }
    for (size_t i = 0; i < day->sources_len; i++) {
        free(day->sources[i]);
    }
    free(day);
    return code;
}
