// SPDX-License-Identifier: EUPL-1.2
// Goal: a reason always arrives readable, and no number of faults is too many.
// Method: texts around the limit of a reason, letters of one to four bytes at its edge.
// cmocka has a macro of the name fail, so ours stands in parentheses.
#include "base/why.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
keeps_the_words(void **state)
{
    struct why why;
    (void)state;

    why_set(&why, "flow %s has %d fields", "notifyPerson", 3);
    assert_string_equal(why.text, "flow notifyPerson has 3 fields");
    why_set(&why, "%s", "");
    assert_string_equal(why.text, "");
}

static void
nobody_needs_to_listen(void **state)
{
    (void)state;
    why_set(NULL, "%d", 1);
    assert_int_equal((fail)(NULL, VG_BUSY, "%d", 1), VG_BUSY);
}

static void
a_refusal_is_one_line(void **state)
{
    struct why why;
    (void)state;

    assert_int_equal((fail)(&why, VG_UNKNOWN_FLOW, "no flow %s", "x"), VG_UNKNOWN_FLOW);
    assert_string_equal(why.text, "no flow x");
}

// Writes `len` times 'a' and then the letter: how many bytes are kept?
static size_t
kept(size_t len, const char *letter)
{
    char text[2 * WHY_TEXT_MAX];
    struct why why;

    memset(&why, '?', sizeof why);
    memset(text, 'a', len);
    strcpy(text + len, letter);
    strcat(text, "more");
    why_set(&why, "%s", text);
    assert_non_null(memchr(why.text, '\0', WHY_TEXT_MAX));
    assert_memory_equal(why.text, text, strlen(why.text));
    return strlen(why.text);
}

static void
long_words_are_cut_between_two_letters(void **state)
{
    static const char *const letters[] = {"b", "é", "€", "🙂"};
    size_t max = WHY_TEXT_MAX - 1;
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(letters); i++) {
        size_t whole = strlen(letters[i]);

        // The letter fits exactly, and then lacks one byte after the other.
        assert_int_equal(kept(max - whole, letters[i]), max);
        for (size_t missing = 1; missing < whole; missing++) {
            assert_int_equal(kept(max - whole + missing, letters[i]),
                             max - whole + missing);
        }
        assert_int_equal(kept(max, letters[i]), max);
    }
}

static void
exactly_full_words_are_not_cut(void **state)
{
    struct why why;
    char text[WHY_TEXT_MAX];
    (void)state;

    memset(text, 'x', sizeof text);
    text[WHY_TEXT_MAX - 1] = '\0';
    why_set(&why, "%s", text);
    assert_string_equal(why.text, text);
}

static void
faults_stand_in_the_order_found(void **state)
{
    struct faults faults = {0};
    (void)state;

    assert_int_equal(faults_first(&faults), VG_OK);
    faults_add(&faults, VG_BAD_NISS, 0, "first");
    faults_add(&faults, VG_BAD_DATE, 12, "day %d", 31);
    assert_int_equal(faults.len, 2);
    assert_int_equal(faults.total, 2);
    assert_int_equal(faults_first(&faults), VG_BAD_NISS);
    assert_int_equal(faults.fault[0].line, 0);
    assert_string_equal(faults.fault[0].why.text, "first");
    assert_int_equal(faults.fault[1].status, VG_BAD_DATE);
    assert_int_equal(faults.fault[1].line, 12);
    assert_string_equal(faults.fault[1].why.text, "day 31");
}

static void
too_many_faults_are_counted_and_the_first_are_kept(void **state)
{
    struct faults faults = {0};
    (void)state;

    for (unsigned i = 1; i <= 1000; i++) {
        faults_add(&faults, VG_BAD_CATALOGUE, i, "fault %u", i);
    }
    assert_int_equal(faults.total, 1000);
    assert_int_equal(faults.len, FAULTS_MAX);
    assert_int_equal(faults.fault[FAULTS_MAX - 1].line, FAULTS_MAX);
    assert_string_equal(faults.fault[0].why.text, "fault 1");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_words),
        cmocka_unit_test(nobody_needs_to_listen),
        cmocka_unit_test(a_refusal_is_one_line),
        cmocka_unit_test(long_words_are_cut_between_two_letters),
        cmocka_unit_test(exactly_full_words_are_not_cut),
        cmocka_unit_test(faults_stand_in_the_order_found),
        cmocka_unit_test(too_many_faults_are_counted_and_the_first_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
