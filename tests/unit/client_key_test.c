// SPDX-License-Identifier: EUPL-1.2
// Goal: keys that belong together, and never the same twice.
// Method: the public half is computed again from the secret one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <zmq.h>

#include "vigie/vigie.h"

static void
the_halves_belong_together(void **state)
{
    char public_text[VG_KEY_TEXT_LEN];
    char secret_text[VG_KEY_TEXT_LEN];
    char computed[VG_KEY_TEXT_LEN];

    (void)state;
    assert_int_equal(vg_key_make(public_text, secret_text), VG_OK);
    assert_int_equal(strlen(secret_text), VG_KEY_TEXT_LEN - 1);
    assert_int_equal(zmq_curve_public(computed, secret_text), 0);
    assert_string_equal(computed, public_text);
}

static void
two_are_never_the_same(void **state)
{
    char keys[4][VG_KEY_TEXT_LEN];

    (void)state;
    assert_int_equal(vg_key_make(keys[0], keys[1]), VG_OK);
    assert_int_equal(vg_key_make(keys[2], keys[3]), VG_OK);
    assert_string_not_equal(keys[0], keys[2]);
    assert_string_not_equal(keys[1], keys[3]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_halves_belong_together),
        cmocka_unit_test(two_are_never_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
