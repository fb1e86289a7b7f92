// SPDX-License-Identifier: EUPL-1.2
// tails.h - the newest letters of every mailbox, in memory.
//
// A tail holds the letters of the commits since the last fold; older ones are read from
// the backlog. Thread: event loop.
#ifndef FLOW_TAILS_H
#define FLOW_TAILS_H

#include "flow/apply.h"

struct tails;

// tails_open rebuilds the tails from the commits since the last fold: bounded by one fold
// interval, never by the backlog. A damaged one among them does not make it fail: mailboxes
// that miss letters by it give none from there on (VG_STORE_BROKEN), all others go on; but
// nothing can be folded any more until the store is repaired.
NODISCARD enum vg_status tails_open(struct txn *txn, struct tails **ret_tails,
                                    struct why *why);
void tails_free(struct tails **tails);
// tails_damage says in words what is damaged ("commit 7: ..."); NULL: nothing is.
const char *tails_damage(const struct tails *tails);
// tails_stopped_at gives the first letter that a mailbox misses by it; 0: none.
uint64_t tails_stopped_at(const struct tails *tails, uint32_t mailbox);

// tails_take adds what a commit posted; after a fold, first forgets what is older.
void tails_take(struct tails *tails, const struct batch *batch);
// tails_last gives the newest number taken since they were opened, or since the fold
// before that; 0: none (the mailbox's row knows better).
uint64_t tails_last(const struct tails *tails, uint32_t mailbox);
size_t tails_bytes(const struct tails *tails); // memory held

// tails_letters copies the letters with number >= from, at most max, from memory or
// backlog. VG_STORE_BROKEN: the first of them is in a damaged record or row.
NODISCARD enum vg_status tails_letters(const struct tails *tails, struct txn *txn,
                                       uint32_t mailbox, uint64_t from,
                                       struct letter *ret_letters, size_t max,
                                       size_t *ret_len);

#endif
