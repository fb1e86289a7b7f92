// SPDX-License-Identifier: EUPL-1.2
// witness_inside.h - what the witness's files share: it reads frames (witness.c), and knows
// when letters may come, which of them first (witness_noise.c), and which stand for others
// (witness_repeats.c).
#ifndef SIMULATION_WITNESS_INSIDE_H
#define SIMULATION_WITNESS_INSIDE_H

#include "witness.h"

// Of a letter, on the session that has the mailbox open.
enum {
    MARK_SENT = 1,     // in its turn
    MARK_ASKED = 2,    // acknowledged, or done with on disk when it was opened
    MARK_ANSWERED = 4, // acknowledged by any session of this life
    MARK_LEFT = 8, // given back, or behind one that was; held on disk when it was opened
    MARK_TRIED = 16, // on its way out of turn
    MARK_NAMED = 32, // in a Deferred
    MARK_BACK = 64,  // was tried, and the member has said what it makes of it
};

// witness_mark lends what was done with a letter.
uint8_t *witness_mark(struct watched *watched, uint64_t number);

// noise_check_letter: it may come now, at its mailbox's quiet hours and digest, and nothing
// that is more urgent waits. The loop knows all that the model knows.
void noise_check_letter(struct witness *witness, struct watched *watched,
                        const struct hot_notification *letter);
// repeats_check_letter: it says for which others it stands, and none waits that could stand for
// it. The loop knows all that the model knows.
void repeats_check_letter(struct witness *witness, struct watched *watched,
                          const struct hot_notification *letter);
// repeats_listed notes for which others a letter that is sent stands.
void repeats_listed(struct model_box *box, const struct hot_notification *letter);
// witness_looked_at: all up to here were looked at before this letter was sent.
uint64_t witness_looked_at(const struct watched *watched, const struct lane *lane,
                           uint64_t number);
// repeats_rest: no turn of the loop is under way.
void repeats_rest(struct witness *witness);
// repeats_paces: the loop looks at the rules of all mailboxes in the turn that begins.
void repeats_paces(struct witness *witness);
void repeats_look_at_counts(const struct witness *witness);
// noise_applied notes what of a batch was to come first and could not.
void noise_applied(struct watched *watched, const struct command *command);

#endif
