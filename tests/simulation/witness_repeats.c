// SPDX-License-Identifier: EUPL-1.2
// Which letters stand for others that do not come.
#include "witness_inside.h"

enum { AHEAD_MAX = 200 };

void
repeats_paces(struct witness *witness)
{
    for (size_t i = 0; i < witness->watched_len; i++) {
        struct watched *watched = &witness->watched[i];
        const struct lane *lane = lanes_find(witness->broker->lanes, watched->mailbox);

        if (lane != NULL && !lane->merge_repeats) {
            watched->unmerged = lane->sifted;
        }
        if (lane != NULL && !lane->urgent_first) {
            watched->unhurried = lane->sifted;
        }
    }
}

// What is looked at later in a turn was not when its first letters were put into a frame.
uint64_t
witness_looked_at(const struct watched *watched, const struct lane *lane, uint64_t number)
{
    return number > watched->looked ? lane->sifted : watched->looked;
}

void
repeats_rest(struct witness *witness)
{
    for (size_t i = 0; i < witness->watched_len; i++) {
        struct watched *watched = &witness->watched[i];
        const struct lane *lane = lanes_find(witness->broker->lanes, watched->mailbox);

        watched->looked = lane == NULL ? 0 : lane->sifted;
    }
}

void
repeats_listed(struct model_box *box, const struct hot_notification *letter)
{
    for (size_t i = 0; i < hot_merged_len(letter->merged); i++) {
        for (size_t n = 0; n < box->len; n++) {
            box->told[n].listed |= box->told[n].ticket == hot_merged(letter->merged, i);
        }
    }
}

// The tickets of all for which it stands, in order, and no others.
static void
check_list(const struct model_box *box, const struct hot_notification *letter)
{
    const struct model_merged *must =
        model_stands_for(box, box->told[letter->number - 1].ticket);
    size_t len = must == NULL ? 0 : must->len;

    for (size_t i = 0; i < len && i < hot_merged_len(letter->merged); i++) {
        if (hot_merged(letter->merged, i) != must->tickets[i]) {
            broken(
                "mailbox %u: letter %llu says that it stands for ticket %llu, not %llu",
                box->id, (unsigned long long)letter->number,
                (unsigned long long)hot_merged(letter->merged, i),
                (unsigned long long)must->tickets[i]);
        }
    }
    if (hot_merged_len(letter->merged) != len) {
        broken("mailbox %u: letter %llu says that it stands for %zu others, not for %zu",
               box->id, (unsigned long long)letter->number,
               hot_merged_len(letter->merged), len);
    }
}

// The next one about the same person, under any of his numbers; 0: there is none that was
// looked at.
static uint64_t
next_about(const struct model *model, const struct model_box *box, uint64_t number,
           uint64_t through)
{
    for (uint64_t n = number + 1;
         n <= through && n <= box->len && n <= number + AHEAD_MAX; n++) {
        if (model_is_same(model, box->told[n - 1].subject,
                          box->told[number - 1].subject)) {
            return n;
        }
    }
    return 0;
}

// What says the same anew comes next about this person, and came before this was looked at.
static void
check_last_word(const struct model *model, struct watched *watched,
                const struct model_box *box, uint64_t number, uint64_t through)
{
    uint64_t next = next_about(model, box, number, through);
    const struct told *later = next == 0 ? NULL : &box->told[next - 1];

    if (later != NULL && next > watched->unmerged && number > watched->given &&
        later->place == PLACE_TURN && (*witness_mark(watched, next) & ~MARK_NAMED) == 0 &&
        model_says_anew(model, &box->told[number - 1], later) &&
        !model_is_void(model, later->ticket)) {
        broken("mailbox %u: letter %llu is sent, and %llu says the same anew", box->id,
               (unsigned long long)number, (unsigned long long)next);
    }
}

void
repeats_check_letter(struct witness *witness, struct watched *watched,
                     const struct hot_notification *letter)
{
    const struct model_box *box = model_box(witness->model, watched->mailbox);
    const struct lane *lane = lanes_find(witness->broker->lanes, box->id);

    check_list(box, letter);
    if (box->told[letter->number - 1].place == PLACE_DONE) {
        broken("mailbox %u: letter %llu is sent, and was done with", box->id,
               (unsigned long long)letter->number);
    }
    if (letter->attempt == 0 && lane->merge_repeats && !watched->apart &&
        box->rules.digest == 0) {
        check_last_word(witness->model, watched, box, letter->number,
                        witness_looked_at(watched, lane, letter->number));
    }
}

void
repeats_look_at_counts(const struct witness *witness)
{
    for (size_t i = 0; i < witness->model->boxes_len; i++) {
        const struct model_box *box = &witness->model->boxes[i];
        const struct lane *lane = lanes_find(witness->broker->lanes, box->id);
        uint64_t expected = box->merged_total - witness->merged[i];

        if ((lane == NULL ? 0 : lane->merged) != expected) {
            broken("mailbox %u: %llu letters were merged, and the loop counts %llu",
                   box->id, (unsigned long long)expected,
                   (unsigned long long)(lane == NULL ? 0 : lane->merged));
        }
    }
}
