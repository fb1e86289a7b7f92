// SPDX-License-Identifier: EUPL-1.2
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "connection.h"
#include "error.h"
#include "mutation.h"
#include "unanswered.h"
#include "vigie/vigie.h"

enum {
    BATCH_DEFAULT = 500,
    WINDOW_DEFAULT = 8000,
    MESSAGE_BYTES_DEFAULT = 1024 * 1024,
    GATHER_FRAMES = 2, // unanswered: what comes then waits until its frame is full
    RETRY_MS_MIN = 100,
    RETRY_MS_MAX = 5000,
    STALL_MS = 10 * 1000, // sent, and neither an answer nor a "blocked" for so long
};

struct vg_publisher {
    struct vg_connection *connection;
    struct vg_unanswered unanswered;
    struct vg_publisher_options options;
    uint64_t window_messages;
    uint64_t window_bytes;
    uint64_t highest_sent; // on any connection
    size_t frames_out;     // sent on this connection and not answered, final or not
    bool begun;            // the broker told where this producer stands
    bool joined;           // it did so on this connection too: sending may go on
    bool blocked;
    bool closing;
    int retry_ms;
    int64_t retry_at; // then all is sent again
    int64_t stall_at; // an answer should have come by then
};

// ---- out ----

static void
ask_last_number(struct vg_publisher *publisher)
{
    Vigie__V1__LastNumber question = VIGIE__V1__LAST_NUMBER__INIT;
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;

    question.producer = publisher->options.producer;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_LAST_NUMBER;
    message.last_number = &question;
    (void)vg_connection_send(publisher->connection, &message);
}

static bool
may_send(const struct vg_publisher *publisher)
{
    return publisher->joined && !publisher->blocked && publisher->retry_at == VG_NEVER &&
           vg_connection_is_ready(publisher->connection);
}

// The first frame always fits: otherwise a window that shrank would stop it for ever.
static bool
fits_window(const struct vg_publisher *publisher, const struct vg_frame *frame)
{
    const struct vg_unanswered *unanswered = &publisher->unanswered;
    uint64_t in_flight = vg_unanswered_in_flight(unanswered);

    return in_flight == 0 ||
           (in_flight + frame->mutations <= publisher->window_messages &&
            unanswered->sent_bytes + frame->len <= publisher->window_bytes);
}

static bool
send_frame(struct vg_publisher *publisher, struct vg_frame *frame)
{
    uint8_t *mutations = frame->memory + HOT_HEAD_MAX;
    uint64_t last = frame->first_number + frame->mutations - 1;
    uint8_t *head;

    head = hot_publish_head(mutations, frame->len, publisher->options.producer,
                            frame->first_number);
    if (!vg_connection_send_bytes(publisher->connection, head,
                                  (size_t)(mutations - head) + frame->len)) {
        return false;
    }
    publisher->frames_out++;
    if (last > publisher->highest_sent) {
        publisher->highest_sent = last;
    }
    return true;
}

// A frame costs both sides the same whatever is in it, and behind one that is being synced
// and one that waits for it, another gains nothing.
static bool
must_gather(const struct vg_publisher *publisher)
{
    return publisher->frames_out >= GATHER_FRAMES;
}

static void
send_frames(struct vg_publisher *publisher)
{
    struct vg_unanswered *unanswered = &publisher->unanswered;

    while (may_send(publisher)) {
        struct vg_frame *frame = vg_unanswered_unsent(unanswered);

        if (frame == NULL || !frame->closed || !fits_window(publisher, frame) ||
            !send_frame(publisher, frame)) {
            return;
        }
        if (unanswered->sent_len == 0) {
            publisher->stall_at = vg_clock_ms() + STALL_MS;
        }
        vg_unanswered_sent(unanswered);
    }
}

static void
retry_later(struct vg_publisher *publisher)
{
    if (publisher->retry_at != VG_NEVER) {
        return;
    }
    publisher->retry_at = vg_clock_ms() + publisher->retry_ms;
    publisher->retry_ms *= 2;
    if (publisher->retry_ms > RETRY_MS_MAX) {
        publisher->retry_ms = RETRY_MS_MAX;
    }
}

// ---- answers ----

// Whether a number ended with this result. A number after one that was put off is a gap
// only because of that; and the window is the broker's to grant, not the caller's fault.
static bool
is_final(const Vigie__V1__Fault *fault)
{
    return !vg_fault_is_temporary(fault) &&
           (fault == NULL ||
            (fault->status != (uint32_t)VG_GAP && fault->status != (uint32_t)VG_WINDOW));
}

static bool
results_are_in_order(const Vigie__V1__Published *published)
{
    for (size_t i = 1; i < published->n_results; i++) {
        if (published->results[i]->number <= published->results[i - 1]->number) {
            return false;
        }
    }
    return true;
}

// An answer must begin at or before the first number without one, and cannot reach beyond
// what was ever sent.
static bool
answer_is_sound(const struct vg_publisher *publisher,
                const Vigie__V1__Published *published)
{
    const struct vg_unanswered *unanswered = &publisher->unanswered;

    return results_are_in_order(published) &&
           (published->through <= unanswered->answered ||
            (published->first_number <= unanswered->answered + 1 &&
             published->through <= publisher->highest_sent &&
             published->through - published->first_number < HOT_MUTATIONS_MAX));
}

static void
tell_outcome(struct vg_publisher *publisher, uint64_t number,
             const struct vg_error *fault, uint64_t ticket)
{
    vg_unanswered_answer(&publisher->unanswered, number);
    if (publisher->options.outcome != NULL) {
        publisher->options.outcome(number, fault->status, ticket, fault->sentence,
                                   publisher->options.arg);
    }
}

// Walks numbers and results together. Tickets count the kept ones of the whole frame,
// also those that were answered before. Returns whether every number up to `through`
// ended.
static bool
tell_outcomes(struct vg_publisher *publisher, const Vigie__V1__Published *published)
{
    static const struct vg_error kept = {VG_OK, "done"};
    uint64_t ticket = published->ticket_first;
    size_t results = 0;

    for (uint64_t number = published->first_number; number <= published->through;
         number++) {
        const Vigie__V1__Result *result = NULL;
        struct vg_error fault;

        while (results < published->n_results &&
               published->results[results]->number < number) {
            results++;
        }
        if (results < published->n_results &&
            published->results[results]->number == number) {
            result = published->results[results];
        }
        if (result != NULL && !is_final(result->fault)) {
            return false;
        }
        if (result != NULL) {
            vg_fault_read(result->fault, &fault);
        }
        if (number > publisher->unanswered.answered) {
            tell_outcome(publisher, number, result == NULL ? &kept : &fault,
                         result == NULL ? ticket : 0);
        }
        ticket += result == NULL;
    }
    return true;
}

static bool
some_were_put_off(const struct vg_publisher *publisher,
                  const Vigie__V1__Published *published)
{
    for (size_t i = published->n_results; i > 0; i--) {
        const Vigie__V1__Result *result = published->results[i - 1];

        if (result->number > publisher->unanswered.answered && !is_final(result->fault)) {
            return true;
        }
    }
    return false;
}

static void
frame_answered(struct vg_publisher *publisher)
{
    if (publisher->frames_out > 0) {
        publisher->frames_out--;
    }
}

static bool
take_published(struct vg_publisher *publisher, struct hot_bytes body)
{
    Vigie__V1__Published *published =
        vigie__v1__published__unpack(NULL, body.len, body.at);
    uint64_t answered = publisher->unanswered.answered;
    bool all_ended;

    if (published == NULL || !answer_is_sound(publisher, published)) {
        vg_connection_break(publisher->connection, "an answer could not be understood");
        vigie__v1__published__free_unpacked(published, NULL);
        return false;
    }
    if (published->producer != publisher->options.producer) {
        vigie__v1__published__free_unpacked(published, NULL);
        return false;
    }
    frame_answered(publisher);
    all_ended = tell_outcomes(publisher, published);
    if (publisher->unanswered.answered > answered) {
        publisher->retry_ms = RETRY_MS_MIN;
        publisher->stall_at = vg_clock_ms() + STALL_MS;
    }
    if (!all_ended || some_were_put_off(publisher, published)) {
        retry_later(publisher);
    }
    vigie__v1__published__free_unpacked(published, NULL);
    return publisher->unanswered.answered > answered;
}

// ---- a new connection ----

// Two things cannot be mended by sending again: a broker that forgot what it had
// answered, and a second publisher that counts under the same producer.
static bool
numbers_fit(struct vg_publisher *publisher, uint64_t last)
{
    struct vg_error fault;

    if (last < publisher->unanswered.answered) {
        (void)vg_fail(&fault, VG_GAP,
                      "the broker knows producer %" PRIu32 " up to %" PRIu64
                      " only, but had answered up to %" PRIu64,
                      publisher->options.producer, last, publisher->unanswered.answered);
    } else if (last > publisher->highest_sent) {
        (void)vg_fail(&fault, VG_EXISTS,
                      "another publisher uses producer %" PRIu32
                      ": the broker has number %" PRIu64,
                      publisher->options.producer, last);
    } else {
        return true;
    }
    vg_connection_end(publisher->connection, &fault);
    return false;
}

static bool
take_last_number(struct vg_publisher *publisher, struct hot_bytes body)
{
    Vigie__V1__LastNumberIs *answer =
        vigie__v1__last_number_is__unpack(NULL, body.len, body.at);
    uint64_t last;

    if (answer == NULL || answer->producer != publisher->options.producer ||
        publisher->joined) {
        vigie__v1__last_number_is__free_unpacked(answer, NULL);
        return false;
    }
    last = answer->number;
    vigie__v1__last_number_is__free_unpacked(answer, NULL);
    if (!publisher->begun) {
        vg_unanswered_begin(&publisher->unanswered, last);
        publisher->highest_sent = last;
        publisher->begun = true;
    } else if (!numbers_fit(publisher, last)) {
        return false;
    }
    vg_unanswered_rewind(&publisher->unanswered);
    publisher->joined = true;
    publisher->retry_at = VG_NEVER;
    return true;
}

static uint32_t
mutations_per_frame(const struct vg_publisher *publisher, const struct vg_grant *grant)
{
    uint64_t most =
        publisher->options.batch_max == 0 ? BATCH_DEFAULT : publisher->options.batch_max;
    uint64_t quarter = publisher->window_messages / 4;

    most = most < HOT_MUTATIONS_MAX ? most : HOT_MUTATIONS_MAX;
    if (grant->mutations_max != 0 && grant->mutations_max < most) {
        most = grant->mutations_max;
    }
    // Some frames must fit the window, so that one is filled while others are answered.
    if (quarter < most) {
        most = quarter == 0 ? 1 : quarter;
    }
    return (uint32_t)most;
}

static void
on_ready(const struct vg_grant *grant, void *arg)
{
    struct vg_publisher *publisher = arg;
    uint32_t granted =
        grant->window_messages == 0 ? WINDOW_DEFAULT : grant->window_messages;
    uint32_t asked = publisher->options.window_messages;

    publisher->window_messages = asked == 0 || asked > granted ? granted : asked;
    publisher->window_bytes = grant->window_bytes == 0 ? UINT64_MAX : grant->window_bytes;
    publisher->unanswered.frame_mutations_max = mutations_per_frame(publisher, grant);
    publisher->unanswered.frame_bytes_max =
        grant->message_bytes_max == 0 ? MESSAGE_BYTES_DEFAULT : grant->message_bytes_max;
    publisher->joined = false;
    publisher->blocked = false;
    publisher->frames_out = 0;
    publisher->stall_at = vg_clock_ms() + STALL_MS;
    ask_last_number(publisher);
}

static void
on_lost(void *arg)
{
    struct vg_publisher *publisher = arg;

    publisher->joined = false;
    publisher->blocked = false;
    publisher->retry_at = VG_NEVER;
}

// ---- turns ----

static void
take_refused(struct vg_publisher *publisher, struct hot_bytes body)
{
    Vigie__V1__Refused *refused = vigie__v1__refused__unpack(NULL, body.len, body.at);
    struct vg_error fault;

    if (refused == NULL) {
        vg_connection_break(publisher->connection, "a refusal could not be understood");
        return;
    }
    if (is_final(refused->fault)) {
        vg_fault_read(refused->fault, &fault);
        vg_connection_end(publisher->connection, &fault);
    } else {
        frame_answered(publisher);
        retry_later(publisher);
    }
    vigie__v1__refused__free_unpacked(refused, NULL);
}

static void
tell_undelivered(const struct vg_publisher *publisher,
                 const Vigie__V1__Undelivered *undelivered)
{
    size_t len = undelivered->n_mutations;
    struct vg_undelivered *told = calloc(len + 1, sizeof *told);

    for (size_t i = 0; told != NULL && i < len; i++) {
        const Vigie__V1__UndeliveredMutation *one = undelivered->mutations[i];

        told[i] = (struct vg_undelivered){
            .ticket = one->ticket,
            .flow = one->flow,
            .id = one->id,
            .recipient = one->recipient,
            .reason = one->reason,
            .kept_at_us = one->kept_at,
            .since_us = one->since,
        };
    }
    if (told != NULL) {
        publisher->options.undelivered(told, len, undelivered->more,
                                       publisher->options.arg);
    }
    free(told);
}

static void
take_undelivered(struct vg_publisher *publisher, struct hot_bytes body)
{
    Vigie__V1__Undelivered *undelivered =
        vigie__v1__undelivered__unpack(NULL, body.len, body.at);

    if (undelivered == NULL) {
        vg_connection_break(publisher->connection, "a report could not be understood");
        return;
    }
    if (publisher->options.undelivered != NULL) {
        tell_undelivered(publisher, undelivered);
    }
    vigie__v1__undelivered__free_unpacked(undelivered, NULL);
}

static bool
on_frame(uint32_t kind, struct hot_bytes frame, struct hot_bytes body, void *arg)
{
    struct vg_publisher *publisher = arg;

    (void)frame;
    switch (kind) {
    case VIGIE__V1__TO_CLIENT__MESSAGE_PUBLISHED:
        return take_published(publisher, body);
    case VIGIE__V1__TO_CLIENT__MESSAGE_LAST_NUMBER_IS:
        return take_last_number(publisher, body);
    case VIGIE__V1__TO_CLIENT__MESSAGE_REFUSED:
        take_refused(publisher, body);
        return false;
    case VIGIE__V1__TO_CLIENT__MESSAGE_UNDELIVERED:
        take_undelivered(publisher, body);
        return false;
    case VIGIE__V1__TO_CLIENT__MESSAGE_BLOCKED:
        publisher->blocked = true;
        return true;
    case VIGIE__V1__TO_CLIENT__MESSAGE_RESUMED:
        publisher->blocked = false;
        publisher->stall_at = vg_clock_ms() + STALL_MS;
        // What was put off need not wait out its pause.
        publisher->retry_at = publisher->retry_at == VG_NEVER ? VG_NEVER : 0;
        return true;
    default:
        return false;
    }
}

// Nothing waits for an answer while the broker says that it is blocked.
static int64_t
stalled_at(const struct vg_publisher *publisher)
{
    bool waits =
        !publisher->joined || vg_unanswered_in_flight(&publisher->unanswered) > 0;

    return waits && !publisher->blocked && vg_connection_is_ready(publisher->connection)
               ? publisher->stall_at
               : VG_NEVER;
}

// Frames behind the one that was put off are on their way or have a gap before them. To send
// all again before they are answered would be more than the window.
static int64_t
retry_due_at(const struct vg_publisher *publisher)
{
    return publisher->blocked || publisher->frames_out > 0 ? VG_NEVER
                                                           : publisher->retry_at;
}

static void
on_work(int64_t now, void *arg)
{
    struct vg_publisher *publisher = arg;

    if (now >= stalled_at(publisher)) {
        vg_connection_break(publisher->connection, "no answer came for too long");
        return;
    }
    if (now >= retry_due_at(publisher)) {
        vg_unanswered_rewind(&publisher->unanswered);
        publisher->retry_at = VG_NEVER;
    }
    if (!must_gather(publisher)) {
        vg_unanswered_close(&publisher->unanswered);
    }
    send_frames(publisher);
}

static bool
has_something_to_send(const struct vg_publisher *publisher)
{
    const struct vg_frame *frame = vg_unanswered_unsent(&publisher->unanswered);

    return frame != NULL && (frame->closed || !must_gather(publisher)) &&
           may_send(publisher) && fits_window(publisher, frame);
}

static int64_t
on_due(void *arg)
{
    const struct vg_publisher *publisher = arg;
    int64_t stalled = stalled_at(publisher);
    int64_t retry = retry_due_at(publisher);

    if (has_something_to_send(publisher)) {
        return 0;
    }
    return retry < stalled ? retry : stalled;
}

static bool
on_goodbye(void *arg)
{
    const struct vg_publisher *publisher = arg;

    return vg_unanswered_in_flight(&publisher->unanswered) == 0;
}

// ---- life ----

static bool
is_joined(void *arg)
{
    const struct vg_publisher *publisher = arg;

    return publisher->joined;
}

static enum vg_status
connect_publisher(struct vg_publisher *publisher, const struct vg_address *address,
                  int timeout_ms, struct vg_error *error)
{
    const struct vg_connection_owner owner = {.ready = on_ready,
                                              .lost = on_lost,
                                              .frame = on_frame,
                                              .work = on_work,
                                              .due_at = on_due,
                                              .may_leave = on_goodbye,
                                              .arg = publisher};

    return vg_connection_begin(address, &owner, is_joined, timeout_ms,
                               &publisher->connection, error);
}

enum vg_status
vg_publisher_open(const struct vg_address *address,
                  const struct vg_publisher_options *options, int timeout_ms,
                  struct vg_publisher **ret_publisher, struct vg_error *error)
{
    struct vg_publisher *publisher;
    enum vg_status status;

    if (options->producer == 0) {
        return vg_fail(error, VG_MALFORMED, "producers are numbered from 1");
    }
    publisher = calloc(1, sizeof *publisher);
    if (publisher == NULL) {
        return vg_fail(error, VG_NO_MEMORY, "no memory for a publisher");
    }
    publisher->options = *options;
    publisher->retry_ms = RETRY_MS_MIN;
    publisher->retry_at = VG_NEVER;
    publisher->stall_at = VG_NEVER;
    status = connect_publisher(publisher, address, timeout_ms, error);
    if (status != VG_OK) {
        vg_publisher_close(&publisher);
        return status;
    }
    *ret_publisher = publisher;
    return VG_OK;
}

void
vg_publisher_close(struct vg_publisher **publisher)
{
    struct vg_publisher *closed = *publisher;
    struct vg_error unknown;

    if (closed == NULL) {
        return;
    }
    closed->closing = true;
    (void)vg_fail(&unknown, VG_UNKNOWN, "%s", vg_status_sentence(VG_UNKNOWN));
    while (closed->begun && vg_unanswered_count(&closed->unanswered) > 0) {
        tell_outcome(closed, closed->unanswered.answered + 1, &unknown, 0);
    }
    vg_connection_close(&closed->connection);
    vg_unanswered_end(&closed->unanswered);
    free(closed);
    *publisher = NULL;
}

// ---- publishing ----

uint64_t
vg_publisher_next(const struct vg_publisher *publisher)
{
    return publisher->unanswered.next;
}

static bool
window_is_full(const struct vg_publisher *publisher)
{
    const struct vg_unanswered *unanswered = &publisher->unanswered;

    return vg_unanswered_count(unanswered) >= publisher->window_messages ||
           unanswered->bytes >= publisher->window_bytes;
}

enum vg_status
vg_publish(struct vg_publisher *publisher, const struct vg_mutation *mutation,
           uint64_t *ret_number, struct vg_error *error)
{
    const struct vg_error *fault = vg_connection_fault(publisher->connection);
    struct hot_mutation hot;
    enum vg_status status;
    size_t size_max;

    if (fault != NULL) {
        return vg_fail_again(error, fault);
    }
    if (publisher->closing || window_is_full(publisher)) {
        return vg_fail(error, VG_BUSY, "%zu mutations wait for their answer",
                       vg_unanswered_count(&publisher->unanswered));
    }
    status = vg_mutation_check_out(mutation, &hot, &size_max, error);
    if (status != VG_OK) {
        return status;
    }
    status = vg_unanswered_append(&publisher->unanswered, &hot, size_max);
    if (status != VG_OK) {
        return vg_fail(error, status, "%s", vg_status_sentence(status));
    }
    if (ret_number != NULL) {
        *ret_number = publisher->unanswered.next - 1;
    }
    send_frames(publisher);
    return VG_OK;
}

enum vg_status
vg_publisher_flush(struct vg_publisher *publisher)
{
    const struct vg_error *fault = vg_connection_fault(publisher->connection);

    if (fault != NULL) {
        return fault->status;
    }
    vg_unanswered_close(&publisher->unanswered);
    send_frames(publisher);
    return VG_OK;
}

enum vg_status
vg_publisher_process(struct vg_publisher *publisher, int timeout_ms,
                     struct vg_error *error)
{
    return vg_connection_run(publisher->connection, timeout_ms, NULL, error);
}

static bool
is_settled(void *arg)
{
    const struct vg_publisher *publisher = arg;

    return vg_unanswered_count(&publisher->unanswered) == 0;
}

enum vg_status
vg_publisher_settle(struct vg_publisher *publisher, int timeout_ms,
                    struct vg_error *error)
{
    return vg_connection_run(publisher->connection, timeout_ms, is_settled, error);
}

// ---- questions ----

size_t
vg_publisher_unanswered(const struct vg_publisher *publisher)
{
    return vg_unanswered_count(&publisher->unanswered);
}

bool
vg_publisher_blocked(const struct vg_publisher *publisher)
{
    return publisher->blocked;
}

int
vg_publisher_fd(const struct vg_publisher *publisher)
{
    return vg_connection_fd(publisher->connection);
}

int
vg_publisher_due_ms(const struct vg_publisher *publisher)
{
    return vg_connection_due_ms(publisher->connection);
}
