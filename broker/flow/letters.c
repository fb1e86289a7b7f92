// SPDX-License-Identifier: EUPL-1.2
// letters.c - what the recipients of a mutation get: one body per distinct set of fields, a
// number in each mailbox, and the journal's line.
#include "flow/merge.h"
#include "flow/passage.h"
#include "store/asked.h"

#include <stdlib.h>
#include <string.h>

struct flow_count *
flow_count_of(struct applier *applier, const struct passage *passage)
{
    return &applier->batch
                ->flows[passage->judged.flow == NULL ? 0 : passage->judged.flow->id];
}

static enum vg_status
store_body(struct applier *applier, struct passage *passage, uint64_t keep,
           struct variant *ret_variant)
{
    for (size_t i = 0; i < passage->variants_len; i++) {
        if (passage->variants[i].keep == keep) {
            *ret_variant = passage->variants[i];
            return VG_OK;
        }
    }

    struct hot_bytes source = {(const uint8_t *)passage->source->code,
                               strlen(passage->source->code)};
    size_t room = hot_content_size(&passage->mutation, source);
    uint8_t *at = NULL;
    enum vg_status status = body_reserve(applier->txn, &applier->bodies, room, &at);

    if (status != VG_OK) {
        return status;
    }

    uint8_t *end = hot_write_content(at, &passage->mutation, keep, source,
                                     passage->ticket, (uint64_t)applier->now.us);

    ret_variant->keep = keep;
    ret_variant->size = (uint32_t)(end - at);
    ret_variant->address = body_done(&applier->bodies, ret_variant->size);
    CHECK(passage->variants_len < VARIANTS_MAX);
    passage->variants[passage->variants_len++] = *ret_variant;
    return VG_OK;
}

static struct posted *
post(struct batch *batch)
{
    if (batch->posted_len == batch->posted_size) {
        batch->posted_size = batch->posted_size * 2 + 256;
        batch->posted =
            realloc(batch->posted, batch->posted_size * sizeof *batch->posted);
        CHECK(batch->posted != NULL);
    }
    __builtin_prefetch(&batch->posted[batch->posted_len + 1], 1); // see buffer_hint
    return &batch->posted[batch->posted_len++];
}

// The next letter of a mailbox, of which only this is known: the caller says the rest.
static enum vg_status
append(struct applier *applier, uint32_t mailbox, uint32_t size,
       struct letter **ret_letter)
{
    struct mailbox_row *row = NULL;
    struct posted *posted;
    enum vg_status status = applier_box(applier, mailbox, &row);

    if (status != VG_OK) {
        return status;
    }
    row->bytes_total += size;
    row->last_kept_us = applier->now.us;
    row->last++;
    posted = post(applier->batch);
    posted->mailbox = mailbox;
    posted->letter.number = row->last;
    posted->letter.bytes_through = row->bytes_total;
    posted->letter.size = size;
    *ret_letter = &posted->letter;
    return VG_OK;
}

enum vg_status
applier_append(struct applier *applier, uint32_t mailbox, struct letter *letter)
{
    struct letter *posted = NULL;
    enum vg_status status = append(applier, mailbox, letter->size, &posted);

    if (status == VG_OK) {
        letter->number = posted->number;
        letter->bytes_through = posted->bytes_through;
        *posted = *letter;
    }
    return status;
}

// ---- the journal's line ----

static void
begin_event(struct applier *applier, struct passage *passage)
{
    if (passage->event == 0) {
        passage->event = journal_event_begin(&applier->record);
        passage->recipients = 0;
    }
}

void
journal_event_of(struct applier *applier, struct passage *passage)
{
    begin_event(applier, passage);
    journal_event_end(&applier->record, passage->event,
                      &(struct journal_event){
                          .ticket = passage->ticket,
                          .niss = passage->judged.niss.number,
                          .number = passage->number,
                          .source = passage->source->id,
                          .producer = passage->producer,
                          .catalogue = (uint32_t)applier->meta.catalogue,
                          .flow = passage->judged.flow->id,
                          .recipients = (uint16_t)passage->recipients,
                          .fields = (uint16_t)passage->mutation.fields_len,
                          .withheld_all = passage->withheld_all,
                      });
    passage->event = 0;
}

static void
journal_recipient_of(struct applier *applier, struct passage *passage,
                     const struct journal_recipient *recipient)
{
    begin_event(applier, passage);
    journal_event_add(&applier->record, recipient);
    if (++passage->recipients == JOURNAL_RECIPIENTS_MAX) {
        journal_event_of(applier, passage);
    }
}

// A cancellation takes a question back, it is none.
static enum vg_status
ask_for_answer(struct applier *applier, const struct passage *passage, uint32_t mailbox,
               uint64_t number)
{
    struct asked_row row = {
        .number = number,
        .kept_us = applier->now.us,
        .source = passage->source->id,
        .flow = passage->judged.flow->id,
    };

    return passage->judged.cancels ? VG_OK
                                   : asked_put(applier->txn, passage->ticket,
                                               (struct mailbox_id){mailbox}, &row);
}

enum vg_status
put_letter(struct applier *applier, struct passage *passage, uint32_t institution,
           const struct share *share)
{
    uint32_t fields = passage->mutation.fields_len;
    uint64_t keep = match_fields(applier->catalogue, &passage->judged, share->classes);
    uint32_t withheld = fields - (uint32_t)__builtin_popcountll(keep);
    uint32_t mailbox = merge_inflow(applier, share->mailbox);
    const struct integration *integration = &share->integration;
    struct letter *letter = NULL;
    struct variant variant;
    enum vg_status status;

    applier->batch->count.withheld += withheld;
    flow_count_of(applier, passage)->withheld += withheld;
    if (!match_leaves_something(&passage->judged, keep) && !passage->owed) {
        passage->withheld_all = true;
        return VG_OK; // nothing is left: no notification, and the journal says so
    }
    applier_hint_box(applier, mailbox);
    status = store_body(applier, passage, keep, &variant);
    if (status == VG_OK) {
        status = append(applier, mailbox, variant.size, &letter);
    }
    if (status != VG_OK) {
        return status;
    }
    letter->body = variant.address;
    letter->quality = share->justified ? integration->quality : 0;
    letter->withheld = (uint16_t)withheld;
    letter->begin = share->justified ? integration->begin : 0;
    letter->end = share->justified ? integration->end : 0;
    journal_recipient_of(applier, passage,
                         &(struct journal_recipient){
                             .number = letter->number,
                             .body = letter->body,
                             .bytes_through = letter->bytes_through,
                             .mailbox = mailbox,
                             .institution = institution,
                             .size = letter->size,
                             .quality = letter->quality,
                             .withheld = letter->withheld,
                             .begin = letter->begin,
                             .end = letter->end,
                         });
    applier->batch->count.notifications++;
    flow_count_of(applier, passage)->notifications++;
    return passage->judged.flow->needs_answer
               ? ask_for_answer(applier, passage, mailbox, letter->number)
               : VG_OK;
}

static void
note_unwanted(struct batch *batch, uint32_t mailbox)
{
    if (batch->unwanted_len == batch->unwanted_size) {
        batch->unwanted_size = batch->unwanted_size * 2 + 64;
        batch->unwanted =
            realloc(batch->unwanted, batch->unwanted_size * sizeof *batch->unwanted);
        CHECK(batch->unwanted != NULL);
    }
    batch->unwanted[batch->unwanted_len++] = mailbox;
}

// It would have got it, and wants none of it.
void
journal_unwanted_of(struct applier *applier, struct passage *passage,
                    const struct grant *grant)
{
    const struct integration *integration = &grant->integration;
    struct journal_unwanted item = {
        .ticket = passage->ticket,
        .niss = passage->judged.niss.number,
        .institution = grant->institution,
        .source = passage->source->id,
        .catalogue = (uint32_t)applier->meta.catalogue,
        .flow = passage->judged.flow->id,
        .quality = grant->justified ? integration->quality : 0,
        .begin = grant->justified ? integration->begin : 0,
        .end = grant->justified ? integration->end : 0,
    };

    note_unwanted(applier->batch, grant->institution);
    if (passage->event == 0) {
        journal_add(&applier->record, JOURNAL_UNWANTED, &item, sizeof item, NULL, 0);
    } else {
        journal_add_before(&applier->record, &passage->event, JOURNAL_UNWANTED, &item,
                           sizeof item);
    }
}

// All mailboxes of one institution, or none: the transaction is one.
static enum vg_status
put_institution(struct applier *applier, struct passage *passage,
                const struct grant *grants, size_t len)
{
    uint32_t institution = grants[0].institution;
    uint32_t simple = roster_simple_mailbox(applier->roster, institution);
    const struct mailbox_spec *const *mailboxes = NULL;
    struct share share;

    if (simple != 0) {
        match_whole_share(simple, grants, len, &share);
        return put_letter(applier, passage, institution, &share);
    }

    size_t mailboxes_len = roster_mailboxes(applier->roster, institution, &mailboxes);
    bool wanted = mailboxes_len == 0;

    for (size_t i = 0; i < mailboxes_len; i++) {
        if (!match_share(mailboxes[i], passage->judged.flow->id, grants, len, &share)) {
            continue;
        }

        enum vg_status status = put_letter(applier, passage, institution, &share);

        if (status != VG_OK) {
            return status;
        }
        wanted = true;
    }
    if (!wanted) {
        journal_unwanted_of(applier, passage, &grants[0]);
    }
    return VG_OK;
}

enum vg_status
put_grants(struct applier *applier, struct passage *passage, size_t grants_len)
{
    size_t first = 0;

    while (first < grants_len) {
        const struct grant *grants = &applier->grants[first];
        size_t len = 1;

        while (first + len < grants_len &&
               grants[len].institution == grants[0].institution) {
            len++;
        }

        enum vg_status status = put_institution(applier, passage, grants, len);

        if (status != VG_OK) {
            return status;
        }
        first += len;
    }
    return VG_OK;
}
