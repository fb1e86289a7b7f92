// SPDX-License-Identifier: EUPL-1.2
#include "edge/refusals.h"

#include "edge/delivery.h"
#include "store/bodies.h"

#include <stdlib.h>

enum {
    DUE_WAIT_MAX_US = 1000 * 1000,
    LISTED_BYTES_MAX = 256 * 1024, // of contents, in one reply
};

// ---- refusing ----

static void
propose(struct broker *broker, struct session *session, struct command **command)
{
    (*command)->actor = session->institution;
    (*command)->back.session = session->id;
    broker->fold_wanted = true;
    broker_propose(broker, command);
}

// What was not in flight any more is answered at once: nothing became of it here.
static void
tell_gone(struct broker *broker, struct session *session, uint32_t mailbox,
          uint64_t number)
{
    struct command *command = command_new(COMMAND_REFUSE, NULL, 0);

    command->refuse.mailbox = mailbox;
    command->refuse.refused.letter.number = number;
    wire_write_answer(command, broker->roster, &broker->frame);
    (void)broker_send_frame(broker, session);
    command_free(&command);
}

static void
write_later(const struct refuse_command *refuse, struct buffer *frame)
{
    struct number_range *ranges = xcalloc(refuse->later_len + 1, sizeof *ranges);

    for (size_t i = 0; i < refuse->later_len; i++) {
        ranges[i].first = ranges[i].last = refuse->later[i].letter.number;
    }
    if (refuse->later_len > 0) {
        wire_write_deferred(refuse->mailbox, ranges, refuse->later_len, frame);
    }
    free(ranges);
}

static void
refuse(struct broker *broker, struct session *session, struct lane *lane,
       const struct refusal *refusal)
{
    struct outflow_view view = {.tails = broker->tails,
                                .holds = broker->holds,
                                .txn = broker_txn(broker),
                                .now_us = clock_now().us};
    AUTO(buffer_free) struct buffer frame = {0};
    struct command *command = NULL;
    struct why why;
    enum vg_status status = outflow_refuse(lane->outflow, &view, refusal, &command, &why);

    if (status != VG_OK) {
        (void)broker_refuse(broker, session, status, why.text);
        return;
    }
    if (command == NULL) {
        tell_gone(broker, session, lane->mailbox, refusal->number);
        return;
    }
    metrics.refused_letters++;
    write_later(&command->refuse, &frame);
    propose(broker, session, &command);
    if (frame.len == 0 ||
        broker_send(broker, session, (struct bytes){frame.at, frame.len})) {
        delivery_note(broker, lane);
    }
}

void
refusals_take(struct broker *broker, struct session *session, const struct post *post)
{
    struct wire_refuse message;
    struct lane *lane;
    struct why why;
    enum vg_status status = wire_read_refuse(post->body, &message, &why);

    if (status != VG_OK) {
        (void)broker_refuse(broker, session, status, why.text);
        return;
    }
    lane = lanes_find(broker->lanes,
                      message.mailbox == 0 ? session->institution : message.mailbox);
    if (lane == NULL || lane->session != session) {
        why_set(&why, "mailbox %u is not open on this connection", message.mailbox);
        (void)broker_refuse(broker, session, VG_NOT_FOUND, why.text);
        return;
    }
    refuse(broker, session, lane, &message.refusal);
}

// ---- deferring ----

bool
refusals_tell(struct broker *broker, struct lane *lane, struct outflow_turn *turn)
{
    // Not in the loop's own frame: a delivery may be half written there.
    AUTO(buffer_free) struct buffer frame = {0};
    struct session *session = lane->session;

    if (turn->defer != NULL) {
        propose(broker, session, &turn->defer);
    }
    if (turn->passed_len == 0) {
        return true;
    }
    wire_write_deferred(lane->mailbox, turn->passed, turn->passed_len, &frame);
    return broker_send(broker, session, (struct bytes){frame.at, frame.len});
}

// ---- what the writer says ----

void
refusals_answered(struct broker *broker, const struct command *command)
{
    struct lane *lane = lanes_at(broker->lanes, command_mailbox(command));
    struct command *acknowledge = NULL;

    holds_answered(broker->holds, command);
    if (lane->session == NULL || lane->session->id != command->back.session) {
        return;
    }
    outflow_answered(lane->outflow, command, &acknowledge);
    lane->mark = outflow_state(lane->outflow).acknowledged;
    if (acknowledge != NULL) {
        propose(broker, lane->session, &acknowledge);
    }
    delivery_note(broker, lane);
}

void
refusals_changed(struct broker *broker, const struct batch *batch)
{
    holds_take(broker->holds, batch);
    for (size_t i = 0; i < batch->held_len; i++) {
        const struct held_change *change = &batch->held[i];
        struct lane *lane = lanes_find(broker->lanes, change->mailbox);

        if (lane != NULL && lane->outflow != NULL) {
            outflow_pass(lane->outflow, change->number);
            delivery_note(broker, lane); // there may be room to hold another one
        }
        metrics.parked_letters += change->state == HELD_PARKED;
    }
}

void
refusals_due(struct broker *broker)
{
    int64_t now_us = clock_now().us;
    int64_t next_us = now_us + DUE_WAIT_MAX_US;
    uint32_t mailbox = 0;
    int64_t due_us = 0;
    size_t at = 0;
    bool any = false;

    while (holds_next(broker->holds, &at, &mailbox, &due_us)) {
        struct lane *lane = lanes_find(broker->lanes, mailbox);

        if (lane == NULL || lane->session == NULL) {
            continue;
        }
        any = true;
        lane->due = due_us <= now_us;
        if (lane->due) {
            delivery_note(broker, lane);
        } else if (due_us < next_us) {
            next_us = due_us;
        }
    }
    if (any) {
        struct timeval wait = {(next_us - now_us) / 1000000,
                               (next_us - now_us) % 1000000};

        evtimer_add(broker->retry, &wait);
    }
}

// ---- parked ones ----

static enum vg_status
read_parked(struct broker *broker, const struct wire_request *request,
            struct held_row *rows, struct bytes *contents, size_t *len)
{
    struct mailbox_id mailbox = {request->parked.mailbox};
    struct mailbox_id found = mailbox;
    struct txn *txn = broker_txn(broker);
    uint64_t number = request->parked.from;
    enum vg_status status = VG_OK;
    size_t bytes = 0;

    while (status == VG_OK && *len < request->parked.max && bytes < LISTED_BYTES_MAX) {
        struct held_row *row = &rows[*len];

        status = held_next(txn, mailbox, number, &found, row);
        if (status != VG_OK || found.number != mailbox.number) {
            break;
        }
        number = row->head.letter.number + 1;
        if (row->head.state == HELD_PARKED) {
            // A body that cannot be read leaves its letter without one.
            if (body_get(txn, row->head.letter.body, &contents[*len]) != VG_OK) {
                contents[*len] = (struct bytes){NULL, 0};
            }
            bytes += contents[*len].len;
            ++*len;
        }
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

void
refusals_list(struct broker *broker, struct session *session,
              const struct wire_request *request)
{
    struct held_row *rows = xcalloc(request->parked.max, sizeof *rows);
    struct bytes *contents = xcalloc(request->parked.max, sizeof *contents);
    size_t len = 0;
    enum vg_status status = read_parked(broker, request, rows, contents, &len);

    if (status == VG_OK) {
        wire_write_parked(request->id, rows, contents, len, broker->roster,
                          &broker->frame);
    } else {
        wire_write_reply_fault(request->id, status, vg_status_sentence(status),
                               &broker->frame);
    }
    (void)broker_send_frame(broker, session);
    free(contents);
    free(rows);
}
