// SPDX-License-Identifier: EUPL-1.2
// directory.h - the rules of the reference directory, pure: what an integrate, remove or
// consult request does to a person's integrations, and everything that is wrong with it.
//
// Rules: table of exchanges section 3, OCMWCPASManageAccess (domain.md 3). Days are
// calendar days in Brussels; `today` is the broker's when it applies the command.
//
// The longest period: the end is at most the begin plus the code's months or years, on the
// same date (its month's last day where there is no such date). The table says "end = begin
// + 5 years" for 021 without an end; the same reading for the others is assumed, and so is
// that 040 may begin or end inside its calendar year. An end "for ever" (9999-12-31) is
// taken where leaving it out would give the same; elsewhere it is over 100 years away.
#ifndef RULES_DIRECTORY_H
#define RULES_DIRECTORY_H

#include "rules/roster.h"
#include "values/niss.h"

enum { INTEGRATIONS_PER_PERSON_MAX = 2000 }; // 32 KB in one stored value

// A proof of authentication: at least one of card numbers or person data.
struct proof {
    struct bytes identity_card;
    struct bytes social_card;
    struct bytes last_name;
    struct bytes first_name;
    uint32_t birth_date; // may be partial; 0 none
};

struct integrate_request {
    uint64_t niss;
    uint32_t quality;
    uint32_t begin; // yyyymmdd
    uint32_t end;   // 0: the longest the code allows (021: begin + 5 years)
    struct proof proof;
    struct bytes institution; // code of whose it is; empty: the whole request's
    bool catch_up;            // flow/catch_up.h
};

struct remove_request {
    uint64_t niss;
    uint32_t quality;
    uint32_t begin; // yyyymmdd: removed from here
    uint32_t end;   // 0: for ever
};

struct directory_context {
    const struct catalogue *catalogue;
    const struct roster *roster;           // the codes of the others
    const struct institution *institution; // whose integration
    struct day today;
    bool test_persons;
};

// directory_check_proof: form and check digits of the cards, birth date against the number
// (compared as partial dates); names only count beside a birth date. PROOF_MISSING,
// PROOF_WRONG. The broker holds no personal data to compare names with.
void directory_check_proof(const struct proof *proof, struct niss niss,
                           struct faults *faults);

// directory_judge_integrate checks everything and adds every fault found: number, test
// person, quality, dates (impossible, end before begin, more than 100 years away, begin over
// one year ahead), the code's longest period, calendar year of 040, proof; and, only when all
// that is right, EXCLUSIVE against the person's other integrations.
//
// ret_integration is the integration to add, good only without faults.
void directory_judge_integrate(const struct directory_context *context,
                               const struct integrate_request *request,
                               const struct integration *existing, size_t existing_len,
                               struct niss *ret_niss, struct integration *ret_integration,
                               struct faults *faults);

// Its parts, for a directory that comes whole: the number; and what has nothing to do with
// the person: quality, dates, longest period.
struct niss directory_judge_number(const struct directory_context *context,
                                   uint64_t number, struct faults *faults);
void directory_judge_term(const struct directory_context *context, uint32_t quality,
                          uint32_t begin, uint32_t end,
                          struct integration *ret_integration, struct faults *faults);

// directory_judge_remove checks number, quality and dates; no proof, no integration check.
void directory_judge_remove(const struct directory_context *context,
                            const struct remove_request *request, struct niss *ret_niss,
                            struct period *ret_period, struct faults *faults);

// directory_add puts an integration into a sorted array (sector, institution, quality,
// begin), merging it with those of the same institution and quality that it overlaps or
// touches: one never has two rows for one day. The array has room for one more.
void directory_add(struct integration *integrations, size_t *len,
                   struct integration integration);

// directory_order makes of rows in any order the array that adding them one by one makes.
void directory_order(struct integration *integrations, size_t *len);

// directory_cut takes a period away from all integrations of one institution and quality:
// rows inside it go, rows around it are shortened or split (room for one more is needed).
// Returns how many rows changed.
size_t directory_cut(struct integration *integrations, size_t *len, uint32_t institution,
                     uint16_t quality, struct period period);

// directory_overlaps copies what other institutions of the sector hold in the days of an
// integration, at most max. Whoever may consult may know this (OCMWCPASManageAccess LIST:
// every CPAS sees the integrations of all CPAS). Returns how many there are.
size_t directory_overlaps(const struct integration *integrations, size_t len,
                          const struct integration *asked, struct integration *ret,
                          size_t max);

#endif
