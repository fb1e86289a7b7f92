// SPDX-License-Identifier: EUPL-1.2
// subscriber_inside.h - a subscriber, for the files that make one module of it: subscriber.c
// (its life and its turns), subscriber_calls.c (what an application asks for),
// subscriber_letters.c (what comes), subscriber_out.c (what it says).
#ifndef CLIENT_SUBSCRIBER_INSIDE_H
#define CLIENT_SUBSCRIBER_INSIDE_H

#include "connection.h"
#include "subscription.h"
#include "vigie/vigie.h"

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

// ---- what it says ----

// vg_subscriber_end ends the connection for good.
void vg_subscriber_end(struct vg_subscriber *subscriber, enum vg_status status,
                       const char *sentence);
// vg_subscriber_ask asks for a mailbox, vg_subscriber_ask_waiting for all that are not open.
void vg_subscriber_ask(struct vg_subscriber *subscriber,
                       const struct vg_subscription *subscription);
void vg_subscriber_ask_waiting(struct vg_subscriber *subscriber);
// vg_subscriber_stop_asking gives a subscription up. Frees: subscription.
void vg_subscriber_stop_asking(struct vg_subscriber *subscriber,
                               struct vg_subscription *subscription);
void vg_subscriber_send_refusal(struct vg_subscriber *subscriber,
                                const struct vg_subscription *subscription,
                                const struct vg_pending *pending);
// vg_subscriber_send_acknowledge says at once all that a mailbox is done with.
void vg_subscriber_send_acknowledge(struct vg_subscriber *subscriber,
                                    struct vg_subscription *subscription);
// vg_subscriber_list_news notes that a mailbox has something to say;
// vg_subscriber_send_news says it for all of them.
void vg_subscriber_list_news(struct vg_subscriber *subscriber,
                             struct vg_subscription *subscription);
void vg_subscriber_send_news(struct vg_subscriber *subscriber);
// vg_subscriber_acknowledge_again is for letters that a Rewind brought. through or one: 0
// for none.
void vg_subscriber_acknowledge_again(struct vg_subscriber *subscriber,
                                     struct vg_subscription *subscription,
                                     uint64_t through, uint64_t one);

// ---- what comes ----

// vg_subscriber_take_delivery returns whether the application saw any of it.
bool vg_subscriber_take_delivery(struct vg_subscriber *subscriber,
                                 struct hot_bytes frame);
void vg_subscriber_take_deferred(struct vg_subscriber *subscriber, struct hot_bytes body);
// vg_subscriber_take_held returns whether it was about a refusal of ours.
bool vg_subscriber_take_held(struct vg_subscriber *subscriber, struct hot_bytes body);

#endif
