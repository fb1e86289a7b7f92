// SPDX-License-Identifier: EUPL-1.2
// Goal: bytes added to a buffer stay as they are while it grows.
// Method: many small and some large additions, compared with a pattern afterwards.
#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
keeps_every_byte_while_it_grows(void **state)
{
    AUTO(buffer_free) struct buffer buffer = {0};
    uint8_t piece[777];
    size_t expected = 0;
    (void)state;

    for (unsigned i = 0; i < 500; i++) {
        size_t len = i * 7 % sizeof piece;

        memset(piece, (int)(i % 256), len);
        assert_int_equal(buffer_add(&buffer, piece, len), expected);
        expected += len;
    }
    assert_int_equal(buffer.len, expected);
    assert_true(buffer.size >= buffer.len);

    const uint8_t *at = buffer.at;

    for (unsigned i = 0; i < 500; i++) {
        for (size_t j = 0; j < i * 7 % sizeof piece; j++) {
            if (*at++ != i % 256) {
                fail_msg("piece %u was changed", i);
            }
        }
    }
}

static void
room_is_no_content(void **state)
{
    AUTO(buffer_free) struct buffer buffer = {0};
    (void)state;

    buffer_add(&buffer, "abc", 3);

    uint8_t *room = buffer_reserve(&buffer, 100000);

    assert_int_equal(buffer.len, 3);
    assert_ptr_equal(room, buffer.at + 3);
    assert_true(buffer.size >= 100003);
    memset(room, 'x', 100000); // all of it may be written
    assert_memory_equal(buffer.at, "abcx", 4);
}

static void
nothing_may_be_added(void **state)
{
    AUTO(buffer_free) struct buffer buffer = {0};
    (void)state;

    assert_int_equal(buffer_add(&buffer, NULL, 0), 0);
    assert_int_equal(buffer.len, 0);
    assert_non_null(buffer_reserve(&buffer, 0));
    buffer_print(&buffer, "%s", "");
    assert_int_equal(buffer.len, 0);
}

static void
prints_without_the_zero(void **state)
{
    AUTO(buffer_free) struct buffer buffer = {0};
    char text[1001];
    (void)state;

    memset(text, 'y', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    buffer_print(&buffer, "%d-", 42);
    buffer_print(&buffer, "%s", text); // longer than the first memory
    buffer_print(&buffer, "!");
    assert_int_equal(buffer.len, 3 + 1000 + 1);
    assert_memory_equal(buffer.at, "42-yyy", 6);
    assert_int_equal(buffer.at[buffer.len - 1], '!');
}

static void
prints_at_every_fill_level(void **state)
{
    (void)state;
    for (size_t before = 0; before < 600; before++) {
        AUTO(buffer_free) struct buffer buffer = {0};

        memset(buffer_reserve(&buffer, before), 'a', before);
        buffer.len = before;
        buffer_print(&buffer, "%s", "0123456789");
        assert_int_equal(buffer.len, before + 10);
        assert_memory_equal(buffer.at + before, "0123456789", 10);
    }
}

static void
clearing_keeps_the_memory_and_freeing_does_not(void **state)
{
    struct buffer buffer = {0};
    (void)state;

    buffer_add(&buffer, "abc", 3);

    const uint8_t *memory = buffer.at;

    buffer_clear(&buffer);
    assert_int_equal(buffer.len, 0);
    assert_int_equal(buffer_add(&buffer, "de", 2), 0);
    assert_ptr_equal(buffer.at, memory);

    buffer_free(&buffer);
    assert_null(buffer.at);
    assert_int_equal(buffer.size, 0);
    buffer_free(&buffer);                             // twice by mistake
    assert_int_equal(buffer_add(&buffer, "f", 1), 0); // and used again
    assert_memory_equal(buffer.at, "f", 1);
    buffer_free(&buffer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_every_byte_while_it_grows),
        cmocka_unit_test(room_is_no_content),
        cmocka_unit_test(nothing_may_be_added),
        cmocka_unit_test(prints_without_the_zero),
        cmocka_unit_test(prints_at_every_fill_level),
        cmocka_unit_test(clearing_keeps_the_memory_and_freeing_does_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
