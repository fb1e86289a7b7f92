// SPDX-License-Identifier: EUPL-1.2
#include "flow/holdings.h"

#include <stdlib.h>
#include <string.h>

#include "flow/merge.h"

struct holdings {
    struct holdings_question question;
    struct niss next;
    bool done;
    uint64_t looked;
    uint64_t found;
    struct holdings_sum *sums;
    size_t sums_len;
    size_t sums_size;
    struct holdings_row *rows;
    size_t rows_len;
    size_t rows_size;
    // of one step
    const struct roster *roster;
    uint64_t looked_max;
    bool damaged;
    struct integration file[INTEGRATIONS_PER_PERSON_MAX + 2]; // of one person
};

struct holdings *
holdings_open(const struct holdings_question *question)
{
    struct holdings *holdings = xcalloc(1, sizeof *holdings);

    CHECK(question->institutions_len <= MERGE_FROM_MAX);
    holdings->question = *question;
    holdings->next = question->from;
    return holdings;
}

void
holdings_free(struct holdings **holdings)
{
    if (*holdings != NULL) {
        free((*holdings)->sums);
        free((*holdings)->rows);
        free(*holdings);
        *holdings = NULL;
    }
}

// ---- what was found ----

static struct holdings_sum *
sum_of(struct holdings *holdings, uint32_t institution, uint16_t quality)
{
    struct holdings_sum *sum;

    for (size_t i = 0; i < holdings->sums_len; i++) {
        sum = &holdings->sums[i];
        if (sum->institution == institution && sum->quality == quality) {
            return sum;
        }
    }
    if (holdings->sums_len == holdings->sums_size) {
        holdings->sums_size = holdings->sums_size * 2 + 16;
        holdings->sums =
            realloc(holdings->sums, holdings->sums_size * sizeof *holdings->sums);
        CHECK(holdings->sums != NULL);
    }
    sum = &holdings->sums[holdings->sums_len++];
    *sum = (struct holdings_sum){.institution = institution, .quality = quality};
    return sum;
}

static void
keep_row(struct holdings *holdings, struct niss niss, const struct integration *row)
{
    if (holdings->rows_len == holdings->rows_size) {
        holdings->rows_size = holdings->rows_size * 2 + 64;
        holdings->rows =
            realloc(holdings->rows, holdings->rows_size * sizeof *holdings->rows);
        CHECK(holdings->rows != NULL);
    }
    holdings->rows[holdings->rows_len++] = (struct holdings_row){niss, *row};
}

static void
take_row(struct holdings *holdings, struct niss niss, const struct integration *row)
{
    const struct holdings_question *asked = &holdings->question;
    struct digest_line line = {.niss = niss.number, .quality = row->quality};

    if (row->end < asked->since.number ||
        (asked->quality != 0 && row->quality != asked->quality)) {
        return;
    }
    line.begin = day_number((struct day){row->begin});
    line.end = day_number((struct day){row->end});
    digest_add(&sum_of(holdings, row->institution, row->quality)->digest, &line);
    holdings->found++;
    if (asked->rows) {
        keep_row(holdings, niss, row);
    }
}

// ---- one person ----

static bool
is_asked(const struct holdings_question *asked, uint32_t institution)
{
    for (size_t i = 0; i < asked->institutions_len; i++) {
        if (asked->institutions[i] == institution) {
            return true;
        }
    }
    return false;
}

static void
look_for_sector(struct holdings *holdings, struct niss niss, const struct person *person)
{
    struct integration widest = {.sector = 0};
    bool any = false;

    for (size_t i = 0; i < person->len; i++) {
        const struct integration *row = &person->integrations[i];

        if (row->sector != holdings->question.sector) {
            continue;
        }
        if (!any) {
            widest = (struct integration){
                .sector = row->sector, .begin = row->begin, .end = row->end};
            any = true;
        }
        widest.begin = row->begin < widest.begin ? row->begin : widest.begin;
        widest.end = row->end > widest.end ? row->end : widest.end;
    }
    if (any) {
        take_row(holdings, niss, &widest);
    }
}

static void
look_for_institutions(struct holdings *holdings, struct niss niss,
                      const struct person *person)
{
    const struct holdings_question *asked = &holdings->question;
    size_t len = person->len;
    bool any = false;

    for (size_t i = 0; i < len && !any; i++) {
        uint32_t owner =
            roster_successor(holdings->roster, person->integrations[i].institution);

        any = is_asked(asked, owner);
    }
    if (!any) { // nearly everybody
        return;
    }
    memcpy(holdings->file, person->integrations, len * sizeof *holdings->file);
    merge_integrations(holdings->roster, holdings->file, &len);
    for (size_t i = 0; i < len; i++) {
        if (is_asked(asked, holdings->file[i].institution)) {
            take_row(holdings, niss, &holdings->file[i]);
        }
    }
}

// False ends the step.
static bool
look(struct niss niss, const struct person *person, void *arg)
{
    struct holdings *holdings = arg;
    const struct holdings_question *asked = &holdings->question;

    if (niss.number > asked->through.number) {
        holdings->done = true;
        holdings->next.number = 0;
        return false;
    }
    holdings->next = niss;
    if (holdings->looked == holdings->looked_max) {
        return false;
    }
    if (person->len > INTEGRATIONS_PER_PERSON_MAX) {
        holdings->damaged = true;
        return false;
    }
    holdings->looked++;
    if (asked->institutions_len == 0) {
        look_for_sector(holdings, niss, person);
    } else {
        look_for_institutions(holdings, niss, person);
    }
    holdings->next.number++;
    holdings->done = asked->max != 0 && holdings->found >= asked->max;
    return !holdings->done;
}

enum vg_status
holdings_step(struct holdings *holdings, struct txn *txn, const struct roster *roster,
              size_t persons, bool *ret_done)
{
    uint64_t looked = holdings->looked;
    enum vg_status status = VG_OK;

    holdings->roster = roster;
    holdings->looked_max = looked + persons;
    if (!holdings->done) {
        status = person_each(txn, holdings->next, look, holdings);
    }
    holdings->roster = NULL;
    if (status == VG_OK && holdings->damaged) {
        status = VG_STORE_BROKEN;
    }
    if (status != VG_OK) {
        return status;
    }
    if (!holdings->done && holdings->looked < holdings->looked_max) { // that was the last
        holdings->done = true;
        holdings->next.number = 0;
    }
    *ret_done = holdings->done;
    return VG_OK;
}

// ---- questions ----

uint64_t
holdings_looked(const struct holdings *holdings)
{
    return holdings->looked;
}

struct niss
holdings_next(const struct holdings *holdings)
{
    bool left = holdings->next.number <= holdings->question.through.number;

    return left ? holdings->next : (struct niss){0};
}

const struct holdings_sum *
holdings_sums(const struct holdings *holdings, size_t *ret_len)
{
    *ret_len = holdings->sums_len;
    return holdings->sums;
}

const struct holdings_row *
holdings_rows(const struct holdings *holdings, size_t *ret_len)
{
    *ret_len = holdings->rows_len;
    return holdings->rows;
}

const struct holdings_question *
holdings_asked(const struct holdings *holdings)
{
    return &holdings->question;
}
