// SPDX-License-Identifier: EUPL-1.2
#include "flow/outflow.h"

#include "store/bodies.h"

#include <stdlib.h>
#include <string.h>

enum { LETTERS_AT_ONCE = 256 };

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
