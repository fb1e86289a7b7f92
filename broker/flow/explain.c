// SPDX-License-Identifier: EUPL-1.2
#include "flow/explain.h"

#include "flow/answer.h"
#include "flow/correct.h"
#include "flow/replace.h"

#include <stdlib.h>

static enum vg_status
tell_refusal(struct buffer *text, enum vg_status status, const struct why *why)
{
    if (status != VG_OK) {
        buffer_print(text, "refused: %s (%d): %s\n", vg_status_name(status), (int)status,
                     why->text);
    }
    return status;
}

// A person's integrations, and whether the number may be replaced if that is asked.
static enum vg_status
read_person(struct txn *txn, const struct judged *judged, struct person *ret_person,
            enum vg_status *ret_refusal, struct why *why)
{
    struct niss current;
    enum vg_status status = VG_OK;

    *ret_refusal = VG_OK;
    if (judged->niss.number != 0) {
        status = person_in_force(txn, judged->niss, &current, ret_person);
    }
    if (status == VG_OK && judged->flow->replaces_person) {
        status = replacement_check(txn, judged->niss, judged->new_niss, ret_refusal, why);
    }
    return status;
}

// Whoever got what it corrects gets it, whatever the rules say of today.
static void
tell_owed(const struct correction *correction, const struct match_question *match,
          const struct explain_question *question, const struct grant *grants,
          size_t grants_len, struct buffer *text)
{
    struct correction_shares shares =
        correction_shares(correction, match, grants, grants_len);

    buffer_print(text, "\nit %s ticket %llu, and is owed to whoever got that:\n",
                 correction->act == CORRECTION_CANCELS ? "cancels" : "replaces",
                 (unsigned long long)correction->of);
    for (size_t i = 0; i < shares.owed; i++) {
        const struct correction_share *share = &shares.shares[i];
        const struct institution *institution =
            roster_institution(question->roster, share->institution);

        if (question->only == NULL || question->only->id == share->institution) {
            buffer_print(text, "  %s, by the %03u it got it for%s\n", institution->code,
                         (unsigned)share->got->quality,
                         share->only ? ", and nothing else" : "");
        }
    }
    if (correction->act == CORRECTION_CANCELS) {
        buffer_print(text, "nobody else gets a cancellation\n");
    }
    free(shares.shares);
}

// What it names of the past: whether it can, and to whom a correction is owed.
static enum vg_status
explain_references(struct txn *txn, const struct match_question *match,
                   const struct explain_question *question, const struct grant *grants,
                   size_t grants_len, struct buffer *text, enum vg_status *ret_refusal,
                   struct why *why)
{
    AUTO(correction_free) struct correction *correction = NULL;
    struct meta meta;
    struct correction_question corrects = {match->judged, question->publisher,
                                           match->roster, &meta};
    struct answer_question answers = {match->judged, question->publisher,
                                      question->catalogue, question->roster, &meta};
    enum vg_status status = meta_get(txn, &meta, why);

    if (status == VG_OK && match->judged->answers != 0) {
        status = answer_check(txn, &answers, ret_refusal, why);
    }
    if (status == VG_OK && *ret_refusal == VG_OK && match->judged->corrects != 0) {
        status = correction_find(txn, &corrects, &correction, ret_refusal, why);
    }
    if (correction != NULL) {
        tell_owed(correction, match, question, grants, grants_len, text);
    }
    return status;
}

enum vg_status
explain_mutation(struct txn *txn, const struct explain_question *question,
                 struct buffer *text, struct why *why)
{
    struct judge_context context = {
        .catalogue = question->catalogue,
        .publisher = question->publisher,
        .today = question->today,
        .test_persons = question->test_persons,
    };
    struct judged judged;
    struct person person = {0};
    struct trace trace = {0};
    struct grant *grants;
    size_t grants_len = 0;
    enum vg_status refusal = judge_mutation(&context, question->mutation, &judged, why);
    enum vg_status status = VG_OK;

    if (refusal == VG_OK) {
        status = read_person(txn, &judged, &person, &refusal, why);
    }
    if (status != VG_OK || refusal != VG_OK) {
        return status == VG_OK ? tell_refusal(text, refusal, why) : status;
    }

    struct match_question match = {
        .catalogue = question->catalogue,
        .roster = question->roster,
        .judged = &judged,
        .publisher = question->publisher,
        .integrations = person.integrations,
        .integrations_len = person.len,
        .today = question->today,
    };

    grants = xcalloc(GRANTS_MAX, sizeof *grants);
    status = match_recipients(&match, grants, &grants_len, &trace, why);
    match_explain(&match, &trace, question->only, text);
    trace_free_rows(&trace);
    if (status == VG_NOT_INTEGRATED && judged.corrects != 0) {
        status = VG_OK; // its own words a publisher may take back
    }
    if (status == VG_OK && (judged.corrects | judged.answers) != 0) {
        status = explain_references(txn, &match, question, grants, grants_len, text,
                                    &refusal, why);
        status = status == VG_OK ? refusal : status;
    }
    free(grants);
    return tell_refusal(text, status, why);
}
