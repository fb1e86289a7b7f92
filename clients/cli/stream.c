// SPDX-License-Identifier: EUPL-1.2
// stream.c - publish and subscribe: JSON lines in, JSON lines out.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "json/json.h"

enum { TIMEOUT_MS = 30000, WAIT_MS = 200 };

static volatile sig_atomic_t interrupted;

static void
on_signal(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static void
catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

// ---- publish ----

struct counts {
    const struct cli *cli;
    uint64_t kept;
    uint64_t repeated;
    uint64_t refused;
    uint64_t unknown;
    uint64_t line_first; // number of the mutation on line 1
    uint64_t *line_of;   // by number - line_first
    uint64_t line_len;
    uint64_t line_size;
    bool quiet;
};

// number 0: the mutation was never sent.
static void
print_outcome(const struct cli *cli, uint64_t line, uint64_t number,
              enum vg_status status, uint64_t ticket, const char *sentence)
{
    const char *remedy = vg_remedy_name(vg_status_remedy(status));

    if (sentence == NULL || sentence[0] == 0) {
        sentence = vg_status_sentence(status);
    }
    if (cli->json) {
        cli_print(json_pack("{s:I,s:I,s:s,s:i,s:s,s:I,s:s}", "line", (json_int_t)line,
                            "number", (json_int_t)number, "status",
                            vg_status_name(status), "code", (int)status, "remedy", remedy,
                            "ticket", (json_int_t)ticket, "sentence", sentence));
    } else if (status == VG_OK) {
        printf("line %llu: kept as number %llu, ticket %llu\n", (unsigned long long)line,
               (unsigned long long)number, (unsigned long long)ticket);
    } else if (number == 0) {
        printf("line %llu: %s (%d, %s): %s\n", (unsigned long long)line,
               vg_status_name(status), (int)status, remedy, sentence);
    } else {
        printf("line %llu: number %llu: %s (%d, %s): %s\n", (unsigned long long)line,
               (unsigned long long)number, vg_status_name(status), (int)status, remedy,
               sentence);
    }
}

static void
count_outcome(uint64_t number, enum vg_status status, uint64_t ticket,
              const char *sentence, void *arg)
{
    struct counts *counts = arg;
    uint64_t index = number - counts->line_first;
    uint64_t line = index < counts->line_len ? counts->line_of[index] : 0;

    counts->kept += status == VG_OK;
    counts->repeated += status == VG_REPEATED;
    counts->unknown += status == VG_UNKNOWN;
    counts->refused += status != VG_OK && status != VG_REPEATED && status != VG_UNKNOWN;
    if (!counts->quiet || (status != VG_OK && status != VG_REPEATED)) {
        print_outcome(counts->cli, line, number, status, ticket, sentence);
    }
}

// On the side: what it publishes now is another matter.
static void
print_undelivered(const struct vg_undelivered *mutations, size_t len, bool more,
                  void *arg)
{
    (void)arg;
    for (size_t i = 0; i < len; i++) {
        fprintf(stderr, "vigie publish: ticket %llu (%s%s%s) lies parked: %s\n",
                (unsigned long long)mutations[i].ticket, mutations[i].flow,
                mutations[i].id[0] == 0 ? "" : " ", mutations[i].id, mutations[i].reason);
    }
    if (more) {
        fprintf(stderr, "vigie publish: and others\n");
    }
}

static struct vg_bytes
bytes_of(struct hot_bytes bytes)
{
    return (struct vg_bytes){(const char *)bytes.at, bytes.len};
}

void
mutation_of(const struct hot_mutation *from, struct vg_mutation *to)
{
    memset(to, 0, offsetof(struct vg_mutation, fields));
    to->flow = bytes_of(from->flow);
    to->id = bytes_of(from->id);
    to->recipient = bytes_of(from->recipient);
    to->replaces = bytes_of(from->replaces);
    to->cancels = bytes_of(from->cancels);
    to->answers = bytes_of(from->answers);
    to->niss = from->niss;
    to->new_niss = from->new_niss;
    to->enterprise = from->enterprise;
    to->occurred = from->occurred;
    to->period_begin = from->period_begin;
    to->period_end = from->period_end;
    to->reference_year = from->reference_year;
    to->fields_len = from->fields_len;
    for (uint32_t i = 0; i < from->fields_len; i++) {
        to->fields[i].code = bytes_of(from->fields[i].code);
        to->fields[i].value = bytes_of(from->fields[i].value);
    }
}

static void
remember_line(struct counts *counts, uint64_t number, uint64_t line)
{
    if (counts->line_len == 0) {
        counts->line_first = number;
    }
    if (counts->line_len == counts->line_size) {
        counts->line_size = counts->line_size * 2 + 1024;
        counts->line_of =
            realloc(counts->line_of, counts->line_size * sizeof *counts->line_of);
        if (counts->line_of == NULL) {
            abort();
        }
    }
    counts->line_of[counts->line_len++] = line;
}

static bool
publish_line(struct cli *cli, struct vg_publisher *publisher, struct counts *counts,
             uint64_t line, const char *text, size_t len)
{
    struct json_mutation json;
    struct vg_mutation mutation;
    struct vg_error error = {0};
    uint64_t number = 0;
    char reason[JSON_REASON_LEN];
    enum vg_status status = json_read_mutation(text, len, &json, reason);

    if (status != VG_OK) {
        print_outcome(cli, line, 0, status, 0, reason);
        counts->refused++;
        return true; // the other lines go on
    }
    mutation_of(&json.mutation, &mutation);
    remember_line(counts, vg_publisher_next(publisher), line);
    do {
        status = vg_publish(publisher, &mutation, &number, &error);
        if (status == VG_BUSY) {
            enum vg_status link = vg_publisher_process(publisher, WAIT_MS, &error);

            if (link != VG_OK && link != VG_TIMED_OUT) {
                status = link;
            }
        }
    } while (status == VG_BUSY && !interrupted);
    json_mutation_clear(&json);
    if (status == VG_MALFORMED || status == VG_TOO_LARGE || status == VG_TOO_MANY) {
        counts->line_len--;
        counts->refused++;
        print_outcome(cli, line, 0, status, 0, error.sentence);
        return true;
    }
    if (status != VG_OK) {
        cli_refused(cli, &error);
    }
    return status == VG_OK;
}

static int
publish_file(struct cli *cli, FILE *file, struct vg_publisher *publisher,
             struct counts *counts)
{
    struct vg_error error = {0};
    char *text = NULL;
    size_t size = 0;
    ssize_t len;
    uint64_t line = 0;
    bool good = true;

    while (good && !interrupted && (len = getline(&text, &size, file)) > 0) {
        line++;
        if (text[strspn(text, " \t\r\n")] == 0) {
            continue;
        }
        good = publish_line(cli, publisher, counts, line, text, (size_t)len);
        if (good) {
            vg_publisher_process(publisher, 0, &error);
        }
    }
    free(text);
    if (good && vg_publisher_settle(publisher, TIMEOUT_MS, &error) != VG_OK) {
        cli_refused(cli, &error);
        good = false;
    }
    return good ? EXIT_DONE : EXIT_NO_ANSWER;
}

static void
print_counts(const struct counts *counts)
{
    printf("%llu kept, %llu repeated, %llu refused, %llu unknown\n",
           (unsigned long long)counts->kept, (unsigned long long)counts->repeated,
           (unsigned long long)counts->refused, (unsigned long long)counts->unknown);
}

int
publish_lines(struct cli *cli, const struct publish_job *job)
{
    struct counts counts = {.cli = cli, .quiet = job->quiet};
    struct vg_publisher_options settings = {.producer = job->producer,
                                            .outcome = count_outcome,
                                            .undelivered = print_undelivered,
                                            .arg = &counts};
    struct vg_publisher *publisher = NULL;
    struct vg_error error = {0};
    int code = EXIT_USAGE;

    if (job->key == NULL) {
        cli_wrong(cli->name, VG_MALFORMED, "--key KEY says which source this is");
        return EXIT_USAGE;
    }

    struct vg_address *address = key_address(cli, job->key, "sources");

    catch_signals();
    if (address != NULL &&
        vg_publisher_open(address, &settings, TIMEOUT_MS, &publisher, &error) != VG_OK) {
        code = cli_refused(cli, &error);
    }
    if (publisher != NULL) {
        code = publish_file(cli, job->file, publisher, &counts);
        vg_publisher_close(&publisher);
        if (!cli->json) {
            print_counts(&counts);
        }
        if (code == EXIT_DONE && counts.refused > 0) {
            code = EXIT_REFUSED;
        }
    }
    vg_address_free(&address);
    free(counts.line_of);
    return code;
}

int
command_publish(struct cli *cli)
{
    struct publish_job job = {.file = stdin};
    const char *producer = "1";
    const struct cli_option options[] = {
        {"key", "KEY", "the source's key file, or its name in the home folder", &job.key,
         NULL},
        {"producer", "N", "which of the source's producers this is (1)", &producer, NULL},
        {"quiet", NULL, "print only what was refused", NULL, &job.quiet},
    };
    uint64_t number = 0;
    int code;

    if (!cli_options(cli, options, 3, 0, 1) ||
        !cli_number("--producer", producer, 1, UINT32_MAX, &number)) {
        return EXIT_USAGE;
    }
    job.producer = (uint32_t)number;
    if (cli->argc > 1 && strcmp(cli->argv[1], "-") != 0) {
        job.file = fopen(cli->argv[1], "re");
    }
    if (job.file == NULL) {
        fprintf(stderr, "vigie publish: %s: %s\n", cli->argv[1], strerror(errno));
        return EXIT_USAGE;
    }
    code = publish_lines(cli, &job);
    if (job.file != stdin) {
        fclose(job.file);
    }
    return code;
}

// ---- subscribe ----

struct listening {
    bool event; // CloudEvents
    bool json;
    bool keep; // do not acknowledge
    bool park;
    const char *refuse; // why, NULL: takes them
    struct vg_subscriber *subscriber;
    uint64_t count;
    uint64_t count_max;
};

static struct hot_bytes
hot_of(struct vg_bytes bytes)
{
    return (struct hot_bytes){(const uint8_t *)bytes.at, bytes.len};
}

static void
print_words(const json_t *object)
{
    const json_t *why = json_object_get(object, "justification");
    const json_t *fields = json_object_get(object, "fields");
    const json_t *merged = json_object_get(object, "merged");
    const char *niss = json_string_value(json_object_get(object, "niss"));
    size_t i;
    json_t *field;

    printf("number %lld  ticket %lld  %s  %s  from %s",
           (long long)json_integer_value(json_object_get(object, "number")),
           (long long)json_integer_value(json_object_get(object, "ticket")),
           json_string_value(json_object_get(object, "flow")), niss != NULL ? niss : "-",
           json_string_value(json_object_get(object, "source")));
    printf("%s\n", json_is_true(json_object_get(object, "again")) ? "  (sent before)"
                   : json_object_get(object, "attempt") != NULL   ? "  (out of turn)"
                                                                  : "");
    if (json_object_get(object, "current_niss") != NULL) {
        printf("    the number in force is %s\n",
               json_string_value(json_object_get(object, "current_niss")));
    }
    if (json_object_get(object, "caught_up") != NULL) {
        json_int_t lost = json_integer_value(json_object_get(object, "lost"));

        printf("    kept at %s; comes late, because the integration was extended or "
               "opened, or a later one that stood for it was cancelled: ticket %lld\n",
               json_string_value(json_object_get(object, "kept_at")),
               (long long)json_integer_value(json_object_get(object, "caught_up")));
        if (lost > 0) {
            printf("    %lld field%s not kept: consult the source\n", (long long)lost,
                   lost == 1 ? " is" : "s are");
        }
    }
    if (merged != NULL) {
        printf("    stands for %zu earlier one%s as well: ticket",
               json_array_size(merged), json_array_size(merged) == 1 ? "" : "s");
        json_array_foreach(merged, i, field)
        {
            printf(" %lld", (long long)json_integer_value(field));
        }
        printf("\n");
    }
    if (why != NULL) {
        printf("    because of quality %s from %s to %s\n",
               json_string_value(json_object_get(why, "quality")),
               json_string_value(json_object_get(why, "begin")),
               json_string_value(json_object_get(why, "end")));
    } else {
        printf("    no integration is asked for this flow\n");
    }
    json_array_foreach(fields, i, field)
    {
        printf("    %s = %s\n", json_string_value(json_object_get(field, "code")),
               json_string_value(json_object_get(field, "value")));
    }
    json_int_t withheld = json_integer_value(json_object_get(object, "withheld"));

    printf("    %lld field%s withheld\n", (long long)withheld, withheld == 1 ? "" : "s");
    fflush(stdout);
}

static bool
print_notification(const struct vg_notification *notification, void *arg)
{
    struct listening *listening = arg;
    struct hot_notification head = {
        .mailbox = notification->mailbox,
        .number = notification->number,
        .again = notification->again,
        .attempt = notification->attempt,
        .justified = notification->justified,
        .quality = notification->quality,
        .begin = notification->begin,
        .end = notification->end,
        .merged = hot_of(notification->merged),
    };
    struct hot_content content;

    if (hot_read_content(hot_of(notification->content), &content) != HOT_OK) {
        return false;
    }

    json_t *object = json_write_notification(&head, &content);

    listening->count++;
    if (listening->event) {
        cli_print(json_write_event(object));
    } else if (listening->json) {
        cli_print(object);
    } else {
        print_words(object);
        json_decref(object);
    }
    if (listening->count_max != 0 && listening->count >= listening->count_max) {
        interrupted = 1;
    }
    if (listening->refuse != NULL) {
        struct vg_refusal refusal = {.reason = listening->refuse,
                                     .park = listening->park};

        (void)vg_refuse(listening->subscriber, notification, &refusal, NULL);
    }
    return !listening->keep && listening->refuse == NULL;
}

// A number, or a moment in UTC: 2026-11-20, 2026-11-20T09:30:00Z.
static bool
read_goal(const char *words, struct vg_rewind_goal *ret_goal)
{
    struct tm moment = {.tm_mday = 1};
    const char *end;

    if (words[strspn(words, "0123456789")] == 0) {
        return cli_number("--rewind", words, 1, UINT64_MAX / 2, &ret_goal->number);
    }
    end = strptime(words, "%Y-%m-%d", &moment);
    if (end != NULL && *end == 'T') {
        end = strptime(end, "T%H:%M:%SZ", &moment);
    }
    if (end == NULL || *end != 0 || timegm(&moment) <= 0) {
        cli_wrong(
            "vigie subscribe", VG_MALFORMED,
            "--rewind \"%s\": a letter's number, 2026-11-20 or 2026-11-20T09:30:00Z",
            words);
        return false;
    }
    ret_goal->time_us = (uint64_t)timegm(&moment) * 1000000;
    return true;
}

static enum vg_status
go_back(const struct cli *cli, struct vg_subscriber *subscriber, uint32_t mailbox,
        struct vg_rewind_goal goal, struct vg_error *error)
{
    uint64_t from = 0, through = 0;
    enum vg_status status =
        vg_rewind(subscriber, mailbox, goal, TIMEOUT_MS, &from, &through, error);

    if (status == VG_OK && !cli->json) {
        fprintf(stderr, "numbers %llu to %llu come again\n", (unsigned long long)from,
                (unsigned long long)through);
    }
    return status;
}

static int
listen_until_told(struct cli *cli, struct listening *listening, uint64_t idle_seconds)
{
    struct vg_error error = {0};
    uint64_t before = 0;
    uint64_t idle_ms = 0;

    while (!interrupted) {
        enum vg_status status =
            vg_subscriber_process(listening->subscriber, WAIT_MS, &error);

        if (status != VG_OK && status != VG_TIMED_OUT && status != VG_INTERRUPTED) {
            return cli_refused(cli, &error);
        }
        idle_ms = listening->count == before ? idle_ms + WAIT_MS : 0;
        before = listening->count;
        if (idle_seconds != 0 && idle_ms >= idle_seconds * 1000) {
            break;
        }
    }
    return EXIT_DONE;
}

static int
check_refusal(const struct listening *listening)
{
    if (listening->park && listening->refuse == NULL) {
        cli_wrong("vigie subscribe", VG_MALFORMED, "--park goes with --refuse REASON");
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

int
command_subscribe(struct cli *cli)
{
    const char *key = NULL;
    const char *count = "0";
    const char *idle = "0";
    const char *rewind = NULL;
    struct vg_rewind_goal goal = {.number = 0};
    struct listening listening = {.json = cli->json};
    const struct cli_option options[] = {
        {"key", "KEY", "the institution's key file, or its name in the home folder", &key,
         NULL},
        {"count", "N", "end after so many", &count, NULL},
        {"idle", "SECONDS", "end after so many seconds without one", &idle, NULL},
        {"keep", NULL, "do not acknowledge: they come again next time", NULL,
         &listening.keep},
        {"rewind", "FROM", "what was acknowledged comes again: from a number or a moment",
         &rewind, NULL},
        {"refuse", "REASON", "give each one back: it comes again later",
         &listening.refuse, NULL},
        {"park", NULL, "with --refuse: not before a hand has handled it", NULL,
         &listening.park},
        {"cloudevents", NULL, "as CloudEvents 1.0", NULL, &listening.event},
    };
    struct vg_subscriber_options settings = {.notification = print_notification,
                                             .arg = &listening};
    struct vg_error error = {0};
    uint64_t mailbox = 0;
    uint64_t idle_seconds = 0;
    int code = EXIT_USAGE;

    if (!cli_options(cli, options, sizeof options / sizeof options[0], 0, 1) ||
        (rewind != NULL && !read_goal(rewind, &goal)) ||
        (cli->argc > 1 &&
         !cli_number("MAILBOX", cli->argv[1], 0, UINT32_MAX, &mailbox)) ||
        !cli_number("--count", count, 0, UINT64_MAX / 2, &listening.count_max) ||
        !cli_number("--idle", idle, 0, 86400, &idle_seconds)) {
        return EXIT_USAGE;
    }
    if (check_refusal(&listening) != EXIT_DONE) {
        return EXIT_USAGE;
    }
    if (key == NULL) {
        cli_wrong(cli->name, VG_MALFORMED, "--key KEY says which institution this is");
        return EXIT_USAGE;
    }

    struct vg_address *address = key_address(cli, key, "members");

    catch_signals();
    if (address == NULL) {
        return code;
    }
    if (vg_subscriber_open(address, &settings, TIMEOUT_MS, &listening.subscriber,
                           &error) != VG_OK ||
        vg_subscribe(listening.subscriber, (uint32_t)mailbox, TIMEOUT_MS, &error) !=
            VG_OK ||
        (rewind != NULL &&
         go_back(cli, listening.subscriber, (uint32_t)mailbox, goal, &error) != VG_OK)) {
        code = cli_refused(cli, &error);
    } else {
        code = listen_until_told(cli, &listening, idle_seconds);
    }
    vg_subscriber_close(&listening.subscriber);
    vg_address_free(&address);
    return code;
}
