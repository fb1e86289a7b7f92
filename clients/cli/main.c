// SPDX-License-Identifier: EUPL-1.2
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { TRIM_BYTES = 512 << 20, MMAP_BYTES = 32 << 20 };

static const struct cli_command commands[] = {
    {"init", "[DIR]", "make a broker's folder: settings, keys, token, catalogue",
     command_init},
    {"keygen", "FILE", "draw a CURVE key pair", command_keygen},
    {"institution", "VERB ...", "register institutions and their keys",
     command_institution},
    {"integrate", "NISS QUALITY BEGIN [END] | --file FILE", "follow a person",
     command_integrate},
    {"remove", "NISS QUALITY BEGIN [END]", "stop following a person", command_remove},
    {"consult", "NISS", "who follows a person", command_consult},
    {"history", "NISS", "the numbers a person had", command_history},
    {"integrations", "VERB ...", "how many an institution holds, and their digest",
     command_integrations},
    {"reconcile", "FILE", "how a list of one's own differs from the directory",
     command_reconcile},
    {"mailbox", "VERB ...", "further mailboxes with their own choice of flows",
     command_mailbox},
    {"parked", "VERB ...", "letters that were refused too often: list, retry, drop",
     command_parked},
    {"feedback", "VERB ...",
     "notifications that require an answer: who owes one, and giving it",
     command_feedback},
    {"publish", "[FILE]", "publish mutations, one JSON object a line", command_publish},
    {"subscribe", "[MAILBOX]", "receive notifications, until Ctrl-C", command_subscribe},
    {"queues", "[INSTITUTION]", "what waits in every mailbox, and who is connected",
     command_queues},
    {"sources", "", "when each source was heard last, and who is silent too long",
     command_sources},
    {"explain", "[FILE] | --ticket N | --source CODE --number N",
     "who would get one mutation, or got a past one, and why", command_explain},
    {"journal", "VERB ...", "who got what about a person, and why", command_journal},
    {"catalogue", "VERB ...", "the law as data: check, load, show", command_catalogue},
    {"dry-run", "--catalogue FILE | --remove --institution CODE NISS QUALITY BEGIN [END]",
     "who would have got more, less or something else, beside a broker that runs",
     command_dry_run},
    {"check", "", "read the whole store of a stopped broker and verify it",
     command_check},
    {"damage", "", "what is damaged in the store, and which mailboxes it stops",
     command_damage},
    {"backup", "FOLDER", "copy the store, beside a broker that runs", command_backup},
    {"restore", "BACKUP [LATER ...]",
     "make the store of a backup and of what follows on it, up to any commit",
     command_restore},
    {"repair", "BACKUP", "mend a stopped broker's store from a backup", command_repair},
    {"simulate", "DIR", "write a synthetic Belgium and a day of its mutations",
     command_simulate},
    {"day", "DIR", "play a simulated day against a running broker", command_day},
    {"bench", "", "end-to-end throughput and latency on this machine", command_bench},
};

// --home, --json and --help stand before the command or anywhere after it.
static bool
take_common_options(struct cli *cli)
{
    int kept = 0;

    for (int i = 0; i < cli->argc; i++) {
        if (strcmp(cli->argv[i], "--json") == 0) {
            cli->json = true;
        } else if (strcmp(cli->argv[i], "--help") == 0) {
            cli->help = true;
        } else if (strncmp(cli->argv[i], "--home=", 7) == 0) {
            cli->home = cli->argv[i] + 7;
        } else if (strcmp(cli->argv[i], "--home") == 0 && i + 1 < cli->argc) {
            cli->home = cli->argv[++i];
        } else if (strcmp(cli->argv[i], "--home") == 0) {
            cli_wrong("vigie", VG_MALFORMED, "--home wants a value: --home DIR");
            return false;
        } else {
            cli->argv[kept++] = cli->argv[i];
        }
    }
    cli->argc = kept;
    return true;
}

// Freed frames go back to the system and come again page by page, a tenth of what publishing
// and receiving take (vigie.h: Memory).
static void
keep_memory(void)
{
    mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
    mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
}

int
main(int argc, char **argv)
{
    struct cli cli = {
        .argc = argc, .argv = argv, .name = "vigie", .home = getenv("VIGIE_HOME")};

    if (cli.home == NULL) {
        cli.home = "vigie-home";
    }
    if (!take_common_options(&cli)) {
        return EXIT_USAGE;
    }
    if (cli.argc > 1 && strcmp(cli.argv[1], "--version") == 0) {
        puts("vigie " VIGIE_VERSION);
        return EXIT_DONE;
    }

    keep_memory();

    int code = cli_run(&cli, commands, sizeof commands / sizeof commands[0]);

    return cli.help ? EXIT_DONE : code;
}
