// SPDX-License-Identifier: EUPL-1.2
// Where the letters of a mailbox are: they come in their turn, are refused, wait behind one
// another, are parked, dropped or acknowledged.
#include "model_inside.h"

struct told *
model_letter(const struct model_box *box, uint64_t number)
{
    return number == 0 || number > box->len ? NULL : &box->told[number - 1];
}

bool
model_is_held(const struct told *told)
{
    return told->place == PLACE_RETRY || told->place == PLACE_BEHIND;
}

uint64_t
model_waiting(const struct model_box *box)
{
    return box->count[PLACE_TURN] + box->count[PLACE_RETRY] + box->count[PLACE_BEHIND];
}

static void
move(struct model_box *box, struct told *told, enum place place)
{
    box->count[told->place]--;
    box->bytes[told->place] -= told->size;
    told->place = place;
    box->count[place]++;
    box->bytes[place] += told->size;
}

// Of those held about one person the first is tried again; all others wait behind it.
void
model_put_in_order(const struct model *model, struct model_box *box, uint64_t subject)
{
    enum place place = PLACE_RETRY;

    for (size_t i = 0; i < box->len; i++) {
        struct told *told = &box->told[i];

        if (model_is_held(told) && model_is_same(model, told->subject, subject)) {
            move(box, told, place);
            place = PLACE_BEHIND;
        }
    }
}

// ---- out of their turn ----

static bool
has_left(const struct model_box *box, uint64_t number)
{
    return number > box->mark && number <= box->len &&
           box->told[number - 1].place != PLACE_TURN;
}

static void
move_mark(struct model_box *box)
{
    while (box->mark < box->len && box->told[box->mark].place != PLACE_TURN) {
        box->mark++;
    }
}

// How many runs of letters that left before their turn lie above the mark.
static size_t
count_ranges(const struct model_box *box)
{
    size_t ranges = 0;

    for (uint64_t n = box->mark + 1; n <= box->len; n++) {
        ranges += has_left(box, n) && !has_left(box, n - 1);
    }
    return ranges;
}

// So many runs are remembered: one more is refused, one that joins others is not.
static bool
finds_room(const struct model_box *box, uint64_t number)
{
    return number == box->mark + 1 || has_left(box, number - 1) ||
           has_left(box, number + 1) || count_ranges(box) < RANGES_MAX;
}

// A letter leaves its turn; false: there is no room to remember that.
bool
model_take_out(struct model *model, struct model_box *box, struct told *told,
               enum place place)
{
    if (!finds_room(box, (uint64_t)(told - box->told) + 1)) {
        model->gaps++;
        return false;
    }
    move(box, told, place);
    move_mark(box);
    return true;
}

// ---- acknowledging ----

// A mark passes what is held; such a letter is done with by its own number alone.
enum vg_status
model_acknowledge(struct model *model, const struct acknowledge_command *acknowledge)
{
    struct model_box *box = model_box(model, acknowledge->mailbox);

    for (uint64_t n = box->mark + 1; n <= acknowledge->through; n++) {
        struct told *told = model_letter(box, n);

        if (told != NULL && told->place == PLACE_TURN) {
            move(box, told, PLACE_DONE);
            model->acknowledgements++;
        }
    }
    move_mark(box);
    for (size_t i = 0; i < acknowledge->singles_len; i++) {
        struct told *told = model_letter(box, acknowledge->singles[i].number);

        if (told == NULL || told->place == PLACE_DONE || told->place == PLACE_DROPPED) {
            continue;
        }
        if (told->place != PLACE_TURN) {
            move(box, told, PLACE_DONE);
            model_put_in_order(model, box, told->subject);
        } else if (!model_take_out(model, box, told, PLACE_DONE)) {
            return VG_TOO_MANY;
        }
        model->acknowledgements++;
    }
    return VG_OK;
}

void
model_hand_over(const struct model *model, struct model_box *box, struct told *told)
{
    enum place place = told->place;

    move(box, told, PLACE_DONE);
    move_mark(box);
    if (place != PLACE_TURN) {
        model_put_in_order(model, box, told->subject);
    }
}

// ---- refusing ----

static int64_t
pause_us(const struct model *model, uint32_t attempts)
{
    uint64_t pause_ms = 0;

    for (uint32_t i = 0; i < attempts && pause_ms < model->retry.longest_ms; i++) {
        pause_ms = 2 * pause_ms + model->retry.first_ms;
    }
    return (int64_t)(pause_ms < model->retry.longest_ms ? pause_ms
                                                        : model->retry.longest_ms) *
           1000;
}

enum vg_status
model_defer(struct model *model, uint32_t mailbox, const struct letter_about *letters,
            size_t len, uint32_t actor)
{
    struct model_box *box = model_box(model, mailbox);

    for (size_t i = 0; i < len; i++) {
        struct told *told = model_letter(box, letters[i].letter.number);

        if (told->place != PLACE_TURN) {
            continue;
        }
        if (!model_take_out(model, box, told, PLACE_BEHIND)) {
            return VG_TOO_MANY;
        }
        told->actor = actor;
        model_put_in_order(model, box, told->subject);
        model->deferred++;
    }
    return VG_OK;
}

static void
give_back(struct model *model, struct model_box *box, struct told *told, bool park,
          int64_t due_us)
{
    if (park || ++told->attempts >= model->retry.attempts) {
        told->due_us = 0;
        move(box, told, PLACE_PARKED);
        model->parked++;
    } else {
        told->due_us = due_us;
        move(box, told, PLACE_RETRY);
    }
    model_put_in_order(model, box, told->subject);
    model->given_back++;
}

enum vg_status
model_refuse(struct model *model, const struct refuse_command *refuse, uint32_t actor,
             int64_t now_us, enum place *ret_place)
{
    struct model_box *box = model_box(model, refuse->mailbox);
    struct told *told = model_letter(box, refuse->refused.letter.number);

    if (told->place == PLACE_TURN && !model_take_out(model, box, told, PLACE_RETRY)) {
        return VG_TOO_MANY;
    }
    if (model_is_held(told)) {
        int64_t pause = refuse->retry_after_ms == 0
                            ? pause_us(model, told->attempts + 1)
                            : refuse->retry_after_ms * INT64_C(1000);

        told->attempts += refuse->park;
        told->actor = actor;
        give_back(model, box, told, refuse->park, now_us + pause);
    }
    *ret_place = told->place;
    return model_defer(model, refuse->mailbox, refuse->later, refuse->later_len, actor);
}

// ---- before their turn ----

// Without room for more gaps the others come in their turn.
size_t
model_advance(struct model *model, const struct advance_command *advance)
{
    struct model_box *box = model_box(model, advance->mailbox);
    size_t taken = 0;

    for (size_t i = 0; i < advance->letters_len; i++) {
        struct told *told = model_letter(box, advance->letters[i].about.letter.number);

        if (told->place != PLACE_TURN) {
            continue;
        }
        if (!model_take_out(model, box, told, PLACE_RETRY)) {
            break;
        }
        told->actor = 0;
        told->due_us = advance->letters[i].urgency;
        model_put_in_order(model, box, told->subject);
        taken++;
    }
    return taken;
}

// ---- neither ----

// Both must come in their turn still, and leave half of the gaps to those that are refused.
bool
model_withdraw(const struct model *model, struct model_box *box, struct told *first,
               struct told *cancellation)
{
    if (first->place != PLACE_TURN || cancellation->place != PLACE_TURN ||
        model->kept[cancellation->ticket].corrected_by != 0 ||
        model_stands_for(box, first->ticket) != NULL ||
        count_ranges(box) + 2 > RANGES_MAX / 2) {
        return false;
    }
    move(box, first, PLACE_DROPPED);
    move_mark(box);
    move(box, cancellation, PLACE_DROPPED);
    move_mark(box);
    first->withdrawn = cancellation->withdrawn = true;
    first->other = cancellation->ticket;
    cancellation->other = first->ticket;
    return true;
}

// ---- by time and by hand ----

void
model_park_unread(struct model *model, uint32_t mailbox, uint64_t number,
                  int64_t limit_us)
{
    struct model_box *box = model_box(model, mailbox);
    struct told *told = model_letter(box, number);

    if (told->place == PLACE_PARKED) {
        return; // two commands of one batch read the same record
    }
    if (told->kept_us > limit_us || (told->place != PLACE_TURN && !model_is_held(told))) {
        broken("mailbox %u, letter %llu is parked before its time", mailbox,
               (unsigned long long)number);
    }
    told->actor = 0;
    told->due_us = 0;
    move(box, told, PLACE_PARKED);
    move_mark(box);
    model_put_in_order(model, box, told->subject);
    model->unread++;
}

enum vg_status
model_handle_parked(struct model *model, const struct parked_command *parked, bool drop,
                    uint32_t actor, int64_t now_us)
{
    struct model_box *box = model_box(model, parked->mailbox);

    for (size_t i = 0; i < parked->numbers_len; i++) {
        const struct told *told = model_letter(box, parked->numbers[i]);

        if (told == NULL || told->place != PLACE_PARKED) {
            return VG_NOT_FOUND;
        }
    }
    for (size_t i = 0; i < parked->numbers_len; i++) {
        struct told *told = model_letter(box, parked->numbers[i]);

        if (told->place != PLACE_PARKED) {
            continue; // it was named twice
        }
        told->actor = actor;
        told->due_us = now_us;
        move(box, told, drop ? PLACE_DROPPED : PLACE_RETRY);
        model_put_in_order(model, box, told->subject);
        model->dropped += drop;
    }
    return VG_OK;
}
