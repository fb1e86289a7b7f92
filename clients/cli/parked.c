// SPDX-License-Identifier: EUPL-1.2
// parked.c - letters that an institution could not take: shown, tried again, dropped.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "directory.h"
#include "json/json.h"

enum { NUMBERS_MAX = 1000 };

// ---- list ----

static json_t *
about_json(const struct vg_parked *letter)
{
    if (letter->niss == 0 && letter->enterprise == 0) {
        return json_null();
    }
    return letter->niss != 0 ? json_sprintf("%011" PRIu64, letter->niss)
                             : json_sprintf("%010" PRIu64, letter->enterprise);
}

static void
add_letters(const struct vg_reply *reply, json_t *rows)
{
    for (size_t i = 0; i < reply->parked_len; i++) {
        const struct vg_parked *letter = &reply->parked[i];

        json_array_append_new(
            rows, json_pack("{s:I,s:I,s:s,s:o,s:I,s:o,s:s,s:s}", "number",
                            (json_int_t)letter->number, "ticket",
                            (json_int_t)letter->ticket, "flow", letter->flow, "about",
                            about_json(letter), "refusals", (json_int_t)letter->refusals,
                            "since", json_moment(letter->since_us), "actor",
                            letter->actor, "reason", letter->reason));
    }
}

static int
show(const struct cli *cli, json_t *rows)
{
    static const char *const columns[] = {
        "NUMBER:number:right",     "TICKET:ticket:right", "FLOW:flow", "ABOUT:about",
        "REFUSALS:refusals:right", "SINCE:since",         "BY:actor",  "REASON:reason"};

    if (cli->json) {
        cli_print(json_pack("{s:o}", "parked", rows));
    } else {
        cli_table(columns, sizeof columns / sizeof columns[0], rows);
        json_decref(rows);
    }
    return EXIT_DONE;
}

static int
list_all(struct cli *cli, struct vg_caller *caller, uint32_t mailbox)
{
    json_t *rows = json_array();
    uint64_t from = 0;
    size_t len = 1;

    while (len > 0) {
        struct vg_reply *reply = NULL;
        struct vg_error error = {0};

        if (vg_list_parked(caller, mailbox, from, 0, DIRECTORY_TIMEOUT_MS, &reply,
                           &error) != VG_OK) {
            json_decref(rows);
            return cli_refused(cli, &error);
        }
        if (reply->verdict == VG_NO) {
            json_decref(rows);
            return directory_finish(cli, &reply);
        }
        add_letters(reply, rows);
        len = reply->parked_len;
        from = len == 0 ? 0 : reply->parked[len - 1].number + 1;
        vg_reply_free(&reply);
    }
    return show(cli, rows);
}

static int
list_parked(struct cli *cli)
{
    const char *key = NULL;
    const struct cli_option options[] = {
        {"key", "KEY", KEY_MEANING, &key, NULL},
    };
    uint64_t mailbox = 0;
    int code = EXIT_USAGE;

    if (!cli_options(cli, options, 1, 0, 1) ||
        (cli->argc > 1 &&
         !cli_number("MAILBOX", cli->argv[1], 0, UINT32_MAX, &mailbox))) {
        return EXIT_USAGE;
    }

    struct vg_caller *caller = directory_open(cli, key, &code);

    if (caller != NULL) {
        code = list_all(cli, caller, (uint32_t)mailbox);
        vg_caller_close(&caller);
    }
    return code;
}

// ---- retry and drop ----

static bool
read_numbers(const struct cli *cli, uint64_t *numbers, size_t *ret_len)
{
    *ret_len = (size_t)cli->argc - 1;
    for (size_t i = 0; i < *ret_len; i++) {
        if (!cli_number("NUMBER", cli->argv[i + 1], 1, UINT64_MAX, &numbers[i])) {
            return false;
        }
    }
    return true;
}

static int
handle(struct cli *cli, enum vg_parked_act act)
{
    const char *key = NULL;
    const char *mailbox_text = "0";
    const char *reason = NULL;
    const struct cli_option options[] = {
        {"key", "KEY", KEY_MEANING, &key, NULL},
        {"mailbox", "MAILBOX", "which mailbox (the institution's default one)",
         &mailbox_text, NULL},
        {"reason", "TEXT", "for the journal; a drop needs one", &reason, NULL},
    };
    uint64_t numbers[NUMBERS_MAX];
    size_t len = 0;
    uint64_t mailbox = 0;
    struct vg_reply *reply = NULL;
    struct vg_error error = {0};
    int code = EXIT_USAGE;

    if (!cli_options(cli, options, 3, 1, NUMBERS_MAX) ||
        !read_numbers(cli, numbers, &len) ||
        !cli_number("--mailbox", mailbox_text, 0, UINT32_MAX, &mailbox)) {
        return EXIT_USAGE;
    }
    if (act == VG_PARKED_DROP && reason == NULL) {
        cli_wrong(cli->name, VG_MALFORMED, "--reason TEXT says why, for the journal");
        return EXIT_USAGE;
    }

    struct vg_caller *caller = directory_open(cli, key, &code);

    if (caller == NULL) {
        return code;
    }
    if (vg_handle_parked(caller, (uint32_t)mailbox, numbers, len, act, reason,
                         DIRECTORY_TIMEOUT_MS, &reply, &error) != VG_OK) {
        code = cli_refused(cli, &error);
    } else {
        code = directory_finish(cli, &reply);
    }
    vg_caller_close(&caller);
    return code;
}

static int
retry_parked(struct cli *cli)
{
    return handle(cli, VG_PARKED_RETRY);
}

static int
drop_parked(struct cli *cli)
{
    return handle(cli, VG_PARKED_DROP);
}

int
command_parked(struct cli *cli)
{
    static const struct cli_command verbs[] = {
        {"list", "[MAILBOX]", "what waits for a hand, and why", list_parked},
        {"retry", "NUMBER ...", "have it delivered again at once", retry_parked},
        {"drop", "NUMBER ...", "give it up for good", drop_parked},
    };

    return cli_run(cli, verbs, sizeof verbs / sizeof verbs[0]);
}
