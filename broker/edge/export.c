// SPDX-License-Identifier: EUPL-1.2
#include "edge/export.h"

#include "edge/export_items.h"
#include "rules/catalogue.h"
#include "store/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

enum {
    PATH_LEN = SETTING_TEXT_LEN + 64,
    RECORDS_A_VIEW = 1000, // a view that stays open keeps pages from being used again
};

struct export
{
    const struct inspect_output *output;
    const char *folder;
    struct txn *txn;
    struct meta meta;
    struct roster *roster;
    struct export_mark mark;
    uint64_t from;
    FILE *file;
    struct why why;
};

static enum vg_status
fail_file(struct why *why, const char *path)
{
    return fail(why, VG_BAD_FILE, "%s: %s", path, strerror(errno));
}

// ---- how far a folder goes ----

enum vg_status
export_mark_read(const char *folder, struct export_mark *ret_mark, struct why *why)
{
    char path[PATH_LEN];
    char hash[2 * HASH_LEN + 1];
    size_t len = 0;
    FILE *file;
    int got;

    snprintf(path, sizeof path, "%s/exported", folder);
    file = fopen(path, "re");
    if (file == NULL) {
        return errno == ENOENT ? VG_NOT_FOUND : fail_file(why, path);
    }
    got = fscanf(file, "%" SCNu64 " %64s", &ret_mark->commit, hash);
    fclose(file);
    if (got != 2 ||
        sodium_hex2bin(ret_mark->hash.at, HASH_LEN, hash, strlen(hash), NULL, &len,
                       NULL) != 0 ||
        len != HASH_LEN) {
        return fail(why, VG_BAD_FILE, "%s: \"COMMIT HASH\" is expected", path);
    }
    return VG_OK;
}

bool
export_mark_holds(struct txn *txn, const struct export_mark *mark)
{
    struct journal_head head;
    struct buffer record = {0};
    struct meta meta;
    bool holds = false;

    if (meta_get(txn, &meta, NULL) == VG_OK) {
        if (mark->commit + 1 <= meta.first_commit) {
            // What it names is gone: only the last of those can still be compared.
            holds = mark->commit + 1 < meta.first_commit ||
                    memcmp(&mark->hash, &meta.first_hash, HASH_LEN) == 0;
        } else {
            holds = journal_read(txn, mark->commit, &record, &head, NULL) == VG_OK &&
                    memcmp(&mark->hash, &head.hash, HASH_LEN) == 0;
        }
    }
    buffer_free(&record);
    return holds;
}

// ---- files that are whole or not there ----

static enum vg_status
open_part(struct export *export, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    export->file = fd < 0 ? NULL : fdopen(fd, "w");
    return export->file == NULL ? fail_file(&export->why, path) : VG_OK;
}

static enum vg_status
sync_folder(struct export *export)
{
    int fd = open(export->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0) {
        close(fd);
    }
    return good ? VG_OK : fail_file(&export->why, export->folder);
}

// Puts the open file under its name, on disk.
static enum vg_status
finish_part(struct export *export, const char *part, const char *path)
{
    bool good = !ferror(export->file) && fflush(export->file) == 0 &&
                fsync(fileno(export->file)) == 0;

    good &= fclose(export->file) == 0;
    export->file = NULL;
    if (!good || rename(part, path) != 0) {
        return fail_file(&export->why, path);
    }
    return sync_folder(export);
}

static enum vg_status
write_mark(struct export *export)
{
    char part[PATH_LEN], path[PATH_LEN];
    char hash[2 * HASH_LEN + 1];
    enum vg_status status;

    snprintf(part, sizeof part, "%s/exported.part", export->folder);
    snprintf(path, sizeof path, "%s/exported", export->folder);
    status = open_part(export, part);
    if (status == VG_OK) {
        fprintf(export->file, "%" PRIu64 " %s\n", export->mark.commit,
                sodium_bin2hex(hash, sizeof hash, export->mark.hash.at, HASH_LEN));
        status = finish_part(export, part, path);
    }
    return status;
}

// ---- lines ----

// Takes: object.
static void
write_line(struct export *export, json_t *object)
{
    (void)json_dumpf(object, export->file, JSON_COMPACT | JSON_ENSURE_ASCII);
    (void)fputc('\n', export->file);
    json_decref(object);
}

static json_t *
flows_json(struct txn *txn, uint64_t version)
{
    json_t *flows = json_object();
    struct catalogue *catalogue = NULL;
    struct catalogue_row row;
    struct buffer text = {0};
    struct faults faults = {0};

    if (version != 0 && catalogue_get(txn, version, &row, &text) == VG_OK) {
        catalogue = catalogue_parse((const char *)text.at, text.len, &faults);
    }
    for (size_t i = 0; catalogue != NULL && catalogue_flow_at(catalogue, i) != NULL;
         i++) {
        const struct flow *flow = catalogue_flow_at(catalogue, i);
        char id[16];

        snprintf(id, sizeof id, "%u", flow->id);
        json_object_set_new(flows, id, json_string(flow->name));
    }
    catalogue_free(&catalogue);
    buffer_free(&text);
    return flows;
}

static json_t *
institutions_json(const struct roster *roster)
{
    json_t *institutions = json_object();

    for (size_t i = 0; i < roster_len(roster); i++) {
        const struct institution *institution = roster_at(roster, i);
        char id[16];

        snprintf(id, sizeof id, "%u", institution->id);
        json_object_set_new(institutions, id, json_string(institution->code));
    }
    return institutions;
}

static enum vg_status
write_head(struct export *export)
{
    struct incarnation incarnation;
    char store[17];
    enum vg_status status = incarnation_get(export->txn, &incarnation);

    if (status != VG_OK) {
        return status;
    }
    snprintf(store, sizeof store, "%016" PRIx64, incarnation.id);
    write_line(export, json_pack("{s:i, s:s, s:I, s:I, s:o, s:o}", "journal", 1, "store",
                                 store, "from", (json_int_t) export->from, "through",
                                 (json_int_t) export->meta.last_commit, "institutions",
                                 institutions_json(export->roster), "flows",
                                 flows_json(export->txn, export->meta.catalogue)));
    return VG_OK;
}

static json_t *
hex_json(const struct hash *hash)
{
    char hex[2 * HASH_LEN + 1];

    return json_string(sodium_bin2hex(hex, sizeof hex, hash->at, HASH_LEN));
}

static json_t *
base64_json(const uint8_t *at, size_t len)
{
    size_t size = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
    char *text = xcalloc(1, size);
    json_t *json = json_string(
        sodium_bin2base64(text, size, at, len, sodium_base64_VARIANT_ORIGINAL));

    free(text);
    return json;
}

static void
write_record(struct export *export, const struct buffer *record,
             const struct journal_head *head)
{
    json_t *items = json_array();
    struct journal_item item;
    size_t offset = 0;

    while (journal_next(record, &offset, &item)) {
        json_array_append_new(items, export_item(&item, export->roster));
    }
    write_line(export,
               json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "commit",
                         (json_int_t)head->commit, "batch", (json_int_t)head->batch,
                         "time", json_moment((uint64_t)head->time_us), "previous",
                         hex_json(&head->previous), "hash", hex_json(&head->hash),
                         "items", items, "record",
                         base64_json(record->at, record->len - HASH_LEN)));
}

static enum vg_status
write_records(struct export *export)
{
    struct buffer record = {0};
    struct journal_head head;
    enum vg_status status = VG_OK;

    for (uint64_t commit = export->from;
         status == VG_OK && commit <= export->meta.last_commit; commit++) {
        if (commit % RECORDS_A_VIEW == 0) {
            store_read_rest(export->txn);
            status = store_read_renew(export->txn);
        }
        if (status == VG_OK) {
            status = journal_read(export->txn, commit, &record, &head, &export->why);
        }
        if (status == VG_OK) {
            write_record(export, &record, &head);
            export->mark = (struct export_mark){commit, head.hash};
        }
        if (export->output->progress && commit % RECORDS_A_VIEW == 0) {
            fprintf(export->output->wrong, "\r%3d %%",
                    (int)((commit - export->from) * 100 /
                          (export->meta.last_commit - export->from + 1)));
        }
    }
    buffer_free(&record);
    return status;
}

// ---- the whole ----

static bool
know_institution(const struct institution *institution, void *roster)
{
    roster_put(roster, institution);
    return true;
}

// Where it goes on. VG_STORE_BROKEN: the folder is another store's.
static enum vg_status
find_begin(struct export *export)
{
    enum vg_status status = export_mark_read(export->folder, &export->mark, &export->why);

    if (status == VG_NOT_FOUND) {
        export->mark = (struct export_mark){.commit = 0};
        status = VG_OK;
    } else if (status == VG_OK && !export_mark_holds(export->txn, &export->mark)) {
        return fail(&export->why, VG_STORE_BROKEN,
                    "%s ends with commit %" PRIu64 " of another journal", export->folder,
                    export->mark.commit);
    }
    export->from = export->mark.commit + 1 > export->meta.first_commit
                       ? export->mark.commit + 1
                       : export->meta.first_commit;
    return status;
}

static enum vg_status
begin_export(struct export *export, struct store *store)
{
    enum vg_status status = store_read(store, &export->txn, &export->why);

    if (status == VG_OK) {
        status = meta_get(export->txn, &export->meta, &export->why);
    }
    if (status == VG_OK) {
        export->roster = roster_new();
        status = institution_each(export->txn, know_institution, export->roster);
    }
    return status == VG_OK ? find_begin(export) : status;
}

static enum vg_status
write_file(struct export *export, char path[PATH_LEN])
{
    char part[PATH_LEN];
    enum vg_status status;

    snprintf(part, sizeof part, "%s/journal.part", export->folder);
    snprintf(path, PATH_LEN, "%s/journal-%" PRIu64 "-%" PRIu64 ".jsonl", export->folder,
             export->from, export->meta.last_commit);
    status = open_part(export, part);
    if (status == VG_OK) {
        status = write_head(export);
    }
    if (status == VG_OK) {
        status = write_records(export);
    }
    if (status == VG_OK) {
        status = finish_part(export, part, path);
    }
    return status == VG_OK ? write_mark(export) : status;
}

static void
tell_done(const struct export *export, const char *path, uint64_t missing)
{
    const struct inspect_output *output = export->output;
    uint64_t commits = export->meta.last_commit + 1 - export->from;

    if (output->json) {
        json_t *object = json_pack("{s:s, s:I, s:I, s:I}", "file", path, "from",
                                   (json_int_t) export->from, "commits",
                                   (json_int_t)commits, "missing", (json_int_t)missing);

        (void)json_dumpf(object, output->out, JSON_COMPACT);
        (void)fputc('\n', output->out);
        json_decref(object);
    } else if (commits == 0) {
        fprintf(output->out, "%s: nothing new after commit %" PRIu64 "\n", export->folder,
                export->mark.commit);
    } else {
        fprintf(output->out, "%s: %" PRIu64 " commits\n", path, commits);
    }
    if (missing > 0) {
        fprintf(output->wrong,
                "%s: the %" PRIu64 " commits before %" PRIu64
                " went before they were exported\n",
                export->folder, missing, export->from);
    }
}

static int
tell_failed(const struct export *export, enum vg_status status)
{
    struct faults faults = {0};
    const char *words = export->why.text;

    faults_add(&faults, status, 0, "%s",
               words[0] == 0 ? vg_status_sentence(status) : words);
    (void)inspect_faults(export->folder, &faults, export->output);
    return status == VG_STORE_BROKEN ? INSPECT_UNSOUND : INSPECT_BAD;
}

int
export_journal(const struct settings *settings, const char *folder,
               const struct inspect_output *output)
{
    struct store_options options = {.path = settings->store_path,
                                    .map_bytes = settings->map_bytes,
                                    .quota_bytes = settings->quota_bytes,
                                    .access = STORE_READS};
    AUTO(store_close) struct store *store = NULL;
    struct export export = {.output = output, .folder = folder};
    char path[PATH_LEN] = "";
    uint64_t missing = 0;
    enum vg_status status = store_open(&options, &store, &export.why);

    if (status == VG_OK) {
        status = begin_export(&export, store);
    }
    if (status == VG_OK) {
        missing = export.from - (export.mark.commit + 1);
        if (export.from <= export.meta.last_commit) {
            status = write_file(&export, path);
        }
    }
    if (export.file != NULL) {
        fclose(export.file);
    }
    store_abort(&export.txn);
    roster_free(&export.roster);
    if (status != VG_OK) {
        return tell_failed(&export, status);
    }
    tell_done(&export, path, missing);
    return missing > 0 ? INSPECT_BAD : INSPECT_GOOD;
}
