// SPDX-License-Identifier: EUPL-1.2
#include "edge/confine.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

enum { SI_CODE_SECCOMP = 1, NUMBER_DIGITS_MAX = 12 }; // SYS_SECCOMP of the kernel

// ---- secrets ----

enum vg_status
confine_secrets(bool core_dumps, struct why *why)
{
    const struct rlimit none = {0, 0};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return fail(why, VG_BAD_SETTINGS, "cannot give up new privileges: %s",
                    strerror(errno));
    }
    if (core_dumps || !confine_is_possible()) { // the leak checker is a debugger
        return VG_OK;
    }
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0) {
        return fail(why, VG_BAD_SETTINGS, "cannot switch core files off: %s",
                    strerror(errno));
    }
    return VG_OK;
}

bool
confine_is_possible(void)
{
#ifdef SANITIZED
    return false;
#else
    return true;
#endif
}

// ---- the lists ----

#define CALL(name) SCMP_SYS(name)

static const int allowed[] = {
    // files: the store, the log, what a reload reads, a backup
    CALL(read),
    CALL(write),
    CALL(readv),
    CALL(writev),
    CALL(pread64),
    CALL(pwrite64),
    CALL(preadv),
    CALL(pwritev),
    CALL(lseek),
    CALL(close),
    CALL(open),
    CALL(openat),
    CALL(stat),
    CALL(fstat),
    CALL(lstat),
    CALL(newfstatat),
    CALL(statx),
    CALL(statfs),
    CALL(fstatfs),
    CALL(access),
    CALL(faccessat),
    CALL(faccessat2),
    CALL(readlink),
    CALL(readlinkat),
    CALL(getdents64),
    CALL(mkdir),
    CALL(mkdirat),
    CALL(rmdir),
    CALL(unlink),
    CALL(unlinkat),
    CALL(rename),
    CALL(renameat),
    CALL(renameat2),
    CALL(fsync),
    CALL(fdatasync),
    CALL(ftruncate),
    CALL(fallocate),
    CALL(fadvise64),
    CALL(sync_file_range),
    CALL(copy_file_range),
    CALL(sendfile),
    CALL(flock),
    CALL(fcntl),
    CALL(dup),
    CALL(pipe2),
    CALL(umask),
    // connections that are there, and those that come
    CALL(accept),
    CALL(accept4),
    CALL(recvfrom),
    CALL(recvmsg),
    CALL(sendto),
    CALL(sendmsg),
    CALL(shutdown),
    CALL(getpeername),
    CALL(getsockname),
    CALL(getsockopt),
    CALL(setsockopt),
    // waiting and telling
    CALL(epoll_create1),
    CALL(epoll_ctl),
    CALL(epoll_wait),
    CALL(epoll_pwait),
    CALL(epoll_pwait2),
    CALL(poll),
    CALL(ppoll),
    CALL(select),
    CALL(pselect6),
    CALL(eventfd2),
    CALL(timerfd_create),
    CALL(timerfd_settime),
    CALL(futex),
    // time
    CALL(clock_gettime),
    CALL(clock_getres),
    CALL(gettimeofday),
    CALL(time),
    CALL(nanosleep),
    CALL(clock_nanosleep),
    CALL(alarm),
    CALL(setitimer),
    // memory
    CALL(munmap),
    CALL(mremap),
    CALL(madvise),
    CALL(msync),
    CALL(mincore),
    CALL(brk),
    CALL(mlock),
    CALL(mlock2),
    CALL(munlock),
    // threads, signals and ends
    CALL(exit),
    CALL(exit_group),
    CALL(set_robust_list),
    CALL(rseq),
    CALL(sched_yield),
    CALL(sched_getaffinity),
    CALL(sched_getparam),
    CALL(sched_getscheduler),
    CALL(sched_setscheduler),
    CALL(getcpu),
    CALL(membarrier),
    CALL(restart_syscall),
    CALL(rt_sigaction),
    CALL(rt_sigprocmask),
    CALL(rt_sigreturn),
    CALL(rt_sigtimedwait),
    CALL(sigaltstack),
    // who and how much
    CALL(getpid),
    CALL(gettid),
    CALL(getppid),
    CALL(getuid),
    CALL(geteuid),
    CALL(getgid),
    CALL(getegid),
    CALL(getrandom),
    CALL(getrlimit),
    CALL(getrusage),
    CALL(sysinfo),
    CALL(uname),
};

static const int deadly[] = {
    CALL(execve),
    CALL(execveat),
    CALL(fork),
    CALL(vfork),
    CALL(ptrace),
    CALL(process_vm_readv),
    CALL(process_vm_writev),
    CALL(pidfd_getfd),
    CALL(bpf),
    CALL(perf_event_open),
    CALL(userfaultfd),
    CALL(io_uring_setup),
    CALL(init_module),
    CALL(finit_module),
    CALL(delete_module),
    CALL(kexec_load),
    CALL(kexec_file_load),
    CALL(mount),
    CALL(umount2),
    CALL(pivot_root),
    CALL(chroot),
    CALL(setns),
    CALL(unshare),
    CALL(personality),
    CALL(reboot),
    CALL(swapon),
    CALL(swapoff),
    CALL(add_key),
    CALL(request_key),
    CALL(keyctl),
    CALL(setuid),
    CALL(setgid),
    CALL(setreuid),
    CALL(setregid),
    CALL(setresuid),
    CALL(setresgid),
    CALL(setgroups),
    CALL(capset),
};

// Allowed with one argument only.
struct condition {
    int call;
    struct scmp_arg_cmp argument;
};

static bool
add_lists(scmp_filter_ctx filter)
{
    int wrong = 0;

    for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
        wrong |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(deadly); i++) {
        wrong |= seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
    }
    // The C library falls back to clone, whose flags can be looked at.
    wrong |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0);
    return wrong == 0;
}

static bool
add_conditions(scmp_filter_ctx filter)
{
    const struct condition conditions[] = {
        {CALL(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)},
        {CALL(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
        {CALL(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
        {CALL(socket), SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0)}, // the service manager's
        {CALL(ioctl), SCMP_A1(SCMP_CMP_EQ, FIONREAD, 0)},
        {CALL(ioctl), SCMP_A1(SCMP_CMP_EQ, FIONBIO, 0)},
        {CALL(ioctl), SCMP_A1(SCMP_CMP_EQ, TCGETS, 0)},
        {CALL(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0)},
        {CALL(prlimit64), SCMP_A2(SCMP_CMP_EQ, 0, 0)}, // asks
        {CALL(tgkill), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0)},
        {CALL(kill), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0)},
    };
    int wrong = 0;

    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        wrong |= seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, conditions[i].call, 1,
                                        &conditions[i].argument);
    }
    return wrong == 0;
}

// ---- a call that is not on the list ----

static size_t
put_text(char *at, const char *text)
{
    size_t len = strlen(text);

    memcpy(at, text, len);
    return len;
}

static size_t
put_number(char *at, int number)
{
    char digits[NUMBER_DIGITS_MAX];
    size_t len = 0;

    do {
        digits[len++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0 && len < sizeof digits);
    for (size_t i = 0; i < len; i++) {
        at[i] = digits[len - 1 - i];
    }
    return len;
}

// In a signal: nothing but write. The call comes back with EPERM.
static void
at_refused(int signal_number, siginfo_t *about, void *context)
{
    ucontext_t *thread = context;
    char line[96];
    size_t len = 0;
    int saved = errno;
    (void)signal_number;

    if (about->si_code != SI_CODE_SECCOMP) {
        _exit(128 + SIGSYS);
    }
    len += put_text(line + len, "level=error event=call_refused number=");
    len += put_number(line + len, about->si_syscall);
    len += put_text(line + len, " why=\"not on the list of system calls\"\n");
    (void)!write(STDERR_FILENO, line, len);
#if defined(__x86_64__)
    thread->uc_mcontext.gregs[REG_RAX] = -EPERM;
#elif defined(__aarch64__)
    thread->uc_mcontext.regs[0] = (unsigned long long)-EPERM;
#else
#error "which register holds what a system call returns?"
#endif
    errno = saved;
}

static bool
listen_to_refusals(void)
{
    struct sigaction action = {.sa_sigaction = at_refused,
                               .sa_flags = SA_SIGINFO | SA_RESTART};

    return sigaction(SIGSYS, &action, NULL) == 0;
}

enum vg_status
confine_calls(struct why *why)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    int loaded = -ENOMEM;

    if (filter != NULL && add_lists(filter) && add_conditions(filter)) {
        // On all threads; and the kernel's search is a tree.
        (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
        loaded = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    }
    if (loaded == 0 && listen_to_refusals()) {
        loaded = seccomp_load(filter);
    }
    if (filter != NULL) {
        seccomp_release(filter);
    }
    return loaded == 0 ? VG_OK
                       : fail(why, VG_BAD_SETTINGS,
                              "the kernel does not take the list of system calls: %s "
                              "(syscall_filter: no does without)",
                              strerror(-loaded));
}
