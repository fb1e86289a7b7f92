// SPDX-License-Identifier: EUPL-1.2
// sift.h - of the letters that wait in a mailbox, those that come first: a death before a
// change of address, whoever it is about; never before an earlier letter about the same
// person. And those that do not come at all, because a later one says the same anew
// (flow/repeats.h).
//
// The catalogue says what is urgent (`urgency` of a flow or a field). An urgent letter leaves
// the main sequence together with the earlier ones about its person, and they are sent like
// letters that come again (store/held.h), whose order is kept already. Thread: event loop.
#ifndef FLOW_SIFT_H
#define FLOW_SIFT_H

#include "flow/outflow.h"

enum { SIFT_LETTERS_MAX = 2000 }; // of those not sent yet: some milliseconds

struct sift_question {
    const struct outflow_view *view;
    const struct outflow *outflow; // of that mailbox; nothing of it changes
    const struct catalogue *catalogue;
    bool urgent_first;  // what the mailbox wants
    bool merge_repeats; //
};

// sift_urgency gives the urgency of a notification, 1 before 2; 0: none.
unsigned sift_urgency(const struct catalogue *catalogue,
                      const struct hot_content *content);

// sift_letters looks at all letters that were not sent yet, up to ret_through, and makes the
// command that takes the urgent ones out of their turn and merges repeats. Urgent ones about a person of whom a letter
// is in flight or held stay where they are. Nothing above ret_through may be sent before it
// was looked at: a later one may be urgent.
//
// Gives: a command, NULL when nothing is to change. Nothing may be sent until it is
// answered. Returns VG_OK, or why the store cannot be read.
NODISCARD enum vg_status sift_letters(const struct sift_question *question,
                                      uint64_t *ret_through,
                                      struct command **ret_command);

// sift_waits: must a letter that was taken out and never sent wait after all? Two numbers may
// have become one person since, and an earlier letter under the other one still comes in its
// turn. Reads letters only about somebody who has several numbers.
NODISCARD enum vg_status sift_waits(const struct outflow_view *view,
                                    const struct outflow *outflow,
                                    const struct due_letter *letter, bool *ret_waits);

#endif
