// SPDX-License-Identifier: EUPL-1.2
// lapse_steps.c - the day's walk over the directory: each institution is told, in its own
// mailboxes, which of its integrations end soon and which have ended (rules/lapse.h).
//
// No index by end date: it would cost a random write for each integration, all year long. The
// persons are read in their order, a slice per command, as fast as the writer has nothing
// better to do. A slice with a letter in it notes in the same commit how far the walk is; so
// does one in many without. Killed anywhere, it goes on behind the last letter.
#include "flow/merge.h"

#include <stdlib.h>
#include <string.h>

#include "rules/directory.h"
#include "rules/lapse.h"
#include "store/lapses.h"

// A slice: about a millisecond where the directory is in memory.
enum { SLICE_PERSONS = 4000, SLICE_DUE = 500 };

// Person numbers begin with the year of birth: the walk notes each that it has left behind.
#define NOTE_EVERY UINT64_C(1000000000)

// The two flows; NULL: the catalogue has none of that name.
struct lapse_flows {
    const struct flow *ends;
    const struct flow *ended;
};

struct due {
    struct niss niss;
    struct niss current; // 0: the number itself is in force
    struct day day;      // of the walk
    struct integration integration;
    enum lapse lapse;
};

struct slice {
    const struct catalogue *catalogue;
    const struct roster *roster;
    const struct lapse_walk *walk;
    int32_t first; // ends before it, and after the last, are not due
    int32_t last;
    uint64_t persons;
    uint64_t persons_max;
    uint64_t next;
    bool full; // there are persons after it
    uint64_t followed;
    size_t due_len;
    struct due due[SLICE_DUE + INTEGRATIONS_PER_PERSON_MAX]; // a whole person fits
};

static struct lapse_flows
find_flows(const struct catalogue *catalogue)
{
    return (struct lapse_flows){
        catalogue_flow(catalogue, bytes_of("IntegrationEnds")),
        catalogue_flow(catalogue, bytes_of("IntegrationEnded")),
    };
}

static bool
flows_exist(const struct catalogue *catalogue)
{
    struct lapse_flows flows = find_flows(catalogue);

    return flows.ends != NULL || flows.ended != NULL;
}

// ---- one letter ----

struct lapse_words {
    char quality[QUALITY_TEXT_LEN];
    char begin[DAY_TEXT_LEN];
    char end[DAY_TEXT_LEN];
};

static struct hot_bytes
view(const char *text)
{
    return (struct hot_bytes){(const uint8_t *)text, strlen(text)};
}

static void
add_field(const struct applier *applier, struct hot_mutation *mutation,
          struct judged *judged, const char *code, const char *value)
{
    int index = catalogue_field(applier->catalogue, bytes_of(code));

    if (index >= 0) {
        judged->field[mutation->fields_len] = (int16_t)index;
        mutation->fields[mutation->fields_len++] =
            (struct hot_field){.code = view(code), .value = view(value)};
    }
}

static bool
reaches(const struct flow *flow, uint16_t sector)
{
    for (uint16_t i = 0; i < flow->groups_len; i++) {
        for (uint16_t j = 0; j < flow->groups[i].sectors_len; j++) {
            if (flow->groups[i].sectors[j] == sector) {
                return true;
            }
        }
    }
    return false;
}

static enum vg_status
tell(struct applier *applier, const struct flow *flow, const struct due *due)
{
    const struct integration *integration = &due->integration;
    const struct institution *institution = roster_institution(
        applier->roster, roster_successor(applier->roster, integration->institution));
    struct lapse_words words;
    struct hot_mutation mutation;
    struct judged judged;

    if (flow == NULL || institution == NULL || !reaches(flow, institution->sector)) {
        return VG_OK;
    }
    quality_print(integration->quality, words.quality);
    day_print((struct day){integration->begin}, words.begin);
    day_print((struct day){integration->end}, words.end);
    memset(&mutation, 0, sizeof mutation);
    memset(&judged, 0, sizeof judged);
    mutation.flow = view(flow->name);
    mutation.recipient = view(institution->code);
    mutation.niss = due->niss.number;
    mutation.current_niss = due->current.number;
    mutation.occurred = day_number(due->day);
    mutation.period_begin = day_number((struct day){integration->begin});
    mutation.period_end = day_number((struct day){integration->end});
    judged.mutation = &mutation;
    judged.flow = flow;
    judged.niss = due->niss;
    judged.has_period = true;
    judged.period = integration_period(*integration);
    add_field(applier, &mutation, &judged, "integration_quality", words.quality);
    add_field(applier, &mutation, &judged, "integration_begin", words.begin);
    add_field(applier, &mutation, &judged, "integration_end", words.end);
    return applier_notify(applier, &judged,
                          &(struct grant){.institution = institution->id,
                                          .classes = CLASS_ALL,
                                          .justified = true,
                                          .integration = *integration});
}

static enum vg_status
tell_due(struct applier *applier, const struct lapse_flows *flows, const struct due *due,
         struct lapse_command *count)
{
    bool ends = due->lapse == LAPSE_ENDS;

    count->warned += ends;
    count->ended += !ends;
    return tell(applier, ends ? flows->ends : flows->ended, due);
}

// ---- who is due ----

// Of one that was merged its successor is told: what that holds itself goes on for both.
static bool
holds_for_another(const struct roster *roster, const struct person *person)
{
    for (size_t i = 0; i < person->len; i++) {
        uint32_t institution = person->integrations[i].institution;

        if (roster_successor(roster, institution) != institution) {
            return true;
        }
    }
    return false;
}

static void
look_at_rows(struct slice *slice, struct niss niss, const struct integration *rows,
             size_t len)
{
    for (size_t i = 0; i < len && slice->due_len < ARRAY_LEN(slice->due); i++) {
        enum lapse lapse;

        if (rows[i].end < slice->first || rows[i].end > slice->last) {
            continue;
        }
        lapse = lapse_of(slice->catalogue, slice->walk, rows, len, i);
        slice->followed += lapse == LAPSE_FOLLOWED;
        if (lapse == LAPSE_ENDS || lapse == LAPSE_ENDED) {
            slice->due[slice->due_len++] = (struct due){
                .niss = niss,
                .day = slice->walk->day,
                .integration = rows[i],
                .lapse = lapse,
            };
        }
    }
}

static void
look_at_person(struct slice *slice, struct niss niss, const struct person *person)
{
    size_t len = person->len;
    struct integration *rows;

    if (!holds_for_another(slice->roster, person)) {
        look_at_rows(slice, niss, person->integrations, len);
        return;
    }
    rows = xcalloc(len, sizeof *rows);
    memcpy(rows, person->integrations, len * sizeof *rows);
    merge_integrations(slice->roster, rows, &len);
    look_at_rows(slice, niss, rows, len);
    free(rows);
}

static bool
look_at(struct niss niss, const struct person *person, void *arg)
{
    struct slice *slice = arg;

    if (slice->persons == slice->persons_max || slice->due_len >= SLICE_DUE) {
        slice->full = true;
        slice->next = niss.number;
        return false;
    }
    slice->persons++;
    look_at_person(slice, niss, person);
    return true;
}

// What a cheap look at an end is held against.
static void
begin_slice(struct slice *slice, const struct applier *applier,
            const struct lapse_walk *walk)
{
    int32_t most = 0;

    for (size_t i = 0; i < walk->days_len; i++) {
        if (walk->days[i].days != LAPSE_NEVER && walk->days[i].days > most) {
            most = walk->days[i].days;
        }
    }
    *slice = (struct slice){
        .catalogue = applier->catalogue, .roster = applier->roster, .walk = walk};
    slice->first = walk->through.number == DAY_EVER.number ? walk->day.number - 1
                                                           : walk->through.number;
    slice->last = walk->day.number + most;
}

// ---- the walk ----

static enum vg_status
read_walk(struct txn *txn, struct lapse_row *row, struct lapse_walk *walk)
{
    size_t len = sizeof walk->days;
    enum vg_status status = lapse_row_get(txn, row);

    if (status == VG_OK) {
        status = lapse_days_get(txn, walk->days, &len);
    }
    if (status != VG_OK) {
        return status;
    }
    walk->days_len = len / sizeof *walk->days;
    walk->day.number = row->day;
    walk->through.number = row->through;
    return len % sizeof *walk->days == 0 ? VG_OK : VG_STORE_BROKEN;
}

static enum vg_status
put_walk(struct applier *applier, const struct lapse_row *row,
         const struct lapse_walk *walk)
{
    enum vg_status status = lapse_row_put(applier->txn, row);

    applier->changed = true;
    return status == VG_OK && walk != NULL
               ? lapse_days_put(applier->txn, walk->days,
                                walk->days_len * sizeof *walk->days)
               : status;
}

static enum vg_status
begin_walk(struct applier *applier, struct lapse_row *row, struct lapse_walk *walk)
{
    walk->day = applier->today;
    lapse_plan(applier->catalogue, walk);
    row->day = walk->day.number;
    row->next = 0;
    return put_walk(applier, row, walk);
}

static enum vg_status
finish_walk(struct applier *applier, struct lapse_row *row, struct lapse_walk *walk)
{
    enum vg_status status = lapse_forget_marks(applier->txn);

    lapse_finish(walk);
    row->through = row->day;
    row->next = 0;
    return status == VG_OK ? put_walk(applier, row, walk) : status;
}

static enum vg_status
tell_slice(struct applier *applier, struct command *command, const struct slice *slice)
{
    struct lapse_flows flows = find_flows(applier->catalogue);
    enum vg_status status = VG_OK;

    for (size_t i = 0; status == VG_OK && i < slice->due_len; i++) {
        bool marked = false;

        status = lapse_is_marked(applier->txn, slice->due[i].niss, &marked);
        if (status == VG_OK && !marked) {
            status = tell_due(applier, &flows, &slice->due[i], &command->lapse);
        }
    }
    return status;
}

static enum vg_status
walk_slice(struct applier *applier, struct command *command, struct lapse_row *row,
           struct lapse_walk *walk, struct slice *slice)
{
    struct lapse_command *lapse = &command->lapse;
    uint64_t from =
        lapse->day == row->day && lapse->from > row->next ? lapse->from : row->next;
    enum vg_status status;

    begin_slice(slice, applier, walk);
    slice->persons_max = lapse->persons_max == 0 ? SLICE_PERSONS : lapse->persons_max;
    status = person_each(applier->txn, (struct niss){from}, look_at, slice);
    if (status == VG_OK) {
        status = tell_slice(applier, command, slice);
    }
    lapse->followed = slice->followed;
    lapse->looked = lapse->more = true;
    if (status == VG_OK && !slice->full) {
        lapse->more = row->day < applier->today.number; // the days since then come next
        return finish_walk(applier, row, walk);
    }
    lapse->next = slice->next;
    if (status == VG_OK &&
        (slice->due_len > 0 || slice->next / NOTE_EVERY != row->next / NOTE_EVERY)) {
        row->next = slice->next;
        status = put_walk(applier, row, NULL);
    }
    return status;
}

enum vg_status
tell_lapses(struct applier *applier, struct command *command)
{
    struct lapse_walk walk;
    struct lapse_row row;
    struct slice *slice;
    enum vg_status status;

    if (applier->catalogue == NULL || applier->batch->crowded) {
        refuse(command, VG_BUSY, "no catalogue, or too many letters wait");
        return VG_OK;
    }
    if (applier->batch->no_room) {
        refuse(command, VG_STORE_FULL, "the store is at its quota");
        return VG_OK;
    }
    command->lapse.walked = applier->today.number;
    status = read_walk(applier->txn, &row, &walk);
    if (status != VG_OK) {
        return status;
    }
    if (!flows_exist(applier->catalogue)) { // switched on again, it begins anew
        row = (struct lapse_row){DAY_EVER.number, DAY_EVER.number, 0};
        return walk.day.number == DAY_EVER.number ? VG_OK : put_walk(applier, &row, NULL);
    }
    if (row.day <= row.through) {
        if (row.through >= applier->today.number) {
            return VG_OK; // done for today
        }
        status = begin_walk(applier, &row, &walk);
    }
    command->lapse.walked = row.day;
    slice = xcalloc(1, sizeof *slice);
    if (status == VG_OK) {
        status = walk_slice(applier, command, &row, &walk, slice);
    }
    free(slice);
    return status;
}

// ---- the first walk ----

enum vg_status
applier_begin_lapses(struct applier *applier)
{
    struct lapse_walk walk;
    struct lapse_row row;
    enum vg_status status = read_walk(applier->txn, &row, &walk);

    if (status != VG_OK || applier->meta.persons > 0 || row.day != DAY_EVER.number ||
        !flows_exist(applier->catalogue)) {
        return status;
    }
    status = begin_walk(applier, &row, &walk);
    return status == VG_OK ? finish_walk(applier, &row, &walk) : status;
}

// ---- a number is replaced while the walk is under way ----

static void
note_due(struct applier *applier, const struct slice *slice)
{
    size_t len = applier->ends_len + slice->due_len;

    if (len > applier->ends_size) {
        applier->ends_size = 2 * len;
        applier->ends =
            realloc(applier->ends, applier->ends_size * sizeof *applier->ends);
        CHECK(applier->ends != NULL);
    }
    for (size_t i = 0; i < slice->due_len; i++) {
        applier->ends[applier->ends_len++] = slice->due[i];
    }
}

static enum vg_status
note_person(struct applier *applier, const struct lapse_walk *walk, struct niss niss)
{
    struct slice *slice = xcalloc(1, sizeof *slice);
    struct person person = {.len = 0};
    enum vg_status status = person_get(applier->txn, niss, &person);

    if (status == VG_OK) {
        begin_slice(slice, applier, walk);
        look_at_person(slice, niss, &person);
        note_due(applier, slice);
    }
    free(slice);
    return status;
}

// Whoever is still to come in the walk is told of now; the surviving number then has rows of
// both, and the walk passes it over.
enum vg_status
applier_note_before_move(struct applier *applier, struct niss old, struct niss new)
{
    struct niss numbers[] = {old, new};
    struct lapse_walk walk;
    struct lapse_row row;
    enum vg_status status = read_walk(applier->txn, &row, &walk);

    if (status != VG_OK || row.day <= row.through) {
        return status; // no walk is under way
    }
    for (size_t i = 0; status == VG_OK && i < ARRAY_LEN(numbers); i++) {
        bool marked = false;

        if (numbers[i].number < row.next) {
            continue;
        }
        status = lapse_is_marked(applier->txn, numbers[i], &marked);
        if (status == VG_OK && !marked) {
            status = note_person(applier, &walk, numbers[i]);
        }
    }
    if (status == VG_OK && new.number >= row.next) {
        status = lapse_mark(applier->txn, new);
        applier->changed = true;
    }
    return status;
}

// By then the old number leads to the new one.
enum vg_status
applier_tell_noted(struct applier *applier)
{
    struct lapse_command count = {.day = 0};
    enum vg_status status = VG_OK;

    for (size_t i = 0; status == VG_OK && i < applier->ends_len; i++) {
        struct lapse_flows flows = find_flows(applier->catalogue);
        struct due *due = &applier->ends[i];
        struct person person;

        status = person_in_force(applier->txn, due->niss, &due->current, &person);
        if (due->current.number == due->niss.number) {
            due->current.number = 0;
        }
        if (status == VG_OK) {
            status = tell_due(applier, &flows, due, &count);
        }
    }
    applier->ends_len = 0;
    return status;
}
