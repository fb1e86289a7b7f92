// SPDX-License-Identifier: EUPL-1.2
// forbidden_calls.c - preloaded into a broker by confine_test.py: at SIGUSR2 it makes the
// system call that FORBIDDEN names, as code that an attacker got to run would, and writes
// what came of it.
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static char wanted[32];

static long
call_it(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = 9};
    char *const nothing[] = {NULL};

    if (strcmp(wanted, "execve") == 0) {
        return execve("/nowhere", nothing, nothing); // a program would not get far
    }
    if (strcmp(wanted, "ptrace") == 0) {
        return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    }
    if (strcmp(wanted, "fork") == 0) {
        return syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    }
    if (strcmp(wanted, "packet_socket") == 0) {
        return socket(AF_PACKET, SOCK_RAW, 0);
    }
    if (strcmp(wanted, "internet_socket") == 0) {
        return socket(AF_INET, SOCK_STREAM, 0);
    }
    if (strcmp(wanted, "connect") == 0) {
        return connect(0, (struct sockaddr *)&address, sizeof address);
    }
    if (strcmp(wanted, "executable_memory") == 0) {
        void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return at == MAP_FAILED ? -1 : 0;
    }
    if (strcmp(wanted, "memory_made_executable") == 0) {
        void *at =
            mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return mprotect(at, 4096, PROT_READ | PROT_EXEC);
    }
    if (strcmp(wanted, "kill_another") == 0) {
        return kill(getppid(), 0);
    }
    return strcmp(wanted, "allowed") == 0 ? (long)getpid() : -2;
}

static void
at_signal(int number)
{
    long result = call_it();
    char line[96];
    int len = snprintf(line, sizeof line, "forbidden=%s result=%ld errno=%d\n", wanted,
                       result, result < 0 ? errno : 0);
    (void)number;

    (void)!write(STDERR_FILENO, line, (size_t)len);
}

__attribute__((constructor)) static void
listen_for_it(void)
{
    struct sigaction action = {.sa_handler = at_signal, .sa_flags = SA_RESTART};
    const char *name = getenv("FORBIDDEN");

    if (name != NULL) {
        snprintf(wanted, sizeof wanted, "%s", name);
        sigaction(SIGUSR2, &action, NULL);
    }
}
