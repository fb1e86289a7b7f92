// SPDX-License-Identifier: EUPL-1.2
// Goal: a library that gets no memory ends the process with a line, as our own code does.
// Method: a child asks libevent and jansson for more than there is.
#include "edge/memory.h"

#include <event2/buffer.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

// More than an address space holds, and less than what libevent refuses by itself.
#define TOO_MUCH ((size_t)1 << 47)

static void
ask_libevent(void)
{
    struct evbuffer *buffer = evbuffer_new();

    (void)evbuffer_expand(buffer, TOO_MUCH);
}

static void
ask_jansson(void)
{
    json_malloc_t get;
    json_free_t give;

    json_get_alloc_funcs(&get, &give);
    give(get(TOO_MUCH));
}

// Gives the child's wait status.
static int
ask_in_child(void (*ask)(void))
{
    struct rlimit none = {0, 0};
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        close(STDERR_FILENO);
        (void)setrlimit(RLIMIT_CORE, &none);
        memory_set_policy();
        ask();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void
no_memory_ends_the_process(void **state)
{
    (void)state;
    // A sanitizer ends it in its own way.
    assert_int_not_equal(ask_in_child(ask_libevent), 0);
    assert_int_not_equal(ask_in_child(ask_jansson), 0);
}

static void
with_memory_they_work_as_ever(void **state)
{
    struct evbuffer *buffer;
    json_t *text;
    (void)state;

    memory_set_policy();
    buffer = evbuffer_new();
    assert_int_equal(evbuffer_add(buffer, "abc", 3), 0);
    assert_int_equal(evbuffer_get_length(buffer), 3);
    evbuffer_free(buffer);
    text = json_string("abc");
    assert_string_equal(json_string_value(text), "abc");
    json_decref(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_memory_ends_the_process),
        cmocka_unit_test(with_memory_they_work_as_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
