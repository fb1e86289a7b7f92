// SPDX-License-Identifier: EUPL-1.2
// outflow.h - from a mailbox to the session that has it open, within its window.
//
// An outflow is one mailbox opened by one session: it sends consecutive numbers as long
// as its window allows and remembers what is in flight. Thread: event loop.
#ifndef FLOW_OUTFLOW_H
#define FLOW_OUTFLOW_H

#include "base/buffer.h"
#include "flow/tails.h"

struct outflow;

struct outflow_state {
    uint32_t mailbox;
    uint64_t window_messages;
    uint64_t window_bytes;
    uint64_t in_flight_messages;
    uint64_t in_flight_bytes;
    uint64_t sent;         // newest number sent
    uint64_t acknowledged; // all up to here, as far as the loop knows
};

// outflow_open begins after what the mailbox has acknowledged on disk.
NODISCARD enum vg_status outflow_open(struct txn *txn, uint32_t mailbox,
                                      uint64_t window_messages, uint64_t window_bytes,
                                      struct outflow **ret_outflow);
// outflow_begin_after skips what another session acknowledged and the writer may not have
// committed yet: a fold would file none of it, and the numbers sent would jump.
void outflow_begin_after(struct outflow *outflow, uint64_t acknowledged);
void outflow_free(struct outflow **outflow);
struct outflow_state outflow_state(const struct outflow *outflow);
void outflow_set_window(struct outflow *outflow, uint64_t messages, uint64_t bytes);

// outflow_fill appends notifications to a frame until the window, the mailbox or
// max_bytes is used up, and returns how many. again_through: numbers up to it were sent
// before on another connection. Borrows: everything. The frame's bytes are a ToClient as
// they stand.
NODISCARD enum vg_status outflow_fill(struct outflow *outflow, const struct tails *tails,
                                      struct txn *txn, uint64_t again_through,
                                      size_t max_bytes, struct buffer *frame,
                                      size_t *ret_len);

// outflow_acknowledge checks what a member acknowledged, frees its window at once and
// makes the command that makes it last. Numbers acknowledged before are passed over.
//
// Gives: a command, NULL when there was nothing new. Returns VG_OK; NOT_FOUND: a number
// that was never sent on this connection.
NODISCARD enum vg_status outflow_acknowledge(struct outflow *outflow,
                                             const struct hot_acknowledge *acknowledge,
                                             struct command **ret_command,
                                             struct why *why);

#endif
