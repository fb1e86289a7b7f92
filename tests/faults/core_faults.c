// SPDX-License-Identifier: EUPL-1.2
// Goal: whichever system call or allocation of the core fails, a batch is answered and on
// the disk, or nobody is answered and the process ends; the store opens again and the same
// batches, repeated, are kept once.
// Method: a child plays a story on a real store with the n-th call of one name failing
// (faulty.h), and notes in shared memory what was answered; the next one, without faults,
// looks for that first, then repeats the whole story; then every letter is read.
//
//   core_faults [--most N] [NAME ...]
//     --most N   so many calls of each name, the first ones and then some; 25
//     NAME       only these calls: fdatasync, malloc ...
#include "core_backup.h"
#include "core_story.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "faulty.h"

enum {
    CHILD_SECONDS_MAX = 30,
    FEW_CALLS = 8, // all of them are tried
    SAID_MAX = 2048,
    EXIT_STOPPED = 4, // as vigied: nobody is answered any more
};

// Shared with the child.
struct notes {
    struct faulty_plan plan;
    struct story_notes story;
};

static struct notes *notes;
static struct buffer catalogue; // the shipped one, read before anything fails

// ---- children ----

static int
run_child(struct flow_fixture *f)
{
    bool good;

    alarm(CHILD_SECONDS_MAX);
    signal(SIGPIPE, SIG_IGN); // as vigied
    good = story_play(f, &catalogue, &notes->story);
    batch_free(&f->done);
    flow_close_store(f);
    return good ? 0 : EXIT_STOPPED;
}

// Plays in a child; gives how it ended and the first words it said.
static int
play_in_child(struct flow_fixture *f, bool faulty, char said[SAID_MAX])
{
    FILE *heard = tmpfile();
    int status;
    pid_t child;

    assert_non_null(heard);
    fflush(stdout);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(fileno(heard), STDERR_FILENO);
        if (faulty) {
            faulty_use(&notes->plan);
        }
        _exit(run_child(f));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    rewind(heard);
    said[fread(said, 1, SAID_MAX - 1, heard)] = '\0';
    fclose(heard);
    return status;
}

// ---- one fault ----

static void
remove_store(struct flow_fixture *f)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "vigie.lock"};
    char path[300];

    flow_close_store(f);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(path, sizeof path, "%s/%s", f->path, files[i]);
        unlink(path);
    }
    core_backup_remove(f);
}

static bool
is_allocation(enum faulty_call call)
{
    return call >= FAULTY_malloc || call == FAULTY_pthread_mutex_init;
}

// Out of memory is the one thing that may abort: broker/README.md.
static const char *
what_is_wrong_with_the_end(enum faulty_call call, int status, const char *said)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return NULL;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_STOPPED) {
        return said[0] != '\0' ? NULL : "it stopped without a word";
    }
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && is_allocation(call) &&
        strstr(said, "this must hold") != NULL) {
        return NULL;
    }
    return "it ended by a signal";
}

struct tally {
    size_t tried, went_on, stopped, aborted, wrong;
};

static void
count_end(struct tally *tally, int status)
{
    tally->tried++;
    tally->went_on += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    tally->stopped += WIFEXITED(status) && WEXITSTATUS(status) != 0;
    tally->aborted += WIFSIGNALED(status);
}

// False when the call was not made so often.
static bool
try_one(struct flow_fixture *f, enum faulty_call call, uint64_t nth, int error,
        enum faulty_how how, struct tally *tally)
{
    char said[SAID_MAX], said_then[SAID_MAX];
    const char *wrong;
    int status;

    memset(notes, 0, sizeof *notes);
    notes->plan.callers = FAULTY_PROGRAM | FAULTY_LMDB;
    notes->plan.nth = nth;
    notes->plan.times = 1;
    notes->plan.error = (uint64_t)error;
    notes->plan.how = how;
    notes->plan.armed = (uint64_t)call + 1;
    status = play_in_child(f, true, said);
    if (notes->plan.fired == 0) {
        remove_store(f);
        return false;
    }
    count_end(tally, status);
    wrong = what_is_wrong_with_the_end(call, status, said);
    if (wrong == NULL) {
        wrong = story_what_is_lost(f, &notes->story);
    }
    flow_close_store(f);
    if (wrong == NULL && play_in_child(f, false, said_then) != 0) {
        wrong = said_then;
    }
    if (wrong == NULL) {
        wrong = story_what_is_wrong(f);
    }
    if (wrong != NULL) {
        tally->wrong++;
        printf("%s, call %llu, errno %d, how %d: %s\n  status %#x, it said: %s\n",
               notes->plan.name[call], (unsigned long long)nth, error, how, wrong,
               (unsigned)status, said);
    }
    remove_store(f);
    return true;
}

// ---- all of them ----

static int
error_of(enum faulty_call call)
{
    switch (call) {
    case FAULTY_open:
    case FAULTY_openat:
        return EMFILE;
    case FAULTY_ftruncate:
    case FAULTY_mkdir:
        return ENOSPC;
    case FAULTY_fcntl:
    case FAULTY_flock:
        return ENOLCK;
    case FAULTY_mmap:
    case FAULTY_pthread_mutex_init:
        return ENOMEM;
    default:
        return call >= FAULTY_malloc ? ENOMEM : EIO;
    }
}

static void
try_call(struct flow_fixture *f, enum faulty_call call, uint64_t calls, uint64_t most,
         struct tally *tally)
{
    bool writes = call == FAULTY_write || call == FAULTY_pwrite || call == FAULTY_writev;
    uint64_t half = calls <= most || calls <= FEW_CALLS ? calls : most / 2;
    uint64_t stride = half == calls ? 1 : (calls - half) / (most - half) + 1;

    for (uint64_t nth = 1; nth <= calls; nth += nth < half ? 1 : stride) {
        (void)try_one(f, call, nth, error_of(call), FAULTY_FAIL, tally);
        if (writes) {
            (void)try_one(f, call, nth, ENOSPC, FAULTY_FAIL, tally);
            (void)try_one(f, call, nth, 0, FAULTY_SHORT, tally);
        }
    }
}

static bool
is_asked(const char *name, char **names, int len)
{
    bool asked = len == 0;

    for (int i = 0; i < len; i++) {
        asked |= strcmp(names[i], name) == 0;
    }
    return asked;
}

static struct flow_fixture *
fresh_folder(void)
{
    struct flow_fixture *f = xcalloc(1, sizeof *f);
    const char *folder = getenv("TMPDIR");

    if (folder == NULL) { // calls that fail are asked for, not disks
        folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    }
    snprintf(f->path, sizeof f->path, "%s/core.XXXXXX", folder);
    assert_non_null(mkdtemp(f->path));
    f->now_us = flow_noon(2026, 11, 20);
    return f;
}

int
main(int count, char **arguments)
{
    static const struct option options[] = {{"most", required_argument, NULL, 'm'}, {0}};
    struct flow_fixture *f = fresh_folder();
    struct tally all = {0};
    uint64_t calls[FAULTY_CALLS_LEN];
    uint64_t most = 25;
    char said[SAID_MAX];

    while (getopt_long(count, arguments, "", options, NULL) == 'm') {
        most = strtoull(optarg, NULL, 10);
    }
    notes = mmap(NULL, sizeof *notes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                 -1, 0);
    catalogue = flow_shipped_catalogue();
    assert_true(notes != MAP_FAILED && most >= 2);
    assert_int_equal(play_in_child(f, true, said), 0);
    memcpy(calls, notes->plan.count, sizeof calls);
    remove_store(f);
    printf("%-20s %6s %6s %8s %8s %8s\n", "call", "made", "failed", "went on", "stopped",
           "aborted");
    for (enum faulty_call call = 0; call < FAULTY_CALLS_LEN; call++) {
        struct tally tally = {0};
        const char *name = notes->plan.name[call];

        if (calls[call] == 0 || !is_asked(name, arguments + optind, count - optind)) {
            continue;
        }
        try_call(f, call, calls[call], most, &tally);
        printf("%-20s %6llu %6zu %8zu %8zu %8zu\n", name, (unsigned long long)calls[call],
               tally.tried, tally.went_on, tally.stopped, tally.aborted);
        all.tried += tally.tried;
        all.wrong += tally.wrong;
    }
    printf("%zu faults, %zu wrong\n", all.tried, all.wrong);
    assert_int_equal(rmdir(f->path), 0);
    buffer_free(&catalogue);
    free(f);
    return all.tried == 0 || all.wrong > 0;
}
