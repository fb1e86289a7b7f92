// SPDX-License-Identifier: EUPL-1.2
#include "flow/knew.h"

#include "flow/replace.h"
#include "store/exchanges.h"
#include "store/held.h"

#include <stdlib.h>
#include <string.h>

// What a slice may cost: some milliseconds.
enum {
    SLICE_SEEKS = 50, // each may wait for the disk
    SLICE_BYTES = 4 << 20,
    SLICE_RECORDS = 5000,
    FOUND_AT_ONCE = 1000, // entries of one number in one run
    BOX_BITS = 4096,
};

enum phase { FINDS, READS, LOOKS, ENDS, DONE };

struct knew {
    enum phase phase;
    bool begun;
    uint64_t chain[NUMBERS_MAX];
    size_t chain_len;
    int32_t since; // day
    uint64_t through;
    uint64_t indexed; // commits up to here are found in the index
    // FINDS: places in the journal, without their subject
    struct exchange_run run;
    struct exchange *places;
    size_t places_len;
    size_t places_size;
    // READS
    size_t next_place;
    struct buffer record;
    struct journal_head head; // its moment is the next rows'
    // LOOKS: what became of the letters
    size_t next_row;
    struct exchange_run next_run; // where that one's acknowledgement is looked for
    // ENDS: what is not indexed yet
    uint64_t next_commit;
    uint64_t boxes[BOX_BITS / 64]; // mailboxes whose acknowledgements matter

    struct knew_row *rows;
    size_t rows_len;
    size_t rows_size;
    bool full;
    size_t effort;
};

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

// ---- what an item says ----

static struct knew_row *
add_row(struct knew *knew, struct knew_row row)
{
    if (knew->rows_len == KNEW_ROWS_MAX) {
        knew->full = true;
        return NULL;
    }
    if (knew->rows_len == knew->rows_size) {
        knew->rows_size = knew->rows_size * 2 + 64;
        knew->rows = realloc(knew->rows, knew->rows_size * sizeof *knew->rows);
        CHECK(knew->rows != NULL);
    }
    row.time_us = knew->head.time_us;
    row.commit = knew->head.commit;
    knew->rows[knew->rows_len] = row;
    return &knew->rows[knew->rows_len++];
}

static void
watch_box(struct knew *knew, uint32_t mailbox)
{
    knew->boxes[mailbox % BOX_BITS / 64] |= UINT64_C(1) << mailbox % 64;
}

static bool
is_watched(const struct knew *knew, uint32_t mailbox)
{
    return (knew->boxes[mailbox % BOX_BITS / 64] >> mailbox % 64 & 1) != 0;
}

static void
add_letters(struct knew *knew, const struct journal_item *item)
{
    struct journal_event event;
    struct journal_recipient recipient;

    if (!journal_item_as(item, &event, sizeof event)) {
        return;
    }
    for (size_t i = 0; journal_item_recipient(item, i, &recipient); i++) {
        watch_box(knew, recipient.mailbox);
        (void)add_row(knew, (struct knew_row){
                                .kind = KNEW_LETTER,
                                .ticket = event.ticket,
                                .niss = event.niss,
                                .institution = recipient.institution,
                                .quality = recipient.quality,
                                .begin = recipient.begin,
                                .end = recipient.end,
                                .letter = {.number = recipient.number,
                                           .mailbox = recipient.mailbox,
                                           .source = event.source,
                                           .catalogue = event.catalogue,
                                           .flow = event.flow,
                                           .fields = event.fields,
                                           .withheld = recipient.withheld,
                                           .body = recipient.body,
                                           .again = (uint16_t)event.again,
                                           .of = journal_event_of_ticket(&event),
                                           .because = journal_event_because(&event)},
                            });
    }
}

static void
add_unwanted(struct knew *knew, const struct journal_item *item)
{
    struct journal_unwanted unwanted;

    if (journal_item_as(item, &unwanted, sizeof unwanted)) {
        (void)add_row(knew, (struct knew_row){
                                .kind = KNEW_LETTER,
                                .ticket = unwanted.ticket,
                                .niss = unwanted.niss,
                                .institution = unwanted.institution,
                                .quality = unwanted.quality,
                                .begin = unwanted.begin,
                                .end = unwanted.end,
                                .letter = {.source = unwanted.source,
                                           .catalogue = unwanted.catalogue,
                                           .flow = unwanted.flow,
                                           .state = KNEW_UNWANTED},
                            });
    }
}

static void
add_question(struct knew *knew, const struct journal_item *item)
{
    struct journal_directory directory;

    if (journal_item_as(item, &directory, sizeof directory)) {
        (void)add_row(knew, (struct knew_row){
                                .kind = KNEW_ASKED,
                                .ticket = directory.ticket,
                                .niss = directory.niss,
                                .institution = directory.institution,
                                .quality = directory.quality,
                                .begin = directory.begin,
                                .end = directory.end,
                                .asked = {.actor = directory.actor,
                                          .act = directory.act,
                                          .status = directory.status},
                            });
    }
}

// Refused, deferred, tried again, parked or dropped.
static void
note_turn(struct knew *knew, const struct journal_item *item)
{
    struct journal_held held;

    if (!journal_item_as(item, &held, sizeof held)) {
        return;
    }
    for (size_t i = knew->rows_len; i > 0; i--) {
        struct knew_row *row = &knew->rows[i - 1];

        if (row->kind == KNEW_LETTER && row->letter.mailbox == held.mailbox &&
            row->letter.number == held.letter.number) {
            row->letter.left_turn = true;
            if (item->kind == JOURNAL_DROP) {
                row->letter.state = KNEW_DROPPED;
                row->letter.state_us = knew->head.time_us;
            }
            return;
        }
    }
}

static void
note_merged(struct knew *knew, const struct journal_item *item)
{
    struct journal_merged merged;

    for (size_t i = knew->rows_len;
         i > 0 && journal_item_as(item, &merged, sizeof merged); i--) {
        struct knew_row *row = &knew->rows[i - 1];

        if (row->kind == KNEW_LETTER && row->letter.mailbox == merged.mailbox &&
            row->letter.number == merged.number) {
            row->letter.into = merged.into;
            row->letter.state = KNEW_MERGED;
            row->letter.state_us = knew->head.time_us;
            return;
        }
    }
}

static void
note_withdrawn(struct knew *knew, const struct journal_item *item)
{
    struct journal_withdrawn withdrawn;

    if (!journal_item_as(item, &withdrawn, sizeof withdrawn)) {
        return;
    }
    for (size_t i = 0; i < knew->rows_len; i++) {
        struct knew_row *row = &knew->rows[i];

        if (row->kind == KNEW_LETTER && row->letter.mailbox == withdrawn.mailbox &&
            (row->letter.number == withdrawn.number ||
             row->letter.number == withdrawn.of_number)) {
            row->letter.left_turn = true;
            row->letter.state = KNEW_WITHDRAWN;
            row->letter.state_us = knew->head.time_us;
        }
    }
}

static void
take_item(struct knew *knew, const struct journal_item *item)
{
    switch (item->kind) {
    case JOURNAL_EVENT:
        add_letters(knew, item);
        break;
    case JOURNAL_UNWANTED:
        add_unwanted(knew, item);
        break;
    case JOURNAL_DIRECTORY:
        add_question(knew, item);
        break;
    case JOURNAL_MERGED:
        note_merged(knew, item);
        break;
    case JOURNAL_WITHDRAWN:
        note_withdrawn(knew, item);
        break;
    default:
        note_turn(knew, item);
        break;
    }
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
    take_item(knew, &item);
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

// ---- what became of a letter ----

static bool
was_given_up(const struct knew_row *row)
{
    return row->letter.state == KNEW_DROPPED || row->letter.state == KNEW_WITHDRAWN;
}

static enum vg_status
look_in_mailbox(struct txn *txn, struct knew_row *row)
{
    struct mailbox_id mailbox = {row->letter.mailbox};
    struct mailbox_row box;
    struct held_row held;
    bool left = false;
    enum vg_status status;

    if (row->letter.state == KNEW_UNWANTED || row->letter.state == KNEW_MERGED) {
        return VG_OK; // there is no letter, or none any more
    }
    status = mailbox_get(txn, mailbox, &box);
    if (status != VG_OK) {
        return status;
    }
    left = row->letter.number <= box.acknowledged;
    if (!left) {
        status = ranges_have(txn, mailbox, row->letter.number, &left);
    }
    if (status != VG_OK || !left) {
        return status; // KNEW_WAITING
    }
    status = held_get(txn, mailbox, row->letter.number, &held);
    if (status == VG_OK) {
        row->letter.state = held.head.state == HELD_PARKED ? KNEW_PARKED : KNEW_HELD;
        row->letter.state_us = held.head.since_us;
    } else if (status == VG_NOT_FOUND && !was_given_up(row)) {
        row->letter.state = KNEW_ACKNOWLEDGED;
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

static bool
wants_its_moment(const struct knew_row *row)
{
    return row->kind == KNEW_LETTER && row->letter.state == KNEW_ACKNOWLEDGED &&
           row->letter.state_us == 0;
}

// Its first acknowledgement of this kind in a run; at or after its number, or it alone.
static enum vg_status
find_acknowledgement(struct knew *knew, struct txn *txn, const struct knew_row *row,
                     enum journal_one one, uint64_t *commit)
{
    struct exchange found;
    size_t len = 0;
    uint64_t subject = exchange_acknowledged(row->letter.mailbox, one);
    enum vg_status status =
        exchanges_find(txn, knew->next_run, subject, row->letter.number, &found, 1, &len);

    knew->effort++;
    if (status == VG_OK && len == 1 &&
        (one == ACKNOWLEDGED_THROUGH || found.first == row->letter.number) &&
        found.second <= knew->through && (*commit == 0 || found.second < *commit)) {
        *commit = found.second;
    }
    return status;
}

static enum vg_status
find_moment_in_run(struct knew *knew, struct txn *txn, struct knew_row *row)
{
    uint64_t commit = 0;
    enum vg_status status = VG_OK;

    if (row->letter.left_turn) {
        status = find_acknowledgement(knew, txn, row, ACKNOWLEDGED_HELD, &commit);
    } else {
        status = find_acknowledgement(knew, txn, row, ACKNOWLEDGED_THROUGH, &commit);
        if (status == VG_OK) {
            status = find_acknowledgement(knew, txn, row, ACKNOWLEDGED_ONE, &commit);
        }
    }
    return status == VG_OK && commit != 0
               ? journal_time(txn, commit, &row->letter.state_us)
               : status;
}

// The row is done with when its moment is known, or no run is left: next_run.day is 0.
static enum vg_status
find_moment(struct knew *knew, struct txn *txn, struct knew_row *row)
{
    enum vg_status status = VG_OK;

    if (knew->next_run.day == 0) {
        int32_t day = day_in_brussels((struct instant){row->time_us}).number;

        knew->next_run = (struct exchange_run){day, 1};
        status = look_in_mailbox(txn, row);
    }
    while (status == VG_OK && wants_its_moment(row) && knew->effort < SLICE_SEEKS) {
        status = exchanges_next_run(txn, knew->next_run, &knew->next_run);
        if (status == VG_OK) {
            status = find_moment_in_run(knew, txn, row);
            knew->next_run.run++;
        }
    }
    if (status == VG_NOT_FOUND || !wants_its_moment(row)) {
        knew->next_run.day = 0;
        return status == VG_NOT_FOUND ? VG_OK : status;
    }
    return status;
}

static enum vg_status
look_at_letters(struct knew *knew, struct txn *txn)
{
    while (knew->next_row < knew->rows_len) {
        struct knew_row *row = &knew->rows[knew->next_row];
        enum vg_status status = VG_OK;

        if (knew->effort++ >= SLICE_SEEKS) {
            return VG_OK;
        }
        if (row->kind == KNEW_LETTER) {
            status = find_moment(knew, txn, row);
        }
        if (status != VG_OK) {
            return status;
        }
        knew->next_row += knew->next_run.day == 0;
    }
    knew->phase = ENDS;
    return VG_OK;
}

// ---- what is not indexed yet ----

static void
take_acknowledgement(struct knew *knew, const struct journal_item *item)
{
    struct journal_acknowledge told;

    if (!journal_item_as(item, &told, sizeof told) || !is_watched(knew, told.mailbox)) {
        return;
    }
    for (size_t i = 0; i < knew->rows_len; i++) {
        struct knew_row *row = &knew->rows[i];

        if (!wants_its_moment(row) || row->letter.mailbox != told.mailbox ||
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
    take_item(knew, &item);
    for (size_t i = before; end->status == VG_OK && i < knew->rows_len; i++) {
        if (knew->rows[i].kind == KNEW_LETTER) {
            end->status = look_in_mailbox(end->txn, &knew->rows[i]);
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
            status = look_at_letters(knew, txn);
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
