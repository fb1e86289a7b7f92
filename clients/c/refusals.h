// SPDX-License-Identifier: EUPL-1.2
// refusals.h - of one mailbox: letters that the application refused and the broker has not
// confirmed yet, later ones about the same person that came before it could stop them, and
// letters that came out of turn.
//
// A refusal is sent again when its letter comes again on another connection: until it is
// confirmed the letter is neither done nor given back.
#ifndef CLIENT_REFUSALS_H
#define CLIENT_REFUSALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vigie/vigie.h"

enum { VG_REASON_MAX = 200 };

struct vg_pending {
    uint64_t number;
    uint64_t subject; // person, or enterprise with the highest bit
    uint32_t attempt; // 0: the letter came in its turn
    uint32_t retry_after_s;
    bool park;
    char reason[VG_REASON_MAX + 1];
};

struct vg_numbers {
    uint64_t *at;
    size_t len;
    size_t size;
};

struct vg_refusals {
    struct vg_pending *pending;
    size_t pending_len;
    size_t pending_size;
    struct vg_numbers withheld; // came, and were not given to the application
    struct vg_numbers tried;    // came out of turn, and are not done
    struct vg_numbers done;     // of them, to be told
    uint64_t asked;             // the application is done with all up to here
};

void vg_refusals_end(struct vg_refusals *refusals);

// vg_refusals_add and vg_numbers_add return false without memory.
bool vg_refusals_add(struct vg_refusals *refusals, const struct vg_pending *pending);
bool vg_numbers_add(struct vg_numbers *numbers, uint64_t number);
bool vg_numbers_have(const struct vg_numbers *numbers, uint64_t number);
bool vg_numbers_take(struct vg_numbers *numbers, uint64_t number); // was it there?

// vg_refusals_find: NULL when that letter is not being refused.
struct vg_pending *vg_refusals_find(struct vg_refusals *refusals, uint64_t number);
// vg_refusals_hold says whether an earlier letter about the same subject is being refused.
bool vg_refusals_hold(const struct vg_refusals *refusals, uint64_t number,
                      uint64_t subject);
// vg_refusals_settle forgets the letters first to last: the broker holds them.
void vg_refusals_settle(struct vg_refusals *refusals, uint64_t first, uint64_t last);
// vg_refusals_lost forgets what counts on one connection only.
void vg_refusals_lost(struct vg_refusals *refusals);
// vg_refusals_limit gives the last number that may be done with everything before it.
uint64_t vg_refusals_limit(const struct vg_refusals *refusals);

// vg_subject_of tells whom a notification is about.
uint64_t vg_subject_of(const struct vg_notification *notification);

#endif
