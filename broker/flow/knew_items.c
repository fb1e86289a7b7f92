// SPDX-License-Identifier: EUPL-1.2
// knew_items.c - what an item of the journal says about who knew.
#include "flow/knew_internal.h"

#include <stdlib.h>

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

bool
knew_watches(const struct knew *knew, uint32_t mailbox)
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

void
knew_take_item(struct knew *knew, const struct journal_item *item)
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
