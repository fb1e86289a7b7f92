// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { GROWS_US = 200000 }; // a file that does not grow for so long is as long as it gets

// ---- its folder ----

struct line {
    const char *key, *value;
};

// What a bench must not meet: fixed ports, and limits that are there for operators.
static const struct line settings_lines[] = {
    {"sources_endpoint", "tcp://127.0.0.1:*"}, {"members_endpoint", "tcp://127.0.0.1:*"},
    {"http_endpoint", "127.0.0.1:0"},          {"test_persons", "true"},
    {"mailbox_messages_max", "1000000000"},    {"mailbox_bytes_max", "1000000000000"},
    {"waiting_messages_max", "2000000000"},
};

static bool
set_line(const char *path, const struct line *line)
{
    char *text = file_read(path, NULL);
    char *rest = text;
    size_t key_len = strlen(line->key);
    FILE *file = text == NULL ? NULL : fopen(path, "we");
    bool found = false;
    bool good = file != NULL;

    for (char *old; good && (old = strsep(&rest, "\n")) != NULL;) {
        bool is_it = strncmp(old, line->key, key_len) == 0 && old[key_len] == ':';

        found = found || is_it;
        if (is_it) {
            fprintf(file, "%s: %s\n", line->key, line->value);
        } else if (rest != NULL || *old != 0) {
            fprintf(file, "%s\n", old);
        }
    }
    if (good && !found) {
        fprintf(file, "%s: %s\n", line->key, line->value);
    }
    if (file != NULL && fclose(file) != 0) {
        good = false;
    }
    free(text);
    return good;
}

// A store that has run for some days does not grow any more: its file has room. One that
// was made for the bench has none, unless vigied makes some before.
static bool
set_lines(const struct bench *bench, const char *settings)
{
    char ahead[32];
    struct line line = {"ahead_bytes", ahead};
    bool good = true;

    for (size_t i = 0; good && i < sizeof settings_lines / sizeof settings_lines[0];
         i++) {
        good = set_line(settings, &settings_lines[i]);
    }
    snprintf(ahead, sizeof ahead, "%llu MiB", (unsigned long long)bench->ahead_mb);
    return good && set_line(settings, &line);
}

static bool
make_home(struct bench *bench)
{
    char *settings;
    bool good;

    snprintf(bench->home, sizeof bench->home, "%s/vigie-bench-XXXXXX", bench->folder);
    if (mkdtemp(bench->home) == NULL) {
        fprintf(stderr, "vigie bench: %s: %s\n", bench->home, strerror(errno));
        bench->home[0] = 0;
        return false;
    }
    bench->cli->home = bench->home;
    good = home_make(bench->cli);
    settings = home_path(bench->cli, "vigied.yaml");
    good = good && set_lines(bench, settings);
    free(settings);
    return good;
}

static void
remove_home(const char *folder)
{
    pid_t child = fork();

    if (child == 0) {
        execlp("rm", "rm", "-rf", "--", folder, (char *)NULL);
        _exit(1);
    }
    waitpid(child, NULL, 0);
}

// ---- vigied ----

static void
be_vigied(const struct bench *bench)
{
    char *settings = home_path(bench->cli, "vigied.yaml");
    char *log = home_path(bench->cli, "vigied.log");

    if (freopen(log, "a", stderr) == NULL) {
        _exit(EXIT_USAGE);
    }
    become_vigied((const char *[]){"vigied", "--settings", settings, NULL});
}

static bool
wait_until_ready(struct bench *bench)
{
    for (int i = 0; i < BENCH_READY_SECONDS * 1000; i++) {
        char *http = home_ready(bench->cli, "http");

        free(http);
        if (http != NULL) {
            return true;
        }
        if (waitpid(bench->vigied, NULL, WNOHANG) == bench->vigied) {
            bench->vigied = 0;
            break;
        }
        usleep(1000);
    }
    fprintf(stderr, "vigie bench: vigied is not ready: see %s/vigied.log\n", bench->home);
    bench->keep = true;
    return false;
}

double
bench_start(struct bench *bench)
{
    char *ready = home_path(bench->cli, "run/vigied.ready");
    uint64_t begin = monotonic_us();
    double seconds = 0;

    unlink(ready); // a kill left it
    fflush(NULL);
    bench->vigied = fork();
    if (bench->vigied == 0) {
        be_vigied(bench);
    }
    if (bench->vigied > 0 && wait_until_ready(bench)) {
        seconds = (double)(monotonic_us() - begin) / 1e6;
    }
    free(ready);
    return seconds;
}

void
bench_stop(struct bench *bench, int signal_number)
{
    if (bench->vigied > 0) {
        kill(bench->vigied, signal_number);
        while (waitpid(bench->vigied, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    bench->vigied = 0;
}

// ---- interrupted ----

// Whose broker ends and whose folder goes, which may be as large as the disk, when somebody
// does not want to wait for the end. Children have this from us, and leave it to us.
static const struct bench *interruptible;
static pid_t owner;

static void
end_at_once(int signal_number)
{
    if (getpid() == owner && interruptible->home[0] != 0) {
        if (interruptible->vigied > 0) {
            kill(interruptible->vigied, SIGKILL);
            waitpid(interruptible->vigied, NULL, 0);
        }
        if (!interruptible->keep) {
            remove_home(interruptible->home);
        }
    }
    _exit(128 + signal_number);
}

static void
be_interruptible(const struct bench *bench)
{
    struct sigaction action = {.sa_handler = end_at_once};

    interruptible = bench;
    owner = getpid();
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

// ---- all of it ----

static bool
draw_keys(const struct bench *bench)
{
    const struct synthetic *synthetic = &bench->synthetic;
    int code = EXIT_DONE;
    bool good = admin_add_key(bench->cli, "SPPIS", "operator", NULL, &code);

    for (size_t i = 0; good && i < synthetic->cpas_first; i++) {
        good = !synthetic->institutions[i].source ||
               admin_add_key(bench->cli, synthetic->institutions[i].code, "source", NULL,
                             &code);
    }
    return good;
}

static uint64_t
store_file_bytes(const struct bench *bench)
{
    char *store = home_path(bench->cli, "store/data.mdb");
    struct stat file;
    bool good = stat(store, &file) == 0;

    free(store);
    return good ? (uint64_t)file.st_size : 0;
}

uint64_t
bench_settle(const struct bench *bench)
{
    uint64_t now = store_file_bytes(bench);
    uint64_t then;

    do {
        usleep(GROWS_US);
        then = now;
        now = store_file_bytes(bench);
    } while (now > then);
    return now;
}

static bool
has_room(const struct bench *bench, uint64_t before)
{
    if (bench_settle(bench) - before >= (bench->ahead_mb << 20) / 2) {
        return true;
    }
    fprintf(stderr,
            "vigie bench: %s/store: the file did not become %llu MiB longer: is there "
            "room on the disk? --ahead 0 does without\n",
            bench->home, (unsigned long long)bench->ahead_mb);
    return false;
}

static bool
start(struct bench *bench)
{
    uint64_t before = store_file_bytes(bench);

    return bench_start(bench) > 0 && draw_keys(bench) && has_room(bench, before);
}

bool
bench_open(struct bench *bench)
{
    synthetic_init(&bench->synthetic, 1, bench->people, (size_t)bench->cpas, 10,
                   simulate_today());
    be_interruptible(bench);
    return make_home(bench) &&
           simulate_national(bench->cli, &bench->synthetic) == EXIT_DONE && start(bench);
}

void
bench_close(struct bench *bench)
{
    bench_stop(bench, SIGTERM);
    if (bench->home[0] != 0 && !bench->keep) {
        remove_home(bench->home);
    }
    bench->home[0] = 0;
    bench->merged = 0;
    bench->keys = NULL;
    bench->keys_len = 0;
}

// ---- what it uses ----

double
bench_cpu_s(const struct bench *bench)
{
    struct usage usage;

    usage_read(bench->vigied, &usage);
    return usage.cpu_s;
}

static uint64_t
kilobytes_of(const char *status, const char *name)
{
    const char *line = status == NULL ? NULL : strstr(status, name);

    return line == NULL ? 0 : strtoull(line + strlen(name), NULL, 10) * 1024;
}

struct bench_memory
bench_memory(const struct bench *bench)
{
    char path[64];
    struct bench_memory memory = {0};

    snprintf(path, sizeof path, "/proc/%d/status", (int)bench->vigied);

    char *status = file_read(path, NULL);

    memory.resident_bytes = kilobytes_of(status, "\nVmRSS:");
    memory.private_bytes = kilobytes_of(status, "\nRssAnon:");
    free(status);
    return memory;
}
