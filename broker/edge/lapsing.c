// SPDX-License-Identifier: EUPL-1.2
#include "edge/lapsing.h"

#include "edge/log.h"

static void
propose_slice(struct broker *broker)
{
    struct lapsing *lapsing = &broker->lapsing;
    struct command *command = command_new(COMMAND_LAPSE, NULL, 0);

    command->lapse.day = lapsing->day;
    command->lapse.from = lapsing->next;
    lapsing->proposed = true;
    broker_propose(broker, &command);
}

void
lapsing_watch(struct broker *broker, struct instant now)
{
    struct lapsing *lapsing = &broker->lapsing;

    if (lapsing->proposed || broker->fatal || broker->draining ||
        broker->catalogue == NULL ||
        (lapsing->done && day_in_brussels(now).number <= lapsing->day)) {
        return;
    }
    propose_slice(broker);
}

static void
tell_walk(struct lapsing *lapsing)
{
    char day[DAY_TEXT_LEN];

    if (lapsing->slices == 0) {
        return; // it was done already
    }
    day_print((struct day){lapsing->day}, day);
    log_info("lapses_told", "day=%s warned=%llu ended=%llu followed_on=%llu", day,
             (unsigned long long)lapsing->warned, (unsigned long long)lapsing->ended,
             (unsigned long long)lapsing->followed);
}

void
lapsing_answered(struct broker *broker, const struct command *command)
{
    const struct lapse_command *slice = &command->lapse;
    struct lapsing *lapsing = &broker->lapsing;

    lapsing->proposed = false;
    if (command->status != VG_OK) {
        return; // no room: the next one may find some
    }
    metrics.lapses_warned += slice->warned;
    metrics.lapses_ended += slice->ended;
    metrics.lapses_followed += slice->followed;
    lapsing->warned += slice->warned;
    lapsing->ended += slice->ended;
    lapsing->followed += slice->followed;
    lapsing->day = slice->walked;
    lapsing->next = slice->next;
    lapsing->slices += slice->looked;
    lapsing->done = !slice->more;
    if (slice->next == 0) { // the end of a day's walk
        tell_walk(lapsing);
        *lapsing = (struct lapsing){.day = lapsing->day, .done = lapsing->done};
    }
    if (slice->more && !broker->draining && !broker->fatal) {
        propose_slice(broker);
    }
}
