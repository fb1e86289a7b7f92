// SPDX-License-Identifier: EUPL-1.2
// Goal: persons that come whole are in the directory as if each had been integrated once, and
// a part with a mistake changes nothing.
// Method: parts applied to a real store; rows, counts and journal read from the disk.
#include "flow_fixture.h"

#include "base/checksum.h"

enum { DAY = 20000 };

static struct integration
row(uint32_t institution, uint16_t quality, int begin, int end)
{
    return (struct integration){.institution = institution,
                                .sector = flow_institutions[institution].sector,
                                .quality = quality,
                                .begin = DAY + begin,
                                .end = DAY + end};
}

static struct command *
load(struct flow_fixture *f, struct loaded_person *persons, size_t len,
     const struct integration *rows)
{
    struct command *command = flow_command(f, COMMAND_LOAD_PERSONS, 0);

    command->load_persons.persons = persons;
    command->load_persons.persons_len = len;
    command->load_persons.rows = rows;
    flow_apply(f);
    return command;
}

static uint64_t
number_of(int index)
{
    return niss_make(1950 + index, 61, 1, 1).number;
}

static void
each_person_gets_the_rows_that_are_his(void **state)
{
    struct flow_fixture *f = *state;
    struct loaded_person persons[] = {{number_of(1), 2}, {number_of(2), 1}};
    struct integration rows[] = {row(CPAS_A, 2, 0, 20), row(CPAS_B, 2, 0, 9),
                                 row(ONSS, 1, 0, 5)};
    struct person person;
    struct meta meta;
    struct txn *txn;

    assert_int_equal(load(f, persons, 2, rows)->status, VG_OK);
    txn = flow_view(f);
    assert_int_equal(person_get(txn, (struct niss){number_of(1)}, &person), VG_OK);
    assert_int_equal(person.len, 2);
    assert_int_equal(person.integrations[0].institution, CPAS_A);
    assert_int_equal(person.integrations[0].begin, DAY);
    assert_int_equal(person.integrations[0].end, DAY + 20);
    assert_int_equal(person.integrations[1].institution, CPAS_B);
    assert_int_equal(person_get(txn, (struct niss){number_of(2)}, &person), VG_OK);
    assert_int_equal(person.len, 1);
    assert_int_equal(person.integrations[0].institution, ONSS);
    assert_int_equal(meta_get(txn, &meta, NULL), VG_OK);
    assert_int_equal(meta.persons, 2);
    assert_int_equal(meta.integrations, 3);
}

static void
a_number_that_is_not_after_all_others_refuses_the_part(void **state)
{
    struct flow_fixture *f = *state;
    struct loaded_person again[] = {{number_of(5), 1}, {number_of(5), 1}};
    struct loaded_person before[] = {{number_of(4), 1}};
    struct loaded_person first[] = {{number_of(5), 1}};
    struct integration rows[] = {row(CPAS_A, 2, 0, 9), row(CPAS_A, 2, 0, 9)};
    struct command *command;
    struct meta meta;

    assert_int_equal(load(f, again, 2, rows)->status, VG_BAD_FILE);
    assert_int_equal(meta_get(flow_view(f), &meta, NULL), VG_OK);
    assert_int_equal(meta.persons, 0);
    assert_int_equal(load(f, first, 1, rows)->status, VG_OK);
    command = load(f, before, 1, rows);
    assert_int_equal(command->status, VG_BAD_FILE);
    assert_non_null(strstr(command->faults->fault[0].why.text, "person 1"));
    assert_int_equal(load(f, first, 1, rows)->status, VG_BAD_FILE);
    assert_int_equal(meta_get(flow_view(f), &meta, NULL), VG_OK);
    assert_int_equal(meta.persons, 1);
    assert_int_equal(meta.integrations, 1);
}

static void
a_store_without_room_takes_none(void **state)
{
    struct flow_fixture *f = *state;
    struct loaded_person person = {number_of(1), 1};
    struct integration integration = row(CPAS_A, 2, 0, 9);
    struct command *command = flow_command(f, COMMAND_LOAD_PERSONS, 0);
    struct meta meta;

    command->load_persons.persons = &person;
    command->load_persons.persons_len = 1;
    command->load_persons.rows = &integration;
    f->next->no_room = true;
    flow_apply(f);
    assert_int_equal(command->status, VG_STORE_FULL);
    assert_int_equal(meta_get(flow_view(f), &meta, NULL), VG_OK);
    assert_int_equal(meta.persons, 0);
}

static void
the_journal_says_what_came(void **state)
{
    struct flow_fixture *f = *state;
    struct loaded_person persons[] = {{number_of(1), 1}, {number_of(3), 1}};
    struct integration rows[] = {row(CPAS_A, 2, 0, 9), row(CPAS_B, 2, 0, 9)};
    AUTO(buffer_free) struct buffer record = {0};
    struct journal_head head;
    struct journal_item item;
    struct journal_loaded loaded = {.persons = 0};
    size_t offset = 0;

    load(f, persons, 2, rows);
    assert_int_equal(journal_read(flow_view(f), f->done->commit, &record, &head, NULL),
                     VG_OK);
    while (journal_next(&record, &offset, &item)) {
        if (item.kind == JOURNAL_LOADED) {
            assert_true(journal_item_as(&item, &loaded, sizeof loaded));
        }
    }
    assert_int_equal(loaded.persons, 2);
    assert_int_equal(loaded.integrations, 2);
    assert_int_equal(loaded.first_niss, number_of(1));
    assert_int_equal(loaded.last_niss, number_of(3));
    assert_int_equal(loaded.checksum, checksum_of(rows, sizeof rows));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(each_person_gets_the_rows_that_are_his),
        FLOW_TEST(a_number_that_is_not_after_all_others_refuses_the_part),
        FLOW_TEST(a_store_without_room_takes_none),
        FLOW_TEST(the_journal_says_what_came),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
