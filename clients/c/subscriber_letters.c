// SPDX-License-Identifier: EUPL-1.2
// Letters as they come, and what the broker says about single ones.
#include <inttypes.h>

#include "error.h"
#include "mutation.h"
#include "subscriber_inside.h"

// ---- notifications ----

// The window must open again before it is used up.
static void
count_done(struct vg_subscriber *subscriber, struct vg_subscription *subscription,
           size_t bytes)
{
    subscription->done++;
    subscription->done_bytes += bytes;
    vg_subscriber_list_news(subscriber, subscription);
    if (subscription->done >= (subscriber->options.window_messages + 3) / 4 ||
        subscription->done_bytes >= subscriber->options.window_bytes / 4) {
        vg_subscriber_send_acknowledge(subscriber, subscription);
    }
}

static void
end_with_gap(struct vg_subscriber *subscriber, const struct hot_notification *hot,
             uint64_t seen)
{
    struct vg_error fault;

    (void)vg_fail(&fault, VG_MALFORMED,
                  "mailbox %" PRIu32 ": number %" PRIu64 " came after %" PRIu64,
                  hot->mailbox, hot->number, seen);
    vg_connection_end(subscriber->connection, &fault);
}

static void
give(struct vg_subscriber *subscriber, struct vg_subscription *subscription,
     const struct hot_notification *hot)
{
    struct hot_content scratch;
    struct vg_notification notification;

    if (vg_notification_check_in(hot, &scratch, &notification) != VG_OK) {
        vg_subscriber_end(subscriber, VG_MALFORMED,
                          "a notification could not be understood");
        return;
    }
    if (!subscriber->options.notification(&notification, subscriber->options.arg) ||
        vg_refusals_find(&subscription->refusals, hot->number) != NULL) {
        return;
    }
    if (!vg_subscription_done(subscription, hot->number)) {
        vg_subscriber_end(subscriber, VG_NO_MEMORY, "no memory for an acknowledgement");
        return;
    }
    count_done(subscriber, subscription, hot->content.len);
}

// ---- letters sent again ----

// What a frame brought again is acknowledged at its end: all of it lets others come.
static void
flush_again(struct vg_subscriber *subscriber)
{
    if (subscriber->again != NULL) {
        vg_subscriber_acknowledge_again(subscriber, subscriber->again,
                                        subscriber->again->rewound.done, 0);
        subscriber->again = NULL;
    }
}

static bool
comes_again(const struct vg_subscription *subscription,
            const struct hot_notification *hot)
{
    const struct vg_rewound *rewound = &subscription->rewound;

    return hot->again && rewound->through != 0 && hot->number >= rewound->next &&
           hot->number <= rewound->through;
}

static void
give_again(struct vg_subscriber *subscriber, struct vg_subscription *subscription,
           const struct hot_notification *hot)
{
    struct hot_content scratch;
    struct vg_notification notification;

    if (vg_notification_check_in(hot, &scratch, &notification) != VG_OK) {
        vg_subscriber_end(subscriber, VG_MALFORMED,
                          "a notification could not be understood");
        return;
    }
    subscription->rewound.next = hot->number + 1;
    if (subscriber->options.notification(&notification, subscriber->options.arg)) {
        if (subscriber->again != subscription) {
            flush_again(subscriber);
        }
        subscription->rewound.done = hot->number;
        subscriber->again = subscription;
    }
}

// ---- letters refused, and out of turn ----

// A letter that came out of turn says nothing about the numbers around it.
static void
give_tried(struct vg_subscriber *subscriber, struct vg_subscription *subscription,
           const struct hot_notification *hot)
{
    if (vg_refusals_find(&subscription->refusals, hot->number) != NULL) {
        return;
    }
    if (!vg_numbers_add(&subscription->refusals.tried, hot->number)) {
        vg_subscriber_end(subscriber, VG_NO_MEMORY, "no memory for what arrives");
        return;
    }
    give(subscriber, subscription, hot);
}

static bool
is_held_back(const struct vg_subscription *subscription,
             const struct hot_notification *hot)
{
    uint64_t niss, enterprise;

    if (subscription->refusals.pending_len == 0) {
        return false;
    }
    hot_content_about(hot->content, &niss, &enterprise);
    return vg_refusals_hold(
        &subscription->refusals, hot->number,
        vg_subject_of(&(struct vg_notification){.niss = niss, .enterprise = enterprise}));
}

// Gives one in its turn, or keeps it from the application: an earlier letter about the same
// person is being refused, and the broker will say what becomes of this one.
static bool
give_in_turn(struct vg_subscriber *subscriber, struct vg_subscription *subscription,
             const struct hot_notification *hot)
{
    if (is_held_back(subscription, hot)) {
        if (!vg_numbers_add(&subscription->refusals.withheld, hot->number)) {
            vg_subscriber_end(subscriber, VG_NO_MEMORY, "no memory for what arrives");
        }
        return false;
    }
    (void)vg_numbers_take(&subscription->refusals.withheld, hot->number);
    give(subscriber, subscription, hot);
    return true;
}

// One that came before, on another connection. False: nothing of ours is known of it.
static bool
repeat_refused(struct vg_subscriber *subscriber, struct vg_subscription *subscription,
               const struct hot_notification *hot)
{
    const struct vg_pending *pending =
        vg_refusals_find(&subscription->refusals, hot->number);

    if (pending != NULL) {
        vg_subscriber_send_refusal(subscriber, subscription, pending);
        return true;
    }
    if (vg_numbers_have(&subscription->refusals.withheld, hot->number)) {
        (void)give_in_turn(subscriber, subscription, hot);
        return true;
    }
    return false;
}

// ---- letters in their turn ----

// Returns whether the application saw it.
static bool
take_notification(struct vg_subscriber *subscriber, const struct hot_notification *hot)
{
    struct vg_subscription *subscription =
        vg_subscriptions_find(&subscriber->subscriptions, hot->mailbox);
    enum vg_arrival arrival;
    uint64_t seen;
    bool good;

    // One whose subscription was given up, or belongs to another connection.
    if (subscription == NULL || !subscription->open) {
        return false;
    }
    if (hot->attempt > 0) {
        give_tried(subscriber, subscription, hot);
        return true;
    }
    if (comes_again(subscription, hot)) {
        give_again(subscriber, subscription, hot);
        return true;
    }
    seen = subscription->cursor.seen;
    arrival = vg_cursor_arrive(&subscription->cursor, hot->number, &good);
    if (arrival == VG_ARRIVAL_GAP) {
        end_with_gap(subscriber, hot, seen);
        return false;
    }
    if (!good) {
        vg_subscriber_end(subscriber, VG_NO_MEMORY, "no memory for what arrives");
        return false;
    }
    if (arrival == VG_ARRIVAL_NEW) {
        return give_in_turn(subscriber, subscription, hot);
    }
    if (repeat_refused(subscriber, subscription, hot)) {
        return true;
    }
    // One that is done opens the window again, though the application does not see it.
    count_done(subscriber, subscription, hot->content.len);
    return false;
}

bool
vg_subscriber_take_delivery(struct vg_subscriber *subscriber, struct hot_bytes frame)
{
    struct hot_notification hot;
    bool any = false;
    int result = 0;

    while (vg_connection_fault(subscriber->connection) == NULL &&
           (result = hot_next_notification(&frame, &hot)) == 1) {
        any |= take_notification(subscriber, &hot);
    }
    flush_again(subscriber);
    if (result < 0) {
        vg_subscriber_end(subscriber, VG_MALFORMED, "a delivery could not be understood");
    }
    return any;
}

// ---- letters out of turn ----

void
vg_subscriber_take_deferred(struct vg_subscriber *subscriber, struct hot_bytes body)
{
    Vigie__V1__Deferred *deferred = vigie__v1__deferred__unpack(NULL, body.len, body.at);
    struct vg_subscription *subscription;
    bool good = true;

    if (deferred == NULL) {
        vg_connection_break(subscriber->connection, "a deferral could not be understood");
        return;
    }
    subscription = vg_subscriptions_find(&subscriber->subscriptions, deferred->mailbox);
    for (size_t i = 0; subscription != NULL && good && i < deferred->n_ranges; i++) {
        const Vigie__V1__Range *range = deferred->ranges[i];

        good = range->first > 0 && range->first <= range->last &&
               vg_cursor_pass(&subscription->cursor, range->first, range->last);
        vg_refusals_settle(&subscription->refusals, range->first, range->last);
    }
    if (!good) {
        vg_subscriber_end(subscriber, VG_MALFORMED, "a deferral could not be understood");
    } else if (subscription != NULL) {
        vg_subscription_done_through(subscription);
        vg_subscriber_list_news(subscriber, subscription);
    }
    vigie__v1__deferred__free_unpacked(deferred, NULL);
}

// The broker has the refusal on disk: its letter is not ours any more.
static bool
settle_refusal(struct vg_subscriber *subscriber, struct vg_subscription *subscription,
               uint64_t number)
{
    const struct vg_pending *pending = vg_refusals_find(&subscription->refusals, number);

    if (pending == NULL) {
        return false;
    }
    if (pending->attempt == 0 && !vg_cursor_pass(&subscription->cursor, number, number)) {
        vg_subscriber_end(subscriber, VG_NO_MEMORY, "no memory for a refusal");
        return false;
    }
    vg_refusals_settle(&subscription->refusals, number, number);
    vg_subscription_done_through(subscription);
    vg_subscriber_list_news(subscriber, subscription);
    return true;
}

bool
vg_subscriber_take_held(struct vg_subscriber *subscriber, struct hot_bytes body)
{
    Vigie__V1__Held *held = vigie__v1__held__unpack(NULL, body.len, body.at);
    struct vg_subscription *subscription;
    bool ours;

    if (held == NULL) {
        vg_connection_break(subscriber->connection, "an answer could not be understood");
        return false;
    }
    subscription = vg_subscriptions_find(&subscriber->subscriptions, held->mailbox);
    ours = subscription != NULL && settle_refusal(subscriber, subscription, held->number);
    if (ours && held->state == VIGIE__V1__HELD__STATE__GONE &&
        subscription->refusals.withheld.len > 0) {
        // The broker holds nothing back for it: what was kept from the application comes
        // again on another connection.
        vg_connection_break(subscriber->connection, "letters must come again");
    }
    if (ours && subscriber->options.held != NULL) {
        subscriber->options.held(held->mailbox, held->number,
                                 (enum vg_held_state)held->state, held->refusals,
                                 held->due_at, subscriber->options.arg);
    }
    vigie__v1__held__free_unpacked(held, NULL);
    return ours;
}
