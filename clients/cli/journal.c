// SPDX-License-Identifier: EUPL-1.2
// journal.c - who got what about a person, when, and on which ground.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory.h"

static void
print_table(const json_t *answer)
{
    static const char *const got[] = {"KEPT:time",        "TO:institution",
                                      "FLOW:flow",        "QUALITY:quality:right",
                                      "FROM:begin",       "UNTIL:end",
                                      "GROUND:ground",    "STATE:state",
                                      "SINCE:state_time", "TICKET:ticket:right"};
    static const char *const asked[] = {
        "ASKED:time",    "BY:actor",        "ACT:act",
        "ANSWER:status", "FOR:institution", "QUALITY:quality:right",
        "FROM:begin",    "UNTIL:end",       "TICKET:ticket:right"};

    cli_table(got, sizeof got / sizeof got[0], json_object_get(answer, "exchanges"));
    putchar('\n');
    cli_table(asked, sizeof asked / sizeof asked[0], json_object_get(answer, "asked"));
    if (!json_is_true(json_object_get(answer, "complete"))) {
        fprintf(stderr, "There is more than one answer holds: these are the first.\n");
    }
}

// The number goes in the body: a URL would end up in logs.
static int
journal_person(struct cli *cli)
{
    bool page = false;
    bool own = false;
    bool table = false;
    const struct cli_option options[] = {
        {"table", NULL, "a line for each, instead of sentences", NULL, &table},
        {"page", NULL, "an HTML page for the person himself", NULL, &page},
        {"own", NULL, "with --page: his numbers in full", NULL, &own},
    };
    struct admin_answer answer;
    char body[64];
    uint64_t niss = 0;
    bool words;
    int code = EXIT_DONE;

    if (!cli_options(cli, options, 3, 1, 1)) {
        return EXIT_USAGE;
    }
    if (page + table + cli->json > 1 || (own && !page)) {
        cli_wrong(cli->name, VG_MALFORMED, "%s",
                  own ? "--own is for --page" : "either --page, --table or --json");
        return EXIT_USAGE;
    }
    if (!directory_niss(cli->argv[1], &niss)) {
        cli_wrong(cli->name, VG_BAD_NISS, "NISS must have eleven digits");
        return EXIT_USAGE;
    }
    snprintf(body, sizeof body, "{\"niss\":\"%011" PRIu64 "\"}", niss);
    words = !cli->json && !page && !table;
    admin_call(cli, words ? "/v1/journal/person?words=yes" : "/v1/journal/person", body,
               strlen(body), &answer);
    if (admin_done(cli, &answer, &code)) {
        if (cli->json) {
            cli_print(json_incref(answer.body));
        } else if (words) {
            fputs(json_string_value(json_object_get(answer.body, "text")), stdout);
        } else if (page) {
            journal_page(answer.body, own);
        } else {
            print_table(answer.body);
        }
    }
    admin_answer_clear(&answer);
    return code;
}

int
command_journal(struct cli *cli)
{
    static const struct cli_command verbs[] = {
        {"person", "NISS",
         "who got what about a person, when, why, on which ground, and who asked",
         journal_person},
        {"anchor", "", "the day's signed line, to be kept elsewhere: by mail, on paper",
         journal_anchor},
        {"key", "", "the public key that anchors are signed with", journal_key},
        {"verify", "[FOLDER]",
         "do the store's own journal or exported files hold, and agree with anchors",
         journal_verify},
    };

    return cli_run(cli, verbs, sizeof verbs / sizeof verbs[0]);
}
