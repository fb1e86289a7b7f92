// SPDX-License-Identifier: EUPL-1.2
// Goal: a number typed from a card is told from a slip of the finger.
// Method: the published examples; then single digits changed.
#include "values/card.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
reads_the_published_identity_cards(void **state)
{
    static const struct {
        const char *text;
        uint64_t number;
    } good[] = {
        {"000001103271", UINT64_C(1103271)},
        {"591191706458", UINT64_C(591191706458)},
        {"591201099997", UINT64_C(591201099997)}, // nothing left over: written 97
        {"591-1917064-58", UINT64_C(591191706458)},
        {"000-0011032-71", UINT64_C(1103271)},
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct identity_card card = {0};

        assert_int_equal(
            identity_card_parse(good[i].text, strlen(good[i].text), &card, NULL), VG_OK);
        assert_int_equal(card.number, good[i].number);
    }
}

static void
refuses_identity_cards_with_wrong_check_digits(void **state)
{
    static const char *const wrong[] = {"000001103225", "591191706459", "591201099900",
                                        "591-1917064-85"};
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct identity_card card = {7};
        struct why why;

        assert_int_equal(identity_card_parse(wrong[i], strlen(wrong[i]), &card, &why),
                         VG_PROOF_WRONG);
        assert_string_equal(why.text, "the check digits of the identity card do not fit");
        assert_int_equal(card.number, 7);
    }
}

static void
notices_every_single_wrong_digit(void **state)
{
    (void)state;
    for (size_t place = 0; place < 12; place++) {
        for (char digit = '0'; digit <= '9'; digit++) {
            char text[] = "591191706458";
            bool same = text[place] == digit;
            struct identity_card card;

            text[place] = digit;
            assert_int_equal(identity_card_parse(text, 12, &card, NULL),
                             same ? VG_OK : VG_PROOF_WRONG);
        }
    }
}

static void
refuses_every_other_written_form_of_an_identity_card(void **state)
{
    static const char *const wrong[] = {"",
                                        "59119170645",
                                        "5911917064580",
                                        "591 1917064 58",
                                        "591-191706-458",
                                        "591.1917064.58",
                                        "59119170645x",
                                        " 591191706458"};
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct identity_card card = {7};

        assert_int_equal(identity_card_parse(wrong[i], strlen(wrong[i]), &card, NULL),
                         VG_PROOF_WRONG);
        assert_int_equal(card.number, 7);
    }
}

static void
a_social_card_is_ten_digits(void **state)
{
    static const char *const wrong[] = {"", "123456789", "12345678901", "123456789x",
                                        "123-456-78"};
    struct social_card card = {7};
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(social_card_parse(wrong[i], strlen(wrong[i]), &card, NULL),
                         VG_PROOF_WRONG);
    }
    assert_int_equal(card.number, 7);
    assert_int_equal(social_card_parse("0123456789", 10, &card, NULL), VG_OK);
    assert_int_equal(card.number, 123456789);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_published_identity_cards),
        cmocka_unit_test(refuses_identity_cards_with_wrong_check_digits),
        cmocka_unit_test(notices_every_single_wrong_digit),
        cmocka_unit_test(refuses_every_other_written_form_of_an_identity_card),
        cmocka_unit_test(a_social_card_is_ten_digits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
