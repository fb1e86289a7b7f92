// SPDX-License-Identifier: EUPL-1.2
// acknowledge.c - a mailbox's mark moves forward (flow/marks.h); letters that are held or
// parked are done with when their own number is acknowledged, and by no mark.
#include "flow/applier.h"

#include "flow/hold.h"
#include "flow/marks.h"

// What one command acknowledged.
struct tally {
    uint64_t letters;
    uint64_t bytes;
    struct acknowledge_single main[ACKNOWLEDGE_SINGLES_MAX]; // of the main sequence
    size_t main_len;
    uint64_t held[ACKNOWLEDGE_SINGLES_MAX]; // held and parked ones
    size_t held_len;
};

static enum vg_status
acknowledge_held(struct applier *applier, struct mailbox_row *row, uint32_t mailbox,
                 uint64_t number, struct tally *tally)
{
    struct held_row held;
    enum vg_status status;

    if (row->held + row->parked == 0) {
        return VG_OK;
    }
    status = held_get(applier->txn, (struct mailbox_id){mailbox}, number, &held);
    if (status != VG_OK) {
        return status == VG_NOT_FOUND ? VG_OK : status;
    }
    tally->letters++;
    tally->bytes += held.head.letter.size;
    tally->held[tally->held_len++] = number;
    return hold_end(applier, mailbox, &held);
}

// As many as there is room for.
static enum vg_status
acknowledge_singles(struct applier *applier, struct command *command, struct marks *marks,
                    struct tally *tally)
{
    const struct acknowledge_command *acknowledge = &command->acknowledge;
    enum vg_status status = VG_OK;

    for (size_t i = 0; status == VG_OK && i < acknowledge->singles_len; i++) {
        const struct acknowledge_single *single = &acknowledge->singles[i];

        switch (marks_single(marks, single)) {
        case MARK_NEW:
            tally->letters++;
            tally->bytes += single->bytes;
            tally->main[tally->main_len++] = *single;
            break;
        case MARK_KNOWN:
            status = acknowledge_held(applier, marks->row, acknowledge->mailbox,
                                      single->number, tally);
            break;
        case MARK_NO_ROOM:
            refuse(command, VG_TOO_MANY,
                   "mailbox %u: %d gaps are remembered between single acknowledgements",
                   acknowledge->mailbox, RANGES_MAX);
            return VG_OK;
        }
    }
    return status;
}

static void
journal_acknowledge_of(struct applier *applier, const struct mailbox_row *row,
                       uint32_t mailbox, const struct tally *tally)
{
    struct journal_marked marked = {.bytes_through = row->bytes_acknowledged};
    struct journal_acknowledge item = {
        .through = row->acknowledged,
        .count = tally->letters,
        .bytes = tally->bytes,
        .mailbox = mailbox,
    };

    journal_add(&applier->record, JOURNAL_ACKNOWLEDGE, &item, sizeof item, &marked,
                sizeof marked);
    item.count = item.bytes = 0;
    item.one = ACKNOWLEDGED_ONE;
    for (size_t i = 0; i < tally->main_len; i++) {
        item.through = tally->main[i].number;
        marked.bytes_through = tally->main[i].bytes_through;
        marked.bytes = tally->main[i].bytes;
        if (item.through > row->acknowledged) {
            journal_add(&applier->record, JOURNAL_ACKNOWLEDGE, &item, sizeof item,
                        &marked, sizeof marked);
        }
    }
    item.one = ACKNOWLEDGED_HELD;
    marked = (struct journal_marked){.bytes = 0};
    for (size_t i = 0; i < tally->held_len; i++) {
        item.through = tally->held[i];
        journal_add(&applier->record, JOURNAL_ACKNOWLEDGE, &item, sizeof item, &marked,
                    sizeof marked);
    }
}

enum vg_status
acknowledge_letters(struct applier *applier, struct command *command)
{
    const struct acknowledge_command *acknowledge = &command->acknowledge;
    struct mailbox_id mailbox = {acknowledge->mailbox};
    struct mailbox_row *row = NULL;
    struct marks marks;
    struct tally tally;
    enum vg_status status = applier_box(applier, mailbox.number, &row);

    if (status == VG_OK) {
        status = marks_load(applier->txn, mailbox, row, &marks);
    }
    if (status != VG_OK) {
        return status;
    }

    uint64_t letters = mailbox_waiting(row);
    uint64_t bytes = mailbox_bytes_waiting(row);

    marks_move(&marks, acknowledge->through, acknowledge->through_bytes);
    tally.letters = letters - mailbox_waiting(row);
    tally.bytes = bytes - mailbox_bytes_waiting(row);
    tally.main_len = tally.held_len = 0;
    status = acknowledge_singles(applier, command, &marks, &tally);
    if (status != VG_OK || tally.letters == 0) {
        return status;
    }
    row->acknowledged_total += tally.letters;
    row->last_acknowledged_us = applier->now.us;
    journal_acknowledge_of(applier, row, mailbox.number, &tally);
    return marks_keep(applier->txn, mailbox, &marks);
}
