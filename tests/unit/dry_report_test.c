// SPDX-License-Identifier: EUPL-1.2
// Goal: a dry run is asked for in words that are checked, and told in words and JSON that name
// flows, institutions and tickets, and no person.
// Method: reports made by hand; the program over a real store that a writer has open.
#include "flow_fixture.h"

#include "edge/dry_report.h"

static const struct instant now = {.us = INT64_C(1000000) * 1000000};

static void
how_far_back_is_read_in_two_ways(void **state)
{
    static const char *const wrong[] = {"",     "h",    "24", "0h",        "-1h",
                                        "24h ", "24 h", "1w", "99999999h", "2026-11-21"};
    struct instant since;
    struct why why;

    (void)state;
    assert_int_equal(dry_since("90m", now, &since, &why), VG_OK);
    assert_int_equal(now.us - since.us, INT64_C(5400) * 1000000);
    assert_int_equal(dry_since("24h", now, &since, &why), VG_OK);
    assert_int_equal(now.us - since.us, INT64_C(86400) * 1000000);
    assert_int_equal(dry_since("7d", now, &since, &why), VG_OK);
    assert_int_equal(now.us - since.us, INT64_C(7 * 86400) * 1000000);
    assert_int_equal(dry_since("1970-01-01T00:00:01Z", now, &since, &why), VG_OK);
    assert_int_equal(since.us, 1000000);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(dry_since(wrong[i], now, &since, &why), VG_BAD_DATE);
    }
}

static struct dry_row
row_with(uint16_t flow, uint32_t institution, enum dry_change change, uint64_t count)
{
    struct dry_row row = {.flow = flow, .institution = institution};

    row.change[change].count = count;
    for (uint64_t i = 0; i < count && i < DRY_EXAMPLES; i++) {
        row.change[change].ticket[i] = 40 + i;
    }
    return row;
}

static bool
says(const struct buffer *text, const char *words)
{
    return strstr((const char *)text->at, words) != NULL;
}

static void
a_report_names_flows_institutions_and_tickets(void **state)
{
    struct flow_fixture *f = *state;
    struct roster *roster = applier_roster(f->applier);
    struct dry_plan plan = {.in_force = applier_catalogue(f->applier),
                            .planned = applier_catalogue(f->applier),
                            .roster = roster};
    struct dry_about about = {.plan = &plan, .words = "NEW.yaml", .version = 3};
    struct dry_row rows[] = {row_with(1, CPAS_A, DRY_LESS, 5),
                             row_with(1, CPAS_B, DRY_FIELDS, 1)};
    struct dry_report report = {.commits = 9,
                                .mutations = 8,
                                .whole = 7,
                                .not_asked = 1,
                                .rows = rows,
                                .rows_len = 2,
                                .drifted = {.count = 1, .ticket = {77}}};
    struct buffer text = {0};
    json_t *json;

    rows[0].unsure = 2;
    dry_report_print(&report, &about, &text);
    buffer_add(&text, "", 1);
    assert_true(
        says(&text, "What NEW.yaml would have changed since 1970-01-01T00:00:00"));
    assert_true(says(&text, ": 8 mutations in 9 commits.\n"));
    assert_true(says(&text, "by version 3 of the catalogue, in force"));
    assert_true(says(&text, "not counted below (tickets 77).\n"));
    assert_true(
        says(&text, "notifyPerson                 CPAS-A                    5  less"));
    assert_true(says(&text, "tickets 40, 41, 42 ...\n"));
    assert_true(says(&text, "2  of these only perhaps"));
    assert_true(says(&text, "CPAS-B                    1  other fields"));
    assert_false(says(&text, "more were refused"));
    buffer_clear(&text);

    json = dry_report_json(&report, &about);
    assert_int_equal(json_integer_value(json_object_get(json, "mutations")), 8);
    assert_int_equal(json_array_size(json_object_get(json, "changes")), 2);
    json_t *row = json_array_get(json_object_get(json, "changes"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "flow")), "notifyPerson");
    assert_string_equal(json_string_value(json_object_get(row, "institution")), "CPAS-A");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(row, "less"), "count")), 5);
    assert_int_equal(
        json_array_size(json_object_get(json_object_get(row, "less"), "tickets")),
        DRY_EXAMPLES);
    assert_null(json_object_get(row, "more"));
    json_decref(json);

    report.rows_len = 0;
    dry_report_print(&report, &about, &text);
    buffer_add(&text, "", 1);
    assert_true(says(&text, "Nobody would have got more, less or anything else.\n"));
    buffer_free(&text);
    roster_free(&roster);
}

static void
a_removal_is_judged_and_named_without_its_person(void **state)
{
    struct flow_fixture *f = *state;
    struct roster *roster = applier_roster(f->applier);
    struct directory_context context = {
        .catalogue = applier_catalogue(f->applier),
        .institution = roster_institution(roster, CPAS_A),
        .today = day_of(2026, 11, 20),
        .test_persons = true,
    };
    struct remove_request request = {
        .niss = flow_person(1).number, .quality = 2, .begin = 20261201};
    struct dry_plan plan = {.roster = roster};
    struct dry_about about = {.plan = &plan};
    struct faults faults = {0};

    dry_removal(&context, &request, &plan, &about, &faults);
    assert_int_equal(faults.total, 0);
    assert_int_equal(plan.removal.institution, CPAS_A);
    assert_int_equal(plan.removal.period.end.number, DAY_FOREVER.number);
    assert_string_equal(about.words, "the removal of 002 of CPAS-A on 51********* from "
                                     "2026-12-01 to 9999-12-31");
    assert_true(about.begins_after);
    request.quality = 999;
    request.niss = 66041066601;
    dry_removal(&context, &request, &plan, &about, &faults);
    assert_true(faults.total >= 2); // all at once
    roster_free(&roster);
}

// ---- the program ----

struct said {
    int code;
    char *out;
    char *wrong;
};

static struct said
run_program(struct flow_fixture *f, const struct dry_choices *choices, bool json)
{
    struct settings settings;
    struct said said = {0};
    size_t out_len, wrong_len;
    struct inspect_output output = {.out = open_memstream(&said.out, &out_len),
                                    .wrong = open_memstream(&said.wrong, &wrong_len),
                                    .json = json};

    settings_defaults(&settings);
    snprintf(settings.store_path, sizeof settings.store_path, "%s", f->path);
    settings.map_bytes = 256 << 20;
    settings.test_persons = true;
    flow_close_store(f); // the library opens a store once in a process
    said.code = dry_run_store(&settings, choices, &output);
    fclose(output.out);
    fclose(output.wrong);
    flow_open_store(f);
    return said;
}

static void
said_free(struct said *said)
{
    free(said->out);
    free(said->wrong);
}

static void
the_program_tells_it_from_the_store(void **state)
{
    struct flow_fixture *f = *state;
    struct dry_choices catalogue = {.since = "2026-11-01T00:00:00Z",
                                    .catalogue = SOURCE_DIR "/deploy/catalogue.yaml"};
    struct dry_choices removal = {.since = "2026-11-01T00:00:00Z"};
    char words[128];
    struct said said;

    flow_follow(f, CPAS_A, 1, 2);
    flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    said = run_program(f, &catalogue, false);
    assert_int_equal(said.code, INSPECT_GOOD);
    assert_non_null(strstr(said.out, "What catalogue.yaml would have changed"));
    assert_non_null(strstr(said.out, "Nobody would have got more"));
    said_free(&said);

    snprintf(words, sizeof words, "CPAS-A %llu 002 2026-01-01",
             (unsigned long long)flow_person(1).number);
    removal.without = words;
    said = run_program(f, &removal, true);
    assert_int_equal(said.code, INSPECT_GOOD);
    json_t *json = json_loads(said.out, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(json, "changes")), 1);
    json_decref(json);
    said_free(&said);
}

static void
the_program_refuses_what_cannot_be(void **state)
{
    static const struct {
        struct dry_choices choices;
        const char *words;
    } wrong[] = {
        {{.since = "soon", .without = "CPAS-A 1 002 2026-01-01"}, "since"},
        {{.catalogue = "/nowhere.yaml"}, "/nowhere.yaml"},
        {{.catalogue = SOURCE_DIR "/deploy/vigied.yaml"}, "'sectors' is missing"},
        {{.without = "CPAS-A"}, "--without wants"},
        {{.without = "CPAS-X 51610166692 002 2026-01-01"}, "no institution CPAS-X"},
        {{.without = "CPAS-A 51610166699 002 2026-01-01"}, "niss: the check digits"},
        // All at once: the last of them is said as well.
        {{.without = "CPAS-A 51610166699 x 2026-13-01 soon"}, "end: \"soon\" is no day"},
        {{.without = "CPAS-A 51610166699 x 2026-13-01 soon"}, "begin: \"2026-13-01\" is"},
        {{.without = "CPAS-A 51610166699 x 2026-13-01 soon"}, "quality \"x\": "},
        {{.without = "CPAS-A 51610166699 x 2026-13-01 soon"}, "BAD_NISS (9, sender)"},
    };
    struct flow_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct said said = run_program(f, &wrong[i].choices, false);

        assert_int_equal(said.code, INSPECT_BAD);
        if (strstr(said.wrong, wrong[i].words) == NULL) {
            print_message("%s lacks %s\n", said.wrong, wrong[i].words);
        }
        assert_non_null(strstr(said.wrong, wrong[i].words));
        assert_null(strstr(said.wrong, "51610166699"));
        said_free(&said);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(how_far_back_is_read_in_two_ways),
        FLOW_TEST(a_report_names_flows_institutions_and_tickets),
        FLOW_TEST(a_removal_is_judged_and_named_without_its_person),
        FLOW_TEST(the_program_tells_it_from_the_store),
        FLOW_TEST(the_program_refuses_what_cannot_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
