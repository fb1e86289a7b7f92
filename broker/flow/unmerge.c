// SPDX-License-Identifier: EUPL-1.2
#include "flow/unmerge.h"

#include "flow/merge.h"
#include "flow/repeats.h"
#include "store/caught.h"
#include "store/journal_find.h"
#include "store/merged.h"

#include <stdlib.h>
#include <string.h>

void
unmerge_note(struct applier *applier, uint64_t by, const struct correction_share *share,
             uint64_t of)
{
    if (applier->cancels_len == applier->cancels_size) {
        applier->cancels_size = applier->cancels_size * 2 + 16;
        applier->cancels =
            realloc(applier->cancels, applier->cancels_size * sizeof *applier->cancels);
        CHECK(applier->cancels != NULL);
    }
    applier->cancels[applier->cancels_len++] = (struct cancelled){
        .by = by, .of = of, .was = share->got->was, .mailbox = share->share.mailbox};
}

// ---- which one holds again ----

// What a mutation corrects; VG_NOT_FOUND: nothing, or the journal does not know any more.
static enum vg_status
find_corrected(struct applier *applier, uint64_t ticket, uint64_t *ret_of)
{
    struct journal_place place = {.next = 0};
    struct journal_correction told = {.of = 0};
    enum vg_status status =
        journal_find(applier->txn, &applier->meta, ticket, &place, NULL);

    if (status == VG_OK && !correction_told(&place.record, ticket, &told, 0, NULL)) {
        status = VG_NOT_FOUND;
    }
    *ret_of = told.of;
    buffer_free(&place.record);
    return status;
}

// For what the cancelled one stood; a correction, for what that stood which it corrects.
static enum vg_status
find_row(struct applier *applier, const struct cancelled *cancelled,
         struct merged_row *ret_row)
{
    struct mailbox_id was = {cancelled->was};
    uint64_t of = cancelled->of;
    enum vg_status found = merged_get(applier->txn, of, was, ret_row);
    enum vg_status status = VG_OK;

    while (found == VG_NOT_FOUND && status == VG_OK) {
        status = find_corrected(applier, of, &of);
        if (status == VG_OK) {
            found = merged_get(applier->txn, of, was, ret_row);
        }
    }
    return status == VG_OK ? found : status;
}

// Its place in the list; VG_NOT_FOUND: none, or a later word than it was heard already.
static enum vg_status
last_that_holds(struct applier *applier, const struct merged_row *row, uint32_t *ret_last)
{
    for (uint32_t i = row->head.len; i-- > 0;) {
        struct correction_row corrected;
        bool is_void = false;
        enum vg_status status = correction_get(applier->txn, row->tickets[i], &corrected);

        if (status == VG_NOT_FOUND) {
            *ret_last = i;
            return VG_OK;
        }
        if (status == VG_OK) {
            status = repeats_void(applier->txn, row->tickets[i], &is_void);
        }
        if (status != VG_OK || !is_void) {
            return status == VG_OK ? VG_NOT_FOUND : status;
        }
    }
    return VG_NOT_FOUND;
}

// What the mailbox got then. VG_NOT_FOUND: the journal does not know any more.
static enum vg_status
find_letter(struct applier *applier, uint64_t ticket, uint32_t mailbox,
            struct journal_event *ret_event, struct journal_recipient *ret)
{
    struct journal_place place = {.next = 0};
    enum vg_status status =
        journal_find(applier->txn, &applier->meta, ticket, &place, NULL);
    bool found = false;

    *ret_event = place.event;
    for (bool more = status == VG_OK; more && !found; more = journal_find_more(&place)) {
        for (size_t i = 0; !found && journal_item_recipient(&place.item, i, ret); i++) {
            found = ret->mailbox == mailbox;
        }
    }
    buffer_free(&place.record);
    return status == VG_OK && !found ? VG_NOT_FOUND : status;
}

// ---- its letter ----

// Reserving may write a block, so the old body is looked up after it.
static enum vg_status
copy_body(struct applier *applier, const struct journal_recipient *then, uint64_t by,
          struct letter *letter)
{
    size_t room = then->size + HOT_CAUGHT_UP_LEN;
    struct bytes body;
    uint8_t *at = NULL, *end;
    enum vg_status status = room > BODY_MAX
                                ? VG_NOT_FOUND
                                : body_reserve(applier->txn, &applier->bodies, room, &at);

    if (status == VG_OK) {
        status = body_get(applier->txn, then->body, &body);
    }
    if (status != VG_OK) {
        return status;
    }
    if (body.len != then->size) {
        return VG_STORE_BROKEN;
    }
    memcpy(at, body.at, body.len);
    end = hot_write_caught_up(at + body.len, by);
    letter->size = (uint32_t)(end - at);
    letter->body = body_done(&applier->bodies, letter->size);
    return VG_OK;
}

static void
journal_letter(struct applier *applier, const struct journal_event *then,
               const struct journal_recipient *recipient, uint64_t ticket, uint64_t by)
{
    struct journal_event event = *then;

    event.ticket = ticket;
    event.number = then->ticket;
    event.producer = (uint32_t)(ticket - by);
    event.catalogue = (uint32_t)applier->meta.catalogue;
    event.recipients = 1;
    event.withheld_all = 0;
    event.again = AGAIN_CAUGHT;
    journal_add(&applier->record, JOURNAL_EVENT, &event, sizeof event, recipient,
                sizeof *recipient);
}

static enum vg_status
put_letter(struct applier *applier, const struct cancelled *cancelled, uint32_t mailbox,
           const struct journal_event *event, const struct journal_recipient *then)
{
    struct letter letter = {.quality = then->quality,
                            .withheld = then->withheld,
                            .begin = then->begin,
                            .end = then->end};
    struct journal_recipient recipient = *then;
    struct caught_row caught = {.request = cancelled->by,
                                .institution = then->institution,
                                .quality = then->quality,
                                .begin = then->begin,
                                .end = then->end};
    enum vg_status status = copy_body(applier, then, cancelled->by, &letter);

    if (status == VG_OK) {
        status = applier_append(applier, mailbox, &letter);
    }
    if (status != VG_OK) {
        return status;
    }
    recipient.number = letter.number;
    recipient.body = letter.body;
    recipient.bytes_through = letter.bytes_through;
    recipient.size = letter.size;
    recipient.mailbox = mailbox;
    recipient.institution = roster_mailbox(applier->roster, mailbox)->institution;
    caught.ticket = applier_ticket(applier);
    journal_letter(applier, event, &recipient, caught.ticket, cancelled->by);
    applier->batch->count.notifications++;
    return caught_put(applier->txn, event->ticket, (struct mailbox_id){mailbox}, &caught);
}

// It comes itself from now on, for those before it as well.
static enum vg_status
put_rows(struct applier *applier, uint64_t ticket, uint32_t mailbox,
         struct merged_row *row)
{
    struct merged_row gone = {.head = {.into = ticket}};
    struct mailbox_id id = {mailbox};
    enum vg_status status;

    if (row->head.len == 0) {
        return merged_erase(applier->txn, ticket, id);
    }
    status = merged_put(applier->txn, ticket, id, row);
    for (uint32_t i = 0; status == VG_OK && i < row->head.len; i++) {
        status = merged_put(applier->txn, row->tickets[i], id, &gone);
    }
    return status == VG_OK ? repeats_mark(applier, mailbox) : status;
}

static enum vg_status
unmerge(struct applier *applier, const struct cancelled *cancelled)
{
    uint32_t mailbox = merge_inflow(applier, cancelled->mailbox);
    struct journal_recipient then;
    struct journal_event event;
    struct merged_row row;
    uint32_t last = 0;
    enum vg_status status = find_row(applier, cancelled, &row);

    if (status == VG_OK) {
        status = last_that_holds(applier, &row, &last);
    }
    if (status == VG_OK) {
        status = find_letter(applier, row.tickets[last], cancelled->was, &event, &then);
    }
    if (status == VG_OK) {
        status = put_letter(applier, cancelled, mailbox, &event, &then);
    }
    if (status == VG_OK) {
        row.head.len = last;
        status = put_rows(applier, row.tickets[last], mailbox, &row);
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

enum vg_status
unmerge_noted(struct applier *applier)
{
    enum vg_status status = VG_OK;

    for (size_t i = 0; status == VG_OK && i < applier->cancels_len; i++) {
        status = unmerge(applier, &applier->cancels[i]);
    }
    applier->cancels_len = 0;
    return status;
}

bool
unmerge_led_to(struct txn *txn, uint64_t because)
{
    struct journal_place place = {.next = 0};
    struct meta meta;
    bool led = meta_get(txn, &meta, NULL) == VG_OK &&
               journal_find(txn, &meta, because, &place, NULL) == VG_OK;

    buffer_free(&place.record);
    return led;
}
