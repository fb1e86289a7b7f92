// SPDX-License-Identifier: EUPL-1.2
// What a mailbox wants less of, when nothing is pushed to it, and what comes first.
#include "model_inside.h"

#include <stdlib.h>
#include <string.h>

// ---- the rules of a mailbox ----

static enum vg_status
read_unwanted(const struct set_rules_command *set, struct mailbox_rules *rules)
{
    enum vg_status status = VG_OK;

    rules->unwanted_len = 0;
    memset(rules->unwanted, 0, sizeof rules->unwanted);
    for (size_t i = 0; i < set->unwanted_len; i++) {
        const struct choice_request *one = &set->unwanted[i];
        const struct fact_flow *flow = NULL;

        for (unsigned f = 0; f < facts_flows() && flow == NULL; f++) {
            flow =
                bytes_equal(one->flow, facts_flow(0, f)->name) ? facts_flow(0, f) : NULL;
        }
        if (flow == NULL || flow->asks || flow->replaces) {
            status = status != VG_OK ? status
                     : flow == NULL  ? VG_UNKNOWN_FLOW
                                     : VG_NOT_ALLOWED;
        } else {
            rules->unwanted[rules->unwanted_len++] = (struct unwanted){
                .flow = flow->id,
                .qualities = one->qualities == 0 ? UINT64_MAX : one->qualities,
            };
        }
    }
    return status;
}

static bool
is_of_a_day(int minute)
{
    return minute >= 0 && minute < DAY_MINUTES;
}

void
follow_set_rules(struct model *model, const struct command *command,
                 struct applied *applied)
{
    const struct set_rules_command *set = &command->set_rules;
    struct model_box *box = model_box(model, set->mailbox);
    struct mailbox_rules rules = box->rules;
    enum vg_status status = VG_OK;

    if ((set->named & RULES_UNWANTED) != 0) {
        status = read_unwanted(set, &rules);
    }
    if ((set->named & RULES_QUIET) != 0) {
        rules.quiet_from = set->rules.quiet_from;
        rules.quiet_to = set->rules.quiet_to;
    }
    if ((set->named & RULES_DIGEST) != 0) {
        rules.digest = set->rules.digest;
    }
    if ((set->named & RULES_URGENT) != 0) {
        rules.urgent_first = set->rules.urgent_first;
    }
    if ((set->named & RULES_CANCELLED) != 0) {
        rules.cancelled = set->rules.cancelled;
    }
    if ((set->named & RULES_REPEATS) != 0) { // some that wait may stand for others still
        rules.repeats =
            set->rules.repeats == REPEATS_COME && rules.repeats != REPEATS_COME
                ? REPEATS_MERGED
                : set->rules.repeats;
    }
    if (status == VG_OK &&
        (!is_of_a_day(rules.quiet_from) || !is_of_a_day(rules.quiet_to) ||
         (rules.digest != 0 && !is_of_a_day(rules.digest - 1)))) {
        status = VG_BAD_DATE;
    }
    applied_check_status(applied, command, status);
    if (status == VG_OK) {
        applied_check_ticket(model, applied, command, ++model->tickets);
        if (rules.quiet_from == rules.quiet_to) {
            rules.quiet_from = rules.quiet_to = 0;
        }
        box->rules = rules;
        model->rules++;
    }
}

// ---- what is on the disk of them ----

struct comparing {
    const struct model *model;
    size_t rows;
};

static bool
compare_rules(struct mailbox_id mailbox, const struct mailbox_rules *rules, void *arg)
{
    struct comparing *comparing = arg;

    for (size_t i = 0; i < comparing->model->boxes_len; i++) {
        const struct model_box *box = &comparing->model->boxes[i];

        if (box->id == mailbox.number &&
            memcmp(&box->rules, rules, sizeof box->rules) != 0) {
            broken("mailbox %u has other rules on the disk", box->id);
        }
    }
    comparing->rows++;
    return true;
}

void
model_check_mailbox_rules(const struct model *model, struct txn *txn)
{
    struct comparing comparing = {.model = model};
    size_t expected = 0;

    for (size_t i = 0; i < model->boxes_len; i++) {
        const struct mailbox_rules *rules = &model->boxes[i].rules;

        expected += rules->quiet_from != rules->quiet_to || rules->digest != 0 ||
                    rules->urgent_first != 0 || rules->unwanted_len != 0 ||
                    rules->cancelled != CANCELLED_PAIR || rules->repeats != REPEATS_COME;
    }
    if (rules_each(txn, compare_rules, &comparing) != VG_OK ||
        comparing.rows != expected) {
        broken("%zu mailboxes have rules on the disk, not %zu", comparing.rows, expected);
    }
}

// ---- what nobody wants ----

static void
take_unwanted(const struct question *question, const struct told *told,
              uint32_t institution, uint16_t quality, struct applied *applied)
{
    struct journal_unwanted item;

    applied_item(applied, JOURNAL_UNWANTED, &item, sizeof item);
    if (item.ticket != told->ticket || item.institution != institution ||
        item.niss != question->deed->niss || item.source != told->source ||
        item.flow != question->flow->id || item.catalogue != question->model->catalogue ||
        item.quality != quality ||
        (quality != 0 && (item.begin != told->begin || item.end != told->end))) {
        broken("institution %u does not want ticket %llu, and the journal says so of "
               "institution %u and quality %u, not %u",
               institution, (unsigned long long)told->ticket, item.institution,
               item.quality, quality);
    }
    if (!applied->answered) {
        return;
    }
    if (applied->unwanted >= applied->batch->unwanted_len ||
        applied->batch->unwanted[applied->unwanted++] != institution) {
        broken("the loop is not told that institution %u does not want ticket %llu",
               institution, (unsigned long long)told->ticket);
    }
    question->model->unwanted[institution]++;
}

void
model_decline(const struct question *question, const struct told *told,
              uint32_t institution, struct applied *applied)
{
    const struct model *model = question->model;

    for (size_t i = 0; i < model->boxes_len; i++) {
        if (model->boxes[i].institution == institution &&
            model_wants(&model->boxes[i], question->flow->id, told->quality)) {
            return;
        }
    }
    take_unwanted(question, told, institution, told->quality, applied);
}

// Some integration may let it through, and a mailbox want it for that one alone.
static bool
somebody_wants(const struct question *question, uint32_t institution)
{
    const struct model *model = question->model;

    for (size_t i = 0; i < model->boxes_len; i++) {
        struct told ignored = {0};

        if (model->boxes[i].institution == institution &&
            question_classes(question, &model->boxes[i], &ignored) != 0) {
            return true;
        }
    }
    return false;
}

void
model_declines(const struct question *question, const struct told *told,
               const bool left_out[INSTITUTIONS_MAX], struct applied *applied)
{
    for (uint32_t i = 1; i <= question->model->institutions_len; i++) {
        struct told ground = *told;

        if (!question->model->institutions[i].merged && !left_out[i] &&
            question_ground(question, i, &ground) && !somebody_wants(question, i)) {
            take_unwanted(question, &ground, i, ground.quality, applied);
        }
    }
}

// ---- when ----

// Round the clock from `from`: so many minutes have passed.
static int
minutes_since(int from, int minute)
{
    return (minute - from + DAY_MINUTES) % DAY_MINUTES;
}

int64_t
model_hold_back(const struct mailbox_rules *rules, int64_t now_us)
{
    int64_t at = now_us - now_us % MINUTE_US;
    int since = minutes_since(rules->digest - 1, model_minute(now_us));

    if (minutes_since(rules->quiet_from, model_minute(now_us)) <
        minutes_since(rules->quiet_from, rules->quiet_to)) {
        return INT64_MIN;
    }
    if (rules->digest == 0) {
        return INT64_MAX;
    }
    at -= (since > 60 ? since - 60 : 0) * MINUTE_US; // an hour may have been left out
    while (model_minute(at) != rules->digest - 1) {
        at -= MINUTE_US;
    }
    return at;
}

// ---- what comes first ----

unsigned
model_urgency(const struct model *model, const struct told *told)
{
    const struct fact_flow *flow = facts_flow(0, model->deeds[told->deed - 1].flow);

    return facts_urgency(flow, told->kept);
}

static unsigned
more_urgent(unsigned one, unsigned other)
{
    return one == 0 || (other != 0 && other < one) ? other : one;
}

// Where the command has a letter; its letters_len: nowhere.
static size_t
place_of(const struct advance_command *advance, uint64_t number)
{
    size_t i = 0;

    while (i < advance->letters_len &&
           advance->letters[i].about.letter.number != number) {
        i++;
    }
    return i;
}

// As urgent as the most urgent one of its person that comes with it or after it.
static unsigned
urgency_of(const struct model *model, const struct model_box *box,
           const struct advance_command *advance, size_t i)
{
    uint64_t subject = box->told[advance->letters[i].about.letter.number - 1].subject;
    unsigned urgency = 0;

    for (; i < advance->letters_len; i++) {
        const struct told *told = &box->told[advance->letters[i].about.letter.number - 1];

        if (model_is_same(model, told->subject, subject)) {
            urgency = more_urgent(urgency, model_urgency(model, told));
        }
    }
    return urgency;
}

// Nothing about its person is passed. Under another number of his something may be: that may
// have become his since the loop looked; then the witness sees that it waits.
static void
check_passes_none(const struct model_box *box, const struct advance_command *advance,
                  uint64_t number)
{
    for (uint64_t n = 1; n < number; n++) {
        const struct told *told = &box->told[n - 1];

        if (told->place == PLACE_TURN && told->subject == box->told[number - 1].subject &&
            place_of(advance, n) == advance->letters_len) {
            broken("mailbox %u: letter %llu comes before its turn and before %llu about "
                   "the same person",
                   box->id, (unsigned long long)number, (unsigned long long)n);
        }
    }
}

static void
check_advance(const struct model *model, const struct model_box *box,
              const struct advance_command *advance)
{
    for (size_t i = 0; i < advance->letters_len; i++) {
        uint64_t number = advance->letters[i].about.letter.number;
        const struct told *told = model_letter(box, number);
        unsigned urgency;

        if (told == NULL || told->subject != advance->letters[i].about.subject ||
            told->size != advance->letters[i].about.letter.size ||
            (i > 0 && number <= advance->letters[i - 1].about.letter.number)) {
            broken("mailbox %u, letter %llu comes first as another one", box->id,
                   (unsigned long long)number);
        }
        urgency = urgency_of(model, box, advance, i);
        if (urgency == 0 || advance->letters[i].urgency != urgency) {
            broken("mailbox %u, letter %llu comes first with urgency %u, not %u", box->id,
                   (unsigned long long)number, advance->letters[i].urgency, urgency);
        }
        check_passes_none(box, advance, number);
    }
}

void
follow_advance(struct model *model, const struct command *command,
               struct applied *applied)
{
    const struct advance_command *advance = &command->advance;
    const struct model_box *box = model_box(model, advance->mailbox);
    size_t taken = 0;

    if (model_merge(model, advance, applied)) {
        check_advance(model, box, advance);
        taken = model_advance(model, advance);
    }
    model->advanced += taken;
    applied_check_status(applied, command, VG_OK);
    if (applied->answered && advance->taken != taken) {
        broken("mailbox %u: %zu letters come first, not %zu", box->id, advance->taken,
               taken);
    }
}
