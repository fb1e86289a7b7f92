// SPDX-License-Identifier: EUPL-1.2
// integrations - how many an institution holds in each quality, and their digest.
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"

static int
show_digest(struct cli *cli)
{
    static const char *const columns[] = {"INSTITUTION:institution", "QUALITY:quality",
                                          "INTEGRATIONS:integrations:right",
                                          "DIGEST:digest"};
    const char *sector = NULL;
    const char *since = NULL;
    const struct cli_option options[] = {
        {"sector", "NAME", "of the general level: each person of the sector once",
         &sector, NULL},
        {"since", "DATE", "without those that ended before this day", &since, NULL},
    };
    char path[256];

    if (!cli_options(cli, options, sizeof options / sizeof options[0], 0, 1)) {
        return EXIT_USAGE;
    }
    if ((sector == NULL) == (cli->argc < 2)) {
        fprintf(stderr, "%s: wanted is either CODE or --sector NAME\n", cli->name);
        return EXIT_USAGE;
    }
    snprintf(path, sizeof path, "/v1/%s/%.64s/integrations%s%.20s",
             sector != NULL ? "sectors" : "institutions",
             sector != NULL ? sector : cli->argv[1], since != NULL ? "?since=" : "",
             since != NULL ? since : "");
    return admin_show(cli, path, columns, sizeof columns / sizeof columns[0],
                      "integrations");
}

int
command_integrations(struct cli *cli)
{
    static const struct cli_command verbs[] = {
        {"digest", "CODE | --sector NAME", "how many in each quality, and their digest",
         show_digest},
    };

    return cli_run(cli, verbs, sizeof verbs / sizeof verbs[0]);
}
