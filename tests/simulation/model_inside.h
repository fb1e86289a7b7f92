// SPDX-License-Identifier: EUPL-1.2
// model_inside.h - what the model's files share. On its own it knows days (model_days.c), who
// may see what (model_match.c), what a mailbox wants less of (model_noise.c), which letters
// stand for others (model_merged.c), who is told of ends (model_lapse.c), what is corrected and
// answered (model_refer.c), who is part of whom (model_merge.c), who follows whom
// (model_integrations.c), where letters are (model_places.c) and what must hold (rules.c). It
// follows a batch (model_apply.c) command by command, and looks at everything
// (model_check.c).
#ifndef SIMULATION_MODEL_INSIDE_H
#define SIMULATION_MODEL_INSIDE_H

#include "model.h"
#include "store/bodies.h"
#include "store/journal.h"
#include "store/person.h"

enum { PERSON_ROWS_MAX = 2000 };

struct run {
    int32_t begin;
    int32_t end;
};

// The journal's record of the batch being followed, and how far it has been.
struct applied {
    struct model *model;
    const struct batch *batch;
    struct txn *txn;
    bool answered;
    bool room; // there was some, as the loop saw it
    int64_t now_us;
    struct buffer record;
    size_t offset;
    size_t posted;
    size_t unwanted;     // of the batch's
    struct buffer voids; // struct model_void: cancellations of the Publish being followed
    uint64_t trimmed;    // records, by the commands followed so far
    size_t pairs;        // likewise
    struct journal_item item;
    size_t recipients;     // of the item, looked at
    uint64_t first_commit; // where the journal begins after this batch
};

// applied_item takes the record's next event, refusal or directory line, which must be of
// this kind.
void applied_item(struct applied *applied, enum journal_kind kind, void *ret, size_t len);
// applied_is_next says whether the next of them is of this kind.
bool applied_is_next(const struct applied *applied, enum journal_kind kind);
// applied_peek shows the next of them; false: there is none.
bool applied_peek(const struct applied *applied, struct journal_item *ret_item);
// applied_is_caught says whether the next of them is the event of a letter that comes after
// its time, of this ticket.
bool applied_is_caught(const struct applied *applied, uint64_t ticket);
// applied_check_posted compares the next letter that the loop is told.
void applied_check_posted(struct applied *applied, uint32_t mailbox,
                          const struct journal_recipient *recipient);

// applied_check_status and applied_check_ticket compare a command's answer.
void applied_check_status(const struct applied *applied, const struct command *command,
                          enum vg_status expected);
void applied_check_ticket(struct model *model, const struct applied *applied,
                          const struct command *command, uint64_t expected);

// follow_* does to the model what a command did, and compares (model_publish.c,
// model_letters.c, model_directory.c, model_administer.c).
typedef void follow_fn(struct model *model, const struct command *command,
                       struct applied *applied);
follow_fn follow_publish;
follow_fn follow_last_number;
follow_fn follow_acknowledge;
follow_fn follow_refuse;
follow_fn follow_defer;
follow_fn follow_parked;
follow_fn follow_integrate;
follow_fn follow_remove;
follow_fn follow_consult;
follow_fn follow_history;
follow_fn follow_add_mailbox;
follow_fn follow_add_institution;
follow_fn follow_add_key;
follow_fn follow_revoke_key;
follow_fn follow_load_catalogue;
follow_fn follow_expire;
follow_fn follow_lapse;
follow_fn follow_set_rules;
follow_fn follow_advance;
follow_fn follow_withdraw;
follow_fn follow_merge;
follow_fn follow_move_letters;
// follow_stands_through gives the number up to which a Publish that begins with `first` stands
// before it is looked at.
uint64_t follow_stands_through(uint64_t first, uint64_t last);

// rules_hold looks at every promise; rule_counters at one mailbox's counters alone.
void rules_hold(const struct model *model, struct txn *txn);
void rule_counters(const struct model_box *box, struct txn *txn);

int model_person(const struct model *model, uint64_t niss); // -1: none of ours
int32_t model_day(int64_t us);
int days_bit(const struct model *model, int32_t day);
// days_set returns how many bits changed.
int days_set(const struct model *model, struct days **held, int32_t begin, int32_t end,
             bool on);
bool days_has(const struct days *days, int bit);
// days_next_run finds the run at or after *bit and leaves *bit behind it.
bool days_next_run(const struct model *model, const struct days *days, int *bit,
                   struct run *ret_run);

// What one mutation asks of the rules.
struct question {
    struct model *model;
    const struct deed *deed;
    const struct fact_flow *flow;
    uint32_t source;
    int32_t today;
    int person; // -1: none
    struct applied *applied;
};

// question_judge says whether it may be published.
enum vg_status question_judge(const struct question *question);
// question_publisher_may says whether the publisher's own integration allows it at all.
bool question_publisher_may(const struct question *question);
// question_fields adds the fields that some classes may see.
void question_fields(const struct question *question, unsigned classes,
                     struct told *told);
// question_classes finds the classes that today's rules let a mailbox see, and the
// integration that justifies it; 0: none.
unsigned question_classes(const struct question *question, const struct model_box *box,
                          struct told *told);
// question_ground finds the first integration by which an institution would get it, whatever
// its mailboxes want; false: it would not.
bool question_ground(const struct question *question, uint32_t institution,
                     struct told *told);
// question_share says what a mailbox gets of it; false: nothing.
bool question_share(const struct question *question, const struct model_box *box,
                    struct told *told);

// model_correct gives a kept correction to all who must get it; model_answer notes that a
// kept mutation answers another one. question_refers says whether what it names may be
// corrected or answered.
void model_correct(const struct question *question, const struct told *told,
                   struct applied *applied);
void model_answer(const struct question *question, uint64_t ticket);
bool question_refers(const struct question *question);
// applied_event takes the event of a kept mutation.
void applied_event(const struct question *question, const struct told *told,
                   struct applied *applied);
// model_deliver puts a letter that must be there into a mailbox, and compares. It returns the
// one where it lies: that, or one that is being emptied into it.
struct model_box *model_deliver(const struct question *question, const struct told *told,
                                struct model_box *box, struct applied *applied);
struct told *model_add_told(struct model_box *box);
// model_wants says whether a mailbox takes a flow for an integration of this quality; 0: no
// integration was asked.
bool model_wants(const struct model_box *box, uint16_t flow, unsigned quality);
// model_decline: an institution that would get this by an integration (quality 0: without)
// wants it in none of its mailboxes; so the journal says, before the event.
void model_decline(const struct question *question, const struct told *told,
                   uint32_t institution, struct applied *applied);
// model_declines does so for everybody who would get it, but those who are left out.
void model_declines(const struct question *question, const struct told *told,
                    const bool left_out[INSTITUTIONS_MAX], struct applied *applied);
// model_note_pair: a mailbox got what is cancelled, and its cancellation. Where it wants
// neither the loop is told.
void model_note_pair(const struct question *question, const struct model_box *box,
                     uint64_t number, struct applied *applied);
// model_merge follows the merges of an ADVANCE. False: a letter that should not come still
// waits, so none may come before its turn either.
bool model_merge(struct model *model, const struct advance_command *advance,
                 struct applied *applied);
// model_note_void: a mailbox is told that a ticket is cancelled; model_tell_voids gives each of
// them what holds again, when the Publish is done with.
void model_note_void(struct applied *applied, const struct model_box *box, uint64_t of,
                     uint64_t by);
void model_tell_voids(struct model *model, struct applied *applied);
// model_trim: records of commits below this one are gone.
void model_trim(struct model *model, uint64_t before);
void model_check_merged(const struct model *model, struct txn *txn);
// model_came_late: a letter of this ticket came into the mailbox after its time.
bool model_came_late(const struct model_box *box, uint64_t ticket);
// model_put adds a letter, as the journal says that it lies in the mailbox, and compares.
void model_put(struct model *model, const struct told *told,
               const struct journal_recipient *recipient, struct model_box *box,
               struct applied *applied);
void model_check_withdrawn(const struct model *model, struct txn *txn);
void model_check_mailbox_rules(const struct model *model, struct txn *txn);
// applied_no_more_recipients: nobody else got the event's deed.
void applied_no_more_recipients(const struct applied *applied, uint32_t deed);
// model_begin_walks: from this day on institutions are told of integrations that end.
void model_begin_walks(struct model *model, int32_t today);
// model_note_before_move notes the ends of two persons who become one in the midst of a walk;
// model_tell_noted tells them.
void model_note_before_move(struct model *model, int old, int new);
void model_tell_noted(struct model *model, struct applied *applied);
void model_check_walk(const struct model *model, struct txn *txn);
// model_check_references compares what the disk says of corrections and answers.
void model_check_references(const struct model *model, struct txn *txn);

struct outcome model_publish_one(struct model *model, uint32_t source, uint32_t producer,
                                 uint64_t number, uint32_t deed, struct applied *applied);
// model_take_out lets a letter leave its turn; false: there is no room to remember that.
bool model_take_out(struct model *model, struct model_box *box, struct told *told,
                    enum place place);
enum vg_status model_acknowledge(struct model *model,
                                 const struct acknowledge_command *acknowledge);
// model_refuse gives the place of the refused letter before those after it are deferred.
enum vg_status model_refuse(struct model *model, const struct refuse_command *refuse,
                            uint32_t actor, int64_t now_us, enum place *ret_place);
enum vg_status model_defer(struct model *model, uint32_t mailbox,
                           const struct letter_about *letters, size_t len,
                           uint32_t actor);
// model_put_in_order lets the first of those held about one person be tried, none else.
void model_put_in_order(const struct model *model, struct model_box *box,
                        uint64_t subject);
// model_advance takes letters out before their turn; it gives how many.
size_t model_advance(struct model *model, const struct advance_command *advance);
// model_withdraw takes a cancelled letter and its cancellation out; false: both come.
bool model_withdraw(const struct model *model, struct model_box *box, struct told *first,
                    struct told *cancellation);
// model_park_unread parks one that nobody took before that moment.
void model_park_unread(struct model *model, uint32_t mailbox, uint64_t number,
                       int64_t limit_us);
// model_handle_parked tries them again, or drops them.
enum vg_status model_handle_parked(struct model *model,
                                   const struct parked_command *parked, bool drop,
                                   uint32_t actor, int64_t now_us);
// model_merge_what_is_due carries out what was planned for this day or earlier.
void model_merge_what_is_due(struct model *model, int32_t today);
// model_next_part gives the institutions that are this one today, itself too, one after the
// other: the first after 0; 0: no more.
uint32_t model_next_part(const struct model *model, uint32_t institution, uint32_t after);
// model_next_box gives an institution's mailboxes in their order: the first after NULL.
struct model_box *model_next_box(struct model *model, uint32_t institution,
                                 const struct model_box *after);
// model_box_today gives the mailbox that has the letters of this one today.
struct model_box *model_box_today(struct model *model, struct model_box *box);
// model_inflow gives the mailbox of this number if a letter for that one may lie there: behind
// those that are to be moved. NULL: it may not.
struct model_box *model_inflow(struct model *model, struct model_box *box,
                               uint32_t mailbox);
// model_check_order_moved looks at a mailbox that has letters of others.
void model_check_order_moved(const struct model *model, const struct model_box *box);
// model_held lends the days of an institution and all its parts, until the next call; NULL:
// none. model_unite makes a person's rows those of the successors.
const struct days *model_held(const struct model *model, int person, uint32_t institution,
                              unsigned quality);
void model_unite(struct model *model, int person);
// model_hand_over: a letter was put into another mailbox, and is done with here.
void model_hand_over(const struct model *model, struct model_box *box, struct told *told);
// model_person_rows counts a person's integrations as they are written next, or as they are
// on disk; 0 where it cannot matter.
size_t model_person_rows(const struct model *model, int person, bool on_disk);
bool model_may_integrate(const struct model *model, int person, uint32_t institution,
                         unsigned quality, int32_t begin, int32_t end);
// model_others_follow says whether another one of the sector holds anything in these days.
bool model_others_follow(const struct model *model, int person, uint32_t institution,
                         int32_t begin, int32_t end);
void model_integrate(struct model *model, int person, uint32_t institution,
                     unsigned quality, int32_t begin, int32_t end);
enum vg_status model_remove(struct model *model, int person, uint32_t institution,
                            unsigned quality, int32_t begin, int32_t end);

#endif
