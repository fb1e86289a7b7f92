// SPDX-License-Identifier: EUPL-1.2
#include "flow/outflow_internal.h"

#include "flow/sift.h"
#include "store/bodies.h"
#include "store/merged.h"

#include <stdlib.h>
#include <string.h>

enum {
    LETTERS_AT_ONCE = 256,
    LETTERS_AHEAD = 6,    // whose bodies are on their way to the cache
    DEFERRALS_MAX = 1000, // in one command, and on their way to the disk
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
    CHECK(outflow->main.len == 0);
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
        flight_free(&(*outflow)->main);
        flight_free(&(*outflow)->tried);
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

// ---- numbers that have left ----

static void
insert_skip(struct outflow *outflow, size_t i, uint64_t number)
{
    outflow->skip =
        realloc(outflow->skip, (outflow->skip_len + 1) * sizeof *outflow->skip);
    CHECK(outflow->skip != NULL);
    memmove(&outflow->skip[i + 1], &outflow->skip[i],
            (outflow->skip_len - i) * sizeof *outflow->skip);
    outflow->skip[i] = (struct number_range){.first = number, .last = number};
    outflow->skip_len++;
}

void
outflow_pass(struct outflow *outflow, uint64_t number)
{
    size_t i = outflow->skip_len;

    if (number <= outflow->state.sent) {
        return;
    }
    while (i > outflow->skip_next && outflow->skip[i - 1].first > number) {
        i--;
    }
    if (i == outflow->skip_next || outflow->skip[i - 1].last + 1 < number) {
        insert_skip(outflow, i, number);
    } else if (outflow->skip[i - 1].last < number) {
        outflow->skip[i - 1].last = number;
    }
}

static bool
has_left(struct outflow *outflow, uint64_t number)
{
    while (outflow->skip_next < outflow->skip_len &&
           outflow->skip[outflow->skip_next].last < number) {
        outflow->skip_next++;
    }
    return outflow->skip_next < outflow->skip_len &&
           number >= outflow->skip[outflow->skip_next].first;
}

bool
outflow_has_left(const struct outflow *outflow, uint64_t number)
{
    for (size_t i = outflow->skip_next; i < outflow->skip_len; i++) {
        if (number <= outflow->skip[i].last) {
            return number >= outflow->skip[i].first;
        }
    }
    return false;
}

static bool
flies_in(const struct flight *flight, uint64_t subject)
{
    const struct in_flight *item = flight_first(flight);

    while (item != NULL && item->subject != subject) {
        item = flight_next(flight, item);
    }
    return item != NULL;
}

bool
outflow_flies(const struct outflow *outflow, uint64_t subject)
{
    return flies_in(&outflow->main, subject) || flies_in(&outflow->tried, subject);
}

// ---- the window ----

static void
take_window(struct outflow *outflow, const struct in_flight *flight)
{
    outflow->state.in_flight_messages++;
    outflow->state.in_flight_bytes += flight->size;
}

static bool
has_window(const struct outflow *outflow, uint32_t size)
{
    const struct outflow_state *state = &outflow->state;

    return state->in_flight_messages < state->window_messages &&
           (state->in_flight_bytes + size <= state->window_bytes ||
            state->in_flight_messages == 0);
}

// ---- filling a frame ----

// One filling on its way.
struct filling {
    struct outflow *outflow;
    const struct outflow_view *view;
    uint64_t again_through;
    size_t max_bytes;
    struct buffer *frame;
    struct outflow_turn *turn;
};

static uint64_t
subject_of(struct bytes body)
{
    uint64_t niss, enterprise;

    hot_content_about((struct hot_bytes){body.at, body.len}, &niss, &enterprise);
    return enterprise != 0 ? HELD_ENTERPRISE | enterprise : niss;
}

static bool
fits(const struct filling *filling, uint32_t size)
{
    const struct buffer *frame = filling->frame;

    return has_window(filling->outflow, size) &&
           (frame->len == 0 ||
            frame->len + size + HOT_NOTIFICATION_HEAD_MAX <= filling->max_bytes);
}

static struct in_flight
flight_of(const struct letter *letter, uint64_t subject)
{
    return (struct in_flight){
        .number = letter->number,
        .bytes_through = letter->bytes_through,
        .subject = subject,
        .size = letter->size,
    };
}

// The tickets for which it stands, as they go on the wire.
static enum vg_status
read_merged(const struct filling *filling, struct bytes body, struct merged_row *row,
            struct hot_bytes *ret_merged)
{
    struct mailbox_id mailbox = {filling->outflow->state.mailbox};
    struct hot_content content;
    enum vg_status status;

    *ret_merged = (struct hot_bytes){NULL, 0};
    if (!filling->view->stands ||
        hot_read_content((struct hot_bytes){body.at, body.len}, &content) != HOT_OK) {
        return VG_OK;
    }
    status = merged_get(filling->view->txn, content.ticket, mailbox, row);
    if (status == VG_OK) {
        *ret_merged = (struct hot_bytes){(const uint8_t *)row->tickets,
                                         row->head.len * sizeof row->tickets[0]};
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

// attempt 0: in its turn.
static enum vg_status
write_letter(struct filling *filling, const struct letter *letter, struct bytes body,
             uint32_t attempt)
{
    struct hot_notification notification = {
        .mailbox = filling->outflow->state.mailbox,
        .number = letter->number,
        .again = attempt == 0 && letter->number <= filling->again_through,
        .attempt = attempt,
        .justified = letter->quality != 0,
        .quality = letter->quality,
        .begin = day_number((struct day){letter->begin}),
        .end = day_number((struct day){letter->end}),
        .content = {body.at, body.len},
    };
    struct merged_row row;
    uint8_t *at;
    enum vg_status status = read_merged(filling, body, &row, &notification.merged);

    if (status != VG_OK) {
        return status;
    }
    at = buffer_reserve(filling->frame,
                        HOT_NOTIFICATION_HEAD_MAX + body.len + notification.merged.len);
    filling->frame->len += (size_t)(hot_write_notification(at, &notification) - at);
    filling->turn->sent++;
    return VG_OK;
}

static bool
note_passed(struct number_range *passed, size_t *len, uint64_t number)
{
    if (*len > 0 && passed[*len - 1].last + 1 == number) {
        passed[*len - 1].last = number;
        return true;
    }
    if (*len == OUTFLOW_PASSED_MAX) {
        return false;
    }
    passed[(*len)++] = (struct number_range){.first = number, .last = number};
    return true;
}

// Held letters whose moment has come. False: there was no room for all.
static enum vg_status
fill_tries(struct filling *filling, bool *ret_all)
{
    struct outflow *outflow = filling->outflow;
    const struct outflow_view *view = filling->view;
    uint32_t mailbox = outflow->state.mailbox;
    struct due_letter due[LETTERS_AT_ONCE];
    size_t len = holds_due(view->holds, mailbox, view->now_us, due, LETTERS_AT_ONCE);

    *ret_all = true;
    for (size_t i = 0; i < len; i++) {
        struct held_row row;
        struct bytes body;
        bool waits = false;
        enum vg_status status =
            held_get(view->txn, (struct mailbox_id){mailbox}, due[i].number, &row);

        // The transaction may be newer than what the loop was told.
        if (status == VG_NOT_FOUND || (status == VG_OK && row.head.state != HELD_RETRY)) {
            continue;
        }
        // Behind an earlier one meanwhile, or parked: it is still with the member.
        if (status == VG_OK && flight_find(&outflow->tried, due[i].number) != NULL) {
            holds_sent(view->holds, mailbox, &due[i]);
            continue;
        }
        if (status == VG_OK && row.head.attempts == 0) {
            status = sift_waits(view, outflow, &due[i], &waits);
        }
        if (status == VG_OK && waits) {
            continue; // behind that one, as soon as its turn comes
        }
        if (status == VG_OK) {
            status = body_get(view->txn, row.head.letter.body, &body);
        }
        if (status != VG_OK) {
            return status == VG_NOT_FOUND ? VG_STORE_BROKEN : status;
        }
        if (!fits(filling, row.head.letter.size)) {
            *ret_all = false;
            return VG_OK;
        }

        struct in_flight flight = flight_of(&row.head.letter, row.head.subject);

        status = write_letter(filling, &row.head.letter, body, row.head.attempts + 1);
        if (status != VG_OK) {
            return status;
        }
        flight_add(&outflow->tried, &flight);
        take_window(outflow, &flight);
        holds_sent(view->holds, mailbox, &due[i]);
    }
    return VG_OK;
}

// False: not now, too many are on their way to the disk or held.
static bool
defer_letter(struct filling *filling, const struct letter *letter, uint64_t subject)
{
    struct outflow *outflow = filling->outflow;
    struct outflow_turn *turn = filling->turn;
    uint32_t mailbox = outflow->state.mailbox;
    struct letter_about about = {*letter, subject};
    struct in_flight flight = flight_of(letter, subject);
    struct defer_command *defer;

    if (outflow->deferring == DEFERRALS_MAX ||
        holds_len(filling->view->holds, mailbox) >= HELD_MAX ||
        !note_passed(turn->passed, &turn->passed_len, letter->number)) {
        return false;
    }
    if (turn->defer == NULL) {
        turn->defer = command_new(COMMAND_DEFER, NULL, 0);
        turn->defer->defer.mailbox = mailbox;
        turn->defer->defer.letters =
            xcalloc(DEFERRALS_MAX, sizeof *turn->defer->defer.letters);
    }
    defer = &turn->defer->defer;
    defer->letters[defer->letters_len++] = about;
    holds_expect(filling->view->holds, mailbox, &about);
    flight.acknowledged = flight.waits = true;
    flight_add(&outflow->main, &flight);
    outflow->deferring++;
    return true;
}

// Numbers after the last one sent that have left; in the backlog such have no place. False:
// no more can be named in this turn.
static bool
pass_left(struct filling *filling, uint64_t last)
{
    struct outflow *outflow = filling->outflow;
    struct outflow_turn *turn = filling->turn;

    for (uint64_t number = outflow->state.sent + 1; number <= last; number++) {
        if (has_left(outflow, number) &&
            !note_passed(turn->passed, &turn->passed_len, number)) {
            return false;
        }
        outflow->state.sent = number;
    }
    return true;
}

// Is one about this subject held? The transaction knows at least the replacements that the
// loop has heard of; a mailbox that holds nothing asks nobody.
static enum vg_status
is_held_about(const struct filling *filling, uint64_t subject, bool *ret_held)
{
    const struct holds *holds = filling->view->holds;
    uint32_t mailbox = filling->outflow->state.mailbox;
    struct subjects subjects;
    enum vg_status status;

    *ret_held = holds_about(holds, mailbox, subject);
    if (*ret_held || holds_len(holds, mailbox) == 0) {
        return VG_OK;
    }
    status = subjects_of(filling->view->txn, subject, &subjects);
    for (size_t i = 0; status == VG_OK && !*ret_held && i < subjects.len; i++) {
        *ret_held = holds_about(holds, mailbox, subjects.at[i]);
    }
    return status;
}

// Kept since the mailbox's digest was due, or nobody knows when.
static bool
is_held_back(const struct filling *filling, struct bytes body)
{
    int64_t from_us = filling->view->hold_back_us;
    struct hot_content content;

    return from_us != 0 &&
           (hot_read_content((struct hot_bytes){body.at, body.len}, &content) != HOT_OK ||
            (int64_t)content.kept_at_us >= from_us);
}

// Sends, defers or passes the next letter of the main sequence. False: no more now.
static enum vg_status
fill_letter(struct filling *filling, const struct letter *letter, bool *ret_more)
{
    struct outflow *outflow = filling->outflow;
    struct in_flight flight;
    struct bytes body;
    bool held = false;
    enum vg_status status;

    if (filling->view->through != 0 && letter->number > filling->view->through) {
        *ret_more = false;
        return VG_OK;
    }
    *ret_more = pass_left(filling, letter->number - 1);
    if (*ret_more && has_left(outflow, letter->number)) {
        *ret_more = pass_left(filling, letter->number);
        return VG_OK;
    }
    status = *ret_more ? body_get(filling->view->txn, letter->body, &body) : VG_OK;
    if (status != VG_OK || !*ret_more) {
        return status;
    }
    flight = flight_of(letter, subject_of(body));
    *ret_more = false;
    if (is_held_back(filling, body)) {
        return VG_OK;
    }
    status = is_held_about(filling, flight.subject, &held);
    if (status != VG_OK) {
        return status;
    }
    if (held) {
        *ret_more = defer_letter(filling, letter, flight.subject);
    } else if (fits(filling, letter->size)) {
        status = write_letter(filling, letter, body, 0);
        if (status != VG_OK) {
            return status;
        }
        flight_add(&outflow->main, &flight);
        take_window(outflow, &flight);
        *ret_more = true;
    }
    if (*ret_more) {
        outflow->state.sent = letter->number;
    }
    return VG_OK;
}

static void
fetch(const struct filling *filling, const struct letter *letter)
{
    body_hint(filling->view->txn, letter->body, letter->size);
}

static enum vg_status
fill_main(struct filling *filling)
{
    struct outflow *outflow = filling->outflow;
    struct letter letters[LETTERS_AT_ONCE];
    size_t len = 0;
    bool more = true;
    enum vg_status status = VG_OK;

    while (status == VG_OK && more && has_window(outflow, 0)) {
        status = tails_letters(filling->view->tails, filling->view->txn,
                               outflow->state.mailbox, outflow->state.sent + 1, letters,
                               LETTERS_AT_ONCE, &len);
        more = len > 0;
        for (size_t i = 0; i < len && i < LETTERS_AHEAD; i++) {
            fetch(filling, &letters[i]);
        }
        for (size_t i = 0; status == VG_OK && more && i < len; i++) {
            if (i + LETTERS_AHEAD < len) {
                fetch(filling, &letters[i + LETTERS_AHEAD]);
            }
            status = fill_letter(filling, &letters[i], &more);
        }
    }
    return status;
}

enum vg_status
outflow_fill(struct outflow *outflow, const struct outflow_view *view,
             uint64_t again_through, size_t max_bytes, struct buffer *frame,
             struct outflow_turn *ret_turn)
{
    struct filling filling = {outflow, view, again_through, max_bytes, frame, ret_turn};
    bool all = true;
    enum vg_status status;

    ret_turn->sent = ret_turn->passed_len = 0;
    ret_turn->defer = NULL;
    if (view->hold_back_us == RULES_REST) {
        return VG_OK;
    }
    status = fill_tries(&filling, &all);
    return status == VG_OK && all ? fill_main(&filling) : status;
}
