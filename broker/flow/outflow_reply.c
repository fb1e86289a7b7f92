// SPDX-License-Identifier: EUPL-1.2
// outflow_reply.c - what a member says of the letters he was handed: acknowledged, refused.
#include "flow/outflow_internal.h"

#include "store/mailbox.h"

#include <stdlib.h>

static void
free_window(struct outflow *outflow, const struct in_flight *flight)
{
    outflow->state.in_flight_messages--;
    outflow->state.in_flight_bytes -= flight->size;
}

// ---- acknowledgements ----

// What is done with at the front leaves the queue, and the mark moves to the last of it:
// numbers that were not sent, because they had left before, are passed by the store.
// Nothing passes a letter that waits for its refusal or deferral to be on disk.
static void
pop_done(struct outflow *outflow, struct acknowledge_command *acknowledge)
{
    struct in_flight *flight;

    while ((flight = flight_first(&outflow->main)) != NULL && flight->acknowledged &&
           !flight->waits) {
        acknowledge->through = flight->number;
        acknowledge->through_bytes = flight->bytes_through;
        outflow->state.acknowledged = flight->number;
        flight_pop(&outflow->main);
    }
}

static void
acknowledge_through(struct outflow *outflow, uint64_t through)
{
    struct in_flight *flight = flight_first(&outflow->main);

    for (; flight != NULL && flight->number <= through;
         flight = flight_next(&outflow->main, flight)) {
        if (!flight->acknowledged) {
            flight->acknowledged = true;
            free_window(outflow, flight);
        }
    }
}

// The numbers up to `through` that were never in the queue are passed as well.
static void
move_acknowledged(struct outflow *outflow, uint64_t through)
{
    const struct in_flight *flight = flight_first(&outflow->main);

    if (flight != NULL && flight->number <= through) {
        through = flight->number - 1;
    }
    if (through > outflow->state.acknowledged) {
        outflow->state.acknowledged = through;
    }
}

static void
acknowledge_single(struct outflow *outflow, uint64_t number,
                   struct acknowledge_command *acknowledge)
{
    struct in_flight *tried = flight_find(&outflow->tried, number);
    struct in_flight *flight =
        tried != NULL ? tried : flight_find(&outflow->main, number);

    if (flight == NULL || flight->acknowledged) {
        return;
    }
    free_window(outflow, flight);
    acknowledge->singles[acknowledge->singles_len++] = (struct acknowledge_single){
        .number = number,
        .bytes_through = flight->bytes_through,
        .bytes = flight->size,
    };
    if (tried != NULL) {
        flight_remove(&outflow->tried, tried);
    } else {
        flight->acknowledged = true;
    }
}

static enum vg_status
check_sent(const struct outflow *outflow, const struct hot_acknowledge *acknowledge,
           struct why *why)
{
    uint64_t most = acknowledge->through;

    for (uint32_t i = 0; i < acknowledge->also_len; i++) {
        uint64_t number = acknowledge->also[i];

        if (number > most && flight_find(&outflow->tried, number) == NULL) {
            most = number;
        }
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
    acknowledge_through(outflow, acknowledge->through);
    if (acknowledge->also_len > 0) {
        command->acknowledge.singles =
            xcalloc(acknowledge->also_len, sizeof *command->acknowledge.singles);
    }
    for (uint32_t i = 0; i < acknowledge->also_len; i++) {
        acknowledge_single(outflow, acknowledge->also[i], &command->acknowledge);
    }
    pop_done(outflow, &command->acknowledge);
    move_acknowledged(outflow, acknowledge->through);
    if (command->acknowledge.through == 0 && command->acknowledge.singles_len == 0) {
        command_free(&command);
    }
    *ret_command = command;
    return VG_OK;
}

// ---- refusals ----

// A letter of the main sequence, as it lies. VG_NOT_FOUND: what an earlier session said of
// it was late, and has taken it away.
static enum vg_status
read_letter(const struct outflow *outflow, const struct outflow_view *view,
            const struct in_flight *flight, struct letter_about *ret)
{
    size_t len = 0;
    enum vg_status status = tails_letters(view->tails, view->txn, outflow->state.mailbox,
                                          flight->number, &ret->letter, 1, &len);

    ret->subject = flight->subject;
    if (status == VG_OK && (len == 0 || ret->letter.number != flight->number)) {
        return VG_NOT_FOUND;
    }
    return status;
}

static enum vg_status
read_held(const struct outflow *outflow, const struct outflow_view *view,
          const struct in_flight *tried, struct letter_about *ret)
{
    struct held_row row;
    enum vg_status status = held_get(
        view->txn, (struct mailbox_id){outflow->state.mailbox}, tried->number, &row);

    if (status == VG_OK) {
        *ret = (struct letter_about){row.head.letter, row.head.subject};
    }
    return status;
}

// Those in flight after a refused letter and about the same subject.
static enum vg_status
read_later(const struct outflow *outflow, const struct outflow_view *view,
           struct refuse_command *refuse)
{
    struct in_flight *flight =
        flight_from(&outflow->main, refuse->refused.letter.number + 1);
    struct subjects subjects;
    enum vg_status status = subjects_of(view->txn, refuse->refused.subject, &subjects);
    size_t size = 0;

    for (; status == VG_OK && flight != NULL;
         flight = flight_next(&outflow->main, flight)) {
        if (flight->acknowledged || !subjects_have(&subjects, flight->subject)) {
            continue;
        }
        if (refuse->later_len == size) {
            size = size * 2 + 8;
            refuse->later = realloc(refuse->later, size * sizeof *refuse->later);
            CHECK(refuse->later != NULL);
        }
        status = read_letter(outflow, view, flight, &refuse->later[refuse->later_len]);
        if (status == VG_OK) {
            refuse->later_len++;
        } else if (status == VG_NOT_FOUND) {
            status = VG_OK;
        }
    }
    return status;
}

static void
leave_flight(struct outflow *outflow, struct in_flight *flight)
{
    flight->acknowledged = flight->waits = true;
    free_window(outflow, flight);
}

// It was acknowledged or handled meanwhile.
static void
forget(struct outflow *outflow, struct in_flight *flight, bool tried)
{
    free_window(outflow, flight);
    if (tried) {
        flight_remove(&outflow->tried, flight);
    } else {
        flight->acknowledged = true;
    }
}

// All of it is read before anything changes.
static enum vg_status
make_refusal(struct outflow *outflow, const struct outflow_view *view,
             struct in_flight *flight, bool tried, struct command *command)
{
    struct refuse_command *refuse = &command->refuse;
    enum vg_status status = tried ? read_held(outflow, view, flight, &refuse->refused)
                                  : read_letter(outflow, view, flight, &refuse->refused);

    if (status == VG_OK && !refuse->park) {
        status = read_later(outflow, view, refuse);
    }
    if (status != VG_OK) {
        return status;
    }
    if (!tried) {
        flight->waits = true;
    }
    forget(outflow, flight, tried);
    holds_expect(view->holds, outflow->state.mailbox, &refuse->refused);
    for (size_t i = 0; i < refuse->later_len; i++) {
        leave_flight(outflow,
                     flight_find(&outflow->main, refuse->later[i].letter.number));
        holds_expect(view->holds, outflow->state.mailbox, &refuse->later[i]);
    }
    return VG_OK;
}

enum vg_status
outflow_refuse(struct outflow *outflow, const struct outflow_view *view,
               const struct refusal *refusal, struct command **ret_command,
               struct why *why)
{
    struct in_flight *tried = flight_find(&outflow->tried, refusal->number);
    struct in_flight *flight =
        tried != NULL ? tried : flight_find(&outflow->main, refusal->number);
    struct command *command;
    enum vg_status status;

    *ret_command = NULL;
    if (flight == NULL && refusal->number > outflow->state.sent) {
        return fail(why, VG_NOT_FOUND,
                    "mailbox %u: number %llu was not sent on this connection",
                    outflow->state.mailbox, (unsigned long long)refusal->number);
    }
    if (flight == NULL || flight->acknowledged) {
        return VG_OK;
    }
    command = command_new(COMMAND_REFUSE, refusal->reason.at, refusal->reason.len);
    command->refuse.mailbox = outflow->state.mailbox;
    command->refuse.reason = (struct bytes){command->frame.at, command->frame.len};
    command->refuse.retry_after_ms = refusal->retry_after_ms;
    command->refuse.park = refusal->park;
    status = make_refusal(outflow, view, flight, tried != NULL, command);
    if (status != VG_OK) {
        command_free(&command);
    }
    if (status == VG_NOT_FOUND) {
        forget(outflow, flight, tried != NULL);
        return VG_OK;
    }
    if (status != VG_OK) {
        return fail(why, status, "mailbox %u: letter %llu cannot be refused now: %s",
                    outflow->state.mailbox, (unsigned long long)refusal->number,
                    vg_status_sentence(status));
    }
    *ret_command = command;
    return VG_OK;
}

static void
end_waiting(struct outflow *outflow, const struct letter_about *letters, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        struct in_flight *flight = flight_find(&outflow->main, letters[i].letter.number);

        if (flight != NULL) {
            flight->waits = false;
        }
    }
}

void
outflow_answered(struct outflow *outflow, const struct command *answered,
                 struct command **ret_command)
{
    struct command *command = command_new(COMMAND_ACKNOWLEDGE, NULL, 0);

    if (answered->kind == COMMAND_DEFER) {
        size_t len = answered->defer.letters_len;

        end_waiting(outflow, answered->defer.letters, len);
        outflow->deferring -= len < outflow->deferring ? len : outflow->deferring;
    } else {
        end_waiting(outflow, &answered->refuse.refused, 1);
        end_waiting(outflow, answered->refuse.later, answered->refuse.later_len);
    }
    command->acknowledge.mailbox = outflow->state.mailbox;
    pop_done(outflow, &command->acknowledge);
    if (command->acknowledge.through == 0) {
        command_free(&command);
    }
    *ret_command = command;
}
