// SPDX-License-Identifier: EUPL-1.2
// job.h - the job that vigie does, for other brokers: a source publishes mutations about
// persons, each is matched against a directory of integrations and carried to the mailboxes
// found, about 1.1 of 581, whose owners acknowledge what they got.
//
// A peer is one program: peer.c runs it as a publisher and a receiver, two processes, and
// counts. What differs between peers is struct peer. A peer publishes and acknowledges as
// its own expert would; what its answer promises stands in `durability`.
#ifndef PEERS_JOB_H
#define PEERS_JOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MAILBOXES = 581,
    CONNECTIONS = 4, // of the receiver: mailbox m is served by connection m % CONNECTIONS
    RECIPIENTS_MAX = 4,
    ROWS_MAX = 12, // integrations of one person
    BODY_LEN = 200,
    WINDOW = 8192, // mutations without an answer at most
};

// An integration, as it lies in the directory: sixteen bytes, as in vigie's.
struct row {
    uint32_t institution; // below MAILBOXES: a CPAS, which has a mailbox
    uint16_t quality;
    uint16_t pad;
    uint32_t begin; // yyyymmdd
    uint32_t end;
};

enum { TODAY = 20250115 };

// The first eight bytes of a body are when its mutation was due, monotonic microseconds.
struct mutation {
    uint64_t person;
    uint8_t body[BODY_LEN];
    uint32_t mailboxes[RECIPIENTS_MAX]; // none when the peer matches itself
    size_t mailboxes_len;
};

struct job {
    uint64_t people;
    double seconds;
    uint64_t rate;      // mutations a second, 0: as many as go
    const char *folder; // of the directory
    int process;        // the first of the broker
    const char *server; // where the peer listens: a port or a folder, as it likes
    bool shared;        // the mailboxes of a connection share one queue, where it can
};

// Shared by the two processes.
struct tally {
    _Atomic uint64_t ready;    // connections that receive
    _Atomic uint64_t expected; // notifications published
    _Atomic uint64_t received;
    _Atomic uint64_t last_us;  // when the newest arrived
    _Atomic uint64_t answered; // mutations that the peer said it keeps
    _Atomic bool stop;
    _Atomic uint64_t latency[1 << 16]; // published to received, by 50 microseconds
};

struct peer {
    const char *name;
    const char *durability; // what its yes promises
    bool matches_itself;
    // prepare makes queues, tables, streams; load gets each person's rows.
    void (*prepare)(const struct job *job);
    void (*load)(uint64_t person, const struct row *rows, size_t len); // NULL: LMDB's
    void (*loaded)(void);
    void (*publish_open)(const struct job *job, struct tally *tally);
    void (*publish)(const struct mutation *mutation); // waits for room in its window
    void (*settle)(void);                             // waits for every answer
    // receive serves one connection, in a thread of its own, until tally->stop.
    void (*receive)(const struct job *job, unsigned connection, struct tally *tally);
};

extern const struct peer peer; // of this program

uint64_t now_us(void);
// person_rows makes the integrations of a person, always the same.
size_t person_rows(uint64_t person, struct row rows[ROWS_MAX]);
// received counts one notification.
void received(struct tally *tally, const void *body, size_t len);
_Noreturn void give_up(const char *what, const char *why);

#endif
