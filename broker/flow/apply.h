// SPDX-License-Identifier: EUPL-1.2
// apply.h - the only code that changes state.
//
// apply(batch, time) reads no clock, no socket and no random number: the same batches on
// the same store give the same bytes. One batch is one LMDB transaction, one journal
// record and one sync: atomic for everything in it. Thread: the writer's, all of it.
#ifndef FLOW_APPLY_H
#define FLOW_APPLY_H

#include "flow/command.h"
#include "rules/retry.h"
#include "store/journal.h"
#include "store/mailbox.h"

// A letter that a commit put into a mailbox.
struct posted {
    uint32_t mailbox;
    struct letter letter;
};

// What a commit changed in the table "held" (store/held.h).
struct held_change {
    uint32_t mailbox;
    enum held_state state; // HELD_GONE: acknowledged or dropped
    uint64_t number;
    uint64_t subject;
    int64_t due_us;
};

// What waits in a mailbox that a batch has changed.
struct mailbox_fill {
    uint32_t mailbox;
    uint64_t messages;
    uint64_t bytes;
};

// What happened to the mutations of one flow.
struct flow_count {
    uint64_t published; // kept
    uint64_t matched;   // of them, with at least one notification
    uint64_t notifications;
    uint64_t withheld; // fields, over all notifications
    uint64_t refused;
};

// letter_of reads a letter out of the journal.
struct letter letter_of(const struct journal_recipient *recipient);

// Commands on their way through one commit, and what the loop must know afterwards.
struct batch {
    uint64_t id;         // of this node, counted from 1; meta remembers the last applied
    struct instant time; // apply uses the later of this and the last commit's
    bool test_persons;   // fictitious numbers are accepted
    struct retry_rule retry; // of refused letters; zeros: the defaults
    bool no_room; // the store is at its quota: publishing and integrating are refused
    bool crowded; // too many letters wait in all mailboxes: publishing is refused
    struct command *first;
    struct command *last;
    size_t len;
    size_t bytes;
    bool moves; // letters of merged institutions: that goes first
    // results, good once apply_batch has returned VG_OK
    uint64_t commit;       // 0: nothing had to be written
    struct posted *posted; // in order
    size_t posted_len;
    size_t posted_size;
    struct held_change *held; // in order
    size_t held_len;
    size_t held_size;
    struct mailbox_fill *fills; // of each mailbox once
    size_t fills_len;
    size_t fills_size;
    uint32_t *unwanted; // default mailboxes whose institution did not want a notification
    size_t unwanted_len;
    size_t unwanted_size;
    struct cancelled_pair *pairs; // of mailboxes that want neither of them
    size_t pairs_len;
    size_t pairs_size;
    bool folded; // letters of commits before this one are in the backlog
    struct roster
        *roster; // a fresh copy when institutions or mailboxes changed, else NULL
    const struct catalogue *catalogue; // when another one is in force, else NULL
    bool keys_changed;
    struct {
        uint64_t mutations, refused, repeated, matched, unmatched, notifications,
            withheld;
        uint64_t bytes_written, commit_us;
    } count;
    struct flow_count flows[FLOW_IDS_MAX]; // by the flow's id; 0: the flow is not known
};

void batch_add(struct batch *batch, struct command *command); // takes the command
void batch_free(struct batch **batch);                        // and its commands

struct applier;

// applier_open loads what the writer keeps in memory: meta, institutions, mailboxes, the
// catalogue in force. Keeps: store. Gives: applier_close.
NODISCARD enum vg_status applier_open(struct store *store, struct applier **ret_applier,
                                      struct why *why);
void applier_close(struct applier **applier);

// apply_batch applies every command in order and commits once.
//
// Durable: everything that the answers say, when it returns VG_OK. Answers are filled in
// on VG_OK only. Blocks: for the sync. Returns VG_OK; with anything else, VG_UNKNOWN,
// VG_STORE_BROKEN or VG_NO_MEMORY (reading again what a batch that was given up has
// changed): answer nobody, end the process. A full store is not an error here: publishing and
// integrating get STORE_FULL, the rest of the batch is done.
NODISCARD enum vg_status apply_batch(struct applier *applier, struct batch *batch,
                                     struct why *why);

// What the loop takes over at start: copies, and the catalogue (lent, lives as long as
// the applier; NULL: none loaded yet).
struct roster *applier_roster(const struct applier *applier);
const struct catalogue *applier_catalogue(const struct applier *applier);

#endif
