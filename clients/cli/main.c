// SPDX-License-Identifier: EUPL-1.2
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

struct entry {
    const char *name;
    const char *words;
    const char *meaning;
    int (*run)(struct cli *cli);
};

static const struct entry entries[] = {
    {"init", "[DIR]", "make a broker's folder: settings, keys, token, catalogue",
     command_init},
    {"keygen", "FILE", "draw a CURVE key pair", command_keygen},
    {"institution", "add|list|show|key|revoke ...",
     "register institutions and their keys", command_institution},
    {"integrate", "NISS QUALITY BEGIN [END] | --file FILE", "follow a person",
     command_integrate},
    {"remove", "NISS QUALITY BEGIN [END]", "stop following a person", command_remove},
    {"consult", "NISS", "who follows a person", command_consult},
    {"history", "NISS", "the numbers a person had", command_history},
    {"mailbox", "add|list ...", "further mailboxes with their own choice",
     command_mailbox},
    {"publish", "[FILE]", "publish mutations, one JSON object a line", command_publish},
    {"subscribe", "[MAILBOX]", "receive notifications, one JSON object a line",
     command_subscribe},
    {"queues", "[INSTITUTION]", "what waits in every mailbox, and who is connected",
     command_queues},
    {"explain", "[FILE]", "who would get a mutation today, and why", command_explain},
    {"catalogue", "check FILE|load FILE|show", "the law as data", command_catalogue},
    {"check", "", "read the whole store of a stopped broker and verify it",
     command_check},
    {"simulate", "DIR", "write a synthetic Belgium and a day of its mutations",
     command_simulate},
    {"day", "DIR", "play a simulated day against a running broker", command_day},
    {"bench", "", "end-to-end throughput and latency on this machine", command_bench},
};

static const size_t entries_len = sizeof entries / sizeof entries[0];

static int
usage(FILE *to)
{
    fprintf(to, "vigie [--home DIR] [--json] COMMAND ...\n\n");
    for (size_t i = 0; i < entries_len; i++) {
        fprintf(to, "  %-12s %-40s %s\n", entries[i].name, entries[i].words,
                entries[i].meaning);
    }
    fprintf(to, "\n--home: the folder made by `vigie init` (also VIGIE_HOME; default "
                "vigie-home)\n"
                "--json: for programs. COMMAND --help names its options.\n"
                "exit: 0 done, 1 refused, 2 wrong words, 3 no answer, 4 damaged files\n");
    return to == stdout ? EXIT_DONE : EXIT_USAGE;
}

// Options before the command's name are everybody's; --json and --home may also follow it.
static void
take_common_options(struct cli *cli)
{
    int kept = 0;

    for (int i = 0; i < cli->argc; i++) {
        if (strcmp(cli->argv[i], "--json") == 0) {
            cli->json = true;
        } else if (strcmp(cli->argv[i], "--help") == 0) {
            cli->help = true;
        } else if (strcmp(cli->argv[i], "--home") == 0 && i + 1 < cli->argc) {
            cli->home = cli->argv[++i];
        } else {
            cli->argv[kept++] = cli->argv[i];
        }
    }
    cli->argc = kept;
}

int
main(int argc, char **argv)
{
    struct cli cli = {.argc = argc - 1, .argv = argv + 1, .home = getenv("VIGIE_HOME")};

    if (cli.home == NULL) {
        cli.home = "vigie-home";
    }
    take_common_options(&cli);
    if (cli.argc == 0) {
        return usage(cli.help ? stdout : stderr);
    }
    if (strcmp(cli.argv[0], "--version") == 0) {
        printf("vigie 0.1.0\n");
        return EXIT_DONE;
    }
    for (size_t i = 0; i < entries_len; i++) {
        if (strcmp(cli.argv[0], entries[i].name) == 0) {
            if (cli.help) {
                printf("vigie %s %s\n    %s\n", entries[i].name, entries[i].words,
                       entries[i].meaning);
            }
            return entries[i].run(&cli);
        }
    }
    fprintf(stderr, "vigie: there is no command \"%s\"\n\n", cli.argv[0]);
    return usage(stderr);
}
