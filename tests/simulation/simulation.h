// SPDX-License-Identifier: EUPL-1.2
// simulation.h - one run: a broker, its network, its clients, the model, and the dice that
// decide what happens next.
#ifndef SIMULATION_SIMULATION_H
#define SIMULATION_SIMULATION_H

#include "members.h"
#include "node.h"
#include "sources.h"
#include "twin.h"

// What can happen in one step; how often is drawn anew for every seed.
enum act {
    ACT_REPORT,
    ACT_REFER,
    ACT_PUBLISH,
    ACT_CARRY,
    ACT_APPLY,
    ACT_TAKE,
    ACT_GO_ON,
    ACT_SUBSCRIBE,
    ACT_HANG_UP,
    ACT_ACKNOWLEDGE_SOME,
    ACT_REFUSE,
    ACT_HANDLE_PARKED,
    ACT_FIDGET,
    ACT_INTEGRATE_SOME,
    ACT_REMOVE_SOME,
    ACT_ASK,
    ACT_ADMINISTER,
    ACT_CHANGE_RULES,
    ACT_SECOND,
    ACT_PULSE,
    ACT_TIME,
    ACT_FILL_DISK,
    ACT_FAIL_READS,
    ACT_DIE,
    ACT_DRAIN,
    ACT_FORGET,
    ACT_COPY,
    ACT_EXPIRE,
    ACT_REPLAY,
    ACT_MERGE,
    ACTS,
};

struct simulation {
    uint64_t seed;
    uint64_t step;
    uint64_t steps;
    bool draws_steps; // nobody has said how many
    struct dice dice;
    struct model *model;
    struct node node;
    struct network network;
    struct witness witness;
    struct sources sources;
    struct members members;
    struct twin twin;
    int64_t now_us;
    int64_t steady_us;
    int64_t last_day_us; // time stops before the model's days end
    unsigned weights[ACTS];
    unsigned weights_total;
    unsigned fault_one_in; // 0: none
    uint32_t burst;        // mutations reported at once, at most
    uint32_t favourite;    // one person in so many mutations; 0: all alike
    bool refusing;         // members give letters back
    bool referring;        // sources correct and answer
    bool noisy;         // mailboxes have rules: unwanted, quiet hours, a digest, urgent
    bool merging;       // institutions become part of others
    bool repeating;     // mailboxes want repeats merged
    bool heavy;         // letters bigger than what a frame takes of a mailbox
    uint32_t items_max; // of an Integrate
    uint32_t boxes_asked;
    int keys_asked;
    unsigned catalogues_waiting; // proposed, not applied
    bool expires;                // likewise
};

#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)

// ---- begin.c ----

// begin draws everything from the seed and furnishes the store; steps 0: as it draws them.
void begin(struct simulation *s, uint64_t seed, uint64_t steps);
// settle applies what is queued, without faults, and hands it back to the loop.
void settle(struct simulation *s);

// ---- ending.c, in this order ----

void calm_down(struct simulation *s);
void take_some_back(struct simulation *s);
void walk_to_the_end(struct simulation *s);
void sleep_some_days(struct simulation *s);
void empty_all_mailboxes(struct simulation *s);

// ---- simulation.c ----

// apply commits the next batch, with this trouble.
void apply(struct simulation *s, enum trouble trouble);
// compare_everything compares the whole store with the model.
void compare_everything(struct simulation *s);
// expire lets retention do a slice.
void expire(struct simulation *s);

void add_time(struct simulation *s, int64_t us);

// ---- choose.c: what clients and administrators want next ----

int32_t today(const struct simulation *s);
uint32_t any_institution(struct simulation *s);

// choose_deed: something of a flow (of facts_flow), mostly without a fault.
struct deed choose_deed(struct simulation *s, unsigned index);
void report(struct simulation *s);
// A request goes over the wire when the institution is connected, else by the console.
void integrate(struct simulation *s);
void remove_some(struct simulation *s);
void ask(struct simulation *s);
void administer(struct simulation *s);
// handle_parked: somebody tries parked letters again, or drops them.
void handle_parked(struct simulation *s);
void handle_all_parked(struct simulation *s, const struct model_box *box, bool drop);

// ---- choose_refer.c: what sources say of an earlier one ----

// refer lets a source correct what it published, or answer what it got; say_anew lets it say
// once more how something is; take_back corrects what stands for others.
void refer(struct simulation *s);
void take_back(struct simulation *s);
void say_anew(struct simulation *s);

// ---- choose_rules.c: what mailboxes want less of, and when ----

// change_rules sets some of a mailbox's rules; lift_rules takes all of everybody's back.
void change_rules(struct simulation *s);
void lift_rules(struct simulation *s);
// want_neither: all want neither what is cancelled before it was sent nor its cancellation.
// want_merged: all want of repeats the last one alone.
void want_neither(struct simulation *s);
void want_merged(struct simulation *s);
// next_change gives a moment at which quiet hours of some mailbox begin or end, or its digest
// is due; now: none has any.
int64_t next_change(struct simulation *s);

// ---- choose_merge.c: who becomes part of whom ----

// merge plans that some become part of another one, or gives a plan up.
void merge(struct simulation *s);
// settle_mergers: what is still planned is given up, or its day comes.
void settle_mergers(struct simulation *s);

void want_institution(struct simulation *s, const char *code, uint16_t sector);
void want_key(struct simulation *s, uint32_t institution, uint32_t role);
void want_catalogue(struct simulation *s, unsigned variant);

#endif
