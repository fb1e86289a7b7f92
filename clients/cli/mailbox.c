// SPDX-License-Identifier: EUPL-1.2
// mailbox.c - an institution's further mailboxes, each with its own choice of flows.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory.h"

// As `vigie mailbox add` reads it: "notifyPerson" or "notifyPerson:001,030".
static json_t *
choice_json(const struct vg_choice *choice)
{
    json_t *word = json_string(choice->flow);

    for (size_t i = 0; i < choice->qualities_len; i++) {
        json_t *longer = json_sprintf("%s%c%03u", json_string_value(word),
                                      i == 0 ? ':' : ',', choice->qualities[i]);

        json_decref(word);
        word = longer;
    }
    return word;
}

static json_t *
mailboxes_json(const struct vg_reply *reply)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < reply->mailboxes_len; i++) {
        const struct vg_mailbox *mailbox = &reply->mailboxes[i];
        json_t *flows = json_array();

        if (mailbox->choices_len == 0) {
            json_array_append_new(flows, json_string("all"));
        }
        for (size_t j = 0; j < mailbox->choices_len; j++) {
            json_array_append_new(flows, choice_json(&mailbox->choices[j]));
        }
        json_array_append_new(rows,
                              json_pack("{s:I,s:s,s:I,s:I,s:I,s:I,s:I,s:o}", "mailbox",
                                        (json_int_t)mailbox->mailbox, "name",
                                        mailbox->name, "last", (json_int_t)mailbox->last,
                                        "acknowledged", (json_int_t)mailbox->acknowledged,
                                        "waiting", (json_int_t)mailbox->waiting, "held",
                                        (json_int_t)mailbox->held, "parked",
                                        (json_int_t)mailbox->parked, "flows", flows));
    }
    return rows;
}

// "FLOW" or "FLOW:001,002": a flow and the qualities for which it is wanted.
static bool
read_choice(char *word, struct vg_choice *ret)
{
    char *codes = strchr(word, ':');

    *ret = (struct vg_choice){.flow = word};
    if (codes == NULL) {
        return true;
    }
    *codes++ = 0;
    for (char *code; (code = strsep(&codes, ",")) != NULL;) {
        uint64_t quality = 0;

        if (ret->qualities_len == VG_QUALITIES_MAX ||
            !cli_number("QUALITY", code, 1, DIRECTORY_QUALITY_MAX, &quality)) {
            return false;
        }
        ret->qualities[ret->qualities_len++] = (uint32_t)quality;
    }
    return true;
}

static int
finish_list(struct cli *cli, struct vg_reply **reply)
{
    static const char *const columns[] = {"MAILBOX:mailbox:right",
                                          "NAME:name",
                                          "WAITING:waiting:right",
                                          "PARKED:parked:right",
                                          "LAST:last:right",
                                          "ACKNOWLEDGED:acknowledged:right",
                                          "FLOWS:flows"};

    if ((*reply)->verdict == VG_NO) {
        return directory_finish(cli, reply);
    }

    json_t *rows = mailboxes_json(*reply);

    if (cli->json) {
        cli_print(json_pack("{s:o}", "mailboxes", rows));
    } else {
        cli_table(columns, sizeof columns / sizeof columns[0], rows);
        json_decref(rows);
    }
    vg_reply_free(reply);
    return EXIT_DONE;
}

static int
finish_add(struct cli *cli, struct vg_reply **reply)
{
    if ((*reply)->verdict == VG_NO || (*reply)->mailboxes_len == 0) {
        return directory_finish(cli, reply);
    }

    const struct vg_mailbox *added = &(*reply)->mailboxes[0];

    if (cli->json) {
        cli_print(json_pack("{s:I,s:I,s:s}", "ticket", (json_int_t)(*reply)->ticket,
                            "mailbox", (json_int_t)added->mailbox, "name", added->name));
    } else {
        printf("%s is mailbox %u; it fills from now on.\n", added->name, added->mailbox);
    }
    vg_reply_free(reply);
    return EXIT_DONE;
}

static int
add_mailbox(struct cli *cli)
{
    const char *key = NULL;
    const struct cli_option options[] = {
        {"key", "KEY", KEY_MEANING, &key, NULL},
    };
    struct vg_choice choices[VG_CHOICES_MAX];
    size_t choices_len = 0;
    struct vg_reply *reply = NULL;
    struct vg_error error = {0};
    int code = EXIT_USAGE;

    if (!cli_options(cli, options, 1, 1, 1 + VG_CHOICES_MAX)) {
        return EXIT_USAGE;
    }
    for (int i = 2; i < cli->argc; i++) {
        if (!read_choice(cli->argv[i], &choices[choices_len++])) {
            return EXIT_USAGE;
        }
    }

    struct vg_caller *caller = directory_open(cli, key, &code);

    if (caller == NULL) {
        return code;
    }
    if (vg_add_mailbox(caller, cli->argv[1], choices, choices_len, DIRECTORY_TIMEOUT_MS,
                       &reply, &error) != VG_OK) {
        code = cli_refused(cli, &error);
    } else {
        code = finish_add(cli, &reply);
    }
    vg_caller_close(&caller);
    return code;
}

static int
list_mailboxes(struct cli *cli)
{
    const char *key = NULL;
    const struct cli_option options[] = {
        {"key", "KEY", KEY_MEANING, &key, NULL},
    };
    struct vg_reply *reply = NULL;
    struct vg_error error = {0};
    int code = EXIT_USAGE;

    if (!cli_options(cli, options, 1, 0, 0)) {
        return EXIT_USAGE;
    }

    struct vg_caller *caller = directory_open(cli, key, &code);

    if (caller == NULL) {
        return code;
    }
    if (vg_list_mailboxes(caller, DIRECTORY_TIMEOUT_MS, &reply, &error) != VG_OK) {
        code = cli_refused(cli, &error);
    } else {
        code = finish_list(cli, &reply);
    }
    vg_caller_close(&caller);
    return code;
}

// ---- limits: an administrator's ----

static const char *const limit_names[] = {"messages", "bytes", "age_days", "attempts"};

static void
print_limits(const struct admin_answer *answer)
{
    const json_t *own = json_object_get(answer->body, "own");
    const json_t *in_force = json_object_get(answer->body, "in_force");

    for (size_t i = 0; i < sizeof limit_names / sizeof limit_names[0]; i++) {
        json_int_t number = json_integer_value(json_object_get(own, limit_names[i]));

        printf("%-9s own %lld", limit_names[i], (long long)number);
        if (in_force != NULL) {
            printf(", in force %lld", (long long)json_integer_value(
                                          json_object_get(in_force, limit_names[i])));
        }
        putchar('\n');
    }
}

static int
mailbox_limits(struct cli *cli)
{
    const char *values[4] = {NULL};
    const struct cli_option options[] = {
        {"messages", "N", "letters that may wait; 0: as in the settings", &values[0],
         NULL},
        {"bytes", "N", "the same in bytes", &values[1], NULL},
        {"age-days", "N", "the same in days of the oldest", &values[2], NULL},
        {"attempts", "N", "refusals of a letter before it is parked", &values[3], NULL},
    };
    json_t *object = json_object();
    struct admin_answer answer;
    uint64_t number = 0;
    char path[64];
    int code = EXIT_DONE;
    bool good = cli_options(cli, options, 4, 1, 1) &&
                cli_number("MAILBOX", cli->argv[1], 1, UINT32_MAX, &number);

    snprintf(path, sizeof path, "/v1/mailboxes/%llu/limits", (unsigned long long)number);
    for (size_t i = 0; good && i < sizeof values / sizeof values[0]; i++) {
        if (values[i] != NULL) {
            good = cli_number(limit_names[i], values[i], 0, INT64_MAX, &number);
            json_object_set_new(object, limit_names[i], json_integer((json_int_t)number));
        }
    }
    if (!good) {
        json_decref(object);
        return EXIT_USAGE;
    }

    char *body = json_object_size(object) == 0 ? NULL : json_dumps(object, JSON_COMPACT);

    json_decref(object);
    admin_call(cli, path, body, body == NULL ? 0 : strlen(body), &answer);
    free(body);
    if (admin_done(cli, &answer, &code)) {
        if (cli->json) {
            cli_print(json_incref(answer.body));
        } else {
            print_limits(&answer);
        }
    }
    admin_answer_clear(&answer);
    return code;
}

int
command_mailbox(struct cli *cli)
{
    static const struct cli_command verbs[] = {
        {"add", "NAME [FLOW[:QUALITY,...] ...]", "one more; no FLOW: everything",
         add_mailbox},
        {"list", "", "the institution's own", list_mailboxes},
        {"limits", "MAILBOX", "how much may wait in it: shown, or set", mailbox_limits},
        {"rules", "MAILBOX [FLOW[:QUALITY,...] ...]",
         "which flows it does not want, and when nothing is pushed: shown, or set",
         mailbox_rules},
    };

    return cli_run(cli, verbs, sizeof verbs / sizeof verbs[0]);
}
