// SPDX-License-Identifier: EUPL-1.2
#include "edge/verify_journal.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "anchor/passage.h"
#include "edge/catalogue_file.h"
#include "store/anchors.h"
#include "store/journal.h"
#include "store/meta.h"

// The writer's pages are not held up for longer than this takes.
enum { SLICE_RECORDS = 20000, SLICE_BYTES = 64 << 20 };

struct verifying {
    struct store *store;
    struct txn *txn;
    struct passage *passage; // NULL: no anchor is asked
    struct buffer record;
    struct hash before; // of the last record
    bool follows;       // the next one must follow on it
    uint64_t first;     // commit that was read, 0: none
    uint64_t last;
    uint64_t next;
    uint64_t end;
    uint64_t records; // that hold
    struct faults faults;
    char words[PASSAGE_WORDS_LEN]; // of the anchors, "": none was asked
    enum passage_verdict verdict;
    bool anchors_read; // of the file
};

// ---- anchors ----

static enum vg_status
add_file(struct verifying *verifying, const char *path, struct why *why)
{
    AUTO(buffer_free) struct buffer text = {0};
    char words[PASSAGE_WORDS_LEN];
    enum vg_status status = catalogue_file_read(path, &text, why);

    if (status != VG_OK) {
        return status;
    }
    buffer_add(&text, "", 1);
    verifying->anchors_read = true;
    return passage_add_text(verifying->passage, (const char *)text.at, words)
               ? VG_OK
               : fail(why, VG_BAD_FILE, "%.60s: %.90s", path, words);
}

static bool
add_own(const struct anchor *anchor, void *arg)
{
    struct verifying *verifying = arg;
    char words[PASSAGE_WORDS_LEN];

    if (!passage_add(verifying->passage, anchor, words)) {
        faults_add(&verifying->faults, VG_STORE_BROKEN, 0, "%s", words);
    }
    return true;
}

static enum vg_status
add_anchors(struct verifying *verifying, const struct verify_choices *choices,
            struct why *why)
{
    uint8_t key[ANCHOR_KEY_LEN];
    enum vg_status status;

    if (choices->key == NULL) {
        return VG_OK;
    }
    if (!anchor_key_read(choices->key, key)) {
        return fail(why, VG_MALFORMED, "--key \"%.8s%s\" is none: 64 hexadecimal digits",
                    choices->key, strlen(choices->key) > 8 ? "..." : "");
    }
    verifying->passage = passage_new(key);
    if (choices->anchors != NULL) {
        return add_file(verifying, choices->anchors, why);
    }
    status = anchors_each(verifying->txn, add_own, verifying);
    return status == VG_OK ? VG_OK : fail(why, status, "the anchors cannot be read");
}

// ---- the chain ----

static void
take_record(struct verifying *verifying, uint64_t commit)
{
    struct journal_head head;
    struct why why;

    if (journal_read(verifying->txn, commit, &verifying->record, &head, &why) != VG_OK) {
        faults_add(&verifying->faults, VG_STORE_BROKEN, 0, "%s", why.text);
        verifying->follows = false;
        return;
    }
    if (verifying->follows &&
        memcmp(&head.previous, &verifying->before, sizeof head.previous) != 0) {
        faults_add(&verifying->faults, VG_STORE_BROKEN, 0,
                   "commit %" PRIu64 " does not follow on the one before", commit);
    } else {
        verifying->records++;
    }
    if (verifying->passage != NULL) {
        passage_record(verifying->passage, commit, head.previous.at, head.hash.at);
    }
    verifying->first = verifying->first == 0 ? commit : verifying->first;
    verifying->last = commit;
    verifying->before = head.hash;
    verifying->follows = true;
}

static enum vg_status
begin(struct verifying *verifying, struct why *why)
{
    struct meta meta;
    enum vg_status status = meta_get(verifying->txn, &meta, why);

    if (status == VG_OK) {
        verifying->next = meta.first_commit;
        verifying->end = meta.last_commit;
        verifying->before = meta.first_hash;
        verifying->follows = true;
    }
    return status;
}

// Retention may have let records go that were to come.
static enum vg_status
renew(struct verifying *verifying, struct why *why)
{
    struct meta meta;
    enum vg_status status;

    store_read_rest(verifying->txn);
    status = store_read_renew(verifying->txn);
    if (status == VG_OK) {
        status = meta_get(verifying->txn, &meta, why);
    }
    if (status == VG_OK && meta.first_commit > verifying->next) {
        verifying->next = meta.first_commit;
        verifying->follows = false;
    }
    return status;
}

static enum vg_status
walk(struct verifying *verifying, const struct inspect_output *output, struct why *why)
{
    uint64_t first = verifying->next;
    enum vg_status status = VG_OK;

    while (status == VG_OK && verifying->next <= verifying->end) {
        size_t bytes = 0;

        for (size_t i = 0; i < SLICE_RECORDS && bytes < SLICE_BYTES &&
                           verifying->next <= verifying->end;
             i++) {
            take_record(verifying, verifying->next++);
            bytes += verifying->record.len;
        }
        if (output->progress) {
            fprintf(
                output->wrong, "\r%3d %%",
                (int)(100 * (verifying->next - first) / (verifying->end - first + 1)));
        }
        status = renew(verifying, why);
    }
    if (output->progress) {
        fprintf(output->wrong, "\r");
    }
    return status;
}

// ---- telling ----

static void
tell(const struct verifying *verifying, const char *path,
     const struct inspect_output *output)
{
    const struct faults *faults = &verifying->faults;
    char hash[2 * HASH_LEN + 1];
    bool good = faults->total == 0 && verifying->verdict == PASSAGE_THROUGH;

    sodium_bin2hex(hash, sizeof hash, verifying->before.at, HASH_LEN);
    if (output->json) {
        inspect_print(json_pack("{s:s,s:I,s:I,s:I,s:s,s:s*}", "store", path, "records",
                                (json_int_t)verifying->records, "from",
                                (json_int_t)verifying->first, "through",
                                (json_int_t)verifying->last, "hash", hash, "anchors",
                                verifying->words[0] != 0 ? verifying->words : NULL),
                      faults, output);
        return;
    }
    for (size_t i = 0; i < faults->len; i++) {
        fprintf(output->wrong, "%s: %s\n", path, faults->fault[i].why.text);
    }
    if (faults->total == 0) {
        fprintf(output->out,
                "%s: commits %" PRIu64 " to %" PRIu64 " follow on one another\n%" PRIu64
                " %s\n",
                path, verifying->first, verifying->last, verifying->last, hash);
    }
    if (verifying->words[0] != 0) {
        fprintf(good ? output->out : output->wrong, "%s: %s\n", path, verifying->words);
    }
}

static void
ask_anchors(struct verifying *verifying)
{
    if (verifying->passage == NULL) {
        return;
    }
    verifying->verdict = passage_end(verifying->passage, verifying->words);
    if (verifying->verdict == PASSAGE_DIFFERS) {
        faults_add(&verifying->faults, VG_STORE_BROKEN, 0, "%s", verifying->words);
        verifying->words[0] = 0; // told as a fault
    }
}

int
verify_journal(const struct settings *settings, const struct verify_choices *choices,
               const struct inspect_output *output)
{
    struct store_options options = {.path = settings->store_path,
                                    .map_bytes = settings->map_bytes,
                                    .quota_bytes = settings->quota_bytes,
                                    .access = STORE_READS};
    struct verifying verifying = {.verdict = PASSAGE_THROUGH};
    struct why why = {0};
    bool bad_anchors = false;
    enum vg_status status = store_open(&options, &verifying.store, &why);

    if (status == VG_OK) {
        status = store_read(verifying.store, &verifying.txn, &why);
    }
    if (status == VG_OK) {
        status = begin(&verifying, &why);
    }
    if (status == VG_OK) {
        status = add_anchors(&verifying, choices, &why);
        // A file that is not there proves nothing against the journal.
        bad_anchors =
            status == VG_BAD_FILE && (choices->anchors == NULL || verifying.anchors_read);
    }
    if (status == VG_OK) {
        status = walk(&verifying, output, &why);
    }
    if (status == VG_OK) {
        ask_anchors(&verifying);
        tell(&verifying, settings->store_path, output);
    } else {
        faults_add(&verifying.faults, status, 0, "%s",
                   why.text[0] != 0 ? why.text : vg_status_sentence(status));
        (void)inspect_faults(settings->store_path, &verifying.faults, output);
    }
    passage_free(&verifying.passage);
    buffer_free(&verifying.record);
    store_abort(&verifying.txn);
    store_close(&verifying.store);
    if (bad_anchors || status == VG_STORE_BROKEN ||
        (status == VG_OK && verifying.faults.total > 0)) {
        return INSPECT_UNSOUND;
    }
    return status == VG_OK && verifying.verdict == PASSAGE_THROUGH ? INSPECT_GOOD
                                                                   : INSPECT_BAD;
}
