// SPDX-License-Identifier: EUPL-1.2
// subscription.h - the mailboxes a subscriber has open, found by number.
#ifndef CLIENT_SUBSCRIPTION_H
#define CLIENT_SUBSCRIPTION_H

#include "cursor.h"
#include "refusals.h"

// Letters that are sent again on request; numbers below the cursor's.
struct vg_rewound {
    uint64_t next;    // none below this one comes any more
    uint64_t through; // the last of them; 0: none
    uint64_t done;    // the last one that the application is done with
};

struct vg_subscription {
    uint32_t mailbox; // 0 until the broker has said which is the default one
    bool is_default;  // asked for as mailbox 0
    bool open;        // the broker has confirmed it on this connection
    bool listed;      // is in the list of those with news
    uint32_t done;    // since the last acknowledgement was sent
    uint64_t done_bytes;
    struct vg_cursor cursor;
    struct vg_rewound rewound;
    struct vg_refusals refusals;
};

// In the order in which they were asked for.
struct vg_subscriptions {
    struct vg_subscription **items;
    size_t len;
    size_t size;
    struct vg_subscription **with_news; // as large as items
    size_t with_news_len;
    struct vg_subscription **slots; // by mailbox, open addressing; a power of two
    size_t slots_size;
    struct vg_subscription *latest; // found last; mailboxes come in runs
};

void vg_subscriptions_end(struct vg_subscriptions *subscriptions);

// vg_subscriptions_add asks for one more; NULL without memory.
struct vg_subscription *vg_subscriptions_add(struct vg_subscriptions *subscriptions,
                                             uint32_t mailbox);
void vg_subscriptions_remove(struct vg_subscriptions *subscriptions,
                             struct vg_subscription *subscription);
// vg_subscriptions_name gives the default mailbox its number.
void vg_subscriptions_name(struct vg_subscriptions *subscriptions,
                           struct vg_subscription *subscription, uint32_t mailbox);

// vg_subscriptions_find gives the one with this number, the default one for 0, or NULL.
struct vg_subscription *vg_subscriptions_find(struct vg_subscriptions *subscriptions,
                                              uint32_t mailbox);
// vg_subscriptions_waiting gives the first the broker has not confirmed, or NULL.
struct vg_subscription *
vg_subscriptions_waiting(const struct vg_subscriptions *subscriptions);

// vg_subscriptions_list puts it among those with news, once.
void vg_subscriptions_list(struct vg_subscriptions *subscriptions,
                           struct vg_subscription *subscription);

// vg_subscription_done is done with one that was given. Returns false without memory.
bool vg_subscription_done(struct vg_subscription *subscription, uint64_t number);
// vg_subscription_done_through is done with what the application asked for, as far as
// nothing before it is still being refused.
void vg_subscription_done_through(struct vg_subscription *subscription);
// vg_subscription_was_given_again: since the last vg_rewind?
bool vg_subscription_was_given_again(const struct vg_subscription *subscription,
                                     uint64_t number);

#endif
