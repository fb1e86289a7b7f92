// SPDX-License-Identifier: EUPL-1.2
// parked.c - parked letters leave by hand: tried again, or dropped. Who did it and why
// stands in the journal with each letter.
#include "flow/refuse.h"

#include "flow/hold.h"

// All of them are looked at before one is touched, so that every fault is named.
static enum vg_status
check_parked(struct applier *applier, struct command *command)
{
    const struct parked_command *parked = &command->parked;
    enum vg_status status = VG_OK;

    for (size_t i = 0; status == VG_OK && i < parked->numbers_len; i++) {
        struct held_row row;

        status = held_get(applier->txn, (struct mailbox_id){parked->mailbox},
                          parked->numbers[i], &row);
        if (status == VG_NOT_FOUND ||
            (status == VG_OK && row.head.state != HELD_PARKED)) {
            refuse(command, VG_NOT_FOUND, "mailbox %u: letter %llu is not parked",
                   parked->mailbox, (unsigned long long)parked->numbers[i]);
            status = VG_OK;
        }
    }
    return status;
}

// A letter that is named twice is handled once.
static enum vg_status
get_parked(struct applier *applier, const struct command *command, size_t i,
           struct held_row *ret_row)
{
    const struct parked_command *parked = &command->parked;
    enum vg_status status = held_get(applier->txn, (struct mailbox_id){parked->mailbox},
                                     parked->numbers[i], ret_row);

    if (status == VG_OK && ret_row->head.state != HELD_PARKED) {
        return VG_NOT_FOUND;
    }
    if (status == VG_OK) {
        ret_row->head.actor = command->actor;
        letter_reason(ret_row, parked->reason);
    }
    return status;
}

static enum vg_status
retry_one(struct applier *applier, struct command *command, struct held_row *row)
{
    row->head.state = HELD_RETRY;
    row->head.due_us = applier->now.us;
    return hold_put(applier, command->parked.mailbox, JOURNAL_RETRY, row);
}

static enum vg_status
drop_one(struct applier *applier, struct command *command, struct held_row *row)
{
    return hold_drop(applier, command->parked.mailbox, row);
}

typedef enum vg_status (*parked_fn)(struct applier *applier, struct command *command,
                                    struct held_row *row);

static enum vg_status
handle_parked(struct applier *applier, struct command *command, parked_fn handle)
{
    enum vg_status status = check_parked(applier, command);

    if (status != VG_OK || command->status != VG_OK) {
        return status;
    }
    for (size_t i = 0; status == VG_OK && i < command->parked.numbers_len; i++) {
        struct held_row row;

        status = get_parked(applier, command, i, &row);
        if (status == VG_OK) {
            status = handle(applier, command, &row);
        } else if (status == VG_NOT_FOUND) {
            status = VG_OK;
        }
    }
    command->ticket = applier_ticket(applier);
    return status;
}

enum vg_status
retry_parked(struct applier *applier, struct command *command)
{
    return handle_parked(applier, command, retry_one);
}

enum vg_status
drop_parked(struct applier *applier, struct command *command)
{
    return handle_parked(applier, command, drop_one);
}
