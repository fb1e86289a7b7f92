// SPDX-License-Identifier: EUPL-1.2
#include "flow/holds.h"

#include <stdlib.h>
#include <string.h>

// A command is on its way; the table does not have it yet.
enum { COMING = HELD_GONE };

struct hold {
    uint64_t subject;
    uint64_t number;
    int64_t due_us;
    uint8_t state; // COMING, HELD_RETRY or HELD_BEHIND
    bool sent;
};

// One mailbox's, in order of subject, then number.
struct hold_box {
    uint32_t mailbox;
    struct hold *hold;
    size_t len;
    size_t size;
    int64_t next_us; // the earliest to be tried that is not on its way
    bool stale;      // next_us is to be found anew
};

struct holds {
    struct hold_box *box; // in order of mailbox; they stay
    size_t len;
    size_t size;
};

// ---- places ----

static size_t
box_place(const struct holds *holds, uint32_t mailbox)
{
    size_t low = 0, high = holds->len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (holds->box[middle].mailbox < mailbox) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct hold_box *
box_find(const struct holds *holds, uint32_t mailbox)
{
    size_t i = holds == NULL ? 0 : box_place(holds, mailbox);

    return holds != NULL && i < holds->len && holds->box[i].mailbox == mailbox
               ? &holds->box[i]
               : NULL;
}

static struct hold_box *
box_at(struct holds *holds, uint32_t mailbox)
{
    size_t i = box_place(holds, mailbox);

    if (i < holds->len && holds->box[i].mailbox == mailbox) {
        return &holds->box[i];
    }
    if (holds->len == holds->size) {
        holds->size = holds->size * 2 + 16;
        holds->box = realloc(holds->box, holds->size * sizeof *holds->box);
        CHECK(holds->box != NULL);
    }
    memmove(&holds->box[i + 1], &holds->box[i], (holds->len - i) * sizeof *holds->box);
    holds->box[i] = (struct hold_box){.mailbox = mailbox, .next_us = INT64_MAX};
    holds->len++;
    return &holds->box[i];
}

// The first one about this subject with at least this number.
static size_t
hold_place(const struct hold_box *box, uint64_t subject, uint64_t number)
{
    size_t low = 0, high = box->len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct hold *hold = &box->hold[middle];

        if (hold->subject < subject ||
            (hold->subject == subject && hold->number < number)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct hold *
hold_find(const struct hold_box *box, uint64_t subject, uint64_t number)
{
    size_t i = hold_place(box, subject, number);

    if (i == box->len) {
        return NULL;
    }

    struct hold *hold = &box->hold[i];

    return hold->subject == subject && hold->number == number ? hold : NULL;
}

// Gives the new one's place, to be filled in.
static struct hold *
hold_insert(struct hold_box *box, size_t i)
{
    if (box->len == box->size) {
        box->size = box->size * 2 + 16;
        box->hold = realloc(box->hold, box->size * sizeof *box->hold);
        CHECK(box->hold != NULL);
    }
    memmove(&box->hold[i + 1], &box->hold[i], (box->len - i) * sizeof *box->hold);
    box->len++;
    return &box->hold[i];
}

static struct hold *
hold_at(struct hold_box *box, uint64_t subject, uint64_t number)
{
    struct hold *hold = hold_find(box, subject, number);

    if (hold != NULL) {
        return hold;
    }
    hold = hold_insert(box, hold_place(box, subject, number));
    *hold = (struct hold){.subject = subject, .number = number, .state = COMING};
    return hold;
}

static void
hold_remove(struct hold_box *box, struct hold *hold)
{
    size_t after = box->len - (size_t)(hold - box->hold) - 1;

    memmove(hold, hold + 1, after * sizeof *hold);
    box->len--;
    box->stale = true;
}

// ---- changes ----

static void
take_change(struct holds *holds, const struct held_change *change)
{
    struct hold_box *box = box_at(holds, change->mailbox);
    struct hold *hold = hold_find(box, change->subject, change->number);

    if (change->state == HELD_GONE || change->state == HELD_PARKED) {
        if (hold != NULL) {
            hold_remove(box, hold);
        }
        return;
    }
    hold = hold_at(box, change->subject, change->number);
    hold->state = (uint8_t)change->state;
    hold->due_us = change->due_us;
    hold->sent = false;
    box->stale = true;
}

// ---- a start ----

// In the table's order, by number: what is not sorted yet is only added.
static bool
add_row(struct mailbox_id mailbox, const struct held_row *row, void *arg)
{
    struct hold_box *box;

    if (row->head.state == HELD_PARKED) {
        return true;
    }
    box = box_at(arg, mailbox.number);
    *hold_insert(box, box->len) = (struct hold){
        .subject = row->head.subject,
        .number = row->head.letter.number,
        .due_us = row->head.due_us,
        .state = (uint8_t)row->head.state,
    };
    box->stale = true;
    return true;
}

static int
compare_holds(const void *one, const void *other)
{
    const struct hold *a = one, *b = other;

    return a->subject != b->subject ? (a->subject < b->subject ? -1 : 1)
           : a->number != b->number ? (a->number < b->number ? -1 : 1)
                                    : 0;
}

enum vg_status
holds_open(struct txn *txn, struct holds **ret_holds)
{
    struct holds *holds = xcalloc(1, sizeof *holds);
    enum vg_status status = held_each(txn, add_row, holds);

    if (status != VG_OK) {
        holds_free(&holds);
        return status;
    }
    for (size_t i = 0; i < holds->len; i++) {
        qsort(holds->box[i].hold, holds->box[i].len, sizeof *holds->box[i].hold,
              compare_holds);
    }
    *ret_holds = holds;
    return VG_OK;
}

void
holds_free(struct holds **holds)
{
    if (*holds == NULL) {
        return;
    }
    for (size_t i = 0; i < (*holds)->len; i++) {
        free((*holds)->box[i].hold);
    }
    free((*holds)->box);
    free(*holds);
    *holds = NULL;
}

void
holds_take(struct holds *holds, const struct batch *batch)
{
    for (size_t i = 0; i < batch->held_len; i++) {
        take_change(holds, &batch->held[i]);
    }
}

void
holds_expect(struct holds *holds, uint32_t mailbox, const struct letter_about *letter)
{
    (void)hold_at(box_at(holds, mailbox), letter->subject, letter->letter.number);
}

static void
forget_coming(struct holds *holds, uint32_t mailbox, const struct letter_about *letters,
              size_t len)
{
    struct hold_box *box = box_find(holds, mailbox);

    for (size_t i = 0; box != NULL && i < len; i++) {
        struct hold *hold = hold_find(box, letters[i].subject, letters[i].letter.number);

        if (hold != NULL && hold->state == COMING) {
            hold_remove(box, hold);
        }
    }
}

void
holds_answered(struct holds *holds, const struct command *command)
{
    const struct refuse_command *refuse = &command->refuse;

    if (command->kind == COMMAND_DEFER) {
        forget_coming(holds, command->defer.mailbox, command->defer.letters,
                      command->defer.letters_len);
    } else if (command->kind == COMMAND_REFUSE) {
        forget_coming(holds, refuse->mailbox, &refuse->refused, 1);
        forget_coming(holds, refuse->mailbox, refuse->later, refuse->later_len);
    }
}

// ---- questions ----

uint64_t
holds_first(const struct holds *holds, uint32_t mailbox, uint64_t subject)
{
    const struct hold_box *box = box_find(holds, mailbox);
    size_t i;

    if (box == NULL || box->len == 0) {
        return 0;
    }
    i = hold_place(box, subject, 0);
    return i < box->len && box->hold[i].subject == subject ? box->hold[i].number : 0;
}

bool
holds_about(const struct holds *holds, uint32_t mailbox, uint64_t subject)
{
    return holds_first(holds, mailbox, subject) != 0;
}

size_t
holds_len(const struct holds *holds, uint32_t mailbox)
{
    const struct hold_box *box = box_find(holds, mailbox);

    return box == NULL ? 0 : box->len;
}

static bool
is_waiting(const struct hold *hold)
{
    return hold->state == HELD_RETRY && !hold->sent;
}

static int64_t
next_of(struct hold_box *box)
{
    if (box->stale) {
        box->next_us = INT64_MAX;
        for (size_t i = 0; i < box->len; i++) {
            if (is_waiting(&box->hold[i]) && box->hold[i].due_us < box->next_us) {
                box->next_us = box->hold[i].due_us;
            }
        }
        box->stale = false;
    }
    return box->next_us;
}

// Before those of a later moment; of more than there is room for, the last is left out.
static size_t
due_insert(struct due_letter *due, size_t len, size_t max, const struct hold *hold)
{
    size_t i = len;

    while (i > 0 && due[i - 1].due_us > hold->due_us) {
        i--;
    }
    if (i == max) {
        return len;
    }
    len += len < max;
    memmove(&due[i + 1], &due[i], (len - i - 1) * sizeof *due);
    due[i] = (struct due_letter){hold->number, hold->subject, hold->due_us};
    return len;
}

size_t
holds_due(struct holds *holds, uint32_t mailbox, int64_t now_us,
          struct due_letter *ret_due, size_t max)
{
    struct hold_box *box = box_find(holds, mailbox);
    size_t len = 0;

    if (box == NULL || next_of(box) > now_us) {
        return 0;
    }
    for (size_t i = 0; i < box->len; i++) {
        const struct hold *hold = &box->hold[i];

        if (is_waiting(hold) && hold->due_us <= now_us) {
            len = due_insert(ret_due, len, max, hold);
        }
    }
    return len;
}

void
holds_sent(struct holds *holds, uint32_t mailbox, const struct due_letter *due)
{
    struct hold_box *box = box_find(holds, mailbox);
    struct hold *hold = box == NULL ? NULL : hold_find(box, due->subject, due->number);

    if (hold != NULL) {
        hold->sent = true;
        box->stale = true;
    }
}

void
holds_rest(struct holds *holds, uint32_t mailbox)
{
    struct hold_box *box = box_find(holds, mailbox);

    for (size_t i = 0; box != NULL && i < box->len; i++) {
        box->hold[i].sent = false;
        box->stale = true;
    }
}

bool
holds_next(struct holds *holds, size_t *at, uint32_t *ret_mailbox, int64_t *ret_due_us)
{
    while (*at < holds->len) {
        struct hold_box *box = &holds->box[(*at)++];

        if (box->len > 0) {
            *ret_mailbox = box->mailbox;
            *ret_due_us = next_of(box);
            return true;
        }
    }
    return false;
}
