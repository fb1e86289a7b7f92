// SPDX-License-Identifier: EUPL-1.2
#include "edge/pacing.h"

#include "edge/delivery.h"

static void
look_at(struct broker *broker, struct lane *lane, const struct mailbox_spec *spec)
{
    int64_t before_us = lane->hold_back_us;

    lane->urgent_first = spec->rules.urgent_first != 0;
    lane->merge_repeats = spec->rules.repeats == REPEATS_MERGE;
    lane->stands = spec->rules.repeats != REPEATS_COME;
    lane->hold_back_us = rules_hold_back(&spec->rules, clock_now());
    if (lane->hold_back_us != before_us) {
        delivery_note(broker, lane);
    }
}

void
pacing_open(struct broker *broker, struct lane *lane)
{
    const struct mailbox_spec *spec = roster_mailbox(broker->roster, lane->mailbox);

    if (spec != NULL) {
        look_at(broker, lane, spec);
    }
}

void
pacing_changed(struct broker *broker)
{
    broker->paced = 0;
    for (size_t i = 0; i < roster_mailboxes_len(broker->roster); i++) {
        const struct mailbox_spec *spec = roster_mailbox_at(broker->roster, i);
        struct lane *lane = lanes_find(broker->lanes, spec->id);

        broker->paced += rules_have_times(&spec->rules);
        if (lane != NULL) {
            look_at(broker, lane, spec);
        }
    }
}

void
pacing_tick(struct broker *broker)
{
    if (broker->paced > 0) {
        pacing_changed(broker);
    }
}
