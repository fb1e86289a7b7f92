// SPDX-License-Identifier: EUPL-1.2
#include "rules/match.h"

#include <stdlib.h>
#include <string.h>

#include "rules/match_trace.h"

static void
print_audience(const struct match_question *question, const struct group *group,
               struct buffer *text)
{
    const char *before = " ";

    buffer_print(text, "%s", audience_name(group->audience));
    for (uint16_t i = 0; i < group->sectors_len; i++) {
        buffer_print(text, "%s%s", before,
                     words_of_sector(question->catalogue, group->sectors[i]));
        before = ", ";
    }
    for (uint16_t i = 0; i < group->fixed_len; i++) {
        buffer_print(text, "%s%s", before, group->fixed[i]);
        before = ", ";
    }
}

static void
print_condition(const struct match_question *question, const char *whose,
                const struct condition *condition, struct buffer *text)
{
    struct demand demand;

    if (!demand_is_made(condition)) {
        return;
    }
    demand_of(condition, question->judged, question->today, &demand);
    buffer_print(text, "; %s %s", whose, when_name(demand.when));
    if (demand.can_be_met) {
        buffer_print(
            text, " (%s)",
            words_of_period(demand.period.begin.number, demand.period.end.number).text);
    }
    buffer_print(text, ", %s", words_of_qualities(condition).text);
}

static void
print_head(const struct match_question *question, struct buffer *text)
{
    const struct judged *judged = question->judged;
    const struct flow *flow = judged->flow;
    char masked[NISS_MASK_LEN];

    buffer_print(text, "flow %s (%u), published by %s", flow->name, (unsigned)flow->id,
                 question->publisher->code);
    if (judged->niss.number != 0) {
        niss_mask(judged->niss, masked);
        buffer_print(text, " about %s", masked);
    }
    buffer_print(text, " on %s",
                 words_of_period(question->today.number, question->today.number).text);
    if (judged->has_period) {
        buffer_print(
            text, ", period %s",
            words_of_period(judged->period.begin.number, judged->period.end.number).text);
    }
    print_condition(question, "publisher", &flow->publisher, text);
    buffer_print(text, "\n");
    for (uint16_t i = 0; i < flow->groups_len; i++) {
        const struct group *group = &flow->groups[i];

        buffer_print(text, "  group %u: ", i + 1U);
        print_audience(question, group, text);
        print_condition(question, "when", &group->recipient, text);
        print_condition(question, "publisher", &group->publisher, text);
        buffer_print(text, " [%s]\n", group->deliberation);
    }
}

static void
print_row(const struct match_question *question, const struct trace_row *row,
          struct buffer *text)
{
    bool names_group = question->judged->flow->groups_len > 1 &&
                       row->group != TRACE_WHOLE_FLOW &&
                       (row->rule != RULE_SECTOR || row->passed);

    buffer_print(text, "  %-3s  %-13s  ", row->passed ? "yes" : "no",
                 match_rule_name(row->rule));
    if (names_group) {
        buffer_print(text, "group %u: ", row->group + 1U);
    }
    buffer_print(text, "%s", row->text);
    if (row->deliberation[0] != '\0' && row->rule >= RULE_FIELDS) {
        buffer_print(text, " [%s]", row->deliberation);
    }
    buffer_print(text, "\n");
}

// The rows about one institution, in the order in which they were asked.
struct story {
    const struct trace_row *const *rows;
    size_t len;
};

static bool
same_subject(const struct trace_row *a, const struct trace_row *b)
{
    return a->justified == b->justified &&
           memcmp(&a->integration, &b->integration, sizeof a->integration) == 0;
}

// An integration whose sector one group does not serve is of interest only where no other
// group serves it, and then once.
static bool
is_told_elsewhere(const struct story *story, size_t index)
{
    const struct trace_row *row = story->rows[index];

    if (row->rule != RULE_SECTOR || row->passed) {
        return false;
    }
    for (size_t i = 0; i < story->len; i++) {
        const struct trace_row *other = story->rows[i];

        if (other->rule == RULE_SECTOR && same_subject(row, other) &&
            (other->passed || i < index)) {
            return true;
        }
    }
    return false;
}

static void
print_name(const struct match_question *question, const struct story *story,
           struct buffer *text)
{
    uint32_t id = story->rows[0]->institution;
    const struct institution *institution = roster_institution(question->roster, id);
    bool unsure =
        question->fields_lost > 0 && question->judged->mutation->fields_len == 0;
    bool delivered = false;

    for (size_t i = 0; i < story->len; i++) {
        delivered = delivered || story->rows[i]->rule == RULE_DELIVERED;
    }
    if (institution != NULL) {
        buffer_print(text, "\n%s (%s)", institution->code, institution->name);
    } else if (id != 0) {
        buffer_print(text, "\ninstitution %u, not registered", (unsigned)id);
    } else {
        buffer_print(text, "\nnot registered");
    }
    buffer_print(text, ": %s\n",
                 !delivered ? "does not get it"
                 : unsure   ? "may get it"
                            : "gets it");
}

// What stands above a row where the subject changes.
static void
print_subject(const struct match_question *question, const struct trace_row *row,
              const struct trace_row *last, struct buffer *text)
{
    if (row->rule >= RULE_MAILBOX) {
        if (last == NULL || last->rule < RULE_MAILBOX) {
            buffer_print(text, " mailboxes\n");
        }
    } else if (row->justified && (last == NULL || !same_subject(row, last))) {
        const struct integration *integration = &row->integration;
        const struct quality *quality = catalogue_quality(
            question->catalogue, integration->sector, integration->quality);

        buffer_print(text, " integration %03u, %s, %s\n", (unsigned)integration->quality,
                     quality != NULL ? quality->meaning
                                     : "a code that the catalogue lacks",
                     words_of_period(integration->begin, integration->end).text);
    }
}

static void
print_story(const struct match_question *question, const struct story *story,
            struct buffer *text)
{
    const struct trace_row *last = NULL;

    print_name(question, story, text);
    for (size_t i = 0; i < story->len; i++) {
        if (!is_told_elsewhere(story, i)) {
            print_subject(question, story->rows[i], last, text);
            print_row(question, story->rows[i], text);
            last = story->rows[i];
        }
    }
}

// Rows of one array: the address is the order in which they were asked.
static int
compare_rows(const void *left, const void *right)
{
    const struct trace_row *a = *(const struct trace_row *const *)left;
    const struct trace_row *b = *(const struct trace_row *const *)right;
    int order = (a->institution > b->institution) - (a->institution < b->institution);

    return order != 0 ? order : (a > b) - (a < b);
}

// What was asked of the mutation as a whole; true when that refused it.
static bool
print_publisher(const struct match_question *question, const struct trace *trace,
                struct buffer *text)
{
    uint16_t groups_refused = 0;
    bool refused = false;

    for (size_t i = 0; i < trace->len; i++) {
        const struct trace_row *row = &trace->rows[i];

        if (row->rule == RULE_PUBLISHER) {
            print_row(question, row, text);
        }
        if (!row->passed && row->group == TRACE_WHOLE_FLOW &&
            (row->rule == RULE_PUBLISHER || row->rule == RULE_RECIPIENT)) {
            refused = true;
        }
        if (!row->passed && row->group != TRACE_WHOLE_FLOW &&
            row->rule == RULE_PUBLISHER) {
            groups_refused++;
        }
    }
    return refused || groups_refused == question->judged->flow->groups_len;
}

// Gives how many rows there were.
static size_t
print_stories(const struct match_question *question, const struct trace *trace,
              const struct institution *only, struct buffer *text)
{
    const struct trace_row **rows = xcalloc(trace->len, sizeof *rows);
    size_t len = 0;
    size_t first = 0;

    for (size_t i = 0; i < trace->len; i++) {
        if (trace->rows[i].rule != RULE_PUBLISHER &&
            (only == NULL || trace->rows[i].institution == only->id)) {
            rows[len++] = &trace->rows[i];
        }
    }
    if (len > 0) {
        qsort(rows, len, sizeof *rows, compare_rows);
    }
    while (first < len) {
        struct story story = {rows + first, 1};

        while (first + story.len < len &&
               rows[first + story.len]->institution == rows[first]->institution) {
            story.len++;
        }
        print_story(question, &story, text);
        first += story.len;
    }
    free(rows);
    return len;
}

void
match_explain(const struct match_question *question, const struct trace *trace,
              const struct institution *only, struct buffer *text)
{
    print_head(question, text);

    bool refused = print_publisher(question, trace, text);
    size_t rows = print_stories(question, trace, only, text);

    if (refused) {
        buffer_print(text, "\nnobody gets it\n");
    } else if (only == NULL) {
        buffer_print(text,
                     "\nnobody else gets it: no other institution has an integration "
                     "on this person, or is named\n");
    } else if (rows == 0) {
        buffer_print(text,
                     "\n%s (%s): does not get it\n"
                     "  it has no integration on this person, and nothing names it\n",
                     only->code, only->name);
    }
}
