// SPDX-License-Identifier: EUPL-1.2
// sources - when was each source heard last? An administrator sees all flows, a member those
// of which something is expected.
#include <stdio.h>
#include <stdlib.h>

#include "directory.h"
#include "json/json.h"

static const char *const columns[] = {"SOURCE:source",
                                      "FLOW:flow",
                                      "LAST:last",
                                      "MUTATIONS:mutations:right",
                                      "SILENT:silent_seconds:right",
                                      "RHYTHM:rhythm_hours:right",
                                      "LATE:late"};

static json_t *
row_of(const struct vg_source *source)
{
    return json_pack(
        "{s:s,s:s,s:o,s:i,s:b}", "source", source->institution, "flow", source->flow,
        "last", source->last_us == 0 ? json_null() : json_moment(source->last_us),
        "rhythm_hours", (int)source->rhythm_hours, "late", (int)source->late);
}

static int
show_reply(const struct cli *cli, const struct vg_reply *reply)
{
    static const char *const short_columns[] = {"SOURCE:source", "FLOW:flow", "LAST:last",
                                                "RHYTHM:rhythm_hours:right", "LATE:late"};
    json_t *rows = json_array();

    for (size_t i = 0; i < reply->sources_len; i++) {
        json_array_append_new(rows, row_of(&reply->sources[i]));
    }
    if (cli->json) {
        cli_print(json_pack("{s:o}", "sources", rows));
    } else {
        cli_table(short_columns, sizeof short_columns / sizeof short_columns[0], rows);
        json_decref(rows);
    }
    return EXIT_DONE;
}

static int
ask_as_member(const struct cli *cli, const char *key)
{
    struct vg_reply *reply = NULL;
    struct vg_error error = {0};
    int code = EXIT_USAGE;
    struct vg_caller *caller = directory_open(cli, key, &code);

    if (caller == NULL) {
        return code;
    }
    if (vg_list_sources(caller, DIRECTORY_TIMEOUT_MS, &reply, &error) != VG_OK) {
        code = cli_refused(cli, &error);
    } else {
        code = show_reply(cli, reply);
    }
    vg_reply_free(&reply);
    vg_caller_close(&caller);
    return code;
}

int
command_sources(struct cli *cli)
{
    const char *key = NULL;
    const struct cli_option options[] = {
        {"key", "KEY", "asks as a member, who sees the flows with a rhythm", &key, NULL},
    };

    if (!cli_options(cli, options, 1, 0, 0)) {
        return EXIT_USAGE;
    }
    if (key != NULL) {
        return ask_as_member(cli, key);
    }
    return admin_show(cli, "/v1/sources", columns, sizeof columns / sizeof columns[0],
                      "sources");
}
