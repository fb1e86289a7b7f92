// SPDX-License-Identifier: EUPL-1.2
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "connection.h"
#include "error.h"
#include "mutation.h"
#include "subscription.h"
#include "vigie/vigie.h"

enum {
    WINDOW_DEFAULT = 10 * 1000,
    WINDOW_BYTES_DEFAULT = 4 * 1024 * 1024,
    RETRY_MS = 1000, // a subscription that was put off
    CLOSE_MS = 2000,
    RETRY_AFTER_S_MAX = 3 * 60 * 60,
};

struct vg_subscriber {
    struct vg_connection *connection;
    struct vg_subscriptions subscriptions;
    struct vg_subscriber_options options;
    struct vg_subscription *asked;     // vg_subscribe waits for this one
    struct vg_subscription *again;     // letters sent again are to be acknowledged here
    struct vg_subscription *rewinding; // vg_rewind waits for this one
    struct vg_rewound rewound;         // the broker's word on it
    struct vg_error refusal;           // of either; VG_OK: none
    uint64_t last_probe;
    bool ready;
    bool closing;
    int64_t retry_at;
};

static void
end_with(struct vg_subscriber *subscriber, enum vg_status status, const char *sentence)
{
    struct vg_error fault;

    (void)vg_fail(&fault, status, "%s", sentence);
    vg_connection_end(subscriber->connection, &fault);
}

// ---- out ----

static void
ask_for(struct vg_subscriber *subscriber, const struct vg_subscription *subscription)
{
    Vigie__V1__Subscribe question = VIGIE__V1__SUBSCRIBE__INIT;
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;

    question.mailbox = subscription->mailbox;
    question.window_messages = subscriber->options.window_messages;
    question.window_bytes = subscriber->options.window_bytes;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_SUBSCRIBE;
    message.subscribe = &question;
    (void)vg_connection_send(subscriber->connection, &message);
}

static void
ask_for_waiting(struct vg_subscriber *subscriber)
{
    for (size_t i = 0; i < subscriber->subscriptions.len; i++) {
        if (!subscriber->subscriptions.items[i]->open) {
            ask_for(subscriber, subscriber->subscriptions.items[i]);
        }
    }
}

static void
stop_asking(struct vg_subscriber *subscriber, struct vg_subscription *subscription)
{
    Vigie__V1__Unsubscribe question = VIGIE__V1__UNSUBSCRIBE__INIT;
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;

    question.mailbox = subscription->mailbox;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_UNSUBSCRIBE;
    message.unsubscribe = &question;
    if (vg_connection_is_ready(subscriber->connection)) {
        (void)vg_connection_send(subscriber->connection, &message);
    }
    vg_subscriptions_remove(&subscriber->subscriptions, subscription);
}

// Those that came out of turn, each by its own number.
static void
send_tried(struct vg_subscriber *subscriber, struct vg_subscription *subscription)
{
    struct vg_numbers *done = &subscription->refusals.done;
    struct hot_acknowledge acknowledge = {.mailbox = subscription->mailbox};
    uint8_t frame[HOT_HEAD_MAX + 9 * HOT_ALSO_MAX];
    size_t sent = 0;

    while (sent < done->len) {
        uint8_t *end;

        acknowledge.also_len = 0;
        while (sent < done->len && acknowledge.also_len < HOT_ALSO_MAX) {
            acknowledge.also[acknowledge.also_len++] = done->at[sent++];
        }
        end = hot_write_acknowledge(frame, &acknowledge);
        (void)vg_connection_send_bytes(subscriber->connection, frame,
                                       (size_t)(end - frame));
    }
    done->len = 0;
}

static void
send_refusal(struct vg_subscriber *subscriber, const struct vg_subscription *subscription,
             const struct vg_pending *pending)
{
    Vigie__V1__Refuse refuse = VIGIE__V1__REFUSE__INIT;
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;

    refuse.mailbox = subscription->mailbox;
    refuse.number = pending->number;
    refuse.reason = (char *)(uintptr_t)pending->reason;
    refuse.retry_after_s = pending->retry_after_s;
    refuse.park = pending->park;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_REFUSE;
    message.refuse = &refuse;
    (void)vg_connection_send(subscriber->connection, &message);
}

static void
send_acknowledge(struct vg_subscriber *subscriber, struct vg_subscription *subscription)
{
    struct vg_cursor *cursor = &subscription->cursor;
    struct hot_acknowledge acknowledge;
    uint8_t frame[HOT_HEAD_MAX + 9 * HOT_ALSO_MAX];

    acknowledge.mailbox = subscription->mailbox;
    while (vg_cursor_has_news(cursor)) {
        uint8_t *end;

        acknowledge.also_len = (uint32_t)vg_cursor_tell(cursor, &acknowledge.through,
                                                        acknowledge.also, HOT_ALSO_MAX);
        end = hot_write_acknowledge(frame, &acknowledge);
        (void)vg_connection_send_bytes(subscriber->connection, frame,
                                       (size_t)(end - frame));
    }
    send_tried(subscriber, subscription);
    subscription->done = 0;
    subscription->done_bytes = 0;
}

static void
send_news(struct vg_subscriber *subscriber)
{
    struct vg_subscriptions *subscriptions = &subscriber->subscriptions;

    for (size_t i = 0; i < subscriptions->with_news_len; i++) {
        send_acknowledge(subscriber, subscriptions->with_news[i]);
        subscriptions->with_news[i]->listed = false;
    }
    subscriptions->with_news_len = 0;
}

// News of a mailbox that is not open now is told when it is again.
static void
list_news(struct vg_subscriber *subscriber, struct vg_subscription *subscription)
{
    if (subscription->open && (vg_cursor_has_news(&subscription->cursor) ||
                               subscription->refusals.done.len > 0)) {
        vg_subscriptions_list(&subscriber->subscriptions, subscription);
    }
}

// ---- notifications ----

// The window must open again before it is used up.
static void
count_done(struct vg_subscriber *subscriber, struct vg_subscription *subscription,
           size_t bytes)
{
    subscription->done++;
    subscription->done_bytes += bytes;
    list_news(subscriber, subscription);
    if (subscription->done >= (subscriber->options.window_messages + 3) / 4 ||
        subscription->done_bytes >= subscriber->options.window_bytes / 4) {
        send_acknowledge(subscriber, subscription);
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

// Is done with one that was given. Returns false without memory.
static bool
note_done(struct vg_subscription *subscription, uint64_t number)
{
    struct vg_refusals *refusals = &subscription->refusals;

    if (vg_numbers_take(&refusals->tried, number)) {
        return vg_numbers_add(&refusals->done, number);
    }
    return vg_cursor_done(&subscription->cursor, number);
}

// What the application asked for, as far as nothing before it is still being refused.
static void
note_done_through(struct vg_subscription *subscription)
{
    uint64_t limit = vg_refusals_limit(&subscription->refusals);
    uint64_t asked = subscription->refusals.asked;

    vg_cursor_done_through(&subscription->cursor, asked < limit ? asked : limit);
}

static void
give(struct vg_subscriber *subscriber, struct vg_subscription *subscription,
     const struct hot_notification *hot)
{
    struct hot_content scratch;
    struct vg_notification notification;

    if (vg_notification_check_in(hot, &scratch, &notification) != VG_OK) {
        end_with(subscriber, VG_MALFORMED, "a notification could not be understood");
        return;
    }
    if (!subscriber->options.notification(&notification, subscriber->options.arg) ||
        vg_refusals_find(&subscription->refusals, hot->number) != NULL) {
        return;
    }
    if (!note_done(subscription, hot->number)) {
        end_with(subscriber, VG_NO_MEMORY, "no memory for an acknowledgement");
        return;
    }
    count_done(subscriber, subscription, hot->content.len);
}

// ---- letters sent again ----

// through or one: 0 for none.
static void
acknowledge_again(struct vg_subscriber *subscriber, struct vg_subscription *subscription,
                  uint64_t through, uint64_t one)
{
    struct hot_acknowledge acknowledge;
    uint8_t frame[HOT_HEAD_MAX + 9];
    uint8_t *end;

    acknowledge.mailbox = subscription->mailbox;
    acknowledge.through = through;
    acknowledge.also_len = one != 0;
    acknowledge.also[0] = one;
    end = hot_write_acknowledge(frame, &acknowledge);
    (void)vg_connection_send_bytes(subscriber->connection, frame, (size_t)(end - frame));
}

// What a frame brought again is acknowledged at its end: all of it lets others come.
static void
flush_again(struct vg_subscriber *subscriber)
{
    if (subscriber->again != NULL) {
        acknowledge_again(subscriber, subscriber->again, subscriber->again->rewound.done,
                          0);
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

// Was it given again since the last vg_rewind?
static bool
was_given_again(const struct vg_subscription *subscription, uint64_t number)
{
    return subscription->rewound.through != 0 && number < subscription->rewound.next;
}

static void
give_again(struct vg_subscriber *subscriber, struct vg_subscription *subscription,
           const struct hot_notification *hot)
{
    struct hot_content scratch;
    struct vg_notification notification;

    if (vg_notification_check_in(hot, &scratch, &notification) != VG_OK) {
        end_with(subscriber, VG_MALFORMED, "a notification could not be understood");
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
        end_with(subscriber, VG_NO_MEMORY, "no memory for what arrives");
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
            end_with(subscriber, VG_NO_MEMORY, "no memory for what arrives");
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
        send_refusal(subscriber, subscription, pending);
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
        end_with(subscriber, VG_NO_MEMORY, "no memory for what arrives");
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

static bool
take_delivery(struct vg_subscriber *subscriber, struct hot_bytes frame)
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
        end_with(subscriber, VG_MALFORMED, "a delivery could not be understood");
    }
    return any;
}

// ---- letters out of turn ----

static void
take_deferred(struct vg_subscriber *subscriber, struct hot_bytes body)
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
        end_with(subscriber, VG_MALFORMED, "a deferral could not be understood");
    } else if (subscription != NULL) {
        note_done_through(subscription);
        list_news(subscriber, subscription);
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
        end_with(subscriber, VG_NO_MEMORY, "no memory for a refusal");
        return false;
    }
    vg_refusals_settle(&subscription->refusals, number, number);
    note_done_through(subscription);
    list_news(subscriber, subscription);
    return true;
}

static bool
take_held(struct vg_subscriber *subscriber, struct hot_bytes body)
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

// ---- subscriptions ----

// The default mailbox's number is not known before its first answer.
static struct vg_subscription *
find_unnamed(const struct vg_subscriptions *subscriptions)
{
    for (size_t i = 0; i < subscriptions->len; i++) {
        if (subscriptions->items[i]->mailbox == 0) {
            return subscriptions->items[i];
        }
    }
    return NULL;
}

static struct vg_subscription *
find_answered(struct vg_subscriber *subscriber, uint32_t mailbox)
{
    struct vg_subscriptions *subscriptions = &subscriber->subscriptions;
    struct vg_subscription *named = vg_subscriptions_find(subscriptions, mailbox);
    struct vg_subscription *unnamed = find_unnamed(subscriptions);

    if (unnamed == NULL || named == unnamed || (named != NULL && !named->open)) {
        return named;
    }
    if (named == NULL) {
        vg_subscriptions_name(subscriptions, unnamed, mailbox);
        return unnamed;
    }
    // The default mailbox was already open under its number.
    named->is_default = true;
    if (subscriber->asked == unnamed) {
        subscriber->asked = named;
    }
    vg_subscriptions_remove(subscriptions, unnamed);
    return named;
}

static void
join(struct vg_subscriber *subscriber, struct vg_subscription *subscription,
     const Vigie__V1__Subscribed *answer)
{
    if (answer->last < subscription->cursor.seen) {
        struct vg_error fault;

        (void)vg_fail(&fault, VG_MALFORMED,
                      "mailbox %" PRIu32 ": the newest number is %" PRIu64
                      ", but %" PRIu64 " had come",
                      answer->mailbox, answer->last, subscription->cursor.seen);
        vg_connection_end(subscriber->connection, &fault);
        return;
    }
    vg_cursor_join(&subscription->cursor, answer->acknowledged, answer->last,
                   answer->waiting);
    if (answer->acknowledged > 0) {
        vg_refusals_settle(&subscription->refusals, 1, answer->acknowledged);
    }
    subscription->open = true;
}

static void
take_subscribed(struct vg_subscriber *subscriber, struct hot_bytes body)
{
    Vigie__V1__Subscribed *answer =
        vigie__v1__subscribed__unpack(NULL, body.len, body.at);
    struct vg_subscription *subscription;

    if (answer == NULL) {
        vg_connection_break(subscriber->connection, "an answer could not be understood");
        return;
    }
    subscription = find_answered(subscriber, answer->mailbox);
    if (subscription != NULL) {
        join(subscriber, subscription, answer);
    }
    vigie__v1__subscribed__free_unpacked(answer, NULL);
}

static void
take_rewound(struct vg_subscriber *subscriber, struct hot_bytes body)
{
    Vigie__V1__Rewound *answer = vigie__v1__rewound__unpack(NULL, body.len, body.at);
    struct vg_subscription *subscription;

    if (answer == NULL) {
        vg_connection_break(subscriber->connection, "an answer could not be understood");
        return;
    }
    subscription = vg_subscriptions_find(&subscriber->subscriptions, answer->mailbox);
    if (subscription != NULL && subscription->open) {
        subscription->rewound.next = answer->from;
        subscription->rewound.through = answer->through;
        if (subscription == subscriber->rewinding) {
            subscriber->rewound = subscription->rewound;
        }
    }
    vigie__v1__rewound__free_unpacked(answer, NULL);
}

// A refusal does not name what it refuses; requests are answered in their order.
static void
take_refused(struct vg_subscriber *subscriber, struct hot_bytes body)
{
    Vigie__V1__Refused *refused = vigie__v1__refused__unpack(NULL, body.len, body.at);
    struct vg_subscription *waiting =
        vg_subscriptions_waiting(&subscriber->subscriptions);
    struct vg_error fault;

    if (refused == NULL) {
        vg_connection_break(subscriber->connection, "a refusal could not be understood");
        return;
    }
    vg_fault_read(refused->fault, &fault);
    if (subscriber->rewinding != NULL ||
        (waiting != NULL && waiting == subscriber->asked)) {
        subscriber->refusal = fault;
    } else if (!vg_fault_is_temporary(refused->fault)) {
        vg_connection_end(subscriber->connection, &fault);
    } else {
        subscriber->retry_at = vg_clock_ms() + RETRY_MS;
    }
    vigie__v1__refused__free_unpacked(refused, NULL);
}

// ---- turns ----

static void
on_ready(const struct vg_grant *grant, void *arg)
{
    struct vg_subscriber *subscriber = arg;

    (void)grant;
    subscriber->ready = true;
    ask_for_waiting(subscriber);
}

static void
on_lost(void *arg)
{
    struct vg_subscriber *subscriber = arg;
    struct vg_subscriptions *subscriptions = &subscriber->subscriptions;

    subscriber->ready = false;
    subscriber->retry_at = VG_NEVER;
    for (size_t i = 0; i < subscriptions->len; i++) {
        subscriptions->items[i]->open = false;
        subscriptions->items[i]->listed = false;
        subscriptions->items[i]->rewound = (struct vg_rewound){.through = 0};
        vg_refusals_lost(&subscriptions->items[i]->refusals);
    }
    subscriptions->with_news_len = 0;
    if (subscriber->rewinding != NULL) {
        (void)vg_fail(&subscriber->refusal, VG_DISCONNECTED, "the connection was lost");
    }
}

static bool
on_frame(uint32_t kind, struct hot_bytes frame, struct hot_bytes body, void *arg)
{
    struct vg_subscriber *subscriber = arg;

    if (subscriber->closing) {
        return false;
    }
    switch (kind) {
    case 1: // notifications
        return take_delivery(subscriber, frame);
    case VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED:
        take_subscribed(subscriber, body);
        return false;
    case VIGIE__V1__TO_CLIENT__MESSAGE_REWOUND:
        take_rewound(subscriber, body);
        return false;
    case VIGIE__V1__TO_CLIENT__MESSAGE_DEFERRED:
        take_deferred(subscriber, body);
        return false;
    case VIGIE__V1__TO_CLIENT__MESSAGE_HELD:
        return take_held(subscriber, body);
    case VIGIE__V1__TO_CLIENT__MESSAGE_REFUSED:
        take_refused(subscriber, body);
        return false;
    default:
        return false;
    }
}

static void
on_work(int64_t now, void *arg)
{
    struct vg_subscriber *subscriber = arg;

    if (!vg_connection_is_open(subscriber->connection)) {
        return;
    }
    if (now >= subscriber->retry_at) {
        subscriber->retry_at = VG_NEVER;
        ask_for_waiting(subscriber);
    }
    send_news(subscriber);
}

static int64_t
on_due(void *arg)
{
    const struct vg_subscriber *subscriber = arg;

    if (subscriber->subscriptions.with_news_len > 0 &&
        vg_connection_is_open(subscriber->connection)) {
        return 0;
    }
    return subscriber->retry_at;
}

// What is acknowledged leaves at the end of each turn.
static bool
on_goodbye(void *arg)
{
    const struct vg_subscriber *subscriber = arg;

    return subscriber->subscriptions.with_news_len == 0;
}

// ---- life ----

static bool
is_ready(void *arg)
{
    const struct vg_subscriber *subscriber = arg;

    return subscriber->ready;
}

static enum vg_status
connect_subscriber(struct vg_subscriber *subscriber, const struct vg_address *address,
                   int timeout_ms, struct vg_error *error)
{
    const struct vg_connection_owner owner = {.ready = on_ready,
                                              .lost = on_lost,
                                              .frame = on_frame,
                                              .work = on_work,
                                              .due_at = on_due,
                                              .may_leave = on_goodbye,
                                              .arg = subscriber};
    enum vg_status status;

    status = vg_connection_open(address, &owner, &subscriber->connection, error);
    if (status != VG_OK) {
        return status;
    }
    return vg_connection_run(subscriber->connection, timeout_ms, is_ready, error);
}

enum vg_status
vg_subscriber_open(const struct vg_address *address,
                   const struct vg_subscriber_options *options, int timeout_ms,
                   struct vg_subscriber **ret_subscriber, struct vg_error *error)
{
    struct vg_subscriber *subscriber;
    enum vg_status status;

    if (options->notification == NULL) {
        return vg_fail(error, VG_MALFORMED, "a subscriber needs a function to call");
    }
    subscriber = calloc(1, sizeof *subscriber);
    if (subscriber == NULL) {
        return vg_fail(error, VG_NO_MEMORY, "no memory for a subscriber");
    }
    subscriber->options = *options;
    subscriber->retry_at = VG_NEVER;
    if (options->window_messages == 0) {
        subscriber->options.window_messages = WINDOW_DEFAULT;
    }
    if (options->window_bytes == 0) {
        subscriber->options.window_bytes = WINDOW_BYTES_DEFAULT;
    }
    status = connect_subscriber(subscriber, address, timeout_ms, error);
    if (status != VG_OK) {
        vg_subscriber_close(&subscriber);
        return status;
    }
    *ret_subscriber = subscriber;
    return VG_OK;
}

static bool
has_left(void *arg)
{
    const struct vg_subscriber *subscriber = arg;

    return !vg_connection_is_open(subscriber->connection) ||
           vg_connection_echoed(subscriber->connection, subscriber->last_probe);
}

// A heartbeat comes back only after what was sent before it was read.
static void
let_acknowledgements_leave(struct vg_subscriber *subscriber)
{
    subscriber->closing = true;
    send_news(subscriber);
    subscriber->last_probe = vg_connection_probe(subscriber->connection);
    if (subscriber->last_probe != 0) {
        (void)vg_connection_run(subscriber->connection, CLOSE_MS, has_left, NULL);
    }
}

void
vg_subscriber_close(struct vg_subscriber **subscriber)
{
    struct vg_subscriber *closed = *subscriber;

    if (closed == NULL) {
        return;
    }
    if (closed->connection != NULL && vg_connection_is_open(closed->connection) &&
        closed->subscriptions.len > 0) {
        let_acknowledgements_leave(closed);
    }
    vg_connection_close(&closed->connection);
    vg_subscriptions_end(&closed->subscriptions);
    free(closed);
    *subscriber = NULL;
}

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
        ask_for(subscriber, subscriber->asked);
    }
    status = vg_connection_run(subscriber->connection, timeout_ms, has_word, error);
    if (status == VG_OK && subscriber->refusal.status != VG_OK) {
        status = vg_fail_again(error, &subscriber->refusal);
    }
    if (status != VG_OK) {
        stop_asking(subscriber, subscriber->asked);
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
    if (was_given_again(subscription, through)) {
        acknowledge_again(subscriber, subscription, through, 0);
    }
    if (through > subscription->refusals.asked) {
        subscription->refusals.asked = through;
    }
    note_done_through(subscription);
    list_news(subscriber, subscription);
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
    if (was_given_again(subscription, number)) {
        acknowledge_again(subscriber, subscription, 0, number);
    }
    if (!note_done(subscription, number)) {
        return VG_NO_MEMORY;
    }
    list_news(subscriber, subscription);
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
        send_refusal(subscriber, subscription, &pending);
    }
    return VG_OK;
}

enum vg_status
vg_subscriber_flush(struct vg_subscriber *subscriber)
{
    const struct vg_error *fault = vg_connection_fault(subscriber->connection);

    if (fault != NULL) {
        return fault->status;
    }
    if (!vg_connection_is_open(subscriber->connection)) {
        return VG_DISCONNECTED;
    }
    send_news(subscriber);
    return VG_OK;
}

enum vg_status
vg_subscriber_process(struct vg_subscriber *subscriber, int timeout_ms,
                      struct vg_error *error)
{
    return vg_connection_run(subscriber->connection, timeout_ms, NULL, error);
}

// ---- questions ----

int
vg_subscriber_fd(const struct vg_subscriber *subscriber)
{
    return vg_connection_fd(subscriber->connection);
}

int
vg_subscriber_due_ms(const struct vg_subscriber *subscriber)
{
    return vg_connection_due_ms(subscriber->connection);
}
