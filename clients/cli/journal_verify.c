// SPDX-License-Identifier: EUPL-1.2
// journal_verify.c - does an exported journal still say what it said? Read from its files
// alone: no broker and no store are asked.
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { HASH_LEN = 32, HASH_TEXT_LEN = 2 * HASH_LEN + 1, FILES_MAX = 100000 };

struct chain {
    const struct cli *cli;
    uint64_t first; // commit, 0: none yet
    uint64_t last;
    char hash[HASH_TEXT_LEN]; // of the last
    uint64_t records;
    size_t files;
};

// "journal-FIRST-LAST.jsonl".
struct part {
    char name[64];
    uint64_t from;
};

static bool
broken(const char *path, uint64_t commit, const char *what)
{
    if (commit == 0) {
        fprintf(stderr, "%s: %s\n", path, what);
    } else {
        fprintf(stderr, "%s: commit %" PRIu64 ": %s\n", path, commit, what);
    }
    return false;
}

// ---- a record ----

static bool
hash_of(const char *previous, const char *record, char ret_text[HASH_TEXT_LEN])
{
    size_t size = strlen(record) / 4 * 3 + 3;
    size_t len = 0, previous_len = 0;
    uint8_t before[HASH_LEN], hash[HASH_LEN];
    uint8_t *bytes = malloc(size);
    crypto_generichash_state state;
    bool good = bytes != NULL &&
                sodium_hex2bin(before, sizeof before, previous, strlen(previous), NULL,
                               &previous_len, NULL) == 0 &&
                previous_len == sizeof before &&
                sodium_base642bin(bytes, size, record, strlen(record), NULL, &len, NULL,
                                  sodium_base64_VARIANT_ORIGINAL) == 0;

    if (good) {
        crypto_generichash_init(&state, NULL, 0, sizeof hash);
        crypto_generichash_update(&state, before, sizeof before);
        crypto_generichash_update(&state, bytes, len);
        crypto_generichash_final(&state, hash, sizeof hash);
        sodium_bin2hex(ret_text, HASH_TEXT_LEN, hash, sizeof hash);
    }
    free(bytes);
    return good;
}

static bool
take_record(struct chain *chain, const char *path, const json_t *line)
{
    uint64_t commit = (uint64_t)json_integer_value(json_object_get(line, "commit"));
    const char *previous = json_string_value(json_object_get(line, "previous"));
    const char *hash = json_string_value(json_object_get(line, "hash"));
    const char *record = json_string_value(json_object_get(line, "record"));
    char own[HASH_TEXT_LEN];

    if (commit == 0 || previous == NULL || hash == NULL || record == NULL) {
        return broken(path, commit, "is no record of a journal");
    }
    if (chain->last != 0 && commit != chain->last + 1) {
        return broken(path, commit, "does not come next");
    }
    if (chain->last != 0 && strcmp(previous, chain->hash) != 0) {
        return broken(path, commit, "does not follow on the one before");
    }
    if (!hash_of(previous, record, own) || strcmp(own, hash) != 0) {
        return broken(path, commit, "its hash does not hold");
    }
    chain->first = chain->first == 0 ? commit : chain->first;
    chain->last = commit;
    memcpy(chain->hash, own, sizeof own);
    chain->records++;
    return true;
}

// ---- files ----

static bool
read_lines(struct chain *chain, const char *path, FILE *file)
{
    bool good = true, head = true;
    char *text = NULL;
    size_t size = 0;

    for (; good && getline(&text, &size, file) > 0; head = false) {
        json_t *line = json_loads(text, 0, NULL);

        if (line == NULL) {
            good = broken(path, 0, "the line after the last good one is no JSON object");
        } else if (head) {
            good = json_object_get(line, "journal") != NULL ||
                   broken(path, 0, "is no exported journal");
        } else {
            good = take_record(chain, path, line);
        }
        json_decref(line);
    }
    free(text);
    return good && (!head || broken(path, 0, "is empty"));
}

static bool
read_part(struct chain *chain, const char *folder, const struct part *part)
{
    char path[4096];
    FILE *file;
    bool good;

    snprintf(path, sizeof path, "%s/%s", folder, part->name);
    file = fopen(path, "re");
    if (file == NULL) {
        return broken(path, 0, strerror(errno));
    }
    good = read_lines(chain, path, file);
    fclose(file);
    chain->files++;
    return good;
}

static int
by_commit(const void *left, const void *right)
{
    const struct part *a = left, *b = right;

    return a->from < b->from ? -1 : a->from > b->from;
}

// Gives: free. NULL when there is none, which was said.
static struct part *
list_parts(const struct cli *cli, const char *folder, size_t *ret_len)
{
    struct part *parts = NULL;
    DIR *list = opendir(folder);
    struct dirent *entry;
    size_t len = 0;

    while (list != NULL && len < FILES_MAX && (entry = readdir(list)) != NULL) {
        struct part part = {.from = 0};
        uint64_t last = 0;

        if (sscanf(entry->d_name, "journal-%" SCNu64 "-%" SCNu64 ".jsonl", &part.from,
                   &last) == 2 &&
            strlen(entry->d_name) < sizeof part.name) {
            snprintf(part.name, sizeof part.name, "%s", entry->d_name);
            parts = realloc(parts, (len + 1) * sizeof *parts);
            if (parts == NULL) {
                abort();
            }
            parts[len++] = part;
        }
    }
    if (list == NULL || len == 0) {
        fprintf(stderr, "%s: %s: %s\n", cli->name, folder,
                list == NULL ? strerror(errno) : "no journal was exported to it");
    }
    if (list != NULL) {
        closedir(list);
    }
    if (len > 0) {
        qsort(parts, len, sizeof *parts, by_commit);
    }
    *ret_len = len;
    return parts;
}

static void
tell(const struct chain *chain, const char *folder, bool good)
{
    if (chain->cli->json) {
        cli_print(json_pack("{s:s,s:b,s:I,s:I,s:I,s:I,s:s}", "folder", folder, "good",
                            good, "files", (json_int_t)chain->files, "records",
                            (json_int_t)chain->records, "from", (json_int_t)chain->first,
                            "through", (json_int_t)chain->last, "hash", chain->hash));
    } else if (good) {
        printf("%s: commits %" PRIu64 " to %" PRIu64 " follow on one another\n%" PRIu64
               " %s\n",
               folder, chain->first, chain->last, chain->last, chain->hash);
    }
}

int
journal_verify(struct cli *cli)
{
    struct chain chain = {.cli = cli};
    struct part *parts;
    size_t len = 0;
    bool good = true;

    if (!cli_options(cli, NULL, 0, 1, 1)) {
        return EXIT_USAGE;
    }
    parts = list_parts(cli, cli->argv[1], &len);
    if (len == 0) {
        free(parts);
        return EXIT_REFUSED;
    }
    for (size_t i = 0; good && i < len; i++) {
        good = read_part(&chain, cli->argv[1], &parts[i]);
    }
    free(parts);
    tell(&chain, cli->argv[1], good);
    return good ? EXIT_DONE : EXIT_DAMAGED;
}
