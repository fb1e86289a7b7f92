// SPDX-License-Identifier: EUPL-1.2
// Goal: what is taken away is gone for good and on every thread, and what serving needs is
// left.
// Method: a child process confines itself and tries; its exit status tells.
#include "edge/confine.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

// The status with which a child ended after doing this.
static int
child_does(int (*deed)(void))
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        (void)!freopen("/dev/null", "w", stderr); // the line about a refused call
        _exit(deed());
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static int
gives_up_secrets(void)
{
    struct rlimit limit;

    return confine_secrets(false, NULL) == VG_OK &&
                   prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
                   prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 &&
                   getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 &&
                   limit.rlim_max == 0
               ? 0
               : 1;
}

static int
leaves_core_files(void)
{
    return confine_secrets(true, NULL) == VG_OK &&
                   prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
                   prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1
               ? 0
               : 1;
}

static int
opens_a_socket(void)
{
    if (confine_calls(NULL) != VG_OK) {
        return 1;
    }
    return socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == EPERM &&
                   socket(AF_UNIX, SOCK_DGRAM, 0) >= 0
               ? 0
               : 2;
}

static void *
execute(void *arg)
{
    int *go = arg;
    char byte;

    (void)!read(go[0], &byte, 1);
    execl("/nowhere", "nothing", NULL); // a program would not get far either
    return NULL;
}

// The thread was there before the list.
static int
executes_on_another_thread(void)
{
    pthread_t thread;
    int go[2];

    if (pipe(go) != 0 || pthread_create(&thread, NULL, execute, go) != 0 ||
        confine_calls(NULL) != VG_OK) {
        return 1;
    }
    (void)!write(go[1], "x", 1);
    pthread_join(thread, NULL);
    return 2;
}

static void *
nothing(void *arg)
{
    return arg;
}

static int
goes_on_serving(void)
{
    pthread_t thread;
    void *memory;
    FILE *file;

    if (confine_calls(NULL) != VG_OK) {
        return 1;
    }
    memory = malloc(64 << 20);
    file = tmpfile();
    if (memory == NULL || file == NULL || fputs("kept", file) < 0 ||
        fsync(fileno(file)) != 0 || fclose(file) != 0) {
        return 2;
    }
    free(memory);
    return pthread_create(&thread, NULL, nothing, NULL) == 0 &&
                   pthread_join(thread, NULL) == 0
               ? 0
               : 3;
}

static void
gives_up_core_files_and_new_privileges(void **state)
{
    (void)state;
    assert_int_equal(child_does(leaves_core_files), 0);
    if (!confine_is_possible()) {
        skip();
    }
    assert_int_equal(child_does(gives_up_secrets), 0);
}

static void
refuses_what_is_not_on_the_list(void **state)
{
    (void)state;
    if (!confine_is_possible()) {
        skip();
    }
    assert_int_equal(child_does(opens_a_socket), 0);
}

static void
ends_at_what_only_an_attack_calls_on_any_thread(void **state)
{
    int status;
    (void)state;

    if (!confine_is_possible()) {
        skip();
    }
    status = child_does(executes_on_another_thread);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void
leaves_files_memory_and_threads(void **state)
{
    (void)state;
    if (!confine_is_possible()) {
        skip();
    }
    assert_int_equal(child_does(goes_on_serving), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_up_core_files_and_new_privileges),
        cmocka_unit_test(refuses_what_is_not_on_the_list),
        cmocka_unit_test(ends_at_what_only_an_attack_calls_on_any_thread),
        cmocka_unit_test(leaves_files_memory_and_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
