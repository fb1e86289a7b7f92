// SPDX-License-Identifier: EUPL-1.2
// Following a committed batch, command by command.
#include "model_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vigie/v1/vigie.pb-c.h"

// ---- the journal's record ----

static bool
is_followed(enum journal_kind kind)
{
    return kind == JOURNAL_EVENT || kind == JOURNAL_REFUSAL || kind == JOURNAL_DIRECTORY;
}

// A letter that somebody still waits for has its body copied before the old one is erased.
static void
note_moved(struct applied *applied)
{
    struct journal_moved moved;
    struct model_box *box;
    struct told *told;
    struct bytes body;

    if (!journal_item_as(&applied->item, &moved, sizeof moved) ||
        (box = model_box(applied->model, moved.mailbox)) == NULL || moved.number == 0 ||
        moved.number > box->len) {
        broken("a body of no letter at all was moved");
    }
    told = &box->told[moved.number - 1];
    told->body = moved.body;
    if (body_get(applied->txn, moved.body, &body) != VG_OK ||
        checksum_of(body.at, body.len) != told->checksum) {
        broken("mailbox %u, letter %llu: its body was moved and is not the same", box->id,
               (unsigned long long)moved.number);
    }
    applied->model->moved++;
}

static bool
next_item(struct applied *applied)
{
    while (journal_next(&applied->record, &applied->offset, &applied->item)) {
        if (applied->item.kind == JOURNAL_MOVED) {
            note_moved(applied);
        }
        if (is_followed(applied->item.kind)) {
            return true;
        }
    }
    return false;
}

void
applied_item(struct applied *applied, enum journal_kind kind, void *ret, size_t len)
{
    if (!next_item(applied)) {
        broken("the journal misses an item of kind %d", (int)kind);
    }
    if (applied->item.kind != kind || !journal_item_as(&applied->item, ret, len)) {
        broken("the journal has an item of kind %d instead of %d",
               (int)applied->item.kind, (int)kind);
    }
}

void
applied_check_posted(struct applied *applied, uint32_t mailbox,
                     const struct journal_recipient *recipient)
{
    const struct batch *batch = applied->batch;

    if (!applied->answered) {
        return;
    }
    if (applied->posted >= batch->posted_len) {
        broken("mailbox %u, letter %llu: on disk, and the loop is not told", mailbox,
               (unsigned long long)recipient->number);
    }

    const struct posted *posted = &batch->posted[applied->posted++];
    struct letter letter = letter_of(recipient);

    if (posted->mailbox != mailbox ||
        memcmp(&posted->letter, &letter, sizeof letter) != 0) {
        broken(
            "mailbox %u, letter %llu: the loop is told something else than the disk has",
            mailbox, (unsigned long long)recipient->number);
    }
}

// ---- publishing ----

static uint64_t
stands_through(uint64_t first, uint64_t last)
{
    return first > last ? last : first == 0 ? 0 : first - 1;
}

static const struct publish_result *
next_result(const struct publish_command *publish, size_t *next, uint64_t number)
{
    if (*next >= publish->results_len || publish->results[*next].number != number) {
        broken("number %llu: its result is missing in the answer",
               (unsigned long long)number);
    }
    return &publish->results[(*next)++];
}

// What was answered once is answered for ever.
static void
check_repeat(const struct outcome *outcome, const struct publish_result *result)
{
    enum vg_status expected = outcome->status == VG_OK ? VG_REPEATED : outcome->status;

    if (result->status != expected) {
        broken("number %llu was %s and is answered %s when repeated",
               (unsigned long long)result->number, vg_status_name(outcome->status),
               vg_status_name(result->status));
    }
    if (outcome->status != VG_OK && outcome->text != 0 &&
        outcome->text != checksum_of(result->why.text, strlen(result->why.text))) {
        broken("number %llu was refused in other words before: %s",
               (unsigned long long)result->number, result->why.text);
    }
}

// One that is wrong on purpose is read by protobuf-c alone.
static uint32_t
read_wrong_deed(struct hot_bytes bytes)
{
    Vigie__V1__Mutation *mutation =
        vigie__v1__mutation__unpack(NULL, bytes.len, bytes.at);
    uint32_t id;

    if (mutation == NULL) {
        broken("a mutation of the simulation itself cannot be read");
    }
    id = (uint32_t)strtoul(mutation->id + 1, NULL, 10);
    vigie__v1__mutation__free_unpacked(mutation, NULL);
    return id;
}

static uint32_t
next_deed(struct hot_bytes *mutations)
{
    static struct hot_mutation mutation;
    struct hot_bytes bytes;

    if (!hot_next_mutation(mutations, &bytes)) {
        broken("a mutation of the simulation itself is missing");
    }
    return hot_read_mutation(bytes, &mutation) == HOT_OK ? deed_id(&mutation)
                                                         : read_wrong_deed(bytes);
}

struct publishing {
    struct model *model;
    const struct command *command;
    struct applied *applied;
    struct model_producer *producer;
    size_t results;
    uint64_t through;
};

static void
follow_repeat(struct publishing *publishing, uint64_t number)
{
    struct outcome *outcome = &publishing->producer->outcomes[number - 1];

    publishing->model->repeated++;
    if (publishing->applied->answered) {
        check_repeat(outcome, next_result(&publishing->command->publish,
                                          &publishing->results, number));
    }
}

static void
follow_new(struct publishing *publishing, uint64_t number, uint32_t deed)
{
    const struct command *command = publishing->command;
    struct outcome outcome = model_publish_one(publishing->model, command->actor,
                                               command->publish.publish.producer, number,
                                               deed, publishing->applied);

    if (outcome.status != VG_OK && publishing->applied->answered) {
        const struct publish_result *result =
            next_result(&command->publish, &publishing->results, number);

        if (result->status != outcome.status) {
            broken("number %llu: refused as %s, not as %s", (unsigned long long)number,
                   vg_status_name(result->status), vg_status_name(outcome.status));
        }
        publishing->producer->outcomes[number - 1].text =
            checksum_of(result->why.text, strlen(result->why.text));
    }
}

// Returns the status that the whole must have.
static enum vg_status
follow_mutations(struct publishing *publishing, bool room)
{
    const struct hot_publish *publish = &publishing->command->publish.publish;
    struct hot_bytes mutations = publish->mutations;

    for (uint64_t i = 0; i < publish->mutations_len; i++) {
        uint64_t number = publish->first_number + i;
        uint32_t deed = next_deed(&mutations);

        if (number <= publishing->producer->len) {
            follow_repeat(publishing, number);
        } else if (!room) {
            return VG_STORE_FULL;
        } else {
            follow_new(publishing, number, deed);
        }
        publishing->through = number;
    }
    return VG_OK;
}

static void
check_status(const struct applied *applied, const struct command *command,
             enum vg_status expected)
{
    if (applied->answered && command->status != expected) {
        broken("%s of institution %u is answered %s, not %s (%s)",
               command_name(command->kind), command->actor,
               vg_status_name(command->status), vg_status_name(expected),
               command->faults.len > 0 ? command->faults.fault[0].why.text : "");
    }
}

static void
follow_publish(struct model *model, const struct command *command, bool room,
               struct applied *applied)
{
    const struct publish_command *publish = &command->publish;
    struct publishing publishing = {
        .model = model,
        .command = command,
        .applied = applied,
        .producer = &model->producers[command->actor][publish->publish.producer],
    };
    uint64_t before = model->tickets;
    uint64_t last = publishing.producer->len;
    enum vg_status status = VG_GAP;

    publishing.through = stands_through(publish->publish.first_number, last);
    if (publish->publish.first_number <= last + 1) {
        status = follow_mutations(&publishing, room);
    }
    check_status(applied, command, status);
    if (!applied->answered) {
        return;
    }
    if (publish->through != publishing.through ||
        publish->results_len != publishing.results ||
        publish->kept != model->tickets - before ||
        publish->ticket_first != (publish->kept == 0 ? 0 : before + 1)) {
        broken("institution %u is answered through %llu, %zu results, %u kept from %llu; "
               "not through %llu, %zu results, %llu kept",
               command->actor, (unsigned long long)publish->through, publish->results_len,
               publish->kept, (unsigned long long)publish->ticket_first,
               (unsigned long long)publishing.through, publishing.results,
               (unsigned long long)(model->tickets - before));
    }
}

// ---- acknowledging and refusing ----

static void
follow_acknowledge(struct model *model, const struct command *command,
                   struct applied *applied)
{
    check_status(applied, command, model_acknowledge(model, &command->acknowledge));
}

static void
check_letters_named(struct model *model, uint32_t mailbox,
                    const struct letter_about *letters, size_t len)
{
    const struct model_box *box = model_box(model, mailbox);

    for (size_t i = 0; i < len; i++) {
        const struct told *told = model_letter(box, letters[i].letter.number);

        if (told == NULL || told->subject != letters[i].subject ||
            told->size != letters[i].letter.size) {
            broken("mailbox %u, letter %llu is held as another one", mailbox,
                   (unsigned long long)letters[i].letter.number);
        }
    }
}

static enum held_state
state_of(enum place place)
{
    static const enum held_state states[PLACES] = {
        [PLACE_RETRY] = HELD_RETRY,
        [PLACE_BEHIND] = HELD_BEHIND,
        [PLACE_PARKED] = HELD_PARKED,
    };

    return states[place];
}

static void
follow_refuse(struct model *model, const struct command *command, struct applied *applied)
{
    const struct refuse_command *refuse = &command->refuse;
    const struct told *told;
    enum place place = PLACE_DONE;
    enum vg_status status;

    check_letters_named(model, refuse->mailbox, &refuse->refused, 1);
    check_letters_named(model, refuse->mailbox, refuse->later, refuse->later_len);
    status = model_refuse(model, refuse, command->actor, applied->now_us, &place);
    told = model_letter(model_box(model, refuse->mailbox), refuse->refused.letter.number);
    check_status(applied, command, status);
    if (!applied->answered || status != VG_OK) {
        return;
    }
    if (refuse->state != state_of(place) ||
        (refuse->state != HELD_GONE &&
         (refuse->attempts != told->attempts || refuse->due_us != told->due_us))) {
        broken("mailbox %u, letter %llu: refused %u times, its state is %d; not %u, %d",
               refuse->mailbox, (unsigned long long)refuse->refused.letter.number,
               refuse->attempts, (int)refuse->state, told->attempts,
               (int)state_of(place));
    }
}

static void
follow_defer(struct model *model, const struct command *command, struct applied *applied)
{
    const struct defer_command *defer = &command->defer;

    check_letters_named(model, defer->mailbox, defer->letters, defer->letters_len);
    check_status(applied, command,
                 model_defer(model, defer->mailbox, defer->letters, defer->letters_len,
                             command->actor));
}

// ---- the directory ----

static void
note_reply(struct model *model, const struct command *command, uint64_t ticket)
{
    uint64_t request = command->back.request;
    struct model_reply *reply = &model->replies[request % REPLIES_MAX];

    if (reply->request != request) {
        *reply = (struct model_reply){.request = request};
    }
    if (reply->len < ARRAY_LEN(reply->tickets)) {
        reply->tickets[reply->len++] = ticket;
    }
}

static void
check_ticket(struct model *model, const struct applied *applied,
             const struct command *command, uint64_t expected)
{
    if (command->back.session != 0) {
        note_reply(model, command, expected);
    }
    if (applied->answered && command->ticket != expected) {
        broken("%s of institution %u has ticket %llu, not %llu",
               command_name(command->kind), command->actor,
               (unsigned long long)command->ticket, (unsigned long long)expected);
    }
}

static bool
is_integrated(const struct model *model, uint32_t institution,
              const struct integrate_request *request,
              const struct journal_directory *line)
{
    unsigned sector = model->institutions[institution].sector;
    bool quality_exists = sector == 17 ? request->quality <= 40 : request->quality == 1;
    bool two_years = request->end != 0 && request->begin / 10000 != request->end / 10000;

    return request->proof.birth_date != 0 && quality_exists &&
           !(request->quality == 40 && two_years) &&
           model_may_integrate(model, model_person(model, request->niss), institution,
                               request->quality, line->begin, line->end);
}

static void
follow_integrate(struct model *model, const struct command *command, bool room,
                 struct applied *applied)
{
    const struct integrate_command *integrate = &command->integrate;

    if (!room) {
        check_status(applied, command, VG_STORE_FULL);
        return;
    }
    check_status(applied, command, VG_OK);
    check_ticket(model, applied, command, ++model->tickets);
    for (size_t i = 0; i < integrate->items_len; i++) {
        const struct integrate_request *request = &integrate->items[i];
        int person = model_person(model, request->niss);
        enum vg_verdict_word verdict = VERDICT_NO;
        struct journal_directory line;

        applied_item(applied, JOURNAL_DIRECTORY, &line, sizeof line);
        if (is_integrated(model, integrate->institution, request, &line)) {
            verdict = model->replaced_by[person] >= 0 ||
                              model_others_follow(model, person, integrate->institution,
                                                  line.begin, line.end)
                          ? VERDICT_WARNING
                          : VERDICT_YES;
            model_integrate(model, person, integrate->institution, request->quality,
                            line.begin, line.end);
        }
        if ((line.status == 0) != (verdict != VERDICT_NO) ||
            (applied->answered && integrate->results[i].verdict != verdict)) {
            broken(
                "institution %u integrates quality %u from %u to %u: status %u is wrong",
                integrate->institution, request->quality, request->begin, request->end,
                line.status);
        }
    }
}

static void
follow_remove(struct model *model, const struct command *command, bool room,
              struct applied *applied)
{
    const struct remove_request *request = &command->remove.request;
    struct journal_directory line;

    if (!room) {
        check_status(applied, command, VG_STORE_FULL);
        return;
    }
    applied_item(applied, JOURNAL_DIRECTORY, &line, sizeof line);
    check_ticket(model, applied, command, ++model->tickets);
    check_status(applied, command,
                 model_remove(model, model_person(model, request->niss),
                              command->remove.institution, request->quality, line.begin,
                              line.end));
}

// What the CPAS hold on a person, in the order of the answer.
static void
follow_consult(struct model *model, const struct command *command,
               struct applied *applied)
{
    int person = model_current(model, model_person(model, command->consult.niss));
    struct journal_directory line;
    size_t next = 0;

    applied_item(applied, JOURNAL_DIRECTORY, &line, sizeof line);
    check_status(applied, command, VG_OK);
    check_ticket(model, applied, command, ++model->tickets);
    for (uint32_t i = 1; applied->answered && i <= model->institutions_len; i++) {
        for (unsigned q = 1; q < 64 && model->institutions[i].sector == 17; q++) {
            struct run run;

            for (int bit = 0;
                 days_next_run(model, model->held[person][i][q], &bit, &run);) {
                const struct integration *row = &command->integrations[next++];

                if (next > command->integrations_len || row->institution != i ||
                    row->quality != q || row->begin != run.begin || row->end != run.end) {
                    broken("consulting shows other integrations than institution %u has",
                           i);
                }
            }
        }
    }
    if (applied->answered && next != command->integrations_len) {
        broken("consulting shows %zu integrations, not %zu", command->integrations_len,
               next);
    }
}

static void
follow_history(struct model *model, const struct command *command,
               struct applied *applied)
{
    const struct history_command *history = &command->history;
    int current = model_current(model, model_person(model, history->niss));
    struct journal_directory line;
    size_t len = 0;

    applied_item(applied, JOURNAL_DIRECTORY, &line, sizeof line);
    check_status(applied, command, VG_OK);
    check_ticket(model, applied, command, ++model->tickets);
    if (!applied->answered) {
        return;
    }
    for (int i = 0; i < PERSONS; i++) {
        len += model_current(model, i) == current;
    }
    if (history->chain_len != len || history->chain[len - 1] != model->niss[current]) {
        broken("history tells %zu numbers, not %zu, or another one in force",
               history->chain_len, len);
    }
    for (size_t i = 0; i < len; i++) {
        int person = model_person(model, history->chain[i]);

        if (person < 0 || model_current(model, person) != current) {
            broken("history tells a number of somebody else");
        }
    }
}

// ---- administering ----

static void
follow_parked(struct model *model, const struct command *command, struct applied *applied)
{
    enum vg_status status =
        model_handle_parked(model, &command->parked, command->kind == COMMAND_DROP_PARKED,
                            command->actor, applied->now_us);

    check_status(applied, command, status);
    if (status == VG_OK) {
        check_ticket(model, applied, command, ++model->tickets);
    }
}

static void
follow_add_mailbox(struct model *model, const struct command *command,
                   struct applied *applied)
{
    const struct add_mailbox_command *add = &command->add_mailbox;

    for (size_t i = 0; i < model->boxes_len; i++) {
        if (model->boxes[i].institution == command->actor &&
            bytes_equal(add->name, model->boxes[i].name)) {
            check_status(applied, command, VG_EXISTS);
            return;
        }
    }
    CHECK(model->boxes_len < BOXES_MAX && add->name.len < sizeof model->boxes->name);

    struct model_box *box = &model->boxes[model->boxes_len++];

    *box = (struct model_box){.id = MAILBOX_EXTRA_FIRST + model->extra_len++,
                              .institution = command->actor};
    memcpy(box->name, add->name.at, add->name.len);
    for (size_t i = 0; i < add->choices_len; i++) {
        unsigned flow = 0;

        while (!bytes_equal(add->choices[i].flow, facts_flow(0, flow)->name)) {
            flow++;
        }
        box->choices[box->choices_len].flow = facts_flow(0, flow)->id;
        box->choices[box->choices_len++].qualities =
            add->choices[i].qualities == 0 ? UINT64_MAX : add->choices[i].qualities;
    }
    check_status(applied, command, VG_OK);
    check_ticket(model, applied, command, ++model->tickets);
    if (applied->answered && add->mailbox != box->id) {
        broken("a new mailbox has number %u, not %u", add->mailbox, box->id);
    }
}

static void
follow_add_institution(struct model *model, const struct command *command,
                       struct applied *applied)
{
    const struct institution *institution = &command->add_institution.institution;

    for (uint32_t i = 1; i <= model->institutions_len; i++) {
        if (strcmp(model->institutions[i].code, institution->code) == 0) {
            check_status(applied, command, VG_EXISTS);
            return;
        }
    }
    CHECK(model->institutions_len + 1 < INSTITUTIONS_MAX);
    CHECK(model->boxes_len < BOXES_MAX);
    check_status(applied, command, VG_OK);
    check_ticket(model, applied, command, ++model->tickets);

    struct model_institution *one = &model->institutions[++model->institutions_len];

    one->sector = institution->sector;
    memcpy(one->code, institution->code, sizeof one->code);
    model->boxes[model->boxes_len++] = (struct model_box){
        .id = model->institutions_len, .institution = model->institutions_len};
    if (applied->answered && institution->id != model->institutions_len) {
        broken("a new institution has number %u, not %u", institution->id,
               model->institutions_len);
    }
}

static struct model_key *
find_key(struct model *model, const uint8_t key[KEY_LEN])
{
    for (size_t i = 0; i < model->keys_len; i++) {
        if (memcmp(model->keys[i].key, key, KEY_LEN) == 0) {
            return &model->keys[i];
        }
    }
    return NULL;
}

static size_t
valid_keys(const struct model *model, uint32_t institution, uint32_t role)
{
    size_t len = 0;

    for (size_t i = 0; i < model->keys_len; i++) {
        len += model->keys[i].institution == institution && model->keys[i].role == role &&
               !model->keys[i].revoked;
    }
    return len;
}

static void
follow_add_key(struct model *model, const struct command *command,
               struct applied *applied)
{
    if (find_key(model, command->key.key) != NULL) {
        check_status(applied, command, VG_EXISTS);
        return;
    }
    if (valid_keys(model, command->key.row.institution, command->key.row.role) >=
        KEYS_PER_USE_MAX) {
        check_status(applied, command, VG_EXISTS);
        return;
    }
    CHECK(model->keys_len < KEYS_MAX);
    check_status(applied, command, VG_OK);
    check_ticket(model, applied, command, ++model->tickets);

    struct model_key *key = &model->keys[model->keys_len++];

    memcpy(key->key, command->key.key, KEY_LEN);
    key->institution = command->key.row.institution;
    key->role = command->key.row.role;
}

static void
follow_revoke_key(struct model *model, const struct command *command,
                  struct applied *applied)
{
    struct model_key *key = find_key(model, command->key.key);

    if (key == NULL) {
        check_status(applied, command, VG_NOT_FOUND);
        return;
    }
    check_status(applied, command, VG_OK);
    if (!key->revoked) {
        check_ticket(model, applied, command, ++model->tickets);
        key->revoked = true;
    }
}

static void
follow_load_catalogue(struct model *model, const struct command *command,
                      struct applied *applied)
{
    if (command->back.request == CATALOGUE_BROKEN) {
        check_status(applied, command, VG_BAD_CATALOGUE);
        return;
    }
    check_status(applied, command, VG_OK);
    check_ticket(model, applied, command, ++model->tickets);
    model->variant = (unsigned)command->back.request;
    model->catalogue++;
    if (applied->answered && command->load_catalogue.version != model->catalogue) {
        broken("a new catalogue has version %llu, not %llu",
               (unsigned long long)command->load_catalogue.version,
               (unsigned long long)model->catalogue);
    }
}

static void
follow_last_number(struct model *model, const struct command *command,
                   struct applied *applied)
{
    uint64_t last = model->producers[command->actor][command->last_number.producer].len;

    if (applied->answered && command->last_number.number != last) {
        broken("institution %u is told that its last number is %llu, not %llu",
               command->actor, (unsigned long long)command->last_number.number,
               (unsigned long long)last);
    }
}

// Why a letter was parked stands in the record; 0: not because nobody took it.
static unsigned
unread_days(const struct journal_item *item)
{
    char reason[HELD_REASON_MAX + 1] = "";
    struct journal_held held;
    unsigned days = 0;

    if (item->kind != JOURNAL_PARK || !journal_item_as(item, &held, sizeof held) ||
        held.reason_len > HELD_REASON_MAX) {
        return 0;
    }
    memcpy(reason, item->bytes.at + sizeof held, held.reason_len);
    return sscanf(reason, "unread for %u days", &days) == 1 ? days : 0;
}

// The record is that of the whole batch, which may hold two of these commands.
static bool
has_parked(const struct expire_command *expire, const struct journal_held *held)
{
    for (size_t i = 0; i < expire->unread_len; i++) {
        if (expire->unread[i].mailbox == held->mailbox &&
            expire->unread[i].number == held->letter.number) {
            return true;
        }
    }
    return false;
}

// What nobody took for so long is parked by the broker itself.
static void
follow_unread(struct model *model, const struct expire_command *expire,
              struct applied *applied)
{
    struct journal_item item;
    struct journal_held held;
    size_t offset = 0;

    while (journal_next(&applied->record, &offset, &item)) {
        unsigned days = unread_days(&item);

        if (days > 0 && journal_item_as(&item, &held, sizeof held) &&
            (!applied->answered || has_parked(expire, &held))) {
            model_park_unread(model, held.mailbox, held.letter.number,
                              applied->now_us - days * INT64_C(86400000000));
        }
    }
    for (size_t i = 0; applied->answered && i < expire->unread_len; i++) {
        const struct unread_letter *unread = &expire->unread[i];

        if (model_letter(model_box(model, unread->mailbox), unread->number)->place !=
            PLACE_PARKED) {
            broken("mailbox %u, letter %llu is not parked in the journal",
                   unread->mailbox, (unsigned long long)unread->number);
        }
    }
}

// Bodies and records that are old enough may go; what is younger must stay.
static void
follow_expire(struct model *model, const struct command *command, struct applied *applied)
{
    const struct expire_command *expire = &command->expire;
    int64_t erased_us = applied->now_us - expire->replay_days * INT64_C(86400000000);
    int32_t day = day_add_months((struct day){model_day(applied->now_us)},
                                 -(int)expire->journal_months)
                      .number;

    model->erased_us = erased_us > model->erased_us ? erased_us : model->erased_us;
    model->trimmed_day = day > model->trimmed_day ? day : model->trimmed_day;
    model->trimmed += expire->trimmed;
    follow_unread(model, expire, applied);
}

static void
follow(struct model *model, const struct command *command, bool room,
       struct applied *applied)
{
    switch (command->kind) {
    case COMMAND_PUBLISH:
        follow_publish(model, command, room, applied);
        break;
    case COMMAND_LAST_NUMBER:
        follow_last_number(model, command, applied);
        break;
    case COMMAND_ACKNOWLEDGE:
        follow_acknowledge(model, command, applied);
        break;
    case COMMAND_INTEGRATE:
        follow_integrate(model, command, room, applied);
        break;
    case COMMAND_REMOVE:
        follow_remove(model, command, room, applied);
        break;
    case COMMAND_CONSULT:
        follow_consult(model, command, applied);
        break;
    case COMMAND_HISTORY:
        follow_history(model, command, applied);
        break;
    case COMMAND_ADD_MAILBOX:
        follow_add_mailbox(model, command, applied);
        break;
    case COMMAND_ADD_INSTITUTION:
        follow_add_institution(model, command, applied);
        break;
    case COMMAND_ADD_KEY:
        follow_add_key(model, command, applied);
        break;
    case COMMAND_REVOKE_KEY:
        follow_revoke_key(model, command, applied);
        break;
    case COMMAND_LOAD_CATALOGUE:
        follow_load_catalogue(model, command, applied);
        break;
    case COMMAND_REFUSE:
        follow_refuse(model, command, applied);
        break;
    case COMMAND_DEFER:
        follow_defer(model, command, applied);
        break;
    case COMMAND_RETRY_PARKED:
    case COMMAND_DROP_PARKED:
        follow_parked(model, command, applied);
        break;
    case COMMAND_EXPIRE:
        follow_expire(model, command, applied);
        break;
    case COMMAND_SET_LIMITS:
    case COMMAND_SET_RULES:
        break; // none here has any of its own
    case COMMAND_FOLD:
    case COMMAND_LOAD_PERSONS:
    case COMMAND_REWIND:
    case COMMAND_KNEW:
    case COMMAND_LAPSE:
    case COMMAND_MERGE:
    case COMMAND_MOVE_LETTERS:
    case COMMAND_ANCHOR:
        break; // what it moves is looked at from both sides elsewhere; nobody loads
    }
}

// ---- one batch ----

// Nothing was done, not even acknowledging: is everybody told so?
static bool
all_is_refused(const struct batch *batch)
{
    for (const struct command *command = batch->first; command != NULL;
         command = command->next) {
        if (command->kind != COMMAND_LAST_NUMBER) {
            return command->status == VG_STORE_FULL && command->faults.len > 0 &&
                   strstr(command->faults.fault[0].why.text, "even to") != NULL;
        }
    }
    return false;
}

static void
follow_refusals(struct model *model, const struct batch *batch, struct applied *applied)
{
    for (const struct command *command = batch->first; command != NULL;
         command = command->next) {
        if (command->kind == COMMAND_LAST_NUMBER) {
            follow_last_number(model, command, applied);
            continue;
        }
        check_status(applied, command, VG_STORE_FULL);
        if (command->kind == COMMAND_PUBLISH) {
            const struct hot_publish *publish = &command->publish.publish;
            uint64_t last = model->producers[command->actor][publish->producer].len;

            if (command->publish.through != stands_through(publish->first_number, last) ||
                command->publish.results_len != 0 || command->publish.kept != 0) {
                broken("institution %u is answered through %llu by a batch that was "
                       "given up",
                       command->actor, (unsigned long long)command->publish.through);
            }
        }
    }
    if (batch->commit != 0 || batch->posted_len != 0 || batch->folded) {
        broken("a batch that was given up says that it did something");
    }
}

static void
read_record(struct model *model, struct applied *applied)
{
    struct journal_head head;
    struct why why;

    if (journal_read(applied->txn, model->commits, &applied->record, &head, &why) !=
        VG_OK) {
        broken("commit %llu is not in the journal: %s",
               (unsigned long long)model->commits, why.text);
    }
    if (head.time_us != applied->now_us || head.batch != applied->batch->id) {
        broken("commit %llu has another time or batch",
               (unsigned long long)model->commits);
    }
}

static void
note_commit(struct model *model, int64_t us)
{
    if (model->commits == model->commits_size) {
        model->commits_size = model->commits_size * 2 + 64;
        model->commit_us =
            realloc(model->commit_us, model->commits_size * sizeof *model->commit_us);
        CHECK(model->commit_us != NULL);
    }
    model->commit_us[model->commits++] = us;
}

void
model_apply(struct model *model, const struct batch *batch, enum room room, bool answered,
            struct txn *txn)
{
    struct meta meta;
    struct applied applied = {
        .model = model,
        .batch = batch,
        .txn = txn,
        .answered = answered,
        .now_us = batch->time.us > model->last_us ? batch->time.us : model->last_us,
    };

    if (meta_get(txn, &meta, NULL) != VG_OK) {
        broken("the meta row cannot be read");
    }
    if (answered && batch->commit != 0 && batch->commit != model->commits + 1) {
        broken("batch %llu is commit %llu after %llu", (unsigned long long)batch->id,
               (unsigned long long)batch->commit, (unsigned long long)model->commits);
    }
    if (meta.last_commit !=
        model->commits +
            (answered ? batch->commit != 0 : meta.last_commit > model->commits)) {
        broken("batch %llu is answered and the disk is at commit %llu",
               (unsigned long long)batch->id, (unsigned long long)meta.last_commit);
    }
    if (meta.last_commit > model->commits) {
        note_commit(model, applied.now_us);
        model->last_us = applied.now_us;
        model->last_batch = batch->id;
        read_record(model, &applied);
    } else if (!answered) {
        return; // it ended before the commit
    }
    if (answered && room == ROOM_FAILED && all_is_refused(batch)) {
        follow_refusals(model, batch, &applied);
    } else {
        for (const struct command *command = batch->first; command != NULL;
             command = command->next) {
            follow(model, command, !batch->no_room, &applied);
        }
    }
    if (answered && batch->folded != (meta.folded_commit > model->folded)) {
        broken("the disk is folded up to commit %llu, and the loop is told otherwise",
               (unsigned long long)meta.folded_commit);
    }
    model->folded = meta.folded_commit;
    if (next_item(&applied)) {
        broken("the journal has an item of kind %d that nobody caused",
               (int)applied.item.kind);
    }
    if (answered && applied.posted != batch->posted_len) {
        broken("the loop is told of %zu letters, and the disk has %zu", batch->posted_len,
               applied.posted);
    }
    buffer_free(&applied.record);
}
