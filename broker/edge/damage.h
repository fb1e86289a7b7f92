// SPDX-License-Identifier: EUPL-1.2
// damage.h - what was found damaged in the store since the start, by delivering or by the
// scrub (edge/scrubber.h), and which mailboxes it stops. Each is told once in the log, and
// stays in the list until the broker ends: only a stopped store can be repaired. Thread:
// event loop.
#ifndef EDGE_DAMAGE_H
#define EDGE_DAMAGE_H

#include "edge/broker.h"

enum { DAMAGES_MAX = 1000 }; // more are counted and told, not kept

struct damage {
    uint32_t mailbox; // 0: none in particular
    uint64_t number;  // of its first letter that cannot be read
    int64_t found_us; // moment
    struct why why;   // "letter 17: block 3: its checksum does not hold"
};

struct damages;

// Gives: damages_free.
struct damages *damages_new(void);
void damages_free(struct damages **damages);
// damages_add gives false when that is known already: a mailbox by its first letter,
// anything else by its words.
bool damages_add(struct damages *damages, const struct damage *damage);
// damages_at lends the i-th found, NULL past the end; damages_of the one of a mailbox,
// NULL: none. Until the next one is added.
const struct damage *damages_at(const struct damages *damages, size_t i);
const struct damage *damages_of(const struct damages *damages, uint32_t mailbox);
size_t damages_len(const struct damages *damages); // found, kept or not

// damage_found notes it and tells it once in the log. mailbox 0: none in particular.
void damage_found(struct broker *broker, uint32_t mailbox, uint64_t number,
                  const char *words);
// damage_describe says in words why a letter cannot be read; leaves them when it can.
void damage_describe(struct broker *broker, uint32_t mailbox, uint64_t number,
                     struct why *why);

// damage_note_tails notes what opening the tails found; damage_watch takes what the scrub
// has found since the last look, once a second.
void damage_note_tails(struct broker *broker);
void damage_watch(struct broker *broker);

#endif
