// SPDX-License-Identifier: EUPL-1.2
// Goal: what is put on the disk at an opening is what was there, and a disk that refuses is
// noticed. That it is needed, and enough, is shown by tests/power.
// Method: a file of two pages in a fresh folder, and descriptors that cannot be synced.
#include "store/opening.h"

#include "scratch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { PAGE = 4096 };

static void
settling_changes_nothing(void **state)
{
    struct scratch scratch = scratch_make();
    uint8_t before[3 * PAGE], after[sizeof before + 1];
    char path[128];
    int file = open(scratch_file(&scratch, "data.mdb", path), O_RDWR | O_CREAT, 0600);
    (void)state;

    for (size_t i = 0; i < sizeof before; i++) {
        before[i] = (uint8_t)(i * 7 / 5);
    }
    assert_int_equal(write(file, before, sizeof before), sizeof before);
    assert_int_equal(opening_settle(file, PAGE, NULL), VG_OK);
    assert_int_equal(pread(file, after, sizeof after, 0), sizeof before);
    assert_memory_equal(after, before, sizeof before);
    close(file);
    scratch_end(&scratch);
}

static void
a_file_that_cannot_be_settled_is_named(void **state)
{
    struct scratch scratch = scratch_make();
    struct why why = {.text = ""};
    uint8_t page[PAGE] = {0};
    char path[128];
    int file = open(scratch_file(&scratch, "data.mdb", path), O_RDWR | O_CREAT, 0600);
    int reader = open(path, O_RDONLY);
    (void)state;

    assert_int_equal(write(file, page, sizeof page), sizeof page); // one is not enough
    assert_int_equal(opening_settle(file, PAGE, &why), VG_BAD_FILE);
    assert_non_null(strstr(why.text, "data.mdb"));
    assert_int_equal(write(file, page, sizeof page), sizeof page);
    assert_int_equal(opening_settle(file, PAGE, &why), VG_OK);
    assert_int_equal(opening_settle(reader, PAGE, &why), VG_BAD_FILE);
    close(reader);
    close(file);
    scratch_end(&scratch);
}

static void
folders_are_synced_and_what_is_none_is_named(void **state)
{
    struct scratch scratch = scratch_make();
    struct why why = {.text = ""};
    int folder = open(scratch.path, O_RDONLY | O_DIRECTORY);
    (void)state;

    assert_int_equal(opening_sync_folders(folder, &why), VG_OK);
    close(folder);
    assert_int_equal(opening_sync_folders(folder, &why), VG_BAD_FILE);
    assert_non_null(strstr(why.text, "folder"));
    scratch_end(&scratch);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settling_changes_nothing),
        cmocka_unit_test(a_file_that_cannot_be_settled_is_named),
        cmocka_unit_test(folders_are_synced_and_what_is_none_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
