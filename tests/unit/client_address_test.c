// SPDX-License-Identifier: EUPL-1.2
// Goal: a key file is read as it was written, and one that is not whole is named with what
// it lacks.
// Method: files in a fresh folder.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "vigie/vigie.h"

#define PUBLIC "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define SECRET "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"
#define BROKER "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"

static char folder[] = "/tmp/vigie_address_XXXXXX";
static char path[64];

static int
make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "%s/key", folder);
    return 0;
}

static int
remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void
write_file(const char *text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static enum vg_status
load(const char *door, struct vg_address **ret_address, struct vg_error *error)
{
    return vg_address_load(path, door, ret_address, error);
}

static const char whole[] = "# made by vigie keygen\n"
                            "institution: 25\n"
                            "\n"
                            "endpoint_sources: tcp://127.0.0.1:7461\n"
                            "endpoint_members:   tcp://127.0.0.1:7462\r\n"
                            "broker_public: " BROKER "\n"
                            "public: " PUBLIC "\n"
                            "secret: " SECRET; // no end of line

static void
each_door_has_its_endpoint(void **state)
{
    struct vg_address *address = NULL;

    (void)state;
    write_file(whole);
    assert_int_equal(load("sources", &address, NULL), VG_OK);
    assert_string_equal(address->endpoint, "tcp://127.0.0.1:7461");
    assert_string_equal(address->broker_public, BROKER);
    assert_string_equal(address->own_public, PUBLIC);
    assert_string_equal(address->own_secret, SECRET);
    assert_memory_equal(address->program, "libvigie ", 9); // until the program says more
    vg_address_free(&address);
    assert_null(address);
    vg_address_free(&address);
    assert_int_equal(load("members", &address, NULL), VG_OK);
    assert_string_equal(address->endpoint, "tcp://127.0.0.1:7462");
    vg_address_free(&address);
}

static void
a_door_of_another_name_is_refused(void **state)
{
    struct vg_address *address = NULL;

    (void)state;
    write_file(whole);
    assert_int_equal(load("window", &address, NULL), VG_MALFORMED);
    assert_null(address);
}

static void
what_is_missing_is_named(void **state)
{
    struct vg_address *address = NULL;
    struct vg_error error;

    (void)state;
    write_file("endpoint_sources: tcp://127.0.0.1:7461\nbroker_public: " BROKER
               "\npublic: " PUBLIC "\n");
    assert_int_equal(load("sources", &address, &error), VG_BAD_FILE);
    assert_non_null(strstr(error.sentence, "\"secret\""));
    assert_int_equal(load("members", &address, &error), VG_BAD_FILE);
    assert_non_null(strstr(error.sentence, "\"endpoint_members\""));
    assert_null(address);
}

static void
a_line_that_is_none_is_named(void **state)
{
    struct vg_address *address = NULL;
    struct vg_error error;

    (void)state;
    write_file("# first\npublic " PUBLIC "\n");
    assert_int_equal(load("sources", &address, &error), VG_BAD_FILE);
    assert_non_null(strstr(error.sentence, ":2:"));
    assert_null(strstr(error.sentence, PUBLIC));
}

static void
a_key_of_the_wrong_length_is_refused(void **state)
{
    struct vg_address *address = NULL;
    struct vg_error error;

    (void)state;
    write_file("endpoint_sources: tcp://127.0.0.1:7461\nbroker_public: " BROKER
               "\npublic: " PUBLIC "\nsecret: too short\n");
    assert_int_equal(load("sources", &address, &error), VG_MALFORMED);
    assert_null(strstr(error.sentence, "too short"));
}

static void
no_file_is_a_bad_file(void **state)
{
    struct vg_address *address = NULL;
    struct vg_error error;

    (void)state;
    assert_int_equal(vg_address_load("/nonexistent/key", "sources", &address, &error),
                     VG_BAD_FILE);
    assert_non_null(strstr(error.sentence, "/nonexistent/key"));
    assert_int_equal(vg_address_load("/", "sources", &address, &error), VG_BAD_FILE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_door_has_its_endpoint),
        cmocka_unit_test(a_door_of_another_name_is_refused),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(a_line_that_is_none_is_named),
        cmocka_unit_test(a_key_of_the_wrong_length_is_refused),
        cmocka_unit_test(no_file_is_a_bad_file),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
