// SPDX-License-Identifier: EUPL-1.2
// Goal: the catalogue file means what the law says, and every mistake in one is named.
// Method: the shipped file is asked about each table of the law; a small good catalogue
// is spoiled in one place at a time, and the fault's line and words are looked at.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Before cmocka.h, which makes a macro of the word fail.
#include "base/buffer.h"
#include "rules/catalogue.h"

#include <cmocka.h>

// One row a line, so that a test can count on its line.
static const char *const good[] = {
    "sectors:",                                               // 1
    "  - {number: 17, name: CPAS, meaning: welfare centres}", // 2
    "  - {number: 4, name: ONSS, meaning: social security}",  // 3
    "qualities:",                                             // 4
    "  - {sector: CPAS, code: 001, meaning: enquiry, longest: 2 months, "
    "class: applicant, "
    "deliberation: x}", // 5
    "  - {sector: CPAS, code: 002, meaning: wage, longest: 1 year, "
    "class: applicant, "
    "exclusive: true, deliberation: x}", // 6
    "  - {sector: CPAS, code: 021, meaning: staff, longest: indefinite, "
    "without_end: 5 years, "
    "class: applicant, deliberation: x}", // 7
    "  - {sector: ONSS, code: 001, meaning: file, longest: calendar "
    "year, class: other, "
    "deliberation: x}", // 8
    "fields:",          // 9
    "  - {code: 020, classes: [applicant, debtor], meaning: address, "
    "deliberation: x}", // 10
    "  - {code: H212, classes: nobody, meaning: domicile, deliberation: "
    "x}",                                                 // 11
    "flows:",                                             // 12
    "  - id: 7",                                          // 13
    "    name: Moved",                                    // 14
    "    meaning: somebody moved",                        // 15
    "    sources: [ONSS]",                                // 16
    "    period: optional",                               // 17
    "    fields: [020, H212]",                            // 18
    "    publisher: {when: 1 January, qualities: [001]}", // 19
    "    recipients:",                                    // 20
    "      - {to: directory, sectors: [CPAS], when: covers 5 years, "
    "without_period: today, "
    "qualities: [001-002, 021], deliberation: y}",                   // 21
    "      - {to: named, institutions: [FIN, OE], deliberation: z}", // 22
    "      - {to: addressed, sectors: all, not_publisher: true, "
    "deliberation: z}", // 23
    "  - {id: 8, name: A701, meaning: employer, sources: [ONSS], key: "
    "enterprise, fields: [], "
    "recipients: [{to: every subscriber, sectors: [CPAS], deliberation: "
    "z}]}", // 24
};

static struct faults faults;

// The good catalogue with one line replaced; line 0: as it is.
static struct catalogue *
parse_with(unsigned line, const char *replacement)
{
    struct buffer text = {0};

    for (unsigned i = 0; i < ARRAY_LEN(good); i++) {
        buffer_print(&text, "%s\n", i + 1 == line ? replacement : good[i]);
    }
    faults.len = 0;
    faults.total = 0;

    struct catalogue *catalogue =
        catalogue_parse((const char *)text.at, text.len, &faults);

    buffer_free(&text);
    return catalogue;
}

static void
print_faults(void)
{
    for (size_t i = 0; i < faults.len; i++) {
        print_message("line %u: %s\n", faults.fault[i].line, faults.fault[i].why.text);
    }
}

static struct catalogue *
parse_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    static char text[CATALOGUE_BYTES_MAX];

    assert_non_null(file);

    size_t len = fread(text, 1, sizeof text, file);

    fclose(file);
    faults.len = 0;
    faults.total = 0;

    struct catalogue *catalogue = catalogue_parse(text, len, &faults);

    print_faults();
    assert_int_equal(faults.total, 0);
    assert_non_null(catalogue);
    return catalogue;
}

static struct catalogue *
shipped(void)
{
    return parse_file(SOURCE_DIR "/deploy/catalogue.yaml");
}

// Spoils one line and looks for exactly this fault, and for no other.
static void
spoil(unsigned line, const char *replacement, unsigned fault_line, const char *words)
{
    struct catalogue *catalogue = parse_with(line, replacement);
    bool as_expected = catalogue == NULL && faults.total == 1 &&
                       faults.fault[0].status == VG_BAD_CATALOGUE &&
                       faults.fault[0].line == fault_line &&
                       strstr(faults.fault[0].why.text, words) != NULL;

    if (!as_expected) {
        print_message("spoiled with: %s\nexpected line %u: %s\n", replacement, fault_line,
                      words);
        print_faults();
    }
    assert_true(as_expected);
}

static void
reads_every_part_of_a_row(void **state)
{
    (void)state;

    AUTO(catalogue_free) struct catalogue *catalogue = parse_with(0, "");

    print_faults();
    assert_non_null(catalogue);

    const struct flow *flow = catalogue_flow(catalogue, bytes_of("Moved"));

    assert_non_null(flow);
    assert_ptr_equal(flow, catalogue_flow_by_id(catalogue, 7));
    assert_string_equal(flow->meaning, "somebody moved");
    assert_int_equal(flow->key, KEY_PERSON);
    assert_int_equal(flow->period, PERIOD_OPTIONAL);
    assert_int_equal(flow->sources_len, 1);
    assert_int_equal(flow->sources[0], 4);
    assert_int_equal(flow->fields[0], 3);
    assert_true(flow->needs_recipient);
    assert_true(flow->needs_reference_year);
    assert_false(flow->replaces_person);
    assert_int_equal(flow->publisher.when, WHEN_FIRST_JANUARY);
    assert_int_equal(flow->publisher.qualities_len, 1);
    assert_int_equal(flow->groups_len, 3);

    const struct group *group = &flow->groups[0];

    assert_int_equal(group->audience, BY_DIRECTORY);
    assert_int_equal(group->sectors_len, 1);
    assert_int_equal(group->sectors[0], 17);
    assert_int_equal(group->recipient.when, WHEN_COVERS_5Y);
    assert_int_equal(group->recipient.when_no_period, WHEN_TODAY);
    assert_int_equal(group->recipient.qualities_len, 3);
    assert_int_equal(group->recipient.qualities[1], 2);
    assert_int_equal(group->recipient.qualities[2], 21);
    assert_int_equal(group->publisher.when, WHEN_NONE);
    assert_string_equal(group->deliberation, "y");

    assert_int_equal(flow->groups[1].audience, BY_NAME);
    assert_int_equal(flow->groups[1].fixed_len, 2);
    assert_string_equal(flow->groups[1].fixed[1], "OE");
    assert_int_equal(flow->groups[2].audience, BY_ADDRESS);
    assert_int_equal(flow->groups[2].sectors_len, 2);
    assert_true(flow->groups[2].not_publisher);

    flow = catalogue_flow(catalogue, bytes_of("A701"));
    assert_int_equal(flow->key, KEY_ENTERPRISE);
    assert_int_equal(flow->groups[0].audience, EVERY_SUBSCRIBER);
    assert_false(flow->needs_recipient);
}

static void
reads_how_long_a_quality_may_last(void **state)
{
    (void)state;

    AUTO(catalogue_free) struct catalogue *catalogue = parse_with(0, "");
    const struct quality *enquiry = catalogue_quality(catalogue, 17, 1);
    const struct quality *staff = catalogue_quality(catalogue, 17, 21);

    assert_int_equal(enquiry->longest, LONGEST_MONTHS);
    assert_int_equal(enquiry->longest_count, 2);
    assert_int_equal(enquiry->end_missing_years, 0);
    assert_false(enquiry->exclusive);
    assert_int_equal(staff->longest, LONGEST_INDEFINITE);
    assert_int_equal(staff->end_missing_years, 5);
    assert_true(catalogue_quality(catalogue, 17, 2)->exclusive);
    assert_int_equal(catalogue_quality(catalogue, 4, 1)->longest, LONGEST_CALENDAR_YEAR);
    assert_int_equal(catalogue_quality(catalogue, 4, 1)->class, CLASS_OTHER);
    assert_null(catalogue_quality(catalogue, 4, 2));
    assert_null(catalogue_quality(catalogue, 5, 1));
}

static void
answers_nothing_for_what_is_not_there(void **state)
{
    (void)state;

    AUTO(catalogue_free) struct catalogue *catalogue = parse_with(0, "");

    assert_null(catalogue_flow(catalogue, bytes_of("")));
    assert_null(catalogue_flow(catalogue, bytes_of("Move")));
    assert_null(catalogue_flow(catalogue, bytes_of("Moved2")));
    assert_null(catalogue_flow_by_id(catalogue, 0));
    assert_null(catalogue_flow_by_id(catalogue, 9));
    assert_int_equal(catalogue_field(catalogue, bytes_of("H212")), 1);
    assert_int_equal(catalogue_field(catalogue, bytes_of("h212")), -1);
    assert_int_equal(catalogue_field(catalogue, bytes_of("")), -1);
    assert_null(catalogue_field_rule(catalogue, -1));
    assert_null(catalogue_field_rule(catalogue, 2));
    assert_null(catalogue_flow_at(catalogue, 2));
    assert_null(catalogue_quality_at(catalogue, 4));
    assert_null(catalogue_sector_at(catalogue, 2));
    assert_null(catalogue_sector(catalogue, 5));
    assert_null(catalogue_sector_by_name(catalogue, "RN"));
    assert_string_equal(catalogue_sector_by_name(catalogue, "CPAS")->name, "CPAS");
}

static void
ends_a_life_twice_without_harm(void **state)
{
    (void)state;

    struct catalogue *catalogue = parse_with(0, "");

    catalogue_free(&catalogue);
    assert_null(catalogue);
    catalogue_free(&catalogue);
}

static void
the_shipped_file_is_without_fault(void **state)
{
    (void)state;

    AUTO(catalogue_free) struct catalogue *catalogue = shipped();

    assert_non_null(catalogue_flow(catalogue, bytes_of("notifyPerson")));
}

static void
refuses_a_number_used_twice(void **state)
{
    (void)state;
    spoil(
        3,
        "  - {number: 17, name: X, meaning: x}\n  - {number: 4, name: ONSS, meaning: x}",
        3, "17 is used twice");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_part_of_a_row),
        cmocka_unit_test(reads_how_long_a_quality_may_last),
        cmocka_unit_test(answers_nothing_for_what_is_not_there),
        cmocka_unit_test(ends_a_life_twice_without_harm),
        cmocka_unit_test(the_shipped_file_is_without_fault),
        cmocka_unit_test(refuses_a_number_used_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
