// SPDX-License-Identifier: EUPL-1.2
#include "subscription.h"

#include <stdlib.h>

enum { ROOM_MIN = 8 };

void
vg_subscriptions_end(struct vg_subscriptions *subscriptions)
{
    for (size_t i = 0; i < subscriptions->len; i++) {
        vg_cursor_end(&subscriptions->items[i]->cursor);
        vg_refusals_end(&subscriptions->items[i]->refusals);
        free(subscriptions->items[i]);
    }
    free(subscriptions->items);
    free(subscriptions->with_news);
    free(subscriptions->slots);
    *subscriptions = (struct vg_subscriptions){0};
}

// ---- by number ----

// Knuth's multiplier; mailbox numbers are consecutive.
static size_t
slot_of(const struct vg_subscriptions *subscriptions, uint32_t mailbox)
{
    return (mailbox * UINT32_C(2654435769)) & (subscriptions->slots_size - 1);
}

static void
fill_slot(struct vg_subscriptions *subscriptions, struct vg_subscription *subscription)
{
    size_t slot = slot_of(subscriptions, subscription->mailbox);

    while (subscriptions->slots[slot] != NULL) {
        slot = (slot + 1) & (subscriptions->slots_size - 1);
    }
    subscriptions->slots[slot] = subscription;
}

static void
fill_slots(struct vg_subscriptions *subscriptions)
{
    for (size_t i = 0; i < subscriptions->slots_size; i++) {
        subscriptions->slots[i] = NULL;
    }
    for (size_t i = 0; i < subscriptions->len; i++) {
        if (subscriptions->items[i]->mailbox != 0) {
            fill_slot(subscriptions, subscriptions->items[i]);
        }
    }
    subscriptions->latest = NULL;
}

static struct vg_subscription *
find_default(const struct vg_subscriptions *subscriptions)
{
    for (size_t i = 0; i < subscriptions->len; i++) {
        if (subscriptions->items[i]->is_default) {
            return subscriptions->items[i];
        }
    }
    return NULL;
}

struct vg_subscription *
vg_subscriptions_find(struct vg_subscriptions *subscriptions, uint32_t mailbox)
{
    size_t slot;

    if (subscriptions->latest != NULL && subscriptions->latest->mailbox == mailbox) {
        return subscriptions->latest;
    }
    if (mailbox == 0) {
        return find_default(subscriptions);
    }
    if (subscriptions->slots_size == 0) {
        return NULL;
    }
    slot = slot_of(subscriptions, mailbox);
    while (subscriptions->slots[slot] != NULL) {
        if (subscriptions->slots[slot]->mailbox == mailbox) {
            subscriptions->latest = subscriptions->slots[slot];
            return subscriptions->latest;
        }
        slot = (slot + 1) & (subscriptions->slots_size - 1);
    }
    return NULL;
}

// ---- more and fewer ----

// The slots are twice as many as the items, so that there is always an empty one.
static bool
grow(struct vg_subscriptions *subscriptions)
{
    size_t size = subscriptions->size == 0 ? ROOM_MIN : subscriptions->size * 2;
    struct vg_subscription **slots = calloc(size * 2, sizeof(struct vg_subscription *));
    void *items =
        reallocarray(subscriptions->items, size, sizeof(struct vg_subscription *));
    void *with_news;

    if (items != NULL) {
        subscriptions->items = items;
    }
    with_news =
        reallocarray(subscriptions->with_news, size, sizeof(struct vg_subscription *));
    if (with_news != NULL) {
        subscriptions->with_news = with_news;
    }
    if (slots == NULL || items == NULL || with_news == NULL) {
        free(slots);
        return false;
    }
    free(subscriptions->slots);
    subscriptions->slots = slots;
    subscriptions->slots_size = size * 2;
    subscriptions->size = size;
    fill_slots(subscriptions);
    return true;
}

struct vg_subscription *
vg_subscriptions_add(struct vg_subscriptions *subscriptions, uint32_t mailbox)
{
    struct vg_subscription *added;

    if (subscriptions->len == subscriptions->size && !grow(subscriptions)) {
        return NULL;
    }
    added = calloc(1, sizeof *added);
    if (added == NULL) {
        return NULL;
    }
    added->mailbox = mailbox;
    added->is_default = mailbox == 0;
    subscriptions->items[subscriptions->len++] = added;
    if (mailbox != 0) {
        fill_slot(subscriptions, added);
    }
    return added;
}

static size_t
remove_pointer(struct vg_subscription **pointers, size_t len,
               const struct vg_subscription *removed)
{
    size_t kept = 0;

    for (size_t i = 0; i < len; i++) {
        if (pointers[i] != removed) {
            pointers[kept++] = pointers[i];
        }
    }
    return kept;
}

void
vg_subscriptions_remove(struct vg_subscriptions *subscriptions,
                        struct vg_subscription *subscription)
{
    subscriptions->len =
        remove_pointer(subscriptions->items, subscriptions->len, subscription);
    subscriptions->with_news_len = remove_pointer(
        subscriptions->with_news, subscriptions->with_news_len, subscription);
    vg_cursor_end(&subscription->cursor);
    vg_refusals_end(&subscription->refusals);
    free(subscription);
    fill_slots(subscriptions);
}

void
vg_subscriptions_name(struct vg_subscriptions *subscriptions,
                      struct vg_subscription *subscription, uint32_t mailbox)
{
    subscription->mailbox = mailbox;
    fill_slots(subscriptions);
}

// ---- lists ----

struct vg_subscription *
vg_subscriptions_waiting(const struct vg_subscriptions *subscriptions)
{
    for (size_t i = 0; i < subscriptions->len; i++) {
        if (!subscriptions->items[i]->open) {
            return subscriptions->items[i];
        }
    }
    return NULL;
}

void
vg_subscriptions_list(struct vg_subscriptions *subscriptions,
                      struct vg_subscription *subscription)
{
    if (!subscription->listed) {
        subscription->listed = true;
        subscriptions->with_news[subscriptions->with_news_len++] = subscription;
    }
}

// ---- one of them ----

bool
vg_subscription_done(struct vg_subscription *subscription, uint64_t number)
{
    struct vg_refusals *refusals = &subscription->refusals;

    if (vg_numbers_take(&refusals->tried, number)) {
        return vg_numbers_add(&refusals->done, number);
    }
    return vg_cursor_done(&subscription->cursor, number);
}

void
vg_subscription_done_through(struct vg_subscription *subscription)
{
    uint64_t limit = vg_refusals_limit(&subscription->refusals);
    uint64_t asked = subscription->refusals.asked;

    vg_cursor_done_through(&subscription->cursor, asked < limit ? asked : limit);
}

bool
vg_subscription_was_given_again(const struct vg_subscription *subscription,
                                uint64_t number)
{
    return subscription->rewound.through != 0 && number < subscription->rewound.next;
}
