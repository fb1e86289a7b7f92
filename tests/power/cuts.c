// SPDX-License-Identifier: EUPL-1.2
#include "cuts.h"

#include "base/base.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LIVES_ON_ONE_IN = 24,
    CUTS_AFTER_KILL = 12,   // that far the killed one is followed
    SUBSETS_WRITES_MAX = 4, // so few writes: each of their subsets
    CHILD_SECONDS_MAX = 300,
};

struct cuts cuts = {.seed = 1,
                    .lefts = LEFT_SUBSETS,
                    .every = 1,
                    .kills = 12,
                    .cut_only = CUTS_ALL,
                    .left_only = CUTS_ALL};

static struct {
    struct disk *disk; // NULL: none is followed
    char path[96];
    char child_path[96];
    int words; // what a child says
    uint64_t killed_at;
} now = {.words = -1};

// Of all processes.
static struct cuts_count *count;

struct cuts_count
cuts_counted(void)
{
    return *count;
}

// ---- folders ----

void
cuts_folder(char ret_path[96])
{
    const char *parent = getenv("TMPDIR");

    if (parent == NULL) {
        parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    }
    snprintf(ret_path, 96, "%s/power-XXXXXX", parent);
    CHECK(mkdtemp(ret_path) != NULL);
}

void
cuts_remove(const char *path)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "vigie.lock", "data.new",
                                        "data.new-lock"};
    char file[160];

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(file, sizeof file, "%s/%s", path, files[i]);
        unlink(file);
    }
    rmdir(path);
}

// ---- children ----

static void
take_words(void)
{
    now.words = memfd_create("words", MFD_CLOEXEC);
    CHECK(now.words >= 0);
}

static void
show_words(void)
{
    static char text[8192];
    ssize_t len = pread(now.words, text, sizeof text - 1, 0);

    text[len < 0 ? 0 : len] = 0;
    printf("%s", text);
}

// True in the child.
static bool
begin_child(void)
{
    pid_t child;
    int status = 0;

    if (now.words < 0) {
        take_words();
    }
    cuts_folder(now.child_path);
    fflush(stdout);
    CHECK(ftruncate(now.words, 0) == 0 && lseek(now.words, 0, SEEK_SET) == 0);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(CHILD_SECONDS_MAX);
        dup2(now.words, STDOUT_FILENO);
        return true;
    }
    CHECK(waitpid(child, &status, 0) == child);
    cuts_remove(now.child_path);
    if (status == 0) {
        return false;
    }
    show_words();
    if (WIFSIGNALED(status)) {
        printf("ended by signal %d (%s)\n", WTERMSIG(status),
               strsignal(WTERMSIG(status)));
    }
    cuts_end();
    return false;
}

// A child has failed, and has said why.
static void
give_up(uint64_t left)
{
    static const char *const names[] = {
#define MUTANT_NAME(name, sentence) [MUTANT_##name] = #name,
        MUTANT_TABLE(MUTANT_NAME)
#undef MUTANT_NAME
    };

    if (left != CUTS_ALL) {
        printf("again: power %s --cut %" PRIu64 " --left %" PRIu64 " --kill %" PRIu64
               " --mutant %s\n",
               cuts.again, cuts.cut, left, now.killed_at, names[cuts.mutant]);
    }
    fflush(stdout);
    cuts_remove(now.path);
    _exit(1);
}

static void
try_disk(uint64_t left)
{
    struct dice dice = {.state = cuts.seed ^ cuts.cut << 20 ^ left << 52};
    bool lives_on = dice_one_in(&dice, LIVES_ON_ONE_IN) && cuts.may_live;

    if (cuts.left_only != CUTS_ALL && cuts.left_only != left) {
        return;
    }
    if (begin_child()) {
        disk_rebuild(now.disk, (enum left)left, &dice, now.child_path);
        record_end();
        now.disk = NULL;
        cuts.life = LIFE_WITHOUT_POWER;
        cuts.lives_on = lives_on;
        cuts.forget(now.child_path);
        longjmp(*cuts.back, 1);
    }
    if (now.disk == NULL) {
        give_up(left);
    }
    count->disks++;
    count->lived_on += lives_on;
}

// The disk stays as it is; what was written is there for whoever opens it now.
static void
try_kill(void)
{
    struct dice dice = {.state = 0};

    if (begin_child()) {
        disk_rebuild(now.disk, LEFT_EVERYTHING, &dice, now.child_path);
        memcpy(now.path, now.child_path, sizeof now.path);
        record_move(now.path);
        take_words();
        alarm(0); // it has children of its own
        now.killed_at = cuts.cut;
        cuts.life = LIFE_AFTER_KILL;
        cuts.forget(now.path);
        longjmp(*cuts.back, 1);
    }
    if (now.disk == NULL) {
        give_up(CUTS_ALL);
    }
    count->kills++;
}

// ---- cuts ----

static void
try_disks(void)
{
    size_t unsynced = disk_unsynced(now.disk);

    for (uint64_t left = 0; left < LEFT_SUBSETS; left++) {
        if (left < LEFT_SOME_WRITES ||
            (unsynced > 0 && left < LEFT_SOME_WRITES + cuts.lefts)) {
            try_disk(left);
        }
    }
    if (unsynced <= SUBSETS_WRITES_MAX) {
        for (uint64_t subset = 0; subset < UINT64_C(1) << unsynced; subset++) {
            try_disk(LEFT_SUBSETS + subset);
        }
    }
}

static bool
is_wanted(struct dice *dice)
{
    if (cuts.cut_only != CUTS_ALL) {
        return cuts.cut == cuts.cut_only && now.killed_at == cuts.kill_only;
    }
    uint64_t every = cuts.is_rare ? cuts.every / CUTS_RARE + 1 : cuts.every;

    return cuts.life == LIFE_AFTER_KILL || dice_one_in(dice, (uint32_t)every);
}

static void
cut(void)
{
    struct dice dice = {.state = cuts.seed ^ cuts.cut << 24};
    bool wanted;

    if (cuts.back == NULL) {
        return;
    }
    cuts.cut++;
    wanted = is_wanted(&dice);
    if (wanted) {
        count->cuts++;
        try_disks();
    }
    if (cuts.life == LIFE_AFTER_KILL) {
        if (cuts.cut == now.killed_at + CUTS_AFTER_KILL) {
            cuts_end();
            cuts_remove(now.path);
            _exit(0);
        }
    } else if (cuts.cut_only != CUTS_ALL ? cuts.cut == cuts.kill_only
                                         : wanted && cuts.may_live &&
                                               dice_one_in(&dice, (uint32_t)cuts.kills)) {
        try_kill();
    }
}

void
cuts_follow(const char *path)
{
    if (now.disk == NULL || strcmp(now.path, path) != 0) {
        snprintf(now.path, sizeof now.path, "%s", path);
        now.disk = record_begin(path, cuts.mutant, cut);
        if (count == NULL) {
            count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
            CHECK(count != MAP_FAILED);
        }
    }
}

void
cuts_end(void)
{
    record_end();
    now.disk = NULL;
}
