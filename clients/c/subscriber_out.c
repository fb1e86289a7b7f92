// SPDX-License-Identifier: EUPL-1.2
// What a subscriber says.
#include "error.h"
#include "subscriber_inside.h"

void
vg_subscriber_end(struct vg_subscriber *subscriber, enum vg_status status,
                  const char *sentence)
{
    struct vg_error fault;

    (void)vg_fail(&fault, status, "%s", sentence);
    vg_connection_end(subscriber->connection, &fault);
}

void
vg_subscriber_ask(struct vg_subscriber *subscriber,
                  const struct vg_subscription *subscription)
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

void
vg_subscriber_ask_waiting(struct vg_subscriber *subscriber)
{
    for (size_t i = 0; i < subscriber->subscriptions.len; i++) {
        if (!subscriber->subscriptions.items[i]->open) {
            vg_subscriber_ask(subscriber, subscriber->subscriptions.items[i]);
        }
    }
}

void
vg_subscriber_stop_asking(struct vg_subscriber *subscriber,
                          struct vg_subscription *subscription)
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

void
vg_subscriber_send_refusal(struct vg_subscriber *subscriber,
                           const struct vg_subscription *subscription,
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

void
vg_subscriber_send_acknowledge(struct vg_subscriber *subscriber,
                               struct vg_subscription *subscription)
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

void
vg_subscriber_send_news(struct vg_subscriber *subscriber)
{
    struct vg_subscriptions *subscriptions = &subscriber->subscriptions;

    for (size_t i = 0; i < subscriptions->with_news_len; i++) {
        vg_subscriber_send_acknowledge(subscriber, subscriptions->with_news[i]);
        subscriptions->with_news[i]->listed = false;
    }
    subscriptions->with_news_len = 0;
}

// News of a mailbox that is not open now is told when it is again.
void
vg_subscriber_list_news(struct vg_subscriber *subscriber,
                        struct vg_subscription *subscription)
{
    if (subscription->open && (vg_cursor_has_news(&subscription->cursor) ||
                               subscription->refusals.done.len > 0)) {
        vg_subscriptions_list(&subscriber->subscriptions, subscription);
    }
}

// ---- letters sent again ----

// through or one: 0 for none.
void
vg_subscriber_acknowledge_again(struct vg_subscriber *subscriber,
                                struct vg_subscription *subscription, uint64_t through,
                                uint64_t one)
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
