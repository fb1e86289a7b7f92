// SPDX-License-Identifier: EUPL-1.2
// integrate, remove, consult and history.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory.h"
#include "json/json.h"

enum { NISS_DIGITS = 11 };

// ---- what every answer shows ----

const char *
directory_verdict(enum vg_verdict verdict)
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

json_t *
directory_faults(const struct vg_item_result *result)
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
                               directory_verdict(reply->verdict));
    json_t *items = json_array();
    json_t *integrations = json_array();

    for (size_t i = 0; i < reply->results_len; i++) {
        json_t *item =
            json_pack("{s:s,s:o}", "result", directory_verdict(reply->results[i].verdict),
                      "faults", directory_faults(&reply->results[i]));

        if (reply->results[i].end != 0) {
            json_object_set_new(item, "end", json_date(reply->results[i].end));
        }
        if (reply->results[i].caught_up + reply->results[i].consult > 0) {
            json_object_set_new(item, "caught_up",
                                json_integer(reply->results[i].caught_up));
            json_object_set_new(item, "consult", json_integer(reply->results[i].consult));
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

    printf("%s  ticket %llu\n", directory_verdict(reply->verdict),
           (unsigned long long)reply->ticket);
    for (size_t i = 0; i < reply->results_len; i++) {
        const struct vg_item_result *result = &reply->results[i];

        if (result->end != 0) {
            printf("  until %04u-%02u-%02u\n", result->end / 10000,
                   result->end / 100 % 100, result->end % 100);
        }
        if (result->caught_up > 0) {
            printf("  %u of what changed meanwhile comes now\n", result->caught_up);
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

int
directory_finish(struct cli *cli, struct vg_reply **reply)
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

struct vg_caller *
directory_open(const struct cli *cli, const char *key, int *ret_code)
{
    struct vg_caller *caller = NULL;
    struct vg_error error = {0};
    struct vg_address *address = key == NULL ? NULL : key_address(cli, key, "members");

    *ret_code = EXIT_USAGE;
    if (key == NULL) {
        cli_wrong(cli->name, VG_MALFORMED, "--key KEY says who is asking");
    }
    if (address == NULL) {
        return NULL;
    }
    if (vg_caller_open(address, DIRECTORY_TIMEOUT_MS, &caller, &error) != VG_OK) {
        *ret_code = cli_refused(cli, &error);
    }
    vg_address_free(&address);
    return caller;
}

bool
directory_list(struct vg_caller *caller, const struct vg_list *list,
               struct vg_reply **ret_reply, struct vg_error *error)
{
    const struct vg_reply *reply;

    if (vg_list_integrations(caller, list, DIRECTORY_TIMEOUT_MS, ret_reply, error) !=
        VG_OK) {
        return false;
    }
    reply = *ret_reply;
    if (reply->verdict != VG_NO) {
        return true;
    }
    if (reply->results_len > 0 && reply->results->faults_len > 0) {
        *error = reply->results->faults[0];
    }
    vg_reply_free(ret_reply);
    return false;
}

bool
directory_niss(const char *text, uint64_t *ret)
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
    if (!directory_niss(text, ret)) {
        cli_wrong("vigie", VG_BAD_NISS,
                  "NISS: a person number has 11 digits; only dots, dashes and spaces may "
                  "stand between them");
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
    cli_wrong("vigie", VG_BAD_DATE, "%s is \"%s\", a date like 2026-11-20 is wanted",
              name, text);
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

int
command_integrate(struct cli *cli)
{
    const char *key = NULL;
    const char *file = NULL;
    const char *results = NULL;
    const char *institution = NULL;
    struct proof_words words = {0};
    struct vg_integrate_item item = {0};
    const struct cli_option options[] = {
        {"key", "KEY", KEY_MEANING, &key, NULL},
        {"file", "FILE",
         "JSON lines {niss, quality, begin, end, proof, institution, catch_up}", &file,
         NULL},
        {"results", "FILE", "a result per line of --file; a run that was cut off goes on",
         &results, NULL},
        {"institution", "CODE", "an operator acts for it", &institution, NULL},
        {"catch-up", NULL, "what changed in the last two months comes as well", NULL,
         &item.catch_up},
        PROOF_OPTIONS(words),
    };
    struct vg_reply *reply = NULL;
    struct vg_error error = {0};
    uint64_t quality = 0;
    int code = EXIT_USAGE;

    if (!cli_options(cli, options, sizeof options / sizeof options[0], 0, 4)) {
        return EXIT_USAGE;
    }
    if (file != NULL) {
        return integrate_file(
            cli, &(struct integrate_job){file, key, institution, true, results});
    }
    if (cli->argc < 4) {
        cli_wrong(cli->name, VG_MALFORMED,
                  "wanted are NISS QUALITY BEGIN [END] or --file FILE (--help explains)");
        return EXIT_USAGE;
    }
    if (!read_niss(cli->argv[1], &item.niss) ||
        !cli_number("QUALITY", cli->argv[2], 1, DIRECTORY_QUALITY_MAX, &quality) ||
        !read_day("BEGIN", cli->argv[3], &item.begin) ||
        !read_day("END", cli->argc > 4 ? cli->argv[4] : NULL, &item.end) ||
        !read_proof(&words, &item.proof)) {
        return EXIT_USAGE;
    }
    item.quality = (uint32_t)quality;

    struct vg_caller *caller = directory_open(cli, key, &code);

    if (caller == NULL) {
        return code;
    }
    if (vg_integrate(caller, institution, &item, 1, DIRECTORY_TIMEOUT_MS, &reply,
                     &error) != VG_OK) {
        code = cli_refused(cli, &error);
    } else {
        code = directory_finish(cli, &reply);
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
        !cli_number("QUALITY", cli->argv[2], 1, DIRECTORY_QUALITY_MAX, &quality) ||
        !read_day("BEGIN", cli->argv[3], &begin) ||
        !read_day("END", cli->argc > 4 ? cli->argv[4] : NULL, &end)) {
        return EXIT_USAGE;
    }

    struct vg_caller *caller = directory_open(cli, key, &code);

    if (caller == NULL) {
        return code;
    }
    if (vg_remove(caller, institution, niss, (uint32_t)quality, begin, end,
                  DIRECTORY_TIMEOUT_MS, &reply, &error) != VG_OK) {
        code = cli_refused(cli, &error);
    } else {
        code = directory_finish(cli, &reply);
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
        cli_wrong(cli->name, VG_MALFORMED,
                  "--level is \"%s\", none of all, primary, secondary", level_word);
        return EXIT_USAGE;
    }

    struct vg_caller *caller = directory_open(cli, key, &code);

    if (caller == NULL) {
        return code;
    }
    if (vg_consult(caller, niss, &proof, (enum vg_level)level, DIRECTORY_TIMEOUT_MS,
                   &reply, &error) != VG_OK) {
        code = cli_refused(cli, &error);
    } else {
        code = directory_finish(cli, &reply);
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

    struct vg_caller *caller = directory_open(cli, key, &code);

    if (caller == NULL) {
        return code;
    }
    if (vg_history(caller, niss, DIRECTORY_TIMEOUT_MS, &reply, &error) != VG_OK) {
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
        code = reply->verdict == VG_NO ? directory_finish(cli, &reply) : EXIT_DONE;
    }
    vg_reply_free(&reply);
    vg_caller_close(&caller);
    return code;
}
