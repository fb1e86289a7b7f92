// SPDX-License-Identifier: EUPL-1.2
#include "edge/sifting.h"

#include "edge/delivery.h"
#include "flow/sift.h"

enum { AGAIN_PART = 8 }; // so many times at most is a letter looked at, over all

static enum vg_status
look(struct broker *broker, struct lane *lane)
{
    struct outflow_view view = {.tails = broker->tails,
                                .holds = broker->holds,
                                .txn = broker_txn(broker),
                                .now_us = clock_now().us,
                                .hold_back_us = lane->hold_back_us};
    struct sift_question question = {&view, lane->outflow, broker->catalogue,
                                     lane->urgent_first, lane->merge_repeats};
    struct command *command = NULL;
    uint64_t through = 0;
    enum vg_status status = sift_letters(&question, &through, &command);

    if (status == VG_OK) { // otherwise they are looked at again
        lane->sifted = through;
    }
    if (status == VG_OK && command != NULL) {
        lane->sifting = true;
        broker->fold_wanted = true;
        broker_propose(broker, &command);
    }
    return status;
}

// An urgent letter takes earlier ones along, so all that wait are looked at again with each
// new one: not before these are a fair part of them.
static bool
is_worth_while(const struct lane *lane, uint64_t sent)
{
    uint64_t old = lane->sifted > sent ? lane->sifted - sent : 0;
    uint64_t new = lane->last - (lane->sifted > sent ? lane->sifted : sent);

    return new > 0 && new *AGAIN_PART >= old &&old <=
                          SIFT_LETTERS_MAX - SIFT_LETTERS_MAX / AGAIN_PART;
}

enum vg_status
sifting_look(struct broker *broker, struct lane *lane, uint64_t *ret_through,
             bool *ret_rests)
{
    uint64_t sent = outflow_state(lane->outflow).sent;
    enum vg_status status = VG_OK;

    *ret_through = 0;
    *ret_rests = false;
    if ((!lane->urgent_first && !lane->merge_repeats) || broker->catalogue == NULL) {
        return VG_OK;
    }
    if (lane->last == sent + 1) {
        lane->sifted = lane->last; // alone: it is the next one anyway
    } else if (!lane->sifting && is_worth_while(lane, sent)) {
        status = look(broker, lane);
    }
    *ret_through = lane->sifted;
    *ret_rests = lane->sifting;
    return status;
}

void
sifting_answered(struct broker *broker, const struct command *command)
{
    struct lane *lane = lanes_at(broker->lanes, command->advance.mailbox);

    // What was not taken out comes in its turn.
    lane->sifting = false;
    metrics.advanced += command->advance.taken;
    metrics.merged += command->advance.merged;
    lane->merged += command->advance.merged;
    delivery_note(broker, lane);
}
