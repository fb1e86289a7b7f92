// SPDX-License-Identifier: EUPL-1.2
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "error.h"
#include "subscriber_inside.h"

enum {
    WINDOW_DEFAULT = 10 * 1000,
    WINDOW_BYTES_DEFAULT = 4 * 1024 * 1024,
    RETRY_MS = 1000, // a subscription that was put off
    CLOSE_MS = 2000,
};

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
    vg_subscriber_ask_waiting(subscriber);
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
        return vg_subscriber_take_delivery(subscriber, frame);
    case VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED:
        take_subscribed(subscriber, body);
        return false;
    case VIGIE__V1__TO_CLIENT__MESSAGE_REWOUND:
        take_rewound(subscriber, body);
        return false;
    case VIGIE__V1__TO_CLIENT__MESSAGE_DEFERRED:
        vg_subscriber_take_deferred(subscriber, body);
        return false;
    case VIGIE__V1__TO_CLIENT__MESSAGE_HELD:
        return vg_subscriber_take_held(subscriber, body);
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
        vg_subscriber_ask_waiting(subscriber);
    }
    vg_subscriber_send_news(subscriber);
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

    return vg_connection_begin(address, &owner, is_ready, timeout_ms,
                               &subscriber->connection, error);
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
    vg_subscriber_send_news(subscriber);
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
    vg_subscriber_send_news(subscriber);
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
