// SPDX-License-Identifier: EUPL-1.2
// store_bench.c - the writer's work alone: frames that are in memory already are read, judged,
// matched, written and synced, without sockets, encryption, sessions or clients. What end to
// end costs is measured against it (ratios.py).
//
//   store_bench [MUTATIONS]      prints one object; 200000 mutations
//
// The store is a fresh one in TMPDIR: three CPAS, 10,000 persons of whom each is followed by
// one of them and every tenth by two. Batches and frames are as large as under load.
#include "flow_fixture.h"

#include <time.h>

enum {
    PERSONS = 10000,
    ITEMS = 1000,    // of an integrate command
    PER_FRAME = 500, // mutations
    PER_BATCH = 8,   // frames
    VALUE_LEN = 65,  // of each of two fields
    QUALITY = 1,
    PRODUCER = 1,
};

struct spent {
    uint64_t wall_ns;
    uint64_t cpu_ns;
    uint64_t notifications;
};

static uint64_t
ns_of(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

// ---- who follows whom ----

static void
follow(struct flow_fixture *f, uint32_t institution, int first, int step)
{
    struct command *command = flow_command(f, COMMAND_INTEGRATE, institution);
    struct integrate_command *integrate = &command->integrate;

    integrate->institution = institution;
    integrate->items = xcalloc(ITEMS, sizeof *integrate->items);
    for (int person = first; person < PERSONS && integrate->items_len < ITEMS;
         person += step) {
        struct niss niss = flow_person(person);

        integrate->items[integrate->items_len++] = (struct integrate_request){
            .niss = niss.number,
            .quality = QUALITY,
            .begin = 20261101,
            .proof.birth_date = (uint32_t)niss_birth(niss).year * 10000,
        };
    }
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_int_not_equal(command->integrate.results[0].verdict, VERDICT_NO);
}

static void
follow_all(struct flow_fixture *f)
{
    for (int first = 0; first < PERSONS; first += ITEMS) {
        follow(f, first % (2 * ITEMS) == 0 ? CPAS_A : CPAS_B, first, 1);
    }
    follow(f, CPAS_C, 0, 10);
}

// ---- mutations ----

static void
add_frame(struct flow_fixture *f, uint64_t first)
{
    static struct hot_mutation mutations[PER_FRAME];
    static char filling[VALUE_LEN + 1];

    memset(filling, 'x', VALUE_LEN);
    for (uint64_t i = 0; i < PER_FRAME; i++) {
        uint64_t seed = first + i;

        mutations[i] =
            flow_mutation("notifyPerson", flow_person((int)flow_draw(&seed, PERSONS)));
        flow_field(&mutations[i], "020", filling);
        flow_field(&mutations[i], "150", filling);
    }
    flow_publish(f, RN, PRODUCER, first, mutations, PER_FRAME);
}

// What is measured; callgrind counts from here to its end.
__attribute__((noinline)) void
measured_batch(struct flow_fixture *f, struct spent *spent)
{
    uint64_t wall = ns_of(CLOCK_MONOTONIC);
    uint64_t cpu = ns_of(CLOCK_THREAD_CPUTIME_ID);

    flow_apply(f);
    spent->wall_ns += ns_of(CLOCK_MONOTONIC) - wall;
    spent->cpu_ns += ns_of(CLOCK_THREAD_CPUTIME_ID) - cpu;
    spent->notifications += f->done->count.notifications;
}

int
main(int argc, char **argv)
{
    uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
    struct flow_fixture *f = flow_begin();
    struct spent spent = {0};
    uint64_t done = 0;

    flow_furnish(f);
    follow_all(f);
    while (done < wanted) {
        for (int frame = 0; frame < PER_BATCH; frame++, done += PER_FRAME) {
            add_frame(f, done + 1);
        }
        measured_batch(f, &spent);
    }
    printf("{\"mutations\": %llu, \"notifications\": %llu, \"wall_s\": %.6f, "
           "\"cpu_s\": %.6f}\n",
           (unsigned long long)done, (unsigned long long)spent.notifications,
           (double)spent.wall_ns / 1e9, (double)spent.cpu_ns / 1e9);
    flow_end(f);
    return 0;
}
