// SPDX-License-Identifier: EUPL-1.2
// connection.h - a CURVE connection to one of the broker's doors that comes back by
// itself.
//
//   resting -> greeting (Hello sent) -> ready (Welcome came) -> resting ... or ended
//
// Each attempt has a fresh socket, so that Hello is the first frame of every connection
// and no frame of an earlier one follows it: ZeroMQ's own reconnecting would send what is
// left in its queue before we know of it. What must survive a connection is the owner's
// to keep and to send again.
#ifndef CLIENT_CONNECTION_H
#define CLIENT_CONNECTION_H

#include "hot/hot.h"
#include "vigie/v1/vigie.pb-c.h"
#include "vigie/vigie.h"

struct vg_connection;

// What the broker's Welcome granted.
struct vg_grant {
    uint32_t role;
    uint32_t heartbeat_ms;
    uint32_t window_messages;
    uint64_t window_bytes;
    uint32_t mutations_max;
    uint32_t message_bytes_max;
};

// What the owner of a connection does at its turns. All are called in the thread that is
// in vg_connection_run.
struct vg_connection_owner {
    // Welcome came: start over on this connection.
    void (*ready)(const struct vg_grant *grant, void *arg);
    // What was sent and not answered has to be sent again.
    void (*lost)(void *arg);
    // A frame came. Borrows: frame. Returns whether the caller of run will want to know.
    bool (*frame)(uint32_t kind, struct hot_bytes frame, struct hot_bytes body,
                  void *arg);
    // Does what is due at now_ms and sends what is waiting. NULL: nothing ever is.
    void (*work)(int64_t now_ms, void *arg);
    // When work has something to do: a moment, 0 for at once, VG_NEVER. NULL with work.
    int64_t (*due_at)(void *arg);
    // The broker said goodbye: is there nothing more to wait for?
    bool (*may_leave)(void *arg);
    void *arg;
};

// vg_connection_open starts the first attempt.
//
// Copies: address, owner. Gives: vg_connection_close. Blocks: no.
// Returns VG_OK, VG_MALFORMED (no such endpoint or key can be) or VG_NO_MEMORY.
enum vg_status vg_connection_open(const struct vg_address *address,
                                  const struct vg_connection_owner *owner,
                                  struct vg_connection **ret_connection,
                                  struct vg_error *error);
void vg_connection_close(struct vg_connection **connection);

// vg_connection_run takes turns: receives, keeps time, connects again. With a goal it
// ends as soon as goal(arg) is true, without one after a turn in which the owner had
// something.
//
// Blocks: up to timeout_ms; 0: one turn; -1: for ever.
// Returns VG_OK, VG_TIMED_OUT, VG_INTERRUPTED (a signal), VG_BUSY (called from a
// callback), or what ended the connection.
enum vg_status vg_connection_run(struct vg_connection *connection, int timeout_ms,
                                 bool (*goal)(void *arg), struct vg_error *error);

// vg_connection_begin opens a connection and runs it until goal(arg) is true: the first
// thing that every owner wants. *ret_connection is set, and to be closed, also when running
// failed; NULL when there is none.
enum vg_status vg_connection_begin(const struct vg_address *address,
                                   const struct vg_connection_owner *owner,
                                   bool (*goal)(void *arg), int timeout_ms,
                                   struct vg_connection **ret_connection,
                                   struct vg_error *error);

// vg_connection_end gives the connection up for good: run says this from now on.
void vg_connection_end(struct vg_connection *connection, const struct vg_error *fault);

// vg_connection_break drops this connection at the end of the turn; another one follows.
void vg_connection_break(struct vg_connection *connection, const char *reason);

// vg_connection_send sends one message. False: not connected, it has to be sent again.
bool vg_connection_send(struct vg_connection *connection,
                        const Vigie__V1__ToBroker *message);
bool vg_connection_send_bytes(struct vg_connection *connection, const uint8_t *at,
                              size_t len);

// vg_connection_probe sends a heartbeat of which vg_connection_echoed tells the return:
// all that was sent before it has arrived. Returns 0 when not connected.
uint64_t vg_connection_probe(struct vg_connection *connection);
bool vg_connection_echoed(const struct vg_connection *connection, uint64_t probe);

// vg_connection_is_running: in a callback of run.
bool vg_connection_is_running(const struct vg_connection *connection);
bool vg_connection_is_ready(const struct vg_connection *connection);
// vg_connection_is_open: frames can be sent, though perhaps only until the goodbye ends.
bool vg_connection_is_open(const struct vg_connection *connection);
// vg_connection_fault lends what ended it, or NULL.
const struct vg_error *vg_connection_fault(const struct vg_connection *connection);
int vg_connection_fd(const struct vg_connection *connection);
int vg_connection_due_ms(const struct vg_connection *connection);

#endif
