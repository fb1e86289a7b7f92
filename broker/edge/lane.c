// SPDX-License-Identifier: EUPL-1.2
#include "edge/lane.h"

#include <stdlib.h>
#include <string.h>

// Of each second's rate a tenth is new.
#define RATE_SHARE 0.1

struct lanes {
    struct lane **lane[2]; // default mailboxes by id, further ones by id - EXTRA_FIRST
    size_t size[2];
};

struct lanes *
lanes_new(void)
{
    return xcalloc(1, sizeof(struct lanes));
}

static void
free_lane(struct lane *lane, void *arg)
{
    (void)arg;
    while (lane->withdrawing != NULL) {
        struct withdrawing *next = lane->withdrawing->next;

        free(lane->withdrawing);
        lane->withdrawing = next;
    }
    outflow_free(&lane->outflow);
    free(lane);
}

void
lanes_free(struct lanes **lanes)
{
    if (*lanes != NULL) {
        lanes_each(*lanes, free_lane, NULL);
        free((*lanes)->lane[0]);
        free((*lanes)->lane[1]);
        free(*lanes);
        *lanes = NULL;
    }
}

static size_t
index_of(uint32_t mailbox)
{
    return mailbox >= MAILBOX_EXTRA_FIRST ? mailbox - MAILBOX_EXTRA_FIRST : mailbox;
}

struct lane *
lanes_find(const struct lanes *lanes, uint32_t mailbox)
{
    bool extra = mailbox >= MAILBOX_EXTRA_FIRST;
    size_t index = index_of(mailbox);

    return index < lanes->size[extra] ? lanes->lane[extra][index] : NULL;
}

struct lane *
lanes_at(struct lanes *lanes, uint32_t mailbox)
{
    bool extra = mailbox >= MAILBOX_EXTRA_FIRST;
    size_t index = index_of(mailbox);

    if (index >= lanes->size[extra]) {
        size_t size = index * 2 + 64;
        struct lane **lane = realloc(lanes->lane[extra], size * sizeof *lane);

        CHECK(lane != NULL);
        memset(lane + lanes->size[extra], 0, (size - lanes->size[extra]) * sizeof *lane);
        lanes->lane[extra] = lane;
        lanes->size[extra] = size;
    }
    if (lanes->lane[extra][index] == NULL) {
        lanes->lane[extra][index] = xcalloc(1, sizeof(struct lane));
        lanes->lane[extra][index]->mailbox = mailbox;
    }
    return lanes->lane[extra][index];
}

bool
lane_is_rewound(const struct lane *lane)
{
    return lane->rewind != NULL && rewind_state(lane->rewind).phase == REWIND_SENDS;
}

bool
lane_has_work(const struct lane *lane)
{
    struct outflow_state state;

    if (lane->outflow == NULL || lane->stop != LANE_GOES) {
        return false;
    }
    if (lane_is_rewound(lane)) {
        return rewind_has_work(lane->rewind);
    }
    state = outflow_state(lane->outflow);
    return lane->hold_back_us != RULES_REST && !lane->sifting &&
           (state.sent < lane->last || lane->due) &&
           state.in_flight_messages < state.window_messages &&
           state.in_flight_bytes < state.window_bytes;
}

static void
tick(struct rate *rate, uint64_t count)
{
    double second = (double)(count - rate->seen);

    rate->per_second += RATE_SHARE * (second - rate->per_second);
    if (rate->per_second < 0.01) {
        rate->per_second = 0;
    }
    rate->seen = count;
}

static void
tick_lane(struct lane *lane, void *arg)
{
    (void)arg;
    tick(&lane->in, lane->last);
    tick(&lane->out, lane->acknowledged);
}

void
lanes_tick(struct lanes *lanes)
{
    lanes_each(lanes, tick_lane, NULL);
}

void
lanes_each(struct lanes *lanes, lane_fn each, void *arg)
{
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < lanes->size[i]; j++) {
            if (lanes->lane[i][j] != NULL) {
                each(lanes->lane[i][j], arg);
            }
        }
    }
}
