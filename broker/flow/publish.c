// SPDX-License-Identifier: EUPL-1.2
// publish.c - the way of a mutation through the writer: judge, match, cut down, put one body
// per distinct set of fields, give each mailbox its next number, journal it.
#include "flow/hold.h"
#include "flow/merge.h"

#include "flow/answer.h"
#include "flow/correct.h"
#include "flow/unmerge.h"
#include "flow/withdraw.h"
#include "store/asked.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// As many as there are sets of classes.
enum { VARIANTS_MAX = CLASS_ALL + 1 };

// Mutations of a Publish from which its persons are looked up together.
enum { READ_AHEAD_MIN = 4 };

_Static_assert((unsigned)WALK_MAX >= (unsigned)HOT_MUTATIONS_MAX, "one each");

// A body already stored for this mutation, for the same set of fields.
struct variant {
    uint64_t keep;
    uint64_t address;
    uint32_t size;
};

// One mutation being applied.
struct passage {
    struct hot_mutation mutation;
    struct judged judged;
    struct match_question question;
    const struct institution *source;
    uint64_t ticket;
    uint64_t number;
    uint32_t producer;
    const struct walked *walked; // the person, read ahead
    struct variant variants[VARIANTS_MAX];
    size_t variants_len;
    size_t recipients; // in applier->recipients
    bool withheld_all;
    const struct correction *correction; // NULL: it corrects nothing
    bool owed; // the next recipients got what it corrects: all is told to them
};

// ---- answers ----

static struct publish_result *
add_result(struct publish_command *publish, uint64_t number, enum vg_status status)
{
    if (publish->results_len == publish->results_size) {
        publish->results_size = publish->results_size * 2 + 16;
        publish->results =
            realloc(publish->results, publish->results_size * sizeof *publish->results);
        CHECK(publish->results != NULL);
    }

    struct publish_result *result = &publish->results[publish->results_len++];

    memset(result, 0, sizeof *result);
    result->number = number;
    result->status = status;
    return result;
}

static struct flow_count *
flow_count_of(struct applier *applier, const struct passage *passage)
{
    return &applier->batch
                ->flows[passage->judged.flow == NULL ? 0 : passage->judged.flow->id];
}

static enum vg_status
repeat_mutation(struct applier *applier, struct command *command, uint64_t number)
{
    struct publish_command *publish = &command->publish;
    struct publish_result *result = add_result(publish, number, VG_REPEATED);
    enum vg_status status =
        refusal_get(applier->txn, (struct institution_id){command->actor},
                    publish->publish.producer, number, &result->status, &result->why);

    applier->batch->count.repeated++;
    if (status == VG_NOT_FOUND) {
        result->status = VG_REPEATED;
        return VG_OK;
    }
    return status;
}

// A refusal is remembered for ever: its repeat must get the same answer.
static enum vg_status
refuse_mutation(struct applier *applier, struct command *command, uint64_t number,
                const struct passage *passage, enum vg_status refusal,
                const struct why *why)
{
    struct publish_command *publish = &command->publish;
    struct publish_result *result = add_result(publish, number, refusal);
    struct journal_refusal item = {
        .niss = passage->mutation.niss,
        .number = number,
        .source = command->actor,
        .producer = publish->publish.producer,
        .status = (uint16_t)refusal,
        .flow = passage->judged.flow == NULL ? 0 : passage->judged.flow->id,
    };

    result->why = *why;
    applier->batch->count.refused++;
    flow_count_of(applier, passage)->refused++;
    applier->changed = true;
    journal_add(&applier->record, JOURNAL_REFUSAL, &item, sizeof item, NULL, 0);
    return refusal_put(applier->txn, (struct institution_id){command->actor},
                       publish->publish.producer, number, refusal, why->text);
}

// ---- one recipient ----

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

static void
post(struct batch *batch, uint32_t mailbox, const struct letter *letter)
{
    if (batch->posted_len == batch->posted_size) {
        batch->posted_size = batch->posted_size * 2 + 256;
        batch->posted =
            realloc(batch->posted, batch->posted_size * sizeof *batch->posted);
        CHECK(batch->posted != NULL);
    }
    batch->posted[batch->posted_len].mailbox = mailbox;
    batch->posted[batch->posted_len].letter = *letter;
    batch->posted_len++;
}

enum vg_status
applier_append(struct applier *applier, uint32_t mailbox, struct letter *letter)
{
    struct mailbox_row *row = NULL;
    enum vg_status status = applier_box(applier, mailbox, &row);

    if (status != VG_OK) {
        return status;
    }
    row->bytes_total += letter->size;
    row->last_kept_us = applier->now.us;
    letter->number = ++row->last;
    letter->bytes_through = row->bytes_total;
    post(applier->batch, mailbox, letter);
    return VG_OK;
}

static void
journal_event_of(struct applier *applier, struct passage *passage)
{
    struct journal_event event = {
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
    };

    journal_add(&applier->record, JOURNAL_EVENT, &event, sizeof event,
                applier->recipients.at, applier->recipients.len);
    buffer_clear(&applier->recipients);
    passage->recipients = 0;
}

static void
journal_recipient_of(struct applier *applier, struct passage *passage,
                     uint32_t institution, uint32_t mailbox, const struct letter *letter)
{
    struct journal_recipient recipient = {
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
    };

    buffer_add(&applier->recipients, &recipient, sizeof recipient);
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

static enum vg_status
put_letter(struct applier *applier, struct passage *passage, uint32_t institution,
           const struct share *share)
{
    uint32_t fields = passage->mutation.fields_len;
    uint64_t keep = match_fields(applier->catalogue, &passage->judged, share->classes);
    uint32_t withheld = fields - (uint32_t)__builtin_popcountll(keep);
    uint32_t mailbox = merge_inflow(applier, share->mailbox);
    struct variant variant;
    enum vg_status status;

    applier->batch->count.withheld += withheld;
    flow_count_of(applier, passage)->withheld += withheld;
    if (!match_leaves_something(&passage->judged, keep) && !passage->owed) {
        passage->withheld_all = true;
        return VG_OK; // nothing is left: no notification, and the journal says so
    }
    status = store_body(applier, passage, keep, &variant);
    if (status != VG_OK) {
        return status;
    }

    struct letter letter = {
        .body = variant.address,
        .size = variant.size,
        .quality = share->justified ? share->integration.quality : 0,
        .withheld = (uint16_t)withheld,
        .begin = share->justified ? share->integration.begin : 0,
        .end = share->justified ? share->integration.end : 0,
    };

    status = applier_append(applier, mailbox, &letter);
    if (status != VG_OK) {
        return status;
    }
    journal_recipient_of(applier, passage, institution, mailbox, &letter);
    applier->batch->count.notifications++;
    flow_count_of(applier, passage)->notifications++;
    return passage->judged.flow->needs_answer
               ? ask_for_answer(applier, passage, mailbox, letter.number)
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
static void
journal_unwanted_of(struct applier *applier, const struct passage *passage,
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
    journal_add(&applier->record, JOURNAL_UNWANTED, &item, sizeof item, NULL, 0);
}

// All mailboxes of one institution, or none: the transaction is one.
static enum vg_status
put_institution(struct applier *applier, struct passage *passage,
                const struct grant *grants, size_t len)
{
    const struct mailbox_spec *const *mailboxes = NULL;
    size_t mailboxes_len =
        roster_mailboxes(applier->roster, grants[0].institution, &mailboxes);
    bool wanted = mailboxes_len == 0;

    for (size_t i = 0; i < mailboxes_len; i++) {
        struct share share;

        if (!match_share(mailboxes[i], passage->judged.flow->id, grants, len, &share)) {
            continue;
        }

        enum vg_status status =
            put_letter(applier, passage, grants[0].institution, &share);

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

static enum vg_status
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

// ---- a correction ----

// Before the events of its ticket: who is owed it, and what justified the first.
static void
journal_correction_of(struct applier *applier, const struct passage *passage,
                      const struct correction_shares *shares)
{
    struct journal_correction item = {
        .ticket = passage->ticket,
        .of = passage->correction->of,
        .act = (uint16_t)passage->correction->act,
    };
    size_t told = 0;

    do {
        buffer_clear(&applier->recipients);
        for (item.owed = 0; told < shares->owed && item.owed < JOURNAL_OWED_MAX; told++) {
            const struct correction_share *share = &shares->shares[told];
            struct journal_owed owed = {
                .mailbox = share->share.mailbox,
                .quality = share->got->quality,
                .only = share->only,
                .begin = share->got->begin,
                .end = share->got->end,
            };

            buffer_add(&applier->recipients, &owed, sizeof owed);
            item.owed++;
        }
        journal_add(&applier->record, JOURNAL_CORRECTION, &item, sizeof item,
                    applier->recipients.at, applier->recipients.len);
    } while (told < shares->owed);
    buffer_clear(&applier->recipients);
}

// Who is concerned today, is owed nothing, and does not want it.
static void
journal_unwanted_beside(struct applier *applier, const struct passage *passage,
                        const struct correction_shares *shares, size_t grants_len)
{
    for (size_t i = 0; i < grants_len; i++) {
        const struct grant *grant = &applier->grants[i];
        bool told = i > 0 && grant[-1].institution == grant->institution;

        for (size_t j = 0; !told && j < shares->len; j++) {
            told = shares->shares[j].institution == grant->institution;
        }
        if (!told) {
            journal_unwanted_of(applier, passage, grant);
        }
    }
}

static enum vg_status
ask_no_more(struct applier *applier, const struct passage *passage)
{
    const struct correction *correction = passage->correction;
    enum vg_status status = VG_OK;

    for (size_t i = 0;
         status == VG_OK && passage->judged.flow->needs_answer && i < correction->got_len;
         i++) {
        status = asked_erase(applier->txn, correction->of,
                             (struct mailbox_id){correction->got[i].was});
    }
    return status;
}

// A first one that may still wait beside its cancellation.
static void
note_pair(struct applier *applier, const struct passage *passage,
          const struct correction_share *share, size_t posted)
{
    const struct batch *batch = applier->batch;

    if (batch->posted_len > posted && !share->twice) {
        withdraw_note(applier, &passage->judged, share->got, passage->ticket,
                      &batch->posted[posted]);
    }
}

static enum vg_status
put_correction(struct applier *applier, struct passage *passage, size_t grants_len)
{
    struct correction_row row = {.by = passage->ticket, .act = passage->correction->act};
    struct correction_shares shares = correction_shares(
        passage->correction, &passage->question, applier->grants, grants_len);
    enum vg_status status = ask_no_more(applier, passage);

    journal_correction_of(applier, passage, &shares);
    for (size_t i = 0; status == VG_OK && i < shares.len; i++) {
        size_t posted = applier->batch->posted_len;

        passage->owed = i < shares.owed;
        if (i == shares.owed) { // that there was a first one is not theirs to know
            passage->mutation.replaces = (struct hot_bytes){NULL, 0};
            passage->variants_len = 0;
        }
        status = put_letter(applier, passage, shares.shares[i].institution,
                            &shares.shares[i].share);
        if (status == VG_OK && passage->owed) {
            note_pair(applier, passage, &shares.shares[i], posted);
        }
        if (passage->judged.cancels && passage->owed) {
            unmerge_note(applier, passage->ticket, &shares.shares[i],
                         passage->correction->of);
        }
    }
    if (!passage->judged.cancels) {
        journal_unwanted_beside(applier, passage, &shares, grants_len);
    }
    free(shares.shares);
    return status == VG_OK ? correction_put(applier->txn, passage->correction->of, &row)
                           : status;
}

// ---- a person's number is replaced ----

// The integrations move to the surviving number, and the old one leads to it from now on.
// replacement_check has made sure that neither was replaced before and that all find room.
enum vg_status
applier_move_person(struct applier *applier, struct niss old, struct niss new)
{
    struct integration merged[INTEGRATIONS_PER_PERSON_MAX + 1];
    struct person from, to;
    size_t len, before, moved;
    enum vg_status status = person_get(applier->txn, new, &to);

    if (status == VG_OK) {
        status = person_get(applier->txn, old, &from);
    }
    if (status != VG_OK) {
        return status;
    }
    before = len = to.len;
    moved = from.len;
    if (len > 0) {
        memcpy(merged, to.integrations, len * sizeof *merged);
    }
    for (size_t i = 0; i < moved; i++) {
        directory_add(merged, &len, from.integrations[i]);
    }
    status = applier_put_person(applier, new, before, merged, len);
    if (status == VG_OK) {
        applier->meta.integrations -= moved;
        applier->meta.persons -= moved > 0;
        status = person_replace(applier->txn, old, new);
    }
    return status;
}

// ---- one mutation ----

// The scan ends at a field that is too large: it is the last one.
static enum vg_status
tell_too_large(const struct hot_mutation *mutation, struct why *why)
{
    const struct {
        const char *name;
        size_t len;
    } references[] = {{"id", mutation->id.len},
                      {"replaces", mutation->replaces.len},
                      {"cancels", mutation->cancels.len},
                      {"answers", mutation->answers.len}};

    for (size_t i = 0; i < ARRAY_LEN(references); i++) {
        if (references[i].len > HOT_ID_BYTES_MAX) {
            return fail(why, VG_TOO_LARGE, "%s has %zu bytes, at most %d are allowed",
                        references[i].name, references[i].len, HOT_ID_BYTES_MAX);
        }
    }
    if (mutation->fields_len > 0) {
        const struct hot_field *last = &mutation->fields[mutation->fields_len - 1];
        bool is_code = last->code.len > HOT_CODE_BYTES_MAX;

        return fail(why, VG_TOO_LARGE,
                    "the %s of field %u has %zu bytes, at most %d are allowed",
                    is_code ? "code" : "value", (unsigned)mutation->fields_len,
                    is_code ? last->code.len : last->value.len,
                    is_code ? HOT_CODE_BYTES_MAX : HOT_VALUE_BYTES_MAX);
    }
    return fail(why, VG_TOO_LARGE, "%s", vg_status_sentence(VG_TOO_LARGE));
}

static enum vg_status
read_mutation(struct hot_bytes bytes, struct passage *passage, struct why *why)
{
    if (bytes.len > HOT_MUTATION_BYTES_MAX) {
        return fail(why, VG_TOO_LARGE,
                    "the mutation has %zu bytes, at most %d are allowed", bytes.len,
                    HOT_MUTATION_BYTES_MAX);
    }
    switch (hot_read_mutation(bytes, &passage->mutation)) {
    case HOT_OK:
        return VG_OK;
    case HOT_TOO_MANY:
        return fail(why, VG_TOO_MANY, "the mutation has more than %d fields",
                    HOT_FIELDS_MAX);
    case HOT_TOO_LARGE:
        return tell_too_large(&passage->mutation, why);
    case HOT_MALFORMED:
        break;
    }
    return fail(why, VG_MALFORMED, "the mutation's %zu bytes are no protobuf Mutation",
                bytes.len);
}

// The pure part: may it be published, and who may see it?
static enum vg_status
match_mutation(struct applier *applier, struct passage *passage, size_t *ret_len,
               enum vg_status *ret_store, struct why *why)
{
    struct judge_context context = {
        .catalogue = applier->catalogue,
        .publisher = passage->source,
        .today = applier->today,
        .test_persons = applier->batch->test_persons,
    };
    struct person person = {0};
    struct niss current = {0};
    enum vg_status status =
        judge_mutation(&context, &passage->mutation, &passage->judged, why);

    if (status != VG_OK) {
        // What was refused is counted and journaled under its flow, if there is such a flow.
        passage->judged.flow = catalogue_flow(
            applier->catalogue,
            (struct bytes){passage->mutation.flow.at, passage->mutation.flow.len});
        return status;
    }
    if (passage->judged.niss.number != 0) {
        *ret_store =
            person_walked(applier->txn, passage->walked, passage->judged.niss, &person);
    }
    if (*ret_store == VG_OK && person.replaced_by.number != 0) {
        *ret_store =
            person_in_force(applier->txn, passage->judged.niss, &current, &person);
        passage->mutation.current_niss = current.number;
    }
    if (*ret_store == VG_OK && passage->judged.flow->replaces_person) {
        *ret_store = replacement_check(applier->txn, passage->judged.niss,
                                       passage->judged.new_niss, &status, why);
    }
    if (*ret_store != VG_OK || status != VG_OK) {
        return status;
    }
    passage->question = (struct match_question){
        .catalogue = applier->catalogue,
        .roster = applier->roster,
        .judged = &passage->judged,
        .publisher = passage->source,
        .integrations = person.integrations,
        .integrations_len = person.len,
        .today = applier->today,
    };
    status = match_recipients(&passage->question, applier->grants, ret_len, NULL, why);
    if (status == VG_NOT_INTEGRATED && passage->judged.corrects != 0) {
        *ret_len = 0; // its own words it may take back: nobody else gets the correction
        return VG_OK;
    }
    return status;
}

static enum vg_status
keep_mutation(struct applier *applier, struct publish_command *publish,
              struct passage *passage, size_t grants_len)
{
    uint64_t before = applier->batch->count.notifications;
    enum vg_status status;

    passage->ticket = applier_ticket(applier);
    if (publish->kept++ == 0) {
        publish->ticket_first = passage->ticket;
    }
    buffer_clear(&applier->recipients);
    status = passage->correction == NULL ? put_grants(applier, passage, grants_len)
                                         : put_correction(applier, passage, grants_len);
    if (status != VG_OK) {
        return status;
    }
    journal_event_of(applier, passage);
    status = applier_hear(applier, passage->source->id, passage->judged.flow->id,
                          passage->ticket);
    if (status != VG_OK) {
        return status;
    }
    flow_count_of(applier, passage)->published++;
    if (applier->batch->count.notifications > before) {
        applier->batch->count.matched++;
        flow_count_of(applier, passage)->matched++;
    } else {
        applier->batch->count.unmatched++;
    }
    if (passage->judged.flow->replaces_person) {
        struct journal_replace item = {passage->judged.niss.number,
                                       passage->judged.new_niss.number};

        status = applier_note_before_move(applier, passage->judged.niss,
                                          passage->judged.new_niss);
        if (status != VG_OK) {
            return status;
        }
        journal_add(&applier->record, JOURNAL_REPLACE, &item, sizeof item, NULL, 0);
        status =
            applier_move_person(applier, passage->judged.niss, passage->judged.new_niss);
        if (status == VG_OK) {
            status = hold_join(applier, passage->judged.new_niss);
        }
    }
    return status;
}

enum vg_status
applier_notify(struct applier *applier, const struct judged *judged,
               const struct grant *grant)
{
    struct passage passage;
    enum vg_status status;

    memset(&passage, 0, sizeof passage);
    passage.mutation = *judged->mutation;
    passage.judged = *judged;
    passage.source = roster_source(applier->roster, 0);
    passage.ticket = applier_ticket(applier);
    applier->grants[0] = *grant;
    buffer_clear(&applier->recipients);
    status = put_grants(applier, &passage, 1);
    if (status == VG_OK) {
        journal_event_of(applier, &passage);
        flow_count_of(applier, &passage)->published++;
    }
    return status;
}

// It names an earlier one: found and looked at before anything is kept.
static enum vg_status
follow_references(struct applier *applier, struct passage *passage,
                  struct correction **ret_correction, enum vg_status *ret_refusal,
                  struct why *why)
{
    struct correction_question corrects = {&passage->judged, passage->source,
                                           applier->roster, &applier->meta};
    struct answer_question answers = {&passage->judged, passage->source,
                                      applier->catalogue, applier->roster,
                                      &applier->meta};
    enum vg_status status = VG_OK;

    *ret_refusal = VG_OK;
    if (passage->judged.answers != 0) {
        status = answer_check(applier->txn, &answers, ret_refusal, why);
    }
    if (status == VG_OK && *ret_refusal == VG_OK && passage->judged.corrects != 0) {
        status =
            correction_find(applier->txn, &corrects, ret_correction, ret_refusal, why);
    }
    return status;
}

static enum vg_status
keep_reference(struct applier *applier, struct command *command, struct passage *passage,
               size_t grants_len)
{
    AUTO(correction_free) struct correction *correction = NULL;
    struct why why = {0};
    enum vg_status refusal = VG_OK;
    enum vg_status status =
        follow_references(applier, passage, &correction, &refusal, &why);

    if (status != VG_OK) {
        return status;
    }
    if (refusal != VG_OK) {
        return refuse_mutation(applier, command, passage->number, passage, refusal, &why);
    }
    passage->correction = correction;
    status = keep_mutation(applier, &command->publish, passage, grants_len);
    if (status == VG_OK && passage->judged.answers != 0) {
        status = answer_note(applier, passage->judged.answers, passage->source,
                             passage->ticket);
    }
    return status;
}

static enum vg_status
publish_mutation(struct applier *applier, struct command *command, uint64_t number,
                 struct hot_bytes bytes, const struct walked *walked)
{
    struct passage passage;
    struct why why = {0};
    enum vg_status store_status = VG_OK;
    enum vg_status refusal;
    size_t grants_len = 0;

    // The field arrays are large and are written before they are read.
    memset(&passage.judged, 0, offsetof(struct judged, field));
    passage.mutation.niss = 0;
    passage.source = roster_institution(applier->roster, command->actor);
    passage.number = number;
    passage.producer = command->publish.publish.producer;
    passage.walked = walked;
    passage.variants_len = 0;
    passage.recipients = 0;
    passage.withheld_all = false;
    passage.correction = NULL;
    passage.owed = false;

    applier->batch->count.mutations++;
    refusal = read_mutation(bytes, &passage, &why);
    if (refusal == VG_OK) {
        refusal = match_mutation(applier, &passage, &grants_len, &store_status, &why);
    }
    if (store_status != VG_OK) {
        return store_status;
    }
    if (refusal != VG_OK) {
        return refuse_mutation(applier, command, number, &passage, refusal, &why);
    }
    if ((passage.judged.corrects | passage.judged.answers) != 0) {
        return keep_reference(applier, command, &passage, grants_len);
    }
    return keep_mutation(applier, &command->publish, &passage, grants_len);
}

// ---- one Publish ----

// What stops the whole Publish before its first mutation.
static bool
numbers_are_possible(struct command *command, const struct producer_row *row)
{
    const struct hot_publish *publish = &command->publish.publish;

    if (publish->first_number == 0 || publish->producer == 0) {
        refuse(command, VG_MALFORMED, "producer %u, first_number %llu: both count from 1",
               publish->producer, (unsigned long long)publish->first_number);
    } else if (publish->first_number > row->last_number + 1) {
        refuse(command, VG_GAP, "first_number is %llu, after %llu comes %llu",
               (unsigned long long)publish->first_number,
               (unsigned long long)row->last_number,
               (unsigned long long)row->last_number + 1);
    }
    return command->status == VG_OK;
}

// What stops its first new mutation, and all after it; repeats need none of this.
static bool
publish_is_possible(struct applier *applier, struct command *command)
{
    if (applier->batch->no_room) {
        refuse(command, VG_STORE_FULL,
               "the store is at its quota; acknowledging goes on");
    } else if (applier->batch->crowded) {
        refuse(command, VG_BUSY, "too many letters wait in all mailboxes together");
    } else if (applier->catalogue == NULL) {
        refuse(command, VG_BUSY, "no catalogue is loaded yet");
    } else if (roster_institution(applier->roster, command->actor) == NULL) {
        refuse(command, VG_NOT_ALLOWED, "institution %u is not registered",
               command->actor);
    } else {
        merge_refuse(applier, command, command->actor);
    }
    return command->status == VG_OK;
}

static enum vg_status
keep_producer(struct applier *applier, struct command *command, struct producer_row *row)
{
    const struct publish_command *publish = &command->publish;

    if (publish->through <= row->last_number) {
        return VG_OK; // repeats only
    }
    row->last_number = publish->through;
    row->last_us = applier->now.us;
    if (publish->kept > 0) {
        row->last_ticket = publish->ticket_first + publish->kept - 1;
    }
    applier->changed = true;
    return producer_put(applier->txn, (struct institution_id){command->actor},
                        publish->publish.producer, row);
}

static enum vg_status
get_producer(struct applier *applier, const struct command *command,
             struct producer_row *ret_row)
{
    uint32_t producer = command->kind == COMMAND_PUBLISH
                            ? command->publish.publish.producer
                            : command->last_number.producer;

    return producer_get(applier->txn, (struct institution_id){command->actor}, producer,
                        ret_row);
}

enum vg_status
publish_stands(struct applier *applier, struct command *command)
{
    uint64_t first = command->publish.publish.first_number;
    struct producer_row row;
    enum vg_status status = get_producer(applier, command, &row);

    // Numbers from the first one on may have had another answer than "kept".
    if (status == VG_OK) {
        command->publish.through = first > row.last_number ? row.last_number
                                   : first == 0            ? 0
                                                           : first - 1;
    }
    return status;
}

// The persons of a Publish are looked up together; applier->walked has one for each of its
// mutations. Of a few it is not worth while.
static void
read_ahead(struct applier *applier, struct hot_bytes mutations)
{
    uint64_t numbers[WALK_MAX];
    struct hot_bytes mutation;
    size_t len = 0;

    while (len < WALK_MAX && hot_next_mutation(&mutations, &mutation)) {
        numbers[len++] = hot_mutation_niss(mutation);
    }
    if (len < READ_AHEAD_MIN) {
        memset(applier->walked, 0, len * sizeof *applier->walked);
    } else {
        person_walk(applier->txn, numbers, len, applier->walked);
    }
}

enum vg_status
publish_mutations(struct applier *applier, struct command *command)
{
    struct publish_command *publish = &command->publish;
    struct hot_bytes mutations = publish->publish.mutations;
    struct hot_bytes mutation;
    struct producer_row row;
    uint64_t number = publish->publish.first_number;
    enum vg_status status = get_producer(applier, command, &row);

    if (status != VG_OK) {
        return status;
    }
    if (!numbers_are_possible(command, &row)) {
        return publish_stands(applier, command);
    }
    read_ahead(applier, mutations);
    while (status == VG_OK && hot_next_mutation(&mutations, &mutation)) {
        if (number <= row.last_number) {
            status = repeat_mutation(applier, command, number);
        } else if (publish_is_possible(applier, command)) {
            status = publish_mutation(
                applier, command, number, mutation,
                &applier->walked[number - publish->publish.first_number]);
        } else {
            break;
        }
        number++;
    }
    publish->through = number - 1;
    if (status == VG_OK) {
        status = applier_tell_noted(applier);
    }
    if (status == VG_OK) {
        status = unmerge_noted(applier);
    }
    return status == VG_OK ? keep_producer(applier, command, &row) : status;
}

enum vg_status
tell_last_number(struct applier *applier, struct command *command)
{
    struct producer_row row;
    enum vg_status status = get_producer(applier, command, &row);

    if (status == VG_OK) {
        command->last_number.number = row.last_number;
    }
    return status;
}
