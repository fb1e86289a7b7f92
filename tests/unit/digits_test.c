// SPDX-License-Identifier: EUPL-1.2
// Goal: a number is read from exactly its written form, and from nothing longer.
// Method: one form, and everything near it.
#include "values/digits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
reads_the_digits_of_a_form(void **state)
{
    uint64_t number = 7;
    (void)state;

    assert_true(digits_match("##.##-#", "12.34-5", 7, &number));
    assert_int_equal(number, 12345);
    assert_true(digits_match("####", "0042", 4, &number));
    assert_int_equal(number, 42);
    assert_true(digits_match("###################", "9999999999999999999", 19, &number));
    assert_true(number == UINT64_C(9999999999999999999));
}

static void
refuses_what_looks_otherwise(void **state)
{
    static const char *const wrong[] = {"",        "12.34-",  "12.34-56",
                                        "12-34-5", "12.34.5", "1a.34-5",
                                        "12.34-:", "12.34-/", "##.##-#"};
    uint64_t number = 7;
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_false(digits_match("##.##-#", wrong[i], strlen(wrong[i]), &number));
    }
    assert_false(digits_match("##", "1\0", 2, &number));
    assert_int_equal(number, 7);
}

static void
prints_exactly_the_width(void **state)
{
    char text[] = "xxxxxxx";
    (void)state;

    assert_ptr_equal(digits_print(text + 1, 4, 42), text + 5);
    assert_string_equal(text, "x0042xx");
    digits_print(text + 1, 4, 123456);
    assert_string_equal(text, "x3456xx");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_digits_of_a_form),
        cmocka_unit_test(refuses_what_looks_otherwise),
        cmocka_unit_test(prints_exactly_the_width),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
