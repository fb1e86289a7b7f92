// SPDX-License-Identifier: EUPL-1.2
// mutation.c - one mutation through the writer: read, judged, matched, put into the mailboxes
// of whoever may see it, journaled; or refused.
#include "flow/answer.h"
#include "flow/correct.h"
#include "flow/hold.h"
#include "flow/passage.h"

#include <string.h>

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

enum vg_status
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
    passage.event = 0;
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
