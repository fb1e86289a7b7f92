// SPDX-License-Identifier: EUPL-1.2
// journal_verify.c - does a journal still say what it said, to itself and to anchors that were
// kept elsewhere? An exported one is read from its files alone: no broker and no store are
// asked.
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anchor/passage.h"
#include "cli.h"

enum {
    HASH_LEN = 32,
    HASH_TEXT_LEN = 2 * HASH_LEN + 1,
    FILES_MAX = 100000,
    ACT_ANCHOR = 10, // store/journal.h
};

struct chain {
    const struct cli *cli;
    uint64_t first; // commit, 0: none yet
    uint64_t last;
    char hash[HASH_TEXT_LEN]; // of the last
    uint64_t records;
    size_t files;
    struct passage *passage; // NULL: no anchors
    bool own;                // those in the journal itself
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
bytes_of_hex(const char *text, uint8_t ret[HASH_LEN])
{
    size_t len = 0;

    return sodium_hex2bin(ret, HASH_LEN, text, strlen(text), NULL, &len, NULL) == 0 &&
           len == HASH_LEN;
}

static bool
hash_of(const uint8_t before[HASH_LEN], const char *record, uint8_t ret_hash[HASH_LEN])
{
    size_t size = strlen(record) / 4 * 3 + 3;
    size_t len = 0;
    uint8_t *bytes = malloc(size);
    crypto_generichash_state state;
    bool good = bytes != NULL &&
                sodium_base642bin(bytes, size, record, strlen(record), NULL, &len, NULL,
                                  sodium_base64_VARIANT_ORIGINAL) == 0;

    if (good) {
        crypto_generichash_init(&state, NULL, 0, HASH_LEN);
        crypto_generichash_update(&state, before, HASH_LEN);
        crypto_generichash_update(&state, bytes, len);
        crypto_generichash_final(&state, ret_hash, HASH_LEN);
    }
    free(bytes);
    return good;
}

// An anchor in the journal's own words: the signature says whether to believe it.
static bool
take_own_anchors(struct chain *chain, const char *path, uint64_t commit,
                 const json_t *line)
{
    char words[PASSAGE_WORDS_LEN];
    const json_t *item;
    bool good = true;
    size_t i;

    json_array_foreach(json_object_get(line, "items"), i, item)
    {
        const char *kind = json_string_value(json_object_get(item, "kind"));
        const char *text = json_string_value(json_object_get(item, "text"));
        struct anchor anchor;
        bool cut = false;

        if (kind != NULL && strcmp(kind, "admin") == 0 && text != NULL &&
            json_integer_value(json_object_get(item, "act")) == ACT_ANCHOR &&
            anchor_read(&text, &anchor, &cut) &&
            !passage_add(chain->passage, &anchor, words)) {
            good = broken(path, commit, words);
        }
    }
    return good;
}

static bool
take_record(struct chain *chain, const char *path, const json_t *line)
{
    uint64_t commit = (uint64_t)json_integer_value(json_object_get(line, "commit"));
    const char *previous = json_string_value(json_object_get(line, "previous"));
    const char *hash = json_string_value(json_object_get(line, "hash"));
    const char *record = json_string_value(json_object_get(line, "record"));
    uint8_t before[HASH_LEN], own[HASH_LEN];

    if (commit == 0 || previous == NULL || hash == NULL || record == NULL ||
        !bytes_of_hex(previous, before)) {
        return broken(path, commit, "is no record of a journal");
    }
    if (chain->last != 0 && commit != chain->last + 1) {
        return broken(path, commit, "does not come next");
    }
    if (chain->last != 0 && strcmp(previous, chain->hash) != 0) {
        return broken(path, commit, "does not follow on the one before");
    }
    if (!hash_of(before, record, own)) {
        return broken(path, commit, "its record is no base64");
    }
    sodium_bin2hex(chain->hash, sizeof chain->hash, own, sizeof own);
    if (strcmp(chain->hash, hash) != 0) {
        return broken(path, commit, "its hash does not hold");
    }
    chain->first = chain->first == 0 ? commit : chain->first;
    chain->last = commit;
    chain->records++;
    if (chain->passage != NULL) {
        passage_record(chain->passage, commit, before, own);
    }
    return !chain->own || take_own_anchors(chain, path, commit, line);
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

// ---- anchors ----

// Where anchors and the key that must have signed them come from.
struct anchors_from {
    const char *file; // NULL: the journal itself
    const char *key;
};

// It may hold other words too, and as many anchors as were kept.
static bool
add_file(const struct cli *cli, struct passage *passage, const char *path)
{
    char *text = file_read(path, NULL);
    char words[PASSAGE_WORDS_LEN];
    bool good;

    if (text == NULL) {
        fprintf(stderr, "%s: %s: %s\n", cli->name, path, strerror(errno));
        return false;
    }
    good = passage_add_text(passage, text, words);
    free(text);
    return good || broken(path, 0, words);
}

// False with what the command ends with: what is wrong was printed.
static bool
begin_passage(struct chain *chain, const struct anchors_from *from, int *ret_code)
{
    uint8_t key[ANCHOR_KEY_LEN];

    *ret_code = EXIT_USAGE;
    if (from->key == NULL) {
        return true;
    }
    if (!anchor_key_read(from->key, key)) {
        cli_wrong(chain->cli->name, VG_MALFORMED,
                  "--key is none: 64 hexadecimal digits (`vigie journal key`)");
        return false;
    }
    *ret_code = EXIT_DAMAGED;
    chain->passage = passage_new(key);
    chain->own = from->file == NULL;
    return chain->own || add_file(chain->cli, chain->passage, from->file);
}

// ---- all of it ----

static void
tell(const struct chain *chain, const char *folder, bool good, const char *words)
{
    if (chain->cli->json) {
        cli_print(json_pack("{s:s,s:b,s:I,s:I,s:I,s:I,s:s,s:s*}", "folder", folder,
                            "good", good, "files", (json_int_t)chain->files, "records",
                            (json_int_t)chain->records, "from", (json_int_t)chain->first,
                            "through", (json_int_t)chain->last, "hash", chain->hash,
                            "anchors", words[0] != 0 ? words : NULL));
        return;
    }
    if (good) {
        printf("%s: commits %" PRIu64 " to %" PRIu64 " follow on one another\n%" PRIu64
               " %s\n",
               folder, chain->first, chain->last, chain->last, chain->hash);
    }
    if (words[0] != 0) {
        fprintf(good ? stdout : stderr, "%s: %s\n", folder, words);
    }
}

static int
verify_folder(struct chain *chain, const char *folder)
{
    char words[PASSAGE_WORDS_LEN] = "";
    enum passage_verdict verdict = PASSAGE_THROUGH;
    size_t len = 0;
    struct part *parts = list_parts(chain->cli, folder, &len);
    bool good = true;

    if (len == 0) {
        free(parts);
        return EXIT_REFUSED;
    }
    for (size_t i = 0; good && i < len; i++) {
        good = read_part(chain, folder, &parts[i]);
    }
    free(parts);
    if (good && chain->passage != NULL) {
        verdict = passage_end(chain->passage, words);
    }
    tell(chain, folder, good && verdict == PASSAGE_THROUGH, words);
    if (good && verdict == PASSAGE_UNKNOWN) {
        return EXIT_REFUSED;
    }
    return good && verdict == PASSAGE_THROUGH ? EXIT_DONE : EXIT_DAMAGED;
}

// Only vigied reads a store.
static int
verify_store(const struct cli *cli, const struct anchors_from *from)
{
    const char *words[6] = {"--verify-journal"};
    size_t len = 1;

    if (from->key != NULL) {
        words[len++] = "--key";
        words[len++] = from->key;
    }
    if (from->file != NULL) {
        words[len++] = "--anchors";
        words[len++] = from->file;
    }
    return run_with_settings(cli, words);
}

int
journal_verify(struct cli *cli)
{
    struct anchors_from from = {.file = NULL};
    const struct cli_option options[] = {
        {"anchor", "FILE",
         "anchors that were kept elsewhere (those in the journal itself)", &from.file,
         NULL},
        {"key", "PUBLIC", "the key that must have signed them, from elsewhere as well",
         &from.key, NULL},
    };
    struct chain chain = {.cli = cli};
    int code = EXIT_DONE;

    if (!cli_options(cli, options, 2, 0, 1)) {
        return EXIT_USAGE;
    }
    if (from.key == NULL && from.file != NULL) {
        cli_wrong(cli->name, VG_MALFORMED,
                  "--anchor wants --key: an anchor does not vouch for itself");
        return EXIT_USAGE;
    }
    if (cli->argc == 1) {
        return verify_store(cli, &from);
    }
    if (sodium_init() < 0) {
        return EXIT_DAMAGED;
    }
    if (begin_passage(&chain, &from, &code)) {
        code = verify_folder(&chain, cli->argv[1]);
    }
    passage_free(&chain.passage);
    return code;
}
