// SPDX-License-Identifier: EUPL-1.2
// synthetic.h - a synthetic Belgium, the same for the same seed: institutions, persons,
// integrations, and a day of mutations.
//
// Fictitious person numbers only (month + 60), so nobody real is ever meant. Proportions after
// the network's own description (2013: 10.95 actors know a citizen on average, 581 CPAS) and,
// where it is silent, assumed.
#ifndef CLI_SYNTHETIC_H
#define CLI_SYNTHETIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hot/hot.h"

enum {
    SYNTHETIC_CPAS_MAX = 5000,
    SYNTHETIC_INSTITUTIONS_MAX = 5100,
    SYNTHETIC_INTEGRATIONS_MAX = 24, // of one person
    SYNTHETIC_FIELDS_MAX = 8,
    SYNTHETIC_FLOWS = 22,
    SYNTHETIC_ACTORS = 18,
};

struct synthetic_institution {
    char code[24];
    char sector[24];
    uint32_t number; // inside the sector
    bool source;     // publishes: wants a source's key
    bool member;     // receives: wants a member's key
};

struct synthetic {
    uint64_t seed;
    uint64_t people;
    uint32_t today; // yyyymmdd: the day that is simulated
    double actors;  // integrations outside the CPAS, on average
    size_t institutions_len;
    size_t cpas_first; // index of the first CPAS
    size_t cpas_len;
    size_t actors_at[SYNTHETIC_ACTORS]; // index of each outside the CPAS, or of its first
    uint64_t actors_len[SYNTHETIC_ACTORS]; // how many share its part
    struct synthetic_institution institutions[SYNTHETIC_INSTITUTIONS_MAX];
};

// synthetic_init makes the institutions. today: yyyymmdd.
void synthetic_init(struct synthetic *synthetic, uint64_t seed, uint64_t people,
                    size_t cpas_len, double actors, uint32_t today);

// synthetic_niss gives the number of person 0 .. people-1.
uint64_t synthetic_niss(const struct synthetic *synthetic, uint64_t person);

// synthetic_persons_in_order calls back for every person, numbers ascending, until the
// callback says false. Returns whether it never did.
typedef bool (*synthetic_person_fn)(uint64_t person, uint64_t niss, void *arg);
bool synthetic_persons_in_order(const struct synthetic *synthetic,
                                synthetic_person_fn each, void *arg);

// synthetic_birth gives the birth date that a number tells, yyyymmdd.
uint32_t synthetic_birth(uint64_t niss);

// synthetic_spare_niss gives a number that no person has: ten million different ones, then
// the first again.
uint64_t synthetic_spare_niss(const struct synthetic *synthetic, uint64_t index);

struct synthetic_integration {
    size_t institution; // index
    uint32_t quality;
    uint32_t begin; // yyyymmdd
    uint32_t end;   // 0: the longest
};

// synthetic_integrations gives a person's integrations, those of CPAS first.
size_t
synthetic_integrations(const struct synthetic *synthetic, uint64_t person,
                       struct synthetic_integration ret[SYNTHETIC_INTEGRATIONS_MAX]);

struct synthetic_field {
    char code[24];
    char value[64];
};

struct synthetic_mutation {
    const char *flow;
    size_t source; // institution that publishes it
    uint64_t niss; // 0: keyed by enterprise
    uint64_t new_niss;
    uint64_t enterprise;
    uint32_t period_begin;
    uint32_t period_end;
    uint32_t reference_year;
    const char *recipient; // code, NULL: none
    size_t fields_len;
    struct synthetic_field fields[SYNTHETIC_FIELDS_MAX];
};

// synthetic_mutation makes mutation 0, 1, 2 ... of the day. share_followed: how often its
// person is looked for among those whom a CPAS follows.
void synthetic_mutation(const struct synthetic *synthetic, uint64_t index,
                        double share_followed, struct synthetic_mutation *ret);

// synthetic_random draws a number below limit from (seed, a, b), always the same.
uint64_t synthetic_random(const struct synthetic *synthetic, uint64_t a, uint64_t b,
                          uint64_t limit);

// simulate_today gives today in Brussels as yyyymmdd.
uint32_t simulate_today(void);

// synthetic_hot views a synthetic mutation as the wire's; both must outlive it.
void synthetic_hot(const struct synthetic_mutation *from, const char *id, uint32_t today,
                   struct hot_mutation *to);

#endif
