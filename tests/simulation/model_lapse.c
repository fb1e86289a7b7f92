// SPDX-License-Identifier: EUPL-1.2
// Integrations that end: what their institutions are told, once, by the day's walk.
#include "model_inside.h"

#include "store/lapses.h"

#include <stdio.h>
#include <string.h>

// ---- what is due ----

// An integration ends soon, or ended yesterday or on a day since the last walk.
enum due { DUE_NOT, DUE_ENDS, DUE_ENDED };

static bool
was_due_before(const struct model_walk *walk, int32_t day)
{
    return day <= walk->through;
}

// Whoever follows the person on sees the same without a gap.
static bool
goes_on(const struct model *model, int person, uint32_t institution, unsigned quality,
        int32_t end)
{
    unsigned sector = model->institutions[institution].sector;

    for (unsigned q = 1; q < 64; q++) {
        if (facts_class(sector, q) == facts_class(sector, quality) &&
            model_follows(model, person, institution, q, end + 1)) {
            return true;
        }
    }
    return false;
}

static enum due
due_of(const struct model *model, int person, uint32_t institution, unsigned quality,
       int32_t end)
{
    const struct model_walk *walk = &model->walk;
    unsigned warn = walk->warn[quality];
    unsigned before = walk->warned[quality];
    enum due due = DUE_NOT;

    if (warn == 0 || end == INT32_MAX) {
        return DUE_NOT;
    }
    if (end < walk->day) {
        due = was_due_before(walk, end + 1) ? DUE_NOT : DUE_ENDED;
    } else if (end - (int32_t)warn <= walk->day &&
               (before == 0 || !was_due_before(walk, end - (int32_t)before))) {
        due = DUE_ENDS;
    }
    return due != DUE_NOT && goes_on(model, person, institution, quality, end) ? DUE_NOT
                                                                               : due;
}

// ---- a letter ----

static unsigned
flow_index(enum due due)
{
    unsigned index = 0;

    while (facts_flow(0, index)->id != (due == DUE_ENDS ? 40 : 41)) {
        index++;
    }
    return index;
}

static void
tell(struct model *model, int person, uint32_t institution, unsigned quality,
     struct run run, enum due due, struct applied *applied)
{
    struct deed *deed = model_deed(model);
    struct question question = {.model = model, .applied = applied, .person = person};
    struct told told = {
        .deed = deed->id,
        .ticket = ++model->tickets,
        .kept_us = applied->now_us,
        .quality = (uint16_t)quality,
        .begin = run.begin,
        .end = run.end,
        .subject = model->niss[person],
    };

    deed->flow = flow_index(due);
    deed->fields = 7;
    deed->repeat = 1;
    deed->niss = model->niss[person];
    deed->has_period = true;
    deed->begin = run.begin;
    deed->end = run.end;
    deed->quality = quality;
    snprintf(deed->recipient, sizeof deed->recipient, "%s",
             model->institutions[institution].code);
    told.kept = deed->fields;
    question.deed = deed;
    question.flow = facts_flow(model->variant, deed->flow);
    model_decline(&question, &told, institution, applied);
    applied_event(&question, &told, applied);
    for (struct model_box *box = NULL;
         (box = model_next_box(model, institution, box)) != NULL;) {
        if (model_wants(box, question.flow->id, quality)) {
            model_deliver(&question, &told, box, applied);
        }
    }
    applied_no_more_recipients(applied, told.deed);
    model->warned += due == DUE_ENDS;
    model->ended += due == DUE_ENDED;
}

static void
note_end(struct model *model, const struct model_end *end)
{
    CHECK(model->ends_len < ARRAY_LEN(model->ends));
    model->ends[model->ends_len++] = *end;
}

static bool
is_told(const struct model *model, uint32_t institution)
{
    const struct model_institution *one = &model->institutions[institution];

    return one->sector == 17 && !one->merged;
}

static void
note_person(struct model *model, int person)
{
    for (uint32_t i = 1; i <= model->institutions_len; i++) {
        for (unsigned q = 1; is_told(model, i) && q < 64; q++) {
            const struct days *days = model_held(model, person, i, q);
            struct run run;

            for (int bit = 0; days_next_run(model, days, &bit, &run);) {
                enum due due = due_of(model, person, i, q, run.end);

                if (due != DUE_NOT) {
                    note_end(model, &(struct model_end){person, i, q, run.begin, run.end,
                                                        due == DUE_ENDS});
                }
            }
        }
    }
}

void
model_tell_noted(struct model *model, struct applied *applied)
{
    for (size_t n = 0; n < model->ends_len; n++) {
        const struct model_end *end = &model->ends[n];

        tell(model, end->person, end->institution, end->quality,
             (struct run){end->begin, end->end}, end->soon ? DUE_ENDS : DUE_ENDED,
             applied);
    }
    model->ends_len = 0;
}

static void
tell_person(struct model *model, int person, struct applied *applied)
{
    note_person(model, person);
    model_tell_noted(model, applied);
}

// ---- the walk ----

static bool
is_under_way(const struct model_walk *walk)
{
    return walk->day > walk->through;
}

static void
plan(struct model *model, int32_t day)
{
    struct model_walk *walk = &model->walk;

    walk->day = day;
    walk->next = 0;
    for (unsigned q = 0; q < 64; q++) {
        walk->warn[q] = facts_warn_days(model->variant, q);
    }
}

static void
finish(struct model *model)
{
    struct model_walk *walk = &model->walk;

    walk->through = walk->day;
    walk->next = 0;
    memcpy(walk->warned, walk->warn, sizeof walk->warned);
    memset(walk->marked, 0, sizeof walk->marked);
}

// What was integrated before the first catalogue came can have ended untold: there is none.
void
model_begin_walks(struct model *model, int32_t today)
{
    plan(model, today);
    finish(model);
}

// How far the slice came: as it was answered, else as the disk remembers. False: to the end.
static bool
slice_ends(const struct command *command, const struct lapse_row *row,
           const struct applied *applied, uint64_t *ret_end)
{
    *ret_end = applied->answered ? command->lapse.next : row->next;
    return applied->answered ? *ret_end != 0 : row->day > row->through;
}

static void
tell_slice(struct model *model, const struct command *command, struct applied *applied)
{
    const struct lapse_command *lapse = &command->lapse;
    struct model_walk *walk = &model->walk;
    uint64_t warned = model->warned, ended = model->ended;
    uint64_t from = walk->next;
    struct lapse_row row;
    uint64_t end;
    bool ends;

    CHECK(lapse_row_get(applied->txn, &row) == VG_OK);
    ends = slice_ends(command, &row, applied, &end);
    if (lapse->day == walk->day && lapse->from > from) {
        from = lapse->from; // those between were looked at, and nothing was due
    }
    for (int person = 0; person < PERSONS; person++) {
        if (model->niss[person] >= from && (!ends || model->niss[person] < end) &&
            !walk->marked[person]) {
            tell_person(model, person, applied);
        }
    }
    if (row.next > end && ends) {
        broken("the walk is further on disk than it looked");
    }
    if (applied->answered && (lapse->warned != model->warned - warned ||
                              lapse->ended != model->ended - ended)) {
        broken("a walk says that it told of %llu and %llu ends, not of %llu and %llu",
               (unsigned long long)lapse->warned, (unsigned long long)lapse->ended,
               (unsigned long long)(model->warned - warned),
               (unsigned long long)(model->ended - ended));
    }
    if (!ends) {
        finish(model);
    } else if (model->warned + model->ended > warned + ended) {
        walk->next = end; // none of these is told again
    } else {
        walk->next = row.next; // it may note how far it is, or not
    }
}

void
follow_lapse(struct model *model, const struct command *command, struct applied *applied)
{
    int32_t today = model_day(applied->now_us);

    applied_check_status(applied, command, applied->room ? VG_OK : VG_STORE_FULL);
    if (!applied->room) {
        return;
    }
    if (!is_under_way(&model->walk)) {
        if (model->walk.through >= today) {
            return;
        }
        plan(model, today);
    }
    tell_slice(model, command, applied);
}

// Two numbers become one person: the walk would meet him twice, or never. He is told of when
// the Publish is done with.
void
model_note_before_move(struct model *model, int old, int new)
{
    const int numbers[] = {old, new};
    struct model_walk *walk = &model->walk;

    if (!is_under_way(walk)) {
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        if (model->niss[numbers[i]] >= walk->next && !walk->marked[numbers[i]]) {
            note_person(model, numbers[i]);
        }
    }
    walk->marked[new] = walk->marked[new] || model->niss[new] >= walk->next;
}

// ---- what the disk remembers ----

void
model_check_walk(const struct model *model, struct txn *txn)
{
    const struct model_walk *walk = &model->walk;
    struct lapse_row row;

    if (lapse_row_get(txn, &row) != VG_OK || row.through != walk->through ||
        row.day != walk->day || row.next != walk->next) {
        broken("the walk is for day %d after %d, on the disk for %d after %d", walk->day,
               walk->through, row.day, row.through);
    }
    for (int person = 0; person < PERSONS; person++) {
        bool marked = false;

        if (lapse_is_marked(txn, (struct niss){model->niss[person]}, &marked) != VG_OK ||
            marked != walk->marked[person]) {
            broken("the walk passes person %d over, or should", person);
        }
    }
}
