// SPDX-License-Identifier: EUPL-1.2
#include "rules/match_trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct day_words {
    char text[DAY_TEXT_LEN];
};

// ---- words ----

static struct day_words
day_words(int32_t number)
{
    struct day_words words;

    day_print((struct day){number}, words.text);
    return words;
}

struct words
words_of_period(int32_t begin, int32_t end)
{
    struct words words;

    if (begin == end) {
        snprintf(words.text, sizeof words.text, "%s", day_words(begin).text);
    } else {
        snprintf(words.text, sizeof words.text, "%s to %s", day_words(begin).text,
                 day_words(end).text);
    }
    return words;
}

PRINTF_LIKE(2, 3)
static void
words_add(struct words *words, const char *format, ...)
{
    size_t len = strlen(words->text);
    va_list args;

    va_start(args, format);
    vsnprintf(words->text + len, sizeof words->text - len, format, args);
    va_end(args);
}

// "001-009, 020, 021": codes that follow each other are a range, as the law writes them.
struct words
words_of_qualities(const struct condition *condition)
{
    struct words words = {""};
    uint16_t i = 0;

    if (condition->qualities_len == 0) {
        words_add(&words, "all qualities");
        return words;
    }
    while (i < condition->qualities_len) {
        const uint16_t *codes = condition->qualities;
        uint16_t last = i;

        while (last + 1 < condition->qualities_len &&
               codes[last + 1] == codes[last] + 1) {
            last++;
        }
        if (last - i < 2) {
            last = i; // two codes are no range
        }
        words_add(&words, "%s%03u", i == 0 ? "" : ", ", (unsigned)codes[i]);
        if (last > i) {
            words_add(&words, "-%03u", (unsigned)codes[last]);
        }
        i = (uint16_t)(last + 1);
    }
    return words;
}

const char *
words_of_sector(const struct catalogue *catalogue, uint16_t number)
{
    const struct sector *sector = catalogue_sector(catalogue, number);

    return sector == NULL ? "?" : sector->name;
}

static struct words
class_words(uint8_t classes)
{
    static const char *const names[] = {"applicant", "debtor", "debt",
                                        "heating",   "none",   "other"};
    struct words words = {""};

    if ((classes & CLASS_ALL) == 0) {
        words_add(&words, "nobody");
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if ((classes >> i & 1) != 0) {
            words_add(&words, "%s%s", words.text[0] == '\0' ? "" : ", ", names[i]);
        }
    }
    return words;
}

// What the days of an integration are held against, and how it went.
static struct words
days_words(const struct demand *demand, const struct integration *held, bool passed)
{
    struct words compared =
        words_of_period(demand->period.begin.number, demand->period.end.number);
    struct words own = {""};
    struct words words = {""};
    const char *no = passed ? "" : "not ";

    if (held != NULL) {
        own = words_of_period(held->begin, held->end);
    }
    if (!demand->can_be_met) {
        words_add(&words, "the message says no %s to compare with",
                  demand->when == WHEN_FIRST_JANUARY ? "year" : "period");
    } else if (demand->when == WHEN_TODAY || demand->when == WHEN_FIRST_JANUARY) {
        words_add(&words, "%s: %s is %sin %s", when_name(demand->when), compared.text, no,
                  own.text);
    } else if (demand->when == WHEN_COVERS_5Y) {
        words_add(&words, "%s: %s, begun %d years earlier, does %scontain %s",
                  when_name(demand->when), own.text, COVER_YEARS_BEFORE, no,
                  compared.text);
    } else {
        words_add(&words, "%s: %s shares %s day with %s", when_name(demand->when),
                  own.text, passed ? "a" : "no", compared.text);
    }
    return words;
}

// ---- rows ----

static struct trace_row *
add_row(struct trace *trace, const struct match_question *question, uint16_t group,
        uint32_t institution, enum match_rule rule, bool passed)
{
    const struct flow *flow = question->judged->flow;
    struct trace_row *row;

    if (trace->len == trace->size) {
        trace->size = trace->size * 2 + 32;
        trace->rows = realloc(trace->rows, trace->size * sizeof *trace->rows);
        CHECK(trace->rows != NULL);
    }
    row = &trace->rows[trace->len++];
    memset(row, 0, sizeof *row);
    row->institution = institution;
    row->group = group;
    row->rule = rule;
    row->passed = passed;
    if (group < flow->groups_len) {
        snprintf(row->deliberation, sizeof row->deliberation, "%s",
                 flow->groups[group].deliberation);
    }
    return row;
}

PRINTF_LIKE(2, 3)
static void
say(struct trace_row *row, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(row->text, sizeof row->text, format, args);
    va_end(args);
}

static void
row_integration(struct trace_row *row, const struct integration *integration)
{
    row->justified = true;
    row->integration = *integration;
}

void
trace_free_rows(struct trace *trace)
{
    free(trace->rows);
    *trace = (struct trace){0};
}

const char *
match_rule_name(enum match_rule rule)
{
    switch (rule) {
    case RULE_PUBLISHER:
        return "publisher";
    case RULE_RECIPIENT:
        return "recipient";
    case RULE_SECTOR:
        return "sector";
    case RULE_QUALITY:
        return "quality";
    case RULE_WHEN:
        return "when";
    case RULE_NOT_PUBLISHER:
        return "not publisher";
    case RULE_MAILBOX:
        return "mailbox";
    case RULE_FIELDS:
        return "fields";
    case RULE_DELIVERED:
        return "delivered";
    }
    return "?";
}

void
trace_publisher(struct trace *trace, const struct match_question *question,
                uint16_t group, const struct demand *demand,
                const struct integration *found)
{
    struct trace_row *row = add_row(trace, question, group, question->publisher->id,
                                    RULE_PUBLISHER, found != NULL);
    struct words compared =
        words_of_period(demand->period.begin.number, demand->period.end.number);

    if (found != NULL) {
        row_integration(row, found);
        say(row, "it holds %03u itself; %s", (unsigned)found->quality,
            days_words(demand, found, true).text);
    } else if (!demand->can_be_met) {
        say(row, "%s", days_words(demand, NULL, false).text);
    } else {
        say(row, "it holds none of %s itself (%s: %s)",
            words_of_qualities(demand->condition).text, when_name(demand->when),
            compared.text);
    }
}

void
trace_recipient(struct trace *trace, const struct match_question *question,
                uint16_t group, uint32_t institution, enum match_rule rule, bool passed,
                const char *text)
{
    say(add_row(trace, question, group, institution, rule, passed), "%s", text);
}

static void
say_quality(struct trace_row *row, const struct match_question *question,
            const struct demand *demand, const struct integration *integration)
{
    unsigned code = integration->quality;

    if (!row->passed && demand_takes_quality(demand, integration->quality)) {
        say(row, "the catalogue has no %03u in sector %u (%s)", code,
            (unsigned)integration->sector,
            words_of_sector(question->catalogue, integration->sector));
    } else {
        say(row, "%03u is %samong %s", code, row->passed ? "" : "not ",
            words_of_qualities(demand->condition).text);
    }
}

static void
say_rule(struct trace_row *row, const struct match_question *question,
         const struct demand *demand, const struct integration *integration)
{
    switch (row->rule) {
    case RULE_SECTOR:
        say(row, "sector %u (%s) is %samong those that get it",
            (unsigned)integration->sector,
            words_of_sector(question->catalogue, integration->sector),
            row->passed ? "" : "not ");
        break;
    case RULE_QUALITY:
        say_quality(row, question, demand, integration);
        break;
    case RULE_WHEN:
        say(row, "%s", days_words(demand, integration, row->passed).text);
        break;
    case RULE_NOT_PUBLISHER:
        say(row, "it is %sthe publisher itself", row->passed ? "not " : "");
        break;
    default:
        break;
    }
}

void
trace_integration(struct trace *trace, const struct match_question *question,
                  uint16_t group, const struct demand *demand,
                  const struct integration *integration, enum match_rule stopped)
{
    const struct group *asked = &question->judged->flow->groups[group];
    // A code that the catalogue lost is found out last, and shown where it belongs.
    enum match_rule last = stopped == RULE_DELIVERED ? RULE_NOT_PUBLISHER : stopped;

    for (enum match_rule rule = RULE_SECTOR; rule <= last; rule++) {
        bool is_asked = rule == RULE_SECTOR          ? asked->audience == BY_DIRECTORY
                        : rule == RULE_NOT_PUBLISHER ? asked->not_publisher
                                                     : true;

        if (is_asked) {
            struct trace_row *row = add_row(
                trace, question, group, integration->institution, rule, rule != stopped);

            row_integration(row, integration);
            say_rule(row, question, demand, integration);
        }
    }
}

// ---- rows about mailboxes ----

// The group whose rule let this share's integration through.
static uint16_t
group_of_share(const struct share *share, const struct grant *grants, size_t grants_len)
{
    for (size_t i = 0; i < grants_len; i++) {
        if (grants[i].justified == share->justified &&
            memcmp(&grants[i].integration, &share->integration,
                   sizeof share->integration) == 0) {
            return grants[i].group;
        }
    }
    return TRACE_WHOLE_FLOW;
}

static void
trace_field(struct trace *trace, const struct match_question *question, uint16_t group,
            uint32_t institution, uint8_t classes, const struct field_rule *rule)
{
    bool given = (rule->classes & classes) != 0;
    struct trace_row *row =
        add_row(trace, question, group, institution, RULE_FIELDS, given);

    if (given) {
        say(row, "%s (%s) given: for %s", rule->code, rule->meaning,
            class_words(rule->classes).text);
    } else {
        say(row, "%s (%s) withheld: for %s, not for %s", rule->code, rule->meaning,
            class_words(rule->classes).text, class_words(classes).text);
    }
    snprintf(row->deliberation, sizeof row->deliberation, "%s", rule->deliberation);
}

static void
trace_fields(struct trace *trace, const struct match_question *question, uint16_t group,
             uint32_t institution, uint8_t classes)
{
    const struct judged *judged = question->judged;

    for (uint32_t i = 0; i < judged->mutation->fields_len; i++) {
        const struct field_rule *rule =
            catalogue_field_rule(question->catalogue, judged->field[i]);

        if (rule != NULL) {
            trace_field(trace, question, group, institution, classes, rule);
        }
    }
}

static void
trace_delivered(struct trace *trace, const struct match_question *question,
                const struct mailbox_spec *mailbox, const struct share *share,
                uint16_t group)
{
    struct trace_row *row =
        add_row(trace, question, group, mailbox->institution, RULE_DELIVERED, true);

    if (share->justified) {
        row_integration(row, &share->integration);
        say(row, "to mailbox %s, justified by %03u from %s", mailbox->name,
            (unsigned)share->integration.quality,
            words_of_period(share->integration.begin, share->integration.end).text);
    } else {
        say(row, "to mailbox %s; no integration is asked", mailbox->name);
    }
}

static void
trace_share(struct trace *trace, const struct match_question *question,
            const struct mailbox_spec *mailbox, const struct share *share, uint16_t group)
{
    uint32_t institution = mailbox->institution;
    unsigned fields = question->judged->mutation->fields_len;
    uint64_t keep = match_fields(question->catalogue, question->judged, share->classes);
    bool lost = question->fields_lost > 0;
    bool something = match_leaves_something(question->judged, keep);

    trace_fields(trace, question, group, institution, share->classes);

    struct trace_row *row =
        add_row(trace, question, group, institution, RULE_FIELDS, something);

    row->deliberation[0] = '\0'; // the group's does not speak of fields
    if (lost && keep == 0) {
        say(row, "of %u field%s it is not known any more which: one may be left",
            question->fields_lost, question->fields_lost == 1 ? "" : "s");
        row->passed = true;
    } else if (fields == 0) {
        say(row, "the message has no fields, only that something changed");
    } else {
        say(row, "%d of %u fields left%s", __builtin_popcountll(keep),
            fields + question->fields_lost, something ? "" : ": no notification");
    }
    if (something || lost) {
        trace_delivered(trace, question, mailbox, share, group);
    }
}

static void
trace_mailboxes(struct trace *trace, const struct match_question *question,
                const struct grant *grants, size_t grants_len)
{
    const struct mailbox_spec *const *mailboxes = NULL;
    uint32_t institution = grants[0].institution;
    uint16_t flow = question->judged->flow->id;
    size_t len = roster_mailboxes(question->roster, institution, &mailboxes);

    if (len == 0) {
        say(add_row(trace, question, grants[0].group, institution, RULE_MAILBOX, false),
            "it is not registered, so it has no mailbox");
    }
    for (size_t i = 0; i < len; i++) {
        struct share share;
        bool takes = match_share(mailboxes[i], flow, grants, grants_len, &share);
        uint16_t group =
            takes ? group_of_share(&share, grants, grants_len) : TRACE_WHOLE_FLOW;

        say(add_row(trace, question, group, institution, RULE_MAILBOX, takes),
            takes ? "mailbox %s takes it"
                  : "mailbox %s chose not to take this flow for these qualities",
            mailboxes[i]->name);
        if (takes) {
            trace_share(trace, question, mailboxes[i], &share, group);
        }
    }
}

void
trace_shares(struct trace *trace, const struct match_question *question,
             const struct grant *grants, size_t grants_len)
{
    size_t first = 0;

    while (first < grants_len) {
        size_t len = 1;

        while (first + len < grants_len &&
               grants[first + len].institution == grants[first].institution) {
            len++;
        }
        trace_mailboxes(trace, question, grants + first, len);
        first += len;
    }
}
