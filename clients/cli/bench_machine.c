// SPDX-License-Identifier: EUPL-1.2
// bench_machine.c - what the figures depend on, measured just before them.
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

enum {
    SYNCS = 200,
    PAGE = 4096,
    SEALED = 65536, // bytes, as a large frame has
    SEALS = 400,
    TOUCHED = 64 << 20,
    WAKINGS = 300,
    WAKE_US = 1000,
};

// What one synced write of a page takes on this disk: every commit waits for two.
static bool
time_syncs(const char *folder, struct histogram *ret)
{
    char path[512];
    char page[PAGE] = {1};
    int fd;

    memset(ret, 0, sizeof *ret);
    snprintf(path, sizeof path, "%s/vigie-bench-sync-XXXXXX", folder);
    fd = mkstemp(path);
    if (fd < 0) {
        return false;
    }
    unlink(path);
    for (int i = 0; i < SYNCS; i++) {
        uint64_t begin = monotonic_us();

        if (pwrite(fd, page, sizeof page, (off_t)i * PAGE) != PAGE ||
            fdatasync(fd) != 0) {
            break;
        }
        histogram_add(ret, monotonic_us() - begin);
    }
    close(fd);
    return ret->total == SYNCS;
}

// What CURVE does with each byte, twice: the calibration beside every figure.
static double
time_encryption(void)
{
    static unsigned char sealed[SEALED + crypto_secretbox_MACBYTES];
    unsigned char key[crypto_secretbox_KEYBYTES] = {1};
    unsigned char nonce[crypto_secretbox_NONCEBYTES] = {1};
    uint64_t begin = monotonic_us();

    for (int i = 0; i < SEALS; i++) {
        crypto_secretbox_easy(sealed, sealed, SEALED, nonce, key);
    }
    return (double)(monotonic_us() - begin) * 1000 / SEALED / SEALS;
}

// What a page of fresh memory takes, in nanoseconds, 0: there is none. A host gives a virtual
// machine its memory when it is first touched, and takes back what lies free: each new page
// of the store's file is such a page as well.
static double
time_first_touch(void)
{
    char *at =
        mmap(NULL, TOUCHED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t begin = monotonic_us();
    double taken;

    if (at == MAP_FAILED) {
        return 0;
    }
    for (size_t i = 0; i < TOUCHED; i += PAGE) {
        at[i] = 1;
    }
    taken = (double)(monotonic_us() - begin) * 1000 / (TOUCHED / PAGE);
    munmap(at, TOUCHED);
    return taken;
}

// How late somebody who sleeps is woken, once a millisecond, with nothing else to do. A mutation
// that comes alone meets some eight such wakings on its way to the receiver.
static void
time_wakings(struct histogram *ret)
{
    uint64_t due = monotonic_us();

    memset(ret, 0, sizeof *ret);
    for (int i = 0; i < WAKINGS; i++) {
        struct timespec at;

        due += WAKE_US;
        at = (struct timespec){(time_t)(due / 1000000), (long)(due % 1000000) * 1000};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) {
        }
        histogram_add(ret, monotonic_us() - due);
    }
}

static void
processor_name(char ret[static 128])
{
    char *text = file_read("/proc/cpuinfo", NULL);
    const char *at = text == NULL ? NULL : strstr(text, "model name");

    snprintf(ret, 128, "unknown");
    if (at != NULL) {
        sscanf(at, "model name : %127[^\n]", ret);
    }
    free(text);
}

void
bench_machine(const struct bench *bench)
{
    struct histogram syncs, wakings;
    struct utsname system = {0};
    char processor[128];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    double seal = time_encryption();
    double first_touch = time_first_touch();
    bool synced = time_syncs(bench->folder, &syncs);
    double p50 = synced ? (double)histogram_at(&syncs, 0.5) / 1000 : 0;
    double p99 = synced ? (double)histogram_at(&syncs, 0.99) / 1000 : 0;

    time_wakings(&wakings);

    double wake_p50 = (double)histogram_at(&wakings, 0.5) / 1000;
    double wake_p99 = (double)histogram_at(&wakings, 0.99) / 1000;

    uname(&system);
    processor_name(processor);
    if (bench->cli->json) {
        cli_print(json_pack(
            "{s:s,s:{s:s,s:I,s:f,s:s,s:f,s:f,s:f,s:f,s:f,s:f},s:{s:I,s:I,s:f,s:I,s:I,s:I,"
            "s:I}}",
            "scenario", bench->scenario, "machine", "processor", processor, "cores",
            (json_int_t)cores, "memory_bytes", memory, "kernel", system.release,
            "sync_ms_p50", p50, "sync_ms_p99", p99, "encrypt_ns_per_byte", seal,
            "first_touch_ns_per_page", first_touch, "wake_ms_p50", wake_p50,
            "wake_ms_p99", wake_p99, "settings", "people", (json_int_t)bench->people,
            "cpas", (json_int_t)bench->cpas, "seconds", (double)bench->run_ms / 1000,
            "rounds", (json_int_t)bench->rounds, "ahead_bytes",
            (json_int_t)bench->ahead_mb << 20, "connections",
            (json_int_t)BENCH_CONNECTIONS, "window", (json_int_t)BENCH_WINDOW));
    } else {
        printf(
            "%ld x %s, %.0f GiB, Linux %s; a synced write of 4 KiB p50 %.2f p99 %.2f "
            "ms; woken late by p50 %.2f p99 %.2f ms; encrypting %.2f ns a byte; "
            "first touch of a page %.1f us; %llu MiB of the store's file filled before\n",
            cores, processor, memory / (1 << 30), system.release, p50, p99, wake_p50,
            wake_p99, seal, first_touch / 1000, (unsigned long long)bench->ahead_mb);
    }
    fflush(stdout);
}
