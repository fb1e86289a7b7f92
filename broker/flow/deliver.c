// SPDX-License-Identifier: EUPL-1.2
#include "flow/deliver.h"

#include "store/bodies.h"

#include <stdlib.h>
#include <string.h>

enum { LETTERS_AT_ONCE = 256 };

// ---- tails ----

// A mailbox's newest letters: consecutive numbers from `first`.
struct tail {
    struct letter *letters;
    size_t len;
    size_t size;
    uint64_t last; // newest number ever seen, kept when the letters go
};

struct tails {
    struct tail *tail[2]; // default mailboxes by id, further ones by id - EXTRA_FIRST
    size_t size[2];
    size_t letters;
};

static const struct tail *
tail_at(const struct tails *tails, uint32_t mailbox)
{
    bool extra = mailbox >= MAILBOX_EXTRA_FIRST;
    size_t index = extra ? mailbox - MAILBOX_EXTRA_FIRST : mailbox;

    return index < tails->size[extra] ? &tails->tail[extra][index] : NULL;
}

static struct tail *
tail_for(struct tails *tails, uint32_t mailbox)
{
    bool extra = mailbox >= MAILBOX_EXTRA_FIRST;
    size_t index = extra ? mailbox - MAILBOX_EXTRA_FIRST : mailbox;

    if (index >= tails->size[extra]) {
        size_t size = index * 2 + 64;
        struct tail *tail = realloc(tails->tail[extra], size * sizeof *tail);

        CHECK(tail != NULL);
        memset(tail + tails->size[extra], 0, (size - tails->size[extra]) * sizeof *tail);
        tails->tail[extra] = tail;
        tails->size[extra] = size;
    }
    return &tails->tail[extra][index];
}

static void
tails_add(struct tails *tails, uint32_t mailbox, const struct letter *letter)
{
    struct tail *tail = tail_for(tails, mailbox);

    CHECK(tail->len == 0 || letter->number == tail->last + 1);
    if (tail->len == tail->size) {
        tail->size = tail->size * 2 + 16;
        tail->letters = realloc(tail->letters, tail->size * sizeof *tail->letters);
        CHECK(tail->letters != NULL);
    }
    tail->letters[tail->len++] = *letter;
    tail->last = letter->number;
    tails->letters++;
}

static void
tails_forget(struct tails *tails)
{
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < tails->size[i]; j++) {
            struct tail *tail = &tails->tail[i][j];

            tail->len = 0;
            if (tail->size > LETTERS_AT_ONCE) { // a burst's memory is given back
                free(tail->letters);
                tail->letters = NULL;
                tail->size = 0;
            }
        }
    }
    tails->letters = 0;
}

static enum vg_status
rebuild_from_commit(struct tails *tails, struct txn *txn, uint64_t commit,
                    struct buffer *record, struct why *why)
{
    struct journal_head head;
    struct journal_item item;
    struct journal_recipient recipient;
    size_t offset = 0;
    enum vg_status status = journal_read(txn, commit, record, &head, why);

    while (status == VG_OK && journal_next(record, &offset, &item)) {
        for (size_t i = 0;
             item.kind == JOURNAL_EVENT && journal_item_recipient(&item, i, &recipient);
             i++) {
            struct letter letter = letter_of(&recipient);

            tails_add(tails, recipient.mailbox, &letter);
        }
    }
    return status;
}

enum vg_status
tails_open(struct txn *txn, struct tails **ret_tails, struct why *why)
{
    struct tails *tails = xcalloc(1, sizeof *tails);
    struct buffer record = {0};
    struct meta meta;
    enum vg_status status = meta_get(txn, &meta, why);

    for (uint64_t commit = status == VG_OK ? meta.folded_commit + 1 : 1;
         status == VG_OK && commit <= meta.last_commit; commit++) {
        status = rebuild_from_commit(tails, txn, commit, &record, why);
    }
    buffer_free(&record);
    if (status != VG_OK) {
        tails_free(&tails);
        return status;
    }
    *ret_tails = tails;
    return VG_OK;
}

void
tails_free(struct tails **tails)
{
    if (*tails == NULL) {
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < (*tails)->size[i]; j++) {
            free((*tails)->tail[i][j].letters);
        }
        free((*tails)->tail[i]);
    }
    free(*tails);
    *tails = NULL;
}

void
tails_take(struct tails *tails, const struct batch *batch)
{
    if (batch->folded) {
        tails_forget(tails);
    }
    for (size_t i = 0; i < batch->posted_len; i++) {
        tails_add(tails, batch->posted[i].mailbox, &batch->posted[i].letter);
    }
}

uint64_t
tails_last(const struct tails *tails, uint32_t mailbox)
{
    const struct tail *tail = tail_at(tails, mailbox);

    return tail == NULL ? 0 : tail->last;
}

size_t
tails_bytes(const struct tails *tails)
{
    return tails->letters * sizeof(struct letter);
}

enum vg_status
tails_letters(const struct tails *tails, struct txn *txn, uint32_t mailbox, uint64_t from,
              struct letter *ret_letters, size_t max, size_t *ret_len)
{
    const struct tail *tail = tail_at(tails, mailbox);
    uint64_t first = tail == NULL || tail->len == 0 ? 0 : tail->letters[0].number;

    *ret_len = 0;
    if (first == 0 || from < first) {
        enum vg_status status = backlog_read(txn, (struct mailbox_id){mailbox}, from,
                                             ret_letters, max, ret_len);

        // The transaction may be newer than the tails: a fold not yet taken.
        while (status == VG_OK && first != 0 && *ret_len > 0 &&
               ret_letters[*ret_len - 1].number >= first) {
            --*ret_len;
        }
        if (status != VG_OK || *ret_len > 0 || first == 0) {
            return status;
        }
        from = first; // what lies between was acknowledged before the fold
    }

    size_t skip = (size_t)(from - first);

    if (skip < tail->len) {
        *ret_len = tail->len - skip < max ? tail->len - skip : max;
        memcpy(ret_letters, tail->letters + skip, *ret_len * sizeof *ret_letters);
    }
    return VG_OK;
}

// ---- outflows ----

// A letter on its way, not yet acknowledged.
struct in_flight {
    uint64_t number;
    uint64_t bytes_through;
    uint32_t size;
    bool acknowledged; // alone, while earlier ones are not
};

struct outflow {
    struct outflow_state state;
    struct number_range *skip; // acknowledged alone before this session
    size_t skip_len;
    size_t skip_next;
    struct in_flight *flight; // a queue: first, len
    size_t flight_first;
    size_t flight_len;
    size_t flight_size;
};

enum vg_status
outflow_open(struct txn *txn, uint32_t mailbox, uint64_t window_messages,
             uint64_t window_bytes, struct outflow **ret_outflow)
{
    struct number_range ranges[RANGES_MAX];
    struct mailbox_row row;
    size_t len = 0;
    enum vg_status status = mailbox_get(txn, (struct mailbox_id){mailbox}, &row);

    if (status == VG_OK && row.acknowledged_beyond > 0) {
        status = ranges_get(txn, (struct mailbox_id){mailbox}, ranges, &len);
    }
    if (status != VG_OK) {
        return status;
    }

    struct outflow *outflow = xcalloc(1, sizeof *outflow);

    outflow->skip = xcalloc(len + 1, sizeof *ranges);
    outflow->skip_len = len;
    memcpy(outflow->skip, ranges, len * sizeof *ranges);
    outflow->state.mailbox = mailbox;
    outflow->state.sent = row.acknowledged;
    outflow->state.acknowledged = row.acknowledged;
    outflow_set_window(outflow, window_messages, window_bytes);
    *ret_outflow = outflow;
    return VG_OK;
}

void
outflow_begin_after(struct outflow *outflow, uint64_t acknowledged)
{
    CHECK(outflow->flight_len == 0);
    if (acknowledged > outflow->state.acknowledged) {
        outflow->state.acknowledged = acknowledged;
        outflow->state.sent = acknowledged;
    }
}

void
outflow_free(struct outflow **outflow)
{
    if (*outflow != NULL) {
        free((*outflow)->skip);
        free((*outflow)->flight);
        free(*outflow);
        *outflow = NULL;
    }
}

struct outflow_state
outflow_state(const struct outflow *outflow)
{
    return outflow->state;
}

void
outflow_set_window(struct outflow *outflow, uint64_t messages, uint64_t bytes)
{
    outflow->state.window_messages = messages;
    outflow->state.window_bytes = bytes;
}

static bool
was_acknowledged_alone(struct outflow *outflow, uint64_t number)
{
    while (outflow->skip_next < outflow->skip_len &&
           outflow->skip[outflow->skip_next].last < number) {
        outflow->skip_next++;
    }
    return outflow->skip_next < outflow->skip_len &&
           number >= outflow->skip[outflow->skip_next].first;
}

static void
push_in_flight(struct outflow *outflow, const struct letter *letter)
{
    if (outflow->flight_first + outflow->flight_len == outflow->flight_size) {
        // Half of the queue is free at its front, or it must grow.
        if (outflow->flight_first > outflow->flight_len) {
            memmove(outflow->flight, outflow->flight + outflow->flight_first,
                    outflow->flight_len * sizeof *outflow->flight);
            outflow->flight_first = 0;
        } else {
            outflow->flight_size = outflow->flight_size * 2 + 64;
            outflow->flight =
                realloc(outflow->flight, outflow->flight_size * sizeof *outflow->flight);
            CHECK(outflow->flight != NULL);
        }
    }
    outflow->flight[outflow->flight_first + outflow->flight_len++] = (struct in_flight){
        .number = letter->number,
        .bytes_through = letter->bytes_through,
        .size = letter->size,
    };
    outflow->state.in_flight_messages++;
    outflow->state.in_flight_bytes += letter->size;
}

static bool
has_window(const struct outflow *outflow, uint32_t size)
{
    const struct outflow_state *state = &outflow->state;

    return state->in_flight_messages < state->window_messages &&
           (state->in_flight_bytes + size <= state->window_bytes ||
            state->in_flight_messages == 0);
}

static enum vg_status
write_letter(struct outflow *outflow, struct txn *txn, const struct letter *letter,
             bool again, struct buffer *frame)
{
    struct bytes body;
    enum vg_status status = body_get(txn, letter->body, &body);

    if (status != VG_OK) {
        return status;
    }

    struct hot_notification notification = {
        .mailbox = outflow->state.mailbox,
        .number = letter->number,
        .again = again,
        .justified = letter->quality != 0,
        .quality = letter->quality,
        .begin = day_number((struct day){letter->begin}),
        .end = day_number((struct day){letter->end}),
        .content = {body.at, body.len},
    };
    uint8_t *at = buffer_reserve(frame, HOT_NOTIFICATION_HEAD_MAX + body.len);

    frame->len += (size_t)(hot_write_notification(at, &notification) - at);
    push_in_flight(outflow, letter);
    return VG_OK;
}

enum vg_status
outflow_fill(struct outflow *outflow, const struct tails *tails, struct txn *txn,
             uint64_t again_through, size_t max_bytes, struct buffer *frame,
             size_t *ret_len)
{
    struct letter letters[LETTERS_AT_ONCE];
    size_t len = 0;
    enum vg_status status = VG_OK;

    *ret_len = 0;
    while (has_window(outflow, 0)) {
        status = tails_letters(tails, txn, outflow->state.mailbox,
                               outflow->state.sent + 1, letters, LETTERS_AT_ONCE, &len);
        if (status != VG_OK || len == 0) {
            return status;
        }
        for (size_t i = 0; i < len; i++) {
            const struct letter *letter = &letters[i];

            if (was_acknowledged_alone(outflow, letter->number)) {
                outflow->state.sent = letter->number;
                continue;
            }
            if (!has_window(outflow, letter->size) ||
                (frame->len > 0 &&
                 frame->len + letter->size + HOT_NOTIFICATION_HEAD_MAX > max_bytes)) {
                return VG_OK;
            }
            status = write_letter(outflow, txn, letter, letter->number <= again_through,
                                  frame);
            if (status != VG_OK) {
                return status;
            }
            outflow->state.sent = letter->number;
            ++*ret_len;
        }
    }
    return VG_OK;
}

// ---- acknowledgements ----

static struct in_flight *
first_in_flight(const struct outflow *outflow)
{
    return outflow->flight_len == 0 ? NULL : &outflow->flight[outflow->flight_first];
}

static void
pop_in_flight(struct outflow *outflow)
{
    outflow->flight_first++;
    outflow->flight_len--;
    if (outflow->flight_len == 0) {
        outflow->flight_first = 0;
    }
}

static void
free_window(struct outflow *outflow, const struct in_flight *flight)
{
    outflow->state.in_flight_messages--;
    outflow->state.in_flight_bytes -= flight->size;
}

// Everything up to `through` leaves the queue. The last of it is what the mark moves to:
// numbers that were not sent, because they were acknowledged alone, are passed by the store.
static void
acknowledge_through(struct outflow *outflow, uint64_t through,
                    struct acknowledge_command *acknowledge)
{
    struct in_flight *flight;

    while ((flight = first_in_flight(outflow)) != NULL && flight->number <= through) {
        if (!flight->acknowledged) {
            free_window(outflow, flight);
        }
        acknowledge->through = flight->number;
        acknowledge->through_bytes = flight->bytes_through;
        pop_in_flight(outflow);
    }
    if (through > outflow->state.acknowledged) {
        outflow->state.acknowledged = through;
    }
}

static struct in_flight *
find_in_flight(struct outflow *outflow, uint64_t number)
{
    struct in_flight *flight = first_in_flight(outflow);
    size_t low = 0;
    size_t high = outflow->flight_len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (flight[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < outflow->flight_len && flight[low].number == number ? &flight[low]
                                                                     : NULL;
}

static void
acknowledge_single(struct outflow *outflow, uint64_t number,
                   struct acknowledge_command *acknowledge)
{
    struct in_flight *flight = find_in_flight(outflow, number);

    if (flight == NULL || flight->acknowledged) {
        return;
    }
    flight->acknowledged = true;
    free_window(outflow, flight);
    acknowledge->singles[acknowledge->singles_len++] = (struct acknowledge_single){
        .number = number,
        .bytes_through = flight->bytes_through,
        .bytes = flight->size,
    };

    // At the front of the queue it moves the mark: everything before it is acknowledged.
    while ((flight = first_in_flight(outflow)) != NULL && flight->acknowledged) {
        outflow->state.acknowledged = flight->number;
        pop_in_flight(outflow);
    }
}

static enum vg_status
check_sent(const struct outflow *outflow, const struct hot_acknowledge *acknowledge,
           struct why *why)
{
    uint64_t most = acknowledge->through;

    for (uint32_t i = 0; i < acknowledge->also_len; i++) {
        most = acknowledge->also[i] > most ? acknowledge->also[i] : most;
    }
    if (most > outflow->state.sent) {
        return fail(
            why, VG_NOT_FOUND,
            "mailbox %u: number %llu was not sent on this connection, %llu was the "
            "last",
            outflow->state.mailbox, (unsigned long long)most,
            (unsigned long long)outflow->state.sent);
    }
    return VG_OK;
}

enum vg_status
outflow_acknowledge(struct outflow *outflow, const struct hot_acknowledge *acknowledge,
                    struct command **ret_command, struct why *why)
{
    enum vg_status status = check_sent(outflow, acknowledge, why);

    *ret_command = NULL;
    if (status != VG_OK) {
        return status;
    }

    struct command *command = command_new(COMMAND_ACKNOWLEDGE, NULL, 0);

    command->acknowledge.mailbox = outflow->state.mailbox;
    acknowledge_through(outflow, acknowledge->through, &command->acknowledge);
    if (acknowledge->also_len > 0) {
        command->acknowledge.singles =
            xcalloc(acknowledge->also_len, sizeof *command->acknowledge.singles);
    }
    for (uint32_t i = 0; i < acknowledge->also_len; i++) {
        acknowledge_single(outflow, acknowledge->also[i], &command->acknowledge);
    }
    if (command->acknowledge.through == 0 && command->acknowledge.singles_len == 0) {
        command_free(&command);
    }
    *ret_command = command;
    return VG_OK;
}
