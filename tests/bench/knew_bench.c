// SPDX-License-Identifier: EUPL-1.2
// knew_bench.c - how long "who got what about this person" takes, on a synthetic journal.
//
//   knew_bench FOLDER [DAYS RUNS ENTRIES]     182 1 262144
//
// Makes in an empty folder (otherwise it only asks) a store with an index of so many days, so many runs a day and so
// many entries a run, of 15.5 million persons drawn at random, and a journal in which one of
// them got a letter each day, in a record of a thousand events, acknowledged the same day. As
// many other records lie around it as a day of that density has, of a thousand events each; they
// are short, for only their number counts: they are the tree that leads to his.
// Then asks about that person, first with the file out of the system's cache, then again.
// A day that is over has one run. 945 million messages a year (2013) are at most 2.6 million
// entries a day: the default is a tenth of it, 1.2 GB, for a small disk. A run's length
// changes the depth of the tree and nothing else of a question; RUNS 80 shows what days
// would cost whose runs had not become one.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "flow/knew.h"
#include "store/exchanges.h"
#include "store/mailbox.h"

enum { PERSONS = 15500000, EVENTS = 1000, OTHERS_MAX = 3, FIRST_DAY = 20000, BOX = 5 };

#define ASKED UINT64_C(50610100182)
#define DAY_US (INT64_C(24) * 3600 * 1000000)

struct scene {
    struct store *store;
    struct txn *txn;
    uint64_t days, runs, entries;
    uint64_t seed;
    uint64_t asked_commit; // of the day, that speaks of the person
    struct meta meta;
    struct exchange *run;
    struct buffer record;
};

static void
must(enum vg_status status, const struct why *why)
{
    if (status != VG_OK) {
        fprintf(stderr, "%s: %s\n", vg_status_name(status), why->text);
        exit(1);
    }
}

static uint64_t
draw(struct scene *scene, uint64_t below)
{
    scene->seed = scene->seed * 6364136223846793005u + 1442695040888963407u;
    return (scene->seed >> 33) % below;
}

static double
ms_of(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

// ---- the synthetic journal ----

// A record of so many events, the last one about the person; returns where it begins.
static uint64_t
put_record(struct scene *scene, uint64_t day, uint64_t events, uint64_t person)
{
    uint64_t offset = 0;
    struct why why = {.text = ""};

    journal_begin(&scene->record, ++scene->meta.last_commit, day + 1,
                  (int64_t)(FIRST_DAY + day) * DAY_US + DAY_US / 2,
                  &scene->meta.last_hash);
    for (uint64_t i = 0; i < events; i++) {
        bool last = i + 1 == events;
        struct journal_event event = {.ticket = ++scene->meta.last_sequence,
                                      .niss = last ? person : 1 + draw(scene, PERSONS),
                                      .flow = 1,
                                      .recipients = 1};
        struct journal_recipient recipient = {.number = day + 1, .mailbox = BOX};

        offset = scene->record.len;
        journal_add(&scene->record, JOURNAL_EVENT, &event, sizeof event, &recipient,
                    sizeof recipient);
    }
    must(journal_append(scene->txn, &scene->record, scene->meta.last_commit,
                        &scene->meta.last_hash),
         &why);
    return offset;
}

// What else a day keeps; gives where the event about the person begins.
static uint64_t
put_records(struct scene *scene, uint64_t day)
{
    uint64_t others = scene->runs * scene->entries / EVENTS / 2;
    uint64_t offset;

    for (uint64_t i = 0; i < others; i++) {
        (void)put_record(scene, day, 1 + draw(scene, OTHERS_MAX), 1);
    }
    offset = put_record(scene, day, EVENTS, ASKED);
    scene->asked_commit = scene->meta.last_commit;
    for (uint64_t i = 0; i < others; i++) {
        (void)put_record(scene, day, 1 + draw(scene, OTHERS_MAX), 1);
    }
    return offset;
}

static void
put_run(struct scene *scene, uint64_t day, uint64_t run, uint64_t offset)
{
    struct why why = {.text = ""};

    for (uint64_t i = 0; i < scene->entries; i++) {
        scene->run[i] =
            (struct exchange){1 + draw(scene, PERSONS), scene->asked_commit, i};
    }
    if (run == scene->runs) {
        scene->run[0] = (struct exchange){ASKED, scene->asked_commit, offset};
        scene->run[1] =
            (struct exchange){exchange_acknowledged(BOX, ACKNOWLEDGED_THROUGH), day + 1,
                              scene->asked_commit};
    }
    (void)exchanges_sort(scene->run, scene->entries); // no two are the same
    must(exchanges_put(scene->txn,
                       (struct exchange_run){(int32_t)(FIRST_DAY + day), (uint32_t)run},
                       scene->run, scene->entries),
         &why);
}

static void
make(struct scene *scene)
{
    struct mailbox_row box = {.last = scene->days, .acknowledged = scene->days};
    struct why why = {.text = ""};

    scene->run = xcalloc(scene->entries, sizeof *scene->run);
    for (uint64_t day = 0; day < scene->days; day++) {
        uint64_t offset;

        must(store_write(scene->store, &scene->txn, &why), &why);
        must(meta_get(scene->txn, &scene->meta, &why), &why);
        offset = put_records(scene, day);
        for (uint64_t run = 1; run <= scene->runs; run++) {
            put_run(scene, day, run, offset);
        }
        must(mailbox_put(scene->txn, (struct mailbox_id){BOX}, &box), &why);
        must(exchanges_set_progress(
                 scene->txn,
                 &(struct exchange_progress){.commit = scene->meta.last_commit}),
             &why);
        must(meta_put(scene->txn, &scene->meta), &why);
        must(store_commit(&scene->txn, &why), &why);
    }
    free(scene->run);
    buffer_free(&scene->record);
}

// ---- the question ----

static void
ask(const struct scene *scene, const char *how)
{
    uint64_t chain = ASKED;
    struct knew_command question = {.history = {.chain = &chain, .chain_len = 1},
                                    .through_commit = scene->meta.last_commit,
                                    .today = {(int32_t)(FIRST_DAY + scene->days)}};
    struct knew *knew = knew_open(&question, 120);
    struct why why = {.text = ""};
    struct txn *txn = NULL;
    double begin = ms_of(CLOCK_MONOTONIC), cpu = ms_of(CLOCK_PROCESS_CPUTIME_ID);
    double longest = 0;
    size_t len = 0, slices = 0;
    bool done = false, all = false;

    must(store_read(scene->store, &txn, &why), &why);
    while (!done) {
        double slice = ms_of(CLOCK_MONOTONIC);

        must(knew_search(knew, txn, &done, &why), &why);
        slice = ms_of(CLOCK_MONOTONIC) - slice;
        longest = slice > longest ? slice : longest;
        slices++;
    }
    (void)knew_rows(knew, &len, &all);
    printf(
        "%s: %zu letters in %.0f ms, %.0f ms of CPU, %zu slices, the longest %.1f ms\n",
        how, len, ms_of(CLOCK_MONOTONIC) - begin, ms_of(CLOCK_PROCESS_CPUTIME_ID) - cpu,
        slices, longest);
    store_abort(&txn);
    knew_free(&knew);
}

static void
open_store(struct scene *scene, const char *folder)
{
    struct store_options options = {
        .path = folder, .map_bytes = UINT64_C(64) << 30, .create = true};
    struct why why = {.text = ""};

    must(store_open(&options, &scene->store, &why), &why);
}

static bool
store_is_new(struct scene *scene)
{
    struct why why = {.text = ""};

    must(store_read(scene->store, &scene->txn, &why), &why);
    must(meta_get(scene->txn, &scene->meta, &why), &why);
    store_abort(&scene->txn);
    return scene->meta.last_commit == 0;
}

static void
leave_cache(const char *folder)
{
    char path[4096];
    int fd;

    snprintf(path, sizeof path, "%s/data.mdb", folder);
    fd = open(path, O_RDONLY);
    if (fd < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0) {
        perror(path);
    }
    close(fd);
}

int
main(int argc, char **argv)
{
    struct scene scene = {.days = 182, .runs = 1, .entries = 262144, .seed = 1};

    if (argc != 2 && argc != 5) {
        fprintf(stderr, "knew_bench FOLDER [DAYS RUNS ENTRIES]\n");
        return 2;
    }
    if (argc == 5) {
        scene.days = strtoull(argv[2], NULL, 10);
        scene.runs = strtoull(argv[3], NULL, 10);
        scene.entries = strtoull(argv[4], NULL, 10);
    }
    open_store(&scene, argv[1]);
    if (store_is_new(&scene)) {
        make(&scene);
    }
    store_close(&scene.store);
    leave_cache(argv[1]);
    open_store(&scene, argv[1]);
    ask(&scene, "not in the cache");
    ask(&scene, "in the cache");
    store_close(&scene.store);
    return 0;
}
