// SPDX-License-Identifier: EUPL-1.2
// Goal: what deploy/README.md shows of `vigie explain` is what it says, word by word.
// Method: five telephone calls to an administrator, each played against a store of its own on
// a fixed day; every answer must stand in that page (page.h).
#include "flow_fixture.h"

#include "flow/explain.h"
#include "page.h"

enum { ANDERLECHT = INSTITUTIONS, NAMUR, GENT };

static struct buffer text;
static struct why why;

static void
add_cpas(struct flow_fixture *f, const char *code, const char *name)
{
    struct command *command = flow_add_institution(f, code, SECTOR_CPAS);

    snprintf(command->add_institution.institution.name, INSTITUTION_NAME_LEN, "%s", name);
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
}

static void
add_towns(struct flow_fixture *f)
{
    add_cpas(f, "CPAS-21001", "CPAS of Anderlecht");
    add_cpas(f, "CPAS-92094", "CPAS of Namur");
    add_cpas(f, "CPAS-44021", "CPAS of Gent");
}

static void
follow(struct flow_fixture *f, uint32_t institution, uint32_t quality, uint32_t begin,
       uint32_t end)
{
    struct command *command =
        flow_integrate(f, institution, flow_person(1), quality, begin, end);

    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_true(command->integrate.results[0].verdict != VERDICT_NO);
}

static uint64_t
publish(struct flow_fixture *f, struct hot_mutation mutation)
{
    flow_publish_one(f, RN, flow_producer(f, RN, 1).last_number + 1, mutation);
    flow_apply(f);
    return flow_meta(f).last_sequence;
}

static void
tell_ticket(struct flow_fixture *f, uint64_t ticket, uint32_t only)
{
    struct roster *roster = applier_roster(f->applier);
    struct explain_past question = {
        .catalogue = applier_catalogue(f->applier),
        .roster = roster,
        .only = only == NOBODY ? NULL : roster_institution(roster, only),
        .ticket = ticket,
    };

    buffer_clear(&text);
    assert_int_equal(explain_ticket(flow_view(f), &question, &text, &why), VG_OK);
    roster_free(&roster);
    assert_stands_in_the_page(&text);
}

static void
why_did_we_get_only_the_address(void **state)
{
    struct flow_fixture *f = *state;

    add_towns(f);
    follow(f, ANDERLECHT, 2, 20260901, 20270831);
    follow(f, NAMUR, 30, 20260301, 20270228);
    tell_ticket(f, publish(f, flow_address(1)), NAMUR);
}

static void
why_did_we_get_nothing(void **state)
{
    struct flow_fixture *f = *state;

    add_towns(f);
    follow(f, ANDERLECHT, 2, 20260901, 20270831);
    follow(f, GENT, 11, 20260101, 0);
    follow(f, GENT, 4, 20250901, 20260831);
    tell_ticket(f, publish(f, flow_address(1)), GENT);
}

static void
we_got_it_and_do_not_know_him(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command;
    uint64_t ticket;

    add_towns(f);
    follow(f, ANDERLECHT, 4, 20260901, 20270831);
    ticket = publish(f, flow_address(1));
    command = flow_command(f, COMMAND_REMOVE, ANDERLECHT);
    command->remove.institution = ANDERLECHT;
    command->remove.request = (struct remove_request){
        .niss = flow_person(1).number, .quality = 4, .begin = 20200101};
    flow_apply(f);
    tell_ticket(f, ticket, ANDERLECHT);
}

static void
nobody_was_told_of_a_death(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation death = flow_mutation("notifyPerson", flow_person(1));

    add_towns(f);
    follow(f, NAMUR, 30, 20260301, 20270228);
    flow_field(&death, "150", "Namur 20261119");
    tell_ticket(f, publish(f, death), NOBODY);
}

static void
what_became_of_number_one(void **state)
{
    struct flow_fixture *f = *state;
    struct roster *roster = applier_roster(f->applier);
    struct hot_mutation wrong = flow_address(1);

    wrong.niss += 1; // the check digits
    flow_publish_one(f, RN, 1, wrong);
    flow_apply(f);
    buffer_clear(&text);
    assert_int_equal(
        explain_refused(flow_view(f), roster_institution(roster, RN), 1, 1, &text, &why),
        VG_OK);
    roster_free(&roster);
    assert_stands_in_the_page(&text);
}

static int
free_text(void **state)
{
    (void)state;
    buffer_free(&text);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(why_did_we_get_only_the_address), FLOW_TEST(why_did_we_get_nothing),
        FLOW_TEST(we_got_it_and_do_not_know_him),   FLOW_TEST(nobody_was_told_of_a_death),
        FLOW_TEST(what_became_of_number_one),
    };

    return cmocka_run_group_tests(tests, NULL, free_text);
}
