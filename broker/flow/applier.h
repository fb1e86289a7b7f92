// SPDX-License-Identifier: EUPL-1.2
// applier.h - what the steps of apply share: the writer's memory and the open transaction.
//
// For apply.c and the steps' own files only.
// Every step returns VG_OK when the command has its answer, be it a refusal; another status
// means the store failed and the whole batch is given up.
#ifndef FLOW_APPLIER_H
#define FLOW_APPLIER_H

#include "flow/apply.h"
#include "flow/replace.h"
#include "rules/match.h"
#include "store/bodies.h"
#include "store/journal.h"
#include "store/person_walk.h"
#include "store/registry.h"

// A mailbox's row, read once and written when a batch has changed it.
//
// What a letter touches lies in the first of its four cache lines.
struct box {
    bool loaded;
    bool dirty;
    bool told;      // the journal tells it as a row
    uint32_t waits; // during a fold: its last letter there that waits, counted from 1
    struct mailbox_row row;
    uint64_t trimmed;       // the backlog holds no row wholly below it
    struct mailbox_row was; // at the beginning of the batch
};

struct boxes {
    struct box *box;
    size_t size;
};

// What was heard of a source in one flow; written at the end of the batch.
struct note {
    uint32_t source;
    uint16_t flow;
    struct heard heard;
};

// A merged institution's mailbox in which letters wait, and its successor's (flow/merge.h).
struct emptying {
    uint32_t from;
    uint32_t to;
};

// A cancellation that was owed to a mailbox (flow/unmerge.h).
struct cancelled {
    uint64_t by; // its ticket
    uint64_t of;
    uint32_t was; // whose mailbox it was when that was published
    uint32_t mailbox;
};

struct applier {
    struct store *store;
    struct meta meta;
    uint64_t found_commit; // the last one there was when it was opened
    struct roster *roster;
    struct catalogue *catalogue; // in force, NULL: none yet
    uint64_t catalogue_version;  // of it
    struct catalogue **retired;  // earlier ones: the loop may still read them
    size_t retired_len;
    struct boxes boxes[2]; // default mailboxes by id, further ones by id - EXTRA_FIRST
    struct note *heard;    // of the flows published in this batch
    size_t heard_len;
    size_t heard_last; // found
    size_t heard_size;
    struct due *ends; // of persons whose numbers the Publish under way replaces
    size_t ends_len;
    size_t ends_size;
    struct cancelled *cancels; // of the Publish under way
    size_t cancels_len;
    size_t cancels_size;
    uint32_t *dirty; // mailboxes changed in this batch
    size_t dirty_len;
    size_t dirty_size;
    struct grant *grants; // GRANTS_MAX
    struct emptying *emptying;
    size_t emptying_len;

    // while a batch is applied
    struct txn *txn;
    struct batch *batch;
    struct instant now;
    struct day today;
    struct body_writer bodies;
    struct buffer record;  // the journal's
    struct buffer owed;    // of one correction
    uint64_t *walking;     // WALK_MAX: numbers of Publishes' persons
    struct walked *walked; // what was read ahead of each
    size_t record_empty;   // its length without items
    bool changed;          // something beside the journal
    bool by_rows;          // the command's changes of mailboxes are told as rows
    bool meta_told;        // meta is told as a row
    struct meta was;       // at the beginning of the batch
    bool tight;            // the store was full: what can wait does
    bool roster_changed;
};

// applier_box gives a mailbox's row to change; it is written at the end of the batch.
NODISCARD enum vg_status applier_box(struct applier *applier, uint32_t mailbox,
                                     struct mailbox_row **ret_row);
// applier_open_box is the same, with what is known beside the row.
NODISCARD enum vg_status applier_open_box(struct applier *applier, uint32_t mailbox,
                                          struct box **ret_box);

// applier_hint_box fetches a mailbox's row towards the cache.
void applier_hint_box(const struct applier *applier, uint32_t mailbox);

// applier_put_boxes writes the rows that changed.
NODISCARD enum vg_status applier_put_boxes(struct applier *applier);

// applier_hear notes that a mutation was kept (heard.c); applier_put_heard writes what was
// noted, a row for each source and flow of the batch.
NODISCARD enum vg_status applier_hear(struct applier *applier, uint32_t source,
                                      uint16_t flow, uint64_t ticket);
NODISCARD enum vg_status applier_put_heard(struct applier *applier);

// applier_each_box calls back for every mailbox whose row is in memory, in order.
typedef enum vg_status (*box_fn)(struct applier *applier, uint32_t mailbox,
                                 struct box *box, void *arg);
NODISCARD enum vg_status applier_each_box(struct applier *applier, box_fn each,
                                          void *arg);

// applier_ticket gives the next ticket.
uint64_t applier_ticket(struct applier *applier);

// applier_put_person writes a person's integrations and keeps the directory's counts.
NODISCARD enum vg_status applier_put_person(struct applier *applier, struct niss niss,
                                            size_t before,
                                            const struct integration *integrations,
                                            size_t len);

// applier_move_person moves what follows a number to the one that replaces it.
// replacement_check has been asked.
NODISCARD enum vg_status applier_move_person(struct applier *applier, struct niss old,
                                             struct niss new);

// applier_notify puts a notification of the broker's own into the mailboxes of one
// institution that want it, with a ticket and an event in the journal of source 0 (roster_source).
NODISCARD enum vg_status applier_notify(struct applier *applier,
                                        const struct judged *judged,
                                        const struct grant *grant);

// applier_begin_lapses says, while the directory is empty, that what was due up to today is
// told: whoever comes later has heard his end in an answer, or was told by whoever the
// directory was taken over from.
NODISCARD enum vg_status applier_begin_lapses(struct applier *applier);

// applier_note_before_move notes what the walk under way would not find any more, or find
// twice, when these two numbers become one person; applier_tell_noted tells it when the Publish
// is done with: the tickets of its mutations follow one another.
NODISCARD enum vg_status applier_note_before_move(struct applier *applier,
                                                  struct niss old, struct niss new);
NODISCARD enum vg_status applier_tell_noted(struct applier *applier);

// applier_retire_catalogue keeps the one in force for those who may still read it.
void applier_retire_catalogue(struct applier *applier);

// applier_append puts a letter at the end of a mailbox, of which it gets number and
// bytes_through, and tells the loop. The journal is the caller's to tell.
NODISCARD enum vg_status applier_append(struct applier *applier, uint32_t mailbox,
                                        struct letter *letter);

// know_mailbox puts a stored mailbox into a roster (the argument).
bool know_mailbox(const struct spec_row *row, void *roster);

// refuse notes a fault of the whole request; the first one is the command's status.
void refuse(struct command *command, enum vg_status status, const char *format, ...)
    PRINTF_LIKE(3, 4);

// The steps, one per kind of command.
NODISCARD enum vg_status publish_mutations(struct applier *applier,
                                           struct command *command);
// publish_stands says how far a refused Publish was answered before.
NODISCARD enum vg_status publish_stands(struct applier *applier, struct command *command);
NODISCARD enum vg_status tell_last_number(struct applier *applier,
                                          struct command *command);
NODISCARD enum vg_status acknowledge_letters(struct applier *applier,
                                             struct command *command);
NODISCARD enum vg_status refuse_letter(struct applier *applier, struct command *command);
NODISCARD enum vg_status defer_letters(struct applier *applier, struct command *command);
NODISCARD enum vg_status advance_letters(struct applier *applier,
                                         struct command *command);
NODISCARD enum vg_status retry_parked(struct applier *applier, struct command *command);
NODISCARD enum vg_status drop_parked(struct applier *applier, struct command *command);
NODISCARD enum vg_status integrate_persons(struct applier *applier,
                                           struct command *command);
NODISCARD enum vg_status remove_integration(struct applier *applier,
                                            struct command *command);
NODISCARD enum vg_status consult_person(struct applier *applier, struct command *command);
NODISCARD enum vg_status tell_history(struct applier *applier, struct command *command);
// note_question says in the journal who asks who got what about a person, and gives the
// person's numbers: the rest is read (flow/knew.h).
NODISCARD enum vg_status note_question(struct applier *applier, struct command *command);
NODISCARD enum vg_status add_mailbox(struct applier *applier, struct command *command);
NODISCARD enum vg_status set_limits(struct applier *applier, struct command *command);
NODISCARD enum vg_status set_rules(struct applier *applier, struct command *command);
NODISCARD enum vg_status add_institution(struct applier *applier,
                                         struct command *command);
NODISCARD enum vg_status add_key(struct applier *applier, struct command *command);
NODISCARD enum vg_status revoke_key(struct applier *applier, struct command *command);
NODISCARD enum vg_status load_catalogue(struct applier *applier, struct command *command);
NODISCARD enum vg_status fold_letters(struct applier *applier, struct command *command);
NODISCARD enum vg_status load_persons(struct applier *applier, struct command *command);
NODISCARD enum vg_status expire_old(struct applier *applier, struct command *command);
NODISCARD enum vg_status tell_lapses(struct applier *applier, struct command *command);
NODISCARD enum vg_status note_rewind(struct applier *applier, struct command *command);
NODISCARD enum vg_status note_list(struct applier *applier, struct command *command);
NODISCARD enum vg_status withdraw_letters(struct applier *applier,
                                          struct command *command);
NODISCARD enum vg_status plan_merger(struct applier *applier, struct command *command);
NODISCARD enum vg_status move_letters(struct applier *applier, struct command *command);
NODISCARD enum vg_status keep_anchor(struct applier *applier, struct command *command);

#endif
