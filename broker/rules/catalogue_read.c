// SPDX-License-Identifier: EUPL-1.2
// The catalogue file's words and rules. A row with a mistake is still kept as far as it
// was understood, so that one mistake does not turn up again at every row that names it.
#include "rules/catalogue.h"

#include <stdlib.h>
#include <string.h>

#include "rules/catalogue_inside.h"
#include "rules/catalogue_row.h"

enum { MONTHS_MAX = 1200, YEARS_MAX = 100 };

static const char *const class_words[] = {"applicant", "debtor", "debt",
                                          "heating",   "none",   "other"};

_Static_assert((1 << ARRAY_LEN(class_words)) - 1 == CLASS_ALL, "one word for each class");

// ---- sectors ----

static void
read_sector(struct catalogue *catalogue, const struct yaml_node *row)
{
    struct sector sector = {0};

    sector.number = row_number(row, "number");
    row_name(row, "name", sector.name, sizeof sector.name);
    row_text(row, "meaning", sector.meaning, sizeof sector.meaning);
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

    if (text[0] == '\0') {
        return;
    }
    if (strcmp(text, "indefinite") == 0) {
        quality->longest = LONGEST_INDEFINITE;
    } else if (strcmp(text, "calendar year") == 0) {
        quality->longest = LONGEST_CALENDAR_YEAR;
    } else if (!parse_stretch(text, &quality->longest, &quality->longest_count)) {
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
    if (!parse_stretch(row_word(node), &unit, &years) || unit != LONGEST_YEARS) {
        yaml_fault(node, "without_end: '%s' is not like '5 years'", row_word(node));
        return;
    }

    bool fits = quality->longest == LONGEST_INDEFINITE ||
                (quality->longest == LONGEST_YEARS && years <= quality->longest_count);

    if (!fits) {
        yaml_fault(node, "without_end: %s is longer than the longest", row_word(node));
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
    int found = find_word(class_words, ARRAY_LEN(class_words), row_word(node));

    if (found < 0) {
        fault_choice(node, key, class_words, ARRAY_LEN(class_words));
        return 0;
    }
    return (uint8_t)(1 << found);
}

static void
read_quality(struct catalogue *catalogue, const struct yaml_node *row)
{
    struct quality quality = {0};
    const struct yaml_node *sector_node = row_require(row, "sector");
    const struct yaml_node *class_node = row_require(row, "class");
    const struct sector *sector =
        sector_node == NULL ? NULL : row_sector(catalogue, sector_node, "sector");

    quality.class = class_node == NULL ? 0 : find_class(class_node, "class");
    quality.code = read_quality_code(row);
    row_text(row, "meaning", quality.meaning, sizeof quality.meaning);
    read_longest(row, &quality);
    read_end_missing(row, &quality);
    quality.exclusive = yaml_get_bool(row, "exclusive", false);
    quality.warns = yaml_get(row, "warn_days") != NULL;
    quality.warn_days = (uint16_t)yaml_get_number(row, "warn_days", 0, WARN_DAYS_MAX, 0);
    row_text(row, "deliberation", quality.deliberation, sizeof quality.deliberation);
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
    const char *word = row_word(yaml_get(row, "classes"));
    uint8_t classes = 0;

    if (strcmp(word, "all") == 0) {
        return CLASS_ALL;
    }
    if (strcmp(word, "nobody") == 0) {
        return 0;
    }

    const struct yaml_node *list = row_list(row, "classes", ARRAY_LEN(class_words));

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

    row_name(row, "code", field.code, sizeof field.code);
    row_text(row, "meaning", field.meaning, sizeof field.meaning);
    field.classes = read_classes(row);
    field.urgency = (uint8_t)yaml_get_number(row, "urgency", 0, URGENCY_MAX, 0);
    row_text(row, "deliberation", field.deliberation, sizeof field.deliberation);
    if (field.code[0] == '\0') {
        return;
    }
    if (catalogue_field(catalogue, bytes_of(field.code)) >= 0) {
        yaml_fault(row, "code: field %s is defined twice", field.code);
        return;
    }
    catalogue_put_field(catalogue, &field);
}

// ---- the file ----

typedef void (*read_row_fn)(struct catalogue *catalogue, const struct yaml_node *row);

static void
read_table(struct catalogue *catalogue, const struct yaml_node *root, const char *key,
           size_t rows_max, read_row_fn read_row)
{
    const struct yaml_node *list = row_list(root, key, rows_max);

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
