// SPDX-License-Identifier: EUPL-1.2
// check_inside.h - what the sources of check.h share: one check while it runs.
#ifndef STORE_CHECK_INSIDE_H
#define STORE_CHECK_INSIDE_H

#include "store/check.h"
#include "store/counted.h"
#include "store/exchanges.h"
#include "store/mailbox.h"
#include "store/store_internal.h"

// One mailbox: what its rows say, and what the journal says.
struct recount {
    struct mailbox_id mailbox;
    struct mailbox_row row;
    struct number_range *ranges;
    size_t ranges_len;
    struct counted counted;
    uint64_t waiting;    // found, each with a readable body
    uint64_t unreadable; // found, without one
    uint64_t unreadable_first;
    uint64_t held; // found in the table "held", parked ones apart
    uint64_t held_bytes;
    uint64_t parked;
    uint64_t parked_bytes;
    bool no_row; // the journal knows it, the mailboxes do not
};

// Entries of the index by person: those that the journal says, those that are there.
struct entries {
    uint64_t len;
    uint64_t sum; // of checksums, whatever their order
};

struct check {
    struct txn *txn;
    struct check_report *report;
    struct meta meta;
    struct recount *recounts; // in order of mailbox
    size_t recounts_len;
    size_t recounts_size;
    bool journal_holds; // every record so far could be read: recounts are complete
    uint64_t replaced;  // persons whose number was
    uint64_t subjects;  // letters that are held and not parked
    struct exchange_progress indexed;
    struct entries said;
    struct entries there;
    struct buffer of_record; // struct exchange ..., of the record that is read
    struct buffer anchors;   // struct anchor ..., in order of day
    size_t next_anchor;      // bytes of those whose commit was passed
    check_progress_fn progress;
    void *arg;
    uint64_t steps;
    uint64_t steps_all;
};

// found says what does not hold, in words.
#define found(check, ...)                                                                \
    faults_add(&(check)->report->faults, VG_STORE_BROKEN, 0, __VA_ARGS__)

typedef unsigned long long number; // as %llu wants it

// check_step counts one more row, for the progress.
void check_step(struct check *check);

// ---- check_mailboxes.c ----

// check_load_mailboxes reads what the mailboxes' rows say.
NODISCARD enum vg_status check_load_mailboxes(struct check *check, struct why *why);
void check_free_mailboxes(struct check *check);
// check_recount lends what is known of a mailbox, until the next one. One that only the
// journal knows is named once, not with each of its letters.
struct recount *check_recount(struct check *check, uint64_t commit, uint32_t mailbox);
// check_letter reads the body of a letter, if it waits.
void check_letter(struct check *check, struct recount *recount, uint64_t letter,
                  uint64_t address, uint32_t size);
void check_held(struct check *check);
// check_mailboxes compares rows with what the journal said: after check_journal and
// check_held.
void check_mailboxes(struct check *check);

// ---- check_journal.c ----

void check_journal(struct check *check); // with its chain and its anchors
void check_exchanges(struct check *check);
void check_blocks(struct check *check);

#endif
