// SPDX-License-Identifier: EUPL-1.2
// Goal: an anchor's line is read again as it was written, whatever a mail does to its spaces;
// whoever changes any byte of it is found out.
// Method: a fixed key, so that the line is the same for ever; each byte of it is changed once.
#include "anchor/anchor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t seed[ANCHOR_KEY_LEN] = {1, 2, 3, 4, 5, 6, 7, 8};

static const char kept[] =
    "vigie-anchor 1 2026-11-21 1234 "
    "abababababababababababababababababababababababababababababababab ";

static struct anchor
make(void)
{
    struct anchor anchor = {.commit = 1234, .day = 20261121};

    memset(anchor.hash, 0xab, sizeof anchor.hash);
    anchor_sign(&anchor, seed);
    return anchor;
}

static void
is_one_line_that_is_read_again(void **state)
{
    struct anchor anchor = make(), got;
    char line[ANCHOR_LINE_LEN];
    const char *at = line;
    bool cut = true;
    (void)state;

    anchor_print(&anchor, line);
    assert_memory_equal(line, kept, sizeof kept - 1);
    assert_int_equal(strlen(line), sizeof kept - 1 + 64 + 1 + 128);
    assert_null(strchr(line, '\n'));
    assert_true(anchor_holds(&anchor));
    assert_true(anchor_read(&at, &got, &cut));
    assert_memory_equal(&got, &anchor, sizeof got);
    assert_int_equal(*at, 0);
    assert_false(anchor_read(&at, &got, &cut));
    assert_false(cut);
}

// Made with another library from the same bytes.
static void
is_the_same_line_for_ever(void **state)
{
    static const char signature[] =
        "9246fcb0a1ae34128933e6ab7ef75c29544aae7d7531c6923dbb1387d78e5f91"
        "c841be2dfafb4f3e0ae0da6f6b0e042f4d2c5601c8caf706077118953872e606";
    struct anchor anchor = make();
    char line[ANCHOR_LINE_LEN];
    (void)state;

    anchor_print(&anchor, line);
    assert_string_equal(strrchr(line, ' ') + 1, signature);
}

static void
is_found_in_a_mail_that_broke_its_line(void **state)
{
    struct anchor first = make(), second = make(), got;
    char line[ANCHOR_LINE_LEN], text[3 * ANCHOR_LINE_LEN];
    const char *at = text;
    bool cut = false;
    (void)state;

    second.commit = 1300;
    second.day = 20261122;
    anchor_sign(&second, seed);
    anchor_print(&first, line);
    strcpy(text, "Subject: yesterday\r\n\r\n");
    for (const char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " ")) {
        strcat(strcat(text, word), "\r\n  ");
    }
    anchor_print(&second, line);
    strcat(text, "\nand ");
    strcat(text, line);
    assert_true(anchor_read(&at, &got, &cut));
    assert_memory_equal(&got, &first, sizeof got);
    assert_true(anchor_read(&at, &got, &cut));
    assert_memory_equal(&got, &second, sizeof got);
    text[strlen(text) - 1] = 0; // one digit is lost
    at = strstr(text, "and ");
    assert_false(anchor_read(&at, &got, &cut));
    assert_true(cut);
}

static void
no_byte_of_it_can_be_changed(void **state)
{
    struct anchor anchor = make(), got;
    char line[ANCHOR_LINE_LEN];
    size_t changed = 0;
    (void)state;

    anchor_print(&anchor, line);
    for (size_t i = 0; line[i] != 0; i++) {
        const char *at = line;
        char before = line[i];
        bool cut = false;

        line[i] = before == '1' ? '2' : '1';
        if (before != ' ' && anchor_read(&at, &got, &cut)) {
            assert_false(anchor_holds(&got));
            changed++;
        }
        line[i] = before;
    }
    assert_true(changed > 200); // the others are no anchor any more
}

static void
a_key_is_sixty_four_digits(void **state)
{
    uint8_t key[ANCHOR_KEY_LEN], got[ANCHOR_KEY_LEN];
    char text[ANCHOR_KEY_TEXT_LEN + 1];
    (void)state;

    anchor_key(seed, key);
    anchor_key_print(key, text);
    assert_int_equal(strlen(text), 64);
    assert_true(anchor_key_read(text, got));
    assert_memory_equal(got, key, sizeof key);
    strcat(text, "0");
    assert_false(anchor_key_read(text, got));
    text[63] = 'x';
    text[64] = 0;
    assert_false(anchor_key_read(text, got));
    assert_false(anchor_key_read("", got));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_one_line_that_is_read_again),
        cmocka_unit_test(is_the_same_line_for_ever),
        cmocka_unit_test(is_found_in_a_mail_that_broke_its_line),
        cmocka_unit_test(no_byte_of_it_can_be_changed),
        cmocka_unit_test(a_key_is_sixty_four_digits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
