// SPDX-License-Identifier: EUPL-1.2
#include "flow/explain.h"

#include "store/person.h"

#include <stdlib.h>

enum { REPLACEMENTS_MAX = 16 };

static enum vg_status
read_person(struct txn *txn, struct niss niss, struct person *ret_person)
{
    enum vg_status status = person_get(txn, niss, ret_person);

    for (int i = 0; i < REPLACEMENTS_MAX && status == VG_OK; i++) {
        if (ret_person->replaced_by.number == 0) {
            return VG_OK;
        }
        status = person_get(txn, ret_person->replaced_by, ret_person);
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
    enum vg_status status = judge_mutation(&context, question->mutation, &judged, why);

    if (status != VG_OK) {
        buffer_print(text, "refused: %s (%d): %s\n", vg_status_name(status), (int)status,
                     why->text);
        return status;
    }
    if (judged.niss.number != 0) {
        status = read_person(txn, judged.niss, &person);
        if (status != VG_OK) {
            return status;
        }
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
    match_explain(&match, &trace, text);
    if (status != VG_OK) {
        buffer_print(text, "refused: %s (%d): %s\n", vg_status_name(status), (int)status,
                     why->text);
    }
    trace_free_rows(&trace);
    free(grants);
    return status;
}
