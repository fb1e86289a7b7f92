// SPDX-License-Identifier: EUPL-1.2
// dry_store.c - a dry run as a program of its own, beside a broker that goes on: it reads, and
// it lets go of its view between two slices, so that the broker's pages are used again.
#include "edge/dry_report.h"

#include "edge/catalogue_file.h"
#include "edge/clock.h"
#include "flow/apply.h"

#include <stdio.h>
#include <string.h>

enum { CODE_WORDS_MAX = 5, WORD_LEN = 64, LINE_LEN = CODE_WORDS_MAX * WORD_LEN };

// What a run stands on. The applier is only read: it knows the roster and the catalogue.
struct stand {
    struct store *store;
    struct applier *applier;
    struct roster *roster;
    struct catalogue *planned; // NULL: the one in force
    struct txn *txn;
    struct dry_run *run;
    struct dry_plan plan;
    struct dry_about about;
    struct faults faults;
};

static void
add_why(struct stand *stand, enum vg_status status, const struct why *why)
{
    faults_add(&stand->faults, status, 0, "%s",
               why->text[0] != '\0' ? why->text : vg_status_sentence(status));
}

static enum vg_status
open_store(struct stand *stand, const struct settings *settings, struct why *why)
{
    struct store_options options = {.path = settings->store_path,
                                    .map_bytes = settings->map_bytes,
                                    .quota_bytes = settings->quota_bytes,
                                    .access = STORE_READS};
    enum vg_status status = store_open(&options, &stand->store, why);

    if (status == VG_OK) {
        status = applier_open(stand->store, &stand->applier, why);
    }
    if (status == VG_OK && applier_catalogue(stand->applier) == NULL) {
        status = fail(why, VG_NOT_FOUND, "no catalogue is loaded yet");
    }
    if (status == VG_OK) {
        stand->roster = applier_roster(stand->applier);
        stand->plan.roster = stand->roster;
        stand->plan.in_force = stand->plan.planned = applier_catalogue(stand->applier);
        status = store_read(stand->store, &stand->txn, why);
    }
    return status;
}

static enum vg_status
read_catalogue(struct stand *stand, const char *path, struct why *why)
{
    AUTO(buffer_free) struct buffer text = {0};
    const char *name = strrchr(path, '/');
    enum vg_status status = catalogue_file_read(path, &text, why);

    if (status != VG_OK) {
        return status;
    }
    stand->planned = catalogue_parse((const char *)text.at, text.len, &stand->faults);
    if (stand->planned == NULL) {
        return VG_BAD_CATALOGUE; // every fault is noted
    }
    stand->plan.planned = stand->planned;
    snprintf(stand->about.words, sizeof stand->about.words, "%.100s",
             name == NULL ? path : name + 1);
    return VG_OK;
}

static enum vg_status
malformed(struct why *why)
{
    return fail(why, VG_MALFORMED,
                "--without wants \"INSTITUTION NISS QUALITY BEGIN [END]\", dates as "
                "YYYY-MM-DD");
}

// The request is judged afterwards, as a removal would be.
static enum vg_status
read_removal(struct stand *stand, const struct settings *settings, const char *words,
             struct why *why)
{
    char word[CODE_WORDS_MAX][WORD_LEN];
    char line[LINE_LEN];
    struct directory_context context = {
        .catalogue = stand->plan.in_force,
        .today = day_in_brussels(clock_now()),
        .test_persons = settings->test_persons,
    };
    struct remove_request request = {0};
    struct day begin = {0}, end = {0};
    struct niss niss = {0};
    uint16_t quality = 0;
    int year, month, day, len;
    struct why wrong;

    if (strcmp(words, "-") == 0) {
        words = fgets(line, sizeof line, stdin);
    }
    len = words == NULL ? 0
                        : sscanf(words, "%63s %63s %63s %63s %63s", word[0], word[1],
                                 word[2], word[3], word[4]);
    if (len < CODE_WORDS_MAX - 1) {
        return malformed(why);
    }
    context.institution = roster_by_code(stand->roster, bytes_of(word[0]));
    if (context.institution == NULL) {
        return fail(why, VG_NOT_FOUND, "there is no institution %.40s", word[0]);
    }
    day_parts(context.today, &year, &month, &day);
    if (niss_parse(word[1], strlen(word[1]), year, &niss, &wrong) != VG_OK) {
        faults_add(&stand->faults, VG_BAD_NISS, 0, "niss: %s", wrong.text);
    }
    if (quality_parse(word[2], strlen(word[2]), &quality, &wrong) != VG_OK) {
        faults_add(&stand->faults, VG_UNKNOWN_QUALITY, 0, "quality \"%.4s\": %s", word[2],
                   wrong.text);
    }
    if (day_parse(word[3], strlen(word[3]), &begin, NULL) != VG_OK) {
        faults_add(&stand->faults, VG_BAD_DATE, 0,
                   "begin: \"%.10s\" is no day as 2026-11-20", word[3]);
    }
    if (len == CODE_WORDS_MAX &&
        day_parse(word[4], strlen(word[4]), &end, NULL) != VG_OK) {
        faults_add(&stand->faults, VG_BAD_DATE, 0,
                   "end: \"%.10s\" is no day as 2026-11-20", word[4]);
    }
    if (stand->faults.total > 0) {
        return faults_first(&stand->faults);
    }
    request.niss = niss.number;
    request.quality = quality;
    request.begin = day_number(begin);
    request.end = len == CODE_WORDS_MAX ? day_number(end) : 0;
    dry_removal(&context, &request, &stand->plan, &stand->about, &stand->faults);
    return faults_first(&stand->faults);
}

static enum vg_status
run_all(struct stand *stand, const struct inspect_output *output, struct why *why)
{
    enum vg_status status = dry_run_new(stand->txn, &stand->plan, &stand->run, why);

    while (status == VG_OK && !dry_run_done(stand->run)) {
        status = dry_run_step(stand->run, stand->txn, DRY_SLICE_EVENTS, why);
        if (status == VG_OK) {
            store_read_rest(stand->txn);
            status = store_read_renew(stand->txn);
        }
        if (output->progress) {
            fprintf(output->wrong, "\r%3d %%", (int)(dry_run_progress(stand->run) * 100));
        }
    }
    if (output->progress) {
        fprintf(output->wrong, "\r");
    }
    return status;
}

static void
tell(const struct stand *stand, const struct inspect_output *output)
{
    const struct dry_report *report = dry_run_report(stand->run);
    AUTO(buffer_free) struct buffer text = {0};

    if (output->json) {
        json_t *json = dry_report_json(report, &stand->about);

        (void)json_dumpf(json, output->out, JSON_COMPACT | JSON_ENSURE_ASCII);
        fputc('\n', output->out);
        json_decref(json);
        return;
    }
    dry_report_print(report, &stand->about, &text);
    fwrite(text.at, 1, text.len, output->out);
}

static void
close_all(struct stand *stand)
{
    dry_run_free(&stand->run);
    store_abort(&stand->txn);
    roster_free(&stand->roster);
    catalogue_free(&stand->planned);
    if (stand->applier != NULL) {
        applier_close(&stand->applier);
    }
    store_close(&stand->store);
}

int
dry_run_store(const struct settings *settings, const struct dry_choices *choices,
              const struct inspect_output *output)
{
    struct stand stand = {.about.plan = NULL};
    struct why why = {0};
    const char *since = choices->since != NULL ? choices->since : DRY_SINCE_DEFAULT;
    const char *name =
        choices->catalogue != NULL ? choices->catalogue : settings->store_path;
    enum vg_status status = dry_since(since, clock_now(), &stand.about.since, &why);

    stand.about.plan = &stand.plan;
    if (status == VG_OK) {
        status = open_store(&stand, settings, &why);
    }
    if (status == VG_OK) {
        status = choices->catalogue != NULL
                     ? read_catalogue(&stand, choices->catalogue, &why)
                     : read_removal(&stand, settings, choices->without, &why);
    }
    if (status == VG_OK) {
        status = dry_stretch(stand.txn, &stand.plan, &stand.about, &why);
    }
    if (status == VG_OK) {
        status = run_all(&stand, output, &why);
    }
    if (status == VG_OK) {
        tell(&stand, output);
    } else {
        if (stand.faults.total == 0) {
            add_why(&stand, status, &why);
        }
        (void)inspect_faults(name, &stand.faults, output);
    }
    close_all(&stand);
    return status == VG_OK             ? INSPECT_GOOD
           : status == VG_STORE_BROKEN ? INSPECT_UNSOUND
                                       : INSPECT_BAD;
}
