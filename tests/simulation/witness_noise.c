// SPDX-License-Identifier: EUPL-1.2
// When letters may come, which of them first, and how many are not wanted at all.
#include "witness_inside.h"

#include <stdlib.h>

enum { AHEAD_MAX = 200, ADVANCED_MAX = 9 };

// ---- when ----

void
witness_paces(struct witness *witness)
{
    witness->looked_us = clock_now().us;
    repeats_paces(witness);
}

void
witness_paced(struct witness *witness)
{
    witness->looked_before_us = witness->looked_us;
}

static bool
may_come(const struct model_box *box, const struct told *told, bool in_turn,
         int64_t looked_us)
{
    int64_t hold_back = model_hold_back(&box->rules, looked_us);

    return in_turn ? told->kept_us < hold_back : hold_back != INT64_MIN;
}

static void
check_moment(const struct witness *witness, const struct watched *watched,
             const struct model_box *box, uint64_t number, bool in_turn)
{
    const struct told *told = &box->told[number - 1];
    int64_t opened = watched->opened_us;
    int64_t one = witness->looked_us > opened ? witness->looked_us : opened;
    int64_t other =
        witness->looked_before_us > opened ? witness->looked_before_us : opened;

    if (!may_come(box, told, in_turn, one) && !may_come(box, told, in_turn, other)) {
        broken(
            "mailbox %u: letter %llu, kept at %lld us, is sent: it is %02d:%02d, quiet "
            "from %d to %d, digest %d",
            box->id, (unsigned long long)number, (long long)told->kept_us,
            model_minute(one) / 60, model_minute(one) % 60, box->rules.quiet_from,
            box->rules.quiet_to, box->rules.digest);
    }
}

// ---- which first ----

// Taken out before its turn, and not refused since: its moment is its urgency.
static bool
is_for_urgency(const struct told *told)
{
    return told->place == PLACE_RETRY && told->due_us > 0 && told->due_us <= ADVANCED_MAX;
}

// One above `after` about the same person that comes in its turn and was not sent yet; 0:
// none.
static uint64_t
earlier_one(const struct model *model, struct watched *watched,
            const struct model_box *box, uint64_t number, uint64_t after)
{
    for (uint64_t n = after + 1; n < number; n++) {
        const struct told *told = &box->told[n - 1];

        if (told->place == PLACE_TURN && (*witness_mark(watched, n) & ~MARK_NAMED) == 0 &&
            model_is_same(model, told->subject, box->told[number - 1].subject)) {
            return n;
        }
    }
    return 0;
}

// None that was taken out for it, was not sent for it and need not wait for another number
// of its person is more urgent; in its turn comes what is not.
static void
check_advanced(const struct model *model, struct watched *watched,
               const struct model_box *box, uint64_t number, int64_t urgency)
{
    for (uint64_t n = 1; n <= box->len; n++) {
        const struct told *told = &box->told[n - 1];

        if (n != number && is_for_urgency(told) && told->due_us < urgency &&
            (*witness_mark(watched, n) & (MARK_TRIED | MARK_BACK)) == 0 &&
            earlier_one(model, watched, box, n, 0) == 0) {
            broken("mailbox %u: letter %llu is sent, and %llu, which comes first, is not",
                   box->id, (unsigned long long)number, (unsigned long long)n);
        }
    }
}

// Whoever comes before his turn passes nothing about the same person.
static void
check_passes_none(const struct model *model, struct watched *watched,
                  const struct model_box *box, uint64_t number)
{
    uint64_t earlier = earlier_one(model, watched, box, number, watched->given);

    if (earlier != 0) {
        broken("mailbox %u: letter %llu is sent before its turn, and %llu about the same "
               "person was not yet",
               box->id, (unsigned long long)number, (unsigned long long)earlier);
    }
}

// Something about the person of this letter was on its way, held, or done with: then the
// order of what is about him was not touched.
static bool
may_be_busy(const struct model *model, struct watched *watched,
            const struct model_box *box, uint64_t number)
{
    for (uint64_t n = 1; n <= box->len; n++) {
        if (n != number &&
            (box->told[n - 1].place != PLACE_TURN || n <= watched->given ||
             (*witness_mark(watched, n) & ~MARK_NAMED) != 0) &&
            model_is_same(model, box->told[n - 1].subject,
                          box->told[number - 1].subject)) {
            return true;
        }
    }
    return false;
}

// Of those from this one on about its person, as far as was looked.
static unsigned
comes_for(const struct model *model, const struct model_box *box, uint64_t number,
          uint64_t through)
{
    unsigned most = 0;

    for (uint64_t n = number; n <= through && n <= box->len; n++) {
        unsigned urgency = model_urgency(model, &box->told[n - 1]);

        if (urgency != 0 && (most == 0 || urgency < most) &&
            model_is_same(model, box->told[n - 1].subject,
                          box->told[number - 1].subject)) {
            most = urgency;
        }
    }
    return most;
}

// A letter comes in its turn: none of those looked at should have come before it.
static void
check_looked_at(struct witness *witness, struct watched *watched,
                const struct model_box *box, uint64_t number)
{
    const struct model *model = witness->model;
    const struct lane *lane = lanes_find(witness->broker->lanes, box->id);
    uint64_t through = witness_looked_at(watched, lane, number);
    unsigned own;

    if (number > lane->sifted) {
        broken("mailbox %u: letter %llu is sent, and what waits was looked at through "
               "%llu",
               box->id, (unsigned long long)number, (unsigned long long)lane->sifted);
    }
    if (watched->short_of_gaps) {
        return;
    }
    own = comes_for(model, box, number, through);
    for (uint64_t n = number + 1;
         n <= through && n <= box->len && n <= number + AHEAD_MAX; n++) {
        const struct told *told = &box->told[n - 1];
        unsigned urgency = model_urgency(model, told);

        if (urgency != 0 && (own == 0 || urgency < own) && n > watched->given &&
            n > watched->unhurried && told->place == PLACE_TURN &&
            (*witness_mark(watched, n) & ~MARK_NAMED) == 0 &&
            !may_be_busy(model, watched, box, n)) {
            broken("mailbox %u: letter %llu is sent in its turn, and %llu is more urgent",
                   box->id, (unsigned long long)number, (unsigned long long)n);
        }
    }
}

void
noise_check_letter(struct witness *witness, struct watched *watched,
                   const struct hot_notification *letter)
{
    const struct model_box *box = model_box(witness->model, watched->mailbox);
    const struct told *told = &box->told[letter->number - 1];
    bool in_turn = letter->attempt == 0;
    bool first = !in_turn && is_for_urgency(told);

    check_moment(witness, watched, box, letter->number, in_turn);
    check_advanced(witness->model, watched, box, letter->number,
                   in_turn ? ADVANCED_MAX + 1 : told->due_us);
    if (first) {
        check_passes_none(witness->model, watched, box, letter->number);
    }
    if (in_turn && box->rules.urgent_first != 0) {
        check_looked_at(witness, watched, box, letter->number);
    }
}

void
noise_applied(struct watched *watched, const struct command *command)
{
    watched->short_of_gaps |= command->status != VG_OK ||
                              command->advance.taken != command->advance.letters_len;
    watched->apart |= command->status != VG_OK ||
                      command->advance.merged != command->advance.merges_len;
}

// ---- how many not at all ----

void
witness_look_at_counts(const struct witness *witness)
{
    repeats_look_at_counts(witness);
    for (uint32_t i = 1; i <= witness->model->institutions_len; i++) {
        const struct lane *lane = lanes_find(witness->broker->lanes, i);
        uint64_t expected = witness->model->unwanted[i] - witness->unwanted[i];

        if ((lane == NULL ? 0 : lane->unwanted) != expected) {
            broken("institution %u did not want %llu, and the loop counts %llu", i,
                   (unsigned long long)expected,
                   (unsigned long long)(lane == NULL ? 0 : lane->unwanted));
        }
    }
}
