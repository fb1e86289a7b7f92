// SPDX-License-Identifier: EUPL-1.2
// Goal: two lists of the same integrations have the same digest in any order and in any parts,
// and every single difference shows; the line and its hash are what the header draws.
// Method: sums made by the Python line of the header; lists drawn from a fixed seed.
#include "digest/digest.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LINES = 200 };

static struct digest_line
line_at(unsigned i)
{
    return (struct digest_line){66641066600 + i * 7, 1 + i % 40, 20260101 + i % 28,
                                i % 3 == 0 ? 99991231 : 20271119};
}

static struct digest
digest_of(const struct digest_line *lines, size_t len)
{
    struct digest digest = {0};

    for (size_t i = 0; i < len; i++) {
        digest_add(&digest, &lines[i]);
    }
    return digest;
}

static void
is_what_the_header_says(void **state)
{
    const struct digest_line lines[] = {{66641066692, 30, 20261120, 20271119},
                                        {128, 1, 20260101, 99991231}};
    struct digest digest = digest_of(lines, 1);
    char text[DIGEST_TEXT_LEN];

    (void)state;
    digest_print(&digest, text);
    assert_string_equal(text, "8dfdaad3e6e96ed2f9401fdb0656f5a2");
    digest = digest_of(lines, 2);
    digest_print(&digest, text);
    assert_string_equal(text, "0915b1fd0c22be7658707408c6b870cd");
    assert_int_equal(digest.count, 2);
}

static void
order_and_parts_do_not_matter(void **state)
{
    struct digest_line lines[LINES], backwards[LINES];
    struct digest whole, parts, rest;

    (void)state;
    for (unsigned i = 0; i < LINES; i++) {
        lines[i] = line_at(i);
        backwards[LINES - 1 - i] = lines[i];
    }
    whole = digest_of(lines, LINES);
    parts = digest_of(backwards, LINES);
    assert_true(digest_is_equal(&whole, &parts));
    parts = digest_of(lines, LINES / 3);
    rest = digest_of(lines + LINES / 3, LINES - LINES / 3);
    assert_false(digest_is_equal(&whole, &parts));
    digest_join(&parts, &rest);
    assert_true(digest_is_equal(&whole, &parts));
}

static void
each_difference_shows(void **state)
{
    const struct digest_line line = line_at(1);
    struct digest_line others[] = {line, line, line, line};
    struct digest one = digest_of(&line, 1), twice = one;

    (void)state;
    others[0].niss++;
    others[1].quality++;
    others[2].begin++;
    others[3].end++;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct digest other = digest_of(&others[i], 1);

        assert_false(digest_is_equal(&one, &other));
    }
    digest_join(&twice, &one); // a line that stands twice is not lost
    digest_join(&twice, &one);
    assert_false(digest_is_equal(&one, &twice));
}

static void
a_sum_carries_and_comes_back_from_bytes(void **state)
{
    struct digest most = {1, UINT64_MAX, UINT64_MAX}, one = {1, 1, 0}, back;
    uint8_t bytes[DIGEST_BYTES];

    (void)state;
    digest_join(&one, &most);
    assert_true(one.low == 0 && one.high == 0 && one.count == 2);
    one = (struct digest){5, UINT64_C(0x0807060504030201), UINT64_C(0x100f0e0d0c0b0a09)};
    digest_bytes(&one, bytes);
    for (int i = 0; i < DIGEST_BYTES; i++) {
        assert_int_equal(bytes[i], i + 1);
    }
    digest_from_bytes(5, bytes, &back);
    assert_true(digest_is_equal(&one, &back));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_what_the_header_says),
        cmocka_unit_test(order_and_parts_do_not_matter),
        cmocka_unit_test(each_difference_shows),
        cmocka_unit_test(a_sum_carries_and_comes_back_from_bytes),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
