// SPDX-License-Identifier: EUPL-1.2
// command.h - everything that can change the store, as values.
//
// A command is made by the event loop from one frame or HTTP request, applied by the
// writer together with others in one commit, and comes back to the loop as the same
// object with its answer filled in. It owns the bytes its views point into.
#ifndef FLOW_COMMAND_H
#define FLOW_COMMAND_H

#include "anchor/anchor.h"
#include "hot/hot.h"
#include "rules/directory.h"
#include "store/held.h"
#include "store/registry.h"

enum command_kind {
    COMMAND_PUBLISH,
    COMMAND_LAST_NUMBER,
    COMMAND_ACKNOWLEDGE,
    COMMAND_REFUSE,
    COMMAND_DEFER,
    COMMAND_ADVANCE,
    COMMAND_RETRY_PARKED,
    COMMAND_DROP_PARKED,
    COMMAND_INTEGRATE,
    COMMAND_REMOVE,
    COMMAND_CONSULT,
    COMMAND_HISTORY,
    COMMAND_ADD_MAILBOX,
    COMMAND_SET_LIMITS,
    COMMAND_SET_RULES,
    COMMAND_ADD_INSTITUTION,
    COMMAND_ADD_KEY,
    COMMAND_REVOKE_KEY,
    COMMAND_LOAD_CATALOGUE,
    COMMAND_FOLD,
    COMMAND_EXPIRE,
    COMMAND_LOAD_PERSONS,
    COMMAND_REWIND,
    COMMAND_KNEW,
    COMMAND_LAPSE,
    COMMAND_MERGE,
    COMMAND_MOVE_LETTERS,
    COMMAND_ANCHOR,
    COMMAND_LIST,
    COMMAND_WITHDRAW,
};

enum {
    INTEGRATE_ITEMS_MAX = 1000,
    ACKNOWLEDGE_SINGLES_MAX = HOT_ALSO_MAX,
    PARKED_NUMBERS_MAX = 1000,
};

// Whom an answer goes to: the loop's own words, not read by anybody else.
struct return_address {
    uint64_t session; // 0: no connection (HTTP, timers)
    uint64_t request; // id of the Request, 0 otherwise
    void *context;    // HTTP
};

struct publish_result {
    uint64_t number;
    enum vg_status status; // VG_REPEATED or a refusal
    struct why why;
};

struct publish_command {
    struct hot_publish publish;
    const struct walked
        *walked; // its mutations' persons, lent by the applier; NULL: none
    // answer
    uint64_t through;      // last number answered for good
    uint64_t ticket_first; // of the first kept one, 0: none kept
    uint32_t kept;
    struct publish_result *results; // refused or repeated only
    size_t results_len;
    size_t results_size;
};

struct last_number_command {
    uint32_t producer;
    uint64_t number; // answer
};

// Persons of a directory that comes whole, numbers ascending and after all others in it.
// Their rows were judged (directory_judge_term) and put in order (directory_order).
struct loaded_person {
    uint64_t niss;
    uint32_t rows_len;
};

struct load_persons_command {
    size_t persons_len;
    struct loaded_person *persons;  // lent
    const struct integration *rows; // of one after the other; lent
};

// What a session has acknowledged. It knows the letters: it sent them.
struct acknowledge_single {
    uint64_t number;
    uint64_t bytes_through; // of that letter
    uint32_t bytes;
};

struct acknowledge_command {
    uint32_t mailbox;
    uint64_t through;       // 0: none
    uint64_t through_bytes; // bytes_through of that letter
    size_t singles_len;
    struct acknowledge_single *singles;
};

// A letter, and whom it is about (store/held.h).
struct letter_about {
    struct letter letter;
    uint64_t subject;
};

// A letter that its institution could not take. It was in flight; so were those after it
// about the same subject, which wait behind it from now on.
struct refuse_command {
    uint32_t mailbox;
    struct letter_about refused;
    struct letter_about *later;
    size_t later_len;
    struct bytes reason;     // printable, at most HELD_REASON_MAX
    uint32_t retry_after_ms; // 0: the broker's own schedule
    bool park;
    // answer: what became of the refused one
    enum held_state state; // HELD_GONE: it was not in the mailbox any more
    uint32_t attempts;
    int64_t due_us;
};

// Letters that the outflow met while one about the same subject was held.
struct defer_command {
    uint32_t mailbox;
    struct letter_about *letters;
    size_t letters_len;
};

// Letters that come before their turn, in their order (flow/sift.h).
struct advanced_letter {
    struct letter_about about;
    uint8_t urgency; // those of 1 come before those of 2
};

// A letter that does not come, and the later one that stands for it (flow/repeats.h).
struct merged_letter {
    struct letter_about about;
    uint64_t ticket; // of its mutation
    uint64_t into_ticket;
    uint64_t into_number;
};

struct advance_command {
    uint32_t mailbox;
    struct merged_letter *merges; // come first: the others are what is left
    size_t merges_len;
    struct advanced_letter *letters;
    size_t letters_len;
    // answer
    size_t merged;
    size_t taken; // out of the main sequence, to come before their turn
};

// A notification that waits in a mailbox, and its cancellation.
struct cancelled_pair {
    uint32_t mailbox;
    uint64_t niss; // 0 on flows keyed by enterprise
    uint64_t of;   // ticket of the first
    uint64_t by;   // ticket of the cancellation
    struct letter first;
    struct letter cancellation;
    bool withdrawn; // answer
};

// Pairs of which nothing was sent, nor may be before this is answered (flow/withdraw.h).
struct withdraw_command {
    struct cancelled_pair *pairs;
    size_t pairs_len;
};

// Parked letters that are tried again, or dropped: all, or none.
struct parked_command {
    uint32_t mailbox;
    struct bytes reason; // printable, at most HELD_REASON_MAX
    uint64_t *numbers;
    size_t numbers_len; // at most PARKED_NUMBERS_MAX
};

struct integrate_result {
    uint32_t end; // yyyymmdd, that was given
    enum vg_verdict_word { VERDICT_YES, VERDICT_NO, VERDICT_WARNING } verdict;
    struct faults *faults; // NULL: none; of a warning: what wants a look
    uint32_t overlaps;     // integrations of others of the sector in its days
    uint32_t shown;        // of them in the command's integrations, item after item
    uint32_t caught_up;    // mutations that went into mailboxes after their time
    uint32_t consult;      // others that would have, but are not kept
    bool looked;           // it was caught up with
};

// Mutations that an item may catch up with (flow/catch_up.h), the oldest first.
struct catch_place {
    uint64_t commit;
    uint64_t ticket;
};

struct catch_up {
    uint64_t through_commit; // the journal was searched up to here; 0: it was not
    bool all;                // false: there may be more than the places
    struct catch_place *places;
    size_t len;
    size_t size;
};

struct integrate_command {
    uint32_t institution; // whose integrations; rights were checked by the loop
    size_t items_len;
    struct integrate_request *items;
    struct catch_up **catch_ups; // one per item, NULL: it does not; NULL: none does
    // answer
    struct integrate_result *results; // one per item
};

struct remove_command {
    uint32_t institution;
    struct remove_request request;
};

enum consult_level { CONSULT_ALL, CONSULT_PRIMARY, CONSULT_SECONDARY };

struct consult_command {
    uint64_t niss;
    struct proof proof;
    enum consult_level level;
};

struct history_command {
    uint64_t niss;
    uint64_t *chain; // answer, oldest first
    size_t chain_len;
};

// Who got what about a person: for the journal, and where the answer ends (flow/knew.h).
struct knew_command {
    struct history_command history; // the person's numbers
    // answer
    uint64_t through_commit; // the last one before the question
    struct day today;
};

// A flow's name, and the qualities for which it is wanted.
struct choice_request {
    struct bytes flow;
    uint64_t qualities; // bit q: code q; 0: all
};

struct add_mailbox_command {
    struct bytes name;
    size_t choices_len;
    struct choice_request *choices;
    uint32_t mailbox; // answer
};

// Which members of struct limits a command names; the others stay as they are.
enum limits_member {
    LIMIT_MESSAGES = 1,
    LIMIT_BYTES = 2,
    LIMIT_AGE = 4,
    LIMIT_ATTEMPTS = 8
};

struct set_limits_command {
    uint32_t mailbox;
    uint32_t named;       // bits of enum limits_member
    struct limits limits; // 0: the settings' again; answer: all of the mailbox's own
};

// Which of its rules a command names; the others stay as they are.
enum rules_member {
    RULES_UNWANTED = 1,
    RULES_QUIET = 2,
    RULES_DIGEST = 4,
    RULES_URGENT = 8,
    RULES_REPEATS = 16,
    RULES_CANCELLED = 32,
};

struct set_rules_command {
    uint32_t mailbox;
    uint32_t named; // bits of enum rules_member
    size_t unwanted_len;
    struct choice_request *unwanted; // all that it does not want from now on
    struct mailbox_rules rules;      // the others; answer: all of the mailbox's own
};

struct add_institution_command {
    struct institution institution; // id 0: a new one; the sector and code must be valid
};

struct key_command {
    uint8_t key[KEY_LEN];
    struct key_row row; // revoke: only the key is read
};

struct load_catalogue_command {
    struct bytes text;
    uint64_t version; // answer
};

struct unread_letter {
    uint32_t mailbox;
    uint64_t number;
};

// A slice of what is too old: bodies, letters that nobody takes, journal records.
struct expire_command {
    uint32_t replay_days;     // a body is kept so long
    uint32_t unread_days;     // a letter waits so long, then it is parked; 0: for ever
    uint32_t journal_months;  // a record is kept so long
    uint32_t person_months;   // and its place in the index by person; 0: there is none
    uint64_t folded_commit;   // whose fold the loop has taken: what it reads is filed
    uint64_t exported_commit; // records up to here may go; UINT64_MAX: all
    // answer
    bool more;                    // the slice was used up: ask for another one
    uint64_t blocks;              // erased
    uint64_t moved;               // letters whose bodies were copied
    uint64_t trimmed;             // records
    struct unread_letter *unread; // parked
    size_t unread_len;
    size_t unread_size;
    bool unexported;      // a record stays only because it was not exported yet
    struct why unindexed; // what is damaged where the index by person stops; "": nothing
    bool stuck; // something damaged is in the way: nothing goes until it is mended
    struct why why;
};

// A slice of the day's walk over the directory, which tells institutions of integrations that
// end (flow/lapse_steps.c).
struct lapse_command {
    int32_t day; // of the walk that `from` belongs to, as the last answer said
    uint64_t
        from; // persons with lower numbers were looked at; 0: as far as the disk says
    uint32_t persons_max; // to look at in this slice; 0: as many as are quick
    // answer
    int32_t walked;    // struct day: that was walked for
    uint64_t next;     // where the next slice begins; 0: the walk is done
    bool more;         // ask for another one
    bool looked;       // false: there was nothing to do
    uint64_t warned;   // IntegrationEnds
    uint64_t ended;    // IntegrationEnded
    uint64_t followed; // not told: it is followed on
};

// Who has what was acknowledged sent again: for the journal alone.
struct rewind_command {
    uint64_t id; // the loop's own words
    uint32_t mailbox;
    uint64_t from;
    uint64_t through;
};

enum { MERGE_FROM_MAX = 16 };

// Institutions are to become part of another one, or not any more.
struct merge_command {
    uint32_t from[MERGE_FROM_MAX];
    size_t from_len;
    uint32_t into;
    struct day day; // from this day on; DAY_EVER: the plan is given up
};

// A slice of the letters that merged institutions have left (flow/merge.h).
struct move_letters_command {
    // answer
    size_t moved;
    bool more; // what was filed is not used up: ask at once
    bool left; // some wait still: ask again when they are filed
};

// The day's anchor, signed by the loop: it has the key, and the writer has no secret.
struct anchor_command {
    struct anchor anchor;
};

enum { LISTED_MAX = 1000 };

// Integrations that somebody wants to see (flow/holdings.h). With rows it is for the journal,
// before they are looked for.
struct list_command {
    uint32_t institution;
    uint16_t sector; // not 0: the general level's view of it
    uint16_t quality;
    struct day since;
    uint64_t from;
    uint64_t through;
    uint32_t max;
    bool rows;
};

struct command {
    struct command *next;
    enum command_kind kind;
    struct return_address back;
    uint32_t actor;      // institution of the key that asked, 0: the administrator
    struct buffer frame; // what the views point into
    union {
        struct publish_command publish;
        struct last_number_command last_number;
        struct acknowledge_command acknowledge;
        struct refuse_command refuse;
        struct defer_command defer;
        struct advance_command advance;
        struct parked_command parked;
        struct integrate_command integrate;
        struct remove_command remove;
        struct consult_command consult;
        struct history_command history;
        struct knew_command knew;
        struct add_mailbox_command add_mailbox;
        struct set_limits_command set_limits;
        struct set_rules_command set_rules;
        struct add_institution_command add_institution;
        struct key_command key;
        struct load_catalogue_command load_catalogue;
        struct load_persons_command load_persons;
        struct expire_command expire;
        struct rewind_command rewind;
        struct lapse_command lapse;
        struct merge_command merge;
        struct move_letters_command move;
        struct anchor_command anchor;
        struct list_command list;
        struct withdraw_command withdraw;
    };
    // answer
    enum vg_status status; // of the whole; VG_OK with faults: some items were refused
    uint64_t ticket;       // of requests
    struct faults *faults; // of the whole request; NULL: none. 5 KiB that few need
    struct integration
        *integrations; // consult: all of the level; integrate, remove: overlaps
    size_t integrations_len;
};

// command_new gives a zeroed command with a copy of the frame. Gives: command_free.
struct command *command_new(enum command_kind kind, const void *frame, size_t frame_len);
void command_free(struct command **command);
// command_forget_answer empties the answer, so that the command can be applied again.
void command_forget_answer(struct command *command);
// command_faults lends the list of what is wrong with it, made when it is first asked for.
struct faults *command_faults(struct command *command);
// command_words says what is wrong with it first; "": nothing.
const char *command_words(const struct command *command);
const char *command_name(enum command_kind kind); // "publish" ...
// command_mailbox gives the mailbox of what a member says of his letters: an
// acknowledgement, a refusal, a deferral; 0 for all others.
uint32_t command_mailbox(const struct command *command);

#endif
