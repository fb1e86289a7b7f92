// SPDX-License-Identifier: EUPL-1.2
#include "edge/dry_report.h"

#include "edge/archive.h"
#include "store/journal_find.h"

#include <stdlib.h>
#include <string.h>

// ---- what is asked ----

enum vg_status
dry_since(const char *text, struct instant now, struct instant *ret_since,
          struct why *why)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'m', 60}, {'h', 3600}, {'d', 86400}};
    char *end = NULL;
    unsigned long number = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;

    for (size_t i = 0;
         end != NULL && number > 0 && number <= 100000 && i < ARRAY_LEN(units); i++) {
        if (end[0] == units[i].letter && end[1] == '\0') {
            ret_since->us = now.us - (int64_t)number * units[i].seconds * 1000000;
            return VG_OK;
        }
    }
    if (archive_moment(text, &ret_since->us)) {
        return VG_OK;
    }
    return fail(why, VG_BAD_DATE,
                "since: \"%.40s\" is neither like 90m, 24h, 7d nor like "
                "2026-11-21T13:00:00Z",
                text);
}

void
dry_removal(const struct directory_context *context, const struct remove_request *request,
            struct dry_plan *plan, struct dry_about *about, struct faults *faults)
{
    char masked[NISS_MASK_LEN], begin[DAY_TEXT_LEN], end[DAY_TEXT_LEN];
    struct niss niss = {0};
    struct period period = {DAY_EVER, DAY_FOREVER};

    directory_judge_remove(context, request, &niss, &period, faults);
    if (faults->total > 0) {
        return;
    }
    plan->removal = (struct dry_removal){
        .niss = niss,
        .institution = context->institution->id,
        .quality = (uint16_t)request->quality,
        .period = period,
    };
    niss_mask(niss, masked);
    day_print(period.begin, begin);
    day_print(period.end, end);
    snprintf(about->words, sizeof about->words,
             "the removal of %03u of %s on %s from %s to %s", (unsigned)request->quality,
             context->institution->code, masked, begin, end);
    about->begins_after = period.begin.number > context->today.number;
}

enum vg_status
dry_stretch(struct txn *txn, struct dry_plan *plan, struct dry_about *about,
            struct why *why)
{
    struct meta meta;
    enum vg_status status = meta_get(txn, &meta, why);

    if (status == VG_OK) {
        status = journal_find_time(txn, &meta, about->since, &plan->first_commit);
    }
    if (status != VG_OK) {
        return fail(why, status, "the journal cannot be read");
    }
    plan->last_commit = meta.last_commit;
    about->version = meta.catalogue;
    return VG_OK;
}

// ---- names ----

static const char *
flow_name(const struct dry_plan *plan, uint16_t id)
{
    const struct flow *flow = catalogue_flow_by_id(plan->in_force, id);

    if (flow == NULL) {
        flow = catalogue_flow_by_id(plan->planned, id);
    }
    return flow == NULL ? "?" : flow->name;
}

static const char *
code_of(const struct dry_plan *plan, uint32_t id)
{
    const struct institution *institution = roster_institution(plan->roster, id);

    return institution == NULL ? "?" : institution->code;
}

static const char *const change_names[DRY_CHANGES] = {
    [DRY_MORE] = "more",     [DRY_LESS] = "less",       [DRY_FIELDS] = "fields",
    [DRY_GROUND] = "ground", [DRY_REFUSED] = "refused",
};

// ---- in words ----

typedef unsigned long long number;

static void
print_tickets(const struct dry_count *count, struct buffer *text)
{
    for (size_t i = 0; i < DRY_EXAMPLES && count->ticket[i] != 0; i++) {
        buffer_print(text, "%s%llu", i == 0 ? "" : ", ", (number)count->ticket[i]);
    }
    if (count->count > DRY_EXAMPLES) {
        buffer_print(text, " ...");
    }
}

static void
print_known(const struct dry_report *report, struct buffer *text)
{
    const struct {
        uint64_t count;
        const char *words;
    } lines[] = {
        {report->whole, "as they were"},
        {report->partly, "but for fields that nobody got: those were never kept"},
        {report->without,
         "by person and flow alone: nobody got them, or their content is "
         "not kept any more; differences of fields are not known"},
        {report->not_asked,
         "not at all: their rules need what only their content said, and it is not kept"},
    };

    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        if (lines[i].count > 0) {
            buffer_print(text, "  %12llu  %s\n", (number)lines[i].count, lines[i].words);
        }
    }
}

static void
print_head(const struct dry_report *report, const struct dry_about *about,
           struct buffer *text)
{
    char since[INSTANT_TEXT_LEN];

    instant_print(about->since, since);
    buffer_print(
        text,
        "What %s would have changed since %s: %llu mutations in %llu commits.\n"
        "Each is asked twice, on its own day, of the directory and the mailboxes "
        "as they are now: by version %llu of the catalogue, in force, and by the "
        "plan.\n",
        about->words, since, (number)report->mutations, (number)report->commits,
        (number)about->version);
    print_known(report, text);
    if (report->refused_then > 0) {
        buffer_print(text, "  %12llu  more were refused then; nothing of them is known\n",
                     (number)report->refused_then);
    }
    if (report->damaged > 0) {
        buffer_print(text, "  %12llu  commits cannot be read and are left out\n",
                     (number)report->damaged);
    }
    if (report->drifted.count > 0) {
        buffer_print(
            text,
            "%llu reached others then than they would by the catalogue in force: "
            "the directory, the mailboxes' choices or the catalogue have changed "
            "since. That is not the plan's doing and not counted below (tickets ",
            (number)report->drifted.count);
        print_tickets(&report->drifted, text);
        buffer_print(text, ").\n");
    }
    if (about->begins_after) {
        buffer_print(text,
                     "The removal begins after all of these days, so it cannot change "
                     "them: an earlier BEGIN shows what the integration brought.\n");
    }
}

static const char *
change_words(enum dry_change change)
{
    switch (change) {
    case DRY_MORE:
        return "more";
    case DRY_LESS:
        return "less";
    case DRY_FIELDS:
        return "other fields";
    case DRY_GROUND:
        return "the same by another integration";
    case DRY_REFUSED:
        return "refused as their publisher";
    case DRY_CHANGES:
        break;
    }
    return "?";
}

static void
print_row(const struct dry_row *row, const struct dry_about *about, struct buffer *text)
{
    for (enum dry_change change = DRY_MORE; change < DRY_CHANGES; change++) {
        const struct dry_count *count = &row->change[change];

        if (count->count > 0) {
            buffer_print(text, "  %-28s %-16s %10llu  %-32s  tickets ",
                         flow_name(about->plan, row->flow),
                         code_of(about->plan, row->institution), (number)count->count,
                         change_words(change));
            print_tickets(count, text);
            buffer_print(text, "\n");
        }
    }
    if (row->unsure > 0) {
        buffer_print(text,
                     "  %-28s %-16s %10llu  of these only perhaps: which fields they "
                     "had is not known\n",
                     "", "", (number)row->unsure);
    }
}

void
dry_report_print(const struct dry_report *report, const struct dry_about *about,
                 struct buffer *text)
{
    print_head(report, about, text);
    if (report->rows_len == 0) {
        buffer_print(text, "\nNobody would have got more, less or anything else.\n");
        return;
    }
    buffer_print(text, "\nPer flow and institution:\n");
    for (size_t i = 0; i < report->rows_len; i++) {
        print_row(&report->rows[i], about, text);
    }
    buffer_print(text, "\n`vigie explain --ticket N` tells any of them rule by rule.\n");
}

// ---- as JSON ----

static json_t *
number_json(uint64_t count)
{
    return json_integer((json_int_t)count);
}

static json_t *
count_json(const struct dry_count *count)
{
    json_t *tickets = json_array();

    for (size_t i = 0; i < DRY_EXAMPLES && count->ticket[i] != 0; i++) {
        json_array_append_new(tickets, number_json(count->ticket[i]));
    }
    return json_pack("{s:o, s:o}", "count", number_json(count->count), "tickets",
                     tickets);
}

static json_t *
row_json(const struct dry_row *row, const struct dry_about *about)
{
    json_t *json = json_pack("{s:s, s:s, s:o}", "flow", flow_name(about->plan, row->flow),
                             "institution", code_of(about->plan, row->institution),
                             "unsure", number_json(row->unsure));

    for (size_t i = 0; i < DRY_CHANGES; i++) {
        if (row->change[i].count > 0) {
            json_object_set_new(json, change_names[i], count_json(&row->change[i]));
        }
    }
    return json;
}

json_t *
dry_report_json(const struct dry_report *report, const struct dry_about *about)
{
    char since[INSTANT_TEXT_LEN];
    json_t *changes = json_array();
    json_t *plan = json_string(about->words);

    instant_print(about->since, since);
    for (size_t i = 0; i < report->rows_len; i++) {
        json_array_append_new(changes, row_json(&report->rows[i], about));
    }
    return json_pack(
        "{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "plan",
        plan != NULL ? plan : json_string("(not UTF-8)"), "since", since, "version",
        number_json(about->version), "commits", number_json(report->commits), "damaged",
        number_json(report->damaged), "refused_then", number_json(report->refused_then),
        "mutations", number_json(report->mutations), "whole", number_json(report->whole),
        "partly", number_json(report->partly), "without", number_json(report->without),
        "not_asked", number_json(report->not_asked), "drifted",
        count_json(&report->drifted), "begins_after", (int)about->begins_after, "changes",
        changes);
}
