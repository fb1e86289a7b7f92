// SPDX-License-Identifier: EUPL-1.2
// broker.c - what an administrator asks a broker: queues, explain, catalogue, check.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
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
        "HELD:held:right",
        "PARKED:parked:right",
        "UNWANTED:unwanted:right",
        "MERGED:merged:right",
        "WITHDRAWN:withdrawn:right",
        "BYTES:bytes:right",
        "LEVEL:level",
        "RESTS:rests",
        "OLDEST S:oldest_seconds:right",
        "IN/S:in_per_second:right",
        "OUT/S:out_per_second:right",
        "CONNECTED:connected",
        "CREDIT:credit_messages:right",
        "LAST DELIVERY:last_delivery",
        "LAST ACKNOWLEDGEMENT:last_acknowledgement",
        "DAMAGED:damaged",
    };
    char path[96] = "/v1/queues";

    if (!cli_options(cli, NULL, 0, 0, 1)) {
        return EXIT_USAGE;
    }
    if (cli->argc > 1) {
        snprintf(path, sizeof path, "/v1/queues?institution=%.24s", cli->argv[1]);
    }
    return admin_show(cli, path, columns, sizeof columns / sizeof columns[0],
                      "mailboxes");
}

// ---- damage ----

int
command_damage(struct cli *cli)
{
    static const char *const columns[] = {
        "FOUND:found", "INSTITUTION:institution", "MAILBOX:name", "LETTER:number:right",
        "WHAT:why",
    };

    if (!cli_options(cli, NULL, 0, 0, 0)) {
        return EXIT_USAGE;
    }
    return admin_show(cli, "/v1/damage", columns, sizeof columns / sizeof columns[0],
                      "damaged");
}

// ---- explain ----

struct explain_words {
    const char *source;
    const char *day;
    const char *institution;
    const char *ticket;
    const char *number;
    const char *producer;
};

// A question of the past goes without a body, an invented mutation is one.
static int
ask_explain(struct cli *cli, const struct explain_words *words, const char *body,
            size_t body_len)
{
    const char *const pairs[][2] = {
        {"source", words->source}, {"day", words->day},
        {"ticket", words->ticket}, {"institution", words->institution},
        {"number", words->number}, {"producer", words->producer},
    };
    struct admin_answer answer;
    char path[256] = "/v1/explain";
    size_t len = strlen(path);
    int code = EXIT_DONE;

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (pairs[i][1] != NULL) {
            len += (size_t)snprintf(path + len, sizeof path - len, "%c%s=%.24s",
                                    strchr(path, '?') == NULL ? '?' : '&', pairs[i][0],
                                    pairs[i][1]);
        }
    }
    admin_call(cli, path, body, body_len, &answer);
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

static int
explain_line(struct cli *cli, const struct explain_words *words)
{
    const char *file = cli->argc > 1 ? cli->argv[1] : "-";
    size_t len = 0;
    char *line = file_read(file, &len);
    int code = EXIT_USAGE;

    if (line == NULL) {
        fprintf(stderr, "vigie explain: %s: %s\n", file, strerror(errno));
    } else if (line[strspn(line, " \t\r\n")] == 0) {
        fprintf(stderr, "vigie explain: nothing to explain: one mutation is wanted, as "
                        "`vigie publish` reads it\n");
    } else {
        code = ask_explain(cli, words, line, len);
    }
    free(line);
    return code;
}

int
command_explain(struct cli *cli)
{
    struct explain_words words = {0};
    const struct cli_option options[] = {
        {"ticket", "N", "a past mutation, instead of an invented one", &words.ticket,
         NULL},
        {"institution", "CODE", "this one's part alone", &words.institution, NULL},
        {"day", "DATE", "as if today were YYYY-MM-DD", &words.day, NULL},
        {"source", "CODE", "who would publish it (the flow's source)", &words.source,
         NULL},
        {"number", "N", "what became of a source's own number N", &words.number, NULL},
        {"producer", "P", "of its stream P (1)", &words.producer, NULL},
    };

    if (!cli_options(cli, options, sizeof options / sizeof options[0], 0, 1)) {
        return EXIT_USAGE;
    }
    if ((words.number != NULL && words.source == NULL) ||
        (words.number != NULL && words.ticket != NULL)) {
        cli_wrong(cli->name, VG_MALFORMED, "--number wants --source and no --ticket");
        return EXIT_USAGE;
    }
    if (words.ticket == NULL && words.number == NULL) {
        return explain_line(cli, &words);
    }
    if (cli->argc > 1) {
        cli_wrong(cli->name, VG_MALFORMED, "a file or the past, not both");
        return EXIT_USAGE;
    }
    return ask_explain(cli, &words, NULL, 0);
}

// ---- what only vigied itself can do, without a broker ----

// vigied lies beside vigie, or is found on the PATH.
void
become_vigied(const char *const words[])
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 16);
    char *const *argv = (char *const *)(uintptr_t)words; // execv changes none of them

    if (len > 0) {
        path[len] = 0;
        strcpy(strrchr(path, '/') + 1, "vigied");
        execv(path, argv);
    }
    execvp("vigied", argv);
    fprintf(stderr, "vigie: vigied: %s\n", strerror(errno));
    _exit(EXIT_USAGE);
}

// Its exit codes are its own: 3 and 4 are about the store.
int
exit_of_vigied(int status)
{
    if (!WIFEXITED(status) || WEXITSTATUS(status) > EXIT_USAGE) {
        return EXIT_DAMAGED;
    }
    return WEXITSTATUS(status);
}

enum { LATER_MAX = 64, VIGIED_WORDS_MAX = 2 * LATER_MAX + 8 };

// What it says goes where ours would: it tells in words or, with --json, in one object.
// words: options, NULL at the end.
static int
run_vigied(const struct cli *cli, const char *const words[])
{
    const char *argv[VIGIED_WORDS_MAX + 3] = {"vigied"};
    size_t len = 1;
    int status = 0;
    pid_t child;

    for (; words[len - 1] != NULL; len++) {
        argv[len] = words[len - 1];
    }
    if (cli->json) {
        argv[len++] = "--json";
    }
    fflush(stdout);
    child = fork();
    if (child == 0) {
        become_vigied(argv);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        fprintf(stderr, "%s: vigied: %s\n", cli->name, strerror(errno));
        return EXIT_USAGE;
    }
    return exit_of_vigied(status);
}

int
run_with_settings(const struct cli *cli, const char *const words[])
{
    const char *all[VIGIED_WORDS_MAX + 1] = {"--settings"};
    char *settings = home_path(cli, "vigied.yaml");
    size_t len = 0;
    int code;

    all[1] = settings;
    for (; words[len] != NULL && len + 2 < VIGIED_WORDS_MAX; len++) {
        all[len + 2] = words[len];
    }
    code = run_vigied(cli, all);
    free(settings);
    return code;
}

int
command_check(struct cli *cli)
{
    if (!cli_options(cli, NULL, 0, 0, 0)) {
        return EXIT_USAGE;
    }

    return run_with_settings(cli, (const char *[]){"--verify", NULL});
}

int
command_backup(struct cli *cli)
{
    const char *words[8] = {"--backup"};
    const char *since = NULL;
    bool compact = false;
    const struct cli_option options[] = {
        {"compact", NULL, "leave unused pages out: slower, smaller", .flag = &compact},
        {"since", "BACKUP", "only what follows on an earlier backup", .value = &since},
    };
    size_t len = 2;

    if (!cli_options(cli, options, 2, 1, 1)) {
        return EXIT_USAGE;
    }
    words[1] = cli->argv[1];
    if (compact) {
        words[len++] = "--compact";
    }
    if (since != NULL) {
        words[len++] = "--since";
        words[len++] = since;
    }
    return run_with_settings(cli, words);
}

int
command_restore(struct cli *cli)
{
    const char *words[VIGIED_WORDS_MAX] = {"--restore"};
    const char *to = NULL;
    const struct cli_option options[] = {
        {"to", "POINT", "up to a commit, or a moment like 2026-11-21T13:00:00Z",
         .value = &to},
    };
    size_t len = 2;

    if (!cli_options(cli, options, 1, 1, 1 + LATER_MAX)) {
        return EXIT_USAGE;
    }
    words[1] = cli->argv[1];
    for (int i = 2; i < cli->argc; i++) {
        words[len++] = "--with";
        words[len++] = cli->argv[i];
    }
    if (to != NULL) {
        words[len++] = "--to";
        words[len++] = to;
    }
    return run_with_settings(cli, words);
}

// hand_over makes a line our standard input, which vigied inherits: what its arguments say
// stands in every list of processes.
static bool
hand_over(const struct cli *cli, const char *line)
{
    size_t len = strlen(line);
    int ends[2];
    bool done = false;

    if (pipe(ends) == 0) {
        done = write(ends[1], line, len) == (ssize_t)len &&
               dup2(ends[0], STDIN_FILENO) == STDIN_FILENO;
        close(ends[0]);
        close(ends[1]);
    }
    if (!done) {
        fprintf(stderr, "%s: vigied: %s\n", cli->name, strerror(errno));
    }
    return done;
}

int
command_dry_run(struct cli *cli)
{
    const char *words[8] = {"--dry-run"};
    const char *catalogue = NULL;
    const char *since = NULL;
    const char *institution = NULL;
    bool remove = false;
    const struct cli_option options[] = {
        {"catalogue", "FILE", "by this catalogue instead of the one in force",
         .value = &catalogue},
        {"remove", NULL, "without an integration, named as `vigie remove` does",
         .flag = &remove},
        {"institution", "CODE", "whose integration", .value = &institution},
        {"since", "TIME", "90m, 24h, 7d, or 2026-11-21T13:00:00Z (24h)", .value = &since},
    };
    char removal[160];
    size_t len = 1;

    if (!cli_options(cli, options, 4, 0, 4)) {
        return EXIT_USAGE;
    }
    if (remove ? catalogue != NULL || institution == NULL || cli->argc < 4
               : catalogue == NULL || institution != NULL || cli->argc > 1) {
        cli_wrong(cli->name, VG_MALFORMED, "wanted is %s (--help explains)",
                  cli->command->words);
        return EXIT_USAGE;
    }
    if (remove) {
        snprintf(removal, sizeof removal, "%.24s %.20s %.8s %.12s %.12s", institution,
                 cli->argv[1], cli->argv[2], cli->argv[3],
                 cli->argc > 4 ? cli->argv[4] : "");
        memset(cli->argv[1], '*', strlen(cli->argv[1])); // nor in ours while it runs
        if (!hand_over(cli, removal)) {
            return EXIT_USAGE;
        }
        words[len++] = "--without";
        words[len++] = "-";
    } else {
        words[len++] = "--catalogue";
        words[len++] = catalogue;
    }
    if (since != NULL) {
        words[len++] = "--since";
        words[len++] = since;
    }
    return run_with_settings(cli, words);
}

int
command_repair(struct cli *cli)
{
    if (!cli_options(cli, NULL, 0, 1, 1)) {
        return EXIT_USAGE;
    }
    return run_with_settings(cli,
                             (const char *[]){"--repair", "--from", cli->argv[1], NULL});
}

// ---- catalogue ----

static int
check_catalogue(struct cli *cli)
{
    if (!cli_options(cli, NULL, 0, 1, 1)) {
        return EXIT_USAGE;
    }
    return run_vigied(cli, (const char *[]){"--check-catalogue", cli->argv[1], NULL});
}

static int
load_catalogue(struct cli *cli)
{
    struct admin_answer answer;
    size_t len = 0;
    int code = EXIT_DONE;

    if (!cli_options(cli, NULL, 0, 1, 1)) {
        return EXIT_USAGE;
    }

    char *text = file_read(cli->argv[1], &len);

    if (text == NULL) {
        fprintf(stderr, "%s: %s: %s\n", cli->name, cli->argv[1], strerror(errno));
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

    if (!cli_options(cli, NULL, 0, 0, 0)) {
        return EXIT_USAGE;
    }
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
    static const struct cli_command verbs[] = {
        {"check", "FILE", "every mistake in a file, with its line; asks no broker",
         check_catalogue},
        {"load", "FILE", "in force at once, until vigied reads its own file again",
         load_catalogue},
        {"show", "", "the one in force", show_catalogue},
    };

    return cli_run(cli, verbs, sizeof verbs / sizeof verbs[0]);
}
