// SPDX-License-Identifier: EUPL-1.2
// Goal: the broker's keys are read when they belong together and nobody else may read them;
// otherwise the words say what is wrong.
// Method: key files in a fresh folder, right and wrong.
#include "edge/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

#include <cmocka.h>

#include "scratch.h"

static char path[128];
static char public_text[PAIR_TEXT_LEN];
static char secret_text[PAIR_TEXT_LEN];

static int
make_folder(void **state)
{
    struct scratch *scratch = xcalloc(1, sizeof *scratch);

    *scratch = scratch_make();
    scratch_file(scratch, "broker.key", path);
    assert_int_equal(zmq_curve_keypair(public_text, secret_text), 0);
    *state = scratch;
    return 0;
}

static int
end_folder(void **state)
{
    scratch_end(*state);
    free(*state);
    return 0;
}

static void
write_file(const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static enum vg_status
read_text(const char *public_part, const char *secret_part, struct pair *ret_pair,
          struct why *why)
{
    char text[256];

    snprintf(text, sizeof text, "# made by hand\npublic: %s\nsecret: %s\n", public_part,
             secret_part);
    write_file(text, 0600);
    return pair_read(path, PAIR_CURVE, ret_pair, why);
}

static void
reads_a_pair_that_belongs_together(void **state)
{
    uint8_t expected[PAIR_KEY_LEN];
    struct pair pair;
    (void)state;

    assert_int_equal(read_text(public_text, secret_text, &pair, NULL), VG_OK);
    assert_string_equal(pair.public_text, public_text);
    assert_non_null(zmq_z85_decode(expected, secret_text));
    assert_memory_equal(pair.secret, expected, PAIR_KEY_LEN);
    pair_forget(&pair);
    memset(expected, 0, sizeof expected);
    assert_memory_equal(pair.secret, expected, PAIR_KEY_LEN);
}

static void
finds_the_public_key_when_only_the_secret_is_there(void **state)
{
    char text[128];
    struct pair pair;
    (void)state;

    snprintf(text, sizeof text, "secret: %s\n", secret_text);
    write_file(text, 0600);
    assert_int_equal(pair_read(path, PAIR_CURVE, &pair, NULL), VG_OK);
    assert_string_equal(pair.public_text, public_text);
}

static void
refuses_keys_that_do_not_belong_together(void **state)
{
    char other_public[PAIR_TEXT_LEN];
    char other_secret[PAIR_TEXT_LEN];
    struct pair pair;
    struct why why;
    (void)state;

    assert_int_equal(zmq_curve_keypair(other_public, other_secret), 0);
    assert_int_equal(read_text(other_public, secret_text, &pair, &why), VG_BAD_SETTINGS);
    assert_non_null(strstr(why.text, "do not belong together"));
    assert_null(strstr(why.text, secret_text));
}

static void
refuses_what_is_no_key(void **state)
{
    struct pair pair;
    struct why why;
    (void)state;

    assert_int_equal(read_text(public_text, "short", &pair, &why), VG_BAD_SETTINGS);
    write_file("public: x\n", 0600);
    assert_int_equal(pair_read(path, PAIR_CURVE, &pair, &why), VG_BAD_SETTINGS);
    assert_non_null(strstr(why.text, "no line"));
    write_file("", 0600);
    assert_int_equal(pair_read(path, PAIR_CURVE, &pair, &why), VG_BAD_SETTINGS);
}

// Of RFC 8032, section 7.1, test 1.
static void
reads_the_key_that_signs_anchors(void **state)
{
    static const char secret[] =
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    static const char public[] =
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    char text[256];
    struct pair pair;
    struct why why;
    (void)state;

    snprintf(text, sizeof text, "public: %s\nsecret: %s\n", public, secret);
    write_file(text, 0600);
    assert_int_equal(pair_read(path, PAIR_ANCHOR, &pair, NULL), VG_OK);
    assert_string_equal(pair.public_text, public);
    assert_int_equal(pair.secret[0], 0x9d);
    assert_int_equal(pair_read(path, PAIR_CURVE, &pair, &why), VG_BAD_SETTINGS);
    snprintf(text, sizeof text, "public: %s\nsecret: %s\n", secret, secret);
    write_file(text, 0600);
    assert_int_equal(pair_read(path, PAIR_ANCHOR, &pair, &why), VG_BAD_SETTINGS);
    assert_non_null(strstr(why.text, "do not belong together"));
    snprintf(text, sizeof text, "public: %s\nsecret: %s\n", public_text, secret_text);
    write_file(text, 0600);
    assert_int_equal(pair_read(path, PAIR_ANCHOR, &pair, &why), VG_BAD_SETTINGS);
    assert_non_null(strstr(why.text, "64 hexadecimal digits"));
    assert_null(strstr(why.text, secret_text));
}

static void
refuses_a_file_that_others_may_read(void **state)
{
    char text[128];
    struct pair pair;
    struct why why;
    (void)state;

    snprintf(text, sizeof text, "secret: %s\n", secret_text);
    write_file(text, 0640);
    assert_int_equal(pair_read(path, PAIR_CURVE, &pair, &why), VG_BAD_FILE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(pair_read(path, PAIR_CURVE, &pair, &why), VG_BAD_FILE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_pair_that_belongs_together),
        cmocka_unit_test(finds_the_public_key_when_only_the_secret_is_there),
        cmocka_unit_test(refuses_keys_that_do_not_belong_together),
        cmocka_unit_test(refuses_what_is_no_key),
        cmocka_unit_test(reads_the_key_that_signs_anchors),
        cmocka_unit_test(refuses_a_file_that_others_may_read),
    };

    return cmocka_run_group_tests(tests, make_folder, end_folder);
}
