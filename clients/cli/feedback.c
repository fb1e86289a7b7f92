// SPDX-License-Identifier: EUPL-1.2
// feedback.c - notifications that require an answer: who owes one, and since when.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static int
list_feedback(struct cli *cli)
{
    const char *since = NULL, *until = NULL, *institution = NULL;
    bool all = false, csv = false;
    const struct cli_option options[] = {
        {"since", "DATE", "kept on YYYY-MM-DD or later", &since, NULL},
        {"until", "DATE", "kept on YYYY-MM-DD or before", &until, NULL},
        {"institution", "CODE", "of this one alone", &institution, NULL},
        {"all", NULL, "answered ones too", NULL, &all},
        {"csv", NULL, "as comma separated values", NULL, &csv},
    };
    char question[160];
    int code = EXIT_DONE;

    if (!cli_options(cli, options, sizeof options / sizeof options[0], 0, 0)) {
        return EXIT_USAGE;
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

int
command_feedback(struct cli *cli)
{
    static const struct cli_command verbs[] = {
        {"list", "", "notifications that wait for an answer, by institution and age",
         list_feedback},
    };

    return cli_run(cli, verbs, sizeof verbs / sizeof verbs[0]);
}
