// SPDX-License-Identifier: EUPL-1.2
// model.h - what must hold, in the simplest words: who follows whom on which days as bits,
// mailboxes as arrays, producers as arrays. Nothing of broker/flow or broker/rules is asked.
//
// The model is told every batch that was committed, in the order of its commands, works out
// what should have come of it and compares: answers, letters, bodies and rows on the disk.
// Whatever does not hold ends the program through broken().
#ifndef SIMULATION_MODEL_H
#define SIMULATION_MODEL_H

#include "deed.h"
#include "flow/apply.h"
#include "flow/outflow.h"
#include "store/merged.h"

enum {
    PERSONS = 24,
    INSTITUTIONS_MAX = 24, // ids 1 to 23
    BOXES_MAX = 64,
    PRODUCERS_MAX = 8, // numbers 1 to 7: its own, and of those that became part of it
    KEYS_MAX = 160,
    REPLIES_MAX = 256,
    DAYS = 3072, // known ones; the last one is "for ever"
};

// broken says what does not hold, with seed and step, and ends the program.
__attribute__((noreturn)) void broken(const char *format, ...) PRINTF_LIKE(1, 2);

#define MINUTE_US INT64_C(60000000)

// What a command's back.request tells the model; of a good catalogue it is the variant.
enum { CATALOGUE_BROKEN = 99 };

// Why a batch may have refused to publish.
enum room { ROOM, ROOM_QUOTA, ROOM_FAILED };

// Where a letter of a mailbox is: always in exactly one place.
enum place {
    PLACE_TURN,    // comes in its turn
    PLACE_RETRY,   // refused; is tried again
    PLACE_BEHIND,  // waits behind an earlier one about the same person
    PLACE_PARKED,  // waits for a hand
    PLACE_DROPPED, // by a hand
    PLACE_DONE,    // acknowledged
    PLACES,
};

// A letter that must lie in a mailbox.
struct told {
    uint32_t institution; // for which it was published
    bool moved;           // from a mailbox that was emptied into this one
    uint32_t source;
    uint32_t producer;
    uint64_t number; // of the producer
    uint32_t deed;
    unsigned kept; // fields, bits
    uint64_t ticket;
    uint64_t event;    // ticket of its own event: another one when it came after its time
    uint64_t because;  // ticket of what brought it then; 0: it came in its time
    uint64_t in_force; // number of the person that its body names, 0: its own
    int64_t kept_us;
    uint16_t quality;
    int32_t begin;
    int32_t end;
    // as seen on the disk
    uint64_t first_body; // where it lay when it was published
    uint64_t body;       // and lies now
    uint32_t size;
    uint64_t checksum;
    uint64_t bytes_through;
    bool sent;       // a member may have it
    bool listed;     // or one that stands for it
    bool withdrawn;  // it and its cancellation, or it and what it cancels
    uint64_t other;  // ticket of that one
    bool referred;   // its body names what it corrects
    bool asks;       // an answer is required
    uint64_t answer; // ticket of the first one, 0: none yet
    int64_t answered_us;
    // what became of it
    enum place place;
    uint64_t subject;  // whom it is about
    uint32_t attempts; // how often it was refused
    uint32_t actor;    // who refused it last, or tried it again
    int64_t due_us;    // of a refused one
};

// What a mailbox's letters of a ticket stand for, or which one stands for them.
struct model_merged {
    uint64_t ticket;
    uint64_t into; // 0: it comes itself
    size_t len;
    uint64_t tickets[MERGED_MAX]; // in order
};

struct model_box {
    uint32_t id;
    uint32_t institution;
    char name[32];
    size_t choices_len; // 0: everything
    struct {
        uint16_t flow;
        uint64_t qualities;
    } choices[4];
    struct mailbox_rules rules;
    struct told *told; // letter n is told[n - 1]
    size_t len;
    size_t size;
    uint64_t count[PLACES]; // letters
    uint64_t bytes[PLACES];
    uint64_t mark;               // none up to here comes in its turn
    uint64_t emptied;            // all up to here are done with, as far as was looked
    struct model_merged *merged; // as the disk must say; a row goes with its record
    size_t merged_len;
    size_t merged_size;
    uint64_t merged_total; // that the loop was told of
};

// What became of a producer's number, for ever.
struct outcome {
    enum vg_status status; // VG_OK: kept
    uint32_t deed;
    uint64_t text; // checksum of a refusal's words
};

struct model_producer {
    struct outcome *outcomes; // of number n: outcomes[n - 1]
    size_t len;
    size_t size;
};

// A ticket; of a request all is 0.
struct kept {
    uint32_t deed;
    uint32_t source;
    uint64_t commit;
    uint64_t corrected_by; // ticket, 0: it stands
    bool cancelled;        // by that one
    bool named;            // somebody is about to correct it
};

// What a source has said of one flow.
struct model_heard {
    int64_t last_us;
    uint64_t ticket;
    uint64_t mutations;
};

// The day's walk that tells of integrations that end.
struct model_walk {
    int32_t through; // the last day that was finished
    int32_t day;     // that is walked for
    uint64_t next;   // persons with lower numbers are done with, says the disk
    unsigned warn[64];
    unsigned warned[64];  // of the last walk that was finished
    bool marked[PERSONS]; // told already by the walk under way
};

// An integration whose end is to be told.
struct model_end {
    int person;
    uint32_t institution;
    unsigned quality;
    int32_t begin;
    int32_t end;
    bool soon; // else it has ended
};

struct model_institution {
    uint16_t sector;
    char code[24];
    // It becomes part of another one (0: of none) on a day; on that day it is merged.
    uint32_t merges_into;
    int32_t merges_on;
    bool merged;
    uint64_t merged_by; // ticket
};

struct model_key {
    uint8_t key[KEY_LEN];
    uint32_t institution;
    uint32_t role;
    bool revoked;
};

// The tickets of a request, one for each time that it came.
struct model_reply {
    uint64_t request;
    uint64_t tickets[4];
    size_t len;
};

struct days {
    uint64_t word[DAYS / 64];
};

struct model {
    int32_t first_day; // of the bits
    struct model_institution institutions[INSTITUTIONS_MAX];
    uint32_t institutions_len; // newest id
    struct model_box boxes[BOXES_MAX];
    size_t boxes_len;
    uint32_t extra_len; // further mailboxes
    struct model_producer producers[INSTITUTIONS_MAX][PRODUCERS_MAX];
    uint64_t niss[PERSONS];
    int replaced_by[PERSONS]; // -1: not
    uint64_t joined[PERSONS]; // commit in which another number became his, 0: none did
    struct days *held[PERSONS][INSTITUTIONS_MAX][64]; // by quality; NULL: never
    uint64_t follows[PERSONS][INSTITUTIONS_MAX];      // bit q: held ever
    struct model_key keys[KEYS_MAX];
    size_t keys_len;
    struct model_reply replies[REPLIES_MAX]; // by request, modulo
    struct kept *kept;                       // of ticket n: kept[n]
    size_t kept_size;
    struct model_heard heard[INSTITUTIONS_MAX][FACT_FLOWS_MAX]; // by place of the flow
    uint64_t unwanted[INSTITUTIONS_MAX]; // not made: none of its mailboxes wants it
    struct model_walk walk;
    struct model_end ends[1024];
    size_t ends_len;
    struct retry_rule retry;
    bool counts_rows;   // a person may come near the most that he may have
    struct deed *deeds; // id n is deeds[n - 1]
    size_t deeds_len;
    size_t deeds_size;
    unsigned variant;   // of the catalogue in force
    uint64_t catalogue; // version, 0: none
    uint64_t commits;
    uint64_t folded;       // up to this commit
    uint64_t first_commit; // of the journal, as it was last looked at
    uint64_t tickets;
    int64_t last_us;
    uint64_t last_batch;
    int64_t *commit_us;     // of commit n: commit_us[n - 1]
    uint64_t *commit_event; // ticket of its last event, 0: it has none
    size_t commits_size;
    uint64_t trimmed_before;       // records of commits below are gone
    uint64_t trimmed_through;      // and with them what is known of tickets up to here
    int64_t erased_us;             // bodies of what was kept later are all there
    int32_t trimmed_day;           // records of this day and later are all there
    uint64_t moved, trimmed, gaps; // gaps: acknowledgements that found too many
    // counted for the report
    uint64_t mutations, refused, repeated, letters, acknowledgements, directory;
    uint64_t given_back, deferred, parked, dropped, unread; // letters
    uint64_t corrected, owed, answered, warned, ended, rules, advanced, withdrawn;
    uint64_t mergers, letters_moved;
    uint64_t merged, holding_again;
};

struct model *model_new(int32_t first_day);
void model_free(struct model **model);

// model_deed makes room for one more and gives it its id.
struct deed *model_deed(struct model *model);

// model_apply follows a batch that was committed (or changed nothing). txn sees it.
// answered: the batch's answers and letters are there to be compared; else the broker ended
// before it could say.
void model_apply(struct model *model, const struct batch *batch, enum room room,
                 bool answered, struct txn *txn);

// model_valid_key lends a key that lets an institution in; NULL: it has none.
const struct model_key *model_valid_key(const struct model *model, uint32_t institution,
                                        uint32_t role);
bool model_has_ticket(const struct model *model, uint64_t request, uint64_t ticket);

struct model_box *model_box(struct model *model, uint32_t mailbox);      // NULL: none
struct told *model_letter(const struct model_box *box, uint64_t number); // NULL: none
bool model_is_held(const struct told *told);
uint64_t model_waiting(const struct model_box *box); // in their turn, and held
// model_kept lends what a ticket was given to; NULL: it was no mutation's.
struct kept *model_kept(const struct model *model, uint64_t ticket);
// model_successor gives the institution of which this one is part today, mostly itself.
uint32_t model_successor(const struct model *model, uint32_t institution);
// model_names_successor: it is part of another one, and the sentence says of which.
bool model_names_successor(const struct model *model, uint32_t institution,
                           const char *sentence);
// model_left counts what waits in a mailbox or is parked.
size_t model_left(const struct model_box *box);
// model_got says whether a mailbox of an institution got the mutation of a ticket.
bool model_got(const struct model *model, uint32_t institution, uint64_t ticket);
// model_current follows replacements to the person in force.
int model_current(const struct model *model, int person);
// model_is_same: two subjects are one, or two numbers of one person.
bool model_is_same(const struct model *model, uint64_t one, uint64_t other);
bool model_follows(const struct model *model, int person, uint32_t institution,
                   unsigned quality, int32_t day);
// model_minute gives the clock's minute in Brussels, since midnight.
int model_minute(int64_t us);
// model_hold_back: letters kept from this moment on are not pushed now; INT64_MAX: all are,
// INT64_MIN: none is.
int64_t model_hold_back(const struct mailbox_rules *rules, int64_t now_us);
// model_urgency gives the catalogue's of what a letter tells, 1 before 2; 0: none.
unsigned model_urgency(const struct model *model, const struct told *told);

// model_may_stand says whether a letter could be merged with another one, and
// model_says_anew whether `later` says the same anew of the same person.
bool model_may_stand(const struct model *model, const struct told *told);
bool model_says_anew(const struct model *model, const struct told *earlier,
                     const struct told *later);
// model_is_void: a ticket's mutation was cancelled, or what corrects it was.
bool model_is_void(const struct model *model, uint64_t ticket);
// model_stands_for lends what the letters of a ticket stand for; NULL: nothing.
const struct model_merged *model_stands_for(const struct model_box *box, uint64_t ticket);
// model_check_told: who had a letter acknowledged was told of all that it stands for. All is
// delivered, and nothing waits.
void model_check_told(const struct model *model);

// model_rows compares counters with the rows on the disk.
void model_rows(struct model *model, struct txn *txn);
// model_check_letters compares what tails and backlog give; the tails must have taken all.
void model_check_letters(struct model *model, const struct tails *tails, struct txn *txn);
// model_everything compares all that can be read: rows, bodies, journal, persons, keys, and
// what tails and backlog give. Blocks: as long as that takes.
void model_everything(struct model *model, struct txn *txn);
// model_check_fresh compares who was heard when, and who is silent for too long.
void model_check_fresh(const struct model *model, struct txn *txn,
                       const struct catalogue *catalogue, const struct roster *roster,
                       int64_t now_us);

#endif
