// SPDX-License-Identifier: EUPL-1.2
// Letters of a mailbox that do not come because a later one says the same of the same person
// anew; and what holds again when that one is cancelled.
#include "model_inside.h"

#include "store/caught.h"

#include <stdlib.h>
#include <string.h>

// A command may have been asked for so many commits ago.
enum { ASKED_BEFORE_MOST = 8 };

// ---- rows ----

static struct model_merged *
find_row(const struct model_box *box, uint64_t ticket)
{
    for (size_t i = 0; i < box->merged_len; i++) {
        if (box->merged[i].ticket == ticket) {
            return &box->merged[i];
        }
    }
    return NULL;
}

static struct model_merged *
make_row(struct model_box *box, uint64_t ticket)
{
    struct model_merged *row = find_row(box, ticket);

    if (row != NULL) {
        return row;
    }
    if (box->merged_len == box->merged_size) {
        box->merged_size = box->merged_size * 2 + 16;
        box->merged = realloc(box->merged, box->merged_size * sizeof *box->merged);
        CHECK(box->merged != NULL);
    }
    row = &box->merged[box->merged_len++];
    *row = (struct model_merged){.ticket = ticket};
    return row;
}

static void
erase_row(struct model_box *box, uint64_t ticket)
{
    struct model_merged *row = find_row(box, ticket);

    if (row != NULL) {
        *row = box->merged[--box->merged_len];
    }
}

static void
does_not_come(struct model_box *box, uint64_t ticket, uint64_t into)
{
    struct model_merged *row = make_row(box, ticket);

    row->into = into;
    row->len = 0;
}

const struct model_merged *
model_stands_for(const struct model_box *box, uint64_t ticket)
{
    return find_row(box, ticket);
}

// Of a letter that never comes, nobody can say any more what stood for it.
static void
forget_list(struct model_box *box, const struct model_merged *row)
{
    for (size_t i = 0; i < box->len; i++) {
        for (size_t j = 0; j < row->len; j++) {
            box->told[i].listed |= box->told[i].ticket == row->tickets[j];
        }
    }
}

void
model_trim(struct model *model, uint64_t before)
{
    uint64_t through = 0;

    for (; model->trimmed_before < before; model->trimmed_before++) {
        uint64_t event = model->commit_event[model->trimmed_before - 1];

        through = event > through ? event : through;
    }
    if (through == 0) {
        return;
    }
    model->trimmed_through = through;
    for (size_t i = 0; i < model->boxes_len; i++) {
        struct model_box *box = &model->boxes[i];

        for (size_t n = box->merged_len; n-- > 0;) {
            if (box->merged[n].ticket <= through) {
                forget_list(box, &box->merged[n]);
                erase_row(box, box->merged[n].ticket);
            }
        }
    }
}

// ---- what says the same anew ----

static const struct deed *
deed_of(const struct model *model, const struct told *told)
{
    return &model->deeds[told->deed - 1];
}

bool
model_may_stand(const struct model *model, const struct told *told)
{
    return facts_flow(0, deed_of(model, told)->flow)->merges &&
           model_urgency(model, told) == 0 && !told->referred && told->because == 0;
}

static bool
has_same_fields(const struct deed *one, const struct deed *other, unsigned kept)
{
    return kept == 0 || one->repeat == other->repeat;
}

bool
model_says_anew(const struct model *model, const struct told *earlier,
                const struct told *later)
{
    const struct deed *one = deed_of(model, earlier), *other = deed_of(model, later);

    return model_may_stand(model, earlier) && model_may_stand(model, later) &&
           earlier->subject == later->subject && earlier->in_force == later->in_force &&
           earlier->source == later->source && one->flow == other->flow &&
           earlier->kept == later->kept && has_same_fields(one, other, later->kept) &&
           one->has_period == other->has_period && one->begin == other->begin &&
           one->end == other->end && one->year == other->year &&
           earlier->ticket < later->ticket && one->occurred <= other->occurred;
}

// As far as it is remembered.
static bool
is_corrected(const struct model *model, uint64_t ticket)
{
    return ticket > model->trimmed_through &&
           model_kept(model, ticket)->corrected_by != 0;
}

// It was cancelled, or what corrects it was; then those before it hold again.
bool
model_is_void(const struct model *model, uint64_t ticket)
{
    while (is_corrected(model, ticket) && !model_kept(model, ticket)->cancelled) {
        ticket = model_kept(model, ticket)->corrected_by;
    }
    return is_corrected(model, ticket);
}

// ---- merging ----

// Under two numbers that have become one person just now it was not known when it was asked.
static bool
is_about_the_same(const struct model *model, const struct told *one,
                  const struct told *other)
{
    int person;

    if (one->subject == other->subject) {
        return true;
    }
    if (!model_is_same(model, one->subject, other->subject)) {
        return false;
    }
    person = model_current(model, model_person(model, one->subject));
    return model->joined[person] + ASKED_BEFORE_MOST < model->commits;
}

// All that lies between them about that person could be merged itself.
static void
check_passes_none(const struct model *model, const struct model_box *box, uint64_t number,
                  uint64_t into)
{
    for (uint64_t n = number + 1; n < into; n++) {
        const struct told *told = &box->told[n - 1];

        if ((told->place == PLACE_TURN || model_is_held(told)) &&
            !model_may_stand(model, told) &&
            is_about_the_same(model, told, &box->told[number - 1])) {
            broken("mailbox %u: letter %llu is merged into %llu, and %llu about the same "
                   "person lies between",
                   box->id, (unsigned long long)number, (unsigned long long)into,
                   (unsigned long long)n);
        }
    }
}

static void
check_merge(const struct model *model, const struct model_box *box,
            const struct merged_letter *letter)
{
    uint64_t number = letter->about.letter.number;
    const struct told *told = model_letter(box, number);
    const struct told *into = model_letter(box, letter->into_number);

    if (told == NULL || into == NULL || told->ticket != letter->ticket ||
        into->ticket != letter->into_ticket || told->subject != letter->about.subject ||
        told->size != letter->about.letter.size || number >= letter->into_number) {
        broken("mailbox %u: letter %llu is merged as another one", box->id,
               (unsigned long long)number);
    }
    if (!model_says_anew(model, told, into)) {
        broken("mailbox %u: letter %llu is merged into %llu, which says something else",
               box->id, (unsigned long long)number,
               (unsigned long long)letter->into_number);
    }
}

static void
take_merged(struct applied *applied, const struct model_box *box,
            const struct merged_letter *letter)
{
    uint64_t subject = letter->about.subject;
    struct journal_merged item;

    applied_item(applied, JOURNAL_MERGED, &item, sizeof item);
    if (item.ticket != letter->ticket || item.into != letter->into_ticket ||
        item.number != letter->about.letter.number || item.mailbox != box->id ||
        item.niss != ((subject & HELD_ENTERPRISE) != 0 ? 0 : subject)) {
        broken("mailbox %u: letter %llu is merged, and the journal says so of %llu",
               box->id, (unsigned long long)letter->about.letter.number,
               (unsigned long long)item.number);
    }
}

static int
compare_tickets(const void *one, const void *other)
{
    uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

    return (a > b) - (a < b);
}

// The later one stands for it, and for all for which it stood.
static void
hand_over(struct model_box *box, uint64_t ticket, uint64_t into)
{
    struct model_merged gone = *make_row(box, ticket);
    struct model_merged *row = make_row(box, into);

    gone.tickets[gone.len++] = ticket;
    memcpy(row->tickets + row->len, gone.tickets, gone.len * sizeof gone.tickets[0]);
    row->len += gone.len;
    qsort(row->tickets, row->len, sizeof row->tickets[0], compare_tickets);
    for (size_t i = 0; i < gone.len; i++) {
        does_not_come(box, gone.tickets[i], into);
    }
}

static size_t
length_of(const struct model_box *box, uint64_t ticket)
{
    const struct model_merged *row = find_row(box, ticket);

    return row == NULL ? 0 : row->len;
}

static bool
has_room(const struct model_box *box, const struct merged_letter *letter)
{
    return length_of(box, letter->ticket) + 1 + length_of(box, letter->into_ticket) <=
           MERGED_MAX;
}

// False: there is no room for more gaps.
static bool
merge_one(struct model *model, struct model_box *box, const struct merged_letter *letter,
          struct applied *applied)
{
    uint64_t number = letter->about.letter.number;
    struct told *told = model_letter(box, number);
    const struct told *into = model_letter(box, letter->into_number);

    if (told->place != PLACE_TURN || into->place != PLACE_TURN ||
        !has_room(box, letter) || model_is_void(model, into->ticket)) {
        return true;
    }
    check_passes_none(model, box, number, letter->into_number);
    if (!model_take_out(model, box, told, PLACE_DONE)) {
        return false;
    }
    model->acknowledgements++;
    model->merged++;
    take_merged(applied, box, letter);
    hand_over(box, letter->ticket, letter->into_ticket);
    return true;
}

bool
model_merge(struct model *model, const struct advance_command *advance,
            struct applied *applied)
{
    struct model_box *box = model_box(model, advance->mailbox);
    uint64_t before = model->merged;
    bool room = true, waits = false;

    for (size_t i = 0; i < advance->merges_len; i++) {
        const struct merged_letter *letter = &advance->merges[i];

        check_merge(model, box, letter);
        room = room && merge_one(model, box, letter, applied);
        waits |= model_letter(box, letter->about.letter.number)->place == PLACE_TURN;
    }
    if (applied->answered && advance->merged != model->merged - before) {
        broken("mailbox %u: %zu letters were merged, not %llu", box->id, advance->merged,
               (unsigned long long)(model->merged - before));
    }
    if (applied->answered) {
        box->merged_total += model->merged - before;
    }
    return !waits;
}

// ---- what holds again ----

struct model_void {
    uint32_t mailbox;
    uint64_t of;
    uint64_t by;
};

void
model_note_void(struct applied *applied, const struct model_box *box, uint64_t of,
                uint64_t by)
{
    struct model_void one = {box->id, of, by};

    buffer_add(&applied->voids, &one, sizeof one);
}

// Its place in the list; the list's length: none, or a later word than it is known already.
static size_t
last_that_holds(const struct model *model, const struct model_merged *row)
{
    for (size_t i = row->len; i-- > 0;) {
        if (!is_corrected(model, row->tickets[i])) {
            return i;
        }
        if (!model_is_void(model, row->tickets[i])) {
            break;
        }
    }
    return row->len;
}

static const struct told *
find_in_time(const struct model_box *box, uint64_t ticket)
{
    for (size_t i = 0; i < box->len; i++) {
        if (box->told[i].ticket == ticket && box->told[i].because == 0) {
            return &box->told[i];
        }
    }
    broken("mailbox %u is told again of ticket %llu, which it never got", box->id,
           (unsigned long long)ticket);
}

bool
model_came_late(const struct model_box *box, uint64_t ticket)
{
    for (size_t i = 0; i < box->len; i++) {
        if (box->told[i].ticket == ticket && box->told[i].because != 0) {
            return true;
        }
    }
    return false;
}

// What is kept of it must come; what is not, cannot.
static bool
comes_again(const struct model *model, const struct told *told,
            const struct applied *applied)
{
    bool kept = told->kept_us > model->erased_us &&
                model_kept(model, told->ticket)->commit >= model->trimmed_before;

    return kept || applied_is_caught(applied, told->ticket);
}

static void
take_event(const struct model *model, const struct told *told, uint64_t by,
           struct applied *applied)
{
    struct journal_event event;

    applied_item(applied, JOURNAL_EVENT, &event, sizeof event);
    if (event.ticket != model->tickets || event.number != told->ticket ||
        event.again != AGAIN_CAUGHT || journal_event_because(&event) != by ||
        event.recipients != 1 || event.source != told->source ||
        event.niss != deed_of(model, told)->niss ||
        event.flow != facts_flow(0, deed_of(model, told)->flow)->id ||
        event.catalogue != model->catalogue) {
        broken("the journal's event is not ticket %llu after its time",
               (unsigned long long)told->ticket);
    }
}

static void
put_again(struct model *model, struct model_box *box, const struct told *first,
          uint64_t by, struct applied *applied)
{
    struct told told = {
        .institution = first->institution,
        .source = first->source,
        .producer = first->producer,
        .number = first->number,
        .deed = first->deed,
        .kept = first->kept,
        .ticket = first->ticket,
        .event = ++model->tickets,
        .because = by,
        .in_force = first->in_force,
        .kept_us = first->kept_us,
        .quality = first->quality,
        .begin = first->begin,
        .end = first->end,
        .subject = first->subject,
    };
    struct journal_recipient recipient = {.mailbox = 0};

    take_event(model, &told, by, applied);
    if (!journal_item_recipient(&applied->item, 0, &recipient) ||
        recipient.mailbox != box->id) {
        broken("mailbox %u must get ticket %llu again, and the journal gives it to %u",
               box->id, (unsigned long long)told.ticket, recipient.mailbox);
    }
    model_put(model, &told, &recipient, box, applied);
    model->holding_again++;
}

// It comes itself from now on, for those before it as well.
static void
take_its_place(struct model_box *box, uint64_t ticket, const struct model_merged *old,
               size_t len)
{
    struct model_merged *row = make_row(box, ticket);

    row->into = 0;
    row->len = len;
    memcpy(row->tickets, old->tickets, len * sizeof row->tickets[0]);
    for (size_t i = 0; i < len; i++) {
        does_not_come(box, old->tickets[i], ticket);
    }
    if (len == 0) {
        erase_row(box, ticket);
    }
}

// Of a correction, what that stood for which it corrects.
static const struct model_merged *
find_first(const struct model *model, const struct model_box *box, uint64_t ticket)
{
    const struct model_merged *row = find_row(box, ticket);

    while (row == NULL && ticket != 0 &&
           model_kept(model, ticket)->commit >= model->trimmed_before) {
        ticket = model->deeds[model_kept(model, ticket)->deed - 1].corrects;
        row = ticket == 0 ? NULL : find_row(box, ticket);
    }
    return row;
}

static void
tell_void(struct model *model, const struct model_void *one, struct applied *applied)
{
    struct model_box *box = model_box(model, one->mailbox);
    const struct model_merged *row = find_first(model, box, one->of);
    struct model_merged old;
    const struct told *told;
    size_t last;

    if (row == NULL) {
        return;
    }
    old = *row;
    last = last_that_holds(model, &old);
    if (last == old.len) {
        return;
    }
    told = find_in_time(box, old.tickets[last]);
    if (comes_again(model, told, applied)) {
        put_again(model, box, told, one->by, applied);
        take_its_place(box, old.tickets[last], &old, last);
    }
}

void
model_tell_voids(struct model *model, struct applied *applied)
{
    const struct model_void *voids = (const void *)applied->voids.at;
    size_t len = applied->voids.len / sizeof *voids;

    for (size_t i = 0; i < len; i++) {
        tell_void(model, &voids[i], applied);
    }
    buffer_clear(&applied->voids);
}

// ---- was everybody told? ----

static bool
is_done_with(const struct model_box *box, uint64_t ticket)
{
    for (size_t i = 0; i < box->len; i++) {
        if (box->told[i].ticket == ticket && box->told[i].place == PLACE_DONE &&
            box->told[i].sent) {
            return true;
        }
    }
    return false;
}

void
model_check_told(const struct model *model)
{
    for (size_t i = 0; i < model->boxes_len; i++) {
        const struct model_box *box = &model->boxes[i];

        for (uint64_t n = 1; n <= box->len; n++) {
            const struct told *told = &box->told[n - 1];
            const struct model_merged *row = find_row(box, told->ticket);

            if (told->place == PLACE_DONE && !told->sent && !told->listed &&
                row != NULL && is_done_with(box, row->into)) {
                broken("mailbox %u: letter %llu was merged, and nobody was told of it",
                       box->id, (unsigned long long)n);
            }
        }
    }
}

// ---- what is on the disk ----

static bool
count_merged(uint64_t ticket, struct mailbox_id mailbox, const struct merged_row *row,
             void *arg)
{
    (void)ticket;
    (void)mailbox;
    (void)row;
    ++*(uint64_t *)arg;
    return true;
}

static void
check_rows(const struct model_box *box, struct txn *txn)
{
    for (size_t i = 0; i < box->merged_len; i++) {
        const struct model_merged *must = &box->merged[i];
        struct merged_row row = {.head = {.into = 0}};

        if (merged_get(txn, must->ticket, (struct mailbox_id){box->id}, &row) != VG_OK ||
            row.head.into != must->into || row.head.len != must->len ||
            memcmp(row.tickets, must->tickets, must->len * sizeof row.tickets[0]) != 0) {
            broken(
                "mailbox %u: ticket %llu is for %zu others by ticket %llu, and the disk "
                "says for %u by %llu",
                box->id, (unsigned long long)must->ticket, must->len,
                (unsigned long long)must->into, row.head.len,
                (unsigned long long)row.head.into);
        }
    }
}

struct caught_search {
    const struct model *model;
    uint64_t rows;
};

static bool
check_caught(uint64_t ticket, struct mailbox_id mailbox, const struct caught_row *row,
             void *arg)
{
    struct caught_search *search = arg;
    const struct model *model = search->model;

    for (size_t i = 0; i < model->boxes_len; i++) {
        const struct model_box *box = &model->boxes[i];

        for (size_t n = 0; box->id == mailbox.number && n < box->len; n++) {
            const struct told *told = &box->told[n];

            if (told->ticket == ticket && told->event == row->ticket &&
                told->because == row->request && told->because != 0 &&
                row->institution == box->institution && row->quality == told->quality &&
                row->begin == told->begin && row->end == told->end) {
                search->rows++;
                return true;
            }
        }
    }
    broken("the disk says that mailbox %u got ticket %llu after its time, because of "
           "%llu",
           mailbox.number, (unsigned long long)ticket, (unsigned long long)row->request);
}

// Of one that came late twice the disk remembers the last time.
static uint64_t
count_caught(const struct model *model)
{
    uint64_t rows = 0;

    for (size_t i = 0; i < model->boxes_len; i++) {
        const struct model_box *box = &model->boxes[i];

        for (size_t n = 0; n < box->len; n++) {
            rows +=
                box->told[n].because != 0 && box->told[n].ticket > model->trimmed_through;
        }
    }
    return rows;
}

void
model_check_merged(const struct model *model, struct txn *txn)
{
    struct caught_search caught = {.model = model};
    uint64_t expected = 0, rows = 0;

    for (size_t i = 0; i < model->boxes_len; i++) {
        expected += model->boxes[i].merged_len;
        check_rows(&model->boxes[i], txn);
    }
    if (merged_each(txn, 0, count_merged, &rows) != VG_OK || rows != expected) {
        broken("the disk has %llu rows of merged letters, not %llu",
               (unsigned long long)rows, (unsigned long long)expected);
    }
    if (caught_each(txn, 0, check_caught, &caught) != VG_OK ||
        caught.rows != count_caught(model)) {
        broken("the disk remembers %llu letters that came late, not %llu",
               (unsigned long long)caught.rows, (unsigned long long)count_caught(model));
    }
}
