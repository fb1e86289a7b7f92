// SPDX-License-Identifier: EUPL-1.2
#include "rules/judge.h"

#include <stdio.h>

// A reference year further away than this is a typing mistake.
enum { REFERENCE_YEARS = 100, SHOWN_MAX = 40, TICKET_DIGITS_MAX = 18 };

struct shown {
    char text[SHOWN_MAX + 1];
};

// What a sender wrote goes into a log: cut, and without control characters.
static struct shown
show(struct hot_bytes bytes)
{
    struct shown shown;
    size_t len = bytes.len < SHOWN_MAX ? bytes.len : SHOWN_MAX;

    for (size_t i = 0; i < len; i++) {
        bool printable = bytes.at[i] >= ' ' && bytes.at[i] < 0x7f;

        shown.text[i] = printable ? (char)bytes.at[i] : '?';
    }
    shown.text[len] = '\0';
    return shown;
}

static struct bytes
view(struct hot_bytes bytes)
{
    return (struct bytes){bytes.at, bytes.len};
}

static bool
is_source(const struct flow *flow, uint16_t sector)
{
    for (uint16_t i = 0; i < flow->sources_len; i++) {
        if (flow->sources[i] == sector) {
            return true;
        }
    }
    return false;
}

static enum vg_status
judge_flow(const struct judge_context *context, const struct hot_mutation *mutation,
           const struct flow **ret_flow, struct why *why)
{
    const struct flow *flow = catalogue_flow(context->catalogue, view(mutation->flow));

    if (flow == NULL) {
        return fail(why, VG_UNKNOWN_FLOW, "flow %s is not in the catalogue",
                    show(mutation->flow).text);
    }
    if (!is_source(flow, context->publisher->sector)) {
        return fail(why, VG_NOT_THE_SOURCE, "flow %s: %s (sector %u) is not its source",
                    flow->name, context->publisher->code,
                    (unsigned)context->publisher->sector);
    }

    *ret_flow = flow;
    return VG_OK;
}

static enum vg_status
judge_person(const struct judge_context *context, const char *name, uint64_t number,
             int year_now, struct niss *ret_niss, struct why *why)
{
    struct why inner;
    struct niss niss;
    enum vg_status status = niss_check(number, year_now, &niss, &inner);

    if (status != VG_OK) {
        return fail(why, status, "%s: %s", name, inner.text);
    }
    if (niss_kind(niss) == NISS_FICTITIOUS && !context->test_persons) {
        char masked[NISS_MASK_LEN];

        niss_mask(niss, masked);
        return fail(why, VG_TEST_PERSON, "%s: %s is a fictitious person", name, masked);
    }

    *ret_niss = niss;
    return VG_OK;
}

// A number that the flow has no use for would still travel to its recipients: refused.
static enum vg_status
judge_persons(const struct judge_context *context, int year_now, struct judged *judged,
              struct why *why)
{
    const struct hot_mutation *mutation = judged->mutation;
    const struct flow *flow = judged->flow;
    enum vg_status status = VG_OK;

    if (flow->key == KEY_PERSON) {
        status =
            judge_person(context, "niss", mutation->niss, year_now, &judged->niss, why);
    } else if (mutation->niss != 0) {
        status = fail(why, VG_BAD_NISS, "niss: flow %s names no person", flow->name);
    }
    if (status != VG_OK) {
        return status;
    }

    if (flow->replaces_person) {
        status = judge_person(context, "new_niss", mutation->new_niss, year_now,
                              &judged->new_niss, why);
        if (status == VG_OK && judged->new_niss.number == judged->niss.number) {
            status = fail(why, VG_BAD_NISS, "new_niss: the same as niss");
        }
    } else if (mutation->new_niss != 0) {
        status =
            fail(why, VG_BAD_NISS, "new_niss: flow %s replaces no person", flow->name);
    }
    return status;
}

static enum vg_status
judge_enterprise(struct judged *judged, struct why *why)
{
    uint64_t number = judged->mutation->enterprise;
    struct why inner;

    if (judged->flow->key != KEY_ENTERPRISE) {
        return number == 0
                   ? VG_OK
                   : fail(why, VG_BAD_ENTERPRISE,
                          "enterprise: flow %s names no enterprise", judged->flow->name);
    }

    enum vg_status status = enterprise_check(number, &judged->enterprise, &inner);

    return status == VG_OK ? VG_OK : fail(why, status, "enterprise: %s", inner.text);
}

static enum vg_status
judge_date(const char *name, uint32_t number, struct partial_date *ret_date,
           struct why *why)
{
    struct why inner;
    enum vg_status status = partial_date_check(number, ret_date, &inner);

    return status == VG_OK ? VG_OK : fail(why, status, "%s: %s", name, inner.text);
}

static bool
is_open(uint32_t end)
{
    return end == 0 || end == 99991231;
}

static enum vg_status
read_period(const struct hot_mutation *mutation, struct period *ret_period,
            struct why *why)
{
    struct partial_date begin;
    struct partial_date end;
    enum vg_status status =
        judge_date("period_begin", mutation->period_begin, &begin, why);

    if (status != VG_OK) {
        return status;
    }

    ret_period->begin = partial_date_first(begin);
    ret_period->end = DAY_FOREVER;
    if (is_open(mutation->period_end)) {
        return VG_OK;
    }

    status = judge_date("period_end", mutation->period_end, &end, why);
    if (status != VG_OK) {
        return status;
    }

    ret_period->end = partial_date_last(end);
    if (ret_period->end.number < ret_period->begin.number) {
        return fail(why, VG_BAD_DATE, "period_end: %u is before period_begin %u",
                    (unsigned)mutation->period_end, (unsigned)mutation->period_begin);
    }
    return VG_OK;
}

static enum vg_status
judge_period(struct judged *judged, struct why *why)
{
    const struct hot_mutation *mutation = judged->mutation;
    const struct flow *flow = judged->flow;

    judged->has_period = mutation->period_begin != 0 || mutation->period_end != 0;
    if (!judged->has_period) {
        return flow->period != PERIOD_REQUIRED
                   ? VG_OK
                   : fail(why, VG_BAD_DATE, "period_begin: flow %s needs a period",
                          flow->name);
    }
    if (flow->period == PERIOD_NONE) {
        return fail(why, VG_BAD_DATE, "period_begin: flow %s has no period", flow->name);
    }
    return read_period(mutation, &judged->period, why);
}

static enum vg_status
judge_reference_year(const struct judged *judged, int year_now, struct why *why)
{
    uint32_t year = judged->mutation->reference_year;
    uint32_t now = (uint32_t)year_now;

    if (!judged->flow->needs_reference_year) {
        return year == 0 ? VG_OK
                         : fail(why, VG_BAD_DATE,
                                "reference_year: flow %s has no reference year",
                                judged->flow->name);
    }
    if (year == 0) {
        return fail(why, VG_BAD_DATE, "reference_year: flow %s needs one",
                    judged->flow->name);
    }
    if (year + REFERENCE_YEARS < now || year > now + REFERENCE_YEARS) {
        return fail(why, VG_BAD_DATE, "reference_year: %u is over %d years away",
                    (unsigned)year, REFERENCE_YEARS);
    }
    return VG_OK;
}

static enum vg_status
judge_dates(int year_now, struct judged *judged, struct why *why)
{
    uint32_t occurred = judged->mutation->occurred;
    struct partial_date ignored;
    enum vg_status status =
        occurred == 0 ? VG_OK : judge_date("occurred", occurred, &ignored, why);

    if (status == VG_OK) {
        status = judge_period(judged, why);
    }
    if (status == VG_OK) {
        status = judge_reference_year(judged, year_now, why);
    }
    return status;
}

static enum vg_status
judge_fields(const struct catalogue *catalogue, struct judged *judged, struct why *why)
{
    const struct hot_mutation *mutation = judged->mutation;

    for (uint32_t i = 0; i < mutation->fields_len; i++) {
        int index = catalogue_field(catalogue, view(mutation->fields[i].code));

        if (index < 0) {
            return fail(why, VG_UNKNOWN_FIELD, "field %s is not in the catalogue",
                        show(mutation->fields[i].code).text);
        }
        if ((judged->flow->fields[index / 64] >> (index % 64) & 1) == 0) {
            return fail(why, VG_FIELD_NOT_IN_FLOW, "field %s is not one of flow %s",
                        show(mutation->fields[i].code).text, judged->flow->name);
        }
        judged->field[i] = (int16_t)index;
    }
    return VG_OK;
}

static enum vg_status
judge_recipient(const struct judged *judged, struct why *why)
{
    bool named = judged->mutation->recipient.len > 0;

    if (judged->flow->needs_recipient && !named) {
        return fail(why, VG_BAD_RECIPIENT, "recipient: flow %s needs one",
                    judged->flow->name);
    }
    // The sender would believe that only this one gets it.
    if (named && !judged->flow->needs_recipient) {
        return fail(why, VG_BAD_RECIPIENT, "recipient: flow %s is not addressed",
                    judged->flow->name);
    }
    return VG_OK;
}

static bool
read_ticket(struct hot_bytes text, uint64_t *ret_ticket)
{
    uint64_t ticket = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return false;
        }
        ticket = ticket * 10 + (text.at[i] - '0');
    }
    *ret_ticket = ticket;
    return text.len > 0 && text.len <= TICKET_DIGITS_MAX;
}

// What it replaces or cancels is named by the ticket that it was given.
static enum vg_status
judge_reference(struct judged *judged, struct why *why)
{
    const struct hot_mutation *mutation = judged->mutation;
    const char *name = mutation->cancels.len > 0 ? "cancels" : "replaces";
    struct hot_bytes text =
        mutation->cancels.len > 0 ? mutation->cancels : mutation->replaces;

    if (text.len == 0) {
        return VG_OK;
    }
    if (mutation->cancels.len > 0 && mutation->replaces.len > 0) {
        return fail(why, VG_BAD_REFERENCE,
                    "replaces and cancels: a mutation does one of them");
    }
    if (judged->flow->replaces_person) {
        return fail(why, VG_BAD_REFERENCE,
                    "%s: flow %s is not corrected; replace the number again", name,
                    judged->flow->name);
    }
    if (!read_ticket(text, &judged->corrects)) {
        return fail(why, VG_BAD_REFERENCE,
                    "%s: %s is not a ticket; it takes the one that was answered", name,
                    show(text).text);
    }
    judged->cancels = mutation->cancels.len > 0;
    return VG_OK;
}

static enum vg_status
judge_answer(const struct judge_context *context, struct judged *judged, struct why *why)
{
    struct hot_bytes text = judged->mutation->answers;

    if (text.len == 0) {
        return VG_OK;
    }
    if (catalogue_flow_by_id(context->catalogue, judged->flow->answers) == NULL) {
        return fail(why, VG_BAD_REFERENCE, "answers: flow %s answers none",
                    judged->flow->name);
    }
    return read_ticket(text, &judged->answers)
               ? VG_OK
               : fail(why, VG_BAD_REFERENCE,
                      "answers: %s is not a ticket; the notification has it",
                      show(text).text);
}

enum vg_status
judge_mutation(const struct judge_context *context, const struct hot_mutation *mutation,
               struct judged *ret_judged, struct why *why)
{
    CHECK(mutation->fields_len <= HOT_FIELDS_MAX);

    int year_now;
    int month;
    int day;
    enum vg_status status = judge_flow(context, mutation, &ret_judged->flow, why);

    if (status != VG_OK) {
        return status;
    }

    day_parts(context->today, &year_now, &month, &day);
    ret_judged->mutation = mutation;
    ret_judged->niss = (struct niss){0};
    ret_judged->new_niss = (struct niss){0};
    ret_judged->enterprise = (struct enterprise){0};
    ret_judged->has_period = false;
    ret_judged->period = (struct period){DAY_EVER, DAY_FOREVER};
    ret_judged->corrects = 0;
    ret_judged->answers = 0;
    ret_judged->cancels = false;

    status = judge_persons(context, year_now, ret_judged, why);
    if (status == VG_OK) {
        status = judge_enterprise(ret_judged, why);
    }
    if (status == VG_OK) {
        status = judge_dates(year_now, ret_judged, why);
    }
    if (status == VG_OK) {
        status = judge_fields(context->catalogue, ret_judged, why);
    }
    if (status == VG_OK) {
        status = judge_recipient(ret_judged, why);
    }
    if (status == VG_OK) {
        status = judge_reference(ret_judged, why);
    }
    if (status == VG_OK) {
        status = judge_answer(context, ret_judged, why);
    }
    return status;
}
