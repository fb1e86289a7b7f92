// SPDX-License-Identifier: EUPL-1.2
#include "flow/merge.h"

#include "flow/repeats.h"

#include "flow/marks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- the plan ----

static void
journal_merger(struct applier *applier, uint32_t actor, uint32_t institution,
               enum journal_admin_act act, const char *text)
{
    struct journal_admin item = {
        .ticket = applier_ticket(applier),
        .actor = actor,
        .object = institution,
        .act = (uint16_t)act,
        .text_len = (uint16_t)strlen(text),
    };

    journal_add(&applier->record, JOURNAL_ADMIN, &item, sizeof item, text, strlen(text));
}

static enum vg_status
put_institution(struct applier *applier, const struct institution *institution)
{
    roster_put(applier->roster, institution);
    applier->roster_changed = true;
    return institution_put(applier->txn, institution);
}

static bool
is_cancelled(const struct merge_command *merge)
{
    return merge->day.number == DAY_EVER.number;
}

static void
judge_day(const struct applier *applier, struct command *command)
{
    struct day day = command->merge.day;
    char text[DAY_TEXT_LEN], today[DAY_TEXT_LEN];

    day_print(day, text);
    day_print(applier->today, today);
    if (day.number < applier->today.number) {
        refuse(command, VG_BAD_DATE, "on: %s is over, today is %s", text, today);
    } else if (day.number > day_add_years(applier->today, MERGE_YEARS_MAX).number) {
        refuse(command, VG_TOO_FAR, "on: %s is over %d years away", text,
               MERGE_YEARS_MAX);
    }
}

static void
judge_one(const struct applier *applier, struct command *command, uint32_t id)
{
    const struct institution *from = roster_institution(applier->roster, id);
    const struct institution *into =
        roster_institution(applier->roster, command->merge.into);

    if (from == NULL) {
        refuse(command, VG_NOT_FOUND, "institution %u is not registered", id);
    } else if (institution_is_merged(from)) {
        merge_refuse(applier, command, id);
    } else if (is_cancelled(&command->merge) && from->merges_into == 0) {
        refuse(command, VG_NOT_FOUND, "no merger of %s is planned", from->code);
    } else if (into != NULL && from->id == into->id) {
        refuse(command, VG_MALFORMED, "%s cannot become part of itself", from->code);
    } else if (into != NULL && from->sector != into->sector) {
        refuse(command, VG_NOT_ALLOWED, "%s is of sector %u, %s of sector %u", from->code,
               (unsigned)from->sector, into->code, (unsigned)into->sector);
    }
}

static void
judge_plan(const struct applier *applier, struct command *command)
{
    const struct merge_command *merge = &command->merge;
    const struct institution *into = roster_institution(applier->roster, merge->into);

    if (!is_cancelled(merge) && into == NULL) {
        refuse(command, VG_NOT_FOUND, "institution %u is not registered", merge->into);
    } else if (!is_cancelled(merge) && into->merges_into != 0) {
        refuse(command, VG_NOT_ALLOWED,
               "into: %s is itself to become part of another one", into->code);
    }
    if (!is_cancelled(merge)) {
        judge_day(applier, command);
    }
    for (size_t i = 0; i < merge->from_len; i++) {
        judge_one(applier, command, merge->from[i]);
    }
}

static enum vg_status
plan_one(struct applier *applier, const struct command *command, uint32_t id)
{
    const struct merge_command *merge = &command->merge;
    struct institution institution = *roster_institution(applier->roster, id);
    const struct institution *into = roster_institution(applier->roster, merge->into);
    char text[INSTITUTION_CODE_LEN + DAY_TEXT_LEN + 8] = "never";
    char day[DAY_TEXT_LEN];

    institution.merges_into = is_cancelled(merge) ? 0 : merge->into;
    institution.merges_on = is_cancelled(merge) ? 0 : (uint16_t)merge->day.number;
    if (!is_cancelled(merge)) {
        day_print(merge->day, day);
        snprintf(text, sizeof text, "%s on %s", into->code, day);
    }
    journal_merger(applier, command->actor, id, ADMIN_MERGE, text);
    return put_institution(applier, &institution);
}

enum vg_status
plan_merger(struct applier *applier, struct command *command)
{
    const struct merge_command *merge = &command->merge;
    enum vg_status status = VG_OK;

    judge_plan(applier, command);
    for (size_t i = 0; status == VG_OK && command->status == VG_OK && i < merge->from_len;
         i++) {
        status = plan_one(applier, command, merge->from[i]);
    }
    command->ticket = applier->meta.last_sequence;
    return status;
}

// ---- on its day ----

static bool
name_is_taken(const struct roster *roster, uint32_t institution, const char *name)
{
    const struct mailbox_spec *const *mailboxes = NULL;
    size_t len = roster_mailboxes(roster, institution, &mailboxes);

    for (size_t i = 0; i < len; i++) {
        if (strcmp(mailboxes[i]->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum vg_status
put_spec(struct applier *applier, const struct mailbox_spec *spec)
{
    struct spec_row row = {
        .mailbox = spec->id,
        .institution = spec->institution,
        .choices_len = spec->choices_len,
    };

    memcpy(row.name, spec->name, sizeof row.name);
    for (size_t i = 0; i < spec->choices_len; i++) {
        row.choices[i] =
            (struct spec_choice){spec->choices[i].flow, {0}, spec->choices[i].qualities};
    }
    roster_put_mailbox(applier->roster, spec);
    return spec_put(applier->txn, &row);
}

// A name that its new owner has already gets the mailbox's number.
static enum vg_status
give_mailbox(struct applier *applier, const struct mailbox_spec *mailbox, uint32_t to)
{
    struct mailbox_spec spec = *mailbox;

    if (name_is_taken(applier->roster, to, spec.name)) {
        snprintf(spec.name, sizeof spec.name, "%.16s %u", mailbox->name, mailbox->id);
    }
    spec.institution = to;
    return put_spec(applier, &spec);
}

// The default one stays with the old institution, closed, until its letters have been moved.
static enum vg_status
give_mailboxes(struct applier *applier, uint32_t from, uint32_t to)
{
    const struct mailbox_spec *const *mailboxes = NULL;
    enum vg_status status = VG_OK;

    while (status == VG_OK && roster_mailboxes(applier->roster, from, &mailboxes) > 1) {
        status = give_mailbox(applier, mailboxes[1], to);
    }
    return status;
}

static enum vg_status
carry_out(struct applier *applier, const struct institution *due)
{
    struct institution institution = *due;
    const struct institution *into;
    enum vg_status status;

    institution.merges_on = 0;
    into = roster_institution(applier->roster, institution.merges_into);
    CHECK(into != NULL);
    applier->meta_told = true;
    journal_merger(applier, 0, institution.id, ADMIN_MERGED, into->code);
    status = put_institution(applier, &institution);
    return status == VG_OK
               ? give_mailboxes(applier, institution.id,
                                roster_successor(applier->roster, institution.id))
               : status;
}

enum vg_status
merge_what_is_due(struct applier *applier)
{
    enum vg_status status = VG_OK;
    bool any = false;

    for (size_t i = 0; status == VG_OK && i < roster_len(applier->roster); i++) {
        const struct institution *institution = roster_at(applier->roster, i);

        if (institution->merges_on != 0 &&
            institution->merges_on <= applier->today.number) {
            status = carry_out(applier, institution);
            any = true;
        }
    }
    return status == VG_OK && any ? merge_find_emptying(applier, applier->txn) : status;
}

// ---- whose is it? ----

void
merge_refuse(const struct applier *applier, struct command *command, uint32_t institution)
{
    uint32_t now = roster_successor(applier->roster, institution);

    if (now != institution) {
        refuse(command, VG_MOVED, "%s is part of %s now",
               roster_institution(applier->roster, institution)->code,
               roster_institution(applier->roster, now)->code);
    }
}

void
merge_integrations(const struct roster *roster, struct integration *integrations,
                   size_t *len)
{
    bool any = false;

    for (size_t i = 0; i < *len; i++) {
        uint32_t now = roster_successor(roster, integrations[i].institution);

        any = any || now != integrations[i].institution;
        integrations[i].institution = now;
    }
    if (any) {
        directory_order(integrations, len);
    }
}

enum vg_status
merge_stored_integrations(struct txn *txn, struct integration *integrations, size_t *len)
{
    bool any = false;

    for (size_t i = 0; i < *len; i++) {
        struct institution institution;
        enum vg_status status;

        while ((status = institution_get(
                    txn, (struct institution_id){integrations[i].institution},
                    &institution)) == VG_OK &&
               institution_is_merged(&institution)) {
            integrations[i].institution = institution.merges_into;
            any = true;
        }
        if (status != VG_OK) {
            return VG_STORE_BROKEN;
        }
    }
    if (any) {
        directory_order(integrations, len);
    }
    return VG_OK;
}

// ---- letters that wait ----

enum vg_status
merge_find_emptying(struct applier *applier, struct txn *txn)
{
    applier->emptying_len = 0;
    for (size_t i = 0; i < roster_len(applier->roster); i++) {
        const struct institution *institution = roster_at(applier->roster, i);
        struct mailbox_row row;
        enum vg_status status;

        if (!institution_is_merged(institution)) {
            continue;
        }
        status = mailbox_get(txn, (struct mailbox_id){institution->id}, &row);
        if (status != VG_OK) {
            return status;
        }
        if (mailbox_waiting(&row) + row.parked == 0) {
            continue;
        }
        applier->emptying = realloc(applier->emptying, (applier->emptying_len + 1) *
                                                           sizeof *applier->emptying);
        CHECK(applier->emptying != NULL);
        applier->emptying[applier->emptying_len++] = (struct emptying){
            institution->id, roster_successor(applier->roster, institution->id)};
    }
    return VG_OK;
}

uint32_t
merge_inflow(const struct applier *applier, uint32_t mailbox)
{
    if (mailbox < MAILBOX_EXTRA_FIRST) { // a correction names whoever got the first one
        mailbox = roster_successor(applier->roster, mailbox);
    }
    for (size_t i = 0; i < applier->emptying_len; i++) {
        if (applier->emptying[i].to == mailbox) {
            return applier->emptying[i].from;
        }
    }
    return mailbox;
}

// A mailbox being emptied, and the next of its letters.
struct outlet {
    uint32_t mailbox;
    uint64_t from; // letters before this number were looked at
    bool any;      // there is a next one
    bool held;     // it is out of its turn
    struct letter letter;
    uint64_t ticket;
    struct command done; // acknowledges what was moved
};

// The first one of the main sequence that is filed: VG_NOT_FOUND if none.
static enum vg_status
next_in_turn(struct applier *applier, const struct mailbox_row *row,
             const struct outlet *outlet, struct letter *ret_letter)
{
    struct mailbox_id id = {outlet->mailbox};
    uint64_t from =
        outlet->from > row->acknowledged ? outlet->from : row->acknowledged + 1;
    bool left = true;
    enum vg_status status = VG_OK;

    while (status == VG_OK && left) {
        size_t len = 0;

        status = backlog_read(applier->txn, id, from, ret_letter, 1, &len);
        if (status == VG_OK && (len == 0 || ret_letter->number > row->folded)) {
            return VG_NOT_FOUND;
        }
        if (status == VG_OK) {
            status = ranges_have(applier->txn, id, ret_letter->number, &left);
            from = ret_letter->number + 1;
        }
    }
    return status;
}

static enum vg_status
next_held(struct applier *applier, const struct mailbox_row *row,
          const struct outlet *outlet, struct letter *ret_letter)
{
    struct mailbox_id mailbox;
    struct held_row held;
    enum vg_status status = held_next(applier->txn, (struct mailbox_id){outlet->mailbox},
                                      outlet->from, &mailbox, &held);

    if (status == VG_OK &&
        (mailbox.number != outlet->mailbox || held.head.letter.number > row->folded)) {
        return VG_NOT_FOUND;
    }
    if (status == VG_OK) {
        *ret_letter = held.head.letter;
    }
    return status;
}

static enum vg_status
read_ticket(struct applier *applier, struct outlet *outlet)
{
    struct hot_content content;
    struct bytes body;
    enum vg_status status = body_get(applier->txn, outlet->letter.body, &body);

    if (status == VG_OK &&
        hot_read_content((struct hot_bytes){body.at, body.len}, &content) == HOT_OK) {
        outlet->ticket = content.ticket;
        return VG_OK;
    }
    return status == VG_OK || status == VG_NOT_FOUND ? VG_STORE_BROKEN : status;
}

// Looks for the letter with the lowest number at outlet->from or after it.
static enum vg_status
look_on(struct applier *applier, struct outlet *outlet)
{
    struct mailbox_row *row = NULL;
    struct letter held;
    enum vg_status in_turn, out_of_turn;
    enum vg_status status = applier_box(applier, outlet->mailbox, &row);

    if (status != VG_OK) {
        return status;
    }
    in_turn = next_in_turn(applier, row, outlet, &outlet->letter);
    out_of_turn = next_held(applier, row, outlet, &held);
    if ((in_turn != VG_OK && in_turn != VG_NOT_FOUND) ||
        (out_of_turn != VG_OK && out_of_turn != VG_NOT_FOUND)) {
        return in_turn != VG_OK && in_turn != VG_NOT_FOUND ? in_turn : out_of_turn;
    }
    outlet->any = in_turn == VG_OK || out_of_turn == VG_OK;
    outlet->held =
        out_of_turn == VG_OK && (in_turn != VG_OK || held.number < outlet->letter.number);
    if (outlet->held) {
        outlet->letter = held;
    }
    return outlet->any ? read_ticket(applier, outlet) : VG_OK;
}

// Reserving may write a block, so the old body is looked up after it.
static enum vg_status
copy_body(struct applier *applier, uint64_t from, uint32_t size, uint64_t *ret_to)
{
    struct bytes body;
    uint8_t *at = NULL;
    enum vg_status status = body_reserve(applier->txn, &applier->bodies, size, &at);

    if (status == VG_OK) {
        status = body_get(applier->txn, from, &body);
    }
    if (status != VG_OK || body.len != size) {
        return status == VG_OK || status == VG_NOT_FOUND ? VG_STORE_BROKEN : status;
    }
    memcpy(at, body.at, body.len);
    *ret_to = body_done(&applier->bodies, body.len);
    return VG_OK;
}

static void
journal_move(struct applier *applier, const struct outlet *outlet,
             const struct hot_content *content, const struct journal_recipient *recipient)
{
    struct hot_bytes source = content->source, flow = content->mutation.flow;
    const struct institution *publisher =
        roster_by_code(applier->roster, (struct bytes){source.at, source.len});
    const struct flow *of =
        applier->catalogue == NULL
            ? NULL
            : catalogue_flow(applier->catalogue, (struct bytes){flow.at, flow.len});
    struct journal_event event = {
        .ticket = applier_ticket(applier),
        .niss = content->mutation.niss,
        .number = outlet->ticket,
        .source = publisher == NULL ? 0 : publisher->id,
        .catalogue = (uint32_t)applier->meta.catalogue,
        .flow = of == NULL ? 0 : of->id,
        .recipients = 1,
        .fields = (uint16_t)(content->mutation.fields_len + content->withheld),
        .again = AGAIN_MOVED,
    };

    journal_add(&applier->record, JOURNAL_EVENT, &event, sizeof event, recipient,
                sizeof *recipient);
}

static enum vg_status
put_moved(struct applier *applier, const struct outlet *outlet, uint32_t to)
{
    struct letter letter = outlet->letter;
    struct hot_content content;
    struct bytes body;
    enum vg_status status =
        copy_body(applier, outlet->letter.body, letter.size, &letter.body);

    if (status == VG_OK) {
        status = body_get(applier->txn, outlet->letter.body, &body);
    }
    if (status != VG_OK) {
        return status;
    }
    if (hot_read_content((struct hot_bytes){body.at, body.len}, &content) != HOT_OK) {
        return VG_STORE_BROKEN;
    }
    status = applier_append(applier, to, &letter);
    if (status != VG_OK) {
        return status;
    }
    journal_move(applier, outlet, &content,
                 &(struct journal_recipient){
                     .number = letter.number,
                     .body = letter.body,
                     .bytes_through = letter.bytes_through,
                     .mailbox = to,
                     .institution = to,
                     .size = letter.size,
                     .quality = letter.quality,
                     .withheld = letter.withheld,
                     .begin = letter.begin,
                     .end = letter.end,
                 });
    return repeats_follow(applier, outlet->ticket, outlet->mailbox, to);
}

static void
note_done(struct outlet *outlet)
{
    struct acknowledge_command *done = &outlet->done.acknowledge;
    const struct letter *letter = &outlet->letter;

    if (outlet->held) {
        done->singles[done->singles_len++] = (struct acknowledge_single){
            letter->number, letter->bytes_through, letter->size};
    } else {
        done->through = letter->number;
        done->through_bytes = letter->bytes_through;
    }
    outlet->from = letter->number + 1;
}

static struct outlet *
first_published(struct outlet *outlets, size_t len)
{
    struct outlet *first = NULL;

    for (size_t i = 0; i < len; i++) {
        if (outlets[i].any && (first == NULL || outlets[i].ticket < first->ticket)) {
            first = &outlets[i];
        }
    }
    return first;
}

static enum vg_status
move_into(struct applier *applier, struct command *command, uint32_t to,
          struct outlet *outlets, size_t len)
{
    struct outlet *first;
    enum vg_status status = VG_OK;

    for (size_t i = 0; status == VG_OK && i < len; i++) {
        status = look_on(applier, &outlets[i]);
    }
    while (status == VG_OK && command->move.moved < MOVE_LETTERS_MAX &&
           (first = first_published(outlets, len)) != NULL) {
        status = put_moved(applier, first, to);
        if (status == VG_OK) {
            note_done(first);
            command->move.moved++;
            status = look_on(applier, first);
        }
    }
    for (size_t i = 0; status == VG_OK && i < len; i++) {
        status = acknowledge_letters(applier, &outlets[i].done);
    }
    command->move.more = command->move.more || first_published(outlets, len) != NULL;
    return status;
}

// All mailboxes that are emptied into the same one, together.
static enum vg_status
move_to_one(struct applier *applier, struct command *command, uint32_t to)
{
    struct outlet *outlets = xcalloc(applier->emptying_len, sizeof *outlets);
    enum vg_status status;
    size_t len = 0;

    for (size_t i = 0; i < applier->emptying_len; i++) {
        if (applier->emptying[i].to == to) {
            struct acknowledge_command *done = &outlets[len].done.acknowledge;

            outlets[len].mailbox = applier->emptying[i].from;
            outlets[len].done.kind = COMMAND_ACKNOWLEDGE;
            done->mailbox = outlets[len++].mailbox;
            done->singles = xcalloc(MOVE_LETTERS_MAX, sizeof *done->singles);
        }
    }
    status = move_into(applier, command, to, outlets, len);
    for (size_t i = 0; i < len; i++) {
        free(outlets[i].done.acknowledge.singles);
    }
    free(outlets);
    return status;
}

// What is empty takes in no more letters for its successor.
static enum vg_status
forget_emptied(struct applier *applier)
{
    size_t kept = 0;

    for (size_t i = 0; i < applier->emptying_len; i++) {
        struct emptying emptying = applier->emptying[i];
        struct mailbox_row *row = NULL;
        enum vg_status status = applier_box(applier, emptying.from, &row);

        if (status != VG_OK) {
            return status;
        }
        if (mailbox_waiting(row) + row->parked > 0) {
            applier->emptying[kept++] = emptying;
        }
    }
    applier->emptying_len = kept;
    return VG_OK;
}

enum vg_status
move_letters(struct applier *applier, struct command *command)
{
    enum vg_status status = VG_OK;

    if (!applier->batch->no_room) {
        for (size_t i = 0; status == VG_OK && i < applier->emptying_len &&
                           command->move.moved < MOVE_LETTERS_MAX;
             i++) {
            status = move_to_one(applier, command, applier->emptying[i].to);
        }
    }
    if (status == VG_OK) {
        status = forget_emptied(applier);
    }
    command->move.left = applier->emptying_len > 0;
    return status;
}
