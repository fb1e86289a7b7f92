// SPDX-License-Identifier: EUPL-1.2
// journal.h - the commits table: what happened, in order, hash-chained. It is the journal
// and the log at once; nothing is logged twice.
//
//  table "commits", key: u64 BE (commit << 16 | part), value: at most JOURNAL_PART_MAX
//  bytes. A record, its parts put together:
//
//    u64 commit | u64 batch | i64 time_us | u64 length of items | u8 previous[32] |
//    items ... | u8 hash[32]
//
//  hash = BLAKE2b-256(previous, everything before the hash). An item:
//
//    u8 kind | u8 zero | u16 length of what follows | bytes: one of the structs below,
//    an event followed by its `recipients` structs journal_recipient, an acknowledgement
//    by a struct journal_marked (since schema 2)
//
//  A record is complete: with the bodies of its commit, the store as it was before becomes
//  the store as it was after (flow/replay.h). What the items do not say in words stands in
//  the record as the row itself, JOURNAL_ROW: every row put or erased in a table that
//  STORE_TABLES marks ROWS, the mailboxes that journal_mailbox names, and meta whenever
//  more of it changed than events tell. Rows are the last ones of their commit, whatever
//  the order of the items.
//
//  All structs are little-endian, without holes.
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "base/buffer.h"
#include "base/checksum.h"
#include "store/mailbox.h"

enum {
    JOURNAL_PART_MAX = 65512,
    JOURNAL_RECIPIENTS_MAX = 1300,
    JOURNAL_OWED_MAX = 4000,
};

enum journal_kind {
    // struct journal_event, recipients (more of them: further EVENTs, same ticket)
    JOURNAL_EVENT = 1,
    JOURNAL_REFUSAL = 2,     // struct journal_refusal: a mutation that was refused
    JOURNAL_ACKNOWLEDGE = 3, // struct journal_acknowledge
    JOURNAL_DIRECTORY =
        4,             // struct journal_directory: integrate, remove, consult, history
    JOURNAL_ADMIN = 5, // struct journal_admin, then text: who did what
    JOURNAL_FOLD = 6,  // struct journal_fold
    // struct journal_held, then its reason: a row of the table "held" is as it says from
    // now on, or, after JOURNAL_DROP, gone.
    JOURNAL_REFUSE_LETTER = 7, // its institution refused it
    JOURNAL_DEFER = 8,         // it waits behind another one about the same person
    JOURNAL_RETRY = 9,         // its turn has come, or a hand gave it another try
    JOURNAL_PARK = 10,         // by its institution, a limit or the broker
    JOURNAL_DROP = 11,         // by hand, after it was parked
    // struct journal_row, then its key and a piece of its value
    // struct journal_correction, then `owed` structs journal_owed: before the event of a
    // mutation that replaces or cancels an earlier one (more of them: further items)
    JOURNAL_CORRECTION = 15,
    // struct journal_unwanted: before the event of its ticket
    JOURNAL_UNWANTED = 17,
    // struct journal_merged: before the acknowledgement of the letter that was merged
    JOURNAL_MERGED = 18,
    // struct journal_withdrawn: two letters that left the main sequence and are not delivered
    JOURNAL_WITHDRAWN = 19,
    JOURNAL_ROW = 20,
    JOURNAL_REPLACE = 21, // struct journal_replace, after the event that says so
    // struct journal_moved: the body of a letter that still waits was copied to a fresh
    // block; the copy's turn to be erased comes with this commit's
    JOURNAL_MOVED = 13,
    JOURNAL_EXPIRED = 14, // struct journal_expired: what retention let go
    JOURNAL_INDEXED = 16, // struct journal_indexed: a run of the table "exchanges"
    // struct journal_loaded: a part of a directory that came whole; its rows stand nowhere
    // else
    JOURNAL_LOADED = 30,
};

// Why a letter has an event of its own, beside that of its mutation. Then `number` is the
// ticket under which that was published.
enum journal_again {
    AGAIN_NOT,   // it is the mutation itself
    AGAIN_MOVED, // of an institution that was merged, put into its successor's mailbox
    AGAIN_CAUGHT, // put there after its time (flow/catch_up.h, unmerge.h); `producer` is by how
                  // much the ticket that led to it comes before the event's own
};

struct journal_event {
    uint64_t ticket;
    uint64_t niss;   // 0 on flows keyed by enterprise
    uint64_t number; // of the producer
    // Institution; 0: this broker itself, which tells that an integration ends. Then number
    // and producer are 0 as well: nobody published it.
    uint32_t source;
    uint32_t producer;
    uint32_t catalogue; // version it was matched with
    uint16_t flow;
    uint16_t recipients;   // that follow
    uint16_t fields;       // in the mutation
    uint16_t withheld_all; // 1: somebody matched but may see none of its fields
    uint32_t again;        // enum journal_again
};

// journal_event_of_ticket gives the ticket under which an event's mutation was published.
static inline uint64_t
journal_event_of_ticket(const struct journal_event *event)
{
    return event->again == AGAIN_NOT ? event->ticket : event->number;
}

// journal_event_because gives the ticket of the request, or of the cancellation, that a caught
// up letter owes its place to, 0: it is none.
static inline uint64_t
journal_event_because(const struct journal_event *event)
{
    return event->again == AGAIN_CAUGHT ? event->ticket - event->producer : 0;
}

struct journal_recipient {
    uint64_t number;        // in the mailbox
    uint64_t body;          // address, store/bodies.h
    uint64_t bytes_through; // struct letter, store/mailbox.h
    uint32_t mailbox;
    uint32_t institution;
    uint32_t size;     // bytes of the body
    uint16_t quality;  // of the integration that justifies it, 0: none was asked
    uint16_t withheld; // fields
    int32_t begin;
    int32_t end;
};

// What a correction corrects, and which of its recipients got that: they are owed the
// correction.
struct journal_correction {
    uint64_t ticket; // its own
    uint64_t of;     // of the first
    uint16_t act;    // enum correction_act
    uint16_t owed;   // that follow
    uint32_t reserved;
};

// The integration that justified the first, ended or not. quality 0: none was asked.
struct journal_owed {
    uint32_t mailbox;
    uint16_t quality;
    uint16_t only; // 1: nothing else lets the correction through
    int32_t begin;
    int32_t end;
};

// An institution that would have got a mutation by an integration, and none of whose
// mailboxes wants the flow for that quality.
struct journal_unwanted {
    uint64_t ticket;
    uint64_t niss; // 0 on flows keyed by enterprise
    uint32_t institution;
    uint32_t source;
    uint32_t catalogue; // version it was matched with
    uint16_t flow;
    uint16_t quality; // of the integration, 0: none was asked
    int32_t begin;
    int32_t end;
};

// A letter that does not come: a later one of its mailbox stands for it (store/merged.h).
struct journal_merged {
    uint64_t ticket; // of its mutation, not of the letter's own event
    uint64_t niss;   // 0 on flows keyed by enterprise
    uint64_t number; // in the mailbox
    uint64_t into;   // ticket of the later one
    uint32_t mailbox;
    uint32_t reserved;
};

// A notification and its cancellation, neither of which had been sent: both are gone.
struct journal_withdrawn {
    uint64_t ticket;    // of the cancellation
    uint64_t of;        // of what it cancels
    uint64_t niss;      // 0 on flows keyed by enterprise
    uint64_t number;    // of the cancellation in the mailbox
    uint64_t of_number; // of the first one
    uint32_t mailbox;
    uint32_t size; // bytes of their bodies
    uint32_t of_size;
    uint32_t reserved;
};

struct journal_refusal {
    uint64_t niss;
    uint64_t number;
    uint32_t source;
    uint32_t producer;
    uint16_t status;
    uint16_t flow; // 0: not known
    uint32_t reserved;
};

enum journal_one {
    ACKNOWLEDGED_THROUGH, // all up to here; count 0: those before it were held
    ACKNOWLEDGED_ONE,     // this one alone, in the main sequence
    ACKNOWLEDGED_HELD,    // this one alone, whose row in "held" is gone
};

struct journal_acknowledge {
    uint64_t through;
    uint64_t count; // newly acknowledged
    uint64_t bytes; // of them
    uint32_t mailbox;
    uint32_t one; // enum journal_one
};

// With the first item about a letter it leaves the main sequence, at its record's time.
struct journal_held {
    struct letter letter;
    uint64_t subject; // store/held.h
    int64_t due_us;
    uint32_t mailbox;
    uint32_t actor; // institution, 0: the broker or its administrator
    uint32_t attempts;
    uint16_t state; // enum held_state, HELD_GONE after a drop
    uint16_t reason_len;
};

// Of the letter `through`.
struct journal_marked {
    uint64_t bytes_through;
    uint64_t bytes;
};

struct journal_loaded {
    uint64_t persons;
    uint64_t integrations;
    uint64_t first_niss;
    uint64_t last_niss;
    uint64_t checksum; // XXH3 of the rows
};

// ACT_JOURNAL: who got what about a person was asked (flow/knew.h).
enum journal_act { ACT_INTEGRATE = 1, ACT_REMOVE, ACT_CONSULT, ACT_HISTORY, ACT_JOURNAL };

struct journal_directory {
    uint64_t ticket;
    uint64_t niss;
    uint32_t actor;       // institution whose key asked
    uint32_t institution; // whose integration
    uint16_t act;
    uint16_t quality;
    uint16_t status; // first fault, 0: done
    uint16_t level;  // consult
    int32_t begin;
    int32_t end;
};

enum journal_admin_act {
    ADMIN_INSTITUTION = 1,
    ADMIN_KEY,
    ADMIN_REVOKE,
    ADMIN_MAILBOX,
    ADMIN_CATALOGUE,
    ADMIN_REWIND, // letters of a mailbox were sent again on request: "from N through M"
    ADMIN_LIMITS,
    ADMIN_MERGE,  // is planned, or given up: "CPAS-D on 2027-01-01"
    ADMIN_MERGED, // is done, by the calendar: "CPAS-D"
    ADMIN_ANCHOR, // the line, proto/anchor/anchor.h
    ADMIN_RULES,  // of a mailbox, as they are from now on
    // The integrations of an institution (0: of a sector) were asked for row by row: "sector
    // 0, quality 30, since 0, from 66641066692 through 66641099999".
    ADMIN_LIST,
};

struct journal_admin {
    uint64_t ticket;
    uint32_t actor;  // 0: the administrator of the broker
    uint32_t object; // institution, mailbox or catalogue version
    uint16_t act;
    uint16_t text_len;
    uint32_t reserved;
};

struct journal_fold {
    uint64_t through_commit;
    uint64_t letters; // filed in the backlog
};

// A value longer than JOURNAL_PIECE_MAX stands in several items, one after the other.
struct journal_row {
    uint8_t table;  // its place in STORE_TABLES
    uint8_t erased; // 1: the row went, no value follows
    uint16_t key_len;
    uint32_t value_len; // in all
    uint32_t offset;    // of this piece
    uint32_t reserved;
};

enum { JOURNAL_PIECE_MAX = 32768 };

struct journal_replace {
    uint64_t old_niss;
    uint64_t new_niss;
};

struct journal_moved {
    uint64_t number;
    uint64_t body; // its new address
    uint32_t mailbox;
    uint32_t size;
};

// Where everything begins after this commit: struct meta, store/meta.h.
struct journal_expired {
    uint64_t erased_commit;
    uint64_t erased_items;
    uint64_t first_block;
    uint64_t first_commit;
};

// A slice of the index by person (store/exchanges.h). from_commit: those records are a run
// of it, unless they have no entries; 0: a day's runs became one, or go.
struct journal_indexed {
    uint64_t from_commit;
    uint64_t through_commit;
    uint64_t ticket;  // the last one among them, or before
    uint64_t entries; // that were put
    uint64_t erased;  // rows, of merged runs or of days before `since`
    int32_t day;
    uint32_t run;
    int32_t since;
    uint32_t stage; // enum exchange_stage, afterwards
};

// Building a record: items are added to a buffer (cleared by journal_begin).
void journal_begin(struct buffer *record, uint64_t commit, uint64_t batch,
                   int64_t time_us, const struct hash *previous);
// journal_add appends an item of two pieces (the second may be empty).
void journal_add(struct buffer *record, enum journal_kind kind, const void *bytes,
                 size_t len, const void *more, size_t more_len);

// An event whose recipients are not known yet is written where it lies, at the record's end:
// journal_event_begin gives its place, recipients are added, journal_event_end says the rest.
// journal_add_before adds an item before it, and moves its place.
size_t journal_event_begin(struct buffer *record);
void journal_event_add(struct buffer *record, const struct journal_recipient *recipient);
void journal_event_end(struct buffer *record, size_t place,
                       const struct journal_event *event);
void journal_add_before(struct buffer *record, size_t *place, enum journal_kind kind,
                        const void *bytes, size_t len);

// journal_mailbox lets the record tell a mailbox's row and its single acknowledgements as
// they stand in the transaction: after a change that no other item tells.
NODISCARD enum vg_status journal_mailbox(struct txn *txn, struct mailbox_id mailbox);
// journal_meta adds the row meta, without the hash that the record is about to get.
void journal_meta(struct buffer *record, const struct meta *meta);

// journal_append adds the rows that the transaction has noted, closes the record, chains it
// and puts it into the transaction.
// Durable: with the transaction's commit.
NODISCARD enum vg_status journal_append(struct txn *txn, struct buffer *record,
                                        uint64_t commit, struct hash *ret_hash);

// journal_erase erases a record, whatever it holds: store/counted.h keeps what it said.
NODISCARD enum vg_status journal_erase(struct txn *txn, uint64_t commit);

// Reading. journal_read puts a record together and checks its hash.
//
// Returns VG_OK; VG_NOT_FOUND; VG_STORE_BROKEN when length or hash is wrong.
struct journal_head {
    uint64_t commit;
    uint64_t batch;
    int64_t time_us;
    struct hash previous;
    struct hash hash;
};
NODISCARD enum vg_status journal_read(struct txn *txn, uint64_t commit,
                                      struct buffer *record,
                                      struct journal_head *ret_head, struct why *why);
// journal_reread does not check the hash, which is most of the work: of a record that this
// process has put itself.
NODISCARD enum vg_status journal_reread(struct txn *txn, uint64_t commit,
                                        struct buffer *record,
                                        struct journal_head *ret_head, struct why *why);

// journal_time tells a record's moment, without looking whether the rest of it holds.
NODISCARD enum vg_status journal_time(struct txn *txn, uint64_t commit,
                                      int64_t *ret_time_us);

struct journal_item {
    enum journal_kind kind;
    struct bytes bytes;
};

// journal_next walks a record's items; *offset begins at 0. False at the end. Lends from
// the record. Items are not aligned: copy structs out with journal_item_as.
bool journal_next(const struct buffer *record, size_t *offset,
                  struct journal_item *ret_item);

// journal_item_at reads one item alone, by where it begins, and the record's moment: for
// places that were found when the record was read. What else stands in it is not looked at.
//
// Lends: from bytes. Returns VG_OK; VG_NOT_FOUND: there is no such record; VG_STORE_BROKEN.
NODISCARD enum vg_status journal_item_at(struct txn *txn, uint64_t commit, size_t offset,
                                         struct buffer *bytes,
                                         struct journal_item *ret_item,
                                         int64_t *ret_time_us);

// journal_item_as copies the item's struct out; false when the item is too short for it.
bool journal_item_as(const struct journal_item *item, void *ret, size_t len);
// journal_item_row gives a row's piece: key and value are lent from the record. False when
// the item is no sound row.
bool journal_item_row(const struct journal_item *item, struct journal_row *ret,
                      struct bytes *ret_key, struct bytes *ret_piece);
// Whose row it is: those of ROW_FIRST stand on their own, others are made of what the items
// tell and come after them.
enum journal_row_of { ROW_FIRST, ROW_OF_META, ROW_OF_MAILBOX, ROW_LAST };
enum journal_row_of journal_row_of(const struct journal_row *row);
// journal_row_as copies the whole value out; false when it has another length.
bool journal_row_as(struct bytes value, void *ret, size_t len);
uint32_t journal_row_mailbox(struct bytes key); // 0: the key is no mailbox's

// journal_apply_row puts or erases a row as another store's record tells it.
// Durable: with the transaction's commit. VG_STORE_BROKEN: no such row can be.
NODISCARD enum vg_status journal_apply_row(struct txn *txn, const struct journal_row *row,
                                           struct bytes key, struct bytes value);
// journal_adopt puts another store's record as it stands, after all others; what the
// transaction noted is forgotten: the record tells it.
NODISCARD enum vg_status journal_adopt(struct txn *txn, const struct buffer *record,
                                       uint64_t commit);

// journal_replace_record puts a record over one that is damaged.
NODISCARD enum vg_status
journal_replace_record(struct txn *txn, const struct buffer *record, uint64_t commit);

// journal_item_recipient copies an event's i-th recipient out; false past the end.
bool journal_item_recipient(const struct journal_item *item, size_t i,
                            struct journal_recipient *ret);

#endif
