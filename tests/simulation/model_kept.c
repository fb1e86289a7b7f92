// SPDX-License-Identifier: EUPL-1.2
// One mutation: refused, or kept in all its mailboxes.
#include "model_inside.h"

#include <stdlib.h>
#include <string.h>

static struct outcome *
add_outcome(struct model_producer *producer)
{
    if (producer->len == producer->size) {
        producer->size = producer->size * 2 + 64;
        producer->outcomes =
            realloc(producer->outcomes, producer->size * sizeof *producer->outcomes);
        CHECK(producer->outcomes != NULL);
    }
    return &producer->outcomes[producer->len++];
}

struct told *
model_add_told(struct model_box *box)
{
    if (box->len == box->size) {
        box->size = box->size * 2 + 64;
        box->told = realloc(box->told, box->size * sizeof *box->told);
        CHECK(box->told != NULL);
    }
    return &box->told[box->len++];
}

// As a letter names it: 0 where the number itself is in force.
static uint64_t
number_in_force(const struct model *model, uint64_t niss)
{
    int person = model_person(model, niss);

    return person < 0 || model->replaced_by[person] < 0
               ? 0
               : model->niss[model_current(model, person)];
}

// The body lies on the disk and says what it may.
static void
look_at_body(const struct model *model, struct told *told, struct txn *txn,
             const struct model_box *box)
{
    struct hot_content content;
    struct bytes body;
    const char *fault;

    if (body_get(txn, told->body, &body) != VG_OK || body.len != told->size ||
        hot_read_content((struct hot_bytes){body.at, body.len}, &content) != HOT_OK) {
        broken("mailbox %u, letter %zu: its body cannot be read", box->id, box->len);
    }
    fault =
        deed_is_told(&model->deeds[told->deed - 1], told->kept, told->referred, &content);
    if (fault != NULL) {
        broken("mailbox %u, letter %zu: %s", box->id, box->len, fault);
    }
    if (content.ticket != told->ticket || content.kept_at_us != (uint64_t)told->kept_us ||
        content.mutation.caught_up != told->because) {
        broken("mailbox %u, letter %zu: the body has another ticket or time", box->id,
               box->len);
    }
    if (content.mutation.current_niss != told->in_force) {
        broken("mailbox %u, letter %zu: the body names another number in force", box->id,
               box->len);
    }
    told->checksum = checksum_of(body.at, body.len);
}

void
model_put(struct model *model, const struct told *told,
          const struct journal_recipient *recipient, struct model_box *box,
          struct applied *applied)
{
    struct told *last = model_add_told(box);

    *last = *told;
    last->body = last->first_body = recipient->body;
    last->size = recipient->size;
    last->bytes_through = recipient->size + (box->len > 1 ? last[-1].bytes_through : 0);
    if (recipient->number != box->len || recipient->institution != told->institution ||
        recipient->quality != told->quality || recipient->begin != told->begin ||
        recipient->end != told->end || recipient->bytes_through != last->bytes_through ||
        recipient->withheld != deed_withheld(&model->deeds[told->deed - 1], told->kept)) {
        broken(
            "mailbox %u, letter %zu: number %llu, quality %u from %d to %d, withheld %u "
            "is not quality %u from %d to %d",
            box->id, box->len, (unsigned long long)recipient->number, recipient->quality,
            recipient->begin, recipient->end, recipient->withheld, told->quality,
            told->begin, told->end);
    }
    applied_check_posted(applied, box->id, recipient);
    look_at_body(model, last, applied->txn, box);
    box->count[PLACE_TURN]++;
    box->bytes[PLACE_TURN] += last->size;
    model->letters++;
}

struct model_box *
model_deliver(const struct question *question, const struct told *told,
              struct model_box *box, struct applied *applied)
{
    struct journal_recipient recipient = {.mailbox = 0};
    uint32_t institution = box->institution, mailbox = box->id;
    struct told whole = *told;

    if (journal_item_recipient(&applied->item, applied->recipients++, &recipient)) {
        box = model_inflow(question->model, box, recipient.mailbox);
    }
    if (recipient.mailbox == 0 || box == NULL) {
        broken("mailbox %u must get deed %u, and the journal gives it to %u", mailbox,
               told->deed, recipient.mailbox);
    }
    whole.institution = institution;
    whole.event = told->ticket;
    whole.in_force = number_in_force(question->model, question->deed->niss);
    model_put(question->model, &whole, &recipient, box, applied);
    return box;
}

static void
deliver_to_all(const struct question *question, struct told told, struct applied *applied)
{
    struct model *model = question->model;

    for (uint32_t institution = 1; institution <= model->institutions_len;
         institution++) {
        for (struct model_box *box = NULL;
             !model->institutions[institution].merged &&
             (box = model_next_box(model, institution, box)) != NULL;) {
            struct told share = told;

            if (question_share(question, box, &share)) {
                model_deliver(question, &share, box, applied);
            }
        }
    }
}

static void
replace_person(struct model *model, int old, int new)
{
    for (uint32_t i = 1; i <= model->institutions_len; i++) {
        for (unsigned q = 1; q < 64; q++) {
            const struct days *days = model->held[old][i][q];
            struct run run;

            for (int bit = 0; days_next_run(model, days, &bit, &run);) {
                days_set(model, &model->held[new][i][q], run.begin, run.end, true);
            }
            free(model->held[old][i][q]);
            model->held[old][i][q] = NULL;
        }
        model->follows[new][i] |= model->follows[old][i];
        model->follows[old][i] = 0;
    }
    model->replaced_by[old] = new;
    model->joined[new] = model->commits;
    for (size_t i = 0; i < model->boxes_len; i++) {
        model_put_in_order(model, &model->boxes[i], model->niss[new]);
    }
}

static void
note_kept(const struct question *question, const struct told *told)
{
    struct model *model = question->model;
    struct model_heard *heard = &model->heard[told->source][question->deed->flow];

    if (told->ticket >= model->kept_size) {
        size_t size = told->ticket * 2 + 256;

        model->kept = realloc(model->kept, size * sizeof *model->kept);
        CHECK(model->kept != NULL);
        memset(model->kept + model->kept_size, 0,
               (size - model->kept_size) * sizeof *model->kept);
        model->kept_size = size;
    }
    model->kept[told->ticket] = (struct kept){
        .deed = told->deed, .source = told->source, .commit = model->commits};
    heard->last_us = told->kept_us;
    heard->ticket = told->ticket;
    heard->mutations++;
}

void
applied_event(const struct question *question, const struct told *told,
              struct applied *applied)
{
    struct journal_event event;

    applied_item(applied, JOURNAL_EVENT, &event, sizeof event);
    if (event.ticket != told->ticket || event.number != told->number ||
        event.source != told->source || event.producer != told->producer ||
        event.niss != question->deed->niss || event.flow != question->flow->id ||
        event.catalogue != question->model->catalogue) {
        broken("the journal's event is not number %llu of producer %u of institution %u",
               (unsigned long long)told->number, told->producer, told->source);
    }
    applied->recipients = 0;
}

void
applied_no_more_recipients(const struct applied *applied, uint32_t deed)
{
    struct journal_recipient none;

    if (journal_item_recipient(&applied->item, applied->recipients, &none)) {
        broken("mailbox %u got deed %u without any right to it", none.mailbox, deed);
    }
}

static void
deliver_all(const struct question *question, const struct told *told,
            struct applied *applied)
{
    static const bool nobody[INSTITUTIONS_MAX];

    if (question->deed->corrects != 0) {
        model_correct(question, told, applied);
    } else {
        model_declines(question, told, nobody, applied);
        applied_event(question, told, applied);
        deliver_to_all(question, *told, applied);
    }
    applied_no_more_recipients(applied, told->deed);
}

static void
keep(const struct question *question, uint32_t producer, uint64_t number,
     struct applied *applied)
{
    struct model *model = question->model;
    const struct deed *deed = question->deed;
    struct told told = {
        .source = question->source,
        .producer = producer,
        .number = number,
        .deed = deed->id,
        .ticket = ++model->tickets,
        .kept_us = applied->now_us,
        .subject = question->flow->of_enterprises ? HELD_ENTERPRISE | deed->enterprise
                                                  : deed->niss,
        .asks = question->flow->asks && !deed->cancels,
    };

    note_kept(question, &told);
    deliver_all(question, &told, applied);
    if (deed->answers != 0) {
        model_answer(question, told.ticket);
    }
    if (question->flow->replaces) {
        int old = model_person(model, deed->niss);
        int new = model_person(model, deed->new_niss);

        model_note_before_move(model, old, new);
        replace_person(model, old, new);
    }
}

struct outcome
model_publish_one(struct model *model, uint32_t source, uint32_t producer,
                  uint64_t number, uint32_t deed, struct applied *applied)
{
    struct question question = {
        .model = model,
        .deed = &model->deeds[deed - 1],
        .flow = facts_flow(model->variant, model->deeds[deed - 1].flow),
        .source = source,
        .today = model_day(applied->now_us),
        .person = model_person(model, model->deeds[deed - 1].niss),
        .applied = applied,
    };
    struct outcome outcome = {.deed = deed};

    if (question.person >= 0) {
        question.person = model_current(model, question.person);
    }
    outcome.status = question_judge(&question);
    if (outcome.status == VG_OK) {
        keep(&question, producer, number, applied);
        model->mutations++;
    } else {
        struct journal_refusal refusal;

        applied_item(applied, JOURNAL_REFUSAL, &refusal, sizeof refusal);
        if (refusal.number != number || refusal.status != outcome.status) {
            broken("institution %u, number %llu: refused as %s in the journal, not as %s",
                   source, (unsigned long long)number,
                   vg_status_name((enum vg_status)refusal.status),
                   vg_status_name(outcome.status));
        }
        model->refused++;
    }
    *add_outcome(&model->producers[source][producer]) = outcome;
    return outcome;
}
