// SPDX-License-Identifier: EUPL-1.2
#include "connection.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <zmq.h>

#include "address.h"
#include "clock.h"
#include "error.h"
#include "link.h"
#include "pulse.h"

enum {
    WIRE_VERSION = 1,
    BACKOFF_MS_MIN = 100,
    BACKOFF_MS_MAX = 5000,
    LEAVE_MS = 2000, // answers may still come after a goodbye
    LINGER_MS = 2000,
    FRAMES_PER_TURN = 256,
    HEARTBEAT_MS_DEFAULT = 10 * 1000,
};

enum state {
    RESTING,  // no socket until retry_at
    GREETING, // Hello is sent
    READY,
    LEAVING, // the broker said goodbye
    ENDED,
};

struct vg_connection {
    struct vg_connection_owner owner;
    struct vg_address *address;
    struct vg_link link; // open unless resting or ended
    enum state state;
    bool running;
    bool broken;           // drop it at the end of this turn
    char reason[160];      // why the last one was dropped
    struct vg_error fault; // ENDED: why
    struct vg_grant grant;
    int backoff_ms;
    int64_t retry_at;
    int64_t attempt_until;
    int64_t leave_until;
    int64_t ready_at;
    struct vg_pulse pulse;
    uint64_t echo_sent;
    uint64_t echo_seen;
};

// ---- one attempt ----

static void
say_hello(struct vg_connection *connection)
{
    Vigie__V1__Hello hello = VIGIE__V1__HELLO__INIT;
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;

    hello.version = WIRE_VERSION;
    hello.client = (char *)connection->address->program;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_HELLO;
    message.hello = &hello;
    (void)vg_connection_send(connection, &message);
}

static enum vg_status
start_attempt(struct vg_connection *connection, int64_t now, struct vg_error *error)
{
    enum vg_status status = vg_link_open(&connection->link, connection->address, error);

    if (status != VG_OK) {
        return status;
    }
    connection->state = GREETING;
    connection->attempt_until = now + VG_ATTEMPT_MS;
    connection->broken = false;
    say_hello(connection);
    return VG_OK;
}

// ---- life ----

enum vg_status
vg_connection_open(const struct vg_address *address,
                   const struct vg_connection_owner *owner,
                   struct vg_connection **ret_connection, struct vg_error *error)
{
    struct vg_connection *connection = calloc(1, sizeof *connection);
    enum vg_status status;

    if (connection == NULL) {
        return vg_fail(error, VG_NO_MEMORY, "no memory for a connection");
    }
    connection->owner = *owner;
    connection->backoff_ms = BACKOFF_MS_MIN;
    status = vg_link_init(&connection->link, error);
    if (status == VG_OK) {
        status = vg_address_copy(address, &connection->address, error);
    }
    if (status == VG_OK) {
        status = start_attempt(connection, vg_clock_ms(), error);
    }
    if (status != VG_OK) {
        vg_connection_close(&connection);
        return status;
    }
    *ret_connection = connection;
    return VG_OK;
}

void
vg_connection_close(struct vg_connection **connection)
{
    struct vg_connection *closed = *connection;

    if (closed == NULL) {
        return;
    }
    vg_link_end(&closed->link);
    vg_address_free(&closed->address);
    free(closed);
    *connection = NULL;
}

void
vg_connection_end(struct vg_connection *connection, const struct vg_error *fault)
{
    if (connection->state != ENDED) {
        connection->state = ENDED;
        connection->fault = *fault;
    }
}

void
vg_connection_break(struct vg_connection *connection, const char *reason)
{
    if (!connection->broken) {
        connection->broken = true;
        (void)snprintf(connection->reason, sizeof connection->reason, "%s", reason);
    }
}

// A third of the pause is drawn, so that a thousand clients do not come back at once.
static int
next_pause_ms(struct vg_connection *connection)
{
    int whole = connection->backoff_ms;
    uint32_t drawn = 0;

    connection->backoff_ms = whole * 2 > BACKOFF_MS_MAX ? BACKOFF_MS_MAX : whole * 2;
    (void)getrandom(&drawn, sizeof drawn, GRND_NONBLOCK);
    return whole - (int)(drawn % (uint32_t)(whole / 3 + 1));
}

static void
drop_connection(struct vg_connection *connection, int64_t now, int linger_ms)
{
    bool was_ready = connection->state != GREETING;

    // One that ends at once after its welcome is as bad as one that never came.
    if (was_ready && now - connection->ready_at >= connection->backoff_ms) {
        connection->backoff_ms = BACKOFF_MS_MIN;
    }
    vg_link_close(&connection->link, linger_ms);
    connection->broken = false;
    connection->state = RESTING;
    connection->retry_at = now + next_pause_ms(connection);
    if (was_ready) {
        connection->owner.lost(connection->owner.arg);
    }
}

// ---- sending ----

static bool
send_message(struct vg_connection *connection, zmq_msg_t *message)
{
    if (!vg_link_send(&connection->link, message)) {
        vg_connection_break(connection, "a frame could not be sent");
        return false;
    }
    connection->pulse.sent_at = vg_clock_ms();
    return true;
}

bool
vg_connection_send(struct vg_connection *connection, const Vigie__V1__ToBroker *message)
{
    size_t size = vigie__v1__to_broker__get_packed_size(message);
    zmq_msg_t frame;

    if (connection->link.dealer == NULL || zmq_msg_init_size(&frame, size) != 0) {
        return false;
    }
    (void)vigie__v1__to_broker__pack(message, zmq_msg_data(&frame));
    return send_message(connection, &frame);
}

bool
vg_connection_send_bytes(struct vg_connection *connection, const uint8_t *at, size_t len)
{
    zmq_msg_t frame;

    if (connection->link.dealer == NULL || zmq_msg_init_size(&frame, len) != 0) {
        return false;
    }
    memcpy(zmq_msg_data(&frame), at, len);
    return send_message(connection, &frame);
}

uint64_t
vg_connection_probe(struct vg_connection *connection)
{
    Vigie__V1__Heartbeat heartbeat = VIGIE__V1__HEARTBEAT__INIT;
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;

    heartbeat.echo = connection->echo_sent + 1;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_HEARTBEAT;
    message.heartbeat = &heartbeat;
    if (!vg_connection_is_open(connection) || !vg_connection_send(connection, &message)) {
        return 0;
    }
    connection->pulse.heartbeat_at = connection->pulse.sent_at;
    return ++connection->echo_sent;
}

// ---- receiving ----

static void
read_welcome(struct vg_connection *connection, struct hot_bytes body)
{
    Vigie__V1__Welcome *welcome = vigie__v1__welcome__unpack(NULL, body.len, body.at);

    if (welcome == NULL || welcome->version != WIRE_VERSION) {
        vg_connection_break(connection, "the broker's welcome could not be understood");
        vigie__v1__welcome__free_unpacked(welcome, NULL);
        return;
    }
    connection->grant = (struct vg_grant){
        .role = welcome->role,
        .heartbeat_ms =
            welcome->heartbeat_ms == 0 ? HEARTBEAT_MS_DEFAULT : welcome->heartbeat_ms,
        .window_messages = welcome->window_messages,
        .window_bytes = welcome->window_bytes,
        .mutations_max = welcome->mutations_max,
        .message_bytes_max = welcome->message_bytes_max,
    };
    vigie__v1__welcome__free_unpacked(welcome, NULL);
    connection->pulse.heartbeat_ms = connection->grant.heartbeat_ms;
    connection->state = READY;
    connection->ready_at = connection->pulse.received_at;
    connection->owner.ready(&connection->grant, connection->owner.arg);
}

// A refused Hello: only time may help, or nothing does.
static void
read_refusal(struct vg_connection *connection, struct hot_bytes body)
{
    Vigie__V1__Refused *refused = vigie__v1__refused__unpack(NULL, body.len, body.at);
    struct vg_error fault;

    if (refused == NULL) {
        vg_connection_break(connection, "a refusal could not be understood");
        return;
    }
    vg_fault_read(refused->fault, &fault);
    if (vg_fault_is_temporary(refused->fault) && fault.status != VG_KEY_REVOKED &&
        fault.status != VG_KEY_UNKNOWN) {
        vg_connection_break(connection, fault.sentence);
    } else {
        vg_connection_end(connection, &fault);
    }
    vigie__v1__refused__free_unpacked(refused, NULL);
}

static void
read_heartbeat(struct vg_connection *connection, struct hot_bytes body)
{
    Vigie__V1__Heartbeat *heartbeat =
        vigie__v1__heartbeat__unpack(NULL, body.len, body.at);

    if (heartbeat != NULL) {
        connection->echo_seen = heartbeat->echo;
        vigie__v1__heartbeat__free_unpacked(heartbeat, NULL);
    }
}

static bool
take_greeting(struct vg_connection *connection, uint32_t kind, struct hot_bytes body)
{
    if (kind == VIGIE__V1__TO_CLIENT__MESSAGE_WELCOME) {
        read_welcome(connection, body);
        return true;
    }
    if (kind == VIGIE__V1__TO_CLIENT__MESSAGE_REFUSED) {
        read_refusal(connection, body);
    } else if (kind == VIGIE__V1__TO_CLIENT__MESSAGE_GOODBYE) {
        vg_connection_break(connection, "the broker is stopping");
    }
    return false;
}

static bool
take_frame(struct vg_connection *connection, struct hot_bytes frame, int64_t now)
{
    struct hot_bytes body;
    uint32_t kind = hot_to_client_kind(frame, &body);

    if (connection->state == GREETING) {
        return take_greeting(connection, kind, body);
    }
    if (kind == VIGIE__V1__TO_CLIENT__MESSAGE_HEARTBEAT) {
        read_heartbeat(connection, body);
        return false;
    }
    if (kind == VIGIE__V1__TO_CLIENT__MESSAGE_GOODBYE && connection->state == READY) {
        connection->state = LEAVING;
        connection->leave_until = now + LEAVE_MS;
    }
    return connection->owner.frame(kind, frame, body, connection->owner.arg);
}

static bool
goal_is_reached(const struct vg_connection *connection, bool (*goal)(void *arg))
{
    return goal != NULL && goal(connection->owner.arg);
}

// A lost connection is emptied, whatever its length: nothing more comes.
static bool
receive_frames(struct vg_connection *connection, int64_t now, bool (*goal)(void *arg))
{
    bool wanted = false;
    zmq_msg_t message;

    (void)zmq_msg_init(&message);
    for (int i = 0; i < FRAMES_PER_TURN || connection->broken; i++) {
        if (connection->state == ENDED || goal_is_reached(connection, goal) ||
            !vg_link_receive(&connection->link, &message)) {
            break;
        }
        vg_pulse_received(&connection->pulse, now);
        wanted |= take_frame(
            connection,
            (struct hot_bytes){zmq_msg_data(&message), zmq_msg_size(&message)}, now);
    }
    (void)zmq_msg_close(&message);
    return wanted;
}

// ---- what became of it ----

static void
end_by_key(struct vg_connection *connection, enum vg_status status)
{
    struct vg_error fault;

    (void)vg_fail(&fault, status, "%s", vg_status_sentence(status));
    vg_connection_end(connection, &fault);
}

static void
take_event(struct vg_connection *connection, enum vg_link_event event)
{
    switch (event) {
    case VG_LINK_KEY_UNKNOWN:
        end_by_key(connection, VG_KEY_UNKNOWN);
        break;
    case VG_LINK_KEY_REVOKED:
        end_by_key(connection, VG_KEY_REVOKED);
        break;
    case VG_LINK_KEY_LATER:
        vg_connection_break(connection, "the broker does not take this key yet");
        break;
    case VG_LINK_NOBODY:
        vg_connection_break(connection, "nobody listens there");
        break;
    case VG_LINK_NO_HANDSHAKE:
        vg_connection_break(connection, "the handshake failed; is broker_public right?");
        break;
    case VG_LINK_LOST:
        vg_connection_break(connection, connection->state == GREETING
                                            ? "closed before a welcome came"
                                            : "the connection was lost");
        break;
    case VG_LINK_QUIET:
        break;
    }
}

static void
take_events(struct vg_connection *connection)
{
    enum vg_link_event event;

    while (connection->state != ENDED &&
           (event = vg_link_event(&connection->link)) != VG_LINK_QUIET) {
        take_event(connection, event);
    }
}

// ---- time ----

static void
keep_alive(struct vg_connection *connection, int64_t now)
{
    if (now >= vg_pulse_silent_at(&connection->pulse)) {
        vg_connection_break(connection, "nothing was heard of the broker for too long");
        return;
    }
    if (now >= vg_pulse_due_at(&connection->pulse) &&
        vg_connection_probe(connection) != 0 && connection->pulse.probed_at == 0) {
        connection->pulse.probed_at = now;
    }
}

static void
retry_attempt(struct vg_connection *connection, int64_t now)
{
    struct vg_error error;

    if (start_attempt(connection, now, &error) != VG_OK) {
        connection->retry_at = now + next_pause_ms(connection);
        (void)snprintf(connection->reason, sizeof connection->reason, "%s",
                       error.sentence);
    }
}

static void
keep_time(struct vg_connection *connection, int64_t now)
{
    switch (connection->state) {
    case RESTING:
        if (now >= connection->retry_at) {
            retry_attempt(connection, now);
        }
        break;
    case GREETING:
        if (now >= connection->attempt_until) {
            vg_connection_break(connection, "no welcome came");
        }
        break;
    case READY:
        keep_alive(connection, now);
        break;
    case LEAVING:
        if (now >= connection->leave_until ||
            connection->owner.may_leave(connection->owner.arg)) {
            vg_connection_break(connection, "the broker is stopping");
        }
        break;
    case ENDED:
        break;
    }
}

// The moment of the next thing to do, but for what arrives.
static int64_t
due_at(const struct vg_connection *connection)
{
    int64_t owner_at = connection->owner.due_at == NULL
                           ? VG_NEVER
                           : connection->owner.due_at(connection->owner.arg);
    int64_t at = VG_NEVER;

    if (connection->broken) {
        return 0;
    }
    switch (connection->state) {
    case RESTING:
        at = connection->retry_at;
        break;
    case GREETING:
        at = connection->attempt_until;
        break;
    case READY: {
        int64_t silent = vg_pulse_silent_at(&connection->pulse);
        int64_t heartbeat = vg_pulse_due_at(&connection->pulse);

        at = silent < heartbeat ? silent : heartbeat;
        break;
    }
    case LEAVING:
        at = connection->leave_until;
        break;
    case ENDED:
        return 0;
    }
    return owner_at < at ? owner_at : at;
}

// ---- turns ----

// The events are read first: then what came before the end of a connection is already
// there to be received.
static bool
take_turn(struct vg_connection *connection, bool (*goal)(void *arg))
{
    int64_t now = vg_clock_ms();
    bool wanted;

    take_events(connection);
    wanted = receive_frames(connection, now, goal);
    keep_time(connection, now);
    if (connection->owner.work != NULL) {
        connection->owner.work(now, connection->owner.arg);
    }
    if (connection->state == ENDED) {
        vg_link_close(&connection->link, 0);
    } else if (connection->broken) {
        drop_connection(connection, now, connection->state == LEAVING ? LINGER_MS : 0);
    }
    return wanted;
}

// What to wait for at most, in milliseconds; 0 when there is something to do.
static int
pause_ms(const struct vg_connection *connection, int64_t until)
{
    int64_t now = vg_clock_ms();
    int64_t at = due_at(connection);

    if (vg_link_has_input(&connection->link)) {
        return 0;
    }
    at = at < until ? at : until;
    if (at <= now) {
        return 0;
    }
    return at - now > INT_MAX ? INT_MAX : (int)(at - now);
}

static enum vg_status
tell_timeout(const struct vg_connection *connection, struct vg_error *error)
{
    if (vg_connection_is_ready(connection)) {
        return vg_fail(error, VG_TIMED_OUT, "%s", vg_status_sentence(VG_TIMED_OUT));
    }
    return vg_fail(error, VG_TIMED_OUT, "no connection to %.60s: %s",
                   connection->address->endpoint,
                   connection->reason[0] == '\0' ? "no answer yet" : connection->reason);
}

static enum vg_status
run(struct vg_connection *connection, int64_t until, bool (*goal)(void *arg),
    struct vg_error *error)
{
    for (;;) {
        bool wanted = take_turn(connection, goal);
        struct pollfd fd = {connection->link.epoll_fd, POLLIN, 0};

        if (connection->state == ENDED) {
            return vg_fail_again(error, &connection->fault);
        }
        if (goal != NULL ? goal_is_reached(connection, goal) : wanted) {
            return VG_OK;
        }
        if (vg_clock_ms() >= until) {
            return tell_timeout(connection, error);
        }
        if (poll(&fd, 1, pause_ms(connection, until)) < 0 && errno == EINTR) {
            return vg_fail(error, VG_INTERRUPTED, "%s",
                           vg_status_sentence(VG_INTERRUPTED));
        }
    }
}

enum vg_status
vg_connection_run(struct vg_connection *connection, int timeout_ms,
                  bool (*goal)(void *arg), struct vg_error *error)
{
    int64_t until = timeout_ms < 0 ? VG_NEVER : vg_clock_ms() + timeout_ms;
    enum vg_status status;

    if (connection->running) {
        return vg_fail(error, VG_BUSY, "not from inside a callback");
    }
    connection->running = true;
    status = run(connection, until, goal, error);
    connection->running = false;
    return status;
}

enum vg_status
vg_connection_begin(const struct vg_address *address,
                    const struct vg_connection_owner *owner, bool (*goal)(void *arg),
                    int timeout_ms, struct vg_connection **ret_connection,
                    struct vg_error *error)
{
    enum vg_status status = vg_connection_open(address, owner, ret_connection, error);

    return status == VG_OK ? vg_connection_run(*ret_connection, timeout_ms, goal, error)
                           : status;
}

// ---- questions ----

bool
vg_connection_echoed(const struct vg_connection *connection, uint64_t probe)
{
    return connection->echo_seen >= probe;
}

bool
vg_connection_is_running(const struct vg_connection *connection)
{
    return connection->running;
}

bool
vg_connection_is_ready(const struct vg_connection *connection)
{
    return connection->state == READY && !connection->broken;
}

bool
vg_connection_is_open(const struct vg_connection *connection)
{
    return (connection->state == READY || connection->state == LEAVING) &&
           !connection->broken;
}

const struct vg_error *
vg_connection_fault(const struct vg_connection *connection)
{
    return connection->state == ENDED ? &connection->fault : NULL;
}

int
vg_connection_fd(const struct vg_connection *connection)
{
    return connection->link.epoll_fd;
}

int
vg_connection_due_ms(const struct vg_connection *connection)
{
    int64_t at = due_at(connection);

    if (at == VG_NEVER && !vg_link_has_input(&connection->link)) {
        return -1;
    }
    return pause_ms(connection, VG_NEVER);
}
