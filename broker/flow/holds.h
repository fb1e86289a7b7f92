// SPDX-License-Identifier: EUPL-1.2
// holds.h - what the loop knows of the table "held": about whom letters are held, and
// which of them is to be tried when.
//
// Memory: 32 bytes for each letter that is held and not parked (HELD_MAX of a mailbox),
// made anew from the table at start. Thread: event loop.
#ifndef FLOW_HOLDS_H
#define FLOW_HOLDS_H

#include "flow/apply.h"

struct holds;

// Gives: holds_free. Blocks: as long as reading the table takes.
NODISCARD enum vg_status holds_open(struct txn *txn, struct holds **ret_holds);
void holds_free(struct holds **holds);

// holds_take takes over what a commit changed.
void holds_take(struct holds *holds, const struct batch *batch);

// holds_expect says that a command is on its way to hold this letter: from now on those
// after it wait. holds_answered says that it was answered; a letter that it did not hold
// after all is forgotten.
void holds_expect(struct holds *holds, uint32_t mailbox,
                  const struct letter_about *letter);
void holds_answered(struct holds *holds, const struct command *command);

// holds_about: is a letter about this subject held in this mailbox, or about to be?
bool holds_about(const struct holds *holds, uint32_t mailbox, uint64_t subject);
// holds_first gives the first one's number; 0: none is.
uint64_t holds_first(const struct holds *holds, uint32_t mailbox, uint64_t subject);
size_t holds_len(const struct holds *holds, uint32_t mailbox);

// A letter whose moment has come.
struct due_letter {
    uint64_t number;
    uint64_t subject;
    int64_t due_us;
};

// holds_due gives letters to be tried now that are not on their way, at most max, those of
// the earliest moment first.
size_t holds_due(struct holds *holds, uint32_t mailbox, int64_t now_us,
                 struct due_letter *ret_due, size_t max);
// holds_sent says that one is on its way; it is due again only after a change.
void holds_sent(struct holds *holds, uint32_t mailbox, const struct due_letter *due);
// holds_rest says that nothing is on its way: the mailbox was opened anew.
void holds_rest(struct holds *holds, uint32_t mailbox);

// holds_next gives the mailboxes that have something to be tried, with its moment:
// INT64_MAX, it is on its way. *at begins at 0. False at the end.
bool holds_next(struct holds *holds, size_t *at, uint32_t *ret_mailbox,
                int64_t *ret_due_us);

#endif
