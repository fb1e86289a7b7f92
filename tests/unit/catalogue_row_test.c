// SPDX-License-Identifier: EUPL-1.2
// Goal: a value of a catalogue's row is read as written, or is a fault at its own line that
// names key and value, and something harmless comes back.
// Method: one small document per question; the faults are counted and read.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Before cmocka.h, which makes a macro of the word fail.
#include "rules/catalogue_inside.h"
#include "rules/catalogue_row.h"

#include <cmocka.h>

static struct faults faults;
static struct yaml_tree *tree;

static const char *const fruits[] = {"apple", "pear", "plum"};

static int
forget(void **state)
{
    (void)state;
    yaml_tree_free(&tree);
    faults = (struct faults){0};
    return 0;
}

static const struct yaml_node *
row_of(const char *text)
{
    (void)forget(NULL);
    tree = yaml_tree_parse(text, strlen(text), VG_BAD_CATALOGUE, &faults);
    assert_non_null(tree);
    return yaml_tree_root(tree);
}

static void
assert_no_fault(void)
{
    assert_int_equal(faults.len, 0);
}

static void
assert_fault(unsigned at, const char *words)
{
    assert_int_equal(faults.len, 1);
    assert_int_equal(faults.fault[0].status, VG_BAD_CATALOGUE);
    assert_int_equal(faults.fault[0].line, at);
    if (strstr(faults.fault[0].why.text, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", faults.fault[0].why.text, words);
    }
}

// ---- words and choices ----

static void
a_word_is_a_scalars_text_and_nothing_else(void **state)
{
    const struct yaml_node *row = row_of("a: pear\nb: [pear]\nc: {d: pear}\n");

    (void)state;
    assert_string_equal(row_word(yaml_get(row, "a")), "pear");
    assert_string_equal(row_word(yaml_get(row, "b")), "");
    assert_string_equal(row_word(yaml_get(row, "c")), "");
    assert_string_equal(row_word(NULL), "");
    assert_no_fault();
}

static void
a_word_is_found_whole(void **state)
{
    (void)state;
    assert_int_equal(find_word(fruits, 3, "apple"), 0);
    assert_int_equal(find_word(fruits, 3, "plum"), 2);
    assert_int_equal(find_word(fruits, 2, "plum"), -1);
    assert_int_equal(find_word(fruits, 3, "plu"), -1);
    assert_int_equal(find_word(fruits, 3, "plums"), -1);
    assert_int_equal(find_word(fruits, 3, ""), -1);
}

static void
a_choice_is_its_place_and_the_first_where_the_key_is_missing(void **state)
{
    const struct yaml_node *row = row_of("fruit: plum\n");

    (void)state;
    assert_int_equal(row_choice(row, "fruit", fruits, 3), 2);
    assert_int_equal(row_choice(row, "other", fruits, 3), 0);
    assert_no_fault();
}

static void
a_wrong_choice_names_all_that_there_are(void **state)
{
    const struct yaml_node *row = row_of("x: 1\nfruit: cherry\n");

    (void)state;
    assert_int_equal(row_choice(row, "fruit", fruits, 3), 0);
    assert_fault(2, "fruit: 'cherry' is not one of apple, pear, plum");
    row = row_of("fruit: [plum]\n");
    assert_int_equal(row_choice(row, "fruit", fruits, 3), 0);
    assert_fault(1, "'' is not one of");
}

// ---- what must be there ----

static void
a_missing_key_is_a_fault_of_the_row(void **state)
{
    const struct yaml_node *row = row_of("\na: 1\nb: 2\n");

    (void)state;
    assert_ptr_equal(row_require(row, "b"), yaml_get(row, "b"));
    assert_no_fault();
    assert_null(row_require(row, "c"));
    assert_fault(2, "the key 'c' is missing");
}

static void
a_text_fits_to_its_last_byte_and_is_cut_after_it(void **state)
{
    char text[5];

    (void)state;
    row_text(row_of("a: pear\n"), "a", text, sizeof text);
    assert_string_equal(text, "pear");
    assert_no_fault();
    row_text(row_of("\n\na: pears\n"), "a", text, sizeof text);
    assert_string_equal(text, "pear");
    assert_fault(3, "a: longer than 4 bytes");
    row_text(row_of("b: pear\n"), "a", text, sizeof text);
    assert_string_equal(text, "");
    assert_fault(1, "a");
}

static void
a_name_has_plain_letters_only(void **state)
{
    static const char *const wrong[] = {"a b", "a/b", "a:b", "\\\"", "é", "a\\n", "a="};
    char text[64];
    char name[32];

    (void)state;
    row_name(row_of("n: azAZ09_-.\n"), "n", name, sizeof name);
    assert_string_equal(name, "azAZ09_-.");
    assert_no_fault();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(text, sizeof text, "x: 1\nn: \"%s\"\n", wrong[i]);
        row_name(row_of(text), "n", name, sizeof name);
        assert_fault(2, "other than letters, digits, _ - .");
    }
}

static void
a_number_is_one_to_65535(void **state)
{
    static const char *const wrong[] = {"0", "65536", "-1", "x", "1.5", "[1]"};
    char text[64];

    (void)state;
    assert_int_equal(row_number(row_of("n: 1\n"), "n"), 1);
    assert_no_fault();
    assert_int_equal(row_number(row_of("n: 65535\n"), "n"), 65535);
    assert_no_fault();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(text, sizeof text, "x: 1\nn: %s\n", wrong[i]);
        assert_int_equal(row_number(row_of(text), "n"), 0);
        assert_fault(2, "n");
    }
    assert_int_equal(row_number(row_of("m: 1\n"), "n"), 0);
    assert_fault(1, "the key 'n' is missing");
}

static void
a_list_must_be_one_and_not_too_long(void **state)
{
    const struct yaml_node *list = row_list(row_of("l: [1, 2, 3]\n"), "l", 3);

    (void)state;
    assert_int_equal(yaml_len(list), 3);
    assert_no_fault();
    assert_null(row_list(row_of("l: [1, 2, 3]\n"), "l", 2));
    assert_fault(1, "l: 3 of them, at most 2 are possible");
    assert_null(row_list(row_of("x: 1\nl: 1\n"), "l", 2));
    assert_fault(2, "l: is not a list");
    assert_null(row_list(row_of("x: 1\nl: {a: 1}\n"), "l", 2));
    assert_fault(2, "l: is not a list");
    assert_null(row_list(row_of("x: 1\n"), "l", 2));
    assert_fault(1, "the key 'l' is missing");
}

// ---- sectors ----

static struct catalogue *
three_sectors(void)
{
    static struct sector sectors[3];
    static struct catalogue catalogue;

    catalogue = (struct catalogue){.sectors = sectors};
    catalogue_put_sector(&catalogue, &(struct sector){.number = 1, .name = "RN"});
    catalogue_put_sector(&catalogue, &(struct sector){.number = 17, .name = "CPAS"});
    catalogue_put_sector(&catalogue, &(struct sector){.number = 4, .name = "ONSS"});
    return &catalogue;
}

static void
a_sector_is_found_by_its_name(void **state)
{
    const struct catalogue *catalogue = three_sectors();
    const struct yaml_node *row = row_of("a: CPAS\nb: CPA\n");

    (void)state;
    assert_int_equal(row_sector(catalogue, yaml_get(row, "a"), "a")->number, 17);
    assert_no_fault();
    assert_null(row_sector(catalogue, yaml_get(row, "b"), "to"));
    assert_fault(2, "to: there is no sector 'CPA'");
}

static void
sectors_are_read_in_the_order_written(void **state)
{
    uint16_t sectors[3] = {0};

    (void)state;
    assert_int_equal(
        row_sectors(three_sectors(), row_of("s: [ONSS, RN]\n"), "s", sectors, 3), 2);
    assert_int_equal(sectors[0], 4);
    assert_int_equal(sectors[1], 1);
    assert_no_fault();
    assert_true(has_number(sectors, 2, 1));
    assert_false(has_number(sectors, 2, 17));
    assert_false(has_number(sectors, 0, 4));
}

static void
the_word_all_is_every_sector_if_there_is_room(void **state)
{
    uint16_t sectors[3] = {0};

    (void)state;
    assert_int_equal(row_sectors(three_sectors(), row_of("s: all\n"), "s", sectors, 3),
                     3);
    assert_int_equal(sectors[1], 17);
    assert_no_fault();
    assert_int_equal(row_sectors(three_sectors(), row_of("s: all\n"), "s", sectors, 2),
                     0);
    assert_fault(1, "s: is not a list");
}

static void
sectors_that_are_wrong_twice_or_none_are_faults_and_the_others_stay(void **state)
{
    uint16_t sectors[3] = {0};

    (void)state;
    assert_int_equal(row_sectors(three_sectors(),
                                 row_of("s:\n  - ONSS\n  - ONS\n  - RN\n"), "s", sectors,
                                 3),
                     2);
    assert_int_equal(sectors[1], 1);
    assert_fault(3, "there is no sector 'ONS'");
    assert_int_equal(
        row_sectors(three_sectors(), row_of("s:\n  - RN\n  - RN\n"), "s", sectors, 3), 1);
    assert_fault(3, "s: RN is named twice");
    assert_int_equal(row_sectors(three_sectors(), row_of("s: []\n"), "s", sectors, 3), 0);
    assert_fault(1, "s: names none");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_is_a_scalars_text_and_nothing_else),
        cmocka_unit_test(a_word_is_found_whole),
        cmocka_unit_test(a_choice_is_its_place_and_the_first_where_the_key_is_missing),
        cmocka_unit_test(a_wrong_choice_names_all_that_there_are),
        cmocka_unit_test(a_missing_key_is_a_fault_of_the_row),
        cmocka_unit_test(a_text_fits_to_its_last_byte_and_is_cut_after_it),
        cmocka_unit_test(a_name_has_plain_letters_only),
        cmocka_unit_test(a_number_is_one_to_65535),
        cmocka_unit_test(a_list_must_be_one_and_not_too_long),
        cmocka_unit_test(a_sector_is_found_by_its_name),
        cmocka_unit_test(sectors_are_read_in_the_order_written),
        cmocka_unit_test(the_word_all_is_every_sector_if_there_is_room),
        cmocka_unit_test(
            sectors_that_are_wrong_twice_or_none_are_faults_and_the_others_stay),
    };

    return cmocka_run_group_tests(tests, NULL, forget);
}
