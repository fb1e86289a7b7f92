// SPDX-License-Identifier: EUPL-1.2
#include "flow/rewind.h"

#include "store/bodies.h"
#include "store/held.h"
#include "store/merged.h"
#include "store/withdrawn.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLICE_BYTES = 256 * 1024, // of journal records
    SLICE_RECORDS = 256,
    DROPPED_MAX = 10 * 1000, // remembered; who drops more by hand gets some again
};

struct sent_again {
    uint64_t number;
    uint32_t size;
    bool acknowledged;
};

struct rewind {
    struct rewind_state state;
    uint32_t mailbox;
    struct rewind_goal goal;
    uint64_t window_messages;
    uint64_t window_bytes;
    struct buffer record;
    uint64_t commit;      // searching: the next to read, backwards; sending: the next
    uint64_t last_commit; // where the search began
    uint64_t begin;       // commit of the first letter
    int64_t oldest_us;    // time of the oldest record read
    uint64_t next;        // the lowest number that is still to be sent
    uint64_t *dropped;    // numbers, in no order
    size_t dropped_len;
    struct sent_again *flight; // in order of number
    size_t flight_len;
    size_t flight_size;
};

enum vg_status
rewind_open(struct txn *txn, uint32_t mailbox, struct rewind_goal goal,
            uint64_t window_messages, uint64_t window_bytes, struct rewind **ret_rewind)
{
    struct mailbox_row row;
    struct meta meta;
    struct rewind *rewind;
    enum vg_status status = meta_get(txn, &meta, NULL);

    if (status == VG_OK) {
        status = mailbox_get(txn, (struct mailbox_id){mailbox}, &row);
    }
    if (status != VG_OK) {
        return status;
    }
    rewind = xcalloc(1, sizeof *rewind);
    rewind->mailbox = mailbox;
    rewind->goal = goal;
    rewind->window_messages = window_messages;
    rewind->window_bytes = window_bytes;
    rewind->commit = rewind->last_commit = meta.last_commit;
    rewind->state.through = row.acknowledged;
    rewind->oldest_us = INT64_MAX;
    *ret_rewind = rewind;
    return VG_OK;
}

void
rewind_free(struct rewind **rewind)
{
    if (*rewind != NULL) {
        buffer_free(&(*rewind)->record);
        free((*rewind)->dropped);
        free((*rewind)->flight);
        free(*rewind);
        *rewind = NULL;
    }
}

struct rewind_state
rewind_state(const struct rewind *rewind)
{
    return rewind->state;
}

// ---- searching ----

static void
note_dropped(struct rewind *rewind, const struct journal_item *item)
{
    struct journal_held held;

    if (!journal_item_as(item, &held, sizeof held) || held.mailbox != rewind->mailbox ||
        rewind->dropped_len == DROPPED_MAX) {
        return;
    }
    if (rewind->dropped == NULL) {
        rewind->dropped = xcalloc(DROPPED_MAX, sizeof *rewind->dropped);
    }
    rewind->dropped[rewind->dropped_len++] = held.letter.number;
}

static void
note_letter(struct rewind *rewind, const struct journal_recipient *recipient)
{
    if (recipient->mailbox != rewind->mailbox ||
        recipient->number > rewind->state.through ||
        recipient->number < rewind->goal.number) {
        return;
    }
    if (rewind->state.from == 0 || recipient->number < rewind->state.from) {
        rewind->state.from = recipient->number;
        rewind->begin = rewind->commit;
    }
}

static void
search_record(struct rewind *rewind)
{
    struct journal_item item;
    struct journal_recipient recipient;
    size_t offset = 0;

    while (journal_next(&rewind->record, &offset, &item)) {
        if (item.kind == JOURNAL_DROP) {
            note_dropped(rewind, &item);
        }
        for (size_t i = 0;
             item.kind == JOURNAL_EVENT && journal_item_recipient(&item, i, &recipient);
             i++) {
            note_letter(rewind, &recipient);
        }
    }
}

static void
refuse_rewind(struct rewind *rewind)
{
    char time[INSTANT_TEXT_LEN] = "the beginning";
    uint64_t oldest = rewind->state.from;

    rewind->state.phase = REWIND_REFUSED;
    if (rewind->oldest_us != INT64_MAX) {
        instant_print((struct instant){rewind->oldest_us}, time);
    }
    if (rewind->goal.number > rewind->state.through) {
        why_set(&rewind->state.why,
                "mailbox %u: number %llu is not acknowledged yet, the mark is at %llu",
                rewind->mailbox, (unsigned long long)rewind->goal.number,
                (unsigned long long)rewind->state.through);
    } else if (oldest == 0) {
        why_set(&rewind->state.why,
                "mailbox %u: nothing that was acknowledged is kept from then on",
                rewind->mailbox);
    } else {
        why_set(
            &rewind->state.why,
            "mailbox %u: the oldest that can be sent again is number %llu, kept since "
            "%.19sZ",
            rewind->mailbox, (unsigned long long)oldest, time);
    }
}

// The search is over: at the goal, or where nothing older is kept.
static void
end_search(struct rewind *rewind, bool all_is_kept)
{
    bool reached = rewind->goal.number != 0
                       ? rewind->state.from == rewind->goal.number
                       : all_is_kept || rewind->oldest_us < rewind->goal.time_us;

    if (rewind->state.from == 0 || !reached) {
        refuse_rewind(rewind);
    } else {
        rewind->state.phase = REWIND_FOUND;
    }
}

// The records whose bodies are kept begin after this one.
static uint64_t
erased_through(const struct meta *meta)
{
    return meta->erased_items > 0 ? meta->erased_commit + 1 : meta->erased_commit;
}

static bool
is_at_goal(const struct rewind *rewind, int64_t time_us)
{
    return rewind->goal.number != 0 ? rewind->state.from == rewind->goal.number
                                    : time_us < rewind->goal.time_us;
}

// Is what was erased older than the goal? Records are kept longer than bodies.
static bool
was_before_goal(struct rewind *rewind, struct txn *txn)
{
    struct journal_head head;

    return rewind->commit == 0 ||
           (journal_read(txn, rewind->commit, &rewind->record, &head, NULL) == VG_OK &&
            head.time_us < rewind->goal.time_us);
}

enum vg_status
rewind_search(struct rewind *rewind, struct txn *txn)
{
    struct journal_head head;
    struct meta meta;
    size_t bytes = 0;
    enum vg_status status = meta_get(txn, &meta, NULL);

    CHECK(rewind->state.phase == REWIND_SEARCHES);
    if (status == VG_OK && rewind->goal.number > rewind->state.through) {
        refuse_rewind(rewind);
        return VG_OK;
    }
    for (int i = 0; status == VG_OK && i < SLICE_RECORDS && bytes < SLICE_BYTES; i++) {
        if (rewind->commit <= erased_through(&meta)) {
            end_search(rewind, was_before_goal(rewind, txn));
            return VG_OK;
        }
        status = journal_read(txn, rewind->commit, &rewind->record, &head, NULL);
        if (status != VG_OK) {
            return status;
        }
        bytes += rewind->record.len;
        if (rewind->goal.number == 0 && is_at_goal(rewind, head.time_us)) {
            rewind->oldest_us = head.time_us;
            end_search(rewind, false);
            return VG_OK;
        }
        rewind->oldest_us = head.time_us;
        search_record(rewind);
        rewind->commit--;
        if (is_at_goal(rewind, head.time_us)) {
            end_search(rewind, false);
            return VG_OK;
        }
    }
    return status;
}

void
rewind_start(struct rewind *rewind)
{
    CHECK(rewind->state.phase == REWIND_FOUND);
    rewind->state.phase = REWIND_SENDS;
    rewind->commit = rewind->begin;
    rewind->next = rewind->state.from;
}

// ---- sending ----

static bool
has_window(const struct rewind *rewind, uint32_t size)
{
    const struct rewind_state *state = &rewind->state;

    return state->in_flight_messages < rewind->window_messages &&
           (state->in_flight_bytes + size <= rewind->window_bytes ||
            state->in_flight_messages == 0);
}

bool
rewind_has_work(const struct rewind *rewind)
{
    return rewind->state.phase == REWIND_SEARCHES ||
           (rewind->state.phase == REWIND_SENDS && has_window(rewind, 0));
}

static void
push_in_flight(struct rewind *rewind, const struct journal_recipient *recipient)
{
    if (rewind->flight_len == rewind->flight_size) {
        rewind->flight_size = rewind->flight_size * 2 + 64;
        rewind->flight =
            realloc(rewind->flight, rewind->flight_size * sizeof *rewind->flight);
        CHECK(rewind->flight != NULL);
    }
    rewind->flight[rewind->flight_len++] =
        (struct sent_again){.number = recipient->number, .size = recipient->size};
    rewind->state.in_flight_messages++;
    rewind->state.in_flight_bytes += recipient->size;
}

// What was never acknowledged, though the mark has passed it, comes in its own way or not
// at all.
static enum vg_status
was_acknowledged(const struct rewind *rewind, struct txn *txn, uint64_t ticket,
                 uint64_t number, bool *ret_was)
{
    struct withdrawn_row withdrawn;
    struct held_row held;
    enum vg_status status = VG_NOT_FOUND;

    *ret_was = true;
    for (size_t i = 0; i < rewind->dropped_len; i++) {
        if (rewind->dropped[i] == number) {
            *ret_was = false;
            return VG_OK;
        }
    }
    status = held_get(txn, (struct mailbox_id){rewind->mailbox}, number, &held);
    if (status == VG_NOT_FOUND) {
        status =
            withdrawn_get(txn, ticket, (struct mailbox_id){rewind->mailbox}, &withdrawn);
    }
    if (status == VG_OK) {
        *ret_was = false;
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

// What comes with a later one is left out; otherwise those for which it stands.
static enum vg_status
read_merged(const struct rewind *rewind, struct txn *txn, struct bytes body,
            struct merged_row *ret_row)
{
    struct hot_content content;
    enum vg_status status = VG_NOT_FOUND;

    if (hot_read_content((struct hot_bytes){body.at, body.len}, &content) == HOT_OK) {
        status = merged_get(txn, content.ticket, (struct mailbox_id){rewind->mailbox},
                            ret_row);
    }
    if (status == VG_NOT_FOUND) {
        memset(&ret_row->head, 0, sizeof ret_row->head);
        return VG_OK;
    }
    return status;
}

static enum vg_status
write_letter(struct rewind *rewind, struct txn *txn, uint64_t ticket,
             const struct journal_recipient *recipient, struct buffer *frame,
             size_t *ret_len)
{
    struct merged_row merged;
    struct bytes body;
    bool was = false;
    enum vg_status status =
        was_acknowledged(rewind, txn, ticket, recipient->number, &was);

    if (status == VG_OK && was) {
        status = body_get(txn, recipient->body, &body);
    }
    if (status == VG_NOT_FOUND || (status == VG_OK && !was)) {
        return VG_OK; // its time came since the search
    }
    if (status == VG_OK) {
        status = read_merged(rewind, txn, body, &merged);
    }
    if (status != VG_OK || merged.head.into != 0) {
        return status;
    }

    struct hot_notification notification = {
        .mailbox = rewind->mailbox,
        .number = recipient->number,
        .again = true,
        .justified = recipient->quality != 0,
        .quality = recipient->quality,
        .begin = day_number((struct day){recipient->begin}),
        .end = day_number((struct day){recipient->end}),
        .content = {body.at, body.len},
        .merged = {(const uint8_t *)merged.tickets,
                   merged.head.len * sizeof merged.tickets[0]},
    };
    uint8_t *at = buffer_reserve(frame, HOT_NOTIFICATION_HEAD_MAX + body.len +
                                            notification.merged.len);

    frame->len += (size_t)(hot_write_notification(at, &notification) - at);
    push_in_flight(rewind, recipient);
    ++*ret_len;
    return VG_OK;
}

// False when the frame or the window is full: the rest of the record comes later.
static enum vg_status
send_record(struct rewind *rewind, struct txn *txn, size_t max_bytes,
            struct buffer *frame, size_t *ret_len, bool *ret_all)
{
    struct journal_item item;
    struct journal_event event;
    struct journal_recipient recipient;
    size_t offset = 0;
    enum vg_status status = VG_OK;

    *ret_all = false;
    while (status == VG_OK && journal_next(&rewind->record, &offset, &item)) {
        if (item.kind != JOURNAL_EVENT || !journal_item_as(&item, &event, sizeof event)) {
            continue;
        }
        for (size_t i = 0;
             status == VG_OK && journal_item_recipient(&item, i, &recipient); i++) {
            if (recipient.mailbox != rewind->mailbox || recipient.number < rewind->next ||
                recipient.number > rewind->state.through) {
                continue;
            }
            if (!has_window(rewind, recipient.size) ||
                (frame->len > 0 &&
                 frame->len + recipient.size + HOT_NOTIFICATION_HEAD_MAX > max_bytes)) {
                return VG_OK;
            }
            status = write_letter(rewind, txn, event.ticket, &recipient, frame, ret_len);
            rewind->next = recipient.number + 1;
        }
    }
    *ret_all = status == VG_OK;
    return status;
}

enum vg_status
rewind_fill(struct rewind *rewind, struct txn *txn, size_t max_bytes,
            struct buffer *frame, size_t *ret_len, bool *ret_more)
{
    struct journal_head head;
    size_t bytes = 0;
    bool all = true;
    enum vg_status status = VG_OK;

    CHECK(rewind->state.phase == REWIND_SENDS);
    *ret_len = 0;
    for (int i = 0; i < SLICE_RECORDS && bytes < SLICE_BYTES && all; i++) {
        if (rewind->next > rewind->state.through ||
            rewind->commit > rewind->last_commit) {
            rewind->state.phase = REWIND_DONE;
            break;
        }
        status = journal_read(txn, rewind->commit, &rewind->record, &head, NULL);
        if (status == VG_OK) {
            status = send_record(rewind, txn, max_bytes, frame, ret_len, &all);
        }
        if (status != VG_OK) {
            return status;
        }
        bytes += rewind->record.len;
        rewind->commit += all;
    }
    *ret_more = all && rewind->state.phase == REWIND_SENDS;
    return VG_OK;
}

// ---- acknowledgements ----

static void
free_window(struct rewind *rewind, struct sent_again *sent)
{
    if (!sent->acknowledged) {
        sent->acknowledged = true;
        rewind->state.in_flight_messages--;
        rewind->state.in_flight_bytes -= sent->size;
    }
}

// The first in flight with a number of at least this one.
static size_t
find_in_flight(const struct rewind *rewind, uint64_t number)
{
    size_t low = 0, high = rewind->flight_len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (rewind->flight[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void
rewind_acknowledge(struct rewind *rewind, const struct hot_acknowledge *acknowledge)
{
    size_t done = 0;

    while (done < rewind->flight_len &&
           rewind->flight[done].number <= acknowledge->through) {
        free_window(rewind, &rewind->flight[done++]);
    }
    for (uint32_t i = 0; i < acknowledge->also_len; i++) {
        size_t at = find_in_flight(rewind, acknowledge->also[i]);

        if (at < rewind->flight_len &&
            rewind->flight[at].number == acknowledge->also[i]) {
            free_window(rewind, &rewind->flight[at]);
        }
    }
    while (done < rewind->flight_len && rewind->flight[done].acknowledged) {
        done++;
    }
    if (done == 0) {
        return; // there may be none at all
    }
    rewind->flight_len -= done;
    memmove(rewind->flight, rewind->flight + done,
            rewind->flight_len * sizeof *rewind->flight);
}
