// SPDX-License-Identifier: EUPL-1.2
// Goal: what the directory is asked is answered whole, with a ticket and a line in the
// journal, and lies on the disk when it is answered.
// Method: one command after the other on a real store; the person's rows and the journal are
// read afterwards. The rules themselves are tested with rules/directory.
#include "flow_fixture.h"

static size_t
rows_of(struct flow_fixture *f, int person, struct integration *ret_rows)
{
    struct person row;

    assert_int_equal(person_get(flow_view(f), flow_person(person), &row), VG_OK);
    if (row.len > 0) {
        memcpy(ret_rows, row.integrations, row.len * sizeof *ret_rows);
    }
    return row.len;
}

static struct command *
remove_of(struct flow_fixture *f, uint32_t institution, int person, uint32_t quality,
          uint32_t begin, uint32_t end)
{
    struct command *command = flow_command(f, COMMAND_REMOVE, institution);

    command->remove.institution = institution;
    command->remove.request = (struct remove_request){
        .niss = flow_person(person).number,
        .quality = quality,
        .begin = begin,
        .end = end,
    };
    return command;
}

static struct command *
consult(struct flow_fixture *f, struct niss niss, enum consult_level level)
{
    struct command *command = flow_command(f, COMMAND_CONSULT, CPAS_A);

    command->consult.niss = niss.number;
    command->consult.level = level;
    command->consult.proof.birth_date = (uint32_t)niss_birth(niss).year * 10000;
    return command;
}

static struct command *
history(struct flow_fixture *f, int person)
{
    struct command *command = flow_command(f, COMMAND_HISTORY, CPAS_A);

    command->history.niss = flow_person(person).number;
    return command;
}

static struct journal_directory
last_line(struct flow_fixture *f)
{
    struct journal_directory line = {.ticket = 0};

    assert_true(flow_last_item(f, JOURNAL_DIRECTORY, &line, sizeof line) > 0);
    return line;
}

// ---- integrate ----

static void
integrates_on_disk_with_a_ticket(void **state)
{
    struct flow_fixture *f = *state;
    struct integration rows[4];
    struct command *command =
        flow_integrate(f, CPAS_A, flow_person(1), 2, 20261101, 20270131);
    struct journal_directory line;

    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_int_equal(command->integrate.results[0].verdict, VERDICT_YES);
    assert_int_equal(command->integrate.results[0].end, 20270131);
    assert_null(command->integrate.results[0].faults);
    assert_int_equal(command->integrations_len, 0);
    assert_int_equal(rows_of(f, 1, rows), 1);
    assert_int_equal(rows[0].institution, CPAS_A);
    assert_int_equal(rows[0].sector, 17);
    assert_int_equal(rows[0].quality, 2);
    assert_int_equal(rows[0].begin, day_of(2026, 11, 1).number);
    assert_int_equal(rows[0].end, day_of(2027, 1, 31).number);
    assert_int_equal(flow_meta(f).integrations, 1);
    assert_int_equal(flow_meta(f).persons, 1);
    line = last_line(f);
    assert_int_equal(line.ticket, command->ticket);
    assert_int_equal(line.ticket, flow_meta(f).last_sequence);
    assert_int_equal(line.act, ACT_INTEGRATE);
    assert_int_equal(line.actor, CPAS_A);
    assert_int_equal(line.institution, CPAS_A);
    assert_int_equal(line.niss, flow_person(1).number);
    assert_int_equal(line.status, VG_OK);
    assert_int_equal(line.end, rows[0].end);
}

static void
tells_the_end_that_was_given(void **state)
{
    struct flow_fixture *f = *state;
    struct command *month = flow_integrate(f, CPAS_A, flow_person(1), 31, 20261101, 0);
    struct command *vesta = flow_integrate(f, CPAS_A, flow_person(1), 21, 20261101, 0);
    struct command *warm = flow_integrate(f, CPAS_A, flow_person(1), 40, 20260101, 0);
    struct command *ever = flow_integrate(f, CPAS_A, flow_person(1), 11, 20261101, 0);

    flow_apply(f);
    assert_int_equal(month->integrate.results[0].end, 20261201);
    assert_int_equal(vesta->integrate.results[0].end, 20311101);
    assert_int_equal(warm->integrate.results[0].end, 20261231);
    assert_int_equal(ever->integrate.results[0].end, 99991231);
}

static void
tells_all_faults_at_once_and_changes_nothing(void **state)
{
    struct flow_fixture *f = *state;
    struct integration rows[4];
    struct command *command = flow_integrate(f, CPAS_A, flow_person(1), 77, 20281101, 0);
    const struct faults *faults;

    command->integrate.items[0].proof.birth_date = 0;
    flow_apply(f);
    assert_int_equal(command->status, VG_OK); // the request could be read
    assert_int_equal(command->integrate.results[0].verdict, VERDICT_NO);
    faults = command->integrate.results[0].faults;
    assert_non_null(faults);
    assert_int_equal(faults->total, 3);
    assert_int_equal(faults->fault[0].status, VG_UNKNOWN_QUALITY);
    assert_int_equal(faults->fault[1].status, VG_TOO_FAR);
    assert_int_equal(faults->fault[2].status, VG_PROOF_MISSING);
    assert_int_equal(rows_of(f, 1, rows), 0);
    assert_int_equal(flow_meta(f).integrations, 0);
    assert_int_equal(last_line(f).status, VG_UNKNOWN_QUALITY);
    assert_true(command->ticket > 0);
}

static void
good_items_are_done_beside_refused_ones(void **state)
{
    struct flow_fixture *f = *state;
    struct integration rows[4];
    struct command *command = flow_integrate(f, CPAS_A, flow_person(1), 2, 20261101, 0);
    struct integrate_command *integrate = &command->integrate;
    struct integrate_request item = integrate->items[0];

    integrate->items = realloc(integrate->items, 3 * sizeof item);
    assert_non_null(integrate->items);
    integrate->items_len = 3;
    integrate->items[1] = item;
    integrate->items[1].niss = 66041066601;
    integrate->items[2] = item;
    integrate->items[2].niss = flow_person(3).number;
    integrate->items[2].proof.birth_date =
        (uint32_t)niss_birth(flow_person(3)).year * 10000;
    flow_apply(f);
    assert_int_equal(integrate->results[0].verdict, VERDICT_YES);
    assert_int_equal(integrate->results[1].verdict, VERDICT_NO);
    assert_int_equal(integrate->results[1].faults->fault[0].status, VG_BAD_NISS);
    assert_int_equal(integrate->results[2].verdict, VERDICT_YES);
    assert_int_equal(rows_of(f, 1, rows), 1);
    assert_int_equal(rows_of(f, 3, rows), 1);
    assert_int_equal(flow_meta(f).integrations, 2);
}

static void
only_one_pays(void **state)
{
    struct flow_fixture *f = *state;
    struct integration rows[4];
    struct command *command;

    flow_follow(f, CPAS_A, 1, 2);
    command = flow_integrate(f, CPAS_B, flow_person(1), 2, 20261201, 0);
    flow_apply(f);
    assert_int_equal(command->integrate.results[0].verdict, VERDICT_NO);
    assert_int_equal(command->integrate.results[0].faults->fault[0].status, VG_EXCLUSIVE);
    assert_int_equal(rows_of(f, 1, rows), 1);
}

static void
shows_what_overlaps(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command;
    struct integrate_result *result;

    flow_follow(f, CPAS_B, 1, 9);
    flow_follow(f, CPAS_A, 1, 4);
    flow_integrate(f, CPAS_C, flow_person(1), 1, 20260101, 20260115); // long ago
    flow_apply(f);
    command = flow_integrate(f, CPAS_A, flow_person(1), 4, 20261115, 0);
    flow_apply(f);
    result = command->integrate.results;
    assert_int_equal(result->verdict, VERDICT_WARNING);
    assert_int_equal(result->faults->len, 1);
    assert_int_equal(result->faults->fault[0].status, VG_OVERLAPS);
    assert_string_equal(result->faults->fault[0].why.text,
                        "others of the sector hold 1 in these days, CPAS-B 009");
    assert_int_equal(result->overlaps, 1);
    assert_int_equal(result->shown, 1);
    assert_int_equal(command->integrations_len, 1); // not its own, which it joins
    assert_int_equal(command->integrations[0].institution, CPAS_B);
    assert_int_equal(command->integrations[0].quality, 9);
    assert_int_equal(last_line(f).status, VG_OK);
}

static void
shows_some_and_counts_all(void **state)
{
    static const uint32_t qualities[] = {1, 4, 5, 7, 8, 9, 20, 30, 31};
    struct flow_fixture *f = *state;
    struct command *command;

    for (size_t i = 0; i < ARRAY_LEN(qualities); i++) {
        flow_integrate(f, CPAS_B, flow_person(1), qualities[i], 20261101, 20261101);
        flow_integrate(f, CPAS_C, flow_person(1), qualities[i], 20261101, 20261101);
    }
    flow_apply(f);
    command = flow_integrate(f, CPAS_A, flow_person(1), 4, 20261101, 0);
    flow_apply(f);
    assert_int_equal(command->integrate.results[0].overlaps, 18);
    assert_int_equal(command->integrate.results[0].shown, 16);
    assert_int_equal(command->integrations_len, 16);
}

static void
integrating_again_is_one_row(void **state)
{
    struct flow_fixture *f = *state;
    struct integration rows[4];

    flow_integrate(f, CPAS_A, flow_person(1), 2, 20261101, 20261130);
    flow_integrate(f, CPAS_A, flow_person(1), 2, 20261201, 20261231);
    flow_apply(f);
    assert_int_equal(rows_of(f, 1, rows), 1);
    assert_int_equal(rows[0].end, day_of(2026, 12, 31).number);
    assert_int_equal(flow_meta(f).integrations, 1);
}

static void
warns_under_a_replaced_number(void **state)
{
    struct flow_fixture *f = *state;
    struct integration rows[4];
    struct hot_mutation mutation = flow_mutation("SSINReplacement", flow_person(1));
    struct command *command;

    mutation.new_niss = flow_person(2).number;
    flow_publish_one(f, BIS, 1, mutation);
    command = flow_integrate(f, CPAS_A, flow_person(1), 2, 20261101, 0);
    flow_apply(f);
    assert_int_equal(command->integrate.results[0].verdict, VERDICT_WARNING);
    assert_int_equal(rows_of(f, 1, rows), 0);
    assert_int_equal(rows_of(f, 2, rows), 1);
    command = remove_of(f, CPAS_A, 1, 2, 20261101, 0);
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_int_equal(rows_of(f, 2, rows), 0);
}

static void
a_person_has_at_most_so_many(void **state)
{
    struct flow_fixture *f = *state;
    static struct integration rows[INTEGRATIONS_PER_PERSON_MAX + 4];
    struct day day = day_of(1940, 1, 1);
    struct command *command;

    for (int i = 0; i < INTEGRATIONS_PER_PERSON_MAX; i += 1000) {
        struct integrate_request item;

        command = flow_integrate(f, CPAS_A, flow_person(1), 2, 20261101, 0);
        item = command->integrate.items[0];
        free(command->integrate.items);
        command->integrate.items = xcalloc(1000, sizeof item);
        command->integrate.items_len = 1000;
        for (size_t j = 0; j < 1000; j++) { // three days each, none touches another
            item.begin = day_number(day);
            item.end = day_number(day_add_days(day, 2));
            command->integrate.items[j] = item;
            day = day_add_days(day, 4);
        }
        flow_apply(f);
        assert_int_equal(command->integrate.results[999].verdict, VERDICT_YES);
    }
    assert_int_equal(rows_of(f, 1, rows), INTEGRATIONS_PER_PERSON_MAX);
    command = flow_integrate(f, CPAS_A, flow_person(1), 4, 20261101, 0);
    flow_apply(f);
    assert_int_equal(command->integrate.results[0].faults->fault[0].status, VG_TOO_MANY);
    for (int i = 0; i < 4; i++) { // the middle day: one row would become two
        command = remove_of(f, CPAS_A, 1, 2, 19400102, 19400102);
        flow_apply(f);
        assert_int_equal(command->status, VG_TOO_MANY);
        assert_int_equal(rows_of(f, 1, rows), INTEGRATIONS_PER_PERSON_MAX);
    }
    command = remove_of(f, CPAS_A, 1, 2, 19400101, 19400103);
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_int_equal(rows_of(f, 1, rows), INTEGRATIONS_PER_PERSON_MAX - 1);
    assert_int_equal(flow_meta(f).integrations, INTEGRATIONS_PER_PERSON_MAX - 1);
}

// ---- remove ----

static void
removes_and_splits(void **state)
{
    struct flow_fixture *f = *state;
    struct integration rows[4];
    struct command *command;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 1, 9);
    command = remove_of(f, CPAS_A, 1, 2, 20261201, 20261231);
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_int_equal(rows_of(f, 1, rows), 3);
    assert_int_equal(flow_meta(f).integrations, 3);
    assert_int_equal(last_line(f).act, ACT_REMOVE);
    command = remove_of(f, CPAS_A, 1, 2, 20200101, 0);
    flow_apply(f);
    assert_int_equal(rows_of(f, 1, rows), 1);
    assert_int_equal(rows[0].institution, CPAS_B);
    remove_of(f, CPAS_B, 1, 9, 20200101, 0);
    flow_apply(f);
    assert_int_equal(rows_of(f, 1, rows), 0);
    assert_int_equal(flow_meta(f).integrations, 0);
    assert_int_equal(flow_meta(f).persons, 0);
}

static void
removes_nothing_of_others(void **state)
{
    struct flow_fixture *f = *state;
    struct integration rows[4];
    struct command *command, *faulty;

    flow_follow(f, CPAS_A, 1, 2);
    command = remove_of(f, CPAS_B, 1, 2, 20200101, 0);
    faulty = remove_of(f, CPAS_A, 1, 77, 20269901, 0);
    flow_apply(f);
    assert_int_equal(command->status, VG_NOT_FOUND);
    assert_int_equal(faulty->faults->total, 2);
    assert_int_equal(faulty->status, VG_UNKNOWN_QUALITY);
    assert_int_equal(rows_of(f, 1, rows), 1);
    assert_int_equal(last_line(f).status, VG_UNKNOWN_QUALITY);
}

// What was matched before stays: it was lawful when it was sent.
static void
a_removal_takes_no_letter_back(void **state)
{
    struct flow_fixture *f = *state;

    flow_follow(f, CPAS_A, 1, 2);
    flow_publish_one(f, RN, 1, flow_address(1));
    remove_of(f, CPAS_A, 1, 2, 20200101, 0);
    flow_publish_one(f, RN, 2, flow_address(1));
    flow_apply(f);
    assert_int_equal(flow_row(f, CPAS_A).last, 1);
}

// ---- consult ----

static void
consults_each_level(void **state)
{
    struct flow_fixture *f = *state;
    struct command *all, *primary, *secondary, *nobody;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 1, 9);
    flow_follow(f, MUTUALITY, 1, 1);
    primary = consult(f, flow_person(1), CONSULT_PRIMARY);
    secondary = consult(f, flow_person(1), CONSULT_SECONDARY);
    all = consult(f, flow_person(1), CONSULT_ALL);
    nobody = consult(f, flow_person(2), CONSULT_ALL);
    flow_apply(f);
    assert_int_equal(primary->integrations_len, 2); // sectors
    assert_int_equal(primary->integrations[0].sector, 10);
    assert_int_equal(primary->integrations[0].institution, 0);
    assert_int_equal(primary->integrations[1].sector, 17);
    assert_int_equal(primary->integrations[1].quality, 0);
    assert_int_equal(primary->integrations[1].end, day_of(2031, 11, 1).number);
    assert_int_equal(secondary->integrations_len, 2); // CPAS
    assert_int_equal(secondary->integrations[0].institution, CPAS_A);
    assert_int_equal(secondary->integrations[1].institution, CPAS_B);
    assert_int_equal(all->integrations_len, 4);
    assert_int_equal(nobody->integrations_len, 0);
    assert_int_equal(nobody->status, VG_OK);
    assert_int_equal(last_line(f).act, ACT_CONSULT);
    assert_int_equal(last_line(f).ticket, nobody->ticket);
    assert_int_equal(primary->ticket + 3, nobody->ticket);
}

static void
consulting_needs_number_and_proof(void **state)
{
    struct flow_fixture *f = *state;
    struct command *no_proof, *bad, *both;

    flow_follow(f, CPAS_A, 1, 2);
    no_proof = consult(f, flow_person(1), CONSULT_ALL);
    no_proof->consult.proof.birth_date = 0;
    bad = consult(f, flow_person(1), CONSULT_ALL);
    bad->consult.niss = 99999999999;
    both = consult(f, flow_person(1), CONSULT_ALL);
    both->consult.niss = UINT64_MAX;
    both->consult.proof.birth_date = 0;
    flow_apply(f);
    assert_int_equal(no_proof->status, VG_PROOF_MISSING);
    assert_int_equal(no_proof->integrations_len, 0);
    assert_int_equal(bad->status, VG_BAD_NISS);
    assert_int_equal(bad->faults->total, 1);
    assert_int_equal(both->faults->total, 2);
    assert_true(no_proof->ticket > 0); // the attempt is in the journal
    assert_int_equal(last_line(f).status, VG_BAD_NISS);
}

static void
fictitious_people_must_be_switched_on(void **state)
{
    struct flow_fixture *f = *state;
    struct command *asked, *told, *integrated;

    flow_follow(f, CPAS_A, 1, 2);
    asked = consult(f, flow_person(1), CONSULT_ALL);
    told = history(f, 1);
    integrated = flow_integrate(f, CPAS_A, flow_person(1), 4, 20261101, 0);
    f->next->test_persons = false;
    flow_apply(f);
    assert_int_equal(asked->status, VG_TEST_PERSON);
    assert_int_equal(asked->integrations_len, 0);
    assert_int_equal(told->status, VG_TEST_PERSON);
    assert_int_equal(told->history.chain_len, 0);
    assert_int_equal(integrated->integrate.results[0].faults->fault[0].status,
                     VG_TEST_PERSON);
}

// ---- history ----

static void
replace(struct flow_fixture *f, uint64_t number, int old, int new)
{
    struct hot_mutation mutation = flow_mutation("SSINReplacement", flow_person(old));

    mutation.new_niss = flow_person(new).number;
    flow_publish_one(f, BIS, number, mutation);
}

static void
history_is_whole_from_any_number(void **state)
{
    struct flow_fixture *f = *state;
    static const int expected[] = {1, 2, 5, 3, 4};

    replace(f, 1, 1, 2);
    replace(f, 2, 2, 3);
    replace(f, 3, 5, 3); // a second number of the same person
    flow_apply(f);
    replace(f, 4, 3, 4);
    flow_apply(f);
    flow_reopen(f);
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        struct command *command = history(f, expected[i]);

        flow_apply(f);
        assert_int_equal(command->status, VG_OK);
        assert_int_equal(command->history.chain_len, ARRAY_LEN(expected));
        for (size_t j = 0; j < ARRAY_LEN(expected); j++) {
            assert_int_equal(command->history.chain[j], flow_person(expected[j]).number);
        }
        assert_int_equal(last_line(f).act, ACT_HISTORY);
        assert_int_equal(last_line(f).ticket, command->ticket);
    }
}

static void
history_of_a_number_never_replaced_is_itself(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command = history(f, 1);
    struct command *bad = history(f, 1);

    bad->history.niss = 66041066601;
    flow_apply(f);
    assert_int_equal(command->history.chain_len, 1);
    assert_int_equal(command->history.chain[0], flow_person(1).number);
    assert_int_equal(bad->status, VG_BAD_NISS);
    assert_int_equal(bad->history.chain_len, 0);
}

// ---- what stops a whole request ----

static void
refuses_without_room_catalogue_or_institution(void **state)
{
    struct flow_fixture *f = *state;
    struct flow_fixture *bare = flow_begin();
    struct command *integrated =
        flow_integrate(f, CPAS_A, flow_person(1), 2, 20261101, 0);
    struct command *removed = remove_of(f, CPAS_A, 1, 2, 20261101, 0);
    struct command *asked = consult(f, flow_person(1), CONSULT_ALL);
    struct command *stranger;

    f->next->no_room = true;
    flow_apply(f);
    assert_int_equal(integrated->status, VG_STORE_FULL);
    assert_null(integrated->integrate.results);
    assert_int_equal(removed->status, VG_STORE_FULL);
    assert_int_equal(asked->status, VG_OK);
    stranger = flow_integrate(f, 999, flow_person(1), 2, 20261101, 0);
    flow_apply(f);
    assert_int_equal(stranger->status, VG_NOT_FOUND);
    integrated = flow_integrate(bare, CPAS_A, flow_person(1), 2, 20261101, 0);
    flow_apply(bare);
    assert_int_equal(integrated->status, VG_BUSY);
    assert_int_equal(flow_meta(bare).last_commit, 0);
    flow_end(bare);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(integrates_on_disk_with_a_ticket),
        FLOW_TEST(tells_the_end_that_was_given),
        FLOW_TEST(tells_all_faults_at_once_and_changes_nothing),
        FLOW_TEST(good_items_are_done_beside_refused_ones),
        FLOW_TEST(only_one_pays),
        FLOW_TEST(shows_what_overlaps),
        FLOW_TEST(shows_some_and_counts_all),
        FLOW_TEST(integrating_again_is_one_row),
        FLOW_TEST(warns_under_a_replaced_number),
        FLOW_TEST(a_person_has_at_most_so_many),
        FLOW_TEST(removes_and_splits),
        FLOW_TEST(removes_nothing_of_others),
        FLOW_TEST(a_removal_takes_no_letter_back),
        FLOW_TEST(consults_each_level),
        FLOW_TEST(consulting_needs_number_and_proof),
        FLOW_TEST(fictitious_people_must_be_switched_on),
        FLOW_TEST(history_is_whole_from_any_number),
        FLOW_TEST(history_of_a_number_never_replaced_is_itself),
        FLOW_TEST(refuses_without_room_catalogue_or_institution),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
