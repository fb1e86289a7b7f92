// SPDX-License-Identifier: EUPL-1.2
#include "store/check_inside.h"

#include "store/asked.h"
#include "store/caught.h"
#include "store/merged.h"
#include "store/correction.h"
#include "store/lapses.h"
#include "store/person.h"
#include "store/registry.h"
#include "store/withdrawn.h"

enum { PROGRESS_STEPS = 256 };

void
check_step(struct check *check)
{
    check->steps++;
    if (check->progress != NULL && check->steps % PROGRESS_STEPS == 0 &&
        check->steps < check->steps_all) {
        check->progress((double)check->steps / (double)check->steps_all, check->arg);
    }
}

// ---- persons ----

// A number that was replaced leads to one that knows it, and not to another one alone.
static void
check_replaced(struct check *check, struct niss niss, struct niss by)
{
    struct niss former[FORMER_MAX];
    char masked[NISS_MASK_LEN];
    size_t len = 0, i = 0;
    enum vg_status status = person_former(check->txn, by, former, &len);

    while (status == VG_OK && i < len && former[i].number != niss.number) {
        i++;
    }
    if (status != VG_OK || i == len) {
        niss_mask(niss, masked);
        found(check, "persons: what replaced %s does not know it", masked);
    }
    check->replaced++;
}

static bool
count_person(struct niss niss, const struct person *person, void *arg)
{
    struct check *check = arg;

    check_step(check);
    if (person->replaced_by.number != 0) {
        check_replaced(check, niss, person->replaced_by);
    }
    check->report->persons += person->len > 0;
    check->report->integrations += person->len;
    return true;
}

// Numbers that others say they replaced: each must lead there, so there are as many.
static void
check_former(struct check *check)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    uint64_t former = 0;
    enum vg_status status = cursor_open(check->txn, TABLE_REPLACED, &cursor);

    if (status == VG_OK) {
        status = cursor_move(&cursor, MDB_FIRST);
    }
    while (status == VG_OK) {
        former += cursor.value.len / sizeof(struct niss);
        status = cursor_move(&cursor, MDB_NEXT);
    }
    if (status != VG_NOT_FOUND || former != check->replaced) {
        found(check, "persons: %llu numbers are replaced, %llu are known to be",
              (number)check->replaced, (number)former);
    }
}

static void
check_persons(struct check *check)
{
    const struct check_report *report = check->report;

    if (person_each(check->txn, (struct niss){0}, count_person, check) != VG_OK) {
        found(check, "persons: the row after %llu others cannot be read",
              (number)report->persons);
        return;
    }
    if (report->persons != check->meta.persons ||
        report->integrations != check->meta.integrations) {
        found(check, "%llu persons with %llu integrations, meta says %llu with %llu",
              (number)report->persons, (number)report->integrations,
              (number)check->meta.persons, (number)check->meta.integrations);
    }
    check_former(check);
}

// ---- corrections and answers ----

static bool
check_correction(uint64_t ticket, const struct correction_row *row, void *arg)
{
    struct check *check = arg;

    if (row->by <= ticket || row->by > check->meta.last_sequence ||
        (row->act != CORRECTION_REPLACES && row->act != CORRECTION_CANCELS)) {
        found(check, "corrections: ticket %llu cannot be corrected by ticket %llu",
              (number)ticket, (number)row->by);
    }
    return true;
}

static bool
check_asked(uint64_t ticket, struct mailbox_id mailbox, const struct asked_row *row,
            void *arg)
{
    struct check *check = arg;

    if (ticket > check->meta.last_sequence || row->answer > check->meta.last_sequence ||
        (row->answer != 0 && row->answer <= ticket)) {
        found(check, "asked: ticket %llu of mailbox %u cannot be answered by ticket %llu",
              (number)ticket, mailbox.number, (number)row->answer);
    }
    return true;
}

static bool
check_caught(uint64_t ticket, struct mailbox_id mailbox, const struct caught_row *row,
             void *arg)
{
    struct check *check = arg;

    if (row->request <= ticket || row->ticket <= row->request ||
        row->ticket > check->meta.last_sequence) {
        found(check, "caught: ticket %llu cannot be letter %llu of mailbox %u by %llu",
              (number)ticket, (number)row->ticket, mailbox.number, (number)row->request);
    }
    return true;
}

// The letter that stands for others is later than they, and knows of each.
static bool
check_merged(uint64_t ticket, struct mailbox_id mailbox, const struct merged_row *row,
             void *arg)
{
    struct check *check = arg;
    struct merged_row into;
    bool listed = row->head.into == 0 && row->head.len > 0;

    if (row->head.into > ticket && row->head.len == 0 &&
        row->head.into <= check->meta.last_sequence &&
        merged_get(check->txn, row->head.into, mailbox, &into) == VG_OK) {
        for (uint32_t i = 0; i < into.head.len; i++) {
            listed = listed || into.tickets[i] == ticket;
        }
    }
    if (!listed) {
        found(check, "merged: ticket %llu of mailbox %u cannot be merged into %llu",
              (number)ticket, mailbox.number, (number)row->head.into);
    }
    return true;
}

// Both of a pair or none; the first one's row goes before the other's.
static bool
check_withdrawn(uint64_t ticket, struct mailbox_id mailbox,
                const struct withdrawn_row *row, void *arg)
{
    struct check *check = arg;
    struct withdrawn_row other = {.other = ticket};
    enum vg_status status = row->other > ticket
                                ? withdrawn_get(check->txn, row->other, mailbox, &other)
                                : VG_OK;

    if (ticket > check->meta.last_sequence || row->other == ticket || status != VG_OK ||
        other.other != ticket) {
        found(check, "withdrawn: ticket %llu of mailbox %u cannot be with ticket %llu",
              (number)ticket, mailbox.number, (number)row->other);
    }
    return true;
}

static void
check_references(struct check *check)
{
    if (corrections_each(check->txn, check_correction, check) != VG_OK) {
        found(check, "corrections: a row cannot be read");
    }
    if (asked_each(check->txn, 0, check_asked, check) != VG_OK) {
        found(check, "asked: a row cannot be read");
    }
    if (caught_each(check->txn, 0, check_caught, check) != VG_OK) {
        found(check, "caught: a row cannot be read");
    }
    if (merged_each(check->txn, 0, check_merged, check) != VG_OK) {
        found(check, "merged: a row cannot be read");
    }
    if (withdrawn_each(check->txn, check_withdrawn, check) != VG_OK) {
        found(check, "withdrawn: a row cannot be read");
    }
}

// ---- lapses ----

// The walk that tells of integrations that end is not ahead of itself.
static void
check_lapses(struct check *check)
{
    uint8_t days[4080];
    size_t len = sizeof days;
    struct lapse_row row;

    if (lapse_row_get(check->txn, &row) != VG_OK ||
        lapse_days_get(check->txn, days, &len) != VG_OK) {
        found(check, "lapses: a row cannot be read");
    } else if (row.through > row.day || (row.through == row.day && row.next != 0)) {
        found(check, "lapses: walked through day %d, on day %d at %llu", row.through,
              row.day, (number)row.next);
    }
}

// ---- what was heard of sources ----

static bool
check_heard(struct institution_id source, uint16_t flow, const struct heard *heard,
            void *arg)
{
    struct check *check = arg;

    if (source.number == 0 || source.number > check->meta.last_institution || flow == 0 ||
        heard->mutations == 0 || heard->last_ticket > check->meta.last_sequence ||
        heard->last_us > check->meta.last_time_us) {
        found(check, "heard: source %u, flow %u: ticket %llu of %llu mutations cannot be",
              source.number, flow, (number)heard->last_ticket, (number)heard->mutations);
    }
    return true;
}

static void
check_all_heard(struct check *check)
{
    if (heard_each(check->txn, check_heard, check) != VG_OK) {
        found(check, "heard: a row cannot be read");
    }
}

// ---- all of it ----

static enum vg_status
count_steps(struct check *check)
{
    static const enum table walked[] = {TABLE_COMMITS, TABLE_BODIES, TABLE_PERSONS,
                                        TABLE_BACKLOG, TABLE_HELD};

    for (size_t i = 0; i < ARRAY_LEN(walked); i++) {
        uint64_t rows = 0;
        enum vg_status status = table_len(check->txn, walked[i], &rows);

        if (status != VG_OK) {
            return status;
        }
        check->steps_all += rows;
    }
    return VG_OK;
}

// What retention let go was folded, and its bodies went before its record.
static void
check_positions(struct check *check)
{
    const struct meta *meta = &check->meta;

    if (meta->first_commit == 0 || meta->first_commit > meta->erased_commit + 1 ||
        meta->erased_commit > meta->folded_commit ||
        meta->folded_commit > meta->last_commit || meta->first_block == 0 ||
        meta->first_block > meta->last_block + 1) {
        found(check, "retention is further than commit %llu and block %llu",
              (number)meta->last_commit, (number)meta->last_block);
    }
}

static enum vg_status
check_all(struct check *check, struct why *why)
{
    enum vg_status status = meta_get(check->txn, &check->meta, why);

    if (status == VG_OK) {
        status = exchanges_progress(check->txn, &check->indexed);
    }
    if (status == VG_OK) {
        status = check_load_mailboxes(check, why);
    }
    if (status == VG_OK) {
        status = count_steps(check);
    }
    if (status != VG_OK) {
        return status;
    }
    check_positions(check);
    check_journal(check);
    check_exchanges(check);
    check_blocks(check);
    check_held(check);
    check_mailboxes(check);
    check_persons(check);
    check_references(check);
    check_lapses(check);
    check_all_heard(check);
    if (check->progress != NULL) {
        check->progress(1.0, check->arg);
    }
    return VG_OK;
}

enum vg_status
store_check(struct store *store, struct check_report *ret_report,
            check_progress_fn progress, void *arg, struct why *why)
{
    struct check check = {.report = ret_report, .progress = progress, .arg = arg};
    enum vg_status status = store_read(store, &check.txn, why);

    memset(ret_report, 0, sizeof *ret_report);
    if (status == VG_OK) {
        status = check_all(&check, why);
    }
    check_free_mailboxes(&check);
    store_abort(&check.txn);
    return status;
}
