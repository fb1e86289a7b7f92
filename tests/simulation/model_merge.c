// SPDX-License-Identifier: EUPL-1.2
// Institutions become part of another one: the plan, its day, the letters that move, and what
// of all this may change their order.
#include "model_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- whose is it? ----

static uint32_t
successor_at(const struct model *model, uint32_t institution, uint64_t ticket)
{
    const struct model_institution *one = &model->institutions[institution];

    while (one->merged && one->merged_by <= ticket) {
        institution = one->merges_into;
        one = &model->institutions[institution];
    }
    return institution;
}

uint32_t
model_successor(const struct model *model, uint32_t institution)
{
    return successor_at(model, institution, UINT64_MAX);
}

// It may be part of yet another one by the time it is heard.
bool
model_names_successor(const struct model *model, uint32_t institution,
                      const char *sentence)
{
    const struct model_institution *one = &model->institutions[institution];

    while (one->merged) {
        one = &model->institutions[one->merges_into];
        if (strstr(sentence, one->code) != NULL) {
            return true;
        }
    }
    return false;
}

uint32_t
model_next_part(const struct model *model, uint32_t institution, uint32_t after)
{
    if (model->mergers == 0) {
        return after < institution ? institution : 0;
    }
    for (uint32_t i = after + 1; i <= model->institutions_len; i++) {
        if (model_successor(model, i) == institution) {
            return i;
        }
    }
    return 0;
}

struct model_box *
model_next_box(struct model *model, uint32_t institution, const struct model_box *after)
{
    size_t i = after == NULL || after->id == institution
                   ? 0
                   : (size_t)(after - model->boxes) + 1;

    if (after == NULL) {
        return model_box(model, institution);
    }
    for (; i < model->boxes_len; i++) {
        if (model->boxes[i].institution == institution &&
            model->boxes[i].id != institution) {
            return &model->boxes[i];
        }
    }
    return NULL;
}

struct model_box *
model_box_today(struct model *model, struct model_box *box)
{
    return box->id < MAILBOX_EXTRA_FIRST && model->institutions[box->id].merged
               ? model_box(model, model_successor(model, box->id))
               : box;
}

size_t
model_left(const struct model_box *box)
{
    return model_waiting(box) + box->count[PLACE_PARKED];
}

// One whose letters are for that mailbox from now on.
static bool
is_emptied_into(const struct model *model, const struct model_box *box, uint32_t mailbox)
{
    return box->id < MAILBOX_EXTRA_FIRST && box->id != mailbox &&
           model_successor(model, box->id) == mailbox;
}

struct model_box *
model_inflow(struct model *model, struct model_box *box, uint32_t mailbox)
{
    struct model_box *put = model_box(model, mailbox);

    if (put == box) {
        for (size_t i = 0; model->mergers > 0 && i < model->boxes_len; i++) {
            if (is_emptied_into(model, &model->boxes[i], box->id) &&
                model_left(&model->boxes[i]) > 0) {
                broken("mailbox %u gets a letter before those that wait for it in %u",
                       box->id, model->boxes[i].id);
            }
        }
        return box;
    }
    return put != NULL && is_emptied_into(model, put, box->id) ? put : NULL;
}

// ---- the plan ----

static enum vg_status
judge_day(const struct merge_command *merge, int32_t today)
{
    if (merge->day.number < today) {
        return VG_BAD_DATE;
    }
    return merge->day.number > day_add_years((struct day){today}, 10).number ? VG_TOO_FAR
                                                                             : VG_OK;
}

static enum vg_status
judge_one(const struct model *model, const struct merge_command *merge, bool cancels,
          uint32_t id)
{
    const struct model_institution *from = &model->institutions[id];

    if (id > model->institutions_len) {
        return VG_NOT_FOUND;
    }
    if (from->merged) {
        return VG_MOVED;
    }
    if (cancels) {
        return from->merges_into == 0 ? VG_NOT_FOUND : VG_OK;
    }
    if (merge->into > model->institutions_len) {
        return VG_OK;
    }
    if (id == merge->into) {
        return VG_MALFORMED;
    }
    return from->sector != model->institutions[merge->into].sector ? VG_NOT_ALLOWED
                                                                   : VG_OK;
}

// The first thing that is wrong.
static enum vg_status
judge_plan(const struct model *model, const struct merge_command *merge, bool cancels,
           int32_t today)
{
    enum vg_status status = VG_OK;

    if (!cancels && merge->into > model->institutions_len) {
        status = VG_NOT_FOUND;
    } else if (!cancels && model->institutions[merge->into].merges_into != 0) {
        status = VG_NOT_ALLOWED;
    }
    if (!cancels && status == VG_OK) {
        status = judge_day(merge, today);
    }
    for (size_t i = 0; status == VG_OK && i < merge->from_len; i++) {
        status = judge_one(model, merge, cancels, merge->from[i]);
    }
    return status;
}

void
follow_merge(struct model *model, const struct command *command, struct applied *applied)
{
    const struct merge_command *merge = &command->merge;
    bool cancels = merge->day.number == DAY_EVER.number;
    enum vg_status status = judge_plan(model, merge, cancels, model_day(applied->now_us));

    applied_check_status(applied, command, status);
    if (status != VG_OK) {
        return;
    }
    for (size_t i = 0; i < merge->from_len; i++) {
        struct model_institution *from = &model->institutions[merge->from[i]];

        from->merges_into = cancels ? 0 : merge->into;
        from->merges_on = merge->day.number;
        model->tickets++;
    }
    applied_check_ticket(model, applied, command, model->tickets);
}

// ---- on its day ----

static bool
name_is_taken(const struct model *model, uint32_t institution, const char *name)
{
    for (size_t i = 0; i < model->boxes_len; i++) {
        if (model->boxes[i].institution == institution &&
            strcmp(model->boxes[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void
give_mailboxes(struct model *model, uint32_t from, uint32_t to)
{
    for (struct model_box *box = model_box(model, from);
         (box = model_next_box(model, from, box)) != NULL;) {
        if (name_is_taken(model, to, box->name)) {
            char name[sizeof box->name];

            memcpy(name, box->name, sizeof name);
            snprintf(box->name, sizeof box->name, "%.16s %u", name, box->id);
        }
        box->institution = to;
    }
}

void
model_merge_what_is_due(struct model *model, int32_t today)
{
    for (uint32_t i = 1; i <= model->institutions_len; i++) {
        struct model_institution *one = &model->institutions[i];

        if (one->merges_into != 0 && !one->merged && one->merges_on <= today) {
            one->merged = true;
            one->merged_by = ++model->tickets;
            model->mergers++;
            give_mailboxes(model, i, model_successor(model, i));
        }
    }
}

// ---- letters that wait ----

static bool
is_done(const struct told *told)
{
    return told->place == PLACE_DONE || told->place == PLACE_DROPPED;
}

// The first one that is left; NULL: none that is filed.
static struct told *
head_of(struct model_box *box, struct txn *txn)
{
    struct mailbox_row row = {.last = 0};

    while (box->emptied < box->len && is_done(&box->told[box->emptied])) {
        box->emptied++;
    }
    CHECK(mailbox_get(txn, (struct mailbox_id){box->id}, &row) == VG_OK);
    return box->emptied < row.folded && box->emptied < box->len ? &box->told[box->emptied]
                                                                : NULL;
}

// Of all that are emptied into it, the letter that was published first.
static struct told *
first_published(struct model *model, const struct model_box *to, struct txn *txn,
                struct model_box **ret_from)
{
    struct told *first = NULL;

    for (uint32_t i = 0; (i = model_next_part(model, to->id, i)) != 0;) {
        struct model_box *box = i == to->id ? NULL : model_box(model, i);
        struct told *head = box == NULL ? NULL : head_of(box, txn);

        if (head != NULL && (first == NULL || head->ticket < first->ticket)) {
            first = head;
            *ret_from = box;
        }
    }
    return first;
}

static void
check_moved(const struct model *model, const struct journal_event *event,
            const struct told *told)
{
    const struct deed *deed = &model->deeds[told->deed - 1];

    if (event->ticket != model->tickets || event->number != told->ticket ||
        event->source != told->source || event->niss != deed->niss ||
        event->flow != facts_flow(0, deed->flow)->id || event->recipients != 1) {
        broken("ticket %llu is moved by %llu, before %llu",
               (unsigned long long)event->number, (unsigned long long)event->ticket,
               (unsigned long long)told->ticket);
    }
}

static void
check_copy(const struct model *model, const struct model_box *to,
           const struct journal_recipient *recipient, struct txn *txn)
{
    const struct told *told = &to->told[to->len - 1];
    struct bytes body;

    if (recipient->number != to->len || recipient->institution != to->institution ||
        recipient->quality != told->quality || recipient->begin != told->begin ||
        recipient->end != told->end || recipient->size != told->size ||
        recipient->bytes_through != told->bytes_through ||
        recipient->withheld != deed_withheld(&model->deeds[told->deed - 1], told->kept)) {
        broken("mailbox %u, letter %zu is moved there as another one", to->id, to->len);
    }
    if (body_get(txn, told->body, &body) != VG_OK ||
        checksum_of(body.at, body.len) != told->checksum) {
        broken("mailbox %u, letter %zu was moved there, and its body is not the same",
               to->id, to->len);
    }
}

static void
move_one(struct model *model, struct applied *applied)
{
    struct journal_recipient recipient = {.mailbox = 0};
    struct model_box *from = NULL, *to;
    struct journal_event event;
    struct told *told, *copy;

    applied_item(applied, JOURNAL_EVENT, &event, sizeof event);
    CHECK(journal_item_recipient(&applied->item, 0, &recipient));
    model->tickets++;
    to = model_box(model, recipient.mailbox);
    told = to == NULL ? NULL : first_published(model, to, applied->txn, &from);
    if (told == NULL) {
        broken("mailbox %u gets a letter of nobody who became part of it",
               recipient.mailbox);
    }
    check_moved(model, &event, told);
    copy = model_add_told(to);
    *copy = *told;
    copy->moved = true;
    copy->sent = copy->withdrawn = copy->asks = false;
    copy->place = PLACE_TURN;
    copy->attempts = copy->actor = 0;
    copy->due_us = 0;
    copy->body = copy->first_body = recipient.body;
    copy->bytes_through = copy->size + (to->len > 1 ? copy[-1].bytes_through : 0);
    to->count[PLACE_TURN]++;
    to->bytes[PLACE_TURN] += copy->size;
    check_copy(model, to, &recipient, applied->txn);
    applied_check_posted(applied, to->id, &recipient);
    model_hand_over(model, from, told);
    model->letters_moved++;
}

static bool
moves_one_more(const struct applied *applied)
{
    struct journal_event event;
    struct journal_item item;

    return applied_peek(applied, &item) && item.kind == JOURNAL_EVENT &&
           journal_item_as(&item, &event, sizeof event) && event.again == AGAIN_MOVED;
}

static bool
something_is_left(const struct model *model)
{
    for (size_t i = 0; i < model->boxes_len; i++) {
        const struct model_box *box = &model->boxes[i];

        if (box->id < MAILBOX_EXTRA_FIRST && model->institutions[box->id].merged &&
            model_left(box) > 0) {
            return true;
        }
    }
    return false;
}

void
follow_move_letters(struct model *model, const struct command *command,
                    struct applied *applied)
{
    const struct move_letters_command *move = &command->move;
    uint64_t before = model->letters_moved;

    applied_check_status(applied, command, VG_OK);
    while (moves_one_more(applied)) {
        move_one(model, applied);
    }
    if (applied->answered && (move->moved != model->letters_moved - before ||
                              move->left != something_is_left(model))) {
        broken("%zu letters are said to be moved, not %llu; some are left: %s",
               move->moved, (unsigned long long)(model->letters_moved - before),
               move->left ? "yes" : "no");
    }
}

// ---- in order ----

// Nothing overtakes what was published earlier for the same institution, or for one that was
// part of it by then; and it gets nothing twice.
void
model_check_order_moved(const struct model *model, const struct model_box *box)
{
    uint64_t last[INSTITUTIONS_MAX] = {0};

    for (size_t i = 0; i < box->len; i++) {
        const struct told *told = &box->told[i];

        for (uint32_t j = 1; j <= model->institutions_len; j++) {
            if (last[j] > told->ticket
                    ? successor_at(model, told->institution, last[j]) == j
                    : last[j] == told->ticket && j == told->institution) {
                broken("mailbox %u: ticket %llu comes after %llu, or twice", box->id,
                       (unsigned long long)told->ticket, (unsigned long long)last[j]);
            }
        }
        if (told->ticket > last[told->institution]) {
            last[told->institution] = told->ticket;
        }
    }
}

// ---- whom they follow ----

// A person's rows are the successor's when they are written for another reason.
void
model_unite(struct model *model, int person)
{
    for (uint32_t i = 1; i <= model->institutions_len; i++) {
        uint32_t now = model_successor(model, i);

        for (unsigned q = 1; now != i && model->follows[person][i] != 0 && q < 64; q++) {
            struct days **held = &model->held[person][i][q];
            struct run run;

            for (int bit = 0; days_next_run(model, *held, &bit, &run);) {
                days_set(model, &model->held[person][now][q], run.begin, run.end, true);
            }
            free(*held);
            *held = NULL;
        }
        if (now != i) {
            model->follows[person][now] |= model->follows[person][i];
            model->follows[person][i] = 0;
        }
    }
}

const struct days *
model_held(const struct model *model, int person, uint32_t institution, unsigned quality)
{
    static struct days all;
    const struct days *held = model->held[person][institution][quality];
    bool any = held != NULL;

    if (model->mergers == 0) {
        return held;
    }
    all = any ? *held : (struct days){{0}};
    for (uint32_t i = 0; (i = model_next_part(model, institution, i)) != 0;) {
        const struct days *part = model->held[person][i][quality];

        for (size_t word = 0; part != NULL && word < ARRAY_LEN(all.word); word++) {
            all.word[word] |= part->word[word];
        }
        any = any || part != NULL;
    }
    return any ? &all : NULL;
}
