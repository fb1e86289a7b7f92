// SPDX-License-Identifier: EUPL-1.2
// reconcile - how a list of the institution's own software differs from what the directory holds.
//
// The broker tells a count and a digest of a thousand integrations at a time, in order of persons.
// Where the file's own give the same, nothing more is asked; where they do not, the
// thousand are sent and compared one by one.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory.h"
#include "json/json.h"
#include "lists.h"

enum { STRETCH_MAX = 1000, DIFFERENCES = OTHER_DATES + 1 };

#define NISS_LAST UINT64_C(99999999999)

struct reconciling {
    struct cli *cli;
    struct vg_caller *caller;
    const char *path;
    struct vg_list question;
    struct list_filter filter;
    struct list file;
    size_t at; // of the file: what comes before is compared
    FILE *out;
    json_t *faults;     // of the file
    uint64_t directory; // integrations it holds
    uint64_t stretches;
    uint64_t sent; // of them: they were not equal
    uint64_t found[DIFFERENCES];
};

// ---- what is found ----

static const char *const names[DIFFERENCES] = {
    [ONLY_IN_FILE] = "only_in_file",
    [ONLY_IN_DIRECTORY] = "only_in_directory",
    [OTHER_DATES] = "other_dates",
};

static json_t *
days_json(const struct digest_line *row)
{
    return row == NULL ? json_null()
                       : json_pack("{s:o,s:o}", "begin", json_date(row->begin), "end",
                                   json_date(row->end));
}

static void
print_days(FILE *out, const char *word, const struct digest_line *row)
{
    if (row != NULL) {
        fprintf(out, "  %s %04u-%02u-%02u %04u-%02u-%02u", word, row->begin / 10000,
                row->begin / 100 % 100, row->begin % 100, row->end / 10000,
                row->end / 100 % 100, row->end % 100);
    }
}

static void
tell(enum list_difference difference, const struct digest_line *file,
     const struct digest_line *directory, void *arg)
{
    struct reconciling *work = arg;
    const struct digest_line *either = file != NULL ? file : directory;

    work->found[difference]++;
    if (work->cli->json) {
        json_t *object = json_pack(
            "{s:s,s:o,s:o,s:o,s:o}", "difference", names[difference], "niss",
            json_sprintf("%011llu", (unsigned long long)either->niss), "quality",
            either->quality == 0 ? json_null() : json_sprintf("%03u", either->quality),
            "file", days_json(file), "directory", days_json(directory));

        json_dumpf(object, work->out, JSON_COMPACT);
        json_decref(object);
    } else {
        fprintf(work->out, "%-17s  %011llu  %03u", names[difference],
                (unsigned long long)either->niss, either->quality);
        print_days(work->out, "file", file);
        print_days(work->out, "directory", directory);
    }
    putc('\n', work->out);
}

static int
finish(struct reconciling *work)
{
    unsigned differs = 0;

    for (unsigned i = 0; i < DIFFERENCES; i++) {
        differs |= work->found[i] > 0 ? i : 0;
    }
    if (work->cli->json) {
        cli_print(
            json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "file", (json_int_t)work->file.len,
                      "directory", (json_int_t)work->directory, names[ONLY_IN_FILE],
                      (json_int_t)work->found[ONLY_IN_FILE], names[ONLY_IN_DIRECTORY],
                      (json_int_t)work->found[ONLY_IN_DIRECTORY], names[OTHER_DATES],
                      (json_int_t)work->found[OTHER_DATES], "stretches",
                      (json_int_t)work->stretches, "sent", (json_int_t)work->sent));
    } else {
        fprintf(stderr,
                "%zu in the file, %llu in the directory: %llu only in the file, %llu "
                "only in the directory, %llu with other dates; %llu of %llu stretches "
                "were the same and not sent\n",
                work->file.len, (unsigned long long)work->directory,
                (unsigned long long)work->found[ONLY_IN_FILE],
                (unsigned long long)work->found[ONLY_IN_DIRECTORY],
                (unsigned long long)work->found[OTHER_DATES],
                (unsigned long long)(work->stretches - work->sent),
                (unsigned long long)work->stretches);
    }
    return differs == 0 ? EXIT_DONE : EXIT_DIFFERS + (int)differs;
}

// ---- a stretch of persons ----

static bool
add_rows(struct reconciling *work, uint64_t from, uint64_t through,
         struct list *directory, struct vg_error *error)
{
    struct vg_list question = work->question;
    struct vg_reply *reply = NULL;

    question.rows = true;
    question.max = STRETCH_MAX;
    question.through = through;
    for (question.from = from; question.from != 0; vg_reply_free(&reply)) {
        if (!directory_list(work->caller, &question, &reply, error)) {
            return false;
        }
        for (size_t i = 0; i < reply->integrations_len; i++) {
            const struct vg_integration *row = &reply->integrations[i];

            list_add(directory, &(struct digest_line){row->niss, row->quality, row->begin,
                                                      row->end});
        }
        question.from = reply->next;
    }
    return true;
}

// What differs from the sums is asked for row by row: the directory may have changed since.
static bool
compare_rows(struct reconciling *work, uint64_t from, uint64_t through, size_t end,
             struct vg_error *error)
{
    struct list directory = {.rows = NULL};
    struct list_filter as_it_is = {.general = work->filter.general};
    bool good = add_rows(work, from, through, &directory, error);

    if (good) {
        list_order(&directory, &as_it_is);
        work->directory += directory.len;
        list_compare(end > work->at ? &work->file.rows[work->at] : NULL, end - work->at,
                     directory.rows, directory.len, tell, work);
    }
    list_free(&directory);
    return good;
}

static struct digest
sum_of(const struct vg_reply *reply)
{
    struct digest sum = {0}, one;

    for (size_t i = 0; i < reply->holdings_len; i++) {
        digest_from_bytes(reply->holdings[i].count, reply->holdings[i].digest, &one);
        digest_join(&sum, &one);
    }
    return sum;
}

// *from: where the stretch begins; afterwards where the next one does, 0: there is none.
static bool
compare_stretch(struct reconciling *work, uint64_t *from, struct vg_error *error)
{
    struct vg_list question = work->question;
    struct vg_reply *reply = NULL;
    struct digest mine, theirs;
    uint64_t through, next;
    size_t end;
    bool good = true;

    question.from = *from;
    question.max = STRETCH_MAX;
    if (!directory_list(work->caller, &question, &reply, error)) {
        return false;
    }
    theirs = sum_of(reply);
    next = reply->next;
    vg_reply_free(&reply);
    through = next == 0 ? NISS_LAST : next - 1;
    end = list_until(&work->file, work->at, through);
    mine =
        list_digest(end > work->at ? &work->file.rows[work->at] : NULL, end - work->at);
    work->stretches++;
    if (digest_is_equal(&mine, &theirs)) {
        work->directory += theirs.count;
    } else {
        work->sent++;
        good = compare_rows(work, *from, through, end, error);
    }
    work->at = end;
    *from = next;
    return good;
}

static int
compare_all(struct reconciling *work)
{
    struct vg_error error = {0};
    uint64_t from = 1;

    while (from != 0) {
        if (!compare_stretch(work, &from, &error)) {
            return cli_refused(work->cli, &error);
        }
    }
    if (fflush(work->out) != 0) {
        fprintf(stderr, "%s: the list could not be written: %s\n", work->cli->name,
                strerror(errno));
        return EXIT_USAGE;
    }
    return finish(work);
}

// ---- the file ----

static void
tell_fault(uint64_t line, const char *words, void *arg)
{
    const struct reconciling *work = arg;

    json_array_append_new(work->faults, json_pack("{s:I,s:s}", "line", (json_int_t)line,
                                                  "sentence", words));
    if (!work->cli->json) {
        fprintf(stderr, "%s: %s:%llu: %s\n", work->cli->name, work->path,
                (unsigned long long)line, words);
    }
}

// What it comes to, with name and number.
static void
refuse_file(const struct reconciling *work, enum vg_status status, const char *words)
{
    struct vg_error error = {.status = status};

    snprintf(error.sentence, sizeof error.sentence, "%.90s: %s", work->path, words);
    if (work->cli->json) {
        cli_print(json_pack("{s:{s:s,s:i,s:s,s:s,s:O}}", "error", "name",
                            vg_status_name(status), "number", (int)status, "remedy",
                            vg_remedy_name(vg_status_remedy(status)), "sentence",
                            error.sentence, "faults", work->faults));
    } else {
        (void)cli_refused(work->cli, &error);
    }
}

static bool
read_file(struct reconciling *work)
{
    FILE *file = strcmp(work->path, "-") == 0 ? stdin : fopen(work->path, "re");
    bool good;

    if (file == NULL) {
        refuse_file(work, VG_BAD_FILE, strerror(errno));
        return false;
    }
    good = list_read(file, &work->filter, &work->file, tell_fault, work);
    if (ferror(file)) {
        refuse_file(work, VG_BAD_FILE, strerror(errno));
    } else if (!good) {
        refuse_file(work, VG_MALFORMED, "nothing was compared, each fault was named");
    }
    if (file != stdin) {
        fclose(file);
    }
    list_order(&work->file, &work->filter);
    return good;
}

// Whole person numbers go into it: it is the owner's alone, and never written over.
static bool
open_output(struct reconciling *work, const char *path)
{
    int fd;

    work->out = stdout;
    if (path == NULL) {
        return true;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    work->out = fd < 0 ? NULL : fdopen(fd, "w");
    if (work->out == NULL) {
        fprintf(stderr, "%s: %s: %s\n", work->cli->name, path, strerror(errno));
        return false;
    }
    return true;
}

static bool
close_output(struct reconciling *work)
{
    return work->out == NULL || work->out == stdout || fclose(work->out) == 0;
}

// ---- the command ----

static bool
read_words(struct reconciling *work, const char *quality, const char *sector,
           const char *since)
{
    uint64_t number = 0;

    if (quality != NULL) {
        if (!cli_number("--quality", quality, 1, DIRECTORY_QUALITY_MAX, &number)) {
            return false;
        }
        work->question.quality = work->filter.quality = (uint32_t)number;
    }
    if (sector != NULL) {
        if (!cli_number("--sector", sector, 1, UINT16_MAX, &number)) {
            return false;
        }
        work->question.sector = (uint32_t)number;
        work->filter.general = true;
    }
    if (since != NULL && !json_read_date(since, &work->question.since)) {
        cli_wrong(work->cli->name, VG_BAD_DATE,
                  "--since is \"%s\", a date like 2026-11-20 is wanted", since);
        return false;
    }
    work->filter.since = work->question.since;
    return true;
}

int
command_reconcile(struct cli *cli)
{
    const char *key = NULL;
    const char *quality = NULL;
    const char *sector = NULL;
    const char *since = NULL;
    const char *output = NULL;
    struct reconciling work = {.cli = cli};
    const struct cli_option options[] = {
        {"key", "KEY", KEY_MEANING, &key, NULL},
        {"quality", "CODE", "these alone", &quality, NULL},
        {"since", "DATE", "without those that ended before this day", &since, NULL},
        {"output", "FILE", "a new file for the differences, else standard output",
         &output, NULL},
        {"institution", "CODE", "an operator asks for it", &work.question.institution,
         NULL},
        {"sector", "NUMBER", "an operator compares a list of the general level", &sector,
         NULL},
    };
    int code = EXIT_USAGE;

    if (!cli_options(cli, options, sizeof options / sizeof options[0], 1, 1) ||
        !read_words(&work, quality, sector, since)) {
        return EXIT_USAGE;
    }
    work.path = cli->argv[1];
    work.faults = json_array();
    if (read_file(&work) && open_output(&work, output)) {
        work.caller = directory_open(cli, key, &code);
    }
    if (work.caller != NULL) {
        code = compare_all(&work);
    }
    vg_caller_close(&work.caller);
    if (!close_output(&work)) {
        fprintf(stderr, "%s: %s: %s\n", cli->name, output, strerror(errno));
        code = EXIT_USAGE;
    }
    list_free(&work.file);
    json_decref(work.faults);
    return code;
}
