// SPDX-License-Identifier: EUPL-1.2
// confine.h - what the process may not do any more, whoever should get hold of it.
//
// Before a secret is read: no new privileges, and no core file nor debugger that would show
// it. After start-up: only the system calls that serving needs, on every thread (seccomp).
// Nothing can be executed, connected to or listened at from then on, no memory can be made
// executable. What only an attack would call ends the process; what a newer library might
// call fails with EPERM, and a line "event=call_refused number=N" says which. On ZeroMQ's own
// threads, which take no signals, that ends the process too.
//
// The list was measured with strace over tests/integration; tests/integration/confine_test.py
// holds it. Not in builds with a sanitizer, whose own calls are of another kind.
#ifndef EDGE_CONFINE_H
#define EDGE_CONFINE_H

#include "base/why.h"

// confine_secrets: core_dumps leaves the process as it is for a debugger.
NODISCARD enum vg_status confine_secrets(bool core_dumps, struct why *why);

// confine_calls takes away every system call that is not on the list, for ever.
NODISCARD enum vg_status confine_calls(struct why *why);

// confine_is_possible: false in a build with a sanitizer.
bool confine_is_possible(void);

#endif
