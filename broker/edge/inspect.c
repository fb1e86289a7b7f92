// SPDX-License-Identifier: EUPL-1.2
#include "edge/inspect.h"

#include "edge/catalogue_file.h"
#include "store/check.h"

#include <jansson.h>

// ---- telling ----

static json_t *
faults_json(const struct faults *faults)
{
    json_t *list = json_array();

    for (size_t i = 0; i < faults->len; i++) {
        const struct fault *fault = &faults->fault[i];
        json_t *sentence = json_string(fault->why.text);

        json_array_append_new(
            list, json_pack("{s:i, s:s, s:i, s:s, s:o}", "line", (int)fault->line, "name",
                            vg_status_name(fault->status), "number", (int)fault->status,
                            "remedy", vg_remedy_name(vg_status_remedy(fault->status)),
                            "sentence",
                            sentence != NULL ? sentence : json_string("(not UTF-8)")));
    }
    return list;
}

void
inspect_print(json_t *object, const struct faults *faults,
              const struct inspect_output *output)
{
    json_object_set_new(object, "good", json_boolean(faults->total == 0));
    json_object_set_new(object, "faults", faults_json(faults));
    json_dumpf(object, output->out, JSON_COMPACT | JSON_ENSURE_ASCII);
    fputc('\n', output->out);
    json_decref(object);
}

// Name, number and who can help, as `vigie` tells what the broker refuses.
static void
print_outcome(const char *path, enum vg_status status, struct buffer *text)
{
    buffer_print(text, "%s: %s (%d, %s): %s\n", path, vg_status_name(status), (int)status,
                 vg_remedy_name(vg_status_remedy(status)), vg_status_sentence(status));
}

static int
tell(const char *path, const struct faults *faults, const struct inspect_output *output)
{
    struct buffer text = {0};

    if (output->json) {
        inspect_print(json_pack("{s:s}", "file", path), faults, output);
    } else if (faults->total == 0) {
        fprintf(output->out, "%s: good\n", path);
    } else {
        settings_print_faults(path, faults, &text);
        print_outcome(path, faults_first(faults), &text);
        fwrite(text.at, 1, text.len, output->wrong);
        buffer_free(&text);
    }
    return faults->total == 0 ? INSPECT_GOOD : INSPECT_BAD;
}

int
inspect_faults(const char *path, const struct faults *faults,
               const struct inspect_output *output)
{
    (void)tell(path, faults, output);
    return INSPECT_BAD;
}

// ---- files ----

int
inspect_settings(const char *path, const struct inspect_output *output)
{
    struct settings settings;
    struct faults faults = {0};
    struct buffer text = {0};

    if (output->json) {
        if (settings_read(path, &settings, &faults) != VG_OK && faults.total == 0) {
            faults_add(&faults, VG_BAD_FILE, 0, "the file cannot be read");
        }
        return tell(path, &faults, output);
    }

    enum vg_status status = settings_check(path, &text);

    fwrite(text.at, 1, text.len, status == VG_OK ? output->out : output->wrong);
    buffer_free(&text);
    return status == VG_OK ? INSPECT_GOOD : INSPECT_BAD;
}

int
inspect_catalogue(const char *path, const struct inspect_output *output)
{
    struct faults faults = {0};

    if (catalogue_file_check(path, &faults) != VG_OK && faults.total == 0) {
        faults_add(&faults, VG_BAD_FILE, 0, "the file cannot be read");
    }
    return tell(path, &faults, output);
}

// ---- a store ----

static void
show_progress(double done, void *arg)
{
    const struct inspect_output *output = arg;

    fprintf(output->wrong, "\r%3d %%", (int)(done * 100));
}

static void
tell_report(const char *path, const struct check_report *report,
            const struct inspect_output *output)
{
    if (output->json) {
        inspect_print(
            json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "store", path, "commits",
                      (json_int_t)report->commits, "blocks", (json_int_t)report->blocks,
                      "mailboxes", (json_int_t)report->mailboxes, "letters",
                      (json_int_t)report->letters, "persons", (json_int_t)report->persons,
                      "integrations", (json_int_t)report->integrations),
            &report->faults, output);
        return;
    }
    fprintf(output->out,
            "%s: %llu commits, %llu blocks, %llu mailboxes, %llu letters waiting, "
            "%llu persons, %llu integrations\n",
            path, (unsigned long long)report->commits, (unsigned long long)report->blocks,
            (unsigned long long)report->mailboxes, (unsigned long long)report->letters,
            (unsigned long long)report->persons,
            (unsigned long long)report->integrations);
    for (size_t i = 0; i < report->faults.len; i++) {
        fprintf(output->wrong, "%s: %s\n", path, report->faults.fault[i].why.text);
    }
    if (report->faults.total > 0) {
        fprintf(output->wrong, "%s: %zu faults\n", path, report->faults.total);
    }
}

int
inspect_store(const struct settings *settings, const struct inspect_output *output)
{
    struct store_options options = {
        .path = settings->store_path,
        .map_bytes = settings->map_bytes,
        .quota_bytes = settings->quota_bytes,
    };
    AUTO(store_close) struct store *store = NULL;
    struct check_report report = {0};
    struct why why = {0};
    enum vg_status status = store_open(&options, &store, &why);

    if (status == VG_OK) {
        status = store_check(store, &report, output->progress ? show_progress : NULL,
                             (void *)(uintptr_t)output, &why);
    }
    if (output->progress) {
        fprintf(output->wrong, "\r");
    }
    if (status != VG_OK) {
        struct faults faults = {0};

        faults_add(&faults, status, 0, "%s", why.text);
        (void)tell(settings->store_path, &faults, output);
        return status == VG_STORE_BROKEN ? INSPECT_UNSOUND : INSPECT_BAD;
    }
    tell_report(settings->store_path, &report, output);
    return report.faults.total > 0 ? INSPECT_UNSOUND : INSPECT_GOOD;
}
