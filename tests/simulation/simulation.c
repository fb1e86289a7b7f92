// SPDX-License-Identifier: EUPL-1.2
// Goal: whatever happens around the core - lost, doubled and late frames, sessions that
// vanish, a full or failing disk, crashes at any commit - its promises hold.
// Method: one process, one seed, a clock that is a number. Random steps drive many sources
// and members against the real core; a model of few lines follows every commit and
// compares (model.h). The same seed gives the same journal, byte for byte.
#include "clients.h"

#include "store/check.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WHOLE_CHECK_STEPS = 500,
    EXTRA_BOXES_MAX = 20,
    REMOVE_FROM = 20,
};

static const int64_t day_us = INT64_C(86400) * 1000000;

// What can happen in one step; how often is drawn anew for every seed.
enum act {
    ACT_REPORT,
    ACT_PUBLISH,
    ACT_CARRY,
    ACT_APPLY,
    ACT_TAKE,
    ACT_SUBSCRIBE,
    ACT_VANISH,
    ACT_DELIVER,
    ACT_ACKNOWLEDGE_SOME,
    ACT_INTEGRATE_SOME,
    ACT_REMOVE_SOME,
    ACT_ASK,
    ACT_ADMINISTER,
    ACT_FOLD,
    ACT_TIME,
    ACT_QUOTA,
    ACT_DIE,
    ACT_FORGET,
    ACTS,
};

static const unsigned usual[ACTS] = {
    [ACT_REPORT] = 30,         [ACT_PUBLISH] = 30,    [ACT_CARRY] = 70,
    [ACT_APPLY] = 30,          [ACT_TAKE] = 30,       [ACT_SUBSCRIBE] = 4,
    [ACT_VANISH] = 2,          [ACT_DELIVER] = 40,    [ACT_ACKNOWLEDGE_SOME] = 25,
    [ACT_INTEGRATE_SOME] = 14, [ACT_REMOVE_SOME] = 5, [ACT_ASK] = 3,
    [ACT_ADMINISTER] = 4,      [ACT_FOLD] = 6,        [ACT_TIME] = 10,
    [ACT_QUOTA] = 1,           [ACT_DIE] = 1,         [ACT_FORGET] = 1,
};

struct simulation {
    uint64_t seed;
    uint64_t step;
    uint64_t steps;
    struct dice dice;
    struct model *model;
    struct node node;
    struct clients clients;
    int64_t now_us;
    int64_t last_day_us; // time stops before the model's days end
    unsigned weights[ACTS];
    unsigned weights_total;
    unsigned fault_one_in; // 0: none
    uint32_t burst;        // mutations reported at once, at most
    uint32_t batch_max;    // commands of a batch, at most
    struct buffer catalogues[FACT_VARIANTS];
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
    node_end(&running->node);
    _Exit(1);
}

// ---- choosing ----

static uint32_t
any_institution(struct simulation *s)
{
    return 1 + dice_below(&s->dice, s->model->institutions_len);
}

static uint32_t
any_cpas(struct simulation *s)
{
    uint32_t id = any_institution(s);

    while (s->model->institutions[id].sector != SECTOR_CPAS) {
        id = any_institution(s);
    }
    return id;
}

static int32_t
today(const struct simulation *s)
{
    return day_in_brussels((struct instant){s->now_us}).number;
}

static uint32_t
number_of(int32_t day)
{
    return day_number((struct day){day});
}

// ---- what sources report ----

static void
choose_period(struct simulation *s, const struct fact_flow *flow, struct deed *deed)
{
    if (flow->period == FACT_NO_PERIOD ||
        (flow->period == FACT_MAY_HAVE && dice_one_in(&s->dice, 2))) {
        return;
    }
    deed->has_period = true;
    deed->begin = today(s) + dice_between(&s->dice, -40, 40);
    deed->end = deed->begin + dice_between(&s->dice, 0, 40);
}

static void
choose_year(struct simulation *s, struct deed *deed)
{
    int year, month, day;

    day_parts((struct day){today(s)}, &year, &month, &day);
    deed->year = (unsigned)(year - (int)dice_below(&s->dice, 2));
}

static void
choose_recipient(struct simulation *s, struct deed *deed)
{
    uint32_t id = any_institution(s);

    memcpy(deed->recipient, s->model->institutions[id].code, sizeof deed->recipient);
}

static void
choose_wrong(struct simulation *s, const struct fact_flow *flow, struct deed *deed)
{
    deed->wrong = (enum wrong)dice_below(&s->dice, WRONGS);
    if (deed->wrong == WRONG_RECIPIENT) {
        snprintf(deed->recipient, sizeof deed->recipient, "CPAS-NOBODY");
        deed->wrong = WRONG_NOTHING;
    }
    if (deed->wrong == WRONG_NISS && flow->of_enterprises) {
        deed->wrong = WRONG_DATE;
    }
}

static struct deed
choose_deed(struct simulation *s, unsigned index)
{
    const struct fact_flow *flow = facts_flow(0, index);
    struct deed deed = {.flow = index};

    deed.fields = dice_below(&s->dice, 1u << facts_fields(flow));
    if (flow->of_enterprises) {
        uint64_t eight = UINT64_C(4030192) + dice_below(&s->dice, 1000);

        deed.enterprise = eight * 100 + 97 - eight % 97;
    } else {
        deed.niss = s->model->niss[dice_below(&s->dice, PERSONS)];
    }
    if (flow->replaces) {
        deed.new_niss = s->model->niss[dice_below(&s->dice, PERSONS)];
    }
    if (flow->with_year) {
        choose_year(s, &deed);
    }
    if (flow->groups[0].to == FACT_ADDRESSED) {
        choose_recipient(s, &deed);
    }
    choose_period(s, flow, &deed);
    if (dice_one_in(&s->dice, 12)) {
        choose_wrong(s, flow, &deed);
    }
    return deed;
}

// Mostly a flow of the source's own; people are seldom replaced.
static unsigned
choose_flow(struct simulation *s, unsigned sector)
{
    for (int tries = 0; tries < 60; tries++) {
        unsigned index = dice_below(&s->dice, facts_flows());
        const struct fact_flow *flow = facts_flow(0, index);

        if ((flow->sources >> sector & 1) != 0 &&
            (!flow->replaces || dice_one_in(&s->dice, 30))) {
            return index;
        }
    }
    return 0;
}

static void
report(struct simulation *s)
{
    size_t publisher = dice_below(&s->dice, (uint32_t)s->clients.publishers_len);
    uint32_t institution = s->clients.publishers[publisher].institution;
    unsigned index = dice_one_in(&s->dice, 40)
                         ? dice_below(&s->dice, facts_flows())
                         : choose_flow(s, s->model->institutions[institution].sector);

    for (uint32_t n = 1 + dice_below(&s->dice, s->burst); n > 0; n--) {
        clients_report(&s->clients, choose_deed(s, index), publisher);
    }
}

// ---- the directory ----

static unsigned
choose_quality(struct simulation *s, uint32_t institution)
{
    static const unsigned codes[] = {1, 2, 2, 3, 4, 7, 11, 20, 30, 30, 31, 40};

    return s->model->institutions[institution].sector == SECTOR_CPAS
               ? codes[dice_below(&s->dice, ARRAY_LEN(codes))]
               : 1;
}

static void
choose_item(struct simulation *s, uint32_t institution, struct integrate_request *item)
{
    int person = (int)dice_below(&s->dice, PERSONS);
    int32_t begin = today(s) + dice_between(&s->dice, -25, 8);

    *item = (struct integrate_request){
        .niss = s->model->niss[person],
        .quality = choose_quality(s, institution),
        .begin = number_of(begin),
        .end = number_of(begin + dice_between(&s->dice, 0, 27)),
        .proof.birth_date = (uint32_t)(1950 + person) * 10000,
    };
    if (dice_one_in(&s->dice, 6)) {
        item->end = 0;
    }
    if (dice_one_in(&s->dice, 25)) {
        item->proof.birth_date = 0;
    }
    if (dice_one_in(&s->dice, 25)) {
        item->quality = 77;
    }
}

static void
integrate(struct simulation *s)
{
    struct command *command = command_new(COMMAND_INTEGRATE, NULL, 0);
    struct integrate_command *integrate = &command->integrate;

    command->actor = dice_one_in(&s->dice, 3) ? any_institution(s) : any_cpas(s);
    integrate->institution = command->actor;
    integrate->items_len = 1 + dice_below(&s->dice, 4);
    integrate->items = xcalloc(integrate->items_len, sizeof *integrate->items);
    for (size_t i = 0; i < integrate->items_len; i++) {
        choose_item(s, command->actor, &integrate->items[i]);
    }
    node_queue(&s->node, &command);
}

static void
remove_some(struct simulation *s)
{
    struct command *command = command_new(COMMAND_REMOVE, NULL, 0);
    int32_t begin = today(s) + dice_between(&s->dice, -REMOVE_FROM, 10);

    command->actor = command->remove.institution =
        dice_one_in(&s->dice, 3) ? any_institution(s) : any_cpas(s);
    command->remove.request = (struct remove_request){
        .niss = s->model->niss[dice_below(&s->dice, PERSONS)],
        .quality = choose_quality(s, command->actor),
        .begin = number_of(begin),
        .end = dice_one_in(&s->dice, 3)
                   ? 0
                   : number_of(begin + dice_between(&s->dice, 0, 30)),
    };
    node_queue(&s->node, &command);
}

static void
ask(struct simulation *s)
{
    int person = (int)dice_below(&s->dice, PERSONS);
    struct command *command;

    if (dice_one_in(&s->dice, 2)) {
        command = command_new(COMMAND_HISTORY, NULL, 0);
        command->history.niss = s->model->niss[person];
    } else {
        command = command_new(COMMAND_CONSULT, NULL, 0);
        command->consult.niss = s->model->niss[person];
        command->consult.level = CONSULT_SECONDARY;
        command->consult.proof.birth_date = (uint32_t)(1950 + person) * 10000;
    }
    command->actor = any_institution(s);
    node_queue(&s->node, &command);
}

// ---- administering ----

static void
add_institution(struct simulation *s, const char *code, uint16_t sector)
{
    struct command *command = command_new(COMMAND_ADD_INSTITUTION, NULL, 0);
    struct institution *institution = &command->add_institution.institution;

    institution->sector = sector;
    snprintf(institution->code, sizeof institution->code, "%s", code);
    node_queue(&s->node, &command);
}

static void
load_catalogue(struct simulation *s, unsigned variant)
{
    const struct buffer *text = &s->catalogues[variant];
    struct command *command = command_new(COMMAND_LOAD_CATALOGUE, text->at, text->len);

    command->back.request = variant;
    command->load_catalogue.text = (struct bytes){command->frame.at, command->frame.len};
    if (dice_one_in(&s->dice, 4) && s->model->catalogue > 0) {
        command->load_catalogue.text.len /= 2;
        command->back.request = CATALOGUE_BROKEN;
    }
    node_queue(&s->node, &command);
}

static void
add_mailbox(struct simulation *s)
{
    struct command *command = command_new(COMMAND_ADD_MAILBOX, NULL, 0);
    struct add_mailbox_command *add = &command->add_mailbox;
    char name[24];
    int len = snprintf(name, sizeof name, "box-%" PRIu64, s->step);

    buffer_add(&command->frame, name, (size_t)len);
    command->actor = any_institution(s);
    add->name = (struct bytes){command->frame.at, (size_t)len};
    add->choices_len = dice_below(&s->dice, 4);
    add->choices = xcalloc(add->choices_len + 1, sizeof *add->choices);
    for (size_t i = 0; i < add->choices_len; i++) {
        const struct fact_flow *flow =
            facts_flow(0, i == 0 ? 0 : dice_below(&s->dice, facts_flows()));

        add->choices[i].flow = bytes_of(flow->name);
        add->choices[i].qualities = dice_one_in(&s->dice, 2) ? 0 : dice_roll(&s->dice);
    }
    node_queue(&s->node, &command);
}

static void
change_key(struct simulation *s)
{
    bool adds = dice_one_in(&s->dice, 2);
    struct command *command =
        command_new(adds ? COMMAND_ADD_KEY : COMMAND_REVOKE_KEY, NULL, 0);

    memset(command->key.key, (int)dice_below(&s->dice, KEYS_MAX), KEY_LEN);
    command->key.row.institution = any_institution(s);
    command->key.row.role = ROLE_MEMBER;
    node_queue(&s->node, &command);
}

static size_t
waiting_commands(const struct simulation *s, enum command_kind kind)
{
    size_t len = 0;

    for (const struct command *command = s->node.first; command != NULL;
         command = command->next) {
        len += command->kind == kind;
    }
    return len;
}

static void
administer(struct simulation *s)
{
    static const struct {
        const char *code;
        uint16_t sector;
    } later[] = {{"OE", 13},
                 {"CPAS-E", SECTOR_CPAS},
                 {"CPAS-F", SECTOR_CPAS},
                 {"MUT-319", 10},
                 {"FAMILY-1", 11},
                 {"STIB", 19},
                 {"CPAS-A", SECTOR_CPAS},
                 {"VDAB", 15}};
    size_t i = dice_below(&s->dice, ARRAY_LEN(later));

    switch (dice_below(&s->dice, 5)) {
    case 0:
        add_institution(s, later[i].code, later[i].sector);
        break;
    case 1:
    case 2:
        load_catalogue(s, dice_below(&s->dice, FACT_VARIANTS));
        break;
    case 3:
        if (s->model->extra_len + waiting_commands(s, COMMAND_ADD_MAILBOX) <
            EXTRA_BOXES_MAX) {
            add_mailbox(s);
        }
        break;
    default:
        change_key(s);
        break;
    }
}

static void
fold(struct simulation *s)
{
    struct command *command = command_new(COMMAND_FOLD, NULL, 0);

    node_queue(&s->node, &command);
}

// ---- time ----

static int64_t
next_midnight(const struct simulation *s)
{
    int64_t us = s->now_us;
    int32_t day = today(s);

    while (day_in_brussels((struct instant){us}).number == day) {
        us += INT64_C(3600) * 1000000;
    }
    return us - us % (INT64_C(3600) * 1000000); // Brussels is whole hours away
}

static void
pass_time(struct simulation *s)
{
    if (dice_one_in(&s->dice, 6) && s->now_us < s->last_day_us) {
        s->now_us = next_midnight(s) - 1 - dice_below(&s->dice, 2000000);
    } else if (dice_one_in(&s->dice, 40) && s->now_us < s->last_day_us) {
        s->now_us += dice_between(&s->dice, 1, 12) * day_us;
    } else {
        s->now_us += dice_below(&s->dice, 4000000);
    }
}

// ---- the broker ----

static enum trouble
choose_trouble(struct simulation *s)
{
    bool rare = waiting_commands(s, COMMAND_LOAD_CATALOGUE) > 0; // and with much to undo

    if (s->fault_one_in == 0 || !dice_one_in(&s->dice, rare ? 3 : s->fault_one_in)) {
        return FAULT_NONE;
    }
    return (enum trouble)(1 + dice_below(&s->dice, FAULTS - 1));
}

static void
look_at_everything(struct simulation *s)
{
    struct check_report *report = xcalloc(1, sizeof *report);
    struct why why = {.text = ""};
    uint64_t waiting = 0;

    model_everything(s->model, node_view(&s->node));
    if (store_check(s->node.store, report, NULL, NULL, &why) != VG_OK ||
        report->faults.total > 0) {
        broken("the store's own check: %s%s", why.text,
               report->faults.total > 0 ? report->faults.fault[0].why.text : "");
    }
    for (size_t i = 0; i < s->model->boxes_len; i++) {
        waiting += s->model->boxes[i].waiting;
    }
    if (report->commits != s->model->commits || report->letters != waiting) {
        broken("the store's own check counts %llu commits and %llu letters, not %llu and "
               "%llu",
               (unsigned long long)report->commits, (unsigned long long)report->letters,
               (unsigned long long)s->model->commits, (unsigned long long)waiting);
    }
    free(report);
}

static void
died(struct simulation *s)
{
    clients_lose_all(&s->clients);
    if (dice_one_in(&s->dice, 4)) {
        look_at_everything(s);
    }
}

static void
take(struct simulation *s)
{
    struct batch *batch = node_take(&s->node);

    if (batch != NULL) {
        clients_answer(&s->clients, batch);
        batch_free(&batch);
    }
}

static void
apply(struct simulation *s, enum trouble trouble)
{
    int64_t now_us = s->now_us;

    if (s->node.queued == 0) {
        return;
    }
    while (s->node.finished_len == FINISHED_MAX) {
        take(s);
    }
    if (dice_one_in(&s->dice, 60)) {
        now_us -= dice_below(&s->dice, 3600) * INT64_C(1000000); // somebody set it back
    }
    if (!node_apply(&s->node, 1 + dice_below(&s->dice, s->batch_max), now_us, trouble)) {
        died(s);
    }
    model_rows(s->model, node_view(&s->node));
}

static void
quota(struct simulation *s)
{
    s->node.quota = !s->node.quota && dice_one_in(&s->dice, 2);
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

static struct session *
any_session(struct simulation *s)
{
    struct session *session = NULL;

    for (int tries = 0; tries < 3 && (session == NULL || session->id == 0); tries++) {
        session = &s->clients.sessions[dice_below(&s->dice, SESSIONS)];
    }
    return session->id == 0 ? NULL : session;
}

// Sometimes one that is there already: another session takes its mailboxes over.
static void
subscribe(struct simulation *s)
{
    const struct session *session = any_session(s);
    bool again = session != NULL && dice_one_in(&s->dice, 2);

    clients_subscribe(&s->clients, again ? session->institution : any_institution(s));
}

static void
act_of_member(struct simulation *s, enum act act)
{
    struct session *session = any_session(s);

    if (session == NULL) {
        clients_subscribe(&s->clients, any_institution(s));
    } else if (act == ACT_VANISH) {
        clients_vanish(&s->clients, session);
    } else if (act == ACT_DELIVER) {
        clients_deliver(&s->clients, session);
    } else {
        clients_acknowledge(&s->clients, session);
    }
}

static void
act_now(struct simulation *s, enum act act)
{
    uint32_t publisher = dice_below(&s->dice, (uint32_t)s->clients.publishers_len);

    switch (act) {
    case ACT_REPORT:
        report(s);
        break;
    case ACT_PUBLISH:
        clients_publish(&s->clients, publisher);
        break;
    case ACT_CARRY:
        (void)clients_carry(&s->clients);
        break;
    case ACT_APPLY:
        apply(s, choose_trouble(s));
        break;
    case ACT_TAKE:
        take(s);
        break;
    case ACT_SUBSCRIBE:
        subscribe(s);
        break;
    case ACT_VANISH:
    case ACT_DELIVER:
    case ACT_ACKNOWLEDGE_SOME:
        act_of_member(s, act);
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
    case ACT_FOLD:
        fold(s);
        break;
    case ACT_TIME:
        pass_time(s);
        break;
    case ACT_QUOTA:
        quota(s);
        break;
    case ACT_DIE:
        node_die(&s->node);
        died(s);
        break;
    case ACT_FORGET:
        clients_forget(&s->clients, publisher);
        break;
    case ACTS:
        break;
    }
}

// ---- a run ----

static void
draw_weights(struct simulation *s)
{
    static const unsigned factors[] = {0, 1, 4, 4, 4, 8, 16}; // of four

    for (unsigned i = 0; i < ACTS; i++) {
        unsigned factor = factors[dice_below(&s->dice, ARRAY_LEN(factors))];

        if (i <= ACT_APPLY && factor == 0) {
            factor = 1; // without these nothing happens
        }
        s->weights[i] = usual[i] * factor / 4;
        s->weights_total += s->weights[i];
    }
    s->burst = dice_one_in(&s->dice, 6) ? 60 : 5;
    s->batch_max = dice_one_in(&s->dice, 6) ? 400 : 24;
    s->fault_one_in = dice_one_in(&s->dice, 4) ? 0 : 5 + dice_below(&s->dice, 60);
    s->clients.loss = dice_one_in(&s->dice, 4) ? 0 : 4 + dice_below(&s->dice, 40);
}

static void
add_publisher(struct simulation *s, uint32_t institution, uint32_t producer)
{
    s->clients.publishers[s->clients.publishers_len++] = (struct publisher){
        .institution = institution, .producer = producer, .first = 1, .next = 1};
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

    load_catalogue(s, 0);
    for (uint32_t i = 0; i < ARRAY_LEN(first); i++) {
        add_institution(s, first[i].code, first[i].sector);
        for (uint32_t p = 1; p <= first[i].producers; p++) {
            add_publisher(s, i + 1, p);
        }
    }
    while (s->node.queued > 0) {
        apply(s, FAULT_NONE);
        take(s);
    }
    for (uint32_t n = 40 + dice_below(&s->dice, 60); n > 0; n--) {
        integrate(s);
    }
}

// When the world has calmed down everything that was sent is answered and delivered.
static void
calm_down(struct simulation *s)
{
    bool busy = true;

    s->clients.loss = 0;
    s->node.quota = false;
    for (int round = 0; busy; round++) {
        if (s->node.tiny && round == 20) {
            break; // there may be no room any more
        }
        if (round == 1000) {
            broken("after 1000 quiet rounds a source has no answer yet");
        }
        busy = false;
        for (size_t i = 0; i < s->clients.publishers_len; i++) {
            busy =
                busy || s->clients.publishers[i].len > 0 || s->clients.publishers[i].asks;
            clients_publish(&s->clients, i);
        }
        while (clients_carry(&s->clients)) {
        }
        while (s->node.queued > 0) {
            apply(s, FAULT_NONE);
        }
        while (s->node.finished_len > 0) {
            take(s);
        }
        while (clients_carry(&s->clients)) {
        }
    }
    model_check_letters(s->model, s->node.tails, node_view(&s->node));
    look_at_everything(s);
}

static void
empty_mailbox(struct simulation *s, uint32_t mailbox)
{
    struct lane *lane = node_lane(&s->node, mailbox);
    struct buffer frame = {0};
    struct hot_acknowledge acknowledge = {.mailbox = mailbox};

    node_open_lane(&s->node, mailbox, UINT64_MAX, 1 + dice_below(&s->dice, 500), 1 << 20);
    while (node_fill(&s->node, lane, 65000, &frame) > 0) {
        acknowledge.through = outflow_state(lane->outflow).sent;
        node_acknowledge(&s->node, lane, &acknowledge);
        buffer_clear(&frame);
    }
    node_close_lane(lane);
    buffer_free(&frame);
}

static void
empty_all_mailboxes(struct simulation *s)
{
    for (size_t i = 0; i < s->model->boxes_len; i++) {
        empty_mailbox(s, s->model->boxes[i].id);
    }
    fold(s);
    while (s->node.queued > 0) {
        apply(s, FAULT_NONE);
    }
    fold(s);
    apply(s, FAULT_NONE);
    while (s->node.finished_len > 0) {
        take(s);
    }
    if (tails_bytes(s->node.tails) != 0 && !s->node.tiny) {
        broken("the tails hold %zu bytes after a fold", tails_bytes(s->node.tails));
    }
    for (size_t i = 0; i < s->model->boxes_len; i++) {
        if (s->model->boxes[i].waiting != 0 && !s->node.tiny) {
            broken("mailbox %u: %llu letters still wait after all was acknowledged",
                   s->model->boxes[i].id, (unsigned long long)s->model->boxes[i].waiting);
        }
    }
    look_at_everything(s);
}

static void
print_end(const struct simulation *s, const struct hash *journal)
{
    const struct model *model = s->model;

    printf("seed %" PRIu64 ": %" PRIu64 " steps, %" PRIu64 " commits, %" PRIu64
           " mutations, %" PRIu64 " refused, %" PRIu64 " repeated, %" PRIu64
           " letters, %" PRIu64 " acknowledged, %" PRIu64 " integrations, %" PRIu64
           " takeovers, %" PRIu64 " batches without room%s, %" PRIu64
           " crashes, journal ",
           s->seed, s->steps, model->commits, model->mutations, model->refused,
           model->repeated, model->letters, model->acknowledgements, model->directory,
           s->clients.takeovers, s->node.full, s->node.tiny ? " (tiny)" : "",
           s->node.crashes);
    for (size_t i = 0; i < 8; i++) {
        printf("%02x", journal->at[i]);
    }
    printf("\n");
}

// Sometimes so small that it is full before the end.
static uint64_t
choose_map_bytes(struct simulation *s)
{
    return dice_one_in(&s->dice, 8) ? (UINT64_C(1200) + dice_below(&s->dice, 1500)) << 10
                                    : UINT64_C(64) << 20;
}

static void
begin(struct simulation *s, uint64_t seed, uint64_t steps)
{
    int32_t first_day;

    *s = (struct simulation){.seed = seed, .steps = steps, .dice.state = seed};
    running = s;
    for (unsigned i = 0; i < FACT_VARIANTS; i++) {
        s->catalogues[i] = facts_text(i);
    }
    s->now_us = (day_of(2026, 2, 1).number + dice_between(&s->dice, 0, 600)) * day_us +
                dice_below(&s->dice, 86400) * INT64_C(1000000);
    s->last_day_us = s->now_us + 200 * day_us;
    first_day = day_in_brussels((struct instant){s->now_us}).number - 400;
    s->model = model_new(first_day);
    node_begin(&s->node, &s->dice, s->model, choose_map_bytes(s));
    clients_begin(&s->clients, &s->dice, s->model, &s->node);
    draw_weights(s);
    furnish(s);
}

static void
end(struct simulation *s)
{
    clients_end(&s->clients);
    node_end(&s->node);
    model_free(&s->model);
    for (unsigned i = 0; i < FACT_VARIANTS; i++) {
        buffer_free(&s->catalogues[i]);
    }
}

// Returns the journal's last hash, in which all before it is.
static struct hash
simulate(uint64_t seed, uint64_t steps)
{
    struct simulation s;
    struct meta meta;

    begin(&s, seed, steps);
    for (s.step = 1; s.step <= steps; s.step++) {
        act_now(&s, choose_act(&s));
        if (s.step % WHOLE_CHECK_STEPS == 0) {
            look_at_everything(&s);
        }
    }
    calm_down(&s);
    empty_all_mailboxes(&s);
    CHECK(meta_get(node_view(&s.node), &meta, NULL) == VG_OK);
    print_end(&s, &meta.last_hash);
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

int
main(int argc, char **argv)
{
    uint64_t seed = number_after(argc, argv, "--seed", 1);
    uint64_t steps = number_after(argc, argv, "--steps", 2000);
    uint64_t seeds = number_after(argc, argv, "--seeds", 1);
    bool twice = argc > 1 && strcmp(argv[argc - 1], "--twice") == 0;

    signal(SIGABRT, say_where);
    signal(SIGSEGV, say_where);
    for (uint64_t i = 0; i < seeds; i++) {
        struct hash journal = simulate(seed + i, steps);

        fflush(stdout);
        if (twice) {
            struct hash again = simulate(seed + i, steps);

            if (memcmp(&journal, &again, sizeof journal) != 0) {
                printf("seed %" PRIu64 " does not give the same journal again\n",
                       seed + i);
                return 1;
            }
        }
    }
    return 0;
}
