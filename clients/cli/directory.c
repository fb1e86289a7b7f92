// SPDX-License-Identifier: EUPL-1.2
// directory.c - integrate, remove, consult, history and mailbox: questions to the reference
// directory under an institution's own key.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "json/json.h"

#define KEY_MEANING "who asks: a key file, or its name in the home folder"

enum {
    TIMEOUT_MS = 30000,
    FILE_ITEMS_MAX = 1000,
    PROGRESS_EVERY = 100000,
    NISS_DIGITS = 11,
    QUALITY_MAX = 999,
    REASON_LEN = sizeof((struct vg_error *)0)->sentence,
};

// ---- what every answer shows ----

static const char *
verdict_name(enum vg_verdict verdict)
{
    switch (verdict) {
    case VG_YES:
        return "YES";
    case VG_NO:
        return "NO";
    case VG_WARNING:
        return "WARNING";
    }
    return "NO";
}

static json_t *
faults_json(const struct vg_item_result *result)
{
    json_t *faults = json_array();

    for (size_t i = 0; i < result->faults_len; i++) {
        const struct vg_error *fault = &result->faults[i];

        json_array_append_new(
            faults, json_pack("{s:s,s:i,s:s,s:s}", "name", vg_status_name(fault->status),
                              "number", (int)fault->status, "remedy",
                              vg_remedy_name(vg_status_remedy(fault->status)), "sentence",
                              fault->sentence));
    }
    return faults;
}

static json_t *
reply_json(const struct vg_reply *reply)
{
    json_t *object = json_pack("{s:I,s:s}", "ticket", (json_int_t)reply->ticket, "result",
                               verdict_name(reply->verdict));
    json_t *items = json_array();
    json_t *integrations = json_array();

    for (size_t i = 0; i < reply->results_len; i++) {
        json_t *item =
            json_pack("{s:s,s:o}", "result", verdict_name(reply->results[i].verdict),
                      "faults", faults_json(&reply->results[i]));

        if (reply->results[i].end != 0) {
            json_object_set_new(item, "end", json_date(reply->results[i].end));
        }
        json_array_append_new(items, item);
    }
    for (size_t i = 0; i < reply->integrations_len; i++) {
        const struct vg_integration *row = &reply->integrations[i];
        json_t *integration =
            json_pack("{s:I,s:o,s:o}", "sector", (json_int_t)row->sector, "begin",
                      json_date(row->begin), "end", json_date(row->end));

        if (row->institution[0] != 0) {
            json_object_set_new(integration, "institution",
                                json_string(row->institution));
            json_object_set_new(integration, "quality",
                                json_sprintf("%03u", row->quality));
        }
        json_array_append_new(integrations, integration);
    }
    json_object_set_new(object, "items", items);
    json_object_set_new(object, "integrations", integrations);
    return object;
}

static void
print_reply(const struct vg_reply *reply)
{
    static const char *const columns[] = {"SECTOR:sector:right",
                                          "INSTITUTION:institution", "QUALITY:quality",
                                          "BEGIN:begin", "END:end"};
    json_t *object = reply_json(reply);
    json_t *integrations = json_object_get(object, "integrations");

    printf("%s  ticket %llu\n", verdict_name(reply->verdict),
           (unsigned long long)reply->ticket);
    for (size_t i = 0; i < reply->results_len; i++) {
        const struct vg_item_result *result = &reply->results[i];

        if (result->end != 0) {
            printf("  until %04u-%02u-%02u\n", result->end / 10000,
                   result->end / 100 % 100, result->end % 100);
        }
        for (size_t j = 0; j < result->faults_len; j++) {
            printf("  %s (%d, %s): %s\n", vg_status_name(result->faults[j].status),
                   (int)result->faults[j].status,
                   vg_remedy_name(vg_status_remedy(result->faults[j].status)),
                   result->faults[j].sentence);
        }
    }
    if (json_array_size(integrations) > 0) {
        cli_table(columns, 5, integrations);
    }
    json_decref(object);
}

static int
finish(struct cli *cli, struct vg_reply **reply)
{
    int code = (*reply)->verdict == VG_NO ? EXIT_REFUSED : EXIT_DONE;

    if (cli->json) {
        cli_print(reply_json(*reply));
    } else {
        print_reply(*reply);
    }
    vg_reply_free(reply);
    return code;
}

static struct vg_caller *
open_caller(const struct cli *cli, const char *key, int *ret_code)
{
    struct vg_caller *caller = NULL;
    struct vg_error error = {0};
    struct vg_address *address = key == NULL ? NULL : key_address(cli, key, "members");

    *ret_code = EXIT_USAGE;
    if (key == NULL) {
        fprintf(stderr, "%s: --key KEY says who is asking\n", cli->name);
    }
    if (address == NULL) {
        return NULL;
    }
    if (vg_caller_open(address, TIMEOUT_MS, &caller, &error) != VG_OK) {
        *ret_code = cli_refused(cli, &error);
    }
    vg_address_free(&address);
    return caller;
}

static bool
digits_of_niss(const char *text, uint64_t *ret)
{
    uint64_t number = 0;
    int digits = 0;

    for (; *text != 0 && digits <= NISS_DIGITS; text++) {
        if (*text >= '0' && *text <= '9') {
            number = number * 10 + (uint64_t)(*text - '0');
            digits++;
        } else if (strchr(".- ", *text) == NULL) {
            return false;
        }
    }
    *ret = number;
    return digits == NISS_DIGITS;
}

static bool
read_niss(const char *text, uint64_t *ret)
{
    if (!digits_of_niss(text, ret)) {
        fprintf(stderr, "vigie: NISS: a person number has 11 digits; only dots, dashes "
                        "and spaces may stand between them\n");
        return false;
    }
    return true;
}

static bool
read_day(const char *name, const char *text, uint32_t *ret)
{
    if (text == NULL || json_read_date(text, ret)) {
        return true;
    }
    fprintf(stderr, "vigie: %s is \"%s\", a date like 2026-11-20 is wanted\n", name,
            text);
    return false;
}

// ---- the proof of authentication ----

struct proof_words {
    const char *card;
    const char *sis;
    const char *last_name;
    const char *first_name;
    const char *birth_date;
};

#define PROOF_OPTIONS(words)                                                             \
    {"card", "NUMBER", "proof: identity card", &(words).card, NULL},                     \
        {"sis", "NUMBER", "proof: social card", &(words).sis, NULL},                     \
        {"last-name", "NAME", "proof: with a birth date", &(words).last_name, NULL},     \
        {"first-name", "NAME", "proof: with a birth date", &(words).first_name, NULL},   \
    {                                                                                    \
        "birth-date", "DATE", "proof: month and day may be 00", &(words).birth_date,     \
            NULL                                                                         \
    }

static bool
read_proof(const struct proof_words *words, struct vg_proof *ret)
{
    *ret = (struct vg_proof){
        .identity_card = words->card,
        .social_card = words->sis,
        .last_name = words->last_name,
        .first_name = words->first_name,
    };
    return read_day("--birth-date", words->birth_date, &ret->birth_date);
}

// ---- integrate ----

// Refuses a line with a sentence that names the member; false for the caller to return.
static bool
no_item(char ret_reason[REASON_LEN], const char *name, const char *wanted)
{
    snprintf(ret_reason, REASON_LEN, "%s: %s", name, wanted);
    return false;
}

static bool
take_date(const json_t *object, const char *name, uint32_t *ret,
          char ret_reason[REASON_LEN])
{
    const char *text = json_string_value(json_object_get(object, name));

    if (text != NULL && !json_read_date(text, ret)) {
        return no_item(ret_reason, name, "a date like 2026-11-20 is wanted");
    }
    return true;
}

static bool
read_item(const json_t *object, struct vg_integrate_item *ret,
          char ret_reason[REASON_LEN])
{
    const json_t *proof = json_object_get(object, "proof");
    const char *niss = json_string_value(json_object_get(object, "niss"));
    const char *quality = json_string_value(json_object_get(object, "quality"));
    char *end = NULL;

    memset(ret, 0, sizeof *ret);
    if (niss == NULL || !digits_of_niss(niss, &ret->niss)) {
        return no_item(ret_reason, "niss", "the 11 digits of a person are wanted");
    }
    ret->quality = quality == NULL ? 0 : (uint32_t)strtoul(quality, &end, 10);
    if (ret->quality == 0 || ret->quality > QUALITY_MAX || *end != 0) {
        return no_item(ret_reason, "quality", "a code like \"030\" is wanted");
    }
    if (!take_date(object, "begin", &ret->begin, ret_reason) ||
        !take_date(object, "end", &ret->end, ret_reason) ||
        !take_date(proof, "birth_date", &ret->proof.birth_date, ret_reason)) {
        return false;
    }
    if (ret->begin == 0) {
        return no_item(ret_reason, "begin", "is missing");
    }
    ret->proof.identity_card = json_string_value(json_object_get(proof, "identity_card"));
    ret->proof.social_card = json_string_value(json_object_get(proof, "social_card"));
    ret->proof.last_name = json_string_value(json_object_get(proof, "last_name"));
    ret->proof.first_name = json_string_value(json_object_get(proof, "first_name"));
    ret->institution = json_string_value(json_object_get(object, "institution"));
    return true;
}

// Lines gather here and are sent a thousand at a time.
struct bulk {
    struct cli *cli;
    struct vg_caller *caller;
    const char *institution;       // an operator acts for it, NULL: for nobody
    json_t *lines[FILE_ITEMS_MAX]; // keep the items' texts alive
    uint64_t line_of[FILE_ITEMS_MAX];
    struct vg_integrate_item items[FILE_ITEMS_MAX];
    size_t len;
    uint64_t line; // read last
    uint64_t done; // answered, or refused here
    uint64_t refused;
    bool each; // with --json: a result per line
};

static void
print_line_result(const struct bulk *bulk, uint64_t line,
                  const struct vg_item_result *result)
{
    if (bulk->cli->json && bulk->each) {
        cli_print(json_pack("{s:I,s:s,s:o}", "line", (json_int_t)line, "result",
                            verdict_name(result->verdict), "faults",
                            faults_json(result)));
    } else if (result->verdict == VG_NO) {
        for (size_t i = 0; i < result->faults_len; i++) {
            const struct vg_error *fault = &result->faults[i];

            fprintf(stderr, "line %llu: %s (%d, %s): %s\n", (unsigned long long)line,
                    vg_status_name(fault->status), (int)fault->status,
                    vg_remedy_name(vg_status_remedy(fault->status)), fault->sentence);
        }
    }
}

// Longer than two seconds: a line that grows on a terminal, nothing in a file.
static void
show_progress(const struct bulk *bulk, uint64_t before)
{
    if (isatty(STDERR_FILENO) && bulk->done / PROGRESS_EVERY > before / PROGRESS_EVERY) {
        fprintf(stderr, "\r%llu integrations ", (unsigned long long)bulk->done);
    }
}

static bool
send_bulk(struct bulk *bulk, int *ret_code)
{
    struct vg_reply *reply = NULL;
    struct vg_error error = {0};
    uint64_t before = bulk->done;

    if (bulk->len == 0) {
        return true;
    }
    if (vg_integrate(bulk->caller, bulk->institution, bulk->items, bulk->len, TIMEOUT_MS,
                     &reply, &error) != VG_OK) {
        *ret_code = cli_refused(bulk->cli, &error);
        return false;
    }
    for (size_t i = 0; i < reply->results_len && i < bulk->len; i++) {
        bulk->refused += reply->results[i].verdict == VG_NO;
        print_line_result(bulk, bulk->line_of[i], &reply->results[i]);
    }
    vg_reply_free(&reply);
    for (size_t i = 0; i < bulk->len; i++) {
        json_decref(bulk->lines[i]);
    }
    bulk->done += bulk->len;
    bulk->len = 0;
    show_progress(bulk, before);
    return true;
}

// A line that cannot be read is refused alone; the others go on.
static bool
add_line(struct bulk *bulk, const char *text, size_t len, int *ret_code)
{
    struct vg_error fault = {.status = VG_MALFORMED};
    struct vg_item_result refusal = {.verdict = VG_NO, .faults = &fault, .faults_len = 1};
    json_t *line;

    bulk->line++;
    if (text[strspn(text, " \t\r\n")] == 0) {
        return true;
    }
    line = json_loadb(text, len, 0, NULL);
    if (!json_is_object(line)) {
        snprintf(fault.sentence, sizeof fault.sentence, "the line is no JSON object");
    } else if (read_item(line, &bulk->items[bulk->len], fault.sentence)) {
        bulk->line_of[bulk->len] = bulk->line;
        bulk->lines[bulk->len++] = line;
        return bulk->len < FILE_ITEMS_MAX || send_bulk(bulk, ret_code);
    }
    json_decref(line);
    bulk->done++;
    bulk->refused++;
    print_line_result(bulk, bulk->line, &refusal);
    return true;
}

static int
integrate_lines(struct bulk *bulk, FILE *file)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    int code = EXIT_DONE;
    bool good = true;

    while (good && (len = getline(&line, &size, file)) > 0) {
        good = add_line(bulk, line, (size_t)len, &code);
    }
    good = good && send_bulk(bulk, &code);
    free(line);
    return good && bulk->refused > 0 ? EXIT_REFUSED : code;
}

int
integrate_file(struct cli *cli, const struct integrate_job *job)
{
    struct bulk *bulk = calloc(1, sizeof *bulk);
    FILE *file = strcmp(job->path, "-") == 0 ? stdin : fopen(job->path, "re");
    int code = EXIT_USAGE;

    if (bulk == NULL || file == NULL) {
        fprintf(stderr, "%s: %s: %s\n", cli->name, job->path, strerror(errno));
        free(bulk);
        return code;
    }
    bulk->cli = cli;
    bulk->institution = job->institution;
    bulk->each = job->each;
    bulk->caller = open_caller(cli, job->key, &code);
    if (bulk->caller != NULL) {
        code = integrate_lines(bulk, file);
        if (!cli->json) {
            printf("%llu integrations, %llu refused\n", (unsigned long long)bulk->done,
                   (unsigned long long)bulk->refused);
        }
        vg_caller_close(&bulk->caller);
    }
    if (file != stdin) {
        fclose(file);
    }
    free(bulk);
    return code;
}

int
command_integrate(struct cli *cli)
{
    const char *key = NULL;
    const char *file = NULL;
    const char *institution = NULL;
    struct proof_words words = {0};
    const struct cli_option options[] = {
        {"key", "KEY", KEY_MEANING, &key, NULL},
        {"file", "FILE", "JSON lines {niss, quality, begin, end, proof, institution}",
         &file, NULL},
        {"institution", "CODE", "an operator acts for it", &institution, NULL},
        PROOF_OPTIONS(words),
    };
    struct vg_integrate_item item = {0};
    struct vg_reply *reply = NULL;
    struct vg_error error = {0};
    uint64_t quality = 0;
    int code = EXIT_USAGE;

    if (!cli_options(cli, options, sizeof options / sizeof options[0], 0, 4)) {
        return EXIT_USAGE;
    }
    if (file != NULL) {
        return integrate_file(cli, &(struct integrate_job){file, key, institution, true});
    }
    if (cli->argc < 4) {
        fprintf(stderr,
                "%s: wanted are NISS QUALITY BEGIN [END] or --file FILE (--help "
                "explains)\n",
                cli->name);
        return EXIT_USAGE;
    }
    if (!read_niss(cli->argv[1], &item.niss) ||
        !cli_number("QUALITY", cli->argv[2], 1, QUALITY_MAX, &quality) ||
        !read_day("BEGIN", cli->argv[3], &item.begin) ||
        !read_day("END", cli->argc > 4 ? cli->argv[4] : NULL, &item.end) ||
        !read_proof(&words, &item.proof)) {
        return EXIT_USAGE;
    }
    item.quality = (uint32_t)quality;

    struct vg_caller *caller = open_caller(cli, key, &code);

    if (caller == NULL) {
        return code;
    }
    if (vg_integrate(caller, institution, &item, 1, TIMEOUT_MS, &reply, &error) !=
        VG_OK) {
        code = cli_refused(cli, &error);
    } else {
        code = finish(cli, &reply);
    }
    vg_caller_close(&caller);
    return code;
}

// ---- remove, consult, history ----

int
command_remove(struct cli *cli)
{
    const char *key = NULL;
    const char *institution = NULL;
    const struct cli_option options[] = {
        {"key", "KEY", KEY_MEANING, &key, NULL},
        {"institution", "CODE", "an operator acts for it", &institution, NULL},
    };
    struct vg_reply *reply = NULL;
    struct vg_error error = {0};
    uint64_t niss = 0;
    uint64_t quality = 0;
    uint32_t begin = 0;
    uint32_t end = 0;
    int code = EXIT_USAGE;

    if (!cli_options(cli, options, 2, 3, 4) || !read_niss(cli->argv[1], &niss) ||
        !cli_number("QUALITY", cli->argv[2], 1, QUALITY_MAX, &quality) ||
        !read_day("BEGIN", cli->argv[3], &begin) ||
        !read_day("END", cli->argc > 4 ? cli->argv[4] : NULL, &end)) {
        return EXIT_USAGE;
    }

    struct vg_caller *caller = open_caller(cli, key, &code);

    if (caller == NULL) {
        return code;
    }
    if (vg_remove(caller, institution, niss, (uint32_t)quality, begin, end, TIMEOUT_MS,
                  &reply, &error) != VG_OK) {
        code = cli_refused(cli, &error);
    } else {
        code = finish(cli, &reply);
    }
    vg_caller_close(&caller);
    return code;
}

int
command_consult(struct cli *cli)
{
    static const char *const levels[] = {"all", "primary", "secondary"};
    const char *key = NULL;
    const char *level_word = "all";
    struct proof_words words = {0};
    const struct cli_option options[] = {
        {"key", "KEY", KEY_MEANING, &key, NULL},
        {"level", "LEVEL", "all, primary (which sectors) or secondary (which CPAS)",
         &level_word, NULL},
        PROOF_OPTIONS(words),
    };
    struct vg_proof proof;
    struct vg_reply *reply = NULL;
    struct vg_error error = {0};
    uint64_t niss = 0;
    int code = EXIT_USAGE;
    int level = 0;

    if (!cli_options(cli, options, sizeof options / sizeof options[0], 1, 1) ||
        !read_niss(cli->argv[1], &niss) || !read_proof(&words, &proof)) {
        return EXIT_USAGE;
    }
    while (level < 3 && strcmp(levels[level], level_word) != 0) {
        level++;
    }
    if (level == 3) {
        fprintf(stderr,
                "vigie consult: --level is \"%s\", none of all, primary, secondary\n",
                level_word);
        return EXIT_USAGE;
    }

    struct vg_caller *caller = open_caller(cli, key, &code);

    if (caller == NULL) {
        return code;
    }
    if (vg_consult(caller, niss, &proof, (enum vg_level)level, TIMEOUT_MS, &reply,
                   &error) != VG_OK) {
        code = cli_refused(cli, &error);
    } else {
        code = finish(cli, &reply);
    }
    vg_caller_close(&caller);
    return code;
}

int
command_history(struct cli *cli)
{
    const char *key = NULL;
    const struct cli_option options[] = {
        {"key", "KEY", KEY_MEANING, &key, NULL},
    };
    struct vg_reply *reply = NULL;
    struct vg_error error = {0};
    uint64_t niss = 0;
    int code = EXIT_USAGE;

    if (!cli_options(cli, options, 1, 1, 1) || !read_niss(cli->argv[1], &niss)) {
        return EXIT_USAGE;
    }

    struct vg_caller *caller = open_caller(cli, key, &code);

    if (caller == NULL) {
        return code;
    }
    if (vg_history(caller, niss, TIMEOUT_MS, &reply, &error) != VG_OK) {
        code = cli_refused(cli, &error);
    } else if (cli->json) {
        json_t *object = reply_json(reply);
        json_t *chain = json_array();

        for (size_t i = 0; i < reply->niss_chain_len; i++) {
            json_array_append_new(
                chain, json_sprintf("%011llu", (unsigned long long)reply->niss_chain[i]));
        }
        json_object_set_new(object, "numbers", chain);
        cli_print(object);
        code = reply->verdict == VG_NO ? EXIT_REFUSED : EXIT_DONE;
    } else {
        for (size_t i = 0; i < reply->niss_chain_len; i++) {
            printf("%s%011llu\n", i == 0 ? "" : "replaced by ",
                   (unsigned long long)reply->niss_chain[i]);
        }
        code = reply->verdict == VG_NO ? finish(cli, &reply) : EXIT_DONE;
    }
    vg_reply_free(&reply);
    vg_caller_close(&caller);
    return code;
}

// ---- mailboxes ----

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
        json_array_append_new(
            rows, json_pack("{s:I,s:s,s:I,s:I,s:I,s:o}", "mailbox",
                            (json_int_t)mailbox->mailbox, "name", mailbox->name, "last",
                            (json_int_t)mailbox->last, "acknowledged",
                            (json_int_t)mailbox->acknowledged, "waiting",
                            (json_int_t)mailbox->waiting, "flows", flows));
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
            !cli_number("QUALITY", code, 1, QUALITY_MAX, &quality)) {
            return false;
        }
        ret->qualities[ret->qualities_len++] = (uint32_t)quality;
    }
    return true;
}

static int
finish_list(struct cli *cli, struct vg_reply **reply)
{
    static const char *const columns[] = {
        "MAILBOX:mailbox:right",           "NAME:name",
        "WAITING:waiting:right",           "LAST:last:right",
        "ACKNOWLEDGED:acknowledged:right", "FLOWS:flows"};

    if ((*reply)->verdict == VG_NO) {
        return finish(cli, reply);
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
        return finish(cli, reply);
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

    struct vg_caller *caller = open_caller(cli, key, &code);

    if (caller == NULL) {
        return code;
    }
    if (vg_add_mailbox(caller, cli->argv[1], choices, choices_len, TIMEOUT_MS, &reply,
                       &error) != VG_OK) {
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

    struct vg_caller *caller = open_caller(cli, key, &code);

    if (caller == NULL) {
        return code;
    }
    if (vg_list_mailboxes(caller, TIMEOUT_MS, &reply, &error) != VG_OK) {
        code = cli_refused(cli, &error);
    } else {
        code = finish_list(cli, &reply);
    }
    vg_caller_close(&caller);
    return code;
}

int
command_mailbox(struct cli *cli)
{
    static const struct cli_command verbs[] = {
        {"add", "NAME [FLOW[:QUALITY,...] ...]", "one more; no FLOW: everything",
         add_mailbox},
        {"list", "", "the institution's own", list_mailboxes},
    };

    return cli_run(cli, verbs, sizeof verbs / sizeof verbs[0]);
}
