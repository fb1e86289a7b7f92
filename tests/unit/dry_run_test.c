// SPDX-License-Identifier: EUPL-1.2
// Goal: a dry run says exactly who would have got more, less or something else, and does not
// take for the plan's doing what the directory has changed since, or what nobody knows.
// Method: mutations published through the writer, asked again by catalogues made of the
// shipped one with one thing changed, and without an integration; small slices and large ones
// must find the same; then a seeded crowd, held against publishing it all again.
#include "flow_fixture.h"

#include "flow/dry_run.h"

enum { CROWD = 60 };

static struct catalogue *planned;
static struct roster *roster;
static struct dry_run *run;
static struct why why;

// The shipped catalogue with one piece of its text changed, wherever it stands after `mark`.
static const struct catalogue *
change_catalogue(const char *mark, const char *from, const char *to)
{
    struct buffer text = flow_shipped_catalogue();
    struct buffer changed = {0};
    struct faults faults = {0};
    char *at, *found;

    buffer_add(&text, "", 1);
    at = strstr((char *)text.at, mark);
    assert_non_null(at);
    found = strstr(at, from);
    assert_non_null(found);
    buffer_add(&changed, text.at, (size_t)(found - (char *)text.at));
    buffer_add(&changed, to, strlen(to));
    buffer_add(&changed, found + strlen(from), strlen(found + strlen(from)));
    catalogue_free(&planned);
    planned = catalogue_parse((const char *)changed.at, changed.len, &faults);
    if (planned == NULL) {
        print_message("%u: %s\n", faults.fault[0].line, faults.fault[0].why.text);
    }
    assert_non_null(planned);
    buffer_free(&text);
    buffer_free(&changed);
    return planned;
}

static const struct dry_report *
run_plan(struct flow_fixture *f, const struct catalogue *catalogue,
         struct dry_removal removal, size_t events)
{
    struct meta meta = flow_meta(f);
    struct txn *txn = flow_view(f);
    struct dry_plan plan = {
        .in_force = applier_catalogue(f->applier),
        .planned = catalogue,
        .removal = removal,
        .first_commit = 1,
        .last_commit = meta.last_commit,
    };

    dry_run_free(&run);
    roster_free(&roster);
    roster = applier_roster(f->applier);
    plan.roster = roster;
    assert_int_equal(dry_run_new(txn, &plan, &run, &why), VG_OK);
    while (!dry_run_done(run)) {
        assert_int_equal(dry_run_step(run, txn, events, &why), VG_OK);
        store_read_rest(txn);
        assert_int_equal(store_read_renew(txn), VG_OK);
    }
    assert_true(dry_run_progress(run) >= 1);
    return dry_run_report(run);
}

static const struct dry_report *
run_catalogue(struct flow_fixture *f, const struct catalogue *catalogue)
{
    return run_plan(f, catalogue, (struct dry_removal){.institution = 0}, 1000);
}

static const struct dry_row *
row_of(const struct dry_report *report, uint16_t flow, uint32_t institution)
{
    for (size_t i = 0; i < report->rows_len; i++) {
        if (report->rows[i].flow == flow && report->rows[i].institution == institution) {
            return &report->rows[i];
        }
    }
    return NULL;
}

static uint64_t
publish(struct flow_fixture *f, struct hot_mutation mutation)
{
    flow_publish_one(f, RN, flow_producer(f, RN, 1).last_number + 1, mutation);
    flow_apply(f);
    return flow_meta(f).last_sequence;
}

static void
the_same_catalogue_changes_nothing(void **state)
{
    struct flow_fixture *f = *state;
    const struct dry_report *report;

    flow_follow(f, CPAS_A, 1, 2);
    (void)publish(f, flow_address(1));
    (void)publish(f, flow_address(2));
    report = run_catalogue(f, applier_catalogue(f->applier));
    assert_int_equal(report->mutations, 2);
    assert_int_equal(report->whole, 1);
    assert_int_equal(report->without, 1);
    assert_int_equal(report->rows_len, 0);
    assert_int_equal(report->drifted.count, 0);
    assert_int_equal(report->commits, flow_meta(f).last_commit);
}

// No rule made it: it is neither a mutation of the stretch nor a drift.
static void
what_the_broker_tells_itself_is_not_asked(void **state)
{
    struct flow_fixture *f = *state;
    const struct dry_report *report;

    flow_integrate(f, CPAS_A, flow_person(1), 1, 20261120, 0);
    flow_apply(f);
    f->now_us = flow_noon(2027, 1, 6);
    flow_command(f, COMMAND_LAPSE, 0);
    flow_apply(f);
    assert_int_equal(flow_row(f, CPAS_A).last, 1);
    report = run_catalogue(f, applier_catalogue(f->applier));
    assert_int_equal(report->mutations, 0);
    assert_int_equal(report->drifted.count, 0);
    (void)publish(f, flow_address(1));
    assert_int_equal(run_catalogue(f, applier_catalogue(f->applier))->mutations, 1);
}

static void
a_quality_less_is_a_letter_less(void **state)
{
    struct flow_fixture *f = *state;
    const struct dry_report *report;
    const struct dry_row *row;
    uint64_t ticket;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 1, 30);
    ticket = publish(f, flow_address(1));
    for (int i = 0; i < 4; i++) {
        (void)publish(f, flow_address(1));
    }
    report = run_catalogue(f, change_catalogue("name: notifyPerson",
                                               "\"021\", \"030\", \"031\"",
                                               "\"021\", \"031\""));
    assert_int_equal(report->rows_len, 1);
    row = row_of(report, 1, CPAS_B);
    assert_non_null(row);
    assert_int_equal(row->change[DRY_LESS].count, 5);
    for (size_t i = 0; i < DRY_EXAMPLES; i++) {
        assert_int_equal(row->change[DRY_LESS].ticket[i], ticket + i);
    }
    assert_int_equal(row->unsure, 0);
}

static void
a_quality_more_is_a_letter_more_and_perhaps_where_nothing_was_kept(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation household =
        flow_mutation("notifyFamilyComposition", flow_person(1));
    const struct dry_report *report;
    const struct dry_row *row;
    uint64_t ticket;

    flow_field(&household, "140", "x");
    flow_follow(f, CPAS_A, 1, 20);
    flow_follow(f, CPAS_A, 2, 20);
    flow_follow(f, CPAS_B, 2, 2);
    flow_follow(f, CPAS_C, 1, 40);  // heating sees no field of this flow
    ticket = publish(f, household); // nobody gets it
    household.niss = flow_person(2).number;
    assert_int_equal(publish(f, household), ticket + 1); // B does
    report =
        run_catalogue(f, change_catalogue("name: notifyFamilyComposition", "\"001-009\"",
                                          "\"001-009\", \"020\", \"040\""));
    assert_int_equal(report->rows_len, 1);
    row = row_of(report, 3, CPAS_A);
    assert_non_null(row);
    assert_int_equal(row->change[DRY_MORE].count, 2);
    assert_int_equal(row->change[DRY_MORE].ticket[0], ticket);
    assert_int_equal(row->change[DRY_MORE].ticket[1], ticket + 1);
    assert_int_equal(row->unsure, 1);
}

static void
other_fields_are_told_as_such(void **state)
{
    struct flow_fixture *f = *state;
    const struct dry_report *report;
    uint64_t ticket;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 1, 30);
    ticket = publish(f, flow_address(1));
    report = run_catalogue(f, change_catalogue("{code: \"150\"", "classes: [applicant]",
                                               "classes: [applicant, debtor]"));
    assert_int_equal(report->rows_len, 1);
    assert_int_equal(row_of(report, 1, CPAS_B)->change[DRY_FIELDS].count, 1);
    assert_int_equal(row_of(report, 1, CPAS_B)->change[DRY_FIELDS].ticket[0], ticket);
}

static void
a_field_that_is_no_longer_the_flows_refuses_the_mutation(void **state)
{
    struct flow_fixture *f = *state;
    const struct dry_report *report;

    flow_follow(f, CPAS_A, 1, 2);
    (void)publish(f, flow_address(1));
    report = run_catalogue(f, change_catalogue("name: notifyPerson", "\"150\",", ""));
    assert_int_equal(row_of(report, 1, RN)->change[DRY_REFUSED].count, 1);
    assert_int_equal(row_of(report, 1, CPAS_A)->change[DRY_LESS].count, 1);
}

static void
what_the_directory_changed_is_not_the_plans_doing(void **state)
{
    struct flow_fixture *f = *state;
    const struct dry_report *report;
    uint64_t ticket;

    ticket = publish(f, flow_address(1)); // nobody follows yet
    flow_follow(f, CPAS_A, 1, 2);
    report = run_catalogue(f, applier_catalogue(f->applier));
    assert_int_equal(report->drifted.count, 1);
    assert_int_equal(report->drifted.ticket[0], ticket);
    assert_int_equal(report->rows_len, 0);

    // The plan's doing is still seen, and that it rests on fields that nobody knows.
    report = run_catalogue(
        f, change_catalogue("name: notifyPerson", "\"001-009\"", "\"001\""));
    assert_int_equal(report->drifted.count, 1);
    assert_int_equal(row_of(report, 1, CPAS_A)->change[DRY_LESS].count, 1);
    assert_int_equal(row_of(report, 1, CPAS_A)->unsure, 1);
}

static void
of_whom_all_was_withheld_is_no_drift(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation death = flow_mutation("notifyPerson", flow_person(1));
    const struct dry_report *report;

    flow_field(&death, "150", "Anvers");
    flow_follow(f, CPAS_B, 1, 30);
    (void)publish(f, death);
    report = run_catalogue(f, applier_catalogue(f->applier));
    assert_int_equal(report->without, 1);
    assert_int_equal(report->drifted.count, 0);
}

static struct dry_removal
removal_of(uint32_t institution, int person, uint16_t quality)
{
    return (struct dry_removal){
        .niss = flow_person(person),
        .institution = institution,
        .quality = quality,
        .period = {day_of(2026, 1, 1), DAY_FOREVER},
    };
}

static void
a_correction_that_was_owed_is_no_drift(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutation = flow_address(1);
    struct command *command;
    const struct dry_report *report;
    uint64_t ticket;
    char first[24];

    flow_follow(f, CPAS_A, 1, 2);
    ticket = publish(f, mutation);
    command = flow_command(f, COMMAND_REMOVE, CPAS_A);
    command->remove.institution = CPAS_A;
    command->remove.request = (struct remove_request){
        .niss = flow_person(1).number, .quality = 2, .begin = 20200101};
    flow_apply(f);
    snprintf(first, sizeof first, "%llu", (unsigned long long)ticket);
    mutation.replaces = flow_words(first);
    (void)publish(f, mutation);
    assert_int_equal(flow_row(f, CPAS_A).last, 2); // it was owed
    report = run_catalogue(f, applier_catalogue(f->applier));
    assert_int_equal(report->drifted.count, 1); // the first one alone
    assert_int_equal(report->drifted.ticket[0], ticket);
}

static void
refused_ones_and_rules_without_content_are_counted(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation wrong = flow_address(1);
    struct hot_mutation overlap =
        flow_mutation("eCarmedCalculationNotification", flow_person(1));
    const struct dry_report *report;

    wrong.niss = 66041066601;
    flow_publish_one(f, RN, 1, wrong);
    flow_apply(f);
    overlap.period_begin = 20261101;
    overlap.period_end = 20261130;
    flow_field(&overlap, "deduction", "1");
    flow_publish_one(f, SPPIS, 1, overlap); // nobody follows: nothing is kept
    flow_apply(f);
    report = run_catalogue(f, applier_catalogue(f->applier));
    assert_int_equal(report->refused_then, 1);
    assert_int_equal(report->mutations, 1);
    assert_int_equal(report->not_asked, 1);
}

// ---- a removal ----

static void
a_removal_takes_what_only_that_integration_brought(void **state)
{
    struct flow_fixture *f = *state;
    const struct catalogue *catalogue = applier_catalogue(f->applier);
    const struct dry_report *report;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_A, 1, 30);
    flow_follow(f, CPAS_B, 1, 30);
    flow_follow(f, CPAS_A, 2, 2);
    (void)publish(f, flow_address(1));
    (void)publish(f, flow_address(2));

    report = run_plan(f, catalogue, removal_of(CPAS_A, 1, 2), 1000);
    assert_int_equal(report->mutations, 1); // only that person's
    assert_int_equal(report->rows_len, 1);
    assert_int_equal(row_of(report, 1, CPAS_A)->change[DRY_FIELDS].count, 1);

    report = run_plan(f, catalogue, removal_of(CPAS_A, 1, 30), 1000);
    assert_int_equal(report->rows_len, 0); // 002 sees all that 030 does, and comes first

    report = run_plan(f, catalogue, removal_of(CPAS_B, 1, 30), 1000);
    assert_int_equal(row_of(report, 1, CPAS_B)->change[DRY_LESS].count, 1);
}

static void
a_removal_follows_the_person_through_his_numbers(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation replacement = flow_mutation("SSINReplacement", flow_person(1));
    const struct dry_report *report;

    flow_follow(f, CPAS_A, 1, 2);
    (void)publish(f, flow_address(1));
    replacement.new_niss = flow_person(2).number;
    flow_publish_one(f, BIS, 1, replacement);
    flow_apply(f);
    (void)publish(f, flow_address(2));
    report = run_plan(f, applier_catalogue(f->applier), removal_of(CPAS_A, 2, 2), 1000);
    assert_int_equal(report->mutations, 3);
    assert_int_equal(row_of(report, 1, CPAS_A)->change[DRY_LESS].count, 2);
}

// ---- many ----

// Who follows whom is drawn; everything is published twice, before and after a catalogue was
// loaded; what the dry run said before is what the mailboxes got less.
static void
what_it_says_is_what_then_happens(void **state)
{
    static const uint16_t qualities[] = {2, 4, 30, 31, 11};
    struct flow_fixture *f = *state;
    struct buffer text = flow_shipped_catalogue();
    const uint32_t cpas[] = {CPAS_A, CPAS_B, CPAS_C};
    uint64_t before[3], said[3], seed = 11;
    const struct dry_report *report;
    const struct dry_row *row;
    char *at;

    for (int i = 0; i < CROWD; i++) {
        uint32_t institution = cpas[flow_draw(&seed, 2)];
        struct niss niss = flow_person(1 + (int)flow_draw(&seed, 20));

        // Some are refused, as exclusive.
        flow_integrate(f, institution, niss, qualities[flow_draw(&seed, 5)], 20261101, 0);
        flow_apply(f);
    }
    for (int i = 0; i < CROWD; i++) {
        (void)publish(f, flow_address(1 + i % 20));
    }
    for (size_t i = 0; i < 3; i++) {
        before[i] = flow_row(f, cpas[i]).last;
    }
    (void)change_catalogue("name: notifyPerson", "\"030\", \"031\"", "\"031\"");
    report = run_plan(f, planned, (struct dry_removal){.institution = 0}, 7);
    for (size_t i = 0; i < 3; i++) {
        row = row_of(report, 1, cpas[i]);
        said[i] = row == NULL ? 0 : row->change[DRY_LESS].count;
        assert_true(row == NULL || row->change[DRY_MORE].count == 0);
    }
    assert_true(said[0] + said[1] > 5);
    assert_int_equal(said[2], 0);

    buffer_add(&text, "", 1);
    at = strstr(strstr((char *)text.at, "name: notifyPerson"), "\"030\", \"031\"");
    memset(at, ' ', strlen("\"030\","));
    flow_load_catalogue(f, (const char *)text.at, text.len - 1);
    flow_apply(f);
    for (int i = 0; i < CROWD; i++) {
        (void)publish(f, flow_address(1 + i % 20));
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(flow_row(f, cpas[i]).last - before[i], before[i] - said[i]);
    }
    buffer_free(&text);
}

static int
end(void **state)
{
    dry_run_free(&run);
    roster_free(&roster);
    catalogue_free(&planned);
    return flow_teardown(state);
}

#define DRY_TEST(name) cmocka_unit_test_setup_teardown(name, flow_setup, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DRY_TEST(the_same_catalogue_changes_nothing),
        DRY_TEST(what_the_broker_tells_itself_is_not_asked),
        DRY_TEST(a_quality_less_is_a_letter_less),
        DRY_TEST(a_quality_more_is_a_letter_more_and_perhaps_where_nothing_was_kept),
        DRY_TEST(other_fields_are_told_as_such),
        DRY_TEST(a_field_that_is_no_longer_the_flows_refuses_the_mutation),
        DRY_TEST(what_the_directory_changed_is_not_the_plans_doing),
        DRY_TEST(of_whom_all_was_withheld_is_no_drift),
        DRY_TEST(a_correction_that_was_owed_is_no_drift),
        DRY_TEST(refused_ones_and_rules_without_content_are_counted),
        DRY_TEST(a_removal_takes_what_only_that_integration_brought),
        DRY_TEST(a_removal_follows_the_person_through_his_numbers),
        DRY_TEST(what_it_says_is_what_then_happens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
