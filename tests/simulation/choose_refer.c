// SPDX-License-Identifier: EUPL-1.2
// What sources say of something that was said before: they correct it, answer it, or say the
// same anew, by the dice.
#include "simulation.h"

#include <string.h>

enum { LATELY = 200 };

static const struct deed *
deed_of(const struct simulation *s, uint64_t ticket)
{
    const struct kept *kept = model_kept(s->model, ticket);

    return kept == NULL ? NULL : &s->model->deeds[kept->deed - 1];
}

// Mostly about the same person, or another number of his.
static void
take_person(struct simulation *s, const struct deed *first, struct deed *deed)
{
    const struct model *model = s->model;

    if (facts_flow(0, first->flow)->of_enterprises || dice_one_in(&s->dice, 12)) {
        return;
    }
    deed->niss = first->niss;
    for (int i = 0; i < PERSONS; i++) {
        if (model->niss[i] != first->niss &&
            model_is_same(model, model->niss[i], first->niss) &&
            dice_one_in(&s->dice, 2)) {
            deed->niss = model->niss[i];
        }
    }
}

// A source of the institution; mostly: sometimes it is somebody else's to say.
static bool
choose_source(struct simulation *s, uint32_t institution, size_t *ret_source)
{
    size_t first = dice_below(&s->dice, (uint32_t)s->sources.len);

    *ret_source = first;
    for (size_t i = 0; i < s->sources.len && !dice_one_in(&s->dice, 200); i++) {
        *ret_source = (first + i) % s->sources.len;
        if (s->sources.source[*ret_source].institution ==
            model_successor(s->model, institution)) {
            return true;
        }
    }
    return dice_one_in(&s->dice, 12);
}

// One that stands for others in some mailbox, and that nobody corrects yet; 0: there is none.
static uint64_t
choose_standing(struct simulation *s)
{
    const struct model *model = s->model;
    size_t from = dice_below(&s->dice, (uint32_t)model->boxes_len);

    for (size_t i = 0; i < model->boxes_len; i++) {
        const struct model_box *box = &model->boxes[(from + i) % model->boxes_len];

        for (size_t n = box->merged_len; n-- > 0;) {
            uint64_t ticket = box->merged[n].ticket;

            if (box->merged[n].len > 0) { // or what stands instead of it
                while (model_kept(model, ticket)->corrected_by != 0) {
                    ticket = model_kept(model, ticket)->corrected_by;
                }
                return model_kept(model, ticket)->named ? 0 : ticket;
            }
        }
    }
    return 0;
}

// One of the newest that nobody corrects yet; 0: there is none.
static uint64_t
choose_corrected(struct simulation *s)
{
    uint64_t newest = s->model->tickets;
    uint32_t skip = dice_below(&s->dice, 12);
    uint64_t found = s->repeating && dice_one_in(&s->dice, 3) ? choose_standing(s) : 0;

    if (found != 0) {
        return found;
    }
    for (uint64_t ticket = newest; ticket > 0 && ticket + LATELY > newest; ticket--) {
        const struct kept *kept = model_kept(s->model, ticket);

        if (kept != NULL && (!kept->named || dice_one_in(&s->dice, 12))) {
            found = ticket;
            if (skip-- == 0) {
                break;
            }
        }
    }
    return found;
}

static void
correct_this(struct simulation *s, uint64_t ticket, bool cancels)
{
    const struct deed *first = deed_of(s, ticket);
    struct deed deed;
    size_t source;

    if (first == NULL ||
        !choose_source(s, model_kept(s->model, ticket)->source, &source)) {
        return;
    }
    model_kept(s->model, ticket)->named = true;
    deed = choose_deed(s, dice_one_in(&s->dice, 30) ? dice_below(&s->dice, facts_flows())
                                                    : first->flow);
    take_person(s, first, &deed);
    if (!dice_one_in(&s->dice, 4)) {
        memcpy(deed.recipient, first->recipient, sizeof deed.recipient);
    }
    deed.corrects = ticket;
    deed.cancels = cancels;
    if (dice_one_in(&s->dice, 20)) { // a request's, or one that is yet to come
        deed.corrects = s->model->tickets + 3 - dice_below(&s->dice, 6);
    }
    sources_report(&s->sources, source, deed);
}

static void
correct(struct simulation *s)
{
    correct_this(s, choose_corrected(s),
                 dice_one_in(&s->dice, 3) || (s->noisy && dice_one_in(&s->dice, 2)));
}

void
take_back(struct simulation *s)
{
    uint64_t ticket = choose_standing(s);

    if (ticket != 0) {
        correct_this(s, ticket, !dice_one_in(&s->dice, 4));
    }
}

// The flow that answers letters of this one; NULL: none does.
static const struct fact_flow *
answering(const struct deed *asked, unsigned *ret_index)
{
    for (unsigned i = 0; i < facts_flows(); i++) {
        if (facts_flow(0, i)->answers == facts_flow(0, asked->flow)->id) {
            *ret_index = i;
            return facts_flow(0, i);
        }
    }
    return NULL;
}

// A letter that can be answered, in one mailbox; NULL: it has none.
static const struct told *
choose_asked(struct simulation *s, const struct model_box *box)
{
    uint32_t skip = dice_below(&s->dice, 3);
    const struct told *found = NULL;
    unsigned index;

    for (size_t n = box->len; n > 0 && n + LATELY > box->len; n--) {
        const struct told *told = &box->told[n - 1];

        if (told->deed != 0 &&
            answering(&s->model->deeds[told->deed - 1], &index) != NULL) {
            found = told;
            if (skip-- == 0) {
                break;
            }
        }
    }
    return found;
}

static bool
answer(struct simulation *s)
{
    const struct model *model = s->model;
    size_t from = dice_below(&s->dice, (uint32_t)model->boxes_len);
    const struct model_box *box = NULL;
    const struct told *asked = NULL;
    const struct fact_flow *flow;
    struct deed deed;
    unsigned index;
    size_t source;

    for (size_t i = 0; i < model->boxes_len && asked == NULL; i++) {
        box = &model->boxes[(from + i) % model->boxes_len];
        asked = choose_asked(s, box);
    }
    if (asked == NULL || !choose_source(s, box->institution, &source)) {
        return false;
    }
    flow = answering(&model->deeds[asked->deed - 1], &index);
    deed = choose_deed(s, index);
    take_person(s, &model->deeds[asked->deed - 1], &deed);
    if (flow->groups[0].to == FACT_ADDRESSED && !dice_one_in(&s->dice, 6)) {
        memcpy(deed.recipient, model->institutions[asked->source].code,
               sizeof deed.recipient);
    }
    deed.answers = asked->ticket;
    sources_report(&s->sources, source, deed);
    return true;
}

// Something that can be answered.
static void
ask_for_answer(struct simulation *s)
{
    size_t source = dice_below(&s->dice, (uint32_t)s->sources.len);
    uint32_t institution = s->sources.source[source].institution;
    unsigned sector = s->model->institutions[institution].sector;
    unsigned ignored;

    for (unsigned i = 0; i < facts_flows(); i++) {
        struct deed asked = {.flow = i};

        if ((facts_flow(0, i)->sources >> sector & 1) != 0 &&
            answering(&asked, &ignored) != NULL) {
            sources_report(&s->sources, source, choose_deed(s, i));
        }
    }
}

void
refer(struct simulation *s)
{
    if (!s->referring) {
        return;
    }
    for (int n = 0; s->noisy && n < 3; n++) {
        correct(s);
    }
    if (dice_one_in(&s->dice, 2)) {
        correct(s);
    } else if (!answer(s)) {
        ask_for_answer(s);
    }
}

// ---- the same anew ----

// One of the newest letters of a mailbox that says how something is; NULL: it has none.
static const struct told *
choose_said(struct simulation *s, const struct model_box *box)
{
    uint32_t skip = dice_below(&s->dice, 6);
    const struct told *found = NULL;

    for (size_t n = box->len; n > 0 && n + LATELY > box->len; n--) {
        const struct told *told = &box->told[n - 1];

        if (facts_flow(0, s->model->deeds[told->deed - 1].flow)->merges) {
            found = told;
            if (skip-- == 0) {
                break;
            }
        }
    }
    return found;
}

// Mostly nothing that is urgent: that is never merged.
static void
vary(struct simulation *s, struct deed *deed)
{
    const struct fact_flow *flow = facts_flow(0, deed->flow);

    for (unsigned i = 0; i < facts_fields(flow) && !dice_one_in(&s->dice, 6); i++) {
        if (facts_urgency(flow, 1u << i) > flow->urgency) {
            deed->fields &= ~(1u << i);
        }
    }
    if (facts_fields(flow) > 0 && dice_one_in(&s->dice, 6)) {
        deed->fields ^= 1u << dice_below(&s->dice, facts_fields(flow));
    }
    if (dice_one_in(&s->dice, 6)) {
        deed->occurred = today(s) - dice_between(&s->dice, 0, 3);
    }
}

void
say_anew(struct simulation *s)
{
    const struct model *model = s->model;
    size_t from = dice_below(&s->dice, (uint32_t)model->boxes_len);
    const struct told *said = NULL;
    size_t source;

    for (size_t i = 0; i < model->boxes_len && said == NULL; i++) {
        const struct model_box *box = &model->boxes[(from + i) % model->boxes_len];

        said = box->rules.repeats == REPEATS_MERGE ? choose_said(s, box) : NULL;
    }
    if (said == NULL || !choose_source(s, said->source, &source)) {
        return;
    }
    for (uint32_t n = 2 + dice_below(&s->dice, 3); n > 0; n--) {
        struct deed deed = model->deeds[said->deed - 1];

        deed.corrects = 0;
        deed.cancels = false;
        vary(s, &deed);
        sources_report(&s->sources, source, deed);
    }
}
