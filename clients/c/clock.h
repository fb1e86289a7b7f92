// SPDX-License-Identifier: EUPL-1.2
// clock.h - the only place of the library that asks what time it is.
#ifndef CLIENT_CLOCK_H
#define CLIENT_CLOCK_H

#include <stdint.h>

// Later than anything.
#define VG_NEVER INT64_MAX

// vg_clock_ms gives monotonic milliseconds.
int64_t vg_clock_ms(void);

#endif
