// SPDX-License-Identifier: EUPL-1.2
// session.h - one connection of a client, from its first message to its end.
//
// Sessions are found by their id, the counter in their routing id. Thread: event loop.
#ifndef EDGE_SESSION_H
#define EDGE_SESSION_H

#include "base/buffer.h"
#include "edge/door.h"
#include "edge/keys.h"
#include "edge/lane.h"

enum {
    SESSION_CLIENT_LEN = 64,
    SESSION_REQUESTS_MAX = 1000, // unanswered directory requests
    SESSION_OUTBOX_MAX = 4096,   // frames that wait because the peer does not read
};

enum session_state {
    SESSION_NEW,     // connected, no Hello yet
    SESSION_READY,   // may do what its role allows
    SESSION_LEAVING, // refused or revoked: nothing it sends counts, it is cut off soon
};

// A frame that could not be sent yet.
struct waiting_frame {
    struct waiting_frame *next;
    size_t len;
    uint8_t bytes[];
};

struct session {
    uint64_t id;
    struct session *next; // in the order of opening
    struct session *previous;
    struct door *door;
    enum session_state state;
    uint8_t route[ROUTE_LEN];
    size_t route_len;
    uint32_t key; // id in the key table
    uint32_t institution;
    uint32_t role; // bits of enum key_role
    char client[SESSION_CLIENT_LEN];
    struct far_end far_end;
    int64_t opened_us;
    int64_t seen_ms; // last frame from it
    int64_t said_ms; // last frame to it
    int64_t leave_ms;
    // what it may still send
    uint64_t unanswered_messages; // mutations
    uint64_t unanswered_bytes;
    uint32_t requests; // unanswered
    uint32_t violations;
    bool told_blocked;
    bool told_window;
    // counters since its opening
    uint64_t published; // mutations
    uint64_t delivered; // notifications
    // mailboxes it has open
    struct lane *lanes;
    struct lane *first_ready;
    struct lane *last_ready;
    bool in_delivery; // stands in the list of those to be served
    bool tells_stops; // a lane of its stops, and it was not told
    struct session *next_delivery;
    // what could not be sent yet
    struct waiting_frame *outbox;
    struct waiting_frame *outbox_last;
    size_t outbox_len;
    int64_t stalled_ms; // since when the peer takes nothing
};

struct sessions;

// Gives: sessions_free, which drops every session.
struct sessions *sessions_new(void);
void sessions_free(struct sessions **sessions);

// sessions_open makes a session for a routing id that route_session can read. CHECKs that
// its number is not in use. Lends: until sessions_drop.
struct session *sessions_open(struct sessions *sessions, struct door *door,
                              struct bytes route, uint32_t key);

// sessions_drop forgets a session, its outbox, and leaves its lanes.
void sessions_drop(struct sessions *sessions, struct session *session);

// sessions_find: NULL when that session is gone.
struct session *sessions_find(const struct sessions *sessions, uint64_t id);
struct session *sessions_first(const struct sessions *sessions); // then session->next
size_t sessions_len(const struct sessions *sessions);
size_t sessions_of_key(const struct sessions *sessions, uint32_t key);

// session_open_lane gives a mailbox to this session, away from whoever has it. Takes:
// outflow.
void session_open_lane(struct session *session, struct lane *lane,
                       struct outflow **outflow);
// session_close_lane gives it back.
void session_close_lane(struct lane *lane);

// session_note_ready puts a lane with something to send into its session's list;
// session_next_ready takes the first one off, NULL when there is none.
void session_note_ready(struct lane *lane);
struct lane *session_next_ready(struct session *session);

// The outbox: what the peer's full pipe did not take. Copies: frame. False: it is full.
NODISCARD bool session_keep_frame(struct session *session, struct bytes frame);
// session_drop_frame forgets the first one.
void session_drop_frame(struct session *session);

// route_session reads the session's id out of a routing id; false when the peer chose it.
//
// Normally ZAP gave it out (edge/zap.h) and it holds the key's id. When ZAP's answer is
// faster than ZeroMQ's reading of the client's own words, ZeroMQ forgets ours and counts one
// up itself (a zero and four bytes): then ret_key is 0, and the User-Id alone says who it is.
bool route_session(struct bytes route, uint64_t *ret_session, uint32_t *ret_key);

#endif
