// SPDX-License-Identifier: EUPL-1.2
// crew.h - receivers in processes of their own, for `day` and `bench`.
//
// Each child opens connections, receives, acknowledges and counts into memory that all share,
// until it is told to stop.
#ifndef CLI_CREW_H
#define CLI_CREW_H

#include <stdatomic.h>

#include "cli.h"
#include "histogram.h"

// One child's counts.
struct tally {
    _Atomic uint64_t connected; // mailboxes opened
    _Atomic uint64_t failed;    // that could not be opened
    _Atomic uint64_t received;
    _Atomic uint64_t withheld;
    _Atomic uint64_t last_us; // when the newest arrived, monotonic
    _Atomic int stop;
    struct histogram latency; // kept (or due, see crew_job.latency_of_id) to received
};

struct crew_job {
    const struct cli *cli;
    // One connection: which key file, and which mailboxes it opens (none: its default).
    const char *const *keys; // names of key files
    size_t keys_len;
    const uint32_t
        *mailboxes; // all of them on every connection's turn, round robin; or NULL
    size_t mailboxes_len;
    size_t children;
    uint32_t window_messages;
    uint64_t window_bytes;
    bool stuck;         // nothing is acknowledged
    bool latency_of_id; // "id" of a mutation is the moment it was due, CLOCK_REALTIME us
};

struct crew;

// crew_start forks the children and waits until every mailbox is open (or has failed).
struct crew *crew_start(const struct crew_job *job, int timeout_seconds);
// crew_sum adds the children's counts up.
void crew_sum(const struct crew *crew, struct tally *ret);
// crew_cpu_s gives what all of them have used.
double crew_cpu_s(const struct crew *crew);
// crew_stop ends the children.
void crew_stop(struct crew **crew);

uint64_t monotonic_us(void);
uint64_t realtime_us(void);

#endif
