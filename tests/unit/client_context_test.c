// SPDX-License-Identifier: EUPL-1.2
// Goal: handles of many threads share one context, and the last one to go ends it.
// Method: threads take and return it; afterwards a new one must be made.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <cmocka.h>
#include <zmq.h>

#include "context.h"

enum { THREADS = 8, ROUNDS = 50 };

static void
one_for_all_until_the_last_returns_it(void **state)
{
    void *first = vg_context_take();
    void *socket;

    (void)state;
    assert_non_null(first);
    assert_ptr_equal(vg_context_take(), first);
    vg_context_return();
    socket = zmq_socket(first, ZMQ_PAIR); // still alive
    assert_non_null(socket);
    assert_int_equal(zmq_close(socket), 0);
    vg_context_return();
    assert_non_null(vg_context_take()); // a new one
    vg_context_return();
}

static void *
use(void *arg)
{
    size_t *good = arg;

    for (int i = 0; i < ROUNDS; i++) {
        void *context = vg_context_take();
        void *socket = zmq_socket(context, ZMQ_PAIR);

        *good += socket != NULL && zmq_close(socket) == 0;
        vg_context_return();
    }
    return NULL;
}

static void
threads_come_and_go(void **state)
{
    pthread_t threads[THREADS];
    size_t good[THREADS] = {0};

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, use, &good[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(good[i], ROUNDS);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_for_all_until_the_last_returns_it),
        cmocka_unit_test(threads_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
