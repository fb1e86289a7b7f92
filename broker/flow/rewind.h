// SPDX-License-Identifier: EUPL-1.2
// rewind.h - letters of a mailbox that were acknowledged before, sent again on request.
//
// A rewind is a replay, not a change of the mailbox: it finds the letters in the journal,
// from a number or a time up to the mark, and sends them flagged "again" while the mailbox's
// outflow rests. What was held, parked, dropped or withdrawn and never acknowledged is not among them.
// It can go back as far as bodies are kept (store/meta.h, erased_commit). All of it works
// in slices: the journal is long. Thread: event loop.
#ifndef FLOW_REWIND_H
#define FLOW_REWIND_H

#include "flow/apply.h"

struct rewind;

// What to go back to: the letter `number`, or, when that is 0, all kept at time_us or later.
struct rewind_goal {
    uint64_t number;
    int64_t time_us;
};

enum rewind_phase {
    REWIND_SEARCHES, // walks back through the journal
    REWIND_FOUND,    // from and through are known; rewind_start begins to send
    REWIND_REFUSED,  // there is nothing to send, or not so far back: why
    REWIND_SENDS,
    REWIND_DONE, // all is sent; what is in flight may still be acknowledged
};

struct rewind_state {
    enum rewind_phase phase;
    uint64_t from; // the first number that is sent again
    uint64_t through;
    uint64_t in_flight_messages;
    uint64_t in_flight_bytes;
    struct why why;
};

// rewind_open begins a search; letters above the mark on disk are none of it. The window
// counts for the rewind alone. Gives: rewind_free.
NODISCARD enum vg_status rewind_open(struct txn *txn, uint32_t mailbox,
                                     struct rewind_goal goal, uint64_t window_messages,
                                     uint64_t window_bytes, struct rewind **ret_rewind);
void rewind_free(struct rewind **rewind);
struct rewind_state rewind_state(const struct rewind *rewind);

// rewind_search reads one slice of the journal; ask until the phase is another one.
NODISCARD enum vg_status rewind_search(struct rewind *rewind, struct txn *txn);
// rewind_start lets a rewind that was found send.
void rewind_start(struct rewind *rewind);

// rewind_fill appends notifications to a frame, as outflow_fill does, from at most one slice
// of the journal. ret_more: there may be more to send now, though the frame has room.
NODISCARD enum vg_status rewind_fill(struct rewind *rewind, struct txn *txn,
                                     size_t max_bytes, struct buffer *frame,
                                     size_t *ret_len, bool *ret_more);

// rewind_has_work says whether a slice of search or sending is due.
bool rewind_has_work(const struct rewind *rewind);

// rewind_acknowledge frees the window of what was sent again; there is nothing to make last.
void rewind_acknowledge(struct rewind *rewind, const struct hot_acknowledge *acknowledge);

#endif
