// SPDX-License-Identifier: EUPL-1.2
// Goal: the power may go at any moment, and whatever was answered yes is there afterwards,
// whole, and nothing half.
// Method: the simulation (tests/simulation) runs as it is. At every write and sync of its
// store it finds the disks that a power cut could have left (cuts.h), opens each, and must
// be where the model is, or one commit further when that was not answered yet: all rows,
// letters, bodies, the journal's chain and the store's own check. Some of these lives go on
// to the run's end, so that what was found can also be worked with.
//
//   power --seed N --seeds M --steps S     runs of S steps of the simulation
//   power --upgrade FOLDER                 opening a copy of this store of an older schema
//         --lefts L                        disks tried per cut, beside the simplest
//         --every E --kills K              one cut in E, ten times as many where a commit
//                                          has a rare command, and a kill at one in K
//         --cut C --left D --kill K        this disk of this cut only: a failure again
//         --sector B                       a disk that writes B bytes whole, not 512
//         --mutant NAME                    with a mistake in what is synced (record.h)
//   power --mutants ...                    each of them must be noticed
#include "cuts.h"

#include "flow/command.h"
#include "simulation.h"
#include "store/check.h"
#include "store/opening.h"
#include "upgrade_cuts.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int simulation_main(int argc, char **argv);

static struct {
    uint64_t seeds, steps;
    struct node *node;
    jmp_buf back;
    bool lost_power;     // and the simulation has not asked yet whether a call failed
    bool forgets_broker; // when it is closed
    bool has_looked;
} power = {.seeds = 1, .steps = 200};

static struct simulation *
simulation_of(struct node *node)
{
    return (void *)((char *)node - offsetof(struct simulation, node));
}

// ---- a child ----

// What LMDB has in memory is left alone, for the parent has it too; so is a twin's folder.
static void
forget_process(const char *path)
{
    struct node *node = power.node;

    simulation_of(node)->twin.path[0] = 0;
    node->view = NULL;
    power.forgets_broker = node->broker != NULL;
    snprintf(node->path, sizeof node->path, "%s", path);
    snprintf(node->settings.store_path, sizeof node->settings.store_path, "%s", path);
}

// Before the first step, and when all calms down, the simulation has no room for accidents.
static bool
may_live(void)
{
    const struct simulation *s = simulation_of(power.node);

    return s->step > 0 && s->step <= s->steps;
}

static void
look_at_everything(void)
{
    struct node *node = power.node;
    struct check_report *report = xcalloc(1, sizeof *report);
    struct why why = {.text = ""};
    struct meta meta;

    model_everything(node->model, node_view(node));
    if (store_check(node->broker->store, report, NULL, NULL, &why) != VG_OK ||
        report->faults.total > 0) {
        broken("the store's own check: %s%s", why.text,
               report->faults.total > 0 ? report->faults.fault[0].why.text : "");
    }
    CHECK(meta_get(node_view(node), &meta, NULL) == VG_OK);
    if (report->commits + meta.first_commit - 1 != node->model->commits) {
        broken("the store's own check counts %" PRIu64 " commits from %" PRIu64
               " on, of %" PRIu64,
               report->commits, meta.first_commit, node->model->commits);
    }
    free(report);
}

// The broker has begun again on what was left, and the model has followed.
static void
has_begun_again(void)
{
    if (cuts.life != LIFE_WITHOUT_POWER || power.has_looked) {
        return;
    }
    power.has_looked = true;
    look_at_everything();
    if (!cuts.lives_on) {
        cuts_remove(power.node->path);
        _exit(0);
    }
}

// ---- what the simulation calls, and comes by here ----

#define WRAPPED(type, name, parameters)                                                  \
    type __real_##name parameters;                                                       \
    type __wrap_##name parameters;                                                       \
    type __wrap_##name parameters

WRAPPED(void, node_begin, (struct node * node, const struct settings *settings))
{
    power.node = node;
    __real_node_begin(node, settings);
    has_begun_again();
}

WRAPPED(void, node_die, (struct node * node))
{
    __real_node_die(node);
    has_begun_again();
}

WRAPPED(void, node_go_on, (struct node * node))
{
    __real_node_go_on(node);
    has_begun_again();
}

WRAPPED(void, broker_close, (struct broker * *broker))
{
    if (power.forgets_broker) {
        (*broker)->store = NULL;
        (*broker)->applier = NULL;
        (*broker)->txn = NULL;
        power.forgets_broker = false;
    }
    __real_broker_close(broker);
}

WRAPPED(void, node_end, (struct node * node))
{
    __real_node_end(node);
    cuts_end();
}

WRAPPED(enum vg_status, opening_settle, (int file, size_t page_bytes, struct why *why))
{
    return cuts.mutant == MUTANT_no_settling
               ? VG_OK
               : __real_opening_settle(file, page_bytes, why);
}

WRAPPED(enum vg_status, store_open,
        (const struct store_options *options, struct store **ret_store, struct why *why))
{
    static struct { // a jump back must find them
        const struct store_options *options;
        struct store **store;
        struct why *why;
        enum vg_status status;
    } opening;

    if (cuts.life == LIFE_WITHOUT_POWER || power.node == NULL ||
        strcmp(options->path, power.node->path) != 0) { // a twin's
        return __real_store_open(options, ret_store, why);
    }
    cuts_follow(options->path);
    opening.options = options;
    opening.store = ret_store;
    opening.why = why;
    cuts.back = &power.back;
    cuts.may_live = may_live();
    (void)setjmp(power.back); // again, on what was left
    opening.status = __real_store_open(opening.options, opening.store, opening.why);
    cuts.back = NULL;
    return opening.status;
}

static enum vg_status
forget_answers(struct batch *batch)
{
    batch->commit = 0;
    batch->posted_len = 0;
    batch->roster = NULL;
    power.lost_power = true;
    for (struct command *command = batch->first; command != NULL;
         command = command->next) {
        command_forget_answer(command);
    }
    return VG_UNKNOWN;
}

// Most commits are of these.
static bool
is_common(enum command_kind kind)
{
    return kind == COMMAND_PUBLISH || kind == COMMAND_LAST_NUMBER ||
           kind == COMMAND_ACKNOWLEDGE || kind == COMMAND_INTEGRATE ||
           kind == COMMAND_FOLD;
}

static bool
has_rare(const struct batch *batch)
{
    const struct command *command = batch->first;

    while (command != NULL && is_common(command->kind)) {
        command = command->next;
    }
    return command != NULL;
}

WRAPPED(enum vg_status, apply_batch,
        (struct applier * applier, struct batch *batch, struct why *why))
{
    static struct batch *applied;
    static enum vg_status status;

    if (cuts.life == LIFE_WITHOUT_POWER) {
        return __real_apply_batch(applier, batch, why);
    }
    applied = batch;
    cuts.back = &power.back;
    cuts.may_live = may_live();
    cuts.is_rare = has_rare(batch);
    status = setjmp(power.back) == 0 ? __real_apply_batch(applier, batch, why)
                                     : forget_answers(applied);
    cuts.back = NULL;
    cuts.is_rare = false;
    return status;
}

// The simulation asks whether a call failed: losing the power counts as one.
WRAPPED(bool, faults_heal, (void))
{
    bool failed = __real_faults_heal() || power.lost_power;

    power.lost_power = false;
    return failed;
}

WRAPPED(void, model_apply,
        (struct model * model, const struct batch *batch, enum room room, bool answered,
         struct txn *txn))
{
    __real_model_apply(model, batch, room, answered, txn);
    has_begun_again();
}

// ---- runs ----

static void
run_seeds(void)
{
    char seed[24], steps[24], again[80];
    char *words[] = {"simulation", "--seed", seed, "--steps", steps, "--quiet", NULL};
    uint64_t last = cuts.seed + power.seeds;

    cuts.again = again;
    cuts.forget = forget_process;
    for (; cuts.seed < last; cuts.seed++) {
        snprintf(seed, sizeof seed, "%" PRIu64, cuts.seed);
        snprintf(steps, sizeof steps, "%" PRIu64, power.steps);
        snprintf(again, sizeof again, "--seed %s --steps %s", seed, steps);
        cuts.cut = 0;
        CHECK(simulation_main(6, words) == 0);
        if (cuts.life != LIFE_USUAL) {
            _exit(0);
        }
    }
}

static void
run(const char *upgrade)
{
    if (upgrade == NULL) {
        run_seeds();
    } else {
        upgrade_cuts(upgrade);
    }

    struct cuts_count count = cuts_counted();

    CHECK(count.cuts > 0);
    printf("%" PRIu64 " cuts, %" PRIu64 " disks, %" PRIu64 " kills, %" PRIu64
           " lived on: all was there\n",
           count.cuts, count.disks, count.kills, count.lived_on);
}

static bool
is_noticed(enum mutant mutant, const char *name, const char *sentence)
{
    int status = 0;
    pid_t child;

    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(freopen("/dev/null", "w", stdout) != NULL);
        cuts.mutant = mutant;
        run(NULL);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);

    bool noticed = WIFEXITED(status) && WEXITSTATUS(status) == 1;

    printf("%-20s %s: %s\n", name, sentence, noticed ? "noticed" : "NOT NOTICED");
    return noticed;
}

static int
run_mutants(void)
{
    bool all = true;

#define MUTANT_RUN(name, sentence)                                                       \
    if (MUTANT_##name != MUTANT_none && !is_noticed(MUTANT_##name, #name, sentence)) {   \
        all = false;                                                                     \
    }
    MUTANT_TABLE(MUTANT_RUN)
#undef MUTANT_RUN
    return all ? 0 : 1;
}

static enum mutant
mutant_called(const char *text)
{
#define MUTANT_CALLED(name, sentence)                                                    \
    if (strcmp(text, #name) == 0) {                                                      \
        return MUTANT_##name;                                                            \
    }
    MUTANT_TABLE(MUTANT_CALLED)
#undef MUTANT_CALLED
    fprintf(stderr, "power: there is no mutant \"%s\"\n", text);
    exit(2);
}

// Reads one option; 0: it is none.
static int
read_option(const char *name, const char *value, const char **ret_upgrade)
{
    const struct {
        const char *name;
        uint64_t *number;
    } numbers[] = {{"--seed", &cuts.seed},      {"--seeds", &power.seeds},
                   {"--steps", &power.steps},   {"--lefts", &cuts.lefts},
                   {"--every", &cuts.every},    {"--kills", &cuts.kills},
                   {"--cut", &cuts.cut_only},   {"--left", &cuts.left_only},
                   {"--kill", &cuts.kill_only}, {"--sector", &disk_sector_bytes}};

    if (value == NULL) {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        if (strcmp(name, numbers[i].name) == 0) {
            *numbers[i].number = strtoull(value, NULL, 10);
            return 2;
        }
    }
    if (strcmp(name, "--mutant") == 0) {
        cuts.mutant = mutant_called(value);
        return 2;
    }
    if (strcmp(name, "--upgrade") == 0) {
        *ret_upgrade = value;
        return 2;
    }
    return 0;
}

int
main(int argc, char **argv)
{
    const char *upgrade = NULL;
    bool mutants = false;

    for (int i = 1; i < argc;) {
        bool all = strcmp(argv[i], "--mutants") == 0;
        int words = all ? 1 : read_option(argv[i], argv[i + 1], &upgrade);

        mutants = mutants || all;
        if (words == 0) {
            fprintf(stderr, "power: \"%s\" is no option, or lacks its value\n", argv[i]);
            return 2;
        }
        i += words;
    }
    if (mutants) {
        return run_mutants();
    }
    run(upgrade);
    return 0;
}
