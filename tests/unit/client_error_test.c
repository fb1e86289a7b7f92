// SPDX-License-Identifier: EUPL-1.2
// Goal: the broker's words reach the application as they are, within the room there is, and
// a status of a later broker is still told apart by who can help.
// Method: faults as protobuf-c would give them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "error.h"

static Vigie__V1__Fault
fault_of(uint32_t status, uint32_t remedy, const char *sentence)
{
    Vigie__V1__Fault fault = VIGIE__V1__FAULT__INIT;

    fault.status = status;
    fault.remedy = remedy;
    fault.sentence = (char *)sentence;
    return fault;
}

static void
words_are_taken_as_they_are(void **state)
{
    Vigie__V1__Fault fault = fault_of(VG_BAD_DATE, VG_FIX_REQUEST, "occurred: 20261332");
    struct vg_error error;

    (void)state;
    vg_fault_read(&fault, &error);
    assert_int_equal(error.status, VG_BAD_DATE);
    assert_string_equal(error.sentence, "occurred: 20261332");
    fault.sentence = (char *)"";
    vg_fault_read(&fault, &error);
    assert_string_equal(error.sentence, vg_status_sentence(VG_BAD_DATE));
    vg_fault_read(NULL, &error);
    assert_int_equal(error.status, VG_MALFORMED);
}

static void
too_many_words_are_cut(void **state)
{
    char words[1000];
    struct vg_error error;

    (void)state;
    memset(words, 'w', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    assert_int_equal(vg_fail(&error, VG_BUSY, "%s", words), VG_BUSY);
    assert_int_equal(strlen(error.sentence), sizeof error.sentence - 1);
    assert_int_equal(vg_fail(NULL, VG_BUSY, "%s", words), VG_BUSY);
    assert_int_equal(vg_fail_again(NULL, &error), VG_BUSY);
}

static void
the_remedy_judges_what_the_table_does_not_know(void **state)
{
    const Vigie__V1__Fault busy = fault_of(VG_BUSY, VG_RETRY_LATER, "");
    const Vigie__V1__Fault broken = fault_of(VG_STORE_BROKEN, VG_CALL_OPERATOR, "");
    const Vigie__V1__Fault bad = fault_of(VG_BAD_NISS, VG_FIX_REQUEST, "");
    const Vigie__V1__Fault newer_later = fault_of(999, VG_RETRY_LATER, "");
    const Vigie__V1__Fault newer_bad = fault_of(999, VG_FIX_REQUEST, "");

    (void)state;
    assert_true(vg_fault_is_temporary(&busy));
    assert_true(vg_fault_is_temporary(&broken));
    assert_false(vg_fault_is_temporary(&bad));
    assert_true(vg_fault_is_temporary(&newer_later));
    assert_false(vg_fault_is_temporary(&newer_bad));
    assert_false(vg_fault_is_temporary(NULL));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_taken_as_they_are),
        cmocka_unit_test(too_many_words_are_cut),
        cmocka_unit_test(the_remedy_judges_what_the_table_does_not_know),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
