// SPDX-License-Identifier: EUPL-1.2
#include "edge/rewinding.h"

#include "edge/delivery.h"
#include "edge/log.h"
#include "wire/wire.h"

static void
search_in_next_turn(struct broker *broker)
{
    static const struct timeval at_once = {0, 0};

    if (!evtimer_pending(broker->search, NULL)) {
        evtimer_add(broker->search, &at_once);
    }
}

static void
refuse_rewind(struct broker *broker, struct lane *lane, enum vg_status status,
              const char *sentence)
{
    struct session *session = lane->session;

    rewind_free(&lane->rewind);
    (void)broker_refuse(broker, session, status, sentence);
}

void
rewinding_begin(struct broker *broker, struct lane *lane, struct rewind_goal goal)
{
    struct outflow_state window = outflow_state(lane->outflow);
    enum vg_status status;

    rewind_free(&lane->rewind);
    lane->rewind_id = ++broker->rewinds;
    status = rewind_open(broker_txn(broker), lane->mailbox, goal, window.window_messages,
                         window.window_bytes, &lane->rewind);
    if (status == VG_OK) {
        search_in_next_turn(broker);
    } else {
        (void)broker_refuse(broker, lane->session, status, vg_status_sentence(status));
    }
    delivery_note(broker, lane); // what an earlier rewind held up
}

static void
propose_rewind(struct broker *broker, const struct lane *lane,
               const struct rewind_state *state)
{
    struct command *command = command_new(COMMAND_REWIND, NULL, 0);

    command->actor = lane->session->institution;
    command->rewind.id = lane->rewind_id;
    command->rewind.mailbox = lane->mailbox;
    command->rewind.from = state->from;
    command->rewind.through = state->through;
    broker_propose(broker, &command);
}

static void
search_lane(struct lane *lane, void *arg)
{
    struct broker *broker = arg;
    struct rewind_state state;
    enum vg_status status;

    if (lane->rewind == NULL || rewind_state(lane->rewind).phase != REWIND_SEARCHES) {
        return;
    }
    status = rewind_search(lane->rewind, broker_txn(broker));
    if (status != VG_OK) {
        refuse_rewind(broker, lane, status, vg_status_sentence(status));
        return;
    }
    state = rewind_state(lane->rewind);
    switch (state.phase) {
    case REWIND_SEARCHES:
        search_in_next_turn(broker);
        break;
    case REWIND_FOUND:
        propose_rewind(broker, lane, &state);
        break;
    default:
        refuse_rewind(broker, lane, VG_NOT_FOUND, state.why.text);
        break;
    }
}

void
rewinding_search(struct broker *broker)
{
    lanes_each(broker->lanes, search_lane, broker);
}

void
rewinding_answered(struct broker *broker, const struct command *command)
{
    const struct rewind_command *asked = &command->rewind;
    struct lane *lane = lanes_find(broker->lanes, asked->mailbox);

    if (lane == NULL || lane->rewind == NULL || lane->rewind_id != asked->id) {
        return; // gone, or another one was asked for since
    }
    if (command->status != VG_OK) {
        refuse_rewind(broker, lane, command->status, command_words(command));
        return;
    }
    log_info("rewound", "mailbox=%u session=%llu from=%llu through=%llu", asked->mailbox,
             (unsigned long long)lane->session->id, (unsigned long long)asked->from,
             (unsigned long long)asked->through);
    rewind_start(lane->rewind);
    wire_write_rewound(asked->mailbox, asked->from, asked->through, &broker->frame);
    if (broker_send_frame(broker, lane->session)) {
        delivery_note(broker, lane);
    }
}
