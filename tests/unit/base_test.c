// SPDX-License-Identifier: EUPL-1.2
// Goal: a bug of ours ends the process at once and says where; views compare by content.
// Method: a child process breaks the promise, its error output and its end are read.
#include "base/base.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

// Runs in a child that is expected to end; returns how, and what it said.
static int
end_of_child(void (*break_it)(void), char *said, size_t said_size)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);

    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit no_core = {0, 0};

        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL); // cmocka's, or a sanitizer's
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        break_it();
        _exit(0);
    }
    close(ends[1]);

    size_t len = 0;
    ssize_t got = 0;

    while (len < said_size - 1 &&
           (got = read(ends[0], said + len, said_size - 1 - len)) > 0) {
        len += (size_t)got;
    }
    said[len] = '\0';
    close(ends[0]);

    int status = 0;

    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void
break_a_check(void)
{
    int pigs = 3;

    CHECK(pigs == 4);
}

static void
keep_a_check(void)
{
    CHECK(1 + 1 == 2);
}

static void
a_broken_check_ends_the_process_and_says_where(void **state)
{
    char said[512];
    int status = end_of_child(break_a_check, said, sizeof said);
    (void)state;

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(said, "base_test.c:"));
    assert_non_null(strstr(said, "pigs == 4"));
}

static void
a_kept_check_says_nothing(void **state)
{
    char said[512];
    int status = end_of_child(keep_a_check, said, sizeof said);
    (void)state;

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_string_equal(said, "");
}

static void
memory_comes_zeroed(void **state)
{
    uint8_t *memory = xcalloc(1000, 3);
    (void)state;

    for (size_t i = 0; i < 3000; i++) {
        assert_int_equal(memory[i], 0);
    }
    free(memory);
    memory = xcalloc(0, 8); // nothing is no lack of memory
    assert_non_null(memory);
    free(memory);
}

static void
views_compare_by_content(void **state)
{
    uint8_t bytes[] = {'o', 'n', 's', 's', '!'};
    (void)state;

    assert_true(bytes_equal((struct bytes){bytes, 4}, "onss"));
    assert_false(bytes_equal((struct bytes){bytes, 5}, "onss"));
    assert_false(bytes_equal((struct bytes){bytes, 3}, "onss"));
    assert_false(bytes_equal((struct bytes){bytes, 4}, "onsS"));
    assert_true(bytes_equal((struct bytes){NULL, 0}, ""));
    assert_false(bytes_equal((struct bytes){NULL, 0}, "x"));
    assert_false(bytes_equal((struct bytes){(const uint8_t *)"a\0b", 3}, "a"));
    assert_int_equal(bytes_of("RN").len, 2);
    assert_true(bytes_equal(bytes_of("RN"), "RN"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_check_ends_the_process_and_says_where),
        cmocka_unit_test(a_kept_check_says_nothing),
        cmocka_unit_test(memory_comes_zeroed),
        cmocka_unit_test(views_compare_by_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
