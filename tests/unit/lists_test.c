// SPDX-License-Identifier: EUPL-1.2
// Goal: a list of the institution's own software is read as it comes, JSON lines or CSV, all bad
// lines are named at once and no person with them; two lists differ where they do and
// nowhere else.
// Method: small files in memory; lists changed at one place each.
#include "lists.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ANNA UINT64_C(66641066692)
#define BOB UINT64_C(66641066791)

static const struct list_filter everything = {.general = false};

static char told[2048];

static void
note(uint64_t line, const char *words, void *arg)
{
    size_t len = strlen(told);

    (void)arg;
    snprintf(told + len, sizeof told - len, "%llu %s|", (unsigned long long)line, words);
}

static bool
read_text(const char *text, const struct list_filter *filter, struct list *list)
{
    FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    bool good;

    assert_non_null(file);
    told[0] = 0;
    *list = (struct list){.rows = NULL};
    good = list_read(file, filter, list, note, NULL);
    list_order(list, filter);
    fclose(file);
    return good;
}

static void
assert_row(const struct list *list, size_t i, uint64_t niss, uint32_t quality,
           uint32_t begin, uint32_t end)
{
    assert_true(i < list->len);
    assert_int_equal(list->rows[i].niss, niss);
    assert_int_equal(list->rows[i].quality, quality);
    assert_int_equal(list->rows[i].begin, begin);
    assert_int_equal(list->rows[i].end, end);
}

static void
reads_json_lines_and_csv_alike(void **state)
{
    static const char *const files[] = {
        "{\"niss\":\"66.64.10-667.91\",\"quality\":\"2\",\"begin\":\"2026-11-01\","
        "\"end\":\"2026-11-30\",\"name\":\"x\"}\n\n"
        "{\"niss\":\"66641066692\",\"quality\":\"030\",\"begin\":\"2026-11-20\"}",
        "niss,quality,begin,end\n66641066791,2,2026-11-01,2026-11-30\n"
        "66641066692,030,2026-11-20,\n",
        "\xef\xbb\xbf\"Begin\";\"END\";Colour;NISS;Quality\r\n"
        "20261101;20261130;red;\"66641066791\";002\r\n20261120;;blue; 66641066692 "
        ";30\r\n",
        "quality\tniss\tbegin\n30\t66641066692\t2026-11-20\n"};
    struct list list;

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        assert_true(read_text(files[i], &everything, &list));
        assert_string_equal(told, "");
        assert_row(&list, 0, ANNA, 30, 20261120, 99991231);
        if (i < 3) {
            assert_int_equal(list.len, 2);
            assert_row(&list, 1, BOB, 2, 20261101, 20261130);
        }
        list_free(&list);
    }
}

static void
names_every_bad_line_and_no_person(void **state)
{
    struct list list;

    (void)state;
    assert_false(read_text("niss,quality,begin,end\n"
                           "6664106669,2,2026-11-01,\n"           // ten digits
                           "66641066692,2000,2026-02-30,2026-1\n" // three faults
                           "66641066692,2,2026-11-02,2026-11-01\n"
                           "66641066692,2,2026-11-01,2026-11-30\n"
                           "66641066692\n",
                           &everything, &list));
    assert_int_equal(list.len, 1);
    assert_non_null(strstr(told, "2 niss: "));
    assert_non_null(strstr(told, "3 quality: "));
    assert_non_null(strstr(told, "3 begin: "));
    assert_non_null(strstr(told, "3 end: "));
    assert_non_null(strstr(told, "4 end: it lies before"));
    assert_non_null(strstr(told, "6 quality: "));
    assert_null(strstr(told, "5 "));
    assert_null(strstr(told, "666410"));
    list_free(&list);
    assert_false(read_text("{\"niss\":66641066692}\nnonsense\n", &everything, &list));
    assert_non_null(strstr(told, "1 niss: "));
    assert_non_null(strstr(told, "2 the line is no JSON object"));
    assert_false(read_text("66641066692,2,2026-11-01,2026-11-30\n", &everything, &list));
    assert_non_null(strstr(told, "1 the first line names the columns"));
    list_free(&list);
}

static void
what_is_no_list_is_said_to_be_none(void **state)
{
    struct list list;

    (void)state;
    assert_false(read_text(" \n", &everything, &list));
    assert_non_null(strstr(told, "1 there is nothing in it"));
    list_free(&list);
    assert_true(read_text("niss,quality,begin,end\n", &everything, &list)); // of nobody
    assert_int_equal(list.len, 0);
    list_free(&list);
    assert_false(read_text("niss,end\n", &everything, &list));
    assert_non_null(strstr(told, "not there: quality begin"));
    list_free(&list);
    assert_false(
        read_text("niss,quality,begin\n66641066693,2,2026-11-01\n", &everything, &list));
    assert_non_null(strstr(told, "2 niss: the check digits"));
    assert_null(strstr(told, "666410"));
    list_free(&list);
    // Columns that were mixed up tell no number.
    assert_false(
        read_text("begin,quality,niss\n66641066692,2,2026-11-01\n", &everything, &list));
    assert_non_null(strstr(told, "2 begin: it has 11 characters"));
    assert_null(strstr(told, "666410"));
    list_free(&list);
}

static void
periods_that_touch_are_one_as_in_the_directory(void **state)
{
    struct list list;

    (void)state;
    assert_true(read_text("niss,quality,begin,end\n"
                          "66641066692,2,2027-01-01,2027-02-28\n" // touches the next year
                          "66641066692,2,2026-11-01,2026-12-31\n"
                          "66641066692,2,2027-03-02,2027-03-31\n" // a day is free
                          "66641066692,7,2027-03-01,2027-03-01\n"
                          "66641066692,3,2026-11-01,\n"
                          "66641066692,3,2027-11-01,2027-12-31\n",
                          &everything, &list));
    assert_int_equal(list.len, 4);
    assert_row(&list, 0, ANNA, 2, 20261101, 20270228);
    assert_row(&list, 1, ANNA, 2, 20270302, 20270331);
    assert_row(&list, 2, ANNA, 3, 20261101, 99991231);
    assert_row(&list, 3, ANNA, 7, 20270301, 20270301);
    list_free(&list);
}

static void
a_filter_leaves_out_after_joining(void **state)
{
    static const char text[] = "niss,quality,begin,end\n"
                               "66641066692,2,2026-11-01,2026-11-15\n"
                               "66641066692,2,2026-11-16,2026-11-30\n"
                               "66641066692,7,2026-11-01,2026-11-20\n"
                               "66641066791,2,2026-11-01,2026-11-29\n";
    struct list_filter filter = {.since = 20261130, .quality = 2};
    struct list list;

    (void)state;
    assert_true(read_text(text, &filter, &list));
    assert_int_equal(list.len, 1);
    assert_row(&list, 0, ANNA, 2, 20261101, 20261130);
    list_free(&list);
    filter = (struct list_filter){.general = true};
    assert_true(read_text("niss,begin,end\n66641066692,2026-11-01,2026-11-02\n"
                          "66641066692,2026-12-01,2026-12-02\n",
                          &filter, &list));
    assert_int_equal(list.len, 1); // from the first day to the last
    assert_row(&list, 0, ANNA, 0, 20261101, 20261202);
    list_free(&list);
}

static void
collect(enum list_difference difference, const struct digest_line *file,
        const struct digest_line *directory, void *arg)
{
    size_t len = strlen(told);

    (void)arg;
    snprintf(told + len, sizeof told - len, "%d:%u:%u ", (int)difference,
             file == NULL ? 0 : file->begin, directory == NULL ? 0 : directory->begin);
}

static const char *
differences(const struct digest_line *file, size_t file_len,
            const struct digest_line *directory, size_t directory_len)
{
    told[0] = 0;
    list_compare(file, file_len, directory, directory_len, collect, NULL);
    return told;
}

static void
lists_differ_where_they_do(void **state)
{
    const struct digest_line all[] = {
        {ANNA, 2, 1, 10}, {ANNA, 2, 20, 30}, {ANNA, 3, 3, 30}, {BOB, 2, 4, 40}};
    struct digest_line other[4];

    (void)state;
    assert_string_equal(differences(all, 4, all, 4), "");
    assert_string_equal(differences(NULL, 0, NULL, 0), "");
    assert_string_equal(differences(all, 4, NULL, 0), "1:1:0 1:20:0 1:3:0 1:4:0 ");
    assert_string_equal(differences(NULL, 0, all, 1), "2:0:1 ");
    assert_string_equal(differences(all, 2, all, 4), "2:0:3 2:0:4 ");
    assert_string_equal(differences(all, 4, all + 1, 2), "1:1:0 1:4:0 ");
    memcpy(other, all, sizeof other);
    other[0].end = 9; // of the same two, one has other days
    assert_string_equal(differences(all, 4, other, 4), "4:1:1 ");
    other[0] = all[1];
    assert_string_equal(differences(all, 4, other, 1), "1:1:0 1:3:0 1:4:0 ");
    other[0] = (struct digest_line){ANNA, 2, 5, 50};
    assert_string_equal(differences(all, 2, other, 1), "4:1:5 1:20:0 ");
}

static void
is_cut_into_stretches_of_persons(void **state)
{
    struct digest_line rows[] = {
        {ANNA, 2, 1, 10}, {ANNA, 3, 1, 10}, {BOB, 2, 1, 10}, {BOB + 9, 2, 1, 10}};
    struct list list = {rows, 4, 4};
    struct digest whole = list_digest(rows, 4), part = list_digest(rows, 2),
                  rest = list_digest(rows + 2, 2);

    (void)state;
    assert_int_equal(list_until(&list, 0, ANNA - 1), 0);
    assert_int_equal(list_until(&list, 0, ANNA), 2);
    assert_int_equal(list_until(&list, 2, BOB + 8), 3);
    assert_int_equal(list_until(&list, 3, UINT64_MAX), 4);
    digest_join(&part, &rest);
    assert_true(digest_is_equal(&whole, &part));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_json_lines_and_csv_alike),
        cmocka_unit_test(names_every_bad_line_and_no_person),
        cmocka_unit_test(what_is_no_list_is_said_to_be_none),
        cmocka_unit_test(periods_that_touch_are_one_as_in_the_directory),
        cmocka_unit_test(a_filter_leaves_out_after_joining),
        cmocka_unit_test(lists_differ_where_they_do),
        cmocka_unit_test(is_cut_into_stretches_of_persons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
