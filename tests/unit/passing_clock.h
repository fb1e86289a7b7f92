// SPDX-License-Identifier: EUPL-1.2
// passing_clock.h - a clock instead of edge/clock.c, for tests in which months pass at once:
// what is added to passed_us has gone by for everything but timers.
#ifndef TESTS_UNIT_PASSING_CLOCK_H
#define TESTS_UNIT_PASSING_CLOCK_H

#include "edge/clock.h"

#include <time.h>

#define DAY_US (INT64_C(24) * 3600 * 1000000)

// The writer's thread asks for the time as well.
static _Atomic int64_t passed_us;

static int64_t
read_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct instant
clock_now(void)
{
    return (struct instant){read_clock(CLOCK_REALTIME) + passed_us};
}

int64_t
clock_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t
clock_ms(void)
{
    return clock_us() / 1000;
}

#endif
