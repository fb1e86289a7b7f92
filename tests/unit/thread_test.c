// SPDX-License-Identifier: EUPL-1.2
// Goal: a thread of ours takes no signal but the one about forbidden calls, has a name, and
// leaves its maker's signals as they were.
// Method: the thread says what it finds.
#include "edge/thread.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static sigset_t found;
static pthread_mutex_t named = PTHREAD_MUTEX_INITIALIZER;

static void *
look(void *arg)
{
    pthread_sigmask(SIG_SETMASK, NULL, &found);
    pthread_mutex_lock(&named); // stays until the test has read its name
    pthread_mutex_unlock(&named);
    return arg;
}

static void
a_thread_has_a_name_and_takes_no_signals(void **state)
{
    sigset_t before, after;
    pthread_t thread;
    char name[16];
    void *ret = NULL;

    (void)state;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    pthread_mutex_lock(&named);
    assert_true(thread_start(&thread, "looker", look, &thread));
    assert_int_equal(pthread_getname_np(thread, name, sizeof name), 0);
    assert_string_equal(name, "looker");
    pthread_mutex_unlock(&named);
    assert_int_equal(pthread_join(thread, &ret), 0);
    assert_ptr_equal(ret, &thread);
    assert_int_equal(sigismember(&found, SIGTERM), 1);
    assert_int_equal(sigismember(&found, SIGHUP), 1);
    assert_int_equal(sigismember(&found, SIGSYS), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int signal = 1; signal < 32; signal++) {
        assert_int_equal(sigismember(&after, signal), sigismember(&before, signal));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_has_a_name_and_takes_no_signals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
