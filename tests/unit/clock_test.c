// SPDX-License-Identifier: EUPL-1.2
// Goal: timers never go back, and records carry the moment in microseconds UTC.
// Method: the clocks are read many times and held against each other and the C library.
#include "edge/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void
never_goes_back(void **state)
{
    int64_t last_us = clock_us();
    int64_t last_ms = clock_ms();
    (void)state;

    for (int i = 0; i < 100000; i++) {
        int64_t now_us = clock_us();
        int64_t now_ms = clock_ms();

        assert_true(now_us >= last_us);
        assert_true(now_ms >= last_ms);
        assert_true(now_ms >= now_us / 1000);
        last_us = now_us;
        last_ms = now_ms;
    }
}

static void
tells_the_moment_in_microseconds(void **state)
{
    int64_t before = (int64_t)time(NULL);
    struct instant now = clock_now();
    int64_t after = (int64_t)time(NULL);
    (void)state;

    // time() may lag behind by a clock tick.
    assert_true(now.us >= before * 1000000);
    assert_true(now.us < (after + 2) * 1000000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_goes_back),
        cmocka_unit_test(tells_the_moment_in_microseconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
