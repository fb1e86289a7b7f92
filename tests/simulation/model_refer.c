// SPDX-License-Identifier: EUPL-1.2
// A mutation that names another one: what it corrects or answers, whom a correction is owed,
// and what the disk remembers of it.
#include "model_inside.h"

#include "store/asked.h"
#include "store/correction.h"

#include <string.h>

static const struct deed *
deed_of(const struct model *model, const struct kept *kept)
{
    return &model->deeds[kept->deed - 1];
}

// ---- may it be named? ----

// What the journal let go in this very batch may have gone before or after: then the record
// says which.
static bool
is_remembered(const struct question *question, const struct kept *kept)
{
    const struct model *model = question->model;

    if (kept->commit == model->commits || kept->commit < model->first_commit) {
        return false;
    }
    return kept->commit >= question->applied->first_commit ||
           !applied_is_next(question->applied, JOURNAL_REFUSAL);
}

static bool
may_be_corrected(const struct question *question)
{
    const struct model *model = question->model;
    const struct deed *deed = question->deed;
    const struct kept *kept = model_kept(model, deed->corrects);

    return kept != NULL && model_successor(model, kept->source) == question->source &&
           kept->corrected_by == 0 && deed_of(model, kept)->flow == deed->flow &&
           (question->flow->of_enterprises ||
            model_is_same(model, deed_of(model, kept)->niss, deed->niss)) &&
           is_remembered(question, kept);
}

// By its code, or by that of whatever else is part of it today.
static bool
goes_to(const struct model *model, const char *code, uint32_t asking)
{
    for (uint32_t i = 1; i <= model->institutions_len; i++) {
        if (strcmp(code, model->institutions[i].code) == 0) {
            return model_successor(model, i) == model_successor(model, asking);
        }
    }
    return false;
}

static bool
may_be_answered(const struct question *question)
{
    const struct model *model = question->model;
    const struct fact_flow *flow = question->flow;
    const struct deed *deed = question->deed;
    const struct kept *kept = model_kept(model, deed->answers);
    bool addressed = flow->groups[0].to == FACT_ADDRESSED;

    return kept != NULL && model_got(model, question->source, deed->answers) &&
           facts_flow(0, deed_of(model, kept)->flow)->id == flow->answers &&
           (!addressed || goes_to(model, deed->recipient, kept->source)) &&
           model_is_same(model, deed_of(model, kept)->niss, deed->niss) &&
           is_remembered(question, kept);
}

bool
question_refers(const struct question *question)
{
    return (question->deed->answers == 0 || may_be_answered(question)) &&
           (question->deed->corrects == 0 || may_be_corrected(question));
}

// ---- a correction ----

// The first as a mailbox got it; NULL: it did not, or was never told that it was cancelled.
static struct told *
first_in(const struct model_box *box, uint64_t ticket)
{
    for (size_t i = 0; i < box->len; i++) {
        if (box->told[i].ticket == ticket && !box->told[i].moved) {
            return box->told[i].withdrawn && box->told[i].referred ? NULL : &box->told[i];
        }
    }
    return NULL;
}

struct owed {
    struct model_box *box; // that has its letters today
    struct model_box *was; // that got the first
    uint64_t number;       // of the first, in that one
    const struct told *first;
    unsigned then; // what it was shown
    bool twice;    // so was another one that is part of it
    struct told share;
    bool only; // it follows the person no more, or wants no such thing today
};

static bool
comes_before(const struct owed *one, const struct owed *other)
{
    return one->box->id != other->box->id ? one->box->id < other->box->id
                                          : one->was->id < other->was->id;
}

static unsigned
classes_then(const struct model *model, const struct model_box *box,
             const struct told *first)
{
    return first->quality == 0 ? FACT_ANY
                               : facts_class(model->institutions[box->institution].sector,
                                             first->quality);
}

// Of two that are one today the first stands for both.
static size_t
put_together(struct owed *owed, size_t len)
{
    size_t kept = 0;

    for (size_t i = 1; i < len; i++) {
        if (owed[i].box == owed[kept].box) {
            owed[kept].then |= owed[i].then;
            owed[kept].twice = true;
        } else {
            owed[++kept] = owed[i];
        }
    }
    return len == 0 ? 0 : kept + 1;
}

// By the mailbox's number. No answer to the first is asked for any more.
static size_t
find_owed(struct model *model, uint64_t ticket, struct owed *owed)
{
    size_t len = 0;

    for (size_t i = 0; i < model->boxes_len; i++) {
        struct model_box *box = &model->boxes[i];
        struct told *first = first_in(box, ticket);
        size_t place = len;
        struct owed one;

        if (first == NULL) {
            continue;
        }
        first->asks = false;
        one = (struct owed){.box = model_box_today(model, box),
                            .was = box,
                            .number = (uint64_t)(first - box->told) + 1,
                            .first = first,
                            .then = classes_then(model, box, first)};
        for (; place > 0 && comes_before(&one, &owed[place - 1]); place--) {
            owed[place] = owed[place - 1];
        }
        owed[place] = one;
        len++;
    }
    return put_together(owed, len);
}

// Whoever was given a wrong datum sees what he saw, and what he may see today; if nothing is
// left he is told that the first is void.
static void
work_out(const struct question *question, const struct told *told, struct owed *owed)
{
    const struct told *first = owed->first;
    unsigned now = 0;

    owed->share = *told;
    owed->share.referred = true;
    if (question_publisher_may(question)) {
        now = question_classes(question, owed->box, &owed->share);
    }
    owed->only = now == 0;
    if (owed->only) {
        owed->share.quality = first->quality;
        owed->share.begin = first->begin;
        owed->share.end = first->end;
    }
    question_fields(question, owed->then | now, &owed->share);
}

static void
take_correction(const struct question *question, const struct told *told,
                const struct owed *owed, size_t len, struct applied *applied)
{
    const struct deed *deed = question->deed;
    struct journal_correction item;
    struct journal_owed row;

    applied_item(applied, JOURNAL_CORRECTION, &item, sizeof item);
    if (item.ticket != told->ticket || item.of != deed->corrects || item.owed != len ||
        item.act != (deed->cancels ? CORRECTION_CANCELS : CORRECTION_REPLACES)) {
        broken("ticket %llu corrects %llu and is owed to %u, not %llu and %zu",
               (unsigned long long)item.ticket, (unsigned long long)item.of, item.owed,
               (unsigned long long)deed->corrects, len);
    }
    CHECK(applied->item.bytes.len == sizeof item + len * sizeof row);
    for (size_t i = 0; i < len; i++) {
        memcpy(&row, applied->item.bytes.at + sizeof item + i * sizeof row, sizeof row);
        if (row.mailbox != owed[i].box->id || row.quality != owed[i].first->quality ||
            row.begin != owed[i].first->begin || row.end != owed[i].first->end ||
            row.only != owed[i].only) {
            broken("the correction %llu is owed to mailbox %u in another way than %u",
                   (unsigned long long)item.ticket, row.mailbox, owed[i].box->id);
        }
    }
}

static bool
is_among(const struct model_box *box, const struct owed *owed, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (owed[i].box == box) {
            return true;
        }
    }
    return false;
}

// That there was a first one is not for these to know.
static void
give_to_others(const struct question *question, const struct told *told,
               const struct owed *owed, size_t len, struct applied *applied)
{
    struct model *model = question->model;

    for (uint32_t institution = 1; institution <= model->institutions_len;
         institution++) {
        for (struct model_box *box = NULL;
             !model->institutions[institution].merged &&
             (box = model_next_box(model, institution, box)) != NULL;) {
            struct told share = *told;

            if (!is_among(box, owed, len) && question_share(question, box, &share)) {
                model_deliver(question, &share, box, applied);
            }
        }
    }
}

void
model_correct(const struct question *question, const struct told *told,
              struct applied *applied)
{
    static struct owed owed[BOXES_MAX];
    struct model *model = question->model;
    const struct deed *deed = question->deed;
    size_t len = find_owed(model, deed->corrects, owed);
    bool is_owed[INSTITUTIONS_MAX] = {false};

    for (size_t i = 0; i < len; i++) {
        is_owed[owed[i].box->institution] = true;
        work_out(question, told, &owed[i]);
    }
    take_correction(question, told, owed, len, applied);
    if (!deed->cancels && question_publisher_may(question)) {
        model_declines(question, told, is_owed, applied);
    }
    applied_event(question, told, applied);
    for (size_t i = 0; i < len; i++) {
        const struct model_box *put =
            model_deliver(question, &owed[i].share, owed[i].box, applied);

        if (put == owed[i].was && !owed[i].twice) {
            model_note_pair(question, put, owed[i].number, applied);
        }
        if (deed->cancels) {
            model_note_void(applied, owed[i].was, deed->corrects, told->ticket);
        }
        model->owed++;
    }
    if (!deed->cancels && question_publisher_may(question)) {
        give_to_others(question, told, owed, len, applied);
    }
    model->kept[deed->corrects].corrected_by = told->ticket;
    model->kept[deed->corrects].cancelled = deed->cancels;
    model->corrected++;
}

// ---- an answer ----

void
model_answer(const struct question *question, uint64_t ticket)
{
    struct model *model = question->model;

    for (size_t i = 0; i < model->boxes_len; i++) {
        struct model_box *box = &model->boxes[i];
        struct told *told = model_successor(model, box->institution) == question->source
                                ? first_in(box, question->deed->answers)
                                : NULL;

        if (told != NULL && told->asks && told->answer == 0) {
            told->answer = ticket;
            told->answered_us = question->applied->now_us;
        }
    }
    model->answered++;
}

// ---- what the disk remembers ----

static bool
count_correction(uint64_t ticket, const struct correction_row *row, void *arg)
{
    (void)ticket;
    (void)row;
    ++*(uint64_t *)arg;
    return true;
}

static bool
count_asked(uint64_t ticket, struct mailbox_id mailbox, const struct asked_row *row,
            void *arg)
{
    (void)ticket;
    (void)mailbox;
    (void)row;
    ++*(uint64_t *)arg;
    return true;
}

// Rows go with the journal's record of the mutation that they are about.
static bool
is_on_disk(const struct model *model, uint64_t ticket)
{
    return model_kept(model, ticket)->commit >= model->first_commit;
}

static void
check_corrections(const struct model *model, struct txn *txn)
{
    uint64_t expected = 0, rows = 0;

    for (uint64_t ticket = 1; ticket <= model->tickets; ticket++) {
        const struct kept *kept = model_kept(model, ticket);
        struct correction_row row;

        if (kept == NULL || kept->corrected_by == 0 || !is_on_disk(model, ticket)) {
            continue;
        }
        expected++;
        if (correction_get(txn, ticket, &row) != VG_OK || row.by != kept->corrected_by ||
            (row.act == CORRECTION_CANCELS) != kept->cancelled) {
            broken("ticket %llu was corrected by %llu, and the disk does not say so",
                   (unsigned long long)ticket, (unsigned long long)kept->corrected_by);
        }
    }
    if (corrections_each(txn, count_correction, &rows) != VG_OK || rows != expected) {
        broken("the disk remembers %llu corrections, not %llu", (unsigned long long)rows,
               (unsigned long long)expected);
    }
}

static void
check_asked(const struct model *model, struct txn *txn)
{
    uint64_t expected = 0, rows = 0;

    for (size_t i = 0; i < model->boxes_len; i++) {
        const struct model_box *box = &model->boxes[i];

        for (uint64_t n = 1; n <= box->len; n++) {
            const struct told *told = &box->told[n - 1];
            struct asked_row row;

            if (!told->asks || !is_on_disk(model, told->ticket)) {
                continue;
            }
            expected++;
            if (asked_get(txn, told->ticket, (struct mailbox_id){box->id}, &row) !=
                    VG_OK ||
                row.number != n || row.kept_us != told->kept_us ||
                row.source != told->source || row.answer != told->answer ||
                row.answered_us != told->answered_us) {
                broken("mailbox %u, letter %llu: the disk does not ask for an answer as "
                       "it must",
                       box->id, (unsigned long long)n);
            }
        }
    }
    if (asked_each(txn, 0, count_asked, &rows) != VG_OK || rows != expected) {
        broken("the disk asks for %llu answers, not %llu", (unsigned long long)rows,
               (unsigned long long)expected);
    }
}

void
model_check_references(const struct model *model, struct txn *txn)
{
    check_corrections(model, txn);
    check_asked(model, txn);
}
