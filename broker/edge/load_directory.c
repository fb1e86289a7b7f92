// SPDX-License-Identifier: EUPL-1.2
#include "edge/load_directory.h"

#include "edge/catalogue_file.h"
#include "edge/clock.h"
#include "edge/intake.h"
#include "edge/thread.h"
#include "flow/apply.h"
#include "image/image.h"
#include "rules/directory.h"
#include "store/meta.h"

#include <stdlib.h>
#include <string.h>

enum {
    PART_PERSONS = 32768, // of one commit
    PART_ROWS = 16 * PART_PERSONS,
    TERMS = 65536, // a power of two
    PROGRESS_MS = 500,
};

_Static_assert((unsigned)IMAGE_ROWS_MAX <= (unsigned)INTEGRATIONS_PER_PERSON_MAX,
               "each finds room");

// A row judged before: few of 170 million differ in these.
struct term {
    struct image_row row;
    struct integration integration; // of institution 0: none yet
};

// What becomes one commit.
struct part {
    struct loaded_person *persons;
    struct integration *rows;
    size_t persons_len;
    size_t rows_len;
};

struct loader {
    const struct settings *settings;
    const struct inspect_output *output;
    struct intake *intake;
    struct store *store;
    struct applier *applier;
    struct roster *roster;
    uint64_t last_batch;
    struct directory_context context;
    const struct institution **institutions; // by place in the stream
    uint32_t institutions_len;
    struct term *terms;
    struct part parts[2]; // one is read and judged while the other is committed
    struct part *reading;
    struct part *committing; // NULL: none
    pthread_t committer;
    enum vg_status committed; // what came of it
    struct why committed_why;
    uint64_t persons_read;
    uint64_t persons_loaded;
    uint64_t rows_loaded;
    int64_t begun_ms;
    int64_t shown_ms;
    struct faults found; // of one number or row
    struct faults faults;
};

// ---- commands ----

// Takes: batch. All of it in one commit; the first refusal is the answer.
static enum vg_status
apply_all(struct loader *loader, struct batch *batch, struct why *why)
{
    struct store_room room = {0};
    enum vg_status status = store_room(loader->store, &room);

    batch->id = ++loader->last_batch;
    batch->time = clock_now();
    batch->test_persons = loader->settings->test_persons;
    batch->no_room = room.used_bytes >= room.quota_bytes ||
                     room.disk_free_bytes < loader->settings->disk_reserve_bytes;
    if (status == VG_OK) {
        status = apply_batch(loader->applier, batch, why);
    }
    for (const struct command *command = batch->first; status == VG_OK && command != NULL;
         command = command->next) {
        if (command->status != VG_OK) {
            status = fail(why, command->status, "%s", command_words(command));
        }
    }
    batch_free(&batch);
    return status;
}

static enum vg_status
apply_command(struct loader *loader, struct command *command, struct why *why)
{
    struct batch *batch = xcalloc(1, sizeof *batch);

    batch_add(batch, command);
    return apply_all(loader, batch, why);
}

static enum vg_status
load_catalogue(struct loader *loader, struct why *why)
{
    struct command *command = NULL;
    struct txn *txn = NULL;
    enum vg_status status = store_read(loader->store, &txn, why);

    if (status == VG_OK && loader->settings->catalogue_file[0] != 0) {
        status =
            catalogue_file_news(loader->settings->catalogue_file, txn, &command, why);
    }
    store_abort(&txn);
    if (status == VG_OK && command != NULL) {
        status = apply_command(loader, command, why);
    }
    loader->context.catalogue = applier_catalogue(loader->applier);
    if (status == VG_OK && loader->context.catalogue == NULL) {
        return fail(why, VG_BAD_CATALOGUE, "no catalogue is in force");
    }
    return status;
}

static enum vg_status
open_loader(struct loader *loader, struct why *why)
{
    struct store_options options = {
        .path = loader->settings->store_path,
        .map_bytes = loader->settings->map_bytes,
        .quota_bytes = loader->settings->quota_bytes,
        .create = true,
    };
    struct txn *txn = NULL;
    struct meta meta;
    enum vg_status status = store_open(&options, &loader->store, why);

    if (status == VG_OK) {
        status = store_read(loader->store, &txn, why);
    }
    if (status == VG_OK) {
        status = meta_get(txn, &meta, why);
        loader->last_batch = meta.last_batch;
    }
    store_abort(&txn);
    if (status == VG_OK) {
        status = applier_open(loader->store, &loader->applier, why);
    }
    return status == VG_OK ? load_catalogue(loader, why) : status;
}

// ---- the stream ----

// Lends: the next struct or structs of the stream, until the next call.
static enum vg_status
take(struct loader *loader, size_t len, const void **ret_at, struct why *why)
{
    enum vg_status status = intake_take(loader->intake, len, ret_at, why);

    return status != VG_NOT_FOUND
               ? status
               : fail(why, VG_BAD_FILE, "the stream was cut short after person %llu",
                      (unsigned long long)loader->persons_read);
}

static enum vg_status
add_institution(struct loader *loader, const struct image_institution *image,
                struct batch *batch, struct why *why)
{
    const struct sector *sector =
        catalogue_sector_by_name(loader->context.catalogue, image->sector);
    struct command *command;

    if (sector == NULL) {
        return fail(why, VG_NOT_FOUND,
                    "institution %s: the catalogue has no sector \"%s\"", image->code,
                    image->sector);
    }
    command = command_new(COMMAND_ADD_INSTITUTION, NULL, 0);
    command->add_institution.institution.sector = sector->number;
    command->add_institution.institution.number = image->number;
    memcpy(command->add_institution.institution.code, image->code, sizeof image->code);
    batch_add(batch, command);
    return VG_OK;
}

// Registers those that are not there yet.
static enum vg_status
register_institutions(struct loader *loader, const struct image_institution *images,
                      uint32_t len, struct why *why)
{
    struct roster *roster = applier_roster(loader->applier);
    struct batch *batch = xcalloc(1, sizeof *batch);
    enum vg_status status = VG_OK;

    for (uint32_t i = 0; status == VG_OK && i < len; i++) {
        if (roster_by_code(roster, bytes_of(images[i].code)) == NULL) {
            status = add_institution(loader, &images[i], batch, why);
        }
    }
    roster_free(&roster);
    if (status != VG_OK || batch->first == NULL) {
        batch_free(&batch);
        return status;
    }
    return apply_all(loader, batch, why);
}

static enum vg_status
read_institutions(struct loader *loader, struct why *why)
{
    const void *at = NULL;
    struct image_head head;
    struct image_institution *images;
    enum vg_status status = take(loader, sizeof head, &at, why);

    if (status != VG_OK) {
        return status;
    }
    memcpy(&head, at, sizeof head);
    if (head.magic != IMAGE_MAGIC || head.institutions > IMAGE_INSTITUTIONS_MAX) {
        return fail(why, VG_MALFORMED, "this is not a directory (proto/image/image.h)");
    }
    images = xcalloc(head.institutions + 1, sizeof *images);
    for (uint32_t i = 0; status == VG_OK && i < head.institutions; i++) {
        status = take(loader, sizeof *images, &at, why);
        if (status == VG_OK) {
            memcpy(&images[i], at, sizeof *images);
        }
        images[i].code[IMAGE_NAME_LEN - 1] = images[i].sector[IMAGE_NAME_LEN - 1] = 0;
    }
    if (status == VG_OK) {
        status = register_institutions(loader, images, head.institutions, why);
    }
    loader->roster = applier_roster(loader->applier);
    loader->institutions = xcalloc(head.institutions + 1, sizeof *loader->institutions);
    loader->institutions_len = head.institutions;
    for (uint32_t i = 0; status == VG_OK && i < head.institutions; i++) {
        loader->institutions[i] =
            roster_by_code(loader->roster, bytes_of(images[i].code));
        CHECK(loader->institutions[i] != NULL);
    }
    free(images);
    return status;
}

// ---- persons ----

static struct term *
term_of(struct loader *loader, const struct image_row *row)
{
    uint64_t mix =
        ((uint64_t)row->institution << 32 | row->begin) ^
        ((uint64_t)row->quality << 48 | row->end) * UINT64_C(0x9e3779b97f4a7c15);

    return &loader->terms[mix * UINT64_C(0xff51afd7ed558ccd) >> 48 & (TERMS - 1)];
}

// Those of one number or row, under the person's place in the stream.
static void
add_faults(struct loader *loader)
{
    for (size_t i = 0; i < loader->found.len; i++) {
        const struct fault *fault = &loader->found.fault[i];

        faults_add(&loader->faults, fault->status, 0, "person %llu: %s",
                   (unsigned long long)loader->persons_read, fault->why.text);
    }
    loader->found.len = loader->found.total = 0;
}

static bool
same_row(const struct image_row *a, const struct image_row *b)
{
    return a->institution == b->institution && a->begin == b->begin &&
           a->quality == b->quality && a->end == b->end;
}

static void
judge_row(struct loader *loader, const struct image_row *row,
          struct integration *ret_integration)
{
    struct term *term = term_of(loader, row);

    if (term->integration.institution != 0 && same_row(&term->row, row)) {
        *ret_integration = term->integration;
        return;
    }
    if (row->institution >= loader->institutions_len) {
        faults_add(&loader->found, VG_MALFORMED, 0, "institution %u of %u",
                   row->institution, loader->institutions_len);
    } else {
        loader->context.institution = loader->institutions[row->institution];
        directory_judge_term(&loader->context, row->quality, row->begin, row->end,
                             ret_integration, &loader->found);
    }
    if (loader->found.total > 0) {
        add_faults(loader);
        return;
    }
    *term = (struct term){*row, *ret_integration};
}

static void
show_progress(struct loader *loader)
{
    int64_t now_ms = clock_ms();

    if (!loader->output->progress || now_ms - loader->shown_ms < PROGRESS_MS) {
        return;
    }
    loader->shown_ms = now_ms;
    fprintf(loader->output->wrong, "\r%12llu persons, %12llu integrations",
            (unsigned long long)loader->persons_loaded,
            (unsigned long long)loader->rows_loaded);
}

// ---- commits ----
//
// A part is applied and synced by a thread of its own while the next one is read and judged:
// two cores are busy, and reading does not wait for the disk (7.8 -> 10.8 million rows/s).

static void *
commit_part(void *arg)
{
    struct loader *loader = arg;
    struct command *command = command_new(COMMAND_LOAD_PERSONS, NULL, 0);

    command->load_persons.persons = loader->committing->persons;
    command->load_persons.persons_len = loader->committing->persons_len;
    command->load_persons.rows = loader->committing->rows;
    loader->committed = apply_command(loader, command, &loader->committed_why);
    return NULL;
}

// Waits for the part that is being committed, if one is.
static enum vg_status
await_part(struct loader *loader, struct why *why)
{
    struct part *part = loader->committing;

    if (part == NULL) {
        return VG_OK;
    }
    CHECK(pthread_join(loader->committer, NULL) == 0);
    loader->committing = NULL;
    if (loader->committed != VG_OK) {
        return fail(why, loader->committed, "%s", loader->committed_why.text);
    }
    loader->persons_loaded += part->persons_len;
    loader->rows_loaded += part->rows_len;
    part->persons_len = part->rows_len = 0;
    show_progress(loader);
    return VG_OK;
}

// Begins to commit what was read; the other part is free then to be read into.
static enum vg_status
load_part(struct loader *loader, struct why *why)
{
    enum vg_status status = await_part(loader, why);

    if (status != VG_OK) {
        return status;
    }
    if (loader->faults.total > 0) { // read on, to tell them all
        loader->reading->persons_len = loader->reading->rows_len = 0;
        return VG_OK;
    }
    loader->committing = loader->reading;
    loader->reading = &loader->parts[loader->reading == loader->parts];
    if (!thread_start(&loader->committer, "load", commit_part, loader)) {
        loader->committing = NULL;
        return fail(why, VG_BUSY, "the system has no thread for it");
    }
    return VG_OK;
}

// ---- persons ----

static enum vg_status
read_person(struct loader *loader, struct image_person person, struct why *why)
{
    const struct image_row *images;
    struct part *part = loader->reading;
    struct integration *rows;
    size_t rows_len = person.rows;
    const void *at = NULL;
    enum vg_status status;

    loader->persons_read++;
    if (person.rows == 0 || person.rows > IMAGE_ROWS_MAX) {
        return fail(why, VG_MALFORMED, "person %llu has %u integrations, 1 to %d may be",
                    (unsigned long long)loader->persons_read, person.rows,
                    IMAGE_ROWS_MAX);
    }
    status = take(loader, person.rows * sizeof *images, &at, why);
    if (status == VG_OK &&
        (part->persons_len == PART_PERSONS || part->rows_len + person.rows > PART_ROWS)) {
        status = load_part(loader, why);
        part = loader->reading;
    }
    if (status != VG_OK) {
        return status;
    }
    images = at;
    (void)directory_judge_number(&loader->context, person.niss, &loader->found);
    add_faults(loader);
    rows = part->rows + part->rows_len;
    for (size_t i = 0; i < rows_len; i++) {
        judge_row(loader, &images[i], &rows[i]);
    }
    directory_order(rows, &rows_len);
    part->persons[part->persons_len++] =
        (struct loaded_person){person.niss, (uint32_t)rows_len};
    part->rows_len += rows_len;
    return VG_OK;
}

static enum vg_status
read_persons(struct loader *loader, struct why *why)
{
    enum vg_status status;

    for (;;) {
        const void *at = NULL;
        struct image_person person;

        status = take(loader, sizeof person, &at, why);
        if (status != VG_OK) {
            return status;
        }
        memcpy(&person, at, sizeof person);
        if (person.niss == 0) {
            return loader->reading->persons_len > 0 ? load_part(loader, why) : VG_OK;
        }
        status = read_person(loader, person, why);
        if (status != VG_OK) {
            return status;
        }
    }
}

// ---- all of it ----

static int
tell_loaded(const struct loader *loader, const char *path)
{
    double seconds = (double)(clock_ms() - loader->begun_ms) / 1000;
    FILE *out = loader->output->out;

    if (loader->faults.total > 0) {
        fprintf(loader->output->wrong, "%s: %llu persons were loaded before\n", path,
                (unsigned long long)loader->persons_loaded);
        return inspect_faults(path, &loader->faults, loader->output);
    }
    if (loader->output->json) {
        fprintf(out,
                "{\"good\":true,\"persons\":%llu,\"integrations\":%llu,"
                "\"seconds\":%.3f}\n",
                (unsigned long long)loader->persons_loaded,
                (unsigned long long)loader->rows_loaded, seconds);
    } else {
        fprintf(out, "%llu persons, %llu integrations loaded in %.1f s, %.1f million/s\n",
                (unsigned long long)loader->persons_loaded,
                (unsigned long long)loader->rows_loaded, seconds,
                (double)loader->rows_loaded / (seconds > 0 ? seconds : 1) / 1e6);
    }
    return INSPECT_GOOD;
}

static enum vg_status
load(struct loader *loader, const char *path, struct why *why)
{
    enum vg_status status = intake_open(path, &loader->intake, why);

    if (status == VG_OK) {
        status = open_loader(loader, why);
    }
    if (status == VG_OK) {
        status = read_institutions(loader, why);
    }
    if (status == VG_OK) {
        status = read_persons(loader, why);
    }

    enum vg_status last = await_part(loader, status == VG_OK ? why : NULL);

    return status == VG_OK ? last : status;
}

static void
close_loader(struct loader *loader)
{
    applier_close(&loader->applier);
    store_close(&loader->store);
    roster_free(&loader->roster);
    intake_close(&loader->intake);
    free(loader->institutions);
    free(loader->terms);
    for (size_t i = 0; i < ARRAY_LEN(loader->parts); i++) {
        free(loader->parts[i].persons);
        free(loader->parts[i].rows);
    }
    free(loader);
}

int
load_directory(const struct settings *settings, const char *path,
               const struct inspect_output *output)
{
    struct loader *loader = xcalloc(1, sizeof *loader);
    struct why why = {{0}};
    enum vg_status status;
    int code;

    loader->settings = settings;
    loader->output = output;
    loader->begun_ms = loader->shown_ms = clock_ms();
    loader->context.today = day_in_brussels(clock_now());
    loader->context.test_persons = settings->test_persons;
    loader->terms = xcalloc(TERMS, sizeof *loader->terms);
    for (size_t i = 0; i < ARRAY_LEN(loader->parts); i++) {
        loader->parts[i].persons = xcalloc(PART_PERSONS, sizeof(struct loaded_person));
        loader->parts[i].rows = xcalloc(PART_ROWS, sizeof(struct integration));
    }
    loader->reading = loader->parts;
    status = load(loader, path, &why);
    if (output->progress) {
        fprintf(output->wrong, "\r");
    }
    if (status != VG_OK) {
        faults_add(&loader->faults, status, 0, "%s", why.text);
    }
    code = tell_loaded(loader, path);
    close_loader(loader);
    return code;
}
