// SPDX-License-Identifier: EUPL-1.2
// faulty.h - system calls and allocations that fail on cue, in a real process.
//
// faulty.c stands before the C library: linked into a program, or loaded into vigied by
// LD_PRELOAD. What fails is written into a plan, which is memory shared with the test: a
// file named by FAULTY, or the program's own. Only calls made by our program, LMDB and
// libevent are counted; ZeroMQ ends the process by design when the system fails it.
#ifndef TESTS_FAULTS_FAULTY_H
#define TESTS_FAULTS_FAULTY_H

#include <stdint.h>

// Calls answer as the manual says: -1 and errno, NULL and errno, or the error itself.
#define FAULTY_CALLS(ROW)                                                                \
    ROW(open)                                                                            \
    ROW(openat)                                                                          \
    ROW(close)                                                                           \
    ROW(read)                                                                            \
    ROW(pread)                                                                           \
    ROW(write)                                                                           \
    ROW(pwrite)                                                                          \
    ROW(writev)                                                                          \
    ROW(readv)                                                                           \
    ROW(sendfile)                                                                        \
    ROW(fsync)                                                                           \
    ROW(fdatasync)                                                                       \
    ROW(ftruncate)                                                                       \
    ROW(lseek)                                                                           \
    ROW(mmap)                                                                            \
    ROW(fcntl)                                                                           \
    ROW(flock)                                                                           \
    ROW(fstat)                                                                           \
    ROW(fstatat)                                                                         \
    ROW(fstatvfs)                                                                        \
    ROW(mkdir)                                                                           \
    ROW(rename)                                                                          \
    ROW(renameat)                                                                        \
    ROW(unlink)                                                                          \
    ROW(fopen)                                                                           \
    ROW(fclose)                                                                          \
    ROW(fread)                                                                           \
    ROW(socket)                                                                          \
    ROW(socketpair)                                                                      \
    ROW(bind)                                                                            \
    ROW(listen)                                                                          \
    ROW(accept4)                                                                         \
    ROW(setsockopt)                                                                      \
    ROW(getsockname)                                                                     \
    ROW(getpeername)                                                                     \
    ROW(shutdown)                                                                        \
    ROW(epoll_create1)                                                                   \
    ROW(epoll_ctl)                                                                       \
    ROW(epoll_wait)                                                                      \
    ROW(eventfd)                                                                         \
    ROW(timerfd_create)                                                                  \
    ROW(timerfd_settime)                                                                 \
    ROW(pipe2)                                                                           \
    ROW(sigaction)                                                                       \
    ROW(pthread_create)                                                                  \
    ROW(pthread_mutex_init)                                                              \
    ROW(malloc)                                                                          \
    ROW(calloc)                                                                          \
    ROW(realloc)                                                                         \
    ROW(strdup)                                                                          \
    ROW(posix_memalign)                                                                  \
    ROW(zmq_send)                                                                        \
    ROW(zmq_bind)                                                                        \
    ROW(zmq_close)

enum faulty_call {
#define FAULTY_CALL(name) FAULTY_##name,
    FAULTY_CALLS(FAULTY_CALL)
#undef FAULTY_CALL
        FAULTY_CALLS_LEN
};

enum {
    FAULTY_CALLS_MAX = 64,
    FAULTY_NAME_LEN = 24,
    FAULTY_TRACE_MAX = 1 << 16,
};

enum faulty_caller { FAULTY_PROGRAM = 1, FAULTY_LMDB = 2, FAULTY_EVENT = 4 };

enum faulty_how {
    FAULTY_FAIL,  // answers the error and does nothing; close closes all the same
    FAULTY_SHORT, // write, pwrite, writev: does half of it and says so
    FAULTY_SLOW,  // waits delay_ms, or until nothing is armed any more, and does it
    // The process is killed (SIGKILL); ZeroMQ's calls know no other way.
    FAULTY_KILL,      // instead of making the call
    FAULTY_KILL_HALF, // write, pwrite, writev: when half of it is done
};

// One call that was made; the place is the return address in its caller's file.
struct faulty_place {
    uint32_t call;
    uint32_t caller;
    uint64_t at;
};

// Laid out for Python's struct as well: tests/integration/faulty.py.
struct faulty_plan {
    char name[FAULTY_CALLS_MAX][FAULTY_NAME_LEN]; // written by faulty.c
    uint64_t count[FAULTY_CALLS_MAX];             // calls of ours since the start
    // What fails: set `armed` last.
    uint64_t armed; // call + 1; 0: none
    uint64_t callers;
    uint64_t nth;   // of the calls since then, from 1
    uint64_t times; // so many fail, from that one on
    uint64_t error; // errno
    uint64_t how;
    uint64_t delay_ms;
    uint64_t at; // only calls from this place; 0: from any
    // What happened.
    uint64_t seen;
    uint64_t fired;
    struct faulty_place fired_at;
    // A disk of so many bytes, for statvfs and for what LMDB writes; 0: the real one.
    uint64_t disk_bytes;
    uint64_t file_bytes; // how far LMDB has written
    // The first calls of ours, in order.
    uint64_t trace_len;
    struct faulty_place trace[FAULTY_TRACE_MAX];
};

// faulty_use switches to this plan; NULL: to one that fails nothing. Keeps: plan.
void faulty_use(struct faulty_plan *plan);

#endif
