// SPDX-License-Identifier: EUPL-1.2
// Following what becomes of letters: acknowledged, refused, deferred, parked, and gone by time.
#include "model_inside.h"

#include <stdio.h>
#include <string.h>

void
follow_acknowledge(struct model *model, const struct command *command,
                   struct applied *applied)
{
    applied_check_status(applied, command,
                         model_acknowledge(model, &command->acknowledge));
}

static void
check_letters_named(struct model *model, uint32_t mailbox,
                    const struct letter_about *letters, size_t len)
{
    const struct model_box *box = model_box(model, mailbox);

    for (size_t i = 0; i < len; i++) {
        const struct told *told = model_letter(box, letters[i].letter.number);

        if (told == NULL || told->subject != letters[i].subject ||
            told->size != letters[i].letter.size) {
            broken("mailbox %u, letter %llu is held as another one", mailbox,
                   (unsigned long long)letters[i].letter.number);
        }
    }
}

static enum held_state
state_of(enum place place)
{
    static const enum held_state states[PLACES] = {
        [PLACE_RETRY] = HELD_RETRY,
        [PLACE_BEHIND] = HELD_BEHIND,
        [PLACE_PARKED] = HELD_PARKED,
    };

    return states[place];
}

void
follow_refuse(struct model *model, const struct command *command, struct applied *applied)
{
    const struct refuse_command *refuse = &command->refuse;
    const struct told *told;
    enum place place = PLACE_DONE;
    enum vg_status status;

    check_letters_named(model, refuse->mailbox, &refuse->refused, 1);
    check_letters_named(model, refuse->mailbox, refuse->later, refuse->later_len);
    status = model_refuse(model, refuse, command->actor, applied->now_us, &place);
    told = model_letter(model_box(model, refuse->mailbox), refuse->refused.letter.number);
    applied_check_status(applied, command, status);
    if (!applied->answered || status != VG_OK) {
        return;
    }
    if (refuse->state != state_of(place) ||
        (refuse->state != HELD_GONE &&
         (refuse->attempts != told->attempts || refuse->due_us != told->due_us))) {
        broken("mailbox %u, letter %llu: refused %u times, its state is %d; not %u, %d",
               refuse->mailbox, (unsigned long long)refuse->refused.letter.number,
               refuse->attempts, (int)refuse->state, told->attempts,
               (int)state_of(place));
    }
}

void
follow_defer(struct model *model, const struct command *command, struct applied *applied)
{
    const struct defer_command *defer = &command->defer;

    check_letters_named(model, defer->mailbox, defer->letters, defer->letters_len);
    applied_check_status(applied, command,
                         model_defer(model, defer->mailbox, defer->letters,
                                     defer->letters_len, command->actor));
}

void
follow_parked(struct model *model, const struct command *command, struct applied *applied)
{
    enum vg_status status =
        model_handle_parked(model, &command->parked, command->kind == COMMAND_DROP_PARKED,
                            command->actor, applied->now_us);

    applied_check_status(applied, command, status);
    if (status == VG_OK) {
        applied_check_ticket(model, applied, command, ++model->tickets);
    }
}

// ---- by time ----

// Why a letter was parked stands in the record; 0: not because nobody took it.
static unsigned
unread_days(const struct journal_item *item)
{
    char reason[HELD_REASON_MAX + 1] = "";
    struct journal_held held;
    unsigned days = 0;

    if (item->kind != JOURNAL_PARK || !journal_item_as(item, &held, sizeof held) ||
        held.reason_len > HELD_REASON_MAX) {
        return 0;
    }
    memcpy(reason, item->bytes.at + sizeof held, held.reason_len);
    return sscanf(reason, "unread for %u days", &days) == 1 ? days : 0;
}

// The record is that of the whole batch, which may hold two of these commands.
static bool
has_parked(const struct expire_command *expire, const struct journal_held *held)
{
    for (size_t i = 0; i < expire->unread_len; i++) {
        if (expire->unread[i].mailbox == held->mailbox &&
            expire->unread[i].number == held->letter.number) {
            return true;
        }
    }
    return false;
}

// What nobody took for so long is parked by the broker itself.
static void
follow_unread(struct model *model, const struct expire_command *expire,
              struct applied *applied)
{
    struct journal_item item;
    struct journal_held held;
    size_t offset = 0;

    while (journal_next(&applied->record, &offset, &item)) {
        unsigned days = unread_days(&item);

        if (days > 0 && journal_item_as(&item, &held, sizeof held) &&
            (!applied->answered || has_parked(expire, &held))) {
            model_park_unread(model, held.mailbox, held.letter.number,
                              applied->now_us - days * INT64_C(86400000000));
        }
    }
    for (size_t i = 0; applied->answered && i < expire->unread_len; i++) {
        const struct unread_letter *unread = &expire->unread[i];

        if (model_letter(model_box(model, unread->mailbox), unread->number)->place !=
            PLACE_PARKED) {
            broken("mailbox %u, letter %llu is not parked in the journal",
                   unread->mailbox, (unsigned long long)unread->number);
        }
    }
}

// Bodies and records that are old enough may go; what is younger must stay.
void
follow_expire(struct model *model, const struct command *command, struct applied *applied)
{
    const struct expire_command *expire = &command->expire;
    int64_t erased_us = applied->now_us - expire->replay_days * INT64_C(86400000000);
    int32_t day = day_add_months((struct day){model_day(applied->now_us)},
                                 -(int)expire->journal_months)
                      .number;

    applied->trimmed += expire->trimmed;
    model_trim(model, applied->answered ? model->first_commit + applied->trimmed
                                        : applied->first_commit);
    model->erased_us = erased_us > model->erased_us ? erased_us : model->erased_us;
    model->trimmed_day = day > model->trimmed_day ? day : model->trimmed_day;
    model->trimmed += expire->trimmed;
    follow_unread(model, expire, applied);
}
