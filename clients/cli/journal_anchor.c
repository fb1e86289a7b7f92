// SPDX-License-Identifier: EUPL-1.2
// journal_anchor.c - the signed lines that hold the journal to what it said, and the key that
// signs them.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anchor/anchor.h"
#include "cli.h"

// ---- the key ----

bool
anchor_key_make(const char *path)
{
    uint8_t seed[ANCHOR_KEY_LEN], key[ANCHOR_KEY_LEN];
    char secret_text[ANCHOR_KEY_TEXT_LEN], public_text[ANCHOR_KEY_TEXT_LEN];
    char text[256];
    bool done;

    if (sodium_init() < 0) {
        abort();
    }
    randombytes_buf(seed, sizeof seed);
    anchor_key(seed, key);
    anchor_key_print(seed, secret_text);
    anchor_key_print(key, public_text);
    snprintf(text, sizeof text, "public: %s\nsecret: %s\n", public_text, secret_text);
    done = file_write(path, text, 0600);
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(secret_text, sizeof secret_text);
    sodium_memzero(text, sizeof text);
    return done;
}

int
journal_key(struct cli *cli)
{
    bool make = false;
    const struct cli_option options[] = {
        {"make", NULL,
         "of a folder that has none yet; the broker reads it when it starts", NULL,
         &make},
    };
    char *path, *text;
    int code = EXIT_REFUSED;

    if (!cli_options(cli, options, 1, 0, 0)) {
        return EXIT_USAGE;
    }
    path = home_path(cli, ANCHOR_KEY_FILE);
    if (make && !anchor_key_make(path)) {
        fprintf(stderr, "%s: %s: %s\n", cli->name, path, strerror(errno));
        free(path);
        return EXIT_REFUSED;
    }
    text = home_value(path, "public");
    if (text == NULL) {
        fprintf(stderr, "%s: %s has no public key (--make makes one)\n", cli->name, path);
    } else {
        code = EXIT_DONE;
        if (cli->json) {
            cli_print(json_pack("{s:s,s:s}", "file", path, "public", text));
        } else {
            puts(text);
        }
    }
    free(text);
    free(path);
    return code;
}

// ---- the line ----

int
journal_anchor(struct cli *cli)
{
    const char *day = NULL;
    bool all = false;
    const struct cli_option options[] = {
        {"day", "DATE", "the one of a day (the newest)", &day, NULL},
        {"all", NULL, "one line for each day", NULL, &all},
    };
    struct admin_answer answer;
    char path[96] = "/v1/journal/anchors";
    int code = EXIT_DONE;

    if (!cli_options(cli, options, 2, 0, 0)) {
        return EXIT_USAGE;
    }
    if (all && day != NULL) {
        cli_wrong(cli->name, VG_MALFORMED, "either --day or --all");
        return EXIT_USAGE;
    }
    if (all) {
        strcat(path, "?all=yes");
    } else if (day != NULL) {
        snprintf(path, sizeof path, "/v1/journal/anchors?day=%.24s", day);
    }
    admin_call(cli, path, NULL, 0, &answer);
    if (admin_done(cli, &answer, &code)) {
        json_t *anchors = json_object_get(answer.body, "anchors");

        if (cli->json) {
            cli_print(json_incref(answer.body));
        }
        for (size_t i = 0; !cli->json && i < json_array_size(anchors); i++) {
            puts(json_string_value(json_object_get(json_array_get(anchors, i), "line")));
        }
    }
    admin_answer_clear(&answer);
    return code;
}
