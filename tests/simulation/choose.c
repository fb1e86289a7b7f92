// SPDX-License-Identifier: EUPL-1.2
// What clients and administrators want next, by the dice.
#include "simulation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXTRA_BOXES_MAX = 20, REMOVE_FROM = 20, ITEMS_MOST = 1000, PAST_DAYS = 380 };

// ---- choosing ----

uint32_t
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

int32_t
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
    uint32_t id = dice_one_in(&s->dice, 3) ? any_institution(s) : any_cpas(s);

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
    if (deed->wrong == WRONG_SIZE && deed->fields == 0) {
        deed->wrong = WRONG_NOTHING;
    }
    if (deed->wrong != WRONG_NOTHING) {
        deed->repeat = 1; // there must be room for one more field
        deed->heavy = false;
    }
}

static uint32_t
choose_person(struct simulation *s)
{
    return s->favourite > 0 && !dice_one_in(&s->dice, s->favourite)
               ? 0
               : dice_below(&s->dice, PERSONS);
}

struct deed
choose_deed(struct simulation *s, unsigned index)
{
    const struct fact_flow *flow = facts_flow(0, index);
    struct deed deed = {.flow = index, .repeat = 1};

    deed.heavy = s->heavy && dice_one_in(&s->dice, 2);
    if (!deed.heavy && dice_one_in(&s->dice, 40)) {
        deed.repeat = 1 + dice_below(&s->dice, DEED_REPEAT_MAX);
    }
    deed.fields = dice_below(&s->dice, 1u << facts_fields(flow));
    if (flow->of_enterprises) {
        uint64_t eight = UINT64_C(4030192) + dice_below(&s->dice, 1000);

        deed.enterprise = eight * 100 + 97 - eight % 97;
    } else {
        deed.niss = s->model->niss[choose_person(s)];
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
    if (flow->merges && dice_one_in(&s->dice, 4)) {
        deed.occurred = today(s) - dice_between(&s->dice, 0, 3);
    }
    if (dice_one_in(&s->dice, 12)) {
        choose_wrong(s, flow, &deed);
    }
    return deed;
}

// ---- reporting ----

// Mostly a flow of the source's own; people are seldom replaced.
static unsigned
choose_flow(struct simulation *s, unsigned sector)
{
    for (int tries = 0; tries < 60; tries++) {
        unsigned index = dice_below(&s->dice, facts_flows());
        const struct fact_flow *flow = facts_flow(0, index);

        if ((flow->sources >> sector & 1) != 0 &&
            (!flow->replaces || dice_one_in(&s->dice, s->node.slices ? 5 : 30))) {
            return index;
        }
    }
    return 0;
}

void
report(struct simulation *s)
{
    size_t i = dice_below(&s->dice, (uint32_t)s->sources.len);
    uint32_t institution = s->sources.source[i].institution;
    unsigned index = dice_one_in(&s->dice, 40)
                         ? dice_below(&s->dice, facts_flows())
                         : choose_flow(s, s->model->institutions[institution].sector);

    if (s->repeating && dice_one_in(&s->dice, 3)) {
        say_anew(s);
        return;
    }
    for (uint32_t n = 1 + dice_below(&s->dice, s->burst); n > 0; n--) {
        sources_report(&s->sources, i, choose_deed(s, index));
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
    int person = (int)choose_person(s);
    int32_t begin = today(s) + dice_between(&s->dice, -25, 8);
    int32_t days = dice_between(&s->dice, 0, 27);

    if (s->items_max == ITEMS_MOST && dice_one_in(&s->dice, 2)) { // many short ones
        begin = today(s) - 2 * dice_between(&s->dice, 0, PAST_DAYS / 2);
        days = 0;
    }
    *item = (struct integrate_request){
        .niss = s->model->niss[person],
        .quality = choose_quality(s, institution),
        .begin = number_of(begin),
        .end = number_of(begin + days),
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

// A member of this institution that can be asked to send a request; NULL: none.
static struct member *
connected(struct simulation *s, uint32_t institution)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        struct member *member = &s->members.member[i];

        if (member->institution == institution &&
            network_is_up(&s->network, member->connection) &&
            network_has_room(&s->network, member->connection)) {
            return member;
        }
    }
    return NULL;
}

static uint32_t
choose_asker(struct simulation *s)
{
    const struct member *member = &s->members.member[dice_below(&s->dice, MEMBERS)];

    if (member->connection != 0 && dice_one_in(&s->dice, 2)) {
        return member->institution;
    }
    return dice_one_in(&s->dice, 3) ? any_institution(s) : any_cpas(s);
}

static void
send_integrate(struct simulation *s, struct member *member,
               const struct integrate_command *integrate)
{
    Vigie__V1__Request request = VIGIE__V1__REQUEST__INIT;
    Vigie__V1__Integrate body = VIGIE__V1__INTEGRATE__INIT;
    Vigie__V1__IntegrateItem *items = xcalloc(integrate->items_len, sizeof *items);
    Vigie__V1__IntegrateItem **at = xcalloc(integrate->items_len, sizeof *at);
    Vigie__V1__Proof *proofs = xcalloc(integrate->items_len, sizeof *proofs);

    for (size_t i = 0; i < integrate->items_len; i++) {
        const struct integrate_request *item = &integrate->items[i];

        vigie__v1__integrate_item__init(&items[i]);
        vigie__v1__proof__init(&proofs[i]);
        items[i].niss = item->niss;
        items[i].quality = item->quality;
        items[i].begin = item->begin;
        items[i].end = item->end;
        proofs[i].birth_date = item->proof.birth_date;
        items[i].proof = &proofs[i];
        at[i] = &items[i];
    }
    body.items = at;
    body.n_items = integrate->items_len;
    request.request_case = VIGIE__V1__REQUEST__REQUEST_INTEGRATE;
    request.integrate = &body;
    members_request(&s->members, member, &request);
    free(items);
    free(at);
    free(proofs);
}

void
integrate(struct simulation *s)
{
    struct command *command = command_new(COMMAND_INTEGRATE, NULL, 0);
    struct integrate_command *integrate = &command->integrate;
    struct member *member;

    command->actor = integrate->institution = choose_asker(s);
    integrate->items_len = 1 + dice_below(&s->dice, s->items_max);
    integrate->items = xcalloc(integrate->items_len, sizeof *integrate->items);
    for (size_t i = 0; i < integrate->items_len; i++) {
        choose_item(s, command->actor, &integrate->items[i]);
    }
    member = connected(s, command->actor);
    if (member == NULL) {
        node_propose(&s->node, &command);
        return;
    }
    send_integrate(s, member, integrate);
    command_free(&command);
}

static void
send_remove(struct simulation *s, struct member *member,
            const struct remove_request *remove)
{
    Vigie__V1__Request request = VIGIE__V1__REQUEST__INIT;
    Vigie__V1__Remove body = VIGIE__V1__REMOVE__INIT;

    body.niss = remove->niss;
    body.quality = remove->quality;
    body.begin = remove->begin;
    body.end = remove->end;
    request.request_case = VIGIE__V1__REQUEST__REQUEST_REMOVE;
    request.remove = &body;
    members_request(&s->members, member, &request);
}

void
remove_some(struct simulation *s)
{
    struct command *command = command_new(COMMAND_REMOVE, NULL, 0);
    int32_t begin = today(s) + dice_between(&s->dice, -REMOVE_FROM, 10);
    struct member *member;

    command->actor = command->remove.institution = choose_asker(s);
    command->remove.request = (struct remove_request){
        .niss = s->model->niss[choose_person(s)],
        .quality = choose_quality(s, command->actor),
        .begin = number_of(begin),
        .end = dice_one_in(&s->dice, 3)
                   ? 0
                   : number_of(begin + dice_between(&s->dice, 0, 30)),
    };
    member = connected(s, command->actor);
    if (member == NULL) {
        node_propose(&s->node, &command);
        return;
    }
    send_remove(s, member, &command->remove.request);
    command_free(&command);
}

static void
send_question(struct simulation *s, struct member *member, int person)
{
    Vigie__V1__Request request = VIGIE__V1__REQUEST__INIT;
    Vigie__V1__Consult consult = VIGIE__V1__CONSULT__INIT;
    Vigie__V1__Proof proof = VIGIE__V1__PROOF__INIT;
    Vigie__V1__History history = VIGIE__V1__HISTORY__INIT;
    Vigie__V1__ListMailboxes list = VIGIE__V1__LIST_MAILBOXES__INIT;

    consult.niss = history.niss = s->model->niss[person];
    consult.level = VIGIE__V1__CONSULT__LEVEL__SECONDARY;
    consult.proof = &proof;
    proof.birth_date = (uint32_t)(1950 + person) * 10000;
    switch (dice_below(&s->dice, 3)) {
    case 0:
        request.request_case = VIGIE__V1__REQUEST__REQUEST_CONSULT;
        request.consult = &consult;
        break;
    case 1:
        request.request_case = VIGIE__V1__REQUEST__REQUEST_HISTORY;
        request.history = &history;
        break;
    default:
        request.request_case = VIGIE__V1__REQUEST__REQUEST_LIST_MAILBOXES;
        request.list_mailboxes = &list;
        break;
    }
    members_request(&s->members, member, &request);
}

void
ask(struct simulation *s)
{
    int person = (int)choose_person(s);
    uint32_t asker = choose_asker(s);
    struct member *member = connected(s, asker);
    struct command *command;

    if (member != NULL) {
        send_question(s, member, person);
        return;
    }
    if (dice_one_in(&s->dice, 2)) {
        command = command_new(COMMAND_HISTORY, NULL, 0);
        command->history.niss = s->model->niss[person];
    } else {
        command = command_new(COMMAND_CONSULT, NULL, 0);
        command->consult.niss = s->model->niss[person];
        command->consult.level = CONSULT_SECONDARY;
        command->consult.proof.birth_date = (uint32_t)(1950 + person) * 10000;
    }
    command->actor = asker;
    node_propose(&s->node, &command);
}

// ---- parked letters ----

// Those of a mailbox from the one after `from` on.
static size_t
list_parked(const struct model_box *box, uint64_t from, uint64_t *ret_numbers, size_t max)
{
    size_t len = 0;

    for (uint64_t n = from + 1; n <= box->len && len < max; n++) {
        if (box->told[n - 1].place == PLACE_PARKED) {
            ret_numbers[len++] = n;
        }
    }
    return len;
}

static void
propose_parked(struct simulation *s, const struct model_box *box, bool drop,
               const uint64_t *numbers, size_t len)
{
    static const char reason[] = "looked at by hand";
    struct command *command = command_new(
        drop ? COMMAND_DROP_PARKED : COMMAND_RETRY_PARKED, reason, sizeof reason - 1);

    command->parked.mailbox = box->id;
    command->parked.reason = (struct bytes){command->frame.at, command->frame.len};
    command->parked.numbers = xcalloc(len, sizeof *numbers);
    memcpy(command->parked.numbers, numbers, len * sizeof *numbers);
    command->parked.numbers_len = len;
    node_propose(&s->node, &command);
}

static void
send_parked(struct simulation *s, struct member *member, const struct model_box *box,
            bool drop, uint64_t *numbers, size_t len)
{
    Vigie__V1__Request request = VIGIE__V1__REQUEST__INIT;
    Vigie__V1__HandleParked handle = VIGIE__V1__HANDLE_PARKED__INIT;

    handle.mailbox = box->id;
    handle.numbers = numbers;
    handle.n_numbers = len;
    handle.act =
        drop ? VIGIE__V1__HANDLE_PARKED__ACT__DROP : VIGIE__V1__HANDLE_PARKED__ACT__RETRY;
    handle.reason = say_text("looked at by the institution");
    request.request_case = VIGIE__V1__REQUEST__REQUEST_HANDLE_PARKED;
    request.handle_parked = &handle;
    members_request(&s->members, member, &request);
}

void
handle_parked(struct simulation *s)
{
    const struct model *model = s->model;
    const struct model_box *box =
        &model->boxes[dice_below(&s->dice, (uint32_t)model->boxes_len)];
    uint64_t numbers[5];
    size_t len;
    struct member *member;
    bool drop = dice_one_in(&s->dice, 3);

    for (int tries = 0; tries < 8 && box->count[PLACE_PARKED] == 0; tries++) {
        box = &model->boxes[dice_below(&s->dice, (uint32_t)model->boxes_len)];
    }
    len = list_parked(box, dice_one_in(&s->dice, 2) ? 0 : box->len / 2, numbers,
                      1 + dice_below(&s->dice, 4));
    if (len == 0 || dice_one_in(&s->dice, 20)) { // one that is not parked, or twice
        numbers[len++] = 1 + dice_below(&s->dice, (uint32_t)box->len + 1);
    }
    member = connected(s, box->institution);
    if (member != NULL && dice_one_in(&s->dice, 2)) {
        send_parked(s, member, box, drop, numbers, len);
    } else {
        propose_parked(s, box, drop, numbers, len);
    }
}

void
handle_all_parked(struct simulation *s, const struct model_box *box, bool drop)
{
    static uint64_t numbers[PARKED_NUMBERS_MAX];
    size_t len = list_parked(box, 0, numbers, ARRAY_LEN(numbers));

    if (len > 0) {
        propose_parked(s, box, drop, numbers, len);
    }
}

// ---- administering ----

void
want_institution(struct simulation *s, const char *code, uint16_t sector)
{
    struct command *command = command_new(COMMAND_ADD_INSTITUTION, NULL, 0);
    struct institution *institution = &command->add_institution.institution;

    institution->sector = sector;
    snprintf(institution->code, sizeof institution->code, "%s", code);
    node_propose(&s->node, &command);
}

void
want_catalogue(struct simulation *s, unsigned variant)
{
    const struct buffer *text = facts_text(variant);
    struct command *command = command_new(COMMAND_LOAD_CATALOGUE, text->at, text->len);

    command->back.request = variant;
    command->load_catalogue.text = (struct bytes){command->frame.at, command->frame.len};
    if (dice_one_in(&s->dice, 4) && s->model->catalogue > 0) {
        command->load_catalogue.text.len /= 2;
        command->back.request = CATALOGUE_BROKEN;
    }
    s->catalogues_waiting++;
    node_propose(&s->node, &command);
}

static void
choose_choices(struct simulation *s, Vigie__V1__Choice *choices, uint32_t *qualities,
               size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const struct fact_flow *flow =
            facts_flow(0, i == 0 ? 0 : dice_below(&s->dice, facts_flows()));

        vigie__v1__choice__init(&choices[i]);
        choices[i].flow = say_text(flow->name);
        choices[i].qualities = qualities + i * 8;
        choices[i].n_qualities = dice_below(&s->dice, 9);
        for (size_t q = 0; q < choices[i].n_qualities; q++) {
            choices[i].qualities[q] = dice_below(&s->dice, 64);
        }
    }
}

// Each institution may have several mailboxes, with choices of its own.
static void
add_mailbox(struct simulation *s)
{
    Vigie__V1__Request request = VIGIE__V1__REQUEST__INIT;
    Vigie__V1__AddMailbox body = VIGIE__V1__ADD_MAILBOX__INIT;
    Vigie__V1__Choice choices[3];
    Vigie__V1__Choice *at[3] = {&choices[0], &choices[1], &choices[2]};
    uint32_t qualities[24];
    struct member *member = connected(s, choose_asker(s));
    char name[24];

    if (member == NULL || s->boxes_asked == EXTRA_BOXES_MAX) {
        return;
    }
    snprintf(name, sizeof name, "box-%u", ++s->boxes_asked);
    body.name = name;
    body.n_choices = dice_below(&s->dice, 4);
    body.choices = at;
    choose_choices(s, choices, qualities, body.n_choices);
    request.request_case = VIGIE__V1__REQUEST__REQUEST_ADD_MAILBOX;
    request.add_mailbox = &body;
    members_request(&s->members, member, &request);
}

void
want_key(struct simulation *s, uint32_t institution, uint32_t role)
{
    struct command *command = command_new(COMMAND_ADD_KEY, NULL, 0);

    memset(command->key.key, s->keys_asked, KEY_LEN);
    s->keys_asked += s->keys_asked < KEYS_MAX;
    command->key.row.institution = institution;
    command->key.row.role = role;
    node_propose(&s->node, &command);
}

static void
change_key(struct simulation *s)
{
    struct command *command;

    if (dice_one_in(&s->dice, 2)) {
        want_key(s, any_institution(s),
                 dice_one_in(&s->dice, 2) ? ROLE_SOURCE : ROLE_MEMBER);
        return;
    }
    command = command_new(COMMAND_REVOKE_KEY, NULL, 0);
    memset(command->key.key, (int)dice_below(&s->dice, KEYS_MAX), KEY_LEN);
    node_propose(&s->node, &command);
}

void
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
        want_institution(s, later[i].code, later[i].sector);
        break;
    case 1:
    case 2:
        want_catalogue(s, dice_below(&s->dice, FACT_VARIANTS));
        break;
    case 3:
        add_mailbox(s);
        break;
    default:
        change_key(s);
        break;
    }
}
