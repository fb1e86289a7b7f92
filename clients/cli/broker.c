// SPDX-License-Identifier: EUPL-1.2
// broker.c - what an administrator asks a broker: queues, explain, catalogue, check.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

// ---- queues ----

int
command_queues(struct cli *cli)
{
    static const char *const columns[] = {
        "INSTITUTION:institution",
        "MAILBOX:name",
        "WAITING:waiting:right",
        "IN FLIGHT:in_flight:right",
        "ACKNOWLEDGED:acknowledged:right",
        "PARKED:parked:right",
        "BYTES:bytes:right",
        "OLDEST S:oldest_seconds:right",
        "IN/S:in_per_second:right",
        "OUT/S:out_per_second:right",
        "CONNECTED:connected",
        "CREDIT:credit_messages:right",
        "LAST DELIVERY:last_delivery",
        "LAST ACKNOWLEDGEMENT:last_acknowledgement",
    };
    struct admin_answer answer;
    char path[96] = "/v1/queues";
    int code = EXIT_DONE;

    if (!cli_options(cli, NULL, 0, 0, 1)) {
        return EXIT_USAGE;
    }
    if (cli->argc > 1) {
        snprintf(path, sizeof path, "/v1/queues?institution=%.24s", cli->argv[1]);
    }
    admin_call(cli, path, NULL, 0, &answer);
    if (admin_done(cli, &answer, &code)) {
        if (cli->json) {
            cli_print(json_incref(answer.body));
        } else {
            cli_table(columns, sizeof columns / sizeof columns[0],
                      json_object_get(answer.body, "mailboxes"));
        }
    }
    admin_answer_clear(&answer);
    return code;
}

// ---- explain ----

int
command_explain(struct cli *cli)
{
    const char *source = NULL;
    const char *day = NULL;
    const struct cli_option options[] = {
        {"source", "who would publish it (the flow's source)", &source, NULL},
        {"day", "as if today were YYYY-MM-DD", &day, NULL},
    };
    struct admin_answer answer;
    char path[160];
    size_t len = 0;
    int code = EXIT_DONE;

    if (!cli_options(cli, options, 2, 0, 1)) {
        return EXIT_USAGE;
    }

    char *line = file_read(cli->argc > 1 ? cli->argv[1] : "-", &len);

    if (line == NULL) {
        fprintf(stderr, "vigie explain: %s: %s\n", cli->argv[1], strerror(errno));
        return EXIT_USAGE;
    }
    snprintf(path, sizeof path, "/v1/explain?source=%.24s&day=%.10s",
             source != NULL ? source : "", day != NULL ? day : "");
    admin_call(cli, path, line, len, &answer);
    free(line);
    if (admin_done(cli, &answer, &code)) {
        if (cli->json) {
            cli_print(json_incref(answer.body));
        } else {
            fputs(json_string_value(json_object_get(answer.body, "text")), stdout);
        }
    }
    admin_answer_clear(&answer);
    return code;
}

// ---- what only vigied itself can do, without a broker ----

// vigied lies beside vigie, or is found on the PATH.
static int
run_vigied(const char *option, const char *value, const char *option_2,
           const char *value_2)
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 16);
    char *words[] = {(char *)(uintptr_t) "vigied", (char *)(uintptr_t)option,
                     (char *)(uintptr_t)value,     (char *)(uintptr_t)option_2,
                     (char *)(uintptr_t)value_2,   NULL};

    fflush(stdout);
    if (len > 0) {
        path[len] = 0;
        strcpy(strrchr(path, '/') + 1, "vigied");
        execv(path, words);
    }
    execvp("vigied", words);
    fprintf(stderr, "vigie: vigied: %s\n", strerror(errno));
    return EXIT_USAGE;
}

int
command_check(struct cli *cli)
{
    char *settings;

    if (!cli_options(cli, NULL, 0, 0, 0)) {
        return EXIT_USAGE;
    }
    settings = home_path(cli, "vigied.yaml");

    int code =
        run_vigied("--settings", settings, "--verify", cli->json ? "--json" : NULL);

    free(settings);
    return code;
}

// ---- catalogue ----

static int
load_catalogue(struct cli *cli)
{
    struct admin_answer answer;
    size_t len = 0;
    int code = EXIT_DONE;
    char *text = file_read(cli->argv[2], &len);

    if (text == NULL) {
        fprintf(stderr, "vigie catalogue: %s: %s\n", cli->argv[2], strerror(errno));
        return EXIT_USAGE;
    }
    admin_call(cli, "/v1/catalogue", text, len, &answer);
    free(text);
    if (admin_done(cli, &answer, &code)) {
        if (cli->json) {
            cli_print(json_incref(answer.body));
        } else {
            printf(
                "version %lld is in force.\n",
                (long long)json_integer_value(json_object_get(answer.body, "version")));
        }
    }
    admin_answer_clear(&answer);
    return code;
}

static int
show_catalogue(struct cli *cli)
{
    struct admin_answer answer;
    int code = EXIT_DONE;

    admin_call(cli, "/v1/catalogue", NULL, 0, &answer);
    if (admin_done(cli, &answer, &code)) {
        if (cli->json) {
            cli_print(json_incref(answer.body));
        } else {
            fputs(json_string_value(json_object_get(answer.body, "text")), stdout);
        }
    }
    admin_answer_clear(&answer);
    return code;
}

int
command_catalogue(struct cli *cli)
{
    const char *verb = cli->argc > 1 ? cli->argv[1] : "";

    if (!cli->help && strcmp(verb, "check") == 0 && cli->argc == 3) {
        return run_vigied("--check-catalogue", cli->argv[2], cli->json ? "--json" : NULL,
                          NULL);
    }
    if (!cli->help && strcmp(verb, "load") == 0 && cli->argc == 3) {
        return load_catalogue(cli);
    }
    if (!cli->help && strcmp(verb, "show") == 0 && cli->argc == 2) {
        return show_catalogue(cli);
    }
    fprintf(stderr, "vigie catalogue check FILE   every mistake, with its line\n"
                    "vigie catalogue load FILE    in force at once\n"
                    "vigie catalogue show         the one in force\n");
    return cli->help ? EXIT_DONE : EXIT_USAGE;
}
