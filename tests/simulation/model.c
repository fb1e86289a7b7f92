// SPDX-License-Identifier: EUPL-1.2
#include "model.h"

#include "model_inside.h"

#include <stdlib.h>
#include <string.h>

struct model *
model_new(int32_t first_day)
{
    struct model *model = xcalloc(1, sizeof *model);

    model->first_day = first_day;
    for (int i = 0; i < PERSONS; i++) {
        model->niss[i] = niss_make(1950 + i, 60 + 1 + i % 12, 1 + i, 3 + 7 * i).number;
        model->replaced_by[i] = -1;
    }
    return model;
}

void
model_free(struct model **model)
{
    if (*model == NULL) {
        return;
    }
    for (size_t i = 0; i < (*model)->boxes_len; i++) {
        free((*model)->boxes[i].told);
    }
    for (size_t i = 0; i < INSTITUTIONS_MAX; i++) {
        for (size_t j = 0; j < PRODUCERS_MAX; j++) {
            free((*model)->producers[i][j].outcomes);
        }
    }
    for (size_t i = 0; i < PERSONS; i++) {
        for (size_t j = 0; j < INSTITUTIONS_MAX; j++) {
            for (size_t q = 0; (*model)->follows[i][j] != 0 && q < 64; q++) {
                free((*model)->held[i][j][q]);
            }
        }
    }
    free((*model)->deeds);
    free((*model)->commit_us);
    free(*model);
    *model = NULL;
}

struct deed *
model_deed(struct model *model)
{
    if (model->deeds_len == model->deeds_size) {
        model->deeds_size = model->deeds_size * 2 + 256;
        model->deeds = realloc(model->deeds, model->deeds_size * sizeof *model->deeds);
        CHECK(model->deeds != NULL);
    }

    struct deed *deed = &model->deeds[model->deeds_len++];

    *deed = (struct deed){.id = (uint32_t)model->deeds_len};
    return deed;
}

struct model_box *
model_box(struct model *model, uint32_t mailbox)
{
    for (size_t i = 0; i < model->boxes_len; i++) {
        if (model->boxes[i].id == mailbox) {
            return &model->boxes[i];
        }
    }
    return NULL;
}

const struct model_key *
model_valid_key(const struct model *model, uint32_t institution, uint32_t role)
{
    for (size_t i = 0; i < model->keys_len; i++) {
        const struct model_key *key = &model->keys[i];

        if (key->institution == institution && key->role == role && !key->revoked) {
            return key;
        }
    }
    return NULL;
}

bool
model_has_ticket(const struct model *model, uint64_t request, uint64_t ticket)
{
    const struct model_reply *reply = &model->replies[request % REPLIES_MAX];

    for (size_t i = 0; i < reply->len; i++) {
        if (reply->tickets[i] == ticket) {
            return true;
        }
    }
    return reply->request != request || reply->len == ARRAY_LEN(reply->tickets);
}

int
model_current(const struct model *model, int person)
{
    while (model->replaced_by[person] >= 0) {
        person = model->replaced_by[person];
    }
    return person;
}

int
model_person(const struct model *model, uint64_t niss)
{
    for (int i = 0; i < PERSONS; i++) {
        if (model->niss[i] == niss) {
            return i;
        }
    }
    return -1;
}

bool
model_is_same(const struct model *model, uint64_t one, uint64_t other)
{
    int a = model_person(model, one), b = model_person(model, other);

    return one == other ||
           (a >= 0 && b >= 0 && model_current(model, a) == model_current(model, b));
}

// ---- days as bits ----

static int
bit_of(const struct model *model, int32_t day)
{
    int64_t bit = (int64_t)day - model->first_day;

    return bit < 0 ? 0 : bit >= DAYS ? DAYS - 1 : (int)bit;
}

bool
days_has(const struct days *days, int bit)
{
    return (days->word[bit / 64] >> (bit % 64) & 1) != 0;
}

// The first bit at or after this one that is on, or off; DAYS: none.
static int
next_bit(const struct days *days, int bit, bool on)
{
    while (bit < DAYS) {
        uint64_t word = days->word[bit / 64] ^ (on ? 0 : UINT64_MAX);
        uint64_t rest = word & UINT64_MAX << (bit % 64);

        if (rest != 0) {
            return bit / 64 * 64 + __builtin_ctzll(rest);
        }
        bit = (bit / 64 + 1) * 64;
    }
    return DAYS;
}

bool
days_next_run(const struct model *model, const struct days *days, int *bit,
              struct run *ret_run)
{
    int first = days == NULL ? DAYS : next_bit(days, *bit, true);

    if (first == DAYS) {
        return false;
    }
    *bit = next_bit(days, first, false);
    ret_run->begin = model->first_day + first;
    ret_run->end = *bit == DAYS ? INT32_MAX : model->first_day + *bit - 1;
    return true;
}

// Returns how many bits changed.
static int
set_days(const struct model *model, struct days **held, int32_t begin, int32_t end,
         bool on)
{
    struct days *days = *held;
    int changed = 0;

    if (days == NULL && !on) {
        return 0;
    }
    if (days == NULL) {
        days = *held = xcalloc(1, sizeof *days);
    }

    for (int bit = bit_of(model, begin); bit <= bit_of(model, end); bit++) {
        if (days_has(days, bit) != on) {
            days->word[bit / 64] ^= UINT64_C(1) << (bit % 64);
            changed++;
        }
    }
    return changed;
}

bool
model_follows(const struct model *model, int person, uint32_t institution,
              unsigned quality, int32_t day)
{
    person = model_current(model, person);
    return model->held[person][institution][quality] != NULL &&
           days_has(model->held[person][institution][quality], bit_of(model, day));
}

// ---- the calendar of Brussels, for the years of the simulation ----

static int64_t
change_us(int year, int month, int day)
{
    return ((int64_t)day_of(year, month, day).number * 24 + 1) * 3600 * 1000000;
}

int32_t
model_day(int64_t us)
{
    int64_t summers[][2] = {
        {change_us(2026, 3, 29), change_us(2026, 10, 25)},
        {change_us(2027, 3, 28), change_us(2027, 10, 31)},
        {change_us(2028, 3, 26), change_us(2028, 10, 29)},
    };
    int64_t hours = 1;

    for (size_t i = 0; i < ARRAY_LEN(summers); i++) {
        hours += us >= summers[i][0] && us < summers[i][1];
    }
    return (int32_t)((us / 1000000 + hours * 3600) / 86400);
}

// ---- who may see it ----

struct question {
    struct model *model;
    const struct deed *deed;
    const struct fact_flow *flow;
    uint32_t source;
    int32_t today;
    int person; // -1: none
};

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
publisher_fulfils(const struct question *question, const struct fact_demand *demand)
{
    const struct model *model = question->model;

    if (demand->when == FACT_NO_DEMAND) {
        return true;
    }
    for (unsigned q = 1; q < 64 && question->person >= 0; q++) {
        const struct days *days = model->held[question->person][question->source][q];
        struct run run;

        if (!quality_fulfils(demand, q) ||
            (model->follows[question->person][question->source] >> q & 1) == 0) {
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
box_wants(const struct model_box *box, uint16_t flow, unsigned quality)
{
    for (size_t i = 0; i < box->choices_len; i++) {
        if (box->choices[i].flow == flow &&
            (quality == 0 || (box->choices[i].qualities >> quality & 1) != 0)) {
            return true;
        }
    }
    return box->choices_len == 0;
}

// Does the law, the message or the catalogue name this institution?
static bool
is_named(const struct question *question, const struct fact_group *group,
         uint32_t institution)
{
    const struct model_institution *one = &question->model->institutions[institution];

    switch (group->to) {
    case FACT_ADDRESSED:
        return strcmp(one->code, question->deed->recipient) == 0;
    case FACT_NAMED:
        return strcmp(one->code, group->named) == 0;
    case FACT_EVERYBODY:
        return (group->sectors >> one->sector & 1) != 0;
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

// Adds what one quality lets through, the earliest first.
static unsigned
classes_of_quality(const struct question *question, uint32_t institution, unsigned q,
                   struct told *told)
{
    const struct model *model = question->model;
    unsigned classes = 0;
    struct run run;

    for (int bit = 0; days_next_run(model, model->held[question->person][institution][q],
                                    &bit, &run);) {
        if (!flow_takes(question, institution, q, run)) {
            continue;
        }
        classes |= facts_class(model->institutions[institution].sector, q);
        if (told->quality == 0) {
            told->quality = (uint16_t)q;
            told->begin = run.begin;
            told->end = run.end;
        }
    }
    return classes;
}

// False: this mailbox gets nothing of it.
static bool
share_of(const struct question *question, const struct model_box *box, struct told *told)
{
    const struct model *model = question->model;
    uint32_t institution = box->institution;
    unsigned classes = 0;

    if (box_wants(box, question->flow->id, 0) &&
        flow_takes(question, institution, 0, (struct run){0, 0})) {
        classes = FACT_ANY;
    }
    for (unsigned q = 1; q < 64 && question->person >= 0; q++) {
        if ((model->follows[question->person][institution] >> q & 1) != 0 &&
            box_wants(box, question->flow->id, q)) {
            classes |= classes_of_quality(question, institution, q, told);
        }
    }
    for (unsigned i = 0; i < facts_fields(question->flow); i++) {
        if ((question->flow->fields[i].classes & classes) != 0) {
            told->kept |= question->deed->fields & (1u << i);
        }
    }
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
    if (deed->wrong == WRONG_NISS || (flow->replaces && deed->niss == deed->new_niss)) {
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
    return flow->groups[0].to != FACT_ADDRESSED && deed->recipient[0] != '\0'
               ? VG_BAD_RECIPIENT
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
    return model_person_rows(model, model_person(model, question->deed->niss)) +
                       model_person_rows(model,
                                         model_person(model, question->deed->new_niss)) >
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

        if (is_named(question, group, i) && (group->sectors >> sector & 1) != 0) {
            return true;
        }
    }
    return false;
}

static enum vg_status
judge(const struct question *question)
{
    const struct fact_flow *flow = question->flow;
    enum vg_status status = judge_form(question);
    unsigned groups = 0;
    unsigned open = 0;

    if (status == VG_OK) {
        status = judge_replacement(question);
    }
    if (status != VG_OK) {
        return status;
    }
    if (!publisher_fulfils(question, &flow->publisher)) {
        return VG_NOT_INTEGRATED;
    }
    if (flow->groups[0].to == FACT_ADDRESSED && !recipient_is_known(question)) {
        return VG_BAD_RECIPIENT;
    }
    for (; groups < FACT_GROUPS && flow->groups[groups].to != FACT_NOBODY; groups++) {
        open += publisher_fulfils(question, &flow->groups[groups].publisher);
    }
    return open == 0 ? VG_NOT_INTEGRATED : VG_OK;
}

// ---- one mutation ----

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

static struct told *
add_told(struct model_box *box)
{
    if (box->len == box->size) {
        box->size = box->size * 2 + 64;
        box->told = realloc(box->told, box->size * sizeof *box->told);
        CHECK(box->told != NULL);
    }
    return &box->told[box->len++];
}

// The body lies on the disk and says what it may.
// As a letter names it: 0 where the number itself is in force.
static uint64_t
number_in_force(const struct model *model, uint64_t niss)
{
    int person = model_person(model, niss);

    return person < 0 || model->replaced_by[person] < 0
               ? 0
               : model->niss[model_current(model, person)];
}

static void
look_at_body(const struct question *question, struct told *told, struct txn *txn,
             const struct model_box *box)
{
    struct hot_content content;
    struct bytes body;
    const char *fault;

    if (body_get(txn, told->body, &body) != VG_OK || body.len != told->size ||
        hot_read_content((struct hot_bytes){body.at, body.len}, &content) != HOT_OK) {
        broken("mailbox %u, letter %zu: its body cannot be read", box->id, box->len);
    }
    fault = deed_is_told(question->deed, told->kept, &content);
    if (fault != NULL) {
        broken("mailbox %u, letter %zu: %s", box->id, box->len, fault);
    }
    if (content.ticket != told->ticket || content.kept_at_us != (uint64_t)told->kept_us) {
        broken("mailbox %u, letter %zu: the body has another ticket or time", box->id,
               box->len);
    }
    if (content.mutation.current_niss !=
        number_in_force(question->model, content.mutation.niss)) {
        broken("mailbox %u, letter %zu: the body names another number in force", box->id,
               box->len);
    }
    told->checksum = checksum_of(body.at, body.len);
}

static void
deliver(const struct question *question, const struct told *told, struct model_box *box,
        struct applied *applied)
{
    struct journal_recipient recipient = {.mailbox = 0};
    struct told *last;

    if (!journal_item_recipient(&applied->item, applied->recipients++, &recipient) ||
        recipient.mailbox != box->id) {
        broken("mailbox %u must get deed %u, and the journal gives it to %u", box->id,
               told->deed, recipient.mailbox);
    }
    last = add_told(box);
    *last = *told;
    last->body = last->first_body = recipient.body;
    last->size = recipient.size;
    last->bytes_through = recipient.size + (box->len > 1 ? last[-1].bytes_through : 0);
    if (recipient.number != box->len || recipient.institution != box->institution ||
        recipient.quality != told->quality || recipient.begin != told->begin ||
        recipient.end != told->end || recipient.bytes_through != last->bytes_through ||
        recipient.withheld != deed_withheld(question->deed, told->kept)) {
        broken(
            "mailbox %u, letter %zu: number %llu, quality %u from %d to %d, withheld %u "
            "is not quality %u from %d to %d",
            box->id, box->len, (unsigned long long)recipient.number, recipient.quality,
            recipient.begin, recipient.end, recipient.withheld, told->quality,
            told->begin, told->end);
    }
    applied_check_posted(applied, box->id, &recipient);
    look_at_body(question, last, applied->txn, box);
    box->count[PLACE_TURN]++;
    box->bytes[PLACE_TURN] += last->size;
    question->model->letters++;
}

static void
deliver_to_all(const struct question *question, struct told told, struct applied *applied)
{
    struct model *model = question->model;
    struct journal_recipient none;

    for (uint32_t institution = 1; institution <= model->institutions_len;
         institution++) {
        for (size_t i = 0; i < model->boxes_len; i++) {
            struct told share = told;

            if (model->boxes[i].institution == institution &&
                share_of(question, &model->boxes[i], &share)) {
                deliver(question, &share, &model->boxes[i], applied);
            }
        }
    }
    if (journal_item_recipient(&applied->item, applied->recipients, &none)) {
        broken("mailbox %u got deed %u without any right to it", none.mailbox, told.deed);
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
                set_days(model, &model->held[new][i][q], run.begin, run.end, true);
            }
            free(model->held[old][i][q]);
            model->held[old][i][q] = NULL;
        }
        model->follows[new][i] |= model->follows[old][i];
        model->follows[old][i] = 0;
    }
    model->replaced_by[old] = new;
    for (size_t i = 0; i < model->boxes_len; i++) {
        model_put_in_order(model, &model->boxes[i], model->niss[new]);
    }
}

static void
keep(const struct question *question, uint32_t producer, uint64_t number,
     struct applied *applied)
{
    struct model *model = question->model;
    const struct deed *deed = question->deed;
    struct journal_event event;
    struct told told = {
        .source = question->source,
        .producer = producer,
        .number = number,
        .deed = deed->id,
        .ticket = ++model->tickets,
        .kept_us = applied->now_us,
        .subject = question->flow->of_enterprises ? HELD_ENTERPRISE | deed->enterprise
                                                  : deed->niss,
    };

    applied_item(applied, JOURNAL_EVENT, &event, sizeof event);
    if (event.ticket != told.ticket || event.number != number ||
        event.source != told.source || event.producer != producer ||
        event.niss != deed->niss || event.flow != question->flow->id ||
        event.catalogue != model->catalogue) {
        broken("the journal's event is not number %llu of producer %u of institution %u",
               (unsigned long long)number, producer, told.source);
    }
    applied->recipients = 0;
    deliver_to_all(question, told, applied);
    if (question->flow->replaces) {
        replace_person(model, model_person(model, deed->niss),
                       model_person(model, deed->new_niss));
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
    };
    struct outcome outcome = {.deed = deed};

    if (question.person >= 0) {
        question.person = model_current(model, question.person);
    }
    outcome.status = judge(&question);
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

// ---- integrating ----

// How many integrations a person has on disk; 0 where it cannot matter.
size_t
model_person_rows(const struct model *model, int person)
{
    size_t rows = 0;

    for (uint32_t i = 1; model->counts_rows && i <= model->institutions_len; i++) {
        for (unsigned q = 1; model->follows[person][i] != 0 && q < 64; q++) {
            struct run run;

            for (int bit = 0;
                 days_next_run(model, model->held[person][i][q], &bit, &run);) {
                rows++;
            }
        }
    }
    return rows;
}

bool
model_may_integrate(const struct model *model, int person, uint32_t institution,
                    unsigned quality, int32_t begin, int32_t end)
{
    unsigned sector = model->institutions[institution].sector;

    person = model_current(model, person);
    if (model_person_rows(model, person) >= PERSON_ROWS_MAX) {
        return false;
    }
    for (uint32_t i = 1; i <= model->institutions_len; i++) {
        if (i == institution || model->institutions[i].sector != sector ||
            !facts_exclusive(sector, quality)) {
            continue;
        }
        for (int bit = bit_of(model, begin); bit <= bit_of(model, end); bit++) {
            if (model->held[person][i][quality] != NULL &&
                days_has(model->held[person][i][quality], bit)) {
                return false;
            }
        }
    }
    return true;
}

bool
model_others_follow(const struct model *model, int person, uint32_t institution,
                    int32_t begin, int32_t end)
{
    person = model_current(model, person);
    for (uint32_t i = 1; i <= model->institutions_len; i++) {
        if (i == institution ||
            model->institutions[i].sector != model->institutions[institution].sector) {
            continue;
        }
        for (unsigned q = 1; model->follows[person][i] != 0 && q < 64; q++) {
            struct run run;

            for (int bit = 0;
                 days_next_run(model, model->held[person][i][q], &bit, &run);) {
                if (run.begin <= end && run.end >= begin) {
                    return true;
                }
            }
        }
    }
    return false;
}

void
model_integrate(struct model *model, int person, uint32_t institution, unsigned quality,
                int32_t begin, int32_t end)
{
    person = model_current(model, person);
    set_days(model, &model->held[person][institution][quality], begin, end, true);
    model->follows[person][institution] |= UINT64_C(1) << quality;
    model->directory++;
}

enum vg_status
model_remove(struct model *model, int person, uint32_t institution, unsigned quality,
             int32_t begin, int32_t end)
{
    struct days **held;
    struct days before = {{0}};

    person = model_current(model, person);
    held = &model->held[person][institution][quality];
    if (*held != NULL) {
        before = **held;
    }
    model->directory++;
    if (set_days(model, held, begin, end, false) == 0) {
        return VG_NOT_FOUND;
    }
    if (model_person_rows(model, person) <= PERSON_ROWS_MAX) {
        return VG_OK;
    }
    **held = before; // one in the middle was cut in two, and there is no room for both
    return VG_TOO_MANY;
}
