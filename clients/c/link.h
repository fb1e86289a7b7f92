// SPDX-License-Identifier: EUPL-1.2
// link.h - the sockets of one attempt to reach the broker, and one descriptor that tells
// when either has something.
//
// A DEALER under CURVE, and beside it a monitor, which says why a connection did not come
// about or ended. Each attempt has fresh ones (connection.h says why); the descriptor stays.
#ifndef CLIENT_LINK_H
#define CLIENT_LINK_H

#include <stdbool.h>

#include <zmq.h>

#include "vigie/vigie.h"

enum {
    VG_ATTEMPT_MS = 10 * 1000, // from connect to Welcome
};

struct vg_link {
    void *context;
    void *dealer;  // NULL: closed
    void *monitor; // lives as long
    int epoll_fd;  // both sockets' descriptors, and none while closed
    int dealer_fd;
    int monitor_fd;
};

// What became of the connection.
enum vg_link_event {
    VG_LINK_QUIET, // nothing
    VG_LINK_LOST,
    VG_LINK_NOBODY, // listens there
    VG_LINK_NO_HANDSHAKE,
    VG_LINK_KEY_UNKNOWN,
    VG_LINK_KEY_REVOKED,
    VG_LINK_KEY_LATER, // not taken yet
};

// vg_link_init makes one that is closed. Whatever it returns, vg_link_end ends it.
// Returns VG_OK or VG_NO_MEMORY.
enum vg_status vg_link_init(struct vg_link *link, struct vg_error *error);
void vg_link_end(struct vg_link *link);

// vg_link_open begins to connect. Borrows: address. Blocks: no.
// Returns VG_OK, VG_MALFORMED (no such endpoint or key can be) or VG_NO_MEMORY; the link is
// closed then.
enum vg_status vg_link_open(struct vg_link *link, const struct vg_address *address,
                            struct vg_error *error);

// vg_link_close drops the connection; what was sent has linger_ms to leave.
void vg_link_close(struct vg_link *link, int linger_ms);

// vg_link_send takes a frame of an open link. False: it cannot be sent. Blocks: no.
bool vg_link_send(struct vg_link *link, zmq_msg_t *frame);

// vg_link_receive puts the next frame into ret_frame. False: there is none. Blocks: no.
bool vg_link_receive(struct vg_link *link, zmq_msg_t *ret_frame);

// vg_link_event takes the next event. Blocks: no.
enum vg_link_event vg_link_event(struct vg_link *link);

// vg_link_has_input: a frame or an event is there.
bool vg_link_has_input(const struct vg_link *link);

#endif
