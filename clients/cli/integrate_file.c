// SPDX-License-Identifier: EUPL-1.2
// integrate_file.c - many integrations from a file of JSON lines, a thousand at a time.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory.h"
#include "json/json.h"

enum {
    FILE_ITEMS_MAX = 1000,
    PROGRESS_EVERY = 100000,
    REASON_LEN = sizeof((struct vg_error *)0)->sentence,
};

// ---- one line ----

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
    if (niss == NULL || !directory_niss(niss, &ret->niss)) {
        return no_item(ret_reason, "niss", "the 11 digits of a person are wanted");
    }
    ret->quality = quality == NULL ? 0 : (uint32_t)strtoul(quality, &end, 10);
    if (ret->quality == 0 || ret->quality > DIRECTORY_QUALITY_MAX || *end != 0) {
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

// ---- all lines ----

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
                            directory_verdict(result->verdict), "faults",
                            directory_faults(result)));
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
    if (vg_integrate(bulk->caller, bulk->institution, bulk->items, bulk->len,
                     DIRECTORY_TIMEOUT_MS, &reply, &error) != VG_OK) {
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
    bulk->caller = directory_open(cli, job->key, &code);
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
