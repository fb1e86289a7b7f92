// SPDX-License-Identifier: EUPL-1.2
#include "edge/delivery.h"

#include "edge/damage.h"
#include "edge/refusals.h"
#include "edge/sifting.h"
#include "edge/withdrawing.h"

#include <stdio.h>

// ---- the queue of sessions ----

void
delivery_resume(struct broker *broker, struct session *session)
{
    if (session->in_delivery || session->first_ready == NULL || session->outbox != NULL ||
        session->state != SESSION_READY || broker->draining) {
        return;
    }
    session->in_delivery = true;
    session->next_delivery = NULL;
    if (broker->last_delivery == NULL) {
        broker->first_delivery = session;
    } else {
        broker->last_delivery->next_delivery = session;
    }
    broker->last_delivery = session;
}

void
delivery_note(struct broker *broker, struct lane *lane)
{
    if (lane->session == NULL || (lane->ready && lane->session->in_delivery)) {
        return; // nobody reads, or it was said of an earlier letter
    }
    if (lane_has_work(lane)) {
        session_note_ready(lane);
        delivery_resume(broker, lane->session);
    }
}

void
delivery_forget(struct broker *broker, struct session *session)
{
    struct session **link = &broker->first_delivery;
    struct session *before = NULL;

    if (!session->in_delivery) {
        return;
    }
    while (*link != session) {
        before = *link;
        link = &before->next_delivery;
    }
    *link = session->next_delivery;
    if (broker->last_delivery == session) {
        broker->last_delivery = before;
    }
    session->in_delivery = false;
}

// ---- one frame ----

static void
note_delivered(struct lane *lane, size_t len)
{
    struct outflow_state state = outflow_state(lane->outflow);

    if (state.sent > lane->sent_through) {
        lane->sent_through = state.sent;
    }
    lane->delivered += len;
    lane->delivered_us = clock_now().us;
    lane->session->delivered += len;
    metrics.delivered += len;
}

// It stays open, so that what was sent before can be acknowledged.
static void
stop_lane(struct broker *broker, struct lane *lane, uint64_t number,
          enum vg_status status)
{
    struct why why;

    lane->stop = LANE_STOPS;
    lane->session->tells_stops = true;
    why_set(&why, "a letter from %llu on cannot be read: %s", (unsigned long long)number,
            vg_status_sentence(status));
    damage_describe(broker, lane->mailbox, number, &why);
    damage_found(broker, lane->mailbox, number, why.text);
}

enum filled {
    FILLED_PARTLY, // another lane may add to the frame
    FILLED_UP,     // the frame, or this turn, can take no more
    FILLED_NOBODY, // the session is gone, and its lanes with it
};

static enum filled
filled_by(const struct broker *broker, size_t len)
{
    return len > 0 && broker->frame.len < DELIVERY_FRAME_BYTES ? FILLED_PARTLY
                                                               : FILLED_UP;
}

// Letters that are sent again.
static enum filled
fill_again(struct broker *broker, struct lane *lane, size_t limit)
{
    size_t len = 0;
    bool more = false;
    enum vg_status status =
        rewind_fill(lane->rewind, broker_txn(broker), limit, &broker->frame, &len, &more);

    if (status != VG_OK) {
        stop_lane(broker, lane, rewind_state(lane->rewind).from, status);
        return FILLED_PARTLY;
    }
    lane->delivered += len;
    lane->session->delivered += len;
    metrics.delivered += len;
    if (!lane_is_rewound(lane)) {
        rewind_free(&lane->rewind);
    }
    if (more || lane_has_work(lane)) {
        session_note_ready(lane);
    }
    return filled_by(broker, len);
}

// Adds a lane's share to the frame.
static enum filled
fill_from(struct broker *broker, struct lane *lane)
{
    size_t before = broker->frame.len;
    size_t limit = before + DELIVERY_SHARE_BYTES < DELIVERY_FRAME_BYTES
                       ? before + DELIVERY_SHARE_BYTES
                       : DELIVERY_FRAME_BYTES;

    if (lane_is_rewound(lane)) {
        return fill_again(broker, lane, limit);
    }

    uint64_t through = 0;
    bool rests = false;
    enum vg_status status = sifting_look(broker, lane, &through, &rests);

    withdrawing_limit(lane, &through, &rests);
    if (status != VG_OK || rests) {
        if (status != VG_OK) {
            stop_lane(broker, lane, outflow_state(lane->outflow).sent + 1, status);
        }
        return FILLED_PARTLY;
    }

    struct outflow_view view = {broker->tails,  broker->holds,      broker_txn(broker),
                                clock_now().us, lane->hold_back_us, through,
                                lane->stands};
    struct outflow_turn turn;

    status = outflow_fill(lane->outflow, &view, lane->sent_through, limit, &broker->frame,
                          &turn);
    size_t len = turn.sent + turn.passed_len;

    if (turn.sent > 0) {
        note_delivered(lane, turn.sent);
    }
    lane->due = false;
    if (!refusals_tell(broker, lane, &turn)) {
        buffer_clear(&broker->frame);
        return FILLED_NOBODY;
    }
    if (status != VG_OK) {
        stop_lane(broker, lane, outflow_state(lane->outflow).sent + 1, status);
        return FILLED_PARTLY;
    }
    if (len == 0 && before == 0) {
        return FILLED_PARTLY; // its window has no room for the next letter
    }
    if (lane_has_work(lane)) {
        session_note_ready(lane);
    }
    return filled_by(broker, len);
}

// After the frame that may be in the making. False when the session is gone.
static bool
tell_stopped(struct broker *broker, struct session *session)
{
    char sentence[2 * WHY_TEXT_MAX];
    struct lane *lane = session->tells_stops ? session->lanes : NULL;

    session->tells_stops = false;
    for (; lane != NULL; lane = lane->next) {
        const struct damage *damage = damages_of(broker->damages, lane->mailbox);

        if (lane->stop != LANE_STOPS) {
            continue;
        }
        lane->stop = LANE_STOPPED;
        snprintf(sentence, sizeof sentence,
                 "mailbox %u is stopped, its letters are kept: %s", lane->mailbox,
                 damage == NULL ? "a letter is damaged" : damage->why.text);
        if (!broker_refuse(broker, session, VG_STORE_BROKEN, sentence)) {
            return false;
        }
    }
    return true;
}

// Gives the bytes that were sent. The session may be gone afterwards.
static size_t
serve(struct broker *broker, struct session *session)
{
    enum filled filled = FILLED_PARTLY;
    struct lane *lane;
    size_t bytes;

    while (filled == FILLED_PARTLY && (lane = session_next_ready(session)) != NULL) {
        filled = fill_from(broker, lane);
    }
    if (filled == FILLED_NOBODY) {
        return DELIVERY_SHARE_BYTES;
    }
    bytes = broker->frame.len;
    metrics.delivered_bytes += bytes;
    if ((bytes == 0 || broker_send_frame(broker, session)) &&
        tell_stopped(broker, session)) {
        delivery_resume(broker, session);
    }
    return bytes > 0 ? bytes
                     : DELIVERY_SHARE_BYTES; // a slice of the journal without letters
}

void
delivery_run(struct broker *broker)
{
    static const struct timeval at_once = {0, 0};
    size_t bytes = 0;

    while (broker->first_delivery != NULL && bytes < DELIVERY_TURN_BYTES &&
           !broker->fatal) {
        struct session *session = broker->first_delivery;

        delivery_forget(broker, session);
        bytes += serve(broker, session);
    }
    if (broker->first_delivery != NULL && !evtimer_pending(broker->delivery, NULL)) {
        CHECK(evtimer_add(broker->delivery, &at_once) == 0);
    }
}
