// SPDX-License-Identifier: EUPL-1.2
#include "edge/withdrawing.h"

#include "edge/delivery.h"

#include <stdlib.h>

static uint64_t
newest_sent(const struct lane *lane)
{
    uint64_t newest = lane->found > lane->sent_through ? lane->found : lane->sent_through;
    uint64_t passed = lane->outflow == NULL ? 0 : outflow_state(lane->outflow).sent;

    return passed > newest ? passed : newest;
}

static bool
keep_back(struct lane *lane, uint64_t first)
{
    struct withdrawing *withdrawing;
    size_t len = 0;

    for (withdrawing = lane->withdrawing; withdrawing != NULL;
         withdrawing = withdrawing->next) {
        len++;
    }
    if (first <= newest_sent(lane) || len >= WITHDRAWING_MAX) {
        return false;
    }
    withdrawing = xcalloc(1, sizeof *withdrawing);
    *withdrawing = (struct withdrawing){lane->withdrawing, first};
    lane->withdrawing = withdrawing;
    return true;
}

void
withdrawing_take(struct broker *broker, const struct batch *batch)
{
    struct command *command;
    struct withdraw_command *withdraw;

    if (batch->pairs_len == 0) {
        return;
    }
    command = command_new(COMMAND_WITHDRAW, NULL, 0);
    withdraw = &command->withdraw;
    withdraw->pairs = xcalloc(batch->pairs_len, sizeof *withdraw->pairs);
    for (size_t i = 0; i < batch->pairs_len; i++) {
        const struct cancelled_pair *pair = &batch->pairs[i];

        if (keep_back(lanes_at(broker->lanes, pair->mailbox), pair->first.number)) {
            withdraw->pairs[withdraw->pairs_len++] = *pair;
        }
    }
    if (withdraw->pairs_len == 0) {
        command_free(&command);
        return;
    }
    broker->fold_wanted = true;
    broker_propose(broker, &command);
}

static void
let_go(struct lane *lane, uint64_t first)
{
    struct withdrawing **link = &lane->withdrawing;

    while (*link != NULL && (*link)->first != first) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        struct withdrawing *gone = *link;

        *link = gone->next;
        free(gone);
    }
}

void
withdrawing_answered(struct broker *broker, const struct command *command)
{
    const struct withdraw_command *withdraw = &command->withdraw;

    for (size_t i = 0; i < withdraw->pairs_len; i++) {
        const struct cancelled_pair *pair = &withdraw->pairs[i];
        struct lane *lane = lanes_at(broker->lanes, pair->mailbox);

        let_go(lane, pair->first.number);
        lane->withdrawn += pair->withdrawn;
        metrics.withdrawn += pair->withdrawn;
        delivery_note(broker, lane);
    }
}

void
withdrawing_limit(const struct lane *lane, uint64_t *through, bool *ret_rests)
{
    uint64_t sent = outflow_state(lane->outflow).sent;

    for (const struct withdrawing *pair = lane->withdrawing; pair != NULL;
         pair = pair->next) {
        if (pair->first <= sent + 1) {
            *ret_rests = true;
        } else if (*through == 0 || pair->first - 1 < *through) {
            *through = pair->first - 1;
        }
    }
}
