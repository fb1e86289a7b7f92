// SPDX-License-Identifier: EUPL-1.2
// http_merge.c - institutions are to become part of another one: planned, looked at before,
// given up.
#include "edge/http_inside.h"

#include "flow/holdings.h"

#include <stdlib.h>
#include <string.h>

static json_t *
count_of(uint64_t number)
{
    return json_integer((json_int_t)number);
}

// ---- reading ----

// 0 after a fault.
static uint32_t
named(const struct call *call, const json_t *code, const char *member,
      struct faults *faults)
{
    const char *text = json_string_value(code);
    const struct institution *institution =
        text == NULL ? NULL : roster_by_code(call->broker->roster, bytes_of(text));

    if (institution == NULL) {
        faults_add(faults, VG_NOT_FOUND, 0, "%s: there is no institution \"%.40s\"",
                   member, text == NULL ? "" : text);
        return 0;
    }
    return institution->id;
}

static void
read_from(const struct call *call, const json_t *from, struct merge_command *merge,
          struct faults *faults)
{
    size_t i;
    json_t *code;

    if (json_array_size(from) == 0 || json_array_size(from) > MERGE_FROM_MAX) {
        faults_add(faults, VG_MALFORMED, 0, "from: one to %d codes in a list",
                   MERGE_FROM_MAX);
        return;
    }
    json_array_foreach(from, i, code)
    {
        merge->from[merge->from_len++] = named(call, code, "from", faults);
    }
}

static void
read_day(const json_t *on, struct merge_command *merge, struct faults *faults)
{
    const char *text = json_string_value(on);
    struct why why;

    if (text == NULL || day_parse(text, strlen(text), &merge->day, &why) != VG_OK) {
        faults_add(faults, VG_BAD_DATE, 0, "on: \"%.20s\" is no day as 2027-01-01",
                   text == NULL ? "" : text);
    }
}

// ---- what would move ----

static enum vg_status
add_mailboxes(const struct call *call, uint32_t institution, json_t *rows)
{
    const struct mailbox_spec *const *mailboxes = NULL;
    struct broker *broker = call->broker;
    size_t len = roster_mailboxes(broker->roster, institution, &mailboxes);
    struct mailbox_row row;

    for (size_t i = 0; i < len; i++) {
        enum vg_status status =
            mailbox_get(broker_txn(broker), (struct mailbox_id){mailboxes[i]->id}, &row);

        if (status != VG_OK) {
            return status;
        }
        json_array_append_new(
            rows,
            json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:s}", "institution",
                      roster_institution(broker->roster, institution)->code, "mailbox",
                      count_of(mailboxes[i]->id), "name", mailboxes[i]->name, "waiting",
                      count_of(mailbox_waiting(&row)), "held", count_of(row.held),
                      "parked", count_of(row.parked), "then",
                      i == 0 ? "its letters go to the successor's default mailbox"
                             : "it is the successor's, with its choices and letters"));
    }
    return VG_OK;
}

static void
answer_dry_run(struct call *call, const struct merge_command *merge)
{
    struct holdings_question question = {.since = DAY_EVER, .through = {UINT64_MAX}};
    json_t *rows = json_array();
    json_t *object;
    enum vg_status status = VG_OK;

    for (size_t i = 0; status == VG_OK && i < merge->from_len; i++) {
        question.institutions[question.institutions_len++] = merge->from[i];
        status = add_mailboxes(call, merge->from[i], rows);
    }
    if (status != VG_OK) {
        json_decref(rows);
        call_refuse(call, status, "%s", vg_status_sentence(status));
        return;
    }
    object = json_pack("{s:o}", "mailboxes", rows);
    call_count(call, &question, &object);
}

// ---- POST /v1/mergers ----

static json_t *
planned(const struct command *command)
{
    return json_pack("{s:o}", "ticket", count_of(command->ticket));
}

void
post_merger(struct call *call)
{
    static const char *const known[] = {"from", "into", "on", "dry_run", "cancel", NULL};
    struct merge_command merge = {.day = DAY_EVER};
    struct faults faults = {0};
    json_t *object = http_object(call, known, &faults);
    bool dry_run = json_is_true(json_object_get(object, "dry_run"));
    struct command *command;

    if (object != NULL) {
        read_from(call, json_object_get(object, "from"), &merge, &faults);
    }
    if (object != NULL && !json_is_true(json_object_get(object, "cancel"))) {
        merge.into = named(call, json_object_get(object, "into"), "into", &faults);
        read_day(json_object_get(object, "on"), &merge, &faults);
    }
    json_decref(object);
    if (faults.total > 0) {
        call_refuse_all(call, faults_first(&faults), &faults);
        return;
    }
    if (dry_run) {
        answer_dry_run(call, &merge);
        return;
    }
    command = command_new(COMMAND_MERGE, NULL, 0);
    command->merge = merge;
    call_propose(call, &command, planned);
}
