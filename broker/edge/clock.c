// SPDX-License-Identifier: EUPL-1.2
#include "edge/clock.h"

#include <time.h>

static int64_t
microseconds(clockid_t clock)
{
    struct timespec now;

    CHECK(clock_gettime(clock, &now) == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct instant
clock_now(void)
{
    return (struct instant){microseconds(CLOCK_REALTIME)};
}

int64_t
clock_us(void)
{
    return microseconds(CLOCK_MONOTONIC);
}

int64_t
clock_ms(void)
{
    return clock_us() / 1000;
}
