// SPDX-License-Identifier: EUPL-1.2
#include "refusals.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_MIN = 8 };

#define ENTERPRISE (UINT64_C(1) << 63)

void
vg_refusals_end(struct vg_refusals *refusals)
{
    free(refusals->pending);
    free(refusals->withheld.at);
    free(refusals->tried.at);
    free(refusals->done.at);
    *refusals = (struct vg_refusals){0};
}

// ---- numbers ----

bool
vg_numbers_add(struct vg_numbers *numbers, uint64_t number)
{
    if (vg_numbers_have(numbers, number)) {
        return true;
    }
    if (numbers->len == numbers->size) {
        size_t size = numbers->size * 2 + ROOM_MIN;
        uint64_t *at = reallocarray(numbers->at, size, sizeof *at);

        if (at == NULL) {
            return false;
        }
        numbers->at = at;
        numbers->size = size;
    }
    numbers->at[numbers->len++] = number;
    return true;
}

bool
vg_numbers_have(const struct vg_numbers *numbers, uint64_t number)
{
    for (size_t i = 0; i < numbers->len; i++) {
        if (numbers->at[i] == number) {
            return true;
        }
    }
    return false;
}

static bool
keep_outside(struct vg_numbers *numbers, uint64_t first, uint64_t last)
{
    size_t kept = 0;
    size_t len = numbers->len;

    for (size_t i = 0; i < len; i++) {
        if (numbers->at[i] < first || numbers->at[i] > last) {
            numbers->at[kept++] = numbers->at[i];
        }
    }
    numbers->len = kept;
    return kept < len;
}

bool
vg_numbers_take(struct vg_numbers *numbers, uint64_t number)
{
    return keep_outside(numbers, number, number);
}

// ---- refusals ----

bool
vg_refusals_add(struct vg_refusals *refusals, const struct vg_pending *pending)
{
    if (refusals->pending_len == refusals->pending_size) {
        size_t size = refusals->pending_size * 2 + ROOM_MIN;
        struct vg_pending *grown = reallocarray(refusals->pending, size, sizeof *grown);

        if (grown == NULL) {
            return false;
        }
        refusals->pending = grown;
        refusals->pending_size = size;
    }
    refusals->pending[refusals->pending_len++] = *pending;
    return true;
}

struct vg_pending *
vg_refusals_find(struct vg_refusals *refusals, uint64_t number)
{
    for (size_t i = 0; i < refusals->pending_len; i++) {
        if (refusals->pending[i].number == number) {
            return &refusals->pending[i];
        }
    }
    return NULL;
}

bool
vg_refusals_hold(const struct vg_refusals *refusals, uint64_t number, uint64_t subject)
{
    for (size_t i = 0; i < refusals->pending_len; i++) {
        const struct vg_pending *pending = &refusals->pending[i];

        if (!pending->park && pending->subject == subject && pending->number < number) {
            return true;
        }
    }
    return false;
}

static void
keep_pending(struct vg_refusals *refusals, uint64_t first, uint64_t last, bool tried)
{
    size_t kept = 0;

    for (size_t i = 0; i < refusals->pending_len; i++) {
        const struct vg_pending *pending = &refusals->pending[i];
        bool gone = tried ? pending->attempt > 0
                          : pending->number >= first && pending->number <= last;

        if (!gone) {
            refusals->pending[kept++] = *pending;
        }
    }
    refusals->pending_len = kept;
}

void
vg_refusals_settle(struct vg_refusals *refusals, uint64_t first, uint64_t last)
{
    keep_pending(refusals, first, last, false);
    (void)keep_outside(&refusals->withheld, first, last);
}

void
vg_refusals_lost(struct vg_refusals *refusals)
{
    refusals->tried.len = 0;
    refusals->done.len = 0;
    keep_pending(refusals, 0, 0, true);
}

uint64_t
vg_refusals_limit(const struct vg_refusals *refusals)
{
    uint64_t limit = UINT64_MAX;

    for (size_t i = 0; i < refusals->pending_len; i++) {
        const struct vg_pending *pending = &refusals->pending[i];

        if (pending->attempt == 0 && pending->number - 1 < limit) {
            limit = pending->number - 1;
        }
    }
    for (size_t i = 0; i < refusals->withheld.len; i++) {
        if (refusals->withheld.at[i] - 1 < limit) {
            limit = refusals->withheld.at[i] - 1;
        }
    }
    return limit;
}

uint64_t
vg_subject_of(const struct vg_notification *notification)
{
    return notification->niss != 0         ? notification->niss
           : notification->enterprise != 0 ? ENTERPRISE | notification->enterprise
                                           : 0;
}
