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

// A good row, or a part of one, to put a bad one beside.
#define CPAS "  - {number: 17, name: CPAS, meaning: welfare centres}"
#define H212 "  - {code: H212, classes: nobody, meaning: domicile, deliberation: x}"
#define QUALITY(sector, code, longest, class)                                            \
    "  - {sector: " sector ", code: " code ", meaning: x, longest: " longest             \
    ", class: " class ", deliberation: x}\n"
#define FILE_001 QUALITY("ONSS", "001", "calendar year", "other")
#define A701(more, recipients)                                                           \
    "  - {id: 8, name: A701, meaning: x, sources: [ONSS], fields: [], " more             \
    ", recipients: [{" recipients ", sectors: [CPAS], deliberation: z}]}"
#define SEVENTY "0123456789012345678901234567890123456789012345678901234567890123456789"

static struct faults faults;

// The good catalogue with one line replaced; line 0: as it is.
static struct catalogue *
parse_more(unsigned line, const char *replacement)
{
    struct buffer text = {0};

    for (unsigned i = 0; i < ARRAY_LEN(good); i++) {
        buffer_print(&text, "%s\n", i + 1 == line ? replacement : good[i]);
    }

    struct catalogue *catalogue =
        catalogue_parse((const char *)text.at, text.len, &faults);

    buffer_free(&text);
    return catalogue;
}

static struct catalogue *
parse_with(unsigned line, const char *replacement)
{
    faults = (struct faults){0};
    return parse_more(line, replacement);
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
    faults = (struct faults){0};

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

static uint32_t
rhythm_with(const char *line)
{
    AUTO(catalogue_free) struct catalogue *catalogue = parse_with(17, line);

    print_faults();
    assert_non_null(catalogue);
    return catalogue_flow(catalogue, bytes_of("Moved"))->rhythm_hours;
}

static void
a_flows_rhythm_is_hours_or_days(void **state)
{
    (void)state;
    assert_int_equal(rhythm_with("    period: optional"), 0);
    assert_int_equal(rhythm_with("    period: optional\n    rhythm: 1 hour"), 1);
    assert_int_equal(rhythm_with("    period: optional\n    rhythm: 4 days"), 96);
    spoil(17, "    period: optional\n    rhythm: 4 weeks", 18, "'4 weeks' is not like");
    spoil(17, "    period: optional\n    rhythm: 0 days", 18, "'0 days' is not like");
    spoil(17, "    period: optional\n    rhythm: 1000 hours", 18, "'1000 hours' is not");
    spoil(17, "    period: optional\n    rhythm: daily", 18, "'daily' is not like");
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
says_which_flow_answers_which(void **state)
{
    (void)state;

    AUTO(catalogue_free) struct catalogue *catalogue = shipped();
    const struct flow *alert = catalogue_flow(catalogue, bytes_of("PCSAAlert"));
    const struct flow *reaction =
        catalogue_flow(catalogue, bytes_of("PCSAAlertReaction"));
    const struct flow *send =
        catalogue_flow(catalogue, bytes_of("ElectronicSocialReportSend"));

    assert_true(alert->needs_answer);
    assert_int_equal(alert->answers, 0);
    assert_int_equal(reaction->answers, alert->id);
    assert_false(reaction->needs_answer);
    assert_string_equal(catalogue_flow_by_id(catalogue, send->answers)->name,
                        "ElectronicSocialReportAsk");
    spoil(24, A701("key: enterprise, answers: Nobody", "to: every subscriber"), 24,
          "answers: Nobody is no flow above this one");
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

// ---- mistakes ----

static void
refuses_what_is_no_catalogue(void **state)
{
    (void)state;

    const char *const texts[] = {"", "- a\n- b\n", "sectors: [", "just words", "\x01"};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        faults = (struct faults){0};
        assert_null(catalogue_parse(texts[i], strlen(texts[i]), &faults));
        assert_int_equal(faults.total, 1);
        assert_int_equal(faults.fault[0].status, VG_BAD_CATALOGUE);
        assert_true(faults.fault[0].why.text[0] != '\0');
    }
}

static void
refuses_a_file_that_is_too_large(void **state)
{
    (void)state;

    size_t len = CATALOGUE_BYTES_MAX + 1;
    char *text = malloc(len);

    assert_non_null(text);
    memset(text, '#', len);
    faults = (struct faults){0};
    assert_null(catalogue_parse(text, len, &faults));
    assert_int_equal(faults.fault[0].status, VG_BAD_CATALOGUE);
    free(text);
}

static void
names_every_table_that_is_missing(void **state)
{
    (void)state;

    faults = (struct faults){0};
    assert_null(catalogue_parse("sector: []\n", 11, &faults));
    assert_int_equal(faults.total, 5);
    assert_non_null(strstr(faults.fault[0].why.text, "'sectors' is missing"));
    assert_non_null(strstr(faults.fault[3].why.text, "'flows' is missing"));
    assert_non_null(strstr(faults.fault[4].why.text, "'sector' is not known"));
}

static void
names_mistakes_in_sectors(void **state)
{
    (void)state;
    spoil(2, CPAS "\n  - {number: 17, name: X, meaning: x}", 3, "17 is used twice");
    spoil(2, CPAS "\n  - {number: 18, name: CPAS, meaning: x}", 3,
          "CPAS is defined twice");
    spoil(2, CPAS "\n  - {number: 0, name: X, meaning: x}", 3, "from 1 to 65535");
    spoil(2, CPAS "\n  - {number: 70000, name: X, meaning: x}", 3, "from 1 to 65535");
    spoil(2, CPAS "\n  - {name: X, meaning: x}", 3, "'number' is missing");
    spoil(2, CPAS "\n  - {number: 18, meaning: x}", 3, "'name' is missing");
    spoil(2, CPAS "\n  - {number: 18, name: X}", 3, "'meaning' is missing");
    spoil(2, CPAS "\n  - {number: 18, name: a b, meaning: x}", 3, "'a b' has other than");
    spoil(2, CPAS "\n  - {number: 18, name: X, meaning: x, colour: red}", 3,
          "'colour' is not known");
    spoil(2, CPAS "\n  - {number: 18, name: X, meaning: x, name: X}", 3, "written twice");
    spoil(2, CPAS "\n  - {number: 18, name: X, meaning: " SEVENTY "}", 3,
          "longer than 63 bytes");
    spoil(2, CPAS "\n  - X", 3, "a row is a map");
}

static void
names_mistakes_in_qualities(void **state)
{
    (void)state;
    spoil(8, FILE_001 QUALITY("ONSS", "001", "1 year", "other"), 9, "ONSS has 001 twice");
    spoil(8, FILE_001 QUALITY("ONS", "002", "1 year", "other"), 9, "no sector 'ONS'");
    spoil(8, FILE_001 QUALITY("ONSS", "0", "1 year", "other"), 9,
          "not a code of 001 to 999");
    spoil(8, FILE_001 QUALITY("ONSS", "1000", "1 year", "other"), 9,
          "not a code of 001 to 999");
    spoil(8, FILE_001 QUALITY("ONSS", "x", "1 year", "other"), 9,
          "not a code of 001 to 999");
    spoil(8, FILE_001 QUALITY("ONSS", "002", "1 day", "other"), 9,
          "'1 day' is not '2 months'");
    spoil(8, FILE_001 QUALITY("ONSS", "002", "0 months", "other"), 9,
          "'0 months' is not");
    spoil(8, FILE_001 QUALITY("ONSS", "002", "101 years", "other"), 9,
          "'101 years' is not");
    spoil(8, FILE_001 QUALITY("ONSS", "002", "1 year", "debtors"), 9,
          "'debtors' is not one of applicant, debtor, debt, heating, none, other");
    spoil(8, FILE_001 QUALITY("ONSS", "002", "1 year", "other, without_end: 2 years"), 9,
          "longer than the longest");
    spoil(8,
          FILE_001 QUALITY("ONSS", "002", "indefinite", "other, without_end: 2 months"),
          9, "not like '5 years'");
    spoil(8, FILE_001 QUALITY("ONSS", "002", "1 year", "other, exclusive: yes"), 9,
          "'yes' is not true or false");
    spoil(8,
          FILE_001
          "  - {sector: ONSS, code: 002, meaning: x, longest: 1 year, class: other}",
          9, "'deliberation' is missing");
    spoil(8,
          FILE_001
          "  - {sector: ONSS, code: 002, meaning: x, class: other, deliberation: x}",
          9, "'longest' is missing");
    spoil(8,
          FILE_001
          "  - {sector: ONSS, code: 002, meaning: x, longest: 1 year, deliberation: x}",
          9, "'class' is missing");
    spoil(8,
          FILE_001
          "  - {code: 002, meaning: x, longest: 1 year, class: other, deliberation: x}",
          9, "'sector' is missing");
}

static void
names_mistakes_in_fields(void **state)
{
    (void)state;
    spoil(11, H212 "\n" H212, 12, "H212 is defined twice");
    spoil(11, H212 "\n  - {code: X, classes: [aplicant], meaning: x, deliberation: x}",
          12, "'aplicant' is not one of");
    spoil(11, H212 "\n  - {code: X, classes: [], meaning: x, deliberation: x}", 12,
          "write nobody");
    spoil(11, H212 "\n  - {code: X, classes: debtor, meaning: x, deliberation: x}", 12,
          "not a list");
    spoil(11, H212 "\n  - {code: X, meaning: x, deliberation: x}", 12,
          "'classes' is missing");
    spoil(11, H212 "\n  - {code: X, classes: all, meaning: x}", 12,
          "'deliberation' is missing");
    spoil(11, H212 "\n  - {code: '', classes: all, meaning: x, deliberation: x}", 12,
          "code");
    spoil(11,
          H212
          "\n  - {code: abcdefghijabcdefghijabcdefghijabc, classes: all, meaning: x, "
          "deliberation: x}",
          12, "longer than 32 bytes");
}

static void
names_mistakes_in_flows(void **state)
{
    (void)state;
    spoil(13, "  - id: 8", 24, "8 is used twice");
    spoil(14, "    name: A701", 24, "A701 is defined twice");
    spoil(13, "  - id: 0", 13, "from 1 to 65535");
    spoil(13, "  - key: person", 13, "'id' is missing");
    spoil(15, "    meaning: [a]", 15, "meaning");
    spoil(16, "    sources: []", 16, "names none");
    spoil(16, "    key: person", 13, "'sources' is missing");
    spoil(16, "    sources: [RN]", 16, "no sector 'RN'");
    spoil(16, "    sources: [ONSS, ONSS]", 16, "ONSS is named twice");
    spoil(24, A701("period: maybe", "to: every subscriber"), 24,
          "'maybe' is not one of none, optional, required");
    spoil(18, "    fields: [020, 021]", 18, "no field '021'");
    spoil(18, "    fields: [020, 020]", 18, "020 is named twice");
    spoil(18, "    fields: 020", 18, "not a list");
    spoil(18, "    key: person", 13, "'fields' is missing");
    spoil(17, "    period: optional\n    until: x", 18, "'until' is not known");
    spoil(24,
          "  - {id: 8, name: A701, meaning: x, sources: [ONSS], fields: [], recipients: "
          "[]}",
          24, "names none");
    spoil(24, "  - {id: 8, name: A701, meaning: x, sources: [ONSS], fields: []}", 24,
          "'recipients' is missing");
}

static void
names_mistakes_in_conditions(void **state)
{
    (void)state;
    spoil(19, "    publisher: {when: tomorrow, qualities: [001]}", 19,
          "'tomorrow' is not one");
    spoil(19, "    publisher: {when: today, qualities: [002]}", 19, "'002' is not among");
    spoil(19, "    publisher: {}", 19, "'when' is missing");
    spoil(19, "    publisher: {when: today, qualities: []}", 19, "names none");
    spoil(19, "    publisher: {when: today, colour: red}", 19, "'colour' is not known");
    spoil(19, "    publisher: today", 19, "not a map");
    spoil(19, "    publisher: {when: none, qualities: [001]}", 19,
          "no integration is asked");
    spoil(19, "    publisher: {when: overlap}", 19, "say what holds without_period");
    spoil(19, "    publisher: {when: today, without_period: today}", 19,
          "only where when needs a period");
    spoil(19, "    publisher: {when: overlap, without_period: overlap}", 19,
          "needs a period itself");
    spoil(19, "    publisher: {when: overlap, without_period: none}", 19, "ask less");
}

static void
a_rule_on_the_period_needs_a_flow_with_one(void **state)
{
    (void)state;

    // Both the rule and what should hold without a period make no sense now.
    assert_null(parse_with(17, "    period: none"));
    assert_int_equal(faults.total, 2);
    assert_int_equal(faults.fault[0].line, 21);
    assert_non_null(strstr(faults.fault[0].why.text,
                           "'covers 5 years' needs a period, and the flow has none"));
    spoil(17, "    period: required", 21,
          "only where when needs a period that is optional");
}

static void
names_mistakes_in_recipients(void **state)
{
    (void)state;
    spoil(21, "      - {to: all, sectors: [CPAS], when: today, deliberation: y}", 21,
          "'all' is not one of directory, addressed, named, every subscriber");
    spoil(21, "      - {sectors: [CPAS], when: today, deliberation: y}", 21,
          "'to' is missing");
    spoil(21, "      - {to: directory, sectors: [CPAS], deliberation: y}", 21,
          "need an integration");
    spoil(21, "      - {to: directory, when: today, deliberation: y}", 21,
          "'sectors' is missing");
    spoil(21,
          "      - {to: directory, sectors: [RN], when: today, qualities: [001], "
          "deliberation: y}",
          21, "no sector 'RN'");
    spoil(21,
          "      - {to: directory, sectors: [CPAS], when: today, qualities: [030], "
          "deliberation: y}",
          21, "'030' is not among");
    spoil(21,
          "      - {to: directory, sectors: [CPAS], when: today, qualities: [021-001], "
          "deliberation: y}",
          21, "'021-001' is not among");
    spoil(21, "      - {to: directory, sectors: [CPAS], when: today}", 21,
          "'deliberation' is missing");
    spoil(21, "      - directory", 21, "a group is a map");
    spoil(22, "      - {to: named, institutions: [fin], deliberation: z}", 22, "'fin'");
    spoil(22, "      - {to: named, institutions: [FIN, FIN], deliberation: z}", 22,
          "FIN is named twice");
    spoil(22, "      - {to: named, institutions: [], deliberation: z}", 22, "names none");
    spoil(22,
          "      - {to: named, institutions: [FIN], sectors: [CPAS], deliberation: z}",
          22, "'sectors' is not known");
    spoil(
        23,
        "      - {to: addressed, sectors: [CPAS], institutions: [FIN], deliberation: z}",
        23, "'institutions' is not known");
}

static void
an_enterprise_has_no_integrations(void **state)
{
    (void)state;
    spoil(24, A701("key: enterprise", "to: directory, when: today"), 24,
          "about enterprises");
    spoil(24, A701("key: enterprise, replaces_person: true", "to: every subscriber"), 24,
          "names no person");
    spoil(24, A701("key: entreprise", "to: every subscriber"), 24,
          "'entreprise' is not one of person, enterprise");
}

static void
events_are_not_merged(void **state)
{
    (void)state;
    spoil(
        24,
        A701("key: enterprise, repeats_merge: true, urgency: 1", "to: every subscriber"),
        24, "tells of events");
    spoil(24,
          A701("key: enterprise, repeats_merge: true, answer_required: true",
               "to: every subscriber"),
          24, "tells of events");
}

static void
counts_are_limited(void **state)
{
    (void)state;

    struct buffer text = {0};

    buffer_print(&text, "%s", CPAS);
    for (unsigned i = 0; i < SECTORS_MAX; i++) {
        buffer_print(&text, "\n  - {number: %u, name: S%u, meaning: x}", 100 + i, i);
    }
    buffer_add(&text, "", 1);
    assert_null(parse_with(2, (const char *)text.at));
    assert_int_equal(faults.fault[0].line, 2);
    assert_non_null(strstr(faults.fault[0].why.text, "at most 64 are possible"));
    buffer_free(&text);
}

static void
names_all_mistakes_at_once(void **state)
{
    (void)state;

    assert_null(parse_with(5, "  - {sector: CPA, code: 1x, meaning: m, longest: ever, "
                              "class: a, deliberation: x, y: z}"));
    // Five in the row; 001 is now missing in one group.
    assert_int_equal(faults.total, 6);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(faults.fault[i].line, 5);
        assert_int_equal(faults.fault[i].status, VG_BAD_CATALOGUE);
    }
    assert_int_equal(faults.fault[5].line, 21);
}

static void
keeps_the_faults_of_before(void **state)
{
    (void)state;

    faults = (struct faults){0};
    faults_add(&faults, VG_BAD_FILE, 0, "of somebody else");

    AUTO(catalogue_free) struct catalogue *catalogue = parse_more(0, "");

    assert_non_null(catalogue);
    assert_int_equal(faults.total, 1);
}

// ---- the shipped file ----

struct quality_row {
    uint16_t code;
    enum longest longest;
    uint16_t count;
    uint8_t class;
    bool exclusive;
};

// The table of the law, section 2, and the classes of section 4's columns.
static const struct quality_row law[] = {
    {1, LONGEST_MONTHS, 2, CLASS_APPLICANT, false},
    {2, LONGEST_YEARS, 1, CLASS_APPLICANT, true},
    {3, LONGEST_YEARS, 1, CLASS_APPLICANT, true},
    {4, LONGEST_YEARS, 1, CLASS_APPLICANT, false},
    {5, LONGEST_YEARS, 1, CLASS_APPLICANT, false},
    {6, LONGEST_YEARS, 1, CLASS_APPLICANT, true},
    {7, LONGEST_YEARS, 5, CLASS_APPLICANT, false},
    {8, LONGEST_YEARS, 5, CLASS_APPLICANT, false},
    {9, LONGEST_YEARS, 5, CLASS_APPLICANT, false},
    {11, LONGEST_INDEFINITE, 0, CLASS_NONE, false},
    {12, LONGEST_YEARS, 1, CLASS_NONE, false},
    {20, LONGEST_MONTHS, 2, CLASS_APPLICANT, false},
    {21, LONGEST_INDEFINITE, 0, CLASS_APPLICANT, false},
    {30, LONGEST_YEARS, 1, CLASS_DEBTOR, false},
    {31, LONGEST_MONTHS, 1, CLASS_DEBT, false},
    {40, LONGEST_CALENDAR_YEAR, 0, CLASS_HEATING, true},
};

static void
ships_every_quality_code_of_the_law(void **state)
{
    const struct catalogue *catalogue = *state;
    size_t of_cpas = 0;

    for (size_t i = 0; i < ARRAY_LEN(law); i++) {
        const struct quality *quality =
            catalogue_quality(catalogue, SECTOR_CPAS, law[i].code);

        assert_non_null(quality);
        assert_int_equal(quality->longest, law[i].longest);
        assert_int_equal(quality->longest_count, law[i].count);
        assert_int_equal(quality->class, law[i].class);
        assert_int_equal(quality->exclusive, law[i].exclusive);
        assert_int_equal(quality->end_missing_years, law[i].code == 21 ? 5 : 0);
    }
    for (size_t i = 0; catalogue_quality_at(catalogue, i) != NULL; i++) {
        of_cpas += catalogue_quality_at(catalogue, i)->sector == SECTOR_CPAS;
    }
    assert_int_equal(of_cpas, ARRAY_LEN(law));
}

static void
ships_a_quality_for_every_sector(void **state)
{
    const struct catalogue *catalogue = *state;
    const struct sector *sector;

    for (size_t i = 0; (sector = catalogue_sector_at(catalogue, i)) != NULL; i++) {
        if (strcmp(sector->name, "VIGIE") != 0) { // the broker itself follows nobody
            assert_non_null(catalogue_quality(catalogue, sector->number, 1));
        }
    }
    assert_int_equal(catalogue_sector_by_name(catalogue, "CPAS")->number, SECTOR_CPAS);
}

static void
check_classes(const struct catalogue *catalogue, const char *codes, uint8_t classes)
{
    char code[8];
    int len;

    for (; sscanf(codes, "%7s%n", code, &len) == 1; codes += len) {
        int index = catalogue_field(catalogue, bytes_of(code));

        if (index < 0 || catalogue_field_rule(catalogue, index)->classes != classes) {
            print_message("field %s\n", code);
        }
        assert_true(index >= 0);
        assert_int_equal(catalogue_field_rule(catalogue, index)->classes, classes);
    }
}

static void
ships_every_field_of_section_5(void **state)
{
    const struct catalogue *catalogue = *state;

    check_classes(
        catalogue,
        "000 001 002 003 004 005 008 010 011 012 013 018 019 020 022 023 024 026 "
        "027 028 031 070 100 101 111 113 120 122 140 141 151 200 252 H200",
        CLASS_APPLICANT | CLASS_DEBTOR | CLASS_DEBT);
    check_classes(
        catalogue,
        "006 073 074 110 123 150 152 153 190 191 192 193 194 195 197 198 199 202 "
        "205 206 207 210 211 213 214 H205 H206 H207 H210 H211 H213 H214",
        CLASS_APPLICANT);
    check_classes(catalogue,
                  "208 212 H208 H212 007 032 114 124 125 180 250 253 254 photo", 0);
}

static const struct flow *
flow_named(const struct catalogue *catalogue, const char *name)
{
    const struct flow *flow = catalogue_flow(catalogue, bytes_of(name));

    if (flow == NULL) {
        print_message("flow %s\n", name);
    }
    assert_non_null(flow);
    return flow;
}

// The only source of a flow; its name.
static const char *
source_of(const struct catalogue *catalogue, const struct flow *flow)
{
    assert_int_equal(flow->sources_len, 1);
    return catalogue_sector(catalogue, flow->sources[0])->name;
}

struct flow_row {
    const char *name;
    const char *source;
    const char *fields;
    const char *qualities;
    enum when when;
};

// Flows to the CPAS with one source and one group.
static const struct flow_row to_cpas[] = {
    {"notifyIdentityDocuments", "RN", "195 197 198 202", "1 2 3 4 5 6 7 8 9", WHEN_TODAY},
    {"notifyFamilyComposition", "RN", "140 141", "1 2 3 4 5 6 7 8 9", WHEN_TODAY},
    {"WaitRegisterMutation", "WAIT", "H205 H206 H207 H210 H211 H212 H213",
     "1 2 3 4 5 6 7 8 9", WHEN_TODAY},
    {"PersonnelFile", "ONSS",
     "employer interim_user student_employer occupation_begin occupation_end "
     "joint_committee contract_number",
     "1 2 3 4 5 6 7 8 9 30", WHEN_TODAY},
    {"SelfEmployedCareerNotifications", "INASTI", "", "1 2 3 4 5 6 7 8 9 30 31",
     WHEN_TODAY},
    {"PensionRegisterMutation", "PENSION",
     "pension_payer pension_benefit pension_right_begin pension_right_end",
     "1 2 3 4 5 6 7 8 9 30 31", WHEN_COVERS_5Y},
    {"eCarmedCalculationNotification", "SPPIS", "decision_number deduction", "4",
     WHEN_OVERLAP},
};

static void
check_fields(const struct catalogue *catalogue, const struct flow *flow,
             const char *codes)
{
    uint64_t expected[CATALOGUE_FIELDS_MAX / 64] = {0};
    char code[33];
    int len;

    for (; sscanf(codes, "%32s%n", code, &len) == 1; codes += len) {
        int index = catalogue_field(catalogue, bytes_of(code));

        assert_true(index >= 0);
        expected[index / 64] |= UINT64_C(1) << (index % 64);
    }
    assert_memory_equal(expected, flow->fields, sizeof expected);
}

static void
check_qualities(const struct condition *condition, const char *codes)
{
    uint16_t i = 0;
    unsigned code;
    int len;

    for (; sscanf(codes, "%u%n", &code, &len) == 1; codes += len) {
        assert_true(i < condition->qualities_len);
        assert_int_equal(condition->qualities[i++], code);
    }
    assert_int_equal(i, condition->qualities_len);
}

static void
ships_the_flows_to_the_cpas(void **state)
{
    const struct catalogue *catalogue = *state;

    for (size_t i = 0; i < ARRAY_LEN(to_cpas); i++) {
        const struct flow *flow = flow_named(catalogue, to_cpas[i].name);

        assert_string_equal(source_of(catalogue, flow), to_cpas[i].source);
        check_fields(catalogue, flow, to_cpas[i].fields);
        assert_int_equal(flow->groups_len, 1);
        assert_int_equal(flow->groups[0].audience, BY_DIRECTORY);
        assert_int_equal(flow->groups[0].sectors_len, 1);
        assert_int_equal(flow->groups[0].sectors[0], SECTOR_CPAS);
        assert_int_equal(flow->groups[0].recipient.when, to_cpas[i].when);
        check_qualities(&flow->groups[0].recipient, to_cpas[i].qualities);
        assert_int_equal(flow->publisher.when, WHEN_NONE);
    }
    assert_int_equal(flow_named(catalogue, "PensionRegisterMutation")
                         ->groups[0]
                         .recipient.when_no_period,
                     WHEN_TODAY);
}

static void
ships_the_legal_data_of_two_registers(void **state)
{
    const struct catalogue *catalogue = *state;
    const struct flow *flow = flow_named(catalogue, "notifyPerson");

    assert_int_equal(flow->sources_len, 2);
    assert_int_equal(flow->sources[0], catalogue_sector_by_name(catalogue, "RN")->number);
    assert_int_equal(flow->sources[1],
                     catalogue_sector_by_name(catalogue, "BIS")->number);
    check_fields(
        catalogue, flow,
        "000 001 002 003 004 005 010 011 012 013 018 019 020 022 023 024 026 027 "
        "031 070 100 101 120 140 141 150 151 252 register");
    check_qualities(&flow->groups[0].recipient, "1 2 3 4 5 6 7 8 9 20 21 30 31");
    assert_int_equal(flow->groups[0].recipient.when, WHEN_TODAY);
}

static void
ships_a_replacement_that_reaches_every_sector(void **state)
{
    const struct catalogue *catalogue = *state;
    const struct flow *flow = flow_named(catalogue, "SSINReplacement");
    const struct group *group = &flow->groups[0];
    size_t sectors = 0;

    while (catalogue_sector_at(catalogue, sectors) != NULL) {
        sectors++;
    }
    assert_true(flow->replaces_person);
    assert_string_equal(source_of(catalogue, flow), "BIS");
    assert_int_equal(group->audience, BY_DIRECTORY);
    assert_int_equal(group->sectors_len, sectors);
    assert_int_equal(group->recipient.qualities_len, 0);
    assert_int_equal(group->recipient.when, WHEN_SINCE);
}

static void
ships_the_flows_without_an_integration(void **state)
{
    const struct catalogue *catalogue = *state;
    const struct flow *employer = flow_named(catalogue, "EmployerDirectoryMutation");
    const struct flow *alert = flow_named(catalogue, "PCSAAlert");
    const struct flow *taxes =
        flow_named(catalogue, "YearlyAllocationLivingWagesTransmission");
    const struct flow *stay = flow_named(catalogue, "DofiCostInvestigationMI");
    const struct flow *reaction = flow_named(catalogue, "PCSAAlertReaction");

    assert_int_equal(employer->key, KEY_ENTERPRISE);
    assert_int_equal(employer->groups[0].audience, EVERY_SUBSCRIBER);
    assert_int_equal(employer->groups[0].sectors[0], SECTOR_CPAS);
    assert_true(alert->needs_recipient);
    assert_string_equal(taxes->groups[0].fixed[0], "FIN");
    assert_string_equal(stay->groups[0].fixed[0], "OE");
    assert_string_equal(reaction->groups[0].fixed[0], "SPPIS");
    assert_int_equal(reaction->groups[0].recipient.when, WHEN_NONE);
    assert_int_equal(reaction->publisher.when, WHEN_NONE);
}

static void
ships_the_attestations_of_the_cpas(void **state)
{
    const struct catalogue *catalogue = *state;
    const struct flow *attestation = flow_named(catalogue, "A036");
    const struct group *other_cpas = &attestation->groups[attestation->groups_len - 1];

    assert_int_equal(attestation->period, PERIOD_REQUIRED);
    for (uint16_t i = 0; i < attestation->groups_len; i++) {
        assert_int_equal(attestation->groups[i].audience, BY_DIRECTORY);
        assert_int_equal(attestation->groups[i].recipient.when, WHEN_OVERLAP);
    }
    assert_int_equal(other_cpas->sectors[0], SECTOR_CPAS);
    assert_true(other_cpas->not_publisher);

    const struct flow *wages = flow_named(catalogue, "LivingWagesNotifications");

    assert_int_equal(wages->publisher.when, WHEN_TODAY);
    check_qualities(&wages->publisher, "2 3");
    assert_int_equal(wages->groups_len, 4);
    for (uint16_t i = 0; i < wages->groups_len; i++) {
        assert_int_equal(wages->groups[i].recipient.when, WHEN_TODAY);
    }

    const struct flow *rights = flow_named(catalogue, "SocialRightsNotification");

    assert_true(rights->needs_reference_year);
    assert_int_equal(rights->publisher.when, WHEN_NONE);
    assert_int_equal(rights->groups[0].publisher.when, WHEN_NONE);
    assert_int_equal(rights->groups[1].publisher.when, WHEN_NONE);
    assert_int_equal(rights->groups[2].publisher.when, WHEN_FIRST_JANUARY);
    check_qualities(&rights->groups[2].publisher, "2 3");
}

static void
ships_what_a_cpas_may_send_only_of_its_own_people(void **state)
{
    const struct catalogue *catalogue = *state;
    const char *const reports[] = {"ElectronicSocialReportAsk",
                                   "ElectronicSocialReportSend"};
    const char *const attests[] = {"OCMWCPASRegisterAttest", "OCMWCPASStopAttest"};

    for (size_t i = 0; i < 2; i++) {
        const struct flow *report = flow_named(catalogue, reports[i]);
        const struct flow *attest = flow_named(catalogue, attests[i]);

        assert_true(report->needs_recipient);
        assert_int_equal(report->publisher.when, WHEN_TODAY);
        check_qualities(&report->publisher, "1 2 3 4 5 6 7 8 9");
        assert_int_equal(report->groups[0].recipient.when, WHEN_NONE);
        assert_int_equal(attest->publisher.when, WHEN_WINDOW);
        check_qualities(&attest->publisher, "2");
        assert_string_equal(attest->groups[0].fixed[0], "SPPIS");
    }
}

// Stored numbers: changing one would give old mutations another name.
static void
ships_flow_numbers_that_stay(void **state)
{
    const struct catalogue *catalogue = *state;
    const char *const names[] = {"notifyPerson",
                                 "notifyIdentityDocuments",
                                 "notifyFamilyComposition",
                                 "WaitRegisterMutation",
                                 "PersonnelFile",
                                 "SelfEmployedCareerNotifications",
                                 "PensionRegisterMutation",
                                 "eCarmedCalculationNotification",
                                 "HdiIndemnityPeriodNotification",
                                 "EmployerDirectoryMutation",
                                 "PCSAAlert",
                                 "SSINReplacement",
                                 "A036",
                                 "LivingWagesNotifications",
                                 "SocialRightsNotification",
                                 "YearlyAllocationLivingWagesTransmission",
                                 "DofiCostInvestigationMI",
                                 "ElectronicSocialReportAsk",
                                 "ElectronicSocialReportSend",
                                 "PCSAAlertReaction",
                                 "OCMWCPASRegisterAttest",
                                 "OCMWCPASStopAttest"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_int_equal(flow_named(catalogue, names[i])->id, i + 1);
        assert_ptr_equal(catalogue_flow_by_id(catalogue, (uint16_t)(i + 1)),
                         flow_named(catalogue, names[i]));
    }
    assert_int_equal(flow_named(catalogue, "IntegrationEnds")->id, 40);
    assert_int_equal(flow_named(catalogue, "IntegrationEnded")->id, 41);
    assert_null(catalogue_flow_at(catalogue, ARRAY_LEN(names) + 2));
}

// A recipient without an integration must still be able to see what the flow carries, and
// one with an integration must have a class that sees something.
static void
ships_no_field_that_its_flow_delivers_to_nobody(void **state)
{
    const struct catalogue *catalogue = *state;
    const struct flow *flow;

    for (size_t i = 0; (flow = catalogue_flow_at(catalogue, i)) != NULL; i++) {
        for (int index = 0; catalogue_field_rule(catalogue, index) != NULL; index++) {
            const struct field_rule *rule = catalogue_field_rule(catalogue, index);
            bool carried = (flow->fields[index / 64] >> (index % 64) & 1) != 0;

            if (carried && rule->classes == 0) {
                assert_string_equal(rule->code, "H212"); // listed by the law, and refused
            }
        }
    }
}

static int
open_shipped(void **state)
{
    *state = shipped();
    return 0;
}

static int
close_shipped(void **state)
{
    struct catalogue *catalogue = *state;

    catalogue_free(&catalogue);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest reading[] = {
        cmocka_unit_test(a_flows_rhythm_is_hours_or_days),
        cmocka_unit_test(reads_every_part_of_a_row),
        cmocka_unit_test(says_which_flow_answers_which),
        cmocka_unit_test(reads_how_long_a_quality_may_last),
        cmocka_unit_test(answers_nothing_for_what_is_not_there),
        cmocka_unit_test(ends_a_life_twice_without_harm),
        cmocka_unit_test(refuses_what_is_no_catalogue),
        cmocka_unit_test(refuses_a_file_that_is_too_large),
        cmocka_unit_test(names_every_table_that_is_missing),
        cmocka_unit_test(names_mistakes_in_sectors),
        cmocka_unit_test(names_mistakes_in_qualities),
        cmocka_unit_test(names_mistakes_in_fields),
        cmocka_unit_test(names_mistakes_in_flows),
        cmocka_unit_test(names_mistakes_in_conditions),
        cmocka_unit_test(a_rule_on_the_period_needs_a_flow_with_one),
        cmocka_unit_test(names_mistakes_in_recipients),
        cmocka_unit_test(an_enterprise_has_no_integrations),
        cmocka_unit_test(events_are_not_merged),
        cmocka_unit_test(counts_are_limited),
        cmocka_unit_test(names_all_mistakes_at_once),
        cmocka_unit_test(keeps_the_faults_of_before),
    };
    const struct CMUnitTest law_tests[] = {
        cmocka_unit_test(ships_every_quality_code_of_the_law),
        cmocka_unit_test(ships_a_quality_for_every_sector),
        cmocka_unit_test(ships_every_field_of_section_5),
        cmocka_unit_test(ships_the_flows_to_the_cpas),
        cmocka_unit_test(ships_the_legal_data_of_two_registers),
        cmocka_unit_test(ships_a_replacement_that_reaches_every_sector),
        cmocka_unit_test(ships_the_flows_without_an_integration),
        cmocka_unit_test(ships_the_attestations_of_the_cpas),
        cmocka_unit_test(ships_what_a_cpas_may_send_only_of_its_own_people),
        cmocka_unit_test(ships_flow_numbers_that_stay),
        cmocka_unit_test(ships_no_field_that_its_flow_delivers_to_nobody),
    };
    int failed = cmocka_run_group_tests_name("reading", reading, NULL, NULL);

    return failed +
           cmocka_run_group_tests_name("shipped", law_tests, open_shipped, close_shipped);
}
