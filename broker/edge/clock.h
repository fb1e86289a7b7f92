// SPDX-License-Identifier: EUPL-1.2
// clock.h - the only place that asks the system for the time. Thread: any.
#ifndef EDGE_CLOCK_H
#define EDGE_CLOCK_H

#include "values/day.h"

// clock_now gives the moment, for records and for people.
struct instant clock_now(void);

// clock_ms and clock_us never go back; they are for timers and for how long things took.
int64_t clock_ms(void);
int64_t clock_us(void);

#endif
