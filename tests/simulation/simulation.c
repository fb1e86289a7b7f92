// SPDX-License-Identifier: EUPL-1.2
// Goal: whatever happens around the broker - lost, doubled and late frames, clients that
// vanish, a full or failing disk, crashes at any commit - its promises hold.
// Method: one process, one seed, a clock that is a number. The real loop runs on a stage
// (stage.h) and gets frames of bytes; random steps drive many sources and members; a model
// of few lines follows every commit and compares (model.h); a witness reads every frame
// (witness.h). The same seed gives the same journal, byte for byte.
//
//   simulation [--seed N] [--seeds COUNT] [--steps M] [--seconds LIMIT] [--twice] [--quiet]
//
// Without --steps each seed draws its own number. What fails says how to repeat it.
#include "simulation.h"

#include "store/check.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    WHOLE_CHECK_STEPS = 500,
};

static struct simulation *running; // for broken() alone

// A CHECK of the core, or worse: which seed it was must not be lost.
static void
say_where(int number)
{
    char text[96];
    int len = snprintf(text, sizeof text,
                       "seed %" PRIu64 ", step %" PRIu64 ": ended by signal %d\n",
                       running->seed, running->step, number);

    if (write(STDOUT_FILENO, text, (size_t)len) < len) {
        _Exit(3);
    }
    _Exit(2);
}

void
broken(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    printf("seed %" PRIu64 ", step %" PRIu64 ": ", running->seed, running->step);
    vprintf(format, args);
    printf("\nagain: simulation --seed %" PRIu64 " --steps %" PRIu64 "\n", running->seed,
           running->steps);
    va_end(args);
    fflush(stdout);
    twin_end(&running->twin);
    node_remove_folder(&running->node);
    _Exit(1);
}

// ---- time ----

static int64_t
next_midnight(const struct simulation *s)
{
    int64_t us = s->now_us;
    int32_t day = today(s);

    while (day_in_brussels((struct instant){us}).number == day) {
        us += 3600 * SECOND_US;
    }
    return us - us % (3600 * SECOND_US); // Brussels is whole hours away
}

void
add_time(struct simulation *s, int64_t us)
{
    s->now_us += us;
    s->steady_us += us;
    stage_set_time(s->now_us, s->steady_us);
}

// Mostly seconds; sometimes to just before midnight, to about a moment at which a mailbox's
// rules say something else, or days in which everybody slept.
static void
pass_time(struct simulation *s)
{
    if (s->noisy && dice_one_in(&s->dice, 4) && s->now_us < s->last_day_us) {
        int64_t us =
            next_change(s) - s->now_us + dice_between(&s->dice, -1000000, 2000000);

        add_time(s, us < 0 ? 0 : us);
    } else if (dice_one_in(&s->dice, 6) && s->now_us < s->last_day_us) {
        add_time(s, next_midnight(s) - 1 - dice_below(&s->dice, 2000000) - s->now_us);
    } else if (dice_one_in(&s->dice, 40) && s->now_us < s->last_day_us) {
        add_time(s, dice_between(&s->dice, 1, 12) * DAY_US);
    } else {
        add_time(s, dice_below(&s->dice, 4000000));
    }
}

// ---- looking ----

void
compare_everything(struct simulation *s)
{
    struct check_report *report = xcalloc(1, sizeof *report);
    struct why why = {.text = ""};
    uint64_t waiting = 0;
    struct meta meta;

    model_everything(s->model, node_view(&s->node));
    if (stage_finished() == 0) { // the loop knows all that the model knows
        model_check_fresh(s->model, node_view(&s->node), s->node.broker->catalogue,
                          s->node.broker->roster, s->now_us);
        witness_look_at_counts(&s->witness);
    }
    if (store_check(s->node.broker->store, report, NULL, NULL, &why) != VG_OK ||
        report->faults.total > 0) {
        broken("the store's own check: %s%s", why.text,
               report->faults.total > 0 ? report->faults.fault[0].why.text : "");
    }
    for (size_t i = 0; i < s->model->boxes_len; i++) {
        waiting +=
            model_waiting(&s->model->boxes[i]) + s->model->boxes[i].count[PLACE_PARKED];
    }
    CHECK(meta_get(node_view(&s->node), &meta, NULL) == VG_OK);
    if (report->commits + meta.first_commit - 1 != s->model->commits ||
        report->letters != waiting) {
        broken("the store's own check counts %llu commits and %llu letters, not %llu and "
               "%llu",
               (unsigned long long)report->commits, (unsigned long long)report->letters,
               (unsigned long long)s->model->commits, (unsigned long long)waiting);
    }
    free(report);
}

// As the loop does once a day and more often, with windows of days instead of months.
void
expire(struct simulation *s)
{
    struct command *command;

    if (s->expires) {
        return; // one in a batch: the model reads in the record what it did
    }
    s->expires = true;
    command = command_new(COMMAND_EXPIRE, NULL, 0);
    command->expire = (struct expire_command){
        .replay_days = dice_below(&s->dice, 4),
        .unread_days = dice_one_in(&s->dice, 3) ? 1 + dice_below(&s->dice, 6) : 0,
        .journal_months = dice_below(&s->dice, 3),
        .person_months = 1,
        .folded_commit = stage_finished() == 0 ? s->model->folded : 0,
        .exported_commit = dice_one_in(&s->dice, 3) ? s->model->commits / 2 : UINT64_MAX,
    };
    node_propose(&s->node, &command);
}

// A copy of some time ago becomes what the store is now.
static void
replay(struct simulation *s)
{
    if (s->twin.path[0] != 0) {
        twin_follow(&s->twin, &s->node);
    }
}

static void
died(struct simulation *s)
{
    if (dice_one_in(&s->dice, 4)) {
        compare_everything(s);
    }
}

// ---- the broker ----

static enum trouble
choose_trouble(struct simulation *s)
{
    bool rare = s->catalogues_waiting > 0; // and with much to undo

    if (s->fault_one_in == 0 || !dice_one_in(&s->dice, rare ? 3 : s->fault_one_in)) {
        return FAULT_NONE;
    }
    return (enum trouble)(1 + dice_below(&s->dice, FAULT_READS - 1));
}

void
apply(struct simulation *s, enum trouble trouble)
{
    int64_t back = dice_one_in(&s->dice, 60) ? dice_below(&s->dice, 3600) : 0;

    while (stage_finished() >= FINISHED_MOST) {
        node_take(&s->node);
    }
    stage_set_time(s->now_us - back * SECOND_US, s->steady_us); // somebody set it back
    if (node_waiting(&s->node) > 0) {
        s->catalogues_waiting = 0;
        s->expires = false;
        if (!node_apply(&s->node, trouble)) {
            died(s);
        }
        model_rows(s->model, node_view(&s->node));
    }
    stage_set_time(s->now_us, s->steady_us);
}

static void
fail_reads(struct simulation *s)
{
    faults_arm(FAULT_READS, &s->dice);
    for (uint32_t n = 1 + dice_below(&s->dice, 4); n > 0; n--) {
        (void)network_carry(&s->network);
        node_go_on(&s->node);
    }
    faults_heal();
}

// ---- a step ----

static enum act
choose_act(struct simulation *s)
{
    uint32_t n = dice_below(&s->dice, s->weights_total);
    unsigned act = 0;

    while (n >= s->weights[act]) {
        n -= s->weights[act++];
    }
    return (enum act)act;
}

// Mostly one that is connected.
static struct member *
any_member(struct simulation *s)
{
    struct member *member = NULL;

    for (int tries = 0; tries < 3 && (member == NULL || member->connection == 0);
         tries++) {
        member = &s->members.member[dice_below(&s->dice, MEMBERS)];
    }
    return member;
}

// Sometimes one that is there already: another session takes its mailboxes over.
static void
subscribe(struct simulation *s)
{
    const struct member *member = any_member(s);
    bool again = member->institution != 0 && dice_one_in(&s->dice, 2);

    members_subscribe(&s->members, again ? member->institution : any_institution(s));
}

static void
act_of_member(struct simulation *s, enum act act)
{
    struct member *member = any_member(s);

    for (size_t i = 0; act == ACT_REFUSE && i < MEMBERS && !members_have_letters(member);
         i++) {
        member = &s->members.member[i];
    }
    if (!network_is_up(&s->network, member->connection)) {
        members_subscribe(&s->members, any_institution(s));
    } else if (act == ACT_HANG_UP) {
        members_hang_up(&s->members, member);
    } else if (act == ACT_FIDGET) {
        members_fidget(&s->members, member);
    } else if (act == ACT_REFUSE) {
        members_refuse(&s->members, member);
    } else {
        members_acknowledge(&s->members, member);
    }
}

static void
act_now(struct simulation *s, enum act act)
{
    uint32_t source = dice_below(&s->dice, (uint32_t)s->sources.len);

    switch (act) {
    case ACT_REPORT:
        report(s);
        break;
    case ACT_REFER:
        refer(s);
        break;
    case ACT_PUBLISH:
        sources_publish(&s->sources, source);
        break;
    case ACT_CARRY:
        (void)network_carry(&s->network);
        break;
    case ACT_APPLY:
        apply(s, choose_trouble(s));
        break;
    case ACT_TAKE:
        node_take(&s->node);
        if (node_waiting(&s->node) == 0 && s->node.broker->owed == NULL &&
            s->node.broker->riding.len == 0) {
            witness_look(&s->witness);
        }
        break;
    case ACT_GO_ON:
        node_go_on(&s->node);
        break;
    case ACT_SUBSCRIBE:
        subscribe(s);
        break;
    case ACT_HANG_UP:
    case ACT_FIDGET:
    case ACT_ACKNOWLEDGE_SOME:
    case ACT_REFUSE:
        act_of_member(s, act);
        break;
    case ACT_HANDLE_PARKED:
        handle_parked(s);
        break;
    case ACT_INTEGRATE_SOME:
        integrate(s);
        break;
    case ACT_REMOVE_SOME:
        remove_some(s);
        break;
    case ACT_ASK:
        ask(s);
        break;
    case ACT_ADMINISTER:
        administer(s);
        break;
    case ACT_CHANGE_RULES:
        change_rules(s);
        break;
    case ACT_SECOND:
        node_second(&s->node);
        break;
    case ACT_PULSE:
        node_pulse(&s->node);
        break;
    case ACT_TIME:
        pass_time(s);
        break;
    case ACT_FILL_DISK:
        node_fill_disk(&s->node, dice_one_in(&s->dice, 3));
        break;
    case ACT_FAIL_READS:
        fail_reads(s);
        break;
    case ACT_DIE:
        node_die(&s->node);
        died(s);
        break;
    case ACT_DRAIN:
        node_drain(&s->node);
        break;
    case ACT_FORGET:
        sources_forget(&s->sources, source);
        break;
    case ACT_COPY:
        twin_copy(&s->twin, &s->node, dice_one_in(&s->dice, 4));
        break;
    case ACT_EXPIRE:
        expire(s);
        break;
    case ACT_REPLAY:
        replay(s);
        break;
    case ACT_MERGE:
        merge(s);
        break;
    case ACTS:
        break;
    }
}

// ---- runs ----

static void
print_end(const struct simulation *s, const struct hash *journal)
{
    const struct model *model = s->model;
    uint64_t unwanted = 0;

    for (size_t i = 0; i < INSTITUTIONS_MAX; i++) {
        unwanted += model->unwanted[i];
    }
    printf(
        "seed %" PRIu64 ": %" PRIu64 " steps, %" PRIu64 " commits, %" PRIu64
        " mutations, %" PRIu64 " refused, %" PRIu64 " repeated, %" PRIu64
        " letters, %" PRIu64 " acknowledged, %" PRIu64 " given back, %" PRIu64
        " deferred, %" PRIu64 " tried again, %" PRIu64 " parked, %" PRIu64
        " unread, %" PRIu64 " dropped, %" PRIu64 " integrations, %" PRIu64
        " frames, %" PRIu64 " lost, %" PRIu64 " delivered, %" PRIu64
        " corrected, %" PRIu64 " owed, %" PRIu64 " answered, %" PRIu64 " warned, %" PRIu64
        " ended, %" PRIu64 " rules, %" PRIu64 " unwanted, %" PRIu64 " advanced, %" PRIu64
        " withdrawn, %" PRIu64 " mergers, %" PRIu64 " moved, %" PRIu64 " merged, %" PRIu64
        " again, %" PRIu64 " takeovers, %" PRIu64 " batches without room%s, %" PRIu64
        " crashes, %" PRIu64 " drains, journal ",
        s->seed, s->steps, model->commits, model->mutations, model->refused,
        model->repeated, model->letters, model->acknowledgements, model->given_back,
        model->deferred, s->witness.tried, model->parked, model->unread, model->dropped,
        model->directory, s->network.frames, s->network.lost, s->witness.delivered,
        model->corrected, model->owed, model->answered, model->warned, model->ended,
        model->rules, unwanted, model->advanced, model->withdrawn, model->mergers,
        model->letters_moved, model->merged, model->holding_again, s->witness.takeovers,
        s->node.full, s->node.tiny ? " (tiny)" : "", s->node.crashes, s->node.drains);
    for (size_t i = 0; i < 8; i++) {
        printf("%02x", journal->at[i]);
    }
    printf("\n");
}

static void
end(struct simulation *s)
{
    twin_end(&s->twin);
    node_end(&s->node);
    network_end(&s->network);
    members_end(&s->members);
    witness_end(&s->witness);
    model_free(&s->model);
}

// Returns the journal's last hash, in which all before it is.
static struct hash
simulate(uint64_t seed, uint64_t steps, bool quiet)
{
    static struct simulation s;
    struct meta meta;

    running = &s;
    begin(&s, seed, steps);
    for (s.step = 1; s.step <= s.steps; s.step++) {
        act_now(&s, choose_act(&s));
        if (s.step % WHOLE_CHECK_STEPS == 0) {
            compare_everything(&s);
        }
    }
    calm_down(&s);
    if (s.repeating) {
        take_some_back(&s);
    }
    walk_to_the_end(&s);
    if (dice_one_in(&s.dice, 6)) {
        sleep_some_days(&s);
    }
    replay(&s);
    empty_all_mailboxes(&s);
    CHECK(meta_get(node_view(&s.node), &meta, NULL) == VG_OK);
    if (!quiet) {
        print_end(&s, &meta.last_hash);
    }
    end(&s);
    return meta.last_hash;
}

static uint64_t
number_after(int argc, char **argv, const char *name, uint64_t fallback)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return strtoull(argv[i + 1], NULL, 10);
        }
    }
    return fallback;
}

static bool
has(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return true;
        }
    }
    return false;
}

int
main(int argc, char **argv)
{
    uint64_t seed = number_after(argc, argv, "--seed", 1);
    uint64_t steps = number_after(argc, argv, "--steps", 0);
    uint64_t seconds = number_after(argc, argv, "--seconds", UINT32_MAX);
    uint64_t seeds =
        number_after(argc, argv, "--seeds", seconds == UINT32_MAX ? 1 : UINT32_MAX);
    bool twice = has(argc, argv, "--twice");
    bool quiet = has(argc, argv, "--quiet");
    time_t last = time(NULL) + (time_t)seconds;
    uint64_t done = 0;

    signal(SIGABRT, say_where);
    signal(SIGSEGV, say_where);
    for (; done < seeds && time(NULL) < last; done++) {
        struct hash journal = simulate(seed + done, steps, quiet);

        fflush(stdout);
        if (twice) {
            struct hash again = simulate(seed + done, steps, quiet);

            if (memcmp(&journal, &again, sizeof journal) != 0) {
                printf("seed %" PRIu64 " does not give the same journal again\n",
                       seed + done);
                return 1;
            }
        }
    }
    printf("%" PRIu64 " seeds, %ld s\n", done,
           (long)(time(NULL) - last + (time_t)seconds));
    return 0;
}
