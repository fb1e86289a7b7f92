// SPDX-License-Identifier: EUPL-1.2
// Goal: an administrator learns every mistake of a file at once, each with its line, and
// no file, however hostile, costs more than its size.
// Method: small documents as text; the faults are compared word by word where an
// administrator reads them, and by line everywhere.
#include "base/yaml_tree.h"

#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct yaml_tree *
parse(const char *text, struct faults *faults)
{
    *faults = (struct faults){0};
    return yaml_tree_parse(text, strlen(text), VG_BAD_CATALOGUE, faults);
}

static void
assert_fault(const struct faults *faults, size_t index, unsigned line, const char *words)
{
    assert_true(index < faults->len);
    assert_int_equal(faults->fault[index].status, VG_BAD_CATALOGUE);
    assert_string_equal(faults->fault[index].why.text, words);
    assert_int_equal(faults->fault[index].line, line);
}

// The whole text is refused, with one fault.
static void
assert_refused(const char *text, unsigned line, const char *words)
{
    struct faults faults;

    assert_null(parse(text, &faults));
    assert_int_equal(faults.total, 1);
    assert_fault(&faults, 0, line, words);
}

static void
walks_maps_and_lists_in_order_of_writing(void **state)
{
    struct faults faults;
    AUTO(yaml_tree_free)
    struct yaml_tree *tree = parse("# a comment\n"
                                   "flows:\n"
                                   "  - name: notifyPerson\n"
                                   "    fields: [\"020\", 140]\n"
                                   "  - name: PersonnelFile\n"
                                   "empty: {}\n",
                                   &faults);
    (void)state;

    assert_non_null(tree);

    const struct yaml_node *root = yaml_tree_root(tree);
    const struct yaml_node *flows = yaml_get(root, "flows");
    const struct yaml_node *first = yaml_at(flows, 0);
    const struct yaml_node *fields = yaml_get(first, "fields");

    assert_true(yaml_is_map(root) && !yaml_is_list(root) && !yaml_is_scalar(root));
    assert_int_equal(yaml_len(root), 2);
    assert_string_equal(yaml_key_at(root, 0), "flows");
    assert_string_equal(yaml_key_at(root, 1), "empty");
    assert_ptr_equal(yaml_at(root, 0), flows);
    assert_true(yaml_is_list(flows));
    assert_int_equal(yaml_len(flows), 2);
    assert_int_equal(yaml_line(first), 3);
    assert_int_equal(yaml_line(yaml_at(flows, 1)), 5);
    assert_int_equal(yaml_len(fields), 2);
    assert_int_equal(yaml_line(fields), 4);
    assert_string_equal(yaml_text(yaml_at(fields, 0)), "020");
    assert_string_equal(yaml_text(yaml_at(fields, 1)), "140");
    assert_true(yaml_is_scalar(yaml_at(fields, 1)));
    assert_int_equal(yaml_len(yaml_get(root, "empty")), 0);
    assert_int_equal(faults.total, 0);
}

static void
asking_for_what_is_not_there_is_harmless(void **state)
{
    struct faults faults;
    AUTO(yaml_tree_free) struct yaml_tree *tree = parse("a: [1]\n", &faults);
    const struct yaml_node *root = yaml_tree_root(tree);
    const struct yaml_node *list = yaml_get(root, "a");
    (void)state;

    assert_null(yaml_get(root, "b"));
    assert_null(yaml_get(list, "a"));
    assert_null(yaml_get(NULL, "a"));
    assert_null(yaml_at(list, 1));
    assert_null(yaml_at(NULL, 0));
    assert_null(yaml_key_at(root, 1));
    assert_null(yaml_key_at(list, 0));
    assert_null(yaml_text(list));
    assert_null(yaml_text(NULL));
    assert_int_equal(yaml_len(NULL), 0);
    assert_int_equal(yaml_len(yaml_at(list, 0)), 0);
    assert_false(yaml_is_map(NULL) || yaml_is_list(NULL) || yaml_is_scalar(NULL));
    assert_string_equal(yaml_get_text(NULL, "a", "fallback"), "fallback");
    assert_string_equal(yaml_require_text(NULL, "a"), "");
    yaml_unknown_keys(NULL, "nothing");
    yaml_unknown_keys(list, "a list");
    assert_int_equal(faults.total, 0);
}

static void
names_every_unknown_and_repeated_key_with_its_line(void **state)
{
    struct faults faults;
    AUTO(yaml_tree_free)
    struct yaml_tree *tree = parse("name: one\n"
                                   "colour: red\n"
                                   "name: two\n"
                                   "size:\n"
                                   "  - 1\n"
                                   "name: three\n",
                                   &faults);
    const struct yaml_node *root = yaml_tree_root(tree);
    (void)state;

    assert_string_equal(yaml_text(yaml_get(root, "name")), "one");
    yaml_unknown_keys(root, "flow");
    assert_int_equal(faults.total, 4);
    assert_fault(&faults, 0, 2, "flow: the key 'colour' is not known");
    assert_fault(&faults, 1, 3, "flow: the key 'name' is written twice");
    assert_fault(&faults, 2, 4, "flow: the key 'size' is not known");
    assert_fault(&faults, 3, 6, "flow: the key 'name' is written twice");
}

static void
reads_texts_as_they_are_written(void **state)
{
    struct faults faults;
    AUTO(yaml_tree_free)
    struct yaml_tree *tree = parse(
        "a: plain words\nb: 'it''s'\nc: \"\\u00e9\"\nd: 001\ne: no\nf:\ng: |\n  x\n",
        &faults);
    const struct yaml_node *root = yaml_tree_root(tree);
    (void)state;

    assert_string_equal(yaml_get_text(root, "a", "?"), "plain words");
    assert_string_equal(yaml_get_text(root, "b", "?"), "it's");
    assert_string_equal(yaml_get_text(root, "c", "?"), "\xc3\xa9");
    assert_string_equal(yaml_get_text(root, "d", "?"), "001");
    assert_string_equal(yaml_get_text(root, "e", "?"), "no");
    assert_string_equal(yaml_get_text(root, "f", "?"), "");
    assert_string_equal(yaml_get_text(root, "g", "?"), "x\n");
    assert_string_equal(yaml_get_text(root, "h", "?"), "?");
    assert_null(yaml_get_text(root, "h", NULL));
    assert_int_equal(faults.total, 0);
}

static void
a_required_text_must_be_there_and_not_empty(void **state)
{
    struct faults faults;
    AUTO(yaml_tree_free)
    struct yaml_tree *tree =
        parse("\nname: x\nempty: \nlist: [a]\nmap: {a: b}\n", &faults);
    const struct yaml_node *root = yaml_tree_root(tree);
    (void)state;

    assert_string_equal(yaml_require_text(root, "name"), "x");
    assert_int_equal(faults.total, 0);
    assert_string_equal(yaml_require_text(root, "missing"), "");
    assert_string_equal(yaml_require_text(root, "empty"), "");
    assert_string_equal(yaml_require_text(root, "list"), "");
    assert_string_equal(yaml_require_text(root, "map"), "");
    assert_string_equal(yaml_require_text(yaml_get(root, "list"), "name"), "");
    assert_int_equal(faults.total, 5);
    assert_fault(&faults, 0, 2, "the key 'missing' is missing: it needs a text");
    assert_fault(&faults, 1, 3, "empty: '' is not a text");
    assert_fault(&faults, 2, 4, "list: a list is not a text");
    assert_fault(&faults, 3, 5, "map: a map is not a text");
    assert_fault(&faults, 4, 4, "the key 'name' is missing: it needs a text");
}

static void
reads_numbers_within_their_limits(void **state)
{
    struct faults faults;
    AUTO(yaml_tree_free)
    struct yaml_tree *tree = parse("a: 0\nb: -5\nc: 007\n"
                                   "d: 9223372036854775807\n"
                                   "e: -9223372036854775808\n",
                                   &faults);
    const struct yaml_node *root = yaml_tree_root(tree);
    (void)state;

    assert_true(yaml_get_number(root, "a", 0, 0, 9) == 0);
    assert_true(yaml_get_number(root, "b", -5, 5, 9) == -5);
    assert_true(yaml_get_number(root, "c", 7, 7, 9) == 7);
    assert_true(yaml_get_number(root, "d", 0, INT64_MAX, 9) == INT64_MAX);
    assert_true(yaml_get_number(root, "e", INT64_MIN, 0, 9) == INT64_MIN);
    assert_true(yaml_get_number(root, "missing", 1, 2, 9) == 9);
    assert_int_equal(faults.total, 0);
}

static void
a_number_beyond_64_bits_fits_nowhere(void **state)
{
    struct faults faults;
    AUTO(yaml_tree_free)
    struct yaml_tree *tree =
        parse("a: 9223372036854775808\nb: -9223372036854775809\n", &faults);
    const struct yaml_node *root = yaml_tree_root(tree);
    (void)state;

    assert_true(yaml_get_number(root, "a", INT64_MIN, INT64_MAX, 9) == 9);
    assert_true(yaml_get_number(root, "b", INT64_MIN, INT64_MAX, 9) == 9);
    assert_int_equal(faults.total, 2);
}

static void
a_number_that_does_not_fit_is_named_with_what_would(void **state)
{
    static const char *const wrong[] = {
        "ten", "0",  "101",  "-1",   "1.5", "1_0", "0x10",
        "+5",  "''", "' 5'", "'5 '", "'-'", "1e1", "99999999999999999999"};
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct faults faults;
        struct buffer text = {0};

        buffer_print(&text, "\n\nlimit: %s\n", wrong[i]);
        buffer_add(&text, "", 1);

        AUTO(yaml_tree_free) struct yaml_tree *tree = parse((char *)text.at, &faults);

        assert_true(yaml_get_number(yaml_tree_root(tree), "limit", 1, 100, 42) == 42);
        assert_int_equal(faults.total, 1);
        assert_int_equal(faults.fault[0].line, 3);
        assert_non_null(
            strstr(faults.fault[0].why.text, "is not a whole number from 1 to 100"));
        if (i == 0) {
            assert_fault(&faults, 0, 3,
                         "limit: 'ten' is not a whole number from 1 to 100");
        }
        buffer_free(&text);
    }
}

static void
a_bool_is_true_or_false_and_nothing_else(void **state)
{
    struct faults faults;
    AUTO(yaml_tree_free)
    struct yaml_tree *tree =
        parse("a: true\nb: false\nc: yes\nd: [true]\ne: True\n", &faults);
    const struct yaml_node *root = yaml_tree_root(tree);
    (void)state;

    assert_true(yaml_get_bool(root, "a", false));
    assert_false(yaml_get_bool(root, "b", true));
    assert_true(yaml_get_bool(root, "missing", true));
    assert_false(yaml_get_bool(root, "missing", false));
    assert_int_equal(faults.total, 0);
    assert_false(yaml_get_bool(root, "c", false));
    assert_true(yaml_get_bool(root, "d", true));
    assert_false(yaml_get_bool(root, "e", false));
    assert_int_equal(faults.total, 3);
    assert_fault(&faults, 0, 3, "c: 'yes' is not true or false");
    assert_fault(&faults, 1, 4, "d: a list is not true or false");
    assert_fault(&faults, 2, 5, "e: 'True' is not true or false");
}

static void
a_fault_shows_little_of_a_long_or_ugly_value(void **state)
{
    struct faults faults;
    // Forty bytes end inside the twentieth accent.
    AUTO(yaml_tree_free)
    struct yaml_tree *tree = parse("a: xéééééééééééééééééééééééééééééé\n"
                                   "b: \"one\\ntwo\"\n",
                                   &faults);
    const struct yaml_node *root = yaml_tree_root(tree);
    (void)state;

    yaml_get_bool(root, "a", false);
    yaml_get_bool(root, "b", false);
    assert_fault(&faults, 0, 1, "a: 'xééééééééééééééééééé' is not true or false");
    assert_fault(&faults, 1, 2, "b: 'one' is not true or false");
}

static void
counts_the_faults_it_does_not_keep(void **state)
{
    struct faults faults;
    struct buffer text = {0};
    (void)state;

    for (int i = 0; i < 100; i++) {
        buffer_print(&text, "key%d: x\n", i);
    }
    buffer_add(&text, "", 1);

    AUTO(yaml_tree_free) struct yaml_tree *tree = parse((char *)text.at, &faults);

    yaml_unknown_keys(yaml_tree_root(tree), "file");
    assert_int_equal(faults.total, 100);
    assert_int_equal(faults.len, FAULTS_MAX);
    assert_fault(&faults, FAULTS_MAX - 1, FAULTS_MAX,
                 "file: the key 'key31' is not known");
    buffer_free(&text);
}

static void
refuses_anchors_aliases_and_tags(void **state)
{
    (void)state;
    assert_refused("a: 1\nb: &name 2\n", 2, "anchors (&name) are not allowed");
    assert_refused("a: &name [1]\n", 1, "anchors (&name) are not allowed");
    assert_refused("a:\n  &name\n  b: 1\n", 2, "anchors (&name) are not allowed");
    assert_refused("a: 1\nb:\n  - *name\n", 3, "aliases (*name) are not allowed");
    assert_refused("a: !!binary aGk=\n", 1, "tags (!name) are not allowed");
    assert_refused("a: !mine [1]\n", 1, "tags (!name) are not allowed");
}

static void
refuses_directives_before_libyaml_compares_them(void **state)
{
    struct faults faults = {0};
    struct buffer text = {0};
    (void)state;

    for (int i = 0; i < 200000; i++) {
        buffer_print(&text, "%%TAG !a%d! t\n", i);
    }
    assert_null(yaml_tree_parse((char *)text.at, text.len, VG_BAD_CATALOGUE, &faults));
    buffer_free(&text);
    assert_fault(&faults, 0, 1, "a line may not begin with % (a directive)");
    assert_refused("a: 1\n...\n%TAG !a! t\n--- 1\n", 3,
                   "a line may not begin with % (a directive)");
    assert_refused("a: 1\r%YAML 1.1\n", 1, "a line may not begin with % (a directive)");
    assert_refused("a\xe2\x80\xa8%", 1, "a line may not begin with % (a directive)");

    AUTO(yaml_tree_free) struct yaml_tree *tree = parse("a: 5%\nb: \"%\"\n", &faults);

    assert_string_equal(yaml_get_text(yaml_tree_root(tree), "a", "?"), "5%");
    assert_string_equal(yaml_get_text(yaml_tree_root(tree), "b", "?"), "%");
}

static void
allows_half_a_million_keys_and_values_and_no_more(void **state)
{
    struct faults faults = {0};
    struct buffer text = {0};
    (void)state;

    for (int i = 0; i < 499999; i++) { // and the list itself
        buffer_print(&text, "- x\n");
    }

    struct yaml_tree *tree =
        yaml_tree_parse((char *)text.at, text.len, VG_BAD_CATALOGUE, &faults);

    assert_non_null(tree);
    assert_int_equal(yaml_len(yaml_tree_root(tree)), 499999);
    yaml_tree_free(&tree);
    buffer_print(&text, "- x\n");
    assert_null(yaml_tree_parse((char *)text.at, text.len, VG_BAD_CATALOGUE, &faults));
    assert_fault(&faults, 0, 500000, "more than 500000 keys and values");
    buffer_free(&text);
}

static void
refuses_what_is_not_yaml_with_its_line(void **state)
{
    struct faults faults;
    (void)state;

    assert_null(parse("a: 1\nb: [1, 2\nc: 3\n", &faults));
    assert_int_equal(faults.total, 1);
    assert_int_equal(faults.fault[0].line, 3);
    assert_null(parse("a: 1\n\tb: 2\n", &faults));
    assert_int_equal(faults.fault[0].line, 2);
    assert_null(parse("a: 'never ends\n", &faults));
    assert_int_equal(faults.total, 1);
    assert_null(parse("a: 1\nb: \xff\n", &faults));
    assert_int_equal(faults.fault[0].line, 2);
    assert_string_equal(vg_status_name(faults_first(&faults)), "BAD_CATALOGUE");
}

static void
refuses_nothing_at_all_and_more_than_one_tree(void **state)
{
    (void)state;
    assert_refused("", 1, "there is nothing in it");

    struct faults faults = {0};

    assert_null(yaml_tree_parse(NULL, 0, VG_BAD_CATALOGUE, &faults));
    assert_fault(&faults, 0, 1, "there is nothing in it");
    assert_refused("# only words\n", 2, "there is nothing in it");
    assert_refused("a: 1\n---\nb: 2\n", 2, "a second document begins");
    assert_refused("? [a, b]\n: 1\n", 1, "a key must be plain text");
    assert_refused("a: 1\nb: \"x\\0y\"\n", 2, "a text holds a zero character");
}

static struct yaml_tree *
parse_levels(int levels, struct faults *faults)
{
    struct buffer text = {0};

    for (int i = 0; i < levels; i++) {
        buffer_add(&text, "[\n", 2);
    }
    for (int i = 0; i < levels; i++) {
        buffer_add(&text, "]", 1);
    }
    *faults = (struct faults){0};

    struct yaml_tree *tree =
        yaml_tree_parse((char *)text.at, text.len, VG_BAD_CATALOGUE, faults);

    buffer_free(&text);
    return tree;
}

static void
allows_sixty_four_levels_and_no_more(void **state)
{
    struct faults faults;
    AUTO(yaml_tree_free) struct yaml_tree *tree = parse_levels(64, &faults);
    (void)state;

    assert_non_null(tree);
    assert_int_equal(faults.total, 0);
    assert_null(parse_levels(65, &faults));
    assert_fault(&faults, 0, 65, "more than 64 levels");
    assert_null(parse_levels(1000000, &faults));
    assert_fault(&faults, 0, 65, "more than 64 levels");
}

static void
allows_four_mebibytes_and_no_more(void **state)
{
    size_t size = 4 * 1024 * 1024;
    char *text = malloc(size + 1);
    struct faults faults = {0};
    (void)state;

    assert_non_null(text);
    memset(text, 'x', size + 1);
    memcpy(text, "a: ", 3);

    struct yaml_tree *tree = yaml_tree_parse(text, size, VG_BAD_SETTINGS, &faults);

    assert_non_null(tree);
    assert_int_equal(strlen(yaml_text(yaml_get(yaml_tree_root(tree), "a"))), size - 3);
    yaml_tree_free(&tree);
    assert_null(tree);
    yaml_tree_free(&tree); // twice by mistake

    assert_null(yaml_tree_parse(text, size + 1, VG_BAD_SETTINGS, &faults));
    assert_int_equal(faults.total, 1);
    assert_int_equal(faults.fault[0].status, VG_BAD_SETTINGS);
    assert_string_equal(faults.fault[0].why.text, "it is larger than 4194304 bytes");
    free(text);
}

static void
a_map_of_many_keys_is_no_burden(void **state)
{
    struct faults faults = {0};
    struct buffer text = {0};
    (void)state;

    for (int i = 0; i < 200000; i++) {
        buffer_print(&text, "k%d:\n", i % 199999);
    }

    AUTO(yaml_tree_free)
    struct yaml_tree *tree =
        yaml_tree_parse((char *)text.at, text.len, VG_BAD_CATALOGUE, &faults);

    buffer_free(&text);
    assert_int_equal(yaml_len(yaml_tree_root(tree)), 200000);
    yaml_unknown_keys(yaml_tree_root(tree), "file");
    assert_int_equal(faults.total, 200000);
    assert_fault(&faults, 0, 1, "file: the key 'k0' is not known");
}

static void
reads_utf_8_only(void **state)
{
    static const char utf_16[] = "\xff\xfe"
                                 "a\0:\0 \0b\0";
    struct faults faults = {0};
    (void)state;

    assert_null(yaml_tree_parse(utf_16, sizeof utf_16 - 1, VG_BAD_CATALOGUE, &faults));
    assert_int_equal(faults.total, 1);

    AUTO(yaml_tree_free)
    struct yaml_tree *tree = parse("\xef\xbb\xbf"
                                   "a: b\n",
                                   &faults);

    assert_string_equal(yaml_get_text(yaml_tree_root(tree), "a", "?"), "b");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_maps_and_lists_in_order_of_writing),
        cmocka_unit_test(asking_for_what_is_not_there_is_harmless),
        cmocka_unit_test(names_every_unknown_and_repeated_key_with_its_line),
        cmocka_unit_test(reads_texts_as_they_are_written),
        cmocka_unit_test(a_required_text_must_be_there_and_not_empty),
        cmocka_unit_test(reads_numbers_within_their_limits),
        cmocka_unit_test(a_number_beyond_64_bits_fits_nowhere),
        cmocka_unit_test(a_number_that_does_not_fit_is_named_with_what_would),
        cmocka_unit_test(a_bool_is_true_or_false_and_nothing_else),
        cmocka_unit_test(a_fault_shows_little_of_a_long_or_ugly_value),
        cmocka_unit_test(counts_the_faults_it_does_not_keep),
        cmocka_unit_test(refuses_anchors_aliases_and_tags),
        cmocka_unit_test(refuses_directives_before_libyaml_compares_them),
        cmocka_unit_test(allows_half_a_million_keys_and_values_and_no_more),
        cmocka_unit_test(refuses_what_is_not_yaml_with_its_line),
        cmocka_unit_test(refuses_nothing_at_all_and_more_than_one_tree),
        cmocka_unit_test(allows_sixty_four_levels_and_no_more),
        cmocka_unit_test(allows_four_mebibytes_and_no_more),
        cmocka_unit_test(a_map_of_many_keys_is_no_burden),
        cmocka_unit_test(reads_utf_8_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
