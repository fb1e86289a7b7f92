// SPDX-License-Identifier: EUPL-1.2
// http_explain.c - "why?" over HTTP: an invented mutation in the body of a POST, a past one by
// its ticket, or by a source's own number, in the question of a GET. No person number stands
// in a question: those are in logs of whoever asks.
#include "edge/http_inside.h"

#include "flow/explain.h"
#include "json/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// ---- an invented mutation ----

// The one institution that could have published it, when there is only one.
static const struct institution *
only_source(const struct roster *roster, const struct flow *flow)
{
    const struct institution *found = NULL;

    for (size_t i = 0; i < roster_len(roster); i++) {
        const struct institution *institution = roster_at(roster, i);

        for (uint16_t j = 0; j < flow->sources_len; j++) {
            if (institution->sector == flow->sources[j] && found != NULL) {
                return NULL;
            }
            if (institution->sector == flow->sources[j]) {
                found = institution;
            }
        }
    }
    return found;
}

// The institution that a question names; NULL when it names none.
static enum vg_status
choose_institution(const struct call *call, const char *name,
                   const struct institution **ret_institution, struct why *why)
{
    const char *code = call_question(call, name);

    *ret_institution =
        code == NULL ? NULL : roster_by_code(call->broker->roster, bytes_of(code));
    return code == NULL || *ret_institution != NULL
               ? VG_OK
               : fail(why, VG_NOT_FOUND, "there is no institution %.40s", code);
}

static enum vg_status
choose_source(const struct call *call, const struct hot_mutation *mutation,
              const struct institution **ret_source, struct why *why)
{
    const struct broker *broker = call->broker;
    const struct flow *flow = catalogue_flow(
        broker->catalogue, (struct bytes){mutation->flow.at, mutation->flow.len});
    enum vg_status status = choose_institution(call, "source", ret_source, why);

    if (status != VG_OK || *ret_source != NULL) {
        return status;
    }
    if (flow == NULL) {
        return fail(why, VG_UNKNOWN_FLOW, "the catalogue has no flow %.*s",
                    (int)(mutation->flow.len < 64 ? mutation->flow.len : 64),
                    (const char *)mutation->flow.at);
    }
    *ret_source = only_source(broker->roster, flow);
    return *ret_source != NULL
               ? VG_OK
               : fail(why, VG_MALFORMED,
                      "%s has no source or several: ask with ?source=CODE", flow->name);
}

static enum vg_status
choose_day(const struct call *call, struct day *ret_day, struct why *why)
{
    const char *text = call_question(call, "day");

    if (text == NULL) {
        *ret_day = day_in_brussels(clock_now());
        return VG_OK;
    }
    if (day_parse(text, strlen(text), ret_day, NULL) != VG_OK) {
        return fail(why, VG_BAD_DATE, "day: \"%.10s\" is no day as 2026-11-20", text);
    }
    return VG_OK;
}

// With the text of an explanation, or the refusal when there is none.
static void
answer_text(struct call *call, enum vg_status status, struct buffer *text,
            const struct why *why)
{
    json_t *words;

    if (status != VG_OK && text->len == 0) {
        call_refuse(call, status, "%s",
                    why->text[0] != '\0' ? why->text : vg_status_sentence(status));
        return;
    }
    buffer_add(text, "", 1);
    words = json_string((const char *)text->at);
    call_answer(
        call,
        json_pack("{s:s, s:i, s:o, s:o}", "status", vg_status_name(status), "number",
                  (int)status, "sentence",
                  http_text(status == VG_OK ? vg_status_sentence(status) : why->text),
                  "text", words != NULL ? words : json_string("(not UTF-8)")));
}

static void
explain(struct call *call, const struct explain_question *question)
{
    AUTO(buffer_free) struct buffer text = {0};
    struct why why = {0};
    enum vg_status status =
        explain_mutation(broker_txn(call->broker), question, &text, &why);

    answer_text(call, status, &text, &why);
}

void
post_explain(struct call *call)
{
    struct json_mutation mutation;
    char reason[JSON_REASON_LEN] = "";
    struct why why = {0};
    struct explain_question question = {
        .catalogue = call->broker->catalogue,
        .roster = call->broker->roster,
        .test_persons = call->broker->settings->test_persons,
    };
    enum vg_status status;

    if (question.catalogue == NULL) {
        call_refuse(call, VG_NOT_FOUND, "no catalogue is loaded yet");
        return;
    }
    status = json_read_mutation((const char *)call->body.at, call->body.len, &mutation,
                                reason);
    if (status != VG_OK) {
        call_refuse(call, status, "%s", reason);
        return;
    }
    question.mutation = &mutation.mutation;
    status = choose_day(call, &question.today, &why);
    if (status == VG_OK) {
        status = choose_institution(call, "institution", &question.only, &why);
    }
    if (status == VG_OK) {
        status = choose_source(call, question.mutation, &question.publisher, &why);
    }
    if (status == VG_OK) {
        explain(call, &question);
    } else {
        call_refuse(call, status, "%s", why.text);
    }
    json_mutation_clear(&mutation);
}

// ---- a past one ----

// False after a refusal.
static bool
read_number(struct call *call, const char *name, uint64_t otherwise, uint64_t max,
            uint64_t *ret_number)
{
    const char *text = call_question(call, name);
    char *end = NULL;

    *ret_number = otherwise;
    if (text == NULL) {
        return true;
    }
    errno = 0;
    *ret_number = strtoull(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || *ret_number > max) {
        call_refuse(call, VG_MALFORMED, "%s: \"%.40s\" is no number up to %llu", name,
                    text, (unsigned long long)max);
        return false;
    }
    return true;
}

static void
answer_ticket(struct call *call, uint64_t ticket)
{
    AUTO(buffer_free) struct buffer text = {0};
    struct explain_past question = {
        .catalogue = call->broker->catalogue,
        .roster = call->broker->roster,
        .ticket = ticket,
        .has_day = call_question(call, "day") != NULL,
    };
    struct why why = {0};
    enum vg_status status = choose_day(call, &question.day, &why);

    if (status == VG_OK) {
        status = choose_institution(call, "institution", &question.only, &why);
    }
    if (status == VG_OK) {
        status = explain_ticket(broker_txn(call->broker), &question, &text, &why);
    }
    answer_text(call, status, &text, &why);
}

static void
answer_refused(struct call *call, uint64_t producer, uint64_t number)
{
    AUTO(buffer_free) struct buffer text = {0};
    const struct institution *source = NULL;
    struct why why = {0};
    enum vg_status status = choose_institution(call, "source", &source, &why);

    if (status == VG_OK && source == NULL) {
        status = fail(&why, VG_MALFORMED,
                      "number: whose it is must be said: ?source=CODE&number=N");
    }
    if (status == VG_OK) {
        status = explain_refused(broker_txn(call->broker), source, (uint32_t)producer,
                                 number, &text, &why);
    }
    answer_text(call, status, &text, &why);
}

void
get_explain(struct call *call)
{
    uint64_t ticket, producer, number;

    if (!read_number(call, "ticket", 0, INT64_MAX, &ticket) ||
        !read_number(call, "producer", 1, UINT32_MAX, &producer) ||
        !read_number(call, "number", 0, INT64_MAX, &number)) {
        return;
    }
    if (ticket != 0) {
        answer_ticket(call, ticket);
    } else if (number != 0) {
        answer_refused(call, producer, number);
    } else {
        call_refuse(
            call, VG_MALFORMED,
            "?ticket=N, or ?source=CODE&number=N, is wanted; an invented mutation "
            "goes by POST");
    }
}
