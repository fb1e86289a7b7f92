// SPDX-License-Identifier: EUPL-1.2
// feedback.c - notifications that require an answer: who owes one, since when, and giving it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"

static const char *const columns[] = {
    "INSTITUTION:institution",
    "DAYS:days:right",
    "TICKET:ticket:right",
    "FLOW:flow",
    "SOURCE:source",
    "LETTER:number:right",
    "KEPT:kept",
    "ANSWERED:answered",
    "ANSWER:answer:right",
};

static void
print_csv_value(const json_t *value)
{
    if (json_is_string(value)) {
        fputs(json_string_value(value), stdout); // codes, names of flows and moments
    } else if (json_is_integer(value)) {
        printf("%lld", (long long)json_integer_value(value));
    }
}

static void
print_csv(const json_t *rows)
{
    static const char *const members[] = {"institution", "days",     "ticket",
                                          "flow",        "source",   "number",
                                          "kept",        "answered", "answer"};
    size_t last = sizeof members / sizeof members[0] - 1;
    size_t i;
    json_t *row;

    for (size_t j = 0; j <= last; j++) {
        printf("%s%s", members[j], j == last ? "\n" : ",");
    }
    json_array_foreach(rows, i, row)
    {
        for (size_t j = 0; j <= last; j++) {
            print_csv_value(json_object_get(row, members[j]));
            fputs(j == last ? "\n" : ",", stdout);
        }
    }
}

static const char *
institution_of(const json_t *row)
{
    const char *code = json_string_value(json_object_get(row, "institution"));

    return code == NULL ? "" : code;
}

static int
compare_rows(const void *a, const void *b)
{
    const json_t *const *one = a, *const *other = b;
    int order = strcmp(institution_of(*one), institution_of(*other));
    json_int_t left = json_integer_value(json_object_get(*one, "ticket"));
    json_int_t right = json_integer_value(json_object_get(*other, "ticket"));

    return order != 0 ? order : (left > right) - (left < right);
}

// By institution, and of each the oldest first. Gives: a new array.
static json_t *
by_institution(const json_t *rows)
{
    size_t len = json_array_size(rows), i;
    json_t **list = calloc(len + 1, sizeof *list);
    json_t *row, *sorted = json_array();

    if (list == NULL) {
        abort();
    }
    json_array_foreach(rows, i, row)
    {
        list[i] = row;
    }
    qsort(list, len, sizeof *list, compare_rows);
    for (i = 0; i < len; i++) {
        json_array_append(sorted, list[i]);
    }
    free(list);
    return sorted;
}

// Asks on until all rows are there. NULL: what is wrong was printed, *ret_exit is set.
static json_t *
fetch(const struct cli *cli, const char *question, int *ret_exit)
{
    json_t *rows = json_array();
    json_int_t from = 0;

    do {
        struct admin_answer answer;
        char path[256];

        snprintf(path, sizeof path, "/v1/feedback?from=%lld%s", (long long)from,
                 question);
        admin_call(cli, path, NULL, 0, &answer);
        if (!admin_done(cli, &answer, ret_exit)) {
            admin_answer_clear(&answer);
            json_decref(rows);
            return NULL;
        }
        json_array_extend(rows, json_object_get(answer.body, "feedback"));
        from = json_integer_value(json_object_get(answer.body, "more_from"));
        admin_answer_clear(&answer);
    } while (from != 0);
    return rows;
}

// "2026-2" is July to December.
static bool
read_half_year(const struct cli *cli, const char *text, char since[24], char until[24])
{
    char half = 0;
    int year = 0, used = 0;

    if (sscanf(text, "%4d-%c%n", &year, &half, &used) != 2 || text[used] != '\0' ||
        year < 1000 || (half != '1' && half != '2')) {
        cli_wrong(cli->name, VG_BAD_DATE,
                  "--half-year is \"%s\", wanted is one like 2026-2", text);
        return false;
    }
    snprintf(since, 24, "%04d-%s", year, half == '1' ? "01-01" : "07-01");
    snprintf(until, 24, "%04d-%s", year, half == '1' ? "06-30" : "12-31");
    return true;
}

static int
list_feedback(struct cli *cli)
{
    const char *since = NULL, *until = NULL, *institution = NULL, *half_year = NULL;
    char first[24], last[24];
    bool all = false, csv = false;
    const struct cli_option options[] = {
        {"since", "DATE", "kept on YYYY-MM-DD or later", &since, NULL},
        {"until", "DATE", "kept on YYYY-MM-DD or before", &until, NULL},
        {"half-year", "YYYY-N", "kept in its first (1) or second (2) half", &half_year,
         NULL},
        {"institution", "CODE", "of this one alone", &institution, NULL},
        {"all", NULL, "answered ones too", NULL, &all},
        {"csv", NULL, "as comma separated values", NULL, &csv},
    };
    char question[160];
    int code = EXIT_DONE;

    if (!cli_options(cli, options, sizeof options / sizeof options[0], 0, 0)) {
        return EXIT_USAGE;
    }
    if (half_year != NULL) {
        if (!read_half_year(cli, half_year, first, last)) {
            return EXIT_USAGE;
        }
        since = first;
        until = last;
    }
    snprintf(question, sizeof question, "%s%s%.10s%s%.10s%s%.24s", all ? "&all=1" : "",
             since == NULL ? "" : "&since=", since == NULL ? "" : since,
             until == NULL ? "" : "&until=", until == NULL ? "" : until,
             institution == NULL ? "" : "&institution=",
             institution == NULL ? "" : institution);

    json_t *rows = fetch(cli, question, &code);
    json_t *sorted = rows == NULL ? NULL : by_institution(rows);

    if (sorted != NULL && csv) {
        print_csv(sorted);
    } else if (sorted != NULL && cli->json) {
        cli_print(json_pack("{s:O}", "feedback", sorted));
    } else if (sorted != NULL) {
        cli_table(columns, sizeof columns / sizeof columns[0], sorted);
    }
    json_decref(sorted);
    json_decref(rows);
    return code;
}

// ---- giving it ----

// Of the shipped catalogue: what answers an alert.
#define ANSWERING_FLOW "PCSAAlertReaction"

static bool
add_fields(const struct cli *cli, json_t *fields)
{
    for (int i = 3; i < cli->argc; i++) {
        const char *equals = strchr(cli->argv[i], '=');

        if (equals == NULL || equals == cli->argv[i]) {
            cli_wrong(cli->name, VG_MALFORMED, "\"%s\": a field is CODE=VALUE",
                      cli->argv[i]);
            return false;
        }
        json_array_append_new(fields, json_pack("{s:s%, s:s}", "code", cli->argv[i],
                                                (size_t)(equals - cli->argv[i]), "value",
                                                equals + 1));
    }
    return true;
}

static int
publish_answer(struct cli *cli, struct publish_job *job, const json_t *answer)
{
    char *text = json_dumps(answer, JSON_COMPACT);
    int code = EXIT_USAGE;

    job->file = text == NULL ? NULL : fmemopen(text, strlen(text), "r");
    if (job->file == NULL) {
        abort();
    }
    code = publish_lines(cli, job);
    fclose(job->file);
    free(text);
    return code;
}

// An answer is a mutation like any other: `vigie publish` with "answers".
static int
give_feedback(struct cli *cli)
{
    struct publish_job job = {.producer = 1};
    const char *flow = ANSWERING_FLOW;
    const struct cli_option options[] = {
        {"key", "KEY", "who answers: its source's key file, or its name", &job.key, NULL},
        {"flow", "FLOW", "that answers the notification's (" ANSWERING_FLOW ")", &flow,
         NULL},
    };
    char today[16];
    time_t now = time(NULL);
    struct tm parts;
    json_t *answer, *fields;
    int code = EXIT_USAGE;

    if (!cli_options(cli, options, sizeof options / sizeof options[0], 3, 2 + 64)) {
        return EXIT_USAGE;
    }
    localtime_r(&now, &parts);
    strftime(today, sizeof today, "%Y-%m-%d", &parts);
    fields = json_array();
    answer = json_pack("{s:s, s:s, s:s, s:s, s:o}", "flow", flow, "niss", cli->argv[2],
                       "occurred", today, "answers", cli->argv[1], "fields", fields);
    if (answer == NULL) {
        cli_wrong(cli->name, VG_MALFORMED, "the words are no UTF-8");
    } else if (add_fields(cli, fields)) {
        code = publish_answer(cli, &job, answer);
    }
    json_decref(answer);
    return code;
}

int
command_feedback(struct cli *cli)
{
    static const struct cli_command verbs[] = {
        {"give", "TICKET NISS CODE=VALUE ...",
         "the answer to a notification; its source is told", give_feedback},
        {"list", "", "notifications that wait for an answer, by institution and age",
         list_feedback},
    };

    return cli_run(cli, verbs, sizeof verbs / sizeof verbs[0]);
}
