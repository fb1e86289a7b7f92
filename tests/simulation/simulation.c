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
    QUIET_ROUNDS_MAX = 1000,
    UNWELL_ROUNDS = 6,
    HEARTBEAT_MS = 60 * 1000,
    FIRST_KEY = 1,
    FLOOD_STEPS = 1500,
    SAID_HERE = 3,
    SERVED_HERE = 12,
    TAKEN_BACK_HERE = 4,
    MERGE_STEPS = 50, // from one plan to the next
};

static const int64_t day_us = INT64_C(86400) * 1000000;
static const int64_t second_us = 1000000;

static const unsigned usual[ACTS] = {
    [ACT_REFER] = 60,
    [ACT_REPORT] = 30,
    [ACT_PUBLISH] = 30,
    [ACT_CARRY] = 130,
    [ACT_APPLY] = 40,
    [ACT_TAKE] = 30,
    [ACT_GO_ON] = 20,
    [ACT_SUBSCRIBE] = 6,
    [ACT_HANG_UP] = 2,
    [ACT_ACKNOWLEDGE_SOME] = 30,
    [ACT_FIDGET] = 4,
    [ACT_REMOVE_SOME] = 5,
    [ACT_INTEGRATE_SOME] = 14,
    [ACT_ASK] = 3,
    [ACT_ADMINISTER] = 4,
    [ACT_CHANGE_RULES] = 5,
    [ACT_SECOND] = 8,
    [ACT_PULSE] = 3,
    [ACT_TIME] = 10,
    [ACT_FILL_DISK] = 1,
    [ACT_FAIL_READS] = 1,
    [ACT_DIE] = 1,
    [ACT_DRAIN] = 1,
    [ACT_FORGET] = 1,
    [ACT_COPY] = 1,
    [ACT_EXPIRE] = 4,
    [ACT_REPLAY] = 1,
    [ACT_REFUSE] = 40,
    [ACT_HANDLE_PARKED] = 8,
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
        us += 3600 * second_us;
    }
    return us - us % (3600 * second_us); // Brussels is whole hours away
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
        add_time(s, dice_between(&s->dice, 1, 12) * day_us);
    } else {
        add_time(s, dice_below(&s->dice, 4000000));
    }
}

// ---- looking ----

static void
look_at_everything(struct simulation *s)
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
static void
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
        look_at_everything(s);
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

static void
apply(struct simulation *s, enum trouble trouble)
{
    int64_t back = dice_one_in(&s->dice, 60) ? dice_below(&s->dice, 3600) : 0;

    while (stage_finished() >= FINISHED_MOST) {
        node_take(&s->node);
    }
    stage_set_time(s->now_us - back * second_us, s->steady_us); // somebody set it back
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

// ---- the network's ends ----

static void
at_client(uint64_t connection, struct bytes frame, void *arg)
{
    struct simulation *s = arg;

    if (!sources_hear(&s->sources, connection, frame)) {
        (void)members_hear(&s->members, connection,
                           frame); // else nobody hears it any more
    }
}

static void
to_broker(const struct connection *connection, struct bytes frame, void *arg)
{
    node_receive(&((struct simulation *)arg)->node, connection, frame);
}

static void
from_broker(uint64_t connection, struct bytes frame, bool taken, void *arg)
{
    struct witness *witness = &((struct simulation *)arg)->witness;

    if (taken) {
        witness_sent(witness, connection, frame);
    } else {
        witness_not_taken(witness, frame);
    }
}

// ---- the beginning ----

// Mostly a hundred steps or two; sometimes thousands.
static uint64_t
draw_steps(struct simulation *s)
{
    uint64_t steps = 40 + dice_below(&s->dice, 260);

    return dice_one_in(&s->dice, 60) ? steps * 12 : steps;
}

static void
draw_weights(struct simulation *s)
{
    static const unsigned factors[] = {0, 1, 4, 4, 4, 8, 16}; // of four

    for (unsigned i = 0; i < ACT_MERGE; i++) {
        unsigned factor = factors[dice_below(&s->dice, ARRAY_LEN(factors))];

        if (i <= ACT_GO_ON && factor == 0) {
            factor = 1; // without these nothing happens
        }
        if (i <= ACT_SUBSCRIBE && s->refusing) {
            factor = i == ACT_SUBSCRIBE || i == ACT_GO_ON ? 16 : 4;
        }
        if (i == ACT_ACKNOWLEDGE_SOME && s->refusing) {
            factor = 1; // there must be something to give back
        }
        if ((i == ACT_REFUSE || i == ACT_HANDLE_PARKED) && !s->refusing) {
            factor = 0;
        }
        if (i == ACT_CHANGE_RULES && !s->noisy) {
            factor = 0;
        }
        s->weights[i] = usual[i] * factor / 4;
        s->weights_total += s->weights[i];
    }
    s->weights[ACT_MERGE] = s->merging ? s->weights_total / MERGE_STEPS : 0;
    s->weights_total += s->weights[ACT_MERGE];
}

// What is rare and large: thousands of letters and of gaps between acknowledgements, a
// person whom everybody follows, letters beyond what a frame takes.
static void
draw_sizes(struct simulation *s)
{
    bool flood = dice_one_in(&s->dice, 1500);

    if (flood && s->steps < FLOOD_STEPS && s->draws_steps) {
        s->steps = FLOOD_STEPS;
    }
    s->refusing = s->refusing && !flood;
    s->burst = flood ? 1000 : !s->refusing && dice_one_in(&s->dice, 6) ? 60 : 5;
    s->items_max = dice_one_in(&s->dice, 400) ? INTEGRATE_ITEMS_MAX : 4;
    s->heavy = !flood && dice_one_in(&s->dice, 12);
    s->referring = dice_one_in(&s->dice, 2);
    s->favourite = flood || s->items_max > 4 ? 30 : s->refusing ? 3 : 0;
    s->members.sparse = flood && dice_one_in(&s->dice, 2);
    s->members.wide = flood || dice_one_in(&s->dice, 20);
    s->model->counts_rows = s->items_max > 4;
    s->fault_one_in = dice_one_in(&s->dice, 4) ? 0 : 5 + dice_below(&s->dice, 60);
    s->network.loss = dice_one_in(&s->dice, 3) ? 0 : 4 + dice_below(&s->dice, 60);
    s->network.disorder = dice_one_in(&s->dice, 3) ? 2 + dice_below(&s->dice, 30) : 0;
    s->network.queue_max =
        dice_one_in(&s->dice, 4) ? 1 + dice_below(&s->dice, 4) : QUEUE_MAX;
}

// Sometimes so small that it is full before the end.
static uint64_t
draw_map_bytes(struct simulation *s)
{
    return dice_one_in(&s->dice, 8) ? (UINT64_C(1200) + dice_below(&s->dice, 1500)) << 10
                                    : UINT64_C(256) << 20;
}

static struct settings
draw_settings(struct simulation *s)
{
    struct settings settings;

    settings_defaults(&settings);
    settings.scrub_bytes_per_second = 0; // a thread of its own would not follow the seed
    settings.map_bytes = draw_map_bytes(s);
    settings.http_endpoint[0] = settings.catalogue_file[0] = settings.run_dir[0] = 0;
    settings.anchor_key_file[0] = 0;
    settings.disk_reserve_bytes = 0;
    settings.test_persons = true;
    settings.heartbeat_ms = HEARTBEAT_MS;
    settings.retry_first_ms = 100 + dice_below(&s->dice, 2000);
    settings.retry_longest_ms = 5000 + dice_below(&s->dice, 20000);
    settings.retry_attempts = 2 + dice_below(&s->dice, 6);
    settings.window_messages =
        dice_one_in(&s->dice, 4) ? 1 + dice_below(&s->dice, 200) : 20000;
    return settings;
}

static void
settle(struct simulation *s)
{
    while (node_waiting(&s->node) > 0) {
        apply(s, FAULT_NONE);
    }
    node_take(&s->node);
}

static void
furnish(struct simulation *s)
{
    static const struct {
        const char *code;
        uint16_t sector;
        uint32_t producers;
    } first[] = {{"RN", 1, 2},
                 {"BIS", 2, 1},
                 {"WAIT", 3, 1},
                 {"ONSS", 4, 1},
                 {"INASTI", 5, 1},
                 {"PENSION", 6, 1},
                 {"SPPIS", 7, 1},
                 {"MUT-509", 10, 0},
                 {"WATER-1", 20, 0},
                 {"DELIJN", 18, 0},
                 {"CPAS-A", SECTOR_CPAS, 2},
                 {"CPAS-B", SECTOR_CPAS, 1},
                 {"CPAS-C", SECTOR_CPAS, 0},
                 {"CPAS-D", SECTOR_CPAS, 0}};

    want_catalogue(s, 0);
    for (uint32_t i = 0; i < ARRAY_LEN(first); i++) {
        want_institution(s, first[i].code, first[i].sector);
        want_key(s, i + 1, ROLE_MEMBER);
        if (first[i].producers > 0) {
            want_key(s, i + 1, ROLE_SOURCE);
        }
        for (uint32_t p = 1; p <= first[i].producers; p++) {
            sources_add(&s->sources, i + 1, p);
        }
    }
    settle(s);
    for (uint32_t n = 10 + dice_below(&s->dice, 50); n > 0; n--) {
        integrate(s);
    }
    for (uint32_t n = s->noisy ? dice_below(&s->dice, 12) : 0; n > 0; n--) {
        change_rules(s);
    }
    if (s->noisy && dice_one_in(&s->dice, 2)) {
        want_neither(s);
    }
    if (s->repeating && !dice_one_in(&s->dice, 4)) {
        want_merged(s);
    }
}

static void
begin_clock(struct simulation *s)
{
    s->now_us = (day_of(2026, 2, 1).number + dice_between(&s->dice, 0, 600)) * day_us +
                dice_below(&s->dice, 86400) * second_us;
    s->last_day_us = s->now_us + 200 * day_us;
    s->steady_us = second_us;
    stage_set_time(s->now_us, s->steady_us);
}

// Drawn apart: what the other seeds do they did before there were mergers.
static bool
merges(uint64_t seed)
{
    struct dice dice = {.state = seed ^ UINT64_C(0x6d657267)};

    return dice_one_in(&dice, 4);
}

// steps 0: as the seed draws them.
static void
begin(struct simulation *s, uint64_t seed, uint64_t steps)
{
    struct settings settings;
    uint64_t drawn;

    memset(s, 0, sizeof *s);
    s->seed = s->dice.state = seed;
    running = s;
    drawn = draw_steps(s);
    s->draws_steps = steps == 0;
    s->steps = steps == 0 ? drawn : steps;
    network_begin(&s->network, &s->dice);
    s->network.at_client = at_client;
    s->network.to_broker = to_broker;
    s->network.from_broker = from_broker;
    s->network.arg = s;
    begin_clock(s);
    s->model = model_new(today(s) - 400);
    s->keys_asked = FIRST_KEY;
    s->node = (struct node){.dice = &s->dice,
                            .model = s->model,
                            .network = &s->network,
                            .witness = &s->witness};
    s->sources =
        (struct sources){.dice = &s->dice, .model = s->model, .network = &s->network};
    s->members =
        (struct members){.dice = &s->dice, .model = s->model, .network = &s->network};
    s->refusing = dice_one_in(&s->dice, 3);
    s->noisy = dice_one_in(&s->dice, 3);
    s->merging = merges(seed);
    s->repeating = s->noisy && !s->merging;
    draw_weights(s);
    draw_sizes(s);
    settings = draw_settings(s);
    s->model->retry = (struct retry_rule){
        settings.retry_first_ms, settings.retry_longest_ms, settings.retry_attempts};
    s->node.slices = dice_one_in(&s->dice, 2);
    node_begin(&s->node, &settings);
    furnish(s);
}

// ---- the end: when the world has calmed down everything is answered and delivered ----

static void
renew_key(struct simulation *s, uint32_t institution, uint32_t role)
{
    if (model_valid_key(s->model, institution, role) == NULL) {
        want_key(s, institution, role);
        settle(s);
    }
}

// Whoever had his key revoked gets another one.
static void
renew_keys(struct simulation *s)
{
    settle(s);
    for (uint32_t i = 1; i <= s->model->institutions_len; i++) {
        renew_key(s, i, ROLE_MEMBER);
    }
    for (size_t i = 0; i < s->sources.len; i++) {
        renew_key(s, s->sources.source[i].institution, ROLE_SOURCE);
    }
}

// It was the own one of an institution that is part of another one now.
static bool
is_emptied(const struct simulation *s, const struct model_box *box)
{
    return box->id < MAILBOX_EXTRA_FIRST && s->model->institutions[box->id].merged;
}

static void
stop_troubles(struct simulation *s)
{
    s->network.loss = s->network.disorder = 0;
    s->network.queue_max = QUEUE_MAX;
    node_fill_disk(&s->node, false);
    s->node.settings.window_messages = 1000000;
}

static void
quiet_round(struct simulation *s)
{
    while (network_carry(&s->network)) {
    }
    node_go_on(&s->node);
    settle(s);
    add_time(s, second_us);
    node_second(&s->node);
    node_pulse(&s->node);
    settle(s);
    while (network_carry(&s->network)) {
    }
}

// What those had who became part of others goes into the mailboxes of these.
static void
move_all_letters(struct simulation *s)
{
    size_t left = 1;

    for (int round = 0; left > 0; round++) {
        left = 0;
        quiet_round(s);
        for (size_t i = 0; i < s->model->boxes_len; i++) {
            left +=
                is_emptied(s, &s->model->boxes[i]) ? model_left(&s->model->boxes[i]) : 0;
        }
        if (left > 0 && round == QUIET_ROUNDS_MAX && !s->node.tiny) {
            broken("after %d quiet rounds %zu letters are still to be moved", round,
                   left);
        }
        if (round == QUIET_ROUNDS_MAX || (s->node.tiny && round == 40)) {
            break; // there may be no room
        }
    }
}

static void
finish_publishing(struct simulation *s)
{
    for (int round = 0; sources_are_busy(&s->sources); round++) {
        if (s->node.tiny && round == 20) {
            break; // there may be no room any more
        }
        if (round == QUIET_ROUNDS_MAX) {
            broken("after %d quiet rounds a source has no answer yet", round);
        }
        renew_keys(s);
        for (size_t i = 0; i < s->sources.len; i++) {
            sources_publish(&s->sources, i);
        }
        quiet_round(s);
    }
}

static void
calm_down(struct simulation *s)
{
    stop_troubles(s);
    finish_publishing(s);
    while (s->node.broker->draining) {
        quiet_round(s);
    }
    if (s->merging) {
        settle_mergers(s);
        move_all_letters(s);
    }
    if (dice_one_in(&s->dice, 2)) {
        lift_rules(s);
    }
    quiet_round(s);
    renew_keys(s);
    model_check_letters(s->model, s->node.broker->tails, node_view(&s->node));
    look_at_everything(s);
}

// Days pass in which nobody takes anything.
static void
sleep_some_days(struct simulation *s)
{
    add_time(s, dice_between(&s->dice, 1, 12) * day_us);
    quiet_round(s); // so that all is filed
    expire(s);
    quiet_round(s);
    look_at_everything(s);
}

// Of what waits in its turn, what the mailbox's rules let come at this moment.
static bool
something_comes(const struct simulation *s, const struct model_box *box)
{
    int64_t hold_back = model_hold_back(&box->rules, s->now_us);

    for (uint64_t n = box->mark + 1; n <= box->len; n++) {
        if (box->told[n - 1].place == PLACE_TURN) {
            return box->told[n - 1].kept_us < hold_back;
        }
    }
    return hold_back != INT64_MIN;
}

// Quiet hours end, and a digest comes within a day.
static void
wait_until_it_comes(struct simulation *s, const struct model_box *box)
{
    while (!something_comes(s, box)) {
        add_time(s, 10 * MINUTE_US);
    }
}

// For some rounds the institution is not well yet and gives letters back.
static void
be_served(struct simulation *s, const struct model_box *box, struct member *member,
          bool well)
{
    if (!network_is_up(&s->network, member->connection)) {
        members_connect(&s->members, member, box->institution);
        members_open(&s->members, member, box->id);
    }
    quiet_round(s);
    for (int i = 0; !well && i < 3; i++) {
        members_refuse(&s->members, member);
    }
    if (well || dice_one_in(&s->dice, 2)) {
        members_acknowledge_all(&s->members, member);
    }
    quiet_round(s);
}

// Some who want repeats merged are served; then some of what they got is taken back, perhaps by
// sources of a broker that has died in between.
static void
take_some_back(struct simulation *s)
{
    struct member *member = &s->members.member[0];

    for (int n = 0; n < SAID_HERE; n++) {
        say_anew(s);
    }
    finish_publishing(s);
    for (int n = 0; n < SERVED_HERE; n++) {
        const struct model_box *box =
            &s->model->boxes[dice_below(&s->dice, (uint32_t)s->model->boxes_len)];

        if (box->rules.repeats == REPEATS_MERGE && box->count[PLACE_TURN] > 1) {
            members_hang_up(&s->members, member);
            be_served(s, box, member, true);
        }
    }
    members_hang_up(&s->members, member);
    if (dice_one_in(&s->dice, 4)) {
        node_die(&s->node);
    }
    for (int n = 0; n < TAKEN_BACK_HERE; n++) {
        take_back(s);
    }
    finish_publishing(s);
    look_at_everything(s);
}

// Letters about one person come one after the other once the first was refused. In the end
// somebody looks after what is parked: then it comes once more, or not.
static void
empty_mailbox(struct simulation *s, const struct model_box *box)
{
    struct member *member = &s->members.member[0];
    size_t rounds_max = QUIET_ROUNDS_MAX + 2 * box->len;

    s->members.calm = true;
    members_hang_up(&s->members, member);
    for (size_t round = 0; model_left(box) > 0 && round < rounds_max; round++) {
        bool well = !s->refusing || round >= UNWELL_ROUNDS;

        if (s->node.tiny && round == 40) {
            break;
        }
        if (well && box->count[PLACE_PARKED] > 0) {
            handle_all_parked(s, box, dice_one_in(&s->dice, 3));
        }
        wait_until_it_comes(s, box);
        be_served(s, box, member, well);
    }
    members_hang_up(&s->members, member);
    if (model_left(box) != 0 && !s->node.tiny) {
        broken("mailbox %u: %llu letters still wait after all was acknowledged, %llu are "
               "parked",
               box->id, (unsigned long long)model_waiting(box),
               (unsigned long long)box->count[PLACE_PARKED]);
    }
}

// On a day of peace the walk over the directory comes to its end.
static void
walk_to_the_end(struct simulation *s)
{
    for (int round = 0; s->model->walk.through < today(s) && !s->node.tiny; round++) {
        if (round == PERSONS + 10) {
            broken("the walk that tells of ends is not finished");
        }
        quiet_round(s);
    }
}

static void
empty_all_mailboxes(struct simulation *s)
{
    for (size_t i = 0; i < s->model->boxes_len; i++) {
        if (!is_emptied(s, &s->model->boxes[i])) {
            empty_mailbox(s, &s->model->boxes[i]);
        }
    }
    if (!s->node.tiny) {
        model_check_told(s->model);
    }
    for (int rounds = 0; rounds < 3;
         rounds++) { // the fold's own commit is nothing to fold
        uint64_t letters = s->model->letters;

        quiet_round(s);
        if (s->model->letters != letters) { // midnight: somebody was told of an end
            rounds = -1;
        }
    }
    if (tails_bytes(s->node.broker->tails) != 0 && !s->node.tiny) {
        broken("the tails hold %zu bytes after a fold",
               tails_bytes(s->node.broker->tails));
    }
    look_at_everything(s);
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

    begin(&s, seed, steps);
    for (s.step = 1; s.step <= s.steps; s.step++) {
        act_now(&s, choose_act(&s));
        if (s.step % WHOLE_CHECK_STEPS == 0) {
            look_at_everything(&s);
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
