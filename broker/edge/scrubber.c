// SPDX-License-Identifier: EUPL-1.2
#include "edge/scrubber.h"

#include "edge/clock.h"
#include "edge/thread.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PIECES_PER_SECOND = 10,
    FINDINGS_MAX = 256,
};
#define SECOND_US INT64_C(1000000)
#define PASS_EVERY_US (3600 * SECOND_US)

struct scrubber {
    struct store *store;
    pthread_t thread;
    bool running;
    uint64_t bytes_per_second;
    struct scrub *scrub;  // the thread's own
    pthread_mutex_t lock; // for what follows
    pthread_cond_t wake;
    bool stop;
    struct scrubber_state state;
    struct scrub_finding findings[FINDINGS_MAX];
    size_t findings_len;
};

static void
keep_finding(const struct scrub_finding *finding, void *arg)
{
    struct scrubber *scrubber = arg;

    pthread_mutex_lock(&scrubber->lock);
    if (scrubber->findings_len < FINDINGS_MAX) {
        scrubber->findings[scrubber->findings_len++] = *finding;
    }
    pthread_mutex_unlock(&scrubber->lock);
}

// ---- the thread ----

// False: it must end.
static bool
sleep_until(struct scrubber *scrubber, int64_t until_us)
{
    struct timespec until = {(time_t)(until_us / SECOND_US),
                             (long)(until_us % SECOND_US * 1000)};
    bool stop;

    pthread_mutex_lock(&scrubber->lock);
    while (!scrubber->stop && clock_us() < until_us) {
        (void)pthread_cond_timedwait(&scrubber->wake, &scrubber->lock, &until);
    }
    stop = scrubber->stop;
    pthread_mutex_unlock(&scrubber->lock);
    return !stop;
}

static void
note_piece(struct scrubber *scrubber, size_t bytes)
{
    pthread_mutex_lock(&scrubber->lock);
    scrubber->state.bytes += bytes;
    scrubber->state.stage = scrubber->scrub->stage;
    if (scrubber->scrub->stage == SCRUB_DONE) {
        scrubber->state.passes++;
        scrubber->state.last_ended_us = clock_now().us;
    }
    pthread_mutex_unlock(&scrubber->lock);
}

// False when the store cannot be read: the loop and the writer will say so themselves.
static bool
read_piece(struct scrubber *scrubber, struct txn *txn)
{
    struct scrub_finding finding = {.block = 0};
    size_t bytes = scrubber->bytes_per_second / PIECES_PER_SECOND + 1;
    enum vg_status status;

    if (store_read_renew(txn) != VG_OK) {
        return false;
    }
    status = scrub_read(scrubber->scrub, txn, bytes, &bytes, &finding.why);
    store_read_rest(txn);
    if (status != VG_OK) {
        keep_finding(&finding, scrubber);
    }
    note_piece(scrubber, bytes);
    return true;
}

static void
read_for_ever(struct scrubber *scrubber, struct txn *txn)
{
    int64_t began_us = clock_us();
    struct scrub *scrub = scrubber->scrub;
    int64_t until_us;

    do {
        if (scrub->stage == SCRUB_DONE) {
            scrub_end(scrub);
            memset(scrub, 0, sizeof *scrub);
            began_us = clock_us();
        }
        scrub->found = keep_finding;
        scrub->arg = scrubber;
        if (!read_piece(scrubber, txn)) {
            return;
        }
        until_us = scrub->stage == SCRUB_DONE
                       ? began_us + PASS_EVERY_US
                       : clock_us() + SECOND_US / PIECES_PER_SECOND;
    } while (sleep_until(scrubber, until_us));
}

static void *
run(void *arg)
{
    struct scrubber *scrubber = arg;
    struct txn *txn = NULL;

    if (store_read(scrubber->store, &txn, NULL) == VG_OK) {
        store_read_rest(txn);
        read_for_ever(scrubber, txn);
    }
    store_abort(&txn);
    return NULL;
}

// ---- life ----

enum vg_status
scrubber_start(struct store *store, uint64_t bytes_per_second,
               struct scrubber **ret_scrubber, struct why *why)
{
    struct scrubber *scrubber = xcalloc(1, sizeof *scrubber);
    pthread_condattr_t steady;

    scrubber->store = store;
    scrubber->scrub = xcalloc(1, sizeof *scrubber->scrub);
    scrubber->bytes_per_second = bytes_per_second;
    CHECK(pthread_mutex_init(&scrubber->lock, NULL) == 0);
    CHECK(pthread_condattr_init(&steady) == 0 &&
          pthread_condattr_setclock(&steady, CLOCK_MONOTONIC) == 0 &&
          pthread_cond_init(&scrubber->wake, &steady) == 0);
    pthread_condattr_destroy(&steady);
    scrubber->running = thread_start(&scrubber->thread, "scrubber", run, scrubber);
    if (!scrubber->running) {
        scrubber_stop(&scrubber);
        return fail(why, VG_NO_MEMORY, "the system gives no thread for the scrub");
    }
    *ret_scrubber = scrubber;
    return VG_OK;
}

void
scrubber_stop(struct scrubber **scrubber)
{
    if (*scrubber == NULL) {
        return;
    }
    if ((*scrubber)->running) {
        pthread_mutex_lock(&(*scrubber)->lock);
        (*scrubber)->stop = true;
        pthread_cond_signal(&(*scrubber)->wake);
        pthread_mutex_unlock(&(*scrubber)->lock);
        pthread_join((*scrubber)->thread, NULL);
    }
    scrub_end((*scrubber)->scrub);
    free((*scrubber)->scrub);
    pthread_cond_destroy(&(*scrubber)->wake);
    pthread_mutex_destroy(&(*scrubber)->lock);
    free(*scrubber);
    *scrubber = NULL;
}

bool
scrubber_take(struct scrubber *scrubber, struct scrub_finding *ret_finding)
{
    bool found;

    pthread_mutex_lock(&scrubber->lock);
    found = scrubber->findings_len > 0;
    if (found) {
        *ret_finding = scrubber->findings[0];
        scrubber->findings_len--;
        memmove(scrubber->findings, scrubber->findings + 1,
                scrubber->findings_len * sizeof *scrubber->findings);
    }
    pthread_mutex_unlock(&scrubber->lock);
    return found;
}

struct scrubber_state
scrubber_state(struct scrubber *scrubber)
{
    struct scrubber_state state;

    pthread_mutex_lock(&scrubber->lock);
    state = scrubber->state;
    pthread_mutex_unlock(&scrubber->lock);
    return state;
}
