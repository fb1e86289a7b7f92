// SPDX-License-Identifier: EUPL-1.2
// Goal: everything said about an outcome comes from one table, and its numbers never
// move. Method: the numbers on the wire stand here a second time, by hand.
#include "vigie/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STATUS_COUNT = 48 };

static void
numbers_on_the_wire_never_move(void **state)
{
    static const struct {
        int number;
        const char *name;
    } wire[] = {
        {0, "OK"},
        {1, "REPEATED"},
        {2, "MALFORMED"},
        {3, "TOO_LARGE"},
        {4, "TOO_MANY"},
        {5, "UNKNOWN_FLOW"},
        {6, "NOT_THE_SOURCE"},
        {7, "UNKNOWN_FIELD"},
        {8, "FIELD_NOT_IN_FLOW"},
        {9, "BAD_NISS"},
        {10, "TEST_PERSON"},
        {11, "BAD_DATE"},
        {12, "BAD_ENTERPRISE"},
        {13, "BAD_RECIPIENT"},
        {14, "NOT_INTEGRATED"},
        {15, "GAP"},
        {16, "UNKNOWN_QUALITY"},
        {17, "PERIOD_TOO_LONG"},
        {18, "TOO_FAR"},
        {19, "PROOF_MISSING"},
        {20, "PROOF_WRONG"},
        {21, "EXCLUSIVE"},
        {22, "NOT_FOUND"},
        {23, "NOT_ALLOWED"},
        {24, "KEY_UNKNOWN"},
        {25, "KEY_REVOKED"},
        {26, "WRONG_ROLE"},
        {27, "BUSY"},
        {28, "STORE_FULL"},
        {29, "STORE_BROKEN"},
        {30, "STORE_NEWER"},
        {31, "STORE_IN_USE"},
        {32, "BAD_CATALOGUE"},
        {33, "BAD_SETTINGS"},
        {34, "DRAINING"},
        {35, "DISCONNECTED"},
        {36, "TIMED_OUT"},
        {37, "UNKNOWN"},
        {38, "EXISTS"},
        {39, "NO_MEMORY"},
        {40, "WINDOW"},
        {41, "BAD_FILE"},
        {42, "INTERRUPTED"},
        {43, "OVERLAPS"},
        {44, "REPLACED"},
        {45, "BAD_REFERENCE"},
        {46, "MOVED"},
        {47, "NOT_KEPT"},
    };
    (void)state;

    assert_int_equal(sizeof wire / sizeof wire[0], STATUS_COUNT);
    for (int i = 0; i < STATUS_COUNT; i++) {
        assert_string_equal(vg_status_name((enum vg_status)wire[i].number), wire[i].name);
    }
}

static void
every_outcome_has_its_sentence_and_advice(void **state)
{
    (void)state;
    for (int i = 0; i < STATUS_COUNT; i++) {
        enum vg_status status = (enum vg_status)i;
        const char *sentence = vg_status_sentence(status);
        int http = vg_status_http(status);

        assert_true(strlen(sentence) >= 4);
        assert_true(sentence[0] >= 'a' && sentence[0] <= 'z'); // part of a line
        assert_int_not_equal(sentence[strlen(sentence) - 1], '.');
        switch (vg_status_remedy(status)) {
        case VG_NOTHING_TO_DO:
            assert_int_equal(http, 200);
            break;
        case VG_FIX_REQUEST:
            assert_in_range(http, 400, 499);
            break;
        case VG_RETRY_LATER:
            assert_in_range(http, 500, 599);
            break;
        case VG_CALL_OPERATOR:
            assert_true(http == 401 || http == 500);
            break;
        }
    }
}

static void
no_two_outcomes_share_a_name_or_a_sentence(void **state)
{
    (void)state;
    for (int i = 0; i < STATUS_COUNT; i++) {
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(vg_status_name((enum vg_status)i),
                                    vg_status_name((enum vg_status)j));
            assert_string_not_equal(vg_status_sentence((enum vg_status)i),
                                    vg_status_sentence((enum vg_status)j));
        }
    }
}

static void
a_number_from_a_newer_broker_is_not_a_surprise(void **state)
{
    static const int newer[] = {STATUS_COUNT, 1000, -1};
    (void)state;

    for (size_t i = 0; i < sizeof newer / sizeof newer[0]; i++) {
        enum vg_status status = (enum vg_status)newer[i];

        assert_string_equal(vg_status_name(status), "UNKNOWN_STATUS");
        assert_int_equal(vg_status_remedy(status), VG_CALL_OPERATOR);
        assert_int_equal(vg_status_http(status), 500);
        assert_true(strlen(vg_status_sentence(status)) > 0);
    }
}

static void
remedies_have_names(void **state)
{
    (void)state;
    assert_string_equal(vg_remedy_name(vg_status_remedy(VG_OK)), "nothing");
    assert_string_equal(vg_remedy_name(vg_status_remedy(VG_BAD_NISS)), "sender");
    assert_string_equal(vg_remedy_name(vg_status_remedy(VG_BUSY)), "time");
    assert_string_equal(vg_remedy_name(vg_status_remedy(VG_STORE_BROKEN)), "operator");
    assert_string_equal(vg_remedy_name((enum vg_remedy)9), "operator");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_on_the_wire_never_move),
        cmocka_unit_test(every_outcome_has_its_sentence_and_advice),
        cmocka_unit_test(no_two_outcomes_share_a_name_or_a_sentence),
        cmocka_unit_test(a_number_from_a_newer_broker_is_not_a_surprise),
        cmocka_unit_test(remedies_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
