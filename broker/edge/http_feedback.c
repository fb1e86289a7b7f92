// SPDX-License-Identifier: EUPL-1.2
// http_feedback.c - who owes an answer to what, and since when (flow/answer.h).
#include "edge/http_inside.h"

#include "json/json.h"
#include "store/asked.h"

#include <stdlib.h>
#include <string.h>

enum { FEEDBACK_ROWS_MAX = 10 * 1000 };

#define DAY_US (INT64_C(24) * 3600 * 1000000)

// What is asked for.
struct feedback_list {
    const struct broker *broker;
    const struct institution *only; // NULL: of all
    bool all;                       // answered ones too
    struct day since;               // days on which it was kept, both included
    struct day until;
    int64_t now_us;
    json_t *rows;
    uint64_t more_from; // ticket to ask on from, 0: that is all
};

static json_t *
code_of(const struct broker *broker, uint32_t id)
{
    const struct institution *institution = roster_institution(broker->roster, id);

    return institution == NULL ? json_null() : json_string(institution->code);
}

static json_t *
flow_of(const struct broker *broker, uint16_t id)
{
    const struct flow *flow =
        broker->catalogue == NULL ? NULL : catalogue_flow_by_id(broker->catalogue, id);

    return flow == NULL ? json_integer(id) : json_string(flow->name);
}

static json_t *
feedback_row(const struct feedback_list *list, uint64_t ticket,
             const struct mailbox_spec *spec, uint32_t owner, const struct asked_row *row)
{
    bool answered = row->answer != 0;
    int64_t end_us = answered ? row->answered_us : list->now_us;

    return json_pack(
        "{s:I, s:o, s:o, s:o, s:I, s:I, s:o, s:I, s:o, s:o}", "ticket",
        (json_int_t)ticket, "flow", flow_of(list->broker, row->flow), "source",
        code_of(list->broker, row->source), "institution", code_of(list->broker, owner),
        "mailbox", (json_int_t)spec->id, "number", (json_int_t)row->number, "kept",
        json_moment((uint64_t)row->kept_us), "days",
        (json_int_t)((end_us - row->kept_us) / DAY_US), "answered",
        answered ? json_moment((uint64_t)row->answered_us) : json_null(), "answer",
        answered ? json_integer((json_int_t)row->answer) : json_null());
}

static bool
add_asked(uint64_t ticket, struct mailbox_id mailbox, const struct asked_row *row,
          void *arg)
{
    struct feedback_list *list = arg;
    const struct mailbox_spec *spec =
        roster_mailbox(list->broker->roster, mailbox.number);
    struct day kept = day_in_brussels((struct instant){row->kept_us});

    uint32_t owner =
        spec == NULL ? 0 : roster_successor(list->broker->roster, spec->institution);

    if (spec == NULL || (row->answer != 0 && !list->all) ||
        (list->only != NULL && list->only->id != owner) ||
        kept.number < list->since.number || kept.number > list->until.number) {
        return true;
    }
    if (json_array_size(list->rows) >= FEEDBACK_ROWS_MAX) {
        list->more_from = ticket;
        return false;
    }
    json_array_append_new(list->rows, feedback_row(list, ticket, spec, owner, row));
    return true;
}

static void
read_day(const struct call *call, const char *name, struct day *ret_day,
         struct faults *faults)
{
    const char *text = call_question(call, name);

    if (text != NULL && day_parse(text, strlen(text), ret_day, NULL) != VG_OK) {
        faults_add(faults, VG_BAD_DATE, 0, "%s: \"%.10s\" is no day as 2026-11-20", name,
                   text);
    }
}

void
get_feedback(struct call *call)
{
    struct broker *broker = call->broker;
    const char *code = call_question(call, "institution");
    const char *from = call_question(call, "from");
    struct feedback_list list = {
        .broker = broker,
        .only = code == NULL ? NULL : roster_by_code(broker->roster, bytes_of(code)),
        .all = call_question(call, "all") != NULL,
        .since = DAY_EVER,
        .until = DAY_FOREVER,
        .now_us = clock_now().us,
    };
    struct faults faults = {0};
    enum vg_status status;

    read_day(call, "since", &list.since, &faults);
    read_day(call, "until", &list.until, &faults);
    if (code != NULL && list.only == NULL) {
        faults_add(&faults, VG_NOT_FOUND, 0, "there is no institution %.40s", code);
    }
    if (faults.total > 0) {
        call_refuse_all(call, faults_first(&faults), &faults);
        return;
    }
    list.rows = json_array();
    status = asked_each(broker_txn(broker), from == NULL ? 0 : strtoull(from, NULL, 10),
                        add_asked, &list);
    if (status != VG_OK) {
        json_decref(list.rows);
        call_refuse(call, status, "what was asked could not be read");
        return;
    }
    call_answer(call, json_pack("{s:o, s:o}", "feedback", list.rows, "more_from",
                                list.more_from == 0
                                    ? json_null()
                                    : json_integer((json_int_t)list.more_from)));
}
