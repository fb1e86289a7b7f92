// SPDX-License-Identifier: EUPL-1.2
// merge_move.c - the letters that wait for a merged institution move to its successor, in the
// order in which they were published.
#include "flow/merge.h"

#include "flow/marks.h"
#include "flow/repeats.h"

#include <stdlib.h>
#include <string.h>

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
