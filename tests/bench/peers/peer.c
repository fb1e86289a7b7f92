// SPDX-License-Identifier: EUPL-1.2
// peer.c - runs a peer: loads the directory, publishes in one process, receives in another,
// and prints what it counted as one line of JSON.
//
//     peer_NAME --server WHERE --folder DIR [--process PID] [--people N] [--seconds S]
//               [--rate N] [--shared]
//
// PID: the broker's first process, whose children count with it.
#include "job.h"

#include <dirent.h>
#include <getopt.h>
#include <lmdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LATENCY_STEP_US = 50, READY_SECONDS = 120, QUIET_US = 2000000 };

uint64_t
now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void
give_up(const char *what, const char *why)
{
    fprintf(stderr, "peer_%s: %s: %s\n", peer.name, what, why == NULL ? "failed" : why);
    exit(1);
}

static uint64_t
mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
    x = (x ^ x >> 27) * 0x94D049BB133111EB;
    return x ^ x >> 31;
}

// Eleven integrations on average; one mailbox, and a second one for every tenth person.
size_t
person_rows(uint64_t person, struct row rows[ROWS_MAX])
{
    size_t cpas = mix(person) % 10 == 0 ? 2 : 1;
    size_t len = 10 + cpas;

    for (size_t i = 0; i < len; i++) {
        uint64_t draw = mix(person * 16 + i);

        rows[i] = (struct row){
            .institution = i < cpas ? (uint32_t)((mix(person * 16) + i * 290) % MAILBOXES)
                                    : (uint32_t)(MAILBOXES + draw % 18),
            .quality = (uint16_t)(1 + draw % 40),
            .begin = 20200101,
            .end = 20301231,
        };
    }
    return len;
}

// ---- the directory ----

static MDB_env *env;
static MDB_dbi persons;

static void
check(int rc, const char *what)
{
    if (rc != 0) {
        give_up(what, mdb_strerror(rc));
    }
}

static void
directory_open(const struct job *job, unsigned flags)
{
    MDB_txn *txn;

    check(mdb_env_create(&env), "directory");
    check(mdb_env_set_mapsize(env, (size_t)64 << 30), "directory");
    check(mdb_env_open(env, job->folder, MDB_NOTLS | MDB_NORDAHEAD | flags, 0600),
          "directory");
    check(mdb_txn_begin(env, NULL, flags & MDB_RDONLY, &txn), "directory");
    check(mdb_dbi_open(txn, NULL, MDB_INTEGERKEY | (flags & MDB_RDONLY ? 0 : MDB_CREATE),
                       &persons),
          "directory");
    check(mdb_txn_commit(txn), "directory");
}

static void
directory_load(const struct job *job)
{
    MDB_txn *txn;

    directory_open(job, MDB_NOSYNC);
    check(mdb_txn_begin(env, NULL, 0, &txn), "directory");
    for (uint64_t person = 0; person < job->people; person++) {
        struct row rows[ROWS_MAX];
        size_t len = person_rows(person, rows);
        MDB_val key = {sizeof person, &person};
        MDB_val value = {len * sizeof *rows, rows};

        check(mdb_put(txn, persons, &key, &value, MDB_APPEND), "directory");
    }
    check(mdb_txn_commit(txn), "directory");
    mdb_env_close(env);
    env = NULL;
}

static void
load(const struct job *job)
{
    if (peer.load == NULL) {
        directory_load(job);
        return;
    }
    for (uint64_t person = 0; person < job->people; person++) {
        struct row rows[ROWS_MAX];

        peer.load(person, rows, person_rows(person, rows));
    }
    peer.loaded();
}

static void
match(MDB_txn *txn, struct mutation *mutation)
{
    MDB_val key = {sizeof mutation->person, &mutation->person};
    MDB_val value;

    check(mdb_get(txn, persons, &key, &value), "match");
    mutation->mailboxes_len = 0;
    for (size_t i = 0; i < value.mv_size / sizeof(struct row); i++) {
        struct row row;

        memcpy(&row, (const char *)value.mv_data + i * sizeof row, sizeof row);
        if (row.institution < MAILBOXES && row.begin <= TODAY && row.end >= TODAY) {
            mutation->mailboxes[mutation->mailboxes_len++] = row.institution;
        }
    }
}

// ---- publishing ----

static uint64_t
recipients_of(uint64_t person)
{
    struct row rows[ROWS_MAX];
    size_t len = person_rows(person, rows);
    uint64_t recipients = 0;

    for (size_t i = 0; i < len; i++) {
        recipients += rows[i].institution < MAILBOXES;
    }
    return recipients;
}

static uint64_t
publish(const struct job *job, struct tally *tally)
{
    MDB_txn *txn = NULL;
    struct mutation mutation;
    uint64_t begin = now_us();
    uint64_t end = begin + (uint64_t)(job->seconds * 1e6);
    uint64_t now = begin;
    uint64_t published = 0;

    memset(mutation.body, 'x', sizeof mutation.body);
    if (!peer.matches_itself) {
        check(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), "match");
    }
    while (now < end) {
        uint64_t due = job->rate == 0 ? now : begin + published * 1000000 / job->rate;

        if (due > now) {
            usleep((useconds_t)(due - now));
            now = now_us();
            continue;
        }
        mutation.person = mix(published) % job->people;
        mutation.mailboxes_len = 0;
        memcpy(mutation.body, &due, sizeof due);
        if (txn != NULL) {
            match(txn, &mutation);
        }
        atomic_fetch_add(&tally->expected, recipients_of(mutation.person));
        peer.publish(&mutation);
        published++;
        now = job->rate != 0 || published % 16 == 0 ? now_us() : now;
    }
    peer.settle();
    if (txn != NULL) {
        mdb_txn_abort(txn);
    }
    return published;
}

// ---- receiving ----

void
received(struct tally *tally, const void *body, size_t len)
{
    uint64_t due;
    uint64_t now = now_us();

    if (len != BODY_LEN) {
        give_up("received", "a body of another length");
    }
    memcpy(&due, body, sizeof due);

    uint64_t step = (now - due) / LATENCY_STEP_US;
    size_t last = sizeof tally->latency / sizeof *tally->latency - 1;

    tally->latency[step < last ? step : last]++;
    tally->received++;
    tally->last_us = now;
}

struct seat {
    pthread_t thread;
    const struct job *job;
    struct tally *tally;
    unsigned connection;
};

static void *
serve(void *arg)
{
    struct seat *seat = arg;

    peer.receive(seat->job, seat->connection, seat->tally);
    return NULL;
}

static void
receive_all(const struct job *job, struct tally *tally)
{
    struct seat seats[CONNECTIONS];

    for (unsigned i = 0; i < CONNECTIONS; i++) {
        seats[i] = (struct seat){.job = job, .tally = tally, .connection = i};
        if (pthread_create(&seats[i].thread, NULL, serve, &seats[i]) != 0) {
            give_up("thread", NULL);
        }
    }
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        pthread_join(seats[i].thread, NULL);
    }
}

static double
cpu_of(int who)
{
    struct rusage usage;

    getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

enum { PROCESSES_MAX = 4096 };

struct process {
    int pid;
    int parent;
    bool counts; // of the server
    unsigned long ticks;
};

static size_t
read_processes(struct process list[PROCESSES_MAX])
{
    DIR *folder = opendir("/proc");
    size_t len = 0;

    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        struct process *process = &list[len];
        char path[300];
        char text[512] = "";
        unsigned long used[4] = {0};

        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        *process = (struct process){.pid = atoi(entry->d_name)};

        FILE *file =
            process->pid > 0 && len < PROCESSES_MAX - 1 ? fopen(path, "re") : NULL;

        if (file == NULL) {
            continue;
        }

        const char *at = fgets(text, sizeof text, file) ? strrchr(text, ')') : NULL;

        fclose(file);
        if (at != NULL &&
            sscanf(at + 2, "%*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu",
                   &process->parent, &used[0], &used[1], &used[2], &used[3]) == 5) {
            process->ticks = used[0] + used[1] + used[2] + used[3];
            len++;
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return len;
}

// CPU seconds of the server's first process and all that came of it.
static double
server_cpu(int first)
{
    static struct process list[PROCESSES_MAX];
    size_t len = read_processes(list);
    unsigned long ticks = 0;
    bool more = true;

    for (size_t i = 0; i < len; i++) {
        list[i].counts = list[i].pid == first;
    }
    while (more) {
        more = false;
        for (size_t i = 0; i < len; i++) {
            for (size_t j = 0; !list[i].counts && j < len; j++) {
                list[i].counts = list[j].counts && list[j].pid == list[i].parent;
                more |= list[i].counts;
            }
        }
    }
    for (size_t i = 0; i < len; i++) {
        ticks += list[i].counts ? list[i].ticks : 0;
    }
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static double
latency_at(const struct tally *tally, double share)
{
    uint64_t wanted = (uint64_t)((double)tally->received * share);
    uint64_t seen = 0;
    size_t len = sizeof tally->latency / sizeof *tally->latency;

    for (size_t i = 0; i < len; i++) {
        seen += tally->latency[i];
        if (seen > wanted) {
            return (double)(i + 1) * LATENCY_STEP_US / 1000;
        }
    }
    return (double)len * LATENCY_STEP_US / 1000;
}

// ---- one run ----

static void
wait_for_the_last(struct tally *tally)
{
    uint64_t before = 0;
    uint64_t since = now_us();

    while (tally->received < tally->expected && now_us() - since < QUIET_US) {
        if (tally->received != before) {
            before = tally->received;
            since = now_us();
        }
        usleep(10000);
    }
}

static void
run(const struct job *job)
{
    struct tally *tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (tally == MAP_FAILED) {
        give_up("memory", NULL);
    }
    fflush(NULL);

    pid_t receiver = fork();

    if (receiver == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        receive_all(job, tally);
        _exit(0);
    }
    for (int i = 0; tally->ready < CONNECTIONS && i < READY_SECONDS * 100; i++) {
        if (waitpid(receiver, NULL, WNOHANG) == receiver) {
            give_up("receiver", "ended");
        }
        usleep(10000);
    }
    if (!peer.matches_itself) {
        directory_open(job, MDB_RDONLY);
    }
    peer.publish_open(job, tally);

    double at_server = server_cpu(job->process);
    double cpu = cpu_of(RUSAGE_SELF);
    uint64_t begin = now_us();
    uint64_t published = publish(job, tally);

    cpu = cpu_of(RUSAGE_SELF) - cpu;
    wait_for_the_last(tally);
    at_server = server_cpu(job->process) - at_server;
    tally->stop = true;
    waitpid(receiver, NULL, 0);

    double seconds = (double)(tally->last_us - begin) / 1e6;

    printf("{\"peer\": \"%s\", \"durability\": \"%s\", \"mutations\": %llu, "
           "\"answered\": %llu, \"expected\": %llu, \"received\": %llu, "
           "\"seconds\": %.3f, \"notifications_per_second\": %.0f, "
           "\"publisher_cpu_s\": %.2f, \"server_cpu_s\": %.2f, \"receiver_cpu_s\": %.2f, "
           "\"p50_ms\": %.2f, \"p99_ms\": %.2f}\n",
           peer.name, peer.durability, (unsigned long long)published,
           (unsigned long long)tally->answered, (unsigned long long)tally->expected,
           (unsigned long long)tally->received, seconds,
           (double)tally->received / seconds, cpu, at_server, cpu_of(RUSAGE_CHILDREN),
           latency_at(tally, 0.5), latency_at(tally, 0.99));
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {
        {"server", required_argument, NULL, 's'},
        {"folder", required_argument, NULL, 'f'},
        {"people", required_argument, NULL, 'p'},
        {"seconds", required_argument, NULL, 't'},
        {"rate", required_argument, NULL, 'r'},
        {"process", required_argument, NULL, 'i'},
        {"shared", no_argument, NULL, 'q'},
        {NULL, 0, NULL, 0},
    };
    struct job job = {.people = 100000, .seconds = 10};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 's':
            job.server = optarg;
            break;
        case 'f':
            job.folder = optarg;
            break;
        case 'p':
            job.people = strtoull(optarg, NULL, 10);
            break;
        case 't':
            job.seconds = strtod(optarg, NULL);
            break;
        case 'r':
            job.rate = strtoull(optarg, NULL, 10);
            break;
        case 'i':
            job.process = atoi(optarg);
            break;
        case 'q':
            job.shared = true;
            break;
        default:
            return 2;
        }
    }
    if (job.server == NULL || job.folder == NULL || job.people == 0) {
        fprintf(stderr, "peer_%s: --server and --folder are needed\n", peer.name);
        return 2;
    }
    peer.prepare(&job);
    load(&job);
    run(&job);
    return 0;
}
