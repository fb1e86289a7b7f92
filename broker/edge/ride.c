// SPDX-License-Identifier: EUPL-1.2
#include "edge/ride.h"

void
ride_add(struct broker *broker, struct command **command)
{
    static const struct timeval wait = {0, RIDE_MS * 1000};
    struct riding *riding = &broker->riding;

    if (riding->len++ == 0) {
        riding->last = &riding->first;
        CHECK(evtimer_add(riding->timer, &wait) == 0);
    }
    (*command)->next = NULL;
    *riding->last = *command;
    riding->last = &(*command)->next;
    *command = NULL;
    broker->proposed++;
    metrics.queued = broker->proposed;
    if (riding->len == RIDE_MAX) {
        ride_end(broker);
    }
}

void
ride_with(struct broker *broker, struct command **command)
{
    struct riding *riding = &broker->riding;
    struct command *first = riding->first;

    if (*command != NULL) {
        (*command)->next = NULL; // it may stand in a list of its owner's
    }
    if (riding->len == 0) {
        proposals_propose(broker->proposals, command);
        return;
    }
    event_del(riding->timer);
    *riding->last = *command;
    *command = NULL;
    riding->first = NULL;
    riding->len = 0;
    proposals_propose(broker->proposals, &first);
}

void
ride_end(struct broker *broker)
{
    struct command *nobody = NULL;

    if (broker->riding.len > 0) {
        ride_with(broker, &nobody);
    }
}

void
ride_free(struct broker *broker)
{
    struct command *command = broker->riding.first;

    while (command != NULL) {
        struct command *next = command->next;

        command_free(&command);
        command = next;
    }
    broker->riding.first = NULL;
    broker->riding.len = 0;
}
