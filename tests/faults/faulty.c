// SPDX-License-Identifier: EUPL-1.2
#include "faulty.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// What a real call must be found under while this file holds its name.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
int __fxstat(int version, int fd, struct stat *ret_stat);

// ---- who calls ----

struct range {
    uintptr_t base;
    uintptr_t first;
    uintptr_t last;
    uint32_t caller;
};

static struct range ranges[3];
static size_t ranges_len;
static struct faulty_plan *plan; // NULL: nothing is counted yet

static uint32_t
caller_named(const char *path)
{
    return path[0] == '\0'                     ? FAULTY_PROGRAM
           : strstr(path, "/liblmdb") != NULL  ? FAULTY_LMDB
           : strstr(path, "/libevent") != NULL ? FAULTY_EVENT
                                               : 0;
}

static int
note_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct range range = {.base = info->dlpi_addr, .first = UINTPTR_MAX};
    (void)size;
    (void)arg;

    range.caller = caller_named(info->dlpi_name);
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        uintptr_t first = range.base + part->p_vaddr;

        if (part->p_type == PT_LOAD) {
            range.first = first < range.first ? first : range.first;
            range.last = first + part->p_memsz;
        }
    }
    if (range.caller != 0 && ranges_len < sizeof ranges / sizeof ranges[0]) {
        ranges[ranges_len++] = range;
    }
    return 0;
}

static bool
place_of(enum faulty_call call, const void *address, struct faulty_place *ret_place)
{
    uintptr_t at = (uintptr_t)address;

    for (size_t i = 0; i < ranges_len; i++) {
        if (at >= ranges[i].first && at < ranges[i].last) {
            *ret_place =
                (struct faulty_place){call, ranges[i].caller, at - ranges[i].base};
            return true;
        }
    }
    return false;
}

// ---- does it fail? ----

static uint64_t
add_one(uint64_t *count)
{
    return __atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
}

static void
wait_ms(uint64_t ms)
{
    struct timespec rest = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

    while (nanosleep(&rest, &rest) != 0) {
    }
}

static void
be_slow(const struct faulty_plan *now)
{
    for (uint64_t ms = 0; ms < now->delay_ms; ms++) {
        if (__atomic_load_n(&now->armed, __ATOMIC_ACQUIRE) == 0) {
            return;
        }
        wait_ms(1);
    }
}

// Says how the call must fail; -1: it is to be made.
static int
fails(enum faulty_call call, const void *address)
{
    struct faulty_plan *now = plan;
    struct faulty_place place;
    uint64_t nth;

    if (now == NULL || !place_of(call, address, &place)) {
        return -1;
    }
    add_one(&now->count[call]);
    nth = add_one(&now->trace_len);
    if (nth < FAULTY_TRACE_MAX) {
        now->trace[nth] = place;
    }
    if (__atomic_load_n(&now->armed, __ATOMIC_ACQUIRE) != (uint64_t)call + 1 ||
        (now->callers & place.caller) == 0 || (now->at != 0 && now->at != place.at)) {
        return -1;
    }
    nth = add_one(&now->seen) + 1;
    if (nth < now->nth || nth - now->nth >= now->times) {
        return -1;
    }
    now->fired_at = place;
    add_one(&now->fired);
    if (now->how == FAULTY_SLOW) {
        be_slow(now);
        return -1;
    }
    if (now->how == FAULTY_KILL) {
        raise(SIGKILL);
    }
    errno = (int)now->error;
    return (int)now->how;
}

static bool
is_half(int how)
{
    return how == FAULTY_SHORT || how == FAULTY_KILL_HALF;
}

static void
die_of(int how)
{
    if (how == FAULTY_KILL_HALF) {
        raise(SIGKILL);
    }
}

// ---- a small disk ----

static bool
disk_is_small(const void *address)
{
    struct faulty_place place;

    return plan != NULL && plan->disk_bytes > 0 &&
           place_of(FAULTY_write, address, &place) && place.caller == FAULTY_LMDB;
}

// How much of a write up to `end` finds no room.
static uint64_t
beyond_the_disk(uint64_t begin, uint64_t len)
{
    uint64_t end = begin + len;
    uint64_t over = end > plan->disk_bytes ? end - plan->disk_bytes : 0;

    end -= over < len ? over : len;
    if (end > plan->file_bytes) {
        plan->file_bytes = end;
    }
    return over < len ? over : len;
}

// ---- the calls ----

#define HERE __builtin_return_address(0)
#define REAL(name)                                                                       \
    static __typeof__(&name) real;                                                       \
    if (real == NULL) {                                                                  \
        *(void **)&real = dlsym(RTLD_NEXT, #name);                                       \
    }

#define CALL(type, failed, name, parameters, arguments)                                  \
    type name parameters                                                                 \
    {                                                                                    \
        REAL(name)                                                                       \
        return fails(FAULTY_##name, HERE) >= 0 ? failed : real arguments;                \
    }

// For those that give the error itself.
#define CALL_CODE(name, parameters, arguments)                                           \
    CALL(int, errno, name, parameters, arguments)

CALL(ssize_t, -1, read, (int fd, void *at, size_t len), (fd, at, len))
CALL(ssize_t, -1, pread, (int fd, void *at, size_t len, off_t from), (fd, at, len, from))
CALL(ssize_t, -1, readv, (int fd, const struct iovec *parts, int len), (fd, parts, len))
CALL(ssize_t, -1, sendfile, (int to, int from, off_t *offset, size_t len),
     (to, from, offset, len))
CALL(int, -1, fsync, (int fd), (fd))
CALL(int, -1, fdatasync, (int fd), (fd))
CALL(int, -1, ftruncate, (int fd, off_t len), (fd, len))
CALL(off_t, -1, lseek, (int fd, off_t offset, int whence), (fd, offset, whence))
CALL(void *, MAP_FAILED, mmap,
     (void *at, size_t len, int protection, int flags, int fd, off_t from),
     (at, len, protection, flags, fd, from))
CALL(int, -1, flock, (int fd, int what), (fd, what))
CALL(int, -1, fstat, (int fd, struct stat *ret), (fd, ret))
CALL(int, -1, fstatat, (int fd, const char *path, struct stat *ret, int flags),
     (fd, path, ret, flags))
CALL(int, -1, mkdir, (const char *path, mode_t mode), (path, mode))
CALL(int, -1, rename, (const char *from, const char *to), (from, to))
CALL(int, -1, renameat,
     (int from_folder, const char *from, int to_folder, const char *to),
     (from_folder, from, to_folder, to))
CALL(int, -1, unlink, (const char *path), (path))
CALL(FILE *, NULL, fopen, (const char *path, const char *mode), (path, mode))
CALL(size_t, 0, fread, (void *at, size_t size, size_t count, FILE *file),
     (at, size, count, file))
CALL(int, -1, socket, (int domain, int type, int protocol), (domain, type, protocol))
CALL(int, -1, socketpair, (int domain, int type, int protocol, int ends[2]),
     (domain, type, protocol, ends))
CALL(int, -1, bind, (int fd, const struct sockaddr *address, socklen_t len),
     (fd, address, len))
CALL(int, -1, listen, (int fd, int backlog), (fd, backlog))
CALL(int, -1, accept4, (int fd, struct sockaddr *ret, socklen_t *len, int flags),
     (fd, ret, len, flags))
CALL(int, -1, setsockopt, (int fd, int level, int name, const void *value, socklen_t len),
     (fd, level, name, value, len))
CALL(int, -1, getsockname, (int fd, struct sockaddr *ret, socklen_t *len), (fd, ret, len))
CALL(int, -1, getpeername, (int fd, struct sockaddr *ret, socklen_t *len), (fd, ret, len))
CALL(int, -1, shutdown, (int fd, int how), (fd, how))
CALL(int, -1, epoll_create1, (int flags), (flags))
CALL(int, -1, epoll_ctl, (int epoll, int what, int fd, struct epoll_event *event),
     (epoll, what, fd, event))
CALL(int, -1, epoll_wait, (int epoll, struct epoll_event *events, int len, int ms),
     (epoll, events, len, ms))
CALL(int, -1, eventfd, (unsigned value, int flags), (value, flags))
CALL(int, -1, timerfd_create, (int clock, int flags), (clock, flags))
CALL(int, -1, timerfd_settime,
     (int fd, int flags, const struct itimerspec *value, struct itimerspec *ret),
     (fd, flags, value, ret))
CALL(int, -1, pipe2, (int ends[2], int flags), (ends, flags))
CALL(int, -1, sigaction,
     (int number, const struct sigaction *action, struct sigaction *ret),
     (number, action, ret))
CALL_CODE(pthread_create,
          (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *),
           void *arg),
          (thread, attributes, run, arg))
CALL_CODE(pthread_mutex_init,
          (pthread_mutex_t * mutex, const pthread_mutexattr_t *attributes),
          (mutex, attributes))

// The third parameter is read whether it was given or not: the kernel does the same.
#define CALL_OPEN(name, parameters, last, arguments)                                     \
    int name parameters                                                                  \
    {                                                                                    \
        va_list more;                                                                    \
        long third;                                                                      \
        REAL(name)                                                                       \
        va_start(more, last);                                                            \
        third = va_arg(more, long);                                                      \
        va_end(more);                                                                    \
        return fails(FAULTY_##name, HERE) >= 0 ? -1 : real arguments;                    \
    }

CALL_OPEN(open, (const char *path, int flags, ...), flags, (path, flags, third))
CALL_OPEN(openat, (int folder, const char *path, int flags, ...), flags,
          (folder, path, flags, third))
CALL_OPEN(fcntl, (int fd, int what, ...), what, (fd, what, third))

int
__fxstat(int version, int fd, struct stat *ret_stat)
{
    (void)version;
    return fails(FAULTY_fstat, HERE) >= 0 ? -1 : fstatat(fd, "", ret_stat, AT_EMPTY_PATH);
}

// A descriptor is gone whatever close answers.
int
close(int fd)
{
    REAL(close)
    int how = fails(FAULTY_close, HERE);
    int error = errno;
    int done = real(fd);

    if (how >= 0) {
        errno = error;
        return -1;
    }
    return done;
}

int
fclose(FILE *file)
{
    REAL(fclose)
    int how = fails(FAULTY_fclose, HERE);
    int error = errno;
    int done = real(file);

    if (how >= 0) {
        errno = error;
        return EOF;
    }
    return done;
}

int
fstatvfs(int fd, struct statvfs *ret)
{
    REAL(fstatvfs)
    if (fails(FAULTY_fstatvfs, HERE) >= 0) {
        return -1;
    }

    int done = real(fd, ret);

    if (done == 0 && plan != NULL && plan->disk_bytes > 0) {
        uint64_t used = plan->file_bytes;

        ret->f_frsize = 4096;
        ret->f_bavail = used < plan->disk_bytes ? (plan->disk_bytes - used) / 4096 : 0;
    }
    return done;
}

ssize_t
write(int fd, const void *at, size_t len)
{
    REAL(write)
    int how = fails(FAULTY_write, HERE);

    ssize_t done = how == FAULTY_FAIL ? -1 : real(fd, at, is_half(how) ? len / 2 : len);

    die_of(how);
    return done;
}

ssize_t
pwrite(int fd, const void *at, size_t len, off_t to)
{
    REAL(pwrite)
    int how = fails(FAULTY_pwrite, HERE);

    if (disk_is_small(HERE)) {
        uint64_t over = beyond_the_disk((uint64_t)to, len);

        if (len > 0 && over == len) {
            errno = ENOSPC;
            return -1;
        }
        len -= over;
    }

    ssize_t done =
        how == FAULTY_FAIL ? -1 : real(fd, at, is_half(how) ? len / 2 : len, to);

    die_of(how);
    return done;
}

static size_t
parts_bytes(const struct iovec *parts, int len)
{
    size_t bytes = 0;

    for (int i = 0; i < len; i++) {
        bytes += parts[i].iov_len;
    }
    return bytes;
}

// LMDB seeks and writes many pages at once.
ssize_t
writev(int fd, const struct iovec *parts, int len)
{
    REAL(writev)
    int how = fails(FAULTY_writev, HERE);

    if (disk_is_small(HERE)) {
        off_t begin = lseek(fd, 0, SEEK_CUR);

        if (beyond_the_disk((uint64_t)begin, parts_bytes(parts, len)) > 0) {
            how = FAULTY_SHORT;
        }
        if ((uint64_t)begin >= plan->disk_bytes) {
            errno = ENOSPC;
            how = FAULTY_FAIL;
        }
    }

    ssize_t done =
        how == FAULTY_FAIL ? -1 : real(fd, parts, is_half(how) ? (len + 1) / 2 : len);

    die_of(how);
    return done;
}

// ---- ZeroMQ's, which can be killed at and never fail ----

#define CALL_OF_ZMQ(name, parameters, arguments)                                         \
    int name parameters;                                                                 \
    int name parameters                                                                  \
    {                                                                                    \
        REAL(name)                                                                       \
        (void)fails(FAULTY_##name, HERE);                                                \
        return real arguments;                                                           \
    }

CALL_OF_ZMQ(zmq_send, (void *socket, const void *at, size_t len, int flags),
            (socket, at, len, flags))
CALL_OF_ZMQ(zmq_bind, (void *socket, const char *endpoint), (socket, endpoint))
CALL_OF_ZMQ(zmq_close, (void *socket), (socket))

// ---- allocations ----

// Sanitizers have their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void *
malloc(size_t size)
{
    return fails(FAULTY_malloc, HERE) >= 0 ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
    return fails(FAULTY_calloc, HERE) >= 0 ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *memory, size_t size)
{
    return fails(FAULTY_realloc, HERE) >= 0 ? NULL : __libc_realloc(memory, size);
}

char *
strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = fails(FAULTY_strdup, HERE) >= 0 ? NULL : __libc_malloc(size);

    return copy == NULL ? NULL : memcpy(copy, text, size);
}

int
posix_memalign(void **ret, size_t alignment, size_t size)
{
    if (fails(FAULTY_posix_memalign, HERE) >= 0) {
        return errno;
    }
    *ret = __libc_memalign(alignment, size);
    return *ret == NULL ? ENOMEM : 0;
}
#endif

// ---- the plan ----

void
faulty_use(struct faulty_plan *next)
{
    static const char *const names[] = {
#define FAULTY_NAME(name) #name,
        FAULTY_CALLS(FAULTY_NAME)
#undef FAULTY_NAME
    };

    if (ranges_len == 0) {
        (void)dl_iterate_phdr(note_object, NULL);
    }
    for (size_t i = 0; next != NULL && i < FAULTY_CALLS_LEN; i++) {
        strncpy(next->name[i], names[i], FAULTY_NAME_LEN - 1);
    }
    plan = next;
}

__attribute__((constructor)) static void
use_file(void)
{
    const char *path = getenv("FAULTY");
    struct faulty_plan *shared;
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        return;
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (shared != MAP_FAILED) {
        faulty_use(shared);
    }
}
