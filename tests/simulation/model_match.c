// SPDX-License-Identifier: EUPL-1.2
// Who may see a mutation, and may it be published at all.
#include "model_inside.h"

#include <string.h>

// ---- who may see it ----

static bool
days_fulfil(const struct question *question, const struct fact_demand *demand,
            struct run run)
{
    const struct deed *deed = question->deed;
    int32_t begin = question->today;
    int32_t end = question->today;

    switch (demand->when) {
    case FACT_NO_DEMAND:
        return true;
    case FACT_TODAY:
        break;
    case FACT_OVERLAP:
        begin = deed->begin;
        end = deed->end;
        break;
    case FACT_COVERS:
        if (deed->has_period) {
            return day_add_years((struct day){run.begin}, -5).number <= deed->begin &&
                   run.end >= deed->end;
        }
        break;
    case FACT_FIRST_JANUARY:
        begin = end = day_of((int)deed->year, 1, 1).number;
        break;
    case FACT_WINDOW:
        begin = day_add_months((struct day){question->today}, -2).number;
        end = question->today + 45;
        break;
    }
    return run.begin <= end && run.end >= begin;
}

static bool
quality_fulfils(const struct fact_demand *demand, unsigned quality)
{
    return demand->qualities == 0 || (demand->qualities >> quality & 1) != 0;
}

static bool
part_fulfils(const struct question *question, const struct fact_demand *demand,
             uint32_t part)
{
    const struct model *model = question->model;

    for (unsigned q = 1; q < 64; q++) {
        const struct days *days = model->held[question->person][part][q];
        struct run run;

        if (!quality_fulfils(demand, q) ||
            (model->follows[question->person][part] >> q & 1) == 0) {
            continue;
        }
        for (int bit = 0; days_next_run(model, days, &bit, &run);) {
            if (days_fulfil(question, demand, run)) {
                return true;
            }
        }
    }
    return false;
}

static bool
publisher_fulfils(const struct question *question, const struct fact_demand *demand)
{
    uint32_t part = 0;

    if (demand->when == FACT_NO_DEMAND) {
        return true;
    }
    while (question->person >= 0 &&
           (part = model_next_part(question->model, question->source, part)) != 0) {
        if (part_fulfils(question, demand, part)) {
            return true;
        }
    }
    return false;
}

bool
model_wants(const struct model_box *box, uint16_t flow, unsigned quality)
{
    for (uint32_t i = 0; i < box->rules.unwanted_len; i++) {
        uint64_t unwanted = box->rules.unwanted[i].qualities;

        if (box->rules.unwanted[i].flow == flow &&
            (quality == 0 ? ~unwanted == 0 : (unwanted >> quality & 1) != 0)) {
            return false;
        }
    }
    for (size_t i = 0; i < box->choices_len; i++) {
        if (box->choices[i].flow == flow &&
            (quality == 0 || (box->choices[i].qualities >> quality & 1) != 0)) {
            return true;
        }
    }
    return box->choices_len == 0;
}

// It is called so, or what is part of it was.
static bool
bears(const struct model *model, uint32_t institution, const char *code)
{
    for (uint32_t i = 0; (i = model_next_part(model, institution, i)) != 0;) {
        if (strcmp(model->institutions[i].code, code) == 0) {
            return true;
        }
    }
    return false;
}

// Does the law, the message or the catalogue name this institution?
static bool
is_named(const struct question *question, const struct fact_group *group,
         uint32_t institution)
{
    const struct model *model = question->model;

    switch (group->to) {
    case FACT_ADDRESSED:
        return bears(model, institution, question->deed->recipient);
    case FACT_NAMED:
        return bears(model, institution, group->named);
    case FACT_EVERYBODY:
        return (group->sectors >> model->institutions[institution].sector & 1) != 0;
    case FACT_NOBODY:
    case FACT_DIRECTORY:
        break;
    }
    return false;
}

static bool
group_takes(const struct question *question, const struct fact_group *group,
            uint32_t institution, unsigned quality, struct run run)
{
    unsigned sector = question->model->institutions[institution].sector;

    if ((group->not_publisher && institution == question->source) ||
        !publisher_fulfils(question, &group->publisher)) {
        return false;
    }
    if (quality == 0) {
        return is_named(question, group, institution);
    }
    return group->to == FACT_DIRECTORY && (group->sectors >> sector & 1) != 0 &&
           quality_fulfils(&group->recipient, quality) &&
           days_fulfil(question, &group->recipient, run);
}

static bool
flow_takes(const struct question *question, uint32_t institution, unsigned quality,
           struct run run)
{
    for (unsigned i = 0; i < FACT_GROUPS; i++) {
        if (group_takes(question, &question->flow->groups[i], institution, quality,
                        run)) {
            return true;
        }
    }
    return false;
}

// The first quality, of it what begins first.
static bool
comes_before(unsigned q, struct run run, const struct told *told)
{
    return told->quality == 0 ||
           (told->quality == q && (run.begin < told->begin ||
                                   (run.begin == told->begin && run.end < told->end)));
}

// Adds what one quality lets through.
static unsigned
classes_of_quality(const struct question *question, uint32_t institution, uint32_t part,
                   unsigned q, struct told *told)
{
    const struct model *model = question->model;
    unsigned classes = 0;
    struct run run;

    for (int bit = 0;
         days_next_run(model, model->held[question->person][part][q], &bit, &run);) {
        if (!flow_takes(question, institution, q, run)) {
            continue;
        }
        classes |= facts_class(model->institutions[institution].sector, q);
        if (comes_before(q, run, told)) {
            told->quality = (uint16_t)q;
            told->begin = run.begin;
            told->end = run.end;
        }
    }
    return classes;
}

static unsigned
classes_of_parts(const struct question *question, const struct model_box *box, unsigned q,
                 struct told *told)
{
    const struct model *model = question->model;
    uint32_t institution = box->institution;
    unsigned classes = 0;

    for (uint32_t i = 0; (i = model_next_part(model, institution, i)) != 0;) {
        if ((model->follows[question->person][i] >> q & 1) != 0 &&
            model_wants(box, question->flow->id, q)) {
            classes |= classes_of_quality(question, institution, i, q, told);
        }
    }
    return classes;
}

unsigned
question_classes(const struct question *question, const struct model_box *box,
                 struct told *told)
{
    unsigned classes = 0;

    if (model_wants(box, question->flow->id, 0) &&
        flow_takes(question, box->institution, 0, (struct run){0, 0})) {
        classes = FACT_ANY;
    }
    for (unsigned q = 1; q < 64 && question->person >= 0; q++) {
        classes |= classes_of_parts(question, box, q, told);
    }
    return classes;
}

bool
question_ground(const struct question *question, uint32_t institution, struct told *told)
{
    static const struct model_box anything;
    struct model_box box = anything;

    box.institution = institution;
    if (flow_takes(question, institution, 0, (struct run){0, 0})) {
        return true;
    }
    return question_classes(question, &box, told) != 0;
}

void
question_fields(const struct question *question, unsigned classes, struct told *told)
{
    for (unsigned i = 0; i < facts_fields(question->flow); i++) {
        if ((question->flow->fields[i].classes & classes) != 0) {
            told->kept |= question->deed->fields & (1u << i);
        }
    }
}

bool
question_share(const struct question *question, const struct model_box *box,
               struct told *told)
{
    unsigned classes = question_classes(question, box, told);

    question_fields(question, classes, told);
    return classes != 0 && (told->kept != 0 || question->deed->fields == 0);
}

// ---- may it be published? ----

static enum vg_status
judge_form(const struct question *question)
{
    const struct deed *deed = question->deed;
    const struct fact_flow *flow = question->flow;
    unsigned sector = question->model->institutions[question->source].sector;

    if (deed->wrong == WRONG_SIZE) {
        return VG_TOO_LARGE;
    }
    if (deed->wrong == WRONG_FLOW) {
        return VG_UNKNOWN_FLOW;
    }
    if ((flow->sources >> sector & 1) == 0) {
        return VG_NOT_THE_SOURCE;
    }
    if (deed->wrong == WRONG_NISS || (flow->of_enterprises && deed->niss != 0) ||
        (flow->replaces && deed->niss == deed->new_niss)) {
        return VG_BAD_NISS;
    }
    if (deed->wrong == WRONG_DATE) {
        return VG_BAD_DATE;
    }
    if (deed->wrong == WRONG_FIELD) {
        return VG_UNKNOWN_FIELD;
    }
    if (deed->wrong == WRONG_FIELD_OF_ANOTHER) {
        return VG_FIELD_NOT_IN_FLOW;
    }
    if ((flow->groups[0].to == FACT_ADDRESSED) != (deed->recipient[0] != '\0')) {
        return VG_BAD_RECIPIENT;
    }
    return deed->wrong == WRONG_REFERENCE || (flow->replaces && deed->corrects != 0) ||
                   (flow->answers == 0 && deed->answers != 0)
               ? VG_BAD_REFERENCE
               : VG_OK;
}

static enum vg_status
judge_replacement(const struct question *question)
{
    const struct model *model = question->model;

    if (!question->flow->replaces) {
        return VG_OK;
    }
    if (model->replaced_by[model_person(model, question->deed->niss)] >= 0) {
        return VG_EXISTS;
    }
    if (model->replaced_by[model_person(model, question->deed->new_niss)] >= 0) {
        return VG_BAD_NISS;
    }
    return model_person_rows(model, model_person(model, question->deed->niss), true) +
                       model_person_rows(
                           model, model_person(model, question->deed->new_niss), true) >
                   PERSON_ROWS_MAX
               ? VG_TOO_MANY
               : VG_OK;
}

static bool
recipient_is_known(const struct question *question)
{
    const struct fact_group *group = &question->flow->groups[0];

    for (uint32_t i = 1; i <= question->model->institutions_len; i++) {
        unsigned sector = question->model->institutions[i].sector;

        if (!question->model->institutions[i].merged && is_named(question, group, i) &&
            (group->sectors >> sector & 1) != 0) {
            return true;
        }
    }
    return false;
}

static bool
some_group_is_open(const struct question *question)
{
    const struct fact_group *group = question->flow->groups;

    for (unsigned i = 0; i < FACT_GROUPS && group[i].to != FACT_NOBODY; i++) {
        if (publisher_fulfils(question, &group[i].publisher)) {
            return true;
        }
    }
    return false;
}

bool
question_publisher_may(const struct question *question)
{
    return publisher_fulfils(question, &question->flow->publisher) &&
           some_group_is_open(question);
}

// Its own words the publisher may take back whatever he follows today.
static enum vg_status
judge_rights(const struct question *question)
{
    const struct fact_flow *flow = question->flow;
    bool corrects = question->deed->corrects != 0;

    if (!publisher_fulfils(question, &flow->publisher)) {
        return corrects ? VG_OK : VG_NOT_INTEGRATED;
    }
    if (flow->groups[0].to == FACT_ADDRESSED && !recipient_is_known(question)) {
        return VG_BAD_RECIPIENT;
    }
    return corrects || some_group_is_open(question) ? VG_OK : VG_NOT_INTEGRATED;
}

enum vg_status
question_judge(const struct question *question)
{
    enum vg_status status = judge_form(question);

    if (status == VG_OK) {
        status = judge_replacement(question);
    }
    if (status == VG_OK) {
        status = judge_rights(question);
    }
    return status == VG_OK && !question_refers(question) ? VG_BAD_REFERENCE : status;
}
