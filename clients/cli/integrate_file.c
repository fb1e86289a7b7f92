// SPDX-License-Identifier: EUPL-1.2
// integrate_file.c - many integrations from a file of JSON lines, a thousand at a time.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "directory.h"
#include "json/json.h"
#include "results.h"

enum {
    FILE_ITEMS_MAX = 1000,
    PROGRESS_EVERY_MS = 500,
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
    ret->catch_up = json_is_true(json_object_get(object, "catch_up"));
    return true;
}

// ---- all lines ----

// A line that waits for its result: an item that is sent, or one that cannot be read.
struct pending {
    uint64_t line;
    json_t *json; // keeps the item's texts alive; NULL: it could not be read
    struct vg_error fault;
};

// Lines gather here and are sent a thousand at a time.
struct bulk {
    struct cli *cli;
    struct vg_caller *caller;
    const struct integrate_job *job;
    struct results *results; // NULL: they are printed
    struct pending pending[FILE_ITEMS_MAX];
    size_t len;
    struct vg_integrate_item items[FILE_ITEMS_MAX]; // of those that could be read
    size_t items_len;
    uint64_t line;  // read last
    uint64_t lines; // in all; 0: not known
    uint64_t done;  // answered, or refused here; with results: by earlier runs too
    uint64_t refused;
    uint64_t begun_from; // lines done by earlier runs
    int64_t begun_ms;
    int64_t shown_ms;
};

static int64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint64_t
lines_per_second(const struct bulk *bulk, int64_t now)
{
    return (bulk->line - bulk->begun_from) * 1000 / (uint64_t)(now - bulk->begun_ms + 1);
}

// ---- one result ----

static json_t *
overlaps_json(const struct vg_reply *reply, size_t item)
{
    json_t *list = json_array();

    for (size_t i = 0; i < reply->integrations_len; i++) {
        const struct vg_integration *row = &reply->integrations[i];

        if (row->item == item) {
            json_array_append_new(
                list, json_pack("{s:s,s:o,s:o,s:o}", "institution", row->institution,
                                "quality", json_sprintf("%03u", row->quality), "begin",
                                json_date(row->begin), "end", json_date(row->end)));
        }
    }
    return list;
}

// The line's status is its first fault's, or OK.
static json_t *
result_json(uint64_t line, const struct vg_item_result *result,
            const struct vg_reply *reply, size_t item)
{
    enum vg_status status = result->faults_len > 0 ? result->faults[0].status : VG_OK;
    json_t *object = json_pack("{s:I,s:s,s:s,s:i,s:s}", "line", (json_int_t)line,
                               "result", directory_verdict(result->verdict), "status",
                               vg_status_name(status), "number", (int)status, "sentence",
                               result->faults_len > 0 ? result->faults[0].sentence
                                                      : vg_status_sentence(VG_OK));

    if (result->end != 0) {
        json_object_set_new(object, "end", json_date(result->end));
    }
    if (result->faults_len > 0) {
        json_object_set_new(object, "faults", directory_faults(result));
    }
    if (result->caught_up + result->consult > 0) {
        json_object_set_new(object, "caught_up", json_integer(result->caught_up));
        json_object_set_new(object, "consult", json_integer(result->consult));
    }
    if (result->overlaps > 0) {
        json_object_set_new(object, "overlaps", overlaps_json(reply, item));
    }
    return object;
}

static bool
write_result(struct bulk *bulk, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    bool good = text != NULL && results_add(bulk->results, text);

    free(text);
    json_decref(object);
    return good;
}

// reply: NULL when the line was never sent.
static bool
tell_result(struct bulk *bulk, uint64_t line, const struct vg_item_result *result,
            const struct vg_reply *reply, size_t item)
{
    bulk->done++;
    bulk->refused += result->verdict == VG_NO;
    if (bulk->results != NULL) {
        return write_result(bulk, result_json(line, result, reply, item));
    }
    if (bulk->cli->json && bulk->job->each) {
        cli_print(result_json(line, result, reply, item));
    } else if (result->verdict == VG_NO) {
        for (size_t i = 0; i < result->faults_len; i++) {
            const struct vg_error *fault = &result->faults[i];

            fprintf(stderr, "line %llu: %s (%d, %s): %s\n", (unsigned long long)line,
                    vg_status_name(fault->status), (int)fault->status,
                    vg_remedy_name(vg_status_remedy(fault->status)), fault->sentence);
        }
    }
    return true;
}

static bool
tell_results(struct bulk *bulk, const struct vg_reply *reply)
{
    size_t item = 0;
    bool good = true;

    for (size_t i = 0; good && i < bulk->len; i++) {
        const struct pending *pending = &bulk->pending[i];
        const struct vg_item_result unread = {
            .verdict = VG_NO, .faults = &pending->fault, .faults_len = 1};

        if (pending->json == NULL) {
            good = tell_result(bulk, pending->line, &unread, NULL, 0);
        } else {
            good = tell_result(bulk, pending->line, &reply->results[item], reply, item);
            item++;
        }
    }
    return good && (bulk->results == NULL || results_flush(bulk->results));
}

// Longer than two seconds: a line that grows on a terminal, nothing in a file.
static void
show_progress(struct bulk *bulk)
{
    int64_t now = now_ms();

    if (!isatty(STDERR_FILENO) || now - bulk->shown_ms < PROGRESS_EVERY_MS) {
        return;
    }
    bulk->shown_ms = now;
    if (bulk->lines > 0) {
        fprintf(stderr, "\r%llu of %llu lines, %llu a second ",
                (unsigned long long)bulk->line, (unsigned long long)bulk->lines,
                (unsigned long long)lines_per_second(bulk, now));
    } else {
        fprintf(stderr, "\r%llu integrations ", (unsigned long long)bulk->done);
    }
}

// ---- a thousand lines ----

static void
forget_lines(struct bulk *bulk)
{
    for (size_t i = 0; i < bulk->len; i++) {
        json_decref(bulk->pending[i].json);
    }
    bulk->len = bulk->items_len = 0;
}

// The broker refused the request as it was, and did nothing of it: it has no ticket.
static bool
ask_broker(struct bulk *bulk, struct vg_reply **ret_reply, int *ret_code)
{
    struct vg_error error = {0};

    if (bulk->items_len == 0) {
        return true;
    }
    if (vg_integrate(bulk->caller, bulk->job->institution, bulk->items, bulk->items_len,
                     DIRECTORY_TIMEOUT_MS, ret_reply, &error) != VG_OK) {
        *ret_code = cli_refused(bulk->cli, &error);
        return false;
    }
    if ((*ret_reply)->results_len != bulk->items_len || (*ret_reply)->ticket == 0) {
        const struct vg_item_result *whole = (*ret_reply)->results;

        if ((*ret_reply)->results_len > 0 && whole->faults_len > 0) {
            error = whole->faults[0];
        }
        *ret_code = cli_refused(bulk->cli, &error);
        return false;
    }
    return true;
}

static bool
send_bulk(struct bulk *bulk, int *ret_code)
{
    struct vg_reply *reply = NULL;
    bool good = ask_broker(bulk, &reply, ret_code);

    if (good && !tell_results(bulk, reply)) {
        fprintf(stderr, "%s: %s: %s\n", bulk->cli->name, bulk->job->results,
                strerror(errno));
        *ret_code = EXIT_USAGE;
        good = false;
    }
    vg_reply_free(&reply);
    forget_lines(bulk);
    show_progress(bulk);
    return good;
}

// A line that cannot be read is refused alone; the others go on.
static bool
add_line(struct bulk *bulk, const char *text, size_t len, int *ret_code)
{
    struct pending *pending = &bulk->pending[bulk->len];
    json_t *line;

    bulk->line++;
    if (text[strspn(text, " \t\r\n")] == 0 ||
        (bulk->results != NULL && bulk->line <= results_last_line(bulk->results))) {
        return true;
    }
    line = json_loadb(text, len, 0, NULL);
    *pending = (struct pending){bulk->line, line, {.status = VG_MALFORMED}};
    if (!json_is_object(line)) {
        snprintf(pending->fault.sentence, REASON_LEN, "the line is no JSON object");
        pending->json = NULL;
    } else if (!read_item(line, &bulk->items[bulk->items_len], pending->fault.sentence)) {
        pending->json = NULL;
    } else {
        bulk->items_len++;
    }
    if (pending->json == NULL) {
        json_decref(line);
    }
    bulk->len++;
    return bulk->len < FILE_ITEMS_MAX || send_bulk(bulk, ret_code);
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

// ---- the whole ----

static bool
open_results(struct bulk *bulk)
{
    const struct integrate_job *job = bulk->job;
    struct results_source source;
    char reason[RESULTS_REASON_LEN];

    if (job->results == NULL) {
        return true;
    }
    if (strcmp(job->path, "-") == 0 || !results_measure(job->path, &source)) {
        fprintf(stderr,
                "%s: %s: with --results a file is wanted that can be read twice\n",
                bulk->cli->name, job->path);
        return false;
    }
    bulk->results = results_open(job->results, &source, reason);
    if (bulk->results == NULL) {
        fprintf(stderr, "%s: %s: %s\n", bulk->cli->name, job->results, reason);
        return false;
    }
    bulk->lines = source.lines;
    bulk->begun_from = results_last_line(bulk->results);
    bulk->done = results_len(bulk->results);
    bulk->refused = results_refused(bulk->results);
    return true;
}

static void
print_sum(const struct bulk *bulk, int code)
{
    if (bulk->cli->json) {
        return;
    }
    printf("%llu integrations, %llu refused\n", (unsigned long long)bulk->done,
           (unsigned long long)bulk->refused);
    if (bulk->results == NULL) {
        return;
    }
    printf("lines %llu to %llu of %llu, %llu lines/s, results in %s\n",
           (unsigned long long)bulk->begun_from + 1, (unsigned long long)bulk->line,
           (unsigned long long)bulk->lines,
           (unsigned long long)lines_per_second(bulk, now_ms()), bulk->job->results);
    if (code != EXIT_DONE && code != EXIT_REFUSED) {
        printf("the same command goes on from there\n");
    }
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
    bulk->job = job;
    bulk->begun_ms = bulk->shown_ms = now_ms();
    if (open_results(bulk)) {
        bulk->caller = directory_open(cli, job->key, &code);
    }
    if (bulk->caller != NULL) {
        code = integrate_lines(bulk, file);
        print_sum(bulk, code);
        vg_caller_close(&bulk->caller);
    }
    if (!results_close(&bulk->results)) {
        fprintf(stderr, "%s: %s: %s\n", cli->name, job->results, strerror(errno));
        code = EXIT_USAGE;
    }
    if (file != stdin) {
        fclose(file);
    }
    free(bulk);
    return code;
}
