// SPDX-License-Identifier: EUPL-1.2
// Goal: what deploy/README.md shows of `vigie journal person` is what it says, word by word, and
// it says no whole person number.
// Method: five questions that a person may ask, each played against a store of its own on a fixed
// day; every answer must stand in that page (page.h).
#include "flow_fixture.h"

#include "flow/knew_words.h"
#include "page.h"

enum { ANDERLECHT = INSTITUTIONS, NAMUR, GENT, MONTHS = 6 };

#define DAY_US (INT64_C(24) * 3600 * 1000000)

static struct buffer text;

// ---- given ----

static void
add_cpas(struct flow_fixture *f, const char *code, const char *name)
{
    struct command *command = flow_add_institution(f, code, SECTOR_CPAS);

    snprintf(command->add_institution.institution.name, INSTITUTION_NAME_LEN, "%s", name);
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
}

static int
open_towns(void **state)
{
    struct flow_fixture *f;

    assert_int_equal(flow_setup(state), 0);
    f = *state;
    add_cpas(f, "CPAS-21001", "CPAS of Anderlecht");
    add_cpas(f, "CPAS-92094", "CPAS of Namur");
    add_cpas(f, "CPAS-44021", "CPAS of Gent");
    return 0;
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

static void
publish(struct flow_fixture *f, uint32_t source, struct hot_mutation mutation)
{
    flow_publish_one(f, source, flow_producer(f, source, 1).last_number + 1, mutation);
    flow_apply(f);
    assert_int_equal(f->done->count.refused, 0);
}

// All that lies in the mailbox.
static void
acknowledge(struct flow_fixture *f, uint32_t mailbox)
{
    struct mailbox_row row = flow_row(f, mailbox);
    struct command *command = flow_command(f, COMMAND_ACKNOWLEDGE, mailbox);

    command->acknowledge.mailbox = mailbox;
    command->acknowledge.through = row.last;
    command->acknowledge.through_bytes = row.bytes_total;
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_int_equal(flow_row(f, mailbox).acknowledged, row.last);
}

// ---- when he asks ----

static void
search(struct flow_fixture *f, struct knew *knew)
{
    bool done = false;

    while (!done) {
        assert_int_equal(knew_search(knew, flow_view(f), &done, &f->why), VG_OK);
    }
}

static void
tell(struct flow_fixture *f, int person)
{
    struct command *command = flow_command(f, COMMAND_KNEW, 0);
    struct roster *roster = applier_roster(f->applier);
    struct grounds *grounds = grounds_new();
    struct knew_words words = {
        .roster = roster, .grounds = grounds, .catalogue = applier_catalogue(f->applier)};
    struct knew *knew;

    command->knew.history.niss = flow_person(person).number;
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    words.since = day_add_months(command->knew.today, -MONTHS);
    knew = knew_open(&command->knew, MONTHS);
    search(f, knew);
    words.txn = flow_view(f);
    buffer_clear(&text);
    knew_words(&words, knew, &text);
    knew_free(&knew);
    grounds_free(&grounds);
    roster_free(&roster);
}

static bool
says(const char *words)
{
    return memmem(text.at, text.len, words, strlen(words)) != NULL;
}

// Then the page shows it, and nowhere his whole number.
static void
then_the_page_shows_it(void)
{
    char niss[NISS_MASK_LEN];

    niss_print(flow_person(1), niss);
    assert_false(says(niss));
    niss_print(flow_person(2), niss);
    assert_false(says(niss));
    assert_stands_in_the_page(&text);
}

// ---- five questions ----

static void
who_knows_that_i_moved(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation move = flow_mutation("notifyPerson", flow_person(1));

    follow(f, ANDERLECHT, 4, 20260901, 20270831);
    follow(f, GENT, 11, 20260101, 0); // a supervisor gets no such message
    flow_field(&move, "020", "Rue Haute 1");
    publish(f, RN, move);
    acknowledge(f, ANDERLECHT);
    tell(f, 1);
    then_the_page_shows_it();
}

static void
who_was_told_of_his_death(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation death = flow_mutation("notifyPerson", flow_person(1));

    follow(f, ANDERLECHT, 2, 20260901, 20270831);
    follow(f, NAMUR, 30, 20260301, 20270228); // a debtor's death is not told
    flow_field(&death, "150", "Namur 20261119");
    publish(f, RN, death);
    acknowledge(f, ANDERLECHT);
    tell(f, 1);
    then_the_page_shows_it();
}

static void
what_was_said_under_the_number_i_had(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation replacement = flow_mutation("SSINReplacement", flow_person(1));
    struct hot_mutation move = flow_mutation("notifyPerson", flow_person(2));

    follow(f, ANDERLECHT, 4, 20260901, 20270831);
    replacement.new_niss = flow_person(2).number;
    publish(f, BIS, replacement);
    flow_field(&move, "020", "Rue Haute 1");
    publish(f, RN, move);
    acknowledge(f, ANDERLECHT);
    tell(f, 2);
    then_the_page_shows_it();
}

static void
what_does_my_creditor_know(void **state)
{
    struct flow_fixture *f = *state;

    follow(f, NAMUR, 30, 20260301, 20270228);
    publish(f, RN, flow_address(1));
    acknowledge(f, NAMUR);
    tell(f, 1);
    then_the_page_shows_it();
}

static void
did_they_ever_read_it(void **state)
{
    struct flow_fixture *f = *state;

    follow(f, ANDERLECHT, 2, 20260901, 20270831);
    publish(f, RN, flow_address(1));
    f->now_us += 30 * DAY_US;
    tell(f, 1);
    then_the_page_shows_it();
}

// ---- and what the page has no room for ----

static void
says_when_nobody_did(void **state)
{
    struct flow_fixture *f = *state;

    tell(f, 1);
    assert_true(says("WHO RECEIVED WHAT\n\nnobody, in this time\n"));
    assert_true(says("WHO ASKED\n\nnobody, in this time\n"));
    tell(f, 1);
    assert_true(says("the administrator of this broker\n  asked who received data"));
}

static void
says_what_the_broker_told_itself_and_who_asked_in_vain(void **state)
{
    struct flow_fixture *f = *state;
    struct command *remove;

    flow_integrate(f, ANDERLECHT, flow_person(1), 1, 20261120, 0);
    flow_apply(f);
    f->now_us = flow_noon(2027, 1, 6); // two weeks before its end
    flow_command(f, COMMAND_LAPSE, 0);
    remove = flow_command(f, COMMAND_REMOVE, NAMUR);
    remove->remove.institution = NAMUR;
    remove->remove.request = (struct remove_request){
        .niss = flow_person(1).number, .quality = 30, .begin = 20261101};
    flow_apply(f);
    assert_int_not_equal(remove->status, VG_OK);
    tell(f, 1);
    assert_true(says("IntegrationEnds: an integration of the institution ends soon\n"
                     "  published by VIGIE, ticket "));
    assert_true(says("CPAS-92094 (CPAS of Namur)\n  asked to follow him no more as 030"));
    assert_true(says(": refused, NOT_FOUND (there is no such thing)\n"));
}

static int
free_text(void **state)
{
    (void)state;
    buffer_free(&text);
    return 0;
}

#define TOWNS_TEST(name) cmocka_unit_test_setup_teardown(name, open_towns, flow_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TOWNS_TEST(who_knows_that_i_moved),
        TOWNS_TEST(who_was_told_of_his_death),
        TOWNS_TEST(what_was_said_under_the_number_i_had),
        TOWNS_TEST(what_does_my_creditor_know),
        TOWNS_TEST(did_they_ever_read_it),
        TOWNS_TEST(says_when_nobody_did),
        TOWNS_TEST(says_what_the_broker_told_itself_and_who_asked_in_vain),
    };

    return cmocka_run_group_tests(tests, NULL, free_text);
}
