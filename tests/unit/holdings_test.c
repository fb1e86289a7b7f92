// SPDX-License-Identifier: EUPL-1.2
// Goal: what an institution holds is found whole, once and as it stands, whatever the slices;
// nobody else's, nothing outside what was asked; a merged one's is its successor's.
// Method: integrations are made and removed on a real store; walks with slices of every size
// are compared with a plain list.
#include "flow_fixture.h"

#include "flow/holdings.h"

enum { PERSONS = 40, ALL = 100000 };

static struct holdings_question
question_of(uint32_t institution)
{
    return (struct holdings_question){.institutions = {institution},
                                      .institutions_len = 1,
                                      .since = DAY_EVER,
                                      .through = {UINT64_MAX},
                                      .rows = true};
}

// As far as the question goes, in slices of so many persons. Gives: holdings_free.
static struct holdings *
walk(struct flow_fixture *f, const struct holdings_question *question, size_t slice)
{
    struct holdings *holdings = holdings_open(question);
    struct roster *roster = applier_roster(f->applier);
    bool done = false;

    while (!done) {
        uint64_t before = holdings_looked(holdings);

        assert_int_equal(holdings_step(holdings, flow_view(f), roster, slice, &done),
                         VG_OK);
        assert_in_range(holdings_looked(holdings) - before, 0, slice);
    }
    roster_free(&roster);
    return holdings;
}

static size_t
found(const struct holdings *holdings)
{
    size_t sums_len = 0, rows_len = 0, sum = 0;
    const struct holdings_sum *sums = holdings_sums(holdings, &sums_len);
    const struct holdings_row *rows = holdings_rows(holdings, &rows_len);

    for (size_t i = 0; i < sums_len; i++) {
        struct digest digest = {0};

        for (size_t k = 0; k < rows_len; k++) {
            const struct integration *row = &rows[k].integration;

            if (row->institution == sums[i].institution &&
                row->quality == sums[i].quality) {
                digest_add(&digest,
                           &(struct digest_line){rows[k].niss.number, row->quality,
                                                 day_number((struct day){row->begin}),
                                                 day_number((struct day){row->end})});
            }
        }
        assert_true(digest_is_equal(&digest, &sums[i].digest));
        sum += sums[i].digest.count;
    }
    assert_int_equal(sum, rows_len);
    return rows_len;
}

static size_t
count(struct flow_fixture *f, const struct holdings_question *question, size_t slice)
{
    struct holdings *holdings = walk(f, question, slice);
    size_t len = found(holdings);

    holdings_free(&holdings);
    return len;
}

// A holds a quality 2 of everybody, B a 7 of every other one.
static void
follow_many(struct flow_fixture *f)
{
    for (int i = 0; i < PERSONS; i++) {
        flow_integrate(f, CPAS_A, flow_person(i), 2, 20261101, 20261130);
        if (i % 2 == 0) {
            flow_integrate(f, CPAS_B, flow_person(i), 7, 20261101, 20270131);
        }
    }
    flow_apply(f);
}

static void
finds_all_of_one_and_nobody_elses(void **state)
{
    static const size_t slices[] = {1, 2, 7, PERSONS - 1, PERSONS, PERSONS + 1, ALL};
    struct flow_fixture *f = *state;
    struct holdings_question a = question_of(CPAS_A), b = question_of(CPAS_B);
    struct holdings_question none = question_of(CPAS_C), both = a;

    assert_int_equal(count(f, &a, 1), 0); // an empty directory
    follow_many(f);
    both.institutions[both.institutions_len++] = CPAS_B;
    for (size_t i = 0; i < ARRAY_LEN(slices); i++) {
        assert_int_equal(count(f, &a, slices[i]), PERSONS);
        assert_int_equal(count(f, &b, slices[i]), PERSONS / 2);
        assert_int_equal(count(f, &none, slices[i]), 0);
        assert_int_equal(count(f, &both, slices[i]), PERSONS + PERSONS / 2);
    }
}

static void
tells_each_integration_as_it_stands(void **state)
{
    struct flow_fixture *f = *state;
    struct holdings_question a = question_of(CPAS_A);
    struct command *command;
    struct holdings *holdings;
    const struct holdings_row *rows;
    size_t len = 0;

    flow_integrate(f, CPAS_A, flow_person(1), 2, 20261101, 20261130);
    flow_apply(f);
    command = flow_command(f, COMMAND_REMOVE, CPAS_A);
    command->remove = (struct remove_command){
        CPAS_A, {.niss = flow_person(1).number, .quality = 2, .begin = 20261116}};
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    holdings = walk(f, &a, ALL);
    rows = holdings_rows(holdings, &len);
    assert_int_equal(len, 1);
    assert_int_equal(rows[0].niss.number, flow_person(1).number);
    assert_int_equal(day_number((struct day){rows[0].integration.begin}), 20261101);
    assert_int_equal(day_number((struct day){rows[0].integration.end}), 20261115);
    assert_int_equal(holdings_next(holdings).number, 0);
    holdings_free(&holdings);
}

static void
leaves_out_what_was_not_asked_for(void **state)
{
    struct flow_fixture *f = *state;
    struct holdings_question b = question_of(CPAS_B);

    follow_many(f);
    b.quality = 2;
    assert_int_equal(count(f, &b, 3), 0);
    b.quality = 7;
    assert_int_equal(count(f, &b, 3), PERSONS / 2);
    b.since = day_of(2027, 1, 31); // their last day
    assert_int_equal(count(f, &b, 3), PERSONS / 2);
    b.since = day_of(2027, 2, 1);
    assert_int_equal(count(f, &b, 3), 0);
    b.since = DAY_EVER;
    b.from = b.through = flow_person(4);
    assert_int_equal(count(f, &b, 3), 1);
    b.from.number++;
    b.through.number = b.from.number;
    assert_int_equal(count(f, &b, 3), 0);
}

static void
ends_after_a_person_and_goes_on_behind_him(void **state)
{
    struct flow_fixture *f = *state;
    struct holdings_question both = question_of(CPAS_A);
    struct niss last = {0};
    size_t sum = 0, parts = 0;

    follow_many(f);
    both.institutions[both.institutions_len++] = CPAS_B;
    both.max = 3;
    do {
        struct holdings *holdings = walk(f, &both, 2);
        size_t len = 0;
        const struct holdings_row *rows = holdings_rows(holdings, &len);

        for (size_t i = 0; i < len; i++) {
            assert_true(rows[i].niss.number >= both.from.number);
            assert_true(rows[i].niss.number >= last.number);
            last = rows[i].niss;
        }
        assert_in_range(found(holdings), 0,
                        4); // one more than asked for: the last has two
        sum += len;
        parts++;
        both.from = holdings_next(holdings);
        assert_true(both.from.number == 0 || both.from.number > last.number);
        holdings_free(&holdings);
    } while (both.from.number != 0);
    assert_int_equal(sum, PERSONS + PERSONS / 2);
    assert_true(parts >= sum / 4);
}

static void
what_was_merged_is_the_successors(void **state)
{
    struct flow_fixture *f = *state;
    struct holdings_question a = question_of(CPAS_A), c = question_of(CPAS_C);
    struct command *command;
    struct holdings *holdings;
    size_t len = 0;

    flow_integrate(f, CPAS_A, flow_person(1), 2, 20261101, 20261115);
    flow_integrate(f, CPAS_C, flow_person(1), 2, 20261116, 20261130);
    flow_integrate(f, CPAS_B, flow_person(1), 2, 20261120, 20261125);
    flow_apply(f);
    command = flow_command(f, COMMAND_MERGE, 0);
    command->merge = (struct merge_command){
        {CPAS_A}, 1, CPAS_C, day_in_brussels((struct instant){f->now_us})};
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    flow_command(f, COMMAND_FOLD, 0); // the first batch of its day
    flow_apply(f);
    assert_int_equal(count(f, &a, 1), 0);
    holdings = walk(f, &c, 1);
    assert_int_equal(found(holdings), 1); // they touch: one
    assert_int_equal(
        day_number((struct day){holdings_rows(holdings, &len)->integration.begin}),
        20261101);
    holdings_free(&holdings);
}

static void
the_general_level_knows_each_person_once(void **state)
{
    struct flow_fixture *f = *state;
    struct holdings_question sector = question_of(0);
    struct holdings *holdings;
    const struct holdings_row *rows;
    size_t len = 0;

    follow_many(f);
    flow_integrate(f, MUTUALITY, flow_person(900), 1, 20261101, 20261102);
    flow_integrate(f, CPAS_C, flow_person(0), 7, 20261105,
                   20261106); // within another one
    flow_apply(f);
    sector.institutions_len = 0;
    sector.sector = SECTOR_CPAS;
    holdings = walk(f, &sector, 5);
    rows = holdings_rows(holdings, &len);
    assert_int_equal(found(holdings), PERSONS);
    for (size_t i = 0; i < len; i++) {
        bool of_two = i % 2 == 0;

        assert_int_equal(rows[i].integration.institution, 0);
        assert_int_equal(rows[i].integration.quality, 0);
        assert_int_equal(day_number((struct day){rows[i].integration.begin}), 20261101);
        assert_int_equal(day_number((struct day){rows[i].integration.end}),
                         of_two ? 20270131 : 20261130);
    }
    holdings_free(&holdings);
    sector.since = day_of(2027, 1, 1);
    assert_int_equal(count(f, &sector, 5), PERSONS / 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(finds_all_of_one_and_nobody_elses),
        FLOW_TEST(tells_each_integration_as_it_stands),
        FLOW_TEST(leaves_out_what_was_not_asked_for),
        FLOW_TEST(ends_after_a_person_and_goes_on_behind_him),
        FLOW_TEST(what_was_merged_is_the_successors),
        FLOW_TEST(the_general_level_knows_each_person_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
