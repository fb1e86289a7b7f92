// SPDX-License-Identifier: EUPL-1.2
// The catalogue file's words and rules. A row with a mistake is still kept as far as it
// was understood, so that one mistake does not turn up again at every row that names it.
#include "rules/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml_tree.h"
#include "rules/catalogue_inside.h"

enum { MONTHS_MAX = 1200, YEARS_MAX = 100 };

static const char *const class_words[] = {"applicant", "debtor", "debt",
                                          "heating",   "none",   "other"};
static const char *const key_words[] = {"person", "enterprise"};
static const char *const period_words[] = {"none", "optional", "required"};

_Static_assert((1 << ARRAY_LEN(class_words)) - 1 == CLASS_ALL, "one word for each class");

// ---- words ----

static int
find_word(const char *const *words, size_t words_len, const char *word)
{
    for (size_t i = 0; i < words_len; i++) {
        if (strcmp(words[i], word) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static const char *
word_at(const struct yaml_node *node)
{
    const char *text = node == NULL ? NULL : yaml_text(node);

    return text == NULL ? "" : text;
}

// One word of a few; the first when the key is not there.
static size_t
read_word(const struct yaml_node *row, const char *key, const char *const *words,
          size_t words_len)
{
    const struct yaml_node *node = yaml_get(row, key);

    if (node == NULL) {
        return 0;
    }

    int found = find_word(words, words_len, word_at(node));

    if (found < 0) {
        yaml_fault(node, "%s: '%s' is not one of %s ... %s", key, word_at(node), words[0],
                   words[words_len - 1]);
        return 0;
    }
    return (size_t)found;
}

static bool
when_of(const char *word, enum when *ret_when)
{
    for (int when = WHEN_NONE; when <= WHEN_FIRST_JANUARY; when++) {
        if (strcmp(when_name((enum when)when), word) == 0) {
            *ret_when = (enum when)when;
            return true;
        }
    }
    return false;
}

// WHEN_NONE when the key is not there.
static enum when
read_when(const struct yaml_node *row, const char *key)
{
    const struct yaml_node *node = yaml_get(row, key);
    enum when when = WHEN_NONE;

    if (node != NULL && !when_of(word_at(node), &when)) {
        yaml_fault(node,
                   "%s: '%s' is not one of none, today, window, overlap, covers 5 years, "
                   "1 January",
                   key, word_at(node));
    }
    return when;
}

// A text that must be there, not empty, and fit.
static void
read_text(const struct yaml_node *row, const char *key, char *text, size_t text_size)
{
    const struct yaml_node *node = yaml_get(row, key);
    const char *found = yaml_require_text(row, key);
    size_t len = strlen(found);

    if (node != NULL && yaml_is_scalar(node) && len == 0) {
        yaml_fault(node, "%s: is empty", key);
    }
    if (len >= text_size) {
        yaml_fault(node, "%s: longer than %zu bytes", key, text_size - 1);
        len = text_size - 1;
    }
    memcpy(text, found, len);
    text[len] = '\0';
}

static bool
is_name_letter(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '_' || letter == '-' ||
           letter == '.';
}

// A text that stands on the wire, in settings and in logs: plain letters only.
static void
read_name(const struct yaml_node *row, const char *key, char *name, size_t name_size)
{
    read_text(row, key, name, name_size);
    for (const char *letter = name; *letter != '\0'; letter++) {
        if (!is_name_letter(*letter)) {
            yaml_fault(yaml_get(row, key),
                       "%s: '%s' has other than letters, digits, _ - .", key, name);
            return;
        }
    }
}

// A list that must be there; NULL after a fault.
static const struct yaml_node *
read_list(const struct yaml_node *row, const char *key, size_t max)
{
    const struct yaml_node *list = yaml_get(row, key);

    if (list == NULL) {
        yaml_fault(row, "%s: is missing", key);
        return NULL;
    }
    if (!yaml_is_list(list)) {
        yaml_fault(list, "%s: is not a list", key);
        return NULL;
    }
    if (yaml_len(list) > max) {
        yaml_fault(list, "%s: %zu of them, at most %zu are possible", key, yaml_len(list),
                   max);
        return NULL;
    }
    return list;
}

// ---- sectors ----

static void
read_sector(struct catalogue *catalogue, const struct yaml_node *row)
{
    struct sector sector = {0};

    if (yaml_get(row, "number") == NULL) {
        yaml_fault(row, "number: is missing");
    }
    sector.number = (uint16_t)yaml_get_number(row, "number", 1, UINT16_MAX, 0);
    read_name(row, "name", sector.name, sizeof sector.name);
    read_text(row, "meaning", sector.meaning, sizeof sector.meaning);
    if (sector.number == 0 || sector.name[0] == '\0') {
        return;
    }
    if (catalogue_sector(catalogue, sector.number) != NULL) {
        yaml_fault(row, "number: %u is used twice", (unsigned)sector.number);
        return;
    }
    if (catalogue_sector_by_name(catalogue, sector.name) != NULL) {
        yaml_fault(row, "name: sector %s is defined twice", sector.name);
        return;
    }
    catalogue_put_sector(catalogue, &sector);
}

static const struct sector *
find_sector(const struct catalogue *catalogue, const struct yaml_node *node,
            const char *key)
{
    const struct sector *sector = catalogue_sector_by_name(catalogue, word_at(node));

    if (sector == NULL) {
        yaml_fault(node, "%s: there is no sector '%s'", key, word_at(node));
    }
    return sector;
}

static bool
has_number(const uint16_t *numbers, size_t len, uint16_t number)
{
    for (size_t i = 0; i < len; i++) {
        if (numbers[i] == number) {
            return true;
        }
    }
    return false;
}

// A list of sectors, or the word "all".
static uint16_t
read_sectors(const struct catalogue *catalogue, const struct yaml_node *row,
             const char *key, uint16_t *sectors, size_t sectors_max)
{
    uint16_t len = 0;

    if (strcmp(word_at(yaml_get(row, key)), "all") == 0 &&
        catalogue->sectors_len <= sectors_max) {
        for (; len < catalogue->sectors_len; len++) {
            sectors[len] = catalogue->sectors[len].number;
        }
        return len;
    }

    const struct yaml_node *list = read_list(row, key, sectors_max);

    for (size_t i = 0; list != NULL && i < yaml_len(list); i++) {
        const struct yaml_node *node = yaml_at(list, i);
        const struct sector *sector = find_sector(catalogue, node, key);

        if (sector != NULL && has_number(sectors, len, sector->number)) {
            yaml_fault(node, "%s: %s is named twice", key, sector->name);
        } else if (sector != NULL) {
            sectors[len++] = sector->number;
        }
    }
    if (list != NULL && yaml_len(list) == 0) {
        yaml_fault(list, "%s: names none", key);
    }
    return len;
}

// ---- qualities ----

// "2 months", "1 year", "5 years".
static bool
parse_stretch(const char *text, enum longest *ret_longest, uint16_t *ret_count)
{
    char *unit;
    long count = strtol(text, &unit, 10);
    bool months = strcmp(unit, " months") == 0 || strcmp(unit, " month") == 0;
    bool years = strcmp(unit, " years") == 0 || strcmp(unit, " year") == 0;

    if ((!months && !years) || count < 1 || count > (months ? MONTHS_MAX : YEARS_MAX)) {
        return false;
    }
    *ret_longest = months ? LONGEST_MONTHS : LONGEST_YEARS;
    *ret_count = (uint16_t)count;
    return true;
}

static void
read_longest(const struct yaml_node *row, struct quality *quality)
{
    const char *text = yaml_require_text(row, "longest");

    if (strcmp(text, "indefinite") == 0) {
        quality->longest = LONGEST_INDEFINITE;
    } else if (strcmp(text, "calendar year") == 0) {
        quality->longest = LONGEST_CALENDAR_YEAR;
    } else if (!parse_stretch(text, &quality->longest, &quality->longest_count) &&
               yaml_get(row, "longest") != NULL) {
        yaml_fault(yaml_get(row, "longest"),
                   "longest: '%s' is not '2 months', '5 years', 'calendar year' or "
                   "'indefinite'",
                   text);
    }
}

// Only years, and not longer than the longest.
static void
read_end_missing(const struct yaml_node *row, struct quality *quality)
{
    const struct yaml_node *node = yaml_get(row, "without_end");
    enum longest unit = LONGEST_MONTHS;
    uint16_t years = 0;

    if (node == NULL) {
        return;
    }
    if (!parse_stretch(word_at(node), &unit, &years) || unit != LONGEST_YEARS) {
        yaml_fault(node, "without_end: '%s' is not like '5 years'", word_at(node));
        return;
    }

    bool fits = quality->longest == LONGEST_INDEFINITE ||
                (quality->longest == LONGEST_YEARS && years <= quality->longest_count);

    if (!fits) {
        yaml_fault(node, "without_end: %s is longer than the longest", word_at(node));
    }
    quality->end_missing_years = years;
}

static uint16_t
read_quality_code(const struct yaml_node *row)
{
    const char *text = yaml_require_text(row, "code");
    struct why why;
    uint16_t code = 0;

    if (text[0] == '\0') {
        return 0;
    }
    if (quality_parse(text, strlen(text), &code, &why) != VG_OK || code == 0) {
        yaml_fault(yaml_get(row, "code"), "code: '%s' is not a code of 001 to 999", text);
        return 0;
    }
    return code;
}

static uint8_t
find_class(const struct yaml_node *node, const char *key)
{
    int found = find_word(class_words, ARRAY_LEN(class_words), word_at(node));

    if (found < 0) {
        yaml_fault(node,
                   "%s: '%s' is not one of applicant, debtor, debt, heating, none, other",
                   key, word_at(node));
        return 0;
    }
    return (uint8_t)(1 << found);
}

static void
read_quality(struct catalogue *catalogue, const struct yaml_node *row)
{
    struct quality quality = {0};
    const struct yaml_node *sector_node = yaml_get(row, "sector");
    const struct yaml_node *class_node = yaml_get(row, "class");
    const struct sector *sector = NULL;

    if (sector_node == NULL) {
        yaml_fault(row, "sector: is missing");
    } else {
        sector = find_sector(catalogue, sector_node, "sector");
    }
    if (class_node == NULL) {
        yaml_fault(row, "class: is missing");
    } else {
        quality.class = find_class(class_node, "class");
    }

    quality.code = read_quality_code(row);
    read_text(row, "meaning", quality.meaning, sizeof quality.meaning);
    read_longest(row, &quality);
    read_end_missing(row, &quality);
    quality.exclusive = yaml_get_bool(row, "exclusive", false);
    read_text(row, "deliberation", quality.deliberation, sizeof quality.deliberation);
    if (sector == NULL || quality.code == 0) {
        return;
    }

    quality.sector = sector->number;
    if (catalogue_quality(catalogue, quality.sector, quality.code) != NULL) {
        yaml_fault(row, "code: %s has %03u twice", sector->name, (unsigned)quality.code);
        return;
    }
    catalogue_put_quality(catalogue, &quality);
}

// ---- fields ----

// A list of classes, or one of the words "all" and "nobody".
static uint8_t
read_classes(const struct yaml_node *row)
{
    const char *word = word_at(yaml_get(row, "classes"));
    uint8_t classes = 0;

    if (strcmp(word, "all") == 0) {
        return CLASS_ALL;
    }
    if (strcmp(word, "nobody") == 0) {
        return 0;
    }

    const struct yaml_node *list = read_list(row, "classes", ARRAY_LEN(class_words));

    for (size_t i = 0; list != NULL && i < yaml_len(list); i++) {
        classes |= find_class(yaml_at(list, i), "classes");
    }
    if (list != NULL && yaml_len(list) == 0) {
        yaml_fault(list, "classes: names none; write nobody if that is meant");
    }
    return classes;
}

static void
read_field(struct catalogue *catalogue, const struct yaml_node *row)
{
    struct field_rule field = {0};

    read_name(row, "code", field.code, sizeof field.code);
    read_text(row, "meaning", field.meaning, sizeof field.meaning);
    field.classes = read_classes(row);
    read_text(row, "deliberation", field.deliberation, sizeof field.deliberation);
    if (field.code[0] == '\0') {
        return;
    }
    if (catalogue_field(catalogue, bytes_of(field.code)) >= 0) {
        yaml_fault(row, "code: field %s is defined twice", field.code);
        return;
    }
    catalogue_put_field(catalogue, &field);
}

// ---- conditions ----

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
    const char *text = word_at(node);
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

    if (node == NULL || strcmp(word_at(node), "all") == 0) {
        return;
    }
    if (condition->when == WHEN_NONE) {
        yaml_fault(node, "qualities: no integration is asked (when: none)");
    }

    const struct yaml_node *list = read_list(row, "qualities", GROUP_QUALITIES_MAX);

    for (size_t i = 0; list != NULL && i < yaml_len(list); i++) {
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
    if (yaml_get(node, "when") == NULL) {
        yaml_fault(node, "when: is missing");
    }
    yaml_unknown_keys(node, "publisher");
}

// ---- groups of recipients ----

static void
read_fixed(const struct yaml_node *row, struct group *group)
{
    const struct yaml_node *list = read_list(row, "institutions", GROUP_FIXED_MAX);

    for (size_t i = 0; list != NULL && i < yaml_len(list); i++) {
        const char *code = word_at(yaml_at(list, i));
        struct why why;

        if (institution_code_check(code, &why) != VG_OK) {
            yaml_fault(yaml_at(list, i), "institutions: '%s': %s", code, why.text);
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
    const struct yaml_node *node = yaml_get(row, "to");

    if (node == NULL) {
        yaml_fault(row, "to: is missing");
        return BY_DIRECTORY;
    }
    for (int audience = BY_DIRECTORY; audience <= EVERY_SUBSCRIBER; audience++) {
        if (strcmp(audience_name((enum audience)audience), word_at(node)) == 0) {
            return (enum audience)audience;
        }
    }
    yaml_fault(node,
               "to: '%s' is not one of directory, addressed, named, every subscriber",
               word_at(node));
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
        group->sectors_len = read_sectors(catalogue, row, "sectors", group->sectors,
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
    read_text(row, "deliberation", group->deliberation, sizeof group->deliberation);
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
    const struct yaml_node *list = read_list(row, "fields", CATALOGUE_FIELDS_MAX);

    for (size_t i = 0; list != NULL && i < yaml_len(list); i++) {
        const struct yaml_node *node = yaml_at(list, i);
        int index = catalogue_field(catalogue, bytes_of(word_at(node)));

        if (index < 0) {
            yaml_fault(node, "fields: there is no field '%s'", word_at(node));
            continue;
        }

        uint64_t bit = UINT64_C(1) << (index % 64);

        if ((flow->fields[index / 64] & bit) != 0) {
            yaml_fault(node, "fields: %s is named twice", word_at(node));
        }
        flow->fields[index / 64] |= bit;
    }
}

static void
read_groups(const struct catalogue *catalogue, const struct yaml_node *row,
            struct flow *flow)
{
    const struct yaml_node *list = read_list(row, "recipients", GROUPS_MAX);

    for (size_t i = 0; list != NULL && i < yaml_len(list); i++) {
        read_group(catalogue, yaml_at(list, i), flow);
    }
    if (list != NULL && yaml_len(list) == 0) {
        yaml_fault(list, "recipients: names none");
    }
}

static void
read_flow_head(const struct yaml_node *row, struct flow *flow)
{
    if (yaml_get(row, "id") == NULL) {
        yaml_fault(row, "id: is missing");
    }
    flow->id = (uint16_t)yaml_get_number(row, "id", 1, UINT16_MAX, 0);
    read_name(row, "name", flow->name, sizeof flow->name);
    read_text(row, "meaning", flow->meaning, sizeof flow->meaning);
    flow->key = (enum flow_key)read_word(row, "key", key_words, ARRAY_LEN(key_words));
    flow->period =
        (enum flow_period)read_word(row, "period", period_words, ARRAY_LEN(period_words));
    flow->replaces_person = yaml_get_bool(row, "replaces_person", false);
    if (flow->replaces_person && flow->key != KEY_PERSON) {
        yaml_fault(row, "replaces_person: the flow names no person");
    }
}

static void
read_flow(struct catalogue *catalogue, const struct yaml_node *row)
{
    struct flow flow = {0};

    read_flow_head(row, &flow);
    flow.sources_len =
        read_sectors(catalogue, row, "sources", flow.sources, ARRAY_LEN(flow.sources));
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

// ---- the file ----

typedef void (*read_row_fn)(struct catalogue *catalogue, const struct yaml_node *row);

static void
read_table(struct catalogue *catalogue, const struct yaml_node *root, const char *key,
           size_t rows_max, read_row_fn read_row)
{
    const struct yaml_node *list = read_list(root, key, rows_max);

    for (size_t i = 0; list != NULL && i < yaml_len(list); i++) {
        const struct yaml_node *row = yaml_at(list, i);

        if (!yaml_is_map(row)) {
            yaml_fault(row, "%s: a row is a map", key);
            continue;
        }
        read_row(catalogue, row);
        yaml_unknown_keys(row, key);
    }
}

static struct catalogue *
catalogue_new(void)
{
    struct catalogue *catalogue = xcalloc(1, sizeof *catalogue);

    catalogue->sectors = xcalloc(SECTORS_MAX, sizeof *catalogue->sectors);
    catalogue->qualities = xcalloc(QUALITIES_MAX, sizeof *catalogue->qualities);
    catalogue->fields = xcalloc(CATALOGUE_FIELDS_MAX, sizeof *catalogue->fields);
    catalogue->flows = xcalloc(FLOWS_MAX, sizeof *catalogue->flows);
    return catalogue;
}

struct catalogue *
catalogue_parse(const char *text, size_t text_len, struct faults *faults)
{
    size_t faults_before = faults->total;

    if (text_len > CATALOGUE_BYTES_MAX) {
        faults_add(faults, VG_BAD_CATALOGUE, 0, "the file is over %d bytes",
                   CATALOGUE_BYTES_MAX);
        return NULL;
    }

    AUTO(yaml_tree_free)
    struct yaml_tree *tree = yaml_tree_parse(text, text_len, VG_BAD_CATALOGUE, faults);

    if (tree == NULL) {
        return NULL;
    }

    const struct yaml_node *root = yaml_tree_root(tree);

    if (root == NULL || !yaml_is_map(root)) {
        faults_add(faults, VG_BAD_CATALOGUE, 1,
                   "the file is not a map of sectors, qualities, fields and flows");
        return NULL;
    }

    struct catalogue *catalogue = catalogue_new();

    read_table(catalogue, root, "sectors", SECTORS_MAX, read_sector);
    read_table(catalogue, root, "qualities", QUALITIES_MAX, read_quality);
    read_table(catalogue, root, "fields", CATALOGUE_FIELDS_MAX, read_field);
    read_table(catalogue, root, "flows", FLOWS_MAX, read_flow);
    yaml_unknown_keys(root, "catalogue");
    if (faults->total > faults_before) {
        catalogue_free(&catalogue);
    }
    return catalogue;
}
