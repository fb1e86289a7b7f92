// SPDX-License-Identifier: EUPL-1.2
#include "store/counted.h"

#include "store/asked.h"
#include "store/caught.h"
#include "store/merged.h"
#include "store/correction.h"
#include "store/store_internal.h"
#include "store/withdrawn.h"

#include <stdlib.h>

_Static_assert(sizeof(struct counted) == 56, "stored without holes");

// ---- adding ----

void
counted_letter(struct counted *counted, const struct journal_recipient *recipient)
{
    counted->last = recipient->number;
    counted->bytes_through = recipient->bytes_through;
}

void
counted_acknowledge(struct counted *counted,
                    const struct journal_acknowledge *acknowledge)
{
    if (acknowledge->one == ACKNOWLEDGED_THROUGH &&
        acknowledge->through > counted->mark) {
        counted->mark = acknowledge->through;
    }
    counted->acknowledged += acknowledge->count;
    counted->bytes_acknowledged += acknowledge->bytes;
}

void
counted_drop(struct counted *counted, const struct journal_held *drop)
{
    counted->dropped++;
    counted->dropped_bytes += drop->letter.size;
}

void
counted_withdrawn(struct counted *counted, const struct journal_withdrawn *withdrawn)
{
    counted->dropped += 2;
    counted->dropped_bytes += withdrawn->size;
    counted->dropped_bytes += withdrawn->of_size;
}

// ---- rows ----

enum vg_status
counted_get(struct txn *txn, struct mailbox_id mailbox, struct counted *ret_counted)
{
    struct key key = key_of_u32(mailbox.number);
    enum vg_status status =
        table_get_struct(txn, TABLE_COUNTED, &key, ret_counted, sizeof *ret_counted);

    if (status == VG_NOT_FOUND) {
        *ret_counted = (struct counted){.last = 0};
        return VG_OK;
    }
    return status;
}

static enum vg_status
counted_put(struct txn *txn, uint32_t mailbox, const struct counted *counted)
{
    struct key key = key_of_u32(mailbox);

    return table_put(txn, TABLE_COUNTED, &key,
                     (struct bytes){(const uint8_t *)counted, sizeof *counted}, 0);
}

// ---- trimming ----

// The mailboxes of one record, each row read and written once: a record may name few
// mailboxes in very many events.
struct tally {
    struct tally_row {
        uint32_t mailbox;
        bool used;
        struct counted counted;
    } * rows;
    size_t len;
    size_t size; // a power of two
};

static size_t
place_in(const struct tally *tally, uint32_t mailbox)
{
    size_t i = mailbox * 2654435761u & (tally->size - 1);

    while (tally->rows[i].used && tally->rows[i].mailbox != mailbox) {
        i = (i + 1) & (tally->size - 1);
    }
    return i;
}

static void
grow(struct tally *tally)
{
    struct tally before = *tally;

    tally->size = before.size == 0 ? 64 : before.size * 2;
    tally->rows = xcalloc(tally->size, sizeof *tally->rows);
    for (size_t i = 0; i < before.size; i++) {
        if (before.rows[i].used) {
            tally->rows[place_in(tally, before.rows[i].mailbox)] = before.rows[i];
        }
    }
    free(before.rows);
}

static enum vg_status
tally_of(struct tally *tally, struct txn *txn, uint32_t mailbox,
         struct counted **ret_counted)
{
    struct tally_row *row;
    enum vg_status status = VG_OK;

    if (tally->len * 2 >= tally->size) {
        grow(tally);
    }
    row = &tally->rows[place_in(tally, mailbox)];
    if (!row->used) {
        status = counted_get(txn, (struct mailbox_id){mailbox}, &row->counted);
        row->mailbox = mailbox;
        row->used = true;
        tally->len++;
    }
    *ret_counted = &row->counted;
    return status;
}

static enum vg_status
add_event(struct tally *tally, struct txn *txn, const struct journal_item *item)
{
    struct journal_recipient recipient;
    enum vg_status status = VG_OK;

    for (size_t i = 0; status == VG_OK && journal_item_recipient(item, i, &recipient);
         i++) {
        struct counted *counted = NULL;

        status = tally_of(tally, txn, recipient.mailbox, &counted);
        if (status == VG_OK) {
            counted_letter(counted, &recipient);
        }
    }
    return status;
}

static enum vg_status
add_acknowledge(struct tally *tally, struct txn *txn, const struct journal_item *item)
{
    struct journal_acknowledge acknowledge;
    struct counted *counted = NULL;
    enum vg_status status = VG_STORE_BROKEN;

    if (journal_item_as(item, &acknowledge, sizeof acknowledge)) {
        status = tally_of(tally, txn, acknowledge.mailbox, &counted);
    }
    if (status == VG_OK) {
        counted_acknowledge(counted, &acknowledge);
    }
    return status;
}

static enum vg_status
add_drop(struct tally *tally, struct txn *txn, const struct journal_item *item)
{
    struct journal_held drop;
    struct counted *counted = NULL;
    enum vg_status status = VG_STORE_BROKEN;

    if (journal_item_as(item, &drop, sizeof drop)) {
        status = tally_of(tally, txn, drop.mailbox, &counted);
    }
    if (status == VG_OK) {
        counted_drop(counted, &drop);
    }
    return status;
}

static enum vg_status
add_withdrawn(struct tally *tally, struct txn *txn, const struct journal_item *item)
{
    struct journal_withdrawn withdrawn;
    struct counted *counted = NULL;
    enum vg_status status = VG_STORE_BROKEN;

    if (journal_item_as(item, &withdrawn, sizeof withdrawn)) {
        status = tally_of(tally, txn, withdrawn.mailbox, &counted);
    }
    if (status == VG_OK) {
        counted_withdrawn(counted, &withdrawn);
    }
    return status;
}

static enum vg_status
add_items(struct tally *tally, struct txn *txn, const struct buffer *record)
{
    struct journal_item item;
    size_t offset = 0;
    enum vg_status status = VG_OK;

    while (status == VG_OK && journal_next(record, &offset, &item)) {
        if (item.kind == JOURNAL_EVENT) {
            status = add_event(tally, txn, &item);
        } else if (item.kind == JOURNAL_ACKNOWLEDGE) {
            status = add_acknowledge(tally, txn, &item);
        } else if (item.kind == JOURNAL_DROP) {
            status = add_drop(tally, txn, &item);
        } else if (item.kind == JOURNAL_WITHDRAWN) {
            status = add_withdrawn(tally, txn, &item);
        }
    }
    return status;
}

static enum vg_status
put_tally(const struct tally *tally, struct txn *txn)
{
    enum vg_status status = VG_OK;

    for (size_t i = 0; status == VG_OK && i < tally->size; i++) {
        if (tally->rows[i].used) {
            status = counted_put(txn, tally->rows[i].mailbox, &tally->rows[i].counted);
        }
    }
    return status;
}

static uint64_t
last_ticket(const struct buffer *record)
{
    struct journal_item item;
    struct journal_event event;
    uint64_t ticket = 0;
    size_t offset = 0;

    while (journal_next(record, &offset, &item)) {
        if (item.kind == JOURNAL_EVENT && journal_item_as(&item, &event, sizeof event)) {
            ticket = event.ticket;
        }
    }
    return ticket;
}

enum vg_status
counted_trim(struct txn *txn, struct meta *meta, struct buffer *record, struct why *why)
{
    struct tally tally = {.rows = NULL};
    struct journal_head head;
    enum vg_status status = journal_read(txn, meta->first_commit, record, &head, why);

    if (status == VG_OK) {
        status = add_items(&tally, txn, record);
    }
    if (status == VG_OK) {
        status = put_tally(&tally, txn);
    }
    if (status == VG_OK) {
        status = journal_erase(txn, meta->first_commit);
    }
    if (status == VG_OK) {
        status = corrections_trim(txn, last_ticket(record));
    }
    if (status == VG_OK) {
        status = asked_trim(txn, last_ticket(record));
    }
    if (status == VG_OK) {
        status = caught_trim(txn, last_ticket(record));
    }
    if (status == VG_OK) {
        status = merged_trim(txn, last_ticket(record));
    }
    if (status == VG_OK) {
        status = withdrawn_trim(txn, last_ticket(record));
    }
    free(tally.rows);
    if (status == VG_OK) {
        meta->first_commit++;
        meta->first_hash = head.hash;
    }
    return status == VG_NOT_FOUND ? VG_STORE_BROKEN : status;
}
