// SPDX-License-Identifier: EUPL-1.2
// mailbox_rules.c - `vigie mailbox rules`: what a mailbox does not want, and when nothing is
// pushed to it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory.h"

static const char *
text_of(const json_t *rules, const char *name)
{
    const char *text = json_string_value(json_object_get(rules, name));

    return text == NULL ? "none" : text;
}

static void
print_rules(const json_t *rules)
{
    const json_t *unwanted = json_object_get(rules, "unwanted");

    printf("unwanted");
    for (size_t i = 0; i < json_array_size(unwanted); i++) {
        printf(" %s", json_string_value(json_array_get(unwanted, i)));
    }
    printf("%s\n", json_array_size(unwanted) == 0 ? " none" : "");
    printf("quiet    %s\n", text_of(rules, "quiet"));
    printf("digest   %s\n", text_of(rules, "digest"));
    printf("urgent   %s\n", json_is_true(json_object_get(rules, "urgent_first"))
                                ? "first"
                                : "in their turn");
    printf("repeats  %s\n", json_is_true(json_object_get(rules, "merge_repeats"))
                                ? "merged while they wait"
                                : "each comes");
    printf("cancelled %s\n", text_of(rules, "cancelled"));
}

// "none" takes a rule away.
static void
set_time(json_t *object, const char *name, const char *text)
{
    if (text != NULL) {
        json_object_set_new(object, name,
                            json_string(strcmp(text, "none") == 0 ? "" : text));
    }
}

// What the options say, as the broker reads it.
struct changes {
    bool all;
    const char *quiet;
    const char *digest;
    const char *urgent_first;
    const char *merge_repeats;
    const char *cancelled;
};

static void
set_choice(json_t *object, const char *name, const char *word)
{
    if (word != NULL) {
        json_object_set_new(object, name, json_boolean(strcmp(word, "yes") == 0));
    }
}

static json_t *
changes(const struct cli *cli, const struct changes *said)
{
    json_t *object = json_object();
    json_t *unwanted = json_array();

    for (int i = 2; i < cli->argc; i++) {
        json_array_append_new(unwanted, json_string(cli->argv[i]));
    }
    if (said->all || cli->argc > 2) {
        json_object_set(object, "unwanted", unwanted);
    }
    json_decref(unwanted);
    set_time(object, "quiet", said->quiet);
    set_time(object, "digest", said->digest);
    set_choice(object, "urgent_first", said->urgent_first);
    set_choice(object, "merge_repeats", said->merge_repeats);
    if (said->cancelled != NULL) {
        json_object_set_new(object, "cancelled", json_string(said->cancelled));
    }
    return object;
}

static bool
set_rules(struct cli *cli, const char *path, json_t *object, int *ret_code)
{
    struct admin_answer answer;
    char *body = json_dumps(object, JSON_COMPACT);
    bool done;

    admin_call(cli, path, body, strlen(body), &answer);
    free(body);
    done = admin_done(cli, &answer, ret_code);
    admin_answer_clear(&answer);
    return done;
}

static bool
is_choice(const struct cli *cli, const char *option, const char *word)
{
    bool is = word == NULL || strcmp(word, "yes") == 0 || strcmp(word, "no") == 0;

    if (!is) {
        cli_wrong(cli->name, VG_MALFORMED, "--%s is \"%.20s\", yes or no is wanted",
                  option, word);
    }
    return is;
}

int
mailbox_rules(struct cli *cli)
{
    struct changes said = {.all = false};
    const struct cli_option options[] = {
        {"all", NULL, "want every flow again", NULL, &said.all},
        {"quiet", "HH:MM-HH:MM", "push nothing between these times in Brussels, or none",
         &said.quiet, NULL},
        {"digest", "HH:MM", "push once a day, what came before this time; or none",
         &said.digest, NULL},
        {"urgent-first", "yes|no",
         "a death before a change of address, whoever it is about", &said.urgent_first,
         NULL},
        {"merge-repeats", "yes|no",
         "of an address that changes again while it waits, only the last comes",
         &said.merge_repeats, NULL},
        {"cancelled", "pair|neither",
         "what comes of a notification that is cancelled before it was sent",
         &said.cancelled, NULL},
    };
    struct admin_answer answer;
    uint64_t number = 0;
    char path[64];
    int code = EXIT_DONE;

    if (!cli_options(cli, options, sizeof options / sizeof options[0], 1, 1 + 64) ||
        !cli_number("MAILBOX", cli->argv[1], 1, UINT32_MAX, &number)) {
        return EXIT_USAGE;
    }
    if (!is_choice(cli, "urgent-first", said.urgent_first) ||
        !is_choice(cli, "merge-repeats", said.merge_repeats)) {
        return EXIT_USAGE;
    }
    if (said.all && cli->argc > 2) {
        cli_wrong(cli->name, VG_MALFORMED, "either --all or flows that are not wanted");
        return EXIT_USAGE;
    }
    snprintf(path, sizeof path, "/v1/mailboxes/%llu/rules", (unsigned long long)number);

    json_t *object = changes(cli, &said);
    bool done = json_object_size(object) == 0 || set_rules(cli, path, object, &code);

    json_decref(object);
    if (!done) {
        return code;
    }
    admin_call(cli, path, NULL, 0, &answer);
    if (admin_done(cli, &answer, &code)) {
        if (cli->json) {
            cli_print(json_incref(answer.body));
        } else {
            print_rules(json_object_get(answer.body, "rules"));
        }
    }
    admin_answer_clear(&answer);
    return code;
}
