// SPDX-License-Identifier: EUPL-1.2
// What an application asks a subscriber for.
#include <inttypes.h>
#include <string.h>

#include "error.h"
#include "subscriber_inside.h"

enum { RETRY_AFTER_S_MAX = 3 * 60 * 60 };

// ---- subscribing ----

static bool
has_word(void *arg)
{
    const struct vg_subscriber *subscriber = arg;

    return subscriber->asked->open || subscriber->refusal.status != VG_OK;
}

// Waits for the broker's word on subscriber->asked.
static enum vg_status
wait_for_word(struct vg_subscriber *subscriber, int timeout_ms, struct vg_error *error)
{
    enum vg_status status;

    subscriber->refusal.status = VG_OK;
    if (vg_connection_is_ready(subscriber->connection)) {
        vg_subscriber_ask(subscriber, subscriber->asked);
    }
    status = vg_connection_run(subscriber->connection, timeout_ms, has_word, error);
    if (status == VG_OK && subscriber->refusal.status != VG_OK) {
        status = vg_fail_again(error, &subscriber->refusal);
    }
    if (status != VG_OK) {
        vg_subscriber_stop_asking(subscriber, subscriber->asked);
    }
    subscriber->asked = NULL;
    return status;
}

enum vg_status
vg_subscribe(struct vg_subscriber *subscriber, uint32_t mailbox, int timeout_ms,
             struct vg_error *error)
{
    struct vg_subscriptions *subscriptions = &subscriber->subscriptions;

    if (vg_subscriptions_find(subscriptions, mailbox) != NULL) {
        return VG_OK;
    }
    if (vg_connection_is_running(subscriber->connection)) {
        return vg_fail(error, VG_BUSY, "not from inside a callback");
    }
    subscriber->asked = vg_subscriptions_add(subscriptions, mailbox);
    if (subscriber->asked == NULL) {
        return vg_fail(error, VG_NO_MEMORY, "no memory for a mailbox");
    }
    return wait_for_word(subscriber, timeout_ms, error);
}

// ---- going back ----

static bool
has_word_on_rewind(void *arg)
{
    const struct vg_subscriber *subscriber = arg;

    return subscriber->rewound.through != 0 || subscriber->refusal.status != VG_OK;
}

static enum vg_status
ask_to_rewind(struct vg_subscriber *subscriber, struct vg_rewind_goal goal,
              int timeout_ms, struct vg_error *error)
{
    Vigie__V1__Rewind question = VIGIE__V1__REWIND__INIT;
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;
    enum vg_status status;

    question.mailbox = subscriber->rewinding->mailbox;
    question.number = goal.number;
    question.time = goal.time_us;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_REWIND;
    message.rewind = &question;
    subscriber->rewound = (struct vg_rewound){.through = 0};
    subscriber->refusal.status = VG_OK;
    (void)vg_connection_send(subscriber->connection, &message);
    status =
        vg_connection_run(subscriber->connection, timeout_ms, has_word_on_rewind, error);
    return status == VG_OK && subscriber->refusal.status != VG_OK
               ? vg_fail_again(error, &subscriber->refusal)
               : status;
}

enum vg_status
vg_rewind(struct vg_subscriber *subscriber, uint32_t mailbox, struct vg_rewind_goal goal,
          int timeout_ms, uint64_t *ret_from, uint64_t *ret_through,
          struct vg_error *error)
{
    enum vg_status status;

    if (vg_connection_is_running(subscriber->connection)) {
        return vg_fail(error, VG_BUSY, "not from inside a callback");
    }
    subscriber->rewinding = vg_subscriptions_find(&subscriber->subscriptions, mailbox);
    if (subscriber->rewinding == NULL || !subscriber->rewinding->open) {
        subscriber->rewinding = NULL;
        return vg_fail(error, VG_NOT_FOUND, "mailbox %" PRIu32 " is not open", mailbox);
    }
    status = ask_to_rewind(subscriber, goal, timeout_ms, error);
    subscriber->rewinding = NULL;
    if (status == VG_OK) {
        *ret_from = subscriber->rewound.next;
        *ret_through = subscriber->rewound.through;
    }
    return status;
}

// ---- acknowledging ----

enum vg_status
vg_acknowledge(struct vg_subscriber *subscriber, uint32_t mailbox, uint64_t through)
{
    struct vg_subscription *subscription =
        vg_subscriptions_find(&subscriber->subscriptions, mailbox);

    if (subscription == NULL ||
        (through > subscription->cursor.seen &&
         !vg_numbers_have(&subscription->refusals.tried, through))) {
        return VG_NOT_FOUND;
    }
    if (vg_numbers_have(&subscription->refusals.tried, through)) {
        return vg_acknowledge_one(subscriber, mailbox, through);
    }
    if (vg_subscription_was_given_again(subscription, through)) {
        vg_subscriber_acknowledge_again(subscriber, subscription, through, 0);
    }
    if (through > subscription->refusals.asked) {
        subscription->refusals.asked = through;
    }
    vg_subscription_done_through(subscription);
    vg_subscriber_list_news(subscriber, subscription);
    return VG_OK;
}

enum vg_status
vg_acknowledge_one(struct vg_subscriber *subscriber, uint32_t mailbox, uint64_t number)
{
    struct vg_subscription *subscription =
        vg_subscriptions_find(&subscriber->subscriptions, mailbox);

    if (subscription == NULL ||
        (number > subscription->cursor.seen &&
         !vg_numbers_have(&subscription->refusals.tried, number))) {
        return VG_NOT_FOUND;
    }
    if (vg_refusals_find(&subscription->refusals, number) != NULL) {
        return VG_OK; // it was refused, and will come again
    }
    if (vg_subscription_was_given_again(subscription, number)) {
        vg_subscriber_acknowledge_again(subscriber, subscription, 0, number);
    }
    if (!vg_subscription_done(subscription, number)) {
        return VG_NO_MEMORY;
    }
    vg_subscriber_list_news(subscriber, subscription);
    return VG_OK;
}

// ---- refusing ----

static enum vg_status
check_refusal(const struct vg_refusal *refusal, struct vg_error *error)
{
    size_t len = strlen(refusal->reason);

    if (len > VG_REASON_MAX) {
        return vg_fail(error, VG_TOO_LARGE,
                       "the reason has %zu bytes, at most %d are allowed", len,
                       VG_REASON_MAX);
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)refusal->reason[i] < ' ' || refusal->reason[i] == 0x7f) {
            return vg_fail(error, VG_MALFORMED,
                           "byte %zu of the reason cannot be printed", i + 1);
        }
    }
    if (refusal->retry_after_s > RETRY_AFTER_S_MAX) {
        return vg_fail(error, VG_MALFORMED,
                       "retry_after_s is %" PRIu32 ", at most %d is allowed",
                       refusal->retry_after_s, RETRY_AFTER_S_MAX);
    }
    return VG_OK;
}

enum vg_status
vg_refuse(struct vg_subscriber *subscriber, const struct vg_notification *notification,
          const struct vg_refusal *refusal, struct vg_error *error)
{
    struct vg_subscription *subscription =
        vg_subscriptions_find(&subscriber->subscriptions, notification->mailbox);
    struct vg_pending pending = {
        .number = notification->number,
        .subject = vg_subject_of(notification),
        .attempt = notification->attempt,
        .retry_after_s = refusal->retry_after_s,
        .park = refusal->park,
    };
    enum vg_status status = check_refusal(refusal, error);

    if (status != VG_OK) {
        return status;
    }
    if (subscription == NULL ||
        (pending.attempt == 0 && pending.number > subscription->cursor.seen)) {
        return vg_fail(error, VG_NOT_FOUND,
                       "mailbox %" PRIu32 ": letter %" PRIu64 " never came",
                       notification->mailbox, pending.number);
    }
    if (pending.attempt > 0 &&
        !vg_numbers_take(&subscription->refusals.tried, pending.number)) {
        return vg_fail(error, VG_DISCONNECTED, "letter %" PRIu64 " will come again",
                       pending.number);
    }
    if (vg_refusals_find(&subscription->refusals, pending.number) != NULL) {
        return VG_OK; // already on its way
    }
    strcpy(pending.reason, refusal->reason); // it was measured
    if (!vg_refusals_add(&subscription->refusals, &pending)) {
        return vg_fail(error, VG_NO_MEMORY, "no memory for a refusal");
    }
    // One of an earlier connection is refused when it has come on this one.
    if (subscription->open &&
        (pending.attempt > 0 || pending.number <= subscription->cursor.arrived)) {
        vg_subscriber_send_refusal(subscriber, subscription, &pending);
    }
    return VG_OK;
}
