// SPDX-License-Identifier: EUPL-1.2
// vigie.h - the C client library: publish mutations, receive notifications, keep the
// reference directory.
//
// Three handles: struct vg_publisher for sources, struct vg_subscriber for those who
// receive, struct vg_caller for questions with an answer. Each owns one CURVE connection
// and reconnects by itself.
//
// Threads: a handle belongs to the thread that uses it; different handles may live in
// different threads. Callbacks run inside vg_*_process (and settle, subscribe), in the
// caller's thread, and may call any function of the same handle except _close; those that
// process return VG_BUSY there.
// Blocking: only functions with a timeout block, and no longer than it. 0: not at all;
// -1: for ever. A signal ends the wait with VG_INTERRUPTED.
// Loops of others: vg_*_fd is readable when vg_*_process has something to do; also call
// process when vg_*_due_ms has passed. The fd is edge-triggered by nature: after any call on
// the handle look at vg_*_due_ms again (0: call process now).
// Memory: frames of up to 256 KiB are allocated and freed all the time. A program that sends or
// receives some hundred thousand a second spends a tenth less when its malloc keeps them
// (mallopt: M_TRIM_THRESHOLD, M_MMAP_THRESHOLD).
// Errors: enum vg_status and, where asked, a sentence in struct vg_error.
#ifndef VIGIE_VIGIE_H
#define VIGIE_VIGIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vigie/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(VIGIE_BUILD)
#define VG_PUBLIC __attribute__((visibility("default")))
#else
#define VG_PUBLIC
#endif

struct vg_error {
    enum vg_status status;
    char sentence[160]; // names field and value
};

// A view of bytes; not zero-terminated.
struct vg_bytes {
    const char *at;
    size_t len;
};

// ---- keys ----

enum { VG_KEY_TEXT_LEN = 41 }; // Z85 with its zero

// vg_key_make draws a new CURVE key pair. Blocks: no.
VG_PUBLIC enum vg_status vg_key_make(char ret_public[VG_KEY_TEXT_LEN],
                                     char ret_secret[VG_KEY_TEXT_LEN]);

// Where a broker is and who is calling.
struct vg_address {
    const char *endpoint; // "tcp://127.0.0.1:7461"; the sources' or the members' door
    const char *broker_public; // Z85
    const char *own_public;    // Z85
    const char *own_secret;    // Z85
    const char *program;       // for the broker's log; NULL: this library's name
};

// vg_address_load reads a key file made by `vigie institution add`: lines "name: value" with
// endpoint_sources, endpoint_members, broker_public, public, secret. One of `vigie keygen` has
// the last two; `vigie institution key --public` prints the others.
//
// door: "sources" or "members". Gives: an address in one allocation (vg_address_free).
VG_PUBLIC enum vg_status vg_address_load(const char *path, const char *door,
                                         struct vg_address **ret_address,
                                         struct vg_error *error);
VG_PUBLIC void vg_address_free(struct vg_address **address);

// ---- mutations and notifications ----

struct vg_field {
    struct vg_bytes code;
    struct vg_bytes value;
};

enum { VG_FIELDS_MAX = 64 };

// What a source reports. Days are yyyymmdd, month and day may be 00; 0 is "none".
struct vg_mutation {
    struct vg_bytes flow;
    struct vg_bytes id;
    struct vg_bytes recipient;
    struct vg_bytes replaces; // ticket of an earlier mutation, in digits
    struct vg_bytes cancels;  // the same
    struct vg_bytes answers;  // ticket of a notification that this one answers
    uint64_t niss;
    uint64_t new_niss;
    uint64_t enterprise;
    uint32_t occurred;
    uint32_t period_begin;
    uint32_t period_end;
    uint32_t reference_year;
    size_t fields_len;
    struct vg_field fields[VG_FIELDS_MAX];
};

// What lies in a mailbox. Borrowed during the callback. The content is read on demand:
// vg_notification_mutation.
struct vg_notification {
    uint32_t mailbox;
    uint64_t number; // 1, 2, 3 ... per mailbox
    uint64_t ticket;
    uint64_t niss;         // under which the source knows him
    uint64_t current_niss; // the number in force, where niss was replaced before; else 0
    uint64_t enterprise;   // 0: it is about a person
    uint64_t kept_at_us;
    struct vg_bytes flow;
    struct vg_bytes source;
    uint32_t withheld; // fields removed because this institution may not see them
    bool again;        // sent before on another connection
    uint32_t attempt;  // 0: in its turn; otherwise out of turn, and one more than it was
                       // refused: it comes again, or waited behind one about its person
    bool justified;    // the next three are set
    uint32_t quality;
    uint32_t begin;          // yyyymmdd
    uint32_t end;            // yyyymmdd, 99991231 for ever
    struct vg_bytes content; // wire bytes of Content
    // Delivered after its time, because an integration was extended or opened: the ticket of
    // that request; or because it was merged into one that was cancelled: the ticket of that
    // cancellation; else 0. And how many fields that may have been for it are kept no more.
    uint64_t caught_up;
    uint32_t lost;
    // It stands for so many earlier ones as well, which do not come, because the mailbox
    // wants repeats merged: vigie mailbox rules. Their tickets: vg_notification_merged.
    uint32_t merged_len;
    struct vg_bytes merged; // as on the wire
    struct vg_bytes id;     // the source's own reference
};

// vg_notification_mutation reads the mutation's own fields out of a notification; the
// views last as long as the notification. Any thread.
VG_PUBLIC enum vg_status
vg_notification_mutation(const struct vg_notification *notification,
                         struct vg_mutation *ret_mutation);

// vg_notification_merged gives the ticket of the i-th notification for which this one stands,
// in the order in which they were kept; i is below merged_len. Any thread.
VG_PUBLIC uint64_t vg_notification_merged(const struct vg_notification *notification,
                                          uint32_t i);

// ---- publisher ----

struct vg_publisher;

// How one mutation ended: kept (VG_OK, VG_REPEATED), refused (any other with remedy
// "sender"), or unknown (VG_UNKNOWN: the publisher was closed before an answer; publish the
// same number again to learn it). Called once for each number, in order.
typedef void (*vg_outcome_fn)(uint64_t number, enum vg_status status, uint64_t ticket,
                              const char *sentence, void *arg);

// One of the source's mutations that at least one institution has not taken for so long that
// the broker parked it there. Which one it is stays with the broker's operators.
struct vg_undelivered {
    uint64_t ticket;
    const char *flow;
    const char *id;        // the source's own reference, "": none
    const char *recipient; // on addressed flows, else ""
    const char *reason;    // "unread for 90 days"
    uint64_t kept_at_us;
    uint64_t since_us; // it left its turn
};

// What lies parked: told after each connection, and when it happens. Borrowed during the
// call. more: the broker has others that it did not name.
typedef void (*vg_undelivered_fn)(const struct vg_undelivered *mutations, size_t len,
                                  bool more, void *arg);

struct vg_publisher_options {
    uint32_t producer;             // 1, 2, 3 ...: a source may have several
    uint32_t batch_max;            // mutations per frame; 0: 500
    uint32_t window_messages;      // unanswered at most; 0: what the broker grants
    vg_outcome_fn outcome;         // may be NULL
    vg_undelivered_fn undelivered; // may be NULL
    void *arg;
};

// vg_publisher_open connects and learns the last number the broker has of this producer.
// Blocks: up to timeout_ms. Gives: vg_publisher_close.
// Returns VG_OK, VG_TIMED_OUT, VG_KEY_UNKNOWN, VG_KEY_REVOKED, VG_WRONG_ROLE, VG_MALFORMED.
VG_PUBLIC enum vg_status vg_publisher_open(const struct vg_address *address,
                                           const struct vg_publisher_options *options,
                                           int timeout_ms,
                                           struct vg_publisher **ret_publisher,
                                           struct vg_error *error);

// vg_publisher_next gives the number the next mutation will have.
VG_PUBLIC uint64_t vg_publisher_next(const struct vg_publisher *publisher);

// vg_publish appends a mutation and gives it the next number. It is sent when its frame is
// full, by flush, or by process once fewer than two frames wait for their answer. It is kept
// in memory and sent again after a reconnect under the same number until it is answered.
// Copies: the mutation. Blocks: no.
// Returns VG_OK; VG_BUSY when the window is full (process, then try again); VG_MALFORMED,
// VG_TOO_LARGE, VG_TOO_MANY when it can never be sent (no number is used).
VG_PUBLIC enum vg_status vg_publish(struct vg_publisher *publisher,
                                    const struct vg_mutation *mutation,
                                    uint64_t *ret_number, struct vg_error *error);

// vg_publisher_flush sends what is waiting for a full frame. Blocks: no.
VG_PUBLIC enum vg_status vg_publisher_flush(struct vg_publisher *publisher);

// vg_publisher_process reads answers, calls outcome, reconnects, resends, sends heartbeats.
// Blocks: up to timeout_ms, until something was answered.
// Returns VG_OK when something was done, VG_TIMED_OUT, or what ended the connection for good
// (VG_KEY_UNKNOWN, VG_KEY_REVOKED, VG_WRONG_ROLE; VG_GAP: the broker forgot numbers it had
// answered; VG_EXISTS: somebody else publishes under this producer).
VG_PUBLIC enum vg_status vg_publisher_process(struct vg_publisher *publisher,
                                              int timeout_ms, struct vg_error *error);

// vg_publisher_settle flushes and processes until all is answered. Blocks: up to timeout_ms.
VG_PUBLIC enum vg_status vg_publisher_settle(struct vg_publisher *publisher,
                                             int timeout_ms, struct vg_error *error);

VG_PUBLIC size_t vg_publisher_unanswered(const struct vg_publisher *publisher);
VG_PUBLIC bool
vg_publisher_blocked(const struct vg_publisher *publisher); // broker said so
VG_PUBLIC int vg_publisher_fd(const struct vg_publisher *publisher);
VG_PUBLIC int vg_publisher_due_ms(const struct vg_publisher *publisher);
// vg_publisher_close ends it; unanswered mutations get outcome VG_UNKNOWN first.
VG_PUBLIC void vg_publisher_close(struct vg_publisher **publisher);

// ---- subscriber ----

struct vg_subscriber;

// Called for each notification in order of its number. Return true to acknowledge it, false
// to keep it for vg_acknowledge later.
typedef bool (*vg_notification_fn)(const struct vg_notification *notification, void *arg);

// What became of a refused letter.
enum vg_held_state {
    VG_HELD_GONE,   // it was acknowledged or handled meanwhile
    VG_HELD_RETRY,  // comes again at due_at_us (microseconds, UTC) or later
    VG_HELD_BEHIND, // comes again after those before it about the same person
    VG_HELD_PARKED, // asked for, refused too often, or too many are held: waits for a hand
};

// Called once for each refusal, when it is on the broker's disk. refusals: so far.
typedef void (*vg_held_fn)(uint32_t mailbox, uint64_t number, enum vg_held_state state,
                           uint32_t refusals, uint64_t due_at_us, void *arg);

struct vg_subscriber_options {
    uint32_t window_messages; // unacknowledged at most, per mailbox; 0: 10,000
    uint64_t window_bytes;    // likewise; 0: 4 MiB
    vg_notification_fn notification;
    void *arg;
    vg_held_fn held; // may be NULL
};

// vg_subscriber_open connects. Blocks: up to timeout_ms. Gives: vg_subscriber_close.
VG_PUBLIC enum vg_status vg_subscriber_open(const struct vg_address *address,
                                            const struct vg_subscriber_options *options,
                                            int timeout_ms,
                                            struct vg_subscriber **ret_subscriber,
                                            struct vg_error *error);

// vg_subscribe opens a mailbox; 0 is the institution's default one. Blocks: up to
// timeout_ms for the broker's word. An operator's key may open any mailbox.
VG_PUBLIC enum vg_status vg_subscribe(struct vg_subscriber *subscriber, uint32_t mailbox,
                                      int timeout_ms, struct vg_error *error);

// vg_acknowledge notes that this one and all before it are done with; sent by process, or
// at once by vg_subscriber_flush. Durable: when the broker has committed it; until then a
// notification may come again after a reconnect, with its number.
VG_PUBLIC enum vg_status vg_acknowledge(struct vg_subscriber *subscriber,
                                        uint32_t mailbox, uint64_t through);
// A letter that came out of turn (attempt) is acknowledged by its own number only.
// vg_acknowledge_one notes that this one alone is done with.
VG_PUBLIC enum vg_status vg_acknowledge_one(struct vg_subscriber *subscriber,
                                            uint32_t mailbox, uint64_t number);

// Why a letter cannot be taken, and what is to happen with it.
struct vg_refusal {
    const char *reason;     // for whoever looks after it; printable, at most 200 bytes
    uint32_t retry_after_s; // 0: the broker's own growing pauses; at most 10,800
    bool park;              // do not try it again: somebody looks after it by hand
};

// vg_refuse gives a letter back that cannot be taken now: it comes again later, with
// attempt set, or is parked. Until then no later letter about the same person (or
// enterprise) is given to the application, unless it is parked; letters about others are.
// Call it from the notification callback, whose result then does not count, or later with
// a copy of the notification (its views are not read).
// Copies: both. Blocks: no. Durable: when options.held is called; when the connection is
// lost before that, the refusal is sent again.
// Returns VG_OK; VG_NOT_FOUND: the mailbox is not open or it never came; VG_TOO_LARGE,
// VG_MALFORMED: the reason or the pause; VG_DISCONNECTED: it came out of turn and will come
// again.
VG_PUBLIC enum vg_status vg_refuse(struct vg_subscriber *subscriber,
                                   const struct vg_notification *notification,
                                   const struct vg_refusal *refusal,
                                   struct vg_error *error);

VG_PUBLIC enum vg_status vg_subscriber_flush(struct vg_subscriber *subscriber);

// vg_subscriber_process receives, calls back, acknowledges, reconnects and subscribes again.
// A gap in a mailbox's numbers, or numbers that begin anew, are VG_MALFORMED and end the
// connection: they must not happen.
VG_PUBLIC enum vg_status vg_subscriber_process(struct vg_subscriber *subscriber,
                                               int timeout_ms, struct vg_error *error);

// What to go back to: a letter's number, or, when that is 0, all kept at this moment or later.
struct vg_rewind_goal {
    uint64_t number;
    uint64_t time_us; // since 1970, UTC
};

// vg_rewind has letters of an open mailbox sent again that were acknowledged before: from the
// goal up to what is acknowledged now, as far back as the broker keeps contents. They come to
// `notification` in their order, with `again` set, before any that is not on its way yet; one
// that does not come was never acknowledged. Acknowledging them lets the next ones come and
// changes nothing in the mailbox. A reconnect ends it: ask again.
// Blocks: up to timeout_ms for the broker's word; letters may come meanwhile.
// Returns VG_OK and the numbers between which they lie; VG_NOT_FOUND: the mailbox is not
// open, there is nothing to send, or not so far back (the sentence says how far);
// VG_DISCONNECTED; VG_TIMED_OUT.
VG_PUBLIC enum vg_status vg_rewind(struct vg_subscriber *subscriber, uint32_t mailbox,
                                   struct vg_rewind_goal goal, int timeout_ms,
                                   uint64_t *ret_from, uint64_t *ret_through,
                                   struct vg_error *error);

VG_PUBLIC int vg_subscriber_fd(const struct vg_subscriber *subscriber);
VG_PUBLIC int vg_subscriber_due_ms(const struct vg_subscriber *subscriber);
// vg_subscriber_close sends what is noted as acknowledged, waits up to 2 s for it to leave.
VG_PUBLIC void vg_subscriber_close(struct vg_subscriber **subscriber);

// ---- caller: the reference directory ----

struct vg_caller;

VG_PUBLIC enum vg_status vg_caller_open(const struct vg_address *address, int timeout_ms,
                                        struct vg_caller **ret_caller,
                                        struct vg_error *error);
VG_PUBLIC void vg_caller_close(struct vg_caller **caller);

enum vg_verdict { VG_YES, VG_NO, VG_WARNING };

struct vg_proof {
    const char *identity_card; // NULL: none
    const char *social_card;
    const char *last_name;
    const char *first_name;
    uint32_t birth_date; // yyyymmdd, may be partial; 0 none
};

struct vg_integrate_item {
    uint64_t niss;
    uint32_t quality;
    uint32_t begin;
    uint32_t end; // 0: the longest the code allows
    struct vg_proof proof;
    const char *institution; // an operator acts for it; NULL: the call's
    // What changed in the last two months while he was not followed comes as well. One that is
    // extended without a gap catches up without being asked.
    bool catch_up;
};

struct vg_item_result {
    enum vg_verdict verdict;
    uint32_t end; // that was given
    size_t faults_len;
    const struct vg_error *faults; // all that is wrong; of VG_WARNING: what wants a look
    uint32_t overlaps;             // integrations of others of the sector in its days
    uint32_t caught_up;            // mutations that are delivered after their time
    uint32_t consult;              // others, which are not kept: ask their source
};

struct vg_integration {
    uint32_t sector;
    const char *institution; // "" at the primary level
    uint32_t quality;
    uint32_t begin;
    uint32_t end;
    uint32_t item; // integrate: which item it overlaps, counted from 0
    uint64_t niss; // vg_list_integrations: whose; else 0
};

enum { VG_CHOICES_MAX = 128, VG_QUALITIES_MAX = 64 };

struct vg_choice {
    const char *flow;
    size_t qualities_len; // 0: all
    uint32_t qualities[VG_QUALITIES_MAX];
};

struct vg_mailbox {
    uint32_t mailbox;
    const char *name;
    uint64_t last;
    uint64_t acknowledged;
    uint64_t waiting;
    size_t choices_len; // 0: everything
    const struct vg_choice *choices;
    uint64_t held;   // of those that wait: refused, or behind a refused one
    uint64_t parked; // wait for a hand: vg_list_parked
};

// A letter that is tried no more until somebody handles it.
struct vg_parked {
    uint64_t number;
    uint32_t refusals;
    uint64_t since_us; // when it left its turn
    const char
        *actor; // institution that refused or handled it last; "": the broker itself
    const char *reason;
    const char *flow; // "": its content cannot be read
    uint64_t niss;
    uint64_t enterprise;
    uint64_t ticket;
};

// What a source has published of one flow.
struct vg_source {
    const char *institution;
    const char *flow;
    uint64_t last_us;      // its newest mutation; 0: none ever was
    uint32_t rhythm_hours; // silent for longer is worth a look
    bool late;             // it is, or was never heard
};

enum { VG_DIGEST_BYTES = 16 };

// How many integrations of one quality, and the sum of their hashes modulo 2^128, its first
// byte counting least. Each is a line "66641066692 030 20261120 20271119" (person, quality, first and
// last day, 99991231 for ever), its hash BLAKE2b of 16 bytes: a list of one's own gives the same
// in any order. Who has a short one can find out whom it is about: no log may have it.
struct vg_holding {
    uint32_t quality; // 0 at the general level
    uint64_t count;
    uint8_t digest[VG_DIGEST_BYTES];
};

// An answer. Everything in it is lent until vg_reply_free.
struct vg_reply {
    uint64_t ticket;
    enum vg_verdict verdict;
    size_t results_len;
    const struct vg_item_result *results; // one per item
    size_t integrations_len;
    const struct vg_integration *integrations;
    size_t niss_chain_len;
    const uint64_t *niss_chain; // oldest first
    size_t mailboxes_len;
    const struct vg_mailbox *mailboxes;
    size_t parked_len;
    const struct vg_parked *parked; // in order of number
    size_t sources_len;
    const struct vg_source *sources;
    size_t holdings_len;
    const struct vg_holding *holdings; // of the part that this reply tells
    uint64_t next; // vg_list_integrations: go on from this person; 0: that was all
};

VG_PUBLIC void vg_reply_free(struct vg_reply **reply);

// Each call sends one question and waits for its answer. Blocks: up to timeout_ms. Gives:
// vg_reply_free. VG_OK means that there is an answer: read its verdict. institution: NULL,
// or for an operator the code of whom it acts for. Durable: integrate, remove and
// add_mailbox and handle_parked are on disk when they return VG_OK with verdict VG_YES or VG_WARNING.
// VG_TIMED_OUT and VG_DISCONNECTED: not known; all are safe to repeat.
VG_PUBLIC enum vg_status vg_integrate(struct vg_caller *caller, const char *institution,
                                      const struct vg_integrate_item *items,
                                      size_t items_len, int timeout_ms,
                                      struct vg_reply **ret_reply,
                                      struct vg_error *error);
VG_PUBLIC enum vg_status vg_remove(struct vg_caller *caller, const char *institution,
                                   uint64_t niss, uint32_t quality, uint32_t begin,
                                   uint32_t end, int timeout_ms,
                                   struct vg_reply **ret_reply, struct vg_error *error);

enum vg_level { VG_LEVEL_ALL, VG_LEVEL_PRIMARY, VG_LEVEL_SECONDARY };

VG_PUBLIC enum vg_status vg_consult(struct vg_caller *caller, uint64_t niss,
                                    const struct vg_proof *proof, enum vg_level level,
                                    int timeout_ms, struct vg_reply **ret_reply,
                                    struct vg_error *error);
VG_PUBLIC enum vg_status vg_history(struct vg_caller *caller, uint64_t niss,
                                    int timeout_ms, struct vg_reply **ret_reply,
                                    struct vg_error *error);
VG_PUBLIC enum vg_status vg_add_mailbox(struct vg_caller *caller, const char *name,
                                        const struct vg_choice *choices,
                                        size_t choices_len, int timeout_ms,
                                        struct vg_reply **ret_reply,
                                        struct vg_error *error);
VG_PUBLIC enum vg_status vg_list_mailboxes(struct vg_caller *caller, int timeout_ms,
                                           struct vg_reply **ret_reply,
                                           struct vg_error *error);

// vg_list_sources says when each source was heard last, of the flows of which something is
// expected: silence is not the same as no change.
VG_PUBLIC enum vg_status vg_list_sources(struct vg_caller *caller, int timeout_ms,
                                         struct vg_reply **ret_reply,
                                         struct vg_error *error);

// Which integrations, and what of them.
struct vg_list {
    const char *institution; // NULL: the caller's own; an operator may name another
    uint32_t sector;         // or, for an operator: the general level's view of a sector
    uint32_t quality;        // 0: all
    uint32_t since;          // yyyymmdd: without those that ended before; 0: with them
    uint64_t from;           // persons with numbers from this one on
    uint64_t through;        // and up to this one; 0: the last
    uint32_t max; // ends after the person with whom so many are found; 0: at no number
    bool rows;    // the integrations too; then max is at most 1,000, and 0 is 1,000
};

// vg_list_integrations tells which integrations the directory holds of an institution: a count
// and a digest by quality (holdings), with rows also each (integrations, in order of
// persons). The walk tells each person as he is when it comes by. A reply may end anywhere: ask
// on from its `next`, until that is 0, and add up. Asking for rows stands in the broker's
// journal.
VG_PUBLIC enum vg_status vg_list_integrations(struct vg_caller *caller,
                                              const struct vg_list *list, int timeout_ms,
                                              struct vg_reply **ret_reply,
                                              struct vg_error *error);

// vg_list_parked lists parked letters of a mailbox (0: the default one) with numbers of at
// least `from`; a member's own, an operator's any. A reply may hold fewer than there are: ask
// on after its last one, until none comes. max: at most 1,000; 0: 100.
VG_PUBLIC enum vg_status vg_list_parked(struct vg_caller *caller, uint32_t mailbox,
                                        uint64_t from, uint32_t max, int timeout_ms,
                                        struct vg_reply **ret_reply,
                                        struct vg_error *error);

enum vg_parked_act { VG_PARKED_RETRY, VG_PARKED_DROP };

// vg_handle_parked has parked letters tried again at once, or drops them for good: all, or
// none if one is not parked. reason: for the journal, beside who asked; a drop needs one.
VG_PUBLIC enum vg_status vg_handle_parked(struct vg_caller *caller, uint32_t mailbox,
                                          const uint64_t *numbers, size_t numbers_len,
                                          enum vg_parked_act act, const char *reason,
                                          int timeout_ms, struct vg_reply **ret_reply,
                                          struct vg_error *error);

#ifdef __cplusplus
}
#endif
#endif
