// SPDX-License-Identifier: EUPL-1.2
// integrations - how many an institution holds in each quality, and their digest.
#include <stdio.h>
#include <stdlib.h>

#include "digest/digest.h"
#include "directory.h"
#include "json/json.h"

// ---- as a member ----

enum { QUALITIES = DIRECTORY_QUALITY_MAX + 1 };

static bool
add_up(struct vg_caller *caller, struct vg_list *list, struct digest sums[QUALITIES],
       struct vg_error *error)
{
    struct vg_reply *reply = NULL;

    do {
        if (!directory_list(caller, list, &reply, error)) {
            return false;
        }
        for (size_t i = 0; i < reply->holdings_len; i++) {
            const struct vg_holding *holding = &reply->holdings[i];
            struct digest one;

            if (holding->quality < QUALITIES) {
                digest_from_bytes(holding->count, holding->digest, &one);
                digest_join(&sums[holding->quality], &one);
            }
        }
        list->from = reply->next;
        vg_reply_free(&reply);
    } while (list->from != 0);
    return true;
}

static json_t *
rows_of(const struct digest sums[QUALITIES])
{
    json_t *rows = json_array();
    char text[DIGEST_TEXT_LEN];

    for (unsigned quality = 0; quality < QUALITIES; quality++) {
        if (sums[quality].count > 0) {
            digest_print(&sums[quality], text);
            json_array_append_new(
                rows, json_pack("{s:o,s:I,s:s}", "quality", json_sprintf("%03u", quality),
                                "integrations", (json_int_t)sums[quality].count, "digest",
                                text));
        }
    }
    return rows;
}

static int
ask_as_member(const struct cli *cli, const char *key, const char *since)
{
    static const char *const columns[] = {
        "QUALITY:quality", "INTEGRATIONS:integrations:right", "DIGEST:digest"};
    struct digest sums[QUALITIES] = {{0}};
    struct vg_list list = {.rows = false};
    struct vg_error error = {0};
    int code = EXIT_USAGE;
    struct vg_caller *caller;

    if (since != NULL && !json_read_date(since, &list.since)) {
        cli_wrong(cli->name, VG_BAD_DATE,
                  "--since is \"%s\", a date like 2026-11-20 is wanted", since);
        return EXIT_USAGE;
    }
    caller = directory_open(cli, key, &code);
    if (caller == NULL) {
        return code;
    }
    if (add_up(caller, &list, sums, &error)) {
        json_t *rows = rows_of(sums);

        code = EXIT_DONE;
        if (cli->json) {
            cli_print(json_pack("{s:o}", "integrations", rows));
        } else {
            cli_table(columns, sizeof columns / sizeof columns[0], rows);
            json_decref(rows);
        }
    } else {
        code = cli_refused(cli, &error);
    }
    vg_caller_close(&caller);
    return code;
}

// ---- the verb ----

static int
show_digest(struct cli *cli)
{
    static const char *const columns[] = {"INSTITUTION:institution", "QUALITY:quality",
                                          "INTEGRATIONS:integrations:right",
                                          "DIGEST:digest"};
    const char *sector = NULL;
    const char *since = NULL;
    const char *key = NULL;
    const struct cli_option options[] = {
        {"sector", "NAME", "of the general level: each person of the sector once",
         &sector, NULL},
        {"key", "KEY", "asks as a member, for its own", &key, NULL},
        {"since", "DATE", "without those that ended before this day", &since, NULL},
    };
    char path[256];

    if (!cli_options(cli, options, sizeof options / sizeof options[0], 0, 1)) {
        return EXIT_USAGE;
    }
    if ((sector != NULL) + (cli->argc > 1) + (key != NULL) != 1) {
        cli_wrong(cli->name, VG_MALFORMED,
                  "wanted is one of CODE, --sector NAME and --key KEY");
        return EXIT_USAGE;
    }
    if (key != NULL) {
        return ask_as_member(cli, key, since);
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
        {"digest", "CODE | --sector NAME | --key KEY",
         "how many in each quality, and their digest", show_digest},
    };

    return cli_run(cli, verbs, sizeof verbs / sizeof verbs[0]);
}
