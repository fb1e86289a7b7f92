// SPDX-License-Identifier: EUPL-1.2
#include "edge/load_directory.h"

#include "edge/catalogue_file.h"
#include "edge/clock.h"
#include "flow/apply.h"
#include "image/image.h"
#include "rules/directory.h"
#include "store/meta.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    PART_PERSONS = 32768, // of one commit
    PART_ROWS = 16 * PART_PERSONS,
    TERMS = 65536, // a power of two
    STREAM_BUFFER = 1 << 20,
    PROGRESS_MS = 500,
};

_Static_assert((unsigned)IMAGE_ROWS_MAX <= (unsigned)INTEGRATIONS_PER_PERSON_MAX,
               "each finds room");

// A row judged before: few of 170 million differ in these.
struct term {
    struct image_row row;
    bool known;
    struct integration integration;
};

struct loader {
    const struct settings *settings;
    const struct inspect_output *output;
    FILE *stream;
    struct store *store;
    struct applier *applier;
    struct roster *roster;
    uint64_t last_batch;
    struct directory_context context;
    const struct institution **institutions; // by place in the stream
    uint32_t institutions_len;
    struct term *terms;
    struct loaded_person *persons; // of the part that is being read
    struct integration *rows;
    size_t persons_len;
    size_t rows_len;
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

static enum vg_status
read_struct(struct loader *loader, void *ret, size_t len, struct why *why)
{
    if (fread(ret, 1, len, loader->stream) == len) {
        return VG_OK;
    }
    return ferror(loader->stream)
               ? fail(why, VG_BAD_FILE, "reading failed: %s", strerror(errno))
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
    struct image_head head;
    struct image_institution *images;
    enum vg_status status = read_struct(loader, &head, sizeof head, why);

    if (status != VG_OK) {
        return status;
    }
    if (head.magic != IMAGE_MAGIC || head.institutions > IMAGE_INSTITUTIONS_MAX) {
        return fail(why, VG_MALFORMED, "this is not a directory (proto/image/image.h)");
    }
    images = xcalloc(head.institutions + 1, sizeof *images);
    for (uint32_t i = 0; status == VG_OK && i < head.institutions; i++) {
        status = read_struct(loader, &images[i], sizeof *images, why);
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

static void
judge_row(struct loader *loader, const struct image_row *row,
          struct integration *ret_integration)
{
    struct term *term = term_of(loader, row);

    if (term->known && memcmp(&term->row, row, sizeof *row) == 0) {
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
    *term = (struct term){*row, true, *ret_integration};
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

static enum vg_status
load_part(struct loader *loader, struct why *why)
{
    struct command *command;
    enum vg_status status;

    if (loader->faults.total > 0) { // read on, to tell them all
        loader->persons_len = loader->rows_len = 0;
        return VG_OK;
    }
    command = command_new(COMMAND_LOAD_PERSONS, NULL, 0);
    command->load_persons.persons = loader->persons;
    command->load_persons.persons_len = loader->persons_len;
    command->load_persons.rows = loader->rows;
    status = apply_command(loader, command, why);
    if (status == VG_OK) {
        loader->persons_loaded += loader->persons_len;
        loader->rows_loaded += loader->rows_len;
        loader->persons_len = loader->rows_len = 0;
        show_progress(loader);
    }
    return status;
}

static enum vg_status
read_person(struct loader *loader, const struct image_person *person, struct why *why)
{
    struct image_row images[IMAGE_ROWS_MAX];
    enum vg_status status;

    loader->persons_read++;
    if (person->rows == 0 || person->rows > IMAGE_ROWS_MAX) {
        return fail(why, VG_MALFORMED, "person %llu has %u integrations, 1 to %d may be",
                    (unsigned long long)loader->persons_read, person->rows,
                    IMAGE_ROWS_MAX);
    }
    status = read_struct(loader, images, person->rows * sizeof *images, why);
    if (status == VG_OK && (loader->persons_len == PART_PERSONS ||
                            loader->rows_len + person->rows > PART_ROWS)) {
        status = load_part(loader, why);
    }
    if (status != VG_OK) {
        return status;
    }
    (void)directory_judge_number(&loader->context, person->niss, &loader->found);
    add_faults(loader);
    for (uint32_t i = 0; i < person->rows; i++) {
        judge_row(loader, &images[i], &loader->rows[loader->rows_len + i]);
    }
    loader->persons[loader->persons_len++] =
        (struct loaded_person){person->niss, person->rows};
    loader->rows_len += person->rows;
    return VG_OK;
}

static enum vg_status
read_persons(struct loader *loader, struct why *why)
{
    struct image_person person;
    enum vg_status status = read_struct(loader, &person, sizeof person, why);

    while (status == VG_OK && person.niss != 0) {
        status = read_person(loader, &person, why);
        if (status == VG_OK) {
            status = read_struct(loader, &person, sizeof person, why);
        }
    }
    return status == VG_OK && loader->persons_len > 0 ? load_part(loader, why) : status;
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
    enum vg_status status;

    loader->stream = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
    if (loader->stream == NULL) {
        return fail(why, VG_BAD_FILE, "cannot open it: %s", strerror(errno));
    }
    setvbuf(loader->stream, NULL, _IOFBF, STREAM_BUFFER);
    status = open_loader(loader, why);
    if (status == VG_OK) {
        status = read_institutions(loader, why);
    }
    return status == VG_OK ? read_persons(loader, why) : status;
}

static void
close_loader(struct loader *loader)
{
    applier_close(&loader->applier);
    store_close(&loader->store);
    roster_free(&loader->roster);
    if (loader->stream != NULL && loader->stream != stdin) {
        fclose(loader->stream);
    }
    free(loader->institutions);
    free(loader->terms);
    free(loader->persons);
    free(loader->rows);
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
    loader->persons = xcalloc(PART_PERSONS, sizeof *loader->persons);
    loader->rows = xcalloc(PART_ROWS, sizeof *loader->rows);
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
