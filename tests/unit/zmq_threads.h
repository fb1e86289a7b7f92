// SPDX-License-Identifier: EUPL-1.2
// zmq_threads.h - the thread sanitizer does not see how ZeroMQ's own threads hand things
// over. What they call is left out; our code is not. For one source file of a test.
#ifndef TESTS_ZMQ_THREADS_H
#define TESTS_ZMQ_THREADS_H

const char *__tsan_default_suppressions(void);
const char *
__tsan_default_suppressions(void)
{
    return "called_from_lib:libzmq.so\n"
           "called_from_lib:libsodium.so\n"
           "called_from_lib:libstdc++.so\n";
}

#endif
