// SPDX-License-Identifier: EUPL-1.2
// Goal: the ready file says where the broker listens, is whole when it is there, and goes.
// Method: it is written into a fresh folder and read line by line.
#include "edge/ready.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scratch.h"

static const struct ready where = {
    .broker_public = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
    .sources = "tcp://127.0.0.1:40001",
    .members = "tcp://127.0.0.1:40002",
    .http = "",
};

static void
says_where_the_broker_listens_and_goes(void **state)
{
    struct scratch scratch = scratch_make();
    char expected[512];
    char path[128];
    char text[512] = {0};
    FILE *file;
    (void)state;

    assert_int_equal(ready_write(scratch.path, &where, NULL), VG_OK);
    file = fopen(scratch_file(&scratch, "vigied.ready", path), "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    snprintf(expected, sizeof expected,
             "pid: %ld\npublic: %s\nsources: %s\nmembers: %s\nhttp: \n", (long)getpid(),
             where.broker_public, where.sources, where.members);
    assert_string_equal(text, expected);
    assert_int_not_equal(access(scratch_file(&scratch, "vigied.ready.tmp", path), F_OK),
                         0);
    ready_remove(scratch.path);
    assert_int_not_equal(access(scratch_file(&scratch, "vigied.ready", path), F_OK), 0);
    scratch_end(&scratch);
}

static void
says_why_it_cannot_be_written(void **state)
{
    struct why why;
    (void)state;

    assert_int_equal(ready_write("/nonexistent", &where, &why), VG_BAD_FILE);
    assert_non_null(strstr(why.text, "/nonexistent/vigied.ready"));
    assert_int_equal(ready_write("", &where, &why), VG_OK); // nowhere was asked for
    ready_remove("");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_where_the_broker_listens_and_goes),
        cmocka_unit_test(says_why_it_cannot_be_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
