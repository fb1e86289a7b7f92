// SPDX-License-Identifier: EUPL-1.2
// outflow.h - from a mailbox to the session that has it open, within its window.
//
// An outflow is one mailbox opened by one session: it sends consecutive numbers as long
// as its window allows and remembers what is in flight. Thread: event loop.
#ifndef FLOW_OUTFLOW_H
#define FLOW_OUTFLOW_H

#include "base/buffer.h"
#include "flow/holds.h"
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

// Where letters come from. Borrows: everything, during one call.
struct outflow_view {
    const struct tails *tails;
    struct holds *holds; // NULL: nothing is held
    struct txn *txn;
    int64_t now_us;
    // Letters kept from this moment on are held back; 0: none, RULES_REST: all, those that
    // would be tried again too (values/mailbox_rules.h).
    int64_t hold_back_us;
    uint64_t through; // in their turn no more are sent; 0: as many as there are
    bool stands;      // a letter may stand for others as well (store/merged.h)
};

enum { OUTFLOW_PASSED_MAX = 256 };

// What one filling did.
struct outflow_turn {
    size_t sent; // notifications in the frame
    // Numbers that do not come in their turn: the client must hear of them before it sees
    // a number above them. Ascending, apart.
    struct number_range passed[OUTFLOW_PASSED_MAX];
    size_t passed_len;
    struct command *defer; // given: what makes last that they wait; NULL: none
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
// max_bytes is used up: first held letters whose moment has come, then those of the main
// sequence. One about a subject of whom another letter is held waits behind that one; a person
// is the same under each of his numbers.
// again_through: numbers up to it were sent before on another connection. The frame's
// bytes are a ToClient as they stand.
NODISCARD enum vg_status outflow_fill(struct outflow *outflow,
                                      const struct outflow_view *view,
                                      uint64_t again_through, size_t max_bytes,
                                      struct buffer *frame,
                                      struct outflow_turn *ret_turn);

// outflow_has_left: has a letter that was not sent yet left the main sequence?
bool outflow_has_left(const struct outflow *outflow, uint64_t number);
// outflow_flies: is a letter about this subject on its way?
bool outflow_flies(const struct outflow *outflow, uint64_t subject);

// outflow_pass says that a letter not sent yet has left the main sequence.
void outflow_pass(struct outflow *outflow, uint64_t number);

// outflow_acknowledge checks what a member acknowledged, frees its window at once and
// makes the command that makes it last. Numbers acknowledged before are passed over.
//
// Gives: a command, NULL when there was nothing new. Returns VG_OK; NOT_FOUND: a number
// that was never sent on this connection.
NODISCARD enum vg_status outflow_acknowledge(struct outflow *outflow,
                                             const struct hot_acknowledge *acknowledge,
                                             struct command **ret_command,
                                             struct why *why);

// What a member says of a letter that it cannot take.
struct refusal {
    uint64_t number;
    struct bytes reason; // copied
    uint32_t retry_after_ms;
    bool park;
};

// outflow_refuse frees the letter's window and makes the command that has it tried again
// or parked. Later ones in flight about the same subject wait behind it (refuse.later of the
// command, in order): the client must hear that as well. No mark passes any of them before
// the command is answered.
//
// Gives: a command, NULL when the letter is not in flight any more. Returns VG_OK;
// NOT_FOUND: it was never sent on this connection; or why the store cannot be read.
NODISCARD enum vg_status outflow_refuse(struct outflow *outflow,
                                        const struct outflow_view *view,
                                        const struct refusal *refusal,
                                        struct command **ret_command, struct why *why);

// outflow_answered says that a refusal or deferral is on disk: marks may pass its letters.
//
// Gives: the acknowledgement that waited for it, NULL: none did.
void outflow_answered(struct outflow *outflow, const struct command *answered,
                      struct command **ret_command);

#endif
