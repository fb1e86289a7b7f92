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
#include "../unit/flow_fixture.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "faulty.h"

enum {
    PERSON = 1,
    FRAMES = 4, // of FRAME_LEN mutations each
    FRAME_LEN = 3,
    LETTERS = FRAMES * FRAME_LEN,
    CHILD_SECONDS_MAX = 30,
    SAID_MAX = 2048,
    EXIT_STOPPED = 4, // as vigied: nobody is answered any more
};

// Shared with the child.
struct notes {
    struct faulty_plan plan;
    uint64_t published;    // answered yes up to here
    uint64_t acknowledged; // its batch came back with VG_OK
    bool followed;
};

static struct notes *notes;
static struct buffer catalogue; // the shipped one, read before anything fails

// ---- the story ----

// Out of memory in LMDB is "full" to the store: whoever is told so repeats.
static bool
was_full(const struct flow_fixture *f)
{
    bool full = false;

    for (const struct command *command = f->done == NULL ? NULL : f->done->first;
         command != NULL; command = command->next) {
        full |= command->status == VG_STORE_FULL;
    }
    return full;
}

static bool
apply(struct flow_fixture *f)
{
    enum vg_status status = flow_try(f);

    if (status != VG_OK) {
        fprintf(stderr, "batch: %s: %s\n", vg_status_name(status), f->why.text);
    }
    return status == VG_OK;
}

static bool
open_all(struct flow_fixture *f)
{
    struct store_options options = {
        .path = f->path, .map_bytes = 256 << 20, .create = true};
    enum vg_status status = store_open(&options, &f->store, &f->why);

    if (status == VG_OK) {
        status = applier_open(f->store, &f->applier, &f->why);
    }
    if (status != VG_OK) {
        fprintf(stderr, "open: %s: %s\n", vg_status_name(status), f->why.text);
    }
    return status == VG_OK;
}

static bool
furnish(struct flow_fixture *f)
{
    (void)flow_load_catalogue(f, (const char *)catalogue.at, catalogue.len);
    for (uint32_t i = 1; i < INSTITUTIONS; i++) {
        flow_add_institution(f, flow_institutions[i].code, flow_institutions[i].sector);
    }
    return apply(f);
}

static bool
follow(struct flow_fixture *f)
{
    struct command *command =
        flow_integrate(f, CPAS_A, flow_person(PERSON), 2, 20261101, 0);

    if (!apply(f)) {
        return false;
    }
    notes->followed |= command->status == VG_OK;
    return true;
}

static bool
publish(struct flow_fixture *f, uint64_t first)
{
    struct hot_mutation mutations[FRAME_LEN];
    char ids[FRAME_LEN][24];
    struct command *command;

    for (size_t i = 0; i < FRAME_LEN; i++) {
        mutations[i] = flow_address(PERSON);
        snprintf(ids[i], sizeof ids[i], "m-%llu", (unsigned long long)(first + i));
        mutations[i].id = flow_words(ids[i]);
    }
    command = flow_publish(f, RN, 1, first, mutations, FRAME_LEN);
    if (!apply(f)) {
        return false;
    }
    if (command->status == VG_OK && command->publish.through > notes->published) {
        notes->published = command->publish.through;
    }
    return true;
}

// As a session would that was sent everything up to here.
static bool
acknowledge(struct flow_fixture *f, uint64_t through)
{
    struct txn *txn = NULL;
    struct tails *tails = NULL;
    struct letter letter = {0};
    size_t len = 0;
    struct command *command;
    enum vg_status status = store_read(f->store, &txn, &f->why);

    if (status == VG_OK) {
        status = tails_open(txn, &tails, &f->why);
    }
    if (status == VG_OK) {
        status = tails_letters(tails, txn, CPAS_A, through, &letter, 1, &len);
    }
    tails_free(&tails);
    store_abort(&txn);
    if (status != VG_OK) {
        fprintf(stderr, "read: %s\n", vg_status_name(status));
        return false;
    }
    if (len == 0) {
        return true; // it was refused a mutation before, or has this behind it
    }
    command = flow_command(f, COMMAND_ACKNOWLEDGE, CPAS_A);
    command->acknowledge.mailbox = CPAS_A;
    command->acknowledge.through = letter.number;
    command->acknowledge.through_bytes = letter.bytes_through;
    if (!apply(f)) {
        return false;
    }
    if (command->status == VG_OK && letter.number > notes->acknowledged) {
        notes->acknowledged = letter.number;
    }
    return true;
}

static bool
fold(struct flow_fixture *f)
{
    (void)flow_command(f, COMMAND_FOLD, 0);
    return apply(f);
}

static bool
look(struct flow_fixture *f)
{
    struct store_room room;
    struct check_report report = {.commits = 0};
    enum vg_status status = store_room(f->store, &room);

    if (status == VG_OK) {
        status = store_check(f->store, &report, NULL, NULL, &f->why);
    }
    if (status != VG_OK || report.faults.total > 0) {
        fprintf(stderr, "check: %s\n",
                status != VG_OK ? vg_status_name(status)
                                : report.faults.fault[0].why.text);
    }
    return status == VG_OK && report.faults.total == 0;
}

typedef bool (*step_fn)(struct flow_fixture *f);

// False when the process must end. A refusal for want of room is repeated as it stands.
static bool
publish_1(struct flow_fixture *f)
{
    return publish(f, 1);
}

static bool
publish_4(struct flow_fixture *f)
{
    return publish(f, 4);
}

static bool
acknowledge_2(struct flow_fixture *f)
{
    return acknowledge(f, 2);
}

static bool
publish_7(struct flow_fixture *f)
{
    return publish(f, 7);
}

static bool
restart(struct flow_fixture *f)
{
    batch_free(&f->done);
    flow_close_store(f);
    return open_all(f);
}

static bool
acknowledge_5(struct flow_fixture *f)
{
    return acknowledge(f, 5);
}

static bool
publish_10(struct flow_fixture *f)
{
    return publish(f, 10);
}

static bool
play(struct flow_fixture *f)
{
    static const step_fn steps[] = {
        open_all,  furnish, follow,        publish_1,  publish_4, acknowledge_2, fold,
        publish_7, restart, acknowledge_5, publish_10, fold,      look,
    };
    int again = 3;

    for (size_t i = 0; i < ARRAY_LEN(steps);) {
        if (!steps[i](f)) {
            return false;
        }
        if (!was_full(f) || again-- == 0) {
            i++;
        }
    }
    return true;
}

// ---- children ----

static int
run_child(struct flow_fixture *f)
{
    bool good;

    alarm(CHILD_SECONDS_MAX);
    good = play(f);
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

// What was answered before the fault is there: asked before anything is repeated.
static const char *
what_is_lost(struct flow_fixture *f)
{
    struct producer_row producer = {0};
    struct mailbox_row row = {0};
    struct txn *txn;
    bool there;

    if (notes->published == 0) {
        return NULL;
    }
    if (!open_all(f)) {
        return "the store does not open again";
    }
    txn = flow_view(f);
    there = producer_get(txn, (struct institution_id){RN}, 1, &producer) == VG_OK &&
            mailbox_get(txn, (struct mailbox_id){CPAS_A}, &row) == VG_OK;
    if (!there || producer.last_number < notes->published) {
        return "an answered mutation is lost";
    }
    if (notes->followed && row.last < notes->published) {
        return "an answered mutation is not in its mailbox";
    }
    if (row.acknowledged < notes->acknowledged) {
        return "an acknowledgement is lost";
    }
    return NULL;
}

static const char *
what_is_wrong_at_last(struct flow_fixture *f)
{
    struct letter letters[LETTERS + 1];
    char id[24];
    uint64_t first;
    size_t len;

    if (!open_all(f) || !look(f)) {
        return "the store is not sound";
    }
    first = flow_row(f, CPAS_A).acknowledged + 1;
    len = flow_letters(f, CPAS_A, first, letters, LETTERS + 1);
    if (flow_producer(f, RN, 1).last_number != LETTERS || first > 6 ||
        len != LETTERS + 1 - first) {
        return "not every mutation is there once";
    }
    for (size_t i = 0; i < len; i++) {
        struct hot_content content = flow_content(f, &letters[i]);

        snprintf(id, sizeof id, "m-%llu", (unsigned long long)(first + i));
        if (letters[i].number != first + i || content.mutation.id.len != strlen(id) ||
            memcmp(content.mutation.id.at, id, content.mutation.id.len) != 0) {
            return "the letters are not in order";
        }
    }
    return NULL;
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
        wrong = what_is_lost(f);
    }
    flow_close_store(f);
    if (wrong == NULL && play_in_child(f, false, said_then) != 0) {
        wrong = said_then;
    }
    if (wrong == NULL) {
        wrong = what_is_wrong_at_last(f);
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
    uint64_t half = calls <= most ? calls : most / 2;
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

    snprintf(f->path, sizeof f->path, "%s/core.XXXXXX", folder == NULL ? "/tmp" : folder);
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
