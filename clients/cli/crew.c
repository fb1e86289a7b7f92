// SPDX-License-Identifier: EUPL-1.2
#include "crew.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "usage.h"

enum {
    CHILDREN_MAX = 8,
    OPEN_TIMEOUT_MS = 60000,
    POLL_MS = 100,
    OPENED_AT_ONCE = 50,
    LETTERS_A_LOOK = 32, // at the clock, which takes a tenth of reading a letter
};

struct crew {
    pid_t child[CHILDREN_MAX];
    size_t children;
    struct tally *tally; // one per child, shared
};

uint64_t
monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t
realtime_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

// ---- inside a child ----

struct receiver {
    const struct crew_job *job;
    struct tally *tally;
    uint64_t now_us;  // real time
    unsigned letters; // that still have come at that moment
};

static uint64_t
moment_of_id(const struct vg_notification *notification)
{
    uint64_t us = 0;

    for (size_t i = 0; i < notification->id.len; i++) {
        us = us * 10 + (uint64_t)(notification->id.at[i] - '0');
    }
    return us;
}

static uint64_t
now_of(struct receiver *receiver)
{
    if (receiver->letters == 0) {
        receiver->now_us = realtime_us();
        receiver->letters = LETTERS_A_LOOK;
    }
    receiver->letters--;
    return receiver->now_us;
}

static bool
count_notification(const struct vg_notification *notification, void *arg)
{
    struct receiver *receiver = arg;
    struct tally *tally = receiver->tally;
    uint64_t now = now_of(receiver);
    uint64_t since = receiver->job->latency_of_id ? moment_of_id(notification)
                                                  : notification->kept_at_us;

    histogram_add(&tally->latency, now > since ? now - since : 0);
    atomic_store_explicit(&tally->received, tally->received + 1, memory_order_relaxed);
    if (notification->withheld > 0) {
        atomic_store_explicit(&tally->withheld, tally->withheld + notification->withheld,
                              memory_order_relaxed);
    }
    return !receiver->job->stuck;
}

// Its default mailbox, or this connection's share of the list.
static void
open_mailboxes(const struct crew_job *job, struct vg_subscriber *subscriber, size_t key,
               struct tally *tally)
{
    struct vg_error error = {0};
    size_t len = job->mailboxes == NULL ? 1 : job->mailboxes_len;
    size_t first = job->mailboxes == NULL ? 0 : key;
    size_t step = job->mailboxes == NULL ? 1 : job->keys_len;

    tally->connected += job->mailboxes != NULL && key >= len; // it only listens
    for (size_t i = first; i < len; i += step) {
        uint32_t mailbox = job->mailboxes == NULL ? 0 : job->mailboxes[i];

        if (vg_subscribe(subscriber, mailbox, OPEN_TIMEOUT_MS, &error) == VG_OK) {
            tally->connected++;
        } else {
            tally->failed++;
            cli_refused(job->cli, &error);
        }
    }
}

static struct vg_subscriber *
open_subscriber(const struct crew_job *job, size_t key, struct receiver *receiver)
{
    struct vg_subscriber_options options = {
        .window_messages = job->window_messages,
        .window_bytes = job->window_bytes,
        .notification = count_notification,
        .arg = receiver,
    };
    struct vg_address *address = key_address(job->cli, job->keys[key], "members");
    struct vg_subscriber *subscriber = NULL;
    struct vg_error error = {0};

    if (address == NULL || vg_subscriber_open(address, &options, OPEN_TIMEOUT_MS,
                                              &subscriber, &error) != VG_OK) {
        receiver->tally->failed++;
        cli_refused(job->cli, &error);
    }
    vg_address_free(&address);
    return subscriber;
}

static int
process_all(struct vg_subscriber **subscribers, struct pollfd *fds, size_t len,
            struct receiver *receiver)
{
    struct vg_error error = {0};
    int wait = POLL_MS;

    for (size_t i = 0; i < len; i++) {
        int due = vg_subscriber_due_ms(subscribers[i]);

        if (fds[i].revents != 0 || due == 0) {
            enum vg_status status;

            receiver->letters = 0;
            status = vg_subscriber_process(subscribers[i], 0, &error);
            if (status != VG_OK && status != VG_TIMED_OUT && status != VG_DISCONNECTED) {
                fprintf(stderr, "vigie: a receiver ended: %s\n", error.sentence);
                _exit(EXIT_REFUSED);
            }
            due = vg_subscriber_due_ms(subscribers[i]);
        }
        wait = due >= 0 && due < wait ? due : wait;
        fds[i].fd = vg_subscriber_fd(subscribers[i]);
    }
    return wait;
}

static void
receive_until_told(struct vg_subscriber **subscribers, struct pollfd *fds, size_t len,
                   struct receiver *receiver)
{
    struct tally *tally = receiver->tally;

    while (tally->stop == 0) {
        uint64_t before = tally->received;
        int wait = process_all(subscribers, fds, len, receiver);

        if (tally->received != before) {
            tally->last_us = monotonic_us();
        }
        poll(fds, len, wait);
    }
}

static void
be_child(const struct crew_job *job, size_t child, struct tally *tally)
{
    struct receiver receiver = {.job = job, .tally = tally};
    struct vg_subscriber **subscribers = calloc(job->keys_len + 1, sizeof *subscribers);
    struct pollfd *fds = calloc(job->keys_len + 1, sizeof *fds);
    size_t len = 0;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t key = child; key < job->keys_len; key += job->children) {
        struct vg_subscriber *subscriber = open_subscriber(job, key, &receiver);

        if (subscriber != NULL) {
            open_mailboxes(job, subscriber, key, tally);
            fds[len] = (struct pollfd){.events = POLLIN, .revents = POLLIN};
            subscribers[len++] = subscriber;
        }
        // Those that are open must not fall silent while others follow.
        if (len % OPENED_AT_ONCE == 0) {
            (void)process_all(subscribers, fds, len, &receiver);
            poll(fds, len, 0);
        }
    }
    receive_until_told(subscribers, fds, len, &receiver);
    for (size_t i = 0; i < len; i++) {
        vg_subscriber_close(&subscribers[i]);
    }
    free(fds);
    free(subscribers);
}

// ---- outside ----

struct crew *
crew_start(const struct crew_job *job, int timeout_seconds)
{
    struct crew *crew = calloc(1, sizeof *crew);
    size_t wanted =
        job->keys_len > job->mailboxes_len ? job->keys_len : job->mailboxes_len;
    uint64_t end = monotonic_us() + (uint64_t)timeout_seconds * 1000000;
    struct tally sum;

    crew->children = job->children < CHILDREN_MAX ? job->children : CHILDREN_MAX;
    crew->tally = mmap(NULL, crew->children * sizeof *crew->tally, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (crew->tally == MAP_FAILED) {
        free(crew);
        return NULL;
    }
    fflush(NULL);
    for (size_t i = 0; i < crew->children; i++) {
        crew->child[i] = fork();
        if (crew->child[i] == 0) {
            be_child(job, i, &crew->tally[i]);
            fflush(NULL);
            _exit(EXIT_DONE);
        }
    }
    do {
        struct timespec pause = {.tv_nsec = 20000000};

        nanosleep(&pause, NULL);
        crew_sum(crew, &sum);
    } while (sum.connected + sum.failed < wanted && monotonic_us() < end);
    if (sum.connected < wanted) {
        fprintf(stderr, "vigie: %llu of %zu mailboxes or connections could be opened\n",
                (unsigned long long)sum.connected, wanted);
        crew_stop(&crew);
    }
    return crew;
}

void
crew_sum(const struct crew *crew, struct tally *ret)
{
    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; i < crew->children; i++) {
        const struct tally *tally = &crew->tally[i];

        ret->connected += tally->connected;
        ret->failed += tally->failed;
        ret->received += tally->received;
        ret->withheld += tally->withheld;
        if (tally->last_us > ret->last_us) {
            ret->last_us = tally->last_us;
        }
        histogram_merge(&ret->latency, &tally->latency);
    }
}

double
crew_cpu_s(const struct crew *crew)
{
    double cpu_s = 0;

    for (size_t i = 0; i < crew->children; i++) {
        struct usage usage;

        usage_read(crew->child[i], &usage);
        cpu_s += usage.cpu_s;
    }
    return cpu_s;
}

void
crew_stop(struct crew **crew)
{
    if (*crew == NULL) {
        return;
    }
    for (size_t i = 0; i < (*crew)->children; i++) {
        (*crew)->tally[i].stop = 1;
    }
    for (size_t i = 0; i < (*crew)->children; i++) {
        while (waitpid((*crew)->child[i], NULL, 0) < 0 && errno == EINTR) {
        }
    }
    munmap((*crew)->tally, (*crew)->children * sizeof *(*crew)->tally);
    free(*crew);
    *crew = NULL;
}
