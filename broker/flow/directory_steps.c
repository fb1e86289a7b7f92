// SPDX-License-Identifier: EUPL-1.2
// directory_steps.c - integrate, remove, consult, history and who knew: rules/directory.h decides, this
// reads and writes the persons. Everything asked gets a ticket and a line in the journal.
#include "flow/merge.h"

#include "flow/catch_up.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OVERLAPS_MAX = 16, ANSWERED_MAX = 4000 }; // shown: of an item, of all

// A person's integrations, copied out so that they can be changed.
struct file {
    struct integration integrations[INTEGRATIONS_PER_PERSON_MAX + 2];
    size_t len;
    size_t before;
    struct niss niss; // under which it lies: the number that replaced the one asked
};

static enum vg_status
read_file(struct applier *applier, struct niss niss, struct file *file)
{
    struct person person;
    enum vg_status status = person_in_force(applier->txn, niss, &file->niss, &person);

    if (status != VG_OK) {
        return status;
    }
    file->len = file->before = person.len;
    if (person.len > 0) {
        memcpy(file->integrations, person.integrations,
               person.len * sizeof *person.integrations);
    }
    merge_integrations(applier->roster, file->integrations, &file->len);
    return VG_OK;
}

static enum vg_status
write_file(struct applier *applier, const struct file *file)
{
    return applier_put_person(applier, file->niss, file->before, file->integrations,
                              file->len);
}

static struct directory_context
context_for(const struct applier *applier, uint32_t institution)
{
    return (struct directory_context){
        .catalogue = applier->catalogue,
        .roster = applier->roster,
        .institution = roster_institution(applier->roster, institution),
        .today = applier->today,
        .test_persons = applier->batch->test_persons,
    };
}

static bool
request_is_possible(struct applier *applier, struct command *command,
                    uint32_t institution, bool writes)
{
    if (applier->catalogue == NULL) {
        refuse(command, VG_BUSY, "no catalogue is loaded yet");
    } else if (writes && applier->batch->no_room) {
        refuse(command, VG_STORE_FULL, "the store is at its quota");
    } else if (institution != 0 &&
               roster_institution(applier->roster, institution) == NULL) {
        refuse(command, VG_NOT_FOUND, "institution %u is not registered", institution);
    } else {
        merge_refuse(applier, command, institution);
    }
    return command->status == VG_OK;
}

// A number that consult and history may be asked for; {0} when it is refused.
static struct niss
judge_number(struct applier *applier, struct command *command, uint64_t number)
{
    struct niss niss = {0};
    struct why why;
    char masked[NISS_MASK_LEN];
    int year, month, day;

    day_parts(applier->today, &year, &month, &day);
    if (niss_check(number, year, &niss, &why) != VG_OK) {
        refuse(command, VG_BAD_NISS, "niss: %s", why.text);
        return (struct niss){0};
    }
    if (niss_kind(niss) == NISS_FICTITIOUS && !applier->batch->test_persons) {
        niss_mask(niss, masked);
        refuse(command, VG_TEST_PERSON, "niss: %s is a fictitious person", masked);
    }
    return niss;
}

static void
journal_request(struct applier *applier, const struct command *command,
                struct journal_directory item)
{
    item.ticket = command->ticket;
    item.actor = command->actor;
    journal_add(&applier->record, JOURNAL_DIRECTORY, &item, sizeof item, NULL, 0);
}

// Done, but this wants a look.
static void PRINTF_LIKE(3, 4)
    note(struct integrate_result *result, enum vg_status status, const char *format, ...)
{
    struct why why;
    va_list args;

    va_start(args, format);
    vsnprintf(why.text, sizeof why.text, format, args);
    va_end(args);
    if (result->faults == NULL) {
        result->faults = xcalloc(1, sizeof *result->faults);
    }
    faults_add(result->faults, status, 0, "%s", why.text);
    result->verdict = VERDICT_WARNING;
}

// What the answer shows: integrations of others of the sector that share a day with the one
// asked for. Of very many items the last ones are counted only.
static void
answer_overlaps(struct applier *applier, struct command *command, const struct file *file,
                const struct integration *asked, struct integrate_result *result)
{
    struct integration found[OVERLAPS_MAX];
    size_t len =
        directory_overlaps(file->integrations, file->len, asked, found, ARRAY_LEN(found));
    size_t room = ANSWERED_MAX - command->integrations_len;
    size_t shown = len < ARRAY_LEN(found) ? len : ARRAY_LEN(found);
    const struct institution *first;

    result->overlaps = (uint32_t)len;
    if (len == 0) {
        return;
    }
    first = roster_institution(applier->roster, found[0].institution);
    note(result, VG_OVERLAPS, "others of the sector hold %zu in these days, %s %03u%s",
         len, first == NULL ? "somebody" : first->code, (unsigned)found[0].quality,
         len > 1 ? " and so on" : "");
    shown = shown < room ? shown : room;
    command->integrations =
        realloc(command->integrations,
                (command->integrations_len + shown + 1) * sizeof *command->integrations);
    CHECK(command->integrations != NULL);
    memcpy(command->integrations + command->integrations_len, found,
           shown * sizeof *found);
    command->integrations_len += shown;
    result->shown = (uint32_t)shown;
}

// ---- integrate ----

// Whose integration an item is: the one it names, else the whole request's.
static uint32_t
institution_of_item(const struct applier *applier, const struct command *command,
                    const struct integrate_request *request)
{
    const struct institution *named;

    if (request->institution.len == 0) {
        return command->integrate.institution;
    }
    named = roster_by_code(applier->roster, request->institution);
    return named == NULL ? 0 : named->id;
}

// It needs the rows as they were, so they are copied; few items do.
static enum vg_status
catch_up(struct applier *applier, struct command *command, size_t i,
         const struct file *before, const struct file *after,
         const struct integration *added)
{
    struct integrate_result *result = &command->integrate.results[i];
    struct catch_person person = {
        .institution = added->institution,
        .added = *added,
        .niss = after->niss,
        .before = before->integrations,
        .before_len = before->len,
        .after = after->integrations,
        .after_len = after->len,
    };
    enum vg_status status = catch_up_person(applier, command, i, &person);

    // Silence about what nobody got would read as "nothing happened".
    if (status == VG_OK && result->looked && result->consult > 0) {
        note(result, VG_NOT_KEPT,
             "%u of what changed meanwhile is not kept, and what nobody got never was: "
             "consult the sources",
             result->consult);
    } else if (status == VG_OK && result->looked) {
        note(result, VG_NOT_KEPT,
             "what nobody got meanwhile was never kept: consult the sources");
    }
    if (status == VG_OK && !command->integrate.catch_ups[i]->all) {
        note(result, VG_TOO_MANY,
             "a request catches up with at most %d mutations of %d persons: for the rest "
             "consult the sources",
             CATCH_UP_PLACES_MAX, CATCH_UP_ITEMS_MAX);
    }
    return status;
}

static bool
catches_up(const struct integrate_command *integrate, size_t i)
{
    return integrate->catch_ups != NULL && integrate->catch_ups[i] != NULL;
}

static enum vg_status
add_integration(struct applier *applier, struct command *command, size_t i,
                struct file *file, const struct integration *integration)
{
    struct file *before = NULL;
    enum vg_status status;

    if (catches_up(&command->integrate, i)) {
        before = xcalloc(1, sizeof *before);
        memcpy(before, file, sizeof *before);
    }
    directory_add(file->integrations, &file->len, *integration);
    status = write_file(applier, file);
    if (status == VG_OK && before != NULL) {
        status = catch_up(applier, command, i, before, file, integration);
    }
    free(before);
    return status;
}

static enum vg_status
integrate_person(struct applier *applier, struct command *command, size_t i,
                 struct faults *faults)
{
    const struct integrate_request *request = &command->integrate.items[i];
    struct integrate_result *result = &command->integrate.results[i];
    uint32_t institution = institution_of_item(applier, command, request);
    struct directory_context context = context_for(applier, institution);
    struct integration integration = {0};
    struct niss asked = {0};
    struct niss niss = {request->niss};
    struct file file;
    enum vg_status status = read_file(applier, niss, &file);

    if (status != VG_OK) {
        return status;
    }
    if (context.institution == NULL) {
        faults_add(faults, VG_NOT_FOUND, 0, "institution %.*s is not registered",
                   (int)(request->institution.len < 24 ? request->institution.len : 24),
                   (const char *)request->institution.at);
        result->verdict = VERDICT_NO;
        return VG_OK;
    }
    if (institution_is_merged(context.institution)) {
        faults_add(faults, VG_MOVED, 0, "%s is part of another institution now",
                   context.institution->code);
        result->verdict = VERDICT_NO;
        return VG_OK;
    }
    directory_judge_integrate(&context, request, file.integrations, file.len, &asked,
                              &integration, faults);
    if (faults->total == 0 && file.len >= INTEGRATIONS_PER_PERSON_MAX) {
        faults_add(faults, VG_TOO_MANY, 0, "the person has %zu integrations", file.len);
    }
    journal_request(applier, command,
                    (struct journal_directory){
                        .niss = request->niss,
                        .institution = institution,
                        .act = ACT_INTEGRATE,
                        .quality = (uint16_t)request->quality,
                        .status = (uint16_t)faults_first(faults),
                        .begin = integration.begin,
                        .end = integration.end,
                    });
    if (faults->total > 0) {
        result->verdict = VERDICT_NO;
        return VG_OK;
    }
    result->end = day_number((struct day){integration.end});
    if (file.niss.number != request->niss) {
        note(result, VG_REPLACED, "niss: it is done under the number that replaced it");
    }
    answer_overlaps(applier, command, &file, &integration, result);
    return add_integration(applier, command, i, &file, &integration);
}

enum vg_status
integrate_persons(struct applier *applier, struct command *command)
{
    struct integrate_command *integrate = &command->integrate;

    if (!request_is_possible(applier, command, integrate->institution, true)) {
        return VG_OK;
    }
    command->ticket = applier_ticket(applier);
    integrate->results = xcalloc(integrate->items_len, sizeof *integrate->results);
    for (size_t i = 0; i < integrate->items_len; i++) {
        struct faults faults;

        faults.len = faults.total = 0;
        enum vg_status status = integrate_person(applier, command, i, &faults);

        if (status != VG_OK) {
            return status;
        }
        if (faults.total > 0) {
            integrate->results[i].faults = xcalloc(1, sizeof faults);
            memcpy(integrate->results[i].faults, &faults, sizeof faults);
        }
    }
    return VG_OK;
}

// ---- remove ----

static void
cut_file(struct command *command, struct file *file, struct period period)
{
    const struct remove_command *remove = &command->remove;

    if (directory_cut(file->integrations, &file->len, remove->institution,
                      (uint16_t)remove->request.quality, period) == 0) {
        refuse(
            command, VG_NOT_FOUND,
            "there is no integration in quality %03u that shares a day with the period",
            remove->request.quality);
    } else if (file->len > INTEGRATIONS_PER_PERSON_MAX) { // one was split
        refuse(command, VG_TOO_MANY, "the person would have %zu integrations, at most %d",
               file->len, INTEGRATIONS_PER_PERSON_MAX);
    }
}

enum vg_status
remove_integration(struct applier *applier, struct command *command)
{
    struct remove_command *remove = &command->remove;
    struct directory_context context;
    struct period period = {{0}, {0}};
    struct niss niss = {0};
    struct file file;
    struct faults *faults;
    enum vg_status status = VG_OK;

    if (!request_is_possible(applier, command, remove->institution, true)) {
        return VG_OK;
    }
    context = context_for(applier, remove->institution);
    command->ticket = applier_ticket(applier);
    faults = command_faults(command);
    directory_judge_remove(&context, &remove->request, &niss, &period, faults);
    command->status = faults_first(faults);
    if (command->status == VG_OK) {
        status = read_file(applier, niss, &file);
    }
    if (status != VG_OK) {
        return status;
    }
    if (command->status == VG_OK) {
        cut_file(command, &file, period);
    }
    journal_request(applier, command,
                    (struct journal_directory){
                        .niss = remove->request.niss,
                        .institution = remove->institution,
                        .act = ACT_REMOVE,
                        .quality = (uint16_t)remove->request.quality,
                        .status = (uint16_t)command->status,
                        .begin = period.begin.number,
                        .end = period.end.number,
                    });
    return command->status == VG_OK ? write_file(applier, &file) : VG_OK;
}

// ---- consult and history ----

// The primary level knows sectors, not institutions: one row per sector, the widest period.
static void
answer_primary(struct command *command, const struct file *file)
{
    for (size_t i = 0; i < file->len; i++) {
        struct integration row = file->integrations[i];
        struct integration *last =
            command->integrations_len == 0
                ? NULL
                : &command->integrations[command->integrations_len - 1];

        if (last == NULL || last->sector != row.sector) {
            row.institution = 0;
            row.quality = 0;
            command->integrations[command->integrations_len++] = row;
            continue;
        }
        last->begin = row.begin < last->begin ? row.begin : last->begin;
        last->end = row.end > last->end ? row.end : last->end;
    }
}

static void
answer_secondary(struct command *command, const struct file *file)
{
    for (size_t i = 0; i < file->len; i++) {
        if (file->integrations[i].sector == SECTOR_CPAS) {
            command->integrations[command->integrations_len++] = file->integrations[i];
        }
    }
}

enum vg_status
consult_person(struct applier *applier, struct command *command)
{
    struct consult_command *consult = &command->consult;
    struct niss niss;
    struct file file;
    struct faults *faults;
    enum vg_status status;

    if (!request_is_possible(applier, command, 0, false)) {
        return VG_OK;
    }
    command->ticket = applier_ticket(applier);
    niss = judge_number(applier, command, consult->niss);
    faults = command_faults(command);
    directory_check_proof(&consult->proof, niss, faults);
    command->status = faults_first(faults);
    journal_request(applier, command,
                    (struct journal_directory){
                        .niss = consult->niss,
                        .act = ACT_CONSULT,
                        .status = (uint16_t)command->status,
                        .level = (uint16_t)consult->level,
                    });
    if (command->status != VG_OK) {
        return VG_OK;
    }
    status = read_file(applier, niss, &file);
    if (status != VG_OK) {
        return status;
    }
    command->integrations = xcalloc(2 * file.len + 1, sizeof *command->integrations);
    if (consult->level != CONSULT_SECONDARY) {
        answer_primary(command, &file);
    }
    if (consult->level != CONSULT_PRIMARY) {
        answer_secondary(command, &file);
    }
    return VG_OK;
}

// All numbers of the person, whichever of them was asked for.
static enum vg_status
answer_numbers(struct applier *applier, struct command *command,
               struct history_command *history, enum journal_act act)
{
    struct niss numbers[NUMBERS_MAX];
    struct niss niss;
    size_t len = 0;
    enum vg_status status;

    command->ticket = applier_ticket(applier);
    niss = judge_number(applier, command, history->niss);
    journal_request(applier, command,
                    (struct journal_directory){
                        .niss = history->niss,
                        .act = (uint16_t)act,
                        .status = (uint16_t)command->status,
                    });
    if (command->status != VG_OK) {
        return VG_OK;
    }
    status = person_numbers(applier->txn, niss, numbers, &len);
    if (status != VG_OK) {
        return status;
    }
    history->chain = xcalloc(len, sizeof *history->chain);
    for (size_t i = 0; i < len; i++) {
        history->chain[i] = numbers[i].number;
    }
    history->chain_len = len;
    return VG_OK;
}

enum vg_status
tell_history(struct applier *applier, struct command *command)
{
    return answer_numbers(applier, command, &command->history, ACT_HISTORY);
}

enum vg_status
note_question(struct applier *applier, struct command *command)
{
    struct knew_command *knew = &command->knew;

    knew->through_commit = applier->meta.last_commit;
    knew->today = applier->today;
    return answer_numbers(applier, command, &knew->history, ACT_JOURNAL);
}
