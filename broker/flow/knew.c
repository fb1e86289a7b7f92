// SPDX-License-Identifier: EUPL-1.2
// knew.c - who knew of a person: places found in the index, their items read, then what is not
// indexed yet; a slice at a time.
#include "flow/knew_internal.h"

#include <stdlib.h>
#include <string.h>

struct knew *
knew_open(const struct knew_command *question, uint32_t months)
{
    struct knew *knew = xcalloc(1, sizeof *knew);

    CHECK(question->history.chain_len <= NUMBERS_MAX);
    knew->chain_len = question->history.chain_len;
    if (knew->chain_len > 0) {
        memcpy(knew->chain, question->history.chain,
               knew->chain_len * sizeof *knew->chain);
    }
    knew->through = question->through_commit;
    knew->since = day_add_months(question->today, -(int)months).number;
    knew->run = (struct exchange_run){knew->since, 1};
    return knew;
}

void
knew_free(struct knew **knew)
{
    if (*knew == NULL) {
        return;
    }
    free((*knew)->places);
    free((*knew)->rows);
    buffer_free(&(*knew)->record);
    free(*knew);
    *knew = NULL;
}

const struct knew_row *
knew_rows(const struct knew *knew, size_t *ret_len, bool *ret_all)
{
    *ret_len = knew->rows_len;
    *ret_all = !knew->full;
    return knew->rows;
}

// ---- in the index ----

static void
add_place(struct knew *knew, const struct exchange *exchange)
{
    if (exchange->first > knew->indexed || exchange->first > knew->through) {
        return; // indexed since: it is met at the end
    }
    if (knew->places_len == knew->places_size) {
        knew->places_size = knew->places_size * 2 + 256;
        knew->places = realloc(knew->places, knew->places_size * sizeof *knew->places);
        CHECK(knew->places != NULL);
    }
    knew->places[knew->places_len++] =
        (struct exchange){0, exchange->first, exchange->second};
}

static enum vg_status
find_number(struct knew *knew, struct txn *txn, uint64_t niss)
{
    struct exchange found[FOUND_AT_ONCE];
    size_t len = 0;
    enum vg_status status =
        exchanges_find(txn, knew->run, niss, 0, found, FOUND_AT_ONCE, &len);

    // A thousand in one run: more would be more than the answer has room for.
    knew->full = knew->full || len == FOUND_AT_ONCE;
    for (size_t i = 0; status == VG_OK && i < len; i++) {
        add_place(knew, &found[i]);
    }
    knew->effort++;
    return status;
}

static enum vg_status
find_places(struct knew *knew, struct txn *txn)
{
    enum vg_status status = VG_OK;

    while (status == VG_OK && knew->effort < SLICE_SEEKS) {
        status = exchanges_next_run(txn, knew->run, &knew->run);
        for (size_t i = 0; status == VG_OK && i < knew->chain_len; i++) {
            status = find_number(knew, txn, knew->chain[i]);
        }
        knew->effort++;
        knew->run.run++;
    }
    if (status == VG_NOT_FOUND) {
        // While a day's runs become one, a place stands in two of them.
        knew->places_len = exchanges_sort(knew->places, knew->places_len);
        knew->phase = READS;
        return VG_OK;
    }
    return status;
}

// ---- the items at those places ----

static bool
is_of_person(const struct knew *knew, uint64_t subject)
{
    for (size_t i = 0; i < knew->chain_len; i++) {
        if (knew->chain[i] == subject) {
            return true;
        }
    }
    return false;
}

// The item alone: a record may be a megabyte of other people's.
static enum vg_status
take_place(struct knew *knew, struct txn *txn, const struct exchange *place,
           struct why *why)
{
    struct journal_item item;
    enum vg_status status = journal_item_at(txn, place->first, (size_t)place->second,
                                            &knew->record, &item, &knew->head.time_us);

    knew->effort++;
    knew->head.commit = place->first;
    if (status == VG_NOT_FOUND) { // the journal's time has passed
        return VG_OK;
    }
    if (status != VG_OK || !is_of_person(knew, exchange_person(&item))) {
        return fail(why, VG_STORE_BROKEN, "commit %llu is not what the index says",
                    (unsigned long long)place->first);
    }
    knew_take_item(knew, &item);
    return VG_OK;
}

static enum vg_status
read_places(struct knew *knew, struct txn *txn, struct why *why)
{
    enum vg_status status = VG_OK;

    while (status == VG_OK && knew->next_place < knew->places_len) {
        if (knew->effort >= SLICE_SEEKS) {
            return VG_OK;
        }
        status = take_place(knew, txn, &knew->places[knew->next_place++], why);
    }
    knew->phase = LOOKS;
    return status;
}

// ---- what is not indexed yet ----

static void
take_acknowledgement(struct knew *knew, const struct journal_item *item)
{
    struct journal_acknowledge told;

    if (!journal_item_as(item, &told, sizeof told) || !knew_watches(knew, told.mailbox)) {
        return;
    }
    for (size_t i = 0; i < knew->rows_len; i++) {
        struct knew_row *row = &knew->rows[i];

        if (!knew_wants_moment(row) || row->letter.mailbox != told.mailbox ||
            row->letter.left_turn != (told.one == ACKNOWLEDGED_HELD)) {
            continue;
        }
        if (row->letter.number == told.through ||
            (told.one == ACKNOWLEDGED_THROUGH && row->letter.number < told.through)) {
            row->letter.state_us = knew->head.time_us;
        }
    }
}

struct end_places {
    struct knew *knew;
    struct txn *txn;
    enum vg_status status;
};

static void
take_end(const struct exchange *exchange, void *arg)
{
    struct end_places *end = arg;
    struct knew *knew = end->knew;
    struct journal_item item;
    size_t before = knew->rows_len;
    size_t offset = (size_t)exchange->second;

    if (!is_of_person(knew, exchange->subject) ||
        !journal_next(&knew->record, &offset, &item)) {
        return;
    }
    knew_take_item(knew, &item);
    for (size_t i = before; end->status == VG_OK && i < knew->rows_len; i++) {
        if (knew->rows[i].kind == KNEW_LETTER) {
            end->status = knew_look_in_mailbox(end->txn, &knew->rows[i]);
        }
    }
}

// Acknowledgements after what they are of: a record holds them in that order.
static enum vg_status
take_record(struct knew *knew, struct txn *txn)
{
    struct end_places end = {knew, txn, VG_OK};
    struct journal_item item;
    size_t offset = 0;

    if (day_in_brussels((struct instant){knew->head.time_us}).number >= knew->since) {
        exchanges_of(&knew->record, knew->head.commit, take_end, &end);
    }
    while (end.status == VG_OK && journal_next(&knew->record, &offset, &item)) {
        if (item.kind == JOURNAL_ACKNOWLEDGE) {
            take_acknowledgement(knew, &item);
        }
    }
    return end.status;
}

static enum vg_status
read_commit(struct knew *knew, struct txn *txn, uint64_t commit, struct why *why)
{
    enum vg_status status = journal_read(txn, commit, &knew->record, &knew->head, why);

    knew->effort += 1 + knew->record.len / (SLICE_BYTES / SLICE_RECORDS);
    return status;
}

static enum vg_status
read_end(struct knew *knew, struct txn *txn, struct why *why)
{
    enum vg_status status = VG_OK;

    while (status == VG_OK && knew->next_commit <= knew->through) {
        if (knew->effort >= SLICE_RECORDS) {
            return VG_OK;
        }
        status = read_commit(knew, txn, knew->next_commit, why);
        if (status == VG_OK) {
            status = take_record(knew, txn);
            knew->next_commit++;
        }
    }
    if (status == VG_OK) {
        knew->phase = DONE;
    }
    return status;
}

// ---- a slice ----

static enum vg_status
begin(struct knew *knew, struct txn *txn)
{
    struct exchange_progress progress;
    struct meta meta;
    enum vg_status status = exchanges_progress(txn, &progress);

    if (status == VG_OK) {
        status = meta_get(txn, &meta, NULL);
    }
    if (status == VG_OK) {
        knew->indexed = progress.commit;
        knew->next_commit = progress.commit + 1 > meta.first_commit ? progress.commit + 1
                                                                    : meta.first_commit;
        knew->begun = true;
    }
    return status;
}

enum vg_status
knew_search(struct knew *knew, struct txn *txn, bool *ret_done, struct why *why)
{
    enum vg_status status = VG_OK;

    knew->effort = 0;
    if (!knew->begun) {
        status = begin(knew, txn);
    }
    if (status == VG_OK) {
        switch (knew->phase) {
        case FINDS:
            status = find_places(knew, txn);
            break;
        case READS:
            status = read_places(knew, txn, why);
            break;
        case LOOKS:
            status = knew_look_at_letters(knew, txn);
            break;
        case ENDS:
            status = read_end(knew, txn, why);
            break;
        case DONE:
            break;
        }
    }
    *ret_done = status == VG_OK && knew->phase == DONE;
    return status;
}

const uint64_t *
knew_numbers(const struct knew *knew, size_t *ret_len)
{
    *ret_len = knew->chain_len;
    return knew->chain;
}
