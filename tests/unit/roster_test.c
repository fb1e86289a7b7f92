// SPDX-License-Identifier: EUPL-1.2
// Goal: whatever is put into a roster is found again, in order, and an institution is never
// without a mailbox.
// Method: a few institutions by hand for each promise; some thousands, shuffled, for order.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// Before cmocka.h, which makes a macro of the word fail.
#include "rules/roster.h"

#include <cmocka.h>

enum { MANY = 3001 }; // a prime: every step walks through all

static struct institution
institution(uint32_t id, const char *code)
{
    struct institution institution = {.id = id, .sector = SECTOR_CPAS, .number = id};

    snprintf(institution.code, sizeof institution.code, "%s", code);
    snprintf(institution.name, sizeof institution.name, "name of %s", code);
    return institution;
}

static struct mailbox_spec
mailbox(uint32_t id, uint32_t owner, const char *name)
{
    struct mailbox_spec mailbox = {.id = id, .institution = owner};

    snprintf(mailbox.name, sizeof mailbox.name, "%s", name);
    return mailbox;
}

static void
put(struct roster *roster, uint32_t id, const char *code)
{
    struct institution row = institution(id, code);

    roster_put(roster, &row);
}

static void
put_mailbox(struct roster *roster, uint32_t id, uint32_t owner, const char *name)
{
    struct mailbox_spec row = mailbox(id, owner, name);

    roster_put_mailbox(roster, &row);
}

static void
assert_mailboxes(const struct roster *roster, uint32_t owner, const uint32_t *ids,
                 size_t ids_len)
{
    const struct mailbox_spec *const *mailboxes = NULL;

    assert_int_equal(roster_mailboxes(roster, owner, &mailboxes), ids_len);
    for (size_t i = 0; i < ids_len; i++) {
        assert_int_equal(mailboxes[i]->id, ids[i]);
        assert_int_equal(mailboxes[i]->institution, owner);
    }
}

static void
knows_nobody_at_first(void **state)
{
    AUTO(roster_free) struct roster *roster = roster_new();
    const struct mailbox_spec *const *mailboxes = NULL;

    (void)state;
    assert_int_equal(roster_len(roster), 0);
    assert_int_equal(roster_mailboxes_len(roster), 0);
    assert_null(roster_at(roster, 0));
    assert_null(roster_institution(roster, 0));
    assert_null(roster_institution(roster, 1));
    assert_null(roster_by_code(roster, bytes_of("RN")));
    assert_null(roster_by_code(roster, bytes_of("")));
    assert_null(roster_mailbox(roster, 1));
    assert_null(roster_mailbox_at(roster, 0));
    assert_int_equal(roster_mailboxes(roster, 1, &mailboxes), 0);
}

static void
the_broker_itself_is_a_source_and_no_institution(void **state)
{
    struct roster *roster = roster_new();
    (void)state;

    put(roster, 7, "CPAS-A");
    assert_string_equal(roster_source(roster, 7)->code, "CPAS-A");
    assert_string_equal(roster_source(roster, 0)->code, BROKER_CODE);
    assert_int_equal(roster_source(roster, 0)->sector, SECTOR_VIGIE);
    assert_null(roster_source(roster, 8));
    assert_null(roster_institution(roster, 0));
    assert_null(roster_by_code(roster, bytes_of(BROKER_CODE)));
    roster_free(&roster);
}

static void
gives_each_institution_a_default_mailbox(void **state)
{
    AUTO(roster_free) struct roster *roster = roster_new();

    (void)state;
    put(roster, 1, "RN");
    assert_mailboxes(roster, 1, (uint32_t[]){1}, 1);
    assert_string_equal(roster_mailbox(roster, 1)->name, "default");
    assert_int_equal(roster_mailbox(roster, 1)->choices_len, 0);
    assert_int_equal(roster_mailboxes_len(roster), 1);
}

static void
keeps_a_default_mailbox_that_was_put(void **state)
{
    AUTO(roster_free) struct roster *roster = roster_new();
    struct mailbox_spec chosen = mailbox(1, 1, "default");

    (void)state;
    put(roster, 1, "CPAS-1");
    chosen.choices_len = 1;
    chosen.choices[0] = (struct choice){.flow = 7, .qualities = 4};
    roster_put_mailbox(roster, &chosen);
    put(roster, 1, "CPAS-ONE"); // a new name makes no new mailbox

    assert_mailboxes(roster, 1, (uint32_t[]){1}, 1);
    assert_int_equal(roster_mailbox(roster, 1)->choices_len, 1);
    assert_int_equal(roster_mailbox(roster, 1)->choices[0].flow, 7);
}

static void
lists_an_institutions_mailboxes_with_the_default_one_first(void **state)
{
    AUTO(roster_free) struct roster *roster = roster_new();

    (void)state;
    put(roster, 1, "A");
    put(roster, 2, "B");
    put_mailbox(roster, MAILBOX_EXTRA_FIRST + 3, 2, "third");
    put_mailbox(roster, MAILBOX_EXTRA_FIRST + 1, 2, "first");
    put_mailbox(roster, MAILBOX_EXTRA_FIRST + 2, 1, "second");

    assert_mailboxes(roster, 1, (uint32_t[]){1, MAILBOX_EXTRA_FIRST + 2}, 2);
    assert_mailboxes(
        roster, 2, (uint32_t[]){2, MAILBOX_EXTRA_FIRST + 1, MAILBOX_EXTRA_FIRST + 3}, 3);
    assert_int_equal(roster_mailboxes_len(roster), 5);
    assert_int_equal(roster_mailbox_at(roster, 0)->id, 1);
    assert_int_equal(roster_mailbox_at(roster, 4)->id, MAILBOX_EXTRA_FIRST + 3);
    assert_null(roster_mailbox_at(roster, 5));
}

// When CPAS merge, the mailboxes of the old ones go to the new one.
static void
moves_a_mailbox_to_another_institution(void **state)
{
    AUTO(roster_free) struct roster *roster = roster_new();

    (void)state;
    put(roster, 1, "A");
    put(roster, 2, "B");
    put(roster, 3, "D");
    put_mailbox(roster, MAILBOX_EXTRA_FIRST, 3, "more");
    put_mailbox(roster, 1, 3, "from A");
    put_mailbox(roster, 2, 3, "from B");

    assert_mailboxes(roster, 3, (uint32_t[]){3, 1, 2, MAILBOX_EXTRA_FIRST}, 4);
    assert_mailboxes(roster, 1, NULL, 0);
    assert_mailboxes(roster, 2, NULL, 0);
    put(roster, 1, "A-MERGED"); // its mailbox is elsewhere: no second one of that number
    assert_mailboxes(roster, 1, NULL, 0);
    assert_int_equal(roster_mailbox(roster, 1)->institution, 3);

    put_mailbox(roster, 3, 2, "lent");
    assert_mailboxes(roster, 3, (uint32_t[]){1, 2, MAILBOX_EXTRA_FIRST}, 3);
    put_mailbox(roster, 3, 3, "default"); // back where it is the default one
    assert_mailboxes(roster, 3, (uint32_t[]){3, 1, 2, MAILBOX_EXTRA_FIRST}, 4);
}

static void
finds_an_institution_by_its_code(void **state)
{
    AUTO(roster_free) struct roster *roster = roster_new();

    (void)state;
    put(roster, 1, "CPAS-1");
    put(roster, 2, "CPAS-10");
    put(roster, 3, "CPAS");
    assert_int_equal(roster_by_code(roster, bytes_of("CPAS-1"))->id, 1);
    assert_int_equal(roster_by_code(roster, bytes_of("CPAS-10"))->id, 2);
    assert_int_equal(roster_by_code(roster, bytes_of("CPAS"))->id, 3);
    assert_null(roster_by_code(roster, bytes_of("CPAS-")));
    assert_null(roster_by_code(roster, bytes_of("CPAS-100")));
    assert_null(roster_by_code(roster, bytes_of("cpas")));
    assert_null(roster_by_code(roster, (struct bytes){(const uint8_t *)"CPAS\0X", 6}));
}

static void
forgets_the_code_that_was_replaced(void **state)
{
    AUTO(roster_free) struct roster *roster = roster_new();

    (void)state;
    put(roster, 1, "OLD");
    put(roster, 2, "M");
    put(roster, 1, "NEW");
    assert_null(roster_by_code(roster, bytes_of("OLD")));
    assert_int_equal(roster_by_code(roster, bytes_of("NEW"))->id, 1);
    assert_string_equal(roster_institution(roster, 1)->name, "name of NEW");
    assert_int_equal(roster_len(roster), 2);
}

// When many change their codes, nobody gets lost among the old ones.
static void
finds_everybody_after_all_codes_were_replaced(void **state)
{
    enum { MEMBERS = 60 };
    AUTO(roster_free) struct roster *roster = roster_new();
    char code[INSTITUTION_CODE_LEN];

    (void)state;
    for (uint32_t id = 1; id <= MEMBERS; id++) {
        snprintf(code, sizeof code, "OLD-%02u", (unsigned)id);
        put(roster, id, code);
    }
    for (uint32_t id = 1; id <= MEMBERS; id++) {
        snprintf(code, sizeof code, "%c-%02u", id % 2 == 0 ? 'A' : 'Z',
                 (unsigned)(MEMBERS - id));
        put(roster, id, code);
        for (uint32_t other = 1; other <= MEMBERS; other++) {
            const struct institution *found = roster_institution(roster, other);

            assert_ptr_equal(roster_by_code(roster, bytes_of(found->code)), found);
        }
        snprintf(code, sizeof code, "OLD-%02u", (unsigned)id);
        assert_null(roster_by_code(roster, bytes_of(code)));
    }
}

// Steps of 1,000 through a prime number of ids: every one, in no order.
static struct roster *
crowd(void)
{
    struct roster *roster = roster_new();

    for (uint32_t i = 0, id = 0; i < MANY; i++, id = (id + 1000) % MANY) {
        char code[INSTITUTION_CODE_LEN];

        snprintf(code, sizeof code, "CPAS-%u", (unsigned)(id * 3 + 5));
        put(roster, id * 3 + 5, code); // ids with holes
        put_mailbox(roster, MAILBOX_EXTRA_FIRST + id, id * 3 + 5, "more");
    }
    return roster;
}

static void
assert_is_crowd(const struct roster *roster)
{
    assert_int_equal(roster_len(roster), MANY);
    assert_int_equal(roster_mailboxes_len(roster), 2 * MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t id = i * 3 + 5;
        char code[INSTITUTION_CODE_LEN];

        snprintf(code, sizeof code, "CPAS-%u", (unsigned)id);
        assert_int_equal(roster_at(roster, i)->id, id);
        assert_ptr_equal(roster_institution(roster, id), roster_at(roster, i));
        assert_ptr_equal(roster_by_code(roster, bytes_of(code)), roster_at(roster, i));
        assert_null(roster_institution(roster, id + 1));
        assert_int_equal(roster_mailbox_at(roster, i)->id, id);
        assert_int_equal(roster_mailbox_at(roster, MANY + i)->id,
                         MAILBOX_EXTRA_FIRST + i);
        assert_mailboxes(roster, id, (uint32_t[]){id, MAILBOX_EXTRA_FIRST + i}, 2);
    }
}

static void
keeps_thousands_in_order_whatever_order_they_come_in(void **state)
{
    AUTO(roster_free) struct roster *roster = crowd();

    (void)state;
    assert_is_crowd(roster);
}

static void
copies_everything_and_shares_nothing(void **state)
{
    AUTO(roster_free) struct roster *roster = crowd();
    AUTO(roster_free) struct roster *copy = roster_copy(roster);

    (void)state;
    put(roster, 5, "CHANGED");
    put_mailbox(roster, 5, 8, "moved");
    put(roster, 1, "MORE");
    assert_is_crowd(copy);
    assert_string_equal(roster_institution(roster, 5)->code, "CHANGED");
    roster_free(&roster);
    assert_null(roster);
    assert_is_crowd(copy);
}

static void
a_mailbox_without_choices_wants_everything(void **state)
{
    struct mailbox_spec box = mailbox(1, 1, "default");

    (void)state;
    assert_true(mailbox_wants(&box, 1, 2));
    assert_true(mailbox_wants(&box, 9, 0));
    assert_true(mailbox_wants(&box, 9, 300));
}

static void
a_mailbox_that_declines_a_flow_wants_all_others(void **state)
{
    struct mailbox_spec box = mailbox(1, 1, "default");

    (void)state;
    box.rules.unwanted_len = 1;
    box.rules.unwanted[0] = (struct unwanted){.flow = 1, .qualities = UINT64_C(1) << 7};
    assert_false(mailbox_wants(&box, 1, 7));
    assert_true(mailbox_wants(&box, 1, 2));
    assert_true(mailbox_wants(&box, 2, 7));
    box.choices_len = 1; // what was chosen and is declined is not wanted
    box.choices[0] = (struct choice){.flow = 1, .qualities = UINT64_MAX};
    assert_false(mailbox_wants(&box, 1, 7));
    assert_true(mailbox_wants(&box, 1, 2));
    assert_false(mailbox_wants(&box, 2, 7));
}

static void
a_mailbox_with_choices_wants_only_these(void **state)
{
    struct mailbox_spec box = mailbox(1, 1, "default");

    (void)state;
    box.choices_len = 3;
    box.choices[0] = (struct choice){.flow = 1, .qualities = UINT64_C(1) << 2};
    box.choices[1] = (struct choice){.flow = 4, .qualities = UINT64_C(1) << 63};
    box.choices[2] = (struct choice){.flow = 1, .qualities = UINT64_C(1) << 30};

    assert_true(mailbox_wants(&box, 1, 2));
    assert_true(mailbox_wants(&box, 1, 30)); // two lines about one flow add up
    assert_false(mailbox_wants(&box, 1, 3));
    assert_true(mailbox_wants(&box, 1, 0));  // no integration was asked
    assert_true(mailbox_wants(&box, 1, 64)); // codes of other sectors always pass
    assert_true(mailbox_wants(&box, 4, 63));
    assert_false(mailbox_wants(&box, 4, 62));
    assert_false(mailbox_wants(&box, 2, 2)); // a flow that was not chosen
    assert_false(mailbox_wants(&box, 2, 0));
    assert_false(mailbox_wants(&box, 2, 64));
}

static void
an_only_mailbox_that_wants_everything_is_known_without_looking(void **state)
{
    struct roster *roster = roster_new();
    struct mailbox_rules none = {.quiet_from = 5};
    struct mailbox_rules some = {.unwanted_len = 1, .unwanted = {{.flow = 3}}};
    struct mailbox_spec chosen = mailbox(1, 1, "default");
    struct roster *copy;

    (void)state;
    chosen.choices_len = 1;
    assert_int_equal(roster_simple_mailbox(roster, 1), 0);
    put(roster, 1, "A");
    put(roster, 2, "B");
    put(roster, UINT32_C(0x7fffffff), "FAR");
    assert_int_equal(roster_simple_mailbox(roster, 1), 1);
    assert_int_equal(roster_simple_mailbox(roster, 2), 2);
    assert_int_equal(roster_simple_mailbox(roster, 3), 0);
    assert_int_equal(roster_simple_mailbox(roster, UINT32_C(0x7fffffff)), 0x7fffffff);
    put_mailbox(roster, MAILBOX_EXTRA_FIRST, 1, "second");
    assert_int_equal(roster_simple_mailbox(roster, 1), 0);
    put_mailbox(roster, MAILBOX_EXTRA_FIRST, 2, "second"); // now it is somebody else's
    assert_int_equal(roster_simple_mailbox(roster, 1), 1);
    assert_int_equal(roster_simple_mailbox(roster, 2), 0);
    assert_true(roster_set_rules(roster, 1, &some));
    assert_int_equal(roster_simple_mailbox(roster, 1), 0);
    copy = roster_copy(roster);
    assert_int_equal(roster_simple_mailbox(copy, 1), 0);
    assert_true(roster_set_rules(roster, 1, &none));
    assert_int_equal(roster_simple_mailbox(roster, 1), 1);
    roster_put_mailbox(roster, &chosen);
    assert_int_equal(roster_simple_mailbox(roster, 1), 0);
    roster_free(&copy);
    roster_free(&roster);
}

static void
a_merged_one_leads_to_its_successor(void **state)
{
    struct roster *roster = roster_new();
    struct roster *copy;
    struct institution planned = institution(2, "PLANNED");
    struct institution merged = institution(3, "MERGED");

    (void)state;
    put(roster, 1, "LAST");
    planned.merges_into = 1;
    planned.merges_on = 20000;
    merged.merges_into = 2;
    roster_put(roster, &planned);
    assert_int_equal(roster_successor(roster, 2), 2); // not yet
    roster_put(roster, &merged);
    assert_int_equal(roster_successor(roster, 3), 2);
    planned.merges_on = 0;
    roster_put(roster, &planned);
    copy = roster_copy(roster);
    roster_free(&roster);
    assert_int_equal(roster_successor(copy, 3), 1);
    assert_int_equal(roster_successor(copy, 2), 1);
    assert_int_equal(roster_successor(copy, 1), 1);
    assert_int_equal(roster_successor(copy, 99), 99);
    roster_free(&copy);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_nobody_at_first),
        cmocka_unit_test(the_broker_itself_is_a_source_and_no_institution),
        cmocka_unit_test(gives_each_institution_a_default_mailbox),
        cmocka_unit_test(keeps_a_default_mailbox_that_was_put),
        cmocka_unit_test(lists_an_institutions_mailboxes_with_the_default_one_first),
        cmocka_unit_test(moves_a_mailbox_to_another_institution),
        cmocka_unit_test(finds_an_institution_by_its_code),
        cmocka_unit_test(forgets_the_code_that_was_replaced),
        cmocka_unit_test(finds_everybody_after_all_codes_were_replaced),
        cmocka_unit_test(keeps_thousands_in_order_whatever_order_they_come_in),
        cmocka_unit_test(copies_everything_and_shares_nothing),
        cmocka_unit_test(a_mailbox_without_choices_wants_everything),
        cmocka_unit_test(a_mailbox_that_declines_a_flow_wants_all_others),
        cmocka_unit_test(a_mailbox_with_choices_wants_only_these),
        cmocka_unit_test(an_only_mailbox_that_wants_everything_is_known_without_looking),
        cmocka_unit_test(a_merged_one_leads_to_its_successor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
