// SPDX-License-Identifier: EUPL-1.2
#include "edge/archive.h"

#include "edge/clock.h"
#include "flow/replay.h"
#include "store/backup.h"
#include "store/check.h"
#include "store/meta.h"
#include "store/repair.h"

#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PROGRESS_AFTER_US = 2 * 1000 * 1000, PROGRESS_EVERY_US = 500 * 1000 };

typedef unsigned long long number; // as %llu wants it

// ---- telling ----

// A step that takes over two seconds shows how far it is.
struct step {
    const struct inspect_output *output;
    const char *name;
    int64_t began_us;
    int64_t told_us;
};

static void
show_step(double done, void *arg)
{
    struct step *step = arg;
    int64_t now_us = clock_us();

    if (!step->output->json && now_us - step->began_us > PROGRESS_AFTER_US &&
        now_us - step->told_us > PROGRESS_EVERY_US) {
        step->told_us = now_us;
        fprintf(step->output->wrong, "%s%s: %3d %%%s", step->output->progress ? "\r" : "",
                step->name, (int)(done * 100), step->output->progress ? "" : "\n");
        fflush(step->output->wrong);
    }
}

static struct step
step_begin(const struct inspect_output *output, const char *name)
{
    return (struct step){.output = output, .name = name, .began_us = clock_us()};
}

static void
step_end(const struct step *step)
{
    if (step->told_us != 0 && step->output->progress) {
        fprintf(step->output->wrong, "\r%20s\r", "");
    }
}

static int
tell_failure(const char *path, enum vg_status status, const struct why *why,
             const struct inspect_output *output)
{
    struct faults faults = {0};

    faults_add(&faults, status, 0, "%s",
               why->text[0] == 0 ? vg_status_sentence(status) : why->text);
    (void)inspect_faults(path, &faults, output);
    return status == VG_STORE_BROKEN ? INSPECT_UNSOUND : INSPECT_BAD;
}

static void
tell_manifest(const char *what, const char *folder, const struct manifest *manifest,
              const struct inspect_output *output)
{
    if (output->json) {
        json_t *object = json_pack(
            "{s:b, s:s, s:s, s:I, s:I, s:I, s:I}", "good", 1, "folder", folder, "kind",
            manifest->full ? "full" : "increment", "since", (json_int_t)manifest->since,
            "commit", (json_int_t)manifest->commit, "time_us",
            (json_int_t)manifest->time_us, "bytes", (json_int_t)manifest->bytes);

        json_dumpf(object, output->out, JSON_COMPACT | JSON_ENSURE_ASCII);
        fputc('\n', output->out);
        json_decref(object);
        return;
    }
    fprintf(output->out, "%s: %s, %s, commits %llu to %llu, %llu bytes\n", folder, what,
            manifest->full ? "full" : "increment", (number)manifest->since + 1,
            (number)manifest->commit, (number)manifest->bytes);
}

// ---- backup ----

int
archive_backup(const struct settings *settings, const struct archive_choices *choices,
               const struct inspect_output *output)
{
    struct step step = step_begin(output, "copying");
    struct store_options options = {
        .path = settings->store_path,
        .map_bytes = settings->map_bytes,
        .access = STORE_READS,
    };
    struct backup_options backup = {
        .folder = choices->folder,
        .program = VIGIE_VERSION,
        .compact = choices->compact,
        .since = choices->since,
        .progress = show_step,
        .arg = &step,
    };
    AUTO(store_close) struct store *store = NULL;
    struct manifest manifest;
    struct why why = {0};
    enum vg_status status;

    signal(SIGPIPE, SIG_IGN); // the copier's, when the disk is full
    status = store_open(&options, &store, &why);
    if (status == VG_OK) {
        status = backup_write(store, &backup, &manifest, &why);
    }
    step_end(&step);
    if (status != VG_OK) {
        return tell_failure(choices->folder, status, &why, output);
    }
    tell_manifest("backup done", choices->folder, &manifest, output);
    return INSPECT_GOOD;
}

// ---- the point to restore to ----

bool
archive_moment(const char *text, int64_t *ret_us)
{
    struct tm parts = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    int64_t us = 0;

    if (end == NULL) {
        return false;
    }
    if (*end == '.') {
        int64_t unit = 100000;

        for (end++; *end >= '0' && *end <= '9' && unit > 0; end++, unit /= 10) {
            us += (*end - '0') * unit;
        }
    }
    if (strcmp(end, "Z") != 0) {
        return false;
    }
    *ret_us = (int64_t)timegm(&parts) * 1000000 + us;
    return true;
}

struct point {
    bool given;
    bool is_commit;
    uint64_t commit;
    int64_t time_us;
};

static enum vg_status
read_point(const char *text, struct point *ret_point, struct why *why)
{
    *ret_point = (struct point){.given = text != NULL};
    if (text == NULL) {
        return VG_OK;
    }
    if (text[0] != 0 && strspn(text, "0123456789") == strlen(text) && strlen(text) < 19) {
        ret_point->is_commit = true;
        ret_point->commit = strtoull(text, NULL, 10);
        return VG_OK;
    }
    if (archive_moment(text, &ret_point->time_us)) {
        return VG_OK;
    }
    return fail(why, VG_MALFORMED,
                "--to %.40s is neither a commit nor a moment like 2026-11-21T13:00:00Z",
                text);
}

static enum vg_status
meta_of(struct store *store, struct meta *ret_meta, struct why *why)
{
    AUTO(store_abort) struct txn *txn = NULL;
    enum vg_status status = store_read(store, &txn, why);

    return status == VG_OK ? meta_get(txn, ret_meta, why) : status;
}

// Up to which commit a later store brings this one; at most its last.
static enum vg_status
target_in(struct store *later, const struct point *point, const struct meta *meta,
          uint64_t *ret_through, struct why *why)
{
    struct meta last;
    enum vg_status status = meta_of(later, &last, why);

    if (status != VG_OK) {
        return status;
    }
    *ret_through = last.last_commit;
    if (point->given && point->is_commit && point->commit < last.last_commit) {
        *ret_through = point->commit;
    } else if (point->given && !point->is_commit) {
        status = replay_find(later, meta->last_commit, point->time_us, ret_through, why);
    }
    return status;
}

// The backup alone may lie beyond the point, or what was given may end before it.
static enum vg_status
check_point(const struct point *point, const struct meta *meta, bool at_end,
            struct why *why)
{
    if (!point->given) {
        return VG_OK;
    }
    if (point->is_commit ? meta->last_commit > point->commit
                         : meta->last_time_us > point->time_us) {
        return fail(
            why, VG_BAD_FILE,
            "the backup ends at commit %llu, after the point: take an earlier one",
            (number)meta->last_commit);
    }
    if (at_end && point->is_commit && meta->last_commit < point->commit) {
        return fail(why, VG_NOT_FOUND,
                    "what was given ends at commit %llu: name a later store with --with",
                    (number)meta->last_commit);
    }
    return VG_OK;
}

// ---- restore ----

struct restore {
    const struct inspect_output *output;
    struct point point;
    struct store *store;
    struct meta meta; // of it, as far as it has come
};

static enum vg_status
open_later(const char *folder, const struct settings *settings, struct store **ret_later,
           struct why *why)
{
    struct store_options options = {.path = folder, .map_bytes = settings->map_bytes};
    struct manifest manifest;
    enum vg_status status = backup_verify(folder, &manifest, why);

    // A store that a broker may still be writing has no MANIFEST; a backup is what it was.
    if (status != VG_OK && status != VG_NOT_FOUND) {
        return status;
    }
    options.access = status == VG_OK ? STORE_READS_COPY : STORE_READS;
    return store_open(&options, ret_later, why);
}

static enum vg_status
bring_forward(struct restore *restore, const char *folder,
              const struct settings *settings, struct why *why)
{
    AUTO(store_close) struct store *later = NULL;
    struct step step = step_begin(restore->output, "replaying");
    struct replay_report report;
    uint64_t through = 0;
    enum vg_status status = open_later(folder, settings, &later, why);

    if (status == VG_OK) {
        status = target_in(later, &restore->point, &restore->meta, &through, why);
    }
    if (status == VG_OK && through > restore->meta.last_commit) {
        status = replay_commits(restore->store, later, through, &report, show_step, &step,
                                why);
    }
    step_end(&step);
    return status == VG_OK ? meta_of(restore->store, &restore->meta, why) : status;
}

static enum vg_status
bring_all_forward(struct restore *restore, const struct settings *settings,
                  const struct archive_choices *choices, struct why *why)
{
    enum vg_status status = meta_of(restore->store, &restore->meta, why);

    if (status == VG_OK) {
        status = check_point(&restore->point, &restore->meta, false, why);
    }
    for (size_t i = 0; status == VG_OK && i < choices->with_len; i++) {
        status = bring_forward(restore, choices->with[i], settings, why);
    }
    return status == VG_OK ? check_point(&restore->point, &restore->meta, true, why)
                           : status;
}

// False: told already.
static bool
is_sound(struct restore *restore, const char *folder, enum vg_status *status,
         struct why *why)
{
    struct step step = step_begin(restore->output, "verifying");
    struct check_report report;

    *status = store_check(restore->store, &report, show_step, &step, why);
    step_end(&step);
    if (*status != VG_OK || report.faults.total == 0) {
        return true;
    }
    (void)inspect_faults(folder, &report.faults, restore->output);
    return false;
}

static int
restore_into(const char *place, const struct settings *settings,
             const struct archive_choices *choices, struct restore *restore)
{
    struct step step = step_begin(restore->output, "copying");
    struct store_options options = {.path = place, .map_bytes = settings->map_bytes};
    struct manifest manifest;
    struct why why = {0};
    enum vg_status status =
        backup_copy_back(choices->folder, place, &manifest, show_step, &step, &why);

    step_end(&step);
    if (status == VG_OK) {
        status = store_open(&options, &restore->store, &why);
    }
    if (status == VG_OK) {
        status = bring_all_forward(restore, settings, choices, &why);
    }
    if (status == VG_OK && !is_sound(restore, choices->folder, &status, &why)) {
        return INSPECT_UNSOUND;
    }
    if (status == VG_OK) {
        status = restore_mark(restore->store, clock_now().us, &why);
    }
    store_close(&restore->store);
    if (status == VG_OK) {
        status = restore_finish(settings->store_path, &why);
    }
    return status == VG_OK ? INSPECT_GOOD
                           : tell_failure(choices->folder, status, &why, restore->output);
}

static void
tell_restored(const struct settings *settings, const struct restore *restore)
{
    const struct inspect_output *output = restore->output;

    if (output->json) {
        fprintf(output->out, "{\"good\":true,\"store\":\"%s\",\"commit\":%llu}\n",
                settings->store_path, (number)restore->meta.last_commit);
        return;
    }
    fprintf(output->out,
            "%s: restored to commit %llu and verified\n"
            "Numbers after it come again with other contents: sources publish again from "
            "what LastNumber says, members learn of the store's new name.\n",
            settings->store_path, (number)restore->meta.last_commit);
}

int
archive_restore(const struct settings *settings, const struct archive_choices *choices,
                const struct inspect_output *output)
{
    struct restore restore = {.output = output};
    char place[RESTORE_PATH_LEN];
    struct why why = {0};
    int lock = -1;
    int code;
    enum vg_status status = read_point(choices->to, &restore.point, &why);

    if (status == VG_OK) {
        status = restore_begin(settings->store_path, place, &lock, &why);
    }
    if (status != VG_OK) {
        return tell_failure(settings->store_path, status, &why, output);
    }
    code = restore_into(place, settings, choices, &restore);
    store_close(&restore.store);
    restore_end(&lock);
    if (code == INSPECT_GOOD) {
        tell_restored(settings, &restore);
    }
    return code;
}

// ---- repair ----

int
archive_repair(const struct settings *settings, const struct archive_choices *choices,
               const struct inspect_output *output)
{
    struct step step = step_begin(output, "repairing");
    struct store_options options = {
        .path = settings->store_path,
        .map_bytes = settings->map_bytes,
    };
    AUTO(store_close) struct store *store = NULL;
    AUTO(store_close) struct store *backup = NULL;
    struct repair_report report = {.blocks = 0};
    struct why why = {0};
    enum vg_status status = store_open(&options, &store, &why);

    if (status == VG_OK) {
        status = open_later(choices->folder, settings, &backup, &why);
    }
    if (status == VG_OK) {
        status = store_repair(store, backup, &report, show_step, &step, &why);
    }
    step_end(&step);
    if (status != VG_OK) {
        return tell_failure(settings->store_path, status, &why, output);
    }
    if (!output->json) {
        fprintf(output->out,
                "%s: repaired %llu blocks, %llu commits, %llu rows of letters\n",
                settings->store_path, (number)report.blocks, (number)report.commits,
                (number)report.rows);
    }
    if (report.faults.total > 0) {
        (void)inspect_faults(settings->store_path, &report.faults, output);
        return INSPECT_UNSOUND;
    }
    if (output->json) {
        fprintf(output->out,
                "{\"good\":true,\"blocks\":%llu,\"commits\":%llu,\"rows\":%llu}\n",
                (number)report.blocks, (number)report.commits, (number)report.rows);
    }
    return INSPECT_GOOD;
}
