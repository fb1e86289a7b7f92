// SPDX-License-Identifier: EUPL-1.2
// broker.h - what the parts of the event loop share: doors, HTTP and timers all work on one
// struct broker. Thread: event loop, all of it.
//
// A turn is one callback of the loop. It reads the store through broker_txn and ends with
// broker_end_turn: the transaction rests, and no socket's edge is lost.
#ifndef EDGE_BROKER_H
#define EDGE_BROKER_H

#include <event2/event.h>

#include "edge/clock.h"
#include "edge/door.h"
#include "edge/keys.h"
#include "edge/lane.h"
#include "edge/metrics.h"
#include "edge/session.h"
#include "edge/settings.h"
#include "edge/writer.h"
#include "flow/outflow.h"
#include "rules/roster.h"

enum {
    BROKER_MAGIC = 0x76696769,
    BROKER_EXIT_UNKNOWN = 4, // the outcome of a commit is not known: verify, restart
    SESSION_VIOLATIONS_MAX = 3,
    SESSION_LEAVE_MS = 500, // between the last word to a client and the cut
};

// Why sources must wait (edge/block.h).
enum blocked_reason {
    BLOCKED_ROOM = 1,    // the store or its disk has no room: publishing is refused
    BLOCKED_DISK = 2,    // a commit takes longer than disk_slow_ms
    BLOCKED_WAITING = 4, // too many letters wait in all mailboxes: publishing is refused
};

struct walk;
struct zap;
struct http;
struct damages;
struct dry_running;
struct scrubber;

// How far retention is (edge/retention.h).
struct retention {
    uint64_t folded_commit; // whose fold the loop has taken
    int64_t next_ms;        // not before this moment
    bool proposed;          // a slice is on its way
    struct why told;        // damage that was told last, "": none
    struct why told_export; // the same of the folder of exports
};

// How far telling of integrations that end is (edge/lapsing.h).
struct lapsing {
    int32_t day;   // struct day: being walked for, or done
    uint64_t next; // where its next slice begins
    uint64_t slices;
    uint64_t warned;
    uint64_t ended;
    uint64_t followed;
    bool done;
    bool proposed; // a slice is on its way
};

// A round of looking for letters that nobody takes (edge/unread.h).
struct unread_round {
    size_t next;   // mailbox, by its index in the roster
    uint64_t seen; // mailboxes with such letters
};

// Acknowledgements that wait for a commit (edge/ride.h).
struct riding {
    struct event *timer;
    struct command *first;
    struct command **last;
    size_t len;
};

// The journal's daily anchor (edge/anchoring.h).
struct anchoring {
    bool signs;    // there is a key
    bool proposed; // one is on its way
    uint32_t day;  // yyyymmdd, the last one that was signed; 0: none
    uint8_t seed[ANCHOR_KEY_LEN];
};

struct broker {
    uint32_t magic;
    struct settings *settings;
    const char *settings_path; // for SIGHUP; NULL: none
    // machinery
    struct event_base *base;
    void *zmq;
    struct zap *zap;
    struct door *sources;
    struct door *members;
    struct http *http;      // NULL: none
    struct event *answers;  // a batch came back
    struct event *second;   // once a second
    struct event *pulse;    // heartbeats and silence, several times per heartbeat_ms
    struct event *resend;   // for peers that did not read
    struct event *delivery; // goes on with delivering in the next turn
    struct event *drain;    // are we done?
    struct event *search;   // goes on with searching for rewinds in the next turn
    struct event *retry;    // a held letter's moment has come
    // the state behind
    struct store *store;
    struct applier *applier; // the writer's; its catalogues are lent to the loop
    struct proposals *proposals;
    struct writer *writer;
    struct scrubber *scrubber; // NULL: none is wanted
    struct damages *damages;   // what was found damaged since the start
    // the loop's own view of the state
    struct txn *txn; // through broker_txn only
    bool txn_awake;
    struct roster *roster;
    const struct catalogue *catalogue; // NULL: none loaded yet
    struct tails *tails;
    struct holds *holds;
    struct keys *keys;
    struct sessions *sessions;
    struct lanes *lanes;
    uint64_t last_commit; // that the loop has seen
    // delivery: sessions with something to send, served in turn
    struct session *first_delivery;
    struct session *last_delivery;
    struct buffer frame; // scratch, empty between uses
    // switches
    unsigned blocked; // bits of enum blocked_reason; 0: sources need not wait
    bool draining;    // stopping
    bool fatal;       // the outcome of a commit is not known: nobody is answered
    bool fold_wanted; // something was posted or acknowledged since the last fold
    size_t unfolded;  // letters posted since then
    bool fold_proposed;
    struct retention retention;
    struct {
        bool wanted;   // letters of merged institutions may be left
        bool proposed; // a slice is on its way
    } merging;
    struct unread_round unread;
    struct {
        struct event *turn; // looks at the next slice
        struct walk *first;
        size_t len;
    } walks; // over the directory (edge/walks.h)
    struct lapsing lapsing;
    struct anchoring anchoring;
    uint64_t rewinds; // asked for since the start
    struct catching_up
        *catching_up; // requests that wait for a search (edge/catching_up.h)
    int exit_code;
    int64_t drain_ms; // when it began
    struct instant started;
    size_t proposed;      // commands not yet answered
    struct command *owed; // acknowledgements that found no room (edge/owed.h)
    struct command **owed_last;
    size_t owed_len;
    struct riding riding;
    struct store_room room;
    enum limits_level room_level; // of the store against its quota
    uint64_t waiting;             // letters in all mailboxes, of each at most its limit
    enum limits_level level;      // of all together
    size_t paced;                 // mailboxes with quiet hours or a digest
    size_t looked;                // the next mailbox whose oldest letter is looked at
    uint64_t slow_ms; // how long the slow commit took when last seen; 0: none is slow
    uint64_t unmeasured_bytes;       // written since
    struct dry_running *dry_running; // asked for over HTTP, NULL: none since the start
    struct flow_count flows[FLOW_IDS_MAX]; // since the start, by the flow's id
    uint64_t last_commit_us;               // how long the last batch with a commit took
    uint64_t last_commit_mutations;        // and how many it kept
};

// broker_open puts everything together: store, tails, keys, writer, catalogue, then the
// doors. With a catalogue file that differs from the one in force, that one is loaded first.
//
// Keeps: settings. Gives: broker_close. Blocks: yes, bounded by one fold interval's journal.
NODISCARD enum vg_status broker_open(struct settings *settings,
                                     struct broker **ret_broker, struct faults *faults);
// broker_run serves until it has drained or failed; returns the process's exit code.
int broker_run(struct broker *broker);
void broker_close(struct broker **broker);

// broker_drain begins to stop: nothing new is accepted, what is queued is finished and
// answered, then broker_run returns.
void broker_drain(struct broker *broker);
// broker_reload reads settings (those that may change), catalogue file and keys again.
void broker_reload(struct broker *broker);

// ---- for everybody in the loop ----

// dry_running_end lets go of a dry run (edge/http_dry_run.c), whatever it is doing.
void dry_running_end(struct dry_running **running);

// broker_txn gives the loop's read transaction, awake until broker_end_turn. When the store
// cannot be read any more (a commit has failed and the loop does not know yet), the process
// ends at once with BROKER_EXIT_UNKNOWN.
struct txn *broker_txn(struct broker *broker);
// broker_rest_txn lets the next broker_txn see the last commit.
void broker_rest_txn(struct broker *broker);
void broker_end_turn(struct broker *broker);

// broker_propose queues a command and sees that its answer gets back: to the session in
// command->back.session, or, when that is 0, to command->back.context, a struct
// answer_to (NULL: nobody waits). Takes: command.
void broker_propose(struct broker *broker, struct command **command);

// Who waits for an answer that goes to no session. It must live until `answered` is called,
// once, in a later turn of the loop; when the broker ends before that, never.
struct answer_to {
    void (*answered)(const struct command *command, void *arg); // Borrows: command
    void *arg;
};

// broker_send sends one frame to a session, or keeps it until the peer reads again. The
// session may be gone afterwards (false).
bool broker_send(struct broker *broker, struct session *session, struct bytes frame);
// broker_send_frame sends what stands in broker->frame, and empties it.
bool broker_send_frame(struct broker *broker, struct session *session);
// broker_refuse tells a session that something it sent was refused.
bool broker_refuse(struct broker *broker, struct session *session, enum vg_status status,
                   const char *sentence);
// broker_violation notes a frame that breaks the protocol; too many end the session.
void broker_violation(struct broker *broker, struct session *session,
                      enum vg_status status, const char *sentence);
// broker_dismiss refuses, takes its mailboxes away, and cuts it off a moment later.
void broker_dismiss(struct broker *broker, struct session *session, enum vg_status status,
                    const char *sentence);
// broker_kill cuts a session off at once and forgets it.
void broker_kill(struct broker *broker, struct session *session, const char *reason);

#endif
