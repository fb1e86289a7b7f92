// SPDX-License-Identifier: EUPL-1.2
#include "edge/members.h"

#include "edge/catching_up.h"
#include "edge/delivery.h"
#include "edge/levels.h"
#include "edge/listing.h"
#include "edge/log.h"
#include "edge/pacing.h"
#include "edge/refusals.h"
#include "edge/rewinding.h"
#include "edge/ride.h"
#include "flow/freshness.h"

#include <stdio.h>
#include <stdlib.h>

static bool
is_operator(const struct session *session)
{
    return (session->role & ROLE_OPERATOR) != 0;
}

// Mailbox 0 is the institution's default one, which has the institution's own number.
static uint32_t
named_mailbox(const struct session *session, uint32_t mailbox)
{
    return mailbox == 0 ? session->institution : mailbox;
}

static void
refuse_mailbox(struct broker *broker, struct session *session, enum vg_status status,
               uint32_t mailbox, const char *words)
{
    char sentence[WHY_TEXT_MAX];

    snprintf(sentence, sizeof sentence, "mailbox %u %s", mailbox, words);
    (void)broker_refuse(broker, session, status, sentence);
}

// ---- Subscribe, Unsubscribe ----

static bool
may_open(struct broker *broker, struct session *session, uint32_t mailbox,
         const struct mailbox_spec *spec)
{
    if (spec == NULL) {
        refuse_mailbox(broker, session, VG_NOT_FOUND, mailbox, "does not exist");
        return false;
    }
    if (spec->institution != session->institution && !is_operator(session)) {
        refuse_mailbox(broker, session, VG_NOT_ALLOWED, mailbox,
                       "belongs to another institution");
        return false;
    }
    if (roster_successor(broker->roster, spec->institution) != spec->institution) {
        refuse_mailbox(broker, session, VG_MOVED, mailbox,
                       "is being emptied into its successor's");
        return false;
    }
    if (broker->draining) {
        refuse_mailbox(broker, session, VG_DRAINING, mailbox,
                       "is not opened: the broker is stopping");
        return false;
    }
    return true;
}

// The one who had it learns why nothing more comes.
static void
take_over(struct broker *broker, struct lane *lane)
{
    struct session *before = lane->session;

    session_close_lane(lane);
    log_info("mailbox_taken_over", "mailbox=%u session=%llu", lane->mailbox,
             (unsigned long long)before->id);
    refuse_mailbox(broker, before, VG_EXISTS, lane->mailbox,
                   "was opened on another connection");
}

static enum vg_status
open_lane(struct broker *broker, struct session *session, struct lane *lane,
          const struct wire_subscribe *subscribe)
{
    struct outflow *outflow = NULL;
    enum vg_status status;

    if (lane->session == session) {
        outflow_set_window(lane->outflow, subscribe->window_messages,
                           subscribe->window_bytes);
        return VG_OK;
    }
    status = outflow_open(broker_txn(broker), lane->mailbox, subscribe->window_messages,
                          subscribe->window_bytes, &outflow);
    if (status != VG_OK) {
        return status;
    }
    outflow_begin_after(outflow, lane->mark);
    holds_rest(broker->holds, lane->mailbox);
    if (lane->session != NULL) {
        take_over(broker, lane);
    }
    session_open_lane(session, lane, &outflow);
    pacing_open(broker, lane);
    return VG_OK;
}

static void
take_subscribe(struct broker *broker, struct session *session, const struct post *post)
{
    struct wire_subscribe subscribe;
    const struct mailbox_spec *spec;
    struct mailbox_row row;
    struct lane *lane;
    enum vg_status status;
    struct why why;

    status = wire_read_subscribe(post->body, &subscribe, &why);
    if (status != VG_OK) {
        (void)broker_refuse(broker, session, status, why.text);
        return;
    }
    subscribe.mailbox = named_mailbox(session, subscribe.mailbox);
    spec = roster_mailbox(broker->roster, subscribe.mailbox);
    if (!may_open(broker, session, subscribe.mailbox, spec)) {
        return;
    }
    lane = lanes_at(broker->lanes, subscribe.mailbox);
    status = open_lane(broker, session, lane, &subscribe);
    if (status == VG_OK) {
        status =
            mailbox_get(broker_txn(broker), (struct mailbox_id){lane->mailbox}, &row);
    }
    if (status != VG_OK) {
        refuse_mailbox(broker, session, status, subscribe.mailbox, "cannot be read");
        return;
    }
    wire_write_subscribed(lane->mailbox, spec->name,
                          outflow_state(lane->outflow).acknowledged, &row,
                          &broker->frame);
    if (broker_send_frame(broker, session) &&
        levels_tell(broker, session, lane->mailbox)) {
        delivery_note(broker, lane);
        refusals_due(broker);
    }
}

static void
take_unsubscribe(struct broker *broker, struct session *session, const struct post *post)
{
    uint32_t mailbox = 0;
    struct lane *lane;
    struct why why;

    if (wire_read_unsubscribe(post->body, &mailbox, &why) != VG_OK) {
        broker_violation(broker, session, VG_MALFORMED, why.text);
        return;
    }
    lane = lanes_find(broker->lanes, named_mailbox(session, mailbox));
    if (lane != NULL && lane->session == session) {
        session_close_lane(lane);
    }
}

// ---- Acknowledge ----

static void
propose_acknowledgement(struct broker *broker, struct session *session, struct lane *lane,
                        struct command **command)
{
    metrics.acknowledgements++;
    lane->acknowledged_us = clock_now().us;
    (*command)->actor = session->institution;
    (*command)->back.session = session->id;
    broker->fold_wanted = true; // the backlog is trimmed by the fold
    ride_add(broker, command);
}

static void
take_acknowledge(struct broker *broker, struct session *session, const struct post *post)
{
    struct hot_acknowledge acknowledge;
    struct command *command = NULL;
    struct outflow_state before;
    struct lane *lane;
    struct why why;

    if (hot_read_acknowledge((struct hot_bytes){post->body.at, post->body.len},
                             &acknowledge) != HOT_OK) {
        broker_violation(broker, session, VG_MALFORMED,
                         "the body is no Acknowledge, or holds more than 1,000 numbers");
        return;
    }
    acknowledge.mailbox = named_mailbox(session, acknowledge.mailbox);
    lane = lanes_find(broker->lanes, acknowledge.mailbox);
    if (lane == NULL || lane->session != session) {
        refuse_mailbox(broker, session, VG_NOT_FOUND, acknowledge.mailbox,
                       "is not open on this connection");
        return;
    }
    if (lane->rewind != NULL) {
        rewind_acknowledge(lane->rewind, &acknowledge);
    }
    before = outflow_state(lane->outflow);
    if (outflow_acknowledge(lane->outflow, &acknowledge, &command, &why) != VG_OK) {
        broker_violation(broker, session, VG_NOT_FOUND, why.text);
        return;
    }
    lane->mark = outflow_state(lane->outflow).acknowledged;
    lane->acknowledged +=
        before.in_flight_messages - outflow_state(lane->outflow).in_flight_messages;
    if (command != NULL) {
        propose_acknowledgement(broker, session, lane, &command);
    }
    delivery_note(broker, lane);
}

// ---- Rewind ----

static void
take_rewind(struct broker *broker, struct session *session, const struct post *post)
{
    struct wire_rewind rewind;
    struct lane *lane;
    struct why why;

    if (wire_read_rewind(post->body, &rewind, &why) != VG_OK) {
        (void)broker_refuse(broker, session, VG_MALFORMED, why.text);
        return;
    }
    rewind.mailbox = named_mailbox(session, rewind.mailbox);
    lane = lanes_find(broker->lanes, rewind.mailbox);
    if (lane == NULL || lane->session != session) {
        refuse_mailbox(broker, session, VG_NOT_FOUND, rewind.mailbox,
                       "is not open on this connection");
        return;
    }
    rewinding_begin(broker, lane, rewind.goal);
}

// ---- Requests ----

static void
fault_request(struct broker *broker, struct session *session, uint64_t request,
              enum vg_status status, const char *sentence)
{
    wire_write_reply_fault(request, status, sentence, &broker->frame);
    (void)broker_send_frame(broker, session);
}

static void
list_mailboxes(struct broker *broker, struct session *session, uint64_t request)
{
    const struct mailbox_spec *const *specs = NULL;
    size_t len = roster_mailboxes(broker->roster, session->institution, &specs);
    struct wire_mailbox *mailboxes = xcalloc(len + 1, sizeof *mailboxes);
    enum vg_status status = VG_OK;

    for (size_t i = 0; status == VG_OK && i < len; i++) {
        mailboxes[i].spec = specs[i];
        status = mailbox_get(broker_txn(broker), (struct mailbox_id){specs[i]->id},
                             &mailboxes[i].row);
    }
    if (status == VG_OK) {
        wire_write_mailboxes(request, mailboxes, len, broker->catalogue, &broker->frame);
        (void)broker_send_frame(broker, session);
    } else {
        fault_request(broker, session, request, status, vg_status_sentence(status));
    }
    free(mailboxes);
}

// Flows of which something is expected: those of the registers, no CPAS's own.
static void
list_sources(struct broker *broker, struct session *session, uint64_t request)
{
    struct fresh *rows = NULL;
    size_t len = 0;
    enum vg_status status =
        freshness_list(broker_txn(broker), broker->catalogue, broker->roster, clock_now(),
                       true, &rows, &len);

    if (status == VG_OK) {
        wire_write_sources(request, rows, len, &broker->frame);
        (void)broker_send_frame(broker, session);
    } else {
        fault_request(broker, session, request, status, vg_status_sentence(status));
    }
    free(rows);
}

static uint32_t *
institution_of(struct command *command)
{
    switch (command->kind) {
    case COMMAND_INTEGRATE:
        return &command->integrate.institution;
    case COMMAND_REMOVE:
        return &command->remove.institution;
    case COMMAND_LIST:
        return &command->list.institution;
    default:
        return NULL;
    }
}

// For whom does he act? His own institution, or, as an operator, the one he names.
static enum vg_status
resolve_institution(const struct broker *broker, const struct session *session,
                    const struct wire_request *request, struct why *why)
{
    uint32_t *institution = institution_of(request->command);
    const struct institution *named;

    if (institution == NULL) {
        return VG_OK;
    }
    *institution = session->institution;
    if (request->institution[0] == 0) {
        return VG_OK;
    }
    named = roster_by_code(broker->roster, bytes_of(request->institution));
    if (named != NULL && named->id == session->institution) {
        return VG_OK;
    }
    if (!is_operator(session)) {
        return fail(why, VG_NOT_ALLOWED,
                    "only an operator may act for another institution (%s)",
                    request->institution);
    }
    if (named == NULL) {
        return fail(why, VG_NOT_FOUND, "institution %s is not registered",
                    request->institution);
    }
    *institution = named->id;
    return VG_OK;
}

// Items of a bulk may each be another institution's: the writer looks their codes up.
static bool
names_others(const struct command *command)
{
    for (size_t i = 0;
         command->kind == COMMAND_INTEGRATE && i < command->integrate.items_len; i++) {
        if (command->integrate.items[i].institution.len > 0) {
            return true;
        }
    }
    return false;
}

// Who may ask what; a request without a row is nobody's.
static const uint32_t request_roles[] = {
    [COMMAND_INTEGRATE] = ROLE_MEMBER | ROLE_OPERATOR,
    [COMMAND_REMOVE] = ROLE_MEMBER | ROLE_OPERATOR,
    [COMMAND_CONSULT] = ROLE_MEMBER | ROLE_OPERATOR,
    [COMMAND_HISTORY] = ROLE_MEMBER | ROLE_OPERATOR,
    [COMMAND_ADD_MAILBOX] = ROLE_MEMBER | ROLE_OPERATOR,
    [COMMAND_RETRY_PARKED] = ROLE_MEMBER | ROLE_OPERATOR,
    [COMMAND_DROP_PARKED] = ROLE_MEMBER | ROLE_OPERATOR,
    [COMMAND_LIST] = ROLE_MEMBER | ROLE_OPERATOR,
};

static bool
role_may_ask(const struct session *session, enum command_kind kind)
{
    return kind < ARRAY_LEN(request_roles) && (request_roles[kind] & session->role) != 0;
}

static enum vg_status
check_right(const struct broker *broker, const struct session *session,
            const struct command *command, struct why *why)
{
    const struct institution *own =
        roster_institution(broker->roster, session->institution);
    bool looks_up = command->kind == COMMAND_CONSULT || command->kind == COMMAND_HISTORY;

    if (!role_may_ask(session, command->kind)) {
        return fail(why, VG_WRONG_ROLE, "the key's role does not allow this request");
    }
    if (command->kind == COMMAND_CONSULT && !is_operator(session) &&
        (own == NULL || own->sector != SECTOR_CPAS)) {
        return fail(why, VG_NOT_ALLOWED,
                    "only the CPAS sector may consult the directory");
    }
    if (command->kind == COMMAND_LIST && command->list.sector != 0 &&
        !is_operator(session)) {
        return fail(why, VG_NOT_ALLOWED, "only an operator may list a whole sector");
    }
    if (!is_operator(session) && names_others(command)) {
        return fail(why, VG_NOT_ALLOWED,
                    "only an operator may act for another institution in an item");
    }
    if (broker->draining && !looks_up) {
        return fail(why, VG_DRAINING, "%s", vg_status_sentence(VG_DRAINING));
    }
    if (session->requests >= SESSION_REQUESTS_MAX) {
        return fail(why, VG_BUSY, "%u requests of this connection are unanswered",
                    session->requests);
    }
    return VG_OK;
}

static bool
is_about_parked(const struct command *command)
{
    return command->kind == COMMAND_RETRY_PARKED || command->kind == COMMAND_DROP_PARKED;
}

// His own, or any for an operator.
static enum vg_status
check_mailbox(const struct broker *broker, const struct session *session,
              uint32_t mailbox, struct why *why)
{
    const struct mailbox_spec *spec = roster_mailbox(broker->roster, mailbox);

    if (spec == NULL) {
        return fail(why, VG_NOT_FOUND, "mailbox %u does not exist", mailbox);
    }
    if (spec->institution != session->institution && !is_operator(session)) {
        return fail(why, VG_NOT_ALLOWED, "mailbox %u belongs to another institution",
                    mailbox);
    }
    return VG_OK;
}

static void
list_parked(struct broker *broker, struct session *session, struct wire_request *request)
{
    struct why why;
    enum vg_status status;

    request->parked.mailbox = named_mailbox(session, request->parked.mailbox);
    status = check_mailbox(broker, session, request->parked.mailbox, &why);
    if (status != VG_OK) {
        fault_request(broker, session, request->id, status, why.text);
        return;
    }
    refusals_list(broker, session, request);
}

static void
propose_request(struct broker *broker, struct session *session,
                struct wire_request *request)
{
    struct why why;
    enum vg_status status = check_right(broker, session, request->command, &why);

    if (status == VG_OK) {
        status = resolve_institution(broker, session, request, &why);
    }
    if (status == VG_OK && is_about_parked(request->command)) {
        uint32_t *mailbox = &request->command->parked.mailbox;

        *mailbox = named_mailbox(session, *mailbox);
        status = check_mailbox(broker, session, *mailbox, &why);
    }
    if (status != VG_OK) {
        command_free(&request->command);
        fault_request(broker, session, request->id, status, why.text);
        return;
    }
    request->command->actor = session->institution;
    request->command->back.session = session->id;
    request->command->back.request = request->id;
    if (request->command->kind == COMMAND_LIST && !request->command->list.rows) {
        listing_look(broker, session, request->command); // nothing for the journal
        command_free(&request->command);
        return;
    }
    session->requests++;
    if (request->command->kind == COMMAND_INTEGRATE) {
        catching_up_propose(broker, &request->command);
    } else {
        broker_propose(broker, &request->command);
    }
}

static void
take_request(struct broker *broker, struct session *session, const struct post *post)
{
    struct wire_request request = {0};
    struct why why;
    enum vg_status status = wire_read_request(post->body, &request, &why);

    metrics.requests++;
    if (status != VG_OK) {
        fault_request(broker, session, request.id, status, why.text);
    } else if (request.list_mailboxes) {
        list_mailboxes(broker, session, request.id);
    } else if (request.list_parked) {
        list_parked(broker, session, &request);
    } else if (request.list_sources) {
        list_sources(broker, session, request.id);
    } else {
        propose_request(broker, session, &request);
    }
}

const struct desks members_desks = {
    .door = "members",
    .roles = ROLE_MEMBER | ROLE_OPERATOR,
    .desk =
        {
            [TO_BROKER_SUBSCRIBE] = {take_subscribe, ROLE_MEMBER | ROLE_OPERATOR},
            [TO_BROKER_UNSUBSCRIBE] = {take_unsubscribe, ROLE_MEMBER | ROLE_OPERATOR},
            [TO_BROKER_ACKNOWLEDGE] = {take_acknowledge, ROLE_MEMBER | ROLE_OPERATOR},
            [TO_BROKER_REWIND] = {take_rewind, ROLE_MEMBER | ROLE_OPERATOR},
            [TO_BROKER_REQUEST] = {take_request, ROLE_MEMBER | ROLE_OPERATOR},
            [TO_BROKER_REFUSE] = {refusals_take, ROLE_MEMBER | ROLE_OPERATOR},
        },
};
