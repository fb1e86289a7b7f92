// SPDX-License-Identifier: EUPL-1.2
#include "edge/sources.h"

#include <stdio.h>

// ---- Publish ----

static bool
envelope_is_good(struct broker *broker, struct session *session, struct bytes body,
                 struct hot_publish *ret_publish)
{
    char sentence[WHY_TEXT_MAX];

    switch (hot_read_publish((struct hot_bytes){body.at, body.len}, ret_publish)) {
    case HOT_OK:
        return true;
    case HOT_TOO_MANY:
        snprintf(sentence, sizeof sentence, "a Publish holds at most %d mutations",
                 HOT_MUTATIONS_MAX);
        broker_violation(broker, session, VG_TOO_MANY, sentence);
        return false;
    case HOT_TOO_LARGE: // of no Publish: who reads its mutations says which field it is
    case HOT_MALFORMED:
        break;
    }
    broker_violation(broker, session, VG_MALFORMED, "the body is no protobuf Publish");
    return false;
}

// A source alone with one Publish is never over its window, however large that one is.
static bool
window_is_open(const struct broker *broker, const struct session *session,
               uint64_t messages, uint64_t bytes)
{
    const struct settings *settings = broker->settings;

    return session->unanswered_messages == 0 ||
           (session->unanswered_messages + messages <= settings->window_messages &&
            session->unanswered_bytes + bytes <= settings->window_bytes);
}

// Told once; who goes on sending is cut off, or memory would be his to fill.
static void
refuse_over_window(struct broker *broker, struct session *session,
                   const struct hot_publish *publish)
{
    char sentence[WHY_TEXT_MAX];

    metrics.violations++;
    if (session->told_window) {
        broker_kill(broker, session, "sent beyond its window twice");
        return;
    }
    session->told_window = true;
    snprintf(sentence, sizeof sentence,
             "%llu mutations are unanswered and %u more came, the window is %u",
             (unsigned long long)session->unanswered_messages, publish->mutations_len,
             broker->settings->window_messages);
    (void)broker_refuse(broker, session, VG_WINDOW, sentence);
}

static bool
may_publish(struct broker *broker, struct session *session, const struct command *command)
{
    const struct hot_publish *publish = &command->publish.publish;

    if (broker->draining) {
        (void)broker_refuse(broker, session, VG_DRAINING,
                            vg_status_sentence(VG_DRAINING));
        return false;
    }
    if (!window_is_open(broker, session, publish->mutations_len, command->frame.len)) {
        refuse_over_window(broker, session, publish);
        return false;
    }
    return true;
}

// The command's own copy is read: another core has written the frame, and copying fetches
// it in order, which reading from one mutation to the next does not.
static void
take_publish(struct broker *broker, struct session *session, const struct post *post)
{
    struct command *command =
        command_new(COMMAND_PUBLISH, post->frame.at, post->frame.len);
    struct hot_publish *publish = &command->publish.publish;
    struct bytes body = {command->frame.at + (post->body.at - post->frame.at),
                         post->body.len};

    if (!envelope_is_good(broker, session, body, publish) ||
        !may_publish(broker, session, command)) {
        command_free(&command);
        return;
    }
    command->actor = session->institution;
    command->back.session = session->id;
    session->unanswered_messages += publish->mutations_len;
    session->unanswered_bytes += command->frame.len;
    session->published += publish->mutations_len;
    broker_propose(broker, &command);
}

void
sources_answered(struct session *session, const struct command *command)
{
    if (command->kind == COMMAND_PUBLISH) {
        session->unanswered_messages -= command->publish.publish.mutations_len;
        session->unanswered_bytes -= command->frame.len;
    }
}

// ---- LastNumber ----

static void
take_last_number(struct broker *broker, struct session *session, const struct post *post)
{
    struct command *command;
    uint32_t producer = 0;
    struct why why;

    if (wire_read_last_number(post->body, &producer, &why) != VG_OK) {
        broker_violation(broker, session, VG_MALFORMED, why.text);
        return;
    }
    if (session->requests >= SESSION_REQUESTS_MAX) {
        broker_violation(broker, session, VG_WINDOW, "too many questions are unanswered");
        return;
    }
    command = command_new(COMMAND_LAST_NUMBER, NULL, 0);
    command->actor = session->institution;
    command->back.session = session->id;
    command->last_number.producer = producer;
    session->requests++;
    broker_propose(broker, &command);
}

const struct desks sources_desks = {
    .door = "sources",
    .roles = ROLE_SOURCE,
    .desk =
        {
            [TO_BROKER_PUBLISH] = {take_publish, ROLE_SOURCE},
            [TO_BROKER_LAST_NUMBER] = {take_last_number, ROLE_SOURCE},
        },
};
