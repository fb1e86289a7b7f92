// SPDX-License-Identifier: EUPL-1.2
#include "edge/walks.h"

#include <stdlib.h>

// A message passes some turns on its way, and each waits for a slice.
enum { SLICE_US = 500, STEP_PERSONS = 256 };

static void
go_on_in_next_turn(struct broker *broker)
{
    static const struct timeval at_once = {0, 0};

    if (broker->walks.first != NULL && !evtimer_pending(broker->walks.turn, NULL)) {
        CHECK(evtimer_add(broker->walks.turn, &at_once) == 0);
    }
}

static void
join_queue(struct broker *broker, struct walk *walk)
{
    struct walk **at = &broker->walks.first;

    while (*at != NULL) {
        at = &(*at)->next;
    }
    walk->next = NULL;
    *at = walk;
    broker->walks.len++;
}

static void
leave_queue(struct broker *broker, struct walk *walk)
{
    struct walk **at = &broker->walks.first;

    while (*at != NULL && *at != walk) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = walk->next;
        broker->walks.len--;
    }
}

struct walk *
walks_begin(struct broker *broker, const struct walk *walk,
            const struct holdings_question *question)
{
    struct walk *begun;

    if (broker->walks.len >= WALKS_MAX) {
        return NULL;
    }
    begun = xcalloc(1, sizeof *begun);
    *begun = *walk;
    begun->status = VG_OK;
    begun->holdings = holdings_open(question);
    join_queue(broker, begun);
    go_on_in_next_turn(broker);
    return begun;
}

void
walk_end(struct broker *broker, struct walk **walk)
{
    leave_queue(broker, *walk);
    holdings_free(&(*walk)->holdings);
    free(*walk);
    *walk = NULL;
}

// True when the walk has ended. At least one step, whatever the clock says.
static bool
look(struct broker *broker, struct walk *walk)
{
    int64_t until_us = clock_us() + SLICE_US;
    bool done = false;

    do {
        walk->status = holdings_step(walk->holdings, broker_txn(broker), broker->roster,
                                     STEP_PERSONS, &done);
        done = done || walk->status != VG_OK ||
               (!walk->whole && holdings_looked(walk->holdings) >= WALK_PERSONS_MAX);
    } while (!done && clock_us() < until_us);
    return done;
}

void
walks_go_on(struct broker *broker)
{
    struct walk *walk = broker->walks.first;

    if (walk == NULL || broker->draining || broker->fatal) {
        return; // nobody waits for it any more
    }
    leave_queue(broker, walk);
    if (walk->goes_on == NULL || walk->goes_on(walk)) {
        if (look(broker, walk)) {
            walk->done(broker, walk);
        } else {
            join_queue(broker, walk);
        }
    }
    go_on_in_next_turn(broker);
}

void
walks_close(struct broker *broker)
{
    while (broker->walks.first != NULL) {
        struct walk *walk = broker->walks.first;

        walk_end(broker, &walk);
    }
}
