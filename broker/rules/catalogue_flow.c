// SPDX-License-Identifier: EUPL-1.2
// The table of flows: who publishes, who receives, and what their integrations must
// fulfil.
#include "rules/catalogue_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/catalogue_inside.h"

enum { RHYTHM_MAX = 999 }; // hours or days

static const char *const key_words[] = {"person", "enterprise"};
static const char *const period_words[] = {"none", "optional", "required"};

// ---- conditions ----

static bool
when_of(const char *word, enum when *ret_when)
{
    for (int when = WHEN_NONE; when <= WHEN_SINCE; when++) {
        if (strcmp(when_name((enum when)when), word) == 0) {
            *ret_when = (enum when)when;
            return true;
        }
    }
    return false;
}

// WHEN_NONE when the key is not there. A word that is none of these asks something, so
// that no further fault follows from it.
static enum when
read_when(const struct yaml_node *row, const char *key)
{
    const struct yaml_node *node = yaml_get(row, key);
    enum when when = WHEN_NONE;

    if (node == NULL || when_of(row_word(node), &when)) {
        return when;
    }
    yaml_fault(node,
               "%s: '%s' is not one of none, today, window, overlap, covers 5 years, "
               "1 January, since 2 months",
               key, row_word(node));
    return WHEN_TODAY;
}

static bool
quality_exists(const struct catalogue *catalogue, const uint16_t *sectors,
               size_t sectors_len, uint16_t code)
{
    for (size_t i = 0; i < sectors_len; i++) {
        if (catalogue_quality(catalogue, sectors[i], code) != NULL) {
            return true;
        }
    }
    return false;
}

// Adds a code once; false when there is no room.
static bool
add_quality(struct condition *condition, uint16_t code)
{
    if (has_number(condition->qualities, condition->qualities_len, code)) {
        return true;
    }
    if (condition->qualities_len == GROUP_QUALITIES_MAX) {
        return false;
    }
    condition->qualities[condition->qualities_len++] = code;
    return true;
}

// "020" or "001-009", as the law writes them: both ends exist, and of what lies between,
// the codes that exist.
static void
read_quality_range(const struct catalogue *catalogue, const struct yaml_node *node,
                   const uint16_t *sectors, size_t sectors_len,
                   struct condition *condition)
{
    const char *text = row_word(node);
    const char *dash = strchr(text, '-');
    size_t first_len = dash == NULL ? strlen(text) : (size_t)(dash - text);
    const char *last_text = dash == NULL ? text : dash + 1;
    uint16_t first = 0;
    uint16_t last = 0;
    struct why why;
    bool good = quality_parse(text, first_len, &first, &why) == VG_OK &&
                quality_parse(last_text, strlen(last_text), &last, &why) == VG_OK &&
                first <= last && quality_exists(catalogue, sectors, sectors_len, first) &&
                quality_exists(catalogue, sectors, sectors_len, last);

    if (!good) {
        yaml_fault(node, "qualities: '%s' is not among the codes of these sectors", text);
        return;
    }
    for (uint16_t code = first; code <= last; code++) {
        if (quality_exists(catalogue, sectors, sectors_len, code) &&
            !add_quality(condition, code)) {
            yaml_fault(node, "qualities: over %d codes; none means all of them",
                       GROUP_QUALITIES_MAX);
            return;
        }
    }
}

// "all" is the same as leaving the key out, for those who want to see it written.
static void
read_qualities(const struct catalogue *catalogue, const struct yaml_node *row,
               const uint16_t *sectors, size_t sectors_len, struct condition *condition)
{
    const struct yaml_node *node = yaml_get(row, "qualities");

    if (node == NULL || strcmp(row_word(node), "all") == 0) {
        return;
    }
    if (condition->when == WHEN_NONE) {
        yaml_fault(node, "qualities: no integration is asked (when: none)");
    }

    const struct yaml_node *list = row_list(row, "qualities", GROUP_QUALITIES_MAX);
    bool sectors_known = sectors_len > 0; // otherwise there is a fault already

    for (size_t i = 0; list != NULL && sectors_known && i < yaml_len(list); i++) {
        read_quality_range(catalogue, yaml_at(list, i), sectors, sectors_len, condition);
    }
    if (list != NULL && yaml_len(list) == 0) {
        yaml_fault(list, "qualities: names none");
    }
}

static bool
needs_period(enum when when)
{
    return when == WHEN_OVERLAP || when == WHEN_COVERS_5Y;
}

static void
check_period(const struct flow *flow, const struct yaml_node *row,
             const struct condition *condition)
{
    const struct yaml_node *node = yaml_get(row, "when");
    bool has_other = yaml_get(row, "without_period") != NULL;

    if (flow->key == KEY_ENTERPRISE && condition->when != WHEN_NONE) {
        yaml_fault(node, "when: a flow about enterprises can ask no integration");
    }
    if (needs_period(condition->when) && flow->period == PERIOD_NONE) {
        yaml_fault(node, "when: '%s' needs a period, and the flow has none",
                   when_name(condition->when));
    }
    if (needs_period(condition->when) && flow->period == PERIOD_OPTIONAL && !has_other) {
        yaml_fault(node, "when: '%s' needs a period; say what holds without_period",
                   when_name(condition->when));
    }
    if (!has_other) {
        return;
    }
    if (!needs_period(condition->when) || flow->period != PERIOD_OPTIONAL) {
        yaml_fault(yaml_get(row, "without_period"),
                   "without_period: only where when needs a period that is optional");
    } else if (needs_period(condition->when_no_period)) {
        yaml_fault(yaml_get(row, "without_period"),
                   "without_period: '%s' needs a period itself",
                   when_name(condition->when_no_period));
    } else if (condition->when_no_period == WHEN_NONE) {
        yaml_fault(yaml_get(row, "without_period"),
                   "without_period: 'none' would ask less than with one");
    }
}

// `when`, `without_period` and `qualities` of a group of recipients or of the publisher.
static void
read_condition(const struct catalogue *catalogue, const struct yaml_node *row,
               struct flow *flow, const uint16_t *sectors, size_t sectors_len,
               struct condition *ret_condition)
{
    ret_condition->when = read_when(row, "when");
    ret_condition->when_no_period = yaml_get(row, "without_period") == NULL
                                        ? ret_condition->when
                                        : read_when(row, "without_period");
    read_qualities(catalogue, row, sectors, sectors_len, ret_condition);
    check_period(flow, row, ret_condition);
    if (ret_condition->when == WHEN_FIRST_JANUARY ||
        ret_condition->when_no_period == WHEN_FIRST_JANUARY) {
        flow->needs_reference_year = true;
    }
}

// The publisher's own integration, asked by a flow or by one of its groups.
static void
read_publisher(const struct catalogue *catalogue, const struct yaml_node *row,
               struct flow *flow, struct condition *ret_condition)
{
    const struct yaml_node *node = yaml_get(row, "publisher");

    if (node == NULL) {
        return;
    }
    if (!yaml_is_map(node)) {
        yaml_fault(node, "publisher: is not a map with when and qualities");
        return;
    }

    read_condition(catalogue, node, flow, flow->sources, flow->sources_len,
                   ret_condition);
    row_require(node, "when");
    yaml_unknown_keys(node, "publisher");
}

// ---- groups of recipients ----

static bool
names_institution(const struct group *group, const char *code)
{
    for (uint16_t i = 0; i < group->fixed_len; i++) {
        if (strcmp(group->fixed[i], code) == 0) {
            return true;
        }
    }
    return false;
}

static void
read_fixed(const struct yaml_node *row, struct group *group)
{
    const struct yaml_node *list = row_list(row, "institutions", GROUP_FIXED_MAX);

    for (size_t i = 0; list != NULL && i < yaml_len(list); i++) {
        const char *code = row_word(yaml_at(list, i));
        struct why why;

        if (institution_code_check(code, &why) != VG_OK) {
            yaml_fault(yaml_at(list, i), "institutions: '%s': %s", code, why.text);
            continue;
        }
        if (names_institution(group, code)) {
            yaml_fault(yaml_at(list, i), "institutions: %s is named twice", code);
            continue;
        }
        snprintf(group->fixed[group->fixed_len++], INSTITUTION_CODE_LEN, "%s", code);
    }
    if (list != NULL && yaml_len(list) == 0) {
        yaml_fault(list, "institutions: names none");
    }
}

static enum audience
read_audience(const struct yaml_node *row)
{
    const struct yaml_node *node = row_require(row, "to");

    if (node == NULL) {
        return BY_DIRECTORY;
    }
    for (int audience = BY_DIRECTORY; audience <= EVERY_SUBSCRIBER; audience++) {
        if (strcmp(audience_name((enum audience)audience), row_word(node)) == 0) {
            return (enum audience)audience;
        }
    }
    yaml_fault(node,
               "to: '%s' is not one of directory, addressed, named, every subscriber",
               row_word(node));
    return BY_DIRECTORY;
}

// By name: the institutions' sectors are not known here, so any sector's codes may be
// meant.
static void
read_recipients(const struct catalogue *catalogue, const struct yaml_node *row,
                struct flow *flow, struct group *group)
{
    uint16_t all[SECTORS_MAX];

    if (group->audience != BY_NAME) {
        group->sectors_len = row_sectors(catalogue, row, "sectors", group->sectors,
                                         ARRAY_LEN(group->sectors));
        read_condition(catalogue, row, flow, group->sectors, group->sectors_len,
                       &group->recipient);
        return;
    }

    read_fixed(row, group);
    for (size_t i = 0; i < catalogue->sectors_len; i++) {
        all[i] = catalogue->sectors[i].number;
    }
    read_condition(catalogue, row, flow, all, catalogue->sectors_len, &group->recipient);
}

static void
read_group(const struct catalogue *catalogue, const struct yaml_node *row,
           struct flow *flow)
{
    struct group *group = &flow->groups[flow->groups_len];

    if (!yaml_is_map(row)) {
        yaml_fault(row, "recipients: a group is a map");
        return;
    }

    group->audience = read_audience(row);
    read_recipients(catalogue, row, flow, group);
    group->not_publisher = yaml_get_bool(row, "not_publisher", false);
    read_publisher(catalogue, row, flow, &group->publisher);
    row_text(row, "deliberation", group->deliberation, sizeof group->deliberation);
    if (group->audience == BY_DIRECTORY && group->recipient.when == WHEN_NONE) {
        yaml_fault(row, "when: recipients by directory need an integration");
    }
    if (group->audience == BY_ADDRESS) {
        flow->needs_recipient = true;
    }
    yaml_unknown_keys(row, "recipients");
    flow->groups_len++;
}

// ---- flows ----

static void
read_flow_fields(const struct catalogue *catalogue, const struct yaml_node *row,
                 struct flow *flow)
{
    const struct yaml_node *list = row_list(row, "fields", CATALOGUE_FIELDS_MAX);

    for (size_t i = 0; list != NULL && i < yaml_len(list); i++) {
        const struct yaml_node *node = yaml_at(list, i);
        int index = catalogue_field(catalogue, bytes_of(row_word(node)));

        if (index < 0) {
            yaml_fault(node, "fields: there is no field '%s'", row_word(node));
            continue;
        }

        uint64_t bit = UINT64_C(1) << (index % 64);

        if ((flow->fields[index / 64] & bit) != 0) {
            yaml_fault(node, "fields: %s is named twice", row_word(node));
        }
        flow->fields[index / 64] |= bit;
    }
}

static void
read_groups(const struct catalogue *catalogue, const struct yaml_node *row,
            struct flow *flow)
{
    const struct yaml_node *list = row_list(row, "recipients", GROUPS_MAX);

    for (size_t i = 0; list != NULL && i < yaml_len(list); i++) {
        read_group(catalogue, yaml_at(list, i), flow);
    }
    if (list != NULL && yaml_len(list) == 0) {
        yaml_fault(list, "recipients: names none");
    }
}

// A flow above it, whose notifications this one answers.
static void
read_answers(const struct catalogue *catalogue, const struct yaml_node *row,
             struct flow *flow)
{
    const char *name = yaml_get_text(row, "answers", NULL);
    const struct flow *asked =
        name == NULL ? NULL : catalogue_flow(catalogue, bytes_of(name));

    if (name != NULL && asked == NULL) {
        yaml_fault(row, "answers: %s is no flow above this one", name);
    } else if (name != NULL) {
        flow->answers = asked->id;
    }
}

// "12 hours", "4 days".
static void
read_rhythm(const struct yaml_node *row, struct flow *flow)
{
    const struct yaml_node *node = yaml_get(row, "rhythm");
    char *unit = NULL;
    long count;
    bool days;

    if (node == NULL) {
        return;
    }
    count = strtol(row_word(node), &unit, 10);
    days = strcmp(unit, " days") == 0 || strcmp(unit, " day") == 0;
    if (count < 1 || count > RHYTHM_MAX ||
        (!days && strcmp(unit, " hours") != 0 && strcmp(unit, " hour") != 0)) {
        yaml_fault(node, "rhythm: '%s' is not like '12 hours' or '4 days'",
                   row_word(node));
        return;
    }
    flow->rhythm_hours = (uint32_t)count * (days ? 24 : 1);
}

static void
read_flow_head(const struct yaml_node *row, struct flow *flow)
{
    flow->id = row_number(row, "id");
    if (flow->id >= FLOW_IDS_MAX) {
        yaml_fault(row, "id: %u is over %d", flow->id, FLOW_IDS_MAX - 1);
    }
    row_name(row, "name", flow->name, sizeof flow->name);
    row_text(row, "meaning", flow->meaning, sizeof flow->meaning);
    flow->key = (enum flow_key)row_choice(row, "key", key_words, ARRAY_LEN(key_words));
    flow->period = (enum flow_period)row_choice(row, "period", period_words,
                                                ARRAY_LEN(period_words));
    flow->needs_answer = yaml_get_bool(row, "answer_required", false);
    flow->urgency = (uint8_t)yaml_get_number(row, "urgency", 0, URGENCY_MAX, 0);
    read_rhythm(row, flow);
    flow->replaces_person = yaml_get_bool(row, "replaces_person", false);
    if (flow->replaces_person && flow->key != KEY_PERSON) {
        yaml_fault(row, "replaces_person: the flow names no person");
    }
    flow->repeats_merge = yaml_get_bool(row, "repeats_merge", false);
    if (flow->repeats_merge &&
        (flow->needs_answer || flow->replaces_person || flow->urgency != 0)) {
        yaml_fault(row, "repeats_merge: a flow that is urgent, that must be answered or "
                        "that replaces a number tells of events");
    }
}

void
read_flow(struct catalogue *catalogue, const struct yaml_node *row)
{
    struct flow flow = {0};

    read_flow_head(row, &flow);
    read_answers(catalogue, row, &flow);
    flow.sources_len =
        row_sectors(catalogue, row, "sources", flow.sources, ARRAY_LEN(flow.sources));
    read_flow_fields(catalogue, row, &flow);
    read_publisher(catalogue, row, &flow, &flow.publisher);
    read_groups(catalogue, row, &flow);
    if (flow.id == 0 || flow.name[0] == '\0') {
        return;
    }
    if (catalogue_flow_by_id(catalogue, flow.id) != NULL) {
        yaml_fault(row, "id: %u is used twice", (unsigned)flow.id);
        return;
    }
    if (catalogue_flow(catalogue, bytes_of(flow.name)) != NULL) {
        yaml_fault(row, "name: flow %s is defined twice", flow.name);
        return;
    }
    catalogue_put_flow(catalogue, &flow);
}
