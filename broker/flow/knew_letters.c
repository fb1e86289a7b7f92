// SPDX-License-Identifier: EUPL-1.2
// knew_letters.c - what became of a letter that an institution was sent: read, and when; held,
// parked, given up.
#include "flow/knew_internal.h"

#include "store/held.h"

static bool
was_given_up(const struct knew_row *row)
{
    return row->letter.state == KNEW_DROPPED || row->letter.state == KNEW_WITHDRAWN;
}

enum vg_status
knew_look_in_mailbox(struct txn *txn, struct knew_row *row)
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

bool
knew_wants_moment(const struct knew_row *row)
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
        status = knew_look_in_mailbox(txn, row);
    }
    while (status == VG_OK && knew_wants_moment(row) && knew->effort < SLICE_SEEKS) {
        status = exchanges_next_run(txn, knew->next_run, &knew->next_run);
        if (status == VG_OK) {
            status = find_moment_in_run(knew, txn, row);
            knew->next_run.run++;
        }
    }
    if (status == VG_NOT_FOUND || !knew_wants_moment(row)) {
        knew->next_run.day = 0;
        return status == VG_NOT_FOUND ? VG_OK : status;
    }
    return status;
}

enum vg_status
knew_look_at_letters(struct knew *knew, struct txn *txn)
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
