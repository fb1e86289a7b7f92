// SPDX-License-Identifier: EUPL-1.2
// memory.h - out of memory is the same everywhere: one line, abort, and the supervisor
// starts a broker that has some again (base/buffer.h).
//
// Left to themselves, libevent's HTTP reads through NULL or loses a connection for good, and
// jansson leaves members out.
#ifndef EDGE_MEMORY_H
#define EDGE_MEMORY_H

// memory_set_policy makes the allocations of libevent and jansson end the process when there
// is no memory. Thread: before their first use.
void memory_set_policy(void);

#endif
