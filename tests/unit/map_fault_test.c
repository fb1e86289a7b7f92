// SPDX-License-Identifier: EUPL-1.2
// Goal: a store whose file was cut short ends the process with one plain line and its exit
// code, not with a core.
// Method: a child maps a file, cuts it and reads beyond its end, its standard error caught.
#include "edge/map_fault.h"

#include "edge/inspect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILE_BYTES = 4 * 4096, LINE_ROOM = 2048 };

static void
read_beyond_the_end(FILE *file)
{
    volatile const uint8_t *at;

    at = mmap(NULL, FILE_BYTES, PROT_READ, MAP_SHARED, fileno(file), 0);
    if (at == MAP_FAILED || ftruncate(fileno(file), 4096) != 0) {
        _exit(100);
    }
    _exit(at[3 * 4096] == 0 ? 101 : 102);
}

static int
child_says(const char *path, char line[LINE_ROOM])
{
    FILE *file = tmpfile();
    int ends[2];
    int status;
    size_t len = 0;
    ssize_t more;
    pid_t child;

    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), FILE_BYTES), 0);
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        map_fault_watch(path);
        read_beyond_the_end(file);
    }
    close(ends[1]);
    while ((more = read(ends[0], line + len, LINE_ROOM - 1 - len)) > 0) {
        len += (size_t)more;
    }
    line[len] = '\0';
    close(ends[0]);
    fclose(file);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void
is_one_line_with_the_store_and_what_to_do(void **state)
{
    char line[LINE_ROOM];
    int status = child_says("/var/lib/vigie/store", line);
    (void)state;

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), INSPECT_UNSOUND);
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    assert_int_equal(strncmp(line, "time=20", 7), 0);
    assert_non_null(strstr(line, " level=error event=store_unreadable "
                                 "store=/var/lib/vigie/store why=\""));
    assert_non_null(strstr(line, "vigied --verify"));
}

static void
a_long_path_is_cut(void **state)
{
    char path[2000];
    char line[LINE_ROOM];
    (void)state;

    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(WEXITSTATUS(child_says(path, line)), INSPECT_UNSOUND);
    assert_non_null(strstr(line, "vigied --verify"));
    assert_true(strlen(line) < 1024);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_one_line_with_the_store_and_what_to_do),
        cmocka_unit_test(a_long_path_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
